"""What both sides did, by period: acts of force, concessions, replies, walkouts, sanctions.

Events count in the period of their publication, rows of the talk table on their own days.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.features.steps import (
    ANSWER,
    CALM_DAYS,
    CALM_SEVERITY,
    FORTNIGHT,
    FRESH_DAYS,
    HEAVY_DAYS,
    HEAVY_SEVERITY,
    MONTH,
    RECENT_DAYS,
    before,
    binned,
    counts,
    fading_sum,
    fold,
    freshness,
    pause,
    periods_of,
    recent,
    run,
)
from beliefs.features.talks import headline_rows, held_periods
from beliefs.study.calendar import Grid
from beliefs.study.load import Study
from beliefs.study.tables.codebook import DIPLOMATIC
from beliefs.study.tables.coverage import covered, instruments
from beliefs.study.tables.records import Records
from beliefs.study.tables.rows import select_events

__all__ = ["between", "exchange_arrays", "force", "strike_arrays"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIDDLE = 3.0  # the severity that others are compared with


def force(study: Study) -> Records:
    """Return all acts of force of a study."""
    return select_events(study.tables.events, kind=study.spec.kinetic)


def between(study: Study, acts: Records) -> tuple[Bools, Bools]:
    """Tell which acts are by a force of one side on the other side's own actors, by side."""
    first, second = study.spec.sides
    return (
        acts.among("initiator", first.forces) & acts.among("target", second.actors),
        acts.among("initiator", second.forces) & acts.among("target", first.actors),
    )


def strike_arrays(
    study: Study, grid: Grid, acts: Records, dyadic: tuple[Bools, Bools]
) -> dict[str, NDArray]:
    """Return the columns of `Observed` that count acts of force, on a grid.

    `acts` is from `force`, `dyadic` from `between`; empty without a table ``[strikes]``.
    """
    spec = study.spec
    if spec.strikes is None:
        return {}
    seen = covered(study.tables.coverage, grid.dates, grid.step_days, spec.strikes.coverage)
    counted = acts["severity"] >= spec.strikes.min_severity
    mine = [counted & acts.among("initiator", side.forces) for side in spec.sides]
    count = np.stack([counts(acts.take(m), grid) for m in mine])
    logs = np.stack([_log_severity(acts.take(m), grid) for m in mine])
    rival = recent(count[::-1], ANSWER)
    suffered = np.stack([_suffered(acts, side.forces, mine[1 - i], grid)
                         for i, side in enumerate(spec.sides)])  # fmt: skip
    warned = [m & (acts["prior_warning"] == 1.0) for m in mine]
    return {
        "strike_count": count,
        "strike_by_severity": np.stack([_by_severity(acts.take(m), grid) for m in mine]),
        "warned_by_severity": np.stack([_by_severity(acts.take(m), grid) for m in warned]),
        "strikes_seen": seen,
        "instrument": np.where(seen, _instrument(study, grid), -1),
        "severity_log": _ratio(logs, count),
        "provocation": _ratio(recent(logs[::-1], ANSWER), rival),
        "provoked": ((count > 0) & (rival > 0) & seen).astype(float),
        "own_recent": before(np.log1p(fading_sum(count, RECENT_DAYS, grid))),
        "heavy": np.log1p(fading_sum(suffered, HEAVY_DAYS, grid)),
        **_pauses(grid, acts, counted & (dyadic[0] | dyadic[1]), seen),
        **_lines(study, grid, acts, mine),
        **_places(study, grid, acts, mine, counted),
    }


def _ratio(total: Floats, count: Floats) -> Floats:
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def _log_severity(rows: Records, grid: Grid) -> Floats:
    """Sum log(severity / 3)."""
    return binned(rows, np.log(rows["severity"] / MIDDLE), grid)


def _by_severity(rows: Records, grid: Grid) -> Floats:
    """Count by severity 1 to 5, (5, T); one in between counts in both neighbours, by nearness."""
    severity = rows["severity"]
    share = np.maximum(0.0, 1.0 - np.abs(severity - np.arange(1, 6)[:, None]))
    return np.stack([binned(rows, part, grid) for part in share])


