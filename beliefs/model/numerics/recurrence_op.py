"""PyTensor operation of the gated recursion, compiled by numba, with its gradient."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from beliefs.model.numerics import recurrence
from beliefs.model.numerics.recurrence_loop import SALT, loop

__all__ = ["recur_tensor"]


class GatedRecurrence(Op):
    """``b_t = a_t b_{t-1} + c_t + m_t gate(b_{t-1})`` for matrices (side, time)."""

    __props__ = ()

    def make_node(self, a: Any, c: Any, m: Any, start: Any) -> Apply:
        a, c, m, start = (pt.as_tensor_variable(v) for v in (a, c, m, start))
        return Apply(self, [a, c, m, start], [c.type()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        outputs[0][0] = recurrence.recur(np, *inputs)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Run the recursion backwards over the adjoint (no gate there: it is linear)."""
        a, _, m, start = inputs
        (path,), (weight,) = outputs, cotangents
        before = pt.concatenate([start[:, None], path[:, :-1]], axis=1)
        slope = a + m * pytensor.grad(recurrence.gate(pt, before).sum(), before)
        zero = pt.zeros_like(start)
        carried = pt.concatenate([zero[:, None], slope[:, :0:-1]], axis=1)
        adjoint = self(carried, weight[:, ::-1], pt.zeros_like(weight), zero)[:, ::-1]
        return [
            adjoint * before,
            adjoint,
            adjoint * recurrence.gate(pt, before),
            adjoint[:, 0] * slope[:, 0],
        ]


@register_funcify_default_op_cache_key(GatedRecurrence)
def _numba_recurrence(op: Any, node: Any, **kwargs: Any) -> Any:
    @numba.njit
    def gated_recurrence(a: Any, c: Any, m: Any, start: Any) -> Any:
        out = np.empty(c.shape)
        loop(a, c, m, start, out)
        return out

    return gated_recurrence, SALT


def recur_tensor(a: Any, c: Any, m: Any, start: Any) -> Any:
    """Return the symbolic path, (side, time); arguments are broadcast to one shape."""
    shape = pt.broadcast_shape(a, c, m)
    a, c, m = (pt.broadcast_to(pt.as_tensor_variable(v), shape) for v in (a, c, m))
    return GatedRecurrence()(a, c, m, start)
