"""The loop of the gated recursion, compiled once for NumPy and for PyTensor's operation."""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np

from beliefs.model import contract
from beliefs.model.numerics import recurrence
from beliefs.model.numerics.compiled import source_salt

__all__ = ["SALT", "loop"]

_carry, _step = recurrence.carry, recurrence.step

SALT = source_salt(contract, recurrence, sys.modules[__name__])
"""Changes with the source of all that is compiled here; caches of compiled code do not notice."""


def _compiled(salt: int) -> Any:
    @numba.njit(nogil=True, cache=True, error_model="numpy")
    def fill(a: Any, c: Any, m: Any, start: Any, out: Any) -> int:
        """Fill `out` (N, T) with the paths of N recursions that begin at `start` (N,)."""
        for i in range(c.shape[0]):
            belief = start[i]
            for t in range(c.shape[1]):
                if m[i, t] == 0.0:  # most periods: spare the gate's tanh
                    belief = _carry(a[i, t], c[i, t], belief)
                else:
                    belief = _step(np, a[i, t], c[i, t], m[i, t], belief)
                out[i, t] = belief
        return salt

    return fill


loop = _compiled(SALT)
