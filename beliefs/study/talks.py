"""Were talks held: the answer of every label rule, period by period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beliefs.study.codebook import CONFIDENCE
from beliefs.study.coverage import covered
from beliefs.study.load import Study
from beliefs.study.records import Records
from beliefs.study.spans import span_periods
from beliefs.study.spec import TalkRule

__all__ = ["WATCHED", "rule_rows", "talk_days", "talks_watched"]

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
        1 where a row of the rule's formats, labels and confidence was running; headline first.
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
        held = span_periods(rule_rows(talks, rule), longer)
        found[rule.id] = (held[1:] & active).astype(np.int64)
        if rule.id == rule_set.headline:
            previous = (held[:-1] & active).astype(np.int64)
    return found, previous


def talks_watched(study: Study) -> NDArray[np.bool_]:
    """Return in which periods no talks means that there were none, (T,)."""
    grid = study.grid
    return covered(study.tables.coverage, grid.dates, grid.step_days, WATCHED)
