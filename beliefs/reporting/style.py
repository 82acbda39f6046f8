"""Colours, dates and numbers, the same in every table and figure.

Colours are Okabe and Ito's (2008), distinct with any colour vision; the sides also differ in
lightness, so that they stay distinct in a grey print.
"""

import datetime as dt
import unicodedata
from typing import Any

BLUE, VERMILION, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, BLACK = "#E69F00", "#56B4E9", "#F0E442", "#000000"
SIDE_COLOURS = (BLUE, VERMILION)  # first and second side, everywhere
THEORY_COLOURS = ("#999999", SKY, ORANGE, GREEN, PINK, YELLOW)  # no side's
QUANTITY_COLOURS = (VERMILION, BLUE, GREEN, PINK, ORANGE, SKY, BLACK)  # in no order
VERDICT_COLOURS = {
    "supported": GREEN, "contradicted": "#CC3311", "undecided": ORANGE,
    "not learnable here": "#BBBBBB",
}  # fmt: skip
TALKS, SURPLUS = "#00664B", "#8A4B7A"
INK, GREY, LINE, PRIOR = "#1d1d1b", "#6f6d68", "#e4e2dc", "#d5d2cb"
REGIME_COLOURS = {"none": "#ffffff", "talks": "#e4efe6", "truce": "#f1efe9", "war": "#dedad2"}
REGIME_WORDS = {"none": "no regime", "talks": "talks", "truce": "truce", "war": "war"}
_UNSEEN = ("Cc", "Cf", "Cs", "Co")  # control, format, surrogate, private use
_MONTHS = "January February March April May June July August September October November December"


def faint(colour: str, alpha: float) -> str:
    """Return ``#rrggbb`` with opacity `alpha`."""
    return f"{colour}{round(255 * alpha):02x}"


def clean(text: object) -> str:
    """Return text on one line without control and direction-changing characters.

    Study text comes from strangers: an escape sequence could rewrite a terminal, and a
    right-to-left override could make a label read as another.
    """
    return str(printable(" ".join(str(text).split())))


def printable(value: Any) -> Any:
    """Return a text without such characters, its spaces and lines kept; anything else as it is."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return "".join(c for c in value if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)


def shorten(text: str, width: int) -> str:
    """Return text cut to `width` characters, for a label that must keep its place."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def mathless(text: object) -> str:
    """Return clean text in which Matplotlib finds no formula."""
    return clean(text).replace("$", r"\$")


def percent(p: float, digits: int = 1) -> str:
    """Return a probability in per cent; never a bare 0 or 100, which no sample can show."""
    least = 10.0**-digits
    if p < 0.005 * least:
        return f"<{least:g}%"
    return f">{100.0 - least:g}%" if p > 1.0 - 0.005 * least else f"{100.0 * p:.{digits}f}%"


def points(p: float) -> str:
    """Return a difference of probabilities in percentage points."""
    return f"{100.0 * p:.1f}" if p >= 0.0005 else "<0.1"


def interval(low: float, high: float) -> str:
    """Return an interval of probabilities in whole per cent."""
    return f"{100.0 * low:.0f}–{100.0 * high:.0f}%"


def number(value: float, digits: int = 2) -> str:
    """Return a signed number with a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def day(value: Any) -> str:
    """Return a date as ``30 June 2026``, whatever the machine's language."""
    when = value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
    return f"{when.day} {_MONTHS.split()[when.month - 1]} {when.year}"


def short_day(value: Any) -> str:
    """Return a date as ``30 Jun 2026``."""
    number_, month, year = day(value).split()
    return f"{number_} {month[:3]} {year}"
