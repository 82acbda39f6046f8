r"""Do forecast probabilities of simulated studies come true as often as they say: exact checks.

Of L posterior draws k see a target happen, and the truth is one more draw. Given how many of the
L + 1 see it, each is as likely as any other to be the truth, so that it happened with probability

.. math:: \pi = (k + y) / (L + 1),

exactly, however few draws there are: a forecast of 0 from a hundred of them is no certainty. The
number that happened in n simulations is then a sum of independent Bernoulli variables, whose
distribution is computed and not approximated. With many draws :math:`\pi` is the forecast k / L.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.evaluation.calibration.uniformity import COVERAGE
from beliefs.evaluation.scores.reliability import EDGES

__all__ = ["Bin", "Foretold", "foretell", "foretold_p", "poisson_binomial"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """How often what was foretold with a probability in some range came.

    Attributes
    ----------
    begin, end
        The range of probabilities.
    n
        Simulations in it.
    forecast, happened
        Mean forecast, and share in which it happened.
    low, high
        Between these that share lies with 99 % probability at least, were forecasts calibrated.
    p
        Probability, at most, of a share as far off; exact and two-sided.
    outside
        Whether `p` is 1 % or less.
    """

    begin: float
    end: float
    n: int
    forecast: float
    happened: float
    low: float
    high: float
    p: float
    outside: bool


@dataclass(frozen=True)
class Foretold:
    """Verdict on the forecast probabilities of one target.

    Attributes
    ----------
    all
        All simulations together.
    error
        Standard error of the share that happened, were forecasts calibrated.
    z
        Number that happened less the number expected, in standard errors; None where each forecast
        was certain and right.
    bins
        The same by range of probability, those with a simulation.
    reliability
        Probability, at most, of one bin as far off: the least of them times their number.
    """

    all: Bin
    error: float
    z: float | None
    bins: tuple[Bin, ...]
    reliability: float


def poisson_binomial(p: ArrayLike) -> Floats:
    """Return P(X = k), (n + 1,), of a sum X of Bernoulli variables with probabilities p (n,)."""
    found = np.ones(1)
    for one in np.asarray(p, dtype=float):
        found = np.convolve(found, [1.0 - one, one])
    return found


def _bin(begin: float, end: float, values: Floats, chance: Floats) -> Bin:
    n, came = len(values), int(values[:, 1].sum())
    mass = poisson_binomial(chance)
    below, above = np.cumsum(mass), np.cumsum(mass[::-1])[::-1]
    tail = 0.5 * (1.0 - COVERAGE)
    p = float(min(1.0, 2.0 * min(below[came], above[came])))
    return Bin(
        begin=begin,
        end=end,
        n=n,
        forecast=float(values[:, 0].mean()),
        happened=came / n,
        low=int(np.argmax(below > tail)) / n,
        high=(n - int(np.argmax(above[::-1] > tail))) / n,
        p=p,
        outside=p <= 1.0 - COVERAGE,
    )


def foretell(values: ArrayLike, draws: int) -> Foretold:
    """Judge the forecast probabilities of one target.

    Parameters
    ----------
    values
        (n, 2): share of the draws in which it happens, and whether it did (0 or 1).
    draws
        L, the number of draws.

    Raises
    ------
    ValueError
        No simulation.
    """
    told = np.asarray(values, dtype=float)
    if not len(told):
        raise ValueError("no simulations")
    came = told[:, 1]
    chance = (np.rint(told[:, 0] * draws) + came) / (draws + 1.0)
    deviation = float(np.sqrt(np.sum(chance * (1.0 - chance))))
    # A function of k + y alone, so that probabilities within a range are still exact.
    place = np.clip(np.digitize(chance, EDGES) - 1, 0, len(EDGES) - 2)
    bins = tuple(
        _bin(EDGES[k], EDGES[k + 1], told[place == k], chance[place == k]) for k in np.unique(place)
    )
    return Foretold(
        all=_bin(0.0, 1.0, told, chance),
        error=deviation / len(told),
        z=float(np.sum(came - chance)) / deviation if deviation > 0.0 else None,
        bins=bins,
        reliability=min(1.0, len(bins) * min(one.p for one in bins)),
    )


def foretold_p(found: Mapping[str, Foretold]) -> Iterator[tuple[str, float]]:
    """Yield what is judged beside ranks, by name: of each target its number and its bins."""
    for target, one in found.items():
        yield f"probability:{target}", one.all.p
        yield f"reliability:{target}", one.reliability
