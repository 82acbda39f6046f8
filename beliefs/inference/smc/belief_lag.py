r"""What is known of both beliefs one period earlier, as covariates of what the sides do.

Given a particle, filtered belief is Gaussian, so that the mean of :math:`p = logistic(b)` is an
integral over one normal. The mean of :math:`\min(p_A, p_B)` is split where the beliefs are equal,
because no rule with few nodes integrates a corner,

.. math:: E \min(p_A, p_B) = E[p_A; b_B > b_A] + E[p_B; b_A > b_B],

each over the gap of beliefs, on one side of zero, and one belief given the gap. They are averaged
over the particles of the period, so that no covariate knows more than its period did. Its
uncertainty is left out: this is a cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.filter.filter import hermite
from beliefs.inference.filter.filter_model import Model
from beliefs.inference.smc.chunks import mapped
from beliefs.inference.smc.particles import normalised
from beliefs.inference.smc.track import Track
from beliefs.model.contract import logistic
from beliefs.model.mechanisms import bargaining, domestic
from beliefs.model.structure import Columns, until

__all__ = ["belief_lag", "known_beliefs"]

Floats = NDArray[np.float64]

NODES, GAPS, GIVEN = 12, 8, 4
"""Nodes of a belief (Gauss-Hermite), of the gap of beliefs on one side of zero (Gauss-Legendre in
its distribution function) and of a belief given the gap (Gauss-Hermite)."""
THIN = 1e-9
"""Standard deviation, in log-odds, of a gap of beliefs that is certain."""
TINY = 1e-300


@dataclass(frozen=True)
class _Stretch:
    """Periods `low` to `high` (exclusive) with one set of particles."""

    low: int
    high: int
    scores: Floats
    weights: Floats
    mean: Floats
    cov: Floats


def known_beliefs(mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Return the mean of both probabilities and that of the lower one.

    Parameters
    ----------
    mean, cov
        Beliefs in log-odds, (..., 2) and (..., 3: first side, both, second side).

    Returns
    -------
    p
        (..., 2).
    lower
        (...).
    """
    from scipy.special import ndtr, ndtri

    p, lower = np.empty(mean.shape), np.zeros(mean.shape[:-1])
    places, shares = np.polynomial.legendre.leggauss(GAPS)
    places, shares = 0.5 * (1.0 + places), 0.5 * shares
    wide = cov[..., 0] + cov[..., 2] - 2.0 * cov[..., 1]
    wide = np.maximum(np.sqrt(np.maximum(wide, 0.0)), THIN)
    for i, j in ((0, 1), (1, 0)):
        p[..., i] = _mean_chance(mean[..., i], cov[..., 2 * i], NODES)
        # The gap b_j - b_i is above zero with this chance; z is it there, standardised.
        above = ndtr((mean[..., j] - mean[..., i]) / wide)
        z = -ndtri(np.maximum(above, TINY)[..., None] * places)
        along = (cov[..., 1] - cov[..., 2 * i]) / wide
        left = (cov[..., 2 * i] - along * along)[..., None]
        given = _mean_chance(mean[..., i, None] + along[..., None] * z, left, GIVEN)
        lower += above * (given @ shares)
    return p, lower


def _mean_chance(mean: Floats, var: Floats, nodes: int) -> Floats:
    """Return the mean of logistic(b) for normal b, in the shape of `mean`."""
    at, weights = hermite(nodes)
    root = np.sqrt(np.maximum(var, 0.0))
    total = np.zeros(mean.shape)
    for x, weight in zip(at, weights, strict=True):
        total += weight * logistic(np, mean + root * x)
    return total


