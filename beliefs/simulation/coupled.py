"""Acts, news, beliefs, bargaining and talks simulated together, period by period.

In a period, in this order: what is known of the past, and the interventions of the period; acts,
which read the beliefs of the period *before*; how truces, deals and the ladder go on; the news that
the acts make, beside news repeated from the past in blocks; beliefs, surplus and talks; what is
left of all that for the next period. The equations are those of the mechanisms
(`beliefs.model.system`, and ``rates`` of each mechanism of conduct).

A theory in which talks slow or quicken strikes reads the talks of the same period. They are then
drawn first, from the surplus of the period before: the same thing where talks do not follow the
surplus, which is so in every bundled theory that frees that effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.steps import (
    FRESH_DAYS,
    HEAVY_DAYS,
    HEAVY_SEVERITY,
    PROXY_DAYS,
    RECENT_DAYS,
    add_fading,
    age,
    kept,
    push,
    refresh,
    spoil,
)
from beliefs.model.mechanisms import reciprocity
from beliefs.model.mechanisms.diplomacy import hardline_kept
from beliefs.model.structure import Columns, Structure
from beliefs.model.system import Start
from beliefs.model.theory import Theory
from beliefs.simulation.actions import (
    Acts,
    Params,
    Transitions,
    act,
    known,
    shares_of,
    transitions,
)
from beliefs.simulation.effects import Effects
from beliefs.simulation.news import beliefs_of, draw_news
from beliefs.simulation.state import LONGEST_OPEN, Setting, State, setting_of, start_of
from beliefs.simulation.streams import Streams
from beliefs.study.load import Study

__all__ = ["EVENTS", "SIDED", "Run", "run_coupled"]

Floats = NDArray[np.float64]

EVENTS = {
    "strikes": ("strikes_A",),
    "breach": ("breach",),
    "ended": ("resolve", "collapse"),
    "deal": ("deal",),
    "signed": ("form",),
    "terminated": ("reversal",),
    "rung": ("ladder", "collapse"),
    "crossing": ("strikes_A",),
    "walkout": ("walkout",),
    "sanction": ("sanction",),
    "concession": ("concession",),
    "disobeyed": ("command",),
    "excluded": ("excluded",),
    "peripheral": ("periphery",),
    "zones": ("zones",),
    "added": ("breach",),
}
"""What is kept of every future, and the observables of which one must be explained for it."""

SIDED = ("strikes", "crossing", "concession", "disobeyed")
"""Those that are kept by side."""


@dataclass(frozen=True, eq=False)
class Run:
    """Coupled futures: N of them, H periods."""

    # (N, 2, H) and (N, H) in single precision; None for a theory without beliefs
    logit_belief: NDArray[np.float32] | None
    surplus: NDArray[np.float32] | None
    talks: NDArray[np.bool_]  # (N, H)
    # By name (`EVENTS`), (N, [2 | zone,] H): counts of acts (``strikes``, ``excluded``,
    # ``peripheral``, ``zones``), ``ended`` (0, or how a truce ended or went on, see
    # `beliefs.simulation.actions`), ``rung``, and what happened or not
    events: dict[str, NDArray[Any]]


def run_coupled(
    study: Study,
    inputs: Inputs,
    theory: Theory,
    structure: Structure,
    params: Params,
    ahead: Iterable[tuple[Columns, Floats]],
    horizon: int,
    start: Start | None,
    surplus: Floats | None,
    effects: Effects,
    streams: Streams,
    events: bool = True,
) -> Run:
    """Run the whole system forward from the end of a study."""
    setting, samples = setting_of(study, inputs, theory), streams.samples
    zero = np.zeros((samples, 2))
    state = begin = start_of(
        study, inputs, setting, params, samples,
        logit_belief=zero if start is None else np.asarray(start.logit_belief),
        audience=zero if start is None else np.asarray(start.audience),
        surplus=np.zeros(samples) if surplus is None else surplus,
    )  # fmt: skip
    names = [n for n, by in EVENTS.items() if events and setting.names.intersection(by)]
    shares = shares_of(setting, params, samples)
    early = "strikes_A" in setting.names and np.any(params["talk_strike_tempo"] != 0.0)
    book = _Kept(names, samples, horizon, setting, theory.beliefs)
    hazards: tuple[Floats, Floats] | None = None
    done = 0
    for future, surprise in ahead:
        periods = slice(done, done + surprise.shape[-1])
        moves = params | {"innovation": future["innovation"]}
        news = draw_news(theory, setting, structure, moves, future, surprise, begin)
        uniform = np.ascontiguousarray(streams.stretch("talks", periods, horizon).T)
        del future, surprise, moves  # the next stretch is made when this one is gone
        for k, t in enumerate(range(horizon)[periods]):
            state = _befallen(setting, params, state, streams, effects, t)
            now = known(setting, state, news.outside(k), effects, t)
            if early and hazards is not None:
                chance = np.where(state.talks > 0, hazards[1], hazards[0])
                now["talks"] = (uniform[k] < chance) * 1.0
            acts = act(setting, params, state, now, streams, effects, t)
            ends = transitions(
                setting, params, shares, state, now, acts.breach, streams, effects, t
            )
            after = _left_behind(setting, params, state, acts, ends, effects, t)
            memory, system, hazards = beliefs_of(news, setting, after, acts, effects, streams, t, k)
            after = replace(after, memory=memory)
            held = uniform[k] < np.where(state.talks > 0, hazards[1], hazards[0])
            if early:
                held = now["talks"] > 0 if t else held
            state = _talked(setting, after, system, held)
            book.note(t, state, acts, ends, held)
        done = periods.stop
        del news, uniform
    return book.run()


class _Kept:
    """The arrays of a run, filled period by period; time is last in what is handed on."""

    def __init__(
        self, names: list[str], samples: int, horizon: int, setting: Setting, beliefs: bool
    ) -> None:
        shape: dict[str, tuple[int, ...]] = dict.fromkeys(SIDED, (2,))
        shape["zones"] = (len(setting.structure.zones),)
        counts = ("strikes", "excluded", "peripheral", "zones", "ended", "rung")
        kind = {n: np.int8 if n in counts else np.bool_ for n in names}
        self._beliefs = beliefs
        size = horizon if beliefs else 0
        self._belief = np.empty((size, samples, 2), dtype=np.float32)
        self._surplus = np.empty((size, samples), dtype=np.float32)
        self._talks = np.empty((horizon, samples), dtype=bool)
        self._events: dict[str, NDArray[Any]] = {
            n: np.empty((horizon, samples, *shape.get(n, ())), dtype=kind[n]) for n in names
        }

    def note(self, t: int, state: State, acts: Acts, ends: Transitions, held: Any) -> None:
        """Keep what happened in a period."""
        self._talks[t] = held
        if self._beliefs:
            self._belief[t], self._surplus[t] = state.logit_belief, state.surplus
        found = {
            "strikes": acts.count, "breach": acts.breach, "ended": ends.ended,
            "deal": ends.deal, "signed": ends.signed, "rung": state.rung,
            "terminated": ends.reversed.sum(axis=-1) > 0, "crossing": acts.crossed,
            "walkout": acts.walkout, "sanction": acts.sanction, "concession": acts.concession,
            "disobeyed": acts.disobeyed, "excluded": acts.excluded, "added": acts.added,
            "peripheral": acts.peripheral, "zones": acts.zones,
        }  # fmt: skip
        for name, values in self._events.items():
            values[t] = found[name]

    def run(self) -> Run:
        """Return what was kept."""
        return Run(
            np.moveaxis(self._belief, 0, -1) if self._beliefs else None,
            self._surplus.T if self._beliefs else None,
            self._talks.T,
            {n: np.moveaxis(v, 0, -1) for n, v in self._events.items()},
        )


def _befallen(
    setting: Setting, params: Params, state: State, streams: Streams, effects: Effects, t: int
) -> State:
    """Return the futures after acts that nobody owns to, and concessions that are broken."""
    alone = (streams.uniform("spoiler") < setting.spoiler) & state.window
    happened = alone.astype(float)
    if not np.any(params["attribution_gap"] != 0.0):
        happened[:] = 0.0  # no equation reads it
    happened += sum(spoiler.at == t for spoiler in effects.spoilers)
    left = np.clip(effects.open_periods[t] - np.arange(LONGEST_OPEN), 0.0, 1.0)
    broken = sum(at == t for at in effects.concessions)
    return state.moved(
        spoilers=state.spoilers + left[:, None] * happened,
        broken=state.broken + broken * state.window,
    )


def _marks(setting: Setting, params: Params, acts: Acts, others: tuple[float, ...]) -> Floats:
    """Return the marks that the acts of a period leave, (N, 2), in acts of severity 3.

    `others` are severities of acts that nobody owns to: each side takes them for the other's.
    """
    levels = acts.severity[..., None] == np.arange(1, 6)
    own = acts.count[..., None] * levels
    by = own.copy()
    for severity in others:
        by += np.round(severity) == np.arange(1, 6)
    warned = own * setting.warned[:, None]
    return np.asarray(reciprocity.mark(np, params, by[..., None], warned[..., None])[..., 0])


def _left_behind(
    setting: Setting,
    params: Params,
    before: State,
    acts: Acts,
    ends: Transitions,
    effects: Effects,
    t: int,
) -> State:
    """Return the futures with what the acts of the period leave."""
    days, count, severity = float(setting.step_days), acts.count, acts.severity
    trace, state = before.trace, ends.state
    if "strikes_A" in setting.names:
        share = reciprocity.kept(np, params, setting.structure)[..., None]
        others = tuple(s.severity for s in effects.spoilers if s.at == t)
        trace = reciprocity.next_trace(trace, _marks(setting, params, acts, others), share)
    # In a truce an act between the sides is a breach; otherwise every act is taken for one.
    act_between = np.where(before.window, acts.breach, count.sum(axis=-1) > 0)
    grave = np.where(before.window, acts.breach, ((count > 0) & (severity >= 2.0)).any(axis=-1))
    spared = before.window & ~acts.breach
    heavy = np.where(spared[:, None], 0.0, (count * (severity >= HEAVY_SEVERITY))[:, ::-1])
    proxy = acts.disobeyed[:, setting.proxy] if setting.proxy >= 0 else np.zeros(len(spared), bool)
    loud = before.window & acts.breach & (state.own_age > 1)
    fresh = kept(FRESH_DAYS, days)
    return state.moved(
        trace=trace,
        own=add_fading(before.own, count, kept(RECENT_DAYS, days)),
        heavy=add_fading(before.heavy, heavy, kept(HEAVY_DAYS, days)),
        recent_count=push(before.recent_count, count),
        recent_log=push(before.recent_log, count * np.log(severity / 3.0)),
        idle=age(before.idle, act_between, days),
        calm=age(before.calm, grave),
        contact=age(before.contact, acts.concession.any(axis=-1), days),
        walkout=refresh(before.walkout, acts.walkout, fresh),
        near=refresh(before.near, ends.deal | acts.replied, fresh),
        proxy=refresh(before.proxy, proxy, kept(PROXY_DAYS, days)),
        rounds=state.rounds + acts.replied,
        spoilt=spoil(state.spoilt, before.own_age, setting.quiet, loud),
        spoilers=push(before.spoilers, np.zeros(len(spared))),
    )


def _talked(setting: Setting, state: State, system: Any, held: Any) -> State:
    """Return the futures with the beliefs, the surplus and the talks of the period."""
    left = hardline_kept(setting.structure)
    return state.moved(
        logit_belief=system.logit_belief,
        audience=system.audience,
        surplus=system.surplus,
        hardline=add_fading(state.hardline, (1.0 - left) * system.hardline, left),
        rounds=state.rounds + (held & (state.talks == 0)),
        talks=held.astype(float),
        talked=1.0 + age(state.talked - 1.0, held),
        contact=np.where(held, 0.0, state.contact),
        near=np.where(held, 1.0, state.near),
    )
