"""Truces while they last: age, deadlines, breaches, how they end; other agreements in force.

A truce spell counts as in force in the periods that *begin* under it: from the period after its
publication to the one in which its end was published. So what a period's column says of the spell
was known before the period, and what happened in it can be scored against that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.features import steps
from beliefs.features.steps import Bools, Floats, Ints
from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.tables.cells import Records

SCOPES = ("truce", "interim")
TRACKED = ("treaty", "transaction")
EXTENDED = ("extended_unilateral", "extended_mutual")
BROKEN = ("collapse", "terminated", "reversed")
KINDS = {"lapse": 1, "extended_unilateral": 2, "extended_mutual": 3, "deal": 4}
SPOILER_DAYS = 7.0  # an unclaimed action stops being an open question after a week


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
    for k in range(len(rows)):
        current[max(first[k], 0) : max(last[k] + 1, 0)] = k
    return Truces(rows, first, last, _chain_starts(rows, grid), current)


def truce_arrays(
    study: Study, grid: Grid, truces: Truces, actions: Records, dyadic: tuple[Bools, Bools]
) -> dict[str, NDArray]:
    """Return the columns of `Observed` that tell of truces, on a grid.

    `dyadic` tells which of `actions`, all of force, are by a force of one side on the other's own
    actors. Without a table ``[truce]``, only what is left of allies' attacks is returned.
    """
    spec = study.spec
    out: dict[str, NDArray] = {"proxy_attack": _proxy_attack(study, grid, truces, actions)}
    if spec.truce is None:
        return out
    hard = actions["severity"] >= spec.truce.breach_severity

    def hits(which: Bools) -> Floats:
        return steps.counts(actions.take(which & hard), grid)

    covered = steps.watched(study, grid, spec.truce.coverage)
    # A recording that begins because a truce broke is no fair sample of how long truces hold.
    seen = truces.on & covered & steps.before(covered)
    own = actions.among("initiator", (*spec.sides[0].actors, *spec.sides[1].actors))
    breach = (hits(dyadic[0] | dyadic[1]) > 0) & seen
    others = [tuple(f for f in s.forces if f not in s.actors) for s in spec.sides]
    excluded = spec.excluded.actors if spec.excluded else ()
    foreign = actions.among("initiator", (*others[0], *others[1], "none", *excluded)) & ~own
    unruly = [hits(actions.among("initiator", o)) > 0 for o in others]
    out |= {
        "truce_seen": seen,
        "breach": breach.astype(float),
        "breach_own": hits(own) * seen,
        "breach_other": hits(foreign) * seen,
        "disobeyed": np.stack(unruly) * seen.astype(float),
        "command_seen": np.stack([seen & bool(o) for o in others]),
        "spoiler_open": _spoilers(study, grid, actions) * truces.on,
        "concession_broken": _broken(study, grid, truces),
    }
    quiet = steps.periods_of(spec.truce.quiet_days, grid)
    near = steps.periods_of(spec.truce.last_days, grid)
    return out | _spells(grid, truces, seen, breach, quiet, near)


def _spells(
    grid: Grid, truces: Truces, seen: Bools, breach: Bools, quiet: int, near: int
) -> dict[str, NDArray]:
    """Return age, quiet beginning, deadline and end of the truce spells."""
    rows, now = truces.rows, np.arange(grid.n)
    age, passed, has, at, due = (np.zeros(grid.n) for _ in range(5))
    end, kind = np.zeros(grid.n, dtype=np.int64), np.zeros(grid.n, dtype=np.int64)
    for k in range(len(rows)):
        mine = truces.current == k
        age[mine] = (now - truces.root[k])[mine]
        start = truces.first[k]
        if start >= 0:
            own = np.maximum(now - start + 1, 0)
            loud = (own > 0) & ~(seen & ~breach)
            spoilt = steps.fold(lambda s, *x: steps.spoil(s > 0, x[0], quiet, x[1]), 0, own, loud)
            passed[mine & (own > quiet) & (steps.before(spoilt) == 0)] = 1.0
        if not np.isnat(rows["deadline"][k]):
            ahead = int(grid.index(rows["deadline"][k])) - now
            has[mine & (ahead >= 0)] = 1.0
            at[mine & (ahead >= 0) & (ahead < near)] = 1.0
            due[mine & (ahead == 0)] = 1.0
        how = rows["end_kind"][k]
        ending = mine & (now == truces.last[k]) & seen
        kind[ending] = KINDS.get(how, 0)
        end[ending] = 1 if how in BROKEN else 2 if KINDS.get(how, 0) > 1 else 0
    return {
        "truce_age": age, "quiet_passed": passed, "has_deadline": has, "at_deadline": at,
        "deadline_now": due, "truce_end": end, "end_kind": kind,
    }  # fmt: skip


def _chain_starts(rows: Records, grid: Grid) -> Ints:
    """Return the period in which the first spell of each one's chain was published."""
    known = grid.index(np.maximum(rows["date"], rows["published_at"]))
    place = {name: k for k, name in enumerate(rows["agreement_id"])}
    for k, parent in enumerate(rows["parent"]):
        if parent in place:
            known[k] = known[place[parent]]
    return known


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
        rows = study.tables.events.where(
            initiator=concession.initiator,
            kind=concession.kinds,
            target=concession.target,
            red_line=concession.red_line,
        )
        hits = steps.counts(rows, grid) > 0
        for k in range(len(truces.rows)):
            mine = truces.current == k
            out += mine & (np.cumsum(hits & mine) > 0)
    return out


