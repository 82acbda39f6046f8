"""`indicators.csv`: published values of series, with their revisions.

Checks run over all rows, also those that an as-of date drops later, so that a study is either
sound or refused, whatever date is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.study.settings.spec import Indicator, StudySpec
from beliefs.study.tables.columns import (
    Dates,
    check_not_early,
    choice_column,
    date_column,
    number_column,
)
from beliefs.study.tables.records import Records
from beliefs.study.tables.tables import Table, read_table

__all__ = ["INDICATOR_COLUMNS", "read_indicators"]

INDICATOR_COLUMNS: Final = ("indicator", "date", "published_at", "value")


def read_indicators(folder: Path, spec: StudySpec) -> Records:
    """Read and check `indicators.csv`.

    Parameters
    ----------
    folder
        The study folder.
    spec
        Its settings.

    Returns
    -------
    Records
        `indicator` (str), `date`, `published_at` (datetime64[D], blanks filled by the indicator's
        publication lag), `value` (float); sorted by indicator, date, publication.

    Raises
    ------
    StudyError
        At the first row that breaks a rule.
    """
    table = read_table(folder, "indicators.csv", INDICATOR_COLUMNS)
    series = {i.id: i for i in spec.indicators if i.source == "series"}
    _check_indicator_names(table, spec, series)
    names = np.array(table.cells["indicator"], dtype=object)
    date = date_column(table, "date")
    published = date_column(table, "published_at", blank=True)
    value = number_column(table, "value")
    _check_order(table, date, published)
    for name, indicator in series.items():
        mine = names == name
        lag = np.timedelta64(indicator.publication_lag, "D")
        published[mine] = np.where(np.isnat(published[mine]), date[mine] + lag, published[mine])
        _check_domain(table, np.flatnonzero(mine), value, spec, indicator)
    check_not_early(table, date, published)
    _check_revisions(table, date, published)
    records = Records({"indicator": names, "date": date, "published_at": published, "value": value})
    return records.ordered("indicator", "date", "published_at")


def _check_indicator_names(table: Table, spec: StudySpec, series: dict[str, Indicator]) -> None:
    counted = {i.id for i in spec.indicators} - set(series)
    for row, name in enumerate(table.cells["indicator"]):
        if name in counted:
            raise table.error(
                row,
                "indicator",
                f"`{name}` is counted from events, so it has no rows",
                'rows of indicators whose source is "series"',
                'remove the rows, or set source = "series" in study.toml',
            )
    choice_column(table, "indicator", series)


def _check_order(table: Table, date: Dates, published: Dates) -> None:
    """Rows of one indicator stand in the order of date, then of publication."""
    last: dict[str, int] = {}
    days = date.astype(np.int64).tolist()
    for row, name in enumerate(table.cells["indicator"]):
        before = last.get(name)
        last[name] = row
        if before is None or days[before] < days[row]:
            continue
        same = days[before] == days[row]
        if same and published[before] == published[row]:
            raise _duplicate(table, row, before)
        both_blank = same and np.isnat(published[before]) and np.isnat(published[row])
        if both_blank:
            raise _duplicate(table, row, before)
        if days[before] > days[row] or published[before] > published[row]:
            raise table.error(
                row,
                "date" if not same else "published_at",
                f"the rows of `{name}` are not in the order of time",
                f"a date and publication after those of line {table.lines[before]}",
                "sort the rows below the header: sort -t, -k1,1 -k2,2 -k3,3",
            )


def _check_revisions(table: Table, date: Dates, published: Dates) -> None:
    """After blanks are filled, two rows may turn out to be one and the same publication."""
    seen: dict[tuple[str, int, int], int] = {}
    days, told = (column.astype(np.int64).tolist() for column in (date, published))
    for row, key in enumerate(zip(table.cells["indicator"], days, told, strict=True)):
        if key in seen:
            raise _duplicate(table, row, seen[key])
        seen[key] = row


def _duplicate(table: Table, row: int, before: int) -> StudyError:
    name = table.cells["indicator"][row]
    return StudyError(
        "a row stands twice",
        where=table.at(row, "date"),
        found=f"{name}, {table.cells['date'][row]}, published "
        f"{table.cells['published_at'][row] or '(by the lag)'}: also on line "
        f"{table.lines[before]} of {table.name}",
        expected="one row per indicator, date and published_at",
        mend="remove one; a revision needs a later published_at",
    )


def _check_domain(
    table: Table,
    rows: NDArray[np.intp],
    value: NDArray[np.float64],
    spec: StudySpec,
    indicator: Indicator,
) -> None:
    """Refuse values that the indicator's transform, or a reading of it, is not defined for."""
    v = value[rows]
    read_as_share = any(r.indicator == indicator.id for c in spec.channels for r in c.series)
    if indicator.transform == "logit":
        bad, expected, why = (v <= 0) | (v >= 1), "a number between 0 and 1", "a logit"
        mend = "divide percentages by 100"
    elif indicator.transform == "log" or read_as_share:
        bad, expected = v <= 0, "a number above 0"
        why = "a logarithm" if indicator.transform == "log" else "a share (channels.series)"
        mend = 'correct the value, or use transform = "identity" or "diff"'
    elif indicator.transform == "count":
        bad, expected, why = v < 0, "a number of 0 or more", "a count"
        mend = "correct the value; a count is never negative"
    else:
        return
    if bad.any():
        raise table.error(
            int(rows[np.argmax(bad)]),
            "value",
            f"`{indicator.id}` is taken as {why}, which this value does not allow",
            expected,
            mend,
        )
