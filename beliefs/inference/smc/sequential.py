"""Sequential Monte Carlo over parameters (IBIS), the one driver of every block of a theory.

Particles are reweighted by what they had predicted, one observable of a period after another
(Chopin 2002). When few of them carry the weight, or its tail is too heavy, they are resampled and
moved; where an observation says too much at once it is taken in by powers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri

from beliefs.errors import StudyError
from beliefs.inference.diagnose import RELIABLE, pareto_k
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.smc import particles as weighted
from beliefs.inference.smc.moves import KERNELS, Moved, Transform, move, transform_of
from beliefs.inference.smc.particles import Floats, Ints, effective_size, normalised, resample
from beliefs.inference.smc.unconstrained import Coordinates
from beliefs.shown import to_log

Say = Callable[[str], None] | None

STREAM = 1_000_001  # keeps random numbers of other blocks apart from those of the belief block
ENOUGH = 0.5  # share of effective particles below which they are resampled and moved
FEWEST = 1.0 / 8.0  # share that one step may leave; an observation that leaves fewer is split
DRIFT, ROUNDS = 5.5, 6
"""Drift (see `Moved`) above which moves are repeated in coordinates fitted anew, and how often."""
LAG, CALM = 2.5, 0.9
"""Cumulative sum of drift (Page 1954) above which particles lag behind the periods, and the share
of drifts that add nothing where particles stand in the target."""
FURTHER = 2.0
"""How many times as far particles move once they lag; moves are then repeated while drift is no
noise. Where they do not bring all particles home, what is missing adds up over periods."""
AHEAD = 8  # fewest periods that are evaluated ahead for particles at rest
_ROWS = ("generation", "log_weights", "state", "predictive")  # what a track keeps of every period


@dataclass(frozen=True)
class Problem:
    """Likelihood of a block of a theory and how its particles propose to move."""

    observables: tuple[str, ...]  # in the order in which a period takes them in
    coordinates: Coordinates  # how normal scores are parameters
    jump: float  # how far particles must move; see `beliefs.inference.smc.moves.move`
    width: int  # S, of what a track keeps of the states
    # Scores and periods `low` to `high` -> what is known of each, (high - low, N, 1 + K + more):
    # log density of all periods before, of each observable (exactly 0 for all where nothing was
    # seen), and the state. The last is what was known of the period before `low`, or None.
    periods: Callable[[Floats, int, int, Floats | None], Floats]
    # Scores, log weights and t -> coordinates to move in given the first t + 1 periods.
    transform: Callable[[Floats, Floats, int], Transform]
    error: Callable[[str, int], StudyError]  # of an observable that no particle can have predicted
    named: Callable[[int], str]  # what progress calls a period
    key: tuple[int, ...] = ()  # keeps random numbers apart from those of other blocks of one seed


@dataclass(frozen=True)
class Rejuvenation:
    """One time that particles were resampled and moved."""

    period: int  # number of the period that was taken in
    power: float  # how far its observable had been taken in by then, 1 is wholly
    ess: float  # effective particles before
    ancestors: int  # different particles after resampling
    distinct: int  # and after the moves
    moves: int  # as in `moves.Moved`, over all rounds; the drift is that of the first
    jump: float
    accepted: float
    drift: float
    capped: bool  # whether the number of moves or rounds ended it, not the jump and the drift
    # What each kind of move had achieved by its end, so that a track goes on where it stopped.
    quality: tuple[float, ...] = (1.0,) * len(KERNELS)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BlockTrack:
    """The posterior of a block of parameters after every period, N weighted particles each."""

    observables: tuple[str, ...]  # (K,), in the order in which each period takes them in
    coordinates: Coordinates  # how scores are parameters
    seed: int
    # Particles, normal scores (N, d), drawn at the start and after every rejuvenation.
    generations: tuple[NDArray[np.float32], ...]
    generation: Ints  # which particles hold after every period, (R,)
    log_weights: Floats  # after every period, (R, N), not normalised
    # What particles keep of every period, (R, N, S): filtered beliefs of the belief block.
    state: Floats
    # One-step log predictive densities, (R, K): each observable given all earlier periods and the
    # observables of its period before it; NaN where it was not seen.
    predictive: Floats
    rejuvenations: tuple[Rejuvenation, ...] = ()
    taken: int = 0  # periods of a posterior that it took over; its R rows begin with the last
    # What is known of the last period, see `Problem.periods`, where it was computed just now.
    last: Floats | None = None

    @classmethod
    def empty(cls, problem: Problem, scores: Floats, seed: int, **more: Any) -> Self:
        """Return the track before the first period, given its particles."""
        n = len(scores)
        return cls(
            observables=problem.observables, coordinates=problem.coordinates, seed=seed,
            generations=(scores.astype(np.float32),), generation=np.empty(0, dtype=np.int64),
            log_weights=np.empty((0, n)), state=np.empty((0, n, problem.width)),
            predictive=np.empty((0, len(problem.observables))), **more,
        )  # fmt: skip

    @property
    def first(self) -> int:
        """Number of the period of the first row."""
        return max(self.taken - 1, 0)

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        return self.first + len(self.generation)

    @property
    def evidence(self) -> Floats:
        """Log predictive density of every period, (R,); 0 of one taken over."""
        return np.nansum(self.predictive, axis=1)

    @property
    def log_evidence(self) -> Floats:
        """Log evidence after every period, (R,); of a track taken over, that of later periods."""
        return np.cumsum(self.evidence)

    @property
    def ess(self) -> Floats:
        """Effective particles after every period, (R,)."""
        return np.asarray([effective_size(row) for row in self.log_weights])

    @property
    def distinct(self) -> Ints:
        """Different particles after every period, (R,)."""
        counts = np.asarray([weighted.distinct(s) for s in self.generations], dtype=np.int64)
        return counts[self.generation]

    def row(self, period: int) -> int:
        """Return the row of a period, which may count from the end."""
        return range(self.n_time)[period] - self.first

    def scores(self, period: int = -1) -> Floats:
        """Return the particles after a period, normal scores (N, d)."""
        return self.particles(self.generation[self.row(period)])

    def particles(self, generation: int) -> Floats:
        """Return the particles of a generation, normal scores (N, d)."""
        return self.generations[generation].astype(np.float64)

    def weights(self, period: int = -1) -> Floats:
        """Return their normalised weights (N,)."""
        return normalised(self.log_weights[self.row(period)])

    def params(self, draws: int, rng: Generator, *, period: int = -1) -> dict[str, Floats]:
        """Return equally weighted draws after a period, (draws, ...), shuffled: blocks can pair."""
        log_weights = self.log_weights[self.row(period)]
        index = rng.permutation(resample(log_weights, rng.random(), draws))
        return self.coordinates.params(self.scores(period)[index])

    def until(self, n_time: int) -> Self:
        """Return the first `n_time` periods of this track."""
        if n_time >= self.n_time:
            return self
        kept = n_time - self.first
        generations = int(self.generation[:kept].max(initial=0)) + 1
        rows: dict[str, Any] = {name: getattr(self, name)[:kept] for name in _ROWS}
        done = tuple(r for r in self.rejuvenations if r.period < n_time)
        rows["generations"] = self.generations[:generations]
        return replace(self, rejuvenations=done, last=None, **rows)


def drawn_scores(problem: Problem, particles: int, seed: int) -> Floats:
    """Return particles from the prior, normal scores (N, d)."""
    if particles < 100:
        raise StudyError(
            "too few particles", where="particles", found=str(particles), expected="at least 100",
            fix="2000 do for most studies",
        )  # fmt: skip
    rng = np.random.default_rng([seed, *problem.key, 0, 0])
    return weighted.rounded(rng.standard_normal((particles, problem.coordinates.size)))


@dataclass
class _Ahead:
    """What particles at rest predict of the periods ahead, evaluated some at a time."""

    problem: Problem
    scores: Floats
    n_time: int
    low: int = 0
    known: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))  # of periods from `low` on

    def at(self, t: int) -> Floats:
        """Return what is known of a period; see `Problem`."""
        if t >= self.low + len(self.known):
            start = self.known[-1] if t == self.low + len(self.known) > 0 else None
            high = min(self.n_time, t + max(AHEAD, t // 8))
            self.low, self.known = t, self.problem.periods(self.scores, t, high, start)
        return self.known[t - self.low]


def _target(scores: Floats, known: Floats, k: int, power: float) -> Floats:
    """Return log densities (N,) of all up to observable k of a period, that to a power."""
    total: Floats = known[:, : 1 + k].sum(axis=1) + power * known[:, 1 + k]
    return total - 0.5 * np.square(scores).sum(axis=1)


@np.errstate(over="ignore", invalid="ignore")  # an error says so, once
def follow[T: BlockTrack](problem: Problem, found: T, n_time: int, progress: Say) -> T:
    """Take in the periods before `n_time` after those that a track has seen."""
    if found.n_time >= n_time:
        return found
    generations, done = list(found.generations), list(found.rejuvenations)
    n = len(generations[-1])
    weights = found.log_weights[-1] if len(found.generation) else np.zeros(n)
    ahead = _Ahead(problem, found.particles(-1), n_time)
    if found.last is not None:
        ahead.low, ahead.known = found.n_time - 1, found.last[None]
    rows: list[tuple[int, Floats, Floats, Floats]] = []
    for t in range(found.n_time, n_time):
        predictive = np.full(len(problem.observables), np.nan)
        for k, name in enumerate(problem.observables):
            power = 0.0
            while power < 1.0 and (logs := ahead.at(t)[:, 1 + k]).any():
                if not np.isfinite(logs).any():
                    raise problem.error(name, t)
                rest = 1.0 - power
                few = effective_size(weights + rest * logs) < FEWEST * n
                share = weighted.temper(weights, logs, rest, ENOUGH * n) if few else rest
                power = 1.0 if share == rest else power + share
                gained = weighted.log_mean(weights, share * logs)
                if not np.isfinite(gained):
                    raise problem.error(name, t)
                predictive[k] = gained + np.nan_to_num(predictive[k], nan=0.0)
                weights = weights + share * logs
                enough = effective_size(weights) >= ENOUGH * n
                if power == 1.0 and enough and pareto_k(weights) <= RELIABLE:
                    break
                rng = np.random.default_rng([found.seed, *problem.key, t + 1, len(done)])
                found_at, moved = _moved(ahead, weights, done, (t, k, power), rng)
                generations.append(found_at.scores.astype(np.float32))
                done.append(moved)
                weights = np.zeros(n)
                ahead = _Ahead(problem, found_at.scores, n_time, t, found_at.known[None])
                (progress or to_log)(f"{problem.named(t)}: moved particles")
        more = 1 + len(problem.observables)
        state = ahead.at(t)[:, more : more + problem.width].copy()  # the rest may go
        if not np.isfinite(state[np.isfinite(weights)]).all():
            raise problem.error(problem.observables[-1], t)
        rows.append((len(generations) - 1, weights, state, predictive))
    longer: dict[str, Any] = {
        name: np.concatenate([getattr(found, name), np.stack(column)])
        for name, column in zip(_ROWS, zip(*rows, strict=True), strict=True)
    }
    longer |= {"generations": tuple(generations), "rejuvenations": tuple(done)}
    return replace(found, last=ahead.at(n_time - 1), **longer)


def _moved(
    ahead: _Ahead, log_weights: Floats, done: Sequence[Rejuvenation], seen: tuple[int, int, float],
    rng: np.random.Generator,
) -> tuple[Moved, Rejuvenation]:  # fmt: skip
    """Resample particles and move them until their means stay."""
    (t, k, power), problem, scores, known = seen, ahead.problem, ahead.scores, ahead.at(seen[0])

    def target(scores: Floats) -> tuple[Floats, Floats]:
        known = problem.periods(scores, t, t + 1, None)[0]
        return _target(scores, known, k, power), known

    left, n, density = effective_size(log_weights), len(scores), _target(scores, known, k, power)
    # Drift that noise stays below in a share CALM of cases: the largest of d absolute normals.
    calm = float(ndtri(0.5 + 0.5 * CALM ** (1.0 / scores.shape[1])))
    lag, late = 0.0, False
    for earlier in done:
        lag = max(0.0, lag + earlier.drift - calm)
        late = late or lag > LAG
    jump, bar = (FURTHER * problem.jump, calm) if late else (problem.jump, DRIFT)
    quality = np.asarray(done[-1].quality if done else Rejuvenation.quality)
    index = resample(log_weights, rng.random())
    ancestors = len(np.unique(index))
    rounds: list[Moved] = []
    while not rounds or (rounds[-1].drift > bar and len(rounds) < ROUNDS):
        transform = problem.transform(scores, log_weights, t)
        here = scores[index], density[index], known[index]
        found = move(transform, index, *here, target, quality, rng, jump)
        rounds.append(found)
        scores, density, known, quality = found.scores, found.density, found.known, found.quality
        index, log_weights = np.arange(n), np.zeros(n)
    # Later periods are to change nothing, also where a machine rounds in wider vectors otherwise.
    quality = np.round(quality, 6)
    moves = sum(r.moves for r in rounds)
    return rounds[-1], Rejuvenation(
        period=t, power=power, ess=left, ancestors=ancestors, distinct=weighted.distinct(scores),
        moves=moves, jump=sum(r.jump for r in rounds), drift=rounds[0].drift,
        accepted=sum(r.accepted * r.moves for r in rounds) / max(moves, 1),
        capped=any(r.capped for r in rounds) or rounds[-1].drift > bar,
        quality=tuple(quality.tolist()),
    )  # fmt: skip


def track_likelihood(
    likelihood: Callable[[dict[str, Any], int], Floats],
    coordinates: Coordinates,
    observables: Sequence[str],
    n_time: int,
    *,
    particles: int,
    seed: int,
    stream: int = 0,
    progress: Say = None,
    start: BlockTrack | None = None,
) -> BlockTrack:
    """Follow the posterior of parameters through every period.

    `likelihood` gets parameters (each (N, *shape)) and a number of periods n; it returns the log
    likelihoods (N, n, K) of the first n periods, exactly 0 for all particles where nothing was
    seen. It is called in threads, with chunks of particles. `stream` is the number of this block
    among those of one seed; `start` a track to go on from, whose periods had the same likelihood.
    """

    def periods(scores: Floats, low: int, high: int, start: Floats | None) -> Floats:
        del start  # likelihoods go over all periods

        def work(part: slice) -> Floats:
            return likelihood(coordinates.params(scores[part]), high)

        logs = np.concatenate(weighted.mapped(work, len(scores)))
        logs = np.where(np.isnan(logs), -np.inf, logs)
        total = np.cumsum(logs.sum(axis=2), axis=1)
        before = np.concatenate([np.zeros((len(logs), 1)), total[:, :-1]], axis=1)
        return np.concatenate([before[..., None], logs], axis=2)[:, low:].transpose(1, 0, 2)

    def error(name: str, t: int) -> StudyError:
        return StudyError(
            "an observation is impossible under every particle", where=f"{name} in period {t}",
            found="log likelihood -inf", expected="a finite one somewhere in the prior",
            fix="widen the prior of the parameters that it reads",
        )  # fmt: skip

    seed, key, seen = checked_seed(seed), (STREAM, stream), tuple(observables)
    problem = Problem(
        seen, coordinates, 1.0, 0, periods,
        lambda scores, weights, _: transform_of(scores, weights, coordinates.labels), error,
        lambda t: f"{'+'.join(observables)}, period {t}", key,
    )  # fmt: skip
    found = start or BlockTrack.empty(problem, drawn_scores(problem, particles, seed), seed)
    return follow(problem, found, n_time, progress)