def _proxy_attack(study: Study, grid: Grid, truces: Truces, actions: Records) -> Floats:
    """Return how fresh the last attack in a truce by one side's allies is."""
    if study.spec.proxy is None:
        return np.zeros(grid.n)
    side = next(s for s in study.spec.sides if s.id == study.spec.proxy.side)
    allies = tuple(f for f in side.forces if f not in side.actors)
    mine = actions.take(actions.among("initiator", allies))  # none where there is no ally
    return steps.freshness((steps.counts(mine, grid) > 0) & truces.on, steps.PROXY_DAYS, grid)


def scope_arrays(study: Study, grid: Grid) -> dict[str, NDArray]:
    """Return deals, and agreements in force that are no truces; none without ``[agreements]``."""
    spec, rows = study.spec, study.tables.agreements
    if spec.agreements is None:
        return {}
    seen = steps.watched(study, grid, spec.agreements.coverage)
    extended = rows["agreement_id"][rows.among("end_kind", EXTENDED)]
    # The end of what a row continues is public before the row, so this does not change later.
    new = (rows["mutual"] > 0) & ~rows.among("parent", set(extended) - {""})
    signed = steps.counts(rows.take(new & rows.among("form", ("signed",))), grid) * seen
    unsigned = steps.counts(rows.take(new & ~rows.among("form", ("signed",))), grid) * seen
    turnovers = [s for s in spec.shocks if s.kind == "turnover"]
    live, ended, changed = (np.zeros((2, grid.n)) for _ in range(3))
    now = np.arange(grid.n)
    for s, scope in enumerate(TRACKED):
        mine = rows.where(scope=(scope,))
        for k, (first, last) in enumerate(zip(*_in_force(mine, grid), strict=True)):
            on = (now >= first) & (now <= last) & seen
            live[s] += on
            ended[s] += on & (now == last) & (mine["end_kind"][k] in BROKEN)
            made = mine["date"][k]
            since = [grid.n] + [
                max(int(grid.index(np.datetime64(shock.published_at, "D"))), 0)
                for shock in turnovers
                if made < np.datetime64(shock.date, "D")
            ]
            changed[s] += on & (now > min(since))
    return {
        "deal_seen": seen,
        "deal": ((signed + unsigned) > 0).astype(float),
        "deal_signed": signed,
        "deal_unsigned": unsigned,
        "scope_live": live,
        "scope_ended": ended,
        "government_changed": steps.ratio(changed, live),
    }
