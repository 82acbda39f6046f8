"""Simulation-based calibration: studies drawn from the prior, tracked, and the truth ranked.

What is ranked, how ranks and forecast probabilities are judged, and when it fails: MODEL section
6.1. The bands are those of Säilynoja, Bürkner and Vehtari (2022): the statistic is the smallest
two-sided tail probability of the numbers of ranks below each place, and its distribution comes from
simulated uniform ranks (`arviz_stats` gives no p-value and knows no discrete ranks). Where none of
these is as small, the union bound over the places counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from beliefs.errors import BeliefsError
from beliefs.evaluation.scores.skill import holm
from beliefs.evaluation.scores.skilltable import EDGES
from beliefs.evaluation.sensitivity import elements
from beliefs.evaluation.workers import done
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.steps import Floats
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.targets import event_steps, explained, headline
from beliefs.inference.filter.smooth import draw_paths
from beliefs.inference.posterior import Posterior, dataset_of, drawn, stacked_params
from beliefs.inference.smc.belief_lag import belief_lag
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.particles import resample
from beliefs.inference.smc.track import track
from beliefs.model import system
from beliefs.model.contract import Parameter
from beliefs.model.priors import no_fastmath
from beliefs.model.structure import structure_of, until
from beliefs.model.theory import Theory, free_parameters, null_values
from beliefs.simulation.paths import check_horizon
from beliefs.simulation.studies import Truth, simulate_belief_block, simulate_observed
from beliefs.study.load import Study

Values = dict[str, Floats]
Line = dict[str, Any]

DRAWS = 100
# What is ranked: names of quantities begin with one of these and a colon.
GROUPS = ("parameter", "actions", "belief", "density", "forecast")
COUNTS = ("strikes", "excluded", "peripheral")  # actions whose number in the horizon is ranked


@dataclass(frozen=True)
class Design:
    """What all simulations share; seed and number fix everything random."""

    study: Study  # its calendar, evidence, coverage, shocks, and who spoke when are kept
    theory: Theory
    seed: int
    particles: int
    draws: int = DRAWS  # of the posterior, L, that the truth is ranked among
    horizon: int = 30  # periods of the futures
    # Draws the studies, `theory` when None; another makes them wrong on purpose
    truth: Theory | None = None


def rank(values: Floats, truth: float, rng: np.random.Generator) -> int:
    """Return the rank of the truth among draws (L,), from 0 to L; ties are broken at random."""
    if np.isnan(values).any() or np.isnan(truth):
        raise ValueError("a quantity to be ranked is not a number")
    ties = int((values == truth).sum())
    return int((values < truth).sum()) + int(rng.integers(0, ties + 1))


@no_fastmath
def simulation(design: Design, number: int, inputs: Inputs | None = None) -> Line:
    """Draw a study from the prior, track it and rank the truth among draws of the posterior."""
    check_horizon(design.horizon)
    inputs = build_inputs(design.study) if inputs is None else inputs
    structure, theory = structure_of(inputs), design.theory
    source = design.truth or theory
    streams = [np.random.default_rng([design.seed, number, part]) for part in range(5)]
    seed = int(streams[4].integers(2**31))
    mine = drawn(free_parameters(source, structure), structure, streams[0], ())
    theirs = drawn(free_parameters(source, structure, "actions"), structure, streams[0], ())
    made, truth = simulate_belief_block(inputs, source, mine, streams[1])
    belief = track(design.study, theory, particles=design.particles, seed=seed, inputs=made)
    lag = belief_lag(belief, structure.n_time)
    made = simulate_observed(made, source, theirs, streams[2], beliefs=lag)
    found = track_blocks(
        design.study, theory, particles=design.particles, seed=seed, inputs=made, belief=belief
    )
    quantities, steps = _quantities(design, found, mine, theirs, truth, streams[3], seed)
    quantities |= {f"forecast:{k}": v for k, v in steps.items()}
    ranked = {k: rank(v[:-1], float(v[-1]), streams[3]) for k, v in quantities.items()}
    within = {k: v <= design.horizon for k, v in steps.items() if k.startswith("time of ")}
    return {
        "number": number,
        "ranks": ranked,  # by quantity, 0 to L
        "probabilities": {k: (float(v[:-1].mean()), bool(v[-1])) for k, v in within.items()},
        "resampled": len(belief.rejuvenations),  # times that particles of belief were moved
        "effective": float(belief.ess.min()),
    }


def _quantities(
    design: Design, found: Blocks, mine: Values, theirs: Values, truth: Truth | None,
    rng: np.random.Generator, seed: int,
) -> tuple[Values, Values]:  # fmt: skip
    """Return what is ranked of the past, and of futures: draws with the truth last, (L + 1,)."""
    tracked, theory, structure = found.belief, found.theory, structure_of(found.inputs)
    assert tracked is not None
    model, n, size = tracked.model(), tracked.n_time, design.draws + 1
    scores = tracked.scores()[resample(tracked.log_weights[-1], rng.random(), design.draws)]
    free = [p for p in free_parameters(theory, structure) if p.name != "innovation"]
    belief = _joined(tracked.coordinates.params(scores), mine, free)
    free_actions = free_parameters(theory, structure, "actions")
    actions = _joined(found.params(design.draws, rng, beliefs=False), theirs, free_actions)
    out, draws = Values(), dict(belief)
    groups = ("parameter", belief, free), ("actions", actions, free_actions)
    for group, values, parameters in groups:
        for p in parameters:
            for name, index in elements(p, structure):
                out[f"{group}:{name}"] = values[p.name][:, *index]
    if truth is not None:
        kept = model.replay(scores, n, keep=True)[2]
        path = np.concatenate([draw_paths(kept, rng)[0], truth.logit_belief[None, :, :n]])
        params, cols = stacked_params(theory, structure, belief), until(model.columns, n)
        run = system.evaluate(np, params, cols, structure, logit_belief=path)
        surplus = np.asarray(run.surplus)
        audience = np.broadcast_to(run.audience[..., -1], (size, 2))
        draws |= {"logit_belief": path, "audience": audience, "surplus": surplus}
        out |= {f"belief:{side}": path[:, i, -1] for i, side in enumerate(structure.sides)}
        out["belief:surplus"] = surplus[:, -1]
    last = {k: v[-1:] for k, v in belief.items()}
    at = tracked.coordinates.scores(last, {p.name: p.prior for p in free})
    both = np.concatenate([scores, at])
    end = model.replay(both, n)[0]
    likelihood = end.total[:, 0] + end.newest.sum(axis=1)
    out["density:likelihood of belief"] = likelihood
    out["density:posterior of belief"] = likelihood - 0.5 * np.square(both).sum(axis=1)
    columns, full = until(found.columns, n), null_values(theory, structure, "actions") | actions
    for block in found.layout:
        if block.beliefs:
            continue
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            logs = system.action_log_likelihoods(np, full, columns, structure, block.observables)
        total = sum(np.broadcast_to(v.sum(axis=-1), (size,)) for v in logs.values())
        out[f"density:likelihood of {block.name}"] = np.asarray(total)
    return out, _futures(found, draws, actions, design.horizon, seed)


def _futures(found: Blocks, draws: Values, actions: Values, horizon: int, seed: int) -> Values:
    """Return quantities of futures, a draw's own but for random numbers and news."""
    assert found.belief is not None
    tree = xr.DataTree.from_dict({"posterior": dataset_of(draws, chains=1)})
    report = found.belief.report()
    known = Posterior(found.study, found.inputs, found.theory, tree, report, seed, {})
    known.actions.posterior.update(actions)
    ahead = forecast(known, horizon, seed=seed, allow_failed=True, baselines=False)
    paths, out = ahead.paths, Values()
    for name, side in headline(ahead, explained(ahead)):
        label = f"time of {name}" + (f" of {side}" if side else "")
        out[label] = event_steps(ahead, name, side).astype(float)
    if paths.logit_belief is not None and paths.surplus is not None:
        for i, side in enumerate(known.structure.sides):
            out[f"belief of {side} at the horizon"] = paths.logit_belief[:, i, -1]
        out["surplus at the horizon"] = paths.surplus[:, -1]
    events = paths.events or {}
    for name in (name for name in COUNTS if name in events):
        values = np.asarray(events[name], dtype=float)
        out[f"number of {name}"] = values.reshape(len(values), -1).sum(axis=1)
    return out


