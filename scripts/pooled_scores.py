"""Does pooling pay? Each conflict predicted from all others, pooled and unpooled."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pooling import PooledFit, fit_pooled, pointwise
from scipy.special import gammaln, logsumexp
from spells import Spells

from beliefs.evaluation.scores.skill import TAIL, block_sums, enough_blocks
from beliefs.inference.nuts.sampling import Sampling

__all__ = ["PooledScore", "compare", "exact_log_score", "leave_one_out", "unpooled_log_scores"]

Floats = NDArray[np.float64]
TRUSTED_K = 0.7
EVENTS, DAYS = 0.5, 100.0
"""Gamma prior of an unpooled rate: half an event in 100 days, so that empty cells can predict."""


@dataclass(frozen=True)
class PooledScore:
    """Log score of the pooled hazards less that of an unpooled rate.

    Attributes
    ----------
    against
        The unpooled rate in words.
    pooled, unpooled
        Mean leave-one-conflict-out log score per conflict; higher is better.
    difference, lower, upper
        Mean of the paired differences, and its interval by bootstrap over conflicts; NaN where
        there are too few of them.
    """

    against: str
    pooled: float
    unpooled: float
    difference: float
    lower: float
    upper: float


def leave_one_out(
    fit: PooledFit, *, seed: int, sampling: Sampling | None = None
) -> tuple[Floats, Floats]:
    """Return each conflict's log score given all others, and its Pareto k, each (n,).

    By Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry 2017) over the likelihood
    with frailty integrated out, so that k stays small; where it does not (`TRUSTED_K`), by
    sampling anew without the conflict.

    Parameters
    ----------
    fit
        Pooled hazards.
    seed, sampling
        Of what is sampled anew; as for `pooling.fit_pooled`.
    """
    import arviz as az

    with warnings.catch_warnings():  # of large k, which are seen to below
        warnings.filterwarnings("ignore", "Estimated shape parameter", UserWarning)
        found = az.loo(fit.tree, pointwise=True, var_name="spells")
    scores, k = np.array(found.elpd_i), np.array(found.pareto_k)
    for row in np.flatnonzero(k > TRUSTED_K):
        scores[row] = exact_log_score(fit.spells, int(row), seed=seed, sampling=sampling)
    return scores, k


def exact_log_score(
    spells: Spells, row: int, *, seed: int, sampling: Sampling | None = None
) -> float:
    """Return the log score of one conflict from hazards sampled without it."""
    rest = spells.take(np.arange(len(spells.names)) != row)
    posterior = fit_pooled(rest, seed=seed, sampling=sampling).tree["posterior"]
    age, effect, frailty = (np.asarray(posterior[k]) for k in ("age", "effect", "frailty"))
    # `age` is at the mean covariates of the others; move it to the mean of all.
    age = age + (effect @ (spells.mean - rest.mean))[..., None]
    each = pointwise(spells, age, effect, frailty)[..., row]
    return float(logsumexp(each) - np.log(each.size))


def unpooled_log_scores(spells: Spells, *, by_age: bool, cells: Sequence[str] = ()) -> Floats:
    """Return each conflict's log score from a rate of its own kind, itself left out, (n,).

    Parameters
    ----------
    spells
        The n conflicts.
    by_age
        Whether each bin of age has a rate of its own.
    cells
        Covariates that split conflicts into kinds which say nothing of each other.

    Returns
    -------
    ndarray
        Exact: the rate is Gamma (`EVENTS`, `DAYS` before any data) and integrated out.
    """
    at_end = np.eye(spells.exposure.shape[1])[spells.bin] * spells.event[:, None]
    days = spells.exposure
    if not by_age:
        at_end, days = at_end.sum(axis=1, keepdims=True), days.sum(axis=1, keepdims=True)
    columns = [spells.covariates.index(name) for name in cells]
    kinds = spells.design[:, columns]
    same = (kinds[:, None, :] == kinds[None, :, :]).all(axis=-1).astype(float)
    shape = EVENTS + same @ at_end - at_end
    rate = DAYS + same @ days - days
    return np.asarray(
        (
            gammaln(shape + at_end)
            - gammaln(shape)
            + shape * np.log(rate)
            - (shape + at_end) * np.log(rate + days)
        ).sum(axis=1)
    )


def compare(
    spells: Spells, pooled: Floats, cells: Sequence[str], *, seed: int, samples: int = 10_000
) -> tuple[PooledScore, ...]:
    """Hold the pooled hazards against a constant rate, rates by age, and rates by age and kind.

    Parameters
    ----------
    spells
        The n conflicts.
    pooled
        Scores of the pooled hazards, (n,), from `leave_one_out`.
    cells
        Covariates that make a kind.
    seed
        Seed of the bootstrap.
    samples
        Number of resamples.
    """
    rng = np.random.default_rng([seed, 2])
    rivals = {
        "one rate": unpooled_log_scores(spells, by_age=False),
        "a rate by age": unpooled_log_scores(spells, by_age=True),
        f"a rate by age and {', '.join(cells)}": unpooled_log_scores(
            spells, by_age=True, cells=cells
        ),
    }
    out = []
    for name, unpooled in rivals.items():
        gain = pooled - unpooled
        lower = upper = float("nan")
        if enough_blocks(len(gain), 1):
            means = block_sums(gain, 1, rng, samples=samples) / len(gain)
            lower, upper = (float(v) for v in np.quantile(means, [TAIL, 1.0 - TAIL]))
        out.append(
            PooledScore(
                name,
                float(pooled.mean()),
                float(unpooled.mean()),
                float(gain.mean()),
                lower,
                upper,
            )
        )
    return tuple(out)
