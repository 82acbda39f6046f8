"""Futures of one set of draws: whether they can be made, and the draws run forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.conduct import BASE, Conduct, base_draws
from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model import system
from beliefs.model.structure import Columns, Structure, aftermath, columns, structure_of
from beliefs.model.theory import Theory, conduct_neutral, free_parameters, load_theory
from beliefs.simulation.coupled import run_coupled
from beliefs.simulation.effects import change_columns, effects_of, new_jump
from beliefs.simulation.future import Passed, action_columns, block_indices, future_columns
from beliefs.simulation.interventions import Intervention
from beliefs.simulation.streams import Streams
from beliefs.study.load import Study

__all__ = [
    "BLOCK", "LONGEST", "Draws", "Paths", "check_horizon", "check_plan", "default_horizon",
    "draws_of", "future_dates", "simulate",
]  # fmt: skip

LONGEST = 5000  # periods ahead
CELLS = 250_000  # futures times periods that are made ready at once
BLOCK = {1: 7, 7: 4}  # bootstrap block in periods, by days per period: a week, a month


@dataclass(frozen=True)
class Paths:
    """Simulated futures of one set of draws."""

    # (sample, side, horizon) in single precision; None when the theory has no beliefs
    logit_belief: NDArray[Any] | None
    surplus: NDArray[Any] | None  # (sample, horizon) likewise
    talks: NDArray[np.bool_]  # (sample, horizon) of bool
    # The same over the periods up to the origin, (sample, side, time) and (sample, time), so
    # that a run of periods may have begun before it
    history_belief: NDArray[Any] | None
    history_surplus: NDArray[Any] | None
    # What both sides did, see `beliefs.simulation.coupled.Run`; None where conduct was not
    # simulated, or what they did not kept
    events: Mapping[str, NDArray[Any]] | None = None


@dataclass(frozen=True, eq=False)
class Draws:
    """What futures start from; beliefs are None under a theory without any."""

    theory: Theory  # Whose equations are run
    params: dict[str, NDArray[Any]]  # Free parameters of belief and talks, each (sample, ...)
    logit_belief: NDArray[Any] | None = None  # (sample, side, time) up to the origin
    audience: NDArray[Any] | None = None  # (sample, side) at the origin
    surplus: NDArray[Any] | None = None  # (sample, time)
    # All parameters of action, each (sample, ...) or without draws; None for beliefs and talks
    # alone
    actions: dict[str, NDArray[Any]] | None = None


def draws_of(posterior: Posterior, group: str, actions: Conduct | None) -> Draws:
    """Return what futures start from."""
    structure = posterior.structure
    if group == "base":
        theory = load_theory(BASE)
        known = base_draws(posterior) if actions is None else actions.base
        of_talks = {p.name for p in free_parameters(theory, structure)}
        mine = {k: v for k, v in known.items() if k in of_talks}
        theirs = {k: v for k, v in known.items() if k not in of_talks}
        return Draws(theory, mine, actions=conduct_neutral(theory, structure) | theirs)
    dataset = posterior.tree[group].to_dataset()

    def flat(name: str) -> NDArray[Any]:
        values = np.asarray(dataset[name].values)
        return values.reshape(-1, *values.shape[2:])

    free = free_parameters(posterior.theory, structure)
    params = {p.name: flat(p.name) for p in free if p.name != "innovation"}
    history = ("logit_belief", "audience", "surplus") if posterior.theory.beliefs else ()
    return Draws(
        posterior.theory,
        params,
        **{name: flat(name) for name in history},
        actions=None if actions is None else actions.draws_for(posterior, group),
    )


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

    Notes
    -----
    What is needed of the periods ahead takes ten times the memory of what is kept. It is made for a
    stretch of them at a time, with the numbers that the whole would have.
    """
    study, inputs, theory, actions = posterior.study, posterior.inputs, draws.theory, draws.actions
    past, horizon = columns(inputs), len(dates)
    n, samples = int(inputs.active.sum()), next(iter(draws.params.values())).shape[0]
    streams = Streams(seed, samples)
    index = block_indices(
        streams.of("bootstrap"),
        n, samples, horizon, BLOCK.get(inputs.step_days, 7), inputs.quiet_seen[:n],
    )  # fmt: skip

    def columns_of(periods: slice, passed: Passed, draw_jump: Any = np.zeros) -> Any:
        """Return structure, columns, surprises and jumps of some periods ahead."""
        cols, surprise = future_columns(
            inputs,
            posterior.structure,
            past,
            index[:, periods],
            resample_shocks=resample_shocks,
            evidence=actions is None,
            passed=passed,
        )
        if actions is not None:
            cols |= action_columns(inputs, index[:, periods], passed)
        return change_columns(
            interventions, study=study, inputs=inputs, structure=posterior.structure,
            columns=cols, surprise=surprise, dates=dates, draw_jump=draw_jump, passed=passed,
        )  # fmt: skip

    structure, _, _, jumps = columns_of(
        slice(1),
        Passed(),
        lambda shape: new_jump(theory, posterior.structure, shape, streams.of("jump")),
    )
    params = stacked_params(theory, posterior.structure, draws.params)
    if jumps.shape[-1]:
        known = np.broadcast_to(params["shock_jump"], (samples, 2, len(posterior.structure.shocks)))
        params["shock_jump"] = np.concatenate([known, jumps], axis=-1)

    def made(periods: slice, passed: Passed) -> tuple[Columns, NDArray[Any]]:
        """Return columns, with innovations, and surprises of some periods ahead."""
        _, cols, surprise, _ = columns_of(periods, passed)
        passed.aftermath = aftermath(structure, cols["shock"], passed.aftermath)[..., -1]
        passed.periods = periods.stop
        cols["innovation"] = (
            streams.stretch("innovation", periods, horizon, 2)
            if theory.beliefs
            else params["innovation"][..., :1]
        )
        return cols, surprise

    def ahead() -> Iterator[tuple[Columns, NDArray[Any]]]:
        passed, length = Passed(), max(CELLS // samples, 1)
        for begin in range(0, horizon, length):
            yield made(slice(begin, min(begin + length, horizon)), passed)

    start = None
    if theory.beliefs:
        assert draws.logit_belief is not None
        start = system.Start(draws.logit_belief[..., -1], draws.audience)
    if actions is not None:
        run = run_coupled(
            study, inputs, theory, structure, params | actions, ahead(), horizon, start,
            None if draws.surplus is None else draws.surplus[:, -1],
            effects_of(
                interventions, study=study, inputs=inputs, structure=structure, dates=dates
            ),
            streams, events,
        )  # fmt: skip
        return Paths(
            run.logit_belief, run.surplus, run.talks, draws.logit_belief, draws.surplus,
            run.events if events else None,
        )  # fmt: skip
    return _of_beliefs(theory, structure, params, ahead(), horizon, start, draws, past, n, streams)


def _of_beliefs(
    theory: Theory,
    structure: Structure,
    params: dict[str, NDArray[Any]],
    ahead: Iterable[tuple[Columns, NDArray[Any]]],
    horizon: int,
    start: system.Start | None,
    draws: Draws,
    past: Columns,
    n: int,
    streams: Streams,
) -> Paths:
    """Return futures of beliefs and talks alone."""
    samples, done = streams.samples, 0
    belief = np.empty((horizon, samples, 2), dtype=np.float32)
    surplus = np.empty((horizon, samples), dtype=np.float32)
    held = np.empty((horizon, samples), dtype=bool)
    talking = past["talks"][n - 1]
    for cols, surprise in ahead:
        size = surprise.shape[-1]
        periods = slice(done, done + size)
        moves = params | {"innovation": cols["innovation"]}
        found = system.evaluate(np, moves, cols, structure, start)
        if not done:
            age = np.exp(cols["spell_age"][..., 0])
        drawn, _, age = system.simulate_talks(
            streams.stretch("talks", periods, horizon), moves, cols, structure, found,
            start=talking, age=age,
        )  # fmt: skip
        held[periods] = drawn.T
        if theory.beliefs:
            belief[periods] = np.moveaxis(found.logit_belief, -1, 0)
            surplus[periods] = np.broadcast_to(found.surplus, (samples, size)).T
            start = system.Start(
                found.logit_belief[..., -1],
                np.broadcast_to(found.audience[..., -1], (samples, 2)),
            )
        talking, done = held[periods][-1], periods.stop
        del cols, surprise, moves, found  # the next stretch is made when this one is gone
    if not theory.beliefs:
        return Paths(None, None, held.T, None, None)
    return Paths(np.moveaxis(belief, 0, -1), surplus.T, held.T, draws.logit_belief, draws.surplus)


def future_dates(inputs: Inputs, horizon: int) -> NDArray[np.datetime64]:
    """Return the first day of each period after the origin, (horizon,)."""
    last = inputs.dates[inputs.active][-1].astype("datetime64[D]")
    ahead = np.timedelta64(inputs.step_days, "D") * np.arange(1, horizon + 1)
    return np.asarray(last + ahead)


def default_horizon(study: Study) -> int:
    """Return the number of periods of a forecast for which none is given: 90 days or 26 weeks."""
    return {"day": 90, "week": 26}[study.spec.period.step]


def check_horizon(horizon: int) -> None:
    """Raise StudyError when a horizon is not 1 to `LONGEST` periods."""
    if not 1 <= horizon <= LONGEST:
        raise StudyError(
            "the horizon cannot be used", where="horizon", found=str(horizon),
            expected=f"1 to {LONGEST} periods", mend="give a horizon in that range",
        )  # fmt: skip


def check_plan(
    study: Study, horizon: int | None, interventions: Sequence[Intervention] = ()
) -> None:
    """Refuse, before a posterior is sampled, what `beliefs.forecast` would refuse afterwards.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    horizon
        Number of future periods, `default_horizon` when None.
    interventions
        What-ifs; they are tried on one future in which the first period repeats itself.

    Raises
    ------
    StudyError
        The horizon or an intervention cannot be used.
    """
    horizon = default_horizon(study) if horizon is None else horizon
    check_horizon(horizon)
    if not interventions:
        return
    inputs = build_inputs(study)
    structure = structure_of(inputs)
    index = np.zeros((1, horizon), dtype=np.int64)
    cols, surprise = future_columns(
        inputs, structure, columns(inputs), index, resample_shocks=False
    )
    dates = future_dates(inputs, horizon)
    effects_of(interventions, study=study, inputs=inputs, structure=structure, dates=dates)
    change_columns(
        interventions, study=study, inputs=inputs, structure=structure, columns=cols,
        surprise=surprise, dates=dates, draw_jump=np.zeros,
    )  # fmt: skip
