"""The gated linear recursion in time, for NumPy and for PyTensor.

``b_t = a_t b_{t-1} + c_t + m_t G(b_{t-1})``. Both namespaces call the one `step` below: NumPy in a
loop over time with draws vectorised, PyTensor through a compiled operation whose gradient is the
same recursion run backwards. A matrix form (T x T) or `pytensor.scan` is 3-50 times slower here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from beliefs.mechanism.contract import Array, logistic

__all__ = ["carry", "fade", "gate", "recur", "step"]

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
        return _followed(lambda belief, a, c, m: step(np, a, c, m, belief), start, a, c, m)
    from beliefs.mechanism.recurrence_op import recur_tensor

    return recur_tensor(a, c, m, start)


def fade(xp: Any, a: Array, c: Array, start: Array) -> Array:
    """Return the path of the recursion without its gated term.

    Parameters
    ----------
    xp, a, c, start
        See `recur`.

    Returns
    -------
    Array
        Shape (..., side, time).
    """
    if xp is np:
        return _followed(lambda value, a, c: carry(a, c, value), start, a, c)
    return recur(xp, a, c, 0.0 * c, start)


def _followed(move: Callable[..., Array], value: Array, *parts: Array) -> Array:
    parts = np.broadcast_arrays(*parts)
    out = np.empty(parts[0].shape)
    value = np.broadcast_to(value, out.shape[:-1])
    for t in range(out.shape[-1]):
        value = move(value, *(part[..., t] for part in parts))
        out[..., t] = value
    return out