def _suffered(acts: Records, forces: Sequence[str], by_rival: Bools, grid: Grid) -> Floats:
    hit = by_rival & acts.among("target", forces) & (acts["severity"] >= HEAVY_SEVERITY)
    return counts(acts.take(hit), grid)


def _instrument(study: Study, grid: Grid) -> NDArray[np.int64]:
    """Return the place of each period's way of counting among the slots of the study."""
    slots = {name: place for place, name in enumerate(study.instrument_slots)}
    places = [slots.get(name, -1) for name in dict.fromkeys(study.tables.coverage["instrument"])]
    return np.array([*places, -1])[instruments(study.tables.coverage, grid.dates)]


def _pauses(grid: Grid, acts: Records, dyadic: Bools, seen: Bools) -> dict[str, NDArray]:
    """Return how long there was nothing between the sides, as of the period before."""
    quiet = (counts(acts.take(dyadic), grid) == 0) & seen
    idle = before(fold(lambda days, x: run(days, x, grid.step_days), 0.0, quiet))
    mild = counts(acts.take(dyadic & (acts["severity"] >= CALM_SEVERITY)), grid) == 0
    week = periods_of(CALM_DAYS, grid)
    return {
        "pause": pause(idle),
        "calm": (before(fold(run, 0.0, mild & seen)) >= week).astype(float),
    }


def _lines(study: Study, grid: Grid, acts: Records, mine: list[Bools]) -> dict[str, NDArray]:
    lines = study.spec.redlines
    if lines is None:
        return {}
    seen = covered(study.tables.coverage, grid.dates, grid.step_days, lines.coverage)
    # NaN where there is no such line.
    level = np.asarray([lines.lines.get(name, np.nan) for name in acts["red_line"]], dtype=float)
    touch = [m & ~np.isnan(level) for m in mine]
    cross = [m & (acts["severity"] >= level) for m in mine]
    return {
        "line_touch": np.stack([counts(acts.take(m), grid) for m in touch]) * seen,
        "line_cross": np.stack([counts(acts.take(m), grid) for m in cross]) * seen,
    }


def _places(
    study: Study, grid: Grid, acts: Records, mine: list[Bools], counted: Bools
) -> dict[str, NDArray]:
    """Return acts by zone, at the periphery, and of powers that are no party to the talks."""
    spec = study.spec
    out: dict[str, NDArray] = {}
    both = mine[0] | mine[1]
    # Headlines leave these out even where they hold every severe strike between the sides.
    seen = covered(study.tables.coverage, grid.dates, grid.step_days, ("dense",))
    if spec.zones is not None:
        zones = spec.zones.watched
        out["zone_count"] = np.stack(
            [counts(acts.take(both & acts.among("zone", (z,))), grid) for z in zones]
        )
        out["zone_seen"] = seen
    if spec.excluded is not None:
        outside = counted & acts.among("initiator", spec.excluded.actors)
        out |= {"excluded_count": counts(acts.take(outside), grid), "excluded_seen": seen}
    if spec.periphery is not None:
        parties = (*spec.sides[0].forces, *spec.sides[1].forces)
        away = ~acts.among("target", parties) | acts.among("zone", spec.periphery.zones)
        out |= {
            "peripheral_count": counts(acts.take(counted & away), grid),
            "peripheral_seen": seen,
        }
    return out


def exchange_arrays(study: Study, grid: Grid, lead: int) -> dict[str, NDArray]:
    """Return the columns of `Observed` that tell of words, offers and sanctions, on a grid.

    The grid has `lead` periods before the first one of the study.
    """
    talks = study.tables.talks
    rows = headline_rows(study)
    held, rounds = held_periods(rows, grid), counts(rows, grid, "date")
    walkout = counts(talks.take(talks.among("label", ("cancelled",))), grid, "date") > 0
    near = select_events(study.tables.events, kind=("acceptance", "talks_announced", "deal_signed"))
    near = near.take(near.among("initiator", (*_actors(study), "mediator")))
    fortnight = periods_of(FORTNIGHT, grid)
    out = {
        "walkout": walkout.astype(float),
        "walkout_fresh": before(freshness(walkout, FRESH_DAYS, grid)),
        "deal_near": before(freshness((counts(near, grid) > 0) | held, FRESH_DAYS, grid)),
        "talks_recent": (recent(held, fortnight) > 0).astype(float),
        "spell_age": _spell_age(held, lead),
        "round_number": _round_number(study, grid, rounds, lead),
    }
    return out | _offers(study, grid) | _sanctions(study, grid) | _agenda(study, grid)