def _joined(draws: Values, truth: Values, parameters: Iterable[Parameter]) -> Values:
    return {p.name: np.concatenate([draws[p.name], truth[p.name][None]]) for p in parameters}


def simulated(
    design: Design, numbers: Sequence[int], workers: int | None = None, scheduler: str | None = None
) -> Iterator[Line]:
    """Yield lines of simulations, see `done`; one that failed has an ``error`` and counts."""
    return done(_at_work, numbers, lambda: (design, build_inputs(design.study)), workers, scheduler)


def _at_work(number: int, shared: tuple[Design, Inputs]) -> Line:
    begun = time.process_time()
    try:
        line = simulation(shared[0], number, shared[1])
    except (BeliefsError, ValueError, FloatingPointError) as error:
        line = {"number": number, "error": f"{type(error).__name__}: {error}"}
    return line | {"seconds": round(time.process_time() - begun, 3)}


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
    each = np.stack([np.bincount(row, minlength=draws + 1) for row in values])
    counts, place = np.cumsum(each, axis=-1)[:, :-1], np.arange(draws)  # below 1, ... L
    below, above = _tails(values.shape[-1], draws)
    return np.asarray(2.0 * np.minimum(below[counts, place], above[counts, place]).min(axis=-1))


@lru_cache(maxsize=8)
def _tails(n: int, draws: int) -> tuple[Floats, Floats]:
    """Return P(X_j <= k) and P(X_j >= k), (n + 1, L), each for itself: small ones keep digits."""
    from scipy.special import bdtr, bdtrc  # slow to load

    at = np.arange(1, draws + 1) / (draws + 1.0)
    k = np.arange(n + 1.0)[:, None]
    return bdtr(k, n, at), np.concatenate([np.ones((1, draws)), bdtrc(k[:-1], n, at)])


