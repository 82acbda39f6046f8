"""What happened when: spells of war and truce, shocks, talks, as marks on a time axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beliefs.forecasting.forecast import Forecast
from beliefs.inference.posterior import Posterior
from beliefs.reporting.series import Dates, last_days, posterior_of
from beliefs.reporting.style import clean

__all__ = ["Mark", "Span", "regime_spans", "shock_marks", "talk_dates"]


@dataclass(frozen=True)
class Span:
    """A regime from its first to its last known day."""

    kind: str
    label: str
    start: np.datetime64
    end: np.datetime64


@dataclass(frozen=True)
class Mark:
    """A numbered shock on the day it was published; `level` staggers neighbours."""

    number: int
    label: str
    date: np.datetime64
    level: int


def regime_spans(source: Posterior | Forecast) -> list[Span]:
    """Return the spells of talks, truce and war known at the origin, cut to the period."""
    posterior = posterior_of(source)
    first, last = posterior.inputs.dates[0].astype("datetime64[D]"), posterior.origin
    spans = []
    for regime in posterior.study.spec.regimes:
        start = max(np.datetime64(regime.start, "D"), first)
        end = last if regime.end is None else min(np.datetime64(regime.end, "D"), last)
        if start <= end and regime.kind != "none":
            spans.append(Span(regime.kind, clean(regime.label), start, end))
    return spans


def shock_marks(source: Posterior | Forecast) -> list[Mark]:
    """Return the shocks known at the origin, numbered in order of publication."""
    posterior = posterior_of(source)
    first, last = posterior.inputs.dates[0].astype("datetime64[D]"), posterior.origin
    known = sorted(
        (np.datetime64(s.published_at, "D"), clean(s.label)) for s in posterior.study.spec.shocks
    )
    inside = [(date, label) for date, label in known if first <= date <= last]
    near = max(float((last - first).astype(int)) / 16, 1.0)  # days; closer, two numbers overlap
    marks: list[Mark] = []
    for number, (date, label) in enumerate(inside, start=1):
        taken = {m.level for m in marks if (date - m.date).astype(int) < near}
        level = min(set(range(len(taken) + 1)) - taken)
        marks.append(Mark(number, label, date, level))
    return marks


def talk_dates(source: Posterior | Forecast) -> Dates:
    """Return the last day of each period in which talks were held under the headline rule."""
    posterior = posterior_of(source)
    inputs = posterior.inputs
    return last_days(posterior, inputs.dates[(inputs.talks > 0) & inputs.active])
