"""What forecasts owe to what was assumed, and what a study taught.

Forecasts are given under other crack rules, under wider and narrower priors of each part, and by
the power of prior and likelihood; each parameter by how much narrower its posterior is than its
prior.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.forecasting.probability import monte_carlo_error, powers_of
from beliefs.forecasting.summary import horizon_days
from beliefs.forecasting.targets import TARGETS, happened_by, headline
from beliefs.inference.conduct import Conduct
from beliefs.inference.diagnose import RELIABLE, pareto_k
from beliefs.inference.posterior import Posterior
from beliefs.inference.sensitivity import Power, summed
from beliefs.inference.smc.particles import normalised
from beliefs.inference.smc.track import posterior_at, track
from beliefs.model.contract import Parameter
from beliefs.model.structure import structure_of
from beliefs.model.theory import Theory, conduct_parameters, free_parameters, mechanisms_of, scaled

__all__ = [
    "ALL", "LEARNABLE", "SCALES", "Asked", "Contracted", "Point", "Row", "Sensitivity",
    "contraction", "sensitivity",
]  # fmt: skip

Floats = NDArray[np.float64]
Drawn = dict[str, tuple[Parameter, Floats]]

SCALES = (0.5, 2.0)
ALL = "all priors"
"""The part that stands for every mechanism together."""
LEARNABLE = 0.1
"""Contraction below which a parameter counts as not learnable here (MODEL section 6)."""


@dataclass(frozen=True)
class Asked:
    """A probability that is asked for; `threshold` and `periods` None where no crack rule applies.

    Attributes
    ----------
    target, side, by
        As in `beliefs.forecasting.probability.probability`.
    threshold, periods
        Belief p* below which a side has cracked, and for how many periods d in a row.
    own_rule
        Whether this is the study's own rule.
    """

    target: str
    side: str | None
    by: dt.date
    threshold: float | None
    periods: int | None
    own_rule: bool

    def happened(self, told: Forecast) -> Floats:
        """Return in which futures it has happened, (sample,)."""
        steps = told.step_of(self.by)
        rule = {"threshold": self.threshold, "periods": self.periods}
        return happened_by(told, self.target, steps, self.side, **rule).astype(float)


@dataclass(frozen=True)
class Row:
    """What is forecast, and what moves it.

    Attributes
    ----------
    asked
        The probability.
    p, mcse
        Its value with the priors as they are, and the Monte-Carlo error.
    powers
        Change per doubling of the power of prior and likelihood, by part of the model, see
        `beliefs.forecasting.probability.powers_of`; none under another crack rule than the study's.
    """

    asked: Asked
    p: float
    mcse: float
    powers: tuple[Power, ...]


@dataclass(frozen=True, eq=False)
class Point:
    """All probabilities with the priors of one part wider or narrower.

    Attributes
    ----------
    part
        A mechanism, or `ALL`.
    scale
        Factor of the width of its priors.
    parameters
        Names of the parameters whose priors were scaled.
    pareto_k
        Of the importance weights of the draws at hand.
    method
        ``reweighted``, or ``tracked`` where the weights cannot be relied on.
    gate
        Whether what was tracked passed its gate; True where draws were reweighted.
    p
        Probabilities, in the order of the rows.
    error
        Monte-Carlo errors of their changes.
    """

    part: str
    scale: float
    parameters: tuple[str, ...]
    pareto_k: float
    method: str
    gate: bool
    p: Floats
    error: Floats


@dataclass(frozen=True)
class Contracted:
    """One element of a parameter, before and after the data.

    Attributes
    ----------
    name
        Of the parameter, with the labels of the element.
    mechanism
        To which it belongs.
    prior_sd, posterior_sd
        Standard deviations, in the parameter's unit.
    power_prior, power_likelihood
        Sensitivity of its marginal posterior to the power of prior and likelihood: distance of the
        distributions per doubling (Kallioinen and others 2024); NaN where it cannot be told.
    """

    name: str
    mechanism: str
    prior_sd: float
    posterior_sd: float
    power_prior: float
    power_likelihood: float

    @property
    def contraction(self) -> float:
        """1 - sd(posterior) / sd(prior)."""
        return 1.0 - self.posterior_sd / self.prior_sd

    @property
    def learnable(self) -> bool:
        """Whether the study taught anything worth the name."""
        return self.contraction >= LEARNABLE

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data; None where a number cannot be told."""
        row = vars(self) | {"contraction": self.contraction, "learnable": self.learnable}
        numbers = {k: v for k, v in row.items() if isinstance(v, float)}
        return row | {k: round(v, 4) if np.isfinite(v) else None for k, v in numbers.items()}


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What forecasts owe to priors and crack rule.

    Attributes
    ----------
    posterior
        What the forecasts are from.
    horizon, seed
        Of the forecasts.
    rows
        Every probability, that of other crack rules too.
    points
        The same with other widths of priors.
    contraction
        What the data taught of every parameter.
    """

    posterior: Posterior
    horizon: int
    seed: int
    rows: tuple[Row, ...]
    points: tuple[Point, ...]
    contraction: tuple[Contracted, ...]

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
            "gate": found.report.as_dict(),
            "probabilities": [
                {
                    **vars(row.asked),
                    "by": row.asked.by.isoformat(),
                    "p": round(row.p, 4),
                    "mcse": round(row.mcse, 4),
                    **_powers(row.powers),
                }
                for row in self.rows
            ],
            "scales": [
                {
                    "part": point.part,
                    "scale": point.scale,
                    "parameters": list(point.parameters),
                    "pareto_k": round(point.pareto_k, 2) if np.isfinite(point.pareto_k) else None,
                    "method": point.method,
                    "gate_passed": point.gate,
                    "p": [round(float(v), 4) for v in point.p],
                    "error_of_change": [round(float(v), 4) for v in point.error],
                }
                for point in self.points
            ],
            "contraction": [row.as_dict() for row in self.contraction],
        }


def _powers(powers: tuple[Power, ...]) -> dict[str, Any]:
    if not powers:
        return {}
    power = powers[0]
    return {
        "power_prior": round(power.prior, 4),
        "power_likelihood": round(power.likelihood, 4),
        "prior_dominated": power.prior_dominated,
        "prior_data_conflict": any(p.prior_data_conflict for p in powers),
    }


def sensitivity(
    posterior: Posterior,
    horizon: int | None = None,
    *,
    seed: int,
    actions: bool = True,
    scales: Sequence[float] = SCALES,
    particles: int = 2000,
    allow_failed: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Sensitivity:
    """Say how forecasts move with crack rule and priors.

    Parameters
    ----------
    posterior
        From `beliefs.fit`, or of a track.
    horizon
        Periods ahead; 90 days or 26 weeks when None.
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

    Raises
    ------
    GateError
        The posterior failed its convergence check and `allow_failed` is False.
    StudyError
        The horizon or a scale cannot be used.

    Examples
    --------
    >>> found = beliefs.sensitivity(
    ...     posterior, 7, seed=1, scales=[2.0], particles=200, actions=False, allow_failed=True
    ... )
    >>> found.as_dict()["theory"]
    'base_rate'

    Notes
    -----
    Draws are reweighted by the ratio of the priors; where Pareto's k of the weights exceeds 0.7
    they cannot be relied on (Vehtari and others 2024), and the study is tracked again.
    """
    say = progress or (lambda _: None)
    theory, structure = posterior.theory, posterior.structure
    known = mechanisms_of(theory, structure)
    parts = {ALL: tuple(n for names in known.values() for n in names), **known}
    plans = [  # a wrong scale is refused before anything is simulated
        (part, names, scale, scaled(theory, structure, scale, names))
        for part, names in parts.items()
        for scale in scales
    ]
    say("forecast")
    told = forecast(
        posterior, horizon, seed=seed, allow_failed=allow_failed, actions=actions, baselines=False
    )
    horizon = len(told.dates)
    asked = _asked(told)
    happened = np.stack([item.happened(told) for item in asked])
    rows = tuple(
        Row(
            item,
            float(h.mean()),
            monte_carlo_error(h, told.chains),
            powers_of(told, item.target, h) if item.own_rule else (),
        )
        for item, h in zip(asked, happened, strict=True)
    )
    draws = _parameter_draws(posterior, told.conduct)
    points = []
    for part, names, scale, wider in plans:
        say(f"{part} x {scale:g}")
        mine = tuple(n for n in names if n in draws and wider.priors.get(n) != theory.priors.get(n))
        if not mine:
            continue
        logs = _log_ratio(draws, wider, mine, posterior)
        k = pareto_k(logs)
        if k <= RELIABLE:
            p, error = _reweighted(happened, normalised(logs))
            points.append(Point(part, scale, mine, k, "reweighted", True, p, error))
            continue
        say(f"{part} x {scale:g}, tracked")
        again, gate = _again(posterior, wider, horizon, seed, actions, particles)
        values = np.stack([item.happened(again) for item in asked])
        p, error = values.mean(axis=1), np.asarray(
            [np.hypot(row.mcse, monte_carlo_error(h, again.chains))
             for row, h in zip(rows, values, strict=True)]
        )  # fmt: skip
        points.append(Point(part, scale, mine, k, "tracked", gate, p, error))
    say("contraction")
    return Sensitivity(
        posterior, horizon, seed, rows, tuple(points), contraction(posterior, told.conduct)
    )


def _reweighted(happened: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return weighted means of indicators (K, sample), and the error of their change.

    Both means are of the same draws, so that the error is that of the linearised difference.
    """
    p, n = happened @ weights, len(weights)
    apart = n * weights * (happened - p[:, None]) - (happened - happened.mean(axis=1)[:, None])
    return p, apart.std(axis=1) / np.sqrt(n)


