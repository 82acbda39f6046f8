"""Proper scores of one forecast: of something that comes or not, of when it comes, of how many.

All are losses: smaller is better, and the mean is least for whoever says what he believes (Gneiting
and Raftery 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["brier", "count_scores", "log_score", "pit", "smoothed", "time_score"]

Floats = NDArray[np.float64]

_LEAST = 1e-6  # probabilities that are kept in documents have six digits


def brier(p: ArrayLike, happened: ArrayLike) -> Floats:
    """Return (p - y)² (Brier 1950), the shape of `p`."""
    import scoringrules

    return np.asarray(scoringrules.brier_score(np.asarray(happened, float), np.asarray(p, float)))


def smoothed(share: ArrayLike, draws: int) -> Floats:
    """Return (k + 1/2) / (n + 1) where k of n futures are a share: never 0 or 1.

    The posterior mean of their probability under Jeffreys' prior. The log score of a share of 0 is
    that of whatever stands in for it; here it is what n futures warrant, and done to all shares
    alike, so that a share of 1 / n does not score worse or better than one of 0 for no reason.

    Parameters
    ----------
    share
        Shares of futures.
    draws
        How many futures there are.
    """
    return np.asarray((np.asarray(share, float) * draws + 0.5) / (draws + 1.0))


def log_score(p: ArrayLike, happened: ArrayLike, error: ArrayLike) -> Floats:
    """Return -log of the probability given to what happened (Good 1952), the shape of `p`.

    Parameters
    ----------
    p
        Probabilities.
    happened
        Outcomes, 0 or 1.
    error
        Monte-Carlo error of `p`. A share of 0 or 1 among draws means no more than "rarer than one
        draw": it counts as that far from 0 or 1, since the score of certainty may be infinite.
    """
    import scoringrules

    share, off = np.asarray(p, float), np.asarray(error, float)
    inside = np.where(share == 0.0, off, np.where(share == 1.0, 1.0 - off, share))
    inside = np.clip(inside, _LEAST, 1.0 - _LEAST)
    # As a binomial of one trial; scoringrules.log_score adds 1 and takes it off again, which costs
    # small probabilities their last digits.
    return np.asarray(
        scoringrules.logs_binomial(np.asarray(happened, float), np.ones_like(inside), inside)
    )


def time_score(cdf: ArrayLike, came: ArrayLike, unit: float) -> Floats:
    r"""Return the CRPS of the time until something comes, all of it restricted at the horizon.

    A window of h periods shows no more of a time T than min(T, h). Its CRPS,
    :math:`\int_0^h (F(u) - 1\{T \le u\})^2 du`, is also the threshold-weighted CRPS of T with all
    weight before h (Gneiting and Ranjan 2011), and so proper.

    Parameters
    ----------
    cdf
        Probability that it has come after 0 .. h periods, (..., h + 1).
    came
        Number of the period in which it came, from 1 on; more than h where it did not, (...).
    unit
        Length of a period.

    Returns
    -------
    ndarray
        (...), in the unit of `unit`.
    """
    told = np.asarray(cdf, float)[..., :-1]
    step = np.asarray(came)[..., None] <= np.arange(told.shape[-1])
    out: Floats = unit * np.square(told - step).sum(axis=-1)
    return out


def count_scores(samples: ArrayLike, observed: float, threshold: float) -> tuple[float, float]:
    """Return the CRPS of a count, and its threshold-weighted CRPS.

    Parameters
    ----------
    samples
        Equally likely counts, (sample,).
    observed
        What was counted.
    threshold
        Weight is 1 above, 0 below: only how well high counts were told apart is scored (Gneiting
        and Ranjan 2011; Allen, Ginsbourger and Ziegel 2023).
    """
    import scoringrules

    told = np.asarray(samples, float)
    whole = scoringrules.crps_ensemble(observed, told)
    above = scoringrules.twcrps_ensemble(observed, told, v_func=lambda x: np.maximum(x, threshold))
    return float(whole), float(above)


def pit(below: ArrayLike, upto: ArrayLike, uniform: ArrayLike) -> Floats:
    """Return the randomised probability integral transform (Czado, Gneiting and Held 2009).

    Parameters
    ----------
    below, upto
        Probability of less than what was observed, and of that or less.
    uniform
        Standard uniform numbers.

    Returns
    -------
    ndarray
        Uniform where forecasts are calibrated.
    """
    low = np.asarray(below, float)
    return np.asarray(low + np.asarray(uniform, float) * (np.asarray(upto, float) - low))
