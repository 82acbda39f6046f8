"""Interventions on conduct, as what the coupled simulation reads in each period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.windows import SPOILER_DAYS
from beliefs.model.structure import Structure
from beliefs.model.theory import Theory, conduct_parameters, free_parameters
from beliefs.simulation.interventions import (
    CONDUCT_KINDS,
    HOURS,
    Intervention,
    arrivals,
    bad_intervention,
    period_of,
)
from beliefs.study.load import Study

__all__ = [
    "ACTS_THROUGH", "Bends", "Count", "Crossing", "Extension", "Spoiler", "bends_of",
    "held_neutral",
]  # fmt: skip

Floats = NDArray[np.float64]

ACTS_THROUGH: dict[str, tuple[str, ...]] = {
    "path": ("weight_own", "weight_other", "cost_slope", "economic_hinge", "valve_pressure"),
    "waiver": ("waiver_cut",),
    "turnover": ("shock_jump", "turnover_reset", "shock_hazard", "turnover_termination"),
    "escalation": ("shock_jump", "shock_hazard", "escalation_cost"),
    "hotline": ("hotline_effect",),
    "zone": ("zone_effect", "zone_displacement"),
    "attribution": ("attribution_gap",),
    "spoiler": ("attribution_gap", "log_excite_own", "log_excite_cross"),
    "mediator_leaves": ("mediator_effect", "mediator_late"),
    "crossing": ("log_excite_own", "log_excite_cross", "weight_own", "weight_other"),
    "extension": ("resolve_base",),
    "concession": ("renewal_effect",),
}
"""Parameters by which each kind of intervention works: with all of them neutral it changes
nothing."""


@dataclass(frozen=True)
class Spoiler:
    """An act that nobody owns to: period, severity, place among watched zones (-1 for none)."""

    at: int
    severity: float
    zone: int


@dataclass(frozen=True)
class Crossing:
    """An act at a red line: period, side, severity, whether that crosses the line."""

    at: int
    side: int
    severity: float
    crosses: bool


@dataclass(frozen=True)
class Extension:
    """A window that goes on: period, whether both sides agree, periods until its new deadline."""

    at: int
    mutual: bool
    periods: int


@dataclass(frozen=True)
class Count:
    """What an indicator counts in a period, whatever the acts: period, indicator, value."""

    at: int
    indicator: int
    value: float


@dataclass(frozen=True, eq=False)
class Bends:
    """What interventions change in H future periods.

    Attributes
    ----------
    hotline
        (H,) 1 while a hotline is in force.
    zones
        (zone, H) 1 while a rule for a watched zone is in force.
    open_periods
        (H,) how long an act that nobody owns to, if it happens then, stays unattributed.
    spoilers, crossings, extensions, concessions, counts
        What happens, and when.
    """

    hotline: Floats
    zones: Floats
    open_periods: Floats
    spoilers: tuple[Spoiler, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    extensions: tuple[Extension, ...] = ()
    concessions: tuple[int, ...] = ()
    counts: tuple[Count, ...] = ()


def bends_of(
    interventions: Sequence[Intervention],
    *,
    study: Study,
    inputs: Inputs,
    structure: Structure,
    dates: NDArray[np.datetime64],
) -> Bends:
    """Return what interventions change about conduct.

    Parameters
    ----------
    interventions
        What to do; what acts on news and beliefs alone is left to
        `beliefs.simulation.bend.apply_interventions`, which also checks paths.
    study, inputs, structure
        The study as of its origin: safeguards in force then stay in force.
    dates
        First day of each future period, (horizon,).

    Raises
    ------
    StudyError
        A name, date or value does not fit the study.
    """
    horizon, step = len(dates), inputs.step_days
    last = int(inputs.active.sum()) - 1
    hotline = np.full(horizon, inputs.observed.hotline[last])
    zones = np.repeat(inputs.observed.zone_rule[:, last : last + 1], horizon, axis=1)
    open_periods = np.full(horizon, SPOILER_DAYS / step)
    spoilers: list[Spoiler] = []
    crossings: list[Crossing] = []
    extensions: list[Extension] = []
    concessions: list[int] = []
    counts: list[Count] = []
    for item in interventions:
        at = period_of(item.label, item.date, dates, step)
        until = None if item.until is None else np.datetime64(item.until)
        force = (np.arange(horizon) >= at) & (True if until is None else dates <= until)
        if item.kind == "hotline":
            hotline = np.where(force, 1.0, hotline)
        elif item.kind == "zone":
            zones[_zone(item, structure)] = np.where(force, 1.0, zones[_zone(item, structure)])
        elif item.kind == "attribution":
            assert item.hours is not None
            open_periods = np.where(force, item.hours / 24.0 / step, open_periods)
        elif item.kind == "spoiler":
            place = -1 if item.zone is None else _zone(item, structure)
            spoilers.append(Spoiler(at, item.severity or 3.0, place))
            open_periods[at] = (HOURS if item.hours is None else item.hours) / 24.0 / step
        elif item.kind == "crossing":
            crossings.append(_crossing(item, study, at))
        elif item.kind == "extension":
            assert item.days is not None
            mutual = True if item.mutual is None else item.mutual
            extensions.append(Extension(at, mutual, max(round(item.days / step), 1)))
        elif item.kind == "concession":
            names = [c.id for c in study.spec.concessions]
            if item.id not in names:
                raise bad_intervention(
                    item.label, "unknown concession", repr(item.id),
                    ", ".join(names) or "a study with [[concessions]]; this one declares none",
                )  # fmt: skip
            concessions.append(at)
        elif item.kind == "path" and item.indicator in inputs.indicators:
            k = inputs.indicators.index(item.indicator)
            arrived = arrivals(item, dates, step)
            counts += [Count(h, k, value) for h, value in arrived.items()]
    return Bends(
        hotline, zones, open_periods, tuple(spoilers), tuple(crossings), tuple(extensions),
        tuple(concessions), tuple(counts),
    )  # fmt: skip


def _zone(item: Intervention, structure: Structure) -> int:
    if item.zone not in structure.zones:
        raise bad_intervention(
            item.label, "unknown zone", repr(item.zone),
            ", ".join(structure.zones) or "a study with [zones]; this one watches none",
        )  # fmt: skip
    return structure.zones.index(item.zone)


def _crossing(item: Intervention, study: Study, at: int) -> Crossing:
    if item.side not in study.spec.side_ids:
        raise bad_intervention(
            item.label, "unknown side", repr(item.side), ", ".join(study.spec.side_ids)
        )
    lines = {} if study.spec.redlines is None else study.spec.redlines.lines
    if item.line not in lines:
        raise bad_intervention(
            item.label, "unknown red line", repr(item.line),
            ", ".join(lines) or "a study with [redlines]; this one declares none",
        )  # fmt: skip
    severity = item.severity or 5.0
    side = study.spec.side_ids.index(item.side)
    return Crossing(at, side, severity, severity >= lines[item.line])


def held_neutral(
    theory: Theory,
    structure: Structure,
    interventions: Sequence[Intervention],
    *,
    conduct: bool = True,
) -> list[str]:
    """Return a sentence for every intervention that changes nothing under a theory.

    Parameters
    ----------
    theory
        Which parameters are neutral.
    structure
        Structure of the study.
    interventions
        What to do.
    conduct
        Whether conduct is simulated.
    """
    both = (*free_parameters(theory, structure), *conduct_parameters(theory, structure))
    free = {p.name for p in both}
    found = []
    for item in interventions:
        through = ACTS_THROUGH[item.kind]
        why = None
        if not free.intersection(through):
            why = f"{theory.name} holds {', '.join(through)} neutral"
        elif not conduct and item.kind in CONDUCT_KINDS:
            why = "conduct was not simulated"
        if why is not None:
            found.append(f"{item.label} changes nothing: {why}")
    return found
