"""From values to surprises: transforms, what was expected, and how far news missed it.

Everything here is causal: an output at an arrival uses that arrival and earlier ones only. An
arrival is a value that was published; time between arrivals in which nothing was published is
missing, not zero.

The expectation is an exponentially weighted mean m, its scale s the same kind of mean of the
absolute misses (times sqrt(pi / 2), which makes it a standard deviation for a normal):

    z_n = (f(x_n) - m_{n-1}) / s_{n-1},   clipped at +-4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.features.steps import expected

__all__ = [
    "BURN_IN",
    "CLIP",
    "COUNT_BURN_IN",
    "FLOORS",
    "Surprises",
    "logit_share",
    "missed",
    "scale_of",
    "slow_level",
    "surprises",
    "transform",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLIP: Final = 4.0
BURN_IN: Final = 8
"""Arrivals that only teach the expectation: after the first, a reset, or another instrument."""
COUNT_BURN_IN: Final = 3
"""The same for counts, whose scale is known to be near 1 before any arrival."""
MAD_TO_SD: Final = math.sqrt(math.pi / 2.0)
SCALE_MEMORY: Final = 3.0
"""The scale remembers this many times longer than the mean: variances need more data."""
FLOORS: Final = {"count": 0.5}
"""Least scale by transform, in units of f(x). Anscombe's transform gives counts a standard
deviation near 1, so below half of that a long calm has only been lucky. Without it the day after
a rare event would surprise by being ordinary. Elsewhere a series that never moved gets a tiny
floor, which keeps it from dividing by zero."""
SHARE_BOUNDS: Final = (0.005, 0.995)


def transform(name: str, x: ArrayLike) -> Floats:
    """Return f(x), the scale on which misses are measured.

    Parameters
    ----------
    name
        ``identity``, ``log``, ``diff`` (change since the arrival before; NaN for the first),
        ``logit``, or ``count`` (Anscombe's ``2 sqrt(x + 3/8)``, of variance near 1).
    x
        Values, shape (N,).

    Returns
    -------
    ndarray of float, shape (N,)

    Raises
    ------
    ValueError
        If the name is unknown.

    References
    ----------
    Anscombe, F. J. (1948), The transformation of Poisson, binomial and negative-binomial data,
    Biometrika 35.

    Examples
    --------
    >>> transform("diff", [1.0, 3.0, 2.0])
    array([nan,  2., -1.])
    """
    values = np.asarray(x, dtype=float)
    match name:
        case "identity":
            return values.copy()
        case "log":
            return np.log(values)
        case "diff":
            return np.diff(values, prepend=np.nan)
        case "logit":
            return np.log(values) - np.log1p(-values)
        case "count":
            return 2.0 * np.sqrt(values + 0.375)
    raise ValueError(f"unknown transform {name!r}")


def logit_share(x: ArrayLike, scale: float, invert: bool) -> Floats:
    """Read a price as a share of belief and return its log-odds.

    Parameters
    ----------
    x
        Positive prices, any shape.
    scale
        The price at which the belief would be certain.
    invert
        Whether a higher price means less belief: the share is ``scale / x`` instead of
        ``x / scale``.

    Returns
    -------
    ndarray of float
        logit of the share, held within 0.5 % and 99.5 % since a price carries other things too.
    """
    values = np.asarray(x, dtype=float)
    share = np.clip(scale / values if invert else values / scale, *SHARE_BOUNDS)
    return np.log(share) - np.log1p(-share)


@dataclass(frozen=True)
class Surprises:
    """Surprises of one indicator at its N arrivals."""

    z: Floats  # Surprise, 0 during burn-in; shape (N,), within +-4
    seen: NDArray[np.bool_]  # Whether the surprise counts (past burn-in); shape (N,)
    mean: Floats  # Expectation after the arrival, shape (N,), in units of f(x)
    scale: Floats  # Its scale after the arrival, shape (N,), in units of f(x)


def surprises(
    f: ArrayLike,
    halflife: float,
    *,
    reset: ArrayLike | None = None,
    restart: ArrayLike | None = None,
    floor: float = 0.0,
    burn_in: int = BURN_IN,
    walk: bool = False,
) -> Surprises:
    """Return how far each arrival missed what the arrivals before it led one to expect.

    Parameters
    ----------
    f
        Transformed values in the order of arrival, shape (N,), no NaN.
    halflife
        Half-life of the expectation, in arrivals.
    reset
        Where the level shifts for reasons that are not news: the expectation begins anew there,
        the scale is kept. Shape (N,), bool.
    restart
        Where another instrument begins: expectation and scale begin anew. Shape (N,), bool.
    floor
        Least scale, in units of f.
    burn_in
        Arrivals without a surprise after each beginning.
    walk
        Expect the last value (a random walk, as prices do) instead of the weighted mean, so that
        one jump is news once; `halflife` is then the memory of the scale alone.

    Returns
    -------
    Surprises

    Notes
    -----
    Early on the weights are 1/n, so that the mean of few arrivals is their plain mean.
    """
    values = np.asarray(f, dtype=float)
    no = np.zeros(len(values), dtype=bool)
    begin_all = no if restart is None else np.asarray(restart, dtype=bool)
    begin_mean = begin_all | (no if reset is None else np.asarray(reset, dtype=bool))
    fast = 1.0 if walk else 1.0 - 0.5 ** (1.0 / halflife)
    slow = 1.0 - 0.5 ** (1.0 / (SCALE_MEMORY * halflife))
    mean, miss, age = _means(values, begin_mean, begin_all, fast, slow)
    scale = scale_of(miss, mean, floor)
    seen = (age > 0) & (age >= burn_in)
    return Surprises(_missed(values, mean, scale, seen), seen, mean, scale)


def _means(
    values: Floats, begin_mean: Bools, begin_miss: Bools, fast: ArrayLike, slow: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return weighted means of values and of absolute misses, and arrivals since the beginning.

    `fast` and `slow` are the weights of an arrival in them, (N,) or numbers; early on 1/n.
    """
    place = np.arange(len(values))
    begin_mean = begin_mean | (place == 0)
    age = place - np.maximum.accumulate(np.where(begin_mean, place, 0))
    misses = np.cumsum(~begin_mean)
    misses -= np.maximum.accumulate(np.where(begin_miss, misses, 0))
    weight = np.maximum(fast, 1.0 / (age + 1)).tolist()
    weight_miss = np.maximum(slow, 1.0 / np.maximum(misses, 1)).tolist()
    known = np.zeros((2, len(values)))
    m, miss = 0.0, 0.0
    begins = zip(values.tolist(), begin_mean.tolist(), begin_miss.tolist(), strict=True)
    for i, (value, anew, forgets) in enumerate(begins):
        miss = 0.0 if forgets else miss
        m, miss = (value, miss) if anew else expected(m, miss, value, weight[i], weight_miss[i])
        known[:, i] = m, miss
    return known[0], known[1], age


def scale_of(miss: ArrayLike, level: ArrayLike, floor: float) -> Floats:
    """Return the scale of a mean miss: a standard deviation of the normal, at least `floor`."""
    least = np.maximum(floor, 1e-6 * (1.0 + np.abs(level)))
    return np.maximum(MAD_TO_SD * np.asarray(miss), least)


def missed(value: Floats, mean: Floats, scale: Floats) -> Floats:
    """Return how far a value missed what was expected, in scales, within +-`CLIP`."""
    return np.clip((value - mean) / scale, -CLIP, CLIP)


def _missed(values: Floats, mean: Floats, scale: Floats, seen: Bools) -> Floats:
    """Return how far arrivals missed the mean before them, in scales before them, where `seen`."""
    out = np.zeros(len(values))
    now = np.flatnonzero(seen)
    out[now] = missed(values[now], mean[now - 1], scale[now - 1])
    return out


def slow_level(
    f: ArrayLike,
    age: ArrayLike,
    halflife: float,
    *,
    restart: ArrayLike | None = None,
    floor: float = 0.0,
    burn_in: int = BURN_IN,
) -> tuple[Floats, Floats]:
    """Return how far each arrival stands from the slow normal, in units of its usual distance.

    Unlike a surprise this stays away from zero while the value does, which is what a cost needs.

    Parameters
    ----------
    f
        Transformed values in the order of arrival, shape (N,).
    age
        Periods since the arrival before, shape (N,); the first is ignored. The slow normal
        forgets with time, not with the number of arrivals.
    halflife
        Half-life of the slow normal, in periods.
    restart
        Where level or instrument shift for reasons of their own; shape (N,), bool.
    floor
        Least scale, in units of f.
    burn_in
        Arrivals before a level is given, after the first and after each restart.

    Returns
    -------
    level : ndarray of float, shape (N,)
        Within +-4; 0 during burn-in. Uses the normal and its scale *before* each arrival.
    scale : ndarray of float, shape (N,)
        The usual distance after the arrival, in units of f.
    """
    values, gaps = np.asarray(f, dtype=float), np.asarray(age, dtype=float)
    begin = np.zeros(len(values), bool) if restart is None else np.asarray(restart, dtype=bool)
    known = {gap: 1.0 - 0.5 ** (max(gap, 1e-9) / halflife) for gap in set(gaps.tolist())}
    forgotten = np.array([known[gap] for gap in gaps.tolist()])
    mean, miss, count = _means(values, begin, begin, forgotten, forgotten)
    scale = scale_of(miss, mean, floor)
    return _missed(values, mean, scale, (count > 0) & (count >= burn_in)), scale
