"""Innovations and level of belief in coordinates in which their posterior is nearly noise.

Sampling the innovations of belief directly is slow when readings are many: each ties together every
weight, level and innovation before it. Here the sampler moves standard normals xi instead. Each
period's innovation is what readings to come lead one to expect from where belief stands, plus
noise: a guided path (twisted, in Whiteley and Lee 2014). The change of variables is corrected for
exactly, so that only the geometry of the posterior changes. Where belief is linear and its readings
Gaussian this draws from the exact posterior of the path; without readings the innovations are the
noise itself, however small its variance and nonlinear the moves are.

A belief that forgets slowly says little about its level, one that forgets fast says much: level and
retention form a funnel, and the level trades off against every jump. The same pass back gathers
what readings say about the level, the path integrated out (generalised least squares; the augmented
filter of de Jong 1991). Equations: MODEL section 4, change of variables, whose Lambda, H were the
level 0, and G are `precision`, `pull`, `answer` here. Misreading is expanded about a rough path.
"""

import sys
from typing import Any

import numba
import numpy as np

from beliefs.features.steps import Floats
from beliefs.model import contract, system
from beliefs.model.contract import Array, Params
from beliefs.model.mechanisms import belief, readings
from beliefs.model.numerics import recurrence
from beliefs.model.numerics.compiled_op import CompiledOp
from beliefs.model.structure import Columns, Structure

_gate, _step = recurrence.gate, recurrence.step
_STEEPNESS = recurrence.GATE_STEEPNESS


@numba.njit(cache=True, error_model="numpy")
def _forward(
    kept: Floats, push: Floats, misread: Floats, a: Floats, c: Floats, spread: Floats,
    initial: Floats, y: Floats, w: Floats, xi: Floats, z: Floats, prior: Floats, drawn: Floats,
) -> Any:  # fmt: skip
    """Return level, innovations, path and log determinant, then what the adjoint needs.

    By period precision, pull at level 0 and how the pull answers; by side the level's precision.
    """
    sides, n = a.shape
    e, b, logdet = np.empty((sides, n)), np.empty((sides, n)), np.empty(sides)
    precision, pull, answer = np.empty((sides, n)), np.empty((sides, n)), np.empty((sides, n))
    level, total = np.empty(sides), prior.copy()
    for i in range(sides):
        q, missed = spread[i] * spread[i], drawn[i]
        later, later_pull, later_answer = 0.0, 0.0, 0.0
        for t in range(n - 1, -1, -1):
            precision[i, t] = sure = w[i, t] + later
            pull[i, t] = here = w[i, t] * y[i, t] + later_pull
            answer[i, t] = turn = later_answer
            s, g = 1.0 + q * sure, 1.0 - kept[i, t]
            left, rest = here - sure * c[i, t], turn - sure * g
            total[i] -= (g * (turn + rest) + q * turn * turn) / s
            missed += (g * left + turn * (c[i, t] + q * here)) / s
            later = a[i, t] * a[i, t] * sure / s
            later_pull, later_answer = a[i, t] * left / s, a[i, t] * rest / s
        # Belief before the first period is the level and the initial distance from it.
        total[i] += later - 2.0 * later_answer
        missed += later_pull + (later_answer - later) * initial[i]
        level[i] = missed / total[i] + z[i] / np.sqrt(total[i])
        before, logdet[i] = level[i] + initial[i], -0.5 * np.log(total[i])
        for t in range(n):
            drift = (1.0 - kept[i, t]) * level[i] + push[i, t]
            ahead = _step(np, kept[i, t], drift, misread[i, t], before)
            s = 1.0 + q * precision[i, t]
            missing = pull[i, t] + answer[i, t] * level[i] - precision[i, t] * ahead
            e[i, t] = spread[i] * missing / s + xi[i, t] / np.sqrt(s)
            before = b[i, t] = ahead + spread[i] * e[i, t]
            logdet[i] -= 0.5 * np.log(s)
    return level, e, b, logdet, precision, pull, answer, total