def belief_lag(track: Track | None, n_time: int) -> Columns:
    """Return columns of what was known of both beliefs at the end of the period before.

    Parameters
    ----------
    track
        Track of the belief block; None for a theory without beliefs. Periods before a posterior
        that a track took over are filtered with the parameters of that posterior.
    n_time
        Length of the columns; the last value holds on after the track.

    Returns
    -------
    dict
        ``p_lag`` (side, time) and ``p_lag_min`` (time,), probabilities; ``surplus_lag`` (time,),
        the bargaining surplus in shares of the stake. 0.5, 0.5 and 0 without a track. In the first
        period beliefs are what the prior says of the period before, and the surplus is 0.
    """
    p, lower, surplus = np.full((2, n_time), 0.5), np.full(n_time, 0.5), np.zeros(n_time)
    if track is not None and track.theory.beliefs:
        model = track.model()
        p[:, 0], lower[0] = _at_first(model, track.epochs[0])
        for stretch in _stretches(track, model):
            part = slice(stretch.low + 1, min(stretch.high + 1, n_time))
            size = max(part.stop - part.start, 0)
            each, least = (v[:size] for v in _by_period(stretch))
            weights = stretch.weights[:size]
            p[:, part] = np.einsum("tn,tni->it", weights, each)
            lower[part] = np.einsum("tn,tn->t", weights, least)
            surplus[part] = _surplus(model, stretch, each, size)
        for values in (p, lower, surplus):
            values[..., track.n_time + 1 :] = values[..., [min(track.n_time, n_time - 1)]]
    return {"p_lag": p, "p_lag_min": lower, "surplus_lag": surplus}


def _by_period(stretch: _Stretch) -> tuple[Floats, Floats]:
    parts = [known_beliefs(m, c) for m, c in zip(stretch.mean, stretch.cov, strict=True)]
    return np.stack([p for p, _ in parts]), np.stack([lower for _, lower in parts])


def _at_first(model: Model, scores: Floats) -> tuple[Floats, float]:
    """Return the means before the first period; belief then is known given the parameters."""
    start = model.still(model.params(scores), len(scores)).start
    p, lower = known_beliefs(start, np.zeros((len(start), 3)))
    return p.mean(axis=0), float(lower.mean())


def _stretches(track: Track, model: Model) -> Iterator[_Stretch]:
    """Yield the periods of a track by their particles."""
    if track.first > 0:
        scores = track.epochs[0]
        path = model.replay(scores, track.first, keep=True)[2].transpose(1, 0, 2)
        weights = np.tile(normalised(track.log_weights[0]), (track.first, 1))
        yield _Stretch(0, track.first, scores, weights, path[..., 9:11], path[..., 11:14])
    epoch = track.epoch
    edges = [0, *(np.flatnonzero(np.diff(epoch)) + 1), len(epoch)]
    for low, high in pairwise(edges):
        yield _Stretch(
            track.first + int(low),
            track.first + int(high),
            track.epochs[epoch[low]],
            np.stack([normalised(row) for row in track.log_weights[low:high]]),
            track.mean[low:high],
            track.cov[low:high],
        )


def _surplus(model: Model, stretch: _Stretch, p: Floats, size: int) -> Floats:
    """Return the mean surplus of the first `size` periods of a stretch, given p (period, N, 2)."""
    high = stretch.low + size
    columns = until(model.columns, high)
    free = {part.name for part in model.coordinates.parts}
    params = model.params(stretch.scores)
    memory = np.broadcast_to(params["audience_memory"], (len(stretch.scores), 2))

    def work(chunk: slice) -> Floats:
        mine = {k: v[chunk] if k in free else v for k, v in params.items()}
        mine["audience_memory"] = memory[chunk]
        bound = domestic.audience(np, mine, columns, model.structure)
        pull, drag = bargaining.stakes(np, mine, columns, bound, model.structure)
        here = p[:, chunk]
        pull, drag = (
            np.broadcast_to(v, (chunk.stop - chunk.start, high))[:, stretch.low :].T
            for v in (pull, drag)
        )
        z = bargaining.balance(pull, drag, here[..., 0], here[..., 1])
        total: Floats = np.einsum("tn,tn->t", stretch.weights[:size, chunk], z)
        return total

    return np.sum(mapped(work, len(stretch.scores)), axis=0)