def _asked(told: Forecast) -> tuple[Asked, ...]:
    """Return all targets in the headline windows, and cracks by other rules in the last one."""
    study = told.posterior.study
    own = study.spec.crack
    sides, windows = told.posterior.structure.sides, horizon_days(told)
    out = []
    for by in windows:
        for name, side in headline(told):
            threshold = own.threshold if TARGETS[name].threshold else None
            periods = own.periods if TARGETS[name].kind == "beliefs" else None
            out.append(Asked(name, side, by, threshold, periods, True))
    if told.posterior.theory.beliefs:
        others = [
            (p, d)
            for p in own.grid_thresholds
            for d in own.grid_periods
            if (p, d) != (own.threshold, own.periods)
        ]
        out += [Asked("crack", s, windows[-1], p, d, False) for s in sides for p, d in others]
        out += [
            Asked("talks_rational", None, windows[-1], None, d, False)
            for d in own.grid_periods
            if d != own.periods
        ]
    return tuple(out)


def _log_ratio(
    draws: Drawn,
    wider: Theory,
    names: Sequence[str],
    posterior: Posterior,
) -> Floats:
    """Return the log of the new prior over the old one for each draw, (sample,)."""
    structure = posterior.structure
    new = {
        p.name: p.prior
        for p in (*free_parameters(wider, structure), *conduct_parameters(wider, structure))
    }
    total: Any = 0.0
    for name in names:
        old, values = draws[name]
        flat = values.reshape(len(values), -1)
        both = [np.asarray(q.logpdf(flat.ravel())) for q in (new[name], old.prior)]
        total = total + (both[0] - both[1]).reshape(flat.shape).sum(axis=1)
    return np.asarray(total, dtype=float)


