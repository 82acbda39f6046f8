r"""Innovations in the coordinates in which their posterior is nearly independent noise.

Sampling the innovations of belief directly (non-centred) is slow when readings are many: each
reading ties together every weight, level and innovation before it. Here the sampler moves standard
normals :math:`\xi` instead. Each period's innovation is what readings to come lead one to expect
from where belief stands, plus noise: a guided path (twisted, in Whiteley and Lee 2014). The change
of variables is corrected for exactly, so the posterior is the same and only its geometry changes.

What readings from t on say of belief at t is taken as Gaussian, of precision :math:`\Lambda` and
mean :math:`H/\Lambda`; misreading is expanded around a rough path for that. Backwards in time,
with retention a, drift c and variance q of a period and readings y of precision w:

.. math::
    \Lambda_{t-1} = w_{t-1} + a_t^2 \Lambda_t / s_t, \quad
    H_{t-1} = w_{t-1} y_{t-1} + a_t (H_t - \Lambda_t c_t) / s_t, \quad s_t = 1 + q \Lambda_t

Forwards, with the exact step f of belief:

.. math::
    \epsilon_t = \sqrt{q} (H_t - \Lambda_t f(b_{t-1})) / s_t + \xi_t / \sqrt{s_t}, \quad
    b_t = f(b_{t-1}) + \sqrt{q} \epsilon_t, \quad
    \log |d \epsilon / d \xi| = -\tfrac12 \sum_t \log s_t

Where belief is linear and its readings Gaussian this draws from the exact posterior of the path.
Without readings the innovations are the noise itself, however small q is and however belief bends.
"""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from beliefs.model import contract
from beliefs.model.numerics import recurrence
from beliefs.model.numerics.compiled_op import CompiledOp
from beliefs.model.numerics.recurrence import source_salt

__all__ = ["guided_path", "guided_paths"]

Floats = NDArray[np.float64]
_gate, _step = recurrence.gate, recurrence.step
_STEEPNESS = recurrence.GATE_STEEPNESS


