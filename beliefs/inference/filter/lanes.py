"""Arithmetic of rows for many particles at once, as vectors of the processor, for numba.

A row holds one number for each of `LANES` particles. The compiler cannot tell that rows of one
array do not overlap, and would take them one number at a time; here it is told. Numbers have single
precision, of which a processor takes twice as many at once.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["LANES", "add_products", "blend"]

LANES = 32
"""Particles of a batch: few enough that their matrices stay in the processor's cache."""
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _row(builder: Any, data: Any, place: Any) -> Any:
    """Return a pointer to the row that begins at a place."""
    return builder.bitcast(builder.gep(data, [place]), _VECTOR.as_pointer())


def _spread(builder: Any, value: Any) -> Any:
    """Return a row that holds one number everywhere."""
    row = ir.Constant(_VECTOR, ir.Undefined)
    for k in range(LANES):
        row = builder.insert_element(row, value, ir.Constant(ir.IntType(32), k))
    return row


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    name = f"llvm.fma.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


@intrinsic
def add_products(
    typing: Any, w: Any, to: Any, left: Any, left_step: Any, right: Any, right_step: Any,
    count: Any, sign: Any,
) -> Any:  # fmt: skip
    """Add sign times the sum over r < count of row left + r left_step times right + r right_step.

    Rows are places in the flat array `w` of float32, contiguous; the result is added to row `to`,
    in the order of r, each step rounded once.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, to, left, left_step, right, right_step, count, sign = args
        data = context.make_array(signature.args[0])(context, builder, array).data
        signs = _spread(builder, sign)
        total = cgutils.alloca_once(builder, _VECTOR)
        builder.store(builder.load(_row(builder, data, to), align=4), total)
        with cgutils.for_range(builder, count) as loop:
            place = builder.add(left, builder.mul(loop.index, left_step))
            a = builder.load(_row(builder, data, place), align=4)
            place = builder.add(right, builder.mul(loop.index, right_step))
            b = builder.load(_row(builder, data, place), align=4)
            sum_ = _fma(builder, builder.fmul(signs, a), b, builder.load(total))
            builder.store(sum_, total)
        builder.store(builder.load(total), _row(builder, data, to), align=4)
        return context.get_dummy_value()

    return types.none(w, *(types.intp,) * 6, types.float32), code


@intrinsic
def blend(
    typing: Any, w: Any, to: Any, left: Any, right: Any, third: Any, scale: Any, shift: Any
) -> Any:
    """Set row `to` to row left times row right plus (scale times row third plus shift)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, to, *rows, scale, shift = args
        data = context.make_array(signature.args[0])(context, builder, array).data
        a, b, c = (builder.load(_row(builder, data, place), align=4) for place in rows)
        rest = _fma(builder, _spread(builder, scale), c, _spread(builder, shift))
        builder.store(_fma(builder, a, b, rest), _row(builder, data, to), align=4)
        return context.get_dummy_value()

    return types.none(w, *(types.intp,) * 4, types.float32, types.float32), code
