"""What a terminal shows: the headline of a forecast, the skill of a backtest.

The headline has every target with its error, its base rate and its warnings. It is built from the
forecast document alone (`beliefs.summarise`): a script and a person read the same numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from beliefs.errors import counted
from beliefs.evaluation.scores.scorecard import CLIMATOLOGY
from beliefs.evaluation.scores.skilltable import BASE, HEADLINE, standings
from beliefs.forecasting.targets import CAUSE_WORDS, TARGETS
from beliefs.inference.diagnose import RELIABLE, Limits
from beliefs.reporting.style import clean, day, interval, percent, points

if TYPE_CHECKING:
    from beliefs.evaluation.backtest.backtest import Backtest

Summary = Mapping[str, Any]
PRIOR_FLAG = "†"
CONFLICT_FLAG = "‡"
FLAG_NOTES = {
    PRIOR_FLAG: "governed by the prior more than by the data",
    CONFLICT_FLAG: "prior and data pull in opposite directions, and other widths of the priors may "
    "give another number",
}
_NO_BELIEFS = "This theory has no beliefs: it says nothing about cracks or rational talks."
_HOW = "± is the Monte-Carlo standard error in percentage points"


class Cell(NamedTuple):
    """One probability, its Monte-Carlo error, its base rate and its marks (`FLAG_NOTES`)."""

    p: str = "–"
    mcse: str = "–"
    base: str = "–"
    flags: str = ""


class Row(NamedTuple):
    """One target over all windows; `baseline` is the number of its base rate's source."""

    label: str
    cells: tuple[Cell, ...]
    at_origin: str
    baseline: int


class Warned(NamedTuple):
    """A warning: its kind, its text, and what a page with more room adds."""

    kind: str
    text: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.kind.upper()}: {self.text}"


@dataclass(frozen=True)
class Headline:
    """All that a headline says, as text."""

    title: str
    subtitle: str
    warnings: tuple[Warned, ...]
    convergence: str
    coverage: str  # of intervals
    beliefs: tuple[tuple[str, str, str], ...]  # side, mean, interval
    windows: tuple[tuple[str, int], ...]  # last day, and days after the as-of date
    rows: tuple[Row, ...]  # belief and talks
    actions: tuple[Row, ...]  # of force and diplomacy; none where they were not simulated
    endings: tuple[tuple[str, str], ...]  # window, how the truce in force first ends
    notes: tuple[str, ...]  # interventions that change nothing
    sources: tuple[str, ...]  # of base rates, numbered from 1
    reference: tuple[tuple[str, str, str], ...]  # not modelled: window, base rate, its source

    @property
    def flags(self) -> list[str]:
        """Marks that some probability bears."""
        borne = {cell.flags for row in (*self.rows, *self.actions) for cell in row.cells}
        return [flag for flag in FLAG_NOTES if flag in "".join(borne)]

    @property
    def footnotes(self) -> list[str]:
        """What marks mean, and where base rates come from."""
        marks = [f"{flag} {FLAG_NOTES[flag]}" for flag in self.flags]
        settled = "Reference class" if self.actions else "Not modelled"
        return [
            "; ".join([_HOW, *marks]),
            *(f"[{n}] base rate: {source}" for n, source in enumerate(self.sources, start=1)),
            *self.notes,
            *(f"{settled}: settlement by {by}, base rate {rate} ({source})"
              for by, rate, source in self.reference),
        ]  # fmt: skip


def convergence_rows(summary: Summary) -> list[tuple[str, str, str, bool]]:
    """Return each convergence check: what was measured, its value, its limit, whether it holds."""
    convergence, limits = summary["convergence"], Limits()
    ess, least = convergence["ess"], f"at least {limits.ess:.0f}"
    if convergence.get("kind") == "particles":
        k = convergence["pareto_k"]
        return [
            ("effective and different particles", f"{ess:.0f}", least, ess >= limits.ess),
            ("Pareto k of the weights", f"{k:.2f}", f"at most {RELIABLE}", k <= RELIABLE),
        ]
    r_hat, share, energy = (convergence[k] for k in ("r_hat", "divergent_share", "e_bfmi"))
    return [
        ("R-hat", f"{r_hat:.4f}", f"at most {limits.r_hat}", r_hat <= limits.r_hat),
        ("ESS", f"{ess:.0f}", f"{least}; lowest: {clean(convergence['worst'])}", ess >= limits.ess),
        ("divergences", f"{100 * share:.2f}%", f"at most {100 * limits.divergent_share:.1f}%",
         share <= limits.divergent_share),
        ("E-BFMI", f"{energy:.2f}", f"at least {limits.e_bfmi}", energy >= limits.e_bfmi),
    ]  # fmt: skip


