"""How sure differences of scores are.

Scores of two forecasters are of the same periods, or from the same origins, so that differences are
paired; those close to each other in time are not independent, so that they are resampled in blocks:
moving ones of log scores by period, circular ones of forecasts from origins. Windows of
neighbouring origins overlap, and blocks as long as the overlap miss a third of the variance: they
are twice as long. With fewer than `BLOCKS` blocks no interval is given: few blocks resampled are
surer than they have a right to be, and a single one is certain.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from beliefs.features.steps import Bools, Floats
from beliefs.model.system import factors_of
from beliefs.simulation.future import block_starts

# Observables that every theory explains, and so is compared on.
SHARED = tuple(factor.name for factor in factors_of(None) if factor.shared)
RESAMPLES = 2000
LEVEL = 0.9
TAIL = (1.0 - LEVEL) / 2.0  # chance that a forecaster who is no better has an interval above 0
BLOCKS = 10  # fewest blocks that an interval is given for


@dataclass(frozen=True)
class Difference:
    """A sum of paired differences over `n` periods; NaN in low, high, error with too few blocks."""

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
    """Mean scores of a forecaster and of a baseline, paired by origin; smaller is better."""

    n: int  # origins at which both are scored
    mean: float
    reference: float
    difference: float  # reference less score; above 0 better
    low: float  # 90 %, Student's: percentiles of resamples are too narrow
    high: float
    p: float  # of as much if no better; NaN, like the interval, with few blocks
    ratio: float  # 1 - score / reference
    effective: float  # independent origins that would leave it as uncertain


def block_length(step_days: float) -> int:
    """Return the length of a block in periods: two weeks of days, two months of weeks."""
    return 14 if step_days == 1 else 8


def block_origins(horizon: int, every: int) -> int:
    """Return how many origins, `every` days apart, lie within a window of `horizon` days."""
    return max(1, math.ceil(horizon / every))


def enough_blocks(n: int, block: int) -> bool:
    """Return whether `n` values fill the `BLOCKS` blocks that an interval needs."""
    return n // block >= BLOCKS


def block_sums(
    values: Floats, block: int, rng: Generator, *, circular: bool = False, samples: int = RESAMPLES
) -> Floats:
    """Return sums (..., sample) of series (..., time) over resampled, maybe circular, blocks."""
    length = values.shape[-1]
    whole = np.concatenate([values, values[..., : block - 1]], axis=-1) if circular else values
    starts = block_starts(rng, length, block, (samples, -(-length // block)), circular=circular)
    ends = starts + block
    ends[:, -1] = starts[:, -1] + length - block * (starts.shape[1] - 1)
    total = np.concatenate([np.zeros((*whole.shape[:-1], 1)), np.cumsum(whole, axis=-1)], axis=-1)
    return np.asarray((total[..., ends] - total[..., starts]).sum(axis=-1))


def interval(values: Floats) -> dict[str, float]:
    """Return both ends of the central `LEVEL` of values, (N,)."""
    low, high = np.quantile(values, [TAIL, 1.0 - TAIL])
    return {"low": float(low), "high": float(high)}


def holm(p: ArrayLike) -> Floats:
    """Return p-values (K,) adjusted for their number (Holm 1979)."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    out = np.empty(len(values))
    out[order] = np.minimum(steps, 1.0)
    return out


def difference(gap: Floats, seen: Bools, *, block: int, seed: int | Sequence[int]) -> Difference:
    """Return the sum of a gap (T,) between log scores over what was `seen`, in blocks of time."""
    gap = np.where(seen, gap, 0.0)
    n, total = int(seen.sum()), float(gap.sum())
    if not enough_blocks(n, block):
        return Difference(total, math.nan, math.nan, math.nan, n)
    first, last = np.flatnonzero(seen)[[0, -1]]
    sums = block_sums(gap[first : last + 1], block, np.random.default_rng(seed))
    return Difference(total=total, **interval(sums), error=float(sums.std()), n=n)


def skill(ours: Floats, theirs: Floats, *, overlap: int, seed: int | Sequence[int]) -> Skill:
    """Compare scores (origin,), NaN where not scored; `overlap` from `block_origins`."""
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
        from scipy.stats import t  # slow to load, and most readers of this module need no interval

        blocks, rng = n // block, np.random.default_rng(seed)
        total, count = block_sums(np.stack([gap, held]), block, rng, circular=True)
        spread = float((total[count > 0] / count[count > 0]).std())
        error = spread * math.sqrt(blocks / (blocks - 1))
        half = float(t.ppf(1.0 - TAIL, blocks - 1)) * error
        low, high = mean - half, mean + half
        p = float(mean <= 0.0) if error == 0.0 else float(t.sf(mean / error, blocks - 1))
        alone = float(gap[held].var(ddof=1))
        effective = float(min(n, alone / error**2)) if error > 0.0 else float(n)
    ratio = 1.0 - score / reference if reference > 0.0 else none
    return Skill(n, score, reference, mean, low, high, p, ratio, effective)
