"""The mechanism contract (C3): declared parameters and pure equations over an array namespace.

A mechanism is a module with

* ``NAME``, the name a theory switches it on by;
* ``parameters(structure) -> tuple[Parameter, ...]``;
* pure functions of ``(xp, params, columns, structure, ...)`` where ``xp`` is ``numpy`` or
  ``pytensor.tensor``. With NumPy every parameter may carry leading draw dimensions.

Axis order everywhere: ``(..., side | term | channel, time)``; parameters ``(..., dim)``.

Mechanisms of conduct (what the sides do, as against what they believe) have in addition

* ``FACTORS``, the observables they explain;
* ``log_likelihood(xp, params, columns, structure, names=None) -> dict[str, Array]``, by name of
  the factor, each (..., time), 0 where nothing was seen;
* ``rates(params, state, structure, names=None) -> dict[str, Array]``, the linear predictors of one
  period by the same equations, which a simulator draws from
  (`beliefs.model.observation.draw`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Array", "Factor", "Parameter", "Params", "bounded_exp", "logistic"]

Array = Any
Params = Mapping[str, Array]
FARTHEST = 200.0  # products and ratios of exponentials of this are still numbers


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


@dataclass(frozen=True)
class Factor:
    """One observable that a mechanism explains: a term of the likelihood.

    Parameters
    ----------
    name
        Unique over all mechanisms; the key in `log_likelihood` and in `rates`.
    mechanism
        Name of the mechanism.
    base
        A theory that frees none of these has nothing to say about the observable: the factor is
        then left out of its likelihood.
    reads
        All parameters that enter. Factors with no free parameter in common are independent.
    couples
        Those of `reads` through which a belief of the period before enters as a covariate.
    shared
        Whether every theory explains it, so that theories can be compared on it.
    family
        Distribution given the linear predictor; see `beliefs.model.observation`.
    """

    name: str
    mechanism: str
    base: tuple[str, ...]
    reads: tuple[str, ...]
    couples: tuple[str, ...] = ()
    shared: bool = False
    family: str = ""


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


def bounded_exp(xp: Any, x: Array) -> Array:
    """Return the exponential of a log rate, positive and finite however far a draw lies out.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    x
        Log of a rate or a scale, any shape.
    """
    return xp.exp(xp.clip(x, -FARTHEST, FARTHEST))
