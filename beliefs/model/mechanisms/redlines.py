r"""Red lines: of the acts that touch a declared line, how many cross it.

.. math:: crossed_{it} \sim \mathrm{Binomial}(touched_{it}, \mathrm{logistic}(crossing_i))

An act touches a line when it is coded to that line, and crosses it from the severity on that the
study declares for the line. For a simulator: `rates` gives ``crossing`` (N, 2) (binomial_logit); an
act at a line that does not cross it stays below the severity of the line (`held_below`).

Claim C24. Source: MODEL section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model import distributions as pz
from beliefs.model.contract import Array, Factor, Parameter, Params, logistic
from beliefs.model.scoring import Observables, Seen
from beliefs.model.structure import Columns, Structure

__all__ = [
    "FACTORS",
    "NAME",
    "crossing_rate",
    "held_below",
    "log_likelihood",
    "parameters",
    "rates",
]

NAME = "redlines"

FACTORS = (Factor("crossing", NAME, ("crossing",), ("crossing",), family="binomial_logit"),)


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare how readily each side crosses a line that it touches."""
    return (
        Parameter(
            "crossing", ("side",), pz.Normal(-2.2, 1.5), 0.0, "log-odds", "C24; judgement",
            "log-odds that an act at a declared line goes beyond it",
        ),
    )  # fmt: skip


def crossing_rate(xp: Any, params: Params) -> Array:
    """Return the probability that an act at a line crosses it, (..., side)."""
    return logistic(xp, params["crossing"])


def _crossing(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    return params["crossing"][..., None]


def _seen(name: str, columns: Columns) -> Seen:
    return Seen(columns["line_cross"], columns["strikes_seen"], columns["line_touch"])


_OBSERVED = Observables(FACTORS, {"crossing": _crossing}, _seen)
log_likelihood, rates = _OBSERVED.log_likelihood, _OBSERVED.rates


def held_below(
    severity: NDArray[np.float64],
    touches: NDArray[Any],
    crosses: NDArray[Any],
    level: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Return severities consistent with what happened at a line.

    Parameters
    ----------
    severity
        Severities as drawn, any shape.
    touches, crosses
        Whether the act touches a line, and whether it crosses it; shape of `severity`.
    level
        Severity from which touching the line is crossing it, broadcastable to `severity`.
    """
    bounded = np.where(crosses, np.maximum(severity, level), np.minimum(severity, level - 1.0))
    return np.where(touches, np.maximum(bounded, 1.0), severity)