def _again(
    posterior: Posterior, theory: Theory, horizon: int, seed: int, acts: bool, particles: int
) -> tuple[Forecast, bool]:
    """Return the forecast under other priors, and whether what was tracked passed its gate.

    Conduct says nothing back to beliefs, so that these stay where only its priors are others.
    """
    before, after = (
        {p.name: p.prior for p in free_parameters(which, posterior.structure)}
        for which in (posterior.theory, theory)
    )
    other = replace(posterior, theory=theory, seed=seed, kept=None)
    if before != after:
        inputs = posterior.inputs
        found = track(posterior.study, theory, particles=particles, seed=seed, inputs=inputs)
        other = posterior_at(found, found.n_time - 1)
    told = forecast(other, horizon, seed=seed, allow_failed=True, actions=acts, baselines=False)
    return told, other.report.passed


def _parameter_draws(posterior: Posterior, conduct: Conduct | None) -> Drawn:
    """Return the free parameters with their draws (sample, *shape), innovations left out."""
    dataset = posterior.tree["posterior"].to_dataset()
    out = {}
    for p in free_parameters(posterior.theory, posterior.structure):
        if p.name != "innovation":
            values = np.asarray(dataset[p.name].values, dtype=float)
            out[p.name] = (p, values.reshape(-1, *values.shape[2:]))
    if conduct is not None:
        for p in conduct_parameters(posterior.theory, posterior.structure):
            out[p.name] = (p, conduct.posterior[p.name])
    return out


