"""Outcomes of registered forecasts, looked up in the tables of a study and appended."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import BeliefsError, StudyError
from beliefs.records.ledger.ledger_chain import BEGINNING
from beliefs.records.ledger.ledger_file import writing
from beliefs.records.ledger.ledger_lines import (
    LATENT,
    Forecast,
    Ledger,
    Resolution,
    Target,
    ledger_of,
    read_ledger,
    utc_now,
)
from beliefs.records.ledger.ledger_lookup import OPEN, Outcome, look_up
from beliefs.records.manifest import environment
from beliefs.study.bundled import list_studies
from beliefs.study.dates import day_of
from beliefs.study.load import Study, read_study

__all__ = ["OPEN", "Outcome", "Resolved", "look_up", "resolve"]

Lookup = Callable[[str, dt.date | None], Study | None]


@dataclass(frozen=True)
class Resolved:
    """What `resolve` did.

    Attributes
    ----------
    added
        Resolutions that were appended, by line.
    already
        Probabilities that were resolved before, with the same outcome.
    differing
        New outcome and line of the old one, where the table now says something else and no
        correction was asked for.
    unresolved
        Line, target and reason (a key of `OPEN`) of the others.
    head
        Head of the ledger now.
    """

    added: dict[int, Resolution]
    already: int
    differing: tuple[tuple[Outcome, int], ...]
    unresolved: tuple[tuple[int, Target, str], ...]
    head: str

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {
            "added": [{"line": n, **r.model_dump(mode="json")} for n, r in self.added.items()],
            "already": self.already,
            "differing": [
                {
                    "line": n,
                    "forecast": o.line,
                    "target": o.target,
                    "rule": o.rule,
                    "by": str(o.by),
                    "outcome_now": o.outcome,
                    "outcomes_now": o.outcomes,
                }
                for o, n in self.differing
            ],
            "unresolved": [
                {
                    "line": n,
                    "target": t.target,
                    "side": t.side,
                    "rule": t.rule,
                    "by": str(t.by),
                    "why": why,
                }
                for n, t, why in self.unresolved
            ],
            "head": self.head,
        }


def resolve(
    ledger: str | Path,
    *,
    studies: tuple[str | Path, ...] = (),
    as_of: str | None = None,
    correct: bool = False,
    now: dt.datetime | None = None,
) -> Resolved:
    """Look up outcomes, and append one line for each.

    Parameters
    ----------
    ledger
        The file.
    studies
        Folders or bundled names; each stands for the forecasts of the study of that name. Bundled
        studies need not be named.
    as_of
        Last day of publications to look at: that up to which the tables were kept. When None,
        that of `beliefs.load_study`, so that a folder that nobody kept is no silence.
    correct
        Append a new line where the table now says something else than a line of before.
    now
        Time of the look-up with its zone; the clock's when None.

    Raises
    ------
    ConflictError
        The ledger stays locked.
    StudyError
        Ledger, study or date cannot be used.
    """
    path = Path(ledger)
    at = (now or utc_now()).astimezone(dt.UTC).replace(microsecond=0)
    study_as_of = _studies(studies, as_of, at.date())
    known = read_ledger(path)
    found: list[Outcome] = []
    unresolved: list[tuple[int, Target, str]] = []
    for n, forecast in known.forecasts.items():
        for target in forecast.targets:
            why = _never(target)
            one = why or look_up(forecast, target, n, study_as_of(forecast.study, None), at.date())
            if isinstance(one, str):
                unresolved.append((n, target, one))
            else:
                found.append(one)
    fresh, already, differing = _sorted(known, found)
    wanted = fresh + ([one for one, _ in differing] if correct else [])
    written = {
        one.key: _resolution(one, known, study_as_of, at) for one in wanted
    }  # studies are read before the ledger is locked
    added: dict[int, Resolution] = {}
    head = known.hashes[-1] if known.hashes else BEGINNING
    if wanted:
        with writing(path) as book:
            fresh, already, differing = _sorted(ledger_of(path, book.chain), found)
            said = [written[one.key] for one in fresh]
            if correct:
                said += [
                    written[one.key].model_copy(update={"corrects": old})
                    for one, old in differing
                    if one.key in written
                ]
                differing = []
            lines = book.append(*(one.model_dump(mode="json") for one in said)) if said else ()
            added = {line.n: one for line, one in zip(lines, said, strict=True)}
            head = book.chain.head
    return Resolved(added, already, tuple(differing), tuple(unresolved), head)


def _never(target: Target) -> str | None:
    if target.target in LATENT:
        return "latent"
    return None if target.given is None else "conditional"


def _sorted(
    ledger: Ledger, found: list[Outcome]
) -> tuple[list[Outcome], int, list[tuple[Outcome, int]]]:
    """Return what is new, how many are known, and what differs from a line of before."""
    fresh, already, differing = [], 0, []
    for one in found:
        old = ledger.resolutions.get(one.key)
        if old is None:
            fresh.append(one)
        elif (old[1].outcome, old[1].outcomes) == (one.outcome, one.outcomes):
            already += 1
        else:
            differing.append((one, old[0]))
    return fresh, already, differing


def _resolution(one: Outcome, ledger: Ledger, study_as_of: Lookup, at: dt.datetime) -> Resolution:
    forecast = ledger.forecasts[one.line]
    said = {**vars(one)}
    return Resolution(
        at=at,
        forecast=said.pop("line"),
        forecast_line_sha256=ledger.hashes[one.line - 1],
        same_past=_same_past(forecast, study_as_of),
        beliefs_version=environment()["versions"]["beliefs"],
        **said,
    )


def _same_past(forecast: Forecast, study_as_of: Lookup) -> bool:
    try:
        then = study_as_of(forecast.study, forecast.as_of)
    except BeliefsError:  # a study whose period was moved has no such day
        return False
    return then is not None and then.sha256 == forecast.study_sha256


def _studies(named: tuple[str | Path, ...], as_of: str | None, today: dt.date) -> Lookup:
    """Return what gives a study by name as of a day, each read once."""
    places: dict[str, str | Path] = {name: name for name in list_studies()}
    for place in named:
        places[read_study(place).spec.name] = place

    @functools.cache
    def study_as_of(name: str, day: dt.date | None) -> Study | None:
        place = places.get(name)
        if place is None:
            return None
        source, wanted = read_study(place), as_of if day is None else day
        if wanted is not None:
            return source.known(wanted)
        return source.known(max(min(source.latest, np.datetime64(today)), source.grid.last_days[0]))

    if as_of is not None and day_of(as_of, "as_of").item() > today:
        raise StudyError(
            "the as-of date lies in the future",
            where="as_of",
            found=as_of,
            expected=f"a date up to {today}",
            mend="give the last day up to which the label table was kept",
        )
    return study_as_of
