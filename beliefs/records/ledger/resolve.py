"""Outcomes of registered forecasts, looked up in the tables of a study and appended; scores.

Targets are looked up as in backtests (`beliefs.evaluation.backtest.questions`), under the rules and
tables that were registered, whatever the study says by now, and as far as rows are public on the
day of the look-up: secret talks that come out later change the outcome, a conflict until it is
corrected. Where just before the window there was nothing that could come, no truce to be broken
say, they are resolved neither way. So is a window with an unobserved day: were its talks taken and
its silence not, only successes would be scored.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import BeliefsError, StudyError
from beliefs.evaluation.backtest.questions import Question, questions
from beliefs.evaluation.scores.proper import brier, log_score
from beliefs.features.inputs import build_inputs
from beliefs.features.talks import headline_rows, held_periods, talk_days
from beliefs.forecasting.targets import LATENT, TARGETS
from beliefs.records.files import environment
from beliefs.records.ledger import register
from beliefs.records.ledger.chain import BEGINNING, writing
from beliefs.records.ledger.register import Forecast, Ledger, Resolution, Target, utc_now
from beliefs.study.bundled import list_studies
from beliefs.study.dates import day_of
from beliefs.study.load import Study, read_study
from beliefs.study.spec import SpecTable, TalksRule

OPEN = {
    "latent": "latent: nobody can look up a belief, so these stay unresolved",
    "conditional": "given something else, which is not looked up",
    "no study": "the study is not bundled: name its folder with --study",
    "not over": "the last day is not over, or lies after the as-of date",
    "beyond": "the study's period ends before the last day",
    "not at risk": "there was nothing it could come to, or it had come already",
    "not covered": "some of the days are unobserved",
    "other periods": "the study now cuts time into other periods",
}
"""Why a probability stays unresolved."""
TIMINGS = {
    "ahead": "registered in advance",
    "during": "registered while its window ran",
    "late": "registered after its last day: hindcast",
}
"""When a probability was registered, best first."""
PROMPT = 1  # days from the origin to registration: tomorrow morning is still in advance

Lookup = Callable[[str, dt.date | None], Study | None]


@dataclass(frozen=True)
class Resolved:
    """What `resolve` did."""

    added: dict[int, Resolution]  # by line
    already: int  # resolved before, with the same outcome
    differing: tuple[tuple[Resolution, int], ...]  # from that line; no correction was asked for
    unresolved: tuple[tuple[int, Target, str], ...]  # line, target and reason, a key of `OPEN`
    head: str  # of the ledger now

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {
            "added": [{"line": n, **r.model_dump(mode="json")} for n, r in self.added.items()],
            "already": self.already,
            "differing": [
                {"line": n, "forecast": o.forecast, "target": o.target, "rule": o.rule,
                 "by": str(o.by), "outcome_now": o.outcome, "outcomes_now": o.outcomes}
                for o, n in self.differing
            ],
            "unresolved": [
                {"line": n, "target": t.target, "side": t.side, "rule": t.rule, "by": str(t.by),
                 "why": why}
                for n, t, why in self.unresolved
            ],
            "head": self.head,
        }  # fmt: skip


def resolve(
    ledger: str | Path,
    *,
    studies: tuple[str | Path, ...] = (),
    as_of: str | None = None,
    correct: bool = False,
    now: dt.datetime | None = None,
) -> Resolved:
    """Look up outcomes up to `now` (its zone given; the clock's when None), and append a line each.

    `studies` are folders, and bundled names if one likes. `as_of` is the last day up to which their
    tables were kept; when None, that of `beliefs.load_study`, so that a folder that nobody kept is
    no silence. `correct` appends a new line where a table no longer says what a line says.
    """
    path, at = Path(ledger), utc_now(now)
    study_as_of = _studies(studies, as_of, at.date())
    known = register.read_ledger(path)
    found: list[Resolution] = []
    unresolved: list[tuple[int, Target, str]] = []
    for n, forecast in known.forecasts.items():
        for target in forecast.targets:
            line, study = (n, known.hashes[n - 1]), study_as_of(forecast.study, None)
            one = _look_up(forecast, target, line, study, at)
            if isinstance(one, str):
                unresolved.append((n, target, one))
            else:
                found.append(one)

    @functools.cache
    def same_past(n: int) -> bool:
        said = known.forecasts[n]
        try:
            then = study_as_of(said.study, said.as_of)
        except BeliefsError:  # a study whose period was moved has no such day
            return False
        return then is not None and then.sha256 == said.study_sha256

    def compared(ledger: Ledger) -> tuple[list[Resolution], list[tuple[Resolution, int]]]:
        """Return what to append to a ledger, and what differs from a line of before."""
        said, differing = list[Resolution](), list[tuple[Resolution, int]]()
        for one in found:
            number, old = ledger.resolutions.get(one.key, (None, None))
            if old and (old.outcome, old.outcomes) == (one.outcome, one.outcomes):
                continue
            if number is None or correct:
                same = same_past(one.forecast)
                said.append(one.model_copy(update={"same_past": same, "corrects": number}))
            else:
                differing.append((one, number))
        return sorted(said, key=lambda one: one.corrects is not None), differing

    said, differing = compared(known)  # studies are read before the ledger is locked
    added, head = dict[int, Resolution](), (BEGINNING, *known.hashes)[-1]
    if said:
        with writing(path) as book:
            said, differing = compared(register.ledger_of(path, book.chain))
            lines = book.append(*(one.model_dump(mode="json") for one in said))
        added = {line.n: one for line, one in zip(lines, said, strict=True)}
        head = book.chain.head
    already = len(found) - len(said) - len(differing)
    return Resolved(added, already, tuple(differing), tuple(unresolved), head)


def _studies(named: tuple[str | Path, ...], as_of: str | None, today: dt.date) -> Lookup:
    """Return what gives a study by name as of a day, each read once."""
    places: dict[str, str | Path] = {name: name for name in list_studies()}
    places |= {read_study(place).spec.name: place for place in named}

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
            "the as-of date lies in the future", where="as_of", found=as_of,
            expected=f"a date up to {today}",
            fix="give the last day up to which the label table was kept",
        )  # fmt: skip
    return study_as_of


def _look_up(
    forecast: Forecast, target: Target, line: tuple[int, str], study: Study | None, at: dt.datetime
) -> Resolution | str:
    """Return whether it happened, by the rules that were registered, or a key of `OPEN`.

    A day is over when it lies before `at`, whatever the as-of date of the study says.
    """
    if target.target in LATENT:
        return "latent"
    if target.given is not None:
        return "conditional"
    if study is None:
        return "no study"
    grid, by, origin = study.grid, np.datetime64(target.by), np.datetime64(forecast.origin)
    if by > grid.last_days[-1]:
        return "beyond"
    if by > study.as_of or target.by >= at.date():
        return "not over"
    window = (grid.dates > origin) & (grid.last_days <= by)
    if (
        grid.step_days != forecast.step_days
        or by not in grid.last_days
        or grid.dates[window][:1] != origin + np.timedelta64(1, "D")
    ):
        return "other periods"
    talks = study.spec.talks_rule.model_dump(mode="json")
    talks |= {"headline": forecast.label_rule, "rules": forecast.label_rules}
    rules = {**forecast.action_rules, "talks_rule": talks}
    judged, known = _judged(study, json.dumps(rules, sort_keys=True))
    question = next((q for q in known if q.name == target.name), None)
    first, periods = int(np.flatnonzero(window)[0]), int(window.sum())
    if question is None or not question.at_risk[first]:
        return "not at risk"
    when = question.first(first, periods)
    if when is None:
        return "not covered"
    observed = when <= periods
    outcomes, rows = dict[str, bool](), tuple[str, ...]()
    if TARGETS[target.target].kind == "talks":  # by every label rule; rows of the headline rule
        held, _ = talk_days(judged, grid.active(judged.as_of))
        outcomes = {rule: bool(held_in[window].any()) for rule, held_in in held.items()}
        table = headline_rows(judged)
        each = (table.take(np.asarray([i])) for i in range(len(table)))
        inside = [held_periods(row, grid)[window].any() for row in each]
        rows = tuple(map(str, table["talk_id"][np.asarray(inside, dtype=bool)]))
    return Resolution(
        at=at, forecast=line[0], forecast_line_sha256=line[1], same_past=False,  # see `resolve`
        beliefs_version=environment()["versions"]["beliefs"],
        target=target.target, rule=target.rule, by=target.by,
        as_of=study.as_of.astype(object), study_sha256=study.sha256,
        outcome=observed != question.negated, outcomes=outcomes, rows=rows,
        first=grid.dates[first + when - 1].astype(object) if observed else None,
    )  # fmt: skip


@functools.lru_cache(maxsize=2)
def _judged(study: Study, rules: str) -> tuple[Study, tuple[Question, ...]]:
    """Return a study under registered rules, and its questions; a ledger asks many of one."""
    said = json.loads(rules)
    models: dict[str, type[SpecTable]] = {**register.ACTION_RULES, "talks_rule": TalksRule}
    update: dict[str, SpecTable | None] = {
        name: model.model_validate_json(json.dumps(said[name])) if name in said else None
        for name, model in models.items()
    }
    judged = replace(study, spec=study.spec.model_copy(update=update))
    return judged, questions(judged, build_inputs(judged))


def timing(forecast: Forecast, target: Target) -> str:
    """Return when a probability was registered, a key of `TIMINGS`; whatever came of it.

    Were forecasts taken out whose talks had begun by then, only failures would stay.
    """
    if target.late:
        return "late"
    return "ahead" if (forecast.at.date() - forecast.origin).days <= PROMPT else "during"


_Item = tuple[Forecast, Target, Resolution | None]


def score(ledger: Ledger, *, today: dt.date) -> dict[str, Any]:
    """Return scores by class of target beside those of the registered base rates, with counts.

    ``classes`` has a row for each time of registration, theory, target and days ahead, and one for
    all days together (``days`` None). ``windows`` counts different ones: forecasts of one share its
    outcome. ``by_rule`` has the scores under other label rules. Windows are over as of `today`.
    """
    groups: dict[tuple[Any, ...], list[_Item]] = {}
    count: Counter[str] = Counter()
    for n, forecast in ledger.forecasts.items():
        for target in forecast.targets:
            if target.target in LATENT:
                count["latent"] += 1
                continue
            found = None
            if target.given is None:
                key = (n, target.target, target.rule, target.by)
                found = ledger.resolutions.get(key, (0, None))[1]
            over = "over" if target.by < today else "not_over"
            count[over if found is None else "resolved"] += 1
            when = [*TIMINGS].index(timing(forecast, target))
            named = (when, forecast.theory, forecast.theory_sha256, target.name)
            for days in (-1, (target.by - forecast.origin).days):
                groups.setdefault((*named, days), []).append((forecast, target, found))
    unresolved = {why: count[why] for why in ("latent", "not_over", "over")}
    return {
        "forecasts": len(ledger.forecasts),
        "probabilities": count.total(),
        "resolved": count["resolved"],
        "unresolved": {"all": sum(unresolved.values()), **unresolved},
        "corrected": ledger.corrected,
        "classes": [_row(key, groups[key]) for key in sorted(groups)],
    }


def _row(key: tuple[Any, ...], items: Sequence[_Item]) -> dict[str, Any]:
    when, theory, theory_sha256, target, days = key
    known = [(f, t, r) for f, t, r in items if r is not None]
    based = [(t, r) for _, t, r in known if t.base_rate is not None]
    ours = _scores([(t.p, t.mcse, r.outcome) for t, r in based])
    base = _scores([(t.base_rate or 0.0, t.mcse, r.outcome) for t, r in based])
    others: dict[str, list[tuple[float, float, bool]]] = {}
    for f, t, r in known:
        for rule in r.outcomes.keys() - {f.label_rule}:
            others.setdefault(rule, []).append((t.p, t.mcse, r.outcomes[rule]))
    return {
        "registered": [*TIMINGS][when], "theory": theory, "theory_sha256": theory_sha256,
        "target": target, "days": None if days < 0 else days,
        "unresolved": len(items) - len(known),
        **_scores([(t.p, t.mcse, r.outcome) for _, t, r in known]),
        "mean_p": float(np.mean([t.p for _, t, _ in known])) if known else None,
        "windows": len({(f.study, f.origin, t.by) for f, t, _ in known}),
        "base": base,
        "skill": 1.0 - ours["brier"] / base["brier"] if base["brier"] else None,
        "by_rule": {rule: _scores(others[rule]) for rule in sorted(others)},
    }  # fmt: skip


def _scores(cases: Sequence[tuple[float, float, bool]]) -> dict[str, Any]:
    """Return counts and mean scores of probabilities, their errors and outcomes."""
    p, error, happened = zip(*cases, strict=True) if cases else ((), (), ())
    return {
        "n": len(cases),
        "events": sum(happened),
        "certain": sum(value in (0.0, 1.0) for value in p),
        "brier": float(np.mean(brier(p, happened))) if cases else None,
        "log_score": float(np.mean(log_score(p, happened, error))) if cases else None,
    }
