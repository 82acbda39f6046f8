"""One PyMC model from the mechanisms, compiled once per structure and theory.

All numbers of a study are `pm.Data` of fixed length, periods after the as-of date masked, so that
another as-of date is new data for the same compiled model.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.exact import exact
from beliefs.inference.nuts.innovations import centre_and_spread, innovations, level
from beliefs.model import system
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, free_parameters, neutral_values

__all__ = ["build_model", "compiled_model"]


def build_model(theory: Theory, structure: Structure, columns: Columns) -> Any:
    """Return the PyMC model of a theory on a study.

    Parameters
    ----------
    theory
        Which parameters are free and their priors.
    structure
        Names and counts.
    columns
        Numbers, from `beliefs.model.structure.columns`.

    Returns
    -------
    pymc.Model
        Free parameters by their declared names; likelihoods as potentials ``log_talks`` and
        ``log_reading``, because missing cells change with the as-of date and shapes must not.
    """
    import pymc as pm
    import pytensor.tensor as pt

    free = free_parameters(theory, structure)
    # Built outside the model: a distribution without a name, for its density alone.
    moving = {p.name: p.prior for p in free if p.name in ("innovation", "belief_mean")}
    unnamed = {name: prior.to_pymc() for name, prior in moving.items()}
    coords: dict[str, list[Any]] = {k: v for k, v in structure.coords.items() if v}
    coords["time"] = list(range(structure.n_time))
    with pm.Model(coords=coords) as model:
        packed = pack(columns)
        # The number of periods is fixed, that of readings changes with the as-of date.
        periods = pm.Data("periods", packed["periods"], shape=packed["periods"].shape)
        shared = {"periods": periods, "cells": pm.Data("cells", packed["cells"])}
        data = unpack(shared, columns)
        params = {
            name: pt.as_tensor_variable(v) for name, v in neutral_values(theory, structure).items()
        }
        recentred = len(moving) == 2
        for parameter in free:
            if not (recentred and parameter.name in moving):
                prior = parameter.prior
                params[parameter.name] = prior.to_pymc(parameter.name, dims=parameter.dims)
        path = None
        if recentred:
            # Level and innovations move in the coordinates of `infer.innovations`; their own
            # densities take the place of those of the noise.
            prior = moving["belief_mean"]
            z = pm.Normal("z", 0.0, 1.0, dims=("side",))
            mean, stretch = level(pt, params, data, structure, z, *centre_and_spread(prior))
            params["belief_mean"] = mean
            density = pm.logp(unnamed["belief_mean"], mean)
            pm.Potential("relevel", (density + 0.5 * z**2).sum() + stretch)
            xi = pm.Normal("xi", 0.0, 1.0, dims=("side", "time"))
            path, params["innovation"], change = innovations(pt, params, data, structure, xi)
            pm.Potential("recentre", 0.5 * (xi**2 - params["innovation"] ** 2).sum() + change)
        paths = system.evaluate(pt, params, data, structure, logit_belief=path)
        logs = system.log_likelihoods(pt, params, data, structure, paths)
        pm.Potential("log_talks", logs["talks"].sum())
        if "readings" in theory.mechanisms:
            pm.Potential("log_reading", logs["reading"].sum())
    return model


# Every shared array costs nutpie compile time, typed anew in each process: two instead of 25 spare
# 15 s of every run.
def pack(columns: Columns) -> dict[str, NDArray[np.float64]]:
    """Return ``periods`` (row, time) and ``cells`` (row, reading); rows in the order of names."""
    return {
        "periods": _stacked([v for k, v in columns.items() if not k.startswith("cell_")]),
        "cells": _stacked([v for k, v in columns.items() if k.startswith("cell_")]),
    }


def unpack(packed: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """Return each column as a view of the packed arrays.

    Parameters
    ----------
    packed
        Like the result of `pack`, NumPy or PyTensor.
    columns
        Any columns of the same structure: only names, leading shapes and types are read.
    """
    out, row = {}, {"periods": 0, "cells": 0}
    for name, like in columns.items():
        kind = "cells" if name.startswith("cell_") else "periods"
        lead = like.shape[:-1]
        size = int(np.prod(lead, dtype=int))
        part = packed[kind][row[kind] : row[kind] + size]
        part = part[0] if not lead else part.reshape((*lead, packed[kind].shape[1]))
        out[name] = part.astype(like.dtype) if like.dtype.kind == "i" else part
        row[kind] += size
    return out


def _stacked(values: list[NDArray[Any]]) -> NDArray[np.float64]:
    rows = [np.asarray(v, dtype=np.float64).reshape(-1, v.shape[-1]) for v in values]
    return np.ascontiguousarray(np.concatenate(rows))


class _Key:
    """Hashable stand-in for (theory, structure): equal when the model's graph is equal."""

    def __init__(self, theory: Theory, structure: Structure, columns: Columns) -> None:
        self.theory, self.structure, self.columns = theory, structure, columns
        self.identity = (theory.sha256, structure)

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.identity == other.identity


@lru_cache(maxsize=16)
def _compile(key: _Key) -> Any:
    import nutpie

    model = build_model(key.theory, key.structure, key.columns)
    return nutpie.compile_pymc_model(model)


@exact
def compiled_model(theory: Theory, structure: Structure, columns: Columns) -> Any:
    """Return the compiled model with this data; compiles only for a new theory or structure."""
    compiled = _compile(_Key(theory, structure, columns))
    used = {variable.name for variable in compiled.shared_var_keys}  # M0 reads no readings
    return compiled.with_data(**{k: v for k, v in pack(columns).items() if k in used})


def compile_count() -> int:
    """Return how many models this process has compiled (for tests)."""
    return _compile.cache_info().misses
