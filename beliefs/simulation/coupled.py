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

from beliefs.features.acts import ANSWER, HEAVY_DAYS, HEAVY_SEVERITY, RECENT_DAYS
from beliefs.features.exchanges import FRESH_DAYS
from beliefs.features.inputs import Inputs
from beliefs.features.windows import PROXY_DAYS
from beliefs.model.mechanisms import reciprocity
from beliefs.model.mechanisms.diplomacy import hardline_kept
from beliefs.model.structure import Columns, Structure
from beliefs.model.system import Start
from beliefs.model.theory import Theory
from beliefs.simulation.acts import Acts, Params, act, known
from beliefs.simulation.bend_conduct import Bends
from beliefs.simulation.course import Course, fixed_shares, run_course
from beliefs.simulation.news import beliefs_of, draw_news
from beliefs.simulation.setting import Setting, setting_of
from beliefs.simulation.state import LONGEST_OPEN, State, start_of
from beliefs.simulation.streams import Streams
from beliefs.study.load import Study

__all__ = ["EVENTS", "SIDED", "Run", "run_coupled", "simulate"]

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
    bends: Bends,
    streams: Streams,
    events: bool = True,
) -> Run:
    """Simulate from the end of a study.

    Parameters
    ----------
    study, inputs
        The study as of its origin.
    theory, structure, params, ahead, horizon, bends, streams, events
        See `simulate`.
    start, surplus
        Beliefs, audience costs and surplus at the origin; None for a theory without beliefs.
    """
    setting, samples = setting_of(study, inputs, theory), streams.samples
    state = start_of(
        study,
        inputs,
        setting,
        params,
        samples,
        logit_belief=np.zeros((samples, 2)) if start is None else np.asarray(start.logit_belief),
        audience=np.zeros((samples, 2)) if start is None else np.asarray(start.audience),
        surplus=np.zeros(samples) if surplus is None else surplus,
    )
    return simulate(
        theory, setting, structure, params, state, ahead, horizon, bends, streams, events
    )


@dataclass(frozen=True, eq=False)
class Run:
    """Coupled futures: N of them, H periods.

    Attributes
    ----------
    logit_belief, surplus
        (N, 2, H) and (N, H) in single precision; None for a theory without beliefs.
    talks
        (N, H).
    events
        By name (`EVENTS`), (N, [2 | zone,] H): counts of acts (``strikes``, ``excluded``,
        ``peripheral``, ``zones``), ``ended`` (0, or how a window ended or went on, see
        `beliefs.simulation.course`), ``rung``, and what happened or not.
    """

    logit_belief: NDArray[np.float32] | None
    surplus: NDArray[np.float32] | None
    talks: NDArray[np.bool_]
    events: dict[str, NDArray[Any]]


def simulate(
    theory: Theory,
    setting: Setting,
    structure: Structure,
    params: Params,
    start: State,
    ahead: Iterable[tuple[Columns, Floats]],
    horizon: int,
    bends: Bends,
    streams: Streams,
    events: bool = True,
) -> Run:
    """Run the whole system forward.

    Parameters
    ----------
    theory
        Which parts are on.
    setting
        What the study keeps.
    structure
        Structure of the study, with the shocks of interventions.
    params
        All parameters, of belief and of conduct, each (N, ...) or without draws.
    start
        Where the futures begin.
    ahead
        Stretches of the periods ahead, one after the other. Of each: columns from
        `beliefs.simulation.future.future_columns`, bent, with ``pressure_home``, ``maritime`` and
        past counts (see `beliefs.simulation.future.conduct_future`) and ``innovation`` (N, 2, h);
        and resampled surprises, (N, indicator, h).
    horizon
        Number of periods in all of them.
    bends
        Interventions on conduct.
    streams
        Random numbers.
    events
        Whether to keep what both sides do.

    Returns
    -------
    Run
    """
    samples = streams.samples
    names = [n for n, by in EVENTS.items() if events and setting.names.intersection(by)]
    fixed = fixed_shares(setting, params, samples)
    early = "strikes_A" in setting.names and np.any(params["talk_strike_tempo"] != 0.0)
    state, kept = start, _Kept(names, samples, horizon, setting, theory.beliefs)
    hazards: tuple[Floats, Floats] | None = None
    done = 0
    for future, surprise in ahead:
        periods = slice(done, done + surprise.shape[-1])
        moves = params | {"innovation": future["innovation"]}
        news = draw_news(theory, setting, structure, moves, future, surprise, start)
        uniform = np.ascontiguousarray(streams.stretch("talks", periods, horizon).T)
        del future, surprise, moves  # the next stretch is made when this one is gone
        for k, t in enumerate(range(horizon)[periods]):
            state = _befallen(setting, params, state, streams, bends, t)
            now = known(setting, state, news.outside(k), bends, t)
            if early and hazards is not None:
                chance = np.where(state.talks > 0, hazards[1], hazards[0])
                now["talks"] = (uniform[k] < chance) * 1.0
            acts = act(setting, params, state, now, streams, bends, t)
            course = run_course(setting, params, fixed, state, now, acts.breach, streams, bends, t)
            after = _left_behind(setting, params, state, course.state, acts, course, bends, t)
            memory, system, hazards = beliefs_of(news, setting, after, acts, bends, streams, t, k)
            after = replace(after, memory=memory)
            held = uniform[k] < np.where(state.talks > 0, hazards[1], hazards[0])
            if early:
                held = now["talks"] > 0 if t else held
            state = _talked(setting, after, system, held, acts)
            kept.note(t, state, acts, course, held)
        done = periods.stop
        del news, uniform
    return Run(kept.belief, kept.surplus, kept.talks, kept.events)


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

    def note(self, t: int, state: State, acts: Acts, course: Course, held: Any) -> None:
        """Keep what happened in a period."""
        self._talks[t] = held
        if self._beliefs:
            self._belief[t], self._surplus[t] = state.logit_belief, state.surplus
        found = {
            "strikes": acts.count, "breach": acts.breach, "ended": course.ended,
            "deal": course.deal, "signed": course.signed, "rung": state.rung,
            "terminated": course.reversed.sum(axis=-1) > 0, "crossing": acts.crossed,
            "walkout": acts.walkout, "sanction": acts.sanction, "concession": acts.concession,
            "disobeyed": acts.disobeyed, "excluded": acts.excluded, "added": acts.added,
            "peripheral": acts.peripheral, "zones": acts.zones,
        }  # fmt: skip
        for name, values in self._events.items():
            values[t] = found[name]

    @property
    def belief(self) -> NDArray[np.float32] | None:
        return np.moveaxis(self._belief, 0, -1) if self._beliefs else None

    @property
    def surplus(self) -> NDArray[np.float32] | None:
        return self._surplus.T if self._beliefs else None

    @property
    def talks(self) -> NDArray[np.bool_]:
        return self._talks.T

    @property
    def events(self) -> dict[str, NDArray[Any]]:
        return {n: np.moveaxis(v, 0, -1) for n, v in self._events.items()}


