"""What forecasts owe to what was assumed, and what a study taught.

Forecasts are given under other crack rules, under wider and narrower priors of each part, and by
the power of prior and likelihood; each parameter by how much narrower its posterior is than its
prior.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from beliefs.features.steps import Floats
from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.forecasting.probability import monte_carlo_error, powers_of
from beliefs.forecasting.summary import horizon_days
from beliefs.forecasting.targets import TARGETS, happened_by, headline
from beliefs.inference.action_draws import action_draws
from beliefs.inference.diagnose import RELIABLE, pareto_k
from beliefs.inference.posterior import ActionDraws, Posterior, dataset_of
from beliefs.inference.sensitivity import Power, densities
from beliefs.inference.smc.particles import normalised
from beliefs.inference.smc.track import posterior_at, track
from beliefs.model.contract import Parameter
from beliefs.model.structure import Structure
from beliefs.model.theory import Theory, free_parameters, mechanisms_of, scaled
from beliefs.shown import Shown, to_log
from beliefs.simulation.paths import draws_of

Drawn = dict[str, tuple[Parameter, Floats]]  # draws, (sample, *shape), of free parameters
Asked = tuple[str, str | None, dt.date, float | None, int | None]  # the first fields of a `Row`

SCALES = (0.5, 2.0)
GROUPS = ("prior", "likelihood")
ALL = "all priors"  # the part that stands for every mechanism together
LEARNABLE = 0.1  # contraction below which a parameter is not learnable here (MODEL section 6)


@dataclass(frozen=True)
class Row:
    """A probability, as in `probability`, its Monte-Carlo error, and what prior and data do."""

    target: str
    side: str | None
    by: dt.date
    threshold: float | None  # of a crack: belief below it for `periods`
    periods: int | None
    own_rule: bool  # the study's own rule of cracks
    p: float
    mcse: float
    powers: tuple[Power, ...]  # by `powers_of`, under the study's own rule

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        out = {k: v for k, v in vars(self).items() if k != "powers"}
        out |= {"by": self.by.isoformat(), "p": round(self.p, 4), "mcse": round(self.mcse, 4)}
        for power in self.powers[:1]:
            out |= {
                "power_prior": round(power.prior, 4),
                "power_likelihood": round(power.likelihood, 4),
                "prior_dominated": power.prior_dominated,
                "prior_data_conflict": any(p.prior_data_conflict for p in self.powers),
            }
        return out


@dataclass(frozen=True, eq=False)
class Point:
    """All probabilities, in the order of the rows, with the priors of one part changed."""

    part: str  # a mechanism, or `ALL`
    scale: float  # factor of the width
    parameters: tuple[str, ...]
    pareto_k: float  # of the importance weights
    method: str  # ``reweighted``, or ``tracked`` where the weights cannot be relied on
    converged: bool  # of what was tracked
    p: Floats
    error_of_change: Floats

    def as_dict(self) -> dict[str, Any]:
        """Return the point as plain data."""
        return vars(self) | {
            "parameters": list(self.parameters),
            "pareto_k": round(self.pareto_k, 2) if np.isfinite(self.pareto_k) else None,
            "p": [round(float(v), 4) for v in self.p],
            "error_of_change": [round(float(v), 4) for v in self.error_of_change],
        }


@dataclass(frozen=True)
class Contracted:
    """One element of a parameter, before and after the data; sd in its unit."""

    name: str
    mechanism: str
    prior_sd: float
    posterior_sd: float
    power_prior: float  # distance of marginal posteriors per doubling of the power of the prior
    power_likelihood: float  # (Kallioinen and others 2024), NaN where it cannot be estimated

    @property
    def contraction(self) -> float:
        """1 - sd(posterior) / sd(prior)."""
        return 1.0 - self.posterior_sd / self.prior_sd

    @property
    def learnable(self) -> bool:
        """Whether the study taught anything worth the name."""
        return self.contraction >= LEARNABLE

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data; None where a number cannot be estimated."""
        row = vars(self) | {"contraction": self.contraction, "learnable": self.learnable}
        numbers = {k: v for k, v in row.items() if isinstance(v, float)}
        return row | {k: round(v, 4) if np.isfinite(v) else None for k, v in numbers.items()}


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Shown):
    """What forecasts from a posterior owe to priors and crack rule, and what the data taught."""

    posterior: Posterior
    horizon: int
    seed: int
    rows: tuple[Row, ...]
    points: tuple[Point, ...]
    contraction: tuple[Contracted, ...]

    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.posterior.study.name, "theory": self.posterior.theory.name,
            "probabilities": len(self.rows), "priors": len(self.points),
            "learnable": f"{sum(c.learnable for c in self.contraction)} of {len(self.contraction)}",
        }  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        found = self.posterior
        return {
            "study": found.study.spec.name,
            "study_sha256": found.study.sha256,
            "as_of": str(found.study.as_of),
            "theory": found.theory.name,
            "theory_sha256": found.theory.sha256,
            "seed": {"fit": found.seed, "forecast": self.seed},
            "convergence": found.report.as_dict(),
            "probabilities": [row.as_dict() for row in self.rows],
            "scales": [point.as_dict() for point in self.points],
            "contraction": [row.as_dict() for row in self.contraction],
        }


