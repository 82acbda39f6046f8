r"""What moment matching leaves out, by importance sampling of whole paths of belief.

The filter takes belief for Gaussian after every reading. A path drawn from its smoother comes with
density q, and

.. math:: \log p(y \mid \theta) = \log E_q \bigl[ p(y, b \mid \theta) / q(b \mid \theta) \bigr]

holds exactly (Durbin and Koopman 1997; Richard and Zhang 2007). So the weights say how far the
filter's own log density is off. The densities are those of the mechanisms, the same as in `fit`.
"""

import numpy as np

from beliefs.inference.filter.smooth import draw_paths, innovations_along
from beliefs.model import system
from beliefs.model.structure import until


def weighted_paths(model, theory, scores, n_time, rng):
    """Draw a path of beliefs, in log-odds, for each particle of a theory with beliefs.

    Returns paths and the moves of chance along them, in standard deviations, both (N, 2, n_time),
    and log weights (N,): of exact over approximate, p(y, path) / (q(path) times the filter's p(y)).
    Their mean exponential estimates by what the filter's density has to be multiplied.
    """
    state, _, kept_path = model.replay(scores, n_time, keep=True)
    paths, log_drawn = draw_paths(kept_path, rng)
    structure, cols = model.structure, until(model.columns, n_time)
    here = np.asarray(cols["cell_time"]) < n_time
    cols = {k: v[here] if k.startswith("cell_") else v for k, v in cols.items()}
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