@numba.njit(cache=True, error_model="numpy")
def _forward(
    kept: Floats, drift: Floats, misread: Floats, a: Floats, c: Floats,
    spread: Floats, start: Floats, y: Floats, w: Floats, xi: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:  # fmt: skip
    """Return innovations, path, log determinant (side), precision and pull of what is to come."""
    sides, n = a.shape
    e, b = np.empty((sides, n)), np.empty((sides, n))
    precision, pull = np.empty((sides, n)), np.empty((sides, n))
    logdet = np.zeros(sides)
    for i in range(sides):
        q = spread[i] * spread[i]
        later, later_pull = 0.0, 0.0
        for t in range(n - 1, -1, -1):
            precision[i, t] = w[i, t] + later
            pull[i, t] = w[i, t] * y[i, t] + later_pull
            s = 1.0 + q * precision[i, t]
            later = a[i, t] * a[i, t] * precision[i, t] / s
            later_pull = a[i, t] * (pull[i, t] - precision[i, t] * c[i, t]) / s
        before = start[i]
        for t in range(n):
            ahead = _step(np, kept[i, t], drift[i, t], misread[i, t], before)
            s = 1.0 + q * precision[i, t]
            e[i, t] = spread[i] * (pull[i, t] - precision[i, t] * ahead) / s + xi[i, t] / np.sqrt(s)
            before = b[i, t] = ahead + spread[i] * e[i, t]
            logdet[i] -= 0.5 * np.log(s)
    return e, b, logdet, precision, pull


@numba.njit(cache=True, error_model="numpy")
def _adjoint(
    kept: Floats, drift: Floats, misread: Floats, a: Floats, c: Floats,
    spread: Floats, start: Floats, y: Floats, w: Floats, xi: Floats,
    e: Floats, b: Floats, logdet: Floats, precision: Floats, pull: Floats,
    e_bar: Floats, b_bar: Floats, logdet_bar: Floats, _precision_bar: Floats, _pull_bar: Floats,
) -> tuple[
    Floats, Floats, Floats, Floats, Floats, Floats, Floats, Floats, Floats, Floats
]:  # fmt: skip
    """Run both recursions backwards: gradients with respect to the ten inputs."""
    sides, n = a.shape
    g_kept, g_drift, g_misread = np.empty((sides, n)), np.empty((sides, n)), np.empty((sides, n))
    g_a, g_c, g_xi = np.zeros((sides, n)), np.zeros((sides, n)), np.empty((sides, n))
    g_y, g_w = np.empty((sides, n)), np.empty((sides, n))
    g_spread, g_start = np.zeros(sides), np.zeros(sides)
    for i in range(sides):
        sd = spread[i]
        q, q_bar = sd * sd, 0.0
        precision_bar, pull_bar = np.empty(n), np.empty(n)
        carried = 0.0
        for t in range(n - 1, -1, -1):
            s = 1.0 + q * precision[i, t]
            ahead = b[i, t] - sd * e[i, t]
            missing = pull[i, t] - precision[i, t] * ahead
            ahead_bar = b_bar[i, t] + carried
            own = e_bar[i, t] + sd * ahead_bar
            g_spread[i] += ahead_bar * e[i, t] + own * missing / s
            g_xi[i, t] = own / np.sqrt(s)
            missing_bar = own * sd / s
            s_bar = -(own * (sd * missing / s + 0.5 * xi[i, t] / np.sqrt(s)) + 0.5 * logdet_bar[i])
            s_bar /= s
            pull_bar[t] = missing_bar
            precision_bar[t] = s_bar * q - missing_bar * ahead
            q_bar += s_bar * precision[i, t]
            ahead_bar -= missing_bar * precision[i, t]
            before = start[i] if t == 0 else b[i, t - 1]
            gate = _gate(np, before)
            g_kept[i, t] = ahead_bar * before
            g_drift[i, t] = ahead_bar
            g_misread[i, t] = ahead_bar * gate
            slope = kept[i, t] + misread[i, t] * _STEEPNESS * gate * (1.0 - gate)
            carried = ahead_bar * slope
        g_start[i] = carried
        for t in range(n):
            g_w[i, t] = precision_bar[t] + pull_bar[t] * y[i, t]
            g_y[i, t] = pull_bar[t] * w[i, t]
            if t == n - 1:
                break
            later_bar, later_pull_bar, k = precision_bar[t], pull_bar[t], t + 1
            s = 1.0 + q * precision[i, k]
            gain = a[i, k] / s
            left = pull[i, k] - precision[i, k] * c[i, k]
            g_a[i, k] = (2.0 * later_bar * a[i, k] * precision[i, k] + later_pull_bar * left) / s
            g_c[i, k] = -later_pull_bar * gain * precision[i, k]
            pull_bar[k] += later_pull_bar * gain
            precision_bar[k] += later_bar * gain * gain
            precision_bar[k] -= later_pull_bar * gain * (c[i, k] + left * q / s)
            q_bar -= (
                precision[i, k]
                * gain
                * (later_bar * gain * precision[i, k] + later_pull_bar * left / s)
            )
        g_spread[i] += 2.0 * sd * q_bar
    return g_kept, g_drift, g_misread, g_a, g_c, g_spread, g_start, g_y, g_w, g_xi


_SALT = source_salt(contract, recurrence, sys.modules[__name__])
_GUIDED_PATH = CompiledOp("guided_path", _forward, (9, 9, 5, 9, 9), _SALT, _adjoint)


def guided_paths(*arguments: Floats) -> tuple[Floats, Floats, Floats]:
    """Do what `guided_path` does for arrays that lead with draw dimensions."""
    xi = arguments[-1]
    flat = []
    for position, value in enumerate(arguments):
        tail = xi.shape[-2:] if position not in (5, 6) else xi.shape[-2:-1]
        full = np.broadcast_to(value, (*xi.shape[:-2], *tail)).reshape(-1, *tail)
        flat.append(np.ascontiguousarray(full, dtype=np.float64))
    draws = [_forward(*row)[:3] for row in zip(*flat, strict=True)]
    e, b, logdet = (np.array(part) for part in zip(*draws, strict=True))
    return e.reshape(xi.shape), b.reshape(xi.shape), logdet.reshape(xi.shape[:-1])


def guided_path(*arguments: Any) -> tuple[Any, Any, Any]:
    """Return innovations and belief, (side, time), and log|d innovation / d xi|, (side).

    Parameters
    ----------
    kept, drift, misread
        The exact step of belief, `beliefs.model.numerics.recurrence.step`, each (side, time).
    a, c
        The same step made linear around a rough path, each (side, time).
    spread, start
        Standard deviation of a period; belief before the first; each (side,).
    y, w
        Readings of belief and their precision, (side, time).
    xi
        Standard normals, (side, time).
    """
    innovation, path, logdet, *_ = _GUIDED_PATH(*arguments)  # the others are for the gradient
    return innovation, path, logdet
