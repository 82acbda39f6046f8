"""Loading a study as it was known on a date.

`Source.known` is the only door, and `load_study` goes through it: rows published after the as-of
date are dropped here, once, so that nothing further in can look ahead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.shown import Shown
from beliefs.study.bundled import find_study
from beliefs.study.calendar import Grid, period_grid
from beliefs.study.content import Tables, content_hash
from beliefs.study.dates import day_of, today
from beliefs.study.safefile import read_lines
from beliefs.study.settings.spec import ShockSpec, StudySpec
from beliefs.study.settings.specfile import Where, read_spec
from beliefs.study.tables.records import Records
from beliefs.study.tables.rows import (
    counted_events,
    read_agreements,
    read_coverage,
    read_events,
    read_indicators,
    read_talks,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Source", "Study", "Tables", "load_study", "read_study"]

SILENT_DAYS = 7
"""Days before an as-of date without a row that are worth a remark."""
FILTERS = ("initiator", "target", "kinds", "zone")


def _frame(name: str) -> cached_property[pd.DataFrame]:
    """Return a property that is a table of a study as a data frame."""
    return cached_property(lambda study: getattr(study.tables, name).to_frame())


@dataclass(frozen=True, eq=False, repr=False)
class Study(Shown):
    """A study as it was known at the end of a day.

    Attributes
    ----------
    spec
        Settings, without the regimes, shocks and resets that were not yet known. The end of a
        regime that was still running is None.
    tables
        What was published by `as_of`. `indicators`, `events`, `talks`, `coverage` and `agreements`
        are the same as data frames.
    as_of
        The day, itself included.
    path
        Folder it was read from.
    sha256
        Hash of the content above (`as_of` included, `path` and the slots not). Two folders
        that differ only in rows published later have the same hash.
    shock_slots
        All declared shocks, also later ones: they fix names and shapes, never values.
    instrument_slots
        Likewise all ways of counting under the coverage of ``[strikes]``, in the order of time.
    remarks
        What looks like a slip but may be a study that has just begun: an indicator or a table
        without rows, a long silence before the as-of date. One sentence each, printed by
        ``beliefs check``; never a refusal, because whether a study is sound may not depend on rows
        that were published later.
    """

    spec: StudySpec
    tables: Tables
    as_of: np.datetime64
    path: Path
    sha256: str
    shock_slots: tuple[ShockSpec, ...]
    instrument_slots: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return what to say of it."""
        sides = " and ".join(side.name for side in self.spec.sides)
        return {"study": self.name, "sides": sides, "as of": self.as_of, "periods": self.grid.n}

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.spec.name

    indicators = _frame("indicators")
    events = _frame("events")
    talks = _frame("talks")
    coverage = _frame("coverage")
    agreements = _frame("agreements")

    @property
    def grid(self) -> Grid:
        """Grid of the modelled periods."""
        return period_grid(self.spec.period)


