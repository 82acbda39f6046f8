"""PyTensor operation of the gated recursion, compiled by numba, with its gradient."""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt

from beliefs.model import contract
from beliefs.model.numerics import recurrence, recurrence_loop
from beliefs.model.numerics.compiled import source_salt
from beliefs.model.numerics.compiled_op import CompiledOp
from beliefs.model.numerics.recurrence_loop import loop

__all__ = ["recur_tensor"]

_gate, _STEEPNESS = recurrence.gate, recurrence.GATE_STEEPNESS


@numba.njit
def _forward(a: Any, c: Any, m: Any, start: Any) -> Any:
    out = np.empty(c.shape)
    loop(a, c, m, start, out)
    return out


@numba.njit
def _adjoint(a: Any, c: Any, m: Any, start: Any, path: Any, path_bar: Any) -> Any:
    """Run the recursion backwards over the adjoint."""
    rows, n = path.shape
    out = np.empty((3, rows, n))
    g_start = np.empty(rows)
    for i in range(rows):
        carried = 0.0
        for t in range(n - 1, -1, -1):
            before = start[i] if t == 0 else path[i, t - 1]
            gate, bar = _gate(np, before), path_bar[i, t] + carried
            out[0, i, t], out[1, i, t], out[2, i, t] = bar * before, bar, bar * gate
            carried = bar * (a[i, t] + m[i, t] * _STEEPNESS * gate * (1.0 - gate))
        g_start[i] = carried
    return out[0], out[1], out[2], g_start


_SALT = source_salt(contract, recurrence, recurrence_loop, sys.modules[__name__])
_RECURRENCE = CompiledOp("gated_recurrence", _forward, (1,), _SALT, _adjoint)


def recur_tensor(a: Any, c: Any, m: Any, start: Any) -> Any:
    """Return the symbolic path, (side, time); arguments are broadcast to one shape."""
    shape = pt.broadcast_shape(a, c, m)
    a, c, m = (pt.broadcast_to(pt.as_tensor_variable(v), shape) for v in (a, c, m))
    return _RECURRENCE(a, c, m, start)
