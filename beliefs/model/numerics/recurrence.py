"""The gated linear recursion in time and weighted sums over it, for NumPy, PyTensor and numba.

``b_t = a_t b_{t-1} + c_t + m_t G(b_{t-1})``. A matrix form (T x T) or `pytensor.scan` is 3-50 times
slower here.
"""

import hashlib
import math
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from beliefs.model import contract
from beliefs.model.contract import Array, logistic

GATE_STEEPNESS = 4.0
MEMORY = 10.0  # periods over which the weight of a reading in `rough_path` falls by e

register_jitable(logistic)  # numba compiles the very functions that NumPy calls


@register_jitable
def gate(xp: Any, belief: Array) -> Array:
    """Return how far 'while b > 0' holds: logistic(4 b), between 0 and 1."""
    return logistic(xp, GATE_STEEPNESS * belief)


@register_jitable
def carry(a: Array, c: Array, belief: Array) -> Array:
    """Return the linear part of a step: what is kept, and what is added."""
    return a * belief + c


@register_jitable
def step(xp: Any, a: Array, c: Array, m: Array, belief: Array) -> Array:
    """Return the next belief from this period's retention, drift and misreading."""
    return carry(a, c, belief) + m * gate(xp, belief)


def source_salt(*modules: Any) -> int:
    """Return a number that changes with the source of the modules.

    Caches know compiled code by name or file; without it an edited equation would stay the old one.
    """
    text = b"".join(Path(module.__file__).read_bytes() for module in modules)
    return int(hashlib.sha256(text).hexdigest()[:12], 16)


SALT = source_salt(contract, sys.modules[__name__])


def _compiled(salt: int) -> Any:
    @numba.njit(nogil=True, cache=True, error_model="numpy")
    def fill(a: Any, c: Any, m: Any, start: Any, out: Any) -> int:
        """Fill `out` (N, T) with the paths of N recursions that begin at `start` (N,)."""
        for i in range(c.shape[0]):
            belief = start[i]
            for t in range(c.shape[1]):
                if m[i, t] == 0.0:  # most periods: spare the gate's tanh
                    belief = carry(a[i, t], c[i, t], belief)
                else:
                    belief = step(np, a[i, t], c[i, t], m[i, t], belief)
                out[i, t] = belief
        return salt

    return fill


_loop = _compiled(SALT)


@numba.njit
def _forward(a: Any, c: Any, m: Any, start: Any) -> Any:
    out = np.empty(c.shape)
    _loop(a, c, m, start, out)
    return out


@numba.njit
def _adjoint(a: Any, c: Any, m: Any, start: Any, path: Any, path_bar: Any) -> Any:
    rows, n = path.shape
    out = np.empty((3, rows, n))
    g_start = np.empty(rows)
    for i in range(rows):
        carried = 0.0
        for t in range(n - 1, -1, -1):
            before = start[i] if t == 0 else path[i, t - 1]
            g, bar = gate(np, before), path_bar[i, t] + carried
            out[0, i, t], out[1, i, t], out[2, i, t] = bar * before, bar, bar * g
            carried = bar * (a[i, t] + m[i, t] * GATE_STEEPNESS * g * (1.0 - g))
        g_start[i] = carried
    return out[0], out[1], out[2], g_start


@cache
def _operation() -> Any:
    from beliefs.model.numerics.compiled_op import CompiledOp  # PyTensor is slow to import

    return CompiledOp("gated_recurrence", _forward, (1,), SALT, _adjoint)


def recur(xp: Any, a: Array, c: Array, m: Array, start: Array) -> Array:
    """Return the path of the recursion, (..., side, time).

    Retention `a`, drift `c` and misreading `m` broadcast to this shape; `start` is the value before
    the first period, (..., side).
    """
    if xp is not np:
        shape = xp.broadcast_shape(a, c, m)
        parts = [xp.broadcast_to(xp.as_tensor_variable(v), shape) for v in (a, c, m)]
        if len(shape) <= 2:
            return _operation()(*parts, start)
        flat = [v.reshape((-1, shape[-1])) for v in parts]
        start = xp.broadcast_to(start, shape[:-1]).ravel()
        return _operation()(*flat, start).reshape(shape)
    a, c, m = np.broadcast_arrays(a, c, m)
    start = np.broadcast_to(start, a.shape[:-1])
    out = np.empty(a.shape)
    rows = (-1, a.shape[-1])
    whole = [np.ascontiguousarray(v, dtype=float).reshape(rows) for v in (a, c, m)]
    _loop(*whole, np.ascontiguousarray(start, dtype=float).ravel(), out.reshape(rows))
    return out


def rough_path(reading: NDArray[Any]) -> NDArray[np.float64]:
    """Return a kernel average of all readings of a side, (side, time); 0.5 far from any.

    Readings on the log-odds scale, (side, channel, time), NaN where there is none, count by
    exp(-distance / `MEMORY`). No result depends on it, see `beliefs.inference.nuts.recentre`.
    """
    seen = ~np.isnan(reading)
    weight = _gathered(seen.sum(axis=1).astype(float))
    total = _gathered(np.where(seen, reading, 0.0).sum(axis=1))
    return (total + 0.5 * 0.5) / (weight + 0.5)


def _gathered(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of rows over time, each entry by its distance, forwards and backwards."""
    kept, none, start = np.exp(-1.0 / MEMORY), np.zeros_like(x), np.zeros(len(x))
    forwards = recur(np, kept, x, none, start)
    backwards = recur(np, kept, x[:, ::-1], none, start)[:, ::-1]
    return np.asarray(forwards + backwards - x)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _add_products(weights: Any, values: Any, out: Any) -> None:
    for i in range(weights.shape[0]):
        for k in range(weights.shape[1]):
            weight = weights[i, k]
            if weight != 0.0:
                for t in range(values.shape[1]):
                    out[i, t] += weight * values[k, t]


def weighted_sum(xp: Any, weights: Array, values: Array) -> Array:
    """Return the product of weights (..., row, term) and values ([...,] term, time).

    NumPy's product of matrices may round differently for another number of periods; here each
    period's sum runs over the same terms in the same order, so that later ones change none.
    """
    if xp is not np and values.ndim > 2:  # products of many small matrices are slow there
        return (weights[..., None] * values[..., None, :, :]).sum(axis=-2)
    if xp is not np or np.ndim(values) > 2:
        return weights @ values
    *rows, terms = np.shape(weights)  # of which a study may have none
    flat = np.ascontiguousarray(weights, dtype=float).reshape(math.prod(rows), terms)
    out = np.zeros((len(flat), values.shape[-1]))
    _add_products(flat, np.ascontiguousarray(values, dtype=float), out)
    return out.reshape(*rows, -1)
