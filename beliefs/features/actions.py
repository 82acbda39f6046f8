"""What both sides did, by period: actions of force, concessions, replies, walkouts, sanctions.

Events count in the period of their publication, rows of the talk table on their own days. Columns
are those of `Observed`; what a study has no table for is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features import steps
from beliefs.features.steps import Bools, Exchange, Floats, Force
from beliefs.features.talks import headline_rows, held_periods
from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.tables.cells import Records
from beliefs.study.tables.codebook import DIPLOMATIC
from beliefs.study.tables.rows import instruments

MIDDLE = 3.0  # the severity that others are compared with


def between(study: Study, actions: Records) -> tuple[Bools, Bools]:
    """Tell which actions are by a force of one side on the other side's own actors, by side."""
    first, second = study.spec.sides
    return (
        actions.among("initiator", first.forces) & actions.among("target", second.actors),
        actions.among("initiator", second.forces) & actions.among("target", first.actors),
    )


def strike_arrays(
    study: Study, grid: Grid, actions: Records, dyadic: tuple[Bools, Bools]
) -> dict[str, NDArray]:
    """Return the columns that count actions of force; `dyadic` is `between` of `actions`."""
    spec, severity = study.spec, actions["severity"]
    if spec.strikes is None:
        return {}

    def tally(masks: Sequence[Bools], weight: Floats | None = None) -> Floats:
        """Count actions, or sum a weight, by period and mask."""
        weight = np.ones(len(actions)) if weight is None else weight
        return np.stack([steps.binned(actions.take(m), weight[m], grid) for m in masks])

    def by_severity(masks: Sequence[Bools]) -> Floats:
        """Count by severity 1 to 5; one in between counts in both neighbours, by nearness."""
        shares = np.maximum(0.0, 1.0 - np.abs(severity - np.arange(1, 6)[:, None]))
        return np.stack([tally(masks, share) for share in shares], axis=1)

    seen = steps.watched(study, grid, spec.strikes.coverage)
    counted = severity >= spec.strikes.min_severity
    mine = [counted & actions.among("initiator", side.forces) for side in spec.sides]
    count, logs = tally(mine), tally(mine, np.log(severity / MIDDLE))
    rival = steps.recent(count[::-1], steps.ANSWER)
    heavy = severity >= steps.HEAVY_SEVERITY
    suffered = tally([by & heavy & actions.among("target", side.forces)
                      for by, side in zip(mine[::-1], spec.sides, strict=True)])  # fmt: skip
    slots = {name: place for place, name in enumerate(study.instrument_slots)}
    places = [slots.get(name, -1) for name in dict.fromkeys(study.tables.coverage["instrument"])]
    instrument = np.array([*places, -1])[instruments(study.tables.coverage, grid.dates)]
    out = {
        "strike_count": count,
        "strike_by_severity": by_severity(mine),
        "warned_by_severity": by_severity([m & (actions["prior_warning"] == 1.0) for m in mine]),
        "strikes_seen": seen,
        "instrument": np.where(seen, instrument, -1),
        "severity_log": steps.ratio(logs, count),
        "provocation": steps.ratio(steps.recent(logs[::-1], steps.ANSWER), rival),
        "provoked": ((count > 0) & (rival > 0) & seen).astype(float),
        **steps.at(force_known(study, grid, actions, dyadic), slice(-1)).known(grid.step_days),
        "heavy": np.log1p(steps.fading_sum(suffered, steps.HEAVY_DAYS, grid)),
    }
    if (lines := spec.redlines) is not None:
        known = steps.watched(study, grid, lines.coverage)
        # NaN where there is no such line.
        least = np.asarray(
            [lines.lines.get(name, np.nan) for name in actions["red_line"]], dtype=float
        )
        out["line_touch"] = tally([m & ~np.isnan(least) for m in mine]) * known
        out["line_cross"] = tally([m & (severity >= least) for m in mine]) * known
    # Headlines leave these out even where they hold every severe strike between the sides.
    dense = steps.watched(study, grid, ("dense",))
    if spec.zones is not None:
        both = mine[0] | mine[1]
        out["zone_count"] = tally([both & actions.among("zone", (z,)) for z in spec.zones.watched])
        out["zone_seen"] = dense
    if spec.excluded is not None:
        outside = counted & actions.among("initiator", spec.excluded.actors)
        out |= {"excluded_count": tally([outside])[0], "excluded_seen": dense}
    if spec.periphery is not None:
        parties = (*spec.sides[0].forces, *spec.sides[1].forces)
        away = ~actions.among("target", parties) | actions.among("zone", spec.periphery.zones)
        out |= {"peripheral_count": tally([counted & away])[0], "peripheral_seen": dense}
    return out


def force_known(study: Study, grid: Grid, actions: Records, dyadic: tuple[Bools, Bools]) -> Force:
    """Return what is known of actions of force as each period begins and after the last."""
    rules, severity = study.spec.strikes, actions["severity"]
    start = Force(np.zeros(2), 0.0, 0.0)
    if rules is None:
        return steps.trail(lambda state, _: state, start, np.zeros(grid.n))
    counted = severity >= rules.min_severity
    hostile = counted & (dyadic[0] | dyadic[1])
    which = [counted & actions.among("initiator", side.forces) for side in study.spec.sides]
    which += [hostile, hostile & (severity >= steps.CALM_SEVERITY)]
    *count, action, grave = (steps.counts(actions.take(rows), grid) for rows in which)
    unseen = ~steps.watched(study, grid, rules.coverage)
    return steps.trail(
        lambda state, *now: state.after(grid.step_days, *now),
        start, np.stack(count), (action > 0) | unseen, (grave > 0) | unseen,
    )  # fmt: skip


