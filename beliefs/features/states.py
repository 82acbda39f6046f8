"""States of a confrontation by period: force and quiet, regimes and phases, safeguards, pressure.

What is published counts from its publication on; regimes and phases are those of the last day.
"""

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from beliefs.features import surprises
from beliefs.features.steps import Bools, Floats, Ints, before, binned, counts, fading_sum, watched
from beliefs.features.surprises import CLIP, Arrivals
from beliefs.features.talks import held_periods
from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.spec import Memory, Regime, Safeguard, usual_halflife
from beliefs.study.tables.codebook import CONFLICT_PHASES, REGIME_KINDS
from beliefs.study.tables.rows import counted_events

_BY_REGIME = {"war": "open_war", "none": "friction", "talks": "friction", "truce": "truce"}
STEEPNESS = 4.0  # the hinge goes from 12 % to 88 % within one standard deviation
UNREST_DAYS = 14.0  # e-folding time of counted pressure
SHIFT_HALFLIFE, SHIFT_AGE, SHIFT_CLIP = 4.0, 182.0, 4.0


def conflict_arrays(study: Study, active: Bools) -> dict[str, NDArray]:
    """Collect quiet, and both sides' force, persistence and hard-line actions, as in `Inputs`.

    `hardline` counts actions of own actors, the rest those of forces. Force is any kinetic kind,
    whoever the target, since allies and bystanders are hit too. Unobserved actions move nothing,
    and an unobserved period is not quiet.
    """
    spec, grid, events = study.spec, study.grid, study.tables.events
    last = int(active.sum()) - 1

    def seen(densities: Collection[str]) -> Bools:
        return watched(study, grid, densities) & active

    persist, resolve, hardline, strikes = (np.zeros((2, grid.n)) for _ in range(4))
    for i, side in enumerate(spec.sides):
        actions = events.where(initiator=side.forces, kind=spec.persist.kinds)
        persist[i] = held_periods(actions, grid, public=True) & seen(spec.persist.coverage)
        hard = events.where(initiator=side.actors, kind=spec.hardline.kinds)
        hardline[i] = np.log1p(counts(hard, grid)) * seen(spec.hardline.coverage)
        force = events.where(initiator=side.forces, kind=spec.kinetic)
        strikes[i] = surprises.severity_sum(force, grid) * active
        counted = force_arrivals(study, i, last)
        update = surprises.count_surprises(counted, usual_halflife(grid.step_days))
        inside = counted.period >= 0
        resolve[i, counted.period[inside]] = np.maximum(update.z[inside], 0.0) / CLIP
    forces = (*spec.sides[0].forces, *spec.sides[1].forces)
    severe = events.where(initiator=forces, kind=spec.kinetic)
    severe = severe.take(severe["severity"] >= spec.quiet.min_severity)
    known = seen(spec.quiet.coverage)
    return {
        "quiet": (known & ~held_periods(severe, grid, public=True)).astype(float),
        "quiet_seen": known,
        "persist": persist, "resolve": resolve, "hardline": hardline, "strikes": strikes,
    }  # fmt: skip


def force_arrivals(study: Study, side: int, last: int) -> Arrivals:
    """Sum the severity of a side's force in each period in which it was recorded completely."""
    spec = study.spec
    force = study.tables.events.where(initiator=spec.sides[side].forces, kind=spec.kinetic)
    return surprises.counted_arrivals(study, force, True, spec.quiet.coverage, last)


def faded(study: Study, memory: Memory, active: Bools) -> Floats:
    """Return ``exp(-age / memory)``, in periods, of the last action of some kinds; 0 before any."""
    actions = study.tables.events.where(kind=memory.kinds)
    periods = np.append(-np.inf, np.sort(study.grid.index(actions["published_at"])))
    now = np.arange(study.grid.n)
    last = periods[np.searchsorted(periods, now, side="right") - 1]
    return np.where(active, np.exp(-(now - last) / memory.memory), 0.0)


def regime_kinds(study: Study, active: Bools) -> NDArray[np.int64]:
    """Return the number in `REGIME_KINDS` of each regime, as in `Inputs.regime`; 0 without one."""
    kind, _ = _by_regime(study, study.grid, lambda regime: REGIME_KINDS.index(regime.kind))
    kind[~active] = kind[int(active.sum()) - 1]
    return kind


def _by_regime(study: Study, grid: Grid, number: Callable[[Regime], int]) -> tuple[Ints, Bools]:
    """Return a number of the regime in force in each period, and whether there was any."""
    out, known = np.zeros(grid.n, dtype=np.int64), np.zeros(grid.n, dtype=bool)
    # A shared day goes to war or truce before talks, to these before none, and to the later one.
    for regime in sorted(study.spec.regimes, key=lambda r: min(REGIME_KINDS.index(r.kind), 2)):
        on = _in_force(grid, regime)
        out[on], known[on] = number(regime), True
    return out, known


def _in_force(grid: Grid, rule: Regime | Safeguard) -> Bools:
    """Tell on the last day of which periods something was in force and public."""
    on = grid.last_days >= np.datetime64(max(rule.start, rule.published_at), "D")
    return on if rule.end is None else on & (grid.last_days <= np.datetime64(rule.end, "D"))


