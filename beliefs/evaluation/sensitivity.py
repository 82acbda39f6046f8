"""How much forecasts owe to what was assumed: crack rule, width of priors, power of the prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.contraction import contraction, parameter_draws
from beliefs.evaluation.sensitivity_result import ALL, Asked, Point, Row, Sensitivity
from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.forecasting.probability import monte_carlo_error, powers_of
from beliefs.forecasting.summary import horizon_days
from beliefs.forecasting.targets import asked_of
from beliefs.inference.pareto import RELIABLE, pareto_k
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.particles import normalised
from beliefs.inference.smc.track import track
from beliefs.inference.smc.track_posterior import posterior_at
from beliefs.inference.smc.track_result import Track
from beliefs.model.contract import Parameter
from beliefs.model.scaling import mechanisms_of, scaled
from beliefs.model.theory import Theory, conduct_parameters, free_parameters

__all__ = ["SCALES", "sensitivity"]

Floats = NDArray[np.float64]
Say = Callable[[str], None]

SCALES = (0.5, 2.0)


def sensitivity(
    posterior: Posterior,
    horizon: int | None = None,
    *,
    seed: int,
    actions: bool = True,
    scales: Sequence[float] = SCALES,
    particles: int = 2000,
    allow_failed: bool = False,
    progress: Say | None = None,
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
        Go on from a posterior that failed its gate.
    progress
        Called with a few words at every point.

    Raises
    ------
    GateError
        The posterior failed its gate and `allow_failed` is False.
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
            powers_of(told, item.target, h) if item.own else (),
        )
        for item, h in zip(asked, happened, strict=True)
    )
    draws = parameter_draws(posterior, told.conduct)
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
        if told.posterior.theory.beliefs:
            for name in ("crack", "crack_first"):
                out += [Asked(name, s, by, own.threshold, own.periods, True) for s in sides]
            out.append(Asked("talks_rational", None, by, None, own.periods, True))
        out.append(Asked("talks", None, by, None, None, True))
        out += [Asked(name, None, by, None, None, True) for name in asked_of(told)]
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
    draws: dict[str, tuple[Parameter, Floats]],
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
    found: Track | None = None
    other = replace(posterior, theory=theory, seed=seed, kept=None)
    if before != after:
        inputs = posterior.inputs
        found = track(posterior.study, theory, particles=particles, seed=seed, inputs=inputs)
        other = posterior_at(found, found.n_time - 1)
    told = forecast(other, horizon, seed=seed, allow_failed=True, actions=acts, baselines=False)
    return told, other.report.passed
