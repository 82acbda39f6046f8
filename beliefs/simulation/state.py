"""Where futures begin: what a study says on average, and what it knows of its past at the origin.

Where a theory explains an observable, its mechanism draws it. What no theory explains (how severe
acts are in a theory without severities, how often an act touches a red line) is drawn from the
frequencies of the study, smoothed with half an observation of every kind (Jeffreys).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.steps import (
    ANSWER,
    CALM_DAYS,
    FRESH_DAYS,
    PAUSE_DAYS,
    RECENT_DAYS,
    add_fading,
    age,
    fold,
    kept,
    periods_of,
    refresh,
)
from beliefs.features.windows import SPOILER_DAYS, TRACKED, truces_of
from beliefs.model.mechanisms import diplomacy, reciprocity
from beliefs.model.structure import PHASES, Structure, conduct_columns, structure_of
from beliefs.model.system import factors
from beliefs.model.theory import Theory
from beliefs.simulation.feed import Feed, Memory, feed_of, phases, start_memory
from beliefs.study.dates import Grid
from beliefs.study.load import Study

__all__ = ["LONGEST_OPEN", "Setting", "State", "Window", "setting_of", "start_of", "window_at"]

Floats = NDArray[np.float64]
HALF = 0.5  # observations of every kind that are put before those of the study
MEMORY = 150  # periods of past acts that their trace at the origin is summed over
LONGEST_OPEN = 60  # periods over which open acts are kept apart
NEVER = 1e6  # periods since something that has not happened yet


@dataclass(frozen=True, eq=False)
class Setting:
    """Constants of a study under a theory."""

    # The study's
    structure: Structure
    step_days: int
    names: frozenset[str]  # Observables of action that the theory explains
    # (instrument,) the way of counting in force at the origin, which futures keep
    instrument: Floats
    severity: Floats  # (side, phase, 5) distribution function of the severity of an act
    rate: Floats  # (side, phase) acts per period
    warned: Floats  # (side,) share of acts that were announced
    # (side, phase) share of acts that touch a red line; of those, of acts that cross it
    touch: Floats
    cross: Floats
    line: float  # Least severity by which a declared line is crossed
    # Severity from which an act counts, breaks a truce, ends a quiet period
    least: float
    breach: float
    loud: float
    # Periods at the beginning of a truce that are watched, and before its deadline
    quiet: int
    near: int
    unruly: tuple[bool, bool]  # (side,) whether a side has forces that are not its own
    proxy: int  # Number of the side whose allies may attack in a truce; -1 for none
    spoiler: float  # Acts that nobody owns to per period of truce
    open_periods: float  # How long such an act stays unattributed
    feed: Feed  # How acts become news


def setting_of(study: Study, inputs: Inputs, theory: Theory) -> Setting:
    """Return what futures of a study under a theory keep."""
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
        quiet=inputs.quiet_periods,
        near=1 if rules is None else periods_of(rules.last_days, study.grid),
        unruly=tuple(any(f not in s.actors for f in s.forces) for s in spec.sides),  # type: ignore[arg-type]
        proxy=-1 if spec.proxy is None else spec.side_ids.index(spec.proxy.side),
        spoiler=float((begun + HALF) / (truce.sum() + 1.0)),
        open_periods=SPOILER_DAYS / inputs.step_days,
        feed=feed_of(study, inputs),
    )


@dataclass(frozen=True)
class Window:
    """The truce in force at the origin, as the first period of the future begins."""

    on: bool = False  # Whether there is one
    # Periods since its chain of windows began, and since it began itself
    age: float = 0.0
    own_age: float = 0.0
    # Periods to its deadline, 0 when it falls in that period; infinite without one
    left: float = np.inf
    span: float = np.inf  # Periods from its beginning to its deadline
    spoilt: bool = False  # Whether its first days were not quiet, or not seen


@dataclass(frozen=True, eq=False)
class State:
    """What N futures know of their past when a period begins; (N,) unless said."""

    # (N, 2) of the period before
    logit_belief: Floats
    audience: Floats
    surplus: Floats  # Of the period before
    talks: Floats  # 1 with talks in the period before
    # (N, 2) fading acts: what excites replies, own acts, severe acts suffered
    trace: Floats
    own: Floats
    heavy: Floats
    # (`ANSWER`, N, 2) acts of the last periods, and the sum of their log(severity / 3)
    recent_count: Floats
    recent_log: Floats
    # Days without an act between the sides; periods without one of severity 2 or more
    idle: Floats
    calm: Floats
    # Periods since talks, 1 when the last period had them; days since there was any contact, 0
    # when it had
    talked: Floats
    contact: Floats
    # From 0 to 1: how fresh a walk-out, a sign of a deal, an attack by allies are
    walkout: Floats
    near: Floats
    proxy: Floats
    hardline: Floats  # (N, 2) trace of own hard-line words
    rounds: Floats  # Rounds of talks since the last onset of war
    # Conflict phase; calm, truce or war; number of the regime kind
    rung: NDArray[np.int64]
    phase: NDArray[np.int64]
    kind: NDArray[np.int64]
    window: NDArray[np.bool_]  # Whether a truce is in force
    # See `Window`
    age: Floats
    own_age: Floats
    left: Floats
    span: Floats
    spoilt: NDArray[np.bool_]
    broken: Floats  # Named concessions broken in the truce
    # (`LONGEST_OPEN`, N) unattributed acts still open in this period and in later ones
    spoilers: Floats
    # (N, 2) agreements in force, and those made before the last change of government
    live: Floats
    changed: Floats
    memory: Memory  # What is expected of the counts that acts feed

    def moved(self, **changes: Any) -> State:
        """Return the state with some parts changed."""
        return replace(self, **changes)


def window_at(study: Study, inputs: Inputs) -> Window:
    """Return the truce that is in force when the period after the origin begins."""
    n = int(inputs.active.sum())
    grid = Grid(study.grid.start, study.grid.step_days, n + 1)
    truces = truces_of(study, grid)
    k = int(truces.current[n])
    if k < 0:
        return Window()
    rows = truces.rows
    known = grid.index(np.maximum(rows["date"], rows["published_at"]))
    left = span = np.inf
    if not np.isnat(rows["deadline"][k]):
        deadline = int(grid.index(rows["deadline"][k]))
        left, span = float(deadline - n), float(max(deadline - known[k], 1))
    seen = inputs.observed.truce_seen[:n] & (inputs.observed.breach[:n] == 0)
    begin = max(int(truces.first[k]), 0)
    early = seen[begin : min(begin + inputs.quiet_periods, n)]
    return Window(
        on=True,
        age=float(n - truces.root[k]),
        own_age=float(n - known[k]),
        left=left if left >= 0 else np.inf,  # past its deadline, and no end was told
        span=span,
        spoilt=bool((~early).any()),
    )


def start_of(
    study: Study,
    inputs: Inputs,
    setting: Setting,
    params: dict[str, NDArray[Any]],
    samples: int,
    *,
    logit_belief: Floats,
    audience: Floats,
    surplus: Floats,
) -> State:
    """Return the state in which all futures begin."""
    seen, n, days = inputs.observed, int(inputs.active.sum()), inputs.step_days
    last, window = n - 1, window_at(study, inputs)
    past = conduct_columns(inputs)

    def full(value: Any, dtype: type = float) -> NDArray[Any]:
        part = np.asarray(value, dtype=dtype)
        return np.broadcast_to(part, (samples, *part.shape)).copy()

    def fresh(known: Floats, now: Any) -> float:
        return float(refresh(known[last], now > 0, kept(FRESH_DAYS, days)))

    def since(on: NDArray[Any], known: float, by: float) -> float:
        """Return the time since it was on; `known` is what the last period's column says."""
        found = float(fold(lambda s, x: age(s, x, by), NEVER, on)[-1])
        return found if found < NEVER else known + by

    between = np.where(
        seen.truce_seen[:n], seen.breach[:n], seen.strike_by_severity[:, 1:, :n].sum((0, 1)) > 0
    )
    any_act = np.where(seen.truce_seen[:n], seen.breach[:n], seen.strike_count[:, :n].sum(0) > 0)
    talks = inputs.talks[:n]
    contact = talks + seen.concession[:, :n].sum(axis=0) + seen.reply_no[:n]
    rows = study.tables.agreements
    open_ = rows.take(np.isnat(rows["ended"]))
    turned = [np.datetime64(s.date, "D") for s in study.spec.shocks if s.kind == "turnover"]
    live = [open_.take(open_.among("scope", (scope,))) for scope in TRACKED]
    old = [sum(any(day < t for t in turned) for day in r["date"]) for r in live]
    open_acts = np.zeros(LONGEST_OPEN)
    if window.on:  # how old they are is not known: half of a week is left
        open_acts[: periods_of(CALM_DAYS / 2.0, study.grid)] = seen.spoiler_open[last]
    recent = np.zeros((2, ANSWER, 1, 2))
    low = max(n - ANSWER, 0)
    logs = seen.strike_count * seen.severity_log
    for row, values in enumerate((seen.strike_count, logs)):
        recent[row, ANSWER - (n - low) :, 0] = values[:, low:n].T
    recent = recent * np.ones((1, 1, samples, 1))
    trace = np.zeros(2)
    if "strikes_A" in setting.names:
        acts = {
            name: np.concatenate([past[name][..., max(n - MEMORY, 0) : n], np.zeros((2, 5, 1))], -1)
            for name in ("strike_by_severity", "warned_by_severity")
        }
        trace = reciprocity.trace(np, params, acts, setting.structure)[..., -1]
    words = np.concatenate([past["hardline"][:, :n], np.zeros((2, 1))], axis=-1)
    own = add_fading(
        np.expm1(seen.own_recent[:, last]), seen.strike_count[:, last], kept(RECENT_DAYS, days)
    )
    return State(
        logit_belief=logit_belief,
        audience=audience,
        surplus=surplus,
        talks=full(talks[last]),
        trace=np.broadcast_to(trace, (samples, 2)).copy(),
        own=full(own),
        heavy=full(np.expm1(seen.heavy[:, last])),
        recent_count=recent[0],
        recent_log=recent[1],
        idle=full(since(any_act, np.expm1(seen.pause[last] * np.log1p(PAUSE_DAYS)), days)),
        calm=full(since(between, seen.calm[last] * periods_of(CALM_DAYS, study.grid), 1)),
        talked=full(1.0 + since(talks, np.exp(seen.spell_age[last]) - 1.0, 1)),
        contact=full(since(contact > 0, 0.0 if seen.walkout_at_risk[last] else NEVER, days)),
        walkout=full(fresh(seen.walkout_fresh, seen.walkout[last])),
        near=full(fresh(seen.deal_near, talks[last] + seen.reply_yes[last])),
        proxy=full(seen.proxy_attack[last]),
        hardline=full(diplomacy.hardline_trace({"hardline": words}, setting.structure)[:, -1]),
        rounds=full(np.expm1(seen.round_number[last]) + float(talks[last] > talks[last - 1])),
        rung=full(seen.rung[last] if seen.rung_seen[last] else 1, np.int64),
        phase=full(phases(inputs)[last], np.int64),
        kind=full(inputs.regime[last], np.int64),
        window=full(window.on, np.bool_),
        age=full(window.age),
        own_age=full(window.own_age),
        left=full(window.left),
        span=full(window.span),
        spoilt=full(window.spoilt, np.bool_),
        broken=full(seen.concession_broken[last] if window.own_age > 1 else 0.0),
        spoilers=open_acts[:, None] * np.ones(samples),
        live=full([len(r) for r in live]),
        changed=full(old),
        memory=start_memory(setting.feed, samples),
    )
