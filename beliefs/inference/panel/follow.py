"""A new conflict that starts from a population, week by week.

Draws of parameters and of the noise of belief are weighted by the talks of the weeks before
(importance sampling): exact as draws grow, and enough for the few weeks that a crisis lasts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from beliefs.features.inputs import Inputs
from beliefs.inference.panel.population import Population
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.mechanisms import talks
from beliefs.model.structure import columns, structure_of

DRAWS = 4000


class Followed(NamedTuple):
    """Forecasts of talks in each period, made before it; (T,)."""

    p: Any  # probability of talks in the period
    held: Any  # whether there were any
    effective: Any  # draws that the weights are worth


def follow(
    population: Population, inputs: Inputs, rng: np.random.Generator, draws: int = DRAWS
) -> Followed:
    """Forecast talks one period ahead through a conflict, as known in the period before."""
    structure, cols = structure_of(inputs), columns(inputs)
    params = population.new_conflict(rng, draws)
    if population.theory.beliefs:
        params["innovation"] = rng.normal(size=(draws, 2, structure.n_time))
    params = stacked_params(population.theory, structure, params)
    run = system.evaluate(np, params, cols, structure)
    density = np.broadcast_to(
        talks.log_likelihood(np, cols, run.onset, run.continuation), (draws, structure.n_time)
    )
    p = cols["talks_previous"] * run.continuation + (1.0 - cols["talks_previous"]) * run.onset
    weight = np.cumsum(density, axis=1) - density
    weight = np.exp(weight - logsumexp(weight, axis=0))
    on = cols["active"] > 0
    expected = (weight * p).sum(axis=0)
    return Followed(expected[on], cols["talks"][on] > 0, 1.0 / (weight[:, on] ** 2).sum(axis=0))
