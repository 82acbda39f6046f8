"""A rough path of belief from its readings, around which the sampler's coordinates are expanded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model.numerics.recurrence import recur

__all__ = ["rough_path"]

MEMORY = 10.0  # periods over which the weight of a reading falls by e


def rough_path(reading: NDArray[Any]) -> NDArray[np.float64]:
    """Return a kernel average of all readings of a side, (side, time); 0.5 far from any.

    Readings count by exp(-distance / `MEMORY`), gathered forwards and backwards so that it takes
    time in proportion to the periods. Only the place around which the sampler's change of variables
    is expanded; no result depends on it.

    Parameters
    ----------
    reading
        Probabilities on the log-odds scale, (side, channel, time); NaN where there is none.
    """
    heard = ~np.isnan(reading)
    weight = _gathered(heard.sum(axis=1).astype(float))
    total = _gathered(np.where(heard, reading, 0.0).sum(axis=1))
    return (total + 0.5 * 0.5) / (weight + 0.5)


def _gathered(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of rows over time, each entry by its distance."""
    kept, none, start = np.exp(-1.0 / MEMORY), np.zeros_like(x), np.zeros(len(x))
    forwards = recur(np, kept, x, none, start)
    backwards = recur(np, kept, x[:, ::-1], none, start)[:, ::-1]
    return np.asarray(forwards + backwards - x)
