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

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import gammaln

from beliefs.features.steps import Floats
from beliefs.model.contract import Array, Factor, Names, Params, bounded_exp, logistic
from beliefs.model.structure import Columns, Structure

FAMILIES = (
    "bernoulli_logit", "binomial_logit", "cloglog", "binomial_cloglog", "poisson_log", "negbin_log",
)  # fmt: skip
STEEPEST = 30.0  # log of a hazard beyond which its exponential is not taken any more
FAINTEST = -30.0  # log of a hazard below which 1 - exp(-hazard) is the hazard


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
    n = value.shape[-1]
    return xp.stack([total[..., k * n : (k + 1) * n] for k in range(len(value))], axis=-2)


def log_density(xp: Any, family: str, value: Floats, eta: Array, size: Any = None) -> Array:
    """Return the log probability of what was seen given its linear predictor, shaped as `eta`.

    `value` are numbers, ([member,] time); `eta` is (..., *value.shape). `size` is the number of
    trials, as `value`, or that of the negative binomial, (...) without the axes of `value`.
    """
    value = np.asarray(value, dtype=float)
    if family == "poisson_log":
        return value * eta - xp.exp(eta) - gammaln(value + 1.0)
    if family == "negbin_log":
        mean, inverse = xp.exp(eta), 1.0 / size
        thin = inverse.reshape((*inverse.shape, *([1] * value.ndim))) * mean
        rising = _log_rising(xp, value, inverse) + value * eta - xp.log1p(thin) * value
        return rising - mean * _log_excess(xp, thin) - gammaln(value + 1.0)
    if family.endswith("logit"):  # log(logistic(eta)) and log(1 - logistic(eta))
        log_yes, log_no = -xp.logaddexp(0.0, -eta), -xp.logaddexp(0.0, eta)
    elif family.endswith("cloglog"):
        near = xp.log(-xp.expm1(-xp.exp(xp.clip(eta, FAINTEST, STEEPEST))))
        log_yes, log_no = xp.where(eta > FAINTEST, near, eta), -xp.exp(xp.minimum(eta, STEEPEST))
    else:
        raise ValueError(f"no family {family!r}; one of {', '.join(FAMILIES)}")
    trials = np.asarray(size) if family.startswith("binomial") else np.ones_like(value)
    log_choose = gammaln(trials + 1.0) - gammaln(value + 1.0) - gammaln(trials - value + 1.0)
    return value * log_yes + (trials - value) * log_no + log_choose


def probability(family: str, eta: Floats) -> Floats:
    """Return the probability of a 1, or of a hit in one trial, at a linear predictor."""
    hazard = np.exp(np.minimum(eta, STEEPEST))
    p: Floats = logistic(np, eta) if family.endswith("logit") else -np.expm1(-hazard)
    return p


def draw(uniform: Floats, family: str, eta: Floats, size: Any = None, most: int = 200) -> Floats:
    """Draw by inversion: the smallest value whose distribution function reaches the uniform.

    `uniform` in [0, 1), `eta` and `size` (see `log_density`) broadcast, without an axis of time;
    values above `most` are not drawn. A higher `eta` never gives a lower value at the same uniform.
    """
    if family in ("bernoulli_logit", "cloglog"):
        hits: Floats = (uniform < probability(family, eta)).astype(float)
        return hits
    if family.startswith("binomial"):
        trials, p = np.asarray(size, dtype=float), probability(family, eta)
        odds = (1.0 - p) / np.maximum(p, np.finfo(float).tiny)
        # Failures, so that the same uniform gives more hits where hits are more probable.
        return trials - _invert(uniform, p**trials, odds, trials, -1.0, most)
    mean = bounded_exp(np, eta)
    inverse = np.zeros(()) if size is None else 1.0 / np.asarray(size)
    thin = inverse * mean
    mass = np.exp(-mean * _log_excess(np, thin))
    return _invert(uniform, mass, mean / (1.0 + thin), 1.0, inverse, most)


def _invert(u: Floats, mass: Floats, rate: Floats, first: Any, more: Any, most: int) -> Floats:
    """Return the smallest value whose distribution function reaches the uniform `u`, up to `most`.

    `mass` is that at 0; at k it is ``rate * max(first + (k - 1) * more, 0) / k`` times that before.
    """
    u, mass = np.broadcast_arrays(u, mass)
    total, out = mass, np.zeros(mass.shape)
    for k in range(1, most + 1):
        factor = np.maximum(first + (k - 1) * more, 0.0)
        above = (u >= total) & (factor > 0.0)
        if not above.any():
            break
        out[above] = k
        mass = mass * rate * factor / k
        total = total + mass
    return out


def columns_of(state: Mapping[str, Any]) -> Columns:
    """Return the state of one period as columns with a time axis of length one."""
    return {name: np.asarray(value, dtype=float)[..., None] for name, value in state.items()}


def explained(
    factors: Sequence[Factor],
) -> tuple[Callable[..., dict[str, Array]], Callable[..., dict[str, Array]]]:
    """Return `log_likelihood` and `rates` of the factors of a mechanism.

    ``log_likelihood(xp, params, columns, structure, names=None)`` gives the log likelihood of
    factors by period, (..., time), exactly 0 where unseen. ``rates(params, state, structure,
    names=None)`` gives the linear predictors of one period by the same equations, (..., [member]),
    from which a simulator draws; `state` has columns without the axis of time. Of `params` and
    columns only what the factors asked for read must be there.
    """

    def chosen(names: Names) -> list[Factor]:
        return [f for f in factors if names is None or f.name in names]

    def log_likelihood(
        xp: Any, params: Params, columns: Columns, structure: Structure, names: Names = None
    ) -> dict[str, Array]:
        out = {}
        for factor in chosen(names):
            if factor.density:
                out[factor.name] = factor.density(xp, params, columns, structure)
                continue
            value, where, size = factor.seen(columns)
            eta = factor.predictor(xp, params, columns, structure)
            terms = log_density(xp, factor.family, value, eta, size) * where
            out[factor.name] = terms.sum(axis=-2) if value.ndim > 1 else terms
        return out

    def rates(
        params: Params, state: Mapping[str, Array], structure: Structure, names: Names = None
    ) -> dict[str, Array]:
        now = columns_of(state)
        return {
            f.name: f.rate(params, state, structure)
            if f.rate
            else f.predictor(np, params, now, structure)[..., 0]
            for f in chosen(names)
        }

    return log_likelihood, rates
