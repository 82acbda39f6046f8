"""Inputs counted from events and regimes: quiet, persistence, force, mediators, shocks."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from beliefs.features.arrivals import event_count, force_arrivals, severity_sum
from beliefs.features.surprises import CLIP, COUNT_BURN_IN, FLOORS, surprises, transform
from beliefs.features.talks import span_periods
from beliefs.study.load import Study
from beliefs.study.settings.spec import Memory
from beliefs.study.tables.codebook import REGIME_KINDS
from beliefs.study.tables.coverage import covered
from beliefs.study.tables.rows import select_events

__all__ = ["conduct", "faded", "quiet_periods", "regime_kinds", "shocks_on"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FORCE_HALFLIFE = {1: 14.0, 7: 8.0}
"""Half-life, in periods of that many days, of how much force one has come to expect."""


def conduct(study: Study, active: Bools) -> dict[str, NDArray]:
    """Collect both sides' force, persistence and hard-line acts, by name in `Inputs`.

    `hardline` counts the acts of a side's own actors, the rest those of its forces. Force is any
    kinetic kind, whoever the target, since allies and bystanders are hit as well. Where acts were
    not recorded completely enough, all are 0: unobserved, they move nothing.
    """
    spec, grid = study.spec, study.grid
    n, last = grid.n, int(active.sum()) - 1

    def watched(densities: Collection[str]) -> Bools:
        return covered(study.tables.coverage, grid.dates, grid.step_days, densities) & active

    seen = watched(spec.quiet.coverage)
    persist, resolve, hardline, strikes = (np.zeros((2, n)) for _ in range(4))
    for i, side in enumerate(spec.sides):
        acts = select_events(study.tables.events, initiator=side.forces, kind=spec.persist.kinds)
        persist[i] = span_periods(acts, grid) & watched(spec.persist.coverage)
        hard = select_events(study.tables.events, initiator=side.actors, kind=spec.hardline.kinds)
        hardline[i] = np.log1p(event_count(hard, grid)) * watched(spec.hardline.coverage)
        force = select_events(study.tables.events, initiator=side.forces, kind=study.spec.kinetic)
        strikes[i] = severity_sum(force, grid) * active
        counted = force_arrivals(study, force, spec.quiet.coverage, last)
        news = surprises(
            transform("count", counted.value),
            FORCE_HALFLIFE[grid.step_days],
            restart=counted.restarts,
            floor=FLOORS["count"],
            burn_in=COUNT_BURN_IN,
        )
        inside = counted.period >= 0
        resolve[i, counted.period[inside]] = np.maximum(news.z[inside], 0.0) / CLIP
    return {
        "persist": persist, "resolve": resolve, "hardline": hardline, "strikes": strikes,
        "strikes_seen": seen,
    }  # fmt: skip


def quiet_periods(study: Study, active: Bools) -> tuple[Floats, Bools]:
    """Mark the periods without a severe act between the sides.

    1 where no force of either side reached the severity; 0 where one did or nothing can be said.
    And where coverage is complete enough to say so.
    """
    spec, grid = study.spec, study.grid
    forces = (*spec.sides[0].forces, *spec.sides[1].forces)
    severe = select_events(study.tables.events, initiator=forces, kind=study.spec.kinetic)
    severe = severe.take(severe["severity"] >= spec.quiet.min_severity)
    seen = covered(study.tables.coverage, grid.dates, grid.step_days, spec.quiet.coverage) & active
    return (seen & ~span_periods(severe, grid)).astype(float), seen


def faded(study: Study, memory: Memory, active: Bools) -> Floats:
    """Return how fresh the last act of some kinds is: ``exp(-age / memory)``, 0 before any.

    `memory` is in periods; acts before the study's period count as well.
    """
    acts = study.tables.events.take(study.tables.events.among("kind", memory.kinds))
    periods = np.sort(study.grid.index(acts["published_at"]))
    now = np.arange(study.grid.n)
    place = np.searchsorted(periods, now, side="right") - 1
    if not len(periods):
        return np.zeros(study.grid.n)
    age = now - periods[np.maximum(place, 0)]
    fresh = np.exp(-np.maximum(age, 0) / memory.memory)
    return np.where((place >= 0) & active, fresh, 0.0)


def regime_kinds(study: Study, active: Bools) -> NDArray[np.int64]:
    """Return the kind of regime on the last day of each period.

    Numbers of `REGIME_KINDS`; 0 where no regime was in force or known. Beyond the as-of date the
    last kind is carried forward.
    """
    days = study.grid.last_days
    kind = np.zeros(len(days), dtype=np.int64)
    for regime in study.spec.regimes:
        running = days >= np.datetime64(max(regime.start, regime.published_at), "D")
        if regime.end is not None:
            running &= days <= np.datetime64(regime.end, "D")
        # Regimes stand in the order of time, so a shared day goes to the later one.
        kind[running] = REGIME_KINDS.index(regime.kind)
    kind[~active] = kind[int(active.sum()) - 1]
    return kind


def shocks_on(study: Study, active: Bools) -> Floats:
    """Mark the period in which each declared shock was published.

    One row for each declared shock; all zero while it is not known or outside the period.
    """
    grid = study.grid
    on = np.zeros((len(study.shock_slots), grid.n))
    known = {shock.id for shock in study.spec.shocks}
    for row, shock in enumerate(study.shock_slots):
        period = int(grid.index(np.datetime64(shock.published_at, "D")))
        if shock.id in known and 0 <= period < grid.n and active[period]:
            on[row, period] = 1.0
    return on
