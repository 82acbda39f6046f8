"""The augmented filter of the linear parameters, compiled; see `beliefs.infer.moves_linear`."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["information", "unwhitened", "whitened"]


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
    n, n_time = kept.shape
    k = move.shape[1]
    rows = (when.size + 3) // 4 * 4
    modes, roots = np.empty((n, k)), np.empty((n, k, k))
    for p in range(n):
        root = np.eye(k)
        pull = -prior
        answer = start.copy()
        # Rows of readings beyond the last are 0, so that four can be taken at once.
        looks, weight = np.zeros((rows, k)), np.zeros(rows)
        mean, var, r = begin[p], 0.0, 0
        bent = move + worse[p] * bad
        if level >= 0:
            for t in range(n_time):
                bent[t, level] = (1.0 - kept[p, t]) * gain
        for t in range(n_time):
            a = kept[p, t]
            mean = a * mean + drift[p, t]
            var = a * a * var + noise[p]
            for j in range(k):
                answer[j] = a * answer[j] + bent[t, j]
            while r < when.size and when[r] == t:
                h = slope[r]
                f = h * h * var + variance[p, r]
                miss = missed[r] - h * mean
                d = looks[r]
                weight[r] = 1.0 / f
                for j in range(k):
                    d[j] = h * answer[j] + heard[r, j]
                    pull[j] += d[j] / f * miss
                heeded = h * var / f
                mean += heeded * miss
                var -= heeded * h * var
                for j in range(k):
                    answer[j] -= heeded * d[j]
                r += 1
        for r in range(0, rows, 4):
            a, b, c, d = looks[r], looks[r + 1], looks[r + 2], looks[r + 3]
            for j in range(k):
                wa, wb = weight[r] * a[j], weight[r + 1] * b[j]
                wc, wd = weight[r + 2] * c[j], weight[r + 3] * d[j]
                row = root[j]
                for i in range(j + 1):
                    row[i] += (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i])
        for j in range(k):  # Cholesky, in place
            for i in range(j + 1):
                total = root[j, i]
                for m in range(i):
                    total -= root[j, m] * root[i, m]
                root[j, i] = np.sqrt(total) if i == j else total / root[i, i]
        for j in range(k):
            for i in range(j):
                pull[j] -= root[j, i] * pull[i]
            pull[j] /= root[j, j]
        for j in range(k - 1, -1, -1):
            for i in range(j + 1, k):
                pull[j] -= root[i, j] * pull[i]
            pull[j] /= root[j, j]
        for j in range(k):
            modes[p, j] = prior[j] + pull[j]
        roots[p] = root
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
