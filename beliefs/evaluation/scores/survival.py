"""How long until something happens, where some of the waits have not ended yet.

Time goes in whole periods. A wait censored at c had not ended after c periods; whoever is censored
in a period was at risk in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["kaplan_meier"]

Floats = NDArray[np.float64]


def kaplan_meier(time: ArrayLike, happened: ArrayLike, upto: int) -> Floats:
    """Return the share of waits not ended after 0 .. `upto` periods (Kaplan and Meier 1958).

    Parameters
    ----------
    time
        Periods until the end or until censored, whole numbers from 1 on, (N,).
    happened
        Whether the wait ended, (N,).
    upto
        Number of periods.

    Returns
    -------
    ndarray
        (upto + 1,), 1 first. After the longest wait it stays where it is.
    """
    waits, ended = np.asarray(time, dtype=np.int64), np.asarray(happened, dtype=bool)
    counts = np.bincount(np.minimum(waits, upto + 1), minlength=upto + 2)
    risk = counts[::-1].cumsum()[::-1][1:-1].astype(float)
    ends = np.bincount(waits[ended & (waits <= upto)], minlength=upto + 1)[1:].astype(float)
    hazard = np.divide(ends, risk, out=np.zeros(upto), where=risk > 0)
    return np.concatenate([[1.0], np.cumprod(1.0 - hazard)])
