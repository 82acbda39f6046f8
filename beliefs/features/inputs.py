"""What a model of beliefs sees: dense arrays, one column per period.

Evidence is news: what stands in period t is built from rows published by then, so that the first t
columns are the same for every as-of date at or after t. Readings and talks belong to their own
dates and become visible with their publication: as of a later date their columns may hold more of
the past. Names and shapes do not depend on the as-of date; columns of periods that had not ended by
then are zero (readings: NaN) and `active` is False there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features import actions, states
from beliefs.features.steps import Bools, Floats, Ints, periods_of, watched
from beliefs.features.surprises import signal_updates
from beliefs.features.talks import readings, talk_days, talks_set
from beliefs.study.dates import later
from beliefs.study.load import Study
from beliefs.study.spec import StudySpec, Truce
from beliefs.study.tables.codebook import REGIME_KINDS

OLD = 8.0  # memories after which mediation is old
type SideFloats = Floats
type SeverityFloats = Floats
type ZoneFloats = Floats
type ScopeFloats = Floats
type SideBools = Bools
AXES = {
    "Side": ("side",), "Severity": ("side", "severity"), "Zone": ("zone",), "Scope": ("scope",),
}  # fmt: skip
"""Leading axes of arrays by the name of their type; time is always last."""


@dataclass(frozen=True)
class Term:
    """One weight of a side's scorecard: an indicator, in all regimes or in one kind."""

    name: str  # ``north:price`` or, where the weight depends on the regime, ``north:price[war]``
    side: int  # 0 or 1
    indicator: int  # Row of `Inputs.surprise`
    regimes: tuple[int, ...]  # Numbers of the regime kinds in which the term is on
    direction: float  # +1 where a rise is good news for the side, -1 where it is bad
    own: bool  # Whether the indicator belongs to the side's own scorecard


@dataclass(frozen=True)
class CostTerm:
    """An indicator whose level measures a side's cost of conflict."""

    name: str  # ``south:price``
    side: int  # 0 or 1
    indicator: int  # Row of `Inputs.level`
    sign: float  # +1 where a higher level is a higher cost


@dataclass(frozen=True)
class Shock:
    """A declared date at which a belief may jump; `side` None means both."""

    name: str
    kind: str
    side: int | None


@dataclass(frozen=True, eq=False)
class Observed:
    """Actions observed, for T periods, 2 sides, Z watched zones, 2 scopes of agreement.

    Arrays are (T,), with leading axes where their type says so (`AXES`). Where a `_seen` is False,
    a zero is no real zero; so it is in studies without the tables that a column needs.
    """

    strike_count: SideFloats  # kinetic actions of a side's forces from the least severity on
    strike_by_severity: SeverityFloats  # the same by severity 1 to 5; a half counts 0.5 in both
    warned_by_severity: SeverityFloats  # those of them that were announced before
    strikes_seen: Bools
    instrument: Ints  # place of the way of counting in `Inputs.instruments`; -1 where unseen
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
    ends_seen: Bools  # whether a truce held as the period began, and ends were recorded then
    truce_age: Floats  # periods since the chain of truce spells began, 1 in its first; 0 outside
    breaches_past: Floats  # log(1 + breaches of the chain, fading in 14 days), as of t-1; 0 outside
    truce_end: Ints  # 0 nothing, 1 collapse, 2 resolution (extension or deal), where published
    end_kind: Ints  # where resolved or lapsed: 1 lapse, 2 unilateral, 3 mutual extension, 4 deal
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
    proxy_attack: Floats  # exp(-age / 7 days) since allies of the declared side acted in a truce
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
    deal_near: Floats  # exp(-age / 7 days) since talks, plans for them, acceptance, deal; as of t-1
    peripheral_count: Floats  # kinetic actions on third parties or in outlying zones
    peripheral_seen: Bools
    calm: Floats  # 1 without an action of severity 2 or more between the sides in the week before t
    agenda_share: Floats  # its matter's part of the diplomatic actions of the 30 days before t
    mediator_old: Floats  # exp(-age / (8 memories)) since the last mediation
    spell_age: Floats  # log(periods since talks), 0 right after
    talks_before: Floats  # log(1 + periods with talks before t)
    hinge: Floats  # from 0 to 1: how far past its hinge the declared indicator is
    pressure_home: SideFloats  # mean signed level of the indicators of pressure at home
    own_recent: SideFloats  # log(1 + own strikes fading with exp(-age / 3 days)), as of t-1
    pause: Floats  # log(1 + days without an action between the sides) / log(15) up to 1, as of t-1
    heavy: SideFloats  # log(1 + actions of severity 4 or more *suffered*, fading in 14 days, t too)
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


