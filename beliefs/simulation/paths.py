"""Futures of one set of draws: parameters and past beliefs, run forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model import system
from beliefs.model.structure import Columns, Structure, aftermath, columns
from beliefs.model.theory import Theory, free_parameters
from beliefs.simulation.bend import apply_interventions, new_jump
from beliefs.simulation.bend_conduct import bends_of
from beliefs.simulation.coupled import run_coupled
from beliefs.simulation.future import Passed, block_indices, conduct_future, future_columns
from beliefs.simulation.interventions import Intervention
from beliefs.simulation.streams import Streams

__all__ = ["BLOCK", "Draws", "Paths", "draws_of", "simulate"]

CELLS = 250_000  # futures times periods that are made ready at once
BLOCK = {1: 7, 7: 4}  # bootstrap block in periods, by days per period: a week, a month


@dataclass(frozen=True)
class Paths:
    """Simulated futures of one set of draws.

    Attributes
    ----------
    logit_belief
        (sample, side, horizon) in single precision; None when the theory has no beliefs.
    surplus
        (sample, horizon) likewise.
    talks
        (sample, horizon) of bool.
    history_belief, history_surplus
        The same over the periods up to the origin, (sample, side, time) and (sample, time), so
        that a run of periods may have begun before it.
    events
        What both sides did, see `beliefs.simulation.coupled.Run`; None where conduct was not
        simulated, or what they did not kept.
    """

    logit_belief: NDArray[Any] | None
    surplus: NDArray[Any] | None
    talks: NDArray[np.bool_]
    history_belief: NDArray[Any] | None
    history_surplus: NDArray[Any] | None
    events: Mapping[str, NDArray[Any]] | None = None


@dataclass(frozen=True, eq=False)
class Draws:
    """What futures start from; beliefs are None under a theory without any.

    Attributes
    ----------
    theory
        Whose equations are run.
    params
        Free parameters of belief and talks, each (sample, ...).
    logit_belief
        (sample, side, time) up to the origin.
    audience
        (sample, side) at the origin.
    surplus
        (sample, time).
    """

    theory: Theory
    params: dict[str, NDArray[Any]]
    logit_belief: NDArray[Any] | None
    audience: NDArray[Any] | None
    surplus: NDArray[Any] | None


def draws_of(posterior: Posterior, group: str) -> Draws:
    """Return the draws of a group of the posterior's tree, (sample, ...)."""
    dataset = posterior.tree[group].to_dataset()

    def flat(name: str) -> NDArray[Any]:
        values = np.asarray(dataset[name].values)
        return values.reshape(-1, *values.shape[2:])

    free = free_parameters(posterior.theory, posterior.structure)
    params = {p.name: flat(p.name) for p in free if p.name != "innovation"}
    if not posterior.theory.beliefs:
        return Draws(posterior.theory, params, None, None, None)
    history = (flat(name) for name in ("logit_belief", "audience", "surplus"))
    return Draws(posterior.theory, params, *history)


def simulate(
    posterior: Posterior,
    draws: Draws,
    dates: NDArray[np.datetime64],
    seed: int,
    interventions: tuple[Intervention, ...],
    resample_shocks: bool,
    conduct: dict[str, NDArray[Any]] | None,
    events: bool = True,
) -> Paths:
    """Run futures: the whole system where draws of conduct are given, else beliefs and talks.

    Parameters
    ----------
    posterior
        Where they start from.
    draws
        Parameters and past beliefs.
    dates
        First day of each future period, (horizon,).
    seed
        Seed of the simulation.
    interventions
        What-ifs, in order.
    resample_shocks
        Whether shocks recur at the rate the study declares them.
    conduct
        All parameters of conduct, each (sample, ...) or without draws; None for beliefs and talks
        alone.
    events
        Whether to keep what both sides do.

    Notes
    -----
    What is needed of the periods ahead takes ten times the memory of what is kept. It is made for a
    stretch of them at a time, with the numbers that the whole would have.
    """
    study, inputs, theory = posterior.study, posterior.inputs, draws.theory
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
            evidence=conduct is None,
            passed=passed,
        )
        if conduct is not None:
            cols |= conduct_future(inputs, index[:, periods], passed)
        return apply_interventions(
            interventions,
            inputs=inputs,
            indicators=study.spec.indicators,
            structure=posterior.structure,
            columns=cols,
            surprise=surprise,
            dates=dates,
            draw_jump=draw_jump,
            spec=study.spec,
            passed=passed,
        )

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
    if conduct is not None:
        run = run_coupled(
            study, inputs, theory, structure, params | conduct, ahead(), horizon, start,
            None if draws.surplus is None else draws.surplus[:, -1],
            bends_of(
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
