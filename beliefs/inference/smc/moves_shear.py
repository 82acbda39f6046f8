r"""Taking curved dependence out of coordinates that a Gaussian fits but for it.

A log-odds of talks and the slope that multiplies the surplus trade off along a banana, and so do a
level and the weights it stands for. Each coordinate gives up what squares of earlier ones, and
products of those that talks hang on, say of it,

.. math:: y_j = \Big(z_j - \sum_{k, l < j} c_{jkl} (z_k z_l - [k = l])\Big) / s_j

a triangular map (Rosenblatt 1952; Marzouk et al. 2016) of constant determinant, undone exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from beliefs.inference.smc.particles import normalised

__all__ = ["PRODUCTS", "Shear", "shear_of", "sheared", "unsheared"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRODUCTS = ("log_cost", "cost_slope", "surplus_effect", "onset_base", "continuation_base")
"""Parameters whose products count, not their squares alone: they enter the log-odds of talks."""
SURE = 3.5
"""Standard errors from 0 above which a coefficient is believed."""


@dataclass(frozen=True)
class Shear:
    """Coefficients that were believed, sorted by the coordinate they shift.

    Attributes
    ----------
    target, first, second
        Coordinate shifted, and the two multiplied; (terms,).
    weight
        (terms,).
    centre, spread
        Of what is left, (d,).
    """

    target: Ints
    first: Ints
    second: Ints
    weight: Floats
    centre: Floats
    spread: Floats


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _believed(
    z: Floats, w: Floats, product: NDArray[np.bool_], least: float
) -> tuple[Ints, Ints, Ints, Floats]:
    """Regress each coordinate on each square and product of earlier ones."""
    n, d = z.shape
    found = [(0, 0, 0, 0.0) for _ in range(0)]
    first, second = [0 for _ in range(0)], [0 for _ in range(0)]
    for k in range(d):
        for m in range(k + 1):
            if m == k or (product[k] and product[m]):
                first.append(k)
                second.append(m)
    feature = np.empty(n)
    for f in range(len(first)):
        k, m = first[f], second[f]
        mean, square = 0.0, 0.0
        for i in range(n):
            feature[i] = z[i, k] * z[i, m]
            mean += w[i] * feature[i]
        for i in range(n):
            feature[i] -= mean
            square += w[i] * feature[i] * feature[i]
        answer = np.zeros(d)
        for i in range(n):
            x = w[i] * feature[i]
            for j in range(k + 1, d):
                answer[j] += x * z[i, j]
        for j in range(k + 1, d):
            if (m == k or product[j]) and abs(answer[j]) > least * np.sqrt(square):
                found.append((j, k, m, answer[j] / square))
    found.sort()
    size = len(found)
    target, one, two = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    weight = np.empty(size)
    for q in range(size):
        target[q], one[q], two[q], weight[q] = found[q]
    return target, one, two, weight


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _sheared(
    z: Floats, target: Ints, first: Ints, second: Ints, weight: Floats, sign: float
) -> Floats:
    """Subtract (sign 1) or add (sign -1) the terms; `z` is read as it becomes when adding."""
    out = z.copy()
    source = z if sign > 0.0 else out
    for i in range(z.shape[0]):
        for q in range(len(target)):
            k, m = first[q], second[q]
            one = 1.0 if k == m else 0.0
            out[i, target[q]] -= sign * weight[q] * (source[i, k] * source[i, m] - one)
    return out


def shear_of(white: Floats, log_weights: Floats, labels: tuple[str, ...]) -> Shear:
    """Return the shear that weighted particles call for.

    Parameters
    ----------
    white
        (N, d) particles in coordinates of mean 0 and unit covariance.
    log_weights
        (N,), not normalised.
    labels
        Names of the coordinates.
    """
    weights = normalised(log_weights)
    product = np.asarray([label.split("[")[0] in PRODUCTS for label in labels])
    least = SURE * float(np.sqrt(np.sum(weights * weights)))
    terms = _believed(np.ascontiguousarray(white), weights, product, least)
    left = _sheared(white, *terms, 1.0)
    centre = (weights[:, None] * left).sum(axis=0)
    spread = np.sqrt((weights[:, None] * np.square(left - centre)).sum(axis=0))
    target, first, second, weight = terms
    spread = np.where(spread > 0.0, spread, 1.0)
    return Shear(target, first, second, weight, centre, spread)


def sheared(shear: Shear, z: Floats) -> Floats:
    """Return coordinates (N, d) without what squares and products say of them."""
    terms = shear.target, shear.first, shear.second, shear.weight
    left = _sheared(np.ascontiguousarray(z), *terms, 1.0)
    return np.asarray((left - shear.centre) / shear.spread)


def unsheared(shear: Shear, y: Floats) -> Floats:
    """Return the coordinates (N, d) that `sheared` takes to `y`."""
    terms = shear.target, shear.first, shear.second, shear.weight
    return np.asarray(_sheared(shear.centre + shear.spread * y, *terms, -1.0))
