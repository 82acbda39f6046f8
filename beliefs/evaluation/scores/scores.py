"""Log scores of theories by observable and period, and how sure their differences are.

A score is the log of the density that a theory gave to what was then seen, all before it known.
Differences are of the same observables in the same periods, so they are paired; periods close to
each other are not independent, so that intervals resample them in moving blocks (Kuensch 1989).
With fewer than `beliefs.evaluation.scores.skill.BLOCKS` blocks none is given: few blocks resampled
are
surer than they have a right to be, and a single one is certain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.scores.skill import enough_blocks

__all__ = ["SHARED", "Difference", "block_length", "difference", "summed"]

Floats = NDArray[np.float64]

SHARED = ("talks", "strikes_A", "strikes_B", "breach", "collapse", "resolve")
"""Observables that every theory explains, and so is compared on."""
BLOCK_DAYS = 14
BLOCK_WEEKS = 8
RESAMPLES = 2000
LEVEL = 0.9


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


def block_length(step_days: int) -> int:
    """Return the length of a block in periods: two weeks of days, two months of weeks."""
    return BLOCK_DAYS if step_days == 1 else BLOCK_WEEKS


def summed(
    predictive: Mapping[str, Floats], names: Collection[str] = SHARED
) -> tuple[Floats, NDArray[np.bool_]]:
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
    one: Floats, two: Floats, seen: NDArray[np.bool_], *, block: int, seed: int | Sequence[int]
) -> Difference:
    """Return the sum of differences between the scores of two theories.

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
    n = int(seen.sum())
    if not enough_blocks(n, block):
        none = float("nan")
        return Difference(float(gap.sum()), none, none, none, n)
    first, last = np.flatnonzero(seen)[[0, -1]]
    gap = gap[first : last + 1]
    length = len(gap)
    rng = np.random.default_rng(seed)
    # Sums of whole blocks, so that a resample is a few additions; the last block is cut.
    starts = rng.integers(0, length - block + 1, size=(RESAMPLES, -(-length // block)))
    total = np.concatenate([[0.0], np.cumsum(gap)])
    cut = length - block * (starts.shape[1] - 1)
    sums = (total[starts[:, :-1] + block] - total[starts[:, :-1]]).sum(axis=1)
    sums = sums + total[starts[:, -1] + cut] - total[starts[:, -1]]
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(sums, [tail, 1.0 - tail])
    return Difference(float(gap.sum()), float(low), float(high), float(sums.std()), n)
