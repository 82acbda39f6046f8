"""Moves that leave the posterior given all periods so far as it is, and particles elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.infer.filter import Belief
from beliefs.infer.moves_bend import Bend, straight
from beliefs.infer.moves_linear import Frame, from_frame
from beliefs.infer.particles import spread_by, whiten

__all__ = ["KERNELS", "Limits", "Moved", "move"]

Floats = NDArray[np.float64]

KERNELS = (0.0, 0.5, 0.75, 0.88, 0.94, 0.97)
"""What a proposal keeps of the distance from the fitted mean: 0 is an independent draw. The last
kernel, beside these, is a random walk."""


@dataclass(frozen=True)
class Limits:
    """When particles count as moved.

    Attributes
    ----------
    jump
        Mean squared jump to accumulate, as a share of that between independent draws.
    moves
        Most moves per rejuvenation.
    """

    jump: float = 0.6
    moves: int = 8


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
    capped
        Whether the number of moves, not the jump, ended it.
    """

    scores: Floats
    belief: Belief
    quality: Floats
    moves: int
    jump: float
    accepted: float
    capped: bool


def move(
    frame: Frame,
    bend: Bend,
    scores: Floats,
    belief: Belief,
    power: float,
    places: tuple[Floats, Floats],
    gaussian: tuple[Floats, Floats],
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
    frame
        Coordinates in which particles move, and the number of periods in the target.
    bend
        What takes the skew out of them.
    scores, belief
        Particles (N, d) and their filter states after these periods.
    power
        From 0 to 1.
    places
        The particles in bent coordinates of the frame, and log|d scores / d these|.
    gaussian
        Mean and root of the covariance of the proposals, in the same coordinates.
    quality
        What each kernel achieved so far, (kernels,).
    rng
        Source of randomness.
    limits
        When to stop.
    """
    mean, root = gaussian
    n, d = scores.shape
    here, change = places
    white = whiten(root, here - mean)
    jump, moves, accepted = 0.0, 0, 0.0
    quality = quality.copy()
    keep = np.asarray([*KERNELS, 1.0])
    step = np.asarray([*(np.sqrt(1.0 - np.square(KERNELS))), 2.38 / np.sqrt(d)])
    while jump < limits.jump and moves < limits.moves:
        share = np.square(quality) / np.square(quality).sum()
        share = 0.9 * share + 0.1 / len(share)
        kernel = np.searchsorted(np.cumsum(share)[:-1], rng.random(n), side="right")
        noise = rng.standard_normal((n, d))
        proposed = keep[kernel, None] * white + step[kernel, None] * noise
        unbent, bending = straight(bend, mean + spread_by(root, proposed))
        there, stretch = from_frame(frame, unbent)
        stretch -= bending
        new = frame.model.replay(there, frame.n_time)[0]
        gain = _log_target(there, new, power) - _log_target(scores, belief, power)
        gain += stretch - change
        # A pCN proposal is reversible for the fitted Gaussian, a random walk for Lebesgue measure.
        gain += np.where(
            kernel < len(KERNELS),
            0.5 * (np.square(proposed).sum(axis=1) - np.square(white).sum(axis=1)),
            0.0,
        )
        gain = np.where(np.isfinite(gain), gain, -np.inf)
        chance = np.exp(np.minimum(gain, 0.0))
        yes = rng.random(n) < chance
        distance = np.square(proposed - white).sum(axis=1) / (2.0 * d)
        for k in range(len(quality)):
            mine = kernel == k
            if mine.any():
                found = float((chance[mine] * distance[mine]).mean())
                quality[k] = 0.5 * quality[k] + 0.5 * found
        quality = np.maximum(quality, 1e-6)
        jump += float(np.where(yes, distance, 0.0).mean())
        accepted += float(yes.mean())
        scores = np.where(yes[:, None], there, scores)
        white = np.where(yes[:, None], proposed, white)
        change = np.where(yes, stretch, change)
        belief = belief.where(yes, new)
        moves += 1
    return Moved(scores, belief, quality, moves, jump, accepted / max(moves, 1), jump < limits.jump)


def _log_target(scores: Floats, belief: Belief, power: float) -> Any:
    prior = -0.5 * np.square(scores).sum(axis=1)
    return prior + belief.total[:, 0] + power * belief.newest.sum(axis=1)
