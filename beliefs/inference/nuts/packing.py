"""All columns of a study in two arrays, because every shared array costs nutpie compile time.

Its compiled log density unpacks shared arrays one by one, typed anew in each process: with 25 of
them that took 15 s of every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model.structure import Columns

__all__ = ["pack", "unpack"]

CELL = "cell_"


def pack(columns: Columns) -> dict[str, NDArray[np.float64]]:
    """Return ``periods`` (row, time) and ``cells`` (row, reading); rows in the order of names."""
    return {
        "periods": _stacked([v for k, v in columns.items() if not k.startswith(CELL)]),
        "cells": _stacked([v for k, v in columns.items() if k.startswith(CELL)]),
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
        kind = "cells" if name.startswith(CELL) else "periods"
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
