r"""Pooled base rates: what other conflicts say of a new one before anything is known of it.

Posterior draws of the hierarchical hazards of ``scripts/pooling.py``, made once by
``scripts/pool_base_rates.py`` and shipped in ``data/pooled``. A new conflict differs from the mean
of its class by its covariates and by a frailty of its own, whose spread was learnt: predictions
here integrate over both posterior draws and frailty.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from beliefs.features.steps import Floats
from beliefs.model import priors as pz
from beliefs.study.bundled import data_folder, read_pooled

CLASSES = ("talks", "agreement", "other_end")
"""First talks in wars; formal agreement, and any other end, in crises (which compete). Of ends, the
covariate ``mediated`` is known in hindsight only: leave it out of forecasts."""

AGE_BINS = (0.0, 30.0, 90.0, 180.0, 365.0, float("inf"))
"""Ages in days between which a hazard is constant."""


def quadrature() -> tuple[Floats, Floats]:
    """Return 31 places and weights that integrate over a standard normal.

    The trapezoidal rule, which for smooth functions that fade at both ends errs less than
    Gauss-Hermite nodes of the same number: the likelihood of a long spell is narrow and far from
    the mean.
    """
    places = np.linspace(-6.0, 6.0, 31)
    weights = np.exp(-0.5 * places**2)
    return places, weights / weights.sum()


@dataclass(frozen=True, eq=False)
class PooledHazard:
    """Posterior draws of a class's hazard per day."""

    label: str  # what the event and the class are
    covariates: tuple[str, ...]
    centre: Floats  # means of the k covariates in the class
    age: Floats  # log hazard by bin of age (`AGE_BINS`) at the means, (draw, bin)
    effect: Floats  # of the covariates, (draw, k)
    frailty: Floats  # standard deviation of the conflicts' log hazards, (draw,)

    def log_hazard(self, covariates: Mapping[str, float] | None = None) -> Floats:
        """Return the log hazard per day, (draw, bin), at mean frailty and means of all unnamed."""
        covariates = covariates or {}
        unknown = set(covariates) - set(self.covariates)
        if unknown:
            raise ValueError(f"{sorted(unknown)} are not among {list(self.covariates)}")
        known = [covariates.get(n, m) for n, m in zip(self.covariates, self.centre, strict=True)]
        return self.age + (self.effect @ (np.asarray(known) - self.centre))[:, None]

    def log_odds(
        self, step_days: float, span_days: float, covariates: Mapping[str, float] | None = None
    ) -> NormalDist:
        """Return the predictive log-odds of the event per period, in a conflict not yet seen.

        Ages from 0 to `span_days` are averaged, each day alike, because one intercept stands for
        all of them.
        """
        edges = np.asarray(AGE_BINS)
        share = (np.clip(span_days, edges[:-1], edges[1:]) - edges[:-1]) / span_days
        mean_hazard = np.exp(self.log_hazard(covariates)) @ share
        # Of a hazard r per period: the log-odds of 1 - exp(-r).
        return self._normal(
            np.log(step_days * mean_hazard), lambda x: np.exp(x) + np.log(-np.expm1(-np.exp(x)))
        )

    def late(self) -> NormalDist:
        """Return the predictive log hazard per day in a conflict past the last bin of age."""
        return self._normal(self.log_hazard()[:, -1])

    def _normal(self, centre: Floats, of: Callable[[float], float] = float) -> NormalDist:
        """Return the normal for a function of log hazards, whose frailties lie around `centre`.

        Both have the same points one standard deviation off the mean; moments would not do, as
        log-odds run to infinity where a hazard is far above one per period.
        """
        low, high = (of(_mixture_quantile(centre, self.frailty, q)) for q in ndtr([-1.0, 1.0]))
        return NormalDist(float((low + high) / 2.0), float((high - low) / 2.0))


def _mixture_quantile(mean: Floats, sd: Floats, level: float) -> float:
    """Return where a mixture of normals, one per draw, has `level` of its mass below it."""
    each = mean + sd * ndtri(level)
    # It lies between those of the parts. Bisection: SciPy's solvers are slow to import.
    low, high = float(each.min()), float(each.max())
    while low < (middle := (low + high) / 2.0) < high:
        below = float(ndtr((middle - mean) / sd).mean()) < level
        low, high = (middle, high) if below else (low, middle)
    return high


def incidence(
    causes: Sequence[tuple[PooledHazard, Mapping[str, float]]], age_days: float, days: float
) -> tuple[float, ...]:
    """Return P(ended by each cause within `days` | nothing ended it in `age_days`).

    Cumulative incidence of competing causes, one or two, not one minus survival per cause. Having
    lasted is evidence: draws and frailties count by the chance that they gave of lasting so long.
    """
    if len({len(hazard.age) for hazard, _ in causes}) != 1:
        raise ValueError("causes must have the same number of draws")
    places, weights = quadrature()
    # One axis of frailty per cause, after that of the draws: their product is a conflict.
    hazards, weight = [], np.ones(1)
    for place, (hazard, covariates) in enumerate(causes):
        shape = [1] * len(causes)
        shape[place] = weights.size
        base = np.exp(hazard.log_hazard(covariates)).T[..., None]
        frailty = np.exp(hazard.frailty[:, None] * places)
        by_bin = np.multiply(base, frailty, order="C")  # (bin, draw, node)
        hazards.append(by_bin.reshape(*base.shape[:2], *shape))
        weight = weight * weights.reshape(shape)
    alive: Any = weight
    ended: list[Any] = [0.0] * len(causes)
    now, end = float(age_days), float(age_days + days)
    for b, (low, high) in enumerate(pairwise(AGE_BINS)):
        total = sum(per_bin[b] for per_bin in hazards)
        alive = alive * np.exp(-total * max(0.0, min(now, high) - low))
    lasted = alive.sum()
    for b, (low, high) in enumerate(pairwise(AGE_BINS)):
        inside = max(0.0, min(end, high) - max(now, low))
        if not inside:
            continue
        total = sum(per_bin[b] for per_bin in hazards)
        stay = np.exp(-total * inside)
        for place, per_bin in enumerate(hazards):
            ended[place] = ended[place] + (alive * per_bin[b] / total * (1.0 - stay)).sum()
        alive = alive * stay
    return tuple(float(value / lasted) for value in ended)


def normal_of(file: str, name: str) -> pz.Prior:
    """Return the prior of a parameter of which a file of ``data/pooled`` speaks."""
    said = read_pooled(file)[name]
    return pz.Normal(said["mean"], said["sd"])


@cache
def load_pooled(name: str) -> PooledHazard:
    """Return the shipped posterior of one of `CLASSES`."""
    about, file = read_pooled("summary")["classes"][name], data_folder() / "pooled" / f"{name}.csv"
    draws = np.loadtxt(file, delimiter=",", skiprows=1, encoding="utf-8")
    bins = len(AGE_BINS) - 1
    covariates = tuple(about["covariates"])
    centre = np.asarray([about["covariates"][k]["class_mean"] for k in covariates])
    age, effect, frailty = draws[:, :bins], draws[:, bins:-1], draws[:, -1]
    return PooledHazard(about["label"], covariates, centre, age, effect, frailty)
