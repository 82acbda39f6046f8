"""Loading a study as it was known on a date.

`load_study` is the only door: rows published after the as-of date are dropped here, once, so that
nothing further in can look ahead.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from beliefs.errors import StudyError
from beliefs.study.agreements import known_agreements, read_agreements
from beliefs.study.bundled import find_study
from beliefs.study.calendar import Grid, period_grid
from beliefs.study.coverage import read_coverage
from beliefs.study.rows import counted_events, read_events, read_talks
from beliefs.study.safefile import read_lines
from beliefs.study.series import read_indicators
from beliefs.study.spec import ShockSpec, StudySpec
from beliefs.study.specfile import Where, read_spec

__all__ = ["Study", "load_study"]

FILTERS = ("initiator", "target", "kinds", "zone")
_CONDUCT = (
    "strikes", "truce", "redlines", "offers", "sanctions", "agreements", "excluded", "periphery",
    "zones", "maritime", "hinge", "pressure", "power_shift", "proxy", "forecast", "safeguards",
    "concessions", "spoilers",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study:
    """A study as it was known at the end of a day.

    Attributes
    ----------
    spec
        Settings, without the regimes, shocks and resets that were not yet known. The end of a
        regime that was still running is None.
    indicators, events, talks, coverage, agreements
        Tables with real dates (datetime64), without rows published after `as_of`; spans that were
        still running are cut at `as_of`, and agreements that were in force have no end.
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
        without rows. One sentence each, printed by ``beliefs check``; never a refusal, because
        whether a study is sound may not depend on rows that were published later.
    """

    spec: StudySpec
    indicators: pd.DataFrame
    events: pd.DataFrame
    talks: pd.DataFrame
    coverage: pd.DataFrame
    agreements: pd.DataFrame
    as_of: np.datetime64
    path: Path
    sha256: str
    shock_slots: tuple[ShockSpec, ...]
    instrument_slots: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.spec.name

    @property
    def grid(self) -> Grid:
        """Grid of the modelled periods."""
        return period_grid(self.spec.period)


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
        the last day of the study's period.

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
    >>> import tempfile, pathlib
    >>> from beliefs.study.template import new_study
    >>> folder = new_study(pathlib.Path(tempfile.mkdtemp()) / "mine")
    >>> load_study(folder, as_of="2026-01-15").as_of
    np.datetime64('2026-01-15')
    """
    folder = find_study(name_or_path)
    spec, where = read_spec(folder)
    _check_sources(folder)
    indicators = read_indicators(folder, spec)
    events = read_events(folder, spec)
    talks = read_talks(folder)
    first = np.datetime64(spec.period.start, "D")
    if len(events):
        first = events["published_at"].to_numpy().min().astype("datetime64[D]")
    coverage = read_coverage(folder, spec, first)
    agreements = read_agreements(folder, spec)
    known = _as_of(spec, as_of)
    parts = (
        _spec_known(spec, known),
        _published(indicators, known),
        _cut(_published(events, known), "date_end", known),
        _cut(_published(talks, known), "date_end", known),
        _cut(coverage[coverage["start"] <= known].reset_index(drop=True), "end", known),
        known_agreements(_published(agreements, known), known),
    )
    remarks = tuple(_remarks(spec, indicators, events, talks, where))
    counted = coverage["density"].isin(spec.strikes.coverage if spec.strikes else ())
    instruments = tuple(dict.fromkeys(coverage["instrument"][counted]))
    content = _content_hash(parts[0], parts[1:], known)
    return Study(*parts, known, folder, content, spec.shocks, instruments, remarks)


def _check_sources(folder: Path) -> None:
    if not any(line.strip() for line in read_lines(folder, "SOURCES.md", max_bytes=2**22)):
        raise StudyError(
            "the study does not say where its data come from",
            where="SOURCES.md:1",
            found="an empty file",
            expected="the source and the terms of each series and table",
            mend="write one line for each file and series",
        )


