"""States of a confrontation by period: its rung, safeguards, pressure at home, shifts of power."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from beliefs.features.arrivals import series_arrivals
from beliefs.features.steps import before, binned, counts, fading_sum
from beliefs.study.calendar import Grid
from beliefs.study.load import Study
from beliefs.study.settings.spec import Indicator
from beliefs.study.tables.codebook import RUNGS
from beliefs.study.tables.rows import counted_events, select_events

__all__ = ["level_arrays", "power_shift", "state_arrays"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_RUNG_OF = {"war": "open_war", "none": "friction", "talks": "friction", "truce": "truce"}
STEEPNESS = 4.0  # the hinge goes from 12 % to 88 % within one standard deviation
UNREST_DAYS = 14.0  # e-folding time of counted pressure
MONTH = 30.4
SHIFT_HALFLIFE, SHIFT_AGE, SHIFT_CLIP = 4.0, 182.0, 4.0


def state_arrays(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return conflict phases and safeguards on a grid."""
    rung, known = np.zeros(grid.n, dtype=np.int64), np.zeros(grid.n, dtype=bool)
    for regime in study.spec.regimes:  # a shared day goes to the later one
        on = _in_force(grid, regime.start, regime.end, regime.published_at)
        rung[on] = RUNGS.index(regime.rung or _RUNG_OF[regime.kind])
        known |= on
    hotline = np.zeros(grid.n, dtype=bool)
    zones = () if study.spec.zones is None else study.spec.zones.watched
    rule = np.zeros((len(zones), grid.n), dtype=bool)
    for safeguard in study.spec.safeguards:
        on = _in_force(grid, safeguard.start, safeguard.end, safeguard.published_at)
        if safeguard.kind == "zone":
            rule[np.isin(zones, safeguard.zones)] |= on
        else:
            hotline |= on
    return {
        "rung": rung,
        "rung_seen": known,
        "hotline": hotline.astype(float),
        "zone_rule": rule.astype(float),
        "zone_near": (rule.any(axis=0) & ~rule).astype(float),
    }


def _in_force(grid: Grid, start: dt.date, end: dt.date | None, published: dt.date) -> Bools:
    """Tell on the last day of which periods something was in force and public."""
    on = grid.last_days >= np.datetime64(max(start, published), "D")
    return on if end is None else on & (grid.last_days <= np.datetime64(end, "D"))


def level_arrays(study: Study, grid: Grid, level: Floats) -> dict[str, NDArray]:
    """Return hinge and pressure at home, from the slow levels of indicators.

    `level` is (K, T) as in `Inputs.level`. `hinge` is logistic(4 (level - hinge)), a rise of the
    cost being positive. `pressure_home` is the mean over a side's indicators, a rise being bad
    news; one counted from events gives log(1 + count fading with 14 days) instead of its level.
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
            indicator = spec.indicators[place[name]]
            value = level[place[name]]
            if indicator.source == "events":
                value = _fading_count(study, indicator, grid)
            home[i] -= indicator.direction[side] * value / len(names)
    out["pressure_home"] = home
    return out


def _fading_count(study: Study, indicator: Indicator, grid: Grid) -> Floats:
    rows = counted_events(study.tables.events, indicator)
    return np.log1p(fading_sum(counts(rows, grid), UNREST_DAYS, grid))


def power_shift(study: Study, grid: Grid, lead: int, last: int) -> dict[str, NDArray]:
    """Return how fast power is expected to shift, whatever the direction, as of t-1.

    A proxy: nobody recorded what the sides expected. Told by a series, it is the exponentially
    weighted mean of its steps a month (half-life four reports) over their robust spread, for half
    a year after the last report. Told by acts, it is the balance of both sides' acts fading with
    the declared memory, over the spread that a balance of such acts without any trend would have.
    The side that declines has a reason to fight either way (Powell 2006).

    The grid has `lead` periods before the first one of the study; `last` is the number of the
    study's last period to be used. Nothing without a table ``[power_shift]``.
    """
    shift = study.spec.power_shift
    if shift is None:
        return {}
    if shift.indicator is None:
        balance = _balance(study, grid, shift.kinds)
        memory = 1.0 if shift.memory is None else shift.memory
        days = memory * grid.step_days
        trace = fading_sum(balance, days, grid)
        fade = np.exp(-grid.step_days / days)
        # One act within the memory is expected before any is seen.
        rate = (1.0 + np.cumsum(balance**2)) / (memory + np.arange(1, grid.n + 1))
        value = np.abs(trace) / np.sqrt(np.maximum(rate / (1.0 - fade**2), 1.0))
        return {"power_shift": before(np.minimum(value, SHIFT_CLIP))}
    indicator = next(i for i in study.spec.indicators if i.id == shift.indicator)
    arrived = series_arrivals(study, indicator, last)
    period, out = arrived.period + lead, np.zeros(grid.n)
    carry = int(SHIFT_AGE // grid.step_days)
    for k, value in enumerate(_trend(arrived.value, arrived.period * grid.step_days / MONTH)):
        out[max(period[k], 0) : max(period[k] + carry, 0)] = value
    return {"power_shift": before(out)}


def _balance(study: Study, grid: Grid, kinds: tuple[str, ...]) -> Floats:
    """Return side 0's acts less side 1's; an act of force weighs its severity over 3."""
    rows = select_events(study.tables.events, kind=kinds)
    first, second = study.spec.sides
    weight = np.where(np.isnan(rows["severity"]), 3.0, rows["severity"]) / 3.0
    signed = weight * (
        rows.among("initiator", first.forces).astype(float) - rows.among("initiator", second.forces)
    )
    return binned(rows, signed, grid)


def _trend(value: Floats, month: Floats) -> Floats:
    """Return |mean step a month| over the spread of steps at each arrival; 0 before three steps."""
    out = np.zeros(len(value))
    if len(value) < 2:
        return out
    step = np.diff(value) / np.diff(month)
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
