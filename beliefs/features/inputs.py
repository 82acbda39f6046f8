"""What a model of beliefs sees: dense arrays, one column per period.

Evidence is news, which arrives when it is published: what stands in period t is built from rows
published by then, so that the first t columns are the same for every as-of date at or after t. Two
kinds of rows belong to their own date instead, and only become visible with their publication: the
readings (`reading`) and the rows of talks (`talks`, `talks_previous`, `talks_by_rule`, and what
`observed` counts from them). As of a later date these columns may hold more of the past, never a
row published after the as-of date. Names, counts and shapes do not depend on the as-of date;
columns of periods that had not ended by then are zero (readings: NaN) and `active` is False there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from beliefs.features.arrivals import Arrivals, event_arrivals, series_arrivals
from beliefs.features.eventinputs import conduct, faded, quiet_periods, regime_kinds, shocks_on
from beliefs.features.observed import Observed, build_observed
from beliefs.features.readings import readings
from beliefs.features.steps import periods_of
from beliefs.features.surprises import (
    BURN_IN,
    COUNT_BURN_IN,
    FLOORS,
    slow_level,
    surprises,
    transform,
)
from beliefs.features.talks import talk_days
from beliefs.features.terms import CostTerm, Term, cost_terms, scorecard_terms
from beliefs.study.load import Study
from beliefs.study.settings.spec import Indicator
from beliefs.study.tables.codebook import REGIME_KINDS

__all__ = ["CostTerm", "Inputs", "Shock", "Term", "build_inputs"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ONE_YEAR = 365.0
"""Half-life in days of the normal from which a cost is a departure."""


@dataclass(frozen=True)
class Shock:
    """A declared date at which a belief may jump; `side` None means both."""

    name: str
    kind: str
    side: int | None


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model sees of a study: T periods, K indicators, C channels, 2 sides."""

    sides: tuple[str, str]  # Ids of the two sides
    endurance: tuple[bool, bool]  # Whether merely surviving counts as good news for the side
    dates: NDArray[np.datetime64]  # First day of each period, (T,) datetime64[D]
    step_days: int  # Length of a period in days
    quiet_periods: int  # Periods at the beginning of a truce that are watched, see ``[truce]``
    n_planned: int  # Number of periods before new rows moved the study's end on
    active: Bools  # (T,) whether the period's last day lies at or before the as-of date
    regime_kinds: tuple[str, ...]  # Names of the regime kinds
    # (T,) number of the kind on the period's last day; the last one known is carried forward
    regime: NDArray[np.int64]
    indicators: tuple[str, ...]  # Ids of the indicators
    surprise: Floats  # (K, T) standardised surprise within +-4; 0 where not seen
    seen: Bools  # (K, T) whether there was a surprise: an arrival past burn-in
    # (K,) scale and expectation of f(x) after the last active period, and the last f(x); NaN
    # for an indicator that had not yet arrived
    scale: Floats
    expectation: Floats
    last: Floats
    # (K, T) slow standardised level within +-4, carried forward up to the indicator's
    # `max_age`, then 0
    level: Floats
    # (K,) what one unit of `level` is in f(x) after the last active period; NaN before arrival
    level_scale: Floats
    # Weights to be learnt, those of side 0 first
    terms: tuple[Term, ...]
    cost_terms: tuple[CostTerm, ...]
    quiet: Floats  # (T,) 1 where no event between the sides reached the severity of ``[quiet]``
    quiet_seen: Bools  # (T,) whether coverage allows one to say so
    # (2, T) 1 where the side did an act of ``[persist]``, or one was still running; 0 where
    # coverage does not allow one to say so
    persist: Floats
    resolve: Floats  # (2, T) positive surprise of the side's force, from 0 to 1; 0 where unobserved
    hardline: Floats  # (2, T) log(1 + number of hard-line acts); 0 where unobserved
    strikes: Floats  # (2, T) severity-weighted force published in the period
    strikes_seen: Bools  # (T,) whether a zero there is a real zero
    # (T,) from 0 to 1, fading since the last act
    mediator: Floats
    waiver: Floats
    # Names of the C channels and how each may be biased
    channels: tuple[str, ...]
    channel_bias: tuple[str, ...]
    # (2, C, T) coded confidence on the scale of log-odds by the date of the row, NaN where
    # nobody spoke
    reading: Floats
    talk_rules: tuple[str, ...]  # Names of the label rules, headline first
    # (T,) 1 where talks were held under the headline rule, by their own dates; the same one
    # period earlier
    talks: NDArray[np.int64]
    talks_previous: NDArray[np.int64]
    talks_seen: Bools  # (T,) equal to `active`
    talks_by_rule: Mapping[str, NDArray[np.int64]]  # Rule name to (T,)
    shocks: tuple[Shock, ...]  # Declared shocks, whether or not they were known yet
    shock_on: Floats  # (S, T) 1 in the period in which the shock was published
    # Ways of counting under the coverage of ``[strikes]``; the zones of ``[zones]``
    instruments: tuple[str, ...]
    zones: tuple[str, ...]
    reference: tuple[tuple[str, float], ...]  # See `Reference`: covariates of the reference class
    seeing: Callable[[], Observed]  # Gives `observed`

    @cached_property
    def observed(self) -> Observed:
        """Conduct: acts, truces, offers and agreements; computed when it is first asked for."""
        return self.seeing()

    def having(self, observed: Observed) -> Inputs:
        """Return these inputs with other conduct."""
        return replace(self, seeing=partial(_read_only, observed))


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
    """
    spec, grid = study.spec, study.grid
    active = grid.active(study.as_of)
    last = int(active.sum()) - 1
    arrivals = [
        (series_arrivals if i.source == "series" else event_arrivals)(study, i, last)
        for i in spec.indicators
    ]
    news = [
        _news(i, a, active, grid.step_days) for i, a in zip(spec.indicators, arrivals, strict=True)
    ]
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
        quiet_periods=periods_of(spec.truce.quiet_days, grid) if spec.truce else 4,
        n_planned=spec.period.n_planned,
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
        terms=scorecard_terms(spec),
        cost_terms=cost_terms(spec),
        quiet=quiet,
        quiet_seen=quiet_seen,
        **conduct(study, active),
        mediator=faded(study, spec.mediator, active),
        waiver=faded(study, spec.waiver, active),
        channels=tuple(c.id for c in spec.channels),
        channel_bias=tuple(c.bias for c in spec.channels),
        reading=readings(study, active),
        talk_rules=tuple(rules),
        talks=rules[headline],
        talks_previous=previous,
        talks_seen=active.copy(),
        talks_by_rule=rules,
        shocks=tuple(
            Shock(s.id, s.kind, None if s.side is None else number[s.side])
            for s in study.shock_slots
        ),
        shock_on=shocks_on(study, active),
        instruments=study.instrument_slots,
        reference=tuple(sorted(spec.reference.talks.items())),
        zones=() if spec.zones is None else spec.zones.watched,
        seeing=partial(_observed, study, active, level),
    )
    for rule in rules.values():
        rule.flags.writeable = False
    return _read_only(inputs)


def _observed(study: Study, active: Bools, level: Floats) -> Observed:
    return _read_only(build_observed(study, active, level))


def _read_only[T](record: T) -> T:
    for value in vars(record).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return record


def _news(
    indicator: Indicator, arrivals: Arrivals, active: Bools, step_days: int
) -> tuple[Floats, Bools, Floats, Floats]:
    """Return surprise, seen, level, each (T,), and the end: mean, scale, f(x), scale of level."""
    n = len(active)
    surprise, seen = np.zeros(n), np.zeros(n, dtype=bool)
    f, period, begins, restarts = _transformed(indicator, arrivals)
    if not len(f):
        return surprise, seen, np.zeros(n), np.full(4, np.nan)
    floor = FLOORS.get(indicator.transform, 0.0)
    news = surprises(
        f,
        indicator.halflife,
        reset=begins,
        restart=restarts,
        floor=floor,
        burn_in=COUNT_BURN_IN if indicator.transform == "count" else BURN_IN,
        walk=indicator.expectation == "walk",
    )
    inside = period >= 0
    surprise[period[inside]] = news.z[inside]
    seen[period[inside]] = news.seen[inside]
    gaps = np.diff(period, prepend=period[:1])
    slow, slow_scale = slow_level(
        f, gaps, ONE_YEAR / step_days, restart=begins | restarts, floor=floor
    )
    level = _carried(slow, period, indicator.max_age, active)
    return surprise, seen, level, np.array([news.mean[-1], news.scale[-1], f[-1], slow_scale[-1]])


def _transformed(
    indicator: Indicator, arrivals: Arrivals
) -> tuple[Floats, NDArray[np.int64], Bools, Bools]:
    """Return f(x), period, begins and restarts of the arrivals that have an f(x)."""
    f = transform(indicator.transform, arrivals.value)
    begins, restarts = arrivals.begins, arrivals.restarts
    if indicator.transform == "diff":
        # A change across two levels or two instruments is none: drop it, begin one later.
        f[begins | restarts] = np.nan
        begins, restarts = (x | np.append(False, x[:-1]) for x in (begins, restarts))
    good = ~np.isnan(f)
    return f[good], arrivals.period[good], begins[good], restarts[good]


def _carried(value: Floats, period: NDArray[np.int64], max_age: int, active: Bools) -> Floats:
    """Spread arrivals over the periods that follow, for up to `max_age` of them."""
    now = np.arange(len(active))
    place = np.searchsorted(period, now, side="right") - 1
    age = now - period[np.maximum(place, 0)]
    return np.where((place >= 0) & (age <= max_age) & active, value[np.maximum(place, 0)], 0.0)
