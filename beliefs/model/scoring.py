"""From the linear predictors of a mechanism to log likelihoods, and to the rates of one period."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from beliefs.model.contract import Array, Factor, Params
from beliefs.model.observation import columns_of, log_density, predictors
from beliefs.model.structure import Columns, Structure

__all__ = ["Observables", "Predictor", "Seen"]

Predictor = Callable[[Any, Params, Columns, Structure], Array]
"""Equation ``(xp, params, columns, structure) -> linear predictor``, (..., [member,] time)."""


class Seen(NamedTuple):
    """What was seen of a factor.

    Attributes
    ----------
    value
        (time,) or (member, time).
    where
        1 where it was seen, broadcastable to (..., [member,] time).
    size
        Number of trials, as `value`; None where the family has none.
    """

    value: Array
    where: Array
    size: Array | None = None


@dataclass(frozen=True)
class Observables:
    """Factors of a mechanism with linear predictors; its methods are those of the contract.

    Attributes
    ----------
    factors
        Factors of a mechanism; those without a predictor are left out.
    linear
        Predictor of each factor.
    seen
        What was seen of a factor, by its name.
    """

    factors: Sequence[Factor]
    linear: Mapping[str, Predictor]
    seen: Callable[[str, Columns], Seen]

    def log_likelihood(
        self,
        xp: Any,
        params: Params,
        columns: Columns,
        structure: Structure,
        names: Collection[str] | None = None,
    ) -> dict[str, Array]:
        """Return the log likelihood of factors by period, (..., time), exactly 0 where unseen.

        Parameters
        ----------
        xp, params, columns, structure
            See `beliefs.model.contract`; columns of `conduct_columns`. Only the parameters that the
            factors asked for read must be there.
        names
            Factors to compute; all when None.
        """
        out = {}
        for factor in self.factors:
            if factor.name not in self.linear or (names is not None and factor.name not in names):
                continue
            value, where, size = self.seen(factor.name, columns)
            eta = self.linear[factor.name](xp, params, columns, structure)
            terms = log_density(xp, factor.family, value, eta, size) * where
            out[factor.name] = terms.sum(axis=-2) if value.ndim > 1 else terms
        return out

    def rates(
        self,
        params: Params,
        state: Mapping[str, Array],
        structure: Structure,
        names: Collection[str] | None = None,
    ) -> dict[str, Array]:
        """Return the linear predictors of one period, (...) or (..., member).

        A simulator draws from them, see `beliefs.model.observation.draw`.

        Parameters
        ----------
        params
            NumPy arrays, with leading draw dimensions or not.
        state
            Columns of one period, without the axis of time: (...) or (..., member). Only what the
            factors asked for read must be there; the heads of the mechanisms name what stands in
            place of the past.
        structure
            Structure of the study.
        names
            Factors to compute; all when None.
        """
        columns = columns_of(state)
        wanted = [name for name in self.linear if names is None or name in names]
        found = {name: self.linear[name](np, params, columns, structure) for name in wanted}
        return predictors(found)
