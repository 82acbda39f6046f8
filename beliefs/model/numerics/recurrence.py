"""The gated linear recursion in time, for NumPy and for PyTensor.

``b_t = a_t b_{t-1} + c_t + m_t G(b_{t-1})``. Both namespaces call the one `step` below, compiled
(`recurrence_loop`): NumPy at once, PyTensor through an operation whose gradient is the same
recursion run backwards. A matrix form (T x T) or `pytensor.scan` is 3-50 times slower here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.model.contract import Array, logistic

__all__ = ["carry", "gate", "recur", "step"]

GATE_STEEPNESS = 4.0


def gate(xp: Any, belief: Array) -> Array:
    """Return how far 'while b > 0' holds: logistic(4 b), between 0 and 1."""
    return logistic(xp, GATE_STEEPNESS * belief)


def carry(a: Array, c: Array, belief: Array) -> Array:
    """Return the linear part of a step: what is kept, and what is added."""
    return a * belief + c


def step(xp: Any, a: Array, c: Array, m: Array, belief: Array) -> Array:
    """Return the next belief from this period's retention, drift and misreading."""
    return carry(a, c, belief) + m * gate(xp, belief)


def recur(xp: Any, a: Array, c: Array, m: Array, start: Array) -> Array:
    """Return the path of the recursion.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    a, c, m
        Retention, drift and misreading, broadcastable to (..., side, time).
    start
        Value before the first period, (..., side).

    Returns
    -------
    Array
        Shape (..., side, time).
    """
    if xp is np:
        from beliefs.model.numerics.recurrence_loop import loop

        a, c, m = np.broadcast_arrays(a, c, m)
        start = np.broadcast_to(start, a.shape[:-1])
        out = np.empty(a.shape)
        rows = (-1, a.shape[-1])
        whole = [np.ascontiguousarray(v, dtype=float).reshape(rows) for v in (a, c, m)]
        loop(*whole, np.ascontiguousarray(start, dtype=float).ravel(), out.reshape(rows))
        return out
    from beliefs.model.numerics.recurrence_op import recur_tensor

    return recur_tensor(a, c, m, start)
