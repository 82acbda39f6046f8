"""Were talks held: the answer of every label rule, period by period.

A round belongs to the days on which it was held. It is known from its publication on, like every
row, so that a period without talks can become one with talks as secret rounds come out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beliefs.features.spans import held_periods
from beliefs.study.load import Study
from beliefs.study.settings.spec import TalkRule
from beliefs.study.tables.codebook import CONFIDENCE
from beliefs.study.tables.coverage import covered
from beliefs.study.tables.records import Records

__all__ = ["WATCHED", "rule_rows", "talk_days", "talks_public", "talks_watched"]

WATCHED = ("dense", "headline")  # rounds of talks make headlines


def rule_rows(talks: Records, rule: TalkRule) -> Records:
    """Return the records of a talk table that count as talks by a label rule.

    Parameters
    ----------
    talks
        Talk table of a study.
    rule
        Formats, labels and least confidence.
    """
    sure = CONFIDENCE[CONFIDENCE.index(rule.min_confidence) :]
    return talks.take(
        talks.among("format", rule.formats)
        & talks.among("label", rule.labels)
        & talks.among("confidence", sure)
    )


def talk_days(
    study: Study, active: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
    """Apply the label rules of a study to its talks.

    Parameters
    ----------
    study
        The study, already cut at its as-of date.
    active
        Periods that had ended, shape (T,).

    Returns
    -------
    rules : dict of str to ndarray of int, shape (T,)
        1 where a row of the rule's formats, labels and confidence was running, by its own dates;
        headline first.
    previous : ndarray of int, shape (T,)
        The headline rule one period earlier, also for the first period.
    """
    rule_set = study.spec.talks_rule
    talks = study.tables.talks
    rules = sorted(rule_set.rules, key=lambda rule: rule.id != rule_set.headline)
    longer = study.grid.backwards(study.grid.start - np.timedelta64(1, "D"))
    found: dict[str, NDArray[np.int64]] = {}
    previous = np.zeros(len(active), dtype=np.int64)
    for rule in rules:
        held = held_periods(rule_rows(talks, rule), longer)
        found[rule.id] = (held[1:] & active).astype(np.int64)
        if rule.id == rule_set.headline:
            previous = (held[:-1] & active).astype(np.int64)
    return found, previous


def talks_public(study: Study) -> NDArray[np.int64]:
    """Return the period by whose end the headline talks of each period were public, (T,).

    The period itself, or a later one where talks were secret at first; where there were none, the
    period itself.
    """
    grid, rule_set = study.grid, study.spec.talks_rule
    (headline,) = (rule for rule in rule_set.rules if rule.id == rule_set.headline)
    rows = rule_rows(study.tables.talks, headline)
    never = np.iinfo(np.int64).max
    public = np.full(grid.n, never)
    for row, period in enumerate(grid.index(rows["published_at"])):
        held = held_periods(rows.take(np.asarray([row])), grid)
        public[held] = np.minimum(public[held], period)
    public[public == never] = 0
    return np.maximum(public, np.arange(grid.n))


def talks_watched(study: Study) -> NDArray[np.bool_]:
    """Return in which periods no talks means that there were none, (T,)."""
    grid = study.grid
    return covered(study.tables.coverage, grid.dates, grid.step_days, WATCHED)
