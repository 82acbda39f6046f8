"""What is left of past acts: fading sums, freshness, runs; all causal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beliefs.study.calendar import Grid
from beliefs.study.tables.records import Records

__all__ = [
    "before",
    "binned",
    "counts",
    "fading_sum",
    "freshness",
    "periods_of",
    "recent",
    "running",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def periods_of(days: float, grid: Grid) -> int:
    """Return the number of periods of a span of days, at least 1."""
    return max(1, round(days / grid.step_days))


def counts(rows: Records, grid: Grid, by: str = "published_at") -> Floats:
    """Return how many rows were published (or by another date) in each period, shape (grid.n,)."""
    return binned(rows, np.ones(len(rows)), grid, by)


def binned(rows: Records, weight: Floats, grid: Grid, by: str = "published_at") -> Floats:
    """Return the weight of the rows of each period by one of their dates, shape (grid.n,)."""
    period = grid.index(rows[by])
    inside = (period >= 0) & (period < grid.n)
    # Without rows numpy counts in integers.
    return np.bincount(period[inside], weights=weight[inside], minlength=grid.n).astype(np.float64)


def before(values: NDArray) -> NDArray:
    """Return each period's value of the period before it; 0 in the first."""
    out = np.zeros_like(values)
    out[..., 1:] = values[..., :-1]
    return out


def fading_sum(values: Floats, days: float, grid: Grid) -> Floats:
    """Return the sum over the past, the period itself included, fading with e-folding `days`.

    Parameters
    ----------
    values
        Shape (..., time).
    days
        E-folding time in days.
    grid
        Periods of `values`.

    Returns
    -------
    ndarray of float, same shape
    """
    fade = float(np.exp(-grid.step_days / days))
    out = np.zeros_like(values)
    trace = np.zeros(values.shape[:-1])
    for t in range(values.shape[-1]):
        trace = trace * fade + values[..., t]
        out[..., t] = trace
    return out


def freshness(on: NDArray, days: float, grid: Grid) -> Floats:
    """Return ``exp(-age / days)`` of the last period that was on; 1 in it, 0 before any."""
    age = _age(on) * grid.step_days
    return np.exp(-age / days)


def _age(on: NDArray) -> Floats:
    """Return the periods since the last one that was on; infinite before any."""
    now = np.arange(len(on))
    last = np.maximum.accumulate(np.where(on, now, -1))
    return np.where(last >= 0, now - last, np.inf)


def recent(values: NDArray, periods: int) -> Floats:
    """Return the sum over the `periods` periods before each one, itself left out."""
    total = np.cumsum(np.asarray(values, dtype=float), axis=-1)
    out = np.zeros_like(total)
    out[..., 1:] = total[..., :-1]
    out[..., periods + 1 :] -= total[..., : -periods - 1]
    return out


def running(good: NDArray) -> NDArray[np.int64]:
    """Return the length of the run of good periods that ends with each one, itself included."""
    now = np.arange(1, len(good) + 1)
    return now - np.maximum.accumulate(np.where(good, 0, now))