@dataclass(frozen=True, eq=False)
class Source:
    """A whole study folder as it was read and checked, rows published later included.

    Nothing but `known` looks into it.
    """

    spec: StudySpec
    tables: Tables
    path: Path
    remarks: tuple[str, ...]

    def known(self, as_of: str | dt.date | np.datetime64 | None = None) -> Study:
        """Return the study as it was known on a date; see `load_study`."""
        known = self.latest if as_of is None else _as_of(self.spec, day_of(as_of, "as_of"))
        cut, whole = _spec_known(self.spec, known), self.tables
        tables = Tables(
            _published(whole.indicators, known),
            _cut(_published(whole.events, known), "date_end", known),
            _cut(_published(whole.talks, known), "date_end", known),
            _cut(whole.coverage.take(whole.coverage["start"] <= known), "end", known),
            _known_ends(_published(whole.agreements, known), known),
        )
        return Study(
            spec=cut,
            tables=tables,
            as_of=known,
            path=self.path,
            sha256=content_hash(cut, tables, known),
            shock_slots=self.spec.shocks,
            instrument_slots=self._instruments,
            remarks=(*self.remarks, *_silence(tables, known)),
        )

    @cached_property
    def latest(self) -> np.datetime64:
        """The as-of date where none is given.

        The last day on which anything was published, by today and within the period. A study
        that reaches its last period is complete: it is known as of the end. One that has no rows
        yet is known as of the end of its first period.
        """
        grid, now = self.grid, today()
        last = self.last_published(now)
        if last is not None and last >= grid.dates[-1]:
            return _as_of(self.spec, min(np.datetime64(self.spec.period.end, "D"), now))
        first = grid.last_days[0]
        return _as_of(self.spec, first if last is None else max(first, last))

    def last_published(self, by: np.datetime64) -> np.datetime64 | None:
        """Return the last day up to `by` on which anything was published; None without any."""
        days = self._published[self._published <= by]
        return days.max() if len(days) else None

    @cached_property
    def _published(self) -> NDArray[np.datetime64]:
        """Days on which anything was published."""
        spec, tables = self.spec, self.tables
        declared = [
            *(r.published_at for r in spec.regimes),
            *(s.published_at for s in spec.shocks),
            *(s.published_at for s in spec.safeguards),
            *(s.attributed_at for s in spec.spoilers),
        ]
        days = [
            np.array(declared, dtype="datetime64[D]"),
            tables.agreements["end_published_at"],  # NaT is never at or before a day
            *(t["published_at"] for t in vars(tables).values() if "published_at" in t.names),
        ]
        return np.concatenate(days)

    @property
    def grid(self) -> Grid:
        """Grid of the modelled periods."""
        return period_grid(self.spec.period)

    @cached_property
    def _instruments(self) -> tuple[str, ...]:
        """Ways of counting under the coverage of ``[strikes]``."""
        coverage, strikes = self.tables.coverage, self.spec.strikes
        counted = coverage.among("density", strikes.coverage if strikes else ())
        return tuple(dict.fromkeys(coverage["instrument"][counted]))


def load_study(
    name_or_path: str | Path, as_of: str | dt.date | np.datetime64 | None = None
) -> Study:
    """Read, check and cut a study.

    Parameters
    ----------
    name_or_path
        Name of a bundled study or path of a study folder.
    as_of
        Last day whose publications are known; a date or text such as ``2026-04-30``. None means
        the last day on which anything was published, see `Source.latest`.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If the folder breaks a rule of the format (whatever the as-of date), or if the as-of date
        leaves no whole period.

    Examples
    --------
    >>> beliefs.load_study(folder / "mine", as_of="2026-01-20").as_of
    np.datetime64('2026-01-20')
    """
    return read_study(name_or_path).known(as_of)


def read_study(name_or_path: str | Path) -> Source:
    """Read and check a whole study folder, for those who need it as of more than one date."""
    folder = find_study(name_or_path)
    spec, where = read_spec(folder)
    _check_sources(folder)
    indicators = read_indicators(folder, spec)
    events = read_events(folder, spec)
    talks = read_talks(folder, spec)
    first = np.datetime64(spec.period.start, "D")
    if len(events):
        first = events["published_at"].min()
    coverage = read_coverage(folder, spec, first)
    agreements = read_agreements(folder, spec)
    tables = Tables(indicators, events, talks, coverage, agreements)
    return Source(spec, tables, folder, tuple(_remarks(spec, tables, where)))


def _check_sources(folder: Path) -> None:
    if not any(line.strip() for line in read_lines(folder, "SOURCES.md", max_bytes=2**22)):
        raise StudyError(
            "the study does not say where its data come from",
            where="SOURCES.md:1",
            found="an empty file",
            expected="the source and the terms of each series and table",
            mend="write one line for each file and series",
        )


