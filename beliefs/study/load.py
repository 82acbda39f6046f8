"""Loading a study as it was known on a date.

`Source.known` is the only door, and `load_study` goes through it: rows published after the as-of
date are dropped here, once, so that nothing further in can look ahead.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.shown import Shown
from beliefs.study.bundled import copy_study, find_study
from beliefs.study.dates import Grid, day_of, today
from beliefs.study.panels import find_conflict, place, taken
from beliefs.study.safefile import read_lines
from beliefs.study.spec import Regime, Safeguard, ShockSpec, StudySpec
from beliefs.study.specfile import Where, read_spec
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import check_tables, counted_events, tables_in

if TYPE_CHECKING:
    import pandas as pd

    from beliefs.study.frames import Sides

SILENT_DAYS = 7
"""Days before an as-of date without a row that are worth a remark."""
FILTERS = ("initiator", "target", "kinds", "zone")


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a study, without records published after the as-of date.

    Spans that were still running are cut there, and agreements that were in force have no end.
    Times are datetime64[D].
    """

    indicators: Records
    events: Records
    talks: Records
    coverage: Records
    agreements: Records


def _frame(name: str) -> cached_property[pd.DataFrame]:
    """Return a property that is a table of a study as a data frame."""
    return cached_property(lambda study: getattr(study.tables, name).to_frame())


@dataclass(frozen=True, eq=False, repr=False)
class Study(Shown):
    """A study as it was known at the end of a day.

    `indicators`, `events`, `talks`, `coverage` and `agreements` are its tables as data frames.
    `remarks` are what looks like a slip but may be a study that has just begun (an indicator or a
    table without rows, a long silence before the as-of date), one sentence each. They never refuse
    a study: whether it is sound may not depend on rows that were published later.
    """

    spec: StudySpec  # without what was not yet known; regimes that were still running have no end
    tables: Tables  # what was published by `as_of`
    as_of: np.datetime64  # the day, itself included
    path: Path  # folder it was read from
    # Of the content above, `as_of` included: folders that differ in later rows alone have the same
    sha256: str
    shock_slots: tuple[ShockSpec, ...]  # all declared shocks: they fix shapes, never values
    instrument_slots: tuple[str, ...]  # likewise all ways of counting under that of ``[strikes]``
    remarks: tuple[str, ...] = ()

    def _facts(self) -> dict[str, Any]:
        sides = " and ".join(side.name for side in self.spec.sides)
        return {"study": self.name, "sides": sides, "as of": self.as_of, "periods": self.grid.n}

    @classmethod
    def from_frames(
        cls,
        indicators: Any,
        *,
        sides: Sides,
        talks: Any = None,
        events: Any = None,
        readings: Mapping[str, str] | None = None,
        period: Sequence[Any] | None = None,
        name: str = "study",
        as_of: str | dt.date | np.datetime64 | None = None,
        **more: Any,
    ) -> Study:
        """Make a study of data frames; what they do not say is guessed.

        Its folder lasts as long as the process: `to_folder` keeps it, with every guess marked in
        ``study.toml``.

        Parameters
        ----------
        indicators
            Values of series: wide (a column each, days as index or column `date`), long (columns
            `indicator`, `date`, `value` and perhaps `published_at`), or an xarray object.
        sides
            The two sides, each with the indicators of its own scorecard, with a minus where a rise
            is bad for it: ``{"north": "exports", "south": ["-losses", "prices"]}``.
        talks
            Days on which talks were held, or a data frame with columns of ``talks.csv``.
        events
            A data frame with columns of ``events.csv``: `date`, `initiator` and `kind` at least.
        readings
            By side, a series of shares (0 to 1, or in per cent) that reads its belief.
        period
            First and last day, and perhaps "day", "week" or "month". None: guessed from the rows.
        name
            Name of the study.
        as_of
            As for `load_study`.
        **more
            `tables`, further tables by name (``{"coverage": frame}``); `settings`, what
            ``study.toml`` says otherwise, rows of a list by id (``{"indicators": {"losses":
            {"transform": "log"}}}``); `sources`, the text of ``SOURCES.md``.

        Returns
        -------
        Study

        Raises
        ------
        StudyError
            If an indicator stands on no scorecard, or the frames break a rule of the format.

        Examples
        --------
        >>> days = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"]
        >>> values = {"date": days, "exports": [3.0, 3.2, 3.1, 2.8], "losses": [4, 0, 9, 6]}
        >>> sides = {"north": "exports", "south": "-losses"}
        >>> beliefs.Study.from_frames(values, sides=sides, talks=["2026-01-20"]).grid.n
        4
        """
        from beliefs.study.frames import write_frames  # who has frames has pandas loaded

        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place().name))
        write_frames(
            folder, indicators, sides, talks=talks, events=events, readings=readings,
            period=period, name=name, **more,
        )  # fmt: skip
        return load_study(folder, as_of)

    def to_folder(self, folder: str | Path) -> Path:
        """Copy the study's own files into a new folder, rows published later included."""
        copy_study(self.path, Path(folder))
        return Path(folder)

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
        return self.spec.period.grid


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
        public = {  # the one place where what was published later is dropped
            name: table.take(table["start" if name == "coverage" else "published_at"] <= known)
            for name, table in vars(whole).items()
        }
        for name, end in (("events", "date_end"), ("talks", "date_end"), ("coverage", "end")):
            # On that day nobody knew when a span that was still running would end; the day for
            # which a round is announced is known.
            table, last = public[name], public[name][end]
            public[name] = table.having(**{end: np.minimum(last, known)})
            if name == "talks":
                announced = table.among("label", ("announced",))
                public[name] = table.having(date_end=np.where(announced, last, public[name][end]))
        table, never = public["agreements"], np.datetime64("NaT", "D")
        later = table["end_published_at"] > known  # these ends are blanked
        public["agreements"] = table.having(
            ended=np.where(later, never, table["ended"]),
            end_published_at=np.where(later, never, table["end_published_at"]),
            end_kind=np.where(later, "", table["end_kind"]),
        )
        tables = Tables(**public)
        coverage, strikes = whole.coverage, self.spec.strikes
        counted = coverage.among("density", strikes.coverage if strikes else ())
        return Study(
            spec=cut, tables=tables, as_of=known, path=self.path,
            sha256=content_hash(cut, tables, known), shock_slots=self.spec.shocks,
            instrument_slots=tuple(dict.fromkeys(coverage["instrument"][counted])),
            remarks=(*self.remarks, *_silence(tables, known)),
        )  # fmt: skip

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
        return self.spec.period.grid


