"""Drawing what a study would have seen, from a theory and known parameters.

The equations are those of the mechanisms, run by NumPy from standard normal innovations. They know
nothing of the sampler's coordinates (`beliefs.inference.nuts.innovations`), so a fit that finds
the truth
again has checked those too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.inference.posterior import draw_prior, stacked_params
from beliefs.model import system
from beliefs.model.contract import logistic
from beliefs.model.mechanisms import readings
from beliefs.model.structure import Columns, Structure, columns, structure_of
from beliefs.model.theory import Theory, free_parameters
from beliefs.simulation.studies.simulate_conduct import simulate_observed

__all__ = [
    "Truth",
    "lagged",
    "prior_params",
    "simulate_belief_block",
    "simulate_inputs",
    "simulate_whole",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What is known of a simulated study.

    Attributes
    ----------
    params
        Free parameters of the theory by name, innovations included; shapes by their dims.
    logit_belief
        Both beliefs, (side, time), log-odds.
    surplus
        Bargaining surplus, (time,), shares of the stake.
    """

    params: dict[str, Floats]
    logit_belief: Floats
    surplus: Floats


def prior_params(
    theory: Theory, structure: Structure, rng: np.random.Generator
) -> dict[str, Floats]:
    """Draw one set of free parameters from the prior.

    Parameters
    ----------
    theory
        Which parameters are free, and their priors.
    structure
        Structure of the study.
    rng
        Source of randomness.

    Returns
    -------
    dict of str to ndarray
        By name, shapes by their dims.
    """
    drawn = draw_prior(theory, structure, rng, (1,))
    return {name: np.asarray(value[0], dtype=float) for name, value in drawn.items()}


def simulate_inputs(
    inputs: Inputs, theory: Theory, params: dict[str, Floats], rng: np.random.Generator
) -> tuple[Inputs, Truth]:
    """Draw readings and talks anew, all other inputs unchanged.

    Parameters
    ----------
    inputs
        A design: its evidence, regimes and shocks are kept, and so are the cells in which someone
        spoke. What was said there, and its talks, are replaced.
    theory
        A theory with beliefs.
    params
        Free parameters by name, with ``innovation``.
    rng
        Source of randomness.

    Returns
    -------
    inputs : Inputs
        With drawn readings and talks; every label rule sees the same talks.
    truth : Truth

    Raises
    ------
    ValueError
        If the theory has no beliefs.
    """
    if not theory.beliefs:
        raise ValueError(f"{theory.name} has no beliefs, so it draws no readings")
    structure, cols = structure_of(inputs), columns(inputs)
    stacked = stacked_params(theory, structure, params)
    run = system.evaluate(np, stacked, cols, structure)
    said = readings.simulate(rng, stacked, cols, run.logit_belief, structure)
    reading = np.full(inputs.reading.shape, np.nan)
    reading[cols["cell_side"], cols["cell_channel"], cols["cell_time"]] = said
    inputs = _with_talks(replace(inputs, reading=reading), stacked, cols, run, rng)
    return inputs, Truth(dict(params), run.logit_belief, run.surplus)


def _with_talks(
    inputs: Inputs,
    params: dict[str, Floats],
    cols: Columns,
    run: system.System,
    rng: np.random.Generator,
) -> Inputs:
    """Draw talks, and with them the time since the last ones."""
    before = inputs.talks_previous[0]
    drawn, age, _ = system.simulate_talks(
        rng.random(len(inputs.dates)),
        params,
        cols,
        structure_of(inputs),
        run,
        start=before,
        age=np.exp(cols["spell_age"][0]),
    )
    held = drawn.astype(np.int64) * inputs.active
    made = replace(
        inputs,
        talks=held,
        talks_previous=np.append(before, held[:-1]) * inputs.active,
        talks_by_rule=dict.fromkeys(inputs.talk_rules, held),
    )
    return made.having(replace(inputs.observed, spell_age=age * inputs.active))


def lagged(truth: Truth) -> Columns:
    """Return the beliefs and the surplus of a period before, as conduct reads them."""
    p = logistic(np, truth.logit_belief)
    before = np.concatenate([np.full((2, 1), 0.5), p[:, :-1]], axis=-1)
    z = np.concatenate([[0.0], truth.surplus[:-1]])
    return {"p_lag": before, "p_lag_min": before.min(axis=0), "surplus_lag": z}


def simulate_whole(
    inputs: Inputs, theory: Theory, params: dict[str, Floats], rng: np.random.Generator
) -> tuple[Inputs, Truth | None]:
    """Draw readings, talks and conduct anew.

    Parameters
    ----------
    inputs
        A design.
    theory
        Any theory.
    params
        Free parameters of belief and of conduct by name, with ``innovation`` where the theory has
        beliefs.
    rng
        Source of randomness.

    Returns
    -------
    inputs : Inputs
    truth : Truth or None
        None for a theory without beliefs.
    """
    structure = structure_of(inputs)
    names = {p.name for p in free_parameters(theory, structure)}
    mine = {k: v for k, v in params.items() if k in names}
    inputs, truth = simulate_belief_block(inputs, theory, mine, rng)
    theirs = {k: v for k, v in params.items() if k not in names}
    beliefs = {} if truth is None else lagged(truth)
    return simulate_observed(inputs, theory, theirs, rng, beliefs=beliefs), truth


def simulate_belief_block(
    inputs: Inputs, theory: Theory, params: dict[str, Floats], rng: np.random.Generator
) -> tuple[Inputs, Truth | None]:
    """Draw readings and talks anew, or talks alone for a theory without beliefs.

    Parameters
    ----------
    inputs
        A design.
    theory
        Any theory.
    params
        Its free parameters of belief and talks, with ``innovation`` where it has beliefs.
    rng
        Source of randomness.

    Returns
    -------
    inputs : Inputs
    truth : Truth or None
        None for a theory without beliefs.
    """
    if theory.beliefs:
        return simulate_inputs(inputs, theory, params, rng)
    structure, cols = structure_of(inputs), columns(inputs)
    stacked = stacked_params(theory, structure, params)
    run = system.evaluate(np, stacked, cols, structure)
    return _with_talks(inputs, stacked, cols, run, rng), None