def _actors(study: Study) -> tuple[str, ...]:
    return (*study.spec.sides[0].actors, *study.spec.sides[1].actors)


def _seen(study: Study, grid: Grid, densities: Collection[str]) -> Bools:
    return covered(study.tables.coverage, grid.dates, grid.step_days, densities)


def _spell_age(held: Bools, lead: int) -> Floats:
    """Return log(periods since talks), counted from the study's start while there were none."""
    now = np.arange(len(held))
    last = np.maximum.accumulate(np.where(held, now, -1))
    last = np.concatenate([[-1], last[:-1]])
    age = np.where(last >= 0, now - last, now - lead + 1)
    return np.log(np.maximum(age, 1))


def _round_number(study: Study, grid: Grid, rounds: Floats, lead: int) -> Floats:
    """Return log(1 + rounds and counter-offers since the last onset of war), as of t-1."""
    counter = _dyadic(study, ("counter_offer",))
    steps = rounds + counts(counter, grid)
    steps[:lead] = 0.0
    total = np.cumsum(steps)
    base = np.zeros(grid.n)
    for regime in study.spec.regimes:
        period = int(grid.index(np.datetime64(max(regime.start, regime.published_at), "D")))
        if regime.kind == "war" and 0 <= period < grid.n:
            base[period:] = total[period - 1] if period else 0.0
    return before(np.log1p(total - base))


def _dyadic(study: Study, kinds: Sequence[str]) -> Records:
    """Return the acts of some kinds by either side's own actors on the other's."""
    first, second = (side.actors for side in study.spec.sides)
    rows = select_events(study.tables.events, kind=tuple(kinds))
    there = rows.among("initiator", first) & rows.among("target", second)
    back = rows.among("initiator", second) & rows.among("target", first)
    return rows.take(there | back)


def _offers(study: Study, grid: Grid) -> dict[str, NDArray]:
    offers = study.spec.offers
    if offers is None:
        return {}
    seen = _seen(study, grid, offers.coverage)
    made = _dyadic(study, offers.made)
    own = [made.take(made.among("initiator", side.actors)) for side in study.spec.sides]
    events = select_events(study.tables.events, kind=("offer", "counter_offer", "mediation"))
    tried = counts(study.tables.talks, grid, "date") + counts(events, grid)
    chance = recent(tried, periods_of(MONTH, grid)) > 0
    return {
        "concession": np.stack([counts(rows, grid) > 0 for rows in own]) * seen.astype(float),
        "concession_seen": seen,
        "reply_yes": counts(_dyadic(study, ("acceptance", "counter_offer")), grid) * seen,
        "reply_no": counts(_dyadic(study, ("rejection",)), grid) * seen,
        "walkout_at_risk": chance & seen,
    }


def _sanctions(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return sanctions on the one side that endures; nothing where not just one does."""
    enduring = [side for side in study.spec.sides if side.endurance]
    if study.spec.sanctions is None or len(enduring) != 1:
        return {}
    coercing = next(side for side in study.spec.sides if side is not enduring[0])
    rows = select_events(
        study.tables.events,
        kind=("sanction",),
        initiator=(*coercing.actors, *study.spec.sanctions.initiator),
        target=enduring[0].actors,
    )
    seen = _seen(study, grid, study.spec.sanctions.coverage)
    return {"sanction": (counts(rows, grid) > 0) * seen.astype(float), "sanction_seen": seen}


def _agenda(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return the share of the agenda's matter among the diplomatic acts of the month before."""
    matter = study.spec.agenda
    if matter is None:
        return {}
    rows = select_events(study.tables.events, kind=DIPLOMATIC)
    about = rows.among("zone", matter.zones) | rows.among("red_line", matter.red_lines)
    month = periods_of(MONTH, grid)
    total = recent(counts(rows, grid), month)
    mine = recent(counts(rows.take(about), grid), month)
    return {"maritime": np.divide(mine, total, out=np.zeros(grid.n), where=total > 0)}
