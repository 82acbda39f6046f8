"""Weighted sums of columns over time, for NumPy and for PyTensor.

NumPy's product of matrices may round differently for another number of periods. Compiled, each
period's sum runs over the same terms in the same order, so that a period alone gives the bits that
it has among others.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from beliefs.model.contract import Array

__all__ = ["weighted_sum"]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _fill(weights: Any, values: Any, out: Any) -> None:
    for i in range(weights.shape[0]):
        for k in range(weights.shape[1]):
            weight = weights[i, k]
            if weight != 0.0:
                for t in range(values.shape[1]):
                    out[i, t] += weight * values[k, t]


def weighted_sum(xp: Any, weights: Array, values: Array) -> Array:
    """Return the product of weights (..., row, term) and values (term, time).

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    weights
        May lead with draws; terms of weight 0 are left out.
    values
        Shape (term, time), or (..., term, time) with draws of their own.

    Returns
    -------
    Array
        Shape (..., row, time).
    """
    if xp is not np or np.ndim(values) > 2:
        return weights @ values
    weights = np.asarray(weights, dtype=float)
    out = np.zeros((*weights.shape[:-1], values.shape[-1]))
    flat = np.ascontiguousarray(weights).reshape(-1, weights.shape[-1])
    _fill(flat, np.ascontiguousarray(values, dtype=float), out.reshape(len(flat), -1))
    return out
