"""`forecast`: the system run forward from posterior draws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConvergenceError, StudyError
from beliefs.features.talks import LeftOut, left_out
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.posterior import SMALL, ActionDraws, Posterior
from beliefs.inference.smc.track import Track
from beliefs.model.priors import no_fastmath
from beliefs.model.system import factors
from beliefs.shown import Shown
from beliefs.simulation.interventions import Intervention
from beliefs.simulation.paths import Paths, check_horizon, default_horizon, draws_of, simulate
from beliefs.simulation.paths import future_dates as dates_after
from beliefs.study.dates import day_of, later


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Shown):
    """Futures from the posterior, and beside them those of the prior and of the base rate.

    Attributes
    ----------
    posterior
        Where it starts from.
    dates
        First day of each future period, (horizon,).
    paths, prior_paths, base_paths
        Futures from posterior draws, from prior draws, and under the base-rate theory M0, the base
        rate of talks and of all targets of action; the latter two None without baselines.
    interventions
        What was assumed to happen.
    seed
        Seed of the simulation, which pairs draws across interventions.
    allowed_failed
        Whether the posterior failed its convergence check and was to be forecast from anyway.
    left_out
        Days after the last whole period, up to the as-of date; None where there are none.
    """

    posterior: Posterior
    dates: NDArray[np.datetime64]
    paths: Paths
    prior_paths: Paths | None
    interventions: tuple[Intervention, ...]
    seed: int
    allowed_failed: bool
    base_paths: Paths | None = None
    left_out: LeftOut | None = None

    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.posterior.study.name, "theory": self.posterior.theory.name,
            "as of": self.posterior.study.as_of, "periods": len(self.dates),
            "futures": len(self.paths.talks),
            "interventions": "; ".join(item.label for item in self.interventions) or "none",
        }  # fmt: skip

    @property
    def action_draws(self) -> ActionDraws | None:
        """Draws of the parameters of actions; None where actions were left out."""
        return None if self.paths.events is None else self.posterior.actions

    @property
    def chains(self) -> int:
        """Number of chains the samples come from (sample = chain * draws + draw)."""
        return int(self.posterior.kept["posterior"].sizes["chain"])

    def step_of(self, by: str | dt.date | np.datetime64) -> int:
        """Return how many future periods end by a date; StudyError where that is outside."""
        day = day_of(by, "by")
        step = self.posterior.inputs.step_days
        one = np.timedelta64(1, "D")
        ends = later(self.dates, 1, step) - one
        steps = int((ends <= day).sum())
        # An unfinished period counts as not yet begun.
        if steps == 0 or day >= later(ends[-1] + one, 1, step) - one:
            raise StudyError(
                "the date lies outside the forecast", where="by", found=str(by),
                expected=f"a date from {ends[0]} to {ends[-1]}",
                fix="forecast with a longer horizon, or ask for an earlier date",
            )  # fmt: skip
        return steps

    def without_interventions(self) -> Forecast:
        """Return the same forecast with no intervention, paired by draw; without baselines."""
        acts, failed = self.action_draws is not None, self.allowed_failed
        how: dict[str, Any] = {"actions": acts, "allow_failed": failed, "baselines": False}
        return forecast(self.posterior, len(self.dates), seed=self.seed, **how)

    def to_dataset(self) -> Any:
        """Return the futures as an xarray Dataset with dims sample, side, horizon."""
        import xarray as xr  # slow to load, and only saved futures need it

        data: dict[str, Any] = {"talks": (("sample", "horizon"), self.paths.talks)}
        if self.paths.logit_belief is not None:
            kept, lead = {**SMALL, "least_significant_digit": 3}, ("sample", "side", "horizon")
            data["logit_belief"] = (lead, self.paths.logit_belief, {}, kept)
            data["surplus"] = (lead[::2], self.paths.surplus, {}, kept)
        for name, values in (self.paths.events or {}).items():
            middle = () if values.ndim == 2 else ("zone" if name == "zones" else "side",)
            dims = ("sample", *middle, "horizon")
            data[name] = (dims, values.view(np.int8), {}, SMALL)
        sides, dates = list(self.posterior.structure.sides), self.dates.astype("datetime64[s]")
        attrs = {"chains": self.chains, "seed": self.seed}
        return xr.Dataset(data, coords={"horizon": dates, "side": sides}, attrs=attrs)


@no_fastmath
def forecast(
    posterior: Posterior | Track,
    horizon: int | None = None,
    *,
    seed: int,
    interventions: Sequence[Intervention] = (),
    resample_shocks: bool = True,
    allow_failed: bool = False,
    actions: bool = True,
    baselines: bool = True,
) -> Forecast:
    """Simulate futures from every posterior draw, and those of two baselines beside them.

    This is the one forecast of the package: commands, reports and ledger print its numbers.

    Parameters
    ----------
    posterior
        From `beliefs.fit`; or a track, whose posterior after its last period it is.
    horizon
        Number of future periods; 90 days or half a year when None.
    seed
        Seed of the simulation.
    interventions
        What-ifs, in order.
    resample_shocks
        Whether shocks recur at the rate the study declares them.
    allow_failed
        Forecast from a posterior that failed its convergence check; every output then says so.
    actions
        Whether actions, truces and deals are simulated with beliefs, which read them, by draws that
        the posterior keeps or learns. Otherwise evidence is repeated from the past.
    baselines
        Whether futures of the prior and of the base-rate theory are run as well.

    Returns
    -------
    Forecast
        Beliefs are log-odds, (sample, side, horizon), talks (sample, horizon).

    Raises
    ------
    ConvergenceError
        The posterior failed its convergence check and `allow_failed` is False.
    StudyError
        The horizon or an intervention cannot be used.

    Examples
    --------
    >>> beliefs.forecast(posterior, 7, seed=1, allow_failed=True).dates.shape
    (7,)

    Notes
    -----
    Futures begin after the last whole period, the origin, up to six days before the as-of date of a
    weekly study: what was published since is left out (`Forecast.left_out`), but for talks known to
    have been held, which count. Windows in days begin at the as-of date and end with the last
    period over by then (`forecasting.summary.horizon_days`).
    """
    if isinstance(posterior, Track):
        posterior = posterior.at(posterior.ends[-1])
    horizon = default_horizon(posterior.study) if horizon is None else horizon
    seed = checked_seed(seed)
    check_horizon(horizon)
    if not posterior.report.passed and not allow_failed:
        raise ConvergenceError(
            "the posterior failed its convergence check, so no forecast is made from it",
            where=f"{posterior.study.spec.name} under {posterior.theory.name}",
            found="; ".join(posterior.report.failures), expected="a posterior that passed",
            fix=f"{posterior.report.fix}; or allow it knowingly (--allow-failed)",
        )  # fmt: skip
    dates, what_ifs = dates_after(posterior.inputs, horizon), tuple(interventions)
    simulated = bool(actions and factors(posterior.theory, posterior.structure))

    def run(group: str) -> Paths:
        mine = () if group == "base" else what_ifs  # no what-if is in the base rate
        events = group != "prior"  # which is a base rate of beliefs alone
        draws = draws_of(posterior, group, simulated)
        return simulate(posterior, draws, dates, seed, mine, resample_shocks, events)

    return Forecast(
        posterior=posterior, dates=dates, paths=run("posterior"),
        prior_paths=run("prior") if baselines else None, interventions=what_ifs, seed=seed,
        allowed_failed=not posterior.report.passed, base_paths=run("base") if baselines else None,
        left_out=left_out(posterior.study),
    )  # fmt: skip
