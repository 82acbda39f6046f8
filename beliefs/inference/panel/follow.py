"""A conflict of which a population knows nothing: its talks, and forecasts of them.

Draws of parameters are weighted by the talks of the periods before (importance sampling): exact as
draws grow, and enough for the few periods with talks that a crisis has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from beliefs.features.inputs import Inputs
from beliefs.features.steps import TalksPast, conflict_age, log_age
from beliefs.inference.panel.population import Population, known_before
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.mechanisms import bargaining, talks
from beliefs.model.pooled import quadrature
from beliefs.model.structure import Columns, Structure, columns, structure_of

DRAWS = 4000


class Followed(NamedTuple):
    """Forecasts of talks made before each period, as known in the one before it."""

    within: Mapping[int, Any]  # probability of talks within so many periods, (T,)
    effective: Any  # draws that the weights are worth, (T,)


def follow(
    population: Population,
    inputs: Inputs,
    rng: np.random.Generator,
    *,
    horizons: Sequence[int] = (1,),
    ending: NDArray[np.float64] | float = 0.0,
    draws: int = DRAWS,
) -> Followed:
    """Forecast talks through a conflict, before each of its T periods.

    Over several periods beliefs and what else moves the hazard stay as they were when the forecast
    was made; time since talks and the age of the conflict go on, and it may end: `ending` is the
    probability that it does after a period without talks, by age, (T + largest horizon,) or one.
    """
    structure = structure_of(inputs)
    cols = known_before(columns(inputs))
    params = stacked_params(population.theory, structure, population.new_conflict(rng, draws))
    run = system.evaluate(np, params, cols, structure)
    hazards = _hazards_given(cols, structure, params, run)
    density = np.broadcast_to(
        talks.log_likelihood(np, cols, run.onset, run.continuation), (draws, structure.n_time)
    )
    weight = np.cumsum(density, axis=1) - density
    weight = np.exp(weight - logsumexp(weight, axis=0))
    days = structure.step_weeks * 7.0
    memory = np.moveaxis(np.expm1(cols["talks_memory"]), 0, -1)
    past = TalksPast(cols["talks_previous"], np.exp(cols["spell_age"]), memory)
    ending = np.broadcast_to(ending, structure.n_time + max(horizons))
    lasts, held, within = np.ones((draws, structure.n_time)), 0.0, {}
    for ahead in range(max(horizons)):
        age = (np.arange(structure.n_time) + ahead) * structure.step_weeks
        onset, continuation = hazards(
            params,
            spell_age=log_age(past.deadlock),
            talks_memory=np.log1p(np.moveaxis(past.memory, -1, 0)),
            conflict_age=conflict_age(age),
        )
        hazard = np.where(past.on, continuation, onset)
        held = held + lasts * hazard
        lasts = lasts * (1.0 - hazard) * (1.0 - ending[ahead : ahead + structure.n_time])
        past = past.after(days, np.zeros(structure.n_time))
        if ahead + 1 in horizons:
            within[ahead + 1] = (weight * held).sum(axis=0)
    return Followed(within, 1.0 / (weight**2).sum(axis=0))


def log_likelihood(population: Population, inputs: Inputs) -> NDArray[np.float64]:
    """Return the log likelihood of a conflict's talks by draw of the population, (draw,).

    The conflict's own parameters are integrated out: those of onsets and those of continuations,
    which no period shares.
    """
    structure = structure_of(inputs)
    cols = known_before(columns(inputs))
    params = stacked_params(population.theory, structure, dict(population.shared))
    hazards = _hazards_given(cols, structure, params, system.evaluate(np, params, cols, structure))
    each, (places, weights) = [], quadrature()
    for place in places:
        moved = {k: params[k] + place * spread for k, spread in population.spread.items()}
        density = talks.log_likelihood(np, cols, *hazards(params | moved))
        on = cols["talks_previous"]
        each.append([(density * (1.0 - on)).sum(axis=-1), (density * on).sum(axis=-1)])
    total = logsumexp(np.asarray(each), axis=0, b=weights[:, None, None])
    return np.asarray(total.sum(axis=0))


def _hazards_given(cols: Columns, structure: Structure, params: Any, run: system.System) -> Any:
    """Return the hazards of talks as a function of parameters and columns, beliefs as in a run."""
    shift, lower = system.shift(np, params, cols, structure), bargaining.lower(np, run.logit_belief)

    def hazards(params: Any, **changed: Any) -> tuple[Any, Any]:
        return talks.hazards(np, params, cols | changed, run.surplus, shift, lower)

    return hazards
