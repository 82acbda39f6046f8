"""One reading of dates for the whole package: tables, settings, what-ifs, the command line, Python.

A date is a calendar day from 1600 to 2200. As text it is written ``2026-03-10``; compact and week
dates are refused. A time with a zone is refused too: which day it falls on depends on where one
stands. A time without one falls on its own day.
"""

from __future__ import annotations

import datetime as dt
import re

import numpy as np

from beliefs.errors import StudyError

__all__ = ["EXPECTED", "NotADay", "day_of", "read_day", "today"]

_YEARS = (1600, 2200)
_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COARSE = ("Y", "M", "W")  # units of NumPy that name no day
EXPECTED = f"a date such as 2026-02-28, between {_YEARS[0]} and {_YEARS[1]}"
_HYPHENS = "write year, month and day with hyphens, and a day that the month has"


class NotADay(ValueError):
    """What is wrong with a date, and how to mend it; the reader says where it stands."""

    def __init__(self, what: str, mend: str = _HYPHENS) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


def read_day(value: object) -> dt.date:
    """Return a calendar day."""
    if isinstance(value, str):
        day = _of_text(value)
    elif isinstance(value, np.datetime64):
        if np.isnat(value) or np.datetime_data(value)[0] in _COARSE:
            raise NotADay("this is not a date")
        day = value.astype("datetime64[D]").item()
    elif isinstance(value, dt.date) and value == value:  # pandas.NaT is a date unequal to itself
        if isinstance(value, dt.datetime):
            if value.tzinfo is not None:
                raise NotADay(
                    "a time with a zone is not a day",
                    "choose the day: leave the time and its zone out",
                )
            value = value.date()
        day = value
    else:
        raise NotADay("this is not a date")
    if not isinstance(day, dt.date) or not _YEARS[0] <= day.year <= _YEARS[1]:
        raise NotADay("a date is out of range")
    return day


def _of_text(text: str) -> dt.date:
    if not text:
        raise NotADay("a date is missing", "fill in the date")
    if not _TEXT.fullmatch(text):
        raise NotADay("a date is not written as a date")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise NotADay("there is no such day") from None


def day_of(value: object, where: str) -> np.datetime64:
    """Return a calendar day as NumPy has it.

    Parameters
    ----------
    value
        See `read_day`.
    where
        Name of the argument or place, for messages.

    Raises
    ------
    StudyError
        It is none.

    Examples
    --------
    >>> day_of("2026-04-30", "as_of")
    np.datetime64('2026-04-30')
    """
    try:
        return np.datetime64(read_day(value), "D")
    except NotADay as error:
        raise StudyError(
            error.what, where=where, found=repr(value), expected=EXPECTED, mend=error.mend
        ) from None


def today() -> np.datetime64:
    """Return the day it is, UTC."""
    return np.datetime64(dt.datetime.now(dt.UTC).date(), "D")