@lru_cache(maxsize=8)
def _reference(n: int, draws: int) -> Floats:
    """Return sorted statistics of uniform ranks, (REFERENCE,)."""
    rng = np.random.default_rng([SEED, n, draws])
    drawn = (rng.integers(0, draws + 1, size=(1000, n)) for _ in range(REFERENCE // 1000))
    return np.sort(np.concatenate([_statistic(ranks, draws) for ranks in drawn]))


def p_value(ranks: ArrayLike, draws: int) -> float:
    """Return the probability of uniform ranks as far from uniform as these (n,), of 0 to L."""
    values = np.asarray(ranks)
    if not values.size or values.min() < 0 or values.max() > draws:
        raise ValueError(f"there must be ranks, from 0 to {draws}")
    found = _statistic(values, draws)[0]
    # Statistics are discrete: those that differ by rounding alone are equal.
    reference = _reference(values.size, draws)
    beyond = int(np.searchsorted(reference, found * (1.0 + 1e-9), side="right"))
    bound = 1.0 if beyond else max(draws * found, np.finfo(float).tiny)  # a tail may underflow
    return float(min((1.0 + beyond) / (1.0 + REFERENCE), bound))


def bands(n: int, draws: int) -> Bands:
    """Return bands that `n` uniform ranks leave nowhere with probability `COVERAGE`."""
    from scipy.stats import binom  # slow to load

    level = float(np.quantile(_reference(n, draws), 1.0 - COVERAGE, method="lower"))
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


@dataclass(frozen=True)
class Bin:
    """How often what was forecast with a probability from `begin` to `end` happened."""

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
class ForecastCheck:
    """Verdict on the forecast probabilities of one target: all simulations, and by range."""

    all: Bin
    error: float  # standard error of the share that happened, if calibrated
    z: float | None  # of the number; None where each forecast was certain and right
    bins: tuple[Bin, ...]
    reliability: float  # the least p-value of the bins times their number


def poisson_binomial(p: ArrayLike) -> Floats:
    """Return P(X = k), (n + 1,), of a sum X of Bernoulli variables with probabilities p (n,)."""
    coins = [[1.0 - one, one] for one in np.asarray(p, dtype=float)]
    return reduce(np.convolve, coins, np.ones(1))


def _bin(begin: float, end: float, values: Floats, chance: Floats) -> Bin:
    n, observed = len(values), int(values[:, 1].sum())
    mass = poisson_binomial(chance)
    below, above = np.cumsum(mass), np.cumsum(mass[::-1])[::-1]
    tail = 0.5 * (1.0 - COVERAGE)
    low = int(np.argmax(below > tail)) / n
    high = (n - int(np.argmax(above[::-1] > tail))) / n
    p = float(min(1.0, 2.0 * min(below[observed], above[observed])))
    forecast = float(values[:, 0].mean())
    return Bin(begin, end, n, forecast, observed / n, low, high, p, p <= 1.0 - COVERAGE)


def check_forecasts(values: ArrayLike, draws: int) -> ForecastCheck:
    """Judge values (n, 2): share of the L draws in which a target happens, and whether it did."""
    shares = np.asarray(values, dtype=float)
    observed = shares[:, 1]
    chance = (np.rint(shares[:, 0] * draws) + observed) / (draws + 1.0)
    deviation = float(np.sqrt(np.sum(chance * (1.0 - chance))))
    # A function of k + y alone, so that probabilities within a range are still exact.
    place = np.clip(np.digitize(chance, EDGES) - 1, 0, len(EDGES) - 2)
    cells = ((k, place == k) for k in np.unique(place))
    bins = tuple(_bin(EDGES[k], EDGES[k + 1], shares[mine], chance[mine]) for k, mine in cells)
    return ForecastCheck(
        all=_bin(0.0, 1.0, shares, chance),
        error=deviation / len(shares),
        z=float(np.sum(observed - chance)) / deviation if deviation > 0.0 else None,
        bins=bins,
        reliability=min(1.0, len(bins) * min(one.p for one in bins)),
    )


def judge(
    ranks: Mapping[str, ArrayLike], draws: int, checks: Mapping[str, ForecastCheck] | None = None
) -> tuple[Judged, ...]:
    """Judge ranks (n,) by quantity and of each target its number and its bins, worst first."""
    p = {name: p_value(v, draws) for name, v in ranks.items()}
    for target, check in (checks or {}).items():
        p |= {f"probability:{target}": check.all.p, f"reliability:{target}": check.reliability}
    rows = []
    for (name, mine), adjusted in zip(p.items(), holm([*p.values()]), strict=True):
        mean = spread = None
        if name in ranks:
            mean, spread = (float(v.mean()) for v in _shares(ranks[name], draws))
        rows.append(Judged(name, mine, float(adjusted), mine <= 1.0 - COVERAGE, mean, spread))
    return tuple(sorted(rows, key=lambda row: (row.p, row.name)))


@dataclass(frozen=True)
class Group:
    """Quantities of one kind: how many leave their own bands, and how many may."""

    group: str
    quantities: int
    outside: int
    limit: int
    mean: float | None = None
    spread: float | None = None  # mean; shows too few particles before any single quantity does
    error: float | None = None  # of the spread over simulations, dependence of quantities included
    # Of a spread as far from 1, for the number of groups; None with one simulation
    p: float | None = None


def outside_limit(quantities: int) -> int:
    """Return how many of some quantities may leave their own bands."""
    return max(LEAST, int(SHARE * quantities))


def _group(name: str, rows: Sequence[Judged], *numbers: float) -> Group:
    outside = sum(row.outside for row in rows)
    return Group(name, len(rows), outside, outside_limit(len(rows)), *numbers)


def groups_of(
    judged: Sequence[Judged], ranks: Mapping[str, ArrayLike], draws: int
) -> tuple[Group, ...]:
    """Return what is to be said of each kind of quantity, by its verdicts and ranks."""
    found = []
    for name in dict.fromkeys((*(row.split(":")[0] for row in ranks), *PROBABILITIES)):
        mine = [row for row in judged if row.name.startswith(f"{name}:")]
        if mine:
            ranked = [ranks[row.name] for row in mine if row.name in ranks]
            found.append(_group(name, mine, *(_spread(ranked, draws) if ranked else ())))
    adjusted = iter(holm([row.p for row in found if row.p is not None]))
    return tuple(row if row.p is None else replace(row, p=float(next(adjusted))) for row in found)


def _spread(ranks: Sequence[ArrayLike], draws: int) -> tuple[float, ...]:
    """Return mean and spread of quantities (K, n); of several simulations its error and p-value."""
    from scipy.stats import t  # slow to load

    share, spread = _shares(np.asarray(ranks), draws)
    each = spread.mean(axis=0)
    n, mean = len(each), float(each.mean())
    if n < 2:
        return float(share.mean()), mean
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
    out += [
        f"outside their own bands: {g.outside} of {g.quantities} of {g.group}, at most {g.limit}"
        for g in (*groups, _group("all", judged))
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
