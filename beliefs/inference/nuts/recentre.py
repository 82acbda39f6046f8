r"""Innovations and level of belief in coordinates in which their posterior is nearly noise.

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
Everything stands once for NumPy and for PyTensor.
"""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray

from beliefs.model import contract, system
from beliefs.model.contract import Array, Params
from beliefs.model.mechanisms import belief, readings
from beliefs.model.numerics import recurrence
from beliefs.model.numerics.compiled_op import CompiledOp
from beliefs.model.numerics.recurrence import source_salt
from beliefs.model.structure import Columns, Structure

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


@numba.njit(cache=True)
def _variances(a: Floats, q: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return predicted and filtered variances; see `filter_variances`."""
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


_SALT = source_salt(contract, recurrence, sys.modules[__name__])
_FILTER_VARIANCES = CompiledOp("filter_variances", _variances, (0, 0), _SALT, _pullback)
_GUIDED_PATH = CompiledOp("guided_path", _forward, (9, 9, 5, 9, 9), _SALT, _adjoint)


def _by_draw(
    function: Any, shape: tuple[int, ...], arguments: Any, timeless: tuple[int, ...]
) -> list[Floats]:
    """Run a compiled function of one draw over all: `shape` (..., side, time), some `timeless`."""
    flat = []
    for position, value in enumerate(arguments):
        tail = shape[-2:-1] if position in timeless else shape[-2:]
        full = np.broadcast_to(value, (*shape[:-2], *tail)).reshape(-1, *tail)
        flat.append(np.ascontiguousarray(full, dtype=np.float64))
    draws = [function(*row) for row in zip(*flat, strict=True)]
    return [
        np.array(part).reshape(*shape[:-2], *part[0].shape) for part in zip(*draws, strict=True)
    ]


def guided_paths(*arguments: Floats) -> tuple[Floats, Floats, Floats]:
    """Do what `guided_path` does for arrays that lead with draw dimensions."""
    e, b, logdet, *_ = _by_draw(_forward, arguments[-1].shape, arguments, (5, 6))
    return e, b, logdet


def guided_path(*arguments: Any) -> tuple[Any, Any, Any]:
    """Return innovations and belief, (side, time), and log|d innovation / d xi|, (side).

    Arguments: kept, drift and misread of the exact step of belief (side, time); a and c, the same
    step made linear around a rough path; standard deviation of a period and belief before the
    first, (side,); readings and their precision, and standard normals xi, (side, time).
    """
    innovation, path, logdet, *_ = _GUIDED_PATH(*arguments)  # the others are for the gradient
    return innovation, path, logdet


def filter_variances(xp: Any, a: Any, q: Any, w: Any) -> tuple[Any, Any]:
    r"""Return predicted and filtered variance given readings of precision w, (..., side, time).

    .. math:: \bar P_t = a_t^2 P_{t-1} + q, \qquad P_t = \bar P_t / (1 + \bar P_t w_t), \; P_0 = 0

    with q of (..., side). Needed to weigh what readings say about the level.
    """
    if xp is not np:
        shape = pt.broadcast_shape(a, w)
        a, w = (pt.broadcast_to(pt.as_tensor_variable(v), shape) for v in (a, w))
        predicted, filtered = _FILTER_VARIANCES(a, q, w)
        return predicted, filtered
    shape = np.broadcast_shapes(a.shape, w.shape, (*q.shape, 1))
    predicted, filtered = _by_draw(_variances, shape, (a, q, w), (1,))
    return predicted, filtered


def innovations(
    xp: Any, params: Params, columns: Columns, structure: Structure, xi: Array
) -> tuple[Array, Array, Array]:
    """Return belief and its innovations, (..., side, time), from standard normals `xi` like them.

    Last log|d innovation / d xi|, (...), the log density that the change of variables adds.
    """
    kept, push, misread = system.movements(xp, params, columns, structure)
    drift = belief.drift(params, kept, push)
    spread = belief.volatility(xp, params, structure)
    start = belief.start_of(params)
    value, precision = readings.gaussian_summary(xp, params, columns, structure)

    retained, shifted, pull = _linear(xp, columns, kept, push, misread)
    shifted = shifted + pull * params["belief_mean"][..., None]
    guided = guided_paths if xp is np else guided_path
    innovation, path, logdet = guided(
        kept, drift, misread, retained, shifted, spread, start, value, precision, xi
    )
    return path, innovation, logdet.sum(axis=-1)


def level(
    xp: Any, params: Params, columns: Columns, structure: Structure, z: Array, prior: Any
) -> tuple[Array, Array]:
    """Return the level of belief (..., side) from standard normals z, and log|d level / d z|.

    A belief that forgets slowly says little about its level, one that forgets fast says much: level
    and retention form a funnel, and the level trades off against every jump. Here the level is what
    generalised least squares would give from the readings, the path integrated out (the augmented
    filter of de Jong 1991) under a normal prior, plus z of its standard errors. Of the prior of
    ``belief_mean`` the median and half the central 68 % are read, finite for every prior; its shape
    enters elsewhere.
    """
    low, prior_mean, high = (float(prior.ppf(q)) for q in (0.16, 0.5, 0.84))
    prior_sd = 0.5 * (high - low)
    retained, shifted, pull = _linear(
        xp, columns, *system.movements(xp, params, columns, structure)
    )
    value, precision = readings.gaussian_summary(xp, params, columns, structure)
    noise = belief.volatility(xp, params, structure) ** 2
    predicted, filtered = filter_variances(xp, retained, noise, precision)
    gain = filtered * precision  # of the filter
    kept = (1.0 - gain) * retained
    static = 0.0 * kept
    # Filtered belief were the level 0, and how it answers to the level.
    at_zero = recurrence.recur(
        xp, kept, (1.0 - gain) * shifted + gain * value, static, params["initial"]
    )
    answer = recurrence.recur(xp, kept, (1.0 - gain) * pull, static, 1.0 + 0.0 * params["initial"])
    missed = value - retained * _lagged(xp, at_zero, params["initial"]) - shifted
    slope = retained * _lagged(xp, answer, 1.0 + 0.0 * params["initial"]) + pull
    weight = precision / (1.0 + predicted * precision)
    total = 1.0 / prior_sd**2 + (weight * slope**2).sum(axis=-1)
    centre = (prior_mean / prior_sd**2 + (weight * slope * missed).sum(axis=-1)) / total
    return centre + z / xp.sqrt(total), -0.5 * xp.log(total).sum(axis=-1)


def _linear(
    xp: Any, columns: Columns, kept: Array, push: Array, misread: Array
) -> tuple[Array, Array, Array]:
    """Return what is kept, what is added and the pull of the level, each (..., side, time).

    Misreading is expanded around a rough path of the readings, so that the recursion is linear.
    """
    lift = columns["guess_gate"]
    slope = misread * (_STEEPNESS * lift * (1.0 - lift))
    return kept + slope, push + misread * lift - slope * columns["guess"], 1.0 - kept


def _lagged(xp: Any, path: Array, start: Array) -> Array:
    if xp is np:  # a start that is held at null does not lead with draws
        start = np.broadcast_to(start, path.shape[:-1])
    return xp.concatenate([start[..., None], path[..., :-1]], axis=-1)
