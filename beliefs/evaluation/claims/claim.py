"""Claims of the source texts: a function on labelled draws each, and what it may read.

``data/claims.csv`` states the claims in the texts' own terms, and the sentence that reports each;
the functions stand in `beliefs.evaluation.claims.texts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from beliefs.features.observed import SHAPES
from beliefs.features.steps import Floats
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, declared, null_values

ROLES = ("coercer", "endurer")

# Leading axes of columns that are not among the observables of actions.
_AXES = {
    "hardline": ("side",), "turnover": ("side",), "rival_persists": ("side",),
    "rival_resolve": ("side",), "p_lag": ("side",), "aftermath": ("shock_kind",),
    "shock": ("shock",), "phase_on": ("phase",), "evidence": ("term",),
}  # fmt: skip


class Absent(Exception):
    """A claim reads what this study or theory does not have: a side, a term, a parameter."""


def roles_of(structure: Structure) -> dict[str, str]:
    """Return the sides by role: who endures, and who coerces. A role nobody has is left out."""
    out: dict[str, str] = {}
    for side, endures in zip(structure.sides, structure.endurance, strict=True):
        out.setdefault("endurer" if endures else "coercer", side)
    return out


@dataclass(frozen=True, eq=False)
class Labelled:
    """Arrays by name as DataArrays; ``x["endurance", "red:*"]`` picks by label or role."""

    arrays: Mapping[str, Any]
    structure: Structure

    def _array(self, name: str) -> xr.DataArray:
        raise NotImplementedError

    def __getitem__(self, key: str | tuple[str, str]) -> xr.DataArray:
        name, label = (key, None) if isinstance(key, str) else key
        if name not in self.arrays:
            raise Absent(name)
        array = self._array(name)
        if label is None:
            return array
        role, *rest = label.split(":")
        if role in ROLES:
            sides = roles_of(self.structure)
            if role not in sides:
                raise Absent(f"a side as {role}")
            label = ":".join([sides[role], *rest])
        dim = str(array.dims[1])
        known = [str(v) for v in array[dim].values]
        hits = [k for k, text in enumerate(known) if text == label or fnmatchcase(text, label)]
        if not hits:
            raise Absent(f"{name}[{label}]")
        return array.isel({dim: hits[0] if label in known else hits})


class Seen(Labelled):
    """Columns of a study: periods, or readings, first."""

    def _array(self, name: str) -> xr.DataArray:
        array = np.moveaxis(np.asarray(self.arrays[name], dtype=float), -1, 0)
        dims = SHAPES.get(name, _AXES.get(name, ()))
        if len(dims) != array.ndim - 1:
            dims = tuple(f"{name}_{k}" for k in range(array.ndim - 1))
        labels = self.structure.coords | {"term": [term.name for term in self.structure.terms]}
        coords = {d: labels[d] for d in dims if d in labels}
        return xr.DataArray(array, coords, ("cell" if name[:5] == "cell_" else "time", *dims))


@dataclass(frozen=True, eq=False)
class Draws(Labelled):
    """Draws of parameters (N, *shape) by name, and columns that equations may read; `draws_of`."""

    dims: Mapping[str, tuple[str, ...]]
    columns: Columns
    action_draws: Columns

    def _array(self, name: str) -> xr.DataArray:
        dims = self.dims.get(name, ())
        coords = {d: list(self.structure.coords[d]) for d in dims}
        return xr.DataArray(self.arrays[name], coords, ("draw", *dims), name)


def draws_of(
    arrays: Mapping[str, Floats],
    theory: Theory,
    structure: Structure,
    columns: Columns,
    action_draws: Columns,
    extra: Mapping[str, Floats] | None = None,
) -> Draws:
    """Return draws (N, *shape) of free parameters, null values of all others, and `extra`."""
    n = len(next(iter(arrays.values())))
    null = null_values(theory, structure, None)
    full = {k: np.broadcast_to(v, (n, *v.shape)) for k, v in null.items() if k != "innovation"}
    dims = {name: p.dims for name, (_, p) in declared(structure, None).items()}
    return Draws({**full, **arrays, **(extra or {})}, structure, dims, columns, action_draws)


@dataclass(frozen=True, eq=False)
class Finding:
    """What a claim says of some draws, draws first."""

    held: NDArray[np.bool_] | None  # what is claimed holds; None for forecasts alone
    of: tuple[Floats, ...]  # what must have been learnt
    reads: frozenset[str]  # parameters that `of` are arithmetic of, as far as xarray kept names
    # By the sentence: mean as NAME, 90 % interval as NAME_low, NAME_high
    shown: Mapping[str, Floats]


def found(held: Any = None, *of: Any, **shown: Any) -> Finding:
    """Return a finding from DataArrays."""
    return Finding(
        None if held is None else np.asarray(held, dtype=bool),
        tuple(np.asarray(v, dtype=float).reshape(len(v), -1) for v in of),
        frozenset(str(v.name) for v in of if v.name),
        {k: np.asarray(v, dtype=float) for k, v in shown.items()},
    )


@dataclass(frozen=True)
class Forecasted:
    """What a claim forecasts: a target (of its rules the first) within some days."""

    target: str
    horizon_days: int


Count = Callable[[Seen], Any]
Test = Callable[[Draws], Finding]


@dataclass(frozen=True, eq=False)
class Claim:
    """A row of ``data/claims.csv`` (`text`) and its test, under judging priors of a theory."""

    id: str
    theory: str
    test: Test
    kind: tuple[str, ...]  # sign, region, ablation (must predict better too), forecast, scenario
    needs: Mapping[str, Count]  # words, and columns that must not be zero everywhere
    count: tuple[str, Count] | None = None  # what the verdict rests on
    null: tuple[str, ...] = ()  # held at null values to see what the part adds to the score
    role: str = ""  # of the side whose elements alone are held
    # Priors instead of null values
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    score: tuple[str, ...] = ()  # observables whose log score is compared
    # Without the part beliefs are tracked again, not judged by Savage and Dickey
    rerun: bool = False
    paths: bool = False  # whole paths of belief are read
    contrast: bool = False  # the part is absent where the first of `Finding.of` is 0
    modes: bool = False  # the sentence says when that has two modes
    # Own (supported from, contradicted up to) of what is possible
    limits: tuple[float, float] | None = None
    forecasts: Forecasted | None = None
    text: Mapping[str, str] = field(default_factory=dict)


def on(*names: str | tuple[str, str]) -> Count:
    """Return the product of columns of a study."""

    def product(seen: Seen) -> Any:
        out: Any = 1.0
        for name in names:
            out = out * seen[name]
        return out

    return product


def either(*names: str) -> Count:
    """Return the sum of columns of a study."""
    return lambda seen: sum(seen[name] for name in names)


def periods(count: Count, seen: Seen) -> int:
    """Return in how many periods, or readings, something was seen."""
    try:
        array = np.asarray(count(seen))
    except Absent:
        return 0
    return int((array.reshape(len(array), -1) != 0.0).any(axis=1).sum()) if array.size else 0
