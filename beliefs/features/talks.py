"""Were talks held: the answer of every label rule, period by period, and after the last period.

A round belongs to the days on which it was held. It is known from its publication on, like every
row, so that a period without talks can become one with talks as secret rounds come out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.study.calendar import Grid
from beliefs.study.load import Study
from beliefs.study.settings.spec import TalkRule
from beliefs.study.tables.codebook import CONFIDENCE
from beliefs.study.tables.coverage import covered
from beliefs.study.tables.records import Records

__all__ = [
    "WATCHED", "LeftOut", "headline_rows", "held_periods", "left_out", "rule_rows",
    "span_periods", "talk_days", "talks_public", "talks_watched",
]  # fmt: skip


def span_periods(rows: Records, grid: Grid) -> NDArray[np.bool_]:
    """Mark the periods in which at least one of the rows was running and public.

    A row counts from its publication on. One that became public only after it was over counts in
    the period of its publication: earlier columns would otherwise change with hindsight.
    Rows have `date`, `date_end` and `published_at`; the result is (grid.n,).
    """
    known = rows["published_at"]
    return _marked(np.maximum(rows["date"], known), np.maximum(rows["date_end"], known), grid)


def held_periods(rows: Records, grid: Grid) -> NDArray[np.bool_]:
    """Mark the periods in which at least one of the rows was running, public by then or not.

    Rows have `date` and `date_end`; the result is (grid.n,).
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


WATCHED = ("dense", "headline")  # rounds of talks make headlines


def rule_rows(talks: Records, rule: TalkRule) -> Records:
    """Return the records of a talk table that count as talks by a label rule."""
    sure = CONFIDENCE[CONFIDENCE.index(rule.min_confidence) :]
    return talks.take(
        talks.among("format", rule.formats)
        & talks.among("label", rule.labels)
        & talks.among("confidence", sure)
    )


def headline_rows(study: Study) -> Records:
    """Return the talks of a study that count by its headline rule."""
    rules = study.spec.talks_rule
    (headline,) = (rule for rule in rules.rules if rule.id == rules.headline)
    return rule_rows(study.tables.talks, headline)


def talk_days(
    study: Study, active: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
    """Apply the label rules of a study to its talks.

    Returns
    -------
    rules : dict of str to ndarray of int, shape (T,)
        1 where a row of the rule's formats, labels and confidence was running, by its own dates;
        headline first.
    previous : ndarray of int, shape (T,)
        The headline rule one period earlier, also for the first period.
    """
    rule_set = study.spec.talks_rule
    talks = study.tables.talks
    rules = sorted(rule_set.rules, key=lambda rule: rule.id != rule_set.headline)
    longer = study.grid.backwards(study.grid.start - np.timedelta64(1, "D"))
    found: dict[str, NDArray[np.int64]] = {}
    previous = np.zeros(len(active), dtype=np.int64)
    for rule in rules:
        held = held_periods(rule_rows(talks, rule), longer)
        found[rule.id] = (held[1:] & active).astype(np.int64)
        if rule.id == rule_set.headline:
            previous = (held[:-1] & active).astype(np.int64)
    return found, previous


def talks_public(study: Study) -> NDArray[np.int64]:
    """Return the period by whose end the headline talks of each period were public, (T,).

    The period itself, or a later one where talks were secret at first; where there were none, the
    period itself.
    """
    grid = study.grid
    rows = headline_rows(study)
    never = np.iinfo(np.int64).max
    public = np.full(grid.n, never)
    for row, period in enumerate(grid.index(rows["published_at"])):
        held = held_periods(rows.take(np.asarray([row])), grid)
        public[held] = np.minimum(public[held], period)
    public[public == never] = 0
    return np.maximum(public, np.arange(grid.n))


def talks_watched(study: Study) -> NDArray[np.bool_]:
    """Return in which periods no talks means that there were none, (T,)."""
    grid = study.grid
    return covered(study.tables.coverage, grid.dates, grid.step_days, WATCHED)


@dataclass(frozen=True)
class LeftOut:
    """Days between the last whole period and the as-of date."""

    # The first of them, from which forecasts count, and the as-of date
    first: dt.date
    last: dt.date
    rows: dict[str, int]  # Rows published in them, by table; tables without any are not named
    # Days on which talks by the headline rule, held in these days, began or became known
    talks: tuple[dt.date, ...]

    @property
    def days(self) -> int:
        """Number of days."""
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
        From `beliefs.load_study`.
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
    talks = headline_rows(study)
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
