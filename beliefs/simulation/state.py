"""The state of a future: what it knows of its past when a period begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.acts import ANSWER, CALM_DAYS, PAUSE_DAYS, RECENT_DAYS
from beliefs.features.exchanges import FRESH_DAYS
from beliefs.features.inputs import Inputs
from beliefs.features.traces import periods_of
from beliefs.features.windows import TRACKED, truces_of
from beliefs.model.mechanisms import diplomacy, reciprocity
from beliefs.model.structure import Columns, conduct_columns
from beliefs.simulation.newsfeed import Memory, phases, start_memory
from beliefs.simulation.setting import Setting
from beliefs.study.calendar import Grid
from beliefs.study.load import Study

__all__ = ["MEMORY", "State", "Window", "start_of", "window_at"]

Floats = NDArray[np.float64]
MEMORY = 150  # periods of past acts that their trace at the origin is summed over
LONGEST_OPEN = 60  # periods over which open acts are kept apart
NEVER = 1e6  # periods since something that has not happened yet


@dataclass(frozen=True)
class Window:
    """The truce in force at the origin.

    Attributes
    ----------
    on
        Whether there is one.
    age, own_age
        Periods since its chain of windows began, and since it began itself, in the first period
        of the future.
    left
        Periods to its deadline in the first period of the future, 0 when it falls there; infinite
        without one.
    span
        Periods from its beginning to its deadline.
    spoilt
        Whether its first days were not quiet, or not seen.
    """

    on: bool
    age: float
    own_age: float
    left: float
    span: float
    spoilt: bool


@dataclass(frozen=True, eq=False)
class State:
    """What N futures know of their past when a period begins; (N,) unless said.

    Attributes
    ----------
    logit_belief, audience
        (N, 2) of the period before.
    surplus
        Of the period before.
    talks
        1 with talks in the period before.
    trace, own, heavy
        (N, 2) fading acts: what excites replies, own acts, severe acts suffered.
    recent_count, recent_log
        (`ANSWER`, N, 2) acts of the last periods, and the sum of their log(severity / 3).
    idle, calm
        Days without an act between the sides; periods without one of severity 2 or more.
    talked, contact
        Periods since talks, 1 when the last period had them; days since there was any contact, 0
        when it had.
    walkout, near, proxy
        From 0 to 1: how fresh a walk-out, a sign of a deal, an attack by allies are.
    hardline
        (N, 2) trace of own hard-line words.
    rounds
        Rounds of talks since the last onset of war.
    rung, phase, kind
        Place on the ladder; calm, truce or war; number of the regime kind.
    window
        Whether a truce is in force.
    age, own_age, left, span, spoilt
        See `Window`.
    broken
        Named concessions broken in the window.
    spoilers
        (`LONGEST_OPEN`, N) unattributed acts still open in this period and in later ones.
    live, changed
        (N, 2) agreements in force, and those made before the last change of government.
    memory
        What is expected of the counts that acts feed.
    """

    logit_belief: Floats
    audience: Floats
    surplus: Floats
    talks: Floats
    trace: Floats
    own: Floats
    heavy: Floats
    recent_count: Floats
    recent_log: Floats
    idle: Floats
    calm: Floats
    talked: Floats
    contact: Floats
    walkout: Floats
    near: Floats
    proxy: Floats
    hardline: Floats
    rounds: Floats
    rung: NDArray[np.int64]
    phase: NDArray[np.int64]
    kind: NDArray[np.int64]
    window: NDArray[np.bool_]
    age: Floats
    own_age: Floats
    left: Floats
    span: Floats
    spoilt: NDArray[np.bool_]
    broken: Floats
    spoilers: Floats
    live: Floats
    changed: Floats
    memory: Memory

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
        return Window(False, 0.0, 0.0, np.inf, np.inf, False)
    rows = truces.rows
    place = {name: row for row, name in enumerate(rows["agreement_id"])}
    root = k
    while rows["parent"][root] in place:
        root = place[rows["parent"][root]]
    known = grid.index(np.maximum(rows["date"], rows["published_at"]))
    left = span = np.inf
    if not np.isnat(rows["deadline"][k]):
        deadline = int(grid.index(rows["deadline"][k]))
        left, span = float(deadline - n), float(max(deadline - known[k], 1))
    quiet = 4 if study.spec.truce is None else periods_of(study.spec.truce.quiet_days, grid)
    seen = inputs.observed.truce_seen[:n] & (inputs.observed.breach[:n] == 0)
    begin = max(int(truces.first[k]), 0)
    early = seen[begin : min(begin + quiet, n)]
    return Window(
        on=True,
        age=float(n - known[root]),
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
    """Return the state in which all futures begin.

    Parameters
    ----------
    study, inputs, setting
        The study as of its origin.
    params
        Parameters of conduct, each (sample, ...) or without draws.
    samples
        Number of futures.
    logit_belief, audience, surplus
        At the origin, (sample, side) and (sample,).
    """
    seen, n, days = inputs.observed, int(inputs.active.sum()), inputs.step_days
    last, window = n - 1, window_at(study, inputs)
    past = conduct_columns(inputs)

    def full(value: Any, dtype: type = float) -> NDArray[Any]:
        part = np.asarray(value, dtype=dtype)
        return np.broadcast_to(part, (samples, *part.shape)).copy()

    def fresh(before: Floats, now: Any) -> float:
        return 1.0 if now > 0 else float(before[last]) * float(np.exp(-days / FRESH_DAYS))

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
    fade = float(np.exp(-days / RECENT_DAYS))
    counts = seen.strike_count[:, max(n - ANSWER, 0) : n].T
    logs = (seen.strike_count * seen.severity_log)[:, max(n - ANSWER, 0) : n].T
    blank = np.zeros((ANSWER - len(counts), 2))
    recent = [
        np.concatenate([blank, v])[:, None] * np.ones((1, samples, 1)) for v in (counts, logs)
    ]
    return State(
        logit_belief=logit_belief,
        audience=audience,
        surplus=surplus,
        talks=full(talks[last]),
        trace=_trace(params, past, setting, n, samples),
        own=full(np.expm1(seen.own_recent[:, last]) * fade + seen.strike_count[:, last]),
        heavy=full(np.expm1(seen.heavy[:, last])),
        recent_count=recent[0],
        recent_log=recent[1],
        idle=full(_since(any_act, np.expm1(seen.pause[last] * np.log1p(PAUSE_DAYS)), days)),
        calm=full(_since(between, seen.calm[last] * periods_of(CALM_DAYS, study.grid), 1)),
        talked=full(1.0 + _since(talks, np.exp(seen.spell_age[last]) - 1.0, 1)),
        contact=full(_since(contact > 0, 0.0 if seen.walkout_at_risk[last] else NEVER, days)),
        walkout=full(fresh(seen.walkout_fresh, seen.walkout[last])),
        near=full(fresh(seen.deal_near, talks[last] + seen.reply_yes[last])),
        proxy=full(seen.proxy_attack[last]),
        hardline=full(_hardline(past, setting, n)),
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


def _since(on: NDArray[Any], before: float, step: int) -> float:
    """Return the time since the last period that was on, in units of `step`.

    `before` is what the column of the last period says, which knows of earlier ones.
    """
    hits = np.flatnonzero(on)
    return float(step * (len(on) - 1 - hits[-1])) if len(hits) else float(before + step)


def _trace(
    params: dict[str, NDArray[Any]], past: Columns, setting: Setting, n: int, samples: int
) -> Floats:
    """Return the trace of past acts that the first period of the future begins with."""
    if "strikes_A" not in setting.names:
        return np.zeros((samples, 2))
    recent = {
        name: np.concatenate([past[name][..., max(n - MEMORY, 0) : n], np.zeros((2, 5, 1))], -1)
        for name in ("strike_by_severity", "warned_by_severity")
    }
    found = reciprocity.trace(np, params, recent, setting.structure)[..., -1]
    return np.broadcast_to(found, (samples, 2)).copy()


def _hardline(past: Columns, setting: Setting, n: int) -> Floats:
    """Return the trace of hard-line words that the first period of the future begins with."""
    words = np.concatenate([past["hardline"][:, :n], np.zeros((2, 1))], axis=-1)
    return np.asarray(diplomacy.hardline_trace({"hardline": words}, setting.structure)[:, -1])
