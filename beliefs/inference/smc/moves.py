"""Moves that leave a target as it is and particles elsewhere, in coordinates fitted to them.

Scores go through the frame of linear parameters (`moves_linear`) where there is one, are whitened
by the Gaussian that fits them, and lose what squares and products of some say of others
(`moves_shear`). This is a bijection whose determinant is known, so that it decides how often a
proposal is accepted and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.smc.chunks import mapped
from beliefs.inference.smc.moves_linear import Frame, from_frame, to_frame
from beliefs.inference.smc.moves_shear import PRODUCTS, Shear, shear_of, sheared, unsheared
from beliefs.inference.smc.particles import WIDER, drift, fitted_gaussian, spread_by, whiten

__all__ = ["FAR", "KERNELS", "Chart", "Moved", "back", "chart_of", "in_order", "move"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE = (0.0, 0.5, 0.75, 0.88, 0.94, 0.97)
"""What a proposal keeps of the distance from the fitted mean: 0 is an independent draw."""
PART = (0.0, 0.6, 0.85)
"""The same for moves of the core alone."""
KERNELS = (*WHOLE, *PART)
MOST = 40
"""Most moves of a round."""
SHARE = 0.45
"""Share of moves of the core alone."""
CORE = (
    "retention", "log_volatility", "log_discount", "log_reading_step", "projection_level",
    "surplus_effect", "onset_base",
)  # fmt: skip
"""Parameters that bend the posterior of all others, and so move least of all. Moves of these alone,
which the others follow in expectation, are cheap in acceptance."""
FAR, WIDEST = ("surplus_effect", "onset_base", "log_cost", "cost_slope"), 1.3
"""Parameters of a funnel, and variance of proposals: the more talks hang on the surplus, the less
room is left for it, so few particles stand where the likelihood is highest, and the rest must find
it."""
LATE = ("belief_mean", *(name for name in PRODUCTS if name not in CORE))
"""Parameters that answer to squares and products of others, those that answer to most at the end:
levels trade off against all weights, the chance that talks go on against costs and slopes."""


@dataclass(frozen=True)
class Chart:
    """Coordinates fitted to weighted particles.

    Attributes
    ----------
    frame
        Of the linear parameters; None for a block without beliefs.
    order, n_core
        The scores in the order in which coordinates depend on one another, and how many of them
        are the core.
    mean, root, shear
        Of the Gaussian that fits the scores in that order, and curvature.
    reach
        Standard deviation of proposals in each coordinate, (d,).
    white, change
        The particles in them (N, d), and log|d scores / d coordinates| up to a constant, (N,).
    """

    frame: Frame | None
    order: Ints
    n_core: int
    mean: Floats
    root: Floats
    shear: Shear
    reach: Floats
    white: Floats
    change: Floats


@dataclass(frozen=True)
class Moved:
    """Particles after their moves.

    Attributes
    ----------
    scores, density
        The particles, and their log target, (N,).
    quality
        What each kernel achieved, (kernels,), to choose among them next time.
    moves, jump, accepted
        Number of moves, accumulated mean squared jump, share accepted.
    drift
        How far means went, in standard errors; see `beliefs.inference.smc.particles.drift`.
    capped
        Whether the number of moves, not the jump, ended it.
    """

    scores: Floats
    density: Floats
    quality: Floats
    moves: int
    jump: float
    accepted: float
    drift: float
    capped: bool


def in_order(labels: tuple[str, ...]) -> tuple[Ints, int]:
    """Return the order in which coordinates depend on one another, and the size of the core."""
    names = [label.split("[")[0] for label in labels]
    # Elements of the core keep the order of their labels.
    rank = [0 if name in CORE else 2 + LATE.index(name) if name in LATE else 1 for name in names]
    return np.argsort(rank, kind="stable").astype(np.int64), rank.count(0)


def chart_of(
    scores: Floats, log_weights: Floats, labels: tuple[str, ...], frame: Frame | None = None
) -> Chart:
    """Fit coordinates to weighted particles.

    Parameters
    ----------
    scores
        (N, d) normal scores.
    log_weights
        (N,), not normalised.
    labels
        Names of the scores.
    frame
        Of the linear parameters.
    """
    order, n_core = in_order(labels)
    here, change = (scores, np.zeros(len(scores))) if frame is None else to_frame(frame, scores)
    here = np.ascontiguousarray(here[:, order])
    mean, root = fitted_gaussian(here, log_weights)
    white = whiten(root, here - mean)
    names = tuple(labels[j] for j in order)
    shear = shear_of(white, log_weights, names)
    far = np.asarray([name.split("[")[0] in FAR for name in names])
    reach = np.sqrt(np.where(far, WIDEST, WIDER))
    white = sheared(shear, white) / reach
    return Chart(frame, order, n_core, mean, root, shear, reach, white, change)


def back(chart: Chart, white: Floats) -> tuple[Floats, Floats]:
    """Return the scores (N, d) at coordinates of a chart, and log|d scores / d coordinates|."""
    out = np.empty_like(white)
    straight = unsheared(chart.shear, chart.reach * white)
    out[:, chart.order] = chart.mean + spread_by(chart.root, straight)
    if chart.frame is None:
        return out, np.zeros(len(out))
    return from_frame(chart.frame, out)


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
    index: Ints,
    scores: Floats,
    density: Floats,
    target: Callable[[Floats], Floats],
    quality: Floats,
    rng: np.random.Generator,
    enough: float,
) -> Moved:
    """Move particles by Metropolis-Hastings until they are elsewhere.

    Proposals keep a share rho of the distance from the mean of a fitted Gaussian and draw the rest
    from it (preconditioned Crank-Nicolson; rho 0 is the independence sampler), which would accept
    always were the target that Gaussian.

    Parameters
    ----------
    chart
        Coordinates in which particles move.
    index, scores, density
        Which of the chart's particles are moved, (N,), these (N, d), and their log target (N,).
    target
        Called with some particles (n, d); returns log densities (n,).
    quality
        What each kernel achieved so far, (kernels,).
    rng
        Source of randomness.
    enough
        Mean squared jump to accumulate in moves of all parameters, as a share of that between
        independent draws.
    """
    white, change = chart.white[index], chart.change[index]
    start, (n, d), n_core = white, scores.shape, chart.n_core
    jump, moves, accepted = 0.0, 0, 0.0
    quality = quality.copy()
    # With nothing but a core, or none at all, every move is one of all parameters.
    share = SHARE if 0 < n_core < d else 0.0
    size = np.asarray([d] * len(WHOLE) + [max(n_core, 1)] * len(PART))
    while jump < enough and moves < MOST:
        part = np.asarray(rng.random(n) < share)
        kernel = _chosen(quality, part, rng)
        keep = np.asarray(KERNELS)[kernel, None]
        proposed = keep * white + np.sqrt(1.0 - keep**2) * rng.standard_normal((n, d))
        proposed[part, n_core:] = white[part, n_core:]

        def work(chunk: slice, proposed: Floats = proposed) -> tuple[Floats, Floats, Floats]:
            there, stretch = back(chart, proposed[chunk])
            return there, stretch, target(there)

        there, stretch, new = (
            np.concatenate(parts) for parts in zip(*mapped(work, n), strict=True)
        )
        gain = new - density + stretch - change
        # The proposal is reversible for the Gaussian, not for Lebesgue measure.
        gain += 0.5 * (np.square(proposed).sum(axis=1) - np.square(white).sum(axis=1))
        chance = np.exp(np.minimum(np.where(np.isfinite(gain), gain, -np.inf), 0.0))
        yes = rng.random(n) < chance
        distance = np.square(proposed - white).sum(axis=1) / (2.0 * size[kernel])
        for k in range(len(quality)):
            mine = kernel == k
            if mine.any():
                quality[k] = 0.5 * quality[k] + 0.5 * float((chance[mine] * distance[mine]).mean())
        quality = np.maximum(quality, 1e-6)
        jump += float(np.where(yes & ~part, distance, 0.0).mean())
        accepted += float(yes.mean())
        scores = np.where(yes[:, None], there, scores)
        white = np.where(yes[:, None], proposed, white)
        change, density = np.where(yes, stretch, change), np.where(yes, new, density)
        moves += 1
    return Moved(
        scores, density, quality, moves, jump, accepted / max(moves, 1), drift(start, white),
        jump < enough,
    )  # fmt: skip
