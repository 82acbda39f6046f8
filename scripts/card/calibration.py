"""What the model card says of calibration, all computed from summaries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evidence import CalibrationSummary
from scipy.stats import binom

from beliefs.evaluation.calibration import GROUPS, LEAST_SIMULATIONS
from beliefs.model.theory import Theory
from card.skill import table

__all__ = ["calibration_lines", "failures", "reason", "spreads"]

WANTED = 200
"""Simulations of a calibration (the default of `beliefs calibrate`)."""
SURE = 2.0  # standard errors beyond which mean or spread of ranks are remarked on


def calibration_lines(found: Sequence[CalibrationSummary], theories: Sequence[Theory]) -> list[str]:
    """Return the table of calibrations, the quantities outside their bands, and what is missing.

    Parameters
    ----------
    found
        One for each theory that was calibrated.
    theories
        All theories.
    """
    ids = {t.name: t.id for t in theories}
    done = sorted(found, key=lambda one: ids.get(one.result["theory"], one.result["theory"]))
    lines: list[str] = []
    if done:
        head = ["theory", "design", "simulations", "particles", "quantities", "outside",
                "by chance", "least adjusted p", "verdict"]  # fmt: skip
        rows = [head, *(_row(one.result, ids) for one in done)]
        lines += table(rows, right=2)
        lines += ["", "Mean spread of the ranks by kind of quantity, above 1 where draws are too "
                  "narrow:", ""]  # fmt: skip
        lines += table([["theory", *GROUPS], *(
            [ids.get(one.result["theory"], one.result["theory"]), *spreads(one).values()]
            for one in done)], right=1)  # fmt: skip
        outside = [
            [ids.get(one.result["theory"], one.result["theory"]), f"`{q['name']}`", f"{q['p']:.4f}",
             f"{q['adjusted']:.3f}", _two(q["mean"]), _two(q["spread"]),
             reason(q, one.result)]
            for one in done for q in one.result["quantities"] if q["outside"]
        ]  # fmt: skip
        if outside:
            head = ["theory", "quantity", "p", "adjusted", "mean rank", "spread", "reason"]
            lines += ["", "Outside their own bands:", "", *table([head, *outside])]
            for one in done:
                lines += _narrow(one.result, ids.get(one.result["theory"], one.result["theory"]))
        else:
            lines += ["", "No quantity lies outside its band."]
        cuts = dict.fromkeys(one.result["cut"] for one in done)
        lines += [line for cut in cuts for line in ("", cut)]
    missing = [
        f"{t.id} `{t.name}`" for t in theories if t.name not in {o.result["theory"] for o in done}
    ]
    if missing:
        lines += [
            "",
            f"**Not calibrated:** {', '.join(missing)}. Whether what is computed under them is "
            "their posterior has been shown by no simulation.",
        ]
    few = [o.result for o in done if o.result["simulations"] < WANTED]
    if few:
        counts = ", ".join(f"{ids.get(t['theory'], t['theory'])} {t['simulations']}" for t in few)
        lines += ["", f"Fewer than {WANTED} simulations: {counts}. Only gross failures show."]
    return lines


def _row(result: dict[str, Any], ids: dict[str, str]) -> list[str]:
    least = min((q["adjusted"] for q in result["quantities"]), default=float("nan"))
    verdict = "calibrated" if result["passed"] else "**not calibrated**"
    if result["simulations"] < LEAST_SIMULATIONS:
        verdict = "too few simulations to say"
    if result["failed"]:
        verdict += f", {len(result['failed'])} could not be done"
    name, study = result["theory"], result["study"]
    return [
        f"{ids.get(name, '')} `{name}`", f"`{study}` to {result['as_of']}",
        str(result["simulations"]), str(result["particles"]), str(result["judged"]),
        str(len(result["outside"])), f"{result['outside_by_chance']:.1f}", f"{least:.3f}", verdict,
    ]  # fmt: skip


def _two(value: float | None) -> str:
    """Return a number in two decimals, nothing where ranks say nothing."""
    return "" if value is None else f"{value:.2f}"


def spreads(one: CalibrationSummary) -> dict[str, str]:
    """Return the mean spread by kind of quantity; empty where there is none."""
    out = {}
    for group in GROUPS:
        mine = [q["spread"] for q in one.result["quantities"] if q["name"].startswith(f"{group}:")]
        out[group] = f"{math.fsum(mine) / len(mine):.3f}" if mine else ""
    return out


def reason(quantity: dict[str, Any], result: dict[str, Any]) -> str:
    """Return what the ranks of a quantity say is wrong, and whether chance would do.

    Parameters
    ----------
    quantity
        A row of ``quantities`` in calibration.json.
    result
        The whole of it.

    Notes
    -----
    Of n uniform numbers the mean has standard error 1/√(12 n), and the variance over its
    expectation √(0.8 / n): the fourth central moment is 1/80.
    """
    n = max(result["simulations"], 1)
    wrong = []
    if quantity["mean"] is None:  # a probability, which has no ranks
        wrong.append("it happened oftener or less often than forecast")
    elif abs(quantity["mean"] - 0.5) > SURE / math.sqrt(12.0 * n):
        side = "above" if quantity["mean"] > 0.5 else "below"
        wrong.append(f"the truth tends to lie {side} the draws")
    if quantity["spread"] is not None and abs(quantity["spread"] - 1.0) > SURE * math.sqrt(0.8 / n):
        wrong.append("draws too " + ("narrow" if quantity["spread"] > 1.0 else "wide"))
    if not wrong:
        wrong.append("shape alone, neither mean nor spread")
    level = 1.0 - result["coverage"]
    if quantity["adjusted"] <= level:
        verdict = "more than chance"
    elif binom.sf(len(result["outside"]) - 1, result["judged"], level) < level:
        verdict = f"with {len(result['outside'])} of {result['judged']} outside, hardly chance"
    else:
        verdict = f"no more than chance among {result['judged']}"
    return f"{', '.join(wrong)}; {verdict}"


def _narrow(result: dict[str, Any], name: str) -> list[str]:
    """Say what draws that are too narrow throughout point to."""
    outside = [q for q in result["quantities"] if q["outside"]]
    narrow = sum("narrow" in reason(q, result) for q in outside)
    if result["passed"] or 2 * narrow <= len(outside):
        return []
    return [
        "",
        f"Under {name} draws are too narrow in {narrow} of {len(outside)} of these. Too few "
        f"particles ({result['particles']}) for so many dimensions would do that "
        "([MODEL.md](MODEL.md), section 6.1); whether they are the cause is not shown here. "
        "Take intervals of this theory for too short.",
    ]


def failures(found: Sequence[CalibrationSummary]) -> list[str]:
    """Return calibrations that did not pass, as items."""
    return [
        f"- Calibration of `{one.result['theory']}`: not passed; {len(one.result['outside'])} of "
        f"{one.result['judged']} quantities outside their bands, {len(one.result['failed'])} "
        "simulations that could not be done."
        for one in found
        if not one.result["passed"]
    ]
