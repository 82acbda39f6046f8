r"""Shocks: jumps at declared dates, as against slow news.

A shock moves each belief by :math:`J_{is}` in its period; a turnover also pulls the belief of the
side back towards its level by a share (a new administration recalibrates); and for a while talks
become more or less likely whatever the surplus (``aftermath``, fading over 14 days). A fresh
escalation makes conflict dearer to both sides; and where an economic indicator is past its hinge
(``hinge``, from 0 to 1) talks are more or less likely, whatever was shocking about it.

Claims C13 (economic), C14 (turnover), C15 (escalation), C16. Source: MODEL section 2.
"""

from __future__ import annotations

from typing import Any

from beliefs.model import distributions as pz
from beliefs.model.contract import Array, Parameter, Params
from beliefs.model.numerics.sums import weighted_sum
from beliefs.model.structure import SHOCK_KINDS, Columns, Structure

__all__ = ["NAME", "cost_shift", "hazard_shift", "jump", "parameters", "reset"]

NAME = "shocks"


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare jumps of belief, turnover resets and shifts of the talk hazard."""
    return (
        Parameter(
            "shock_jump", ("side", "shock"), pz.Normal(0.0, 0.5), 0.0, "log-odds",
            "C13-C16; symmetric so that the sign is learnt", "jump of belief at a declared shock",
        ),
        Parameter(
            "turnover_reset", ("side",), pz.Beta(2, 6), 0.0, "share", "C14",
            "share of the distance from its level that a turnover wipes out",
        ),
        Parameter(
            "shock_hazard", ("shock_kind",), pz.Normal(0.0, 1.0), 0.0, "log-odds of talks",
            "C13-C15", "shift of both talk hazards right after a shock of a kind",
        ),
        Parameter(
            "escalation_cost", (), pz.Normal(0.0, 0.3), 0.0, "log cost",
            "C15; symmetric so that the sign is learnt",
            "rise of both sides' cost of conflict right after an escalation",
        ),
        Parameter(
            "economic_hinge", (), pz.Normal(0.0, 1.0), 0.0, "log-odds of talks",
            "C13; symmetric so that the sign is learnt",
            "shift of both talk hazards while an economic indicator is past its hinge",
        ),
    )  # fmt: skip


def jump(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the jump of each belief by period, (..., side, time)."""
    if not structure.shocks:
        return 0.0 * columns["turnover"]
    return weighted_sum(xp, params["shock_jump"], columns["shock"])


def reset(xp: Any, params: Params, columns: Columns) -> Array:
    """Return the share of retention left by turnovers, (..., side, time), 1 without any."""
    return 1.0 - params["turnover_reset"][..., None] * columns["turnover"]


def hazard_shift(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return what recent shocks and an economy past its hinge add to the log-odds of talks.

    Shape (..., time).
    """
    kinds = params["shock_hazard"][..., None, :]
    recent = weighted_sum(xp, kinds, columns["aftermath"])[..., 0, :]
    return recent + params["economic_hinge"][..., None] * columns["hinge"]


def cost_shift(params: Params, columns: Columns) -> Array:
    """Return what a fresh escalation adds to the log cost of conflict, (..., time)."""
    fresh = columns["aftermath"][..., SHOCK_KINDS.index("escalation"), :]
    return params["escalation_cost"][..., None] * fresh
