"""Moves that leave a target as it is and particles elsewhere, in coordinates fitted to them.

Scores go through the frame of linear parameters (`moves_linear`) where there is one, are whitened
by the Gaussian that fits them, and lose curved dependence: a log-odds of talks and the slope that
multiplies the surplus trade off along a banana, and so do a level and the weights it stands for.
Each coordinate gives up what squares of earlier ones, and products of those that talks hang on, say
of it: a triangular map (Marzouk et al. 2016). All of this is a bijection of known determinant, so
that it decides how often a proposal is accepted and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from beliefs.inference.smc import particles
from beliefs.inference.smc.moves_linear import Frame, from_frame, to_frame
from beliefs.inference.smc.particles import Floats, Ints, mapped, normalised

WHOLE = (0.0, 0.5, 0.75, 0.88, 0.94, 0.97)
"""What a proposal keeps of the distance from the fitted mean: 0 is an independent draw."""
PART = (0.0, 0.6, 0.85)  # the same for moves of the core alone
KERNELS = (*WHOLE, *PART)
MOST = 40  # moves of a round at most
SHARE = 0.45  # of moves of the core alone
CORE = (
    "retention", "log_volatility", "log_discount", "log_reading_step", "projection_level",
    "surplus_effect", "onset_base", "deadlock_shape",
)  # fmt: skip
"""Parameters that others depend on nonlinearly, and so move least of all. Moves of these alone,
which the others follow in expectation, are cheap in acceptance."""
FAR, WIDEST = ("surplus_effect", "onset_base", "log_cost", "cost_slope"), 1.3
"""Parameters of a funnel, and variance of proposals: the more talks hang on the surplus, the less
room is left for it; few particles stand where the likelihood is highest, the rest must find it."""
PRODUCTS = ("log_cost", "cost_slope", "surplus_effect", "onset_base", "continuation_base")
"""Parameters whose products count, not their squares alone: they enter the log-odds of talks."""
LATE = ("belief_mean", *(name for name in PRODUCTS if name not in CORE))
"""Parameters that answer to squares and products of others, those that answer to most at the end:
levels trade off against all weights, the chance that talks go on against costs and slopes."""
SURE = 3.5  # standard errors from 0 above which a coefficient of the shear is kept


class Shear(NamedTuple):
    """Coefficients that are sure, sorted by the coordinate they shift."""

    # Coordinate shifted, the two multiplied, and their coefficient; each (terms,).
    terms: tuple[Ints, Ints, Ints, Floats]
    centre: Floats  # of what is left, and its spread; (d,)
    spread: Floats


@dataclass(frozen=True)
class Transform:
    """Coordinates fitted to weighted particles."""

    frame: Frame | None  # of the linear parameters; None for a block without beliefs
    order: Ints  # of the scores: coordinates depend on earlier ones
    n_core: int  # how many of the first are the core
    mean: Floats  # of the Gaussian that fits the scores in that order
    root: Floats
    shear: Shear
    scale: Floats  # standard deviation of proposals in each coordinate, (d,)
    white: Floats  # the particles in them, (N, d)
    change: Floats  # log|d scores / d coordinates| up to a constant, (N,)


@dataclass(frozen=True)
class Moved:
    """Particles after their moves."""

    scores: Floats
    density: Floats  # their log target, (N,)
    known: Floats  # what the target says of them besides, (N, C)
    quality: Floats  # what each kernel achieved, to choose among them next time; (kernels,)
    moves: int
    jump: float  # accumulated mean squared jump
    accepted: float  # share
    drift: float  # how far means went, in standard errors; see `particles.drift`
    capped: bool  # whether the number of moves, not the jump, ended it


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _sheared(z: Floats, at: Ints, first: Ints, second: Ints, weight: Floats, sign: float) -> Floats:
    """Subtract (sign 1) or add (sign -1) the terms; `z` is read as it becomes when adding."""
    out = z.copy()
    source = z if sign > 0.0 else out
    for i in range(z.shape[0]):
        for q in range(len(at)):
            k, m = first[q], second[q]
            one = 1.0 if k == m else 0.0
            out[i, at[q]] -= sign * weight[q] * (source[i, k] * source[i, m] - one)
    return out


def shear_of(white: Floats, log_weights: Floats, names: list[str]) -> Shear:
    """Regress each white coordinate (N, d) on squares and products of earlier ones."""
    weights, product = normalised(log_weights), np.isin(names, PRODUCTS)
    k, m = np.tril_indices(len(names))
    allowed = (k == m) | (product[k] & product[m])
    k, m = k[allowed], m[allowed]
    feature = white[:, k] * white[:, m]
    feature -= np.einsum("n,nf->f", weights, feature)
    square = np.einsum("n,nf->f", weights, np.square(feature))
    answer = np.einsum("nj,nf->jf", white, weights[:, None] * feature)
    sure = np.abs(answer) > SURE * np.sqrt(np.sum(weights * weights) * square)
    later = np.arange(len(names))[:, None] > k
    j, q = np.nonzero(sure & later & ((k == m) | product[:, None]))
    terms = (j, k[q], m[q], answer[j, q] / square[q])
    left = _sheared(white, *terms, 1.0)
    centre = np.einsum("n,nj->j", weights, left)
    spread = np.sqrt(np.einsum("n,nj->j", weights, np.square(left - centre)))
    return Shear(terms, centre, np.where(spread > 0.0, spread, 1.0))


def transform_of(
    scores: Floats, log_weights: Floats, labels: tuple[str, ...], frame: Frame | None = None
) -> Transform:
    """Fit coordinates to weighted particles: normal scores (N, d) named by `labels`."""
    names = [label.split("[")[0] for label in labels]
    # Elements of the core keep the order of their labels.
    rank = [0 if name in CORE else 2 + LATE.index(name) if name in LATE else 1 for name in names]
    order, n_core = np.argsort(rank, kind="stable").astype(np.int64), rank.count(0)
    here, change = (scores, np.zeros(len(scores))) if frame is None else to_frame(frame, scores)
    here = np.ascontiguousarray(here[:, order])
    mean, root = particles.fitted_gaussian(here, log_weights)
    white = particles.whiten(root, here - mean)
    shear = shear_of(white, log_weights, [names[j] for j in order])
    far = np.asarray([names[j] in FAR for j in order])
    scale = np.sqrt(np.where(far, WIDEST, particles.WIDER))
    white = (_sheared(white, *shear.terms, 1.0) - shear.centre) / (shear.spread * scale)
    return Transform(frame, order, n_core, mean, root, shear, scale, white, change)


def back(transform: Transform, white: Floats) -> tuple[Floats, Floats]:
    """Return the scores (N, d) at some coordinates, and log|d scores / d coordinates|."""
    out = np.empty_like(white)
    shear = transform.shear
    left = shear.centre + shear.spread * transform.scale * white
    straight = _sheared(left, *shear.terms, -1.0)
    out[:, transform.order] = transform.mean + np.einsum("jk,nk->nj", transform.root, straight)
    change = np.zeros(len(out))
    if transform.frame is not None:
        out, change = from_frame(transform.frame, out)
    return particles.rounded(out), change


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
    transform: Transform,
    index: Ints,
    scores: Floats,
    density: Floats,
    known: Floats,
    target: Callable[[Floats], tuple[Floats, Floats]],
    quality: Floats,
    rng: np.random.Generator,
    enough: float,
) -> Moved:
    """Move particles by Metropolis-Hastings until they are elsewhere.

    Proposals keep a share rho of the distance from the mean of a fitted Gaussian and draw the rest
    from it (preconditioned Crank-Nicolson; rho 0 is the independence sampler). `index` says which
    of the transform's particles are moved, `target` gives log densities (n,) of particles (n, d)
    and what else is `known` of them (n, C); `enough` is the mean squared jump to accumulate in
    moves of all parameters, as a share of that between independent draws.
    """
    white, change = transform.white[index], transform.change[index]
    start, (n, d), n_core = white, scores.shape, transform.n_core
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

        def work(chunk: slice, proposed: Floats = proposed) -> tuple[Floats, ...]:
            there, stretch = back(transform, proposed[chunk])
            return there, stretch, *target(there)

        parts = zip(*mapped(work, n), strict=True)
        there, stretch, new, new_known = (np.concatenate(part) for part in parts)
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
        known = np.where(yes[:, None], new_known, known)
        change, density = np.where(yes, stretch, change), np.where(yes, new, density)
        moves += 1
    gone, accepted = particles.drift(start, white), accepted / max(moves, 1)
    return Moved(scores, density, known, quality, moves, jump, accepted, gone, jump < enough)
