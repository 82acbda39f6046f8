"""`forecast`: the system run forward from posterior draws (C6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import GateError, StudyError
from beliefs.forecast.bend import apply_interventions, new_jump
from beliefs.forecast.bend_conduct import bends_of
from beliefs.forecast.conduct import BASE, Conduct
from beliefs.forecast.coupled import SIDED, run_coupled
from beliefs.forecast.future import block_indices, conduct_future, future_columns
from beliefs.forecast.interventions import Intervention
from beliefs.forecast.plan import check_horizon, future_dates
from beliefs.forecast.streams import Streams
from beliefs.infer.exact import exact
from beliefs.infer.posterior import Posterior, stacked_params
from beliefs.mechanism import talks
from beliefs.mechanism.structure import columns
from beliefs.theory import system
from beliefs.theory.theory import Theory, conduct_neutral, free_parameters, load_theory

__all__ = ["BLOCK", "Draws", "Forecast", "Paths", "day_of", "forecast", "simulate_paths"]

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


@dataclass(frozen=True)
class Forecast:
    """Futures from the posterior, and from the prior alone as their yardstick.

    Attributes
    ----------
    posterior
        Where it starts from.
    dates
        First day of each future period, (horizon,).
    paths, prior_paths
        Futures from posterior and from prior draws.
    interventions
        What was assumed to happen.
    seed
        Seed of the simulation. The same seed gives paired draws across interventions.
    allowed_failed
        True when the posterior failed its gate and the caller asked for a forecast anyway.
    conduct
        What was known of conduct; None where it was not simulated.
    base_paths
        Futures under the base-rate theory, the yardstick of the targets of conduct.
    """

    posterior: Posterior
    dates: NDArray[np.datetime64]
    paths: Paths
    prior_paths: Paths
    interventions: tuple[Intervention, ...]
    seed: int
    allowed_failed: bool
    conduct: Conduct | None = None
    base_paths: Paths | None = None

    @property
    def chains(self) -> int:
        """Number of chains the samples come from (sample = chain * draws + draw)."""
        return int(self.posterior.tree["posterior"].sizes["chain"])

    def step_of(self, by: str | dt.date | np.datetime64) -> int:
        """Return how many future periods end by a date.

        Raises
        ------
        StudyError
            It is no date, or lies outside the horizon.
        """
        day = day_of(by)
        step = np.timedelta64(self.posterior.inputs.step_days, "D")
        ends = self.dates + (step - np.timedelta64(1, "D"))
        steps = int((ends <= day).sum())
        if steps == 0 or day >= ends[-1] + step:  # an unfinished period counts as not yet begun
            raise StudyError(
                "the date lies outside the forecast",
                where="by",
                found=str(by),
                expected=f"a date from {ends[0]} to {ends[-1]}",
                mend="forecast with a longer horizon, or ask for an earlier date",
            )
        return steps

    def to_dataset(self) -> Any:
        """Return the futures as an xarray Dataset with dims sample, side, horizon."""
        import xarray as xr

        data: dict[str, Any] = {"talks": (("sample", "horizon"), self.paths.talks)}
        if self.paths.logit_belief is not None:
            data["logit_belief"] = (
                ("sample", "side", "horizon"),
                self.paths.logit_belief.astype(np.float32),
            )
            data["surplus"] = (("sample", "horizon"), self.paths.surplus.astype(np.float32))  # type: ignore[union-attr]
        lead = dict.fromkeys(SIDED, ("side",)) | {"zones": ("zone",)}
        for name, values in (self.paths.events or {}).items():
            kept = values.astype(np.int8)
            data[name] = (("sample", *lead.get(name, ()), "horizon"), kept)
        return xr.Dataset(
            data,
            coords={
                "horizon": self.dates.astype("datetime64[ns]"),
                "side": list(self.posterior.structure.sides),
            },
            attrs={"chains": self.chains, "seed": self.seed},
        )


def day_of(by: str | dt.date | np.datetime64) -> np.datetime64:
    """Return a day as NumPy has it.

    Parameters
    ----------
    by
        ``YYYY-MM-DD`` or a date. Words such as ``today`` are refused: a forecast does not depend
        on the clock.

    Raises
    ------
    StudyError
        It is no date.
    """
    try:
        day: np.datetime64 = np.datetime64(
            dt.date.fromisoformat(by) if isinstance(by, str) else by, "D"
        )
    except (TypeError, ValueError):
        day = np.datetime64("NaT", "D")
    if np.isnat(day):
        raise StudyError(
            "this is no date", where="by", found=repr(by), expected="YYYY-MM-DD",
            mend="write the last day of the window, e.g. 2026-03-31",
        )  # fmt: skip
    return day


@exact
def forecast(
    posterior: Posterior,
    horizon: int,
    *,
    seed: int,
    interventions: Sequence[Intervention] = (),
    resample_shocks: bool = True,
    allow_failed: bool = False,
    conduct: Conduct | None = None,
) -> Forecast:
    """Simulate futures from every posterior draw, and from prior draws beside them.

    Parameters
    ----------
    posterior
        From `beliefs.fit`.
    horizon
        Number of future periods, at least 1.
    seed
        Seed of the simulation.
    interventions
        What-ifs, in order.
    resample_shocks
        Whether shocks recur at the rate the study declares them.
    allow_failed
        Forecast from a posterior that failed its gate; every output then says so.
    conduct
        From `beliefs.forecast.conduct.conduct_of`: acts, truces and deals are then simulated
        together with beliefs, which read them. Beliefs and talks alone without.

    Raises
    ------
    GateError
        The posterior failed its gate and `allow_failed` is False.
    StudyError
        The horizon or an intervention cannot be used.
    """
    check_horizon(horizon)
    if not posterior.report.passed and not allow_failed:
        raise GateError(
            "the posterior failed its gate, so no forecast is made from it",
            where=f"{posterior.study.spec.name} under {posterior.theory.name}",
            found="; ".join(posterior.report.failures),
            expected="R-hat <= 1.01, ESS >= 400, divergences <= 0.1 %, E-BFMI >= 0.3",
            mend="sample longer (--draws, --tune), or allow it knowingly (--allow-failed)",
        )
    dates = future_dates(posterior.inputs, horizon)
    what_ifs = tuple(interventions)
    runs, acts = [], None
    for group in ("posterior", "prior"):
        if conduct is not None:
            acts = conduct.draws_for(posterior, group)
        drawn = _draws_of(posterior, group)
        runs.append(simulate_paths(posterior, drawn, dates, seed, what_ifs, resample_shocks, acts))
    yardstick = None
    if conduct is not None:
        base = load_theory(BASE)
        theirs = {p.name for p in free_parameters(base, posterior.structure)}
        mine = Draws(base, {k: v for k, v in conduct.base.items() if k in theirs}, *[None] * 3)
        acts = conduct_neutral(base, posterior.structure) | {
            k: v for k, v in conduct.base.items() if k not in theirs
        }
        yardstick = simulate_paths(posterior, mine, dates, seed, (), resample_shocks, acts)
    return Forecast(
        posterior=posterior,
        dates=dates,
        paths=runs[0],
        prior_paths=runs[1],
        interventions=what_ifs,
        seed=seed,
        allowed_failed=not posterior.report.passed,
        conduct=conduct,
        base_paths=yardstick,
    )


@dataclass(frozen=True, eq=False)
class Draws:
    """Parameters and past beliefs that futures start from; beliefs None without any."""

    theory: Theory
    params: dict[str, NDArray[Any]]
    logit_belief: NDArray[Any] | None
    audience: NDArray[Any] | None
    surplus: NDArray[Any] | None


def _draws_of(posterior: Posterior, group: str) -> Draws:
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


def simulate_paths(
    posterior: Posterior,
    draws: Draws,
    dates: NDArray[np.datetime64],
    seed: int,
    interventions: tuple[Intervention, ...],
    resample_shocks: bool,
    conduct: dict[str, NDArray[Any]] | None,
) -> Paths:
    """Run futures: the whole system where draws of conduct are given, else beliefs and talks."""
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
    structure, cols, jumps = apply_interventions(
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
    held = talks.simulate(
        streams.of("talks"),
        np.broadcast_to(found.onset, (samples, horizon)),
        np.broadcast_to(found.continuation, (samples, horizon)),
        past["talks"][n - 1],
    )
    if not theory.beliefs:
        return Paths(None, None, held, None, None)
    return Paths(found.logit_belief, found.surplus, held, draws.logit_belief, draws.surplus)
