"""A backtest for a terminal: skill by target and window, and plainly where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beliefs.errors import counted
from beliefs.evaluation.scores.scorecard import CLIMATOLOGY
from beliefs.evaluation.scores.skilltable import BASE, HEADLINE, standings

if TYPE_CHECKING:
    from beliefs.evaluation.backtest.backtest import Backtest

__all__ = ["plain"]


def plain(found: Backtest) -> str:
    """Return what a backtest showed, as text."""
    frame = found.frame
    lines = [
        f"{found.study}, as of {found.as_of}: {counted(len(frame.origins), 'origin')} every "
        f"{counted(found.every, 'day')} from {frame.origins[0]} to {frame.origins[-1]}, "
        f"{found.draws} futures each",
        "",
    ]
    lines += _table(found, CLIMATOLOGY)
    lines += [
        "",
        "Under each theory: mean score of climatology less the theory's, log score of targets and",
        "CRPS of counts; above 0 the theory forecast better. * the 90 % interval by blocks of",
        "origins lies above 0, x below 0, each taken alone (who wins is said below, allowing for",
        "how many were tried), ? too few windows or changes to say. `came`: windows in which it",
        "came true, of a count in which it was above its median; `events`, `misses`: how many",
        "separate times it did, and did not; `windows`: as many as do not overlap.",
    ]
    if BASE in frame.theories and len(frame.theories) > 1:
        lines += ["", f"Against {BASE}, the base-rate theory learnt from this study:", ""]
        lines += _table(found, BASE)
    lines += ["", *_sentences(found)]
    return "\n".join(lines)


def _table(found: Backtest, against: str) -> list[str]:
    skill = found.skill
    if not len(skill):
        return ["nothing could be scored"]
    head = skill["kind"].map(HEADLINE) == skill["score"]
    mine = skill[(skill["against"] == against) & head]
    theories = [t for t in found.frame.theories if t != against]
    doubted = {(s.target, s.horizon) for s in standings(skill, against) if s.doubt}
    rows = [["target", "days", "n", "came", "events", "misses", "windows", against, *theories]]
    for (target, horizon), part in mine.groupby(["target", "horizon"], sort=False):
        by = {row["forecaster"]: row for row in part.to_dict("records")}
        some = next(iter(by.values()))
        rows.append(
            [
                str(target), str(horizon), str(some["n"]), f"{some['came']:.0f}",
                f"{some['events']:.0f}", f"{some['misses']:.0f}", f"{some['windows']:.1f}",
                f"{some['reference']:.3f}",
                *(_cell(by.get(name), (target, horizon) in doubted) for name in theories),
            ]
        )  # fmt: skip
    if len(rows) == 1:
        return [f"nothing could be scored against {against}"]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return lines


def _cell(row: dict[str, Any] | None, doubted: bool) -> str:
    if row is None:
        return "-"
    low, high = row["low"], row["high"]
    mark = "?" if doubted or low != low else "*" if low > 0.0 else "x" if high < 0.0 else " "
    return f"{row['difference']:+.3f}{mark}"


def _sentences(found: Backtest) -> list[str]:
    """Return where theories beat climatology, where none does, and what was not scored."""
    all_ = found.standings
    won = [s for s in all_ if s.theories]
    named = {id(s): f"{s.target} in {counted(s.horizon, 'day')}" for s in all_}
    lost = [named[id(s)] for s in all_ if not s.theories and not s.doubt]
    doubted = [f"{named[id(s)]} ({s.doubt})" for s in all_ if s.doubt]
    lines = []
    if not won:
        lines.append("No theory beats climatology on any target of this study.")
    lines += [f"Climatology is beaten on {named[id(s)]} by {', '.join(s.theories)}." for s in won]
    if lost and won:
        lines.append("No theory beats climatology on " + "; ".join(lost) + ".")
    if doubted:
        lines.append("Nothing can be said of " + "; ".join(doubted) + ".")
    for horizon in found.horizons:
        if horizon.days not in {s.horizon for s in all_}:
            lines.append(
                f"No window of {counted(horizon.days, 'day')} could be held against climatology: "
                "it needs one such window before the origin, and one after it that was watched "
                "whole."
            )
    n = len(found.frame.origins)
    for theory, passed in zip(found.frame.theories, found.gates, strict=True):
        if passed < n:
            lines.append(
                f"{theory}: the posterior failed its gate at {n - passed} of "
                f"{counted(n, 'origin')}; more particles may help."
            )
    for name, why in found.frame.unscored.items():
        lines.append(f"Not scored: {name}, {why}.")
    return lines
