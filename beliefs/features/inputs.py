"""What a model of beliefs sees: dense arrays, one column per period.

Evidence is news: what stands in period t is built from rows published by then, so that the first t
columns are the same for every as-of date at or after t. Readings and talks belong to their own
dates and become visible with their publication: as of a later date their columns may hold more of
the past. Names and shapes do not depend on the as-of date; columns of periods that had not ended by
then are zero (readings: NaN) and `active` is False there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from beliefs.features.observed import Observed, build_observed
from beliefs.features.states import faded, quiet_periods, regime_kinds, shocks_on, side_arrays
from beliefs.features.steps import Bools, Floats, periods_of
from beliefs.features.surprises import signal_updates
from beliefs.features.talks import readings, talk_days
from beliefs.study.load import Study
from beliefs.study.spec import StudySpec, Truce
from beliefs.study.tables.codebook import REGIME_KINDS


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
class Inputs:
    """What a model sees of a study: T periods, K indicators, C channels, 2 sides."""

    sides: tuple[str, str]  # ids of the two sides
    endurance: tuple[bool, bool]  # whether merely surviving counts as good news for the side
    dates: NDArray[np.datetime64]  # (T,) first day of each period, datetime64[D]
    step_days: int  # length of a period in days
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
    quiet_seen: Bools  # (T,) whether coverage allows one to say so
    persist: Floats  # (2, T) 1 where an action of ``[persist]`` was under way; 0 if unobserved
    resolve: Floats  # (2, T) positive surprise of the side's force, from 0 to 1; 0 if unobserved
    hardline: Floats  # (2, T) log(1 + number of hard-line actions); 0 if unobserved
    strikes: Floats  # (2, T) severity-weighted force published in the period
    strikes_seen: Bools  # (T,) whether a zero there is a real zero
    mediator: Floats  # (T,) from 0 to 1, fading since the last action
    waiver: Floats  # (T,) likewise
    waiver_memory: float  # periods in which it fades, an e-folding time
    channels: tuple[str, ...]  # names of the C channels
    channel_bias: tuple[str, ...]  # how each may be biased
    reading: Floats  # (2, C, T) coded confidence as log-odds by the date of the row, NaN if none
    talks: NDArray[np.int64]  # (T,) 1 where talks were held under the headline rule, by own dates
    talks_previous: NDArray[np.int64]  # (T,) the same one period earlier
    talks_seen: Bools  # (T,) equal to `active`
    shocks: tuple[Shock, ...]  # declared shocks, whether or not they were known yet
    shock_on: Floats  # (S, T) 1 in the period in which the shock was published
    instruments: tuple[str, ...]  # ways of counting under the coverage of ``[strikes]``
    zones: tuple[str, ...]  # the zones of ``[zones]``
    reference: tuple[tuple[str, float], ...]  # covariates of the reference class, see `Reference`
    seeing: Callable[[], Observed]  # gives `observed`

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
    surprise, seen, level, ends = (np.stack(part) for part in zip(*news, strict=True))
    quiet, quiet_seen = quiet_periods(study, active)
    rules, previous = talk_days(study, active)
    headline = spec.talks_rule.headline
    number = {side: place for place, side in enumerate(spec.side_ids)}
    inputs = Inputs(
        sides=spec.side_ids,
        endurance=(spec.sides[0].endurance, spec.sides[1].endurance),
        dates=grid.dates,
        step_days=grid.step_days,
        quiet_periods=periods_of((spec.truce or Truce()).quiet_days, grid),
        n_planned=spec.period.whole(spec.period.first_end or spec.period.end),
        active=active,
        regime_kinds=REGIME_KINDS,
        regime=regime_kinds(study, active),
        indicators=tuple(i.id for i in spec.indicators),
        surprise=surprise,
        seen=seen,
        scale=ends[:, 1],
        expectation=ends[:, 0],
        last=ends[:, 2],
        level=level,
        level_scale=ends[:, 3],
        terms=_terms(spec),
        cost_terms=tuple(
            CostTerm(f"{name}:{indicator.id}", side, k, float(indicator.cost_sign))
            for side, name in enumerate(spec.side_ids)
            for k, indicator in enumerate(spec.indicators)
            if name in indicator.cost
        ),
        quiet=quiet,
        quiet_seen=quiet_seen,
        **side_arrays(study, active),
        mediator=faded(study, spec.mediator, active),
        waiver=faded(study, spec.waiver, active),
        waiver_memory=spec.waiver.memory,
        channels=tuple(c.id for c in spec.channels),
        channel_bias=tuple(c.bias for c in spec.channels),
        reading=readings(study, active),
        talks=rules[headline],
        talks_previous=previous,
        talks_seen=active.copy(),
        shocks=tuple(
            Shock(s.id, s.kind, None if s.side is None else number[s.side])
            for s in study.shock_slots
        ),
        shock_on=shocks_on(study, active),
        instruments=study.instrument_slots,
        reference=tuple(sorted(spec.reference.talks.items())),
        zones=() if spec.zones is None else spec.zones.watched,
        seeing=partial(build_observed, study, active, level),
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
