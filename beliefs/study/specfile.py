"""`study.toml` -> `StudySpec`: parse, validate, check what tables say of each other, locate errors.

Every message names the line and the key path. The models of `beliefs.study.spec` check single
values; what follows from more than one key is a `Problem` found here.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from beliefs.errors import StudyError
from beliefs.study.bundled import data_folder
from beliefs.study.dates import Fault
from beliefs.study.safefile import read_text
from beliefs.study.spec import Indicator, Ref, Regime, SpecTable, StudySpec
from beliefs.study.tables.codebook import CHANNELS, TALK_FORMATS, TALK_LABELS

NAME = "study.toml"
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")

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
    text = read_text(folder, NAME, max_bytes=2**20)
    where = Where(text)
    try:
        spec = StudySpec.model_validate(_with_defaults(_parse(text)))
    except ValidationError as error:
        raise translate(error, where, StudySpec) from None
    for loc, what, found, expected, fix in _problems(spec):
        raise StudyError(what, where=where(*loc), found=found, expected=expected, fix=fix)
    return spec, where


# ---- From text to models


def _parse(text: str) -> dict[str, Any]:
    lines = text.splitlines() or [""]
    try:
        parsed: dict[str, Any] = frozen(tomllib.loads(text))
        return parsed
    except tomllib.TOMLDecodeError as error:
        match = _AT.search(str(error))
        reason = _AT.sub("", str(error))
        line, column = (int(match[1]), int(match[2])) if match and match[1] else (len(lines), 1)
        line = min(line, len(lines))
        found = lines[line - 1].strip()
    except (ValueError, RecursionError) as error:
        reason, line, column, found = "a number or brackets have no end", 1, 1, str(error)
    raise StudyError(
        f"study.toml is not valid TOML: {reason[:1].lower()}{reason[1:]}",
        where=f"{NAME}:{line} column {column}",
        found=_short(found),
        expected="lines such as `key = value`, texts in quotation marks, dates as 2026-02-28",
        fix="correct this line or the one before it",
    )


def frozen(value: Any) -> Any:
    """Turn lists into tuples, since the models are immutable and do not convert types."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def _with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """Fill the defaults that depend on another table; anything malformed is left to the models."""
    rows, sides, period = raw.get("indicators"), raw.get("sides"), raw.get("period")
    if not isinstance(rows, tuple):
        return raw
    weekly = isinstance(period, dict) and period.get("step") == "week"
    known = sides if isinstance(sides, tuple) else ()
    defaults = {
        "halflife": 8.0 if weekly else 14.0,
        "seen_by": tuple(side.get("id") for side in known if isinstance(side, dict)),
    }
    return {**raw, "indicators": tuple(defaults | r if isinstance(r, dict) else r for r in rows)}


# ---- From pydantic's errors to ours


def _thaw(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thaw(item) for item in value]
    if isinstance(value, dict):
        return {key: _thaw(item) for key, item in value.items()}
    return str(value) if hasattr(value, "isoformat") else value


def _short(value: Any) -> str:
    text = repr(_thaw(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _fields_at(loc: Loc, model: Any) -> Iterable[str]:
    """Return the keys of the table that holds the last key of `loc`."""
    for part in loc[:-1]:
        if isinstance(part, str) and part in model.__pydantic_fields__:
            model = _model_in(model.__pydantic_fields__[part].annotation) or model
    return tuple(model.__pydantic_fields__)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m), None)


def _nearest(name: str, known: Iterable[str], otherwise: str, quote: str = "`") -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {quote}{near[0]}{quote}?" if near else otherwise


def translate(error: ValidationError, where: Callable[..., str], model: Any) -> StudyError:
    """Return pydantic's first complaint about what a file says of `model` as one of ours."""
    # A mistyped key is also reported as missing: what is not known comes first.
    first = min(error.errors(include_url=False), key=lambda each: each["type"] not in _UNKNOWN)
    loc: Loc = tuple(part for part in first["loc"] if part != "[key]")
    kind, context = first["type"], first.get("ctx", {})
    key = next((part for part in reversed(loc) if isinstance(part, str)), "")
    what = f"`{key}` has an unusable value" if key else "the file has no keys"
    found, expected = _short(first["input"]), first["msg"].replace("Input should be ", "")
    fix = "change the value"
    match kind:
        case "missing":
            what, found = f"the key `{key}` is missing", f"no `{key}`"
            expected, fix = f"`{key} = ...`", f"add `{key}` to this table"
        case _ if kind in _UNKNOWN:
            known = _fields_at(loc, model)
            what, found = f"the key `{key}` is not known", f"{key} = {found}"
            expected, fix = "one of " + ", ".join(known), _nearest(key, known, "remove it")
        case "value_error":
            fault: Fault = context["error"]
            what, expected, fix = fault.what, fault.expected, fault.fix
            if fault.key:
                loc, found = (*loc, fault.key), f"{fault.key} = {first['input'][fault.key]}"
        case "string_pattern_mismatch":
            extra = "-" if "-]" in context["pattern"] else "_"
            expected = f"a short name in lower case: letters, digits and {extra}"
        case "bool_type":
            expected = "true or false"
        case "tuple_type":
            expected = 'a list of names such as ["talks"]'
        case "dict_type":
            expected = "a table of keys and values"
        case "too_short" | "too_long":
            least, most = context.get("min_length"), context.get("max_length")
            found, fix = f"{context['actual_length']} of them", "add or remove some"
            expected = f"at least {least} of them" if most is None else f"at most {most} of them"
        case "literal_error":
            values = re.findall(r"'([^']+)'", expected)
            fix = _nearest(str(first["input"]), values, "use one of the values expected", "'")
        case "float_type" | "int_type":
            fix = "write a plain number, without quotation marks"
        case _ if kind.startswith(("less_than", "greater_than")):
            fix = "choose a value within the bounds"
    if loc == ("format",):
        fix = "update beliefs, or write the study in this format"
    return StudyError(what, where=where(*loc), found=found, expected=expected, fix=fix)