def _befallen(
    setting: Setting, params: Params, state: State, streams: Streams, bends: Bends, t: int
) -> State:
    """Return the futures after acts that nobody owns to, and concessions that are broken."""
    alone = (streams.uniform("spoiler") < setting.spoiler) & state.window
    happened = alone.astype(float)
    if not np.any(params["attribution_gap"] != 0.0):
        happened[:] = 0.0  # no equation reads it
    happened += sum(spoiler.at == t for spoiler in bends.spoilers)
    left = np.clip(bends.open_periods[t] - np.arange(LONGEST_OPEN), 0.0, 1.0)
    broken = sum(at == t for at in bends.concessions)
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
    state: State,
    acts: Acts,
    course: Course,
    bends: Bends,
    t: int,
) -> State:
    """Return the futures with what the acts of the period leave."""
    days = float(setting.step_days)
    count, severity = acts.count, acts.severity
    trace = before.trace
    if "strikes_A" in setting.names:
        share = reciprocity.kept(np, params, setting.structure)[..., None]
        others = tuple(s.severity for s in bends.spoilers if s.at == t)
        trace = reciprocity.next_trace(trace, _marks(setting, params, acts, others), share)
    # In a truce an act between the sides is a breach; otherwise every act is taken for one.
    act_between = np.where(before.window, acts.breach, count.sum(axis=-1) > 0)
    grave = np.where(before.window, acts.breach, ((count > 0) & (severity >= 2.0)).any(axis=-1))
    heavy = (count * (severity >= HEAVY_SEVERITY))[:, ::-1]
    spared = before.window & ~acts.breach
    unseen = np.zeros_like(before.spoilers[:1])
    proxy = acts.disobeyed[:, setting.proxy] if setting.proxy >= 0 else np.zeros(len(spared), bool)
    near = course.deal | acts.replied
    contact = acts.concession.any(axis=-1)
    return state.moved(
        trace=trace,
        own=before.own * np.exp(-days / RECENT_DAYS) + count,
        heavy=before.heavy * np.exp(-days / HEAVY_DAYS) + np.where(spared[:, None], 0.0, heavy),
        recent_count=np.concatenate([before.recent_count[1:], count[None]])[-ANSWER:],
        recent_log=np.concatenate([before.recent_log[1:], (count * np.log(severity / 3.0))[None]])[
            -ANSWER:
        ],
        idle=np.where(act_between, 0.0, before.idle + days),
        calm=np.where(grave, 0.0, before.calm + 1.0),
        contact=np.where(contact, 0.0, before.contact + days),
        walkout=np.where(acts.walkout, 1.0, before.walkout * np.exp(-days / FRESH_DAYS)),
        near=np.where(near, 1.0, before.near * np.exp(-days / FRESH_DAYS)),
        proxy=np.where(proxy, 1.0, before.proxy * np.exp(-days / PROXY_DAYS)),
        rounds=state.rounds + acts.replied,
        spoilt=state.spoilt
        | (before.window & acts.breach & (before.own_age <= setting.quiet) & (state.own_age > 1)),
        spoilers=np.concatenate([before.spoilers[1:], unseen]),
    )


def _talked(setting: Setting, state: State, system: Any, held: Any, acts: Acts) -> State:
    """Return the futures with the beliefs, the surplus and the talks of the period."""
    kept = hardline_kept(setting.structure)
    return state.moved(
        logit_belief=system.logit_belief,
        audience=system.audience,
        surplus=system.surplus,
        hardline=kept * state.hardline + (1.0 - kept) * system.hardline,
        rounds=state.rounds + (held & (state.talks == 0)),
        talks=held.astype(float),
        talked=np.where(held, 1.0, state.talked + 1.0),
        contact=np.where(held, 0.0, state.contact),
        near=np.where(held, 1.0, state.near),
    )
