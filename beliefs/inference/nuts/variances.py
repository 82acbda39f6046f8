r"""Predicted and filtered variances of belief given readings of known precision.

.. math:: \bar P_t = a_t^2 P_{t-1} + q, \qquad P_t = \bar P_t / (1 + \bar P_t w_t), \qquad P_0 = 0

with its gradient, for NumPy and PyTensor. Needed to weigh what readings say about the level.
"""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray

from beliefs.model.numerics.compiled_op import CompiledOp
from beliefs.model.numerics.recurrence import source_salt

__all__ = ["filter_variances"]

Floats = NDArray[np.float64]


@numba.njit(cache=True)
def _variances(a: Floats, q: Floats, w: Floats) -> tuple[Floats, Floats]:
    rows, n = a.shape
    predicted, filtered = np.empty((rows, n)), np.empty((rows, n))
    for i in range(rows):
        var = 0.0
        for t in range(n):
            predicted[i, t] = a[i, t] * a[i, t] * var + q[i]
            var = predicted[i, t] / (1.0 + predicted[i, t] * w[i, t])
            filtered[i, t] = var
    return predicted, filtered


@numba.njit(cache=True)
def _pullback(
    a: Floats, q: Floats, w: Floats,
    predicted: Floats, filtered: Floats, predicted_bar: Floats, filtered_bar: Floats,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Run the recursion backwards: gradients with respect to a, q, w."""
    rows, n = a.shape
    ga, gq, gw = np.zeros((rows, n)), np.zeros(rows), np.zeros((rows, n))
    for i in range(rows):
        carried = 0.0
        for t in range(n - 1, -1, -1):
            p_bar = filtered_bar[i, t] + carried
            before = 0.0 if t == 0 else filtered[i, t - 1]
            shrink = 1.0 / (1.0 + predicted[i, t] * w[i, t])
            bar = predicted_bar[i, t] + p_bar * shrink * shrink
            gw[i, t] = -p_bar * filtered[i, t] * filtered[i, t]
            ga[i, t] = 2.0 * bar * a[i, t] * before
            gq[i] += bar
            carried = bar * a[i, t] * a[i, t]
    return ga, gq, gw


_SALT = source_salt(sys.modules[__name__])
_FILTER_VARIANCES = CompiledOp("filter_variances", _variances, (0, 0), _SALT, _pullback)


def filter_variances(xp: Any, a: Any, q: Any, w: Any) -> tuple[Any, Any]:
    """Return predicted and filtered variance, (..., side, time); q is (..., side)."""
    if xp is not np:
        shape = pt.broadcast_shape(a, w)
        a, w = (pt.broadcast_to(pt.as_tensor_variable(v), shape) for v in (a, w))
        predicted, filtered = _FILTER_VARIANCES(a, q, w)
        return predicted, filtered
    a, w, q = np.broadcast_arrays(a, w, q[..., None])
    flat = [np.ascontiguousarray(v, dtype=np.float64).reshape(-1, a.shape[-1]) for v in (a, w, q)]
    predicted, filtered = _variances(flat[0], np.ascontiguousarray(flat[2][:, 0]), flat[1])
    return predicted.reshape(a.shape), filtered.reshape(a.shape)
