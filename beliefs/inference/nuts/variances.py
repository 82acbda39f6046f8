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
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from beliefs.model.numerics.compiled import source_salt

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
    a: Floats,
    w: Floats,
    predicted: Floats,
    filtered: Floats,
    predicted_bar: Floats,
    filtered_bar: Floats,
) -> tuple[Floats, Floats, Floats]:
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


class FilterVariances(Op):
    """Inputs a (side, time), q (side), w (side, time); outputs predicted and filtered variance."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        tensors = [pt.as_tensor_variable(v) for v in inputs]
        return Apply(self, tensors, [tensors[0].type(), tensors[0].type()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        for slot, value in zip(outputs, _variances(*inputs), strict=True):
            slot[0] = value

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return gradients; a cotangent nobody uses counts as zero."""
        from pytensor.gradient import DisconnectedType

        bars = [
            pt.zeros_like(out) if isinstance(bar.type, DisconnectedType) else bar
            for out, bar in zip(outputs, cotangents, strict=True)
        ]
        a, _, w = inputs
        result: list[Any] = list(FilterVariancesGradient()(a, w, *outputs, *bars))
        return result


class FilterVariancesGradient(Op):
    """Vector-Jacobian product of `FilterVariances`."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        tensors = [pt.as_tensor_variable(v) for v in inputs]
        matrix = tensors[0].type
        return Apply(self, tensors, [matrix(), pt.dvector().type(), matrix()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        for slot, value in zip(outputs, _pullback(*inputs), strict=True):
            slot[0] = value


@register_funcify_default_op_cache_key(FilterVariances)
def _numba_forward(op: Any, node: Any, **kwargs: Any) -> Any:
    @numba.njit
    def filter_variances_forward(a: Any, q: Any, w: Any) -> Any:
        return _variances(a, q, w)

    return filter_variances_forward, source_salt(sys.modules[__name__])


@register_funcify_default_op_cache_key(FilterVariancesGradient)
def _numba_pullback(op: Any, node: Any, **kwargs: Any) -> Any:
    @numba.njit
    def filter_variances_pullback(a: Any, w: Any, p: Any, f: Any, pb: Any, fb: Any) -> Any:
        return _pullback(a, w, p, f, pb, fb)

    return filter_variances_pullback, source_salt(sys.modules[__name__])


def filter_variances(xp: Any, a: Any, q: Any, w: Any) -> tuple[Any, Any]:
    """Return predicted and filtered variance, (..., side, time); q is (..., side)."""
    if xp is not np:
        shape = pt.broadcast_shape(a, w)
        a, w = (pt.broadcast_to(pt.as_tensor_variable(v), shape) for v in (a, w))
        predicted, filtered = FilterVariances()(a, q, w)
        return predicted, filtered
    a, w, q = np.broadcast_arrays(a, w, q[..., None])
    flat = [np.ascontiguousarray(v, dtype=np.float64).reshape(-1, a.shape[-1]) for v in (a, w, q)]
    predicted, filtered = _variances(flat[0], np.ascontiguousarray(flat[2][:, 0]), flat[1])
    return predicted.reshape(a.shape), filtered.reshape(a.shape)
