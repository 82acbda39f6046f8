r"""Innovations in the coordinates in which their posterior is nearly independent noise.

Sampling the innovations of belief directly (non-centred) is slow when readings are many: each
reading ties together every weight, level and innovation before it. Here the sampler moves standard
normals :math:`\xi` instead. Given the other parameters they are mapped to the belief path that a
Kalman filter with backward sampling would draw from the readings (Frühwirth-Schnatter 1994; Carter
and Kohn 1994), then to innovations; the change of variables is corrected for exactly, so the
posterior is the same and only its geometry changes. The filter takes each reading as Gaussian with
the Fisher information of its t density and ignores talks and misreading: it need only be close.

Per side, with readings y of precision w and prediction :math:`\bar m_t = a_t m_{t-1} + c_t`,
:math:`\bar P_t = a_t^2 P_{t-1} + q`:

.. math::
    P_t = \bar P_t / (1 + \bar P_t w_t), \quad m_t = \bar m_t + P_t w_t (y_t - \bar m_t), \quad
    b_t = m_t + J_t (b_{t+1} - \bar m_{t+1}) + \sqrt{V_t}\, \xi_t

with :math:`J_t = P_t a_{t+1} / \bar P_{t+1}` and :math:`V_t = P_t q / \bar P_{t+1}`.
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

from beliefs.mechanism.compiled import source_salt

__all__ = ["backward_sample", "kalman", "smooth_path", "smooth_paths"]

Floats = NDArray[np.float64]


@numba.njit(cache=True)
def kalman(
    a: Floats, c: Floats, q: Floats, start: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Filter each side: predicted mean and variance, filtered mean and variance, (side, time)."""
    sides, n = a.shape
    pm, pp = np.empty((sides, n)), np.empty((sides, n))
    m, p = np.empty((sides, n)), np.empty((sides, n))
    for i in range(sides):
        mean, var = start[i], 0.0
        for t in range(n):
            pm[i, t] = a[i, t] * mean + c[i, t]
            pp[i, t] = a[i, t] * a[i, t] * var + q[i]
            var = pp[i, t] / (1.0 + pp[i, t] * w[i, t])
            mean = pm[i, t] + var * w[i, t] * (y[i, t] - pm[i, t])
            m[i, t], p[i, t] = mean, var
    return pm, pp, m, p


@numba.njit(cache=True)
def backward_sample(
    a: Floats, q: Floats, pm: Floats, pp: Floats, m: Floats, p: Floats, xi: Floats
) -> tuple[Floats, Floats]:
    """Return the path b drawn with noise `xi`, (side, time), and log|db/dxi| by side."""
    sides, n = a.shape
    b, logdet = np.empty((sides, n)), np.zeros(sides)
    for i in range(sides):
        b[i, n - 1] = m[i, n - 1] + np.sqrt(p[i, n - 1]) * xi[i, n - 1]
        product = p[i, n - 1]  # logarithms are dear: take one for eight variances
        for t in range(n - 2, -1, -1):
            gain = p[i, t] * a[i, t + 1] / pp[i, t + 1]
            var = p[i, t] * q[i] / pp[i, t + 1]
            b[i, t] = m[i, t] + gain * (b[i, t + 1] - pm[i, t + 1]) + np.sqrt(var) * xi[i, t]
            product *= var
            if t % 8 == 0:
                logdet[i] += 0.5 * np.log(product)
                product = 1.0
        if n == 1:  # no step back took the logarithm
            logdet[i] = 0.5 * np.log(product)
    return b, logdet


