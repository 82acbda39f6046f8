"""Taking the skew out of each coordinate before a Gaussian is fitted to particles.

Each coordinate is standardised and bent by the power transform of Yeo and Johnson (2000), its
power chosen so that the skewness vanishes to first order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from beliefs.inference.smc.particles import normalised

__all__ = ["Bend", "bend_of", "bent", "straight"]

Floats = NDArray[np.float64]
FURTHEST = 0.6  # how far the power may be from 1, which bends nothing


@dataclass(frozen=True)
class Bend:
    """Centre, spread and power of each coordinate, (d,)."""

    centre: Floats
    spread: Floats
    power: Floats


def _answer() -> float:
    """Return how the skewness of a normal number answers to the power of its transform, at 1."""
    x, w = np.polynomial.hermite_e.hermegauss(80)
    a = np.abs(x)
    slope = (1.0 + a) * np.log1p(a) - a
    return float(3.0 * np.sum(w * (x**2 - 1.0) * slope) / w.sum())


_ANSWER = _answer()


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _moments(x: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean, spread and skewness of each weighted column."""
    n, d = x.shape
    centre, square, cube = np.zeros(d), np.zeros(d), np.zeros(d)
    for i in range(n):
        for j in range(d):
            centre[j] += w[i] * x[i, j]
    for i in range(n):
        for j in range(d):
            away = x[i, j] - centre[j]
            square[j] += w[i] * away * away
            cube[j] += w[i] * away * away * away
    spread = np.sqrt(square)
    spread[spread == 0.0] = 1.0
    return centre, spread, cube / spread**3


def bend_of(x: Floats, log_weights: Floats) -> Bend:
    """Return the bend that takes the skew out of weighted particles (N, d)."""
    centre, spread, skew = _moments(np.ascontiguousarray(x), normalised(log_weights))
    return Bend(centre, spread, 1.0 - np.clip(skew / _ANSWER, -FURTHEST, FURTHEST))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _bent(x: Floats, centre: Floats, spread: Floats, power: Floats) -> tuple[Floats, Floats]:
    n, d = x.shape
    out, log = np.empty((n, d)), np.zeros(n)
    narrow = np.log(spread)
    for i in range(n):
        for j in range(d):
            z = (x[i, j] - centre[j]) / spread[j]
            p = power[j] if z >= 0.0 else 2.0 - power[j]
            grown = np.log1p(abs(z))
            size = np.expm1(p * grown) / p
            out[i, j] = size if z >= 0.0 else -size
            log[i] += (p - 1.0) * grown - narrow[j]
    return out, log


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _straight(y: Floats, centre: Floats, spread: Floats, power: Floats) -> tuple[Floats, Floats]:
    n, d = y.shape
    out, log = np.empty((n, d)), np.zeros(n)
    narrow = np.log(spread)
    for i in range(n):
        for j in range(d):
            p = power[j] if y[i, j] >= 0.0 else 2.0 - power[j]
            grown = np.log1p(p * abs(y[i, j])) / p
            size = np.expm1(grown)
            z = size if y[i, j] >= 0.0 else -size
            out[i, j] = centre[j] + spread[j] * z
            log[i] += (p - 1.0) * grown - narrow[j]
    return out, log


def bent(bend: Bend, x: Floats) -> tuple[Floats, Floats]:
    """Return bent coordinates (N, d) and log|d bent / d x|, (N,)."""
    out, log = _bent(np.ascontiguousarray(x), bend.centre, bend.spread, bend.power)
    return out, log


def straight(bend: Bend, y: Floats) -> tuple[Floats, Floats]:
    """Return what was bent to `y`, (N, d), and log|d y / d x| there, (N,)."""
    out, log = _straight(np.ascontiguousarray(y), bend.centre, bend.spread, bend.power)
    return out, log
