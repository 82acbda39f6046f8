"""Checks of what a study's settings say about conduct, as far as they look at more than one key."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from beliefs.errors import StudyError
from beliefs.study.settings.spec import StudySpec
from beliefs.study.settings.spec_conduct import PowerShift, Safeguard
from beliefs.study.settings.speccheck import check_members, check_unique, published_early
from beliefs.study.tables.codebook import KINDS, PARTIES

__all__ = ["check_conduct"]

At = Callable[..., str]


def check_conduct(spec: StudySpec, where: At) -> None:
    """Check the references of the tables of conduct.

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
    parties, ids = (*PARTIES, *spec.side_ids), [i.id for i in spec.indicators]
    if spec.offers is not None:
        check_members(spec.offers.made, KINDS, "event kind", where, "offers", "made")
    if spec.excluded is not None:
        check_members(spec.excluded.actors, parties, "party", where, "excluded", "actors")
    if spec.hinge is not None:
        check_members([spec.hinge.indicator], ids, "indicator", where, "hinge", "indicator")
    if spec.zones is not None:
        check_unique(spec.zones.watched, "zones", where, "watched")
    if spec.maritime is not None and not (spec.maritime.zones or spec.maritime.red_lines):
        raise StudyError(
            "nothing is maritime",
            where=where("maritime"),
            found="neither zones nor red_lines",
            expected="zones = [...] or red_lines = [...]",
            mend="name what makes an act maritime, or remove [maritime]",
        )
    for side, names in spec.pressure.items():
        check_members([side], spec.side_ids, "side", where, "pressure", side)
        check_members(names, ids, "indicator", where, "pressure", side)
        _check_directions(spec, side, where)
    if spec.power_shift is not None:
        _check_power_shift(spec.power_shift, ids, where)
    if spec.proxy is not None:
        check_members([spec.proxy.side], spec.side_ids, "side", where, "proxy", "side")
    check_unique([s.id for s in spec.safeguards], "safeguards", where)
    for number, safeguard in enumerate(spec.safeguards):
        _check_safeguard(spec, safeguard, number, where)
    _check_named(spec, where)
    _check_origins(spec, where)


def _check_directions(spec: StudySpec, side: str, where: At) -> None:
    for indicator in spec.indicators:
        if indicator.id in spec.pressure[side] and side not in indicator.direction:
            raise StudyError(
                "pressure at home needs a direction",
                where=where("pressure", side),
                found=f"{indicator.id}, which has no direction for {side}",
                expected="indicators whose rise is good or bad news for the side",
                mend=f"add {side} = 1 or {side} = -1 to the direction of {indicator.id}, "
                "or take it out",
            )


def _check_power_shift(shift: PowerShift, ids: list[str], where: At) -> None:
    if (shift.indicator is None) != bool(shift.kinds) or bool(shift.kinds) != bool(shift.memory):
        given = [key for key in ("indicator", "kinds", "memory") if getattr(shift, key)]
        raise StudyError(
            "a shift of power is told by a series or by acts",
            where=where("power_shift"),
            found=", ".join(given) or "nothing",
            expected="either indicator, or kinds and memory",
            mend="keep one of the two ways",
        )
    if shift.indicator is not None:
        check_members([shift.indicator], ids, "indicator", where, "power_shift", "indicator")
    check_members(shift.kinds, KINDS, "event kind", where, "power_shift", "kinds")


def _check_safeguard(spec: StudySpec, safeguard: Safeguard, number: int, where: At) -> None:
    at = ("safeguards", number)
    if safeguard.end is not None and safeguard.end < safeguard.start:
        raise StudyError(
            "a safeguard ends before it starts",
            where=where(*at, "end"),
            found=f"end = {safeguard.end}",
            expected=f"a date on or after start = {safeguard.start}",
            mend="correct one of the two dates",
        )
    if safeguard.published_at < safeguard.start:
        raise published_early(where(*at, "published_at"), safeguard.published_at)
    if (safeguard.kind == "zone") != bool(safeguard.zones):
        raise StudyError(
            "a rule for zones names them, and nothing else does",
            where=where(*at, "zones"),
            found=f'kind = "{safeguard.kind}" with {len(safeguard.zones)} zones',
            expected='zones = [...] exactly where kind = "zone"',
            mend="add or remove the zones, or change kind",
        )
    watched = () if spec.zones is None else spec.zones.watched
    check_members(safeguard.zones, watched, "watched zone", where, *at, "zones")


def _check_named(spec: StudySpec, where: At) -> None:
    """Check the named concessions and spoilers."""
    parties = (*PARTIES, *spec.side_ids)
    check_unique([c.id for c in spec.concessions], "concessions", where)
    for number, concession in enumerate(spec.concessions):
        at = ("concessions", number)
        check_members([concession.side], spec.side_ids, "side", where, *at, "side")
        check_members(concession.kinds, KINDS, "event kind", where, *at, "kinds")
        for key in ("initiator", "target"):
            check_members(getattr(concession, key), parties, "party", where, *at, key)
    check_unique([s.event for s in spec.spoilers], "spoilers", where)


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
