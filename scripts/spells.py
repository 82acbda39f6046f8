"""Spells: how long each war went without talks, each crisis without an end, and what was known.

The rows behind pooled base rates (`pooling`, `beliefs.model.pooled`). What
happened in the cases of the bundled studies is left out, so that no study knows its outcome.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beliefs.model.pooled import AGE_BINS
from beliefs.model.structure import SECOND_WORLD_WAR_ENDED
from beliefs.study.bundled import data_folder

__all__ = [
    "Spells",
    "crisis_spells",
    "left_out",
    "talk_spells",
]


_LAST_DAY = dt.date(2026, 6, 30)  # end of the war table: ongoing wars are censored here
_FORMAL_AGREEMENT = "1"  # ICB form of outcome


@dataclass(frozen=True, eq=False)
class Spells:
    """Times at risk of one kind of event, one row per conflict, each with at most one event.

    Attributes
    ----------
    label
        What the event and the class are, in words.
    names
        Names of the n conflicts.
    days
        Days at risk, (n,), at least 1: what happened on the first day took part of it.
    event
        Whether the spell ended with the event, (n,); otherwise it is censored.
    covariates
        Names of the k covariates, all 0 or 1.
    design
        Their values, (n, k).
    sha256
        Hash of the file that they were read from.
    """

    label: str
    names: tuple[str, ...]
    days: NDArray[np.float64]
    event: NDArray[np.bool_]
    covariates: tuple[str, ...]
    design: NDArray[np.float64]
    sha256: str

    @cached_property
    def exposure(self) -> NDArray[np.float64]:
        """Days at risk in each bin of age, (n, bin)."""
        edges = np.asarray(AGE_BINS)
        return np.clip(self.days[:, None], edges[:-1], edges[1:]) - edges[:-1]

    @cached_property
    def bin(self) -> NDArray[np.int64]:
        """Number of the bin in which the spell ended, (n,)."""
        return np.searchsorted(np.asarray(AGE_BINS[1:-1]), self.days, side="left")

    @property
    def mean(self) -> NDArray[np.float64]:
        """Means of the covariates, (k,)."""
        return self.design.mean(axis=0)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Spells:
        """Return the spells of some rows."""
        index = np.arange(len(self.names))[rows]
        return Spells(
            self.label,
            tuple(self.names[i] for i in index),
            self.days[index],
            self.event[index],
            self.covariates,
            self.design[index],
            self.sha256,
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def talk_spells(*, verified_only: bool = False) -> Spells:
    """Return the days at war until first talks, one row per interstate war.

    Wars without talks before their end are censored there. The table is not cut at an as-of date:
    a study of earlier years is held against wars that came later.

    Parameters
    ----------
    verified_only
        Keep the wars whose row has a citation only.
    """
    path, (own, _) = data_folder() / "wars" / "war_talk_onsets.csv", left_out()
    names, days, event, design = [], [], [], []
    for row in _rows(path):
        start, talks = _day(row["start"]), _day(row["first_talks"])
        end = _day(row["end"]) or _LAST_DAY
        if start is None or row["war"] in own or (verified_only and row["verified"] != "1"):
            continue
        happened = talks is not None and talks <= end
        names.append(row["war"])
        event.append(happened)
        days.append(max(((talks if happened and talks else end) - start).days, 1))
        design.append((row["us_belligerent"] == "1", np.datetime64(start) > SECOND_WORLD_WAR_ENDED))
    return Spells(
        f"first talks in {len(names)} interstate wars since 1846",
        tuple(names),
        np.asarray(days, dtype=float),
        np.asarray(event),
        ("us_actor", "since_1945"),
        np.asarray(design, dtype=float),
        _hash(path),
    )


def left_out() -> tuple[frozenset[str], dt.date]:
    """Return the wars of the bundled studies, and the first day of the earliest of these studies.

    The table of crises names no actors, so crises that began from that day on are left out whoever
    fought them.
    """
    raw = json.loads((data_folder() / "pooled" / "left_out.json").read_text(encoding="utf-8"))
    return frozenset(raw["wars"]), dt.date.fromisoformat(raw["crises_from"])


@cache
def crisis_spells(cause: str) -> Spells:
    """Return the days from a crisis's trigger to its end, one row per international crisis.

    A crisis ends with a formal agreement or otherwise; the two compete. Crises of unknown first or
    last day, or without a code, cannot be counted. Whether a crisis was mediated is known for the
    whole of it, not by day, so that long crises had more time to be.

    Parameters
    ----------
    cause
        ``"agreement"`` (formal) or ``"other_end"``, the event; the other cause censors.

    Raises
    ------
    ValueError
        Another cause.
    """
    if cause not in ("agreement", "other_end"):
        raise ValueError(f"cause must be 'agreement' or 'other_end', not {cause!r}")
    path, (_, first) = data_folder() / "crises" / "icb_crises.csv", left_out()
    names, days, event, design = [], [], [], []
    for row in _rows(path):
        violence, mediated = row["violence_code"], row["mediated_code"]
        outcome, activity, protracted = (
            row[k] for k in ("outcome_form_code", "us_activity_code", "protracted_code")
        )
        start = _day(row["start"])
        if not (row["days"] and violence and mediated and outcome and activity and protracted):
            continue
        if start is None or start >= first:
            continue
        names.append(f"crisis {row['crisis']}")
        days.append(max(float(row["days"]), 1.0))
        event.append((outcome == _FORMAL_AGREEMENT) == (cause == "agreement"))
        design.append(
            [violence == code for code in "234"]
            + [mediated != "1"]
            + [activity == code for code in "234"]
            + [protracted != "1"]
        )
    what = "formal agreement" if cause == "agreement" else "an end without formal agreement"
    return Spells(
        f"{what} in {len(names)} crises 1918-2012",
        tuple(names),
        np.asarray(days, dtype=float),
        np.asarray(event),
        (
            "minor_clashes", "serious_clashes", "war", "mediated",
            "us_activity_2", "us_activity_3", "us_activity_4", "protracted",
        ),
        np.asarray(design, dtype=float),
        _hash(path),
    )  # fmt: skip
