"""The grid of periods: which day belongs to which period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.study.settings.spec import Period

__all__ = ["Grid", "period_grid"]


@dataclass(frozen=True)
class Grid:
    """Consecutive periods of equal length.

    Attributes
    ----------
    start
        First day of period 0.
    step_days
        Length of a period in days.
    n
        Number of periods. Days before period 0 have negative period numbers, days after the last
        have numbers of `n` and more.
    """

    start: np.datetime64
    step_days: int
    n: int

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """First day of each period, shape (n,)."""
        return self.start + np.arange(self.n) * np.timedelta64(self.step_days, "D")

    @property
    def last_days(self) -> NDArray[np.datetime64]:
        """Last day of each period, shape (n,)."""
        return self.dates + np.timedelta64(self.step_days - 1, "D")

    def index(self, days: ArrayLike) -> NDArray[np.int64]:
        """Return the period number of each day."""
        whole = np.asarray(days, dtype="datetime64[D]")
        return (whole - self.start).astype(np.int64) // self.step_days

    def active(self, as_of: np.datetime64) -> NDArray[np.bool_]:
        """Tell which periods had ended by `as_of`."""
        return self.last_days <= np.datetime64(as_of, "D")

    def backwards(self, day: np.datetime64) -> Grid:
        """Return this grid with whole periods put before it, so that it holds `day`."""
        more = max(0, -int(self.index(day)))
        start = self.start - np.timedelta64(more * self.step_days, "D")
        return Grid(start, self.step_days, self.n + more)


def period_grid(period: Period) -> Grid:
    """Return the grid of a study's period.

    Parameters
    ----------
    period
        Start, end and step. Days left over after the last whole period belong to none.

    Returns
    -------
    Grid

    Examples
    --------
    >>> import datetime as dt
    >>> from beliefs.study.settings.spec import Period
    >>> grid = period_grid(Period(start=dt.date(2026, 1, 1), end=dt.date(2026, 1, 20), step="week"))
    >>> grid.n, str(grid.last_days[-1])
    (2, '2026-01-14')
    """
    return Grid(np.datetime64(period.start, "D"), period.step_days, period.n_periods)
