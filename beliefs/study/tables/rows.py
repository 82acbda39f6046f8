"""The tables of a study: what a row of each may say, and what its rows may say together.

Checks run over all rows, also those that an as-of date drops later, so that a study is either
sound or refused, whatever date is asked for.
"""

import datetime as dt
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, model_validator

from beliefs.errors import StudyError
from beliefs.study.dates import Fault, Grid, check_ends, check_published
from beliefs.study.safefile import Table, read_table
from beliefs.study.spec import Indicator, StudySpec
from beliefs.study.tables import codebook
from beliefs.study.tables.cells import (
    Day,
    Flag,
    Name,
    OptionalDay,
    OptionalName,
    OptionalWord,
    Records,
    Row,
    RowId,
    Word,
    Words,
    columns_of,
    number,
    read_rows,
    to_records,
)

FRESH_DAYS = 14
"""Days after which hand-set odds are stale."""
_ONE_DAY = dt.timedelta(days=1)


_DOMAINS: dict[str, tuple[float, float, str, str]] = {
    # Transform, or reading: above and below which numbers, what is expected, how to fix it
    "logit": (0.0, 1.0, "a number between 0 and 1", "divide percentages by 100"),
    "log": (0.0, np.inf, "a number above 0", "correct it, or use another transform"),
    "share": (0.0, np.inf, "a number above 0", "correct it, or read another series"),
    "count": (-5e-324, np.inf, "a number of 0 or more", "correct it; a count is never negative"),
}


class Value(Row):
    """A row of ``indicators.csv``: a published value of a series."""

    order: ClassVar = ("indicator", "date", "published_at")

    indicator: Word
    date: Day
    published_at: OptionalDay  # blank: after the publication lag of the indicator
    value: Annotated[float, number()]

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        assert info.context is not None
        indicator = info.context["indicators"][self.indicator]
        if self.published_at is None:
            self.published_at = self.date + dt.timedelta(days=indicator.publication_lag)
        check_published(self.date, self.published_at)
        shares = self.indicator in info.context["shares"]
        kind = "share" if shares and indicator.transform != "logit" else indicator.transform
        low, high, expected, fix = _DOMAINS.get(kind, (-np.inf, np.inf, "", ""))
        if not low < self.value < high:
            what = f"`{self.indicator}` is taken as a {kind}, which this value does not allow"
            raise Fault(what, expected, fix, "value")
        return self


class Event(Row):
    """A row of ``events.csv``: an action or another event."""

    key: ClassVar = "event_id"

    event_id: RowId
    date: Day
    date_end: OptionalDay
    published_at: OptionalDay
    initiator: Word
    target: Word
    kind: Word
    severity: Annotated[float, number(1, 5, blank=True)]
    channel: Word
    belief_signal: Annotated[float, number(-2, 2, blank=True)]
    red_line: OptionalName
    prior_warning: Flag
    zone: Name
    confidence: Word
    coders: Annotated[float, number(0, 100, blank=True)]
    source_url: str

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        _fill(self)
        if self.severity != self.severity and self.kind in (info.context or {})["kinetic"]:
            expected = "a number from 1 (harassment) to 5 (strategic)"
            fix = "code the severity, or use a kind that is not kinetic"
            raise Fault("an action of force has no severity", expected, fix, "severity")
        return self


class Talk(Row):
    """A row of ``talks.csv``: a round of talks, or what stood for one."""

    key: ClassVar = "talk_id"

    talk_id: RowId
    date: Day
    date_end: OptionalDay
    published_at: OptionalDay
    format: Word
    label: Word
    direct: Flag
    venue: str
    confidence: Word
    source_url: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        _fill(self)
        return self


def _fill(row: Event | Talk) -> None:
    """Fill the blanks of `date_end` and `published_at` by `date`."""
    row.date_end, row.published_at = row.date_end or row.date, row.published_at or row.date
    check_ends(row.date, row.date_end, "date_end")
    check_published(row.date, row.published_at)


