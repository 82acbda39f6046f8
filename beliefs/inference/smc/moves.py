"""Moves that leave the posterior given all periods so far as it is, and particles elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.filter.filter import Belief
from beliefs.inference.smc.chunks import CHUNK, chunks, joined, mapped
from beliefs.inference.smc.moves_chart import Chart, back
from beliefs.inference.smc.particles import drift

__all__ = ["KERNELS", "Limits", "Moved", "move"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE = (0.0, 0.5, 0.75, 0.88, 0.94, 0.97)
"""What a proposal keeps of the distance from the fitted mean: 0 is an independent draw."""
PART = (0.0, 0.6, 0.85)
"""The same for moves of the core alone."""
KERNELS = (*WHOLE, *PART)


@dataclass(frozen=True)
class Limits:
    """When particles count as moved.

    Attributes
    ----------
    jump
        Mean squared jump to accumulate in moves of all parameters, as a share of that between
        independent draws.
    moves
        Most moves of a round.
    part
        Share of moves of the core alone.
    """

    jump: float = 0.5
    moves: int = 40
    part: float = 0.45


@dataclass(frozen=True)
class Moved:
    """Particles after their moves.

    Attributes
    ----------
    scores, belief
        The particles.
    quality
        What each kernel achieved, (kernels,), to choose among them next time.
    moves, jump, accepted
        Number of moves, accumulated jump (see `Limits`), share accepted.
    drift
        How far means went, in standard errors; see `beliefs.inference.smc.particles.drift`.
    capped
        Whether the number of moves, not the jump, ended it.
    """

    scores: Floats
    belief: Belief
    quality: Floats
    moves: int
    jump: float
    accepted: float
    drift: float
    capped: bool


def _chosen(quality: Floats, part: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Draw a kernel for each particle, oftener the better it served."""
    kernel = np.empty(len(part), dtype=np.int64)
    for low, high, mine in ((0, len(WHOLE), ~part), (len(WHOLE), len(KERNELS), part)):
        share = np.square(quality[low:high])
        share = 0.9 * share / share.sum() + 0.1 / len(share)
        drawn = np.searchsorted(np.cumsum(share)[:-1], rng.random(len(part)), side="right") + low
        kernel[mine] = drawn[mine]
    return kernel


def move(
    chart: Chart,
    places: Floats,
    change: Floats,
    scores: Floats,
    belief: Belief,
    power: float,
    quality: Floats,
    rng: np.random.Generator,
    limits: Limits,
) -> Moved:
    """Move particles by Metropolis-Hastings until they are elsewhere.

    The target is the prior times the predictive densities of all periods before the newest, times
    that of the newest to the `power`. Proposals keep a share rho of the distance from the mean of
    a fitted Gaussian and draw the rest from it (preconditioned Crank-Nicolson; rho 0 is the
    independence sampler), which would accept always were the target that Gaussian.

    Parameters
    ----------
    chart
        Coordinates in which particles move, and the number of periods in the target.
    places, change
        The particles in them (N, d), and log|d scores / d places|, (N,); see `moves_chart`.
    scores, belief
        Particles (N, d) and their filter states after these periods.
    power
        From 0 to 1.
    quality
        What each kernel achieved so far, (kernels,).
    rng
        Source of randomness.
    limits
        When to stop.
    """
    white = places / chart.reach
    start = white
    (n, d), n_core, frame = scores.shape, chart.n_core, chart.frame
    jump, moves, accepted = 0.0, 0, 0.0
    quality = quality.copy()
    # With nothing but a core, or none at all, every move is one of all parameters.
    share = limits.part if 0 < n_core < d else 0.0
    size = np.asarray([d] * len(WHOLE) + [max(n_core, 1)] * len(PART))
    while jump < limits.jump and moves < limits.moves:
        part = np.asarray(rng.random(n) < share)
        kernel = _chosen(quality, part, rng)
        keep = np.asarray(KERNELS)[kernel, None]
        noise = rng.spawn(chunks(n))

        def work(
            chunk: slice, was: Floats = white, keep: Floats = keep, part: Any = part,
            noise: Any = noise,
        ) -> tuple[Floats, Floats, Floats, Belief]:  # fmt: skip
            was, keep, part = was[chunk], keep[chunk], part[chunk]
            drawn = noise[chunk.start // CHUNK].standard_normal(was.shape)
            proposed = keep * was + np.sqrt(1.0 - keep**2) * drawn
            proposed[part, n_core:] = was[part, n_core:]
            there, stretch = back(chart, chart.reach * proposed)
            return proposed, there, stretch, frame.model.replay(there, frame.n_time)[0]

        *arrays, beliefs = zip(*mapped(work, n), strict=True)
        proposed, there, stretch = (np.concatenate(parts) for parts in arrays)
        new = joined(beliefs)
        gain = _log_target(there, new, power) - _log_target(scores, belief, power)
        gain += stretch - change
        # The proposal is reversible for the Gaussian, not for Lebesgue measure.
        gain += 0.5 * (np.square(proposed).sum(axis=1) - np.square(white).sum(axis=1))
        gain = np.where(np.isfinite(gain), gain, -np.inf)
        chance = np.exp(np.minimum(gain, 0.0))
        yes = rng.random(n) < chance
        distance = np.square(proposed - white).sum(axis=1) / (2.0 * size[kernel])
        for k in range(len(quality)):
            mine = kernel == k
            if mine.any():
                found = float((chance[mine] * distance[mine]).mean())
                quality[k] = 0.5 * quality[k] + 0.5 * found
        quality = np.maximum(quality, 1e-6)
        jump += float(np.where(yes & ~part, distance, 0.0).mean())
        accepted += float(yes.mean())
        scores = np.where(yes[:, None], there, scores)
        white = np.where(yes[:, None], proposed, white)
        change = np.where(yes, stretch, change)
        belief = belief.where(yes, new)
        moves += 1
    return Moved(
        scores, belief, quality, moves, jump, accepted / max(moves, 1),
        drift(start, white), jump < limits.jump,
    )  # fmt: skip


def _log_target(scores: Floats, belief: Belief, power: float) -> Any:
    prior = -0.5 * np.square(scores).sum(axis=1)
    return prior + belief.total[:, 0] + power * belief.newest.sum(axis=1)
