"""What the tables of a study say of the windows of registered forecasts.

What was foretold is what the model calls talks: a period after the origin in which a row of the
label rule was running (`beliefs.features.talks`), by its own dates and as far as it is public on
the
day of the look-up. Secret talks that come out after that change the outcome, which is a conflict
until it is corrected. The rule is the one that was registered, whatever the study says by now.
Targets of conduct are looked up as they are in backtests (`beliefs.evaluation.backtest.questions`),
under the
registered tables of what counts; where just before the window there was nothing that could come, no
truce to be broken say, they are resolved neither way. So is a window with a day that nobody
watched: were its talks taken and its silence not, only successes would be scored.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.backtest.questions import Question, questions
from beliefs.features.inputs import build_inputs
from beliefs.features.talks import WATCHED, held_periods, rule_rows, talk_days
from beliefs.records.ledger.ledger_lines import Forecast, Key, Target
from beliefs.study.load import Study
from beliefs.study.settings.spec import Agreements, RedLines, SpecTable, Strikes, TalksRule, Truce
from beliefs.study.tables.coverage import covered

__all__ = ["CONDUCT_RULES", "OPEN", "Outcome", "look_up"]

CONDUCT_RULES: dict[str, type[SpecTable]] = {
    "strikes": Strikes,
    "truce": Truce,
    "redlines": RedLines,
    "agreements": Agreements,
}
"""Tables of a study that say what counts as conduct."""
OPEN = {
    "latent": "latent: nobody can look up a belief, so these stay unresolved",
    "conditional": "given something else, which is not looked up",
    "no study": "the study is not bundled: name its folder with --study",
    "not over": "the last day is not over, or lies after the as-of date",
    "beyond": "the study's period ends before the last day",
    "not asked": "there was nothing it could come to, or it had come already",
    "not covered": "nobody recorded on some of the days",
    "other periods": "the study now cuts time into other periods",
}
"""Why a probability stays unresolved."""


@dataclass(frozen=True)
class Outcome:
    """What the tables say of one window.

    Attributes
    ----------
    line, target, rule, by
        Line of the forecast, what was foretold, and last day of the window.
    outcome, outcomes, first, rows, as_of, study_sha256
        See `beliefs.records.ledger.ledger_lines.Resolution`.
    """

    line: int
    target: str
    rule: str | None
    by: dt.date
    outcome: bool
    outcomes: dict[str, bool]
    first: dt.date | None
    rows: tuple[str, ...]
    as_of: dt.date
    study_sha256: str

    @property
    def key(self) -> Key:
        """Which probability it is of."""
        return self.line, self.target, self.rule, self.by


def look_up(
    forecast: Forecast, target: Target, line: int, study: Study | None, today: dt.date
) -> Outcome | str:
    """Return whether something came in the window of a forecast, or a key of `OPEN`.

    Parameters
    ----------
    forecast, target
        What was registered; `target` is one about talks or conduct.
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
    said = _talks if target.target == "talks" else _conduct
    found = said(forecast, target, study, window)
    if isinstance(found, str):
        return found
    return Outcome(
        line=line,
        target=target.target,
        rule=target.rule,
        by=target.by,
        as_of=study.as_of.astype(object),
        study_sha256=study.sha256,
        **found,
    )


def _talks(
    forecast: Forecast, target: Target, study: Study, window: NDArray[np.bool_]
) -> dict[str, Any] | str:
    grid = study.grid
    if not covered(study.tables.coverage, grid.dates[window], grid.step_days, WATCHED).all():
        return "not covered"
    rules = _rules(forecast)
    judged = replace(study, spec=study.spec.model_copy(update={"talks_rule": rules}))
    held, _ = talk_days(judged, grid.active(study.as_of))
    days = grid.dates[window & (held[rules.headline] == 1)]
    (headline,) = (rule for rule in rules.rules if rule.id == rules.headline)
    rows = rule_rows(study.tables.talks, headline)
    inside = [
        held_periods(rows.take(np.asarray([i])), grid)[window].any() for i in range(len(rows))
    ]
    return {
        "outcome": bool(len(days)),
        "outcomes": {rule: bool(periods[window].any()) for rule, periods in held.items()},
        "first": days[0].astype(object) if len(days) else None,
        "rows": tuple(str(row) for row in rows["talk_id"][np.asarray(inside, dtype=bool)]),
    }


def _conduct(
    forecast: Forecast, target: Target, study: Study, window: NDArray[np.bool_]
) -> dict[str, Any] | str:
    """Return what the study's labels of conduct say, by the tables that were registered."""
    known = _questions(study, json.dumps(forecast.conduct_rules, sort_keys=True))
    question = next((q for q in known if q.name == target.name), None)
    first, periods = int(np.flatnonzero(window)[0]), int(window.sum())
    if question is None or not question.asked[first]:
        return "not asked"
    when = question.first(first, periods)
    if when is None:
        return "not covered"
    came = when <= periods
    return {
        "outcome": came != question.negated,
        "outcomes": {},
        "first": study.grid.dates[first + when - 1].astype(object) if came else None,
        "rows": (),
    }


@functools.lru_cache(maxsize=2)
def _questions(study: Study, rules: str) -> tuple[Question, ...]:
    """Return the questions of a study under registered tables; a ledger asks many of one."""
    told = json.loads(rules)
    update = {
        name: None if name not in told else model.model_validate_json(json.dumps(told[name]))
        for name, model in CONDUCT_RULES.items()
    }
    judged = replace(study, spec=study.spec.model_copy(update=update))
    return questions(judged, build_inputs(judged))


def _rules(forecast: Forecast) -> TalksRule:
    text = json.dumps({"headline": forecast.label_rule, "rules": forecast.label_rules})
    return TalksRule.model_validate_json(text)
