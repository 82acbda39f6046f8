"""From the sampler's noise to the innovations of belief, once for NumPy and for PyTensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.inference.nuts.variances import filter_variances
from beliefs.model import system
from beliefs.model.contract import Array, Params
from beliefs.model.mechanisms import belief, readings
from beliefs.model.numerics.recurrence import GATE_STEEPNESS, recur
from beliefs.model.structure import Columns, Structure

__all__ = ["centre_and_spread", "innovations", "level"]


def innovations(
    xp: Any, params: Params, columns: Columns, structure: Structure, xi: Array
) -> tuple[Array, Array, Array]:
    """Return belief, its innovations and the log density that the change of variables adds.

    Parameters
    ----------
    xp, params, columns, structure
        See `beliefs.model.contract`; `params` need not hold ``innovation``.
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

    retained, shifted, pull = _linear(xp, columns, kept, push, misread)
    shifted = shifted + pull * params["belief_mean"][..., None]
    innovation, path, logdet = _guided(
        xp, kept, drift, misread, retained, shifted, spread, start, value, precision, xi
    )
    return path, innovation, logdet.sum(axis=-1)


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
    and retention form a funnel, and the level trades off against every jump. Here the level is what
    generalised least squares would give from the readings, the path integrated out (the augmented
    filter of de Jong 1991) under a normal prior, plus z of its standard errors.

    Parameters
    ----------
    xp, params, columns, structure
        See `beliefs.model.contract`; `params` need not hold ``belief_mean``.
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
    retained, shifted, pull = _linear(
        xp, columns, *system.movements(xp, params, columns, structure)
    )
    value, precision = readings.gaussian_summary(xp, params, columns, structure)
    noise = belief.volatility(xp, params, structure) ** 2
    predicted, filtered = filter_variances(xp, retained, noise, precision)
    heeded = filtered * precision  # the filter's gain
    kept = (1.0 - heeded) * retained
    still = 0.0 * kept
    # Filtered belief were the level 0, and how it answers to the level.
    at_zero = recur(xp, kept, (1.0 - heeded) * shifted + heeded * value, still, params["initial"])
    answer = recur(xp, kept, (1.0 - heeded) * pull, still, 1.0 + 0.0 * params["initial"])
    missed = value - retained * _lagged(xp, at_zero, params["initial"]) - shifted
    slope = retained * _lagged(xp, answer, 1.0 + 0.0 * params["initial"]) + pull
    weight = precision / (1.0 + predicted * precision)
    total = 1.0 / prior_sd**2 + (weight * slope**2).sum(axis=-1)
    centre = (prior_mean / prior_sd**2 + (weight * slope * missed).sum(axis=-1)) / total
    return centre + z / xp.sqrt(total), -0.5 * xp.log(total).sum(axis=-1)


def _linear(
    xp: Any, columns: Columns, kept: Array, push: Array, misread: Array
) -> tuple[Array, Array, Array]:
    """Return what is kept, what is added and the pull of the level, each (..., side, time).

    Misreading is expanded around a rough path of the readings, so that the recursion is linear.
    """
    lift = columns["guess_gate"]
    slope = misread * (GATE_STEEPNESS * lift * (1.0 - lift))
    return kept + slope, push + misread * lift - slope * columns["guess"], 1.0 - kept


def _lagged(xp: Any, path: Array, start: Array) -> Array:
    if xp is np:  # a start that is held neutral does not lead with draws
        start = np.broadcast_to(start, path.shape[:-1])
    return xp.concatenate([start[..., None], path[..., :-1]], axis=-1)


def _guided(xp: Any, *arguments: Array) -> tuple[Array, Array, Array]:
    from beliefs.inference.nuts.recentre import guided_path, guided_paths

    return guided_paths(*arguments) if xp is np else guided_path(*arguments)