SHAPES = {f.name: ax for f in fields(Observed) for k, ax in AXES.items() if f.type.startswith(k)}
"""Leading axes of the arrays that have any."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model sees of a study: T periods, K indicators, C channels, 2 sides."""

    sides: tuple[str, str]  # ids of the two sides
    endurance: tuple[bool, bool]  # whether merely surviving counts as good news for the side
    dates: NDArray[np.datetime64]  # (T,) first day of each period, datetime64[D]
    step_days: float  # length of a period in days, of a month in the mean
    quiet_periods: int  # periods at the beginning of a truce that are watched, see ``[truce]``
    n_planned: int  # number of periods before new rows moved the study's end on
    active: Bools  # (T,) whether the period's last day lies at or before the as-of date
    regime_kinds: tuple[str, ...]  # names of the regime kinds
    regime: NDArray[np.int64]  # (T,) kind on the period's last day; the last one is carried forward
    indicators: tuple[str, ...]  # ids of the indicators
    surprise: Floats  # (K, T) standardised surprise within +-4; 0 where not seen
    seen: Bools  # (K, T) whether there was a surprise: an arrival past burn-in
    scale: Floats  # (K,) scale of f(x) after the last active period; NaN before any arrival
    expectation: Floats  # (K,) likewise its expectation
    last: Floats  # (K,) likewise the last f(x)
    level: Floats  # (K, T) slow standardised level within +-4, carried up to `max_age`, then 0
    level_scale: Floats  # (K,) what one unit of `level` is in f(x); NaN before any arrival
    terms: tuple[Term, ...]  # weights to be learnt, those of side 0 first
    cost_terms: tuple[CostTerm, ...]
    quiet: Floats  # (T,) 1 where no event between the sides reached the severity of ``[quiet]``
    quiet_seen: Bools  # (T,) whether coverage allows one to say so; then no force is a real zero
    persist: Floats  # (2, T) 1 where an action of ``[persist]`` was under way; 0 if unobserved
    resolve: Floats  # (2, T) positive surprise of the side's force, from 0 to 1; 0 if unobserved
    hardline: Floats  # (2, T) log(1 + number of hard-line actions); 0 if unobserved
    strikes: Floats  # (2, T) severity-weighted force published in the period
    mediator: Floats  # (T,) from 0 to 1, fading since the last action
    announced: Floats  # (T,) likewise since talks were announced; read a period later
    waiver: Floats  # (T,) likewise
    memories: Mapping[str, float]  # e-folding times, in periods, of columns that only fade
    channels: tuple[str, ...]  # names of the C channels
    channel_bias: tuple[str, ...]  # how each may be biased
    reading: Floats  # (2, C, T) coded confidence as log-odds by the date of the row, NaN if none
    talks: NDArray[np.int64]  # (T,) 1 where talks were held under the headline rule, by own dates
    talks_seen: Bools  # (T,) whether no talks there means that there were none
    talks_previous: NDArray[np.int64]  # (T,) 1 where a round was going on a period earlier
    recess: int  # periods without talks after which it still does
    set_for: NDArray[np.int64]  # periods for which talks stood announced as they began, or do
    shocks: tuple[Shock, ...]  # declared shocks, whether or not they were known yet
    shock_on: Floats  # (S, T) 1 in the period in which the shock was published
    instruments: tuple[str, ...]  # ways of counting under the coverage of ``[strikes]``, in order
    zones: tuple[str, ...]  # the zones of ``[zones]``
    reference: tuple[tuple[str, float], ...]  # covariates of the reference class, see `Reference`
    seeing: Callable[[], Observed]  # gives `observed`

    @property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of each period, (T,)."""
        after: NDArray[np.datetime64] = later(self.dates, 1, self.step_days)
        return after - np.timedelta64(1, "D")

    @cached_property
    def observed(self) -> Observed:
        """Actions, truces, offers and agreements; computed when it is first asked for."""
        return _read_only(self.seeing())

    def having(self, observed: Observed) -> Inputs:
        """Return these inputs with other actions observed."""
        return replace(self, seeing=partial(replace, observed))


def build_inputs(study: Study) -> Inputs:
    """Turn the tables of a study into the arrays that every model uses.

    Parameters
    ----------
    study
        As from `load_study`.

    Returns
    -------
    Inputs
        Arrays are read-only.

    Examples
    --------
    >>> int(beliefs.build_inputs(study).active.sum())
    26
    """
    spec, grid = study.spec, study.grid
    active = grid.active(study.as_of)
    news = [signal_updates(study, indicator, active) for indicator in spec.indicators]
    signals = {name: np.stack([one[name] for one in news]) for name in news[0]}
    rules, previous = talk_days(study, active)
    inputs = Inputs(
        sides=spec.side_ids,
        endurance=(spec.sides[0].endurance, spec.sides[1].endurance),
        dates=grid.dates,
        step_days=grid.step_days,
        quiet_periods=periods_of((spec.truce or Truce()).quiet_days, grid),
        n_planned=spec.period.whole(spec.period.first_end or spec.period.end),
        active=active,
        regime_kinds=REGIME_KINDS,
        regime=states.regime_kinds(study, active),
        indicators=tuple(i.id for i in spec.indicators),
        **signals,
        terms=_terms(spec),
        cost_terms=tuple(
            CostTerm(f"{name}:{indicator.id}", side, k, float(indicator.cost_sign))
            for side, name in enumerate(spec.side_ids)
            for k, indicator in enumerate(spec.indicators)
            if name in indicator.cost
        ),
        **states.conflict_arrays(study, active),
        mediator=states.faded(study, spec.mediator, active),
        announced=states.faded(study, spec.announced, active),
        waiver=states.faded(study, spec.waiver, active),
        memories={
            "mediator": spec.mediator.memory,
            "mediator_old": OLD * spec.mediator.memory,
            "announced": spec.announced.memory,
            "waiver": spec.waiver.memory,
        },
        channels=tuple(c.id for c in spec.channels),
        channel_bias=tuple(c.bias for c in spec.channels),
        reading=readings(study, active),
        talks=rules[spec.talks_rule.headline],
        talks_seen=watched(study, grid, spec.talks_rule.coverage) & active,
        talks_previous=previous,
        recess=int(spec.talks_rule.recess // grid.step_days),
        set_for=talks_set(study),
        shocks=tuple(
            Shock(s.id, s.kind, None if s.side is None else spec.side_ids.index(s.side))
            for s in study.shock_slots
        ),
        shock_on=states.shocks_on(study, active),
        instruments=study.instrument_slots,
        reference=tuple(sorted(spec.reference.talks.items())),
        zones=() if spec.zones is None else spec.zones.watched,
        seeing=partial(build_observed, study, active, signals["level"]),
    )
    return _read_only(inputs)


def _read_only[T](record: T) -> T:
    for value in vars(record).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return record


def _terms(spec: StudySpec) -> tuple[Term, ...]:
    """Return one term for each side and indicator that it reads, or for each regime kind of it."""
    terms = []
    for side, name in enumerate(spec.side_ids):
        for k, indicator in enumerate(spec.indicators):
            if name not in indicator.direction:
                continue
            every = {f"{name}:{indicator.id}": tuple(range(len(REGIME_KINDS)))}
            split = {f"{name}:{indicator.id}[{kind}]": (r,) for r, kind in enumerate(REGIME_KINDS)}
            sign, own = float(indicator.direction[name]), name in indicator.own
            kinds = split if indicator.split_by_regime else every
            terms += [Term(label, side, k, on, sign, own) for label, on in kinds.items()]
    return tuple(terms)


def blank(n: int, zones: int = 0) -> Observed:
    """Return what is seen where nothing is: zeros, and -1 for the way of counting."""
    sizes = {"side": 2, "severity": 5, "scope": 2, "zone": zones}
    kinds = {"Floats": np.float64, "Bools": np.bool_, "Ints": np.int64}
    arrays: dict[str, Any] = {
        f.name: np.zeros((*(sizes[d] for d in SHAPES.get(f.name, ())), n), dtype=kind)
        for f in fields(Observed)
        for end, kind in kinds.items()
        if str(f.type).endswith(end)
    }
    arrays["instrument"] -= 1
    return Observed(**arrays)


def build_observed(study: Study, active: Bools, level: Floats) -> Observed:
    """Return what is observed of actions; periods after the as-of date are zero and unseen."""
    spec, grid = study.spec, study.grid
    longer, lead = actions.with_year_before(grid)
    force = actions.kinetic_actions(study)
    early = {
        **actions.strike_arrays(study, longer, force),
        **actions.truce_arrays(study, longer, force),
        **actions.scope_arrays(study, longer),
        **actions.exchange_arrays(study, longer, lead),
        **states.power_shift(study, longer, lead, int(active.sum()) - 1),
    }
    memory = spec.mediator.model_copy(update={"memory": OLD * spec.mediator.memory})
    found = {
        **{name: value[..., lead:] for name, value in early.items()},
        **states.state_arrays(study, grid),
        **states.level_arrays(study, grid, level),
        "mediator_old": states.faded(study, memory, active),
    }
    seen = blank(grid.n, 0 if spec.zones is None else len(spec.zones.watched))
    for name, value in found.items():
        getattr(seen, name)[..., active] = value[..., active]
    return seen