# ---- What tables say of each other


def _problems(spec: StudySpec) -> Iterator[Problem]:
    for table in (
        "sides", "indicators", "channels", "regimes", "shocks", "safeguards", "concessions",
    ):  # fmt: skip
        yield from _twice([row.id for row in getattr(spec, table)], table)
    yield from _twice([rule.id for rule in spec.talks_rule.rules], "talks_rule", "rules")
    yield from _twice([spoiler.event for spoiler in spec.spoilers], "spoilers")
    yield from _codebook(spec)
    yield from _references(spec)
    yield from _sides(spec)
    for number, indicator in enumerate(spec.indicators):
        yield from _indicator(indicator, "indicators", number)
    yield from _channels(spec)
    yield from _regimes(spec.regimes)
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
            yield (
                (*loc, number),
                f"the name `{name}` is used twice",
                f"{name}, also number {first + 1} of this list",
                "names that are unique within their list",
                "rename or remove one of the two",
            )


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


def _codebook(spec: StudySpec) -> Iterator[Problem]:
    for key, names in (
        ("actors", spec.parties),
        ("formats", (*spec.codebook.formats, *TALK_FORMATS)),
        ("zones", spec.zone_names),
        ("kinds", spec.kinds),
    ):
        for name in (name for place, name in enumerate(names) if name in names[:place]):
            yield (
                ("codebook", key),
                "a word is declared that every study has, or that stands here twice",
                name,
                "further words alone; ids of the sides are actors anyway",
                "take it out of [codebook]",
            )
    if spec.reference.talks:
        text = (data_folder() / "pooled" / "summary.json").read_text(encoding="utf-8")
        known = json.loads(text)["classes"]["talks"]["covariates"]
        yield from _members(spec.reference.talks, known, "covariate of talks", "reference", "talks")


def _sides(spec: StudySpec) -> Iterator[Problem]:
    first, second = spec.sides
    for key in ("actors", "forces"):
        if shared := sorted({*getattr(first, key)} & {*getattr(second, key)}):
            yield (
                ("sides", 1, key),
                "both sides claim the same party",
                ", ".join(shared),
                f"{key} that belong to one side only",
                "take it out of one of the two sides",
            )


