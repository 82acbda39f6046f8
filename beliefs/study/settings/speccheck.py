"""Checks of a study's settings that look at more than one key at a time."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence

from beliefs.errors import StudyError
from beliefs.study.settings.spec import MAX_PERIODS, Indicator, Regime, StudySpec
from beliefs.study.tables.codebook import CHANNELS, KINDS, PARTIES

__all__ = ["check_members", "check_spec", "check_unique", "published_early"]

At = Callable[..., str]


def check_spec(spec: StudySpec, where: At) -> None:
    """Check every reference between the tables of a study.

    Parameters
    ----------
    spec
        Settings whose single values are already known to be well formed.
    where
        Turns a key path into file, line and path for the message.

    Raises
    ------
    StudyError
        At the first contradiction found.
    """
    _check_period(spec, where)
    _check_sides(spec, where)
    check_unique([i.id for i in spec.indicators], "indicators", where)
    for number, indicator in enumerate(spec.indicators):
        _check_indicator(spec, indicator, number, where)
    _check_channels(spec, where)
    _check_talks_rule(spec, where)
    for table in ("hardline", "persist", "mediator", "waiver"):
        check_members(getattr(spec, table).kinds, KINDS, "event kind", where, table, "kinds")
    _check_regimes(spec.regimes, where)
    check_unique([s.id for s in spec.shocks], "shocks", where)
    for number, shock in enumerate(spec.shocks):
        if shock.side is not None:
            check_members([shock.side], spec.side_ids, "side", where, "shocks", number, "side")
        if shock.published_at < shock.date:
            raise published_early(where("shocks", number, "published_at"), shock.published_at)


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


def _check_sides(spec: StudySpec, where: At) -> None:
    first, second = spec.sides
    check_unique(spec.side_ids, "sides", where)
    parties = (*PARTIES, *spec.side_ids)
    for number, side in enumerate(spec.sides):
        for key in ("actors", "forces"):
            check_members(getattr(side, key), parties, "party", where, "sides", number, key)
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


def _check_indicator(spec: StudySpec, indicator: Indicator, number: int, where: At) -> None:
    at = ("indicators", number)
    sides = spec.side_ids
    check_members(indicator.direction, sides, "side", where, *at, "direction")
    for key in ("own", "seen_by", "cost"):
        check_members(getattr(indicator, key), sides, "side", where, *at, key)
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
        parties = (*PARTIES, *sides)
        check_members(indicator.kinds, KINDS, "event kind", where, *at, "kinds")
        for key in ("initiator", "target"):
            check_members(getattr(indicator, key), parties, "party", where, *at, key)
        if indicator.transform in ("log", "logit"):
            raise StudyError(
                "counts of events can be zero",
                where=where(*at, "transform"),
                found=f'transform = "{indicator.transform}"',
                expected='"count", "identity" or "diff" where source = "events"',
                mend='use transform = "count"',
            )


def _check_channels(spec: StudySpec, where: At) -> None:
    check_unique([c.id for c in spec.channels], "channels", where)
    series = {i.id: i for i in spec.indicators if i.source == "series"}
    for number, channel in enumerate(spec.channels):
        at = ("channels", number)
        if channel.source == "events":
            check_members([channel.id], CHANNELS, "channel of events", where, *at, "id")
        if (channel.source == "series") != bool(channel.series):
            raise StudyError(
                "a channel's source and its series disagree",
                where=where(*at, "series" if channel.series else "source"),
                found=f'source = "{channel.source}" with {len(channel.series)} series',
                expected='[[channels.series]] tables exactly where source = "series"',
                mend="add or remove the series, or change source",
            )
        check_unique([s.side for s in channel.series], "channels", where, number, "series")
        for item, read in enumerate(channel.series):
            here = (*at, "series", item)
            check_members([read.side], spec.side_ids, "side", where, *here, "side")
            check_members([read.indicator], series, "series indicator", where, *here, "indicator")


def _check_talks_rule(spec: StudySpec, where: At) -> None:
    ids = [rule.id for rule in spec.talks_rule.rules]
    check_unique(ids, "talks_rule", where, "rules")
    check_members([spec.talks_rule.headline], ids, "label rule", where, "talks_rule", "headline")


def _check_regimes(regimes: Sequence[Regime], where: At) -> None:
    ids = [regime.id for regime in regimes]
    check_unique(ids, "regimes", where)
    for number, regime in enumerate(regimes):
        if regime.end is not None and regime.end < regime.start:
            raise StudyError(
                "a regime ends before it starts",
                where=where("regimes", number, "end"),
                found=f"end = {regime.end}",
                expected=f"a date on or after start = {regime.start}",
                mend="correct one of the two dates",
            )
        if regime.published_at < regime.start:
            at = where("regimes", number, "published_at")
            raise published_early(at, regime.published_at)
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
    """Follow `after` from one regime back; the named one must exist and stand earlier."""
    by_id = {regime.id: place for place, regime in enumerate(regimes)}
    at = where("regimes", number, "after")
    regime = regimes[number]
    check_members([str(regime.after)], by_id, "regime", where, "regimes", number, "after")
    chain, current = [regime.id], regime.after
    while current is not None and current in by_id and current not in chain:
        chain.append(current)
        current = regimes[by_id[current]].after
    if current == regime.id:
        raise StudyError(
            "regimes follow each other in a circle",
            where=at,
            found=" after ".join([*chain, regime.id]),
            expected="`after` to name a regime that stands earlier in the file",
            mend="remove one `after` of the circle",
        )
    if by_id[str(regime.after)] > number:
        raise StudyError(
            "a regime follows one that comes later",
            where=at,
            found=f"{regime.id} after {regime.after}",
            expected="`after` to name a regime that stands earlier in the file",
            mend="correct `after` or the order of the [[regimes]] tables",
        )


def published_early(where: str, found: object) -> StudyError:
    """Return the error for a publication before the day of what was published."""
    return StudyError(
        "something was published before it happened",
        where=where,
        found=f"published_at = {found}",
        expected="published_at on or after the date itself",
        mend="correct the date, or leave published_at out to mean the same day",
    )


def check_unique(ids: Sequence[str], table: str, where: At, *rest: str | int) -> None:
    """Refuse a name that stands twice in a list."""
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


def check_members(
    found: Iterable[str], allowed: Iterable[str], noun: str, where: At, *loc: str | int
) -> None:
    """Refuse a name that is not one of those allowed."""
    known = list(allowed)
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise StudyError(
                f"`{name}` is not a known {noun}",
                where=where(*loc),
                found=name,
                expected="one of " + (", ".join(known) or f"(no {noun} is declared)"),
                mend=f"did you mean `{near[0]}`?" if near else "use one of those expected",
            )
