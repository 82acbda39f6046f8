"""Belief: the log-odds a side privately gives to prevailing, as a leaky sum of news.

News is already read (`evidence`, `shocks`); a confident side misreads its rival's resolve, by the
smooth gate logistic(4 b) for 'while b > 0'. Given the other parameters the recursion is linear
wherever nothing is misread, so an exact Kalman filter is its oracle. MODEL section 2.3; Blainey
(1973); Slantchev and Tarar (2011).
"""

from typing import Any

from beliefs.model import priors as pz
from beliefs.model.contract import Array, Parameter, Params
from beliefs.model.numerics.recurrence import recur
from beliefs.model.structure import Columns, Structure

PLACE = 1

PARAMETERS = (
    Parameter("belief_mean", pz.Normal(0.5, 0.75), "log-odds",
        "C01-C05: both sides start out more confident than not; width is judgement",
        "level that belief drifts back to without news", dims=("side",)),
    Parameter("retention", pz.Beta(20, 1), "share kept per week", "MODEL section 2 (delta)",
        "share of the distance from its level that a belief keeps over a week", dims=("side",),
        null=1.0),
    Parameter("log_volatility", pz.Normal(-2.302585, 0.4), "log of log-odds per square-root week",
        "MODEL section 2 (zero-avoiding: transitions diverged below -3.3)",
        "size of belief moves that no listed news explains", dims=("side",), null=float("-inf")),
    Parameter("initial", pz.Normal(0.0, 0.5), "log-odds", "judgement",
        "distance of belief from its level before the first period", dims=("side",)),
    Parameter("innovation", pz.Normal(0.0, 1.0), "standard deviations",
        "non-centred form, MODEL section 4", "unexplained move of belief in a period",
        dims=("side", "time")),
)  # fmt: skip


def keep(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the share of belief kept over each period without a turnover, (..., side, time)."""
    kept = xp.exp(structure.step_weeks * xp.log(params["retention"]))
    return kept[..., None] + 0.0 * columns["turnover"]


def drift(params: Params, kept: Array, push: Array) -> Array:
    """Return what is added to retained belief in a period before chance, (..., side, time)."""
    return (1.0 - kept) * params["belief_mean"][..., None] + push


def volatility(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the standard deviation of unexplained moves per period, (..., side)."""
    return xp.exp(params["log_volatility"]) * structure.step_weeks**0.5


def start_of(params: Params) -> Array:
    """Return belief in the period before the first, (..., side)."""
    return params["belief_mean"] + params["initial"]


def path(
    xp: Any,
    params: Params,
    structure: Structure,
    *,
    kept: Array,
    push: Array,
    misread: Array,
    start: Array | None = None,
) -> Array:
    """Return belief, (..., side, time), after that of the period before, `start_of` when None."""
    moves = drift(params, kept, push)
    moves = moves + volatility(xp, params, structure)[..., None] * params["innovation"]
    return recur(xp, kept, moves, misread, start_of(params) if start is None else start)
