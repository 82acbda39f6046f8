"""Domestic politics: audience costs that build up with hard-line words, and projected confidence.

MODEL section 2.5; Fearon (1994). Claims C09, C10 (projection), C36 (heat fades in a truce).
"""

from typing import Any

from beliefs.model import priors as pz
from beliefs.model.contract import Array, Parameter, Params
from beliefs.model.numerics.recurrence import recur
from beliefs.model.structure import Columns, Structure

PLACE = 4
SOFTNESS = 0.1  # log-odds over which the positive part is smooth

PARAMETERS = (
    Parameter("audience_memory", pz.Beta(8, 2), "share kept per week",
        "Fearon (1994); rate is judgement", "how long hard-line words bind", dims=("side",),
        null=1.0),
    Parameter("heat_loss", pz.HalfNormal(0.5), "extra decay, as a multiple", "C36",
        "how much faster audience costs fade in a truce", dims=("side",)),
    Parameter("audience_effect", pz.HalfNormal(0.1), "share of the stake per unit of audience cost",
        "C09", "how much of the bargaining surplus a unit of audience cost eats", dims=("side",)),
    Parameter("projection_level", pz.HalfNormal(0.5), "log-odds", "C10",
        "confidence added in public at even odds", dims=("side",), null=float("-inf")),
    Parameter("projection", pz.HalfNormal(0.3), "log-odds per log-odds", "C10",
        "how much more is added in public for each unit that belief falls", dims=("side",)),
)  # fmt: skip


def audience(
    xp: Any, params: Params, columns: Columns, structure: Structure, start: Array | None = None
) -> Array:
    """Return audience costs, (..., side, time), after those of the period before, 0 when None."""
    weekly = xp.log(params["audience_memory"])[..., None]
    rate = structure.step_weeks * (1.0 + params["heat_loss"][..., None] * columns["truce"])
    # The gain is the truce-free one: a truce lets old words fade, it does not amplify new ones.
    drift = (1.0 - xp.exp(structure.step_weeks * weekly)) * columns["hardline"]
    if start is None:
        start = 0.0 * params["audience_effect"]
    return recur(xp, xp.exp(rate * weekly), drift, 0.0 * drift, start)


def projected(xp: Any, level: Array, slope: Array, belief: Array) -> Array:
    """Return the positive part of `level` less `slope` times belief, its corner rounded."""
    raised = level - slope * belief
    return SOFTNESS * xp.logaddexp(0.0, raised / SOFTNESS)


def projection(xp: Any, params: Params, belief: Array, side: Any) -> Array:
    """Return the public bias, never negative, of sides (reading,) at beliefs (..., reading)."""
    level, slope = (params[name][..., side] for name in ("projection_level", "projection"))
    return projected(xp, level, slope, belief)
