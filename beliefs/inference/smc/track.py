"""`track`: the posterior after every period, by sequential Monte Carlo over the parameters (IBIS).

Particles of the parameters carry the exact (moment-matched) filter of both beliefs. Each period
reweights them by what they had predicted (Chopin 2002); when the effective number falls below half
they are resampled and moved. Where one period says too much at once, it is taken in by powers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.filter.filter import Belief, newborn
from beliefs.inference.filter.filter_model import Model
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.pareto import RELIABLE, pareto_k
from beliefs.inference.smc.moves import KERNELS, Limits, Moved, move
from beliefs.inference.smc.moves_chart import chart_of
from beliefs.inference.smc.particles import (
    distinct,
    effective_size,
    log_mean,
    resample,
    temper,
)
from beliefs.inference.smc.track_result import Rejuvenation, Row, Track
from beliefs.model.structure import Structure
from beliefs.model.theory import Theory, not_finite, theory_of
from beliefs.study.load import Study

__all__ = ["advance", "track"]

Floats = NDArray[np.float64]

LIMITS = Limits()
KINDS = len(KERNELS)
"""Kinds of moves, the random walk included."""
ENOUGH = 0.5
"""Share of effective particles below which they are resampled and moved."""
FEWEST = 1.0 / 8.0
"""Share of effective particles that one step may leave; a period that leaves fewer is split."""
DRIFT, ROUNDS = 5.5, 6
"""Drift (see `Moved`) above which particles are still under way, so that moves are repeated in
coordinates fitted anew, and how often at most."""
LAG, CALM = 3.5, 0.9
"""Cumulative sum of drift (Page 1954) above which particles lag behind the periods, and the share
of drifts that add nothing where particles stand in the target."""
FURTHER = 2.0
"""How many times as far a track goes with rounds of later periods once its particles lag. Where
rounds do not bring all particles home, what is missing adds up from period to period."""


@dataclass(frozen=True)
class Cloud:
    """Particles after a period.

    Attributes
    ----------
    scores, belief
        Normal scores (N, d) and filter states.
    log_weights
        (N,), not normalised.
    quality
        What each kind of move achieved, (kernels,).
    """

    scores: Floats
    belief: Belief
    log_weights: Floats
    quality: Floats


def track(
    study: Study,
    theory: Theory | str | Path,
    *,
    particles: int = 2000,
    seed: int,
    progress: Callable[[str], None] | None = None,
    inputs: Inputs | None = None,
) -> Track:
    """Follow the posterior of a theory through every period of a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theory
        From `beliefs.load_theory`, or what that takes: a name, an id or a file.
    particles
        Number of particles, at least 100. 2000 end where the sampler does on the bundled studies,
        but for ``us-iran-2012``, 716 weeks, which takes 4000.
    seed
        Seed of everything random here.
    progress
        Called with a few words as periods are taken in.
    inputs
        What the filter is told instead of `build_inputs(study)`.

    Returns
    -------
    Track
        Posterior, predictive densities and evidence after every period.

    Raises
    ------
    StudyError
        Too few particles, or the theory frees nothing on this study.

    Examples
    --------
    >>> beliefs.track(study, "base_rate", particles=200, seed=1).n_time
    26
    """
    seed = checked_seed(seed)
    if particles < 100:
        raise StudyError(
            "too few particles",
            where="particles",
            found=str(particles),
            expected="at least 100",
            mend="2000, or 4000 for a study of many years such as us-iran-2012",
        )
    theory = theory_of(theory)
    inputs = build_inputs(study) if inputs is None else inputs
    model = Model.of(inputs, theory)
    if model.coordinates.size == 0:
        raise StudyError(
            "the theory frees no parameter",
            where=f"theory {theory.name}",
            found="mechanisms " + ", ".join(theory.mechanisms),
            expected="at least one free parameter",
            mend="switch a mechanism on",
        )
    rng = np.random.default_rng([seed, 0, 0])
    scores = rng.standard_normal((particles, model.coordinates.size))
    empty = Track.empty(study, inputs, theory, seed, scores)
    return _follow(empty, model, progress)


def advance(
    found: Track,
    study: Study,
    *,
    progress: Callable[[str], None] | None = None,
    inputs: Inputs | None = None,
) -> Track:
    """Go on with a track as the study grows or is revised.

    The result is what `track` gives for the new study, bit for bit. Periods before the first whose
    inputs changed are kept; a late row or a revision makes the track go back to it.

    Parameters
    ----------
    found
        A track of an earlier state of the study.
    study
        The study now, of the same structure.
    progress
        Called with a few words as periods are taken in; says how far the track goes back.
    inputs
        What the filter is told instead of `build_inputs(study)`.

    Raises
    ------
    StudyError
        The study has other sides, indicators, channels, shocks or dates than the track.
    """
    inputs = build_inputs(study) if inputs is None else inputs
    old, new = found.model(), found.model(inputs)
    if not same_but_longer(old.structure, new.structure):
        raise StudyError(
            "the study has another structure than the track",
            where=study.spec.name,
            found="other sides, periods, indicators, channels or shocks",
            expected="the study that was tracked, with more or revised rows",
            mend="track it anew",
        )
    kept = first_change(old, new, min(found.n_time, int(inputs.active.sum())))
    if kept < found.n_time and progress is not None:
        progress(f"inputs of period {inputs.dates[kept]} changed: back to the one before")
    return _follow(replace(found.until(kept), study=study, inputs=inputs), new, progress)


def same_but_longer(old: Structure, new: Structure) -> bool:
    """Tell whether a structure is another one, but for periods after its end."""
    return new.n_time >= old.n_time and replace(new, n_time=old.n_time) == old


def first_change(old: Model, new: Model, n_time: int) -> int:
    """Return the number of periods, at most `n_time`, before the first with other inputs."""
    changed = np.zeros(n_time, dtype=bool)
    for a, b in zip(old.seen_by_period(n_time), new.seen_by_period(n_time), strict=True):
        changed |= (a != b).reshape(-1, n_time).any(axis=0)
    if changed.any():
        n_time = int(changed.argmax())
    # Readings are listed one by one: the first that differ, or that only one of both has.
    starts = old.looks.starts, new.looks.starts
    same = starts[0][: n_time + 1] == starts[1][: n_time + 1]
    if not same.all():
        n_time = int(same.argmin()) - 1
    n = int(starts[0][n_time])
    apart = np.zeros(n, dtype=bool)
    for name in ("sides", "channels", "values"):
        apart |= getattr(old.looks, name)[:n] != getattr(new.looks, name)[:n]
    if apart.any():
        n_time = int(np.searchsorted(starts[0], apart.argmax(), side="right")) - 1
    return n_time


def _follow(found: Track, model: Model, progress: Callable[[str], None] | None) -> Track:
    """Take in all periods of the study after those that the track has seen."""
    start, end = found.n_time, int(found.inputs.active.sum())
    if start == end:
        return found
    cloud = _resumed(found, model)
    rows: list[Row] = []
    epochs, done = list(found.epochs), list(found.rejuvenations)
    prepared = model.prepared(cloud.scores)
    for t in range(start, end):
        belief = model.step(prepared, cloud.belief, t)
        predictive = _predictive(cloud.log_weights, belief.newest)
        cloud = replace(cloud, belief=belief)
        limits = _limits(done, model.coordinates.size)
        cloud, evidence, moved = _take_in(model, cloud, t, found.seed, limits)
        alive = np.isfinite(cloud.log_weights)
        held = (cloud.belief.mean[alive], cloud.belief.cov[alive])
        if not (np.isfinite(evidence) and all(np.isfinite(v).all() for v in held)):
            raise not_finite(found.theory, found.structure, str(found.inputs.dates[t]))
        if moved:
            done += moved
            epochs.append(cloud.scores)
            prepared = model.prepared(cloud.scores)
            if progress is not None:
                progress(f"{found.inputs.dates[t]}: moved particles")
        rows.append(
            Row.of(
                cloud.belief,
                cloud.log_weights,
                cloud.quality,
                len(epochs) - 1,
                evidence,
                predictive,
            )
        )
    return found.extended(rows, tuple(epochs), tuple(done), cloud.belief)


def _resumed(found: Track, model: Model) -> Cloud:
    """Return the particles as the track left them."""
    scores = found.epochs[-1]
    n = len(scores)
    if found.n_time == 0:
        still = model.still(model.params(scores), n)
        return Cloud(scores, newborn(still), np.zeros(n), np.ones(KINDS))
    belief, row = found.last, found.rows[-1]
    if belief is None:  # gone back: what the track does not keep by period is computed again
        again = model.replay(scores, found.n_time)[0]
        belief = Belief(
            row.mean, row.cov, row.total[:, None], np.zeros((n, 2)), again.audience, again.pair
        )
    return Cloud(scores, belief, row.log_weights, row.quality)


def _predictive(log_weights: Floats, newest: Floats) -> Floats:
    """Return log predictive densities of a period: readings, then talks given these."""
    heard = log_mean(log_weights, newest[:, 0])
    return np.asarray([heard, log_mean(log_weights + newest[:, 0], newest[:, 1])])


def _limits(done: list[Rejuvenation], d: int) -> Limits:
    """Return when particles of `d` coordinates count as moved, after what they did before."""
    # The largest of d absolute standard normals stays below this in a share CALM of cases.
    noise = float(ndtri(0.5 + 0.5 * CALM ** (1.0 / d)))
    lag = 0.0
    for r in done:
        lag = max(0.0, lag + r.drift - noise)
        if lag > LAG:
            return replace(LIMITS, jump=FURTHER * LIMITS.jump)
    return LIMITS


def _take_in(
    model: Model, cloud: Cloud, t: int, seed: int, limits: Limits
) -> tuple[Cloud, float, list[Rejuvenation]]:
    """Reweight by period t; move when few particles carry the weight, or its tail is too heavy."""
    n = len(cloud.scores)
    evidence, power = 0.0, 0.0
    done: list[Rejuvenation] = []
    while True:
        said = cloud.belief.newest.sum(axis=1)
        rest = 1.0 - power
        after = effective_size(cloud.log_weights + rest * said)
        share = rest
        if after < FEWEST * n:
            share = temper(cloud.log_weights, said, rest, ENOUGH * n)
        power = 1.0 if share == rest else power + share
        evidence += log_mean(cloud.log_weights, share * said)
        cloud = replace(cloud, log_weights=cloud.log_weights + share * said)
        left = effective_size(cloud.log_weights)
        reliable = pareto_k(cloud.log_weights) <= RELIABLE
        if power == 1.0 and left >= ENOUGH * n and reliable:
            return cloud, evidence, done
        rng = np.random.default_rng([seed, t + 1, len(done)])
        cloud, ancestors, rounds = _elsewhere(model, cloud, t + 1, power, rng, limits)
        moves = sum(r.moves for r in rounds)
        done.append(
            Rejuvenation(
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
            )
        )
        if power == 1.0:
            return cloud, evidence, done


def _elsewhere(
    model: Model,
    cloud: Cloud,
    n_time: int,
    power: float,
    rng: np.random.Generator,
    limits: Limits,
) -> tuple[Cloud, int, list[Moved]]:
    """Resample particles and move them until their means stay; also return how many were kept."""
    n = len(cloud.scores)
    index = resample(cloud.log_weights, rng.random())
    ancestors = len(np.unique(index))
    rounds: list[Moved] = []
    while not rounds or (rounds[-1].drift > DRIFT and len(rounds) < ROUNDS):
        chart, places, change = chart_of(model, cloud.scores, cloud.log_weights, n_time)
        found = move(
            chart, places[index], change[index], cloud.scores[index], cloud.belief.take(index),
            power, cloud.quality, rng, limits,
        )  # fmt: skip
        rounds.append(found)
        cloud = Cloud(found.scores, found.belief, np.zeros(n), found.quality)
        index = np.arange(n)
    return cloud, ancestors, rounds