class Span(Row):
    """A row of ``coverage.csv``: how completely events were recorded, and by which instrument."""

    order: ClassVar = ("start",)

    start: Day
    end: Day
    density: Word
    instrument: Name
    note: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_ends(self.start, self.end)
        return self


class Agreement(Row):
    """A row of ``agreements.csv``: what the sides agreed to, its deadline, and how it ended.

    It is known from its publication on; how it ended, from the publication of that on. A truce or
    an interim agreement holds for a while and is then extended, resolved, left to lapse, or broken.
    One that goes on under a new row is named by it, so that its age is counted from the first.
    """

    key: ClassVar = "agreement_id"
    max_rows: ClassVar = 10_000

    agreement_id: RowId
    date: Day
    published_at: OptionalDay
    scope: Word
    form: Word
    mutual: Flag
    deadline: OptionalDay
    ended: OptionalDay
    end_published_at: OptionalDay
    end_kind: OptionalWord
    parent: str
    confidence: Word
    source_url: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.published_at = self.published_at or self.date
        check_published(self.date, self.published_at)
        if self.mutual != self.mutual:
            expected = "1 (both sides agreed) or 0 (one side declared it)"
            what = "an agreement is neither mutual nor one-sided"
            raise Fault(what, expected, "write 1 or 0", "mutual")
        over = bool(self.end_kind)
        if over != (self.ended is not None) or (self.end_published_at and not over):
            what, column = "an end needs a day and a kind", "ended" if over else "end_kind"
            expected = "both `ended` and `end_kind`, or no word of an end while it is in force"
            fix = "fill in the other one, or empty the cells of the end"
            raise Fault(what, expected, fix, column)
        check_ends(self.date, self.deadline, "deadline")
        check_ends(self.date, self.ended, "ended")
        if self.ended is not None:
            self.end_published_at = self.end_published_at or self.ended
            least = max(self.ended, self.published_at)
            check_published(least, self.end_published_at, "end_published_at")
        return self


TABLES: dict[str, type[Row]] = {
    "indicators.csv": Value,
    "events.csv": Event,
    "talks.csv": Talk,
    "coverage.csv": Span,
    "agreements.csv": Agreement,
}
"""The tables of a study, and what a row of each is."""


def words_of(spec: StudySpec) -> Words:
    """Return the words that each column may hold in a study, and what else its rows depend on."""
    allowed = {
        "indicator": tuple(i.id for i in spec.indicators if i.source == "series"),
        "initiator": spec.parties,
        "target": spec.parties,
        "kind": spec.kinds,
        "zone": spec.zone_names,
        "format": spec.formats,
        "channel": (*codebook.CHANNELS, *(c.id for c in spec.channels if not c.series)),
        "label": codebook.TALK_LABELS,
        "confidence": codebook.CONFIDENCE,
        "density": codebook.DENSITIES,
        "scope": codebook.SCOPES,
        "form": codebook.AGREEMENT_FORMS,
        "end_kind": codebook.ENDINGS,
    }
    return {
        **{column: dict.fromkeys(words) for column, words in allowed.items()},
        "kinetic": {*spec.kinetic},
        "indicators": {i.id: i for i in spec.indicators},
        "shares": {read.indicator for channel in spec.channels for read in channel.series},
    }


def tables_in(folder: Path) -> dict[str, Table]:
    """Read the tables of a study's folder, by the name of their files; the last two may be out."""
    return {
        name: read_table(folder, name, columns_of(model), max_rows=model.max_rows)
        for name, model in TABLES.items()
        if model not in (Span, Agreement) or os.path.lexists(folder / name)
    }


