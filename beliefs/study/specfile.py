"""`study.toml` -> `StudySpec`: parse, validate, check what tables say of each other, locate errors.

Every message names the line and the key path. The models of `beliefs.study.spec` check single
values; what follows from more than one key is a `Problem` found here.
"""

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from beliefs.errors import StudyError
from beliefs.study.bundled import read_pooled
from beliefs.study.dates import Fault, check_ends, check_published
from beliefs.study.safefile import read_lines
from beliefs.study.spec import (
    MAX_PERIODS,
    STEPS,
    Indicator,
    Period,
    Ref,
    Regime,
    SpecTable,
    StudySpec,
    usual_halflife,
)  # fmt: skip
from beliefs.study.tables.codebook import CHANNELS, TALK_FORMATS, TALK_LABELS

NAME = "study.toml"
_MAX_BYTES = 2**20
_MAX_DEPTH = 20
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
_NESTED = re.compile(r"(?:[\[{]\s*){40}")
_DIGITS = re.compile(r"[0-9_]{1000}")

Loc = tuple[str | int, ...]
_DECLARE = {"party": "actors", "event kind": "kinds", "format of talks": "formats", "zone": "zones"}
"""Words that a study may declare, and where."""

Problem = tuple[Loc, str, str, str, str]
"""Key path, what is wrong, what was found, what was expected, how to fix it."""


