r"""From filtered to smoothed beliefs: the backward pass of Rauch, Tung and Striebel (1965).

.. math::
    J_t = P_t A_{t+1}^\top \bar P_{t+1}^{-1}, \qquad
    m^s_t = m_t + J_t (m^s_{t+1} - \bar m_{t+1}), \qquad
    P^s_t = P_t + J_t (P^s_{t+1} - \bar P_{t+1}) J_t^\top

with A the slope of the move, by statistical linearisation where misreading bends it. Drawing
backwards instead of averaging gives whole paths (Carter and Kohn 1994).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_paths", "smoothed"]

Floats = NDArray[np.float64]
_LOG_2PI = float(np.log(2.0 * np.pi))


@numba.njit(cache=True, error_model="numpy")
def _gain(now: Any, then: Any) -> tuple[float, float, float, float]:
    """Return the gain J (by rows) of a period's row of the path, given that of the next."""
    p00, p01, p11 = now[11], now[12], now[13]
    a0, a1 = then[2], then[3]
    q00, q01, q11 = then[6], then[7], then[8]
    det = q00 * q11 - q01 * q01
    if det <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    # P A' is (p00 a0, p01 a1; p01 a0, p11 a1).
    u00, u01, u10, u11 = p00 * a0, p01 * a1, p01 * a0, p11 * a1
    return (
        (u00 * q11 - u01 * q01) / det,
        (u01 * q00 - u00 * q01) / det,
        (u10 * q11 - u11 * q01) / det,
        (u11 * q00 - u10 * q01) / det,
    )


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _smoothed(path: Floats) -> tuple[Floats, Floats]:
    n, n_time, _ = path.shape
    mean, cov = np.empty((n, n_time, 2)), np.empty((n, n_time, 3))
    for i in range(n):
        for k in range(2):
            mean[i, n_time - 1, k] = path[i, n_time - 1, 9 + k]
        for k in range(3):
            cov[i, n_time - 1, k] = path[i, n_time - 1, 11 + k]
        for t in range(n_time - 2, -1, -1):
            now, then = path[i, t], path[i, t + 1]
            j00, j01, j10, j11 = _gain(now, then)
            e0, e1 = mean[i, t + 1, 0] - then[4], mean[i, t + 1, 1] - then[5]
            mean[i, t, 0] = now[9] + j00 * e0 + j01 * e1
            mean[i, t, 1] = now[10] + j10 * e0 + j11 * e1
            d00 = cov[i, t + 1, 0] - then[6]
            d01 = cov[i, t + 1, 1] - then[7]
            d11 = cov[i, t + 1, 2] - then[8]
            r00, r01 = j00 * d00 + j01 * d01, j00 * d01 + j01 * d11
            r10, r11 = j10 * d00 + j11 * d01, j10 * d01 + j11 * d11
            cov[i, t, 0] = now[11] + r00 * j00 + r01 * j01
            cov[i, t, 1] = now[12] + r00 * j10 + r01 * j11
            cov[i, t, 2] = now[13] + r10 * j10 + r11 * j11
    return mean, cov


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _drawn(path: Floats, noise: Floats) -> tuple[Floats, Floats]:
    n, n_time, _ = path.shape
    out, log = np.empty((n, 2, n_time)), np.zeros(n)
    for i in range(n):
        m0 = m1 = v00 = v01 = v11 = 0.0
        for t in range(n_time - 1, -1, -1):
            now = path[i, t]
            m0, m1, v00, v01, v11 = now[9], now[10], now[11], now[12], now[13]
            if t < n_time - 1:
                then = path[i, t + 1]
                j00, j01, j10, j11 = _gain(now, then)
                e0, e1 = out[i, 0, t + 1] - then[4], out[i, 1, t + 1] - then[5]
                m0 += j00 * e0 + j01 * e1
                m1 += j10 * e0 + j11 * e1
                r00, r01 = j00 * then[6] + j01 * then[7], j00 * then[7] + j01 * then[8]
                r10, r11 = j10 * then[6] + j11 * then[7], j10 * then[7] + j11 * then[8]
                v00 -= r00 * j00 + r01 * j01
                v01 -= r00 * j10 + r01 * j11
                v11 -= r10 * j10 + r11 * j11
            l00 = np.sqrt(max(v00, 0.0))
            l10 = v01 / l00 if l00 > 0.0 else 0.0
            out[i, 0, t] = m0 + l00 * noise[i, 0, t]
            rest = np.sqrt(max(v11 - l10 * l10, 0.0))
            out[i, 1, t] = m1 + l10 * noise[i, 0, t] + rest * noise[i, 1, t]
            log[i] -= np.log(l00 * rest)
            log[i] -= 0.5 * (noise[i, 0, t] ** 2 + noise[i, 1, t] ** 2) + _LOG_2PI
    return out, log


def smoothed(path: Floats) -> tuple[Floats, Floats]:
    """Return smoothed means (N, T, 2) and covariances (N, T, 3) of a kept path (N, T, PATH)."""
    mean, cov = _smoothed(np.ascontiguousarray(path))
    return mean, cov


def draw_paths(path: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw one path of both beliefs for each particle from a kept path (N, T, PATH).

    Returns
    -------
    paths
        (N, 2, T).
    log_density
        (N,) log density with which each was drawn.
    """
    noise = rng.standard_normal((len(path), 2, path.shape[1]))
    drawn, log = _drawn(np.ascontiguousarray(path), noise)
    return drawn, log