def exchange_known(study: Study, grid: Grid, lead: int) -> Exchange:
    """Return what is known of words and talks as each period begins and after the last.

    The grid has `lead` periods before the first one of the study.
    """
    first, second = (side.actors for side in study.spec.sides)
    talks, events = study.tables.talks, study.tables.events
    rows = headline_rows(study)
    held = held_periods(rows, grid)
    walkout = steps.counts(talks.where(label=("cancelled",)), grid, "date") > 0
    signs = ("acceptance", "talks_announced", "deal_signed")
    near = events.where(kind=signs, initiator=(*first, *second, "mediator"))
    deal = (steps.counts(near, grid) > 0) | held
    counters = steps.counts(_dyadic(study, ("counter_offer",)), grid)
    tries = events.where(kind=("offer", "counter_offer", "mediation"))
    contact = (steps.counts(talks, grid, "date") + steps.counts(tries, grid)) > 0
    rounds = (steps.counts(rows, grid, "date") + counters) * (np.arange(grid.n) >= lead)
    war = np.zeros(grid.n, dtype=bool)
    for regime in study.spec.regimes:
        period = int(grid.index(np.datetime64(max(regime.start, regime.published_at), "D")))
        if regime.kind == "war" and 0 <= period < grid.n:
            war[period] = True

    def step(state: Exchange, begun: Bools, *now: Any) -> Exchange:
        state = state._replace(rounds=np.where(begun, 0.0, state.rounds))
        return state.after(grid.step_days, *now)

    start = Exchange(0.0, 0.0, steps.NEVER, steps.NEVER, 1.0 - lead, 0.0, np.zeros(2))
    return steps.trail(step, start, war, walkout, deal, held, contact, rounds)


def exchange_arrays(study: Study, grid: Grid, lead: int) -> dict[str, NDArray]:
    """Return the columns that tell of words, offers and sanctions; see `exchange_known`."""
    out = steps.at(exchange_known(study, grid, lead), slice(-1)).known(grid.step_days)
    walkouts = study.tables.talks.where(label=("cancelled",))
    out["walkout"] = (steps.counts(walkouts, grid, "date") > 0).astype(float)
    at_risk = out.pop("walkout_at_risk") > 0
    offers = _offers(study, grid, at_risk)
    return out | offers | _sanctions(study, grid) | _agenda(study, grid)


def _dyadic(study: Study, kinds: Sequence[str]) -> Records:
    """Return the actions of some kinds by either side's own actors on the other's."""
    first, second = (side.actors for side in study.spec.sides)
    rows = study.tables.events.where(kind=kinds)
    there = rows.among("initiator", first) & rows.among("target", second)
    back = rows.among("initiator", second) & rows.among("target", first)
    return rows.take(there | back)


def _offers(study: Study, grid: Grid, at_risk: Bools) -> dict[str, NDArray]:
    """Return concessions and replies; `at_risk` is where talks could be cancelled, seen or not."""
    offers = study.spec.offers
    if offers is None:
        return {}
    seen, made = steps.watched(study, grid, offers.coverage), _dyadic(study, offers.made)
    own = [steps.counts(made.where(initiator=side.actors), grid) > 0 for side in study.spec.sides]
    return {
        "concession": np.stack(own) * seen.astype(float),
        "concession_seen": seen,
        "reply_yes": steps.counts(_dyadic(study, ("acceptance", "counter_offer")), grid) * seen,
        "reply_no": steps.counts(_dyadic(study, ("rejection",)), grid) * seen,
        "walkout_at_risk": at_risk & seen,
    }


def _sanctions(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return sanctions on the one side that endures; nothing where not just one does."""
    enduring = [side for side in study.spec.sides if side.endurance]
    if study.spec.sanctions is None or len(enduring) != 1:
        return {}
    coercing = next(side for side in study.spec.sides if side is not enduring[0])
    rows = study.tables.events.where(
        kind=("sanction",),
        initiator=(*coercing.actors, *study.spec.sanctions.initiator),
        target=enduring[0].actors,
    )
    seen = steps.watched(study, grid, study.spec.sanctions.coverage)
    return {"sanction": (steps.counts(rows, grid) > 0) * seen.astype(float), "sanction_seen": seen}


def _agenda(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return the share of the agenda's matter among the diplomatic actions of the month before."""
    matter = study.spec.agenda
    if matter is None:
        return {}
    rows = study.tables.events.where(kind=DIPLOMATIC)
    about = rows.among("zone", matter.zones) | rows.among("red_line", matter.red_lines)
    month = steps.periods_of(steps.MONTH, grid)
    mine, total = (steps.recent(steps.counts(r, grid), month) for r in (rows.take(about), rows))
    return {"agenda_share": steps.ratio(mine, total)}
