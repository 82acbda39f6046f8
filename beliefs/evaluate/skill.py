"""Mean scores against a yardstick, and how sure their differences are.

Forecasts from neighbouring origins share most of their windows. Differences are paired by origin
and resampled in circular blocks (Politis and Romano 1992) no shorter than the horizon, and where
fewer than five such blocks fit, no interval is given: nothing honest could stand there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCKS", "LEVEL", "Skill", "block_origins", "skill"]

Floats = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.9
BLOCKS = 5
"""Fewest blocks that an interval is given for."""


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
    ratio: float
    effective: float


def block_origins(horizon: int, every: int) -> int:
    """Return the length of a block in origins: as many as lie within a window.

    Parameters
    ----------
    horizon, every
        Length of a window and distance of origins, in the same unit.
    """
    return max(1, math.ceil(horizon / every))


def skill(ours: Floats, theirs: Floats, *, block: int, seed: int | Sequence[int]) -> Skill:
    """Compare scores by origin.

    Parameters
    ----------
    ours, theirs
        (origin,) at equal distances, NaN where not scored.
    block
        Length of a block in origins.
    seed
        Seed of the resamples.
    """
    both = ~(np.isnan(ours) | np.isnan(theirs))
    n = int(both.sum())
    if n == 0:
        none = float("nan")
        return Skill(0, none, none, none, none, none, none, 0.0)
    first, last = np.flatnonzero(both)[[0, -1]]
    part = slice(first, last + 1)
    held = both[part]
    one, two = (np.where(held, v[part], 0.0) for v in (ours, theirs))
    score, reference = one.sum() / n, two.sum() / n
    gap = two - one
    mean, length = gap.sum() / n, len(gap)
    low = high = float("nan")
    effective = n / block
    if n >= BLOCKS * block:
        rng = np.random.default_rng(seed)
        starts = rng.integers(0, length, size=(RESAMPLES, -(-length // block)))
        index = (starts[..., None] + np.arange(block)).reshape(RESAMPLES, -1)[:, :length] % length
        count = held[index].sum(axis=1)
        means = gap[index].sum(axis=1)[count > 0] / count[count > 0]
        tail = (1.0 - LEVEL) / 2.0
        low, high = (float(v) for v in np.quantile(means, [tail, 1.0 - tail]))
        spread, alone = float(means.var()), float(gap[held].var())
        effective = float(min(n, alone / spread)) if spread > 0.0 else float(n)
    return Skill(
        n=n,
        score=float(score),
        reference=float(reference),
        difference=float(mean),
        low=low,
        high=high,
        ratio=float(1.0 - score / reference) if reference > 0.0 else float("nan"),
        effective=effective,
    )