def shocks_on(study: Study, active: Bools) -> Floats:
    """Mark the period in which each declared shock was published, (S, T), once it is known."""
    grid = study.grid
    on = np.zeros((len(study.shock_slots), grid.n))
    known = {shock.id for shock in study.spec.shocks}
    for row, shock in enumerate(study.shock_slots):
        period = int(grid.index(np.datetime64(shock.published_at, "D")))
        if shock.id in known and 0 <= period < grid.n and active[period]:
            on[row, period] = 1.0
    return on


def state_arrays(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return conflict phases and safeguards on a grid."""
    phase, known = _by_regime(
        study, grid, lambda r: CONFLICT_PHASES.index(r.conflict_phase or _BY_REGIME[r.kind])
    )
    hotline = np.zeros(grid.n, dtype=bool)
    zones = () if study.spec.zones is None else study.spec.zones.watched
    rule = np.zeros((len(zones), grid.n), dtype=bool)
    for safeguard in study.spec.safeguards:
        on = _in_force(grid, safeguard)
        if safeguard.kind == "zone":
            rule[np.isin(zones, safeguard.zones)] |= on
        else:
            hotline |= on
    return {
        "conflict_phase": phase,
        "conflict_phase_seen": known,
        "hotline": hotline.astype(float),
        "zone_rule": rule.astype(float),
        "zone_near": (rule.any(axis=0) & ~rule).astype(float),
    }


def level_arrays(study: Study, grid: Grid, level: Floats) -> dict[str, NDArray]:
    """Return hinge and pressure at home, from the slow levels of indicators, (K, T).

    `hinge` is logistic(4 (cost - hinge)); `pressure_home` the mean over a side's indicators, of
    events log(1 + count fading with 14 days) instead of the level, a rise being bad news.
    """
    spec, out = study.spec, {}
    place = {indicator.id: k for k, indicator in enumerate(spec.indicators)}
    if spec.hinge is not None:
        k = place[spec.hinge.indicator]
        cost = spec.indicators[k].cost_sign * level[k]
        past = 1.0 / (1.0 + np.exp(-STEEPNESS * (cost - spec.hinge.level)))
        out["hinge"] = np.where(level[k] != 0.0, past, 0.0)  # 0: the level is not known
    home = np.zeros((2, grid.n))
    for i, side in enumerate(spec.side_ids):
        names = spec.pressure.get(side, ())
        for name in names:
            indicator, value = spec.indicators[place[name]], level[place[name]]
            if indicator.source == "events":
                count = counts(counted_events(study.tables.events, indicator), grid)
                value = np.log1p(fading_sum(count, UNREST_DAYS, grid))
            home[i] -= indicator.direction[side] * value / len(names)
    return {**out, "pressure_home": home}


def power_shift(study: Study, grid: Grid, lead: int, last: int) -> dict[str, NDArray]:
    """Return how fast power is expected to shift, whatever the direction, as of t-1.

    A proxy: nobody recorded what the sides expected, and the side that declines has a reason to
    fight either way (Powell 2006). Of a series: the weighted mean of its slopes (half-life
    four reports) over their robust spread, for half a year after the last report. Of actions: the
    fading balance of both sides', those of force weighing their severity over 3, over the spread of
    a balance without any trend. The grid has `lead` periods before the first one of the study;
    `last` is the last period to be used.
    """
    shift = study.spec.power_shift
    if shift is None:
        return {}
    if shift.indicator is None:
        rows = study.tables.events.where(kind=shift.kinds)
        first, second = (rows.among("initiator", side.forces) for side in study.spec.sides)
        weight = np.where(np.isnan(rows["severity"]), 3.0, rows["severity"]) / 3.0
        balance = binned(rows, weight * (first.astype(float) - second), grid)
        memory = shift.memory or 1.0
        days = memory * grid.step_days
        decayed = fading_sum(balance, days, grid)
        fade = np.exp(-grid.step_days / days)
        # One action within the memory is expected before any is seen.
        rate = (1.0 + np.cumsum(balance**2)) / (memory + np.arange(1, grid.n + 1))
        value = np.abs(decayed) / np.sqrt(np.maximum(rate / (1.0 - fade**2), 1.0))
        return {"power_shift": before(np.minimum(value, SHIFT_CLIP))}
    indicator = next(i for i in study.spec.indicators if i.id == shift.indicator)
    arrived = surprises.series_arrivals(study, indicator, last)
    period, out = arrived.period + lead, np.zeros(grid.n)
    carry = int(SHIFT_AGE // grid.step_days)
    for k, value in enumerate(_trend(arrived.value, arrived.period)):
        out[max(period[k], 0) : max(period[k] + carry, 0)] = value
    return {"power_shift": before(out)}


def _trend(value: Floats, period: Ints) -> Floats:
    """Return |mean slope| over the spread of slopes at each arrival; 0 before three slopes."""
    out = np.zeros(len(value))
    step = np.diff(value) / np.diff(period)
    keep = 0.5 ** (1.0 / SHIFT_HALFLIFE)
    mean = weight = 0.0
    for k in range(len(step)):
        mean, weight = keep * mean + step[k], keep * weight + 1.0
        past = step[: k + 1]
        spread = 1.4826 * np.median(np.abs(past - np.median(past)))
        # Equal steps have no spread: a quarter of the mean step is the least, where the clip is.
        spread = max(spread, float(np.abs(past).mean()) / SHIFT_CLIP)
        if k >= 2 and spread > 0.0:
            out[k + 1] = min(abs(mean / weight) / spread, SHIFT_CLIP)
    return out
