"""Named interventions: what if a currency fell, a waiver came, a government changed, a war widened.

A TOML file holds one or more ``[[intervention]]`` tables; ``docs/interventions`` has an example of
every kind. They change columns and news of futures (`change_columns`), and what both sides do in
them (`effects_of`). Futures with and without an intervention stay paired: no random number is taken
that would not be taken without it.
"""

import datetime as dt
import math
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.features import steps
from beliefs.features.actions import SPOILER_DAYS
from beliefs.features.inputs import Inputs, Shock
from beliefs.features.states import STEEPNESS
from beliefs.features.steps import Floats
from beliefs.features.surprises import CLIP, transform
from beliefs.model.contract import logistic
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, free_parameters
from beliefs.simulation.future import COST_CLIP, Passed, set_shocks
from beliefs.study.dates import day_of, later
from beliefs.study.load import Study
from beliefs.study.safefile import read_small

Dates = NDArray[np.datetime64]
HOURS = 72.0  # until a spoiler's action is attributed, where the file does not say
_DOMAIN = {"log": (0.0, np.inf), "logit": (0.0, 1.0), "count": (-1e-12, np.inf)}


@dataclass(frozen=True)
class Kind:
    """A kind of intervention."""

    keys: tuple[str, ...]  # keys it may have beside kind and date
    needs: tuple[str, ...]  # those that it must have
    through: tuple[str, ...]  # parameters by which it works: all at null, it changes nothing
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
    "mediator_leaves": Kind((), (), ("mediator_effect", "mediator_late")),  # fresh and old
    "hotline": Kind(("until",), (), ("hotline_effect",), True),
    # A rule spares a watched zone
    "zone": Kind(("zone", "until"), ("zone",), ("zone_effect", "zone_displacement"), True),
    "attribution": Kind(("hours",), ("hours",), ("attribution_gap",), True),  # of unclaimed actions
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

    def period(self, dates: Dates, step_days: float, day: dt.date | None = None) -> int:
        """Return the number of the future period in which it, or another day of it, lies."""
        day = self.date if day is None else day
        end = later(dates[-1], 1, step_days) - np.timedelta64(1, "D")
        if not dates[0] <= np.datetime64(day) <= end:
            raise bad_intervention(
                self.label, "the intervention lies outside the forecast", str(day),
                f"a date from {dates[0]} to the end of the horizon, {end}",
            )  # fmt: skip
        return int(np.searchsorted(dates, np.datetime64(day), side="right")) - 1

    def in_force(self, dates: Dates, step_days: float) -> NDArray[np.bool_]:
        """Return in which periods it is in force, (horizon,)."""
        on = np.arange(len(dates)) >= self.period(dates, step_days)
        return on if self.until is None else on & (dates <= np.datetime64(self.until))

    def arrivals(self, dates: Dates, step_days: float) -> dict[int, float]:
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
        The file or a table cannot be used. A forecast checks that names and dates fit its study.

    Examples
    --------
    >>> file = folder / "plan.toml"
    >>> _ = file.write_text("[[intervention]]\nkind = 'waiver'\ndate = 2026-01-28")
    >>> [item.label for item in beliefs.load_interventions(file)]
    ['waiver 2026-01-28']
    """
    where, expected = str(path), "one or more [[intervention]] tables and nothing else"
    try:
        raw = tomllib.loads(read_small(Path(path)))
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


@dataclass(eq=False)
class Effects:
    """What interventions do to actions in H future periods."""

    hotline: Floats  # (H,) 1 while a hotline is in force
    zones: Floats  # (zone, H) 1 while a rule for a watched zone is in force
    open_periods: Floats  # (H,) how long an unclaimed action of then stays unattributed
    spoilers: defaultdict[int, list[float]]  # severities of unclaimed actions, all by period
    crossings: defaultdict[int, list[tuple[int, float, bool]]]  # side, severity, whether it crosses
    extensions: defaultdict[int, list[tuple[bool, int]]]  # by both sides; periods to the deadline
    concessions: defaultdict[int, list[Any]]  # named concessions that are broken
    counts: defaultdict[int, list[tuple[int, float]]]  # indicator, and what it counts in any case


def effects_of(
    interventions: Sequence[Intervention], study: Study, inputs: Inputs, dates: Dates
) -> Effects:
    """Return what interventions do to actions."""
    horizon, step = len(dates), inputs.step_days
    last, spec = int(inputs.active.sum()) - 1, study.spec
    lists: list[Any] = [defaultdict(list) for _ in range(5)]
    out = Effects(
        np.full(horizon, inputs.observed.hotline[last]),
        np.repeat(inputs.observed.zone_rule[:, last : last + 1], horizon, axis=1),
        np.full(horizon, SPOILER_DAYS / step),
        *lists,
    )
    lines = {} if spec.redlines is None else spec.redlines.lines
    for item in interventions:
        at, force = item.period(dates, step), item.in_force(dates, step)
        if item.zone is not None:
            zone = _place(item, item.zone, "zone", inputs.zones, "[zones]; this one watches")
        match item.kind:
            case "hotline":
                out.hotline[force] = 1.0
            case "zone":
                out.zones[zone, force] = 1.0
            case "attribution":
                assert item.hours is not None
                out.open_periods[force] = item.hours / 24.0 / step
            case "spoiler":
                out.spoilers[at].append(item.severity or 3.0)
                out.open_periods[at] = (HOURS if item.hours is None else item.hours) / 24.0 / step
            case "crossing":
                side = _place(item, item.side, "side", spec.side_ids)
                _place(item, item.line, "red line", tuple(lines), "[redlines]; this one declares")
                severity = item.severity or 5.0
                out.crossings[at].append((side, severity, severity >= lines[item.line or ""]))
            case "extension":
                assert item.days is not None
                periods = max(round(item.days / step), 1)
                out.extensions[at].append((item.mutual is not False, periods))
            case "concession":
                names = tuple(c.id for c in spec.concessions)
                _place(item, item.id, "concession", names, "[[concessions]]; this one declares")
                out.concessions[at].append(item.id)
            case "path" if item.indicator in inputs.indicators:
                k = inputs.indicators.index(item.indicator)
                for h, value in item.arrivals(dates, step).items():
                    out.counts[h].append((k, value))
    return out


def _place(
    item: Intervention, name: str | None, what: str, names: Sequence[str], without: str = ""
) -> int:
    """Return the place of a name that the study must declare."""
    if name not in names:
        expected = ", ".join(names) or f"a study with {without} none"
        raise bad_intervention(item.label, f"unknown {what}", repr(name), expected)
    return names.index(name)


def without_effect(
    theory: Theory,
    structure: Structure,
    interventions: Sequence[Intervention],
    *,
    actions: bool = True,
) -> list[str]:
    """Return a sentence for every intervention that changes nothing under a theory."""
    both = free_parameters(theory, structure, None)
    free, found = {p.name for p in both}, []
    for item in interventions:
        kind = KINDS[item.kind]
        if not free.intersection(kind.through):
            why = f"{theory.name} holds {', '.join(kind.through)} at null"
            found.append(f"{item.label} changes nothing: {why}")
        elif kind.actions and not actions:
            found.append(f"{item.label} changes nothing: actions were not simulated")
    return found


def with_shocks(structure: Structure, interventions: Sequence[Intervention]) -> Structure:
    """Return a structure with one more shock per turnover or escalation."""
    for item in interventions:
        if item.kind in ("turnover", "escalation"):
            turned = item.kind == "turnover"
            side = _place(item, item.side, "side", structure.sides) if turned else None
            shocks = (*structure.shocks, Shock(item.label, item.kind, side))
            structure = replace(structure, shocks=shocks)
    return structure


def new_jump(
    theory: Theory, structure: Structure, samples: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Draw the jump of a shock nobody has seen yet from its prior, (sample, side), log-odds."""
    # One more shock, because in a study without any the parameter is empty and so not free.
    unseen = replace(structure, shocks=(Shock("unseen", "escalation", None),))
    for p in free_parameters(theory, unseen):
        if p.name == "shock_jump":
            return np.asarray(p.prior.rvs((samples, 2), random_state=rng))
    return np.zeros((samples, 2))


