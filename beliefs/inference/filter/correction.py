r"""What moment matching leaves out, by importance sampling of whole paths of belief.

The filter takes belief for Gaussian after every reading. A path drawn from its smoother comes with
density q, and

.. math:: \log p(y \mid \theta) = \log E_q \bigl[ p(y, b \mid \theta) / q(b \mid \theta) \bigr]

holds exactly (Durbin and Koopman 1997; Richard and Zhang 2007). So the weights say how far the
filter's own log density is off, and resampling paths by them makes draws exact as their number
grows. The densities are those of the mechanisms, the same as in `fit`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.filter.filter_model import Model
from beliefs.inference.filter.smooth import draw_paths
from beliefs.model import system
from beliefs.model.mechanisms import belief
from beliefs.model.numerics.recurrence import step
from beliefs.model.structure import Structure, until
from beliefs.model.theory import Theory

__all__ = ["innovations_along", "weighted_paths"]

Floats = NDArray[np.float64]


def weighted_paths(
    model: Model, theory: Theory, scores: Floats, n_time: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draw a path of beliefs for each particle, with its importance weight.

    Parameters
    ----------
    model, theory
        What is filtered; the theory must have beliefs.
    scores
        (N, d) normal scores of the particles.
    n_time
        Number of periods.
    rng
        Source of randomness.

    Returns
    -------
    paths
        (N, 2, n_time) beliefs in log-odds.
    innovations
        (N, 2, n_time) the moves of chance along them, in standard deviations.
    log_weights
        (N,) log of exact over approximate: p(y, path) / (q(path) times the filter's p(y)). Their
        mean exponential estimates by what the filter's density has to be multiplied.
    """
    state, _, kept_path = model.replay(scores, n_time, keep=True)
    paths, log_drawn = draw_paths(kept_path, rng)
    structure, cols = model.structure, _seen(until(model.columns, n_time), n_time)
    params = model.params(scores)
    innovations, spread = innovations_along(paths, params, cols, structure)
    log = -0.5 * np.square(innovations).sum(axis=(1, 2)) - n_time * np.log(2.0 * np.pi)
    log -= n_time * np.log(spread).sum(axis=1)
    found = system.evaluate(np, params, cols, structure, logit_belief=paths)
    logs = system.log_likelihoods(np, params, cols, structure, found)
    log += logs["talks"].sum(axis=-1)
    if "readings" in theory.mechanisms:
        log += logs["reading"].sum(axis=-1)
    filtered = state.total[:, 0] + state.newest.sum(axis=1)
    return paths, innovations, log - log_drawn - filtered


def innovations_along(
    paths: Floats, params: Any, columns: Any, structure: Structure
) -> tuple[Floats, Floats]:
    """Return the moves of chance along paths (N, 2, T), in the standard deviations (N, 2)."""
    kept, push, misread = system.movements(np, params, columns, structure)
    start = np.broadcast_to(belief.start_of(params), paths.shape[:2])[..., None]
    before = np.concatenate([start, paths[..., :-1]], axis=-1)
    moved = paths - step(np, kept, belief.drift(params, kept, push), misread, before)
    spread = np.broadcast_to(belief.volatility(np, params, structure), paths.shape[:2])
    return moved / spread[..., None], spread


def _seen(columns: Any, n_time: int) -> Any:
    """Return the columns with the readings of the first periods only."""
    here = np.asarray(columns["cell_time"]) < n_time
    return {k: v[here] if k.startswith("cell_") else v for k, v in columns.items()}
