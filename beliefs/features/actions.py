"""What both sides did, by period: force, words and offers, truces and other agreements.

Events count in the period of their publication, rows of the talk table on their own days. Columns
are those of `Observed`; what a study has no table for is left out.

A truce spell counts as in force in the periods that *begin* under it: from the period after its
publication to the one in which its end was published. So what a period's column says of the spell
was known before the period, and what happened in it can be scored against that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features import steps
from beliefs.features.steps import Bools, Exchange, Floats, Force, Ints
from beliefs.features.talks import headline_rows, held_periods
from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.spec import Truce
from beliefs.study.tables.cells import Records
from beliefs.study.tables.codebook import DIPLOMATIC
from beliefs.study.tables.rows import instruments

MIDDLE = 3.0  # the severity that others are compared with
SCOPES = ("truce", "interim")
TRACKED = ("treaty", "transaction")
EXTENDED = ("extended_unilateral", "extended_mutual")
BROKEN = ("collapse", "terminated", "reversed")
KINDS = {"lapse": 1, "extended_unilateral": 2, "extended_mutual": 3, "deal": 4}
SPOILER_DAYS = 7.0  # an unclaimed action stops being an open question after a week


def with_year_before(grid: Grid) -> tuple[Grid, int]:
    """Return a grid with the year before, whose actions still count, and its periods before."""
    longer = grid.backwards(grid.start - np.timedelta64(366, "D"))
    return longer, longer.n - grid.n


def _between(study: Study, rows: Records, by: Sequence[Collection[str]]) -> Bools:
    """Tell which rows are by some parties of one side, given by side, on the other's own actors."""
    first, second = (side.actors for side in study.spec.sides)
    there = rows.among("initiator", by[0]) & rows.among("target", second)
    return there | (rows.among("initiator", by[1]) & rows.among("target", first))


def kinetic_actions(study: Study) -> Records:
    """Return the actions of force; `between` marks those of a side's on the other's own actors."""
    rows = study.tables.events.where(kind=study.spec.kinetic)
    forces = [side.forces for side in study.spec.sides]
    return rows.having(between=_between(study, rows, forces))


def strike_arrays(study: Study, grid: Grid, actions: Records) -> dict[str, NDArray]:
    """Return the columns that count `kinetic_actions`."""
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
        **steps.at(force_known(study, grid, actions), slice(-1)).known(grid.step_days),
        "heavy": np.log1p(steps.fading_sum(suffered, steps.HEAVY_DAYS, grid)),
    }
    if (lines := spec.redlines) is not None:
        known = steps.watched(study, grid, lines.coverage)
        # NaN where there is no such line.
        least = np.array([lines.lines.get(name, np.nan) for name in actions["red_line"]], float)
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


def force_known(study: Study, grid: Grid, actions: Records) -> Force:
    """Return what is known of actions of force as each period begins and after the last."""
    rules, severity = study.spec.strikes, actions["severity"]
    least, coverage = (rules.min_severity, rules.coverage) if rules else (np.inf, ())
    counted = severity >= least
    hostile = counted & actions["between"]
    which = [counted & actions.among("initiator", side.forces) for side in study.spec.sides]
    which += [hostile, hostile & (severity >= steps.CALM_SEVERITY)]
    *count, action, grave = (steps.counts(actions.take(rows), grid) for rows in which)
    unseen = ~steps.watched(study, grid, coverage)
    return steps.trail(
        lambda state, *now: state.after(grid.step_days, *now),
        Force(np.zeros(2), 0.0, 0.0), np.stack(count), (action > 0) | unseen, (grave > 0) | unseen,
    )  # fmt: skip


