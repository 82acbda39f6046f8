"""Proper scores of one forecast: of something that comes or not, of when it comes, of how many.

All are losses: smaller is better, and the mean is least for whoever says what he believes (Gneiting
and Raftery 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_LEAST = 1e-6  # probabilities that are kept in documents have six digits


def brier(p: ArrayLike, happened: ArrayLike) -> Floats:
    """Return (p - y)² (Brier 1950), the shape of `p`."""
    return np.square(np.asarray(p, float) - np.asarray(happened, float))


def smoothed(share: ArrayLike, draws: int) -> Floats:
    """Return (k + 1/2) / (n + 1) where k of n futures are a share: never 0 or 1.

    The posterior mean of their probability under Jeffreys' prior. The log score of a share of 0 is
    that of whatever stands in for it; here it is what n futures warrant, and done to all shares
    alike, so that a share of 1 / n does not score worse or better than one of 0 for no reason.
    """
    return np.asarray((np.asarray(share, float) * draws + 0.5) / (draws + 1.0))


def log_score(p: ArrayLike, happened: ArrayLike, error: ArrayLike) -> Floats:
    """Return -log of the probability given to what happened (Good 1952), the shape of `p`.

    `error` is the Monte-Carlo error of `p`. A share of 0 or 1 among draws means no more than "rarer
    than one draw": it counts as that far from 0 or 1, since the score of certainty may be infinite.
    """
    share, off = np.asarray(p, float), np.asarray(error, float)
    inside = np.where(share == 0.0, off, np.where(share == 1.0, 1.0 - off, share))
    inside = np.clip(inside, _LEAST, 1.0 - _LEAST)
    return -np.where(np.asarray(happened, bool), np.log(inside), np.log1p(-inside))


def time_score(cdf: ArrayLike, came: ArrayLike, unit: float) -> Floats:
    r"""Return the CRPS of the time until something comes, restricted at the horizon, in `unit`.

    A window of h periods shows no more of a time T than min(T, h). Its CRPS,
    :math:`\int_0^h (F(u) - 1\{T \le u\})^2 du`, is also the threshold-weighted CRPS of T with all
    weight before h (Gneiting and Ranjan 2011), and so proper. `cdf` (..., h + 1) is the probability
    that it has come after 0 .. h periods of length `unit`; `came` the period in which it came, from
    1 on, more than h where it did not.
    """
    before = np.asarray(cdf, float)[..., :-1]
    step = np.asarray(came)[..., None] <= np.arange(before.shape[-1])
    return np.asarray(unit * np.square(before - step).sum(axis=-1))


def count_scores(samples: ArrayLike, observed: float, threshold: float) -> tuple[float, float]:
    """Return the CRPS of a count forecast by equal `samples`, and its threshold-weighted CRPS.

    Weight is 1 above the threshold, 0 below: only how well high counts are told apart is scored
    (Gneiting and Ranjan 2011; Allen, Ginsbourger and Ziegel 2023).
    """
    import scoringrules  # loads numba, which the ledger's scores need not wait for

    values = np.asarray(samples, float)
    whole = scoringrules.crps_ensemble(observed, values)
    above = scoringrules.twcrps_ensemble(
        observed, values, v_func=lambda x: np.maximum(x, threshold)
    )
    return float(whole), float(above)


def pit(below: ArrayLike, upto: ArrayLike, uniform: ArrayLike) -> Floats:
    """Return the randomised probability integral transform (Czado, Gneiting and Held 2009).

    From the probability of less than what was observed, of that or less, and standard uniform
    numbers; uniform where forecasts are calibrated.
    """
    low = np.asarray(below, float)
    return np.asarray(low + np.asarray(uniform, float) * (np.asarray(upto, float) - low))