def left_out_words(days: Mapping[str, Any]) -> str:
    """Return in words what a forecast leaves out, and from when it counts."""
    rows = ", ".join(f"{count} of {name}" for name, count in days["rows"].items()) or "nothing"
    known = ", ".join(day(held) for held in days["talks"])
    talks = f" Talks are known to have been held on {known} and count." if known else ""
    return (
        f"{day(days['from'])} to {day(days['to'])} lie after the last whole period. Rows published "
        f"then are left out ({rows}), and the horizon counts from {day(days['from'])}.{talks}"
    )


def _warnings(summary: Summary) -> Iterator[Warned]:
    if "left_out" in summary:
        yield Warned("Unfinished period", left_out_words(summary["left_out"]))
    if summary["hindcast"]:
        yield Warned(
            "Hindcast",
            "whoever built this study knew how the case went on.",
            f"The model has seen only what was published by {day(summary['as_of'])}; those who "
            "chose its indicators had seen more.",
        )
    if summary["allowed_failed"]:
        reasons = "; ".join(clean(f) for f in summary["convergence"]["failures"])
        yield Warned(
            "Failed convergence check",
            f"this forecast was allowed although the fit failed its checks ({reasons}). "
            "Do not rely on these numbers.",
        )
    targets = summary["targets"]
    if flagged := sum(t["prior_dominated"] for t in targets):
        yield Warned(
            "Prior-dominated",
            f"{flagged} of {len(targets)} probabilities (marked {PRIOR_FLAG}) follow the prior "
            "more than the data.",
            "Read them as what was assumed, not as what was learnt.",
        )
    if torn := sum(t["prior_data_conflict"] for t in targets):
        yield Warned(
            "Prior-data conflict",
            f"{torn} of {len(targets)} probabilities (marked {CONFLICT_FLAG}) are pulled one way "
            "by the prior and the other way by the data. See how far other widths of the priors "
            "move them: beliefs sensitivity.",
        )
    if listed := ", ".join(
        f"{clean(w['term'])} ({w['mean']:+.2f}, {percent(w['p_other_sign'])} sure)"
        for w in summary.get("reversed_weights", ())
    ):
        text = "news off a side's own scorecard is read against the direction that the study "
        yield Warned("Other sign", f"{text}declares: {listed}.")


def _label(item: Mapping[str, Any], names: Mapping[str, str]) -> str:
    side = names.get(item["side"], clean(item["side"])) if item["side"] else ""
    target = TARGETS[item["target"]]
    text = target.words.format(side=side) + target.rules.get(item.get("rule", ""), "")
    return text + (f", given {clean(item['given'])}" if "given" in item else "")


def _rows(
    summary: Summary, actions: bool, sources: Sequence[str], names: Mapping[str, str]
) -> tuple[Row, ...]:
    """Return one row a target, of actions or of belief and talks."""
    dates = dict.fromkeys(item["by"] for item in summary["targets"])
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for item in summary["targets"]:
        if actions == (TARGETS[item["target"]].kind == "actions"):
            found.setdefault(_label(item, names), {})[item["by"]] = item
    rows = []
    for label, windows in found.items():
        last = list(windows.values())[-1]
        now = percent(last["at_origin"]) if last["at_origin"] > 0 else ""
        baseline = 1 + sources.index(clean(last["base_rate_source"]))
        cells = (_cell(windows[by]) if by in windows else Cell() for by in dates)
        rows.append(Row(label, tuple(cells), now, baseline))
    return tuple(rows)


def _cell(item: Mapping[str, Any]) -> Cell:
    base = "none" if item["base_rate"] is None else percent(item["base_rate"])
    flags = PRIOR_FLAG * item["prior_dominated"] + CONFLICT_FLAG * item["prior_data_conflict"]
    return Cell(percent(item["p"]), points(item["mcse"]), base, flags)


def _ending(summary: Summary, by: str) -> str:
    """Return how the truce in force first ends by a date, in words."""
    mine = [row for row in summary["endings"] if row["by"] == by]
    shares = [(CAUSE_WORDS.get(r["cause"], r["cause"]), r["p"], r["base_rate"]) for r in mine]
    rest, base = (max(1.0 - sum(r[key] for r in mine), 0.0) for key in ("p", "base_rate"))
    return ", ".join(
        f"{words} {percent(p)} (base {percent(rate)})"
        for words, p, rate in [*shares, ("none of these", rest, base)]
    )


