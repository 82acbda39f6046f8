"""Sequential Monte Carlo over parameters (IBIS), the one driver of every block of a theory.

Particles are reweighted by what they had predicted, one observable of a period after another
(Chopin 2002). When few of them carry the weight, or its tail is too heavy, they are resampled and
moved; where an observation says too much at once it is taken in by powers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from beliefs.errors import StudyError
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.pareto import RELIABLE, pareto_k
from beliefs.inference.smc.chunks import mapped
from beliefs.inference.smc.moves import KERNELS, Chart, Moved, chart_of, move
from beliefs.inference.smc.particles import (
    distinct,
    effective_size,
    log_mean,
    normalised,
    resample,
    temper,
)
from beliefs.inference.smc.unconstrained import Coordinates

__all__ = ["BlockTrack", "Problem", "Rejuvenation", "check_particles", "follow", "track_likelihood"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Likelihood = Callable[[dict[str, Any], int], Floats]
Say = Callable[[str], None] | None

STREAM = 1_000_001
"""Keeps random numbers of other blocks apart from those of the belief block of the same seed."""
ENOUGH = 0.5
"""Share of effective particles below which they are resampled and moved."""
FEWEST = 1.0 / 8.0
"""Share of effective particles that one step may leave; an observation that leaves fewer is
split."""
DRIFT, ROUNDS = 5.5, 6
"""Drift (see `Moved`) above which particles are still under way, so that moves are repeated in
coordinates fitted anew, and how often at most."""
LAG, CALM = 3.5, 0.9
"""Cumulative sum of drift (Page 1954) above which particles lag behind the periods, and the share
of drifts that add nothing where particles stand in the target."""
FURTHER = 2.0
"""How many times as far a track goes with rounds of later periods once its particles lag. Where
rounds do not bring all particles home, what is missing adds up from period to period."""
AHEAD = 8
"""Fewest periods that are evaluated ahead for particles at rest."""


class Problem(Protocol):
    """Likelihood of a block of a theory and how its particles propose to move."""

    @property
    def observables(self) -> tuple[str, ...]:
        """Names, in the order in which a period takes them in."""

    @property
    def coordinates(self) -> Coordinates:
        """How normal scores are parameters."""

    @property
    def jump(self) -> float:
        """How far particles must move; see `beliefs.inference.smc.moves.move`."""

    def periods(self, scores: Floats, low: int, high: int) -> tuple[Floats, Floats, Floats]:
        """Return log densities of all periods before, (N,), then of each, (high - low, K, N).

        Last the states (high - low, N, S).
        A density is exactly 0 for all particles where nothing was seen.
        """

    def density(self, scores: Floats, t: int) -> tuple[Floats, Floats]:
        """Return log predictive densities of all periods before t, (N,), and of it, (N, K)."""

    def chart(self, scores: Floats, log_weights: Floats, t: int) -> Chart:
        """Return coordinates to move in given the first t + 1 periods."""

    def error(self, name: str, t: int) -> StudyError:
        """Return the error for an observation that no particle can have predicted."""


@dataclass(frozen=True)
class Rejuvenation:
    """One time that particles were resampled and moved.

    Attributes
    ----------
    period
        Number of the period that was taken in.
    power
        How far its observable had been taken in by then, 1 is wholly.
    ess
        Effective particles before.
    ancestors, distinct
        Different particles after resampling, and after the moves.
    moves, jump, accepted, drift
        As in `beliefs.inference.smc.moves.Moved`, over all rounds; the drift is that of the first.
    capped
        Whether the number of moves or rounds ended it, not the jump and the drift.
    quality
        What each kind of move had achieved by its end, so that a track goes on where it stopped.
    """

    period: int
    power: float
    ess: float
    ancestors: int
    distinct: int
    moves: int
    jump: float
    accepted: float
    drift: float
    capped: bool
    quality: tuple[float, ...] = (1.0,) * len(KERNELS)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BlockTrack:
    """The posterior of a block of parameters after every period, N weighted particles each.

    Attributes
    ----------
    observables
        Names of what was seen, (K,), in the order in which each period takes it in.
    coordinates
        How scores are parameters.
    seed
        Seed of everything random here.
    epochs
        Particles, normal scores (N, d), drawn at the start and after every rejuvenation.
    epoch
        Which particles hold after every period, (R,).
    log_weights
        After every period, (R, N), not normalised.
    state
        What particles keep of every period, (R, N, S): filtered beliefs of the belief block.
    predictive
        One-step log predictive densities, (R, K): each observable given all earlier periods and the
        observables of its period before it; NaN where it was not seen.
    rejuvenations
        In order.
    taken
        Number of periods of a posterior that the track took over; 0 if it began by itself. Its
        rows (R of them) begin with the last of these.
    """

    observables: tuple[str, ...]
    coordinates: Coordinates
    seed: int
    epochs: tuple[Floats, ...]
    epoch: Ints
    log_weights: Floats
    state: Floats
    predictive: Floats
    rejuvenations: tuple[Rejuvenation, ...] = ()
    taken: int = 0

    @classmethod
    def empty(
        cls, problem: Problem, particles: int, seed: int, key: Sequence[int], **more: Any
    ) -> Self:
        """Return the track before the first period: particles from the prior."""
        rng = np.random.default_rng([seed, *key, 0, 0])
        scores = rng.standard_normal((particles, problem.coordinates.size))
        state = problem.periods(scores[:1], 0, 0)[2]
        return cls(
            observables=problem.observables,
            coordinates=problem.coordinates,
            seed=seed,
            epochs=(scores,),
            epoch=np.empty(0, dtype=np.int64),
            log_weights=np.empty((0, particles)),
            state=np.empty((0, particles, state.shape[-1])),
            predictive=np.empty((0, len(problem.observables))),
            **more,
        )

    @property
    def first(self) -> int:
        """Number of the period of the first row."""
        return max(self.taken - 1, 0)

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        return self.first + len(self.epoch)

    @property
    def evidence(self) -> Floats:
        """Log predictive density of every period, (R,); 0 of one taken over."""
        total: Floats = np.nansum(self.predictive, axis=1)
        return total

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
        counts = np.asarray([distinct(s) for s in self.epochs], dtype=np.int64)
        held: Ints = counts[self.epoch]
        return held

    def row(self, period: int) -> int:
        """Return the row of a period, which may count from the end."""
        return range(self.n_time)[period] - self.first

    def scores(self, period: int = -1) -> Floats:
        """Return the particles after a period, normal scores (N, d)."""
        return self.epochs[self.epoch[self.row(period)]]

    def weights(self, period: int = -1) -> Floats:
        """Return their normalised weights (N,)."""
        return normalised(self.log_weights[self.row(period)])

    def params(
        self, draws: int, rng: np.random.Generator, *, period: int = -1
    ) -> dict[str, Floats]:
        """Return equally weighted draws of the parameters after a period, each (draws, *shape).

        They come in random order, so that draws of two blocks may be paired.
        """
        log_weights = self.log_weights[self.row(period)]
        index = rng.permutation(resample(log_weights, rng.random(), draws))
        return self.coordinates.params(self.scores(period)[index])

    def prior(self, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return draws of the prior, each (draws, *shape)."""
        return self.coordinates.params(rng.standard_normal((draws, self.coordinates.size)))

    def until(self, n_time: int) -> Self:
        """Return the first `n_time` periods of this track."""
        if n_time >= self.n_time:
            return self
        kept = n_time - self.first
        epochs = int(self.epoch[:kept].max(initial=0)) + 1
        return replace(
            self,
            epochs=self.epochs[:epochs],
            epoch=self.epoch[:kept],
            log_weights=self.log_weights[:kept],
            state=self.state[:kept],
            predictive=self.predictive[:kept],
            rejuvenations=tuple(r for r in self.rejuvenations if r.period < n_time),
        )