def exchange_known(study: Study, grid: Grid, lead: int) -> Exchange:
    """Return what is known of words and talks by period; `lead` of these precede the study."""
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
    begins = [max(r.start, r.published_at) for r in study.spec.regimes if r.kind == "war"]
    war = np.isin(np.arange(grid.n), grid.index(np.asarray(begins, dtype="datetime64[D]")))

    def step(state: Exchange, begun: Bools, *now: Any) -> Exchange:
        state = state._replace(rounds=np.where(begun, 0.0, state.rounds))
        return state.after(grid.step_days, *now)

    start = Exchange(0.0, 0.0, steps.NEVER, steps.NEVER, 1.0 - lead, 0.0, 0.0)
    return steps.trail(step, start, war, walkout, deal, held, contact, rounds)


def exchange_arrays(study: Study, grid: Grid, lead: int) -> dict[str, NDArray]:
    """Return columns of words, offers, and sanctions on the one side that endures (if just one)."""
    out = steps.at(exchange_known(study, grid, lead), slice(-1)).known(grid.step_days)
    walkouts = study.tables.talks.where(label=("cancelled",))
    out["walkout"] = (steps.counts(walkouts, grid, "date") > 0).astype(float)
    at_risk = out.pop("walkout_at_risk") > 0
    spec, events = study.spec, study.tables.events
    if spec.offers is not None:
        seen = steps.watched(study, grid, spec.offers.coverage)
        made = _dyadic(study, spec.offers.made)
        own = [steps.counts(made.where(initiator=side.actors), grid) > 0 for side in spec.sides]
        out |= {
            "concession": np.stack(own) * seen.astype(float),
            "concession_seen": seen,
            "reply_yes": steps.counts(_dyadic(study, ("acceptance", "counter_offer")), grid) * seen,
            "reply_no": steps.counts(_dyadic(study, ("rejection",)), grid) * seen,
            "walkout_at_risk": at_risk & seen,
        }
    enduring = [side for side in spec.sides if side.endurance]
    if spec.sanctions is not None and len(enduring) == 1:
        coercing = next(side for side in spec.sides if side is not enduring[0])
        by, target = (*coercing.actors, *spec.sanctions.initiator), enduring[0].actors
        rows = events.where(kind=("sanction",), initiator=by, target=target)
        seen = steps.watched(study, grid, spec.sanctions.coverage)
        out["sanction"] = (steps.counts(rows, grid) > 0) * seen.astype(float)
        out["sanction_seen"] = seen
    if (matter := spec.agenda) is not None:
        rows = events.where(kind=DIPLOMATIC)
        about = rows.among("zone", matter.zones) | rows.among("red_line", matter.red_lines)
        month = steps.periods_of(steps.MONTH, grid)
        mine, total = (steps.recent(steps.counts(r, grid), month) for r in (rows.take(about), rows))
        out["agenda_share"] = steps.ratio(mine, total)
    return out


def _dyadic(study: Study, kinds: Sequence[str]) -> Records:
    """Return the actions of some kinds by either side's own actors on the other's."""
    rows = study.tables.events.where(kind=kinds)
    return rows.take(_between(study, rows, [side.actors for side in study.spec.sides]))


@dataclass(frozen=True, eq=False)
class Truces:
    """Truce spells on a grid of T periods."""

    rows: Records  # the spells, in the order of time
    first: Ints  # first period in which each is in force
    last: Ints  # last such period, which may lie beyond the grid
    root: Ints  # period in which the first spell of each one's chain was published
    current: Ints  # (T,) the spell in force when the period began; -1 for none

    @property
    def on(self) -> Bools:
        """Whether a spell was in force when the period began, shape (T,)."""
        return self.current >= 0


def _in_force(rows: Records, grid: Grid) -> tuple[Ints, Ints]:
    """Return the first and the last period that begin under each row."""
    first = grid.index(np.maximum(rows["date"], rows["published_at"])) + 1
    ends = np.where(np.isnat(rows["end_published_at"]), rows["date"], rows["end_published_at"])
    return first, np.where(np.isnat(rows["ended"]), grid.n, grid.index(ends))


