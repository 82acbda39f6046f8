"""From the linear predictors of a mechanism to log likelihoods, and to the rates of one period."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from beliefs.model.contract import Array, Factor, Params
from beliefs.model.mechanisms.observation import columns_of, log_density, predictors
from beliefs.model.structure import Columns, Structure

__all__ = ["Predictor", "Seen", "predicted", "scored"]

Predictor = Callable[[Any, Params, Columns, Structure], Array]
"""Equation ``(xp, params, columns, structure) -> linear predictor``, (..., [member,] time)."""


class Seen(NamedTuple):
    """What was seen of a factor.

    Attributes
    ----------
    value
        (time,) or (member, time).
    where
        1 where it was seen, broadcastable to (..., time).
    size
        Number of trials, as `value`; None where the family has none.
    """

    value: Array
    where: Array
    size: Array | None = None


def scored(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    factors: Sequence[Factor],
    linear: Mapping[str, Predictor],
    seen: Callable[[str, Columns], Seen],
    names: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return the log likelihood of factors by period, (..., time), exactly 0 where unseen.

    Parameters
    ----------
    xp, params, columns, structure
        See `beliefs.model.contract`. Only the parameters that the factors asked for read must
        be there.
    factors
        Factors of a mechanism; those without a predictor are left out.
    linear
        Predictor of each factor.
    seen
        What was seen of a factor, by its name.
    names
        Factors to compute; all when None.
    """
    out = {}
    for factor in factors:
        if factor.name not in linear or (names is not None and factor.name not in names):
            continue
        value, where, size = seen(factor.name, columns)
        eta = linear[factor.name](xp, params, columns, structure)
        terms = log_density(xp, factor.family, value, eta, size)
        out[factor.name] = (terms.sum(axis=-2) if value.ndim > 1 else terms) * where
    return out


def predicted(
    params: Params,
    state: Mapping[str, Array],
    structure: Structure,
    linear: Mapping[str, Predictor],
    names: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return the linear predictors of one period, (...) or (..., member).

    Parameters
    ----------
    params
        NumPy arrays, with leading draw dimensions or not.
    state
        Columns of one period, without the axis of time: (...) or (..., member).
    structure
        Structure of the study.
    linear
        Predictor of each factor.
    names
        Factors to compute; all when None.
    """
    columns = columns_of(state)
    wanted = [name for name in linear if names is None or name in names]
    return predictors({name: linear[name](np, params, columns, structure) for name in wanted})
