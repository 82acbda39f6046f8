"""A small language for what claims say of parameters: arithmetic, comparisons, labels, no code.

``min(stalemate) > 0 and gain <= 1`` or ``mean(weight_own[{coercer}:*]) > 0``. A subscript picks
elements by label, one per axis, with ``*`` and ``?`` as in file names; a word in braces stands for
the role of a side. Text is parsed into Python's syntax tree and only the nodes of the list below
are evaluated, so that a file of claims from a stranger can do no harm.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError

__all__ = ["Absent", "Expression", "Values", "parse"]

LONGEST = 400  # characters of an expression
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "logistic": lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
}
REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "min": (np.min, np.minimum),
    "max": (np.max, np.maximum),
    "mean": (np.mean, lambda a, b: 0.5 * (a + b)),
    "sum": (np.sum, np.add),
}
_BINARY: dict[type, Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
}  # fmt: skip
_COMPARE: dict[type, Callable[..., Any]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
}  # fmt: skip
_SUBSCRIPT = re.compile(r"\[([^\[\]'\"]*)\]")


class Absent(Exception):
    """An expression names what this study or theory does not have: a side, a term, a parameter."""


@dataclass(frozen=True, eq=False)
class Values:
    """Numbers with draws first and labelled axes after them.

    Attributes
    ----------
    array
        (N, *shape).
    labels
        Labels of each axis of `shape`.
    """

    array: NDArray[Any]
    labels: tuple[tuple[str, ...], ...] = ()

    @property
    def flat(self) -> NDArray[Any]:
        """The same as (N, elements)."""
        return self.array.reshape(len(self.array), -1)


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text
        As it was written.
    """

    text: str

    @cached_property
    def _tree(self) -> ast.expr:
        return _parsed(self.text)

    @property
    def names(self) -> tuple[str, ...]:
        """Names that it reads, sorted."""
        called = {n.func for n in ast.walk(self._tree) if isinstance(n, ast.Call)}
        found = {n.id for n in ast.walk(self._tree) if isinstance(n, ast.Name) and n not in called}
        return tuple(sorted(found))

    def __call__(self, values: Mapping[str, Values], roles: Mapping[str, str]) -> Values:
        """Return its value, draws first.

        Parameters
        ----------
        values
            What the names stand for, all with the same number of draws.
        roles
            Words in braces -> label of a side.

        Raises
        ------
        Absent
            A name, role or label that is not there.
        """
        return _evaluate(self._tree, values, roles)

    def scalar(self, values: Mapping[str, Values], roles: Mapping[str, str]) -> NDArray[Any]:
        """Return its value by draw, (N,); truth values hold if they hold for every element."""
        out = self(values, roles)
        if out.array.ndim == 0:
            return np.asarray(out.array)
        flat = out.flat
        if flat.shape[1] == 0:
            raise Absent(self.text)
        if flat.dtype == np.bool_:
            return flat.all(axis=1)
        if flat.shape[1] != 1:
            raise ValueError(f"{self.text!r} is {flat.shape[1]} numbers for each draw, not one")
        return flat[:, 0]


def parse(text: str, where: str = "expression") -> Expression:
    """Return an expression, checked.

    Parameters
    ----------
    text
        See the head of this module.
    where
        Place of the text, for messages.

    Raises
    ------
    StudyError
        The text is no expression of the language.
    """
    found = Expression(text)
    try:
        _check(found._tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise StudyError(
            "an expression cannot be read",
            where=where,
            found=f"{text[:LONGEST]!r}: {error}",
            expected="names, labels in brackets, numbers, + - * /, comparisons, and, or, not, "
            + ", ".join(sorted([*FUNCTIONS, *REDUCTIONS])),
            mend="for example: min(stalemate) > 0",
        ) from None
    return found


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    # Labels such as north:price are no Python; as strings they parse.
    return ast.parse(_SUBSCRIPT.sub(lambda m: f"[{m.group(1)!r}]", text), mode="eval").body


def _check(node: ast.expr) -> None:
    """Refuse every node that is not of the language."""
    if isinstance(node, ast.Name):
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ValueError(f"{node.value!r} is no number")
        return
    if isinstance(node, ast.Subscript):
        label = node.slice
        if not isinstance(node.value, ast.Name) or not (
            isinstance(label, ast.Constant) and isinstance(label.value, str)
        ):
            raise ValueError("a subscript is a label behind a name")
        return
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS and name not in REDUCTIONS:
            raise ValueError(f"there is no function {name or 'of that kind'}")
        few = 1 <= len(node.args) <= (1 if name in FUNCTIONS else 2)
        if node.keywords or not few:
            raise ValueError(f"{name} takes one argument, or two to compare")
        inner = list(node.args)
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        inner = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Not):
        inner = [node.operand]
    elif isinstance(node, ast.BoolOp):
        inner = list(node.values)
    elif isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
        inner = [node.left, *node.comparators]
    else:
        raise ValueError(f"{type(node).__name__} is not of the language")
    for part in inner:
        _check(part)


