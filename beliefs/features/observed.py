"""What the conduct of both sides leaves to be seen: acts, truces, offers, agreements, by period.

These are observables of conduct, beside the inputs that move beliefs. Like those, an act counts in
the period in which it was published, every array has full length and is zero after the as-of date,
and the first t columns are the same for every as-of date at or after t. Rows of talks count on
their own days instead, once they are published, so that what is counted from them (`walkout`,
`walkout_fresh`, `walkout_at_risk`, `talks_recent`, `spell_age`, `deal_near`, `round_number`) may
later hold more of the past. A study without the tables that a column needs (`strikes`, `truce`, ...
in ``study.toml``, ``agreements.csv``) has zeros there and nothing seen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.actions import between, exchange_arrays, force, strike_arrays
from beliefs.features.eventinputs import faded
from beliefs.features.states import level_arrays, power_shift, state_arrays
from beliefs.features.windows import scope_arrays, truce_arrays, truces_of
from beliefs.study.load import Study

__all__ = ["Observed", "blank", "build_observed"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

OLD = 8.0  # memories after which mediation is old
type SideFloats = Floats
type SeverityFloats = Floats
type ZoneFloats = Floats
type ScopeFloats = Floats
type SideBools = Bools
AXES = {"Side": ("side",), "Severity": ("side", "severity"), "Zone": ("zone",), "Scope": ("scope",)}
"""Leading axes of arrays by the name of their type; time is always last."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What conduct there was, for T periods, 2 sides, Z watched zones, 2 scopes of agreement.

    Arrays are (T,), with leading axes where their type says so (`AXES`).
    """

    # Ways of counting under the coverage of ``[strikes]``, in the order of first use
    instruments: tuple[str, ...]
    zones: tuple[str, ...]  # The Z zones of ``[zones]``
    # (2, T) kinetic acts of a side's forces that reach the least severity of ``[strikes]``
    strike_count: SideFloats
    # (2, 5, T) the same by severity 1 to 5; a half counts 0.5 in each neighbour
    strike_by_severity: SeverityFloats
    warned_by_severity: SeverityFloats  # those of them that were announced before
    strikes_seen: Bools  # Whether a zero there is a real zero
    # Place of the way of counting in `instruments`; -1 where strikes were not seen
    instrument: Ints
    severity_log: SideFloats  # mean log(severity / 3) of own strikes, 0 without any
    # (2, T) mean log(severity / 3) of the rival's strikes in t-3 .. t-1, 0 without any
    provocation: SideFloats
    # (2, T) 1 where there was an own strike, a rival's strike in t-3 .. t-1, and both were seen
    provoked: SideFloats
    # (2, T) acts that touch a declared red line; those severe enough to cross it
    line_touch: SideFloats
    line_cross: SideFloats
    breach: Floats  # 1 where a force of one side hit the other's own actors in a truce
    # Acts in a truce by own actors of either side; by others
    breach_own: Floats
    breach_other: Floats
    disobeyed: SideFloats  # 1 where forces that are not the side's own acted in a truce
    command_seen: (
        SideBools  # (2, T) whether the side has such forces and a zero there is a real zero
    )
    # Whether a truce was in force when the period began, and acts were recorded before and in
    # it
    truce_seen: Bools
    # Periods since the chain of windows began, 1 in its first seen period; 0 outside
    truce_age: Floats
    # 0 nothing, 1 collapse, 2 resolution (extension or deal), where it was published
    truce_end: Ints
    # Where a window was resolved or lapsed: 1 lapse, 2 unilateral extension, 3 mutual
    # extension, 4 deal; otherwise 0
    window_kind: Ints
    at_deadline: Floats  # 1 in the last days before an announced deadline
    has_deadline: Floats  # 1 where an announced deadline lies ahead, or falls in t
    deadline_now: Floats  # 1 where it falls in t
    quiet_passed: Floats  # 1 once a window had its first days seen and without breach
    # Acts of force in a truce that nobody owned to: for a week, or until they were attributed
    spoiler_open: Floats
    hotline: Floats  # 1 where a hotline between the sides was in force
    zone_count: ZoneFloats  # kinetic acts of both sides' forces by zone
    zone_seen: Bools  # Whether a zero there is a real zero
    zone_rule: ZoneFloats  # 1 where a rule for the zone was in force
    zone_near: ZoneFloats  # 1 where another zone had a rule and this one had none
    # exp(-age / 7 days) since the last act in a truce by those forces of the declared side that
    # are not its own; 1 in its period
    proxy_attack: Floats
    concession_broken: Floats  # Named concessions breached in the present window so far, t included
    concession: (
        SideFloats  # (2, T) 1 where a side's own actor made the rival an offer or a concession
    )
    concession_seen: Bools  # Whether a zero there is a real zero
    # Acceptances and counter-offers; rejections
    reply_yes: Floats
    reply_no: Floats
    # log(1 + rounds of talks and counter-offers since the last onset of war), as of t-1
    round_number: Floats
    walkout: Floats  # 1 where talks were cancelled
    # Whether there were talks, offers or mediation in the month before that could be
    walkout_at_risk: Bools
    # exp(-age / 7 days) since talks were last cancelled, as of t-1: 1 in the period after it
    walkout_fresh: Floats
    sanction: Floats  # 1 where the enduring side was sanctioned
    sanction_seen: Bools  # Whether a zero there is a real zero
    talks_recent: Floats  # 1 with talks in the two weeks before t
    excluded_count: Floats  # Kinetic acts of powers that are no party to the talks
    excluded_seen: Bools  # Whether a zero there is a real zero
    # exp(-age / 7 days) since the last sign of a deal, as of t-1: talks, their announcement, an
    # acceptance or a deal
    deal_near: Floats
    peripheral_count: Floats  # Kinetic acts on third parties or in outlying zones
    peripheral_seen: Bools  # Whether a zero there is a real zero
    calm: Floats  # 1 without an act of severity 2 or more between the sides in the week before t
    maritime: Floats  # Share of maritime matters among the diplomatic acts of the 30 days before t
    mediator_old: Floats  # exp(-age / (8 memories)) since the last mediation
    spell_age: Floats  # log(periods since talks), 0 right after
    hinge: Floats  # From 0 to 1: how far past its hinge the declared indicator is
    pressure_home: SideFloats  # mean signed level of the indicators of pressure at home
    # (2, T) log(1 + s), s the sum of own strikes fading with exp(-age / 3 days), as of t-1
    own_recent: SideFloats
    # log(1 + d) / log(15) up to 1, d the days in a row without an act between the sides, as of
    # t-1; an unrecorded period begins the count anew
    pause: Floats
    # (2, T) log(1 + s), s the sum of acts of severity 4 or more *suffered*, fading with
    # exp(-age / 14 days); one in t counts whole
    heavy: SideFloats
    # From 0 to 4: how fast power is expected to shift, whatever the direction; as of t-1
    power_shift: Floats
    deal: Floats  # 1 where a mutual agreement was published; the extension of one is none
    deal_seen: Bools  # Whether a zero there is a real zero
    # The same by form
    deal_signed: Floats
    deal_unsigned: Floats
    scope_live: ScopeFloats  # agreements in force: treaties, transactions
    scope_ended: ScopeFloats  # those of them whose end was published
    # (2, T) share of those in force that were made before the last turnover of leadership
    government_changed: ScopeFloats
    rung: Ints  # Place of the state on the last day of t in `RUNGS`
    rung_seen: Bools  # Whether a state was declared


def _axes(name: str) -> tuple[str, ...]:
    return next((axes for kind, axes in AXES.items() if name.startswith(kind)), ())


SHAPES = {f.name: _axes(str(f.type)) for f in fields(Observed) if _axes(str(f.type))}
"""Leading axes of the arrays that have any."""


def blank(n: int, instruments: tuple[str, ...] = (), zones: tuple[str, ...] = ()) -> Observed:
    """Return what is seen where nothing is: zeros, and -1 for the way of counting."""
    sizes = {"side": 2, "severity": 5, "scope": 2, "zone": len(zones)}
    kinds = {"Floats": np.float64, "Bools": np.bool_, "Ints": np.int64}
    arrays: dict[str, Any] = {
        f.name: np.zeros((*(sizes[d] for d in SHAPES.get(f.name, ())), n), dtype=kind)
        for f in fields(Observed)
        for end, kind in kinds.items()
        if str(f.type).endswith(end)
    }
    arrays["instrument"] -= 1
    return Observed(instruments=instruments, zones=zones, **arrays)


def build_observed(study: Study, active: Bools, level: Floats) -> Observed:
    """Turn the tables of a study into what there is to see of conduct.

    Returns
    -------
    Observed
        Periods after the as-of date are zero and unseen.
    """
    spec, grid = study.spec, study.grid
    zones = () if spec.zones is None else spec.zones.watched
    found = vars(blank(grid.n, study.instrument_slots, zones))
    # Acts of the year before the period still fade, provoke and age when it begins.
    longer = grid.backwards(grid.start - np.timedelta64(366, "D"))
    lead = longer.n - grid.n
    acts = force(study)
    dyadic = between(study, acts)
    truces = truces_of(study, longer)
    early = {
        **strike_arrays(study, longer, acts, dyadic),
        **truce_arrays(study, longer, truces, acts, dyadic),
        **scope_arrays(study, longer),
        **exchange_arrays(study, longer, lead),
        **power_shift(study, longer, lead, int(active.sum()) - 1),
    }
    found |= {name: value[..., lead:] for name, value in early.items()}
    found |= state_arrays(study, grid)
    found |= level_arrays(study, grid, level)
    memory = spec.mediator.model_copy(update={"memory": OLD * spec.mediator.memory})
    found["mediator_old"] = faded(study, memory, active)
    return Observed(**{name: _until(name, value, active) for name, value in found.items()})


def _until(name: str, value: Any, active: Bools) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return np.where(active, value, np.array(-1 if name == "instrument" else 0).astype(value.dtype))
