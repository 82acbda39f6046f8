"""Rows that last: which periods an act or a talk round covers, as far as it was public."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beliefs.study.calendar import Grid
from beliefs.study.records import Records

__all__ = ["span_periods"]


def span_periods(rows: Records, grid: Grid) -> NDArray[np.bool_]:
    """Mark the periods in which at least one of the rows was running and public.

    A row counts from its publication on. One that became public only after it was over counts in
    the period of its publication: earlier columns would otherwise change with hindsight.

    Parameters
    ----------
    rows
        Rows with `date`, `date_end` and `published_at`.
    grid
        Periods.

    Returns
    -------
    ndarray of bool, shape (grid.n,)
    """
    known = rows["published_at"]
    first = grid.index(np.maximum(rows["date"], known))
    last = grid.index(np.maximum(rows["date_end"], known))
    touching = (last >= 0) & (first < grid.n)
    steps = np.zeros(grid.n + 1, dtype=np.int64)
    np.add.at(steps, np.maximum(first[touching], 0), 1)
    np.add.at(steps, np.minimum(last[touching], grid.n - 1) + 1, -1)
    return np.cumsum(steps[:-1]) > 0
