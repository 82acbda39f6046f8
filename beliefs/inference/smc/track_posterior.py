"""The posterior of a track at one period, as `forecast` and ArviZ take it; beliefs now."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from beliefs.inference.exact import exact
from beliefs.inference.filter.correction import innovations_along
from beliefs.inference.filter.smooth import draw_paths
from beliefs.inference.posterior import Posterior, build_tree
from beliefs.inference.smc.blocks import track_known
from beliefs.inference.smc.particles import resample
from beliefs.inference.smc.track import Track
from beliefs.model.contract import logistic
from beliefs.model.structure import until

__all__ = ["belief_now", "posterior_at"]


@exact
def posterior_at(track: Track, period: int, draws: int | None = None) -> Posterior:
    """Return equally weighted draws of the posterior after a period, one chain.

    Parameters, then the path of beliefs given each (by the filter and a backward draw). Known is
    what was published by the end of the period, see `beliefs.inference.smc.blocks.track_known`.

    Parameters
    ----------
    track
        From `beliefs.inference.smc.track.track`.
    period
        Number of the period.
    draws
        How many; as many as particles when None.

    Raises
    ------
    ConflictError
        The study's folder no longer holds what was tracked.
    """
    track = track_known(track, period + 1)
    study, inputs, model, n = track.study, track.inputs, track.model(), period + 1
    rng = np.random.default_rng([track.seed, period + 1, 1_000_000])
    index = resample(track.log_weights[track.row(period)], rng.random(), draws)
    scores = track.scores(period)[index]
    values = {name: v[None] for name, v in model.coordinates.params(scores).items()}
    if track.theory.beliefs:
        path = draw_paths(model.replay(scores, n, keep=True)[2], rng)[0]
        params, columns = model.params(scores), until(model.columns, n)
        moved = innovations_along(path, params, columns, model.structure)[0]
        values["innovation"] = moved[None]
    size = (1, len(index))
    stats = {"log_weight": np.zeros(size), "distinct_ancestor": index[None].astype(float)}
    tree = build_tree(study, inputs, track.theory, posterior=values, sample_stats=stats, rng=rng)
    report = track.report(period)
    return Posterior(study, inputs, track.theory, tree, report, track.seed, {}, track=track)


def belief_now(track: Track) -> list[tuple[str, float, float, float]]:
    """Return side, mean and central 90 % of each belief after the last period, as probabilities.

    Quantiles of the mixture of the particles' Gaussians, by 41 nodes each; empty for a theory
    without beliefs.
    """
    if not track.theory.beliefs:
        return []
    nodes = np.asarray([NormalDist().inv_cdf((i + 0.5) / 41) for i in range(41)])
    weights = np.repeat(track.weights(), len(nodes)) / len(nodes)
    out = []
    for i, side in enumerate(track.structure.sides):
        sd = np.sqrt(track.cov[-1, :, 2 * i])
        p = logistic(np, track.mean[-1, :, i, None] + sd[:, None] * nodes).ravel()
        order = np.argsort(p)
        share = np.cumsum(weights[order])
        low, high = (float(p[order][np.searchsorted(share, q)]) for q in (0.05, 0.95))
        out.append((side, float(weights @ p), low, high))
    return out
