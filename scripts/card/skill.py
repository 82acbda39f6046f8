"""What the model card says of skill: sentences and tables, all computed from summaries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from evidence import BacktestSummary

from beliefs.evaluation.scores.scorecard import CLIMATOLOGY, MARKET, PERSISTENCE
from beliefs.evaluation.scores.skill import LEVEL
from beliefs.evaluation.scores.skilltable import BASE, HEADLINE, Standing, standings
from beliefs.model.theory import Theory
from beliefs.reporting.style import number

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "headline",
    "losses",
    "reliability_lines",
    "settings_line",
    "skill_tables",
    "table",
    "unreliable",
]


def table(rows: Sequence[Sequence[str]], right: int = 0) -> list[str]:
    """Return rows as a Markdown table, the first as its head.

    Parameters
    ----------
    rows
        Cells.
    right
        Columns from this one on are set flush right; 0 for none.
    """
    marks = ["---:" if right and k >= right else "---" for k in range(len(rows[0]))]
    return ["| " + " | ".join(row) + " |" for row in (rows[0], marks, *rows[1:])]


def windows(found: Iterable[Standing]) -> str:
    """Return targets with their windows: ```talks` (7, 30 days), `war` (7 days)``."""
    by: dict[str, list[str]] = {}
    for one in found:
        by.setdefault(one.target, []).append(str(one.horizon))
    return ", ".join(f"`{name}` ({', '.join(days)} days)" for name, days in by.items())


def headline(
    summaries: Sequence[BacktestSummary], theories: Sequence[Theory], missing: Sequence[str]
) -> str:
    """Return the first paragraph of the card: where no theory beats climatology.

    Parameters
    ----------
    summaries
        Of the studies that were backtested.
    theories
        All theories, whether they were backtested or not.
    missing
        Names of bundled studies that were not.
    """
    believing = [t.id for t in theories if t.beliefs]
    said = [_against_both(summaries, believing)] if summaries else []
    if summaries:
        said.append(
            "To beat is to be better after allowing for all theories, targets and windows that "
            "were tried (Holm 1979); a star in the tables below is one comparison by itself."
        )
    for one in summaries:
        said += _study_headline(one)
        if gone := [t.id for t in theories if t.id not in one.about["theories"]]:
            said.append(f"Not backtested on `{one.about['study']}`: {', '.join(gone)}.")
    latent = sorted({name for one in summaries for name in one.about["unscored"]})
    if latent:
        names = ", ".join(f"`{name}`" for name in latent)
        said.append(
            f"What the package is named for, beliefs, cannot be scored at all: of {names} there is "
            "no label that anyone could look up."
        )
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        said.append(f"Not backtested, so that nothing is known of skill there: {names}.")
    return " ".join(said)


def _against_both(summaries: Sequence[BacktestSummary], believing: Sequence[str]) -> str:
    """Say whether beliefs have helped anywhere, beyond what the past and the base rate say."""
    better = []
    for one in summaries:
        by = {
            against: {
                (s.target, s.horizon, t) for s in standings(one.skill, against) for t in s.theories
            }
            for against in (CLIMATOLOGY, BASE)
        }
        better += [
            f"{t} on `{one.about['study']}`, {windows([Standing(target, days, (t,), None)])}"
            for target, days, t in sorted(by[CLIMATOLOGY] & by[BASE])
            if t in believing
        ]
    if not better:
        return (
            "**No theory with beliefs is known to forecast anything better than both climatology "
            f"and the base rate ({BASE}) do.**"
        )
    return (
        f"Theories with beliefs forecast better than both climatology and the base rate ({BASE}) "
        f"only here: {'; '.join(better)}."
    )


def _study_headline(one: BacktestSummary) -> list[str]:
    name = one.about["study"]
    all_ = standings(one.skill)
    won = [s for s in all_ if s.theories]
    lost = [s for s in all_ if not s.theories and not s.doubt]
    doubted = [s for s in all_ if s.doubt]
    out = []
    if won and lost:
        out.append(f"**On `{name}` no theory beats climatology on {windows(lost)}.**")
        out.append(f"It is beaten on {_by(won)}.")
    elif won:
        out.append(f"**On `{name}` climatology is beaten on {_by(won)}.**")
    elif lost:
        out.append(f"**On `{name}` no theory beats climatology on any target**: not on")
        out.append(f"{windows(lost)}.")
    else:
        out.append(f"**On `{name}` no theory beats climatology on any target.**")
    if doubted:
        out.append(
            f"Nothing can be said of {len(doubted)} of its {len(all_)} pairs of target and window: "
            "too little happened, or too few windows fit."
        )
    if len(_judged(one, BASE)):
        better = [s for s in standings(one.skill, BASE) if s.theories]
        rates = f"{BASE}, the base rate without beliefs,"
        out.append(
            f"{rates} is beaten on {_by(better)}."
            if better
            else f"{rates} is beaten by no theory on anything."
        )
    return out


def _by(won: Iterable[Standing]) -> str:
    return "; ".join(f"{windows([s])} by {', '.join(s.theories)}" for s in won)


def settings_line(one: BacktestSummary) -> str:
    """Return how a study was backtested, as a sentence."""
    result = one.about
    converged = [
        f"{name} at {passed} of {result['origins']}"
        for name, passed in result["converged"].items()
        if passed < result["origins"]
    ]
    failed = (
        f" The posterior passed its convergence check only at some origins: {', '.join(converged)}."
    )
    return (
        f"{result['origins']} origins every {result['every']} days from {result['first_origin']} "
        f"to {result['last_origin']}, each as of its day; windows of "
        f"{', '.join(map(str, result['horizons']))} days; {result['particles']} particles, "
        f"{result['draws']} futures, seed {result['seed']}; {', '.join(result['theories'])}."
        + (failed if converged else " The posterior passed its convergence check at every origin.")
    )


def skill_tables(one: BacktestSummary) -> list[str]:
    """Return the tables of skill of a study against every baseline, as Markdown."""
    out: list[str] = []
    titles = {
        CLIMATOLOGY: "Against climatology",
        BASE: f"Against {BASE}, the base rate",
        PERSISTENCE: "Against persistence",
        MARKET: "Against hand-set odds",
    }
    for against, title in titles.items():
        rows = _rows(one, against)
        if len(rows) > 1:
            out += ["", f"{title}:", "", *table(rows, right=1)]
            out += ["", _chance(one, against)]
    gone = [h for h in one.about["horizons"] if h not in set(_head(one, CLIMATOLOGY)["horizon"])]
    if gone:
        out += ["", "No window of " + " or ".join(f"{h} days" for h in gone) + " could be held "
                "against climatology, which needs one such window before the origin, and one after "
                "it that was watched whole."]  # fmt: skip
    return out


def _head(one: BacktestSummary, against: str) -> pd.DataFrame:
    skill = one.skill
    return skill[(skill["kind"].map(HEADLINE) == skill["score"]) & (skill["against"] == against)]


def _rows(one: BacktestSummary, against: str) -> list[list[str]]:
    theories = [t for t in one.about["theories"] if t != against]
    doubted = {(s.target, s.horizon) for s in standings(one.skill, against) if s.doubt}
    rows = [["target", "days", "n", "observed", "events", "windows", against, *theories]]
    for (target, horizon), part in _head(one, against).groupby(["target", "horizon"], sort=False):
        by = {row["forecaster"]: row for row in part.to_dict("records")}
        some = next(iter(by.values()))
        rows.append([
            f"`{target}`", str(horizon), str(some["n"]), f"{some["observed"]:.0f}",
            f"{some['events']:.0f}", f"{some['windows']:.1f}", f"{some['reference']:.2f}",
            *(_cell(by.get(name), (target, horizon) in doubted) for name in theories),
        ])  # fmt: skip
    return rows


def _cell(row: dict[str, Any] | None, doubted: bool) -> str:
    if row is None:
        return ""
    result = number(row["difference"])
    low, high = row["low"], row["high"]
    if low != low:
        return f"{result} ?"
    mark = " ?" if doubted else " *" if low > 0.0 else " x" if high < 0.0 else ""
    return f"{result} ({number(low)} to {number(high)}){mark}"


def _chance(one: BacktestSummary, against: str) -> str:
    """Say how many intervals would leave 0 by chance."""
    judged = _judged(one, against)
    n, tail = len(judged), (1.0 - LEVEL) / 2.0
    if not n:
        return "No interval says anything: too little happened, or too few windows fit."
    above, below = int((judged["low"] > 0.0).sum()), int((judged["high"] < 0.0).sum())
    return (
        f"Of {n} intervals that say anything {above} lie above 0 and {below} below; about "
        f"{tail * n:.1f} would on either side by chance, were no theory better or worse."
    )


def _judged(one: BacktestSummary, against: str) -> pd.DataFrame:
    sure = {(s.target, s.horizon) for s in standings(one.skill, against) if not s.doubt}
    head = _head(one, against)
    mine = [pair in sure for pair in zip(head["target"], head["horizon"], strict=True)]
    return head[np.asarray(mine, dtype=bool)].dropna(subset=["low"])


def losses(one: BacktestSummary) -> list[str]:
    """Return where theories are worse than baselines, as items."""
    out = []
    for against in (CLIMATOLOGY, BASE, PERSISTENCE, MARKET):
        judged = _judged(one, against)
        worse = judged[judged["high"] < 0.0]
        if len(worse):
            by = "; ".join(
                f"{name} on " + windows(Standing(t, h, (), None) for t, h in part)
                for name in worse["forecaster"].unique()
                for part in [
                    worse.loc[worse["forecaster"] == name, ["target", "horizon"]].to_numpy()
                ]
            )
            out.append(f"- `{one.about['study']}`: worse than {against}: {by}.")
    return out


def _bins(one: BacktestSummary) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all bins of theories, and those outside their bands."""
    result = one.reliability
    result = result[result["forecaster"].isin(list(one.about["theories"]))]
    return result, result[
        (result["observed"] < result["low"]) | (result["observed"] > result["high"])
    ]


