r"""`track_plain`: the posterior of a block without beliefs after every period (IBIS).

Its likelihood is known in full for every particle, so that particles need no filter: one array of
log likelihoods by period and observable serves until they move. Every observable reweights the
particles by what they had predicted (Chopin 2002); when the effective number falls below half they
are resampled and moved. Where one observation says too much at once, it is taken in by powers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.smc.chunks import mapped
from beliefs.inference.smc.particles import (
    WIDER,
    distinct,
    drift,
    effective_size,
    fitted_gaussian,
    log_mean,
    resample,
    spread_by,
    temper,
    whiten,
)
from beliefs.inference.smc.track_plain_result import PlainTrack
from beliefs.inference.smc.track_result import Rejuvenation
from beliefs.inference.smc.unconstrained import Coordinates

__all__ = ["PlainTrack", "track_plain"]

Floats = NDArray[np.float64]
Likelihood = Callable[[dict[str, Any], int], Floats]

STREAM = 1_000_001
"""Keeps the random numbers of plain tracks apart from those of belief tracks of the same seed."""
ENOUGH = 0.5
"""Share of effective particles below which they are resampled and moved."""
FEWEST = 1.0 / 8.0
"""Share of effective particles that one step may leave; an observation that leaves fewer is
split."""
KEEP = (0.0, 0.5, 0.75, 0.88, 0.94, 0.97)
"""What a proposal keeps of the distance from the fitted mean: 0 is an independent draw."""
JUMP, MOVES = 1.0, 15
"""Mean squared jump that counts as moved, as a share of that between independent draws; most moves
to get there."""


@dataclass(frozen=True)
class _Seen:
    """What the particles have been told: all before observable k of period t, that to a power."""

    t: int
    k: int
    power: float

    def log_target(self, logs: Floats) -> Floats:
        """Return its log density from log likelihoods (N, t + 1, K)."""
        total = logs[:, : self.t].reshape(len(logs), -1).sum(axis=1)
        total = total + logs[:, self.t, : self.k].sum(axis=1)
        out: Floats = total + self.power * logs[:, self.t, self.k]
        return out


@dataclass(frozen=True)
class _Problem:
    """Likelihood and coordinates of the particles."""

    likelihood: Likelihood
    coordinates: Coordinates
    n_time: int

    def table(self, scores: Floats) -> Floats:
        """Return the log likelihoods of all periods, (n_time, K, N)."""

        def work(chunk: slice) -> Floats:
            logs = self.likelihood(self.coordinates.params(scores[chunk]), self.n_time)
            return logs.transpose(1, 2, 0)

        out = np.concatenate(mapped(work, len(scores)), axis=2)
        return np.where(np.isnan(out), -np.inf, out)

    def target(self, scores: Floats, seen: _Seen) -> Floats:
        """Return the log density of particles given what they have been told, (N,)."""

        def work(chunk: slice) -> Floats:
            here = scores[chunk]
            logs = self.likelihood(self.coordinates.params(here), seen.t + 1)
            out: Floats = seen.log_target(logs) - 0.5 * np.square(here).sum(axis=1)
            return out

        return np.concatenate(mapped(work, len(scores)))


@dataclass(frozen=True)
class _Cloud:
    """Particles: normal scores (N, d), log weights (N,), what each proposal achieved."""

    scores: Floats
    log_weights: Floats
    quality: Floats


def track_plain(
    likelihood: Likelihood,
    coordinates: Coordinates,
    observables: Sequence[str],
    n_time: int,
    *,
    particles: int,
    seed: int,
    stream: int = 0,
    progress: Callable[[str], None] | None = None,
    start: PlainTrack | None = None,
) -> PlainTrack:
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
        First periods of a track of the same block, particles, seed and stream, to go on from where
        the likelihood of these periods is the same; the result is that without it, bit for bit.

    Raises
    ------
    StudyError
        Too few particles, or an observation that no particle thinks possible.
    """
    seed = checked_seed(seed)
    if particles < 100:
        raise StudyError(
            "too few particles",
            where="particles",
            found=str(particles),
            expected="at least 100",
            mend="1000 do for the bundled studies",
        )
    problem = _Problem(likelihood, coordinates, n_time)
    epoch = np.zeros(n_time, dtype=np.int64)
    log_weights = np.zeros((n_time, particles))
    predictive = np.full((n_time, len(observables)), np.nan)
    first = 0 if start is None else start.n_time
    if start is None or first == 0:
        rng = np.random.default_rng([seed, STREAM, stream, 0, 0])
        scores = rng.standard_normal((particles, coordinates.size))
        epochs, done, quality = [scores], list[Rejuvenation](), [np.ones(len(KEEP))]
    else:
        epochs, done = [*start.epochs], [*start.rejuvenations]
        quality = [*start.quality]
        epoch[:first], log_weights[:first] = start.epoch, start.log_weights
        predictive[:first] = start.predictive
    cloud = _Cloud(epochs[-1], log_weights[max(first - 1, 0)], quality[-1])
    table = problem.table(cloud.scores)
    for t in range(first, n_time):
        for k, name in enumerate(observables):
            power = 0.0
            while power < 1.0 and table[t, k].any():
                said = table[t, k]
                if not np.isfinite(said).any():
                    raise StudyError(
                        "an observation is impossible under every particle",
                        where=f"{name} in period {t}",
                        found=f"log likelihood {said[0]}",
                        expected="a finite one somewhere in the prior",
                        mend="widen the prior of the parameters that it reads",
                    )
                rest = 1.0 - power
                few = effective_size(cloud.log_weights + rest * said) < FEWEST * particles
                share = temper(cloud.log_weights, said, rest, ENOUGH * particles) if few else rest
                power = 1.0 if share == rest else power + share
                gained = log_mean(cloud.log_weights, share * said)
                predictive[t, k] = gained + np.nan_to_num(predictive[t, k], nan=0.0)
                cloud = replace(cloud, log_weights=cloud.log_weights + share * said)
                if power == 1.0 and effective_size(cloud.log_weights) >= ENOUGH * particles:
                    break
                rng = np.random.default_rng([seed, STREAM, stream, t + 1, len(done)])
                cloud, moved = _moved(problem, cloud, _Seen(t, k, power), rng)
                table = problem.table(cloud.scores)
                done.append(moved)
                epochs.append(cloud.scores)
                quality.append(cloud.quality)
                if progress is not None:
                    progress(f"{name}, period {t}: moved particles")
        epoch[t], log_weights[t] = len(epochs) - 1, cloud.log_weights
    return PlainTrack(
        observables=tuple(observables),
        coordinates=coordinates,
        seed=seed,
        epochs=tuple(epochs),
        epoch=epoch,
        log_weights=log_weights,
        predictive=predictive,
        rejuvenations=tuple(done),
        quality=tuple(quality),
    )


