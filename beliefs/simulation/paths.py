"""Futures of one set of draws: whether they can be made, and the draws run forward.

A period, in this order: interventions; actions, which read the beliefs of the period *before*; how
truces, deals and conflict phases go on; news, of actions and repeated from the past in blocks;
beliefs, surplus and talks. Where talks slow or quicken strikes, talks are drawn first, from the
surplus of the period before: the same thing where talks do not follow the surplus, which is so in
every bundled theory that frees that effect.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.steps import Floats, TalksPast
from beliefs.inference.action_draws import action_draws, base_theory
from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model import structure as layout
from beliefs.model import system
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, free_parameters, null_values
from beliefs.simulation import interventions as what_ifs
from beliefs.simulation.actions import Actions, Equations, Period, Transitions, shares_of
from beliefs.simulation.future import Passed, block_indices, future_columns
from beliefs.simulation.interventions import Effects, Intervention
from beliefs.simulation.signals import beliefs_of, draw_signals
from beliefs.simulation.state import State, Streams, setting_of, start_of
from beliefs.study.dates import later
from beliefs.study.load import Study

Kept = dict[str, list[NDArray[Any]]]
Stretch = tuple[slice, Columns, NDArray[Any]]  # some periods ahead: which, columns, surprises
LONGEST = 5000  # periods ahead
CELLS = 250_000  # futures times periods that are made ready at once
HALF_YEAR = 182.0  # days
BLOCK: dict[float, int] = {
    1: 7,
    7: 4,
}  # bootstrap block in periods, by days per period: a week, a month
EVENTS = {
    "strikes": ("strikes_A",), "breach": ("breach",), "ended": ("resolve", "collapse"),
    "deal": ("deal",), "signed": ("form",), "terminated": ("reversal",),
    "conflict_phase": ("conflict_phase", "collapse"), "crossing": ("strikes_A",),
    "walkout": ("walkout",),
    "sanction": ("sanction",), "concession": ("concession",), "disobeyed": ("command",),
    "excluded": ("excluded",), "peripheral": ("periphery",), "zones": ("zones",),
    "added": ("breach",),
}  # fmt: skip
"""What is kept of every future, and the observables of which one must be explained for it."""


@dataclass(frozen=True)
class Paths:
    """Simulated futures of one set of draws."""

    logit_belief: NDArray[Any] | None  # (sample, side, horizon) float32; None without beliefs
    surplus: NDArray[Any] | None  # (sample, horizon) likewise
    talks: NDArray[np.bool_]  # (sample, horizon)
    # The same over the periods up to the origin, before which a run of periods may have begun
    history_belief: NDArray[Any] | None = None
    history_surplus: NDArray[Any] | None = None
    # By name of `EVENTS`, (sample, [side | zone,] horizon): counts of actions (``strikes``,
    # ``excluded``, ``peripheral``, ``zones``), ``ended`` (0, or how a truce ended or went on, see
    # `beliefs.simulation.actions`), ``conflict_phase``, and what happened. None where actions were
    # not simulated, or not kept
    events: Mapping[str, NDArray[Any]] | None = None


@dataclass(frozen=True, eq=False)
class Draws:
    """What futures start from; beliefs are None under a theory without any."""

    theory: Theory  # Whose equations are run
    params: dict[str, NDArray[Any]]  # Free parameters of belief and talks, each (sample, ...)
    logit_belief: NDArray[Any] | None = None  # (sample, side, time) up to the origin
    audience: NDArray[Any] | None = None  # (sample, side) at the origin
    surplus: NDArray[Any] | None = None  # (sample, time)
    # All parameters of action, (sample, ...) or without draws; None for beliefs and talks alone
    actions: dict[str, NDArray[Any]] | None = None

    @property
    def start(self) -> system.Start | None:
        """Beliefs at the origin."""
        if self.logit_belief is None:
            return None
        return system.Start(self.logit_belief[..., -1], self.audience)


def draws_of(posterior: Posterior, group: str, actions: bool) -> Draws:
    """Return what futures of ``posterior``, ``prior`` or ``base`` start from."""
    structure, base = posterior.structure, group == "base"
    theory = base_theory(posterior) if base else posterior.theory
    free = [p.name for p in free_parameters(theory, structure) if p.name != "innovation"]
    known = None
    if actions or base:
        drawn = action_draws(posterior, group)
        theirs = {k: v for k, v in drawn.items() if k not in free}
        known = null_values(theory, structure, "actions") | theirs
    if base:
        return Draws(theory, {name: drawn[name] for name in free}, actions=known)
    history = ("logit_belief", "audience", "surplus") if theory.beliefs else ()
    dataset = posterior.group(group)
    flat: dict[str, NDArray[Any]] = {}
    for name in (*free, *history):
        values = np.asarray(dataset[name].values)
        flat[name] = values.reshape(-1, *values.shape[2:])
    return Draws(theory, {name: flat.pop(name) for name in free}, **flat, actions=known)


def simulate(
    posterior: Posterior,
    draws: Draws,
    dates: NDArray[np.datetime64],
    seed: int,
    interventions: tuple[Intervention, ...],
    resample_shocks: bool,
    events: bool = True,
) -> Paths:
    """Run futures: the whole system where draws of actions are given, else beliefs and talks.

    What is needed of the periods ahead takes ten times the memory of what is kept. It is made for a
    stretch of them at a time, with the numbers that the whole would have.
    """
    study, inputs, theory, actions = posterior.study, posterior.inputs, draws.theory, draws.actions
    before, past, horizon = posterior.structure, layout.columns(inputs), len(dates)
    n, samples = int(inputs.active.sum()), len(next(iter(draws.params.values())))
    streams, block = Streams(seed, samples), BLOCK.get(inputs.step_days, 7)
    seen = inputs.quiet_seen[:n]
    index = block_indices(streams.of("bootstrap"), n, samples, horizon, block, seen)
    structure = what_ifs.with_shocks(before, interventions)
    params = stacked_params(theory, before, draws.params)
    if new := len(structure.shocks) - len(before.shocks):
        old = np.broadcast_to(params["shock_jump"], (samples, 2, len(before.shocks)))
        jumps = [what_ifs.new_jump(theory, before, samples, streams.of("jump")) for _ in range(new)]
        params["shock_jump"] = np.concatenate([old, np.stack(jumps, axis=-1)], axis=-1)

    def made(periods: slice, passed: Passed) -> Stretch:
        """Return some periods ahead, innovations among their columns."""
        cols, surprise = future_columns(
            inputs, before, past, index[:, periods], resample_shocks=resample_shocks, passed=passed
        )
        cols, surprise = what_ifs.change_columns(
            interventions, study, inputs, structure, cols, surprise, dates, passed
        )
        if actions is None:
            kinds = np.full(surprise.shape[-1], inputs.regime[n - 1])
            cols["evidence"] = layout.evidence_matrix(structure, surprise, kinds)
        passed.aftermath = layout.aftermath(structure, cols["shock"], passed.aftermath)[..., -1]
        passed.periods = periods.stop
        if theory.beliefs:
            cols["innovation"] = streams.stretch("innovation", periods, horizon, 2)
        else:
            cols["innovation"] = np.broadcast_to(params["innovation"][..., :1], (samples, 2, 1))
        return periods, cols, surprise

    def ahead() -> Iterator[Stretch]:
        passed, length = Passed(), max(CELLS // samples, 1)
        for begin in range(0, horizon, length):
            yield made(slice(begin, min(begin + length, horizon)), passed)

    if actions is None:
        talked = TalksPast.of(past, inputs.recess, n - 1).after(past["talks"][n - 1])
        return _of_beliefs(draws, structure, params, ahead(), horizon, talked, streams)
    return run_coupled(
        study, inputs, draws, structure, params | actions, ahead(), horizon,
        what_ifs.effects_of(interventions, study, inputs, dates), streams, events,
    )  # fmt: skip


def _keep(kept: Kept, values: Mapping[str, NDArray[Any]]) -> None:
    """Note what happens in some periods, by name, (period, sample, ...)."""
    for name, value in values.items():
        kind = np.bool_ if value.dtype == bool else np.int8
        single = name in ("logit_belief", "surplus")
        kept.setdefault(name, []).append(value.astype(np.float32 if single else kind))


def _paths(kept: Kept, draws: Draws, events: bool) -> Paths:
    """Return what is kept of futures that start from `draws`."""
    made = {name: np.moveaxis(np.concatenate(kept.pop(name)), 0, -1) for name in tuple(kept)}
    talks = made.pop("talks")
    belief, surplus = (made.pop(name, None) for name in ("logit_belief", "surplus"))
    past = draws.logit_belief, draws.surplus
    return Paths(belief, surplus, talks, *past, made if events else None)


# Beliefs come before talks are drawn, which give the hazards anew.
_UNDRAWN: Columns = {"spell_age": np.zeros(1), "talks_before": np.zeros(1)}


def _of_beliefs(
    draws: Draws, structure: Structure, params: Columns, ahead: Iterable[Stretch], horizon: int,
    talked: TalksPast, streams: Streams,
) -> Paths:  # fmt: skip
    """Return futures of beliefs and talks alone; `talked` is what is left of talks before."""
    samples, start = streams.samples, draws.start
    kept: Kept = {}
    for periods, cols, surprise in ahead:
        moves = params | {"innovation": cols["innovation"]}
        found = system.evaluate(np, moves, cols | _UNDRAWN, structure, start)
        drawn, _, talked = system.simulate_talks(
            streams.stretch("talks", periods, horizon), moves, cols, structure, found, talked
        )
        _keep(kept, {"talks": drawn.T > 0})
        if draws.theory.beliefs:
            surplus = np.broadcast_to(found.surplus, (samples, found.surplus.shape[-1])).T
            belief = np.moveaxis(found.logit_belief, -1, 0)
            _keep(kept, {"logit_belief": belief, "surplus": surplus})
            audience = np.broadcast_to(found.audience[..., -1], (samples, 2))
            start = system.Start(found.logit_belief[..., -1], audience)
        del cols, surprise, moves, found  # the next stretch is made when this one is gone
    return _paths(kept, draws, events=False)


def run_coupled(
    study: Study,
    inputs: Inputs,
    draws: Draws,
    structure: Structure,
    params: Columns,
    ahead: Iterable[Stretch],
    horizon: int,
    effects: Effects,
    streams: Streams,
    events: bool = True,
) -> Paths:
    """Run the whole system forward from the end of a study."""
    theory = draws.theory
    setting = setting_of(study, inputs, theory)
    state = start_of(study, inputs, setting, params, streams.samples)
    if (start := draws.start) is not None and draws.surplus is not None:
        state = replace(state, **vars(start), surplus=draws.surplus[:, -1])
    equations = Equations(params, setting.structure, setting.names)
    shares = shares_of(equations, streams.samples)
    early = "strikes_A" in setting.names and np.any(params["talk_strike_tempo"] != 0.0)
    names = ["talks", *(("logit_belief", "surplus") if theory.beliefs else ())]
    names += [n for n, by in EVENTS.items() if events and setting.names.intersection(by)]
    kept: Kept = {}
    hazards: tuple[Floats, Floats] | None = None
    for periods, future, surprise in ahead:
        signals = draw_signals(theory, setting, structure, params, future, surprise)
        uniform = np.ascontiguousarray(streams.stretch("talks", periods, horizon).T)
        del future, surprise  # the next stretch is made when this one is gone
        for k, t in enumerate(range(horizon)[periods]):
            period = Period(setting, equations, streams, effects, t, state)
            period = period.begun(signals.outside(k))
            on = state.exchange.talked <= setting.structure.recess  # a round goes on
            if early and hazards is not None:
                chance = np.where(on, hazards[1], hazards[0])
                period.now["talks"] = (uniform[k] < chance) * 1.0
            actions = period.act()
            ends = period.end(actions.breach, *shares)
            after, hazards = beliefs_of(signals, period, period.left(actions, ends), actions, k)
            held = uniform[k] < np.where(on, hazards[1], hazards[0])
            if early:
                held = period.now["talks"] > 0 if t else held
            state = _talked(after, actions, ends, held, setting.step_days)
            found = vars(actions) | vars(ends) | {
                "talks": held, "terminated": ends.reversed.sum(axis=-1) > 0,
                "conflict_phase": state.conflict_phase,
                "logit_belief": state.logit_belief, "surplus": state.surplus,
            }  # fmt: skip
            _keep(kept, {name: found[name][None] for name in names})
        del signals, uniform
    return _paths(kept, draws, events)


def _talked(state: State, actions: Actions, ends: Transitions, held: Any, days: float) -> State:
    """Return the futures with the words and talks of the period."""
    contact = held | actions.concession.any(axis=-1) | actions.walkout
    rounds = 1.0 * actions.replied + (held & (state.talks == 0))
    sign = held | ends.deal | actions.replied
    exchange = state.exchange.after(days, actions.walkout, sign, held, contact, rounds)
    return replace(state, talks=held.astype(float), exchange=exchange)


def future_dates(inputs: Inputs, horizon: int) -> NDArray[np.datetime64]:
    """Return the first day of each period after the origin, (horizon,)."""
    last, ahead = inputs.dates[inputs.active][-1], np.arange(1, horizon + 1)
    dates: NDArray[np.datetime64] = later(last, ahead, inputs.step_days)
    return dates


def default_horizon(study: Study) -> int:
    """Return the number of periods of a forecast without one: 90 days or half a year."""
    days = study.spec.period.step_days
    return 90 if days == 1 else max(1, round(HALF_YEAR / days))


def check_horizon(horizon: int) -> None:
    """Raise StudyError when a horizon is not 1 to `LONGEST` periods."""
    if not 1 <= horizon <= LONGEST:
        raise StudyError(
            "the horizon cannot be used", where="horizon", found=str(horizon),
            expected=f"1 to {LONGEST} periods", fix="give a horizon in that range",
        )  # fmt: skip


def check_plan(study: Study, horizon: int | None, interventions: Sequence[Intervention]) -> None:
    """Raise, before a posterior is sampled, the StudyError of `beliefs.forecast` afterwards.

    What-ifs are tried on one future in which the first period repeats itself.
    """
    horizon = default_horizon(study) if horizon is None else horizon
    check_horizon(horizon)
    if not interventions:
        return
    inputs = build_inputs(study)
    structure, past = layout.structure_of(inputs), layout.columns(inputs)
    index, dates = np.zeros((1, horizon), dtype=np.int64), future_dates(inputs, horizon)
    future = future_columns(inputs, structure, past, index, resample_shocks=False)
    what_ifs.effects_of(interventions, study, inputs, dates)
    structure = what_ifs.with_shocks(structure, interventions)
    what_ifs.change_columns(interventions, study, inputs, structure, *future, dates)
