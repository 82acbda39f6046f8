r"""What is known of both beliefs one period earlier, as covariates of what the sides do.

Given a particle, filtered belief is Gaussian, so that the mean of :math:`p = logistic(b)` is an
integral over one normal. The mean of :math:`\min(p_A, p_B)` is split where the beliefs are equal,
because no rule with few nodes integrates a corner,

.. math:: E \min(p_A, p_B) = E[p_A; b_B > b_A] + E[p_B; b_A > b_B],

each over the gap of beliefs, on one side of zero, and one belief given the gap. They are averaged
over the particles of the period, so that no covariate knows more than its period did. Its
uncertainty is left out: this is a cut.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.special import ndtr, ndtri

from beliefs.inference.filter.filter import Model, hermite
from beliefs.inference.smc.particles import Floats, mapped, normalised
from beliefs.inference.smc.track import Track
from beliefs.model.contract import logistic
from beliefs.model.mechanisms import bargaining, domestic
from beliefs.model.structure import Columns, until

NODES, GAPS, GIVEN = 12, 8, 4
"""Nodes of a belief (Gauss-Hermite), of the gap of beliefs on one side of zero (Gauss-Legendre in
its distribution function) and of a belief given the gap (Gauss-Hermite)."""
THIN = 1e-9  # standard deviation, in log-odds, of a gap of beliefs that is certain
TINY = 1e-300


def known_beliefs(mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Return means of both probabilities, (..., 2), and of the lower, of beliefs in log-odds."""
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

    ``p_lag`` (side, time) and ``p_lag_min`` (time,), probabilities; ``surplus_lag`` (time,), the
    bargaining surplus in shares of the stake. 0.5, 0.5 and 0 without a track of beliefs. In the
    first period beliefs are what the prior says of the period before, and the surplus is 0. Periods
    before a posterior that a track took over are filtered with the parameters of that posterior;
    the last value holds on after the track.
    """
    p, lower, surplus = np.full((2, n_time), 0.5), np.full(n_time, 0.5), np.zeros(n_time)
    if track is not None and track.theory.beliefs:
        model = track.model()
        # Before the first period belief is known given the parameters.
        scores = track.particles(0)
        start = model.static(model.params(scores), len(scores)).start
        each, least = known_beliefs(start, np.zeros((len(start), 3)))
        p[:, 0], lower[0] = each.mean(axis=0), float(least.mean())
        for low, scores, weights, mean, cov in _stretches(track, model):
            size = min(len(weights), n_time - low - 1)
            if size > 0:
                part, weights = slice(low + 1, low + 1 + size), weights[:size]
                found = [known_beliefs(*row) for row in zip(mean[:size], cov[:size], strict=True)]
                each, least = (np.stack(v) for v in zip(*found, strict=True))
                p[:, part] = np.einsum("tn,tni->it", weights, each)
                lower[part] = np.einsum("tn,tn->t", weights, least)
                surplus[part] = _surplus(model, low, scores, weights, each)
        for values in (p, lower, surplus):
            values[..., track.n_time + 1 :] = values[..., [min(track.n_time, n_time - 1)]]
    return {"p_lag": p, "p_lag_min": lower, "surplus_lag": surplus}


def _stretches(track: Track, model: Model) -> Iterator[tuple[int, Floats, Floats, Floats, Floats]]:
    """Yield first period, scores, weights and beliefs of the periods with one set of particles."""
    if track.first > 0:
        scores = track.particles(0)
        path = model.replay(scores, track.first, keep=True)[2].transpose(1, 0, 2)
        weights = np.tile(normalised(track.log_weights[0]), (track.first, 1))
        yield 0, scores, weights, path[..., 9:11], path[..., 11:14]
    generation = track.generation
    for low, high in pairwise([0, *(np.flatnonzero(np.diff(generation)) + 1), len(generation)]):
        weights = np.stack([normalised(row) for row in track.log_weights[low:high]])
        beliefs = track.mean[low:high], track.cov[low:high]
        yield track.first + int(low), track.particles(generation[low]), weights, *beliefs


def _surplus(model: Model, low: int, scores: Floats, weights: Floats, p: Floats) -> Floats:
    """Return the mean surplus of periods from `low` on, given weights and p (period, N, 2)."""
    high = low + len(weights)
    columns, structure = until(model.columns, high), model.structure

    def work(chunk: slice) -> Floats:
        params, n = model.params(scores[chunk]), chunk.stop - chunk.start
        params["audience_memory"] = np.broadcast_to(params["audience_memory"], (n, 2))
        bound = domestic.audience(np, params, columns, structure)
        stakes = bargaining.stakes(np, params, columns, bound, structure)
        pull, drag = (np.broadcast_to(v, (n, high))[:, low:].T for v in stakes)
        z = bargaining.balance(pull, drag, p[:, chunk, 0], p[:, chunk, 1])
        return np.einsum("tn,tn->t", weights[:, chunk], z)

    return np.sum(mapped(work, len(scores)), axis=0)
