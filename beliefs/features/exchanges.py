"""Words and offers by period: concessions, replies, rounds, walkouts, sanctions, agenda.

Events count in the period of their publication, rows of the talk table on their own days.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.features.spans import held_periods
from beliefs.features.talks import rule_rows
from beliefs.features.traces import before, counts, freshness, periods_of, recent
from beliefs.study.calendar import Grid
from beliefs.study.load import Study
from beliefs.study.tables.codebook import DIPLOMATIC
from beliefs.study.tables.coverage import covered
from beliefs.study.tables.records import Records
from beliefs.study.tables.rows import select_events

__all__ = ["exchange_arrays"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MONTH, FORTNIGHT = 30.0, 14.0
FRESH_DAYS = 7.0  # e-folding time of a walkout, or of a sign that a deal is near (judgement)


def exchange_arrays(study: Study, grid: Grid, lead: int) -> dict[str, NDArray]:
    """Return the columns of `Observed` that tell of words, offers and sanctions, on a grid.

    Parameters
    ----------
    study
        The study, already cut at its as-of date.
    grid
        Periods, those of the study and `lead` before them.
    lead
        Number of periods before the study's first.

    Returns
    -------
    dict of str to ndarray
    """
    talks = study.tables.talks
    held, rounds = _talks(study, grid)
    walkout = counts(talks.take(talks.among("label", ("cancelled",))), grid, "date") > 0
    near = select_events(study.tables.events, kind=("acceptance", "talks_announced", "deal_signed"))
    near = near.take(near.among("initiator", (*_actors(study), "mediator")))
    fortnight = periods_of(FORTNIGHT, grid)
    out = {
        "walkout": walkout.astype(float),
        "walkout_fresh": before(freshness(walkout, FRESH_DAYS, grid)),
        "deal_near": before(freshness((counts(near, grid) > 0) | held, FRESH_DAYS, grid)),
        "talks_recent": (recent(held, fortnight) > 0).astype(float),
        "spell_age": _spell_age(held, lead),
        "round_number": _round_number(study, grid, rounds, lead),
    }
    return out | _offers(study, grid) | _sanctions(study, grid) | _agenda(study, grid)


def _actors(study: Study) -> tuple[str, ...]:
    return (*study.spec.sides[0].actors, *study.spec.sides[1].actors)


def _seen(study: Study, grid: Grid, densities: Collection[str]) -> Bools:
    return covered(study.tables.coverage, grid.dates, grid.step_days, densities)


def _talks(study: Study, grid: Grid) -> tuple[Bools, Floats]:
    """Return the periods of talks under the headline rule, and how many rounds began in each."""
    rule_set = study.spec.talks_rule
    rule = next(r for r in rule_set.rules if r.id == rule_set.headline)
    rows = rule_rows(study.tables.talks, rule)
    return held_periods(rows, grid), counts(rows, grid, "date")


def _spell_age(held: Bools, lead: int) -> Floats:
    """Return log(periods since talks), counted from the study's start while there were none."""
    now = np.arange(len(held))
    last = np.maximum.accumulate(np.where(held, now, -1))
    last = np.concatenate([[-1], last[:-1]])
    age = np.where(last >= 0, now - last, now - lead + 1)
    return np.log(np.maximum(age, 1))


def _round_number(study: Study, grid: Grid, rounds: Floats, lead: int) -> Floats:
    """Return log(1 + rounds and counter-offers since the last onset of war), as of t-1."""
    counter = _dyadic(study, ("counter_offer",))
    steps = rounds + counts(counter, grid)
    steps[:lead] = 0.0
    total = np.cumsum(steps)
    base = np.zeros(grid.n)
    for regime in study.spec.regimes:
        period = int(grid.index(np.datetime64(max(regime.start, regime.published_at), "D")))
        if regime.kind == "war" and 0 <= period < grid.n:
            base[period:] = total[period - 1] if period else 0.0
    return before(np.log1p(total - base))


def _dyadic(study: Study, kinds: Sequence[str]) -> Records:
    """Return the acts of some kinds by either side's own actors on the other's."""
    first, second = (side.actors for side in study.spec.sides)
    rows = select_events(study.tables.events, kind=tuple(kinds))
    there = rows.among("initiator", first) & rows.among("target", second)
    back = rows.among("initiator", second) & rows.among("target", first)
    return rows.take(there | back)


def _offers(study: Study, grid: Grid) -> dict[str, NDArray]:
    offers = study.spec.offers
    if offers is None:
        return {}
    seen = _seen(study, grid, offers.coverage)
    made = _dyadic(study, offers.made)
    own = [made.take(made.among("initiator", side.actors)) for side in study.spec.sides]
    events = select_events(study.tables.events, kind=("offer", "counter_offer", "mediation"))
    tried = counts(study.tables.talks, grid, "date") + counts(events, grid)
    chance = recent(tried, periods_of(MONTH, grid)) > 0
    return {
        "concession": np.stack([counts(rows, grid) > 0 for rows in own]) * seen.astype(float),
        "concession_seen": seen,
        "reply_yes": counts(_dyadic(study, ("acceptance", "counter_offer")), grid) * seen,
        "reply_no": counts(_dyadic(study, ("rejection",)), grid) * seen,
        "walkout_at_risk": chance & seen,
    }


def _sanctions(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return sanctions on the one side that endures; nothing where not just one does."""
    enduring = [side for side in study.spec.sides if side.endurance]
    if study.spec.sanctions is None or len(enduring) != 1:
        return {}
    coercing = next(side for side in study.spec.sides if side is not enduring[0])
    rows = select_events(
        study.tables.events,
        kind=("sanction",),
        initiator=(*coercing.actors, *study.spec.sanctions.initiator),
        target=enduring[0].actors,
    )
    seen = _seen(study, grid, study.spec.sanctions.coverage)
    return {"sanction": (counts(rows, grid) > 0) * seen.astype(float), "sanction_seen": seen}


def _agenda(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return the share of the agenda's matter among the diplomatic acts of the month before."""
    matter = study.spec.agenda
    if matter is None:
        return {}
    rows = select_events(study.tables.events, kind=DIPLOMATIC)
    about = rows.among("zone", matter.zones) | rows.among("red_line", matter.red_lines)
    month = periods_of(MONTH, grid)
    total = recent(counts(rows, grid), month)
    mine = recent(counts(rows.take(about), grid), month)
    return {"maritime": np.divide(mine, total, out=np.zeros(grid.n), where=total > 0)}