def unreliable(one: BacktestSummary) -> list[str]:
    """Return what was forecast too seldom or too often, as items."""
    result, wrong = _bins(one)
    if not len(wrong):
        return []
    more = int((wrong["observed"] > wrong["high"]).sum())
    return [
        f"- `{one.about['study']}`: probabilities lie outside their bands in {len(wrong)} of "
        f"{len(result)} bins ({(1.0 - LEVEL) * len(result):.1f} by chance), too low in {more}, too "
        f"high in {len(wrong) - more}."
    ]


def reliability_lines(one: BacktestSummary) -> list[str]:
    """Return a table of the bins in which forecasts of theories were not reliable."""
    result, wrong = _bins(one)
    lines = [
        f"Outside their {LEVEL:.0%} bands lie {len(wrong)} of {len(result)} bins of probability; "
        f"about {(1.0 - LEVEL) * len(result):.1f} would by chance."
    ]
    if len(wrong):
        rows = [["theory", "days", "forecast", "n", "mean forecast", "observed", "band"]]
        rows += [
            [str(row["forecaster"]), str(row["horizon"]), f"{row['from']:.0%} to {row['to']:.0%}",
             str(row["n"]), f"{row['mean_p']:.0%}", f"{row["observed"]:.0%}",
             f"{row['low']:.0%} to {row['high']:.0%}"]
            for row in wrong.to_dict("records")
        ]  # fmt: skip
        lines += ["", *table(rows, right=1)]
    return lines
