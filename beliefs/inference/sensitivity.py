"""Is a quantity governed by the prior, or do prior and data pull it apart? Power-scaling of both.

Kallioinen, Paananen, Bürkner and Vehtari (2024), by importance weights over posterior draws. A
prior that holds a quantity back against the data goes unnoticed when one asks only which of the two
moves it more: near a Gaussian posterior they then move it equally far, in opposite directions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.steps import Floats
from beliefs.inference.action_draws import action_draws
from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model.mechanisms.evidence import weights

STEP = 0.05  # change of the power on the log2 scale's natural unit, small enough for weights
NOTICEABLE = 0.01  # change of a probability per doubling that is worth a flag
SENSITIVE = 0.05  # cumulative Jensen-Shannon distance per doubling that is worth a flag
OTHER_SIGN = 0.9  # posterior probability of the sign that was not declared, to be worth a flag
ERRORS = 2.5  # Monte-Carlo errors that a change must exceed to be called a conflict


@dataclass(frozen=True)
class Power:
    """Change of a probability per doubling of the power of the prior, and of the likelihood."""

    prior: float
    likelihood: float
    error: float  # Monte-Carlo error of the first
    p: float  # the probability

    @property
    def prior_dominated(self) -> bool:
        """Whether the prior moves it more than the likelihood does, and noticeably."""
        return abs(self.prior) > max(abs(self.likelihood), NOTICEABLE)

    @property
    def prior_data_conflict(self) -> bool:
        """Whether both move it noticeably, and in opposite directions.

        Both distances must exceed `SENSITIVE`, the limit of Kallioinen et al. That of two events
        with probabilities p and p + d is |d| / (sqrt(8 log 2) min(p, 1 - p)) for small d.
        """
        rarer = min(self.p, 1.0 - self.p)
        least = max(SENSITIVE * np.sqrt(8.0 * np.log(2.0)) * rarer, NOTICEABLE)
        both = min(abs(self.prior), abs(self.likelihood)) > least
        apart = self.prior * self.likelihood < 0.0
        return bool(both and apart and abs(self.prior) > ERRORS * self.error)


def power_of(log_prior: Floats, log_likelihood: Floats, happened: NDArray[Any]) -> Power:
    """Return what scaling prior and likelihood does to P(happened), each (sample,)."""
    values = np.asarray(happened, dtype=float)

    def per_doubling(log_density: Floats) -> float:
        centred = log_density - log_density.mean()
        p = []
        for sign in (-1.0, 1.0):
            weight = np.exp((2.0 ** (sign * STEP) - 1.0) * centred)
            p.append(float((weight * values).sum() / weight.sum()))
        return (p[1] - p[0]) / (2.0 * STEP)

    p = float(values.mean())
    parts = np.log(2.0) * (log_prior - log_prior.mean()) * (values - p)
    error = float(parts.std() / np.sqrt(parts.size))
    return Power(per_doubling(log_prior), per_doubling(log_likelihood), error, p)


def densities(posterior: Posterior, actions: bool) -> list[tuple[NDArray[Any], ...]]:
    """Return log prior and log likelihood of draws, (sample,): of beliefs and talks, of actions."""
    names, found = ("log_prior", "log_likelihood"), []
    for name in names:
        parts = (np.asarray(v.values) for v in posterior.log_density[name].data_vars.values())
        found.append(np.ravel(sum(v.reshape(*v.shape[:2], -1).sum(axis=-1) for v in parts)))
    density = action_draws(posterior, "density") if actions else {}
    return [tuple(found), *([tuple(density[name] for name in names)] if actions else [])]


def reversed_weights(posterior: Posterior) -> list[tuple[str, float, float]]:
    """Return the weights off a side's own scorecard that are read against their direction.

    The side seems to read this news the other way round, or the indicator stands for something
    else. Given are term, mean weight in the declared direction, probability that it is negative.
    """
    structure = posterior.structure
    drawn = posterior.group("posterior")
    if "weight_other" not in drawn:
        return []
    names = ("weight_own", "weight_other", "shared")
    draws = {name: np.asarray(drawn[name].values) for name in names if name in drawn}
    found = weights(np, stacked_params(posterior.theory, structure, draws), structure)
    found = found.reshape(-1, found.shape[-1])
    shares = (found < 0.0).mean(axis=0)
    return [
        (structure.terms[k].name, float(found[:, k].mean()), float(shares[k]))
        for k in structure.other
        if shares[k] >= OTHER_SIGN
    ]
