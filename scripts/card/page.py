"""The model card: what runs showed of theories and studies, and who should keep away.

Every number on the page is computed from summaries of runs, from the studies or from the theories.
The prose that is always the same holds none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evidence import BacktestSummary, CalibrationSummary

from beliefs.cli.options import chosen_theories
from beliefs.evaluation.calibration import COVERAGE
from beliefs.evaluation.scores.skill import LEVEL
from beliefs.evaluation.scores.skilltable import FEWEST_EVENTS
from beliefs.model.theory import Theory
from beliefs.study.load import Study
from card.calibration import calibration_lines, failures
from card.skill import (
    headline,
    losses,
    reliability_lines,
    settings_line,
    skill_tables,
    table,
    unreliable,
)

__all__ = ["model_card"]

_MADE = """\
<!-- Written by `make card` from data/evaluation, the studies and the theories. Do not edit. -->"""
_PURPOSE = """\
`beliefs` infers what two sides of a confrontation privately believe of their chances, and forecasts
talks, strikes, truces and deals, under rival theories. It is made for comparing such theories, for
teaching, and for keeping honest score of forecasts that are registered in advance."""
_KEEP_AWAY = """\
- **Whoever decides on force, sanctions or negotiations.** A probability of talks is no reason to
  wait or to strike. Where the tables below show no skill, neither does the number on your desk.
- **Whoever wants to know what a leader thinks.** A belief here is a latent variable anchored by
  coded acts. Nobody can look it up, nothing below tests it, and it can be wrong as a whole.
- **Whoever trades on it.** What was scored is scored in hindsight: those who chose indicators,
  regimes, shocks and label rules knew how each case went on.
- **Whoever asks what a step would cause.** What-ifs follow from a theory's equations and priors; no
  experiment stands behind them, and no part of this page tests them.
- **Whoever has another conflict.** Skill and calibration hold for the studies named here. Backtest
  your own before you believe a forecast of it.
- **Whoever accuses.** Attribution of acts is taken from the sources as it was reported."""
_LIMITS = """\
- Backtests are of few conflicts, chosen because they are known. Windows overlap; intervals resample
  blocks of origins, and are rough where few blocks fit.
- Rows are kept out until they were published. The choice of what to count is not.
- Calibration says that what is computed is the posterior of the theory. It does not say that the
  theory is true.
- Nothing here was registered before its outcome; `beliefs ledger` is for that."""
_LEGEND = (
    "Cells are the mean score of the baseline less that of the theory, log score of events and "
    f"CRPS of counts: above 0 the theory forecast better. In brackets the {LEVEL:.0%} interval by "
    "circular blocks of origins. `*` the interval lies above 0, `x` below it, `?` nothing can be "
    f"said: fewer than {FEWEST_EVENTS} different events, or too few windows. `n` is the number of "
    "origins, `observed` in how many windows it happened, `events` the number of different "
    "runs of periods in which it did (or `no_crossing` was broken), `windows` as many as "
    "do not overlap. Targets are defined in "
    "[MODEL.md](MODEL.md#1-targets), baselines and scores in its section 7.3."
)

_RANKS = (
    "Parameters are drawn from the prior and studies from the parameters; the truth should then "
    "rank among posterior draws like one more of them ([MODEL.md](MODEL.md), section 6.1). Bands "
    f"hold a calibrated quantity whole with {COVERAGE:.0%} probability; `adjusted` allows for how "
    "many are judged at once (Holm)."
)


def model_card(
    studies: Sequence[Study],
    theories: Sequence[Theory],
    backtests: Sequence[BacktestSummary],
    calibrations: Sequence[CalibrationSummary],
    changes: Sequence[str] = (),
) -> str:
    """Return the model card as Markdown.

    Parameters
    ----------
    studies
        All that the page is about, in the order of the page.
    theories
        Likewise.
    backtests
        One for each study at most, from scripts/evidence.py.
    calibrations
        One for each theory at most.
    changes
        The section on what a rerun changed, from `card.changes`.
    """
    theories = sorted(theories, key=lambda t: t.id)
    order = [s.name for s in studies]
    backtests = sorted(backtests, key=lambda b: order.index(b.about["study"]))
    tested = {b.about["study"] for b in backtests}
    invented = _invented(studies)
    missing = [s.name for s in studies if s.name not in tested and s.name not in invented]
    lines = [
        _MADE,
        "# Model card",
        "",
        headline(backtests, theories, missing),
        "",
    ]
    lines += ["## What it is for", "", _PURPOSE, ""]
    lines += ["## Who should not use it, and for what", "", _KEEP_AWAY, ""]
    lines += ["## Data", "", *_data(studies), ""]
    lines += ["## Theories", "", *_theories(theories), ""]
    lines += ["## Skill", "", _LEGEND, ""]
    for one in backtests:
        lines += [
            f"### `{one.about['study']}`",
            "",
            settings_line(one),
            *_stale(one, studies, theories),
        ]
        lines += [*skill_tables(one), "", *reliability_lines(one), ""]
    lines += changes
    lines += ["## Calibration", "", _RANKS, ""]
    lines += [
        *calibration_lines(calibrations, theories),
        *_stale_calibrations(calibrations, studies, theories),
        "",
    ]
    lines += ["## Where it fails", "", *_fails(backtests, calibrations), ""]
    lines += ["## What this page cannot show", "", _LIMITS, ""]
    lines += ["## Made with", "", *_versions(backtests)]
    return "\n".join(lines).rstrip() + "\n"


def _invented(studies: Sequence[Study]) -> set[str]:
    """Return studies that come with their own truth, because they were drawn from the model."""
    return {s.name for s in studies if (s.path / "truth.json").is_file()}


def _data(studies: Sequence[Study]) -> list[str]:
    rows = [
        [
            "study",
            "period",
            "published values",
            "events",
            "talks",
            "agreements",
            "licences or terms",
        ]
    ]
    invented = _invented(studies)
    for study in studies:
        grid = study.grid
        step = "a day" if grid.step_days == 1 else f"{grid.step_days} days"
        rows.append([
            f"`{study.name}`" + (" (invented)" if study.name in invented else ""),
            f"{grid.dates[0]} to {grid.last_days[-1]}, {grid.n} periods of {step}",
            *(str(len(t)) for t in (study.indicators, study.events, study.talks, study.agreements)),
            "; ".join(_licences(study)) or "this project's",
        ])  # fmt: skip
    hindcasts = [f"`{s.name}`" for s in studies if s.spec.hindcast]
    return [
        *table(rows),
        "",
        f"Hindcasts, built by people who knew how the case went on: {', '.join(hindcasts)}. Each "
        "folder's `SOURCES.md` goes row by row: coverage, dates of publication, caveats.",
    ]


def _licences(study: Study) -> list[str]:
    """Return the licences and terms that tables of the study's SOURCES.md name, each once."""
    found: dict[str, None] = {}
    place = None
    for line in (study.path / "SOURCES.md").read_text(encoding="utf-8").splitlines():
        row = [cell.strip() for cell in line.removeprefix("|").split("|")]
        if not line.startswith("|"):
            place = None
        elif "licence or terms" in row:
            place = row.index("licence or terms")
        elif place is not None and place < len(row) and not re.match(r"as |:?-+:?$|$", row[place]):
            found[row[place]] = None
    return list(found)


