"""Outcomes of registered forecasts, looked up in the label table of a study.

What was foretold is what the model calls talks: a period after the origin in which a row of the
label rule was running and public (`beliefs.study.talks`). The rule is the one that was registered,
whatever the study says by now. A window with a day that nobody watched is resolved neither way:
were its talks taken and its silence not, only successes would be scored.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import BeliefsError, StudyError
from beliefs.record.ledger_chain import BEGINNING
from beliefs.record.ledger_file import writing
from beliefs.record.ledger_lines import (
    LATENT,
    Forecast,
    Ledger,
    Resolution,
    Target,
    ledger_of,
    read_ledger,
    utc_now,
)
from beliefs.record.manifest import environment
from beliefs.study.bundled import list_studies
from beliefs.study.coverage import covered
from beliefs.study.load import Study, load_study
from beliefs.study.spans import span_periods
from beliefs.study.spec import TalksRule
from beliefs.study.talks import WATCHED, rule_rows, talk_days

__all__ = ["OPEN", "Outcome", "Resolved", "look_up", "resolve"]

OPEN = {
    "latent": "latent: nobody can look up a belief, so these stay unresolved",
    "conditional": "given something else, which is not looked up",
    "no study": "the study is not bundled: name its folder with --study",
    "not over": "the last day is not over, or lies after the as-of date",
    "beyond": "the study's period ends before the last day",
    "not covered": "nobody recorded on some of the days",
    "other periods": "the study now cuts time into other periods",
}
"""Why a probability stays unresolved."""

Lookup = Callable[[str, dt.date | None], Study | None]


@dataclass(frozen=True)
class Outcome:
    """What the label table says of one window.

    Attributes
    ----------
    line, by
        Line of the forecast, and last day of the window.
    outcome, outcomes, first, rows, as_of, study_sha256
        See `beliefs.record.ledger_lines.Resolution`.
    """

    line: int
    by: dt.date
    outcome: bool
    outcomes: dict[str, bool]
    first: dt.date | None
    rows: tuple[str, ...]
    as_of: dt.date
    study_sha256: str


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
                {"line": n, "forecast": o.line, "by": str(o.by), "outcomes_now": o.outcomes}
                for o, n in self.differing
            ],
            "unresolved": [
                {"line": n, "target": t.target, "side": t.side, "by": str(t.by), "why": why}
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
        Last day of publications to look at: that up to which the label table was kept. The end of
        the study's period or today, whichever is earlier, when None.
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
        (one.line, one.by): _resolution(one, known, study_as_of, at) for one in wanted
    }  # studies are read before the ledger is locked
    added: dict[int, Resolution] = {}
    head = known.hashes[-1] if known.hashes else BEGINNING
    if wanted:
        with writing(path) as book:
            fresh, already, differing = _sorted(ledger_of(path, book.chain), found)
            said = [written[one.line, one.by] for one in fresh]
            if correct:
                said += [
                    written[one.line, one.by].model_copy(update={"corrects": old})
                    for one, old in differing
                    if (one.line, one.by) in written
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
        old = ledger.resolutions.get((one.line, one.by))
        if old is None:
            fresh.append(one)
        elif old[1].outcomes == one.outcomes:
            already += 1
        else:
            differing.append((one, old[0]))
    return fresh, already, differing


def look_up(
    forecast: Forecast, target: Target, line: int, study: Study | None, today: dt.date
) -> Outcome | str:
    """Return whether talks were held in the window of a forecast, or a key of `OPEN`.

    Parameters
    ----------
    forecast, target
        What was registered; `target` is one about talks.
    line
        Its line.
    study
        The study as of the day to look at, None if there is none.
    today
        A day is over when it lies before this one, whatever the as-of date says.
    """
    if study is None:
        return "no study"
    grid, by, origin = study.grid, np.datetime64(target.by), np.datetime64(forecast.origin)
    if by > grid.last_days[-1]:
        return "beyond"
    if by > study.as_of or target.by >= today:
        return "not over"
    window = (grid.dates > origin) & (grid.last_days <= by)
    if (
        grid.step_days != forecast.step_days
        or by not in grid.last_days
        or grid.dates[window][:1] != origin + np.timedelta64(1, "D")
    ):
        return "other periods"
    if not covered(study.tables.coverage, grid.dates[window], grid.step_days, WATCHED).all():
        return "not covered"
    rules = _rules(forecast)
    judged = replace(study, spec=study.spec.model_copy(update={"talks_rule": rules}))
    held, _ = talk_days(judged, grid.active(study.as_of))
    days = grid.dates[window & (held[rules.headline] == 1)]
    (headline,) = (rule for rule in rules.rules if rule.id == rules.headline)
    rows = rule_rows(study.tables.talks, headline)
    inside = [
        span_periods(rows.take(np.asarray([i])), grid)[window].any() for i in range(len(rows))
    ]
    return Outcome(
        line=line,
        by=target.by,
        outcome=bool(len(days)),
        outcomes={rule: bool(periods[window].any()) for rule, periods in held.items()},
        first=days[0].astype(object) if len(days) else None,
        rows=tuple(str(row) for row in rows["talk_id"][np.asarray(inside, dtype=bool)]),
        as_of=study.as_of.astype(object),
        study_sha256=study.sha256,
    )


def _resolution(one: Outcome, ledger: Ledger, study_as_of: Lookup, at: dt.datetime) -> Resolution:
    forecast = ledger.forecasts[one.line]
    said = {**vars(one)}
    return Resolution(
        at=at,
        forecast=said.pop("line"),
        forecast_line_sha256=ledger.hashes[one.line - 1],
        target="talks",
        same_past=_same_past(forecast, study_as_of),
        beliefs_version=environment()["versions"]["beliefs"],
        **said,
    )


def _rules(forecast: Forecast) -> TalksRule:
    text = json.dumps({"headline": forecast.label_rule, "rules": forecast.label_rules})
    return TalksRule.model_validate_json(text)


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
        places[load_study(place).name] = place

    @functools.cache
    def study_as_of(name: str, day: dt.date | None) -> Study | None:
        place = places.get(name)
        if place is None:
            return None
        if day is not None or as_of is not None:
            return load_study(place, as_of=as_of if day is None else day)
        whole = load_study(place)
        if whole.as_of.astype(object) <= today:
            return whole
        return load_study(place, as_of=today)

    if as_of is not None and _lies_ahead(as_of, today):
        raise StudyError(
            "the as-of date lies in the future",
            where="as_of",
            found=as_of,
            expected=f"a date up to {today}",
            mend="give the last day up to which the label table was kept",
        )
    return study_as_of


def _lies_ahead(as_of: str, today: dt.date) -> bool:
    try:
        return dt.date.fromisoformat(as_of) > today
    except ValueError:  # told when a study is read
        return False