class Where:
    """Line numbers of the keys of a TOML text, found by scanning its headers and assignments."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Loc | None, int] = {}
        counts: dict[Loc, int] = {}
        here: Loc = ()
        for number, line in enumerate(text.split("\n"), start=1):
            if header := _HEADER.match(line):
                here = ()
                parts = header[2].split(".")
                for depth, part in enumerate(parts, start=1):
                    here = (*here, part)
                    if header[1] == "[[" and depth == len(parts):
                        counts[here] = counts.get(here, -1) + 1
                    if here in counts:
                        here = (*here, counts[here])
                for known in (here, here[:-1]):  # the table, and the list that it may belong to
                    self._lines.setdefault(known, number)
            elif key := _KEY.match(line):
                self._lines.setdefault((*here, key[1]), number)

    def __call__(self, *loc: str | int) -> str:
        """Return ``study.toml:12 indicators[3].transform``, with the nearest line known."""
        path = ""
        for part in loc:
            path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
        known = (loc[:size] for size in range(len(loc), 0, -1) if loc[:size] in self._lines)
        return f"{NAME}:{self._lines.get(next(known, None), 1)} {path}"


def read_spec(folder: Path) -> tuple[StudySpec, Where]:
    """Read and check `study.toml`."""
    text = "".join(read_lines(folder, NAME, max_bytes=_MAX_BYTES))
    where = Where(text)
    try:
        spec = StudySpec.model_validate(_with_defaults(_parse(text)))
    except ValidationError as error:
        raise translate(error, where) from None
    for loc, what, found, expected, fix in _problems(spec):
        raise StudyError(what, where=where(*loc), found=found, expected=expected, fix=fix)
    return spec, where


def _parse(text: str) -> dict[str, Any]:
    lines = text.splitlines() or [""]
    try:
        # How deep the parser can go depends on who calls it; a run of brackets does not.
        if _NESTED.search(text):
            raise RecursionError
        frozen: dict[str, Any] = _freeze(tomllib.loads(text))
        return frozen
    except RecursionError:
        raise StudyError(
            "study.toml is nested too deeply", where=f"{NAME}:1",
            found="tables or lists within each other", expected=f"at most {_MAX_DEPTH} levels",
            fix="start from the template that `beliefs.new_study(folder)` writes",
        ) from None  # fmt: skip
    except tomllib.TOMLDecodeError as error:
        match = _AT.search(str(error))
        reason = _AT.sub("", str(error))
        line, column = (int(match[1]), int(match[2])) if match and match[1] else (len(lines), 1)
    except ValueError:  # Python refuses to read integers of thousands of digits
        line = next((n for n, row in enumerate(lines, start=1) if _DIGITS.search(row)), 1)
        reason, column = "A number is too long", 1
    line = min(line, len(lines))
    raise StudyError(
        f"study.toml is not valid TOML: {reason[:1].lower()}{reason[1:]}",
        where=f"{NAME}:{line} column {column}",
        found=_short(lines[line - 1].strip()),
        expected="lines such as `key = value`, texts in quotation marks, dates as 2026-02-28",
        fix="correct this line or the one before it",
    )


def _freeze(value: Any, depth: int = 0) -> Any:
    """Turn lists into tuples, since the models are immutable and do not convert types."""
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _freeze(item, depth + 1) for key, item in value.items()}
    return tuple(_freeze(item, depth + 1) for item in value) if isinstance(value, list) else value


def _with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """Fill the defaults that depend on another table; anything malformed is left to the models."""
    rows, sides, period = raw.get("indicators"), raw.get("sides"), raw.get("period")
    if not isinstance(rows, tuple):
        return raw
    step = period.get("step") if isinstance(period, dict) else None
    days = STEPS.get(step, 1) if isinstance(step, str) else step
    known = sides if isinstance(sides, tuple) else ()
    defaults = {
        "halflife": usual_halflife(days if isinstance(days, int | float) and days > 0 else 1),
        "seen_by": tuple(side.get("id") for side in known if isinstance(side, dict)),
    }
    return {**raw, "indicators": tuple(defaults | r if isinstance(r, dict) else r for r in rows)}


def _thaw(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thaw(item) for item in value]
    if isinstance(value, dict):
        return {key: _thaw(item) for key, item in value.items()}
    return str(value) if hasattr(value, "isoformat") else value


def _short(value: Any) -> str:
    text = repr(_thaw(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _model_at(loc: Loc) -> type[BaseModel]:
    """Return the model that holds the last key of `loc`."""
    model: type[BaseModel] = StudySpec
    for part in loc[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m), None)


def _nearest(name: str, known: Iterable[str], otherwise: str, quote: str = "`") -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {quote}{near[0]}{quote}?" if near else otherwise


def translate(error: ValidationError, where: Callable[..., str]) -> StudyError:
    """Return the first complaint about a file as an error of ours, and the number of others."""
    details = error.errors(include_url=False)
    # A list with an unusable item is also reported as too short: once is enough.
    first = details[0]
    more = sum(
        d["loc"] != first["loc"][: len(d["loc"])] and d["type"] != "default_factory_not_called"
        for d in details[1:]
    )
    loc: Loc = tuple(part for part in first["loc"] if part != "[key]")
    kind, context = first["type"], first.get("ctx", {})
    key = next((part for part in reversed(loc) if isinstance(part, str)), "this")
    what, found = f"`{key}` has an unusable value", _short(first["input"])
    expected, fix = first["msg"].replace("Input should be ", ""), "change the value"
    match kind:
        case "missing":
            what, found = f"the key `{key}` is missing", f"no `{key}`"
            expected, fix = f"`{key} = ...`", f"add `{key}` to this table"
        case "extra_forbidden":
            known = _model_at(loc).model_fields
            what, found = f"the key `{key}` is not known", f"{key} = {found}"
            expected, fix = "one of " + ", ".join(known), _nearest(key, known, "remove it")
        case "value_error":
            expected, fix = context["error"].expected, context["error"].fix
        case "string_pattern_mismatch" if "a-z" in context["pattern"]:
            extra = "-" if "-]" in context["pattern"] else "_"
            expected = f"a short name in lower case: letters, digits and {extra}"
        case "string_type" | "string_pattern_mismatch":
            expected = "a text in quotation marks"
        case "bool_type":
            expected = "true or false"
        case "tuple_type":
            expected = "a list of names, numbers or tables"
        case "dict_type" | "model_type" | "dataclass_type":
            expected, fix = "a table of keys", f"make `{key}` a table"
        case "float_type" | "int_type":
            fix = "write a plain number, without quotation marks"
        case "too_short" | "too_long":
            least, most = context.get("min_length"), context.get("max_length")
            expected = f"at least {least} of them" if most is None else f"at most {most} of them"
            found, fix = f"{context['actual_length']} of them", "add or remove some"
        case "literal_error" if loc == ("format",):
            fix = "update beliefs, or write the study in this format"
        case "literal_error":
            values = re.findall(r"'([^']+)'", expected)
            fix = _nearest(str(first["input"]), values, "use one of the values expected", "'")
        case _ if kind.startswith(("less_than", "greater_than")):
            fix = "choose a value within the bounds"
    if more:
        fix += f" ({more} more problem{'s' if more > 1 else ''} in this file)"
    return StudyError(what, where=where(*loc), found=found, expected=expected, fix=fix)


def _problems(spec: StudySpec) -> Iterator[Problem]:
    yield from _period(spec.period)
    for table in (
        "sides", "indicators", "channels", "regimes", "shocks", "safeguards", "concessions",
    ):  # fmt: skip
        yield from _twice([row.id for row in getattr(spec, table)], table)
    yield from _twice([rule.id for rule in spec.talks_rule.rules], "talks_rule", "rules")
    yield from _twice([spoiler.event for spoiler in spec.spoilers], "spoilers")
    yield from _codebook(spec)
    yield from _references(spec)
    first, second = spec.sides
    for key in ("actors", "forces"):
        if shared := sorted({*getattr(first, key)} & {*getattr(second, key)}):
            what, fix = "both sides claim the same party", "take it out of one of the two sides"
            expected = f"{key} that belong to one side only"
            yield ("sides", 1, key), what, ", ".join(shared), expected, fix
    for number, indicator in enumerate(spec.indicators):
        yield from _indicator(indicator, "indicators", number)
    for number, channel in enumerate(spec.channels):
        loc = ("channels", number)
        if channel.source == "events":
            yield from _members([channel.id], CHANNELS, "channel of events", *loc, "id")
        yield from _belongs(channel, "series", "source", "series", *loc)
        yield from _twice([s.side for s in channel.series], *loc, "series")
    yield from _regimes(spec.regimes)
    for number, shock in enumerate(spec.shocks):
        yield from _times(shock, shock.date, "shocks", number)
    yield from _actions(spec)
    yield from _origins(spec)


def _members(
    found: Iterable[str], known: Iterable[str], noun: str, *loc: str | int
) -> Iterator[Problem]:
    known = list(known)
    for name in found:
        if name not in known:
            fix = _nearest(name, known, "use one of those expected")
            if noun in _DECLARE:
                fix += f" (or declare it: {_DECLARE[noun]} = [...] in [codebook])"
            expected = "one of " + (", ".join(known) or f"(no {noun} is declared)")
            yield loc, f"`{name}` is not a known {noun}", name, expected, fix


def _references(spec: StudySpec) -> Iterator[Problem]:
    """Find names marked by `Ref` that are not among those that they may be."""
    indicators = spec.indicators
    known: dict[str, Iterable[str]] = {
        "side": spec.side_ids,
        "party": spec.parties,
        "event kind": spec.kinds,
        "format of talks": (*spec.codebook.formats, *TALK_FORMATS),
        "label of talks": TALK_LABELS,
        "indicator": [i.id for i in indicators],
        "series indicator": [i.id for i in indicators if i.source == "series"],
        "label rule": [rule.id for rule in spec.talks_rule.rules],
        "regime": [regime.id for regime in spec.regimes],
        "zone": spec.zone_names,
        "watched zone": () if spec.zones is None else spec.zones.watched,
    }
    for loc, noun, names in _marked(spec):
        if noun == "format of talks":  # a rule declares what it names, unless that looks mistyped
            names = [name for name in names if difflib.get_close_matches(name, known[noun])]
        if noun != "zone" or spec.zone_names:
            yield from _members(names, known[noun], noun, *loc)
    for side, names in spec.pressure.items():
        yield from _members([side], known["side"], "side", "pressure", side)
        yield from _members(names, known["indicator"], "indicator", "pressure", side)


def _marked(table: SpecTable, loc: Loc = ()) -> Iterator[tuple[Loc, str, Iterable[str]]]:
    """Yield place, noun and names of every reference of a table and of those in it."""
    for key, field in type(table).model_fields.items():
        value, here = getattr(table, key), (*loc, key)
        noun = next((mark.noun for mark in field.metadata if isinstance(mark, Ref)), None)
        if noun:
            yield here, noun, [value] if isinstance(value, str) else value or ()
        elif isinstance(value, SpecTable):
            yield from _marked(value, here)
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                if isinstance(item, SpecTable):
                    yield from _marked(item, (*here, number))


def _twice(ids: Sequence[str], *loc: str | int) -> Iterator[Problem]:
    for number, name in enumerate(ids):
        if (first := ids.index(name)) < number:
            what, fix = f"the name `{name}` is used twice", "rename or remove one of the two"
            found = f"{name}, also number {first + 1} of this list"
            yield (*loc, number), what, found, "names that are unique within their list", fix


def _times(table: Any, begins: dt.date, *loc: str | int) -> Iterator[Problem]:
    """Find an end or a publication before the day on which something begins."""
    try:
        check_ends(begins, getattr(table, "end", None))
        check_published(begins, getattr(table, "published_at", begins))
    except Fault as fault:
        found = f"{fault.column} = {getattr(table, fault.column)}"
        yield (*loc, fault.column), fault.what, found, fault.expected, fault.fix


def _belongs(row: Any, key: str, field: str, value: str, *loc: str | int) -> Iterator[Problem]:
    """Find a key that does not stand exactly where a field has a value."""
    given, said = bool(getattr(row, key)), getattr(row, field)
    if given != (said == value):
        yield (
            (*loc, key),
            f"`{key}` {'has no meaning here' if given else 'is missing'}",
            f'{field} = "{said}" {"with" if given else "without"} `{key}`',
            f'`{key}` exactly where {field} = "{value}"',
            f"{'remove' if given else 'add'} `{key}`, or change `{field}`",
        )


def _period(period: Period) -> Iterator[Problem]:
    start, end, step, n = period.start, period.end, period.unit, period.grid.n
    yield from _times(period, start, "period")
    if period.first_end is not None and not start < period.first_end <= end:
        what, found = "the period ends before it first ended", f"first_end = {period.first_end}"
        expected = f"a date after {start}, up to end = {end}"
        fix = "remove first_end: `beliefs update` writes it where new rows move the end on"
        yield ("period", "first_end"), what, found, expected, fix
    if step == "month" and start.day != 1:
        what, expected = "a study by the month begins within a month", "the first day of a month"
        yield ("period", "start"), what, str(start), expected, f"start = {start.replace(day=1)}"
    if not 2 <= n <= MAX_PERIODS:
        what, found = f"the period is too {'short' if n < 2 else 'long'}", f"{n} whole {step}(s)"
        expected = f"from 2 to {MAX_PERIODS} whole {step}s"
        fix = "check the years, or choose another step"
        yield ("period", "end"), what, f"{start} to {end}: {found}", expected, fix


def _codebook(spec: StudySpec) -> Iterator[Problem]:
    for key, names in (
        ("actors", spec.parties),
        ("formats", (*spec.codebook.formats, *TALK_FORMATS)),
        ("zones", spec.zone_names),
        ("kinds", spec.kinds),
    ):
        for name in (name for place, name in enumerate(names) if name in names[:place]):
            what = "a word is declared that every study has, or that stands here twice"
            expected = "further words alone; ids of the sides are actors anyway"
            yield ("codebook", key), what, name, expected, "take it out of [codebook]"
    if spec.reference.talks:
        known = read_pooled("summary")["classes"]["talks"]["covariates"]
        yield from _members(spec.reference.talks, known, "covariate of talks", "reference", "talks")


def _indicator(indicator: Indicator, *loc: str | int) -> Iterator[Problem]:
    for key, names, needed, among in (
        ("own", indicator.own, "direction", indicator.direction),
        ("direction", indicator.direction, "seen_by", indicator.seen_by),
    ):
        for side in names:
            if side not in among:
                what = f"a side stands in `{key}` and not in `{needed}`"
                expected = f"{key} to name only sides that stand in `{needed}`"
                fix = f"add {side} to {needed}, or take it out of {key}"
                yield (*loc, key), what, f"{side} in {key}", expected, fix
    for key in ("initiator", "target", "kinds", "zone", "measure"):
        if key in ("kinds", "measure") or getattr(indicator, key):
            yield from _belongs(indicator, key, "source", "events", *loc)
    if indicator.source == "events" and indicator.transform in ("log", "logit"):
        what, found = "counts of events can be zero", f'transform = "{indicator.transform}"'
        expected = '"count", "identity" or "diff" where source = "events"'
        yield (*loc, "transform"), what, found, expected, 'use transform = "count"'


def _regimes(regimes: Sequence[Regime]) -> Iterator[Problem]:
    for number, regime in enumerate(regimes):
        loc = ("regimes", number)
        yield from _times(regime, regime.start, *loc)
        if regime.after not in (None, *(earlier.id for earlier in regimes[:number])):
            what = "a regime follows itself or one that comes later"
            expected = "`after` to name a regime that stands earlier in the file"
            fix = "correct `after` or the order of the [[regimes]] tables"
            yield (*loc, "after"), what, f"{regime.id} after {regime.after}", expected, fix
    tracks = ([p for p in enumerate(regimes) if (p[1].kind == "talks") == t] for t in (0, 1))
    for (_, before), (number, regime) in chain.from_iterable(map(pairwise, tracks)):
        if regime.start <= before.start or before.end is None or before.end > regime.start:
            ends = f"ends {before.end}" if before.end else "has no end"
            yield (
                ("regimes", number, "start"),
                "two regimes overlap or are not in the order of time",
                f"{before.id} starts {before.start} and {ends}, {regime.id} starts {regime.start}",
                "a regime to end by the day the next one starts; talks overlap with others alone",
                "sort the [[regimes]] tables by start, and correct the end of the earlier one",
            )


def _actions(spec: StudySpec) -> Iterator[Problem]:
    for indicator in spec.indicators:
        for side in (s for s, names in spec.pressure.items() if indicator.id in names):
            if side not in indicator.direction:
                what = "pressure at home needs a direction"
                found = f"{indicator.id}, which has no direction for {side}"
                expected = "indicators whose rise is good or bad news for the side"
                fix = f"add {side} = 1 or {side} = -1 to the direction of {indicator.id}"
                yield ("pressure", side), what, found, expected, f"{fix}, or take it out"
    if (shift := spec.power_shift) is not None:
        given = [key for key in ("indicator", "kinds", "memory") if getattr(shift, key)]
        if given not in (["indicator"], ["kinds", "memory"]):
            what, found = "a shift of power is read off a series or off actions", ", ".join(given)
            expected, fix = "either indicator, or kinds and memory", "keep one of the two ways"
            yield ("power_shift",), what, found or "nothing", expected, fix
    for number, safeguard in enumerate(spec.safeguards):
        loc = ("safeguards", number)
        yield from _times(safeguard, safeguard.start, *loc)
        yield from _belongs(safeguard, "zones", "kind", "zone", *loc)
    if spec.agenda is not None and not (spec.agenda.zones or spec.agenda.red_lines):
        what, found = "the agenda follows no matter", "neither zones nor red_lines"
        expected = "zones = [...] or red_lines = [...]"
        fix = "name the zones or the lines of the matter, or remove [agenda]"
        yield ("agenda",), what, found, expected, fix
    if spec.zones is not None:
        yield from _twice(spec.zones.watched, "zones", "watched")


def _origins(spec: StudySpec) -> Iterator[Problem]:
    days = () if spec.forecast is None else spec.forecast.origins
    ordered = all(before < day for before, day in pairwise(days))
    first, last = spec.period.start, spec.period.end
    outside = [day for day in days if not first <= day <= last]
    if outside or not ordered:
        what = "origins of forecasts are not in the order of time, or outside the period"
        expected = f"days from {first} to {last}, each later than the one before it"
        fix = "sort the days, each once; remove those outside, or change the period"
        yield ("forecast", "origins"), what, ", ".join(map(str, outside or days)), expected, fix
