"""Mean scores against a yardstick, and how sure their differences are.

Forecasts from neighbouring origins share most of their windows. Differences are paired by origin
and resampled in circular blocks (Politis and Romano 1992), twice as long as windows overlap: blocks
as long as the overlap miss a third of the variance. The standard error that this gives is that of
few blocks, so that the interval is Student's, with one degree of freedom less than blocks
(percentiles of the resamples are too narrow). With fewer than `BLOCKS` blocks none is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCKS", "LEVEL", "TAIL", "Skill", "block_origins", "block_overlaps", "enough_blocks", "skill",
]  # fmt: skip

Floats = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.9
TAIL = (1.0 - LEVEL) / 2.0
"""Chance that a forecaster who is no better has an interval above 0."""
BLOCKS = 10
"""Fewest blocks that an interval is given for, here and wherever blocks are resampled."""


@dataclass(frozen=True)
class Skill:
    """Scores of a forecaster and of a yardstick, at the same origins.

    Attributes
    ----------
    n
        Number of origins at which both are scored.
    score, reference
        Mean scores; smaller is better.
    difference, low, high
        Mean of reference less score, and its 90 % interval; above 0 the forecaster is better. The
        interval is NaN where too few blocks fit.
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


def block_origins(horizon: int, every: int) -> int:
    """Return how many origins lie within a window.

    Parameters
    ----------
    horizon, every
        Length of a window and distance of origins, in the same unit.
    """
    return max(1, math.ceil(horizon / every))


def enough_blocks(n: int, block: int) -> bool:
    """Return whether `n` values fill the `BLOCKS` blocks that an interval needs."""
    return n // block >= BLOCKS


def block_overlaps(overlap: int) -> int:
    """Return the length of a block in origins: twice the overlap, 1 where windows share nothing."""
    return 1 if overlap == 1 else 2 * overlap


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
    n = int(both.sum())
    none = float("nan")
    if n == 0:
        return Skill(0, none, none, none, none, none, none, none, 0.0)
    first, last = np.flatnonzero(both)[[0, -1]]
    part = slice(first, last + 1)
    held = both[part]
    one, two = (np.where(held, v[part], 0.0) for v in (ours, theirs))
    score, reference = one.sum() / n, two.sum() / n
    gap = two - one
    mean = float(gap.sum() / n)
    low = high = p = none
    effective = n / overlap
    block = block_overlaps(overlap)
    if enough_blocks(n, block):
        blocks = n // block
        error = _error(gap, held, block, seed) * math.sqrt(blocks / (blocks - 1))
        low, high, p = _student(mean, error, blocks - 1)
        alone = float(gap[held].var(ddof=1))
        effective = float(min(n, alone / error**2)) if error > 0.0 else float(n)
    return Skill(
        n=n,
        score=float(score),
        reference=float(reference),
        difference=mean,
        low=low,
        high=high,
        p=p,
        ratio=float(1.0 - score / reference) if reference > 0.0 else none,
        effective=effective,
    )


def _error(gap: Floats, held: NDArray[np.bool_], block: int, seed: int | Sequence[int]) -> float:
    """Return the standard deviation of the mean over resamples; `gap` is 0 where not held."""
    length = len(gap)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, length, size=(RESAMPLES, -(-length // block)))
    index = (starts[..., None] + np.arange(block)).reshape(RESAMPLES, -1)[:, :length] % length
    count = held[index].sum(axis=1)
    return float((gap[index].sum(axis=1)[count > 0] / count[count > 0]).std())


def _student(mean: float, error: float, freedom: int) -> tuple[float, float, float]:
    """Return both ends of the interval of a mean, and the chance of as much above 0."""
    from scipy.stats import t

    if error == 0.0:
        return mean, mean, float(mean <= 0.0)
    half = float(t.ppf(1.0 - TAIL, freedom)) * error
    return mean - half, mean + half, float(t.sf(mean / error, freedom))
