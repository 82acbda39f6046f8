"""What is observed of the actions of both sides: force, truces, offers, agreements, by period.

As in `inputs`, an action counts in the period in which it was published; the first t columns are
the same for every as-of date at or after t; but rows of talks count on their own days once they are
published, so that what is counted from them may later hold more of the past. A study without the
tables that a column needs (``[strikes]``, ``agreements.csv``, ...) has zeros there, unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from beliefs.features.actions import between, exchange_arrays, strike_arrays
from beliefs.features.states import faded, level_arrays, power_shift, state_arrays
from beliefs.features.steps import Bools, Floats, Ints
from beliefs.features.truces import scope_arrays, truce_arrays, truces_of
from beliefs.study.dates import Grid
from beliefs.study.load import Study

OLD = 8.0  # memories after which mediation is old
type SideFloats = Floats
type SeverityFloats = Floats
type ZoneFloats = Floats
type ScopeFloats = Floats
type MemoryFloats = Floats
type SideBools = Bools
AXES = {
    "Side": ("side",), "Severity": ("side", "severity"), "Zone": ("zone",), "Scope": ("scope",),
    "Memory": ("memory",),
}  # fmt: skip
"""Leading axes of arrays by the name of their type; time is always last."""


@dataclass(frozen=True, eq=False)
class Observed:
    """Actions observed, for T periods, 2 sides, Z watched zones, 2 scopes of agreement.

    Arrays are (T,), with leading axes where their type says so (`AXES`). Where a `_seen` is False,
    a zero is not a real zero.
    """

    instruments: tuple[str, ...]  # ways of counting under the coverage of ``[strikes]``, in order
    zones: tuple[str, ...]  # the Z zones of ``[zones]``
    strike_count: SideFloats  # kinetic actions of a side's forces from the least severity on
    strike_by_severity: SeverityFloats  # the same by severity 1 to 5; a half counts 0.5 in both
    warned_by_severity: SeverityFloats  # those of them that were announced before
    strikes_seen: Bools
    instrument: Ints  # place of the way of counting in `instruments`; -1 where unseen
    severity_log: SideFloats  # mean log(severity / 3) of own strikes, 0 without any
    provocation: SideFloats  # the same of the rival's strikes in t-3 .. t-1
    provoked: SideFloats  # 1 where there was an own strike after one of the rival's in t-3 .. t-1
    line_touch: SideFloats  # actions that touch a declared red line
    line_cross: SideFloats  # those severe enough to cross it
    breach: Floats  # 1 where a force of one side hit the other's own actors in a truce
    breach_own: Floats  # actions in a truce by own actors of either side
    breach_other: Floats  # actions in a truce by others
    disobeyed: SideFloats  # 1 where forces that are not the side's own acted in a truce
    command_seen: SideBools  # whether the side has such forces and a truce is seen
    truce_seen: Bools  # whether a truce held as the period began, and actions were recorded then
    truce_age: Floats  # periods since the chain of truce spells began, 1 in its first; 0 outside
    truce_end: Ints  # 0 nothing, 1 collapse, 2 resolution (extension or deal), where published
    # Where a spell was resolved or lapsed: 1 lapse, 2 unilateral extension, 3 mutual extension,
    # 4 deal; otherwise 0
    end_kind: Ints
    at_deadline: Floats  # 1 in the last days before an announced deadline
    has_deadline: Floats  # 1 where an announced deadline lies ahead, or falls in t
    deadline_now: Floats  # 1 where it falls in t
    quiet_passed: Floats  # 1 once a spell had its first days seen and without breach
    spoiler_open: Floats  # unclaimed actions in a truce: for a week, or until attributed
    hotline: Floats  # 1 where a hotline between the sides was in force
    zone_count: ZoneFloats  # kinetic actions of both sides' forces by zone
    zone_seen: Bools
    zone_rule: ZoneFloats  # 1 where a rule for the zone was in force
    zone_near: ZoneFloats  # 1 where another zone had a rule and this one had none
    # exp(-age / 7 days) since the last action in a truce by forces of the declared side not
    # its own; 1 in its period
    proxy_attack: Floats
    concession_broken: Floats  # named concessions breached in the present spell so far, t included
    concession: SideFloats  # 1 where a side's own actor made the rival an offer or a concession
    concession_seen: Bools
    reply_yes: Floats  # acceptances and counter-offers
    reply_no: Floats  # rejections
    round_number: Floats  # log(1 + rounds and counter-offers since the last war began), as of t-1
    walkout: Floats  # 1 where talks were cancelled
    walkout_at_risk: Bools  # whether there were talks, offers or mediation in the month before
    walkout_fresh: Floats  # exp(-age / 7 days) since talks were last cancelled, as of t-1
    sanction: Floats  # 1 where the enduring side was sanctioned
    sanction_seen: Bools
    talks_recent: Floats  # 1 with talks in the two weeks before t
    excluded_count: Floats  # kinetic actions of powers that are no party to the talks
    excluded_seen: Bools
    # exp(-age / 7 days) since the last sign of a deal, as of t-1: talks, their announcement, an
    # acceptance or a deal
    deal_near: Floats
    peripheral_count: Floats  # kinetic actions on third parties or in outlying zones
    peripheral_seen: Bools
    calm: Floats  # 1 without an action of severity 2 or more between the sides in the week before t
    agenda_share: Floats  # its matter's part of the diplomatic actions of the 30 days before t
    mediator_old: Floats  # exp(-age / (8 memories)) since the last mediation
    spell_age: Floats  # log(periods since talks), 0 right after
    # log(1 + periods with talks, fading with exp(-age / 14 days), or hardly at all), as of t-1
    talks_memory: MemoryFloats
    hinge: Floats  # from 0 to 1: how far past its hinge the declared indicator is
    pressure_home: SideFloats  # mean signed level of the indicators of pressure at home
    own_recent: SideFloats  # log(1 + own strikes fading with exp(-age / 3 days)), as of t-1
    # log(1 + d) / log(15) up to 1, d the days in a row without an action between the sides, as of
    # t-1; an unrecorded period begins the count anew
    pause: Floats
    # log(1 + actions of severity 4 or more *suffered*, fading with exp(-age / 14 days)); whole in t
    heavy: SideFloats
    power_shift: Floats  # from 0 to 4: how fast power is expected to shift either way, as of t-1
    deal: Floats  # 1 where a mutual agreement was published; the extension of one is none
    deal_seen: Bools
    deal_signed: Floats  # the same by form
    deal_unsigned: Floats
    scope_live: ScopeFloats  # agreements in force: treaties, transactions
    scope_ended: ScopeFloats  # those of them whose end was published
    government_changed: ScopeFloats  # share of them made before the last turnover of leadership
    conflict_phase: Ints  # place in `CONFLICT_PHASES` of the conflict phase on the last day of t
    conflict_phase_seen: Bools  # whether a phase was declared


SHAPES = {
    f.name: axes for f in fields(Observed) for kind, axes in AXES.items() if f.type.startswith(kind)
}
"""Leading axes of the arrays that have any."""


def blank(n: int, instruments: tuple[str, ...] = (), zones: tuple[str, ...] = ()) -> Observed:
    """Return what is seen where nothing is: zeros, and -1 for the way of counting."""
    sizes = {"side": 2, "severity": 5, "scope": 2, "memory": 2, "zone": len(zones)}
    kinds = {"Floats": np.float64, "Bools": np.bool_, "Ints": np.int64}
    arrays: dict[str, Any] = {
        f.name: np.zeros((*(sizes[d] for d in SHAPES.get(f.name, ())), n), dtype=kind)
        for f in fields(Observed)
        for end, kind in kinds.items()
        if str(f.type).endswith(end)
    }
    arrays["instrument"] -= 1
    return Observed(instruments=instruments, zones=zones, **arrays)


def with_year_before(grid: Grid) -> tuple[Grid, int]:
    """Return a longer grid and the number of its periods before those of `grid`.

    Actions of the year before a study still fade, provoke and age when it begins.
    """
    longer = grid.backwards(grid.start - np.timedelta64(366, "D"))
    return longer, longer.n - grid.n


def build_observed(study: Study, active: Bools, level: Floats) -> Observed:
    """Return what is observed of actions; periods after the as-of date are zero and unseen."""
    spec, grid = study.spec, study.grid
    zones = () if spec.zones is None else spec.zones.watched
    longer, lead = with_year_before(grid)
    actions = study.tables.events.where(kind=spec.kinetic)
    dyadic = between(study, actions)
    truces = truces_of(study, longer)
    early = {
        **strike_arrays(study, longer, actions, dyadic),
        **truce_arrays(study, longer, truces, actions, dyadic),
        **scope_arrays(study, longer),
        **exchange_arrays(study, longer, lead),
        **power_shift(study, longer, lead, int(active.sum()) - 1),
    }
    memory = spec.mediator.model_copy(update={"memory": OLD * spec.mediator.memory})
    found = {
        **{name: value[..., lead:] for name, value in early.items()},
        **state_arrays(study, grid),
        **level_arrays(study, grid, level),
        "mediator_old": faded(study, memory, active),
    }
    seen = blank(grid.n, study.instrument_slots, zones)
    for name, value in found.items():
        getattr(seen, name)[..., active] = value[..., active]
    return seen
