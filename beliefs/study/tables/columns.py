"""Columns of cells turned into dates, numbers and words of a closed vocabulary.

Strictly: nothing is guessed, nothing is silently blank.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.study.dates import EXPECTED, NotADay, read_day
from beliefs.study.tables.tables import Table

__all__ = [
    "Dates",
    "Numbers",
    "check_not_early",
    "choice_column",
    "date_column",
    "flag_column",
    "id_column",
    "name_column",
    "number_column",
    "numerals",
]

MAX_NUMBER = 1e15
"""Largest size of a number. Beyond it sums of squares lose their meaning; change the unit."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
_EPOCH = dt.date(1970, 1, 1).toordinal()
_BLANK = int(np.datetime64("NaT", "D").astype(np.int64))

Dates = NDArray[np.datetime64]
Numbers = NDArray[np.float64]


def date_column(table: Table, column: str, *, blank: bool = False) -> Dates:
    """Return a column of dates, written 2026-02-28.

    Parameters
    ----------
    table, column
        Where to look.
    blank
        Whether an empty cell is allowed; it becomes NaT.

    Returns
    -------
    ndarray of datetime64[D], shape (rows,)

    Raises
    ------
    StudyError
        At the first cell that is not a real date between 1600 and 2200.
    """
    known: dict[str, int] = {"": _BLANK} if blank else {}
    days: list[int] = []
    for row, text in enumerate(table.cells[column]):
        if text not in known:
            known[text] = _date(table, row, column, text).toordinal() - _EPOCH
        days.append(known[text])
    # Numbers first: NumPy takes date objects one by one.
    return np.array(days, dtype=np.int64).view("datetime64[D]")


def _date(table: Table, row: int, column: str, text: str) -> dt.date:
    try:
        return read_day(text)
    except NotADay as error:
        raise table.error(row, column, error.what, EXPECTED, error.mend) from None


def number_column(
    table: Table,
    column: str,
    *,
    blank: bool = False,
    low: float = -MAX_NUMBER,
    high: float = MAX_NUMBER,
) -> Numbers:
    """Return a column of finite numbers between `low` and `high`, both included.

    Parameters
    ----------
    table, column
        Where to look.
    blank
        Whether an empty cell is allowed; it becomes NaN. The text ``nan`` never is.
    low, high
        Bounds.

    Returns
    -------
    ndarray of float, shape (rows,)

    Raises
    ------
    StudyError
        At the first cell that is no plain number or out of bounds.
    """
    bounded = high < MAX_NUMBER
    expected = (
        f"a number from {low:g} to {high:g}" if bounded else f"a finite number up to {high:g}"
    )
    values = np.empty(len(table))
    match = _NUMBER.fullmatch
    for row, text in enumerate(numerals(table, column)):
        if match(text):
            value = float(text)
            if not low <= value <= high:
                mend = "correct the value" if bounded else "use a larger unit"
                raise table.error(row, column, "a number is out of range", expected, mend)
            values[row] = value
        elif blank and not text:
            values[row] = np.nan
        else:
            what = "a value is not a number" if text else "a value is missing"
            mend = "leave out the row when the value is unknown; write 1234.5, without separators"
            if blank:
                mend = "leave the cell empty when the value is unknown"
            raise table.error(row, column, what, expected, mend)
    return values


def numerals(table: Table, column: str) -> Sequence[str]:
    """Return the cells of a column of numbers, with points where decimal commas stand.

    A comma is a decimal one where cells are not separated by commas, no cell of the column has a
    point, and one at least cannot be read as thousands; otherwise the cells are as they are.

    Parameters
    ----------
    table, column
        Where to look.

    Returns
    -------
    sequence of str
    """
    cells = table.cells[column]
    if table.separator == ",":
        return cells
    commas = [text for text in cells if "," in text]
    if (
        any("." in text for text in cells)
        or not all(map(_COMMA.fullmatch, commas))
        or all(map(_THOUSANDS.fullmatch, commas))
    ):
        return cells
    return [text.replace(",", ".") for text in cells]