def _evaluate(node: ast.expr, values: Mapping[str, Values], roles: Mapping[str, str]) -> Values:
    def part(inner: ast.expr) -> Values:
        return _evaluate(inner, values, roles)

    match node:
        case ast.Constant(value=number):
            return Values(np.asarray(float(number)))  # type: ignore[arg-type]
        case ast.Name(id=name):
            return _named(name, values)
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=label)):
            return _picked(_named(name, values), name, str(label), roles)
        case ast.Call(func=ast.Name(id=name), args=[only]) if name in FUNCTIONS:
            inner = part(only)
            return Values(FUNCTIONS[name](inner.array), inner.labels)
        case ast.Call(func=ast.Name(id=name), args=[only]):
            inner = part(only)
            if inner.array.ndim < 2:
                return inner
            if inner.flat.shape[1] == 0:
                raise Absent(name)
            return Values(REDUCTIONS[name][0](inner.flat, axis=1))
        case ast.Call(func=ast.Name(id=name), args=[left, right]):
            return _joined(REDUCTIONS[name][1], part(left), part(right))
        case ast.BinOp(left=left, op=op, right=right):
            return _joined(_BINARY[type(op)], part(left), part(right))
        case ast.UnaryOp(op=op, operand=operand):
            inner = part(operand)
            if isinstance(op, ast.Not):
                return Values(~_truth(inner))
            return Values(-inner.array if isinstance(op, ast.USub) else inner.array, inner.labels)
        case ast.BoolOp(op=op, values=parts):
            found = [_truth(part(p)) for p in parts]
            both = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return Values(reduce(both, found))
        case ast.Compare(left=left, ops=ops, comparators=rights):
            terms = [part(left), *(part(right) for right in rights)]
            said = [
                _joined(_COMPARE[type(comparison)], before, after)
                for comparison, before, after in zip(ops, terms, terms[1:], strict=False)
            ]
            return reduce(lambda one, two: _joined(np.logical_and, one, two), said)
    raise ValueError(f"{type(node).__name__} is not of the language")  # parse would have said so


def _named(name: str, values: Mapping[str, Values]) -> Values:
    if name not in values:
        raise Absent(name)
    return values[name]


def _picked(inner: Values, name: str, label: str, roles: Mapping[str, str]) -> Values:
    wanted = [w.strip() for w in label.split(",")]
    if len(wanted) != len(inner.labels):
        raise Absent(f"{name}[{label}]")
    array = inner.array
    left: list[tuple[str, ...]] = []
    for axis, (text, labels) in enumerate(zip(wanted, inner.labels, strict=True)):
        place = 1 + axis - (axis - len(left))
        for role, side in roles.items():
            text = text.replace("{" + role + "}", side)
        if "{" in text:
            raise Absent(text)
        hits = [k for k, known in enumerate(labels) if fnmatchcase(known, text)]
        if not hits:
            raise Absent(f"{name}[{text}]")
        if any(c in text for c in "*?"):
            array = np.take(array, hits, axis=place)
            left.append(tuple(labels[k] for k in hits))
        else:
            array = np.take(array, hits[0], axis=place)
    return Values(array, tuple(left))


def _joined(function: Callable[..., Any], one: Values, two: Values) -> Values:
    """Apply a function element by element; a number by draw meets every element."""
    a, b = one.array, two.array
    if a.ndim > b.ndim >= 1:
        b = b.reshape(b.shape + (1,) * (a.ndim - b.ndim))
    elif b.ndim > a.ndim >= 1:
        a = a.reshape(a.shape + (1,) * (b.ndim - a.ndim))
    return Values(function(a, b), one.labels or two.labels)


def _truth(inner: Values) -> NDArray[np.bool_]:
    """Return truth by draw: it must hold for every element."""
    array = np.asarray(inner.array, dtype=bool)
    return array if array.ndim < 2 else array.reshape(len(array), -1).all(axis=1)
