"""The headline: every target with its error, its yardstick and its warnings, for people and pipes.

Built from the forecast document alone (`beliefs.forecasting.summary.summarise`), so that what a
script reads and what a person reads are the same numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beliefs.errors import counted
from beliefs.forecasting.targets import TARGETS
from beliefs.inference.diagnose import RELIABLE, Limits
from beliefs.reporting.style import clean, day, interval, percent, points

__all__ = ["Headline", "gate_rows", "headline", "left_out_words", "plain", "read"]

Summary = Mapping[str, Any]
PRIOR_FLAG = "†"
CONFLICT_FLAG = "‡"
FLAG_NOTES = {
    PRIOR_FLAG: "governed by the prior more than by the data",
    CONFLICT_FLAG: "prior and data pull in opposite directions, and other widths of the priors may "
    "give another number",
}


@dataclass(frozen=True)
class Cell:
    """One probability, its Monte-Carlo error, its base rate and its marks (`FLAG_NOTES`)."""

    p: str
    mcse: str
    base: str
    flags: str


@dataclass(frozen=True)
class Row:
    """One target over all windows; `yardstick` is the number of its base rate's source."""

    label: str
    cells: tuple[Cell, ...]
    at_origin: str
    yardstick: int


@dataclass(frozen=True)
class Warned:
    """A warning: its kind, its text, and what a page with more room adds."""

    kind: str
    text: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.kind.upper()}: {self.text}"