def load_study(
    name_or_path: str | Path, as_of: str | dt.date | np.datetime64 | None = None
) -> Study:
    """Read and check a study, and leave out what was published after a day.

    Parameters
    ----------
    name_or_path
        Name of a bundled study or path of a study folder; or ``PANEL/CONFLICT``, see `load_panel`.
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


def known_at_end(name: str) -> Study:
    """Return ``PANEL/CONFLICT`` as known when its period ends: weeks without a row were quiet."""
    source = read_study(name)
    return source.known(source.spec.period.end)


def read_study(name_or_path: str | Path) -> Source:
    """Read and check a whole study folder, for those who need it as of more than one date."""
    found = find_conflict(name_or_path)
    folder = find_study(name_or_path) if found is None else taken(*found)
    spec, where = read_spec(folder)
    if not any(line.strip() for line in read_lines(folder, "SOURCES.md", max_bytes=2**22)):
        raise StudyError(
            "the study does not say where its data come from", where="SOURCES.md:1",
            found="an empty file", expected="the source and the terms of each series and table",
            fix="write one line for each file and series",
        )  # fmt: skip
    # Those of a panel have the lines of its files.
    read = tables_in(folder) if found is None else found[0].tables_of(found[1])
    tables = Tables(**check_tables(read, spec))
    return Source(spec, tables, folder, tuple(_remarks(spec, tables, where)))


def _remarks(spec: StudySpec, tables: Tables, where: Where) -> Iterator[str]:
    """Yield what may be a misspelt word, or rows that have yet to come."""
    present, events = set(tables.indicators["indicator"]), tables.events
    end = np.datetime64(spec.period.end, "D")
    values = tables.indicators
    late = Counter(values["indicator"][(values["date"] <= end) & (values["published_at"] > end)])
    for number, indicator in enumerate(spec.indicators):
        place = f"{indicator.id} ({where('indicators', number)})"
        if unseen := late[indicator.id]:
            yield f"{place}: {counted(unseen, 'row')} came out after the period and are not seen"
        if indicator.source == "series" and indicator.id not in present:
            yield f"{place} has no rows in indicators.csv"
        if indicator.source == "events" and not len(counted_events(events, indicator)):
            filters = {key: list(getattr(indicator, key)) for key in FILTERS}
            words = ", ".join(f"{key} = {value}" for key, value in filters.items() if value)
            yield f"{place} counts no event at all; its filters are {words}"
    for name in ("events", "talks"):
        if unseen := int((getattr(tables, name)["published_at"] > end).sum()):
            yield f"{name}.csv: {counted(unseen, 'row')} came out after the period and are not seen"
    covered = tables.coverage["end"][-1]
    if covered < end:
        yield f"coverage.csv ends on {covered}: later days count as unobserved"
    for name in ("indicators", "events", "talks"):
        if not len(getattr(tables, name)):
            yield f"{name}.csv has no rows"


def _as_of(spec: StudySpec, known: np.datetime64) -> np.datetime64:
    grid = spec.period.grid
    end = np.datetime64(spec.period.end, "D")
    if known < grid.last_days[0] or known > end:
        early = known <= end
        raise StudyError(
            f"the as-of date lies {'before the first' if early else 'after the last'} period",
            where="as_of",
            found=str(known),
            expected=f"a date from {grid.last_days[0]}, when the first {spec.period.unit} is over, "
            f"to {end}",
            fix="choose a date in between; or set a later `end` of the period in the study's own "
            "study.toml, and fit or track it anew",
        )
    return known


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
    """Drop what was not yet known of the settings; what was running has no end."""
    day = known.astype(object)

    def open_by[S: (Regime, Safeguard)](spans: tuple[S, ...]) -> tuple[S, ...]:
        known = (span for span in spans if span.published_at <= day)
        return tuple(
            s.model_copy(update={"end": None}) if s.end and s.end > day else s for s in known
        )

    update: dict[str, object] = {
        "regimes": open_by(spec.regimes),
        "shocks": tuple(s for s in spec.shocks if s.published_at <= day),
        "indicators": tuple(
            i.model_copy(update={"resets": tuple(r for r in i.resets if r <= day)})
            for i in spec.indicators
        ),
        "safeguards": open_by(spec.safeguards),
        "spoilers": tuple(s for s in spec.spoilers if s.attributed_at <= day),
    }
    if spec.forecast is not None:
        days = tuple(d for d in spec.forecast.origins if d <= day)
        update["forecast"] = spec.forecast.model_copy(update={"origins": days}) if days else None
    return spec.model_copy(update=update)


_ALWAYS = ("hindcast", "regimes", "shocks")


def content_hash(spec: StudySpec, tables: Tables, known: np.datetime64) -> str:
    """Hash parsed content, not bytes: quoting, column order and later rows do not matter.

    What a study does not say of actions is left out, so that one without these tables has the hash
    that it had before they existed.
    """
    settings = spec.model_dump(mode="json")
    settings = {k: v for k, v in settings.items() if v or k in _ALWAYS}
    for table in ("codebook", "reference"):
        if not any(settings[table].values()):
            del settings[table]
    optional = [(settings.get("sanctions"), "initiator"), (settings["period"], "first_end")]
    for part, key in (*optional, *((regime, "conflict_phase") for regime in settings["regimes"])):
        if part and not part[key]:
            del part[key]
    digest = hashlib.sha256(json.dumps([str(known), settings], sort_keys=True).encode())
    for name, records in vars(tables).items():
        if name == "agreements" and not len(records):
            continue  # as if there were no such table
        digest.update(f"\n{len(records)} {','.join(records.names)}\n".encode())
        for column in records.names if len(records) else ():  # columns without rows have no type
            values = records[column]
            if values.dtype.kind == "M":
                digest.update(values.astype("datetime64[D]").astype("<i8").tobytes())
            elif values.dtype.kind == "f":
                digest.update(values.astype("<f8").tobytes())
            else:
                digest.update(json.dumps(values.tolist()).encode())
    return digest.hexdigest()