def change_columns(
    interventions: Sequence[Intervention],
    study: Study,
    inputs: Inputs,
    structure: Structure,
    columns: Columns,
    surprise: NDArray[Any],
    dates: Dates,
    passed: Passed | None = None,
) -> tuple[Columns, NDArray[Any]]:
    """Return columns of futures as interventions change them, and surprises, where paths arrive.

    `structure` is from `with_shocks`.
    """
    columns, surprise, shocks = dict(columns), surprise.copy(), []
    passed = passed or Passed()
    samples, begin = surprise.shape[0], passed.periods
    stretch = slice(begin, begin + surprise.shape[-1])
    days, step, last_period = dates[stretch], inputs.step_days, int(inputs.active.sum()) - 1

    def follow(k: int, shift: dict[int, float]) -> None:
        """Let a path arrive in the surprises; levels that it makes follow it and stay."""
        spec, indicator = study.spec, study.spec.indicators[k]
        last, expected, whole = inputs.last[k], inputs.expectation[k], np.zeros(stretch.stop)
        learns = 1.0 if indicator.expectation == "walk" else steps.learns(indicator.halflife)
        for h, moved in shift.items():
            missed = last + moved - expected
            if h in range(begin, stretch.stop):
                surprise[:, k, h - begin] = np.clip(missed / inputs.scale[k], -CLIP, CLIP)
            expected += learns * missed
            whole[h:] = moved / inputs.level_scale[k]
        level, cost = whole[stretch], columns["cost"].copy()
        for row, term in enumerate(structure.cost_terms):
            if term.indicator == k:
                cost[:, row] += term.sign * level
        columns["cost"] = np.clip(cost, -COST_CLIP, COST_CLIP)
        if spec.hinge is not None and spec.hinge.indicator == indicator.id:
            stands = indicator.cost_sign * (inputs.level[k, last_period] + level)
            past = logistic(np, STEEPNESS * (stands - spec.hinge.level))
            later = (np.arange(len(whole)) >= min(shift))[stretch]
            columns["hinge"] = np.where(later, past, columns["hinge"])
        if "pressure_home" in columns and indicator.source == "series":
            home = columns["pressure_home"].copy()
            for i, side in enumerate(spec.side_ids):
                names = spec.pressure.get(side, ())
                if indicator.id in names:
                    home[:, i] -= indicator.direction[side] * level / len(names)
            columns["pressure_home"] = np.clip(home, -COST_CLIP, COST_CLIP)

    for item in interventions:
        at, force = item.period(dates, step), item.in_force(dates, step)[stretch]
        match item.kind:
            case "path":
                follow(*_path(item, study, inputs, structure, dates))
            case "waiver":
                columns["waiver"] = np.maximum(columns["waiver"], force)
            case "mediator_leaves":
                for name in ("mediator", "mediator_old"):
                    columns[name] = np.where(force, 0.0, columns[name])
            case "turnover" | "escalation":
                shocks.append(np.broadcast_to(1.0 * (days == dates[at]), (samples, 1, len(days))))
    if shocks:
        set_shocks(structure, columns, np.concatenate([columns["shock"], *shocks], axis=1), passed)
    return columns, surprise


