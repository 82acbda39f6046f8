r"""Stacking: weights of theories that would have predicted best together, period after period.

After period t the weights maximise the log score that the mixture would have had so far,

.. math:: w_t = \arg\max_{w \in \Delta} \sum_{s \le t} \log \sum_k w_k\, p_k(y_s \mid y_{<s})
                + \frac{1}{K} \sum_k \log w_k

(Yao and others 2018, with one-step predictive densities, as in Geweke and Amisano 2011). The second
sum starts all theories alike. The objective is concave; EM climbs it without a step size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["stacking_weights", "weights_over_time"]

Floats = NDArray[np.float64]

STEPS = 200
"""EM steps for each set of weights; those of the time before are the start."""
ENOUGH = 1e-8
"""A change of weights in one step below which they have settled."""


def stacking_weights(scores: Floats, start: Floats | None = None) -> Floats:
    """Return the weights of theories over some periods.

    Parameters
    ----------
    scores
        (theory, time), log predictive densities of what was seen in each period; 0 for all
        theories where nothing was.
    start
        Weights to begin with; equal ones when None.

    Returns
    -------
    ndarray
        (theory,), positive, with sum 1.
    """
    k, n = scores.shape
    w = np.full(k, 1.0 / k) if start is None else start
    density = np.exp(scores - scores.max(axis=0)) if n else scores
    for _ in range(STEPS):
        share = w[:, None] * density
        share = share / share.sum(axis=0)
        new = (share.sum(axis=1) + 1.0 / k) / (n + 1.0)
        settled = np.abs(new - w).max() < ENOUGH
        w = new
        if settled:
            break
    return w


def weights_over_time(scores: Floats, every: int = 7) -> tuple[NDArray[np.int64], Floats]:
    """Return the weights as periods come in.

    Parameters
    ----------
    scores
        (theory, time), see `stacking_weights`.
    every
        Periods from one set of weights to the next; the last period has one in any case.

    Returns
    -------
    periods
        (point,), number of periods taken in, beginning with 0.
    weights
        (point, theory).
    """
    n = scores.shape[1]
    periods = np.unique([*range(0, n, every), n]).astype(np.int64)
    out: list[Floats] = []
    for t in periods:
        out.append(stacking_weights(scores[:, :t], out[-1] if out else None))
    return periods, np.stack(out)