def truces_of(study: Study, grid: Grid) -> Truces:
    """Place the truce spells of a study on a grid of its periods, or more."""
    rows = study.tables.agreements.where(scope=SCOPES).ordered("published_at", "date")
    current, (first, last) = np.full(grid.n, -1, dtype=np.int64), _in_force(rows, grid)
    root, place = first - 1, {name: k for k, name in enumerate(rows["agreement_id"])}
    for k, parent in enumerate(rows["parent"]):
        current[max(first[k], 0) : max(last[k] + 1, 0)] = k
        if parent in place:
            root[k] = root[place[parent]]
    return Truces(rows, first, last, root, current)


def truce_arrays(study: Study, grid: Grid, actions: Records) -> dict[str, NDArray]:
    """Return the columns of `Observed` that tell of truces, on a grid.

    `actions` are those of `kinetic_actions`. Without a table ``[truce]``, only what is left of
    allies' attacks is returned.
    """
    spec, truces = study.spec, truces_of(study, grid)
    out: dict[str, NDArray] = {}
    others = [tuple(f for f in side.forces if f not in side.actors) for side in spec.sides]
    if spec.proxy is not None:
        allies = others[spec.side_ids.index(spec.proxy.side)]
        attacked = steps.counts(actions.take(actions.among("initiator", allies)), grid) > 0
        out["proxy_attack"] = steps.freshness(attacked & truces.on, steps.PROXY_DAYS, grid)
    if spec.truce is None:
        return out
    hard = actions["severity"] >= spec.truce.breach_severity

    def hits(which: Bools) -> Floats:
        return steps.counts(actions.take(which & hard), grid)

    where = spec.truce.coverage, spec.truce.ends or spec.truce.coverage
    covered = np.stack([steps.watched(study, grid, of) for of in where])
    # A recording that begins because a truce broke is no fair sample of how long truces hold.
    seen, ends_seen = truces.on & covered & steps.before(covered)
    own = actions.among("initiator", (*spec.sides[0].actors, *spec.sides[1].actors))
    breach = (hits(actions["between"]) > 0) & seen
    excluded = spec.excluded.actors if spec.excluded else ()
    foreign = actions.among("initiator", (*others[0], *others[1], "none", *excluded)) & ~own
    unruly = [hits(actions.among("initiator", o)) > 0 for o in others]
    out |= {
        "truce_seen": seen,
        "ends_seen": ends_seen,
        "breach": breach.astype(float),
        "breach_own": hits(own) * seen,
        "breach_other": hits(foreign) * seen,
        "disobeyed": np.stack(unruly) * seen.astype(float),
        "command_seen": np.stack([seen & bool(o) for o in others]),
        "spoiler_open": _spoilers(study, grid, actions) * truces.on,
        "concession_broken": _broken(study, grid, truces),
    }
    return out | _spells(grid, truces, seen & ~breach, ends_seen, breach, spec.truce)


def _spells(
    grid: Grid, truces: Truces, calm: Bools, ends_seen: Bools, breach: Bools, rules: Truce
) -> dict[str, NDArray]:
    """Return age, quiet beginning, deadline and end of the truce spells."""
    rows, now = truces.rows, np.arange(grid.n)
    quiet, near = (steps.periods_of(days, grid) for days in (rules.quiet_days, rules.last_days))
    age, passed, has, at, due = (np.zeros(grid.n) for _ in range(5))
    end, kind = np.zeros(grid.n, dtype=np.int64), np.zeros(grid.n, dtype=np.int64)
    total, past = 0.0, np.zeros(grid.n)
    for k in range(len(rows)):
        mine = truces.current == k
        age[mine] = (now - truces.root[k])[mine]
        start = truces.first[k]
        if start >= 0 and calm[start : start + quiet].all():
            passed[mine & (now >= start + quiet)] = 1.0
        if not np.isnat(rows["deadline"][k]):
            ahead = int(grid.index(rows["deadline"][k])) - now
            has[mine & (ahead >= 0)] = 1.0
            at[mine & (ahead >= 0) & (ahead < near)] = 1.0
            due[mine & (ahead == 0)] = 1.0
        how = rows["end_kind"][k]
        ending = mine & (now == truces.last[k]) & ends_seen
        kind[ending] = KINDS.get(how, 0)
        end[ending] = 1 if how in BROKEN else 2 if KINDS.get(how, 0) > 1 else 0
    for t in np.flatnonzero(truces.on):
        total = 0.0 if age[t] <= 1.0 else total
        past[t] = np.log1p(total)
        total = steps.remember_breach(total, breach[t], grid.step_days)
    return {
        "truce_age": age, "breaches_past": past, "quiet_passed": passed, "has_deadline": has,
        "at_deadline": at, "deadline_now": due, "truce_end": end, "end_kind": kind,
    }  # fmt: skip


