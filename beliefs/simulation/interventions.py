"""Named interventions: what if a currency fell, a waiver came, a government changed, a war widened.

A TOML file holds one or more ``[[intervention]]`` tables; ``docs/interventions`` has an example of
every kind::

    [[intervention]]
    kind = "path"            # an indicator moves on a date, or follows `values` by date
    indicator = "exchange_rate"
    date = 2026-07-10
    change = 0.30            # relative: the currency loses, the rate rises 30 %
"""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.study.dates import day_of


@dataclass(frozen=True)
class Kind:
    """A kind of intervention."""

    keys: tuple[str, ...]  # keys it may have beside kind and date
    needs: tuple[str, ...]  # those that it must have
    # Parameters by which it works: with all of them at their null values it changes nothing
    through: tuple[str, ...]
    actions: bool = False  # whether it acts on what both sides do, and on nothing else


_EXCITED = ("log_excite_own", "log_excite_cross")
_NEWS = ("weight_own", "weight_other")
KINDS = {
    # An indicator moves or follows values, in its own unit
    "path": Kind(
        ("indicator", "change", "values"), ("indicator",),
        (*_NEWS, "cost_slope", "economic_hinge", "valve_pressure"),
    ),
    "waiver": Kind(("until",), (), ("waiver_cut",)),  # relief is in force
    # A new leadership on one side
    "turnover": Kind(
        ("side",), ("side",),
        ("shock_jump", "turnover_reset", "shock_hazard", "turnover_termination"),
    ),
    # A shock of unknown direction: its jump is drawn from the prior
    "escalation": Kind((), (), ("shock_jump", "shock_hazard", "escalation_cost")),
    # No mediation any more, fresh or old
    "mediator_leaves": Kind((), (), ("mediator_effect", "mediator_late")),
    "hotline": Kind(("until",), (), ("hotline_effect",), True),
    # A rule spares a watched zone
    "zone": Kind(("zone", "until"), ("zone",), ("zone_effect", "zone_displacement"), True),
    # Unclaimed actions are attributed within hours
    "attribution": Kind(("hours",), ("hours",), ("attribution_gap",), True),
    # Such an action, of severity 3 and attributed in 72 hours where nothing else is said
    "spoiler": Kind(("severity", "zone", "hours"), (), ("attribution_gap", *_EXCITED), True),
    # An action of a side at a red line, of severity 5 where nothing else is said
    "crossing": Kind(("side", "line", "severity"), ("side", "line"), (*_EXCITED, *_NEWS), True),
    # The truce goes on for days, by both sides where nothing else is said
    "extension": Kind(("days", "mutual"), ("days",), ("resolve_base",), True),
    "concession": Kind(("id",), ("id",), ("renewal_effect",), True),  # a named one is broken
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
        Of the action of a ``spoiler`` or at a red line, 1 to 5.
    hours
        Until an unclaimed action is attributed.
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
        """Return in which periods it is in force, (horizon,)."""
        on = np.arange(len(dates)) >= self.period(dates, step_days)
        return on if self.until is None else on & (dates <= np.datetime64(self.until))

    def arrivals(self, dates: NDArray[np.datetime64], step_days: int) -> dict[int, float]:
        """Return the values of a path by the period in which each arrives."""
        return {
            self.period(dates, step_days, dt.date.fromisoformat(day)): float(value)
            for day, value in (self.values or {}).items()
        }


def load_interventions(path: str | Path) -> tuple[Intervention, ...]:
    r"""Read interventions from a TOML file.

    Parameters
    ----------
    path
        Of a file of ``[[intervention]]`` tables, each with `kind`, `date` and the keys of its kind.

    Returns
    -------
    tuple of Intervention
        In the order of the file.

    Raises
    ------
    StudyError
        The file or one of its tables cannot be used. Whether names and dates fit a study is
        checked when a forecast applies them.

    Examples
    --------
    >>> file = folder / "plan.toml"
    >>> _ = file.write_text("[[intervention]]\nkind = 'waiver'\ndate = 2026-01-28")
    >>> [item.label for item in beliefs.load_interventions(file)]
    ['waiver 2026-01-28']
    """
    where, expected = str(path), "one or more [[intervention]] tables and nothing else"
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            raw = tomllib.loads(file.read(2**20))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(
            "the intervention file cannot be read", where=where, found=str(error),
            expected="a TOML file with [[intervention]] tables",
            fix='write [[intervention]], and below it kind = "turnover", side = "north" and '
            "date = 2026-08-01, one key a line; other kinds: " + ", ".join(KINDS),
        ) from error  # fmt: skip
    tables = raw.get("intervention")
    usable = isinstance(tables, list) and all(isinstance(table, dict) for table in tables)
    if not tables or not usable or set(raw) != {"intervention"}:
        raise StudyError(
            "the intervention file has no [[intervention]] tables, or has other keys",
            where=where, found=", ".join(raw) or "nothing", expected=expected,
            fix="begin each intervention with a line [[intervention]]",
        )  # fmt: skip
    return tuple(parse(f"{where}: intervention[{n}]", table) for n, table in enumerate(tables))


def as_table(item: Intervention) -> dict[str, Any]:
    """Return an intervention as a JSON table, without keys that have no value; see `parse`."""
    found = {k: v for k, v in vars(item).items() if v is not None}
    return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in found.items()}


