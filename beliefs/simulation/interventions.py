"""Named interventions: what if a currency fell, a waiver came, a government changed, a war widened.

A TOML file holds one or more ``[[intervention]]`` tables::

    [[intervention]]
    kind = "path"            # an indicator moves on a date, or follows named values
    indicator = "exchange_rate"
    date = 2026-07-10
    change = 0.30            # relative: the currency loses, the rate rises 30 %

    [[intervention]]
    kind = "waiver"          # relief in force from a date (to `until` when given)
    date = 2026-07-05

    [[intervention]]
    kind = "turnover"        # a new leadership on one side
    side = "north"
    date = 2026-08-01

    [[intervention]]
    kind = "escalation"      # a shock of unknown direction: its jump is drawn from the prior
    date = 2026-07-15

    [[intervention]]
    kind = "mediator_leaves" # no mediation, fresh or old, from a date on
    date = 2026-07-10

On what both sides do, where a study and a theory speak of it::

    kind = "hotline"         # in force from a date (to `until` when given)
    kind = "zone"            # a rule that spares `zone`, likewise
    kind = "attribution"     # from a date on, acts nobody owns to are attributed within `hours`
    kind = "spoiler"         # such an act: severity = 3, zone, hours until it is attributed (72)
    kind = "crossing"        # an act of `side` at the red line `line`, severity = 5
    kind = "extension"       # the truce goes on for `days`, mutual = true
    kind = "concession"      # the named concession `id` is broken

A path may name ``values = { 2026-07-10 = 1200000.0, 2026-07-17 = 1300000.0 }`` instead of a change,
in the unit of the indicator.
"""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.study.dates import day_of

__all__ = [
    "KINDS", "Intervention", "Kind", "as_table", "bad_intervention", "load_interventions", "parse",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of intervention."""

    keys: tuple[str, ...]  # Keys it may have beside kind and date
    needs: tuple[str, ...]  # Those that it must have
    # Parameters by which it works: with all of them at their null values it changes nothing
    through: tuple[str, ...]
    actions: bool = False  # Whether it acts on what both sides do, and on nothing else


_EXCITED = ("log_excite_own", "log_excite_cross")
_NEWS = ("weight_own", "weight_other")
KINDS = {
    "path": Kind(
        ("indicator", "change", "values"), ("indicator",),
        (*_NEWS, "cost_slope", "economic_hinge", "valve_pressure"),
    ),
    "waiver": Kind(("until",), (), ("waiver_cut",)),
    "turnover": Kind(
        ("side",), ("side",),
        ("shock_jump", "turnover_reset", "shock_hazard", "turnover_termination"),
    ),
    "escalation": Kind((), (), ("shock_jump", "shock_hazard", "escalation_cost")),
    "mediator_leaves": Kind((), (), ("mediator_effect", "mediator_late")),
    "hotline": Kind(("until",), (), ("hotline_effect",), True),
    "zone": Kind(("zone", "until"), ("zone",), ("zone_effect", "zone_displacement"), True),
    "attribution": Kind(("hours",), ("hours",), ("attribution_gap",), True),
    "spoiler": Kind(("severity", "zone", "hours"), (), ("attribution_gap", *_EXCITED), True),
    "crossing": Kind(("side", "line", "severity"), ("side", "line"), (*_EXCITED, *_NEWS), True),
    "extension": Kind(("days", "mutual"), ("days",), ("resolve_base",), True),
    "concession": Kind(("id",), ("id",), ("renewal_effect",), True),
}  # fmt: skip
_NUMBERS = {"hours": (0.0, 8760.0), "severity": (1.0, 5.0), "days": (1.0, 3660.0)}


@dataclass(frozen=True)
class Intervention:
    """One what-if.

    Attributes
    ----------
    kind
        One of `KINDS`.
    date
        First day it is in force.
    indicator, change, values
        For ``path``: indicator id; relative change of its last value on `date`, or
        values by date, kept as ISO text in the order of time.
    side
        For ``turnover`` and ``crossing``: side id.
    until
        For ``waiver``, ``hotline`` and ``zone``: last day in force; open when None.
    zone, line, id
        Watched zone; declared red line; named concession.
    severity
        Of the act of a ``spoiler`` or at a red line, 1 to 5.
    hours
        Until an act that nobody owns to is attributed.
    days, mutual
        For ``extension``: until the new deadline; whether both sides agree to it.
    """

    kind: str
    date: dt.date
    indicator: str | None = None
    change: float | None = None
    values: Mapping[str, float] | None = None
    side: str | None = None
    until: dt.date | None = None
    zone: str | None = None
    line: str | None = None
    id: str | None = None
    severity: float | None = None
    hours: float | None = None
    days: float | None = None
    mutual: bool | None = None

    def __post_init__(self) -> None:
        """Read the dates, so that text never decides their order."""
        for key in ("date", "until"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, day_of(getattr(self, key), key).item())
        if isinstance(self.values, Mapping):
            read = {day_of(day, "values").item(): value for day, value in self.values.items()}
            object.__setattr__(self, "values", {str(day): read[day] for day in sorted(read)})

    @property
    def label(self) -> str:
        """Return a short name."""
        named = (self.indicator, self.side, self.zone, self.line, self.id)
        detail = " ".join(name for name in named if name)
        size = f" {self.change:+.0%}" if self.change is not None else ""
        size += f" {self.hours:g} h" if self.hours is not None else ""
        size += f" {counted(self.days, 'day')}" if self.days is not None else ""
        return " ".join(f"{self.kind} {detail}{size} {self.date}".split())

    def period(
        self, dates: NDArray[np.datetime64], step_days: int, day: dt.date | None = None
    ) -> int:
        """Return the number of the future period in which it, or another day of it, lies."""
        day = self.date if day is None else day
        end = dates[-1] + np.timedelta64(step_days - 1, "D")
        if not dates[0] <= np.datetime64(day) <= end:
            raise bad_intervention(
                self.label, "the intervention lies outside the forecast", str(day),
                f"a date from {dates[0]} to the end of the horizon, {end}",
            )  # fmt: skip
        return int(np.searchsorted(dates, np.datetime64(day), side="right")) - 1

    def in_force(self, dates: NDArray[np.datetime64], step_days: int) -> NDArray[np.bool_]:
        """Return in which periods it is in force, (horizon,); arguments as of `period`."""
        on = np.arange(len(dates)) >= self.period(dates, step_days)
        return on if self.until is None else on & (dates <= np.datetime64(self.until))

    def arrivals(
        self, dates: NDArray[np.datetime64], step_days: int
    ) -> tuple[tuple[int, float], ...]:
        """Return the period and the value of each value of a path; arguments as of `period`."""
        return tuple(
            {
                self.period(dates, step_days, dt.date.fromisoformat(day)): float(value)
                for day, value in (self.values or {}).items()
            }.items()
        )


def load_interventions(path: str | Path) -> tuple[Intervention, ...]:
    """Read interventions from a TOML file.

    Raises
    ------
    StudyError
        The file or one of its tables cannot be used. Whether names and dates fit a study is
        checked when a forecast applies them.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(
            "the intervention file cannot be read",
            where=str(path),
            found=str(error),
            expected="a TOML file with [[intervention]] tables",
            mend='write [[intervention]], and below it kind = "turnover", side = "north" and '
            "date = 2026-08-01, one key a line; other kinds: " + ", ".join(KINDS),
        ) from error
    tables = raw.get("intervention")
    if (
        not isinstance(tables, list)
        or not tables
        or not all(isinstance(table, dict) for table in tables)
        or set(raw) != {"intervention"}
    ):
        raise StudyError(
            "the intervention file has no [[intervention]] tables, or has other keys",
            where=str(path),
            found=", ".join(raw) or "nothing",
            expected="one or more [[intervention]] tables and nothing else",
            mend="begin each intervention with a line [[intervention]]",
        )
    return tuple(parse(f"{path}: intervention[{n}]", table) for n, table in enumerate(tables))


def as_table(item: Intervention) -> dict[str, Any]:
    """Return an intervention as a JSON table; dates become text, keys without a value are left out.

    `parse` reads it back.
    """
    found = {k: v for k, v in vars(item).items() if v is not None}
    return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in found.items()}


