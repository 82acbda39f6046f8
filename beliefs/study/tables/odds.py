"""`odds.csv`: hand-set odds of targets, where a study has any.

A row says: on `date`, `source` gave the probability `p` that `target` comes by the end of `by`. The
file is no part of what a theory sees, nor of the hash of a study: odds are a yardstick.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from beliefs.study.load import Study
from beliefs.study.tables.cells import (
    Day,
    Row,
    columns_of,
    fault,
    number,
    read_rows,
    to_records,
)
from beliefs.study.tables.csvfile import read_table

__all__ = ["NAME", "Odds", "read_odds"]

NAME = "odds.csv"
FRESH_DAYS = 14
"""Days after which odds are stale."""


class OddsRow(Row):
    """A row of ``odds.csv``."""

    date: Day
    target: str
    by: Day
    p: Annotated[float, number(0, 1)]
    source: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.by <= self.date:
            raise fault(
                "a window ends before its odds were given",
                f"a date after {self.date}",
                "give the last day of the window",
                "by",
            )
        return self


@dataclass(frozen=True, eq=False)
class Odds:
    """Odds, sorted by the day on which they were given.

    Attributes
    ----------
    date, by
        Day on which they were given, last day of the window, (N,).
    target
        Names of targets, with a rule after an underscore where there is one (`Question.name`).
    p
        Probabilities.
    source
        Who gave them.
    """

    date: NDArray[np.datetime64]
    by: NDArray[np.datetime64]
    target: tuple[str, ...]
    p: NDArray[np.float64]
    source: tuple[str, ...]

    def of(
        self,
        target: str,
        origin: np.datetime64,
        last: np.datetime64,
        *,
        negated: bool = False,
    ) -> float | None:
        """Return the probability that a target comes true after an origin, by a last day.

        The freshest odds given by the day of the origin count, up to `FRESH_DAYS` old, those whose
        window ends nearest to `last` if there are more. Odds of another window are brought to this
        one at a constant hazard.

        Parameters
        ----------
        target
            Name of a target.
        origin, last
            Last day known, last day of the window.
        negated
            Whether the target is that something does not come. It is the chance of holding out that
            is a power of the length of a window: p of a negated target, 1 - p of another.
        """
        names = np.asarray(self.target, dtype=object) == target
        age = (origin - self.date).astype(int)
        fit = names & (age >= 0) & (age <= FRESH_DAYS) & (self.by > origin)
        if not fit.any():
            return None
        place = np.flatnonzero(fit & (age == age[fit].min()))
        k = place[np.abs((self.by[place] - last).astype(int)).argmin()]
        if self.by[k] == last:
            return float(self.p[k])
        share = float((last - origin).astype(int) / (self.by[k] - origin).astype(int))
        p = float(self.p[k])
        return p**share if negated else 1.0 - (1.0 - p) ** share


def read_odds(study: Study) -> Odds:
    """Read and check the odds of a study's folder; none without the file.

    Parameters
    ----------
    study
        The study; rows given after its as-of date are dropped.

    Raises
    ------
    StudyError
        The file breaks a rule: a column is missing, a date or a probability is none, a window ends
        before its odds were given.
    """
    rows: list[OddsRow] = []
    if os.path.lexists(study.path / NAME):
        rows = read_rows(OddsRow, read_table(study.path, NAME, columns_of(OddsRow)), {})
    given = to_records(OddsRow, rows).ordered("date")
    given = given.take(given["date"] <= study.as_of)
    return Odds(
        given["date"], given["by"], tuple(given["target"]), given["p"], tuple(given["source"])
    )
