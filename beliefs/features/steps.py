"""What is left of the past: every feature once, as a start and a step.

A step takes what is known when a period begins and what happens in the period, and returns what is
known when the next one begins; arrays of any shape, so that one future, thousands of futures and
the past of a study take the same step. Arrays over the past fold the step (`fold`); all are causal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import covered

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

ANSWER = 3  # periods in which an act counts as an answer
CALM_DAYS, CALM_SEVERITY = 7.0, 2.0
RECENT_DAYS = 3.0  # e-folding time of own strikes that were just made
PAUSE_DAYS = 14.0  # a full pause
HEAVY_DAYS, HEAVY_SEVERITY = 14.0, 4.0
FRESH_DAYS = 7.0  # e-folding time of a walkout, or of a sign that a deal is near (judgement)
PROXY_DAYS = 7.0  # e-folding time of an attack by an ally (judgement)
MONTH, FORTNIGHT = 30.0, 14.0


def kept(days: float, step_days: float) -> float:
    """Return what is left after a period of something that fades with e-folding time `days`."""
    return float(np.exp(-step_days / days))


def add_fading(total: Any, value: Any, kept: float) -> Any:
    """Step of a fading sum, the period itself included; it starts at 0."""
    return total * kept + value


def refresh(fresh: Any, on: Any, kept: float) -> Any:
    """Step of freshness: 1 after a period that was on, fading after it; it starts at 0."""
    return np.where(on, 1.0, fresh * kept)


def run(length: Any, good: Any, by: float = 1.0) -> Any:
    """Step of the length of a run of good periods, in units of `by` a period; it starts at 0."""
    return np.where(good, length + by, 0.0)


def age(since: Any, on: Any, by: float = 1.0) -> Any:
    """Step of the time since the last period that was on, 0 after it; it starts as it is known."""
    return run(since, ~np.asarray(on, dtype=bool), by)


def push(last: NDArray[Any], value: Any) -> NDArray[Any]:
    """Step of the values of the last periods, oldest first; they start at 0."""
    return np.concatenate([last[1:], np.asarray(value)[None]])


def spoil(spoilt: Any, age: Any, quiet: int, loud: Any) -> Any:
    """Step of whether one of the first `quiet` periods of a truce was loud; it starts at False.

    `age` is that of the truce in the period, 1 in its first.
    """
    return spoilt | (loud & (age <= quiet))


def expected(mean: Any, miss: Any, value: Any, fast: Any, slow: Any) -> tuple[Any, Any]:
    """Step of an expectation and of the mean miss; it starts with the first value and 0.

    `fast` and `slow` are what they learn from one value.
    """
    away = value - mean
    return mean + fast * away, miss + slow * (abs(away) - miss)


def pause(idle: Any) -> Any:
    """Return how much of a full pause `idle` days without an act are, 0 to 1."""
    return np.minimum(np.log1p(idle) / np.log1p(PAUSE_DAYS), 1.0)


def fold(step: Callable[..., Any], start: Any, *columns: NDArray[Any]) -> Floats:
    """Return what a step makes of columns (..., time), after each period, (..., time)."""
    n = columns[0].shape[-1]
    state = np.asarray(start, dtype=float)
    out = np.empty((*np.broadcast_shapes(state.shape, columns[0].shape[:-1]), n))
    for t in range(n):
        state = step(state, *(column[..., t] for column in columns))
        out[..., t] = state
    return out


def fading_sum(values: Floats, days: float, grid: Grid) -> Floats:
    """Return the fading sum of values (..., time), the period itself included."""
    left = kept(days, grid.step_days)
    return fold(lambda total, x: add_fading(total, x, left), np.zeros(values.shape[:-1]), values)


def freshness(on: NDArray[Any], days: float, grid: Grid) -> Floats:
    """Return ``exp(-age / days)`` of the last period that was on; 1 in it, 0 before any."""
    left = kept(days, grid.step_days)
    return fold(lambda fresh, x: refresh(fresh, x, left), 0.0, on)


def recent(values: NDArray[Any], periods: int) -> Floats:
    """Return the sum over the `periods` periods before each one, itself left out."""
    total = np.cumsum(np.asarray(values, dtype=float), axis=-1)
    out = np.zeros_like(total)
    out[..., 1:] = total[..., :-1]
    out[..., periods + 1 :] -= total[..., : -periods - 1]
    return out


def before(values: NDArray[Any]) -> NDArray[Any]:
    """Return each period's value of the period before it; 0 in the first."""
    out = np.zeros_like(values)
    out[..., 1:] = values[..., :-1]
    return out


def ratio(total: Floats, count: Floats) -> Floats:
    """Return a quotient, 0 where there is nothing to divide by."""
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


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


def watched(study: Study, grid: Grid, densities: Collection[str]) -> Bools:
    """Tell in which periods events were recorded so completely that a zero is a real zero."""
    return covered(study.tables.coverage, grid.dates, grid.step_days, densities)
