r"""Are ranks uniform? The empirical distribution function against simultaneous bands.

Of n ranks from 0 to L, those below j number Binomial(n, j / (L + 1)) where the truth is one more
draw. The statistic is the smallest tail probability over all j,

.. math:: \gamma = \min_j 2 \min\{P(X_j \le c_j), P(X_j \ge c_j)\},

and its distribution under uniform ranks comes from simulated ones (Säilynoja, Bürkner and Vehtari
2022). `arviz_stats` draws the same bands for continuous values; it gives no p-value and knows no
discrete ranks. Where none of these is as small, their share only says "less than one over their
number"; there the union bound over the L places counts, :math:`p \le L \gamma`, which falls as far
as the ranks do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["COVERAGE", "Bands", "Judged", "bands", "holm", "judge", "p_value", "shares"]

Floats = NDArray[np.float64]

COVERAGE = 0.99
REFERENCE = 20_000
"""Sets of uniform ranks that bands and p-values are simulated from; p-values smaller than one over
their number are bounds."""
SEED = 20_220_401


@dataclass(frozen=True, eq=False)
class Bands:
    """Simultaneous bands of the distribution function of ranks less that of uniform ones.

    Attributes
    ----------
    at
        Share (L + 2,) of ranks that lie below 0, 1, ... L + 1, were they uniform.
    low, high
        (L + 2,) bounds of the difference.
    """

    at: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Judged:
    """Verdict on one quantity: on its ranks, or on something else that has a p-value.

    Attributes
    ----------
    name
        Of the quantity.
    p
        Probability of ranks as far from uniform, or of that something else.
    adjusted
        The same, allowing for the number of quantities judged at once (Holm 1979).
    outside
        Whether its distribution function leaves its own bands.
    mean
        Mean of (rank + 1/2) / (L + 1): above 1/2 where the truth lies above the draws. None without
        ranks.
    spread
        Variance of the same as a multiple of that of uniform ranks: above 1 where the draws are
        too narrow. None without ranks.
    """

    name: str
    p: float
    adjusted: float
    outside: bool
    mean: float | None
    spread: float | None


def _counts(ranks: ArrayLike, draws: int) -> NDArray[np.int64]:
    """Return how many ranks lie below 1, ... L, (..., L)."""
    values = np.asarray(ranks, dtype=np.int64)
    if values.size and (values.min() < 0 or values.max() > draws):
        raise ValueError(f"ranks lie between 0 and {draws}")
    each = np.stack([np.bincount(row, minlength=draws + 1) for row in np.atleast_2d(values)])
    found: NDArray[np.int64] = np.cumsum(each, axis=-1)[:, :-1]
    return found


def _statistic(counts: NDArray[np.int64], n: int, draws: int) -> Floats:
    """Return the smallest two-sided tail probability, (...)."""
    below, above = _tails(n, draws)
    place = np.arange(draws)
    tail: Floats = 2.0 * np.minimum(below[counts, place], above[counts, place]).min(axis=-1)
    return tail


@lru_cache(maxsize=8)
def _tails(n: int, draws: int) -> tuple[Floats, Floats]:
    """Return P(X_j <= k) and P(X_j >= k), (n + 1, L) each.

    Each is computed for itself: one less the other would lose all digits of small ones.
    """
    from scipy.special import bdtr, bdtrc

    at = np.arange(1, draws + 1) / (draws + 1.0)
    below = np.stack([bdtr(k, n, at) for k in range(n + 1)])
    above = np.stack([np.ones(draws), *(bdtrc(k - 1, n, at) for k in range(1, n + 1))])
    below.flags.writeable = above.flags.writeable = False
    return below, above


@lru_cache(maxsize=8)
def _reference(n: int, draws: int) -> Floats:
    """Return sorted statistics of uniform ranks, (REFERENCE,)."""
    rng = np.random.default_rng([SEED, n, draws])
    parts = [
        _statistic(_counts(rng.integers(0, draws + 1, size=(1000, n)), draws), n, draws)
        for _ in range(REFERENCE // 1000)
    ]
    found = np.sort(np.concatenate(parts))
    found.flags.writeable = False
    return found


def p_value(ranks: ArrayLike, draws: int) -> float:
    """Return the probability that uniform ranks lie as far from uniform as these.

    Parameters
    ----------
    ranks
        (n,), whole numbers from 0 to L.
    draws
        L, the number of draws that the truth was ranked among.

    Raises
    ------
    ValueError
        No rank, or one that is out of range.

    Notes
    -----
    The share of simulated sets that lie as far, or, where none does and it is smaller, the union
    bound over the places.
    """
    n = np.asarray(ranks).size
    if n == 0:
        raise ValueError("no ranks")
    found = _statistic(_counts(ranks, draws), n, draws)[0]
    # Statistics are discrete: those that differ by rounding alone are equal.
    beyond = int(np.searchsorted(_reference(n, draws), found * (1.0 + 1e-9), side="right"))
    share = (1.0 + beyond) / (1.0 + REFERENCE)
    if beyond:
        return share
    # A tail may be smaller than any double.
    return float(min(share, max(draws * found, np.finfo(float).tiny)))


def bands(n: int, draws: int, coverage: float = COVERAGE) -> Bands:
    """Return bands that uniform ranks leave nowhere with probability `coverage`.

    Parameters
    ----------
    n
        Number of ranks.
    draws
        L.
    coverage
        Probability that the whole function stays inside.
    """
    from scipy.stats import binom

    level = float(np.quantile(_reference(n, draws), 1.0 - coverage, method="lower"))
    at = np.arange(draws + 2) / (draws + 1.0)
    low = binom.ppf(0.5 * level, n, at) / n - at
    high = binom.isf(0.5 * level, n, at) / n - at
    low[[0, -1]] = high[[0, -1]] = 0.0
    return Bands(at, low, high)


def holm(p: ArrayLike) -> Floats:
    """Return p-values (K,) adjusted for their number (Holm 1979)."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    out = np.empty(len(values))
    out[order] = np.minimum(steps, 1.0)
    return out


def shares(ranks: ArrayLike, draws: int) -> tuple[Floats, Floats]:
    """Return ranks as shares (rank + 1/2) / (L + 1), and the spread of each.

    Parameters
    ----------
    ranks
        (...,).
    draws
        L.

    Returns
    -------
    tuple of ndarray
        Squared distance from 1/2 over its mean under uniform ranks, (...,), is the spread; its mean
        is 1 where ranks are uniform.
    """
    share = (np.asarray(ranks, dtype=float) + 0.5) / (draws + 1.0)
    uniform = ((draws + 1.0) ** 2 - 1.0) / (12.0 * (draws + 1.0) ** 2)
    return share, (share - 0.5) ** 2 / uniform


def judge(
    ranks: Mapping[str, ArrayLike], draws: int, others: Mapping[str, float] | None = None
) -> tuple[Judged, ...]:
    """Judge the ranks of many quantities, the least uniform first.

    Parameters
    ----------
    ranks
        By quantity, (n,) each.
    draws
        L.
    others
        P-values of what is judged with them but has no ranks.
    """
    p = {name: p_value(np.asarray(v, dtype=np.int64), draws) for name, v in ranks.items()}
    p |= others or {}
    rows = []
    for (name, mine), adjusted in zip(p.items(), holm([*p.values()]), strict=True):
        mean = spread = None
        if name in ranks:
            mean, spread = (float(v.mean()) for v in shares(ranks[name], draws))
        rows.append(Judged(name, mine, float(adjusted), mine <= 1.0 - COVERAGE, mean, spread))
    return tuple(sorted(rows, key=lambda row: (row.p, row.name)))