def _path(
    item: Intervention, study: Study, inputs: Inputs, structure: Structure, dates: Dates
) -> tuple[int, dict[int, float]]:
    """Return the indicator of a path, and how far it then stands from its last value.

    On the scale of its surprises, f(x), by period of arrival.
    """
    k = _place(item, item.indicator, "indicator", inputs.indicators)
    indicator, hinge, last = study.spec.indicators[k], study.spec.hinge, float(inputs.last[k])
    form, fail = indicator.transform, partial(bad_intervention, item.label)
    read = {t.indicator for t in structure.terms} | {t.indicator for t in structure.cost_terms}
    if not np.isfinite(last) or not inputs.scale[k] > 0:
        expected = "an indicator with values by the as-of date"
        raise fail("the indicator has no value before the origin", "no value", expected)
    if k not in read and (hinge is None or hinge.indicator != item.indicator):
        some = ", ".join(inputs.indicators[j] for j in sorted(read))
        raise fail(
            "no side keeps score or counts its cost by this indicator", indicator.id,
            some or "an indicator with a direction or a cost; this study has none",
        )  # fmt: skip
    if form == "diff" or (item.change is not None and form not in ("log", "identity")):
        ways = "log or identity" + (", or explicit values" if form != "diff" else "")
        what = f"such a path of a {form} indicator has no meaning"
        raise fail(what, form, f"an indicator with transform {ways}")
    if item.change is not None:
        moved = float(np.log1p(item.change)) if form == "log" else last * item.change
        return k, {item.period(dates, inputs.step_days): moved}
    if not item.values:
        raise fail("a path needs a change or values", "neither", "one")
    low, high = _DOMAIN.get(form, (-np.inf, np.inf))
    for day, value in item.values.items():
        if not low < value < high:
            raise fail(
                f"the value on {day} does not fit a {form} indicator", str(value),
                f"a number from {max(low, 0):g} to {high:g}, in {indicator.unit}",
            )  # fmt: skip
    values = item.arrivals(dates, inputs.step_days)
    return k, {h: float(transform(form, [v])[0]) - last for h, v in values.items()}
