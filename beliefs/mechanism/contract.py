"""The mechanism contract (C3): declared parameters and pure equations over an array namespace.

A mechanism is a module with

* ``NAME``, the name a theory switches it on by;
* ``parameters(structure) -> tuple[Parameter, ...]``;
* pure functions of ``(xp, params, columns, structure, ...)`` where ``xp`` is ``numpy`` or
  ``pytensor.tensor``. With NumPy every parameter may carry leading draw dimensions.

Axis order everywhere: ``(..., side | term | channel, time)``; parameters ``(..., dim)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Array", "Parameter", "Params", "logistic"]

Array = Any
Params = Mapping[str, Array]


@dataclass(frozen=True)
class Parameter:
    """One declared parameter.

    Parameters
    ----------
    name
        Flat name, unique over all mechanisms.
    dims
        Names of its dimensions (keys of ``Structure.coords``).
    prior
        A PreliZ distribution, shared by all elements.
    neutral
        The value that switches the parameter's effect off.
    unit
        Unit in words.
    source
        Paper, claim id or 'judgement'.
    meaning
        One sentence.
    """

    name: str
    dims: tuple[str, ...]
    prior: Any = field(compare=False)
    neutral: float
    unit: str
    source: str
    meaning: str


def logistic(xp: Any, x: Array) -> Array:
    """Return the logistic function, written so that neither tail overflows.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    x
        Log-odds, any shape.
    """
    return 0.5 * (1.0 + xp.tanh(0.5 * x))