@dataclass
class _Ahead:
    """What particles at rest predict of the periods ahead, evaluated some at a time."""

    problem: Problem
    scores: Floats
    n_time: int
    low: int = 0
    high: int = 0

    def at(self, t: int) -> tuple[Floats, Floats]:
        """Return log densities (K, N) and states (N, S) of a period."""
        if not self.low <= t < self.high:
            self.low, self.high = t, min(self.n_time, t + max(AHEAD, t // 8))
            found = self.problem.periods(self.scores, self.low, self.high)
            self.before, self.logs, self.states = found
        return self.logs[t - self.low], self.states[t - self.low]

    def density(self, t: int, k: int, power: float) -> Floats:
        """Return log densities (N,) of all up to observable k of a period, that to a power."""
        now = self.logs[t - self.low]
        before = self.before + self.logs[: t - self.low].sum(axis=(0, 1))
        total: Floats = before + now[:k].sum(axis=0) + power * now[k]
        return total - 0.5 * np.square(self.scores).sum(axis=1)


@dataclass
class _Cloud:
    """Particles: normal scores (N, d), log weights (N,), what each kind of move achieved."""

    scores: Floats
    log_weights: Floats
    quality: Floats


@np.errstate(over="ignore", invalid="ignore")  # an error says so, once
def follow[T: BlockTrack](
    problem: Problem,
    found: T,
    n_time: int,
    key: Sequence[int] = (),
    progress: Callable[[int], None] | None = None,
) -> T:
    """Take in all periods before `n_time` after those that a track has seen.

    Parameters
    ----------
    problem
        The block.
    found
        Its track so far.
    n_time
        Number of periods of the study.
    key
        Numbers that keep the random numbers of this block apart from those of others of one seed.
    progress
        Called with the number of a period when particles were moved.

    Raises
    ------
    StudyError
        An observation that no particle thinks possible, or numbers that are not finite.
    """
    if found.n_time >= n_time:
        return found
    epochs, done = list(found.epochs), list(found.rejuvenations)
    n = len(epochs[-1])
    weights = found.log_weights[-1] if len(found.epoch) else np.zeros(n)
    quality = done[-1].quality if done else Rejuvenation.quality
    cloud = _Cloud(epochs[-1], weights, np.asarray(quality))
    ahead = _Ahead(problem, cloud.scores, n_time)
    rows: list[tuple[int, Floats, Floats, Floats]] = []
    for t in range(found.n_time, n_time):
        predictive = np.full(len(problem.observables), np.nan)
        for k, name in enumerate(problem.observables):
            power = 0.0
            while power < 1.0 and (logs := ahead.at(t)[0][k]).any():
                if not np.isfinite(logs).any():
                    raise problem.error(name, t)
                rest = 1.0 - power
                few = effective_size(cloud.log_weights + rest * logs) < FEWEST * n
                share = temper(cloud.log_weights, logs, rest, ENOUGH * n) if few else rest
                power = 1.0 if share == rest else power + share
                gained = log_mean(cloud.log_weights, share * logs)
                if not np.isfinite(gained):
                    raise problem.error(name, t)
                predictive[k] = gained + np.nan_to_num(predictive[k], nan=0.0)
                cloud.log_weights = cloud.log_weights + share * logs
                enough = effective_size(cloud.log_weights) >= ENOUGH * n
                if power == 1.0 and enough and pareto_k(cloud.log_weights) <= RELIABLE:
                    break
                rng = np.random.default_rng([found.seed, *key, t + 1, len(done)])
                jump = problem.jump * (FURTHER if lagging(done, cloud.scores.shape[1]) else 1.0)
                density = ahead.density(t, k, power)
                done.append(_moved(problem, cloud, density, (t, k, power), rng, jump))
                epochs.append(cloud.scores)
                ahead = _Ahead(problem, cloud.scores, n_time)
                if progress is not None:
                    progress(t)
        state = ahead.at(t)[1]
        if not np.isfinite(state[np.isfinite(cloud.log_weights)]).all():
            raise problem.error(problem.observables[-1], t)
        rows.append((len(epochs) - 1, cloud.log_weights, state, predictive))
    epoch, log_weights, states, scored = (np.stack(column) for column in zip(*rows, strict=True))
    return replace(
        found,
        epochs=tuple(epochs),
        epoch=np.concatenate([found.epoch, epoch]),
        log_weights=np.concatenate([found.log_weights, log_weights]),
        state=np.concatenate([found.state, states]),
        predictive=np.concatenate([found.predictive, scored]),
        rejuvenations=tuple(done),
    )


def lagging(done: Sequence[Rejuvenation], d: int) -> bool:
    """Tell whether particles of `d` coordinates have come to lag behind the periods."""
    # The largest of d absolute standard normals stays below this in a share CALM of cases.
    noise = float(ndtri(0.5 + 0.5 * CALM ** (1.0 / d)))
    lag = 0.0
    for r in done:
        lag = max(0.0, lag + r.drift - noise)
        if lag > LAG:
            return True
    return False


def _moved(
    problem: Problem, cloud: _Cloud, density: Floats, seen: tuple[int, int, float],
    rng: np.random.Generator, jump: float,
) -> Rejuvenation:  # fmt: skip
    """Resample a cloud and move it until its means stay."""
    t, k, power = seen

    def target(scores: Floats) -> Floats:
        before, newest = problem.density(scores, t)
        out: Floats = before + newest[:, :k].sum(axis=1) + power * newest[:, k]
        return out - 0.5 * np.square(scores).sum(axis=1)

    left, n = effective_size(cloud.log_weights), len(cloud.scores)
    index = resample(cloud.log_weights, rng.random())
    ancestors = len(np.unique(index))
    rounds: list[Moved] = []
    while not rounds or (rounds[-1].drift > DRIFT and len(rounds) < ROUNDS):
        chart = problem.chart(cloud.scores, cloud.log_weights, t)
        found = move(
            chart, index, cloud.scores[index], density[index], target, cloud.quality, rng, jump
        )
        rounds.append(found)
        cloud.scores, cloud.log_weights, cloud.quality = found.scores, np.zeros(n), found.quality
        index, density = np.arange(n), found.density
    # Sums over other stretches of periods round otherwise: an update is to go on as a track does.
    cloud.quality = np.round(cloud.quality, 6)
    moves = sum(r.moves for r in rounds)
    return Rejuvenation(
        period=t,
        power=power,
        ess=left,
        ancestors=ancestors,
        distinct=distinct(cloud.scores),
        moves=moves,
        jump=sum(r.jump for r in rounds),
        accepted=sum(r.accepted * r.moves for r in rounds) / max(moves, 1),
        drift=rounds[0].drift,
        capped=any(r.capped for r in rounds) or rounds[-1].drift > DRIFT,
        quality=tuple(cloud.quality.tolist()),
    )


@dataclass(frozen=True)
class _Plain:
    """A block whose likelihood is a function of parameters and no state is carried along."""

    likelihood: Likelihood
    coordinates: Coordinates
    observables: tuple[str, ...]
    jump: float = 1.0

    def _logs(self, scores: Floats, n: int) -> Floats:
        """Return the log likelihoods of the first n periods, (N, n, K)."""

        def work(chunk: slice) -> Floats:
            return self.likelihood(self.coordinates.params(scores[chunk]), n)

        out = np.concatenate(mapped(work, len(scores)))
        return np.where(np.isnan(out), -np.inf, out)

    def periods(self, scores: Floats, low: int, high: int) -> tuple[Floats, Floats, Floats]:
        if low == high:
            return np.zeros(len(scores)), np.empty((0, 0, 0)), np.empty((0, len(scores), 0))
        logs = self._logs(scores, high)
        before = logs[:, :low].reshape(len(logs), -1).sum(axis=1)
        here = np.ascontiguousarray(logs[:, low:].transpose(1, 2, 0))
        return before, here, np.empty((high - low, len(scores), 0))

    def density(self, scores: Floats, t: int) -> tuple[Floats, Floats]:
        logs = self._logs(scores, t + 1)
        return logs[:, :t].reshape(len(logs), -1).sum(axis=1), logs[:, t]

    def chart(self, scores: Floats, log_weights: Floats, t: int) -> Chart:
        return chart_of(scores, log_weights, self.coordinates.labels)

    def error(self, name: str, t: int) -> StudyError:
        return StudyError(
            "an observation is impossible under every particle",
            where=f"{name} in period {t}",
            found="log likelihood -inf",
            expected="a finite one somewhere in the prior",
            mend="widen the prior of the parameters that it reads",
        )


def track_likelihood(
    likelihood: Likelihood,
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

    Parameters
    ----------
    likelihood
        Called with parameters (each (N, *shape)) and a number of periods n; returns the log
        likelihoods (N, n, K) of the first n periods, exactly 0 for all particles where nothing was
        seen. Called in threads, with chunks of particles.
    coordinates
        Of the parameters.
    observables
        Names of the K columns.
    n_time
        Number of periods.
    particles
        Number of particles, at least 100.
    seed
        Seed of everything random here.
    stream
        Number of this block among those of one seed, whose particles must be independent.
    progress
        Called with a few words as particles are moved.
    start
        Track of the same block to go on from, whose periods have the same likelihood.

    Raises
    ------
    StudyError
        Too few particles, or an observation that no particle thinks possible.
    """
    seed = checked_seed(seed)
    check_particles(particles)
    problem, key = _Plain(likelihood, coordinates, tuple(observables)), (STREAM, stream)
    found = start or BlockTrack.empty(problem, particles, seed, key)

    def say(t: int) -> None:
        if progress is not None:
            progress(f"{'+'.join(observables)}, period {t}: moved particles")

    return follow(problem, found, n_time, key, say)


def check_particles(particles: int) -> None:
    """Raise a `StudyError` for fewer than 100 particles."""
    if particles < 100:
        raise StudyError(
            "too few particles",
            where="particles",
            found=str(particles),
            expected="at least 100",
            mend="2000, or 4000 for a study of many years such as 700 weeks",
        )