def bad_intervention(where: str, what: str, found: str, expected: str) -> StudyError:
    """Return the error for a table that cannot be used."""
    return StudyError(what, where=where, found=found, expected=expected, fix="correct the table")


def parse(where: str, table: Mapping[str, Any]) -> Intervention:
    """Return the intervention of a table; a StudyError names `where` and the key that is wrong."""
    for what, found, expected in _faults(where, table):
        raise bad_intervention(where, what, found, expected)
    return Intervention(**table)


def _faults(where: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with a table, what was found, and what is expected."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        yield "unknown kind", repr(kind), ", ".join(KINDS)
        return
    needs, allowed = KINDS[kind].needs, ("kind", "date", *KINDS[kind].keys)
    if extra := [key for key in table if key not in allowed]:
        yield f"a {kind} has no such key", ", ".join(extra), "keys " + ", ".join(allowed)
    for name in needs:
        if name not in _NUMBERS and not isinstance(table.get(name), str):
            yield f"a {kind} needs its {name}", repr(table.get(name)), "id"
    for name, (low, high) in _NUMBERS.items():
        value = table.get(name)
        usable = _number(value) and low <= value <= high  # type: ignore[operator]
        if not usable and (value is not None or name in needs):
            expected = f"{name} = a number from {low:g} to {high:g}"
            yield f"the {name} of a {kind} cannot be used", repr(value), expected
    if not isinstance(table.get("zone", ""), str):
        yield "zone is no name", repr(table["zone"]), "the id of a zone"
    if type(table.get("mutual", True)) is not bool:
        yield "mutual is neither", repr(table["mutual"]), "true or false"
    date, until = table.get("date"), table.get("until")
    if date is None:
        yield "no date", "nothing", "date = YYYY-MM-DD"
    day = day_of(date, f"{where} date")
    if until is not None and day_of(until, f"{where} until") < day:
        yield "until lies before date", repr(until), f"{day} or later"
    change, values = table.get("change"), table.get("values")
    if kind == "path" and (change is None) == (values is None):
        both, ways = "neither" if values is None else "both", "change = 0.3, or values = { ... }"
        yield "a path needs a change or values, not both", both, ways
    if change is not None and not (_number(change) and change > -1.0):
        expected = "a relative change above -1, such as 0.3 for 30 % more"
        yield "the change cannot be used", repr(change), expected
    if values is not None and not (isinstance(values, dict) and values):
        yield "values is no table", repr(values), "{ YYYY-MM-DD = number }"
    for day, value in (values or {}).items():
        day_of(day, f"{where} values")
        if not _number(value):
            yield f"the value on {day} is no number", repr(value), "a finite number"


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