def read(summary: Summary, names: Mapping[str, str] | None = None) -> Headline:
    """Turn a forecast document into the texts of a headline; `names` are words for side ids."""
    names = names or {}
    dates = list(dict.fromkeys(t["by"] for t in summary["targets"]))
    sources = tuple(dict.fromkeys(clean(t["base_rate_source"]) for t in summary["targets"]))
    as_of = dt.date.fromisoformat(summary["as_of"])
    found = [f"{name} {value} ({limit})" for name, value, limit, _ in convergence_rows(summary)]
    passed = "passed" if summary["convergence"]["passed"] else "FAILED"
    subtitle = f"theory {clean(summary['theory'])}"
    if "informed" in summary:
        subtitle += f"; priors of {clean(summary['informed'].partition(': ')[2])}"
    if summary["interventions"]:
        subtitle += "; what if: " + ", ".join(clean(i) for i in summary["interventions"])
    return Headline(
        title=f"{clean(summary['study'])} as of {day(summary['as_of'])}",
        subtitle=subtitle,
        warnings=tuple(_warnings(summary)),
        convergence=f"Convergence check {passed}: {', '.join(found)}",
        coverage=f"{100 * summary['interval']:.0f}% interval",
        beliefs=tuple(
            (names.get(b["side"], clean(b["side"])), percent(b["mean"]),
             interval(b["lower"], b["upper"]))
            for b in summary["belief"]
        ),
        windows=tuple((by, (dt.date.fromisoformat(by) - as_of).days) for by in dates),
        rows=_rows(summary, False, sources, names),
        actions=_rows(summary, True, sources, names),
        endings=tuple((by, _ending(summary, by)) for by in dates if summary.get("endings")),
        notes=tuple(clean(note) for note in summary.get("notes", [])),
        sources=sources,
        reference=tuple(
            (r["by"], percent(r["base_rate"]), clean(r["base_rate_source"]))
            for r in summary["reference"]
        ),
    )  # fmt: skip


def headline(summary: Summary) -> Group:
    """Return the headline for a terminal; texts are never read as markup."""
    head = read(summary)
    parts: list[Any] = [Text(head.title, style="bold"), Text(head.subtitle, style="dim")]
    parts += [Text(str(w), style="bold yellow") for w in head.warnings]
    if head.beliefs:
        table = _table("Belief that it prevails", "now", head.coverage)
        for side, mean, between in head.beliefs:
            table.add_row(Text(side), mean, between)
        parts.append(table)
    else:
        parts.append(Text(_NO_BELIEFS))
    windows = [f"in {counted(days, 'day')}\nby {by}" for by, days in head.windows]
    for title, rows in (("Probability that", head.rows), ("Actions", head.actions)):
        if not rows:
            continue
        table = _table(title, *windows)
        for row in rows:
            label = Text(row.label)
            if row.at_origin:
                label.append(f"\n  so already at the origin: {row.at_origin}", style="dim")
            cells = []
            for cell in row.cells:
                text = Text(f"{cell.p} ±{cell.mcse}{cell.flags or ' '}", "bold")
                base = f"\nbase {cell.base} [{row.baseline}]"
                cells.append(text.append(base, style="not bold dim"))
            table.add_row(label, *cells)
        parts.append(table)
    parts += [Text(f"How the truce first ends by {by}: {how}") for by, how in head.endings]
    parts += [Text(line, style="dim") for line in head.footnotes]
    style = "" if summary["convergence"]["passed"] else "bold red"
    return Group(*parts, Text(head.convergence, style=style))