@numba.njit(cache=True, error_model="numpy")
def _adjoint(
    kept: Floats, push: Floats, misread: Floats, a: Floats, c: Floats, spread: Floats,
    initial: Floats, y: Floats, w: Floats, xi: Floats, z: Floats, prior: Floats, drawn: Floats,
    level: Floats, e: Floats, b: Floats, logdet: Floats,
    precision: Floats, pull: Floats, answer: Floats, total: Floats,
    level_bar: Floats, e_bar: Floats, b_bar: Floats, logdet_bar: Floats,
    _precision_bar: Floats, _pull_bar: Floats, _answer_bar: Floats, _total_bar: Floats,
) -> Any:  # fmt: skip
    sides, n = a.shape
    g_kept, g_push, g_misread = np.empty((sides, n)), np.empty((sides, n)), np.empty((sides, n))
    g_a, g_c, g_xi = np.empty((sides, n)), np.empty((sides, n)), np.empty((sides, n))
    g_y, g_w = np.empty((sides, n)), np.empty((sides, n))
    g_spread, g_initial, g_z = np.empty(sides), np.empty(sides), np.empty(sides)
    g_prior, g_drawn = np.empty(sides), np.empty(sides)
    precision_bar, pull_bar = np.empty(n), np.empty(n)
    for i in range(sides):
        sd, mean, mean_bar = spread[i], level[i], level_bar[i]
        q, q_bar, sd_bar, carried = sd * sd, 0.0, 0.0, 0.0
        for t in range(n - 1, -1, -1):
            s = 1.0 + q * precision[i, t]
            ahead = b[i, t] - sd * e[i, t]
            missing = pull[i, t] + answer[i, t] * mean - precision[i, t] * ahead
            ahead_bar = b_bar[i, t] + carried
            own = e_bar[i, t] + sd * ahead_bar
            sd_bar += ahead_bar * e[i, t] + own * missing / s
            g_xi[i, t] = own / np.sqrt(s)
            pull_bar[t] = missing_bar = own * sd / s
            s_bar = -(own * (sd * missing / s + 0.5 * xi[i, t] / np.sqrt(s)) + 0.5 * logdet_bar[i])
            s_bar /= s
            precision_bar[t] = s_bar * q - missing_bar * ahead
            q_bar += s_bar * precision[i, t]
            ahead_bar -= missing_bar * precision[i, t]
            before = mean + initial[i] if t == 0 else b[i, t - 1]
            gate = _gate(np, before)
            g_kept[i, t], g_push[i, t] = ahead_bar * (before - mean), ahead_bar
            g_misread[i, t] = ahead_bar * gate
            mean_bar += ahead_bar * (1.0 - kept[i, t]) + missing_bar * answer[i, t]
            slope = kept[i, t] + misread[i, t] * _STEEPNESS * gate * (1.0 - gate)
            carried = ahead_bar * slope
        mean_bar += carried
        root, missed_bar = np.sqrt(total[i]), mean_bar / total[i]
        total_bar = missed_bar * (0.5 * z[i] / root - mean) - 0.5 * logdet_bar[i] / total[i]
        g_z[i], g_prior[i], g_drawn[i] = mean_bar / root, total_bar, missed_bar
        later_bar, later_pull_bar = total_bar - initial[i] * missed_bar, missed_bar
        later_answer_bar = initial[i] * missed_bar - 2.0 * total_bar
        for t in range(n):
            sure, here, turn = precision[i, t], pull[i, t], answer[i, t]
            s, g, r = 1.0 + q * sure, 1.0 - kept[i, t], a[i, t]
            left, rest = here - sure * c[i, t], turn - sure * g
            left_bar = (r * later_pull_bar + g * missed_bar) / s
            rest_bar = (r * later_answer_bar - g * total_bar) / s
            if t == 0:
                g_initial[i] = carried + r * (rest - r * sure) / s * missed_bar
            g_a[i, t] = 2.0 * r * sure * later_bar + left * later_pull_bar + rest * later_answer_bar
            gained = g * (turn + rest) + q * turn * turn
            moved = g * left + turn * (c[i, t] + q * here)
            s_bar = r * (g_a[i, t] - r * sure * later_bar) - gained * total_bar + moved * missed_bar
            s_bar /= -s * s
            g_a[i, t] /= s
            g_c[i, t] = turn * missed_bar / s - sure * left_bar
            g_kept[i, t] += sure * rest_bar + ((turn + rest) * total_bar - left * missed_bar) / s
            q_bar += sure * s_bar + turn * (here * missed_bar - turn * total_bar) / s
            later_bar = precision_bar[t] + r * r * later_bar / s + q * s_bar
            later_bar -= c[i, t] * left_bar + g * rest_bar
            later_pull_bar = pull_bar[t] + left_bar + q * turn * missed_bar / s
            later_answer_bar = pull_bar[t] * mean + rest_bar
            later_answer_bar += (
                (c[i, t] + q * here) * missed_bar - (g + 2.0 * q * turn) * total_bar
            ) / s
            g_y[i, t] = later_pull_bar * w[i, t]
            g_w[i, t] = later_bar + later_pull_bar * y[i, t]
        g_spread[i] = sd_bar + 2.0 * sd * q_bar
    return (
        g_kept, g_push, g_misread, g_a, g_c, g_spread, g_initial, g_y, g_w, g_xi, g_z, g_prior,
        g_drawn,
    )  # fmt: skip


