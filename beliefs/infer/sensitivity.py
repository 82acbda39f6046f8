"""Is a quantity governed by the prior? Power-scaling of prior and likelihood.

Kallioinen, Paananen, Bürkner and Vehtari (2024), by importance weights over posterior draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Power", "dominates", "power_of", "power_scaling", "prior_dominated", "summed"]

STEP = 0.05  # change of the power on the log2 scale's natural unit, small enough for weights
NOTICEABLE = 0.01  # change of a probability per doubling that is worth a flag


def power_scaling(log_density: NDArray[Any], happened: NDArray[Any]) -> float:
    """Return the change of P(happened) per doubling of the power of a density.

    Parameters
    ----------
    log_density
        Log prior or log likelihood of each draw, (sample,).
    happened
        Indicator of each draw, (sample,).
    """
    centred = log_density - log_density.mean()
    p = []
    for sign in (-1.0, 1.0):
        weight = np.exp((2.0 ** (sign * STEP) - 1.0) * centred)
        p.append(float((weight * happened).sum() / weight.sum()))
    return (p[1] - p[0]) / (2.0 * STEP)


@dataclass(frozen=True)
class Power:
    """Change of a probability per doubling of the power of the prior, and of the likelihood."""

    prior: float
    likelihood: float

    @property
    def prior_dominated(self) -> bool:
        """Whether the prior moves it more than the likelihood does, and noticeably."""
        return abs(self.prior) > max(abs(self.likelihood), NOTICEABLE)


def power_of(
    log_prior: NDArray[Any], log_likelihood: NDArray[Any], happened: NDArray[Any]
) -> Power:
    """Return what scaling prior and likelihood does to P(happened), each (sample,)."""
    return Power(*(power_scaling(density, happened) for density in (log_prior, log_likelihood)))


def summed(tree: Any, group: str) -> NDArray[np.float64]:
    """Return the sum of a group of log densities of a posterior, (sample,), chain by chain."""
    total: Any = 0.0
    for variable in tree[group].to_dataset().data_vars.values():
        values = np.asarray(variable.values)
        total = total + values.reshape(*values.shape[:2], -1).sum(axis=-1)
    found: NDArray[np.float64] = total.reshape(-1)
    return found


def prior_dominated(tree: Any, happened: NDArray[Any]) -> bool:
    """Return whether scaling the prior moves a probability more than scaling the likelihood.

    Parameters
    ----------
    tree
        DataTree with ``log_prior`` and ``log_likelihood``.
    happened
        Indicator by sample (chain * draws + draw).
    """
    prior, likelihood = (summed(tree, group) for group in ("log_prior", "log_likelihood"))
    return dominates(prior, likelihood, np.asarray(happened, dtype=float))


def dominates(
    log_prior: NDArray[Any], log_likelihood: NDArray[Any], happened: NDArray[Any]
) -> bool:
    """Return the same for log densities of each draw, (sample,)."""
    return power_of(log_prior, log_likelihood, happened).prior_dominated