def contraction(
    posterior: Posterior, conduct: Conduct | None = None, *, power: bool = True
) -> tuple[Contracted, ...]:
    """Return what the data did to every free parameter, element by element.

    Parameters
    ----------
    posterior
        From `beliefs.fit`, or of a track.
    conduct
        Draws of the parameters of conduct, where the theory has any.
    power
        Whether to power-scale as well, which takes longest.
    """
    structure = structure_of(posterior.inputs)
    home = {
        name: mechanism
        for mechanism, names in mechanisms_of(posterior.theory, structure).items()
        for name in names
    }
    known = _parameter_draws(posterior, conduct)
    scaled = _power(posterior, conduct, known) if power else None
    rows = []
    for name, (p, values) in known.items():
        prior_sd = float(np.asarray(p.prior.std()))
        for index in np.ndindex(values.shape[1:]):
            labels = [structure.coords[d][i] for d, i in zip(p.dims, index, strict=True)]
            label = name + (f"[{', '.join(labels)}]" if labels else "")
            sd = float(values[:, *index].std(ddof=1))
            told = [np.nan, np.nan]
            if scaled is not None:
                told = [float(scaled[group][name][index]) for group in ("prior", "likelihood")]
            rows.append(Contracted(label, home[name], prior_sd, sd, *told))
    return tuple(rows)


def _power(
    posterior: Posterior,
    conduct: Conduct | None,
    known: Drawn,
) -> dict[str, dict[str, Floats]]:
    """Return the power-scaling sensitivity of every parameter, from ArviZ."""
    import arviz as az  # heavy
    import xarray as xr

    chains = int(posterior.tree["posterior"].sizes["chain"])
    of_conduct = set() if conduct is None else set(conduct.posterior)
    densities = [{g: summed(posterior.tree, f"log_{g}") for g in ("prior", "likelihood")}]
    if conduct is not None:
        densities.append({"prior": conduct.log_prior, "likelihood": conduct.log_likelihood})
    out: dict[str, dict[str, Floats]] = {"prior": {}, "likelihood": {}}
    for acts, density in enumerate(densities):
        names = [n for n in known if (n in of_conduct) == bool(acts)]
        if not names:
            continue
        variables = {}
        for n in names:
            values = known[n][1]
            dims = ("chain", "draw", *(f"{n}_{k}" for k in range(values.ndim - 1)))
            variables[n] = (dims, values.reshape(chains, -1, *values.shape[1:]))
        tree = {"posterior": xr.Dataset(variables)}
        for group, total in density.items():
            part = total.reshape(chains, -1)
            tree[f"log_{group}"] = xr.Dataset({"total": (("chain", "draw"), part)})
        data = xr.DataTree.from_dict(tree)
        for group in density:
            found = az.psense(data, group=group)
            for n in names:
                out[group][n] = np.asarray(found[n].values, dtype=float)
    return out
