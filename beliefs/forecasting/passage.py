"""First passage: when a condition first holds for several periods in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEVER", "first_passage"]

NEVER = np.iinfo(np.int32).max


def first_passage(
    condition: NDArray[np.bool_], periods: int, history: NDArray[np.bool_] | None = None
) -> NDArray[Any]:
    """Return the step at which `condition` has first held for `periods` steps in a row.

    Parameters
    ----------
    condition
        Shape (sample, horizon).
    periods
        Length of the run, at least 1.
    history
        Shape (sample, any): the condition before the horizon begins, so that a run may have begun
        before the origin. A run complete at the origin itself gives 0.

    Returns
    -------
    ndarray of int
        Shape (sample,): 0 already at the origin, 1..horizon, or `NEVER`.
    """
    if periods < 1:
        raise ValueError(f"a run needs at least 1 period, got {periods}")
    samples, horizon = condition.shape
    run = np.zeros(samples, dtype=np.int64)
    out = np.full(samples, NEVER, dtype=np.int64)
    if history is not None:
        for t in range(history.shape[1]):
            run = np.where(history[:, t], run + 1, 0)
        out[run >= periods] = 0
    waiting = np.flatnonzero(out == NEVER)
    run = run[waiting]
    for t in range(horizon):
        now = condition[:, t]
        if not now.any():
            run[:] = 0
            continue
        run = (run + 1) * now[waiting]
        there = run >= periods
        if there.any():
            out[waiting[there]] = t + 1
            waiting, run = waiting[~there], run[~there]
    return out
