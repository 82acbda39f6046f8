"""A PyTensor operation and its gradient, each a function compiled by numba."""

from collections.abc import Callable, Sequence
from typing import Any

import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key


class CompiledOp(Op):
    """Outputs of a compiled function of tensors.

    PyTensor caches compiled code by the unique `name` and by `salt` (`source_salt`). `like` has of
    each output the place of the input whose type it has. `adjoint` returns the gradients of all
    inputs, given inputs, outputs and the gradients of the outputs.
    """

    __props__ = ("name",)

    def __init__(
        self, name: str, function: Callable[..., Any], like: Sequence[int], salt: int,
        adjoint: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.function, self.like, self.salt = name, function, like, salt
        self.adjoint = adjoint

    def make_node(self, *inputs: Any) -> Apply:
        """Return the node of some inputs."""
        tensors = [pt.as_tensor_variable(v) for v in inputs]
        return Apply(self, tensors, [tensors[k].type() for k in self.like])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        """Compute the outputs."""
        values = self.function(*inputs)
        for slot, value in zip(outputs, values if len(outputs) > 1 else (values,), strict=True):
            slot[0] = value

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return gradients; a cotangent nobody uses counts as zero."""
        assert self.adjoint is not None
        bars = [
            pt.zeros_like(out) if isinstance(bar.type, DisconnectedType) else bar
            for out, bar in zip(outputs, cotangents, strict=True)
        ]
        back = CompiledOp(f"{self.name}_adjoint", self.adjoint, range(len(inputs)), self.salt)
        gradients: list[Any] = list(back(*inputs, *outputs, *bars))
        return gradients


@register_funcify_default_op_cache_key(CompiledOp)
def _numba(op: Any, node: Any, **kwargs: Any) -> Any:
    return op.function, op.salt
