"""Bargaining: the surplus that a settlement would share out, in shares of the stake.

Talks are rational when it is above 0: costs of conflict and the pay-off of talking exceed mutual
optimism, audience costs and the sequencing gap (which waivers cut). Fearon (1995); Blainey (1973);
Wittman (1979). MODEL section 2.7; claims C06, C07, C09, C41, C42, C55, C56.
"""

from typing import Any

from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Parameter, Params, logistic
from beliefs.model.numerics.recurrence import weighted_sum
from beliefs.model.structure import SHOCK_KINDS, Columns, Structure, side_matrix

PLACE = 6
ESCALATION = SHOCK_KINDS.index("escalation")
MAX_LOG_COST = 1.0  # a cost above e = 2.7 stakes says no more; keeps the exponential finite

PARAMETERS = (
    Parameter("log_cost", pz.Normal(-1.9, 0.5), "log share of the stake",
        "Fearon (1995); median 0.15 of the stake is judgement", "cost of conflict to a side",
        dims=("side",), null=float("-inf")),
    Parameter("cost_slope", pz.HalfNormal(0.2), "log cost per sd of level", "C56",
        "how fast cost grows with a cost indicator", dims=("cost_term",)),
    Parameter("talk_payoff", pz.HalfNormal(0.1), "share of the stake", "C55",
        "what talking itself pays"),
    Parameter("sequencing_gap", pz.HalfNormal(0.1), "share of the stake", "C41",
        "surplus lost because relief cannot come both first and last"),
    Parameter("waiver_cut", pz.Beta(2, 2), "share of the gap", "C42",
        "share of the sequencing gap that a waiver in force closes"),
    Parameter("convex_cost", pz.Normal(0.0, 0.2), "log cost per log heavy action suffered",
        f"C56; {LEARNT}", "growth of cost under heavy actions beyond what the listed levels say"),
)  # fmt: skip


def cost(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the cost of conflict of each side, (..., side, time)."""
    sides = side_matrix([term.side for term in structure.cost_terms])
    slopes = params["cost_slope"][..., None, :] * sides
    log_cost = params["log_cost"][..., None] + weighted_sum(xp, slopes, columns["cost"])
    log_cost = log_cost + params["convex_cost"][..., None, None] * columns["heavy"]
    fresh = params["escalation_cost"][..., None] * columns["aftermath"][..., ESCALATION, :]
    log_cost = log_cost + fresh[..., None, :]
    return xp.exp(xp.minimum(log_cost, MAX_LOG_COST))


def balance(pull: Array, drag: Array, p: Array, q: Array) -> Array:
    """Return the surplus from what draws to a bargain, what keeps from it, and both beliefs."""
    optimism = p + q - 1.0
    return pull - optimism - drag


def stakes(
    xp: Any, params: Params, columns: Columns, audience: Array, structure: Structure
) -> tuple[Array, Array]:
    """Return the parts of the surplus without beliefs: pull and drag, each (..., time)."""
    bound = params["audience_effect"][..., None] * audience
    costs = cost(xp, params, columns, structure)
    pull = costs[..., 0, :] + costs[..., 1, :] + params["talk_payoff"][..., None]
    open_share = 1.0 - params["waiver_cut"][..., None] * columns["waiver"]
    gap = params["sequencing_gap"][..., None] * open_share
    return pull, bound[..., 0, :] + bound[..., 1, :] + gap


def lower(xp: Any, belief: Array) -> Array:
    """Return the probability that the less confident side gives itself, (..., time)."""
    return logistic(xp, xp.minimum(belief[..., 0, :], belief[..., 1, :]))


def surplus(
    xp: Any, params: Params, columns: Columns, belief: Array, audience: Array, structure: Structure
) -> Array:
    """Return the bargaining surplus Z in shares of the stake, (..., time)."""
    p = logistic(xp, belief)
    pull, drag = stakes(xp, params, columns, audience, structure)
    return balance(pull, drag, p[..., 0, :], p[..., 1, :])
