"""How completely events were recorded, and by which instrument, day by day.

Without `coverage.csv` a study claims to be dense everywhere. With it, days outside the spans are
unobserved: a zero there is not a zero. So are those after the last span, until a row covers them.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from beliefs.study.tables.records import Records

__all__ = ["covered", "instruments"]


def _span_of(coverage: Records, days: NDArray) -> NDArray[np.intp]:
    """Return the row of the span of each day, -1 where no span holds it."""
    start, end = coverage["start"], coverage["end"]
    row = np.searchsorted(start, days, side="right") - 1
    inside = (row >= 0) & (days <= end[np.maximum(row, 0)]) if len(start) else row >= 0
    return np.where(inside, row, -1)


def covered(
    coverage: Records, first_days: NDArray, step_days: int, densities: Collection[str]
) -> NDArray[np.bool_]:
    """Tell in which periods a zero is a real zero.

    Parameters
    ----------
    coverage
        As from `read_coverage`.
    first_days
        First day of each period, shape (T,).
    step_days
        Length of a period in days.
    densities
        Densities under which events are recorded completely enough.

    Returns
    -------
    ndarray of bool, shape (T,)
        True where every day of the period has one of the densities.
    """
    days = first_days[:, None] + np.arange(step_days)
    row = _span_of(coverage, days)
    good = np.array([*coverage.among("density", densities), False])
    return good[row].all(axis=1)


def instruments(coverage: Records, first_days: NDArray) -> NDArray[np.intp]:
    """Return the number of the instrument in use on the first day of each period."""
    ids = [*coverage["instrument"]]
    number = {name: place for place, name in enumerate(dict.fromkeys(ids))}
    codes = np.array([*(number[name] for name in ids), -1])
    return codes[_span_of(coverage, first_days)]