def _remarks(spec: StudySpec, tables: Tables, where: Where) -> Iterator[str]:
    """Yield what may be a misspelt word, or rows that have yet to come."""
    present, events = set(tables.indicators["indicator"]), tables.events
    for number, indicator in enumerate(spec.indicators):
        place = f"{indicator.id} ({where('indicators', number)})"
        if indicator.source == "series" and indicator.id not in present:
            yield f"{place} has no rows in indicators.csv"
        if indicator.source == "events" and not len(counted_events(events, indicator)):
            filters = {key: getattr(indicator, key) for key in FILTERS if getattr(indicator, key)}
            words = ", ".join(f"{key} = {list(value)}" for key, value in filters.items())
            yield f"{place} counts no event at all; its filters are {words}"
    covered = tables.coverage["end"][-1]
    if covered < np.datetime64(spec.period.end, "D"):
        yield f"coverage.csv ends on {covered}: later days count as unobserved"
    for name, table in (
        ("indicators.csv", tables.indicators),
        ("events.csv", events),
        ("talks.csv", tables.talks),
    ):
        if not len(table):
            yield f"{name} has no rows"


def _as_of(spec: StudySpec, known: np.datetime64) -> np.datetime64:
    grid = period_grid(spec.period)
    end = np.datetime64(spec.period.end, "D")
    if known < grid.last_days[0] or known > end:
        early = known <= end
        raise StudyError(
            f"the as-of date lies {'before the first' if early else 'after the last'} period",
            where="as_of",
            found=str(known),
            expected=f"a date from {grid.last_days[0]}, when the first {spec.period.step} is over, "
            f"to {end}",
            mend="choose a date in between; or set a later `end` of the period in the study's own "
            "study.toml, and fit or track it anew",
        )
    return known


def _published(table: Records, known: np.datetime64) -> Records:
    """Drop what was published later: the one place where that happens."""
    return table.take(table["published_at"] <= known)


def _cut(table: Records, column: str, known: np.datetime64) -> Records:
    """Cut spans that were still running: on that day nobody knew when they would end."""
    return table.having(**{column: np.minimum(table[column], known)})


def _known_ends(agreements: Records, known: np.datetime64) -> Records:
    """Blank the ends of agreements that were published later."""
    later, never = agreements["end_published_at"] > known, np.datetime64("NaT", "D")
    return agreements.having(
        ended=np.where(later, never, agreements["ended"]),
        end_published_at=np.where(later, never, agreements["end_published_at"]),
        end_kind=np.where(later, "", agreements["end_kind"]),
    )


def _silence(tables: Tables, known: np.datetime64) -> Iterator[str]:
    """Yield that no row is about the days before an as-of date."""
    rows = (tables.indicators["date"], tables.events["date_end"], tables.talks["date_end"])
    about = np.concatenate([*rows, tables.agreements["date"]])
    days = int((known - about.max()).astype(int)) if len(about) else 0
    if days > SILENT_DAYS:
        yield (
            f"no row is about a day after {about.max()}: the {days} days to {known} count as "
            "watched and quiet"
        )


def _spec_known(spec: StudySpec, known: np.datetime64) -> StudySpec:
    day = known.astype(object)
    regimes = tuple(
        r if r.end is None or r.end <= day else r.model_copy(update={"end": None})
        for r in spec.regimes
        if r.published_at <= day
    )
    shocks = tuple(s for s in spec.shocks if s.published_at <= day)
    indicators = tuple(
        i.model_copy(update={"resets": tuple(r for r in i.resets if r <= day)})
        for i in spec.indicators
    )
    safeguards = tuple(
        s if s.end is None or s.end <= day else s.model_copy(update={"end": None})
        for s in spec.safeguards
        if s.published_at <= day
    )
    spoilers = tuple(s for s in spec.spoilers if s.attributed_at <= day)
    update: dict[str, object] = {"regimes": regimes, "shocks": shocks, "indicators": indicators}
    update |= {"safeguards": safeguards, "spoilers": spoilers}
    if spec.forecast is not None:
        days = tuple(d for d in spec.forecast.origins if d <= day)
        origins = spec.forecast.model_copy(update={"origins": days}) if days else None
        update |= {"forecast": origins}
    return spec.model_copy(update=update)