def sensitivity(
    posterior: Posterior,
    horizon: int | None = None,
    *,
    seed: int,
    actions: bool = True,
    scales: Sequence[float] = SCALES,
    particles: int = 1000,
    allow_failed: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Sensitivity:
    """Say how forecasts move with crack rule and priors.

    Parameters
    ----------
    posterior
        From `beliefs.fit`, or of a track.
    horizon
        Periods ahead; 90 days or half a year when None.
    seed
        Seed of forecasts and of what is tracked again; all points share random numbers.
    actions
        Whether actions are simulated, see `beliefs.forecast`.
    scales
        Factors of the width of the priors, of each mechanism in turn and of all together.
    particles
        Particles of what has to be tracked again.
    allow_failed
        Go on from a posterior that failed its convergence check.
    progress
        Called with a few words at every point.

    Returns
    -------
    Sensitivity
        By probability, prior and parameter. Draws are reweighted by the ratio of the priors; where
        Pareto's k exceeds 0.7 (Vehtari and others 2024), the study is tracked again.

    Raises
    ------
    ConvergenceError
        The posterior failed its convergence check and `allow_failed` is False.
    StudyError
        The horizon or a scale cannot be used.

    Examples
    --------
    >>> beliefs.sensitivity(
    ...     posterior, 7, seed=1, scales=[2.0], particles=200, actions=False, allow_failed=True
    ... )
    <Sensitivity: study watch, theory base_rate, probabilities 1, priors 2, learnable 3 of 4>
    """
    say = progress or to_log
    theory, structure = posterior.theory, posterior.structure
    known = mechanisms_of(theory, structure)
    parts = {ALL: tuple(n for names in known.values() for n in names), **known}
    plans = [  # a wrong scale is refused before anything is simulated
        (part, names, scale, scaled(theory, structure, scale, names))
        for part, names in parts.items()
        for scale in scales
    ]
    say("forecast")
    ahead = forecast(
        posterior, horizon, seed=seed, allow_failed=allow_failed, actions=actions, baselines=False
    )
    horizon = len(ahead.dates)
    asked, rows, happened = _probabilities(ahead)
    actions = ahead.action_draws is not None
    of_beliefs, of_actions = _parameter_draws(posterior, actions)
    draws, points = of_beliefs | of_actions, []
    for part, names, scale, wider in plans:
        say(f"{part} x {scale:g}")
        mine = tuple(n for n in names if n in draws and wider.priors.get(n) != theory.priors.get(n))
        if not mine:
            continue
        logs = _log_ratio(draws, wider, mine, posterior)
        k = pareto_k(logs)
        # Few draws bear less of a tail (Vehtari and others 2024, equation 13).
        if k <= min(1.0 - 1.0 / np.log10(len(logs)), RELIABLE):
            weights = normalised(logs)
            p, n = happened @ weights, len(weights)  # and the error of the linearised change
            moved = n * weights * (happened - p[:, None])
            apart = moved - (happened - happened.mean(axis=1)[:, None])
            error = apart.std(axis=1) / np.sqrt(n)
            points.append(Point(part, scale, mine, k, "reweighted", True, p, error))
            continue
        say(f"{part} x {scale:g}, tracked")
        again, passed = _again(posterior, wider, horizon, seed, actions, particles)
        values = np.stack([_happened(again, one) for one in asked])
        errors = [monte_carlo_error(h, again.chains) for h in values]
        error = np.hypot([row.mcse for row in rows], errors)
        points.append(Point(part, scale, mine, k, "tracked", passed, values.mean(axis=1), error))
    say("contraction")
    taught = contraction(posterior, actions)
    return Sensitivity(posterior, horizon, seed, rows, tuple(points), taught)


def _probabilities(ahead: Forecast) -> tuple[list[Asked], tuple[Row, ...], Floats]:
    """Return all targets in the headline windows, and cracks by other rules in the last one.

    With them, (K, sample), in which futures each has happened.
    """
    own, windows = ahead.posterior.study.spec.crack, horizon_days(ahead)
    asked: list[Asked] = []
    for by, (name, side) in product(windows, headline(ahead)):
        threshold = own.threshold if TARGETS[name].threshold else None
        periods = own.periods if TARGETS[name].kind == "beliefs" else None
        asked.append((name, side, by, threshold, periods))
    count = len(asked)
    if ahead.posterior.theory.beliefs:
        rules = product(own.grid_thresholds, own.grid_periods)
        others = [rule for rule in rules if rule != (own.threshold, own.periods)]
        last, sides = windows[-1], ahead.posterior.structure.sides
        asked += [("crack", s, last, p, d) for s in sides for p, d in others]
        lengths = [d for d in own.grid_periods if d != own.periods]
        asked += [("talks_rational", None, last, None, d) for d in lengths]
    rows, futures = [], [_happened(ahead, one) for one in asked]
    for k, (one, happened) in enumerate(zip(asked, futures, strict=True)):
        powers = powers_of(ahead, one[0], happened) if k < count else ()
        error = monte_carlo_error(happened, ahead.chains)
        rows.append(Row(*one, k < count, float(happened.mean()), error, powers))
    return asked, tuple(rows), np.stack(futures)


def _happened(ahead: Forecast, asked: Asked) -> Floats:
    """Return in which futures it has happened, (sample,)."""
    target, side, by, threshold, periods = asked
    rule = {"threshold": threshold, "periods": periods}
    return happened_by(ahead, target, ahead.step_of(by), side, **rule).astype(float)


def _log_ratio(draws: Drawn, wider: Theory, names: Sequence[str], posterior: Posterior) -> Floats:
    """Return the log of the new prior over the old one for each draw, (sample,)."""
    structure = posterior.structure
    new = {p.name: p.prior for p in free_parameters(wider, structure, None)}
    total = np.zeros(1)
    for name in names:
        old, values = draws[name]
        one, two = (np.asarray(q.logpdf(values.ravel())) for q in (new[name], old.prior))
        total = total + (one - two).reshape(len(values), -1).sum(axis=1)
    return total


def _again(
    posterior: Posterior, theory: Theory, horizon: int, seed: int, actions: bool, particles: int
) -> tuple[Forecast, bool]:
    """Return the forecast under other priors, and whether its posterior passed its check."""
    before, after = (
        {p.name: p.prior for p in free_parameters(which, posterior.structure)}
        for which in (posterior.theory, theory)
    )
    other = replace(posterior, theory=theory, seed=seed, actions=ActionDraws())
    if before != after:
        inputs = posterior.inputs
        found = track(posterior.study, theory, particles=particles, seed=seed, inputs=inputs)
        other = posterior_at(found, found.n_time - 1)
    ahead = forecast(other, horizon, seed=seed, allow_failed=True, actions=actions, baselines=False)
    return ahead, other.report.passed


def _parameter_draws(posterior: Posterior, actions: bool) -> tuple[Drawn, Drawn]:
    """Return free parameters of beliefs and talks, innovations left out, and of actions."""
    known = draws_of(posterior, "posterior", actions=False).params
    acted = action_draws(posterior, "posterior") if actions else {}
    theory, structure = posterior.theory, posterior.structure
    free = free_parameters(theory, structure)
    acting = free_parameters(theory, structure, "actions") if actions else ()
    return (
        {p.name: (p, np.asarray(known[p.name], float)) for p in free if p.name in known},
        {p.name: (p, acted[p.name]) for p in acting},
    )


def elements(p: Parameter, structure: Structure) -> Iterator[tuple[str, Any]]:
    """Yield name, with labels, and index of every element of a parameter."""
    coords = structure.coords
    for index in np.ndindex(structure.size(p.dims)):
        labels = [coords[d][i] for d, i in zip(p.dims, index, strict=True)]
        yield p.name + (f"[{', '.join(labels)}]" if labels else ""), index


def contraction(
    posterior: Posterior, actions: bool = False, *, power: bool = True
) -> tuple[Contracted, ...]:
    """Return what the data did to every free parameter, by element; `power` takes longest."""
    structure = posterior.structure
    mechanisms = mechanisms_of(posterior.theory, structure)
    home = {name: mechanism for mechanism, names in mechanisms.items() for name in names}
    parts = _parameter_draws(posterior, actions)
    powers = _power(posterior, actions, parts) if power else {}
    rows = []
    for name, (p, values) in (parts[0] | parts[1]).items():
        prior_sd = float(np.asarray(p.prior.std()))
        for label, index in elements(p, structure):
            sd = float(values[:, *index].std(ddof=1))
            both = [float(v[index]) for v in powers[name]] if power else [np.nan, np.nan]
            rows.append(Contracted(label, home[name], prior_sd, sd, *both))
    return tuple(rows)


def _power(found: Posterior, actions: bool, parts: tuple[Drawn, Drawn]) -> dict[str, list[Floats]]:
    """Return the sensitivity of every parameter to the power of prior and likelihood, by ArviZ."""
    import arviz as az  # slow to load, and the report asks for contraction alone

    chains = int(found.kept["posterior"].sizes["chain"])
    out: dict[str, list[Floats]] = {}
    for drawn, logs in zip(parts, densities(found, actions), strict=False):
        groups = {f"log_{name}": {"total": log} for name, log in zip(GROUPS, logs, strict=True)}
        groups["posterior"] = {name: values for name, (_, values) in drawn.items()}
        data = xr.DataTree.from_dict({k: dataset_of(v, chains) for k, v in groups.items()})
        moved = [az.psense(data, group=group) for group in GROUPS] if drawn else []
        out |= {n: [np.asarray(one[n].values, dtype=float) for one in moved] for n in drawn}
    return out
