"""Shocks: jumps at declared dates, as against slow news.

A turnover also pulls the belief of the side back towards its level (a new administration
recalibrates), and for a while talks become more or less likely whatever the surplus, as they do
where an economic indicator is past its hinge. A fresh escalation makes conflict dearer to both
sides (in `bargaining`). MODEL section 2.6; claims C13 (economic), C14 (turnover), C15 (escalation),
C16.
"""

from typing import Any

from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Parameter, Params
from beliefs.model.numerics.recurrence import weighted_sum
from beliefs.model.structure import Columns, Structure

PLACE = 5

PARAMETERS = (
    Parameter("shock_jump", pz.Normal(0.0, 0.5), "log-odds", f"C13-C16; {LEARNT}",
        "jump of belief at a declared shock", dims=("side", "shock")),
    Parameter("turnover_reset", pz.Beta(2, 6), "share", "C14",
        "share of the distance from its level that a turnover wipes out", dims=("side",)),
    Parameter("shock_hazard", pz.Normal(0.0, 1.0), "log-odds of talks", "C13-C15",
        "shift of both talk hazards right after a shock of a kind", dims=("shock_kind",)),
    Parameter("escalation_cost", pz.Normal(0.0, 0.3), "log cost", f"C15; {LEARNT}",
        "rise of both sides' cost of conflict right after an escalation"),
    Parameter("economic_hinge", pz.Normal(0.0, 1.0), "log-odds of talks", f"C13; {LEARNT}",
        "shift of both talk hazards while an economic indicator is past its hinge"),
)  # fmt: skip


def push(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the jump of each belief by period, (..., side, time)."""
    if not structure.shocks:
        return 0.0 * columns["turnover"]
    return weighted_sum(xp, params["shock_jump"], columns["shock"])


def keep(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the share of retention left by turnovers, (..., side, time), 1 without any."""
    return 1.0 - params["turnover_reset"][..., None] * columns["turnover"]


def shift(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return what recent shocks and the hinge add to the log-odds of talks, (..., time)."""
    kinds = params["shock_hazard"][..., None, :]
    recent = weighted_sum(xp, kinds, columns["aftermath"])[..., 0, :]
    return recent + params["economic_hinge"][..., None] * columns["hinge"]
