r"""When a calibration fails: ranks, forecast probabilities and the rule, in one place.

*Ranks.* Of n ranks from 0 to L, those below j number Binomial(n, j / (L + 1)) where the truth is
one more draw. The statistic is the smallest tail probability over all j,

.. math:: \gamma = \min_j 2 \min\{P(X_j \le c_j), P(X_j \ge c_j)\},

and its distribution under uniform ranks comes from simulated ones (Säilynoja, Bürkner and Vehtari
2022). `arviz_stats` draws the same bands for continuous values; it gives no p-value and knows no
discrete ranks. Where none of these is as small, their share only says "less than one over their
number"; there the union bound over the L places counts, :math:`p \le L \gamma`, which falls as far
as the ranks do.

*Forecast probabilities.* Of L posterior draws k see a target happen, and the truth is one more
draw. Given how many of the L + 1 see it, each is as likely as any other to be the truth, so that it
happened with probability :math:`\pi = (k + y) / (L + 1)`, exactly, however few draws there are: a
forecast of 0 from a hundred of them is no certainty. The number that happened in n simulations is
then a sum of independent Bernoulli variables, whose distribution is computed, not approximated.

*The rule.* A calibration fails where

* a simulation could not be done;
* a quantity has a p-value of 1 % or less after all of them are allowed for (Holm 1979);
* more quantities leave their own 99 % bands than `outside_limit` allows, in a group or in all. A
  hundredth is expected; quantities of one simulation depend on each other, so that the limit is
  generous: five, or a tenth where that is more;
* the mean spread of a group differs from 1 by more than its Monte-Carlo error allows: at 1 %,
  two-sided by Student's t, over all groups (Holm 1979). The error is that of the mean over
  simulations, which are independent, of the spread within each, so that dependence between
  quantities is in it; it is taken no smaller than if they were independent. One simulation says
  nothing of spread;
* there are fewer than `LEAST_SIMULATIONS`, which say nothing for or against it. Where all draws of
  a group are three quarters as wide as they should be, 20 simulations find it, and five do so one
  time in five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.evaluation.scores.reliability import EDGES
from beliefs.evaluation.scores.skill import holm

__all__ = [
    "COVERAGE", "LEAST_SIMULATIONS", "Bands", "Bin", "Foretold", "Group", "Judged", "bands",
    "failures", "foretell", "foretold_p", "groups_of", "in_words", "judge", "outside_limit",
    "p_value", "poisson_binomial",
]  # fmt: skip

Floats = NDArray[np.float64]

COVERAGE = 0.99
REFERENCE = 20_000
"""Sets of uniform ranks that bands and p-values are simulated from; p-values smaller than one over
their number are bounds."""
SEED = 20_220_401
PROBABILITIES = ("probability", "reliability")
"""Groups of what is judged without ranks."""
LEAST_SIMULATIONS = 20
"""With fewer, passing says too little to be called calibrated."""
LEAST, SHARE = 5, 0.1
VARIANCE = 0.8
"""Of 12 (u - 1/2)^2 where u is uniform."""


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
        (n,), whole numbers from 0 to L; ValueError without any, or for one out of range.
    draws
        L, the number of draws that the truth was ranked among.
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
    """Return bands that `n` uniform ranks leave nowhere with probability `coverage`."""
    from scipy.stats import binom

    level = float(np.quantile(_reference(n, draws), 1.0 - coverage, method="lower"))
    at = np.arange(draws + 2) / (draws + 1.0)
    low = binom.ppf(0.5 * level, n, at) / n - at
    high = binom.isf(0.5 * level, n, at) / n - at
    low[[0, -1]] = high[[0, -1]] = 0.0
    return Bands(at, low, high)


def _shares(ranks: ArrayLike, draws: int) -> tuple[Floats, Floats]:
    """Return ranks as shares (rank + 1/2) / (L + 1), and the spread of each.

    That is the squared distance from 1/2 over its mean under uniform ranks.
    """
    share = (np.asarray(ranks, dtype=float) + 0.5) / (draws + 1.0)
    uniform = ((draws + 1.0) ** 2 - 1.0) / (12.0 * (draws + 1.0) ** 2)
    return share, (share - 0.5) ** 2 / uniform


def judge(
    ranks: Mapping[str, ArrayLike], draws: int, others: Mapping[str, float] | None = None
) -> tuple[Judged, ...]:
    """Judge the ranks (n,) of many quantities, the least uniform first.

    `others` are p-values of what is judged with them but has no ranks.
    """
    p = {name: p_value(np.asarray(v, dtype=np.int64), draws) for name, v in ranks.items()}
    p |= others or {}
    rows = []
    for (name, mine), adjusted in zip(p.items(), holm([*p.values()]), strict=True):
        mean = spread = None
        if name in ranks:
            mean, spread = (float(v.mean()) for v in _shares(ranks[name], draws))
        rows.append(Judged(name, mine, float(adjusted), mine <= 1.0 - COVERAGE, mean, spread))
    return tuple(sorted(rows, key=lambda row: (row.p, row.name)))


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
        (n, 2): share of the draws in which it happens, and whether it did; ValueError for none.
    draws
        L, the number of draws.
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


@dataclass(frozen=True)
class Group:
    """Quantities of one kind.

    Attributes
    ----------
    group
        Its name.
    quantities, outside, limit
        How many there are, how many leave their own bands, and how many may.
    mean, spread
        Means of `Judged.mean` and ``spread``; None without ranks. A spread above 1 in all of many
        parameters shows draws that are somewhat too narrow, as too few particles leave them, before
        any single one leaves its bands.
    error
        Monte-Carlo standard error of the spread; None with one simulation.
    p
        Probability of a spread as far from 1, allowing for the number of groups; None likewise.
    """

    group: str
    quantities: int
    outside: int
    limit: int
    mean: float | None
    spread: float | None
    error: float | None
    p: float | None


def outside_limit(quantities: int) -> int:
    """Return how many of some quantities may leave their own bands."""
    return max(LEAST, int(SHARE * quantities))


def groups_of(
    judged: Sequence[Judged], ranks: Mapping[str, ArrayLike], draws: int
) -> tuple[Group, ...]:
    """Return what is to be said of each kind of quantity, by its verdicts and ranks."""
    found = []
    for name in dict.fromkeys((*(row.split(":")[0] for row in ranks), *PROBABILITIES)):
        mine = [row for row in judged if row.name.startswith(f"{name}:")]
        if not mine:
            continue
        told: tuple[float | None, ...] = (None,) * 4
        if name not in PROBABILITIES:
            told = _spread([ranks[row.name] for row in mine], draws)
        outside = sum(row.outside for row in mine)
        found.append(Group(name, len(mine), outside, outside_limit(len(mine)), *told))
    known = [row.p for row in found if row.p is not None]
    adjusted = iter(holm(known))
    return tuple(row if row.p is None else replace(row, p=float(next(adjusted))) for row in found)


def _spread(ranks: Sequence[ArrayLike], draws: int) -> tuple[float | None, ...]:
    """Return mean, spread, its error and p-value of quantities (K, n)."""
    from scipy.stats import t

    share, spread = _shares(np.asarray(ranks), draws)
    each = spread.mean(axis=0)
    n, mean = len(each), float(each.mean())
    if n < 2:
        return float(share.mean()), mean, None, None
    least = float(np.sqrt(VARIANCE / spread.size))
    error = max(float(each.std(ddof=1)) / float(np.sqrt(n)), least)
    return float(share.mean()), mean, error, float(2.0 * t.sf(abs(mean - 1.0) / error, n - 1))


def failures(
    judged: Sequence[Judged], groups: Sequence[Group], failed: Mapping[int, str], simulations: int
) -> tuple[str, ...]:
    """Return why a calibration of so many simulations fails; nothing where it does not."""
    out = [f"simulations that could not be done: {len(failed)}"] if failed else []
    if simulations < LEAST_SIMULATIONS:
        out.append(f"too few simulations: {simulations} of at least {LEAST_SIMULATIONS}")
    certain = [row.name for row in judged if row.adjusted <= 1.0 - COVERAGE]
    if certain:
        out.append(f"not uniform, allowing for {len(judged)} quantities: {len(certain)}")
    every = ("all", len(judged), sum(row.outside for row in judged), outside_limit(len(judged)))
    for name, size, outside, limit in (
        *((g.group, g.quantities, g.outside, g.limit) for g in groups), every,
    ):  # fmt: skip
        if outside > limit:
            out.append(f"outside their own bands: {outside} of {size} of {name}, at most {limit}")
    out += [
        f"mean spread of {g.group} is {g.spread:.3f} ± {g.error:.3f} (p {g.p:.1g})"
        for g in groups
        if g.p is not None and g.p <= 1.0 - COVERAGE
    ]
    return tuple(out)


def in_words(passed: bool, simulations: int) -> str:
    """Return the verdict on a calibration in words."""
    if simulations < LEAST_SIMULATIONS:
        return f"not judged: {simulations} of the {LEAST_SIMULATIONS} simulations needed to say"
    verdict = "calibrated" if passed else "NOT calibrated"
    return f"{verdict}, allowing for how many are judged at once"