def _theories(theories: Sequence[Theory]) -> list[str]:
    rows = [["id", "theory", "source", "beliefs", "mechanisms"]]
    rows += [
        [t.id, f"{t.title} (`{t.name}`)", t.source, "yes" if t.beliefs else "none",
         ", ".join(t.mechanisms)]
        for t in theories
    ]  # fmt: skip
    return [
        *table(rows),
        "",
        "Priors, with units and sources: `beliefs theories --show NAME`. A theory with `P` after "
        "its id has those that earlier conflicts taught it (`--prior population`).",
    ]


def _stale(one: BacktestSummary, studies: Sequence[Study], theories: Sequence[Theory]) -> list[str]:
    """Say what has changed since the runs were made."""
    study = next((s for s in studies if s.name == one.about["study"]), None)
    now = theories
    if study is not None:
        now = chosen_theories([t.id for t in theories], "population", study)
    hashes = {t.id: t.sha256 for t in now}
    gone = [name for name, old in one.about["theories"].items() if hashes.get(name) != old]
    if study is None or study.sha256 != one.about["study_sha256"]:
        gone.insert(0, "the study")
    carried = one.about.get("carried_over")
    return _outdated(gone) + (["", carried] if carried else [])


def _stale_calibrations(
    found: Sequence[CalibrationSummary], studies: Sequence[Study], theories: Sequence[Theory]
) -> list[str]:
    hashes = {t.name: t.sha256 for t in theories}
    gone = [
        o.result["theory"]
        for o in found
        if hashes.get(o.result["theory"]) != o.result["theory_sha256"]
    ]
    return _outdated(gone)


def _outdated(gone: Sequence[str]) -> list[str]:
    if not gone:
        return []
    return ["", f"**Outdated:** {', '.join(gone)} changed since these runs were made."]


def _fails(
    backtests: Sequence[BacktestSummary], calibrations: Sequence[CalibrationSummary]
) -> list[str]:
    """Return everything that runs found wrong, as items."""
    items = [line for one in backtests for line in (*losses(one), *unreliable(one))]
    for one in backtests:
        result = one.about
        for name, passed in result["converged"].items():
            if passed < result["origins"]:
                items.append(
                    f"- `{result['study']}`: {name} failed its convergence check at "
                    f"{result['origins'] - passed} of {result['origins']} origins."
                )
    items += failures(calibrations)
    return items or [
        "No theory was found worse than a baseline, and no convergence check or calibration failed."
    ]


def _versions(backtests: Sequence[BacktestSummary]) -> list[str]:
    out = []
    for one in backtests:
        result = ", ".join(f"{k} {v}" for k, v in one.about["versions"].items())
        out.append(f"- `{one.about['study']}`, content {one.about['study_sha256'][:12]}: {result}")
    return out or ["No backtest has been run."]
