"""How heavy is the tail of importance weights: the k-hat of Pareto-smoothed importance sampling.

The same number as ArviZ gives (a test says so), whose import takes longer than an update may.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["RELIABLE", "pareto_k"]

RELIABLE = 0.7
"""Beyond it the estimates of weighted means settle too slowly to be trusted."""
_FEWEST = 5  # numbers a tail can be fitted to


def pareto_k(log_weights: NDArray[np.float64]) -> float:
    """Return the shape of the generalised Pareto distribution that fits the largest weights.

    Parameters
    ----------
    log_weights
        (N,), not normalised.

    Returns
    -------
    float
        Below 0.5 weights have a variance, beyond `RELIABLE` their means cannot be relied on. -inf
        where all weights are equal, as after a resampling; inf where no tail can be fitted.

    Notes
    -----
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), https://jmlr.org/papers/v25/19-556.html, with
    the estimator of Zhang and Stephens (2009).
    """
    n = len(log_weights)
    if n == 0 or np.ptp(log_weights) == 0.0:
        return -np.inf
    size = int(3.0 * np.sqrt(n)) if n > 225 else n // 5
    if size < _FEWEST:
        return np.inf
    ordered = np.sort(log_weights - np.max(log_weights))
    cut = max(float(ordered[n - size - 1]), float(np.log(np.finfo(float).tiny)))
    tail = np.exp(ordered[n - size :]) - np.exp(cut)
    return _shape(tail[tail > 0.0]) if (tail > 0.0).sum() >= _FEWEST else np.inf


def _shape(x: NDArray[np.float64]) -> float:
    """Return the shape of a generalised Pareto distribution from its draws in rising order."""
    n = len(x)
    quarter = x[int(n / 4.0 + 0.5) - 1]
    if quarter <= x[0]:
        return float(np.inf)
    grid = 30 + int(np.sqrt(n))
    b = 1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    b = b / (3.0 * quarter) + 1.0 / x[-1]
    k = np.log1p(-b[:, None] * x).mean(axis=1)
    gain = n * (np.log(-b / k) - k - 1.0)
    weight = np.exp(gain - gain.max())
    weight /= weight.sum()
    weight = np.where(weight >= 10.0 * np.finfo(float).eps, weight, 0.0)
    middle = float(np.sum(b * weight) / weight.sum())
    # A weak prior at 0.5 steadies short tails.
    return float((n * np.log1p(-middle * x).mean() + 10.0 * 0.5) / (n + 10.0))