_SALT = recurrence.source_salt(contract, recurrence, sys.modules[__name__])
_GUIDED = CompiledOp("guided_path", _forward, (5, 9, 9, 5, 9, 9, 9, 5), _SALT, _adjoint)


def guided(xp: Any, *arguments: Any) -> Any:
    """Return level (..., side), innovations and belief (..., side, time), log determinant (side).

    Arguments: kept, push and misread of the exact step of belief; a and c, the same step made
    linear around a rough path, were the level 0; standard deviation of a period and initial
    distance from the level; readings and their precision; standard normals xi, then z; precision of
    the level's prior, and this times its mean. PyTensor takes no leading dimensions.
    """
    if xp is not np:
        return _GUIDED(*arguments)[:4]  # the others are for the gradient
    lead, tail = arguments[9].shape[:-2], arguments[9].shape[-2:]
    flat = []
    for place, value in enumerate(arguments):
        shape = tail[:1] if place in (5, 6, 10, 11, 12) else tail
        full = np.broadcast_to(value, (*lead, *shape)).reshape(-1, *shape)
        flat.append(np.ascontiguousarray(full, dtype=np.float64))
    draws = [_forward(*draw)[:4] for draw in zip(*flat, strict=True)]
    return [np.array(part).reshape(*lead, *part[0].shape) for part in zip(*draws, strict=True)]


def innovations(
    xp: Any, params: Params, columns: Columns, structure: Structure, z: Array, xi: Array, prior: Any
) -> tuple[Array, Array, Array, Array]:
    """Return level (..., side), innovations and belief (..., side, time) from standard normals.

    Last log|d (level, innovation) / d (z, xi)|, (...); `z` and `xi` are shaped like level and
    innovations. Of `prior`, that of ``belief_mean``, the median and half the central 68 % are read,
    finite for every prior.
    """
    low, mean, high = (float(prior.ppf(p)) for p in (0.16, 0.5, 0.84))
    weight = 4.0 / (high - low) ** 2 + 0.0 * z
    kept, push, misread = system.movements(xp, params, columns, structure)
    lift = columns["guess_gate"]
    slope = misread * (_STEEPNESS * lift * (1.0 - lift))
    shifted = push + misread * lift - slope * columns["guess"]
    spread = belief.volatility(xp, params, structure)
    measured = readings.gaussian_summary(xp, params, columns, structure)
    level, innovation, path, logdet = guided(
        xp, kept, push, misread, kept + slope, shifted, spread, params["initial"], *measured, xi, z,
        weight, weight * mean,
    )  # fmt: skip
    return level, innovation, path, logdet.sum(axis=-1)
