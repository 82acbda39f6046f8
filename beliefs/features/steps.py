"""What is left of the past: every feature once, as a start and a step.

A step takes what is known when a period begins and what happens in the period, and returns what is
known when the next one begins; arrays of any shape, so that one future, thousands of futures and
the past of a study take the same step. Arrays over the past fold the step (`fold`); all are causal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import covered

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

ANSWER = 3  # periods in which an action counts as an answer
CALM_DAYS, CALM_SEVERITY = 7.0, 2.0
RECENT_DAYS = 3.0  # e-folding time of own strikes that were just made
PAUSE_DAYS = 14.0  # a full pause
HEAVY_DAYS, HEAVY_SEVERITY = 14.0, 4.0
FRESH_DAYS = 7.0  # e-folding time of a walkout, or of a sign that a deal is near (judgement)
PROXY_DAYS = 7.0  # e-folding time of an attack by an ally (judgement)
MONTH, FORTNIGHT = 30.0, 14.0
NEVER = 1e6  # periods since something that has not happened yet


def kept(days: float, step_days: float) -> float:
    """Return what is left after a period of something that fades with e-folding time `days`."""
    return float(np.exp(-step_days / days))


def add_fading(total: Any, value: Any, kept: float) -> Any:
    """Step of a fading sum, the period itself included; it starts at 0."""
    return total * kept + value


def refresh(fresh: Any, on: Any, kept: float) -> Any:
    """Step of freshness: 1 after a period that was on, fading after it; it starts at 0."""
    return np.where(on, 1.0, fresh * kept)


def age(since: Any, on: Any, by: float = 1.0) -> Any:
    """Step of the time since a period that was on, 0 after it, a period being `by` long."""
    return np.where(on, 0.0, since + by)


def push(last: NDArray[Any], value: Any) -> NDArray[Any]:
    """Step of the values of the last periods, oldest first; they start at 0."""
    return np.concatenate([last[1:], np.asarray(value)[None]])


def remember_breach(breaches: Any, breach: Any, days: float) -> Any:
    """Step of the breaches of a truce, fading in a fortnight; it starts at 0 with the truce."""
    return add_fading(breaches, breach, kept(FORTNIGHT, days))


def spoil(spoilt: Any, age: Any, quiet: int, loud: Any) -> Any:
    """Step of whether a truce was loud by the age of `quiet`, 1 in its first period; from False."""
    return spoilt | (loud & (age <= quiet))


def expected(mean: Any, miss: Any, value: Any, fast: Any, slow: Any) -> tuple[Any, Any]:
    """Step of an expectation and its mean miss, first a value and 0; both learn `fast`, `slow`."""
    away = value - mean
    return mean + fast * away, miss + slow * (abs(away) - miss)


def learns(halflife: float) -> float:
    """Return what an expectation of that half-life, in values, learns from one value."""
    return float(1.0 - 0.5 ** (1.0 / halflife))


def deadlock(periods: Any, held: Any) -> Any:
    """Step of the age of a deadlock: periods since talks, 1 right after them."""
    return np.where(held, 1.0, periods + 1.0)


def log_age(periods: Any) -> Any:
    """Return the log of an age of a deadlock, 0 where it is young."""
    return np.log(np.maximum(periods, 1.0))


def conflict_age(weeks: Any) -> Floats:
    """Return what hazards read of the age of a conflict, (2, ...): its log, and its first week."""
    return np.stack([np.log1p(weeks), np.exp(-np.asarray(weeks, dtype=float))])


class TalksPast(NamedTuple):
    """What is left of talks when a period begins."""

    idle: Any  # (...) periods since talks, 0 right after them; `NEVER` before any
    deadlock: Any  # (...) the same but 1 right after them, and from the study's start before any
    times: Any  # (...) periods with talks so far
    recess: int = 0  # periods without talks after which a round still goes on

    @classmethod
    def of(cls, columns: Any, recess: int, t: Any = slice(None)) -> TalksPast:
        """Return what columns (..., time) say at a time, or at all, as of the period before."""
        deadlock = np.exp(columns["spell_age"][..., t])
        times = np.expm1(columns["talks_before"][..., t])
        return cls(np.where(times > 0, deadlock - 1.0, NEVER), deadlock, times, recess)

    @property
    def on(self) -> Any:
        """Whether a round is going on, in recess or not, (...)."""
        return self.idle <= self.recess

    def after(self, held: Any) -> TalksPast:
        """Step of a period: whether talks were held in it."""
        idle, ages = age(self.idle, held), deadlock(self.deadlock, held)
        return TalksPast(idle, ages, self.times + held, self.recess)


class Force(NamedTuple):
    """What is left of actions of force when a period begins; all start at 0."""

    own: Any  # (..., side) fading actions of each side
    idle: Any  # days without an action between the sides
    calm: Any  # periods without one of severity `CALM_SEVERITY` or more

    def after(self, days: float, count: Any, action: Any, grave: Any) -> Force:
        """Step of `days`; `action` and `grave` tell whether there was one, or it is unobserved."""
        own = add_fading(self.own, count, kept(RECENT_DAYS, days))
        return Force(own, age(self.idle, action, days), age(self.calm, grave))

    def known(self, days: float) -> dict[str, Any]:
        """Return the columns of a period of `days` by name."""
        return {
            "own_recent": np.log1p(self.own),
            "pause": np.minimum(np.log1p(self.idle) / np.log1p(PAUSE_DAYS), 1.0),
            "calm": (self.calm * days >= CALM_DAYS) * 1.0,
        }


class Exchange(NamedTuple):
    """What is left of words, offers and talks when a period begins."""

    walkout: Any  # how fresh a walk-out is, from 0 to 1
    near: Any  # how fresh a sign of a deal is
    talked: Any  # periods since talks, 0 right after; `NEVER` before any
    contact: Any  # periods since talks, offers or mediation, likewise
    deadlock: Any  # age of the deadlock, from the study's start while there were no talks
    rounds: Any  # rounds of talks since the last onset of war
    times: Any  # periods with talks so far

    def after(
        self, days: float, walkout: Any, sign: Any, held: Any, contact: Any, rounds: Any
    ) -> Exchange:
        """Step of `days`: what there was in the period."""
        left = kept(FRESH_DAYS, days)
        return Exchange(
            refresh(self.walkout, walkout, left), refresh(self.near, sign, left),
            age(self.talked, held), age(self.contact, contact), deadlock(self.deadlock, held),
            self.rounds + rounds, self.times + held,
        )  # fmt: skip

    def known(self, days: float) -> dict[str, Any]:
        """Return the columns of a period of `days` by name."""
        return {
            "walkout_fresh": self.walkout,
            "deal_near": self.near,
            "talks_recent": (self.talked < max(1, round(FORTNIGHT / days))) * 1.0,
            "walkout_at_risk": (self.contact < max(1, round(MONTH / days))) * 1.0,
            "spell_age": log_age(self.deadlock),
            "round_number": np.log1p(self.rounds),
            "talks_before": np.log1p(self.times),
        }


def trail[T: tuple[Any, ...]](step: Callable[..., T], start: T, *columns: NDArray[Any]) -> T:
    """Return what is known as each period of columns (..., time) begins and after the last."""
    states = [start]
    for t in range(columns[0].shape[-1]):
        states.append(step(states[-1], *(column[..., t] for column in columns)))
    return type(start)(*(np.stack(part, axis=-1) for part in zip(*states, strict=True)))


def at(state: Any, t: int | slice) -> Any:
    """Return what is known at a time, or at some, of what `trail` returns."""
    return type(state)(*(part[..., t] for part in state))


def fold(step: Callable[..., Any], start: Any, *columns: NDArray[Any]) -> Floats:
    """Return what a step makes of columns (..., time), after each period, (..., time)."""
    n = columns[0].shape[-1]
    state = np.asarray(start, dtype=float)
    out = np.empty((*np.broadcast_shapes(state.shape, columns[0].shape[:-1]), n))
    for t in range(n):
        state = step(state, *(column[..., t] for column in columns))
        out[..., t] = state
    return out


def fading_sum(values: Floats, days: float, grid: Grid) -> Floats:
    """Return the fading sum of values (..., time), the period itself included."""
    left = kept(days, grid.step_days)
    return fold(lambda total, x: add_fading(total, x, left), np.zeros(values.shape[:-1]), values)


def freshness(on: NDArray[Any], days: float, grid: Grid) -> Floats:
    """Return ``exp(-age / days)`` of the last period that was on; 1 in it, 0 before any."""
    left = kept(days, grid.step_days)
    return fold(lambda fresh, x: refresh(fresh, x, left), 0.0, on)


def recent(values: NDArray[Any], periods: int) -> Floats:
    """Return the sum over the `periods` periods before each one, itself left out."""
    total = np.cumsum(np.asarray(values, dtype=float), axis=-1)
    out = np.zeros_like(total)
    out[..., 1:] = total[..., :-1]
    out[..., periods + 1 :] -= total[..., : -periods - 1]
    return out


def before(values: NDArray[Any]) -> NDArray[Any]:
    """Return each period's value of the period before it; 0 in the first."""
    out = np.zeros_like(values)
    out[..., 1:] = values[..., :-1]
    return out


def ratio(total: Floats, count: Floats) -> Floats:
    """Return a quotient, 0 where there is nothing to divide by."""
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def periods_of(days: float, grid: Grid) -> int:
    """Return the number of periods of a span of days, at least 1."""
    return max(1, round(days / grid.step_days))


def counts(rows: Records, grid: Grid, by: str = "published_at") -> Floats:
    """Return how many rows were published (or by another date) in each period, shape (grid.n,)."""
    return binned(rows, np.ones(len(rows)), grid, by)


def binned(rows: Records, weight: Floats, grid: Grid, by: str = "published_at") -> Floats:
    """Return the weight of the rows of each period by one of their dates, shape (grid.n,)."""
    period = grid.index(rows[by])
    inside = (period >= 0) & (period < grid.n)
    # Without rows numpy counts in integers.
    return np.bincount(period[inside], weights=weight[inside], minlength=grid.n).astype(np.float64)


def watched(study: Study, grid: Grid, densities: Collection[str]) -> Bools:
    """Tell in which periods events were recorded so completely that a zero is a real zero."""
    return covered(study.tables.coverage, grid, densities)
