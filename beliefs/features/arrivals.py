"""What arrived in each period: published values of series, counts of events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.features.steps import binned, counts
from beliefs.study.calendar import Grid
from beliefs.study.load import Study
from beliefs.study.settings.spec import Indicator
from beliefs.study.tables.coverage import covered, instruments
from beliefs.study.tables.records import Records
from beliefs.study.tables.rows import counted_events

__all__ = [
    "Arrivals",
    "event_arrivals",
    "event_count",
    "force_arrivals",
    "series_arrivals",
    "severity_sum",
]


@dataclass(frozen=True)
class Arrivals:
    """One value for each period in which something was published, in the order of time."""

    # Period number of each arrival, shape (N,); negative before the study's period
    period: NDArray[np.int64]
    value: NDArray[np.float64]  # Value, shape (N,), before any transform
    # Where the level shifts without being news (a declared reset); shape (N,), bool
    begins: NDArray[np.bool_]
    restarts: NDArray[np.bool_]  # Where another way of counting begins; shape (N,), bool


def series_arrivals(study: Study, indicator: Indicator, last: int) -> Arrivals:
    """Collect the published values of a series, one for each period.

    A row is news when its date is later than that of every row published before it. A revision
    of an older date is therefore not news, and enters nothing else either.
    """
    series = study.tables.indicators
    rows = series.take(series.among("indicator", (indicator.id,))).ordered("published_at", "date")
    date = rows["date"].astype(np.int64)
    before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(date)[:-1]])
    news = date > before[: len(date)]
    date, value = date[news], rows["value"][news]
    period = study.grid.index(rows["published_at"])[news]
    keep = period <= last
    date, value, period = date[keep], value[keep], period[keep]
    numbers, first = np.unique(period, return_index=True)
    # The slices are for a series that has not arrived at all: no first, no last.
    final = np.append(first[1:], len(period))[: len(numbers)] - 1
    if indicator.aggregate == "last":
        value = value[final]
    else:
        total = np.add.reduceat(value, first) if len(first) else value
        value = total / (final - first + 1) if indicator.aggregate == "mean" else total
    begins = _crossed(date[final], np.array(indicator.resets, dtype="datetime64[D]"))
    return Arrivals(numbers, value, begins, np.zeros(len(numbers), dtype=bool))


def _crossed(date: NDArray[np.int64], marks: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Tell which arrivals are the first on or after a marked date."""
    passed = np.searchsorted(np.sort(marks.astype(np.int64)), date, side="right")
    return np.diff(passed, prepend=passed[:1]) > 0


def event_arrivals(study: Study, indicator: Indicator, last: int) -> Arrivals:
    """Count events in each period in which they were recorded completely.

    A covered period without events is a zero; an uncovered one is missing, whatever was recorded.
    """
    rows = counted_events(study.tables.events, indicator)
    return _counted(study, rows, indicator.measure == "severity", indicator, last)


def force_arrivals(study: Study, rows: Records, densities: tuple[str, ...], last: int) -> Arrivals:
    """Sum the severity of the given acts of force in each period covered by `densities`."""
    return _counted(study, rows, True, densities, last)


def _counted(
    study: Study,
    rows: Records,
    weighted: bool,
    how: Indicator | tuple[str, ...],
    last: int,
) -> Arrivals:
    densities = how if isinstance(how, tuple) else how.coverage
    resets = () if isinstance(how, tuple) else how.resets
    grid = study.grid
    coverage = study.tables.coverage
    early = coverage["start"]
    longer = grid.backwards(early.min()) if len(early) else grid
    shift = longer.n - grid.n
    total = severity_sum(rows, longer) if weighted else event_count(rows, longer)
    use = covered(coverage, longer.dates, grid.step_days, densities)
    use &= np.arange(longer.n) - shift <= last
    where = np.flatnonzero(use)
    instrument = instruments(coverage, longer.dates)[where]
    days = longer.last_days[where].astype(np.int64)
    return Arrivals(
        where - shift,
        total[where],
        _crossed(days, np.array(resets, dtype="datetime64[D]")),
        np.diff(instrument, prepend=instrument[:1]) != 0,
    )


def event_count(rows: Records, grid: Grid) -> NDArray[np.float64]:
    """Count events in the period in which they were published, (grid.n,)."""
    return counts(rows, grid)


def severity_sum(rows: Records, grid: Grid) -> NDArray[np.float64]:
    """Sum severities by period of publication, (grid.n,); no act of force weighs 1."""
    weight = np.where(np.isnan(rows["severity"]), 1.0, rows["severity"])
    return binned(rows, weight, grid)
