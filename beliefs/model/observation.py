r"""Distributions of observables given a linear predictor: log density, and draws by inversion.

===================  ==========================================  =======================
family               value                                       `size`
===================  ==========================================  =======================
``bernoulli_logit``  0 or 1, probability logistic(eta)           -
``binomial_logit``   0..size, probability logistic(eta)          number of trials
``cloglog``          0 or 1, probability 1 - exp(-exp(eta))      -
``binomial_cloglog`` 0..size, probability 1 - exp(-exp(eta))     number of trials
``poisson_log``      0, 1, ... with mean exp(eta)                -
``negbin_log``       0, 1, ... with mean exp(eta)                variance = m + m^2/size
===================  ==========================================  =======================

The negative binomial of infinite size is the Poisson distribution, to the bit. Its log density is
written in the inverse size v, as sums that stay exact when v goes to 0:

.. math::
    \sum_{j<n} \log(1 + jv) + n\eta - n \log(1 + v e^\eta) - \frac{\log(1 + v e^\eta)}{v} - \log n!
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model.contract import Array, bounded_exp, logistic

__all__ = ["FAMILIES", "columns_of", "draw", "log_density", "predictors", "probability"]

Floats = NDArray[np.float64]

FAMILIES = (
    "bernoulli_logit", "binomial_logit", "cloglog", "binomial_cloglog", "poisson_log", "negbin_log",
)  # fmt: skip
STEEPEST = 30.0  # log of a hazard beyond which its exponential is not taken any more
FAINTEST = -30.0  # log of a hazard below which 1 - exp(-hazard) is the hazard


def _log_choose(hits: Floats, trials: Floats) -> Floats:
    """Return the log of the number of ways to choose."""
    from scipy.special import gammaln

    chosen: Floats = gammaln(trials + 1.0) - gammaln(hits + 1.0) - gammaln(trials - hits + 1.0)
    return chosen


def _binomial(xp: Any, hits: Array, trials: Array, log_yes: Array, log_no: Array) -> Array:
    return hits * log_yes + (trials - hits) * log_no + _log_choose(hits, trials)


def _log_logistic(xp: Any, eta: Array) -> Array:
    """Return log(logistic(eta))."""
    return -xp.logaddexp(0.0, -eta)


def _log_cloglog(xp: Any, eta: Array, hazard: Array) -> Array:
    """Return log(1 - exp(-exp(eta)))."""
    near = xp.log(-xp.expm1(-xp.exp(xp.clip(eta, FAINTEST, STEEPEST))))
    return xp.where(eta > FAINTEST, near, eta)


def _log_excess(xp: Any, x: Array) -> Array:
    """Return log(1 + x) / x, which is 1 at 0."""
    small = x < 1e-8
    return xp.where(small, 1.0 - 0.5 * x, xp.log1p(x) / xp.where(small, 1.0, x))


def _log_rising(xp: Any, value: Floats, inverse: Array) -> Array:
    """Return the sum over j < value of log(1 + j v), shape (..., *value.shape).

    The same few numbers log(1 + j v) serve all counts, so that no gamma function is called for
    each count of each draw.
    """
    steps = np.arange(max(int(np.max(value, initial=0.0)), 1))
    reached = (value.reshape(-1)[None, :] > steps[:, None]).astype(float)
    total = xp.log1p(inverse[..., None] * steps) @ reached
    if value.ndim == 1:
        return total
    return xp.stack(
        [total[..., k * value.shape[-1] : (k + 1) * value.shape[-1]] for k in range(len(value))],
        axis=-2,
    )


def log_density(xp: Any, family: str, value: Floats, eta: Array, size: Any = None) -> Array:
    """Return the log probability of what was seen given its linear predictor.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    family
        One of `FAMILIES`.
    value
        What was seen, numbers of shape (time,) or (member, time).
    eta
        Linear predictor, (..., *value.shape).
    size
        Number of trials (numbers, as `value`), or size of the negative binomial, (...) without
        the axes of `value`.

    Returns
    -------
    Array
        Shape of `eta`.

    Raises
    ------
    ValueError
        There is no such family.
    """
    value = np.asarray(value, dtype=float)
    if family in ("bernoulli_logit", "binomial_logit"):
        trials = np.ones_like(value) if family == "bernoulli_logit" else np.asarray(size)
        return _binomial(xp, value, trials, _log_logistic(xp, eta), _log_logistic(xp, -eta))
    if family in ("cloglog", "binomial_cloglog"):
        trials = np.ones_like(value) if family == "cloglog" else np.asarray(size)
        hazard = xp.exp(xp.minimum(eta, STEEPEST))
        return _binomial(xp, value, trials, _log_cloglog(xp, eta, hazard), -hazard)
    if family in ("poisson_log", "negbin_log"):
        from scipy.special import gammaln

        mean, fixed = xp.exp(eta), gammaln(value + 1.0)
        if family == "poisson_log":
            return value * eta - mean - fixed
        inverse = 1.0 / size
        thin = inverse.reshape((*inverse.shape, *([1] * value.ndim))) * mean
        shared = xp.log1p(thin) * value
        return (
            (_log_rising(xp, value, inverse) + value * eta - shared)
            - mean * _log_excess(xp, thin)
            - fixed
        )
    raise ValueError(f"no family {family!r}; one of {', '.join(FAMILIES)}")


def probability(family: str, eta: Floats) -> Floats:
    """Return the probability of a 1, or of a hit in one trial, at a linear predictor."""
    if family.endswith("logit"):
        p: Floats = logistic(np, eta)
        return p
    if family.endswith("cloglog"):
        p = -np.expm1(-np.exp(np.minimum(eta, STEEPEST)))
        return p
    raise ValueError(f"{family!r} has no probability of one hit")


def draw(uniform: Floats, family: str, eta: Floats, size: Any = None, most: int = 200) -> Floats:
    """Draw by inversion: the smallest value whose distribution function reaches the uniform.

    Parameters
    ----------
    uniform
        Numbers in [0, 1), broadcastable with `eta`.
    family, eta
        See `log_density`; no axis of time.
    size
        Number of trials or size, broadcastable with `eta`.
    most
        Larger values are not drawn.

    Returns
    -------
    ndarray of float
        A higher `eta` never gives a lower value at the same uniform.
    """
    if family in ("bernoulli_logit", "cloglog"):
        hits: Floats = (uniform < probability(family, eta)).astype(float)
        return hits
    if family.startswith("binomial"):
        return _invert_binomial(uniform, probability(family, eta), size, most)
    mean = bounded_exp(np, eta)
    inverse = 0.0 if size is None else 1.0 / np.asarray(size)
    uniform, mean, inverse = np.broadcast_arrays(uniform, mean, inverse)
    thin = inverse * mean
    mass = np.exp(-mean * _log_excess(np, thin))
    total, out = mass.copy(), np.zeros(mass.shape)
    for k in range(1, most + 1):
        more = uniform >= total
        if not more.any():
            break
        out[more] = k
        mass = mass * (mean / (1.0 + thin)) * (1.0 + (k - 1) * inverse) / k
        total = total + mass
    return out


def _invert_binomial(uniform: Floats, p: Floats, trials: Any, most: int) -> Floats:
    """Count failures, so that the same uniform gives more hits where hits are more probable."""
    uniform, p, trials = np.broadcast_arrays(uniform, p, np.asarray(trials, dtype=float))
    odds = (1.0 - p) / np.maximum(p, np.finfo(float).tiny)
    mass = p**trials
    total, failures = mass.copy(), np.zeros(mass.shape)
    for k in range(1, most + 1):
        more = (uniform >= total) & (failures < trials)
        if not more.any():
            break
        failures[more] = k
        mass = mass * odds * np.maximum(trials - k + 1.0, 0.0) / k
        total = total + mass
    hits: Floats = trials - failures
    return hits


def columns_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of one period as columns with a time axis of length one."""
    return {name: np.asarray(value, dtype=float)[..., None] for name, value in state.items()}


def predictors(found: Mapping[str, Array]) -> dict[str, Array]:
    """Return the only period of what the equations gave for `columns_of` a state."""
    return {name: value[..., 0] for name, value in found.items()}
