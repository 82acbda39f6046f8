"""What belongs to its own date: talks under every label rule, and readings of belief.

A round belongs to the days on which it was held, and a document says what was believed when it was
written. Both are known from their publication on, like every row, so that a period without talks
can become one with talks as secret rounds come out; evidence counts when it is published.
"""

import datetime as dt

import numpy as np
from pydantic import Field

from beliefs.features.steps import Bools, Floats, Ints, binned, counts
from beliefs.features.surprises import logit_share
from beliefs.study.dates import Grid, later
from beliefs.study.load import Study
from beliefs.study.spec import Indicator, SpecTable, TalkRule
from beliefs.study.tables.cells import Records
from beliefs.study.tables.codebook import CONFIDENCE


def held_periods(rows: Records, grid: Grid, *, public: bool = False) -> Bools:
    """Mark the periods, (grid.n,), in which one of the rows was running, public by then or not.

    With `public` a row counts from its publication on. One that became public only after it was
    over counts in the period of its publication: earlier columns would otherwise change with
    hindsight.
    """
    first, last = grid.index(rows["date"]), grid.index(rows["date_end"])
    if public:
        known = grid.index(rows["published_at"])
        first, last = np.maximum(first, known), np.maximum(last, known)
    touching = (last >= 0) & (first < grid.n)
    steps = np.zeros(grid.n + 1, dtype=np.int64)
    np.add.at(steps, np.maximum(first[touching], 0), 1)
    np.add.at(steps, np.minimum(last[touching], grid.n - 1) + 1, -1)
    return np.cumsum(steps[:-1]) > 0


def rule_rows(talks: Records, rule: TalkRule) -> Records:
    """Return the records of a talk table that count as talks by a label rule."""
    sure = CONFIDENCE[CONFIDENCE.index(rule.min_confidence) :]
    return talks.where(format=rule.formats, label=rule.labels, confidence=sure)


def headline_rows(study: Study) -> Records:
    """Return the talks of a study that count by its headline rule."""
    return rule_rows(study.tables.talks, _headline(study))


def _headline(study: Study) -> TalkRule:
    rules = study.spec.talks_rule
    return next(rule for rule in rules.rules if rule.id == rules.headline)


