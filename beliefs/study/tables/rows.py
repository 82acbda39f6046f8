"""The tables of a study: what a row of each may say, and what its rows may say together.

Checks run over all rows, also those that an as-of date drops later, so that a study is either
sound or refused, whatever date is asked for.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import PlainValidator, ValidationInfo, model_validator

from beliefs.errors import StudyError
from beliefs.study.settings.spec import Indicator, StudySpec
from beliefs.study.tables import codebook
from beliefs.study.tables.cells import (
    Day,
    Flag,
    Name,
    OptionalDay,
    OptionalName,
    OptionalWord,
    Row,
    RowId,
    Word,
    Words,
    columns_of,
    fault,
    number,
    read_rows,
    to_records,
    word,
)
from beliefs.study.tables.csvfile import Table, read_table
from beliefs.study.tables.records import Records

__all__ = [
    "AGREEMENT_COLUMNS", "EVENT_COLUMNS", "INDICATOR_COLUMNS", "TABLES", "TALK_COLUMNS",
    "counted_events", "read_agreements", "read_coverage", "read_events", "read_indicators",
    "read_talks", "select_events", "words_of",
]  # fmt: skip

_EARLY = "something was published before it happened"
_ONE_DAY = dt.timedelta(days=1)


def _check_published(date: dt.date, published: dt.date) -> None:
    if published < date:
        raise fault(
            _EARLY, f"a date on or after {date}", "correct date or published_at", "published_at"
        )


# ---- What a row may say


def _series(text: str, info: ValidationInfo) -> str:
    assert info.context is not None
    indicator = info.context["indicators"].get(text)
    if indicator is not None and indicator.source == "events":
        raise fault(
            f"`{text}` is counted from events, so it has no rows",
            'rows of indicators whose source is "series"',
            'remove the rows, or set source = "series" in study.toml',
        )
    return word(text, info)


class Value(Row):
    """A row of ``indicators.csv``: a published value of a series."""

    order: ClassVar = ("indicator", "date", "published_at")

    indicator: Annotated[str, PlainValidator(_series)]
    date: Day
    published_at: OptionalDay  # blank: after the publication lag of the indicator
    value: Annotated[float, number()]

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        assert info.context is not None
        indicator = info.context["indicators"][self.indicator]
        if self.published_at is None:
            self.published_at = self.date + dt.timedelta(days=indicator.publication_lag)
        _check_published(self.date, self.published_at)
        self._check_domain(indicator, self.indicator in info.context["shares"])
        return self

    def _check_domain(self, indicator: Indicator, is_share: bool) -> None:
        """Refuse a value that the transform, or a reading of the series, is not defined for."""
        if indicator.transform == "logit":
            good, expected, why = 0 < self.value < 1, "a number between 0 and 1", "a logit"
            mend = "divide percentages by 100"
        elif indicator.transform == "log" or is_share:
            good, expected = self.value > 0, "a number above 0"
            why = "a logarithm" if indicator.transform == "log" else "a share (channels.series)"
            mend = 'correct the value, or use transform = "identity" or "diff"'
        else:
            good = indicator.transform != "count" or self.value >= 0
            expected = "a number of 0 or more"
            why, mend = "a count", "correct the value; a count is never negative"
        if not good:
            what = f"`{indicator.id}` is taken as {why}, which this value does not allow"
            raise fault(what, expected, mend, "value")


class _Span(Row):
    """What happened on days, and was published then or later."""

    def _fill(self, date: dt.date, end: dt.date | None, published: dt.date | None) -> None:
        """Fill the blanks of `date_end` and `published_at` by `date`."""
        end, published = end or date, published or date
        if end < date:
            raise fault(
                "something ends before it begins",
                f"a date on or after {date}",
                "correct date or date_end; leave date_end empty for a single day",
                "date_end",
            )
        _check_published(date, published)
        self.__dict__.update(date_end=end, published_at=published)


class Event(_Span):
    """A row of ``events.csv``: an act or an event."""

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
        self._fill(self.date, self.date_end, self.published_at)
        if self.severity != self.severity and self.kind in (info.context or {})["kinetic"]:
            raise fault(
                "an act of force has no severity",
                "a number from 1 (harassment) to 5 (strategic)",
                "code the severity, or use a kind that is not kinetic",
                "severity",
            )
        return self


class Talk(_Span):
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
        self._fill(self.date, self.date_end, self.published_at)
        return self


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
        if self.end < self.start:
            raise fault(
                "a span ends before it begins",
                f"a date on or after {self.start}",
                "correct start or end",
                "end",
            )
        return self


class Agreement(Row):
    """A row of ``agreements.csv``: what the sides agreed to, its deadline, and how it ended.

    It is known from its publication on; how it ended, from the publication of that on. A truce or
    an interim agreement holds for a while and is then extended, resolved, left to lapse, or broken.
    One that goes on under a new row is named by it, so that its age is counted from the first.
    """

    key: ClassVar = "agreement_id"

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
        _check_published(self.date, self.published_at)
        if self.mutual != self.mutual:
            raise fault(
                "an agreement is neither mutual nor one-sided",
                "1 (both sides agreed) or 0 (one side declared it)",
                "write 1 or 0",
                "mutual",
            )
        if (self.ended is None) == bool(self.end_kind):
            raise fault(
                "an end needs a day and a kind",
                "both `ended` and `end_kind`, or neither while it is in force",
                "fill in the other one",
                "ended" if self.end_kind else "end_kind",
            )
        if self.end_published_at and not self.end_kind:
            raise fault(
                "an end that is not there was published",
                "an empty cell while the agreement is in force",
                "fill in `ended` and `end_kind`, or leave it empty",
                "end_published_at",
            )
        for column in ("deadline", "ended"):
            day = getattr(self, column)
            if day is not None and day < self.date:
                raise fault(
                    "an agreement ends before it begins",
                    f"a date on or after {self.date}",
                    f"correct {column}, or leave it empty",
                    column,
                )
        if self.ended is not None:
            self.end_published_at = self.end_published_at or self.ended
            least = max(self.ended, self.published_at)
            if self.end_published_at < least:
                raise fault(
                    _EARLY,
                    f"a date on or after {least}",
                    "correct end_published_at, or leave it empty",
                    "end_published_at",
                )
        return self


TABLES: dict[str, type[Row]] = {
    "indicators.csv": Value,
    "events.csv": Event,
    "talks.csv": Talk,
    "coverage.csv": Span,
    "agreements.csv": Agreement,
}
"""The tables of a study, and what a row of each is."""
INDICATOR_COLUMNS, EVENT_COLUMNS, TALK_COLUMNS, _, AGREEMENT_COLUMNS = map(
    columns_of, TABLES.values()
)


def words_of(spec: StudySpec) -> Words:
    """Return the words that each column may hold in a study, and what else its rows depend on."""
    channels = (*codebook.CHANNELS, *(c.id for c in spec.channels if not c.series))
    allowed = {
        "indicator": tuple(i.id for i in spec.indicators if i.source == "series"),
        "initiator": spec.parties,
        "target": spec.parties,
        "kind": spec.kinds,
        "zone": spec.zone_names,
        "format": spec.formats,
        "channel": channels,
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


# ---- What rows may say together


def read_indicators(folder: Path, spec: StudySpec) -> Records:
    """Read and check ``indicators.csv``."""
    table = read_table(folder, "indicators.csv", INDICATOR_COLUMNS)
    rows = read_rows(Value, table, words_of(spec))
    last: dict[str, int] = {}
    seen: dict[tuple[object, ...], int] = {}
    for number_, row in enumerate(rows):
        before = last.get(row.indicator)
        last[row.indicator] = number_
        if before is not None and rows[before].date >= row.date:
            printed = table.cells["published_at"][before], table.cells["published_at"][number_]
            back = rows[before].date > row.date
            if back or (all(printed) and printed[0] > printed[1]):
                raise table.error(
                    number_,
                    "date" if back else "published_at",
                    f"the rows of `{row.indicator}` are not in the order of time",
                    f"a date and publication after those of line {table.lines[before]}",
                    "sort the rows below the header: sort -t, -k1,1 -k2,2 -k3,3",
                )
        same = (row.indicator, row.date, row.published_at)
        if same in seen:
            raise _duplicate(table, number_, seen[same])
        seen[same] = number_
    return to_records(Value, rows).ordered("indicator", "date", "published_at")


def _duplicate(table: Table, row: int, before: int) -> StudyError:
    name, date, printed = (
        table.cells[column][row] for column in ("indicator", "date", "published_at")
    )
    return StudyError(
        "a row stands twice",
        where=table.at(row, "date"),
        found=f"{name}, {date}, published {printed or '(by the lag)'}: also on line "
        f"{table.lines[before]} of {table.name}",
        expected="one row per indicator, date and published_at",
        mend="remove one; a revision needs a later published_at",
    )


def read_events(folder: Path, spec: StudySpec) -> Records:
    """Read and check ``events.csv``."""
    table = read_table(folder, "events.csv", EVENT_COLUMNS)
    rows = read_rows(Event, table, words_of(spec))
    return to_records(Event, rows).ordered("published_at", "date", "event_id")


def read_talks(folder: Path, spec: StudySpec) -> Records:
    """Read and check ``talks.csv``; see `read_events`."""
    table = read_table(folder, "talks.csv", TALK_COLUMNS)
    rows = read_rows(Talk, table, words_of(spec))
    return to_records(Talk, rows).ordered("published_at", "date", "talk_id")


def read_agreements(folder: Path, spec: StudySpec) -> Records:
    """Read and check ``agreements.csv``; no rows when there is no such file."""
    name = "agreements.csv"
    if not os.path.lexists(folder / name):
        return to_records(Agreement, ())
    table = read_table(folder, name, AGREEMENT_COLUMNS, max_rows=10_000)
    if spec.agreements is None:
        raise StudyError(
            f"{name} is there, but the settings do not say where it is complete",
            where="study.toml:1 agreements",
            found="no table [agreements]",
            expected='[agreements] with coverage = ["dense", "headline"] or another list',
            mend=f"add the table, or remove {name}",
        )
    rows = read_rows(Agreement, table, words_of(spec))
    _check_parents(table, rows)
    return to_records(Agreement, rows).ordered("published_at", "date", "agreement_id")


def _check_parents(table: Table, rows: Sequence[Agreement]) -> None:
    """Refuse a continuation that stands before what it continues, or is public before its end."""
    earlier: dict[str, Agreement] = {}
    for number_, row in enumerate(rows):
        before = earlier.get(row.parent)
        if row.parent and before is None:
            raise table.error(
                number_,
                "parent",
                "an agreement continues one that does not stand before it",
                "the agreement_id of an earlier row, or nothing",
                "correct the id, or the order of the rows",
            )
        known = row.published_at or row.date
        if before is not None and (
            before.end_published_at is None
            or max(before.end_published_at, before.published_at or before.date) > known
        ):
            raise table.error(
                number_,
                "parent",
                "an agreement continues one whose end is not yet public",
                f"{row.parent} to have ended, and its end to be public by {known}",
                f"fill in the end of {row.parent}, or leave parent empty",
            )
        earlier[row.agreement_id] = row


def read_coverage(folder: Path, spec: StudySpec, first_published: np.datetime64) -> Records:
    """Read and check ``coverage.csv``, or return full coverage when there is none."""
    name = "coverage.csv"
    first, last = spec.period.start, spec.period.end
    if not os.path.lexists(folder / name):
        days = np.array([min(np.datetime64(first, "D"), first_published), last], dtype="M8[D]")
        whole = {"start": days[:1], "end": days[1:]}
        return Records({**whole, "density": ["dense"], "instrument": ["all"], "note": [""]})
    table = read_table(folder, name, columns_of(Span))
    if not len(table):
        raise StudyError(
            f"{name} has a header but no rows",
            where=f"{name}:1",
            found="0 rows",
            expected="spans that cover the period",
            mend="add the spans, or delete the file if coverage is dense everywhere",
        )
    rows = read_rows(Span, table, words_of(spec))
    mend = 'add a span; use density "none" for days that nobody recorded'
    if rows[0].start > first:
        raise table.error(
            0, "start", "coverage begins after the period", f"{first} or earlier", mend
        )
    for number_ in range(1, len(rows)):
        start, before = rows[number_].start, rows[number_ - 1].end
        line = table.lines[number_ - 1]
        if start <= before:
            raise table.error(
                number_,
                "start",
                "spans of coverage overlap or are out of order",
                f"a date after {before}, where line {line} ends",
                "sort the spans; each begins the day after the one before it ends",
            )
        if start > before + _ONE_DAY and start > first and before < last:
            raise table.error(
                number_,
                "start",
                "coverage has a gap inside the period",
                f"{before + _ONE_DAY}, the day after line {line} ends",
                mend,
            )
    return to_records(Span, rows)


# ---- Choosing among events


def select_events(events: Records, **wanted: tuple[str, ...]) -> Records:
    """Return the events whose columns hold one of the wanted words; () means any."""
    keep = np.ones(len(events), dtype=bool)
    for column, words in wanted.items():
        if words:
            keep &= events.among(column, words)
    return events.take(keep)


def counted_events(events: Records, indicator: Indicator) -> Records:
    """Return the events that an indicator with ``source = "events"`` counts."""
    return select_events(
        events,
        initiator=indicator.initiator,
        target=indicator.target,
        kind=indicator.kinds,
        zone=indicator.zone,
    )