def _indicator(indicator: Indicator, *loc: str | int) -> Iterator[Problem]:
    for key, names, needed, among in (
        ("own", indicator.own, "direction", indicator.direction),
        ("direction", indicator.direction, "seen_by", indicator.seen_by),
    ):
        for side in names:
            if side not in among:
                yield (
                    (*loc, key),
                    f"a side stands in `{key}` and not in `{needed}`",
                    f"{side} in {key}",
                    f"{key} to name only sides that stand in `{needed}`",
                    f"add {side} to {needed}, or take it out of {key}",
                )
    for key in ("initiator", "target", "kinds", "zone", "measure"):
        if key in ("kinds", "measure") or getattr(indicator, key):
            yield from _belongs(indicator, key, "source", "events", *loc)
    if indicator.source == "events" and indicator.transform in ("log", "logit"):
        yield (
            (*loc, "transform"),
            "counts of events can be zero",
            f'transform = "{indicator.transform}"',
            '"count", "identity" or "diff" where source = "events"',
            'use transform = "count"',
        )


def _channels(spec: StudySpec) -> Iterator[Problem]:
    for number, channel in enumerate(spec.channels):
        loc = ("channels", number)
        if channel.source == "events":
            yield from _members([channel.id], CHANNELS, "channel of events", *loc, "id")
        yield from _belongs(channel, "series", "source", "series", *loc)
        yield from _twice([s.side for s in channel.series], *loc, "series")


def _regimes(regimes: Sequence[Regime]) -> Iterator[Problem]:
    for number, regime in enumerate(regimes):
        loc = ("regimes", number)
        if regime.after not in (None, *(earlier.id for earlier in regimes[:number])):
            yield (
                (*loc, "after"),
                "a regime follows itself or one that comes later",
                f"{regime.id} after {regime.after}",
                "`after` to name a regime that stands earlier in the file",
                "correct `after` or the order of the [[regimes]] tables",
            )
    for number, (before, regime) in enumerate(pairwise(regimes), start=1):
        if regime.start <= before.start or before.end is None or before.end > regime.start:
            ends = f"ends {before.end}" if before.end else "has no end"
            yield (
                ("regimes", number, "start"),
                "two regimes overlap or are not in the order of time",
                f"{before.id} starts {before.start} and {ends}, {regime.id} starts {regime.start}",
                "a regime to end by the day the next one starts; only the last is open",
                "sort the [[regimes]] tables by start, and correct the end of the earlier one",
            )


def _actions(spec: StudySpec) -> Iterator[Problem]:
    for indicator in spec.indicators:
        for side in (s for s, names in spec.pressure.items() if indicator.id in names):
            if side not in indicator.direction:
                yield (
                    ("pressure", side),
                    "pressure at home needs a direction",
                    f"{indicator.id}, which has no direction for {side}",
                    "indicators whose rise is good or bad news for the side",
                    f"add {side} = 1 or {side} = -1 to the direction of {indicator.id}, "
                    "or take it out",
                )
    if (shift := spec.power_shift) is not None:
        given = [key for key in ("indicator", "kinds", "memory") if getattr(shift, key)]
        if given not in (["indicator"], ["kinds", "memory"]):
            yield (
                ("power_shift",),
                "a shift of power is read off a series or off actions",
                ", ".join(given) or "nothing",
                "either indicator, or kinds and memory",
                "keep one of the two ways",
            )
    for number, safeguard in enumerate(spec.safeguards):
        yield from _belongs(safeguard, "zones", "kind", "zone", "safeguards", number)
    if spec.agenda is not None and not (spec.agenda.zones or spec.agenda.red_lines):
        yield (
            ("agenda",),
            "the agenda follows no matter",
            "neither zones nor red_lines",
            "zones = [...] or red_lines = [...]",
            "name the zones or the lines of the matter, or remove [agenda]",
        )
    if spec.zones is not None:
        yield from _twice(spec.zones.watched, "zones", "watched")


def _origins(spec: StudySpec) -> Iterator[Problem]:
    days = () if spec.forecast is None else spec.forecast.origins
    ordered = all(before < day for before, day in pairwise(days))
    first, last = spec.period.start, spec.period.end
    outside = [day for day in days if not first <= day <= last]
    if outside or not ordered:
        yield (
            ("forecast", "origins"),
            "origins of forecasts are not in the order of time, or outside the period",
            ", ".join(map(str, outside or days)),
            f"days from {first} to {last}, each later than the one before it",
            "sort the days, each once; remove those outside, or change the period",
        )
