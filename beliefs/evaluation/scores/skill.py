"""How sure differences of scores are: one block bootstrap for all of them.

Scores of two forecasters are of the same periods, or from the same origins, so that differences are
paired; those close to each other in time are not independent, so that they are resampled in blocks:
moving ones (Künsch 1989) of log scores by period, circular ones (Politis and Romano 1992) of
forecasts from origins. Windows of neighbouring origins overlap, and blocks as long as the overlap
miss a third of the variance: they are twice as long. With fewer than `BLOCKS` blocks no interval is
given: few blocks resampled are surer than they have a right to be, and a single one is certain.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BLOCKS", "LEVEL", "SHARED", "TAIL", "Difference", "Skill", "block_length", "block_origins",
    "block_sums", "difference", "enough_blocks", "holm", "skill", "summed",
]  # fmt: skip

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHARED = ("talks", "strikes_A", "strikes_B", "breach", "collapse", "resolve")
"""Observables that every theory explains, and so is compared on."""
BLOCK_DAYS = 14
BLOCK_WEEKS = 8
RESAMPLES = 2000
LEVEL = 0.9
TAIL = (1.0 - LEVEL) / 2.0
"""Chance that a forecaster who is no better has an interval above 0."""
BLOCKS = 10
"""Fewest blocks that an interval is given for."""


@dataclass(frozen=True)
class Difference:
    """A sum of paired differences of log scores.

    Attributes
    ----------
    total
        Sum over periods; above 0 the first predicted better.
    low, high
        90 % interval by moving-block bootstrap; NaN where what was seen fills too few blocks.
    error
        Standard error from the same resamples, NaN where there is no interval.
    n
        Number of periods in which anything was seen.
    """

    total: float
    low: float
    high: float
    error: float
    n: int

    @property
    def distinct(self) -> bool:
        """Whether there is an interval, and 0 outside it."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True)
class Skill:
    """Scores of a forecaster and of a baseline, at the same origins.

    Attributes
    ----------
    n
        Number of origins at which both are scored.
    score, reference
        Mean scores; smaller is better.
    difference, low, high
        Mean of reference less score, and its 90 % interval; above 0 the forecaster is better. The
        interval is NaN where too few blocks fit. It is Student's, with one degree of freedom less
        than blocks: percentiles of the resamples are too narrow.
    p
        Chance of such a difference, or a greater one, if the forecaster were no better; from the
        same t distribution as the interval. NaN where there is no interval.
    ratio
        1 - score / reference; NaN where the reference is 0.
    effective
        Number of independent origins that would leave the difference as uncertain as these do.
    """

    n: int
    score: float
    reference: float
    difference: float
    low: float
    high: float
    p: float
    ratio: float
    effective: float


def block_length(step_days: int) -> int:
    """Return the length of a block in periods: two weeks of days, two months of weeks."""
    return BLOCK_DAYS if step_days == 1 else BLOCK_WEEKS


def block_origins(horizon: int, every: int) -> int:
    """Return how many origins, `every` days apart, lie within a window of `horizon` days."""
    return max(1, math.ceil(horizon / every))


def enough_blocks(n: int, block: int) -> bool:
    """Return whether `n` values fill the `BLOCKS` blocks that an interval needs."""
    return n // block >= BLOCKS


