"""Rows that last: which periods an act covers as far as it was public, or a round of talks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beliefs.study.calendar import Grid
from beliefs.study.tables.records import Records

__all__ = ["held_periods", "span_periods"]


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
    return _marked(np.maximum(rows["date"], known), np.maximum(rows["date_end"], known), grid)


def held_periods(rows: Records, grid: Grid) -> NDArray[np.bool_]:
    """Mark the periods in which at least one of the rows was running, public by then or not.

    Parameters
    ----------
    rows
        Rows with `date` and `date_end`.
    grid
        Periods.

    Returns
    -------
    ndarray of bool, shape (grid.n,)
    """
    return _marked(rows["date"], rows["date_end"], grid)


def _marked(
    begins: NDArray[np.datetime64], ends: NDArray[np.datetime64], grid: Grid
) -> NDArray[np.bool_]:
    first, last = grid.index(begins), grid.index(ends)
    touching = (last >= 0) & (first < grid.n)
    steps = np.zeros(grid.n + 1, dtype=np.int64)
    np.add.at(steps, np.maximum(first[touching], 0), 1)
    np.add.at(steps, np.minimum(last[touching], grid.n - 1) + 1, -1)
    return np.cumsum(steps[:-1]) > 0