def check_tables(tables: Mapping[str, Table], spec: StudySpec) -> dict[str, Records]:
    """Check the tables of a study; return them by name, in the order of time."""
    words = words_of(spec)
    indicators = _indicators(tables["indicators.csv"], words)
    events = to_records(Event, read_rows(Event, tables["events.csv"], words))
    talks = to_records(Talk, read_rows(Talk, tables["talks.csv"], words))
    return {
        "indicators": indicators,
        "events": events.ordered("published_at", "date", "event_id"),
        "talks": talks.ordered("published_at", "date", "talk_id"),
        "coverage": _coverage(tables.get("coverage.csv"), spec, words, events),
        "agreements": _agreements(tables.get("agreements.csv"), spec, words),
    }


def _indicators(table: Table, words: Words) -> Records:
    rows = read_rows(Value, table, words)
    last: dict[str, int] = {}
    seen: dict[tuple[object, ...], int] = {}
    for k, row in enumerate(rows):
        before = last.get(row.indicator)
        last[row.indicator] = k
        if before is not None and rows[before].date >= row.date:
            printed = table.cells["published_at"][before], table.cells["published_at"][k]
            back = rows[before].date > row.date
            if back or (all(printed) and printed[0] > printed[1]):
                what = f"the rows of `{row.indicator}` are not in the order of time"
                expected = f"a date and publication after those of line {table.lines[before]}"
                fix = "sort the rows below the header: sort -t, -k1,1 -k2,2 -k3,3"
                raise table.error(k, "date" if back else "published_at", what, expected, fix)
        first = seen.setdefault((row.indicator, row.date, row.published_at), k)
        if first < k:
            name = f"{row.indicator}, {row.date}, published {row.published_at}"
            raise table.twice(k, first, "date", name, "give a revision a later published_at")
    return to_records(Value, rows).ordered("indicator", "date", "published_at")


def _agreements(table: Table | None, spec: StudySpec, words: Words) -> Records:
    if table is None:
        return to_records(Agreement, ())
    rows = read_rows(Agreement, table, words)
    if spec.agreements is None:
        raise StudyError(
            f"{table.name} is there, but the settings do not say where it is complete",
            where="study.toml:1 agreements",
            found="no table [agreements]",
            expected='[agreements] with coverage = ["dense", "headline"] or another list',
            fix=f"add the table, or remove {table.name}",
        )
    ends: dict[str, dt.date] = {"": dt.date.min}  # by which the end of each row was public
    for k, row in enumerate(rows):
        known = row.published_at or row.date
        if ends.get(row.parent, dt.date.max) > known:
            what = "an agreement continues one that has not ended before it"
            expected = f"the id of a row above, whose end is public by {known}, or nothing"
            fix = "correct the id or the order of the rows, or fill in the end of the earlier one"
            raise table.error(k, "parent", what, expected, fix)
        end = row.end_published_at
        ends[row.agreement_id] = dt.date.max if end is None else max(end, known)
    return to_records(Agreement, rows).ordered("published_at", "date", "agreement_id")


def _coverage(table: Table | None, spec: StudySpec, words: Words, events: Records) -> Records:
    """Check the rows of ``coverage.csv``, or return full coverage when there is none."""
    first, last = spec.period.start, spec.period.end
    if table is None:
        begin = min([np.datetime64(first, "D"), *events["published_at"]])
        days = np.array([begin, last], dtype="datetime64[D]")
        whole = {"start": days[:1], "end": days[1:]}
        return Records({**whole, "density": ["dense"], "instrument": ["all"], "note": [""]})
    rows = read_rows(Span, table, words)
    fix = 'add a span; use density "none" for unobserved days'
    if not rows:
        raise StudyError(
            f"{table.name} has a header but no rows", where=f"{table.name}:1", found="0 rows",
            expected="spans that cover the period",
            fix="add the spans, or delete the file if coverage is dense everywhere",
        )  # fmt: skip
    end = dt.date.min
    for k, row in enumerate(rows):
        due = end + _ONE_DAY
        gap = row.start > max(due, first) and end < last
        if row.start < due or gap:
            what = "begins late or has a gap" if gap else "overlaps or is out of order"
            expected = f"{max(due, first) if gap else due}, when coverage by other spans ends"
            fix = fix if gap else "sort the spans, each from the day after the one before it"
            raise table.error(k, "start", f"coverage {what}", expected, fix)
        end = row.end
    return to_records(Span, rows)


