"""One PyMC model from the mechanisms, compiled once per structure and theory.

All numbers of a study are `pm.Data` of fixed length, periods after the as-of date masked, so that
another as-of date is new data for the same compiled model.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.nuts.recentre import innovations
from beliefs.model import system
from beliefs.model.priors import no_fastmath
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, free_parameters, null_values


def build_model(theory: Theory, structure: Structure, columns: Columns) -> Any:
    """Return the PyMC model of a theory on a study.

    Free parameters have their declared names; likelihoods are potentials ``log_talks`` and
    ``log_reading``, because missing cells change with the as-of date and shapes must not.
    """
    # Slow to load, and what tracks or reads a saved run samples nothing.
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
        params = {k: pt.as_tensor_variable(v) for k, v in null_values(theory, structure).items()}
        recentred = len(moving) == 2
        for p in free:
            if not (recentred and p.name in moving):
                params[p.name] = p.prior.to_pymc(p.name, dims=p.dims)
        path = None
        if recentred:
            # Level and innovations move in the coordinates of `recentre`; their own densities take
            # the place of those of the noise.
            z = pm.Normal("z", 0.0, 1.0, dims=("side",))
            xi = pm.Normal("xi", 0.0, 1.0, dims=("side", "time"))
            level, innovation, path, change = innovations(
                pt, params, data, structure, z, xi, moving["belief_mean"]
            )
            params |= {"belief_mean": level, "innovation": innovation}
            density = pm.logp(unnamed["belief_mean"], level)
            pm.Potential("relevel", (density + 0.5 * z**2).sum())
            pm.Potential("recentre", 0.5 * (xi**2 - innovation**2).sum() + change)
        paths = system.evaluate(pt, params, data, structure, logit_belief=path)
        logs = system.log_likelihoods(pt, params, data, structure, paths)
        for factor in reversed(system.factors(theory, structure, "belief")):
            pm.Potential(f"log_{factor.name}", logs[factor.name].sum())
    return model


# Every shared array costs nutpie compile time, typed anew in each process: two instead of 25 spare
# 15 s of every run.
def pack(columns: Columns) -> dict[str, NDArray[np.float64]]:
    """Return ``periods`` (row, time) and ``cells`` (row, reading); rows in the order of names."""
    rows: dict[str, list[Any]] = {"periods": [], "cells": []}
    for name, v in columns.items():
        kind = "cells" if name.startswith("cell_") else "periods"
        lead = int(np.prod(v.shape[:-1], dtype=int))  # there may be no reading yet
        rows[kind].append(np.asarray(v, dtype=np.float64).reshape(lead, v.shape[-1]))
    return {kind: np.ascontiguousarray(np.concatenate(v)) for kind, v in rows.items()}


def unpack(packed: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """Return each column, of known name, shape and type, as a view of the packed arrays."""
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


_compiled: dict[tuple[str, Structure], Any] = {}
MOST = 16  # compiled models that are kept


@no_fastmath
def compiled_model(theory: Theory, structure: Structure, columns: Columns) -> Any:
    """Return the compiled model with this data; compiles only for a new theory or structure."""
    import nutpie  # slow to load, see `build_model`

    key = theory.sha256, structure
    if key not in _compiled:
        if len(_compiled) == MOST:
            del _compiled[next(iter(_compiled))]
        _compiled[key] = nutpie.compile_pymc_model(build_model(theory, structure, columns))
    found = _compiled[key]
    used = {variable.name for variable in found.shared_var_keys}  # M0 reads no readings
    return found.with_data(**{k: v for k, v in pack(columns).items() if k in used})
