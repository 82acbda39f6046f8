r"""Domestic politics: audience costs that build up with hard-line words, and projected confidence.

.. math:: a_{it} = \rho_t a_{i,t-1} + (1 - \rho)\, hardline_{it}, \qquad
          \rho_t = \rho^{w (1 + heat\, truce_t)}

.. math:: bias^{public}_{it} = (\tau_{0i} - \tau_{1i} b_{it})^+

The positive part is smooth (softplus of width 0.1), because a corner stalls gradient sampling.

Claims C09 (prisoners of their own messaging), C10 (projection), C36 (heat dissipates in a truce).
Source: MODEL section 2; Fearon (1994).
"""

from __future__ import annotations

from typing import Any

from beliefs.model import distributions as pz
from beliefs.model.contract import Array, Parameter, Params
from beliefs.model.numerics.recurrence import recur
from beliefs.model.structure import Columns, Structure

__all__ = ["NAME", "audience", "parameters", "projected", "projection"]

NAME = "domestic"
SOFTNESS = 0.1  # log-odds over which the positive part bends


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare memory and price of audience costs, and projection."""
    return (
        Parameter(
            "audience_memory", ("side",), pz.Beta(8, 2), 1.0, "share kept per week",
            "Fearon (1994); rate is judgement", "how long hard-line words bind",
        ),
        Parameter(
            "heat_loss", ("side",), pz.HalfNormal(0.5), 0.0, "extra decay, as a multiple",
            "C36", "how much faster audience costs fade in a truce",
        ),
        Parameter(
            "audience_effect", ("side",), pz.HalfNormal(0.1), 0.0,
            "share of the stake per unit of audience cost", "C09",
            "how much of the bargaining surplus a unit of audience cost eats",
        ),
        Parameter(
            "projection_level", ("side",), pz.HalfNormal(0.5), float("-inf"), "log-odds", "C10",
            "confidence added in public at even odds",
        ),
        Parameter(
            "projection", ("side",), pz.HalfNormal(0.3), 0.0, "log-odds per log-odds", "C10",
            "how much more is added in public for each unit that belief falls",
        ),
    )  # fmt: skip


def audience(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    start: Array | None = None,
) -> Array:
    """Return the audience cost of each side, (..., side, time).

    Parameters
    ----------
    xp, params, columns, structure
        See `beliefs.model.contract`.
    start
        Audience cost of the period before the first, (..., side); 0 when None.
    """
    weekly = xp.log(params["audience_memory"])[..., None]
    rate = structure.step_weeks * (1.0 + params["heat_loss"][..., None] * columns["truce"])
    # The gain is the truce-free one: a truce lets old words fade, it does not amplify new ones.
    gain = 1.0 - xp.exp(structure.step_weeks * weekly)
    drift = gain * columns["hardline"]
    if start is None:
        start = 0.0 * params["audience_effect"]
    return recur(xp, xp.exp(rate * weekly), drift, 0.0 * drift, start)


def projected(xp: Any, level: Array, slope: Array, belief: Array) -> Array:
    """Return the positive part of `level` less `slope` times belief, its corner rounded."""
    raised = level - slope * belief
    return SOFTNESS * xp.logaddexp(0.0, raised / SOFTNESS)


def projection(xp: Any, params: Params, belief: Array, side: Any) -> Array:
    """Return the public bias at a belief, never negative.

    Parameters
    ----------
    xp, params
        See `beliefs.model.contract`.
    belief
        Log-odds, (..., reading).
    side
        Index of the side that speaks, (reading,).
    """
    level, slope = (params[name][..., side] for name in ("projection_level", "projection"))
    return projected(xp, level, slope, belief)