def block_sums(
    values: Floats,
    block: int,
    rng: np.random.Generator,
    *,
    circular: bool = False,
    samples: int = RESAMPLES,
) -> Floats:
    """Return sums of series over resampled blocks of time.

    Parameters
    ----------
    values
        (..., time).
    block
        Length of a block; the last of a resample is cut, so that each is as long as the series.
    rng
        Source of randomness.
    circular
        Whether blocks run on from the end to the beginning.
    samples
        Number of resamples.

    Returns
    -------
    ndarray
        (..., sample).
    """
    length = values.shape[-1]
    whole = np.concatenate([values, values[..., : block - 1]], axis=-1) if circular else values
    first = length if circular else length - block + 1
    starts = rng.integers(0, first, size=(samples, -(-length // block)))
    ends = starts + block
    ends[:, -1] = starts[:, -1] + length - block * (starts.shape[1] - 1)
    total = np.concatenate([np.zeros((*whole.shape[:-1], 1)), np.cumsum(whole, axis=-1)], axis=-1)
    return np.asarray((total[..., ends] - total[..., starts]).sum(axis=-1))


def holm(p: ArrayLike) -> Floats:
    """Return p-values (K,) adjusted for their number (Holm 1979)."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    out = np.empty(len(values))
    out[order] = np.minimum(steps, 1.0)
    return out


def summed(predictive: Mapping[str, Floats], names: Collection[str]) -> tuple[Floats, Bools]:
    """Return the log score of each period over some observables, and where any was seen.

    Parameters
    ----------
    predictive
        By observable, (T,), NaN where it was not seen.
    names
        Observables to add; those that are not there are left out.
    """
    rows = [predictive[name] for name in names if name in predictive]
    if not rows:
        n = len(next(iter(predictive.values()), np.zeros(0)))
        return np.zeros(n), np.zeros(n, dtype=bool)
    stacked = np.stack(rows)
    return np.nansum(stacked, axis=0), ~np.isnan(stacked).all(axis=0)


def difference(
    one: Floats, two: Floats, seen: Bools, *, block: int, seed: int | Sequence[int]
) -> Difference:
    """Return the sum of differences between the log scores of two forecasters.

    Parameters
    ----------
    one, two
        Log scores by period, (T,).
    seen
        Periods that count, (T,). Blocks are of the study's own time, gaps included.
    block
        Length of a block in periods.
    seed
        Seed of the resamples.
    """
    gap = np.where(seen, one - two, 0.0)
    n, total = int(seen.sum()), float(gap.sum())
    if not enough_blocks(n, block):
        return Difference(total, math.nan, math.nan, math.nan, n)
    first, last = np.flatnonzero(seen)[[0, -1]]
    sums = block_sums(gap[first : last + 1], block, np.random.default_rng(seed))
    low, high = np.quantile(sums, [TAIL, 1.0 - TAIL])
    return Difference(total, float(low), float(high), float(sums.std()), n)


def skill(ours: Floats, theirs: Floats, *, overlap: int, seed: int | Sequence[int]) -> Skill:
    """Compare scores by origin.

    Parameters
    ----------
    ours, theirs
        (origin,) at equal distances, NaN where not scored.
    overlap
        Origins within a window, from `block_origins`.
    seed
        Seed of the resamples.
    """
    both = ~(np.isnan(ours) | np.isnan(theirs))
    n, none = int(both.sum()), math.nan
    if n == 0:
        return Skill(0, none, none, none, none, none, none, none, 0.0)
    first, last = np.flatnonzero(both)[[0, -1]]
    held = both[first : last + 1]
    one, two = (np.where(held, v[first : last + 1], 0.0) for v in (ours, theirs))
    score, reference, gap = float(one.sum() / n), float(two.sum() / n), two - one
    mean, low, high, p, effective = float(gap.sum() / n), none, none, none, n / overlap
    block = 1 if overlap == 1 else 2 * overlap
    if enough_blocks(n, block):
        blocks, rng = n // block, np.random.default_rng(seed)
        total, count = block_sums(np.stack([gap, held]), block, rng, circular=True)
        spread = float((total[count > 0] / count[count > 0]).std())
        error = spread * math.sqrt(blocks / (blocks - 1))
        low, high, p = _student(mean, error, blocks - 1)
        alone = float(gap[held].var(ddof=1))
        effective = float(min(n, alone / error**2)) if error > 0.0 else float(n)
    ratio = 1.0 - score / reference if reference > 0.0 else none
    return Skill(n, score, reference, mean, low, high, p, ratio, effective)


def _student(mean: float, error: float, freedom: int) -> tuple[float, float, float]:
    """Return both ends of the interval of a mean, and the chance of as much above 0."""
    from scipy.stats import t  # heavy

    if error == 0.0:
        return mean, mean, float(mean <= 0.0)
    half = float(t.ppf(1.0 - TAIL, freedom)) * error
    return mean - half, mean + half, float(t.sf(mean / error, freedom))
