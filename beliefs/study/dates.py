"""One reading of dates for the whole package, and the grid of periods that they fall in.

A date is a calendar day from 1600 to 2200. As text it is written ``2026-03-10``; compact and week
dates are refused. A time with a zone is refused too: which day it falls on depends on where one
stands. A time without one falls on its own day.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.errors import StudyError

_YEARS = (1600, 2200)
_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXPECTED = f"a date such as 2026-02-28, between {_YEARS[0]} and {_YEARS[1]}"
_HYPHENS = "write year, month and day with hyphens, and a day that the month has"

_SERIAL = "give the column the format yyyy-mm-dd in the spreadsheet, and save it again"


class Fault(ValueError):
    """What is wrong with a value, what was expected, how to fix it; the reader says where it is.

    `column` says which where a whole row is checked.
    """

    def __init__(self, what: str, expected: str, fix: str, column: str = "") -> None:
        super().__init__(what)
        self.what, self.expected, self.fix, self.column = what, expected, fix, column


def _no_day(what: str, fix: str = _HYPHENS) -> Fault:
    return Fault(what, _EXPECTED, fix)


def check_ends(begins: dt.date, end: dt.date | None, column: str = "end") -> None:
    """Refuse what ends before it begins."""
    if end is not None and end < begins:
        what, fix = "something ends before it begins", f"correct {column} or the date before it"
        raise Fault(what, f"a date on or after {begins}", fix, column)


def check_published(least: dt.date, published: dt.date, column: str = "published_at") -> None:
    """Refuse what was published before it happened."""
    if published < least:
        what = "something was published before it happened"
        fix = f"correct the dates, or give no {column}"
        raise Fault(what, f"a date on or after {least}", fix, column)


def read_day(value: object) -> dt.date:
    """Return a calendar day."""
    if isinstance(value, str):
        if not value:
            raise _no_day("a date is missing", "fill in the date")
        if not _TEXT.fullmatch(value):
            fix = _SERIAL if re.fullmatch(r"[0-9]{5}", value) else _HYPHENS
            raise _no_day("a date is not written as a date", fix)
        try:
            value = dt.date.fromisoformat(value)
        except ValueError:
            raise _no_day("there is no such day") from None
    elif isinstance(value, np.datetime64) and np.datetime_data(value)[0] not in ("Y", "M", "W"):
        value = value.astype("datetime64[D]").item()  # None for NaT, a number beyond year 9999
    if isinstance(value, dt.datetime) and value == value:  # pandas.NaT is unequal to itself
        if value.tzinfo is not None:
            fix = "choose the day: leave the time and its zone out"
            raise _no_day("a time with a zone is not a day", fix)
        value = value.date()
    if not isinstance(value, dt.date) or value != value:
        raise _no_day("this is not a date")
    if not _YEARS[0] <= value.year <= _YEARS[1]:
        raise _no_day("a date is out of range")
    return value


def day_of(value: object, where: str) -> np.datetime64:
    """Return a calendar day as NumPy has it; `where` names the argument or place in messages."""
    try:
        return np.datetime64(read_day(value), "D")
    except Fault as error:
        raise StudyError(
            error.what, where=where, found=repr(value), expected=error.expected, fix=error.fix
        ) from None


def today() -> np.datetime64:
    """Return the day it is, UTC."""
    return np.datetime64(dt.datetime.now(dt.UTC).date(), "D")


MONTH = 365.25 / 12
"""Days of a month in the mean: a study by the month has periods of this length and real days."""


def later(days: Any, periods: Any, step_days: float) -> Any:
    """Return the first days of the periods so many after those that begin on some days."""
    begin = days.astype("datetime64[D]")
    if step_days != MONTH:
        return begin + periods * np.timedelta64(int(step_days), "D")
    months = begin.astype("datetime64[M]") + periods * np.timedelta64(1, "M")
    return months.astype("datetime64[D]")


@dataclass(frozen=True)
class Grid:
    """`n` consecutive periods of `step_days` days each, the first beginning on day `start`.

    Days before period 0 have negative period numbers, days after the last `n` and more.
    """

    start: np.datetime64
    step_days: float  # a whole number, or `MONTH` for months of the calendar
    n: int

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """First day of each period, shape (n,)."""
        dates: NDArray[np.datetime64] = later(self.start, np.arange(self.n), self.step_days)
        return dates

    @property
    def last_days(self) -> NDArray[np.datetime64]:
        """Last day of each period, shape (n,)."""
        after: NDArray[np.datetime64] = later(self.dates, 1, self.step_days)
        return after - np.timedelta64(1, "D")

    def index(self, days: ArrayLike) -> NDArray[np.int64]:
        """Return the period number of each day."""
        whole = np.asarray(days, dtype="datetime64[D]")
        if self.step_days != MONTH:
            return (whole - self.start).astype(np.int64) // int(self.step_days)
        first = self.start.astype("datetime64[M]")
        return np.asarray((whole.astype("datetime64[M]") - first).astype(np.int64))

    def active(self, as_of: np.datetime64) -> NDArray[np.bool_]:
        """Tell which periods had ended by `as_of`."""
        return self.last_days <= np.datetime64(as_of, "D")

    def backwards(self, day: np.datetime64) -> Grid:
        """Return this grid with whole periods put before it, so that it holds `day`."""
        more = max(0, -int(self.index(day)))
        start = later(self.start, -more, self.step_days)
        return Grid(start, self.step_days, self.n + more)
