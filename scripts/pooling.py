r"""Pooled hazards: one hierarchical model of the spells of many conflicts.

.. math::
    \log h_i(a) &= \alpha_{bin(a)} + (x_i - \bar x)' \beta + \sigma z_i, \qquad z_i \sim N(0, 1) \\
    \alpha_1 &\sim N(\log(1/200), 1.5), \qquad \alpha_{j+1} - \alpha_j \sim N(0, \tau) \\
    \beta_k &\sim N(0, \omega), \qquad \tau, \omega \sim N^+(0, 0.5), \quad \sigma \sim N^+(0, 1)

A piecewise-exponential hazard in age whose logarithm is smooth a priori, covariates that shrink
together, and a frailty of each conflict, integrated out by quadrature: a row of the
likelihood is a whole conflict, so that leaving one out leaves out all that is known of it. With one
event per conflict the frailty shows only in how the hazard falls with age, which the
:math:`\alpha` may explain as well; `pooled_scores` says how much of its prior is left.
Priors are judgement. Hazards are per day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spells import Spells

from beliefs.inference.diagnose import Report, diagnose
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.pooled import AGE_BINS, quadrature
from beliefs.model.priors import no_fastmath

__all__ = ["LEVEL", "SCALES", "PooledFit", "fit_pooled", "log_likelihood", "pointwise"]

LEVEL = (float(np.log(1.0 / 200.0)), 1.5)
"""Mean and spread of the log hazard per day at the youngest age."""

SCALES: Mapping[str, float] = MappingProxyType(
    {"age_scale": 0.5, "effect_scale": 0.5, "frailty": 1.0}
)
"""Scales of the half-normal priors of tau, omega and sigma."""

_CHUNK = 200  # draws whose likelihood is evaluated at once


def log_likelihood(xp: Any, age: Any, effect: Any, frailty: Any, spells: Spells) -> Any:
    """Return the log likelihood of each conflict with its frailty integrated out.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    age
        Log hazard per day by bin of age, (..., bin).
    effect
        Effects of the covariates, (..., k).
    frailty
        Standard deviation of the conflicts' log hazards, (...).
    spells
        The n conflicts.

    Returns
    -------
    array
        (..., n), a density in days where the event happened, else the chance of none.
    """
    places, weights = quadrature()
    tilt = xp.dot(effect, (spells.design - spells.mean).T)
    cumulated = xp.dot(xp.exp(age), spells.exposure.T) * xp.exp(tilt)
    at_end = age[..., spells.bin] + tilt
    shift = frailty[..., None, None] * places
    inside = (
        spells.event[:, None] * (at_end[..., None] + shift)
        - cumulated[..., None] * xp.exp(shift)
        + np.log(weights)
    )
    top = xp.max(inside, axis=-1, keepdims=True)
    return top[..., 0] + xp.log(xp.sum(xp.exp(inside - top), axis=-1))


@dataclass(frozen=True, eq=False)
class PooledFit:
    """A sampled posterior of pooled hazards.

    Attributes
    ----------
    spells
        What it was fitted to.
    tree
        DataTree with ``posterior`` (`age`, `effect`, `frailty` and the scales), ``sample_stats``
        and ``log_likelihood`` by conflict.
    convergence
        R-hat, effective sample size and divergences against their limits.
    """

    spells: Spells
    tree: Any
    convergence: Report


def _model(spells: Spells, scales: Mapping[str, float]) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    steps = len(AGE_BINS) - 2
    with pm.Model(coords={"covariate": spells.covariates}) as model:
        level = pm.Normal("level", *LEVEL)
        scale = {name: pm.HalfNormal(name, sd) for name, sd in scales.items()}
        step = pm.Normal("age_step", shape=steps)
        age = pm.Deterministic(
            "age",
            level + pt.concatenate([pt.zeros(1), pt.cumsum(step * scale["age_scale"])]),
        )
        raw = pm.Normal("effect_raw", dims="covariate")
        effect = pm.Deterministic("effect", scale["effect_scale"] * raw, dims="covariate")
        each = log_likelihood(pt, age, effect, scale["frailty"], spells)
        pm.Potential("spells", pt.sum(each))
    return model


@no_fastmath
def fit_pooled(
    spells: Spells,
    *,
    seed: int,
    sampling: Sampling | None = None,
    scales: Mapping[str, float] = SCALES,
) -> PooledFit:
    """Sample the posterior of the pooled hazards of a class of conflicts.

    Parameters
    ----------
    spells
        From `spells`.
    seed
        Seed of everything random here.
    sampling
        Sampler settings; 1500 draws of 4 chains when None.
    scales
        Scales of the half-normal priors, by the names in `SCALES`.

    Returns
    -------
    PooledFit
        With its convergence check; a failed convergence check does not raise here.
    """
    import arviz as az
    import nutpie

    sampling = sampling or Sampling(draws=1500, tune=1000, target_accept=0.95)
    compiled = nutpie.compile_pymc_model(_model(spells, scales))
    sampler: Any = nutpie.sample(
        compiled,
        draws=sampling.draws,
        tune=sampling.tune,
        chains=sampling.chains,
        cores=sampling.cores,
        seed=seed,
        target_accept=sampling.target_accept,
        save_warmup=False,
        progress_bar=False,
        blocking=False,  # else it swallows an interrupt and hands back the draws it has
    )
    try:
        raw = sampler.wait()
    except BaseException:
        sampler.cancel()
        raise
    names = ("level", *SCALES, "age_step", "effect_raw", "age", "effect")
    posterior = {name: np.asarray(raw["posterior"][name]) for name in names}
    rows = pointwise(spells, posterior["age"], posterior["effect"], posterior["frailty"])
    stats = {name: np.asarray(raw["sample_stats"][name]) for name in ("diverging", "energy")}
    tree = az.from_dict(
        {"posterior": posterior, "sample_stats": stats, "log_likelihood": {"spells": rows}},
        coords={"covariate": list(spells.covariates), "conflict": list(spells.names)},
        dims={
            "effect": ["covariate"],
            "effect_raw": ["covariate"],
            "spells": ["conflict"],
        },
    )
    return PooledFit(spells, tree, diagnose(tree))


def pointwise(
    spells: Spells,
    age: NDArray[np.float64],
    effect: NDArray[np.float64],
    frailty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return `log_likelihood` of posterior draws, (chain, draw, n), in bounded memory."""
    shape = frailty.shape
    a, e, f = (values.reshape(-1, *values.shape[2:]) for values in (age, effect, frailty))
    chunks = [slice(first, first + _CHUNK) for first in range(0, len(f), _CHUNK)]
    parts = [log_likelihood(np, a[c], e[c], f[c], spells) for c in chunks]
    return np.concatenate(parts).reshape(*shape, -1)