def _remarks(
    spec: StudySpec,
    indicators: pd.DataFrame,
    events: pd.DataFrame,
    talks: pd.DataFrame,
    where: Where,
) -> Iterator[str]:
    """Yield what may be a misspelt word, or rows that have yet to come."""
    present = set(indicators["indicator"])
    for number, indicator in enumerate(spec.indicators):
        place = f"{indicator.id} ({where('indicators', number)})"
        if indicator.source == "series" and indicator.id not in present:
            yield f"{place} has no rows in indicators.csv"
        if indicator.source == "events" and counted_events(events, indicator).empty:
            filters = {key: getattr(indicator, key) for key in FILTERS if getattr(indicator, key)}
            words = ", ".join(f"{key} = {list(value)}" for key, value in filters.items())
            yield f"{place} counts no event at all; its filters are {words}"
    for name, frame in (("events.csv", events), ("talks.csv", talks)):
        if frame.empty:
            yield f"{name} has no rows"


def _as_of(spec: StudySpec, as_of: str | dt.date | np.datetime64 | None) -> np.datetime64:
    period = spec.period
    if as_of is None:
        return np.datetime64(period.end, "D")
    text = as_of if isinstance(as_of, str) else str(as_of)[:10]
    try:
        # Python also reads 20260430 and 2026-W18-4; one spelling is enough here.
        day = dt.date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else "")
    except ValueError:
        raise StudyError(
            "the as-of date is not a date",
            where="as_of",
            found=repr(as_of),
            expected="a date such as 2026-04-30",
            mend="write year, month and day with hyphens",
        ) from None
    known = np.datetime64(day, "D")
    grid = period_grid(period)
    if known < grid.last_days[0] or day > period.end:
        early = day <= period.end
        raise StudyError(
            f"the as-of date lies {'before the first' if early else 'after the last'} period",
            where="as_of",
            found=str(day),
            expected=f"a date from {grid.last_days[0]}, when the first {period.step} is over, "
            f"to {period.end}",
            mend="choose a date in between, or change the period in study.toml",
        )
    return known


def _published(frame: pd.DataFrame, known: np.datetime64) -> pd.DataFrame:
    """Drop what was published later: the one place where that happens."""
    return frame[frame["published_at"] <= known].reset_index(drop=True)


def _cut(frame: pd.DataFrame, column: str, known: np.datetime64) -> pd.DataFrame:
    """Cut spans that were still running: on that day nobody knew when they would end."""
    return frame.assign(**{column: frame[column].clip(upper=pd.Timestamp(known))})


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


def _content_hash(spec: StudySpec, frames: tuple[pd.DataFrame, ...], known: np.datetime64) -> str:
    """Hash parsed content, not bytes: quoting, column order and later rows do not matter.

    What a study does not say of conduct is left out, so that one without these tables has the hash
    that it had before they existed.
    """
    digest = hashlib.sha256()
    settings = spec.model_dump(mode="json")
    settings = {k: v for k, v in settings.items() if k not in _CONDUCT or v}
    for regime in settings["regimes"]:
        if regime["rung"] is None:
            del regime["rung"]
    digest.update(json.dumps([str(known), settings], sort_keys=True).encode())
    for number, frame in enumerate(frames):
        if number == len(frames) - 1 and not len(frame):
            continue  # no agreements: as if there were no such table
        digest.update(f"\n{len(frame)} {','.join(frame.columns)}\n".encode())
        for column in frame.columns if len(frame) else ():  # columns without rows have no type
            values = frame[column].to_numpy()
            if values.dtype.kind == "M":
                digest.update(values.astype("datetime64[D]").astype("<i8").tobytes())
            elif values.dtype.kind == "f":
                digest.update(values.astype("<f8").tobytes())
            else:
                digest.update(json.dumps(values.tolist()).encode())
    return digest.hexdigest()
