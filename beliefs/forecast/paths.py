"""Futures of one set of draws: parameters and past beliefs, run forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.forecast.bend import apply_interventions, new_jump
from beliefs.forecast.bend_conduct import bends_of
from beliefs.forecast.coupled import run_coupled
from beliefs.forecast.future import block_indices, conduct_future, future_columns
from beliefs.forecast.interventions import Intervention
from beliefs.forecast.streams import Streams
from beliefs.infer.posterior import Posterior, stacked_params
from beliefs.mechanism.structure import columns
from beliefs.theory import system
from beliefs.theory.theory import Theory, free_parameters

__all__ = ["BLOCK", "Draws", "Paths", "draws_of", "simulate"]

BLOCK = {1: 7, 7: 4}  # bootstrap block in periods, by days per period: a week, a month


@dataclass(frozen=True)
class Paths:
    """Simulated futures of one set of draws.

    Attributes
    ----------
    logit_belief
        (sample, side, horizon); None when the theory has no beliefs.
    surplus
        (sample, horizon); None when the theory has no beliefs.
    talks
        (sample, horizon) of bool.
    history_belief, history_surplus
        The same over the periods up to the origin, (sample, side, time) and (sample, time), so
        that a run of periods may have begun before it.
    events
        What both sides did, see `beliefs.forecast.coupled.Run`; None where conduct was not
        simulated.
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
    """
    study, inputs, theory = posterior.study, posterior.inputs, draws.theory
    structure, past = posterior.structure, columns(inputs)
    n, horizon = int(inputs.active.sum()), len(dates)
    samples = next(iter(draws.params.values())).shape[0]
    streams = Streams(seed, samples)
    index = block_indices(
        streams.of("bootstrap"),
        n, samples, horizon, BLOCK.get(inputs.step_days, 7), inputs.quiet_seen[:n],
    )  # fmt: skip
    cols, surprise = future_columns(
        inputs, structure, past, index, resample_shocks=resample_shocks, evidence=conduct is None
    )
    if conduct is not None:
        cols |= conduct_future(inputs, index)
    structure, cols, surprise, jumps = apply_interventions(
        interventions,
        inputs=inputs,
        indicators=study.spec.indicators,
        structure=structure,
        columns=cols,
        surprise=surprise,
        dates=dates,
        draw_jump=lambda shape: new_jump(theory, posterior.structure, shape, streams.of("jump")),
        spec=study.spec,
    )
    params = stacked_params(theory, posterior.structure, draws.params)
    if jumps.shape[-1]:
        known = np.broadcast_to(params["shock_jump"], (samples, 2, len(posterior.structure.shocks)))
        params["shock_jump"] = np.concatenate([known, jumps], axis=-1)
    start = None
    if theory.beliefs:
        assert draws.logit_belief is not None
        params["innovation"] = streams.of("innovation").normal(size=(samples, 2, horizon))
        start = system.Start(draws.logit_belief[..., -1], draws.audience)
    else:
        params["innovation"] = params["innovation"][..., :1]
    if conduct is not None:
        run = run_coupled(
            study, inputs, theory, structure, params | conduct, cols, surprise, start,
            None if draws.surplus is None else draws.surplus[:, -1],
            bends_of(
                interventions, study=study, inputs=inputs, structure=structure, dates=dates
            ),
            streams,
        )  # fmt: skip
        if not theory.beliefs:
            return Paths(None, None, run.talks, None, None, run.events)
        return Paths(
            run.logit_belief, run.surplus, run.talks, draws.logit_belief, draws.surplus, run.events
        )
    found = system.evaluate(np, params, cols, structure, start)
    held = system.simulate_talks(
        streams.of("talks"),
        params,
        cols,
        structure,
        found,
        shape=(samples, horizon),
        start=past["talks"][n - 1],
        age=np.exp(cols["spell_age"][..., 0]),
    )[0]
    if not theory.beliefs:
        return Paths(None, None, held, None, None)
    return Paths(found.logit_belief, found.surplus, held, draws.logit_belief, draws.surplus)