@numba.njit(cache=True)
def _forward(
    a: Floats, c: Floats, q: Floats, start: Floats, y: Floats, w: Floats, xi: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    pm, pp, m, p = kalman(a, c, q, start, y, w)
    b, logdet = backward_sample(a, q, pm, pp, m, p, xi)
    return b, logdet, pm, pp, m, p


@numba.njit(cache=True)
def _adjoint(
    a: Floats,
    c: Floats,
    q: Floats,
    start: Floats,
    y: Floats,
    w: Floats,
    xi: Floats,
    b: Floats,
    pm: Floats,
    pp: Floats,
    m: Floats,
    p: Floats,
    b_bar: Floats,
    logdet_bar: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    """Run both recursions backwards: gradients with respect to a, c, q, start, y, w, xi."""
    sides, n = a.shape
    ga, gc, gx = np.zeros((sides, n)), np.zeros((sides, n)), np.zeros((sides, n))
    gy, gw = np.zeros((sides, n)), np.zeros((sides, n))
    gq, gs = np.zeros(sides), np.zeros(sides)
    for i in range(sides):
        mb, pb, pmb, ppb = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        bb, lb = b_bar[i].copy(), logdet_bar[i]
        for t in range(n - 1):
            per = 1.0 / pp[i, t + 1]
            gain, var = p[i, t] * a[i, t + 1] * per, p[i, t] * q[i] * per
            root = np.sqrt(var)
            gain_bar = bb[t] * (b[i, t + 1] - pm[i, t + 1])
            var_bar = 0.5 * (bb[t] * xi[i, t] / root + lb / var)
            gx[i, t] = bb[t] * root
            mb[t] += bb[t]
            bb[t + 1] += bb[t] * gain
            pmb[t + 1] -= bb[t] * gain
            pb[t] += (gain_bar * a[i, t + 1] + var_bar * q[i]) * per
            ga[i, t + 1] += gain_bar * p[i, t] * per
            gq[i] += var_bar * p[i, t] * per
            ppb[t + 1] -= (gain_bar * gain + var_bar * var) * per
        root = np.sqrt(p[i, n - 1])
        gx[i, n - 1] = bb[n - 1] * root
        mb[n - 1] += bb[n - 1]
        pb[n - 1] += 0.5 * (bb[n - 1] * xi[i, n - 1] / root + lb / p[i, n - 1])
        for t in range(n - 1, -1, -1):
            before_m = start[i] if t == 0 else m[i, t - 1]
            before_p = 0.0 if t == 0 else p[i, t - 1]
            k = p[i, t] * w[i, t]
            k_bar = mb[t] * (y[i, t] - pm[i, t])
            pmb[t] += mb[t] * (1.0 - k)
            gy[i, t] = mb[t] * k
            pb[t] += k_bar * w[i, t]
            gw[i, t] = k_bar * p[i, t] - pb[t] * p[i, t] * p[i, t]
            shrink = 1.0 / (1.0 + pp[i, t] * w[i, t])
            ppb[t] += pb[t] * shrink * shrink
            ga[i, t] += pmb[t] * before_m + 2.0 * ppb[t] * a[i, t] * before_p
            gc[i, t] = pmb[t]
            gq[i] += ppb[t]
            if t == 0:
                gs[i] = pmb[t] * a[i, t]
            else:
                mb[t - 1] += pmb[t] * a[i, t]
                pb[t - 1] += ppb[t] * a[i, t] * a[i, t]
    return ga, gc, gq, gs, gy, gw, gx


class SmoothPathGradient(Op):
    """Vector-Jacobian product of `SmoothPath`."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        tensors = [pt.as_tensor_variable(v) for v in inputs]
        return Apply(self, tensors, [v.type() for v in tensors[:7]])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        for slot, value in zip(outputs, _adjoint(*inputs), strict=True):
            slot[0] = value


class SmoothPath(Op):
    """Inputs a, c (side, time), q, start (side), y, w, xi (side, time); outputs b and log|db/dxi|.

    Four more outputs keep what the filter found, for the gradient.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        tensors = [pt.as_tensor_variable(v) for v in inputs]
        matrix = tensors[1].type
        return Apply(self, tensors, [matrix(), tensors[2].type(), *(matrix() for _ in range(4))])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        for slot, value in zip(outputs, _forward(*inputs), strict=True):
            slot[0] = value

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return gradients; a cotangent nobody uses counts as zero."""
        from pytensor.gradient import DisconnectedType

        bars = [
            pt.zeros_like(out) if isinstance(bar.type, DisconnectedType) else bar
            for out, bar in zip(outputs[:2], cotangents[:2], strict=True)
        ]
        kept = (outputs[0], *outputs[2:])
        result: list[Any] = list(SmoothPathGradient()(*inputs, *kept, *bars))
        return result


@register_funcify_default_op_cache_key(SmoothPath)
def _numba_forward(op: Any, node: Any, **kwargs: Any) -> Any:
    @numba.njit
    def smooth_path_forward(a: Any, c: Any, q: Any, start: Any, y: Any, w: Any, xi: Any) -> Any:
        return _forward(a, c, q, start, y, w, xi)

    return smooth_path_forward, source_salt(sys.modules[__name__])


@register_funcify_default_op_cache_key(SmoothPathGradient)
def _numba_adjoint(op: Any, node: Any, **kwargs: Any) -> Any:
    @numba.njit
    def smooth_path_adjoint(
        a: Any, c: Any, q: Any, start: Any, y: Any, w: Any, xi: Any,
        b: Any, pm: Any, pp: Any, m: Any, p: Any, b_bar: Any, l_bar: Any,
    ) -> Any:  # fmt: skip
        return _adjoint(a, c, q, start, y, w, xi, b, pm, pp, m, p, b_bar, l_bar)

    return smooth_path_adjoint, source_salt(sys.modules[__name__])


@numba.njit(cache=True)
def _forward_draws(
    a: Floats, c: Floats, q: Floats, start: Floats, y: Floats, w: Floats, xi: Floats
) -> tuple[Floats, Floats]:
    path, logdet = np.empty(a.shape), np.empty(q.shape)
    for s in range(a.shape[0]):
        path[s], logdet[s], _, _, _, _ = _forward(a[s], c[s], q[s], start[s], y[s], w[s], xi[s])
    return path, logdet


def smooth_paths(*arguments: Floats) -> tuple[Floats, Floats]:
    """Do what `smooth_path` does for arrays that lead with draw dimensions."""
    lead = arguments[-1].shape[:-2]
    flat = []
    for position, value in enumerate(arguments):
        tail = arguments[-1].shape[-2:] if position not in (2, 3) else arguments[-1].shape[-2:-1]
        full = np.broadcast_to(value, (*lead, *tail)).reshape(-1, *tail)
        flat.append(np.ascontiguousarray(full, dtype=np.float64))
    path, logdet = _forward_draws(*flat)
    return path.reshape(arguments[-1].shape), logdet.reshape(*lead, -1)


def smooth_path(a: Any, c: Any, q: Any, start: Any, y: Any, w: Any, xi: Any) -> tuple[Any, Any]:
    """Return the symbolic path (side, time) and the log determinant (side)."""
    path, logdet, *_ = SmoothPath()(a, c, q, start, y, w, xi)
    return path, logdet
