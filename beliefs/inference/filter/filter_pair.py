r"""Belief as two Gaussians instead of one, while a reading leaves two explanations; compiled.

A reading sharper than the belief that misses it by far says either that belief has jumped or that
the reading is an outlier, and only the next ones tell which. One Gaussian of the same mean and
variance is neither. Student's t with 4 degrees is a normal of precision :math:`\lambda / s^2`
with :math:`\lambda \sim \mathrm{Gamma}(2, 2)`, so

.. math:: t(z) = t(z)\, P(\lambda > c \mid z) + t(z)\, P(\lambda < c \mid z)

splits it exactly into a core and a tail, and each leaves belief nearly Gaussian. The pieces of both
Gaussians are merged again, the pair whose merger loses least first (Runnalls 2007), until two are
left. Of each side the second is kept: its share, and its mean and variance in standard units of the
whole. What moves the whole as a Gaussian (talks, the other side) carries both along.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from beliefs.inference.filter import quick
from beliefs.inference.filter.filter_rows import LANES

__all__ = ["core", "other", "paired", "travel"]

CUT = 0.25
"""Precision, against the reading's own, below which it counts as an outlier: 9 % of readings."""
ONE = 1e-3
"""Loss (Kullback-Leibler, in nats) below which two Gaussians become one."""


@numba.njit(error_model="numpy", forceinline=True)
def core(z: float) -> float:
    """Return the probability that a reading that misses by z scales is none of the outliers.

    lambda given z is Gamma(5/2, (4 + z^2) / 2); of its distribution function the error function is
    taken from Abramowitz and Stegun (1964, 7.1.26), to 1e-7. Whatever the split, its parts add up.
    """
    q = 0.5 * CUT * (4.0 + z * z)
    r = np.sqrt(q)
    t = 1.0 / (1.0 + 0.3275911 * r)
    p = 1.061405429
    p = p * t - 1.453152027
    p = p * t + 1.421413741
    p = p * t - 0.284496736
    p = p * t + 0.254829592
    return quick.exp(-q) * (p * t + r * 1.1283791670955126 * (1.0 + 2.0 / 3.0 * q))


@numba.njit(error_model="numpy")
def _loss(parts: Any, i: int, j: int) -> float:
    """Return what merging two Gaussians loses (Runnalls 2007, an upper bound)."""
    a, b = parts[i, 0], parts[j, 0]
    both = a + b
    gap = parts[i, 1] - parts[j, 1]
    var = (a * parts[i, 2] + b * parts[j, 2] + a * b / both * gap * gap) / both
    return 0.5 * (both * np.log(var) - a * np.log(parts[i, 2]) - b * np.log(parts[j, 2]))


@numba.njit(error_model="numpy")
def paired(parts: Any, n: int, w: Any, at: int) -> tuple[float, float]:
    """Merge n Gaussians, rows of share, mean, variance, to two; returns the moments of all.

    The second is left at place `at` of `w` and the same places of the next two rows.
    """
    while n > 2:
        best, first, second = np.inf, 0, 1
        for i in range(n):
            for j in range(i + 1, n):
                loss = _loss(parts, i, j)
                if loss < best:
                    best, first, second = loss, i, j
        a, b = parts[first, 0], parts[second, 0]
        both = a + b
        gap = parts[first, 1] - parts[second, 1]
        inner = a * parts[first, 2] + b * parts[second, 2]
        parts[first, 2] = (inner + a * b / both * gap * gap) / both
        parts[first, 1] = (a * parts[first, 1] + b * parts[second, 1]) / both
        parts[first, 0] = both
        n -= 1
        for k in range(3):
            parts[second, k] = parts[n, k]
    if n == 1:
        w[at] = 0.0
        return parts[0, 1], parts[0, 2]
    lesser = 0 if parts[0, 0] < parts[1, 0] else 1
    share, gap = parts[lesser, 0], parts[lesser, 1] - parts[1 - lesser, 1]
    rest = 1.0 - share
    mean = rest * parts[1 - lesser, 1] + share * parts[lesser, 1]
    var = rest * parts[1 - lesser, 2] + share * parts[lesser, 2] + share * rest * gap * gap
    w[at] = share
    w[at + LANES] = rest * gap / np.sqrt(var)
    w[at + 2 * LANES] = parts[lesser, 2] / var
    return mean, var


@numba.njit(error_model="numpy", forceinline=True)
def other(share: float, mean: float, var: float) -> tuple[float, float]:
    """Return mean and variance of the first Gaussian, in standard units of the whole as well."""
    m = -share * mean / (1.0 - share)
    return m, (1.0 - share * (var + mean * mean)) / (1.0 - share) - m * m


@numba.njit(error_model="numpy")
def travel(w: Any, at: int, kept: float) -> None:
    """Carry the second Gaussian along as the whole keeps a share of its variance and gains more."""
    share = w[at]
    m = w[at + LANES] * np.sqrt(kept)
    v = kept * w[at + 2 * LANES] + (1.0 - kept)
    _, v1 = other(share, m, v)
    # In units of the whole its log variance is 0.
    if -0.5 * ((1.0 - share) * np.log(v1) + share * np.log(v)) < ONE:
        w[at] = 0.0
    else:
        w[at + LANES], w[at + 2 * LANES] = m, v