def _moved(
    problem: _Problem, cloud: _Cloud, seen: _Seen, rng: np.random.Generator
) -> tuple[_Cloud, Rejuvenation]:
    """Resample the particles and move them by Metropolis-Hastings until they are elsewhere.

    Proposals keep a share rho of the distance from the mean of a fitted Gaussian and draw the rest
    from it (preconditioned Crank-Nicolson; rho 0 is the independence sampler), which would accept
    always were the target that Gaussian. Those that moved particles further are chosen oftener.
    """
    n, d = cloud.scores.shape
    left = effective_size(cloud.log_weights)
    mean, root = fitted_gaussian(cloud.scores, cloud.log_weights)
    root = np.sqrt(WIDER) * root
    index = resample(cloud.log_weights, rng.random())
    scores, quality = cloud.scores[index], cloud.quality.copy()
    white = whiten(root, scores - mean)
    start = white
    target = problem.target(scores, seen)
    jump, moves, accepted = 0.0, 0, 0.0
    while jump < JUMP and moves < MOVES:
        odds = np.square(quality)
        odds = 0.9 * odds / odds.sum() + 0.1 / len(odds)
        kernel = np.searchsorted(np.cumsum(odds)[:-1], rng.random(n), side="right")
        keep = np.asarray(KEEP)[kernel, None]
        proposed = keep * white + np.sqrt(1.0 - keep**2) * rng.standard_normal((n, d))
        there = mean + spread_by(root, proposed)
        new = problem.target(there, seen)
        # The proposal is reversible for the Gaussian, not for Lebesgue measure.
        gain = new - target
        gain += 0.5 * (np.square(proposed).sum(axis=1) - np.square(white).sum(axis=1))
        chance = np.exp(np.minimum(np.where(np.isfinite(gain), gain, -np.inf), 0.0))
        yes = rng.random(n) < chance
        distance = np.square(proposed - white).sum(axis=1) / (2.0 * d)
        for j in range(len(KEEP)):
            mine = kernel == j
            if mine.any():
                quality[j] = 0.5 * quality[j] + 0.5 * float((chance * distance)[mine].mean())
        quality = np.maximum(quality, 1e-6)
        jump += float(np.where(yes, distance, 0.0).mean())
        accepted += float(yes.mean())
        moves += 1
        scores = np.where(yes[:, None], there, scores)
        white = np.where(yes[:, None], proposed, white)
        target = np.where(yes, new, target)
    done = Rejuvenation(
        period=seen.t,
        power=seen.power,
        ess=left,
        ancestors=len(np.unique(index)),
        distinct=distinct(scores),
        moves=moves,
        jump=jump,
        accepted=accepted / max(moves, 1),
        drift=drift(start, white),
        capped=jump < JUMP,
    )
    return _Cloud(scores, np.zeros(n), quality), done
