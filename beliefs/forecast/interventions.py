"""Named interventions: what if the rial fell, a waiver came, a government changed, a war widened.

A TOML file holds one or more ``[[intervention]]`` tables::

    [[intervention]]
    kind = "path"            # an indicator moves on a date, or follows named values
    indicator = "usd_irr"
    date = 2026-07-10
    change = 0.30            # relative: the rial loses, the rate rises 30 %

    [[intervention]]
    kind = "waiver"          # relief in force from a date (to `until` when given)
    date = 2026-07-05

    [[intervention]]
    kind = "turnover"        # a new leadership on one side
    side = "us"
    date = 2026-08-01

    [[intervention]]
    kind = "escalation"      # a shock of unknown direction: its jump is drawn from the prior
    date = 2026-07-15

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

from beliefs.errors import StudyError

__all__ = [
    "KINDS",
    "Intervention",
    "as_table",
    "bad_intervention",
    "from_table",
    "load_interventions",
    "parse",
]

KINDS: dict[str, tuple[str, ...]] = {
    "path": ("indicator", "change", "values"),
    "waiver": ("until",),
    "turnover": ("side",),
    "escalation": (),
}
"""Kinds of intervention and the keys each may have beside kind and date."""


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
        values by date (ISO text).
    side
        For ``turnover``: side id.
    until
        For ``waiver``: last day in force; open when None.
    """

    kind: str
    date: dt.date
    indicator: str | None = None
    change: float | None = None
    values: Mapping[str, float] | None = None
    side: str | None = None
    until: dt.date | None = None

    @property
    def label(self) -> str:
        """Return a short name."""
        detail = self.indicator or self.side or ""
        size = f" {self.change:+.0%}" if self.change is not None else ""
        return " ".join(f"{self.kind} {detail}{size} {self.date}".split())


def load_interventions(path: str | Path) -> tuple[Intervention, ...]:
    """Read interventions from a TOML file.

    Raises
    ------
    StudyError
        The file or one of its tables cannot be used. Whether names and dates fit a study is
        checked when a forecast applies them.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(
            "the intervention file cannot be read",
            where=str(path),
            found=str(error),
            expected="a TOML file with [[intervention]] tables",
            mend="see `beliefs forecast --help` for an example",
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

    `from_table` reads it back.
    """
    found = {k: v for k, v in vars(item).items() if v is not None}
    return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in found.items()}


def from_table(where: str, table: Mapping[str, Any]) -> Intervention:
    """Return the intervention that `as_table` wrote, as a manifest holds it.

    Parameters
    ----------
    where
        Where the table stands, for messages.
    table
        From `as_table`.

    Raises
    ------
    StudyError
        The table cannot be used.
    """
    found = dict(table)
    for key in ("date", "until"):
        if key in found:
            try:
                found[key] = dt.date.fromisoformat(found[key])
            except (TypeError, ValueError):
                raise bad_intervention(
                    where, f"{key} is no date", repr(found[key]), "text YYYY-MM-DD"
                ) from None
    return parse(where, found)


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
    kind, date = table.get("kind"), table.get("date")
    if kind not in KINDS:
        raise bad_intervention(where, "unknown kind", repr(kind), ", ".join(KINDS))
    if type(date) is not dt.date:
        raise bad_intervention(where, "no date", repr(date), "date = YYYY-MM-DD, unquoted")
    allowed = ("kind", "date", *KINDS[kind])
    if extra := [key for key in table if key not in allowed]:
        raise bad_intervention(
            where, f"a {kind} has no such key", ", ".join(extra), "keys " + ", ".join(allowed)
        )
    for name in ("indicator", "side"):
        if name in KINDS[kind] and not isinstance(table.get(name), str):
            raise bad_intervention(where, f"a {kind} needs its {name}", repr(table.get(name)), "id")
    until = table.get("until")
    if until is not None and (type(until) is not dt.date or until < date):
        raise bad_intervention(
            where, "until is no date on or after date", repr(until), f"{date} or later, unquoted"
        )
    if kind == "path":
        _check_path(where, table)
    return Intervention(**table)


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
        try:
            dt.date.fromisoformat(day)
        except ValueError:
            raise bad_intervention(where, "a key of values is no date", day, "YYYY-MM-DD") from None
        if not _number(value):
            raise bad_intervention(
                where, f"the value on {day} is no number", repr(value), "a finite number"
            )


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
