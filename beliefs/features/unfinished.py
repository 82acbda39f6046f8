"""What is known of the days after the last whole period, which no period holds yet."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from beliefs.features.spans import span_periods
from beliefs.features.talks import rule_rows
from beliefs.study.calendar import Grid
from beliefs.study.load import Study

__all__ = ["LeftOut", "left_out"]


@dataclass(frozen=True)
class LeftOut:
    """Days between the last whole period and the as-of date.

    Attributes
    ----------
    first, last
        The first of them, from which forecasts count, and the as-of date.
    rows
        Rows published in them, by table; tables without any are not named.
    talks
        Days on which talks by the headline rule, held in these days, began or became known.
    """

    first: dt.date
    last: dt.date
    rows: dict[str, int]
    talks: tuple[dt.date, ...]

    @property
    def days(self) -> int:
        """How many days they are."""
        return (self.last - self.first).days + 1

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "rows": dict(self.rows),
            "talks": [day.isoformat() for day in self.talks],
        }


def left_out(study: Study) -> LeftOut | None:
    """Return what a model does not see of a study, None where its last period is whole.

    Parameters
    ----------
    study
        As from `beliefs.study.load.load_study`.
    """
    grid, one = study.grid, np.timedelta64(1, "D")
    first = grid.last_days[grid.active(study.as_of)][-1] + one
    days = int((study.as_of - first) / one) + 1
    if days < 1:
        return None
    rows = {}
    for name, table in vars(study.tables).items():
        if "published_at" in table.names and len(table):
            rows[name] = int((table["published_at"] >= first).sum())
    rule_set = study.spec.talks_rule
    rule = next(rule for rule in rule_set.rules if rule.id == rule_set.headline)
    talks = rule_rows(study.tables.talks, rule)
    held = [
        k
        for k in range(len(talks))
        if span_periods(talks.take(np.arange(len(talks)) == k), Grid(first, days, 1))[0]
    ]
    began = {max(talks["date"][k], talks["published_at"][k], first) for k in held}
    return LeftOut(
        first=first.astype(object),
        last=study.as_of.astype(object),
        rows={name: count for name, count in rows.items() if count},
        talks=tuple(sorted(day.astype("datetime64[D]").astype(object) for day in began)),
    )
