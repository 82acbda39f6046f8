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

from beliefs.features.acts import between, force, strike_arrays
from beliefs.features.eventinputs import faded
from beliefs.features.exchanges import exchange_arrays
from beliefs.features.states import level_arrays, power_shift, state_arrays
from beliefs.features.windows import scope_arrays, truce_arrays, truces_of
from beliefs.study.load import Study

__all__ = ["Observed", "blank", "build_observed"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

OLD = 8.0  # memories after which mediation is old
SHAPES: dict[str, tuple[str, ...]] = {
    "strike_count": ("side",),
    "strike_by_severity": ("side", "severity"),
    "warned_by_severity": ("side", "severity"),
    "severity_log": ("side",),
    "provocation": ("side",),
    "provoked": ("side",),
    "line_touch": ("side",),
    "line_cross": ("side",),
    "disobeyed": ("side",),
    "command_seen": ("side",),
    "zone_count": ("zone",),
    "zone_rule": ("zone",),
    "zone_near": ("zone",),
    "concession": ("side",),
    "pressure_home": ("side",),
    "own_recent": ("side",),
    "heavy": ("side",),
    "scope_live": ("scope",),
    "scope_ended": ("scope",),
    "government_changed": ("scope",),
}
"""Leading axes of the arrays that have any; time is always last."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What conduct there was, for T periods, 2 sides, Z watched zones, 2 scopes of agreement.

    Arrays are (T,) unless a shape is given.

    Attributes
    ----------
    instruments
        Ways of counting under the coverage of ``[strikes]``, in the order of first use.
    zones
        The Z zones of ``[zones]``.
    strike_count
        (2, T) kinetic acts of a side's forces that reach the least severity of ``[strikes]``.
    strike_by_severity
        (2, 5, T) the same by severity 1 to 5; a half counts 0.5 in each neighbour.
    warned_by_severity
        (2, 5, T) those of them that were announced before.
    strikes_seen
        Whether a zero there is a real zero.
    instrument
        Place of the way of counting in `instruments`; -1 where strikes were not seen.
    severity_log
        (2, T) mean log(severity / 3) of own strikes, 0 without any.
    provocation
        (2, T) mean log(severity / 3) of the rival's strikes in t-3 .. t-1, 0 without any.
    provoked
        (2, T) 1 where there was an own strike, a rival's strike in t-3 .. t-1, and both were seen.
    line_touch, line_cross
        (2, T) acts that touch a declared red line; those severe enough to cross it.
    breach
        1 where a force of one side hit the other's own actors in a truce.
    breach_own, breach_other
        Acts in a truce by own actors of either side; by others.
    disobeyed
        (2, T) 1 where forces that are not the side's own acted in a truce.
    command_seen
        (2, T) whether the side has such forces and a zero there is a real zero.
    truce_seen
        Whether a truce was in force when the period began, and acts were recorded before and in it.
    truce_age
        Periods since the chain of windows began, 1 in its first seen period; 0 outside.
    truce_end
        0 nothing, 1 collapse, 2 resolution (extension or deal), where it was published.
    window_kind
        Where a window was resolved or lapsed: 1 lapse, 2 unilateral extension, 3 mutual extension,
        4 deal; otherwise 0.
    at_deadline
        1 in the last days before an announced deadline.
    has_deadline
        1 where an announced deadline lies ahead, or falls in t.
    deadline_now
        1 where it falls in t.
    quiet_passed
        1 once a window had its first days seen and without breach.
    spoiler_open
        Acts of force in a truce that nobody owned to: for a week, or until they were attributed.
    hotline
        1 where a hotline between the sides was in force.
    zone_count
        (Z, T) kinetic acts of both sides' forces by zone.
    zone_seen
        Whether a zero there is a real zero.
    zone_rule
        (Z, T) 1 where a rule for the zone was in force.
    zone_near
        (Z, T) 1 where another zone had a rule and this one had none.
    proxy_attack
        exp(-age / 7 days) since the last act in a truce by those forces of the declared side that
        are not its own; 1 in its period.
    concession_broken
        Named concessions breached in the present window so far, t included.
    concession
        (2, T) 1 where a side's own actor made the rival an offer or a concession.
    concession_seen
        Whether a zero there is a real zero.
    reply_yes, reply_no
        Acceptances and counter-offers; rejections.
    round_number
        log(1 + rounds of talks and counter-offers since the last onset of war), as of t-1.
    walkout
        1 where talks were cancelled.
    walkout_at_risk
        Whether there were talks, offers or mediation in the month before that could be.
    walkout_fresh
        exp(-age / 7 days) since talks were last cancelled, as of t-1: 1 in the period after it.
    sanction
        1 where the enduring side was sanctioned.
    sanction_seen
        Whether a zero there is a real zero.
    talks_recent
        1 with talks in the two weeks before t.
    excluded_count
        Kinetic acts of powers that are no party to the talks.
    excluded_seen
        Whether a zero there is a real zero.
    deal_near
        exp(-age / 7 days) since the last sign of a deal, as of t-1: talks, their announcement, an
        acceptance or a deal.
    peripheral_count
        Kinetic acts on third parties or in outlying zones.
    peripheral_seen
        Whether a zero there is a real zero.
    calm
        1 without an act of severity 2 or more between the sides in the week before t.
    maritime
        Share of maritime matters among the diplomatic acts of the 30 days before t.
    mediator_old
        exp(-age / (8 memories)) since the last mediation.
    spell_age
        log(periods since talks), 0 right after.
    hinge
        From 0 to 1: how far past its hinge the declared indicator is.
    pressure_home
        (2, T) mean signed level of the indicators of pressure at home.
    own_recent
        (2, T) log(1 + s), s the sum of own strikes fading with exp(-age / 3 days), as of t-1.
    pause
        log(1 + d) / log(15) up to 1, d the days in a row without an act between the sides, as of
        t-1; an unrecorded period begins the count anew.
    heavy
        (2, T) log(1 + s), s the sum of acts of severity 4 or more *suffered*, fading with
        exp(-age / 14 days); one in t counts whole.
    power_shift
        From 0 to 4: how fast power is expected to shift, whatever the direction; as of t-1.
    deal
        1 where a mutual agreement was published; the extension of one is none.
    deal_seen
        Whether a zero there is a real zero.
    deal_signed, deal_unsigned
        The same by form.
    scope_live
        (2, T) agreements in force: treaties, transactions.
    scope_ended
        (2, T) those of them whose end was published.
    government_changed
        (2, T) share of those in force that were made before the last turnover of leadership.
    rung
        Place of the state on the last day of t in `RUNGS`.
    rung_seen
        Whether a state was declared.
    """

    instruments: tuple[str, ...]
    zones: tuple[str, ...]
    strike_count: Floats
    strike_by_severity: Floats
    warned_by_severity: Floats
    strikes_seen: Bools
    instrument: Ints
    severity_log: Floats
    provocation: Floats
    provoked: Floats
    line_touch: Floats
    line_cross: Floats
    breach: Floats
    breach_own: Floats
    breach_other: Floats
    disobeyed: Floats
    command_seen: Bools
    truce_seen: Bools
    truce_age: Floats
    truce_end: Ints
    window_kind: Ints
    at_deadline: Floats
    has_deadline: Floats
    deadline_now: Floats
    quiet_passed: Floats
    spoiler_open: Floats
    hotline: Floats
    zone_count: Floats
    zone_seen: Bools
    zone_rule: Floats
    zone_near: Floats
    proxy_attack: Floats
    concession_broken: Floats
    concession: Floats
    concession_seen: Bools
    reply_yes: Floats
    reply_no: Floats
    round_number: Floats
    walkout: Floats
    walkout_at_risk: Bools
    walkout_fresh: Floats
    sanction: Floats
    sanction_seen: Bools
    talks_recent: Floats
    excluded_count: Floats
    excluded_seen: Bools
    deal_near: Floats
    peripheral_count: Floats
    peripheral_seen: Bools
    calm: Floats
    maritime: Floats
    mediator_old: Floats
    spell_age: Floats
    hinge: Floats
    pressure_home: Floats
    own_recent: Floats
    pause: Floats
    heavy: Floats
    power_shift: Floats
    deal: Floats
    deal_seen: Bools
    deal_signed: Floats
    deal_unsigned: Floats
    scope_live: Floats
    scope_ended: Floats
    government_changed: Floats
    rung: Ints
    rung_seen: Bools


def blank(n: int, instruments: tuple[str, ...] = (), zones: tuple[str, ...] = ()) -> Observed:
    """Return what is seen where nothing is: zeros, and -1 for the way of counting."""
    sizes = {"side": 2, "severity": 5, "scope": 2, "zone": len(zones)}
    kinds = {"Floats": np.float64, "Bools": np.bool_, "Ints": np.int64}
    arrays: dict[str, Any] = {
        f.name: np.zeros((*(sizes[d] for d in SHAPES.get(f.name, ())), n), dtype=kinds[f.type])
        for f in fields(Observed)
        if isinstance(f.type, str) and f.type in kinds
    }
    arrays["instrument"] -= 1
    return Observed(instruments=instruments, zones=zones, **arrays)


def build_observed(study: Study, active: Bools, level: Floats) -> Observed:
    """Turn the tables of a study into what there is to see of conduct.

    Parameters
    ----------
    study
        The study, already cut at its as-of date.
    active
        Periods that had ended, shape (T,).
    level
        (K, T) slow levels of the indicators.

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