def _spoilers(study: Study, grid: Grid, actions: Records) -> Floats:
    """Count the unclaimed actions that are attributed to no side yet, up to a week old."""
    blamed = {s.event: np.datetime64(s.attributed_at, "D") for s in study.spec.spoilers}
    out, span = np.zeros(grid.n), steps.periods_of(SPOILER_DAYS, grid)
    rows = actions.where(initiator=("none",))
    begins = grid.index(rows["published_at"])
    for name, begin in zip(rows["event_id"], begins, strict=True):
        stop = begin + span
        if name in blamed:
            stop = min(stop, int(grid.index(blamed[name])))
        out[max(begin, 0) : max(stop, 0)] += 1.0
    return out


def _broken(study: Study, grid: Grid, truces: Truces) -> Floats:
    """Count the named concessions that were broken since the spell in force began."""
    out = np.zeros(grid.n)
    for concession in study.spec.concessions:
        on = {name: getattr(concession, name) for name in ("initiator", "target", "red_line")}
        hits = steps.counts(study.tables.events.where(kind=concession.kinds, **on), grid) > 0
        for k in range(len(truces.rows)):
            mine = truces.current == k
            out += mine & (np.cumsum(hits & mine) > 0)
    return out


def scope_arrays(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return deals, and agreements in force that are no truces; none without ``[agreements]``."""
    spec, rows = study.spec, study.tables.agreements
    if spec.agreements is None:
        return {}
    seen = steps.watched(study, grid, spec.agreements.coverage)
    extended = rows["agreement_id"][rows.among("end_kind", EXTENDED)]
    # The end of what a row continues is public before the row, so this does not change later.
    new = (rows["mutual"] > 0) & ~rows.among("parent", set(extended) - {""})
    form = rows.among("form", ("signed",))
    signed, unsigned = (steps.counts(rows.take(new & f), grid) * seen for f in (form, ~form))
    turned = [
        (np.datetime64(s.date, "D"), max(int(grid.index(np.datetime64(s.published_at, "D"))), 0))
        for s in spec.shocks
        if s.kind == "turnover"
    ]
    live, ended, changed = (np.zeros((2, grid.n)) for _ in range(3))
    now = np.arange(grid.n)
    for s, scope in enumerate(TRACKED):
        mine = rows.where(scope=(scope,))
        for k, (first, last) in enumerate(zip(*_in_force(mine, grid), strict=True)):
            on = (now >= first) & (now <= last) & seen
            live[s] += on
            ended[s] += on & (now == last) & (mine["end_kind"][k] in BROKEN)
            since = min((known for day, known in turned if mine["date"][k] < day), default=grid.n)
            changed[s] += on & (now > since)
    return {
        "deal_seen": seen,
        "deal": ((signed + unsigned) > 0).astype(float),
        "deal_signed": signed,
        "deal_unsigned": unsigned,
        "scope_live": live,
        "scope_ended": ended,
        "government_changed": steps.ratio(changed, live),
    }
