"""From rows to surprises: what arrived, its transform, what was expected, how far news missed it.

An arrival is a value that was published; in between, values are missing and not zero. A surprise is
z_n = (f(x_n) - m_{n-1}) / s_{n-1}, clipped at +-4: m is an exponentially weighted mean, s the same
of absolute misses, times sqrt(pi / 2), a standard deviation for a normal. All uses the past alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.features.steps import Bools, Floats, Ints, binned, counts, expected, learns, watched
from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.spec import Indicator
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import counted_events, instruments

CLIP: Final = 4.0
BURN_IN: Final = 8
"""Arrivals that only teach the expectation: after the first, a reset, or another instrument."""
COUNT_BURN_IN: Final = 3
"""The same for counts, whose scale is known to be near 1 before any arrival."""
MAD_TO_SD: Final = math.sqrt(math.pi / 2.0)
SCALE_MEMORY: Final = 3.0
"""The scale remembers this many times longer than the mean: variances need more data."""
COUNT_FLOOR: Final = 0.5
"""Least scale of counts, in units of f(x). They have a standard deviation near 1: below half of
that a long calm has only been lucky, and the day after a rare event would be a surprise."""
SHARE_BOUNDS: Final = (0.005, 0.995)
YEAR: Final = 365.0
"""Half-life in days of the normal from which a level is a departure."""


@dataclass(frozen=True)
class Arrivals:
    """One value for each of N periods in which something was published, in the order of time."""

    period: Ints  # number of the period, (N,); negative before the study's first
    value: Floats  # before any transform, (N,)
    begins: Bools  # where the level shifts without being news (a declared reset), (N,)
    restarts: Bools  # where another way of counting begins, (N,)


def series_arrivals(study: Study, indicator: Indicator, last: int) -> Arrivals:
    """Collect the published values of a series, one for each period up to number `last`.

    A row is news when its date is later than that of every row published before it. A revision
    of an older date is therefore not news, and enters nothing else either.
    """
    rows = study.tables.indicators.where(indicator=(indicator.id,)).ordered("published_at", "date")
    date = rows["date"].astype(np.int64)
    before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(date)[:-1]])
    period = study.grid.index(rows["published_at"])
    news = (date > before[: len(date)]) & (period <= last)
    date, value, period = date[news], rows["value"][news], period[news]
    numbers, first = np.unique(period, return_index=True)
    # The slices are for a series that has not arrived at all: no first, no last.
    final = np.append(first[1:], len(period))[: len(numbers)] - 1
    if indicator.aggregate == "last":
        value = value[final]
    else:
        total = np.add.reduceat(value, first) if len(first) else value
        value = total / (final - first + 1) if indicator.aggregate == "mean" else total
    begins = _crossed(date[final], indicator.resets)
    return Arrivals(numbers, value, begins, np.zeros(len(numbers), dtype=bool))


def _crossed(date: Ints, marks: Sequence[Any]) -> Bools:
    """Tell which arrivals are the first on or after a marked date."""
    days = np.sort(np.array(marks, dtype="datetime64[D]").astype(np.int64))
    passed = np.searchsorted(days, date, side="right")
    return np.diff(passed, prepend=passed[:1]) > 0


def event_arrivals(study: Study, indicator: Indicator, last: int) -> Arrivals:
    """Count events in each period in which they were recorded completely."""
    rows, weighted = counted_events(study.tables.events, indicator), indicator.measure == "severity"
    return counted_arrivals(study, rows, weighted, indicator.coverage, last, indicator.resets)


def count_surprises(arrived: Arrivals, halflife: float) -> Surprises:
    """Return how far each count missed what those before it led one to expect."""
    f, resets, restarts = transform("count", arrived.value), arrived.begins, arrived.restarts
    return surprises(f, halflife, reset=resets, restart=restarts, count=True)


def counted_arrivals(
    study: Study,
    rows: Records,
    weighted: bool,
    densities: Sequence[str],
    last: int,
    resets: Sequence[Any] = (),
) -> Arrivals:
    """Count rows, or sum their severity, in each period that coverage of these densities holds.

    A covered period without events is a zero; an uncovered one is missing, whatever was recorded.
    """
    grid, coverage = study.grid, study.tables.coverage
    longer = grid.backwards(coverage["start"].min()) if len(coverage) else grid
    shift = longer.n - grid.n
    total = severity_sum(rows, longer) if weighted else counts(rows, longer)
    use = watched(study, longer, densities) & (np.arange(longer.n) - shift <= last)
    where = np.flatnonzero(use)
    instrument = instruments(coverage, longer.dates)[where]
    return Arrivals(
        where - shift,
        total[where],
        _crossed(longer.last_days[where].astype(np.int64), resets),
        np.diff(instrument, prepend=instrument[:1]) != 0,
    )


def severity_sum(rows: Records, grid: Grid) -> Floats:
    """Sum severities by period of publication, (grid.n,); no action of force weighs 1."""
    return binned(rows, np.where(np.isnan(rows["severity"]), 1.0, rows["severity"]), grid)


def transform(name: str, x: ArrayLike) -> Floats:
    """Return f(x), (N,), the scale on which misses of values (N,) are measured.

    ``diff`` is the change since the arrival before, NaN for the first; ``count`` is
    ``2 sqrt(x + 3/8)``, of variance near 1 (Anscombe 1948, The transformation of Poisson, binomial
    and negative-binomial data, Biometrika 35).
    """
    values = np.asarray(x, dtype=float)
    match name:
        case "identity":
            return values.copy()
        case "log":
            return np.log(values)
        case "diff":
            return np.diff(values, prepend=np.nan)
        case "logit":
            return np.log(values) - np.log1p(-values)
        case "count":
            return 2.0 * np.sqrt(values + 0.375)
    raise ValueError(f"unknown transform {name!r}")


def logit_share(x: ArrayLike, scale: float, invert: bool) -> Floats:
    """Read prices as shares of belief, ``x / scale`` or inverted, and return their log-odds.

    At the price `scale` the belief would be certain. Shares are held within 0.5 % and 99.5 %,
    since a price carries other things too.
    """
    values = np.asarray(x, dtype=float)
    share = np.clip(scale / values if invert else values / scale, *SHARE_BOUNDS)
    return transform("logit", share)


@dataclass(frozen=True)
class Surprises:
    """Surprises of one indicator at its N arrivals; all are (N,)."""

    z: Floats  # surprise within +-4, 0 during burn-in
    seen: Bools  # whether the surprise counts (past burn-in)
    mean: Floats  # expectation after the arrival, in units of f(x)
    scale: Floats  # its scale after the arrival, in units of f(x)
    miss: Floats  # mean miss after the arrival, of which the scale is made


def surprises(
    f: ArrayLike,
    halflife: float,
    *,
    reset: ArrayLike = False,
    restart: ArrayLike = False,
    count: bool = False,
    walk: bool = False,
) -> Surprises:
    """Return how far each arrival f, (N,), missed what those before it led one to expect.

    `halflife` is in arrivals. A `reset` of the level is no news: the expectation begins anew; at a
    `restart` another instrument begins, and the scale too. A `count` has a least scale and a
    shorter burn-in. With `walk` the last value is expected, as of prices, so that one jump is news
    once.
    """
    values = np.asarray(f, dtype=float)
    begin_all = np.zeros(len(values), dtype=bool) | np.asarray(restart, dtype=bool)
    begin_mean = begin_all | np.asarray(reset, dtype=bool)
    fast = 1.0 if walk else learns(halflife)
    slow = learns(SCALE_MEMORY * halflife)
    floor, burn_in = (COUNT_FLOOR, COUNT_BURN_IN) if count else (0.0, BURN_IN)
    return _against_means(values, begin_mean, begin_all, fast, slow, floor, burn_in)


def _against_means(
    values: Floats, begin_mean: Bools, begin_miss: Bools, fast: ArrayLike, slow: ArrayLike,
    floor: float, burn_in: int,
) -> Surprises:  # fmt: skip
    """Return how far values missed the weighted mean before them, in scales before them.

    `fast` and `slow` are the weights of an arrival in the means of values and of absolute misses,
    (N,) or numbers, once there are many.
    """
    place = np.arange(len(values))
    begin_mean = begin_mean | (place == 0)
    age = place - np.maximum.accumulate(np.where(begin_mean, place, 0))
    misses = np.cumsum(~begin_mean)
    misses -= np.maximum.accumulate(np.where(begin_miss, misses, 0))
    weight, weight_miss = early(fast, age + 1).tolist(), early(slow, misses).tolist()
    mean, miss = np.zeros((2, len(values)))
    m, away = 0.0, 0.0
    begins = zip(values.tolist(), begin_mean.tolist(), begin_miss.tolist(), strict=True)
    for i, (value, anew, forgets) in enumerate(begins):
        away = 0.0 if forgets else away
        m, away = (value, away) if anew else expected(m, away, value, weight[i], weight_miss[i])
        mean[i], miss[i] = m, away
    scale = scale_of(miss, mean, floor)
    seen, z = (age > 0) & (age >= burn_in), np.zeros(len(values))
    now = np.flatnonzero(seen)
    z[now] = missed(values[now], mean[now - 1], scale[now - 1])
    return Surprises(z, seen, mean, scale, miss)


def early(weight: ArrayLike, n: ArrayLike) -> Floats:
    """Return the weight of an n-th arrival: 1/n early on, so that few have their plain mean."""
    return np.maximum(weight, 1.0 / np.maximum(n, 1))


def scale_of(miss: ArrayLike, level: ArrayLike, floor: float) -> Floats:
    """Return the scale of a mean miss: a standard deviation of the normal, at least `floor`."""
    least = np.maximum(floor, 1e-6 * (1.0 + np.abs(level)))
    return np.maximum(MAD_TO_SD * np.asarray(miss), least)


def missed(value: Floats, mean: Floats, scale: Floats) -> Floats:
    """Return how far a value missed what was expected, in scales, within +-`CLIP`."""
    return np.clip((value - mean) / scale, -CLIP, CLIP)


def slow_level(
    f: Floats, age: NDArray, halflife: float, restart: ArrayLike = False, count: bool = False
) -> Surprises:
    """Return how far each arrival stands from the slow normal, in units of its usual distance.

    Unlike a surprise this stays away from zero while the value does, as a cost does. The normal
    forgets with time: `age` is the periods since the arrival before, (N,), `halflife` in periods.
    """
    known = {gap: 1.0 - 0.5 ** (max(gap, 1e-9) / halflife) for gap in set(age.tolist())}
    forgotten = np.array([known[gap] for gap in age.tolist()])
    begin = np.zeros(len(f), dtype=bool) | np.asarray(restart, dtype=bool)
    floor = COUNT_FLOOR if count else 0.0
    return _against_means(f, begin, begin, forgotten, forgotten, floor, BURN_IN)


def signal_updates(study: Study, indicator: Indicator, active: Bools) -> dict[str, Any]:
    """Return what `Inputs` holds of an indicator, by name, (T,) or a number."""
    n, last = len(active), int(active.sum()) - 1
    collect = series_arrivals if indicator.source == "series" else event_arrivals
    f, period, begins, restarts = _transformed(indicator, collect(study, indicator, last))
    surprise, seen = np.zeros(n), np.zeros(n, dtype=bool)
    if not len(f):
        ends = dict.fromkeys(("expectation", "scale", "last", "level_scale"), np.nan)
        return {"surprise": surprise, "seen": seen, "level": np.zeros(n), **ends}
    count, walk = indicator.transform == "count", indicator.expectation == "walk"
    found = surprises(f, indicator.halflife, reset=begins, restart=restarts, count=count, walk=walk)
    inside = period >= 0
    surprise[period[inside]] = found.z[inside]
    seen[period[inside]] = found.seen[inside]
    gaps = np.diff(period, prepend=period[:1])
    slow = slow_level(f, gaps, YEAR / study.grid.step_days, begins | restarts, count)
    # The level is carried forward for up to `max_age` periods.
    now = np.arange(n)
    place = np.searchsorted(period, now, side="right") - 1
    old = now - period[np.maximum(place, 0)] > indicator.max_age
    level = np.where((place >= 0) & ~old & active, slow.z[np.maximum(place, 0)], 0.0)
    return {
        "surprise": surprise, "seen": seen, "level": level, "expectation": found.mean[-1],
        "scale": found.scale[-1], "last": f[-1], "level_scale": slow.scale[-1],
    }  # fmt: skip


def _transformed(indicator: Indicator, arrivals: Arrivals) -> tuple[Floats, Ints, Bools, Bools]:
    """Return f(x), period, begins and restarts of the arrivals that have an f(x)."""
    f = transform(indicator.transform, arrivals.value)
    begins, restarts = arrivals.begins, arrivals.restarts
    if indicator.transform == "diff":
        # A change across two levels or two instruments is none: drop it, begin one later.
        f[begins | restarts] = np.nan
        begins, restarts = (x | np.append(False, x[:-1]) for x in (begins, restarts))
    good = ~np.isnan(f)
    return f[good], arrivals.period[good], begins[good], restarts[good]
