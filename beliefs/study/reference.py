"""Reference classes: how often such things happen to others.

Rates are computed from the bundled tables, never typed in: first talks in interstate wars from
``data/wars``, formal agreements in violent crises from ``data/crises`` (International Crisis
Behavior, version 14). Each is a Gamma posterior under a Jeffreys prior, so that small classes say
how little they know.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beliefs.study.bundled import data_folder

__all__ = ["AGE_BINS", "Rate", "settlement_rates", "talk_onset_rate"]

AGE_BINS = (0.0, 30.0, 90.0, 180.0, 365.0, float("inf"))
VIOLENT = {2.0, 3.0, 4.0}  # ICB violence: minor clashes, serious clashes, full-scale war
FORMAL_AGREEMENT = 1.0  # ICB form of outcome
_OWN_CASES = {"US/Israel-Iran 2026"}
_LAST_DAY = dt.date(2026, 6, 30)  # end of the war table: ongoing wars are censored here


@dataclass(frozen=True)
class Rate:
    """Events per day of exposure in a reference class.

    Attributes
    ----------
    label
        What the class is.
    events
        Number of events.
    exposure_days
        Days at risk.
    """

    label: str
    events: int
    exposure_days: float

    @property
    def shape(self) -> float:
        """Shape of the Gamma posterior (Jeffreys prior)."""
        return self.events + 0.5

    @property
    def mean(self) -> float:
        """Posterior mean of the rate per day."""
        return self.shape / self.exposure_days

    def any_by(self, days: float) -> float:
        """Return P(at least one event in `days`), the rate integrated out."""
        return float(1.0 - (self.exposure_days / (self.exposure_days + days)) ** self.shape)

    def draw(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Draw rates per day from the posterior, shape (size,)."""
        return rng.gamma(self.shape, 1.0 / self.exposure_days, size)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


@cache
def talk_onset_rate() -> Rate:
    """Return the rate of first talks over the course of interstate wars, per day at war.

    Wars without talks are censored at their end. The bundled studies' own case is left out, so
    that no study is told its outcome. The table is not cut at an as-of date: a study of earlier
    years is held against wars that came later.
    """
    events, exposure, wars = 0, 0.0, 0
    for row in _rows(data_folder() / "wars" / "war_talk_onsets.csv"):
        start, talks = _day(row["start"]), _day(row["first_talks"])
        end = _day(row["end"]) or _LAST_DAY
        if start is None or row["war"] in _OWN_CASES:
            continue
        wars += 1
        happened = talks is not None and talks <= end
        events += happened
        exposure += max(((talks if happened and talks else end) - start).days, 1)
    return Rate(f"first talks in {wars} interstate wars since 1846", events, exposure)


@cache
def settlement_rates() -> tuple[Rate, ...]:
    """Return the rate of formal agreement in violent crises by age (`AGE_BINS`), per day."""
    crises = [
        (float(row["days"]), float(row["outcome_form_code"]) == FORMAL_AGREEMENT)
        for row in _rows(data_folder() / "crises" / "icb_crises.csv")
        if row["days"]
        and row["outcome_form_code"]
        and row["violence_code"]
        and float(row["violence_code"]) in VIOLENT
    ]
    rates = []
    for low, high in pairwise(AGE_BINS):
        events = sum(agreed and low < days <= high for days, agreed in crises)
        exposure = sum(max(0.0, min(days, high) - low) for days, _ in crises)
        label = f"formal agreement in {len(crises)} violent crises 1918-2019, day {low:g}-{high:g}"
        rates.append(Rate(label, events, exposure))
    return tuple(rates)