def bad_intervention(where: str, what: str, found: str, expected: str) -> StudyError:
    """Return the error for a table that cannot be used."""
    return StudyError(what, where=where, found=found, expected=expected, mend="correct the table")


def parse(where: str, table: Mapping[str, Any]) -> Intervention:
    """Return the intervention of a table.

    Raises
    ------
    StudyError
        With `where` and the key that is wrong.
    """
    kind = table.get("kind")
    if kind not in KINDS:
        raise bad_intervention(where, "unknown kind", repr(kind), ", ".join(KINDS))
    allowed = ("kind", "date", *KINDS[kind].keys)
    if extra := [key for key in table if key not in allowed]:
        raise bad_intervention(
            where, f"a {kind} has no such key", ", ".join(extra), "keys " + ", ".join(allowed)
        )
    for name in KINDS[kind].needs:
        if name not in _NUMBERS and not isinstance(table.get(name), str):
            raise bad_intervention(where, f"a {kind} needs its {name}", repr(table.get(name)), "id")
    _check_values(where, kind, table)
    date, until = table.get("date"), table.get("until")
    if date is None:
        raise bad_intervention(where, "no date", "nothing", "date = YYYY-MM-DD")
    day = day_of(date, f"{where} date")
    if until is not None and day_of(until, f"{where} until") < day:
        raise bad_intervention(where, "until lies before date", repr(until), f"{day} or later")
    if kind == "path":
        _check_path(where, table)
    return Intervention(**table)


def _check_values(where: str, kind: str, table: Mapping[str, Any]) -> None:
    for name, (low, high) in _NUMBERS.items():
        value = table.get(name)
        if value is None and name not in KINDS[kind].needs:
            continue
        if not _number(value) or not low <= value <= high:  # type: ignore[operator]
            raise bad_intervention(
                where, f"the {name} of a {kind} cannot be used", repr(value),
                f"{name} = a number from {low:g} to {high:g}",
            )  # fmt: skip
    if "zone" in table and not isinstance(table["zone"], str):
        raise bad_intervention(where, "zone is no name", repr(table["zone"]), "the id of a zone")
    if "mutual" in table and type(table["mutual"]) is not bool:
        raise bad_intervention(where, "mutual is neither", repr(table["mutual"]), "true or false")


def _check_path(where: str, table: Mapping[str, Any]) -> None:
    change, values = table.get("change"), table.get("values")
    if (change is None) == (values is None):
        raise bad_intervention(
            where, "a path needs a change or values, not both",
            "both" if values is not None else "neither", "change = 0.3, or values = { ... }",
        )  # fmt: skip
    if change is not None and not (_number(change) and change > -1.0):
        raise bad_intervention(
            where, "the change cannot be used", repr(change),
            "a relative change above -1, such as 0.3 for 30 % more",
        )  # fmt: skip
    if values is None:
        return
    if not isinstance(values, dict) or not values:
        raise bad_intervention(where, "values is no table", repr(values), "{ YYYY-MM-DD = number }")
    for day, value in values.items():
        day_of(day, f"{where} values")
        if not _number(value):
            raise bad_intervention(
                where, f"the value on {day} is no number", repr(value), "a finite number"
            )


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