def talk_days(study: Study, active: Bools) -> tuple[dict[str, Ints], Ints]:
    """Return 1 where talks were held by each label rule, headline first, (T,) each.

    And 1 where a round by the headline rule was going on one period earlier, in recess or not.
    """
    rule_set, n = study.spec.talks_rule, study.grid.n
    lead = 1 + int(rule_set.recess // study.grid.step_days)
    longer = study.grid.backwards(later(study.grid.start, -lead, study.grid.step_days))
    held = {
        rule.id: held_periods(rule_rows(study.tables.talks, rule), longer)
        for rule in sorted(rule_set.rules, key=lambda rule: rule.id != rule_set.headline)
    }
    found = {name: (on[lead:] & active).astype(np.int64) for name, on in held.items()}
    open_ = np.any([held[rule_set.headline][k : k + n] for k in range(lead)], axis=0)
    return found, (open_ & active).astype(np.int64)


def talks_set(study: Study) -> Ints:
    """Return the periods for which talks stood announced as they began, past ones and later ones.

    A round counts from the confidence on that the headline rule asks of talks.
    """
    grid, announced = study.grid, {"formats": (), "labels": ("announced",)}
    rounds = rule_rows(study.tables.talks, _headline(study).model_copy(update=announced))
    off = study.tables.talks.where(label=("cancelled",))["published_at"]
    known, day = rounds["published_at"][:, None], rounds["date_end"]
    called_off = (off >= known) & (grid.index(off) < grid.index(day)[:, None])
    ahead = grid.index(rounds["published_at"]) < grid.index(day)
    return np.unique(grid.index(day)[ahead & ~called_off.any(axis=1)])


def talks_public(study: Study) -> Ints:
    """Return the period by whose end the headline talks of each period were public, (T,).

    The period itself, or a later one where talks were secret at first; where there were none, the
    period itself.
    """
    grid = study.grid
    rows = headline_rows(study)
    public = np.full(grid.n, -1)
    # From the one published last to the first, which stays.
    for row in np.argsort(rows["published_at"], kind="stable")[::-1]:
        held = held_periods(rows.take(np.asarray([row])), grid)
        public[held] = grid.index(rows["published_at"][row])
    return np.maximum(public, np.arange(grid.n))


class LeftOut(SpecTable):
    """Days after the last whole period, from which forecasts count, up to the as-of date.

    Of what was published in them, talks known to have been held count, and nothing else.
    """

    first: dt.date = Field(alias="from")
    last: dt.date = Field(alias="to")
    rows: dict[str, int]  # rows published in them, by table; tables without any are not named
    # Days of these on which talks by the headline rule were first held
    talks: tuple[dt.date, ...]

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1


def left_out(study: Study) -> LeftOut | None:
    """Return what a model does not see of a study, None where its last period is whole."""
    grid = study.grid
    first = grid.last_days[grid.active(study.as_of)][-1] + np.timedelta64(1, "D")
    if first > study.as_of:
        return None
    rows = {
        name: int((table["date" if name == "talks" else "published_at"] >= first).sum())
        for name, table in vars(study.tables).items()
        if "published_at" in table.names and len(table)
    }
    talks = headline_rows(study)
    held = (talks["date"] <= study.as_of) & (talks["date_end"] >= first)
    began = np.unique(np.maximum(talks["date"][held], first))
    return LeftOut.model_validate(
        {
            "from": first.astype(object),
            "to": study.as_of.astype(object),
            "rows": {name: count for name, count in rows.items() if count},
            "talks": tuple(began.astype(object)),
        }
    )


def readings(study: Study, active: Bools) -> Floats:
    """Collect the readings of both sides, (2, C, T).

    Events give the mean belief signal (-2 to 2) of the side's own actors dated in the period,
    series the log-odds of the share dated in it, of several versions the one published last. NaN
    where there is none: silence is not a signal of 0.
    """
    spec, grid = study.spec, study.grid
    indicators = {indicator.id: indicator for indicator in spec.indicators}
    out = np.full((2, len(spec.channels), grid.n), np.nan)
    for c, channel in enumerate(spec.channels):
        for series in channel.series:
            value = _dated(study, indicators[series.indicator])
            share = logit_share(value, series.scale, series.invert)
            out[spec.side_ids.index(series.side), c] = share
        if channel.source == "events":
            for side, actors in enumerate(s.actors for s in spec.sides):
                rows = study.tables.events.where(channel=(channel.id,), initiator=actors)
                rows = rows.take(~np.isnan(rows["belief_signal"]))
                out[side, c] = _by_date(rows, "belief_signal", grid)
    out[:, :, ~active] = np.nan
    return out


def _by_date(rows: Records, column: str, grid: Grid, *, mean: bool = True) -> Floats:
    """Return the mean, or sum, of a column by the period of its date, (T,), NaN without rows."""
    count, total = counts(rows, grid, "date"), binned(rows, rows[column], grid, "date")
    return np.where(count > 0, total / np.maximum(count, 1) if mean else total, np.nan)


def _dated(study: Study, indicator: Indicator) -> Floats:
    """Return the value of a series in each period by its dates, (T,), NaN where there is none."""
    grid = study.grid
    rows = study.tables.indicators.where(indicator=(indicator.id,)).ordered("date", "published_at")
    # The last version of a date, or the last date of a period.
    same = grid.index(rows["date"]) if indicator.aggregate == "last" else rows["date"]
    rows = rows.take(np.append(same[1:] != same[:-1], True)[: len(rows)])
    return _by_date(rows, "value", grid, mean=indicator.aggregate == "mean")
