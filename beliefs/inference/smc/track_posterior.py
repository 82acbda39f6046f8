"""The posterior of a track at one period, as `forecast` and ArviZ take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beliefs.inference.exact import exact
from beliefs.inference.filter.smooth import draw_paths
from beliefs.inference.posterior import Posterior, build_tree, stacked_params
from beliefs.inference.smc.known import track_known
from beliefs.inference.smc.particles import resample
from beliefs.inference.smc.track_gate import track_report
from beliefs.model import system
from beliefs.model.mechanisms import belief
from beliefs.model.numerics.recurrence import step
from beliefs.model.structure import until

if TYPE_CHECKING:
    from beliefs.inference.smc.track_result import Track

__all__ = ["posterior_at"]


@exact
def posterior_at(track: Track, period: int, draws: int | None = None) -> Posterior:
    """Return equally weighted draws of the posterior after a period, one chain.

    Parameters, then the path of beliefs given each (by the filter and a backward draw). Known is
    what was published by the end of the period, see `beliefs.inference.smc.known`.

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
    study, inputs, row = track.study, track.inputs, track.rows[track.row(period)]
    model = track.model()
    rng = np.random.default_rng([track.seed, period + 1, 1_000_000])
    index = resample(row.log_weights, rng.random(), draws)
    scores = track.epochs[row.epoch][index]
    values = {name: v[None] for name, v in model.coordinates.params(scores).items()}
    n = period + 1
    if track.theory.beliefs:
        path = draw_paths(model.replay(scores, n, keep=True)[2], rng)[0][None]
        params = stacked_params(track.theory, model.structure, values)
        cols = until(model.columns, n)
        kept, push, misread = system.movements(np, params, cols, model.structure)
        start = belief.start_of(params)[..., None]
        before = np.concatenate([start, path[..., :-1]], axis=-1)
        moved = path - step(np, kept, belief.drift(params, kept, push), misread, before)
        spread = belief.volatility(np, params, model.structure)[..., None]
        values["innovation"] = moved / spread
    size = (1, len(index))
    stats = {"log_weight": np.zeros(size), "distinct_ancestor": index[None].astype(float)}
    tree = build_tree(study, inputs, track.theory, posterior=values, sample_stats=stats, rng=rng)
    report = track_report(track, period)
    return Posterior(study, inputs, track.theory, tree, report, track.seed, {}, track=track)
