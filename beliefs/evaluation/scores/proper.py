"""Proper scores of one forecast, all losses: smaller is better (Gneiting and Raftery 2007)."""

import numpy as np
from numpy.typing import ArrayLike

from beliefs.features.steps import Floats

_LEAST = 1e-6  # probabilities that are kept in documents have six digits


def brier(p: ArrayLike, happened: ArrayLike) -> Floats:
    """Return (p - y)² (Brier 1950), the shape of `p`."""
    return np.square(np.asarray(p, float) - np.asarray(happened, float))


def smoothed(share: ArrayLike, draws: int) -> Floats:
    """Return (k + 1/2) / (n + 1) where k of n futures are a share: never 0 or 1.

    The posterior mean under Jeffreys' prior: what n futures warrant, done to all shares alike, so
    that a share of 1 / n does not score worse or better than one of 0 for no reason.
    """
    return np.asarray((np.asarray(share, float) * draws + 0.5) / (draws + 1.0))


def log_score(p: ArrayLike, happened: ArrayLike, error: ArrayLike) -> Floats:
    """Return -log p(what happened) (Good 1952); 0 and 1 count as their Monte-Carlo error away."""
    # A share of 0 among draws is no more than "rarer than one draw"; certainty may score infinity.
    share, off = np.asarray(p, float), np.asarray(error, float)
    inside = np.where(share == 0.0, off, np.where(share == 1.0, 1.0 - off, share))
    inside = np.clip(inside, _LEAST, 1.0 - _LEAST)
    return -np.where(np.asarray(happened, bool), np.log(inside), np.log1p(-inside))


def time_score(cdf: ArrayLike, observed: ArrayLike, unit: float) -> Floats:
    r"""Return the CRPS of min(T, h), T the time until something comes, in the `unit` of a period.

    :math:`\int_0^h (F(u) - 1\{T \le u\})^2 du`, also the threshold-weighted CRPS of T with all
    weight before h (Gneiting and Ranjan 2011). `cdf` (..., h + 1) holds after 0 .. h periods;
    `observed` is the period in which it happened, from 1 on, more than h where it did not.
    """
    before = np.asarray(cdf, float)[..., :-1]
    step = np.asarray(observed)[..., None] <= np.arange(before.shape[-1])
    return np.asarray(unit * np.square(before - step).sum(axis=-1))


def crps(samples: ArrayLike, observed: ArrayLike) -> Floats:
    """Return the CRPS of an ensemble, samples first, as mean pinball loss of its quantiles."""
    values = np.sort(np.asarray(samples, float), axis=0)
    n, gap = len(values), values - observed
    rank = (np.arange(n) + 0.5).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(2.0 * ((gap * (n * (gap > 0.0) - rank)).sum(axis=0) / n**2))


def count_scores(samples: ArrayLike, observed: float, threshold: float) -> tuple[float, float]:
    """Return the CRPS of a count, and above a threshold (Allen, Ginsbourger and Ziegel 2023)."""
    above = crps(np.maximum(samples, threshold), max(observed, threshold))
    return float(crps(samples, observed)), float(above)


def pit(below: ArrayLike, upto: ArrayLike, uniform: ArrayLike) -> Floats:
    """Return the randomised probability integral transform (Czado, Gneiting and Held 2009)."""
    low = np.asarray(below, float)
    return np.asarray(low + np.asarray(uniform, float) * (np.asarray(upto, float) - low))
