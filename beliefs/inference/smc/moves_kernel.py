"""The augmented filter of the linear parameters (`moves_linear`), compiled.

As in `filter_kernel`, particles are taken `LANES` at a time, the innermost loop runs over them,
and all numbers of a batch lie in rows of one flat array. Single precision does: these are
coordinates to propose in, and any bijection is right.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from beliefs.inference.filter.lanes import LANES, add_products, blend

__all__ = ["information", "unwhitened", "whitened"]

_MEAN, _VAR, _MISS, _LOST, _WEIGHT, _WORSE, _KEPT, _ZERO = (k * LANES for k in range(8))
_SCALARS = 8


@numba.njit(nogil=True, error_model="numpy")
def _factor(w: Any, k: int, root: int) -> None:
    """Replace the lower triangle of a matrix by its Cholesky root."""
    for j in range(k):
        row = root + j * k * LANES
        for i in range(j + 1):
            at, other = row + i * LANES, root + i * k * LANES
            add_products(w, at, row, LANES, other, LANES, i, -1.0)
            if i == j:
                for n in range(LANES):  # at least 1, but for rounding: the prior's share
                    w[at + n] = np.sqrt(max(w[at + n], np.float32(1.0)))
            else:
                corner = other + i * LANES
                for n in range(LANES):
                    w[at + n] /= w[corner + n]


@numba.njit(nogil=True, error_model="numpy")
def _solve(w: Any, k: int, root: int, pull: int) -> None:
    """Replace a vector by the solution of root root' x = vector."""
    for j in range(k):
        at = pull + j * LANES
        add_products(w, at, root + j * k * LANES, LANES, pull, LANES, j, -1.0)
        corner = root + (j * k + j) * LANES
        for n in range(LANES):
            w[at + n] /= w[corner + n]
    for j in range(k - 1, -1, -1):
        at, corner = pull + j * LANES, root + (j * k + j) * LANES
        step = k * LANES
        add_products(w, at, corner + step, step, at + LANES, LANES, k - 1 - j, -1.0)
        for n in range(LANES):
            w[at + n] /= w[corner + n]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def information(
    kept: Any,
    drift: Any,
    begin: Any,
    noise: Any,
    variance: Any,
    worse: Any,
    when: Any,
    missed: Any,
    slope: Any,
    move: Any,
    bad: Any,
    start: Any,
    heard: Any,
    level: Any,
    gain: Any,
    prior: Any,
) -> Any:
    """Return the mode (N, k) and the root of the precision (N, k, k) of one side's parameters."""
    n_all, n_time = kept.shape
    k = move.shape[1]
    n_read = when.size
    answer = _SCALARS * LANES
    pull = answer + k * LANES
    looks = pull + k * LANES  # answers of all readings, then the same times their weights
    weighted = looks + n_read * k * LANES
    root = weighted + n_read * k * LANES
    w = np.empty(root + k * k * LANES, dtype=np.float32)
    modes, roots = np.empty((n_all, k)), np.zeros((n_all, k, k))
    for low in range(0, n_all, LANES):
        size = min(LANES, n_all - low)
        w[_VAR : _VAR + LANES] = w[_ZERO : _ZERO + LANES] = 0.0
        for n in range(LANES):
            p = low + min(n, size - 1)
            w[_MEAN + n], w[_WORSE + n] = begin[p], worse[p]
            for j in range(k):
                w[answer + j * LANES + n] = start[j]
                w[pull + j * LANES + n] = -prior[j]
        r = 0
        for t in range(n_time):
            for n in range(LANES):
                p = low + min(n, size - 1)
                a = kept[p, t]
                w[_KEPT + n] = a
                w[_MEAN + n] = a * w[_MEAN + n] + drift[p, t]
                w[_VAR + n] = a * a * w[_VAR + n] + noise[p]
            for j in range(k):
                at = answer + j * LANES
                if j == level:
                    blend(w, at, _KEPT, at, _KEPT, -gain, gain)
                else:
                    blend(w, at, _KEPT, at, _WORSE, bad[t, j], move[t, j])
            while r < when.size and when[r] == t:
                h = slope[r]
                for n in range(LANES):
                    p = low + min(n, size - 1)
                    f = h * h * w[_VAR + n] + variance[p, r]
                    w[_MISS + n] = missed[r] - h * w[_MEAN + n]
                    w[_WEIGHT + n] = 1.0 / f
                    w[_LOST + n] = -h * w[_VAR + n] / f
                for n in range(LANES):
                    w[_MEAN + n] -= w[_LOST + n] * w[_MISS + n]
                    w[_VAR + n] += w[_LOST + n] * h * w[_VAR + n]
                for j in range(k):
                    at, place = answer + j * LANES, (r * k + j) * LANES
                    d, times, pulled = looks + place, weighted + place, pull + j * LANES
                    blend(w, d, _ZERO, _ZERO, at, h, heard[r, j])
                    blend(w, at, _LOST, d, at, 1.0, 0.0)
                    blend(w, times, d, _WEIGHT, _ZERO, 0.0, 0.0)
                    blend(w, pulled, times, _MISS, pulled, 1.0, 0.0)
                r += 1
        step = k * LANES
        for j in range(k):
            for i in range(j + 1):
                at = root + (j * k + i) * LANES
                w[at : at + LANES] = 1.0 if i == j else 0.0
                add_products(
                    w, at, weighted + j * LANES, step, looks + i * LANES, step, n_read, 1.0
                )
        _factor(w, k, root)
        _solve(w, k, root, pull)
        for n in range(size):
            for j in range(k):
                modes[low + n, j] = prior[j] + w[pull + j * LANES + n]
                for i in range(j + 1):
                    roots[low + n, j, i] = w[root + (j * k + i) * LANES + n]
    return modes, roots


@numba.njit(nogil=True, cache=True, error_model="numpy")
def unwhitened(
    roots: Any,
    z: Any,
) -> Any:
    """Return the solution of root' x = z by particle."""
    n, k = z.shape
    out = z.copy()
    for p in range(n):
        for j in range(k - 1, -1, -1):
            for i in range(j + 1, k):
                out[p, j] -= roots[p, i, j] * out[p, i]
            out[p, j] /= roots[p, j, j]
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def whitened(
    roots: Any,
    x: Any,
) -> Any:
    """Return root' x by particle."""
    n, k = x.shape
    out = np.zeros((n, k))
    for p in range(n):
        for i in range(k):
            for j in range(i + 1):
                out[p, j] += roots[p, i, j] * x[p, i]
    return out