def _span_of(coverage: Records, days: NDArray) -> NDArray[np.intp]:
    """Return the row of the span of each day, -1 where no span holds it."""
    start, end = coverage["start"], coverage["end"]
    row = np.searchsorted(start, days, side="right") - 1
    inside = (row >= 0) & (days <= end[np.maximum(row, 0)]) if len(start) else row >= 0
    return np.where(inside, row, -1)


def covered(coverage: Records, grid: Grid, densities: Collection[str]) -> NDArray[np.bool_]:
    """Tell in which periods of a grid, (T,), every day has one of the densities.

    There a zero is a real zero. Without `coverage.csv` a study claims to be dense everywhere. With
    it, days outside the spans are unobserved, those after the last span too.
    """
    days = grid.dates[:, None] + np.arange(int(np.ceil(grid.step_days)))
    good = np.array([*coverage.among("density", densities), False])
    outside = days > grid.last_days[:, None]  # of a short month
    return (good[_span_of(coverage, days)] | outside).all(axis=1)


def instruments(coverage: Records, first_days: NDArray) -> NDArray[np.intp]:
    """Return the number of the instrument in use on the first day of each period."""
    ids = [*coverage["instrument"]]
    place = {name: k for k, name in enumerate(dict.fromkeys(ids))}
    codes = np.array([*(place[name] for name in ids), -1])
    return codes[_span_of(coverage, first_days)]


def counted_events(events: Records, indicator: Indicator) -> Records:
    """Return the events that an indicator with ``source = "events"`` counts."""
    return events.where(
        initiator=indicator.initiator,
        target=indicator.target,
        kind=indicator.kinds,
        zone=indicator.zone,
    )


class OddsRow(Row):
    """A row of ``odds.csv``: on `date`, `source` gave `p` that `target` comes by the end of `by`.

    Hand-set odds are a baseline, no part of what a theory sees, nor of the hash of a study.
    Names of targets have a rule after an underscore where there is one (`Question.name`).
    """

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


def read_odds(folder: Path, as_of: np.datetime64) -> Records:
    """Return the odds of a study's folder up to a day, sorted by `date`; none without the file."""
    rows: list[OddsRow] = []
    if os.path.lexists(folder / "odds.csv"):
        rows = read_rows(OddsRow, read_table(folder, "odds.csv", columns_of(OddsRow)), {})
    odds = to_records(OddsRow, rows).ordered("date")
    return odds.take(odds["date"] <= as_of)


def price_of(
    odds: Records, target: str, origin: np.datetime64, last: np.datetime64, *, negated: bool = False
) -> float | None:
    """Return the probability that a target comes true after day `origin`, by day `last`.

    The freshest odds given by the day of the origin count, up to `FRESH_DAYS` old, those that end
    nearest to `last` if there are more. Odds of another length are brought to this one at a
    constant hazard. It is the chance of holding out that is a power of the length: p of a `negated`
    target (that something does not come), 1 - p of another.
    """
    age, ends = (origin - odds["date"]).astype(int), odds["by"]
    fit = odds.among("target", [target]) & (age >= 0) & (age <= FRESH_DAYS) & (ends > origin)
    if not fit.any():
        return None
    place = np.flatnonzero(fit & (age == age[fit].min()))
    k = place[np.abs((ends[place] - last).astype(int)).argmin()]
    p = float(odds["p"][k])
    if ends[k] == last:
        return p
    share = float((last - origin).astype(int) / (ends[k] - origin).astype(int))
    return p**share if negated else 1.0 - (1.0 - p) ** share
