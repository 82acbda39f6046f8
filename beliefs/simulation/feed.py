"""From acts to news: surprises of a future whose acts are drawn, not repeated from the past.

Indicators that count acts of force of one side are fed by the drawn acts, by the step of
`beliefs.features.surprises` carried on from the origin, for all futures at once. An indicator
counts a part of a side's acts (those on one target, say): each drawn act belongs to it with the
share that it had in the past in the same phase (calm, truce, war).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.states import FORCE_HALFLIFE
from beliefs.features.steps import expected
from beliefs.features.surprises import (
    COUNT_BURN_IN,
    FLOORS,
    MAD_TO_SD,
    SCALE_MEMORY,
    event_arrivals,
    missed,
    scale_of,
    surprises,
    transform,
)
from beliefs.model.observation import draw
from beliefs.model.structure import PHASES
from beliefs.study.load import Study

__all__ = ["Feed", "Memory", "feed_of", "news_of", "phases", "start_memory"]

Floats = NDArray[np.float64]
Memory = tuple[Floats, Floats, int]
"""Expectation and mean miss of each fed count, (sample, count): indicators, then both forces; and
how many periods were seen since the origin."""


@dataclass(frozen=True, eq=False)
class Feed:
    """Counts that drawn acts feed: K indicators, then the force of side 0 and of side 1."""

    indicator: tuple[int, ...]  # (K,) numbers of the indicators
    side: NDArray[np.int64]  # (K + 2,) whose acts
    share: Floats  # (phase, K + 2) share of them that counts
    weighted: NDArray[np.bool_]  # (K + 2,) whether severities are summed rather than acts counted
    # (K + 2,) what the expectation and the mean miss learn from one period
    fast: Floats
    slow: Floats
    # (K + 2,) both at the origin
    mean: Floats
    miss: Floats
    # (2, K + 2) arrivals by the origin since the level last began anew, and since the way of
    # counting did
    heard: Floats


def feed_of(study: Study, inputs: Inputs) -> Feed:
    """Return which counts of a study drawn acts feed, and what was expected of them."""
    spec, n = study.spec, int(inputs.active.sum())
    phase = phases(inputs)
    found: list[tuple[int, int, Floats, bool, float, float, float]] = []
    heard: list[tuple[int, int]] = []
    for k, indicator in enumerate(spec.indicators):
        fits = indicator.source == "events" and indicator.transform == "count"
        if not fits or not set(indicator.kinds) <= set(spec.kinetic) or not indicator.kinds:
            continue
        owner = [i for i, s in enumerate(spec.sides) if set(indicator.initiator) <= set(s.forces)]
        if not owner or not indicator.initiator or not np.isfinite(inputs.expectation[k]):
            continue
        i, weighted = owner[0], indicator.measure == "severity"
        arrived = event_arrivals(study, indicator, n - 1)
        inside = (arrived.period >= 0) & inputs.strikes_seen[np.maximum(arrived.period, 0)]
        when = arrived.period[inside]
        whole = inputs.strikes[i, when] if weighted else inputs.observed.strike_count[i, when]
        share = _shares(arrived.value[inside], whole, phase[when])
        fast = 1.0 - 0.5 ** (1.0 / indicator.halflife)
        miss = float(inputs.scale[k]) / MAD_TO_SD
        found.append((k, i, share, weighted, fast, float(inputs.expectation[k]), miss))
        begun = (arrived.begins | arrived.restarts, arrived.restarts)
        heard.append(tuple(len(b) - int(np.max(np.flatnonzero(b), initial=0)) for b in begun))  # type: ignore[arg-type]
    fast_force = 1.0 - 0.5 ** (1.0 / FORCE_HALFLIFE[inputs.step_days])
    force = [
        _force(inputs.strikes[i, :n][inputs.strikes_seen[:n]], inputs.step_days) for i in (0, 1)
    ]
    fast = np.array([f[4] for f in found] + [fast_force] * 2)
    return Feed(
        indicator=tuple(f[0] for f in found),
        side=np.array([f[1] for f in found] + [0, 1], dtype=np.int64),
        share=np.stack([f[2] for f in found] + [np.ones(len(PHASES))] * 2, axis=-1),
        weighted=np.array([f[3] for f in found] + [True, True]),
        fast=fast,
        slow=1.0 - (1.0 - fast) ** (1.0 / SCALE_MEMORY),
        mean=np.array([f[5] for f in found] + [m for m, _ in force]),
        miss=np.array([f[6] for f in found] + [a for _, a in force]),
        heard=np.array(heard + [(int(inputs.strikes_seen[:n].sum()),) * 2] * 2, dtype=float).T,
    )


def phases(inputs: Inputs) -> NDArray[np.int64]:
    """Return the phase of each period: calm, truce or war, as numbers of `PHASES`."""
    kinds = np.asarray(inputs.regime_kinds)[inputs.regime]
    return np.select([kinds == "truce", kinds == "war"], [1, 2], 0)


def _shares(counted: Floats, whole: Floats, phase: NDArray[np.int64]) -> Floats:
    """Return the share of a side's acts that an indicator counts, by phase.

    The share over all phases stands for one act in each, so that a phase without acts has it.
    """
    overall = min(float(counted.sum() / max(whole.sum(), 1.0)), 1.0)
    out = [
        (overall + counted[phase == k].sum()) / (1.0 + whole[phase == k].sum())
        for k in range(len(PHASES))
    ]
    return np.minimum(out, 1.0)


def _force(total: Floats, step_days: int) -> tuple[float, float]:
    """Return expectation and mean miss of a side's force after the periods that were seen."""
    if not len(total):
        return float(transform("count", [0.0])[0]), 1.0 / MAD_TO_SD
    past = surprises(
        transform("count", total),
        FORCE_HALFLIFE[step_days],
        floor=FLOORS["count"],
        burn_in=COUNT_BURN_IN,
    )
    return float(past.mean[-1]), float(past.scale[-1]) / MAD_TO_SD


def start_memory(feed: Feed, samples: int) -> Memory:
    """Return the expectations that all futures begin with."""
    shape = (samples, len(feed.mean))
    return np.broadcast_to(feed.mean, shape), np.broadcast_to(feed.miss, shape), 0


def news_of(
    feed: Feed,
    memory: Memory,
    count: Floats,
    severity: Floats,
    phase: NDArray[np.int64],
    uniform: Floats,
    given: Mapping[int, float],
) -> tuple[Floats, Memory]:
    """Return the surprises that the acts of a period make, and what is expected after it.

    Returns
    -------
    surprise : ndarray
        (sample, count), within +-4.
    memory
    """
    mine = count[:, feed.side]
    part = len(feed.indicator)
    counted = mine.copy()
    odds = np.log(np.maximum(feed.share, 1e-9)) - np.log1p(-np.minimum(feed.share, 1.0 - 1e-9))
    there = np.nonzero(mine[:, :part])  # most counts of most periods are zero
    mass = odds[phase[there[0]], there[1]]
    counted[there] = draw(uniform[there], "binomial_logit", mass, mine[there])
    value = np.where(feed.weighted, counted * severity[:, feed.side], counted)
    for j, instead in given.items():
        value[:, j] = instead
    mean, miss, since = memory
    age, misses = feed.heard + since
    fast = np.maximum(feed.fast, 1.0 / (age + 1.0))
    slow = np.maximum(feed.slow, 1.0 / np.maximum(misses, 1.0))
    f = transform("count", value)
    news = missed(f, mean, scale_of(miss, mean, FLOORS["count"]))
    return news, (*expected(mean, miss, f, fast, slow), since + 1)