@dataclass(frozen=True)
class Headline:
    """All that a headline says, as text.

    Attributes
    ----------
    title, subtitle
        Study and as-of date; theory and what was assumed.
    warnings
        Unfinished period, hindcast, failed gate, prior-dominated, prior and data in conflict,
        weights of the other sign; empty when there is nothing to warn of.
    gate
        One line.
    beliefs
        Side, mean and interval of each current belief.
    windows
        Last day of each window and how many days after the as-of date it lies.
    rows
        Targets of belief and talks.
    settlement
        Targets of conduct; none where it was not simulated.
    endings
        Window and, by cause, how the truce in force first ends, beside base rates.
    notes
        Interventions that change nothing.
    sources
        Sources of the base rates, numbered from 1.
    reference
        Base rates of outcomes that are not modelled: window, rate, source.
    """

    title: str
    subtitle: str
    warnings: tuple[Warned, ...]
    gate: str
    beliefs: tuple[tuple[str, str, str], ...]
    windows: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    settlement: tuple[Row, ...]
    endings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    reference: tuple[tuple[str, str, str], ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """Marks that some probability bears."""
        cells = [cell for row in (*self.rows, *self.settlement) for cell in row.cells]
        return tuple(flag for flag in FLAG_NOTES if any(flag in cell.flags for cell in cells))


def gate_rows(summary: Summary) -> list[tuple[str, str, str, bool]]:
    """Return each convergence check: what was measured, its value, its limit, whether it holds."""
    gate, limits = summary["gate"], Limits()
    ess, least = gate["ess"], f"at least {limits.ess:.0f}"
    if gate.get("kind") == "particles":
        k = gate["pareto_k"]
        return [
            ("effective and different particles", f"{ess:.0f}", least, ess >= limits.ess),
            ("Pareto k of the weights", f"{k:.2f}", f"at most {RELIABLE}", k <= RELIABLE),
        ]
    r_hat, share, energy = gate["r_hat"], gate["divergent_share"], gate["e_bfmi"]
    return [
        ("R-hat", f"{r_hat:.4f}", f"at most {limits.r_hat}", r_hat <= limits.r_hat),
        ("ESS", f"{ess:.0f}", f"{least}; lowest: {clean(gate['worst'])}", ess >= limits.ess),
        ("divergences", f"{100 * share:.2f}%", f"at most {100 * limits.divergent_share:.1f}%",
         share <= limits.divergent_share),
        ("E-BFMI", f"{energy:.2f}", f"at least {limits.e_bfmi}", energy >= limits.e_bfmi),
    ]  # fmt: skip


def gate_line(summary: Summary) -> str:
    """Return what the convergence checks found, beside their limits."""
    found = [f"{name} {value} ({limit})" for name, value, limit, _ in gate_rows(summary)]
    return f"Gate {'passed' if summary['gate']['passed'] else 'FAILED'}: {', '.join(found)}"


def _label(item: Mapping[str, Any], names: Mapping[str, str]) -> str:
    side = names.get(item["side"], clean(item["side"])) if item["side"] else ""
    target = TARGETS[item["target"]]
    text = target.words.format(side=side) + target.rules.get(item.get("rule", ""), "")
    return text + (f", given {clean(item['given'])}" if "given" in item else "")


def left_out_words(days: Mapping[str, Any]) -> str:
    """Return in words what a forecast leaves out, and from when it counts."""
    rows = ", ".join(f"{count} of {name}" for name, count in days["rows"].items()) or "nothing"
    known = ", ".join(day(held) for held in days["talks"])
    talks = f" Talks are known to have been held on {known} and count." if known else ""
    return (
        f"{day(days['from'])} to {day(days['to'])} lie after the last whole period. Rows published "
        f"then are left out ({rows}), and the horizon counts from {day(days['from'])}.{talks}"
    )


def _warnings(summary: Summary) -> tuple[Warned, ...]:
    out = []
    if "left_out" in summary:
        out.append(Warned("Unfinished period", left_out_words(summary["left_out"])))
    if summary["hindcast"]:
        more = (
            f"The model has seen only what was published by {day(summary['as_of'])}; those who "
            "chose its indicators had seen more."
        )
        text = "whoever built this study knew how the case went on."
        out.append(Warned("Hindcast", text, more))
    if summary["allowed_failed"]:
        reasons = "; ".join(clean(f) for f in summary["gate"]["failures"])
        text = f"this forecast was allowed although the fit failed its checks ({reasons}). "
        out.append(Warned("Failed gate", text + "Do not rely on these numbers."))
    targets = summary["targets"]
    flagged = sum(t["prior_dominated"] for t in targets)
    if flagged:
        text = f"{flagged} of {len(targets)} probabilities (marked {PRIOR_FLAG}) follow the prior "
        more = "Read them as what was assumed, not as what was learnt."
        out.append(Warned("Prior-dominated", text + "more than the data.", more))
    torn = sum(t["prior_data_conflict"] for t in targets)
    if torn:
        text = (
            f"{torn} of {len(targets)} probabilities (marked {CONFLICT_FLAG}) are pulled one way "
            "by the prior and the other way by the data. See how far other widths of the priors "
            "move them: beliefs sensitivity."
        )
        out.append(Warned("Prior-data conflict", text))
    if summary.get("reversed_weights"):
        listed = ", ".join(
            f"{clean(w['term'])} ({w['mean']:+.2f}, {percent(w['p_other_sign'])} sure)"
            for w in summary["reversed_weights"]
        )
        text = "news off a side's own scorecard is read against the direction that the study "
        out.append(Warned("Other sign", f"{text}declares: {listed}."))
    return tuple(out)


def _rows(
    items: list[Mapping[str, Any]], dates: list[str], sources: list[str], names: Mapping[str, str]
) -> tuple[Row, ...]:
    """Return one row a target."""
    cells: dict[str, dict[str, Cell]] = {}
    about: dict[str, Mapping[str, Any]] = {}
    for item in items:
        label = _label(item, names)
        about[label] = item
        cells.setdefault(label, {})[item["by"]] = Cell(
            p=percent(item["p"]),
            mcse=points(item["mcse"]),
            base="none" if item["base_rate"] is None else percent(item["base_rate"]),
            flags=PRIOR_FLAG * item["prior_dominated"]
            + CONFLICT_FLAG * item["prior_data_conflict"],
        )
    missing = Cell("–", "–", "–", "")
    return tuple(
        Row(
            label,
            tuple(found.get(by, missing) for by in dates),
            percent(about[label]["at_origin"]) if about[label]["at_origin"] > 0 else "",
            1 + sources.index(clean(about[label]["base_rate_source"])),
        )
        for label, found in cells.items()
    )


def _ending(summary: Summary, by: str) -> str:
    """Return how the truce in force first ends by a date, in words."""
    words = {"unilateral": "one-sided extension", "mutual": "mutual extension"}
    mine = [row for row in summary["endings"] if row["by"] == by]
    parts = [
        f"{words.get(r['cause'], r['cause'])} {percent(r['p'])} (base {percent(r['base_rate'])})"
        for r in mine
    ]
    rest, base = (1.0 - sum(r[key] for r in mine) for key in ("p", "base_rate"))
    parts.append(f"none of these {percent(max(rest, 0.0))} (base {percent(max(base, 0.0))})")
    return ", ".join(parts)


def read(summary: Summary, names: Mapping[str, str] | None = None) -> Headline:
    """Turn a forecast document into the texts of a headline.

    Parameters
    ----------
    summary
        From `beliefs.forecasting.summary.summarise`.
    names
        Words for the side ids; the ids themselves when None.
    """
    names = names or {}
    targets = summary["targets"]
    groups: tuple[list[Any], list[Any]] = ([], [])  # of belief and talks, of actions
    for target in targets:
        groups[TARGETS[target["target"]].kind == "actions"].append(target)
    dates = list(dict.fromkeys(t["by"] for t in targets))
    sources = list(dict.fromkeys(clean(t["base_rate_source"]) for t in targets))
    as_of = dt.date.fromisoformat(summary["as_of"])
    subtitle = f"theory {clean(summary['theory'])}"
    if summary["interventions"]:
        subtitle += "; what if: " + ", ".join(clean(i) for i in summary["interventions"])
    return Headline(
        title=f"{clean(summary['study'])} as of {day(summary['as_of'])}",
        subtitle=subtitle,
        warnings=_warnings(summary),
        gate=gate_line(summary),
        beliefs=tuple(
            (
                names.get(b["side"], clean(b["side"])),
                percent(b["mean"]),
                interval(b["lower"], b["upper"]),
            )
            for b in summary["belief"]
        ),
        windows=tuple((by, (dt.date.fromisoformat(by) - as_of).days) for by in dates),
        rows=_rows(groups[0], dates, sources, names),
        settlement=_rows(groups[1], dates, sources, names),
        endings=tuple((by, _ending(summary, by)) for by in dates if summary.get("endings")),
        notes=tuple(clean(note) for note in summary.get("notes", [])),
        sources=tuple(sources),
        reference=tuple(
            (r["by"], percent(r["base_rate"]), clean(r["base_rate_source"]))
            for r in summary["reference"]
        ),
    )


def _coverage(summary: Summary) -> str:
    return f"{100 * summary['interval']:.0f}% interval"


_NO_BELIEFS = "This theory has no beliefs: it says nothing about cracks and forecasts talks alone."
_HOW = "± is the Monte-Carlo standard error in percentage points"


def headline(summary: Summary) -> Any:
    """Return the headline as a rich renderable, for a terminal.

    Parameters
    ----------
    summary
        From `beliefs.forecasting.summary.summarise`.

    Returns
    -------
    rich.console.Group
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = read(summary)
    # Text, never markup: a label in square brackets is a label.
    parts: list[Any] = [Text(head.title, style="bold"), Text(head.subtitle, style="dim")]
    parts += [Text(str(w), style="bold yellow") for w in head.warnings]
    if head.beliefs:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("Belief that it prevails")
        table.add_column("now", justify="right")
        table.add_column(_coverage(summary), justify="right")
        for side, mean, between in head.beliefs:
            table.add_row(Text(side), mean, between)
        parts.append(table)
    else:
        parts.append(Text(_NO_BELIEFS))
    for title, rows in (("Probability that", head.rows), ("Conduct", head.settlement)):
        if not rows:
            continue
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(title)
        for by, days in head.windows:
            table.add_column(f"in {counted(days, 'day')}\nby {by}", justify="right")
        for row in rows:
            label = Text(row.label)
            if row.at_origin:
                label.append(f"\n  so already at the origin: {row.at_origin}", style="dim")
            cells = []
            for cell in row.cells:
                text = Text(f"{cell.p} ±{cell.mcse}{cell.flags or ' '}", "bold")
                base = f"\nbase {cell.base} [{row.yardstick}]"
                cells.append(text.append(base, style="not bold dim"))
            table.add_row(label, *cells)
        parts.append(table)
    parts += [Text(f"How the truce first ends by {by}: {how}") for by, how in head.endings]
    parts += [Text(line, style="dim") for line in _notes(head)]
    parts.append(Text(head.gate, style="" if summary["gate"]["passed"] else "bold red"))
    return Group(*parts)


def _notes(head: Headline) -> list[str]:
    marks = [f"{flag} {FLAG_NOTES[flag]}" for flag in head.flags]
    notes = ["; ".join([_HOW, *marks])]
    notes += [f"[{n}] base rate: {source}" for n, source in enumerate(head.sources, start=1)]
    settled = "Reference class" if head.settlement else "Not modelled"
    notes += list(head.notes)
    notes += [
        f"{settled}: settlement by {by}, base rate {rate} ({source})"
        for by, rate, source in head.reference
    ]
    return notes


def plain(summary: Summary) -> str:
    """Return the headline as plain text: no colour, no box, one fact a line.

    Parameters
    ----------
    summary
        From `beliefs.forecasting.summary.summarise`.
    """
    head = read(summary)
    lines = [head.title, head.subtitle, *map(str, head.warnings)]
    for side, mean, between in head.beliefs:
        lines.append(f"belief of {side}: {mean} ({_coverage(summary)} {between})")
    if not head.beliefs:
        lines.append(_NO_BELIEFS)
    for number, (by, days) in enumerate(head.windows):
        lines.append(f"by {by} ({counted(days, 'day')}):")
        for row in (*head.rows, *head.settlement):
            cell = row.cells[number]
            flag = f" {cell.flags}" if cell.flags else ""
            now = f"; already at the origin {row.at_origin}" if row.at_origin else ""
            lines.append(
                f"  {row.label}: {cell.p} ±{cell.mcse}{flag} "
                f"(base rate {cell.base} [{row.yardstick}]{now})"
            )
        lines += [f"  the truce first ends by: {how}" for date, how in head.endings if date == by]
    return "\n".join([*lines, *_notes(head), head.gate]) + "\n"
