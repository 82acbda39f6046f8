"""How completely events were recorded, and by which instrument, day by day.

Without `coverage.csv` a study claims to be dense everywhere. With it, days outside the spans are
unobserved: a zero there is not a zero. So are those after the last span, until a row covers them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.errors import StudyError
from beliefs.study.settings.spec import StudySpec
from beliefs.study.tables.codebook import DENSITIES
from beliefs.study.tables.columns import choice_column, date_column, name_column
from beliefs.study.tables.records import Records
from beliefs.study.tables.tables import Table, read_table

__all__ = ["COVERAGE_COLUMNS", "covered", "instruments", "read_coverage"]

COVERAGE_COLUMNS: Final = ("start", "end", "density", "instrument", "note")

ONE_DAY = np.timedelta64(1, "D")


def read_coverage(folder: Path, spec: StudySpec, first_published: np.datetime64) -> Records:
    """Read and check `coverage.csv`, or return full coverage when there is none.

    Parameters
    ----------
    folder
        The study folder.
    spec
        Its settings; the spans must cover the period from its start on, without a gap.
    first_published
        Day on which the first event was published. Without a `coverage.csv`, recording is taken
        to begin then, or with the period if that is earlier.

    Returns
    -------
    Records
        `start`, `end` (datetime64[D], both included), `density`, `instrument`, `note`; in the order
        of time.

    Raises
    ------
    StudyError
        If spans overlap, are out of order, or leave a gap inside the period.
    """
    name = "coverage.csv"
    first, last = np.datetime64(spec.period.start, "D"), np.datetime64(spec.period.end, "D")
    if not (folder / name).exists() and not (folder / name).is_symlink():
        return _frame([min(first, first_published)], [last], ["dense"], ["all"], [""])
    table = read_table(folder, name, COVERAGE_COLUMNS)
    if not len(table):
        raise StudyError(
            f"{name} has a header but no rows",
            where=f"{name}:1",
            found="0 rows",
            expected="spans that cover the period",
            mend="add the spans, or delete the file if coverage is dense everywhere",
        )
    start, end = date_column(table, "start"), date_column(table, "end")
    density = choice_column(table, "density", DENSITIES)
    instrument = name_column(table, "instrument")
    _check_spans(table, start, end)
    _check_cover(table, start, end, first, last)
    return _frame(start, end, density, instrument, table.cells["note"])


def _frame(
    start: ArrayLike,
    end: ArrayLike,
    density: Sequence[str],
    instrument: Sequence[str],
    note: Sequence[str],
) -> Records:
    return Records(
        {
            "start": np.asarray(start),
            "end": np.asarray(end),
            "density": density,
            "instrument": instrument,
            "note": note,
        }
    )


def _check_spans(table: Table, start: NDArray, end: NDArray) -> None:
    for row in range(len(table)):
        if end[row] < start[row]:
            raise table.error(
                row,
                "end",
                "a span ends before it begins",
                f"a date on or after {start[row]}",
                "correct start or end",
            )
        if row and start[row] <= end[row - 1]:
            raise table.error(
                row,
                "start",
                "spans of coverage overlap or are out of order",
                f"a date after {end[row - 1]}, where line {table.lines[row - 1]} ends",
                "sort the spans; each begins the day after the one before it ends",
            )


def _check_cover(
    table: Table, start: NDArray, end: NDArray, first: np.datetime64, last: np.datetime64
) -> None:
    """Every day of the period up to the last span belongs to one."""
    mend = 'add a span; use density "none" for days that nobody recorded'
    if start[0] > first:
        raise table.error(
            0, "start", "coverage begins after the period", f"{first} or earlier", mend
        )
    for row in range(1, len(table)):
        wanted = end[row - 1] + ONE_DAY
        if start[row] > wanted and start[row] > first and wanted <= last:
            raise table.error(
                row,
                "start",
                "coverage has a gap inside the period",
                f"{wanted}, the day after line {table.lines[row - 1]} ends",
                mend,
            )


def _span_of(coverage: Records, days: NDArray) -> NDArray[np.intp]:
    """Return the row of the span of each day, -1 where no span holds it."""
    start, end = coverage["start"], coverage["end"]
    row = np.searchsorted(start, days, side="right") - 1
    inside = (row >= 0) & (days <= end[np.maximum(row, 0)]) if len(start) else row >= 0
    return np.where(inside, row, -1)


def covered(
    coverage: Records, first_days: NDArray, step_days: int, densities: Collection[str]
) -> NDArray[np.bool_]:
    """Tell in which periods a zero is a real zero.

    Parameters
    ----------
    coverage
        As from `read_coverage`.
    first_days
        First day of each period, shape (T,).
    step_days
        Length of a period in days.
    densities
        Densities under which events are recorded completely enough.

    Returns
    -------
    ndarray of bool, shape (T,)
        True where every day of the period has one of the densities.
    """
    days = first_days[:, None] + np.arange(step_days)
    row = _span_of(coverage, days)
    good = np.array([*coverage.among("density", densities), False])
    return good[row].all(axis=1)


def instruments(coverage: Records, first_days: NDArray) -> NDArray[np.intp]:
    """Return the number of the instrument in use on the first day of each period.

    Parameters
    ----------
    coverage
        As from `read_coverage`.
    first_days
        First day of each period, shape (T,).

    Returns
    -------
    ndarray of int, shape (T,)
        Equal numbers mean that counts can be compared; -1 where nothing was recorded.
    """
    ids = [*coverage["instrument"]]
    number = {name: place for place, name in enumerate(dict.fromkeys(ids))}
    codes = np.array([*(number[name] for name in ids), -1])
    return codes[_span_of(coverage, first_days)]