def flag_column(table: Table, column: str) -> Numbers:
    """Return a column of 1 (yes), 0 (no) and NaN for empty cells (unknown).

    Parameters
    ----------
    table, column
        Where to look.

    Returns
    -------
    ndarray of float, shape (rows,)

    Raises
    ------
    StudyError
        At the first cell that is none of them.
    """
    known = {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "": np.nan}
    for row, text in enumerate(table.cells[column]):
        if text not in known:
            raise table.error(
                row,
                column,
                f"{column} is neither yes nor no",
                "1 (yes), 0 (no) or an empty cell (unknown)",
                "write 1, 0 or nothing",
            )
    return np.array([known[text] for text in table.cells[column]])


def choice_column(
    table: Table, column: str, allowed: Collection[str], *, blank: bool = False
) -> Sequence[str]:
    """Return a column of words from a closed list.

    Parameters
    ----------
    table, column
        Where to look.
    allowed
        The words.
    blank
        Whether an empty cell is allowed.

    Returns
    -------
    sequence of str

    Raises
    ------
    StudyError
        At the first word that is not in the list.
    """
    cells = table.cells[column]
    bad = set(cells) - set(allowed) - ({""} if blank else set())
    if bad:
        row = next(row for row, text in enumerate(cells) if text in bad)
        near = difflib.get_close_matches(cells[row], allowed, 1)
        raise table.error(
            row,
            column,
            f"{cells[row]!r} is not a known {column}" if cells[row] else f"{column} is missing",
            "one of " + ", ".join(allowed),
            f"did you mean {near[0]!r}?" if near else "use a word of the list",
        )
    return cells


def name_column(table: Table, column: str, *, blank: bool = False) -> Sequence[str]:
    """Return a column of short lower-case names, free otherwise.

    Parameters
    ----------
    table, column
        Where to look.
    blank
        Whether an empty cell is allowed.

    Returns
    -------
    sequence of str

    Raises
    ------
    StudyError
        At the first cell that is not such a name.
    """
    for row, text in enumerate(table.cells[column]):
        if not _NAME.fullmatch(text) and not (blank and not text):
            raise table.error(
                row,
                column,
                f"{column} is not a short name" if text else f"{column} is missing",
                "lower-case letters, digits and _ (at most 40)",
                "write it like the other rows, for example gulf or no_1",
            )
    return table.cells[column]


def id_column(table: Table, column: str) -> Sequence[str]:
    """Return a column of names of rows, each used once.

    Parameters
    ----------
    table, column
        Where to look.

    Returns
    -------
    sequence of str

    Raises
    ------
    StudyError
        At the first cell that is empty, too long, or repeats an earlier one.
    """
    seen: dict[str, int] = {}
    for row, text in enumerate(table.cells[column]):
        if not text or len(text) > 60:
            raise table.error(
                row, column, f"{column} is missing or too long", "1 to 60 characters", "name it"
            )
        if text in seen:
            raise StudyError(
                "a row stands twice",
                where=table.at(row, column),
                found=f"{text}: also on line {table.lines[seen[text]]} of {table.name}",
                expected="ids that are unique",
                mend="remove the row, or give it an id of its own",
            )
        seen[text] = row
    return table.cells[column]


def check_not_early(table: Table, date: Dates, published: Dates) -> None:
    """Refuse rows that were published before they happened.

    Parameters
    ----------
    table
        The table, with a column `published_at`.
    date, published
        Its dates, shape (rows,).

    Raises
    ------
    StudyError
        At the first such row.
    """
    early = published < date
    if early.any():
        row = int(np.argmax(early))
        raise table.error(
            row,
            "published_at",
            "something was published before it happened",
            f"a date on or after {table.cells['date'][row]}",
            "correct date or published_at",
        )
