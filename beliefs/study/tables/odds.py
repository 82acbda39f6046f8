"""`odds.csv`: hand-set odds of targets, where a study has any.

A row says: on `date`, `source` gave the probability `p` that `target` comes by the end of `by`. The
file is no part of what a theory sees, nor of the hash of a study: odds are a baseline.
"""

from __future__ import annotations

import os
from typing import Annotated, Self

import numpy as np
from pydantic import model_validator

from beliefs.study.dates import Fault
from beliefs.study.load import Study
from beliefs.study.safefile import read_table
from beliefs.study.tables.cells import Day, Records, Row, columns_of, number, read_rows, to_records

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
            what, expected = "the last day is not after the odds", f"a date after {self.date}"
            raise Fault(what, expected, "give the last day on which the target may come", "by")
        return self


def read_odds(study: Study) -> Records:
    """Read and check the odds of a study's folder, up to its as-of date; none without the file.

    They are sorted by the day on which they were given. Names of targets have a rule after an
    underscore where there is one (`Question.name`).
    """
    rows: list[OddsRow] = []
    if os.path.lexists(study.path / NAME):
        rows = read_rows(OddsRow, read_table(study.path, NAME, columns_of(OddsRow)), {})
    odds = to_records(OddsRow, rows).ordered("date")
    return odds.take(odds["date"] <= study.as_of)


def price(
    odds: Records, target: str, origin: np.datetime64, last: np.datetime64, *, negated: bool = False
) -> float | None:
    """Return the probability that a target comes true after day `origin`, by day `last`.

    The freshest odds given by the day of the origin count, up to `FRESH_DAYS` old, those that end
    nearest to `last` if there are more. Odds of another length are brought to this one at a
    constant hazard. It is the chance of holding out that is a power of the length: p of a `negated`
    target (that something does not come), 1 - p of another.
    """
    age, ends = (origin - odds["date"]).astype(int), odds["by"]
    fit = (odds["target"] == target) & (age >= 0) & (age <= FRESH_DAYS) & (ends > origin)
    if not fit.any():
        return None
    place = np.flatnonzero(fit & (age == age[fit].min()))
    k = place[np.abs((ends[place] - last).astype(int)).argmin()]
    p = float(odds["p"][k])
    if ends[k] == last:
        return p
    share = float((last - origin).astype(int) / (ends[k] - origin).astype(int))
    return p**share if negated else 1.0 - (1.0 - p) ** share
