"""Acts of force by period: who, how severe, in answer to what, where, and across which line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.features.traces import before, binned, counts, fading_sum, periods_of, recent, running
from beliefs.study.calendar import Grid
from beliefs.study.load import Study
from beliefs.study.tables.coverage import covered, instruments
from beliefs.study.tables.records import Records
from beliefs.study.tables.rows import select_events

__all__ = ["between", "force", "strike_arrays"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIDDLE = 3.0  # the severity that others are compared with
ANSWER = 3  # periods in which an act counts as an answer
CALM_DAYS, CALM_SEVERITY = 7.0, 2.0
RECENT_DAYS = 3.0  # e-folding time of own strikes that were just made
PAUSE_DAYS = 14.0  # a full pause
HEAVY_DAYS, HEAVY_SEVERITY = 14.0, 4.0


def force(study: Study) -> Records:
    """Return all acts of force of a study."""
    return select_events(study.tables.events, kind=study.spec.kinetic)


def between(study: Study, acts: Records) -> tuple[Bools, Bools]:
    """Tell which acts are by a force of one side on the other side's own actors.

    Parameters
    ----------
    study
        The study.
    acts
        Events.

    Returns
    -------
    tuple of two ndarray of bool, shape (rows,)
        By side 0 on side 1, and by side 1 on side 0.
    """
    first, second = study.spec.sides
    return (
        acts.among("initiator", first.forces) & acts.among("target", second.actors),
        acts.among("initiator", second.forces) & acts.among("target", first.actors),
    )


def strike_arrays(
    study: Study, grid: Grid, acts: Records, dyadic: tuple[Bools, Bools]
) -> dict[str, NDArray]:
    """Return the columns of `Observed` that count acts of force, on a grid.

    Parameters
    ----------
    study
        The study, already cut at its as-of date.
    grid
        Periods, those of the study or more.
    acts
        From `force`.
    dyadic
        From `between`.

    Returns
    -------
    dict of str to ndarray
        Empty without a table ``[strikes]``.
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
    days = before(running(quiet)) * grid.step_days
    mild = counts(acts.take(dyadic & (acts["severity"] >= CALM_SEVERITY)), grid) == 0
    week = periods_of(CALM_DAYS, grid)
    return {
        "pause": np.minimum(np.log1p(days) / np.log1p(PAUSE_DAYS), 1.0),
        "calm": (recent(mild & seen, week) == week).astype(float),
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
