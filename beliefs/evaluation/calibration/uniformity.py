r"""When a calibration fails: ranks, forecast probabilities, the rule (docs/MODEL.md 6.1).

Of n ranks from 0 to L, those below j number Binomial(n, j / (L + 1)) where the truth is one more
draw. The statistic is the smallest tail probability over all j,

.. math:: \gamma = \min_j 2 \min\{P(X_j \le c_j), P(X_j \ge c_j)\},

and its distribution under uniform ranks comes from simulated ones (Säilynoja, Bürkner and Vehtari
2022); `arviz_stats` gives no p-value and knows no discrete ranks. Where none of these is as small,
the union bound over the L places counts, :math:`p \le L \gamma`.

Of a target that k of L draws see and the truth does (y = 1) or not, the chance given k + y is
:math:`\pi = (k + y) / (L + 1)`, exactly: a forecast of 0 from a hundred draws is no certainty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.evaluation.scores.skill import holm
from beliefs.evaluation.scores.skilltable import EDGES

Floats = NDArray[np.float64]

COVERAGE = 0.99
REFERENCE = 20_000  # sets of uniform ranks; p-values below one over their number are bounds
SEED = 20_220_401
PROBABILITIES = ("probability", "reliability")  # groups of what is judged without ranks
LEAST_SIMULATIONS = 20
"""With fewer, passing says too little: where all draws of a group are three quarters as wide as
they should be, 20 simulations find it, and five do so one time in five."""
LEAST, SHARE = 5, 0.1  # of quantities outside their bands; they depend on each other
VARIANCE = 0.8  # of 12 (u - 1/2)^2 where u is uniform


@dataclass(frozen=True, eq=False)
class Bands:
    """Simultaneous bands (L + 2,) of the share of ranks below 0, 1, ... L + 1 less that `at`."""

    at: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Judged:
    """Verdict on one quantity, on its ranks or on something else that has a p-value."""

    name: str
    p: float
    adjusted: float  # for all quantities judged at once (Holm 1979)
    outside: bool
    mean: float | None  # of (rank + 1/2) / (L + 1), above 1/2: truth above the draws
    spread: float | None  # variance over that of uniform ranks, above 1: too narrow draws


def _statistic(ranks: ArrayLike, draws: int) -> Floats:
    """Return the smallest two-sided tail probability of each row of ranks (..., n)."""
    values = np.atleast_2d(np.asarray(ranks, dtype=np.int64))
    if values.size and (values.min() < 0 or values.max() > draws):
        raise ValueError(f"ranks lie between 0 and {draws}")
    each = np.stack([np.bincount(row, minlength=draws + 1) for row in values])
    counts, place = np.cumsum(each, axis=-1)[:, :-1], np.arange(draws)  # below 1, ... L
    below, above = _tails(values.shape[-1], draws)
    return np.asarray(2.0 * np.minimum(below[counts, place], above[counts, place]).min(axis=-1))


@lru_cache(maxsize=8)
def _tails(n: int, draws: int) -> tuple[Floats, Floats]:
    """Return P(X_j <= k) and P(X_j >= k), (n + 1, L), each for itself: small ones keep digits."""
    from scipy.special import bdtr, bdtrc

    at = np.arange(1, draws + 1) / (draws + 1.0)
    k = np.arange(n + 1.0)[:, None]
    return bdtr(k, n, at), np.concatenate([np.ones((1, draws)), bdtrc(k[:-1], n, at)])


@lru_cache(maxsize=8)
def _reference(n: int, draws: int) -> Floats:
    """Return sorted statistics of uniform ranks, (REFERENCE,)."""
    rng = np.random.default_rng([SEED, n, draws])
    parts = [
        _statistic(rng.integers(0, draws + 1, size=(1000, n)), draws)
        for _ in range(REFERENCE // 1000)
    ]
    return np.sort(np.concatenate(parts))


def p_value(ranks: ArrayLike, draws: int) -> float:
    """Return the probability of uniform ranks as far from uniform as these (n,), of 0 to L."""
    n = np.asarray(ranks).size
    if n == 0:
        raise ValueError("no ranks")
    found = _statistic(ranks, draws)[0]
    # Statistics are discrete: those that differ by rounding alone are equal.
    beyond = int(np.searchsorted(_reference(n, draws), found * (1.0 + 1e-9), side="right"))
    share = (1.0 + beyond) / (1.0 + REFERENCE)
    if beyond:
        return share
    return float(min(share, max(draws * found, np.finfo(float).tiny)))  # a tail may underflow


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
    """Return ranks as shares (rank + 1/2) / (L + 1), and the spread of each, 1 in the mean."""
    share = (np.asarray(ranks, dtype=float) + 0.5) / (draws + 1.0)
    uniform = ((draws + 1.0) ** 2 - 1.0) / (12.0 * (draws + 1.0) ** 2)
    return share, (share - 0.5) ** 2 / uniform


def judge(
    ranks: Mapping[str, ArrayLike], draws: int, others: Mapping[str, float] | None = None
) -> tuple[Judged, ...]:
    """Judge ranks (n,) by quantity, least uniform first, with p-values of `others` without."""
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
    """How often what was forecast with a probability from `begin` to `end` came."""

    begin: float
    end: float
    n: int  # simulations
    forecast: float  # mean
    happened: float
    low: float  # `happened` lies above it and below `high` with 99 % at least, if calibrated
    high: float
    p: float  # at most, of as far off; exact and two-sided
    outside: bool


@dataclass(frozen=True)
class Foretold:
    """Verdict on the forecast probabilities of one target: all simulations, and by range."""

    all: Bin
    error: float  # standard error of the share that happened, if calibrated
    z: float | None  # of the number; None where each forecast was certain and right
    bins: tuple[Bin, ...]
    reliability: float  # the least p-value of the bins times their number


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
    """Judge values (n, 2): share of the L draws in which a target happens, and whether it did."""
    shares = np.asarray(values, dtype=float)
    if not len(shares):
        raise ValueError("no simulations")
    came = shares[:, 1]
    chance = (np.rint(shares[:, 0] * draws) + came) / (draws + 1.0)
    deviation = float(np.sqrt(np.sum(chance * (1.0 - chance))))
    # A function of k + y alone, so that probabilities within a range are still exact.
    place = np.clip(np.digitize(chance, EDGES) - 1, 0, len(EDGES) - 2)
    bins = tuple(
        _bin(EDGES[k], EDGES[k + 1], shares[place == k], chance[place == k])
        for k in np.unique(place)
    )
    return Foretold(
        all=_bin(0.0, 1.0, shares, chance),
        error=deviation / len(shares),
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
    """Quantities of one kind: how many leave their own bands, and how many may."""

    group: str
    quantities: int
    outside: int
    limit: int
    mean: float | None
    spread: float | None  # mean; shows too few particles before any single quantity does
    error: float | None  # of the spread over simulations, dependence of quantities included
    p: float | None  # of a spread as far from 1, for the number of groups; None with one simulation


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
        if mine:
            numbers: tuple[float | None, ...] = (None,) * 4
            if name not in PROBABILITIES:
                numbers = _spread([ranks[row.name] for row in mine], draws)
            outside = sum(row.outside for row in mine)
            found.append(Group(name, len(mine), outside, outside_limit(len(mine)), *numbers))
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
    outside = sum(row.outside for row in judged)
    every = Group("all", len(judged), outside, outside_limit(len(judged)), *(None,) * 4)
    out += [
        f"outside their own bands: {g.outside} of {g.quantities} of {g.group}, at most {g.limit}"
        for g in (*groups, every)
        if g.outside > g.limit
    ]
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
