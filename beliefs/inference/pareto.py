"""How heavy is the tail of importance weights: the k-hat of Pareto-smoothed importance sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["RELIABLE", "pareto_k"]

RELIABLE = 0.7
"""Beyond it the estimates of weighted means settle too slowly to be trusted."""
FEWEST = 25
"""Weights to which a tail of five can be fitted."""


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
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), https://jmlr.org/papers/v25/19-556.html.
    """
    from arviz_stats.base.array import array_stats  # slow to import

    if len(log_weights) == 0 or np.ptp(log_weights) == 0.0:
        return -np.inf
    if len(log_weights) < FEWEST:
        return np.inf
    try:  # ArviZ takes log likelihoods that were left out, the negative of log weights
        return float(array_stats.psislw(-log_weights)[1])
    except ValueError:  # the largest weights are all equal
        return np.inf