def _table(title: str, *columns: str) -> Table:
    table = Table(title, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def plain(summary: Summary) -> str:
    """Return the headline as plain text: no colour, no box, one fact a line."""
    head = read(summary)
    lines = [head.title, head.subtitle, *map(str, head.warnings)]
    for side, mean, between in head.beliefs:
        lines.append(f"belief of {side}: {mean} ({head.coverage} {between})")
    if not head.beliefs:
        lines.append(_NO_BELIEFS)
    for number, (by, days) in enumerate(head.windows):
        lines.append(f"by {by} ({counted(days, 'day')}):")
        for row in (*head.rows, *head.actions):
            cell = row.cells[number]
            flag = f" {cell.flags}" if cell.flags else ""
            now = f"; already at the origin {row.at_origin}" if row.at_origin else ""
            lines.append(
                f"  {row.label}: {cell.p} ±{cell.mcse}{flag} "
                f"(base rate {cell.base} [{row.baseline}]{now})"
            )
        lines += [f"  the truce first ends by: {how}" for date, how in head.endings if date == by]
    return "\n".join([*lines, *head.footnotes, head.convergence]) + "\n"


def backtest_text(found: Backtest) -> str:
    """Return what a backtest showed: skill by target and window, or plainly that there is none."""
    frame = found.frame
    lines = [
        f"{found.study}, as of {found.as_of}: {counted(len(frame.origins), 'origin')} every "
        f"{counted(found.every, 'day')} from {frame.origins[0]} to {frame.origins[-1]}, "
        f"{found.draws} futures each",
        "",
        *_skill(found, CLIMATOLOGY),
        "",
        "Under each theory: mean score of climatology less the theory's, log score of targets and",
        "CRPS of counts; above 0 the theory forecast better. * the 90 % interval by blocks of",
        "origins lies above 0, x below 0, each taken alone (who wins is said below, allowing for",
        "how many were tried), ? too few windows or changes to say. `observed`: windows in which",
        "it happened, of a count in which it was above its median; `events`, `misses`: how many",
        "separate times it did, and did not; `windows`: as many as do not overlap.",
    ]
    if BASE in frame.theories and len(frame.theories) > 1:
        lines += ["", f"Against {BASE}, the base-rate theory learnt from this study:", ""]
        lines += _skill(found, BASE)
    return "\n".join([*lines, "", *_sentences(found)])


def aligned(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Return rows as lines; columns are flush right but for the one at place `left`."""
    columns = []
    for place, column in enumerate(zip(*rows, strict=True)):
        width = max(map(len, column))
        columns.append([c.ljust(width) if place == left else c.rjust(width) for c in column])
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _skill(found: Backtest, against: str) -> list[str]:
    skill = found.skill
    if not len(skill):
        return ["nothing could be scored"]
    head = skill["kind"].map(HEADLINE) == skill["score"]
    mine = skill[(skill["against"] == against) & head]
    theories = [t for t in found.frame.theories if t != against]
    doubted = {(s.target, s.horizon) for s in standings(skill, against) if s.doubt}
    rows = [["target", "days", "n", "observed", "events", "misses", "windows", against, *theories]]
    for (target, horizon), part in mine.groupby(["target", "horizon"], sort=False):
        by = {row["forecaster"]: row for row in part.to_dict("records")}
        some = next(iter(by.values()))
        rows.append(
            [
                str(target), str(horizon), str(some["n"]), f"{some["observed"]:.0f}",
                f"{some['events']:.0f}", f"{some['misses']:.0f}", f"{some['windows']:.1f}",
                f"{some['reference']:.3f}",
                *(_difference(by.get(name), (target, horizon) in doubted) for name in theories),
            ]
        )  # fmt: skip
    if len(rows) == 1:
        return [f"nothing could be scored against {against}"]
    return aligned(rows, left=0)


def _difference(row: Mapping[str, Any] | None, doubted: bool) -> str:
    if row is None:
        return "-"
    low, high = row["low"], row["high"]
    mark = "?" if doubted or low != low else "*" if low > 0.0 else "x" if high < 0.0 else " "
    return f"{row['difference']:+.3f}{mark}"


def _sentences(found: Backtest) -> Iterator[str]:
    """Say where theories beat climatology, where none does, and what was not scored."""
    standing = [(f"{s.target} in {counted(s.horizon, 'day')}", s) for s in found.standings]
    won = [f"{named} by {', '.join(s.theories)}" for named, s in standing if s.theories]
    lost = [named for named, s in standing if not s.theories and not s.doubt]
    doubted = [f"{named} ({s.doubt})" for named, s in standing if s.doubt]
    if not won:
        yield "No theory beats climatology on any target of this study."
    for what in won:
        yield f"Climatology is beaten on {what}."
    if lost and won:
        yield "No theory beats climatology on " + "; ".join(lost) + "."
    if doubted:
        yield "Nothing can be said of " + "; ".join(doubted) + "."
    for horizon in found.horizons:
        if horizon.days not in {s.horizon for _, s in standing}:
            yield (
                f"No window of {counted(horizon.days, 'day')} could be held against climatology: "
                "it needs one such window before the origin, and one after it that was watched "
                "whole."
            )
    n = len(found.frame.origins)
    for theory, passed in zip(found.frame.theories, found.converged, strict=True):
        if passed < n:
            yield (
                f"{theory}: the posterior failed its convergence check at {n - passed} of "
                f"{counted(n, 'origin')}; more particles may help."
            )
    for name, why in found.frame.unscored.items():
        yield f"Not scored: {name}, {why}."
