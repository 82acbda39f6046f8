"""From the sampler's noise to the innovations of belief, once for NumPy and for PyTensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.mechanism import belief, readings
from beliefs.mechanism.contract import Array, Params
from beliefs.mechanism.recurrence import GATE_STEEPNESS, gate, step
from beliefs.mechanism.structure import Columns, Structure
from beliefs.theory import system

__all__ = ["centre_and_spread", "innovations", "level"]

# Log-odds by which the rough path may miss the level; it steers the sampling alone.
ROUGHNESS = 0.2


def innovations(
    xp: Any, params: Params, columns: Columns, structure: Structure, xi: Array
) -> tuple[Array, Array, Array]:
    """Return belief, its innovations and the log density that the change of variables adds.

    Parameters
    ----------
    xp, params, columns, structure
        See `beliefs.mechanism.contract`; `params` need not hold ``innovation``.
    xi
        Standard normals, (..., side, time).

    Returns
    -------
    logit_belief, innovation
        (..., side, time).
    log_change
        Log of |d innovation / d xi|, (...).
    """
    kept, push, misread = system.movements(xp, params, columns, structure)
    drift = belief.drift(params, kept, push)
    spread = belief.volatility(xp, params, structure)
    start = belief.start_of(params)
    value, precision = readings.gaussian_summary(xp, params, columns, structure)

    # The filter is linear: misreading is expanded around a rough path of the readings.
    lift = gate(xp, columns["guess"])
    slope = misread * (GATE_STEEPNESS * lift * (1.0 - lift))
    shifted = drift + misread * lift - slope * columns["guess"]
    path, logdet = _smooth(xp, kept + slope, shifted, spread**2, start, value, precision, xi)
    moved = path - step(xp, kept, drift, misread, _lagged(xp, path, start))
    log_change = (logdet - structure.n_time * xp.log(spread)).sum(axis=-1)
    return path, moved / spread[..., None], log_change


def centre_and_spread(prior: Any) -> tuple[float, float]:
    """Return the median and half the central 68 % of a prior: finite for every prior."""
    low, middle, high = (float(prior.ppf(q)) for q in (0.16, 0.5, 0.84))
    return middle, 0.5 * (high - low)


def level(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    z: Array,
    prior_mean: float,
    prior_sd: float,
) -> tuple[Array, Array]:
    """Return the level of belief from the sampler's noise, and the log density to add.

    A belief that forgets slowly says little about its level, one that forgets fast says much: level
    and retention form a funnel. Here the level is what regressing the moves of a rough path of
    the readings on (1 - retention) would give under a normal prior, plus z of its standard errors.

    Parameters
    ----------
    xp, params, columns, structure
        See `beliefs.mechanism.contract`; `params` need not hold ``belief_mean``.
    z
        Standard normals, (..., side).
    prior_mean, prior_sd
        Centre and spread of the prior of ``belief_mean``; its shape enters elsewhere.

    Returns
    -------
    belief_mean
        (..., side).
    log_change
        Log of |d belief_mean / d z|, (...).
    """
    kept, push, misread = system.movements(xp, params, columns, structure)
    guess = columns["guess"]
    before = _lagged(xp, guess, guess[..., 0])
    moved = guess - kept * before - push - misread * gate(xp, before)
    pull = (1.0 - kept) * (columns["active"] * columns["guess_weight"])
    noise = belief.volatility(xp, params, structure) ** 2
    heard = (pull * pull).sum(axis=-1) / noise
    trust = 1.0 / (noise * (1.0 + ROUGHNESS**2 * heard))
    precision = 1.0 / prior_sd**2 + (pull * pull).sum(axis=-1) * trust
    centre = (prior_mean / prior_sd**2 + (pull * moved).sum(axis=-1) * trust) / precision
    return centre + z / xp.sqrt(precision), -0.5 * xp.log(precision).sum(axis=-1)


def _lagged(xp: Any, path: Array, start: Array) -> Array:
    return xp.concatenate([start[..., None], path[..., :-1]], axis=-1)


def _smooth(xp: Any, *arguments: Array) -> tuple[Array, Array]:
    if xp is not np:
        from beliefs.infer.recentre import smooth_path

        return smooth_path(*arguments)
    from beliefs.infer.recentre import smooth_paths

    return smooth_paths(*arguments)
