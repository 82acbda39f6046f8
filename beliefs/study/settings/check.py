"""Checks of a study's settings that look at more than one key at a time."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from beliefs.errors import StudyError
from beliefs.study.bundled import data_folder
from beliefs.study.settings.spec import (
    MAX_PERIODS,
    Indicator,
    Ref,
    Regime,
    Safeguard,
    SpecTable,
    StudySpec,
)
from beliefs.study.tables.codebook import CHANNELS, TALK_LABELS

__all__ = ["check_spec"]

At = Callable[..., str]
Loc = tuple[str | int, ...]

_LISTS = ("sides", "indicators", "channels", "regimes", "shocks", "safeguards", "concessions")


def check_spec(spec: StudySpec, where: At) -> None:
    """Check what the tables of a study say of each other."""
    _check_period(spec, where)
    for table in _LISTS:
        _check_unique([row.id for row in getattr(spec, table)], table, where)
    _check_unique([rule.id for rule in spec.talks_rule.rules], "talks_rule", where, "rules")
    _check_unique([spoiler.event for spoiler in spec.spoilers], "spoilers", where)
    _check_codebook(spec, where)
    _check_references(spec, where)
    _check_sides(spec, where)
    for number, indicator in enumerate(spec.indicators):
        _check_indicator(indicator, number, where)
    _check_channels(spec, where)
    _check_regimes(spec.regimes, where)
    for number, shock in enumerate(spec.shocks):
        if shock.published_at < shock.date:
            raise _published_early(where("shocks", number, "published_at"), shock.published_at)
    _check_pressure(spec, where)
    _check_power_shift(spec, where)
    for number, safeguard in enumerate(spec.safeguards):
        _check_safeguard(safeguard, number, where)
    _check_agenda(spec, where)
    _check_origins(spec, where)


# ---- Names


def _check_references(spec: StudySpec, where: At) -> None:
    """Refuse a name marked by `Ref` that is not one of those it may be."""
    known: dict[str, Iterable[str]] = {
        "side": spec.side_ids,
        "party": spec.parties,
        "event kind": spec.kinds,
        "format of talks": spec.formats,
        "label of talks": TALK_LABELS,
        "indicator": [i.id for i in spec.indicators],
        "series indicator": [i.id for i in spec.indicators if i.source == "series"],
        "label rule": [rule.id for rule in spec.talks_rule.rules],
        "regime": [regime.id for regime in spec.regimes],
        "zone": spec.zone_names,
        "watched zone": () if spec.zones is None else spec.zones.watched,
    }
    for loc, noun, names in _references(spec):
        if noun != "zone" or spec.zone_names:
            _check_members(names, known[noun], noun, where, *loc)
    for side, names in spec.pressure.items():
        _check_members([side], known["side"], "side", where, "pressure", side)
        _check_members(names, known["indicator"], "indicator", where, "pressure", side)


def _references(table: SpecTable, loc: Loc = ()) -> Iterator[tuple[Loc, str, Iterable[str]]]:
    """Yield place, noun and names of every reference of a table and of those in it."""
    for key, field in type(table).model_fields.items():
        value, here = getattr(table, key), (*loc, key)
        noun = next((mark.noun for mark in field.metadata if isinstance(mark, Ref)), None)
        if noun:
            yield here, noun, [value] if isinstance(value, str) else value or ()
        elif isinstance(value, SpecTable):
            yield from _references(value, here)
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                if isinstance(item, SpecTable):
                    yield from _references(item, (*here, number))


_DECLARE = {
    "party": "actors",
    "event kind": "kinds",
    "format of talks": "formats",
    "zone": "zones",
}


def _check_members(
    found: Iterable[str], allowed: Iterable[str], noun: str, where: At, *loc: str | int
) -> None:
    known = list(allowed)
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            mend = f"did you mean `{near[0]}`?" if near else "use one of those expected"
            if noun in _DECLARE:
                mend += f" (or declare it: {_DECLARE[noun]} = [...] in [codebook])"
            raise StudyError(
                f"`{name}` is not a known {noun}",
                where=where(*loc),
                found=name,
                expected="one of " + (", ".join(known) or f"(no {noun} is declared)"),
                mend=mend,
            )


def _check_unique(ids: Sequence[str], table: str, where: At, *rest: str | int) -> None:
    seen: dict[str, int] = {}
    for number, name in enumerate(ids):
        if name in seen:
            raise StudyError(
                f"the name `{name}` is used twice",
                where=where(table, *rest, number),
                found=f"{name}, also number {seen[name] + 1} of this list",
                expected="names that are unique within their list",
                mend="rename or remove one of the two",
            )
        seen[name] = number


def _check_codebook(spec: StudySpec, where: At) -> None:
    for key, names in (
        ("actors", spec.parties),
        ("formats", spec.formats),
        ("zones", spec.zone_names),
        ("kinds", spec.kinds),
    ):
        twice = [name for place, name in enumerate(names) if name in names[:place]]
        if twice:
            raise StudyError(
                "a word is declared that every study has, or that stands here twice",
                where=where("codebook", key),
                found=twice[0],
                expected="further words alone; ids of the sides are actors anyway",
                mend="take it out of [codebook]",
            )
    if spec.reference.talks:
        text = (data_folder() / "pooled" / "summary.json").read_text(encoding="utf-8")
        covariates = json.loads(text)["classes"]["talks"]["covariates"]
        _check_members(
            spec.reference.talks, covariates, "covariate of talks", where, "reference", "talks"
        )


# ---- Dates


def _published_early(where: str, found: object) -> StudyError:
    return StudyError(
        "something was published before it happened",
        where=where,
        found=f"published_at = {found}",
        expected="published_at on or after the date itself",
        mend="correct the date, or leave published_at out to mean the same day",
    )


def _check_span(row: Regime | Safeguard, noun: str, table: str, number: int, where: At) -> None:
    if row.end is not None and row.end < row.start:
        raise StudyError(
            f"a {noun} ends before it starts",
            where=where(table, number, "end"),
            found=f"end = {row.end}",
            expected=f"a date on or after start = {row.start}",
            mend="correct one of the two dates",
        )
    if row.published_at < row.start:
        raise _published_early(where(table, number, "published_at"), row.published_at)


def _check_period(spec: StudySpec, where: At) -> None:
    period = spec.period
    if period.end < period.start:
        raise StudyError(
            "the period ends before it starts",
            where=where("period", "end"),
            found=f"end = {period.end}",
            expected=f"a date on or after start = {period.start}",
            mend="exchange or correct the two dates",
        )
    if period.first_end is not None and not period.start < period.first_end <= period.end:
        raise StudyError(
            "the period ends before it first ended",
            where=where("period", "first_end"),
            found=f"first_end = {period.first_end}",
            expected=f"a date after {period.start}, up to end = {period.end}",
            mend="remove first_end: `beliefs update` writes it where new rows move the end on",
        )
    if period.n_periods < 2:
        raise StudyError(
            "the period is too short",
            where=where("period", "end"),
            found=f"{period.start} to {period.end}: {period.n_periods} whole {period.step}(s)",
            expected=f"at least two whole {period.step}s",
            mend="choose a later end or a shorter step",
        )
    if period.n_periods > MAX_PERIODS:
        raise StudyError(
            "the period is too long",
            where=where("period", "end"),
            found=f"{period.start} to {period.end}: {period.n_periods} {period.step}s",
            expected=f"at most {MAX_PERIODS} {period.step}s",
            mend='check the years, or use step = "week"',
        )


# ---- Sides, indicators, channels, regimes


def _check_sides(spec: StudySpec, where: At) -> None:
    first, second = spec.sides
    for key in ("actors", "forces"):
        shared = sorted(set(getattr(first, key)) & set(getattr(second, key)))
        if shared:
            raise StudyError(
                "both sides claim the same party",
                where=where("sides", 1, key),
                found=", ".join(shared),
                expected=f"{key} that belong to one side only",
                mend="take it out of one of the two sides",
            )


def _check_indicator(indicator: Indicator, number: int, where: At) -> None:
    at = ("indicators", number)
    unread = [side for side in indicator.own if side not in indicator.direction]
    if unread:
        raise StudyError(
            "an own scorecard needs a direction",
            where=where(*at, "own"),
            found=f"own = {unread[0]}, which has no direction",
            expected="own to name only sides that stand in `direction`",
            mend=f"add {unread[0]} = 1 or {unread[0]} = -1 to direction, or take it out of own",
        )
    unseen = [side for side in indicator.direction if side not in indicator.seen_by]
    if unseen:
        raise StudyError(
            "a side reads an indicator that it does not see",
            where=where(*at, "direction"),
            found=f"{unseen[0]} in direction, not in seen_by",
            expected="direction to name only sides that stand in `seen_by`",
            mend=f"add {unseen[0]} to seen_by, or take it out of direction",
        )
    filters = ("initiator", "target", "kinds", "zone", "measure")
    given = [key for key in filters if getattr(indicator, key)]
    if indicator.source == "series" and given:
        raise StudyError(
            f"`{given[0]}` has no meaning for a series",
            where=where(*at, given[0]),
            found=f'{given[0]} together with source = "series"',
            expected='event filters only where source = "events"',
            mend='remove it, or set source = "events"',
        )
    if indicator.source == "events":
        if not indicator.kinds or indicator.measure is None:
            key = "measure" if indicator.kinds else "kinds"
            raise StudyError(
                f"an indicator counted from events needs `{key}`",
                where=where(*at),
                found=f'source = "events" without {key}',
                expected='kinds = [...] and measure = "count" or "severity"',
                mend=f"add `{key}` to this indicator",
            )
        if indicator.transform in ("log", "logit"):
            raise StudyError(
                "counts of events can be zero",
                where=where(*at, "transform"),
                found=f'transform = "{indicator.transform}"',
                expected='"count", "identity" or "diff" where source = "events"',
                mend='use transform = "count"',
            )


def _check_channels(spec: StudySpec, where: At) -> None:
    for number, channel in enumerate(spec.channels):
        at = ("channels", number)
        if channel.source == "events":
            _check_members([channel.id], CHANNELS, "channel of events", where, *at, "id")
        if (channel.source == "series") != bool(channel.series):
            raise StudyError(
                "a channel's source and its series disagree",
                where=where(*at, "series" if channel.series else "source"),
                found=f'source = "{channel.source}" with {len(channel.series)} series',
                expected='[[channels.series]] tables exactly where source = "series"',
                mend="add or remove the series, or change source",
            )
        _check_unique([s.side for s in channel.series], "channels", where, number, "series")


def _check_regimes(regimes: Sequence[Regime], where: At) -> None:
    for number, regime in enumerate(regimes):
        _check_span(regime, "regime", "regimes", number, where)
        if regime.after is not None:
            _check_after(regimes, number, where)
    for number in range(1, len(regimes)):
        before, regime = regimes[number - 1], regimes[number]
        if regime.start <= before.start:
            raise StudyError(
                "regimes are not in the order of time",
                where=where("regimes", number, "start"),
                found=f"{regime.id} starts {regime.start}, {before.id} before it {before.start}",
                expected="each regime to start later than the one before it in the file",
                mend="sort the [[regimes]] tables by start",
            )
        if before.end is None or before.end > regime.start:
            raise StudyError(
                "two regimes overlap",
                where=where("regimes", number, "start"),
                found=f"{before.id} "
                + (f"ends {before.end}" if before.end else "has no end")
                + f", {regime.id} starts {regime.start}",
                expected="a regime to end by the day the next one starts; only the last is open",
                mend=f"set the end of {before.id} to {regime.start} or earlier",
            )


def _check_after(regimes: Sequence[Regime], number: int, where: At) -> None:
    regime = regimes[number]
    if regime.after not in [earlier.id for earlier in regimes[:number]]:
        raise StudyError(
            "a regime follows itself or one that comes later",
            where=where("regimes", number, "after"),
            found=f"{regime.id} after {regime.after}",
            expected="`after` to name a regime that stands earlier in the file",
            mend="correct `after` or the order of the [[regimes]] tables",
        )


# ---- Actions, agreements, forecasts


def _check_pressure(spec: StudySpec, where: At) -> None:
    for indicator in spec.indicators:
        for side in (s for s, names in spec.pressure.items() if indicator.id in names):
            if side in indicator.direction:
                continue
            raise StudyError(
                "pressure at home needs a direction",
                where=where("pressure", side),
                found=f"{indicator.id}, which has no direction for {side}",
                expected="indicators whose rise is good or bad news for the side",
                mend=f"add {side} = 1 or {side} = -1 to the direction of {indicator.id}, "
                "or take it out",
            )


def _check_power_shift(spec: StudySpec, where: At) -> None:
    shift = spec.power_shift
    if shift is None:
        return
    if (shift.indicator is None) != bool(shift.kinds) or bool(shift.kinds) != bool(shift.memory):
        given = [key for key in ("indicator", "kinds", "memory") if getattr(shift, key)]
        raise StudyError(
            "a shift of power is told by a series or by acts",
            where=where("power_shift"),
            found=", ".join(given) or "nothing",
            expected="either indicator, or kinds and memory",
            mend="keep one of the two ways",
        )


def _check_safeguard(safeguard: Safeguard, number: int, where: At) -> None:
    _check_span(safeguard, "safeguard", "safeguards", number, where)
    if (safeguard.kind == "zone") != bool(safeguard.zones):
        raise StudyError(
            "a rule for zones names them, and nothing else does",
            where=where("safeguards", number, "zones"),
            found=f'kind = "{safeguard.kind}" with {len(safeguard.zones)} zones',
            expected='zones = [...] exactly where kind = "zone"',
            mend="add or remove the zones, or change kind",
        )


def _check_agenda(spec: StudySpec, where: At) -> None:
    if spec.agenda is not None and not (spec.agenda.zones or spec.agenda.red_lines):
        raise StudyError(
            "the agenda follows no matter",
            where=where("agenda"),
            found="neither zones nor red_lines",
            expected="zones = [...] or red_lines = [...]",
            mend="name what an act of the matter is told by, or remove [agenda]",
        )
    if spec.zones is not None:
        _check_unique(spec.zones.watched, "zones", where, "watched")


def _check_origins(spec: StudySpec, where: At) -> None:
    if spec.forecast is None:
        return
    days, period = spec.forecast.origins, spec.period
    for before, day in pairwise(days):
        if day <= before:
            raise StudyError(
                "origins of forecasts are not in the order of time",
                where=where("forecast", "origins"),
                found=f"{day} after {before}",
                expected="each day to be later than the one before it",
                mend="sort the days, each once",
            )
    outside = [day for day in days if not period.start <= day <= period.end]
    if outside:
        raise StudyError(
            "a forecast starts outside the period",
            where=where("forecast", "origins"),
            found=str(outside[0]),
            expected=f"days from {period.start} to {period.end}",
            mend="remove the day, or change the period",
        )
