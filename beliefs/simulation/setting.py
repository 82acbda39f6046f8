"""What a study says of conduct on average: what futures keep, and how often things happened.

Where a theory explains an observable, its mechanism draws it. What no theory explains (how severe
acts are in a theory without severities, how often an act touches a red line) is drawn from the
frequencies of the study, smoothed with half an observation of every kind (Jeffreys).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.traces import periods_of
from beliefs.features.windows import SPOILER_DAYS
from beliefs.model.structure import PHASES, Structure, structure_of
from beliefs.model.system import factors
from beliefs.model.theory import Theory
from beliefs.simulation.newsfeed import Feed, feed_of, phases
from beliefs.study.load import Study

__all__ = ["HALF", "Setting", "setting_of"]

Floats = NDArray[np.float64]

HALF = 0.5  # observations of every kind that are put before those of the study


@dataclass(frozen=True, eq=False)
class Setting:
    """Constants of a study under a theory.

    Attributes
    ----------
    structure, step_days
        The study's.
    names
        Observables of conduct that the theory explains.
    instrument
        (instrument,) the way of counting in force at the origin, which futures keep.
    severity
        (side, phase, 5) distribution function of the severity of an act.
    rate
        (side, phase) acts per period.
    warned
        (side,) share of acts that were announced.
    touch, cross
        (side, phase) share of acts that touch a red line; of those, of acts that cross it.
    line
        Least severity by which a declared line is crossed.
    least, breach, loud
        Severity from which an act counts, breaks a truce, ends a quiet period.
    quiet, near
        Periods at the beginning of a window that are watched, and before its deadline.
    unruly
        (side,) whether a side has forces that are not its own.
    proxy
        Number of the side whose allies may attack in a truce; -1 for none.
    spoiler
        Acts that nobody owns to per period of truce.
    open_periods
        How long such an act stays unattributed.
    feed
        How acts become news.
    """

    structure: Structure
    step_days: int
    names: frozenset[str]
    instrument: Floats
    severity: Floats
    rate: Floats
    warned: Floats
    touch: Floats
    cross: Floats
    line: float
    least: float
    breach: float
    loud: float
    quiet: int
    near: int
    unruly: tuple[bool, bool]
    proxy: int
    spoiler: float
    open_periods: float
    feed: Feed


def setting_of(study: Study, inputs: Inputs, theory: Theory) -> Setting:
    """Return what futures of a study under a theory keep.

    Parameters
    ----------
    study, inputs
        The study as of its origin.
    theory
        Which observables are explained.
    """
    spec, seen, structure = study.spec, inputs.observed, structure_of(inputs)
    n = int(inputs.active.sum())
    phase = phases(inputs)[:n]
    watched = seen.strikes_seen[:n]
    by_severity = seen.strike_by_severity[..., :n] * watched
    tally = np.stack([by_severity[..., phase == k].sum(axis=-1) for k in range(len(PHASES))], 1)
    least = 1.0 if spec.strikes is None else spec.strikes.min_severity
    tally = (tally + HALF) * (np.arange(1, 6) >= least)
    acts = by_severity.sum(axis=(-2, -1))
    days = np.array([(watched & (phase == k)).sum() for k in range(len(PHASES))])
    at_line = watched & (phase == np.arange(len(PHASES))[:, None])
    touch, cross, total = (
        (value[:, None, :n] * at_line).sum(axis=-1)
        for value in (seen.line_touch, seen.line_cross, seen.strike_count)
    )
    truce = seen.truce_seen[:n]
    begun = np.maximum(np.diff(seen.spoiler_open[:n], prepend=0.0), 0.0)[truce].sum()
    instruments = seen.instrument[:n][watched]
    places = np.arange(1, max(len(structure.instruments), 1))
    rules = spec.truce
    lines = None if spec.redlines is None else spec.redlines.lines
    return Setting(
        structure=structure,
        step_days=inputs.step_days,
        names=frozenset(f.name for f in factors(theory, structure)),
        instrument=(places == (instruments[-1] if len(instruments) else 0)).astype(float),
        severity=np.cumsum(tally, axis=-1) / tally.sum(axis=-1, keepdims=True),
        rate=(total + HALF) / (days + 1.0),
        warned=seen.warned_by_severity[..., :n].sum(axis=(-2, -1)) / np.maximum(acts, 1.0),
        touch=np.where(lines is None, 0.0, (touch + HALF) / (np.maximum(total, touch) + 2 * HALF)),
        cross=(cross + HALF) / (touch + 2 * HALF),
        line=5.0 if lines is None else float(min(lines.values())),
        least=float(least),
        breach=2.0 if rules is None else float(rules.breach_severity),
        loud=float(spec.quiet.min_severity),
        quiet=4 if rules is None else periods_of(rules.quiet_days, study.grid),
        near=1 if rules is None else periods_of(rules.last_days, study.grid),
        unruly=tuple(any(f not in s.actors for f in s.forces) for s in spec.sides),  # type: ignore[arg-type]
        proxy=-1 if spec.proxy is None else spec.side_ids.index(spec.proxy.side),
        spoiler=float((begun + HALF) / (truce.sum() + 1.0)),
        open_periods=SPOILER_DAYS / inputs.step_days,
        feed=feed_of(study, inputs),
    )
