"""Drawing what a study would have seen, from a theory and known parameters.

The equations are those of the mechanisms, run by NumPy from standard normal innovations. They know
nothing of the sampler's coordinates (`beliefs.infer.innovations`), so a fit that finds the truth
again has checked those too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.infer.posterior import draw_prior, stacked_params
from beliefs.mechanism import readings, talks
from beliefs.mechanism.structure import Structure, columns, structure_of
from beliefs.study.inputs import Inputs
from beliefs.theory import system
from beliefs.theory.theory import Theory

__all__ = ["Truth", "prior_params", "simulate_inputs"]

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
    before = inputs.talks_previous[0]
    drawn = talks.simulate(rng, run.onset, run.continuation, before)
    held = drawn.astype(np.int64) * inputs.active
    told: dict[str, Any] = {
        "reading": reading,
        "talks": held,
        "talks_previous": np.append(before, held[:-1]) * inputs.active,
        "talks_by_rule": dict.fromkeys(inputs.talk_rules, held),
    }
    return replace(inputs, **told), Truth(dict(params), run.logit_belief, run.surplus)
