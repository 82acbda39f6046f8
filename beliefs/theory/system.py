"""The system: every mechanism's equations in the order in which they feed one another.

``news -> belief -> surplus -> talks``, once, for the PyMC graph, the posterior in NumPy and the
forward simulation alike. A mechanism that a theory leaves out holds its neutral values and so
contributes exactly nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from beliefs.mechanism import bargaining, belief, domestic, evidence, readings, shocks, talks
from beliefs.mechanism.contract import Array, Params
from beliefs.mechanism.structure import Columns, Structure

__all__ = ["Start", "System", "evaluate", "log_likelihoods", "movements"]


@dataclass(frozen=True)
class Start:
    """State of the period before the first, for going on from an origin.

    Attributes
    ----------
    logit_belief, audience
        Shape (..., side).
    """

    logit_belief: Array
    audience: Array


@dataclass(frozen=True)
class System:
    """Latent paths of one evaluation; time is the last axis.

    Attributes
    ----------
    logit_belief, audience
        (..., side, time).
    surplus, onset, continuation
        (..., time): bargaining surplus in shares of the stake, talk hazards per period.
    """

    logit_belief: Array
    audience: Array
    surplus: Array
    onset: Array
    continuation: Array


def movements(
    xp: Any, params: Params, columns: Columns, structure: Structure
) -> tuple[Array, Array, Array]:
    """Return retention, news and misreading of belief by period, each (..., side, time)."""
    kept = belief.retention(xp, params, columns, structure) * shocks.reset(xp, params, columns)
    push = evidence.push(xp, params, columns, structure)
    push = push + shocks.jump(xp, params, columns, structure)
    return kept, push, evidence.misreading(xp, params, columns, structure)


def evaluate(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    start: Start | None = None,
    *,
    logit_belief: Array | None = None,
) -> System:
    """Run all equations over the periods of `columns`.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    params
        Every declared parameter, free or neutral; NumPy arrays may lead with draw dimensions.
    columns
        See `beliefs.mechanism.structure.columns`.
    structure
        Structure of the study.
    start
        State to go on from; the parameters' own start when None.
    logit_belief
        The path of belief where the caller has it already; computed when None.
    """
    if logit_belief is None:
        kept, push, misread = movements(xp, params, columns, structure)
        logit_belief = belief.path(
            xp,
            params,
            structure,
            kept=kept,
            push=push,
            misread=misread,
            start=None if start is None else start.logit_belief,
        )
    bound = domestic.audience(
        xp, params, columns, structure, None if start is None else start.audience
    )
    z = bargaining.surplus(xp, params, columns, logit_belief, bound, structure)
    shift = shocks.hazard_shift(xp, params, columns, structure)
    onset, continuation = talks.hazards(xp, params, columns, z, shift)
    return System(logit_belief, bound, z, onset, continuation)


def log_likelihoods(
    xp: Any, params: Params, columns: Columns, structure: Structure, system: System
) -> dict[str, Array]:
    """Return the log likelihood of each observable: talks (..., time), reading (..., reading).

    Only talks are *scored* between theories; readings are conditioned on.
    """
    return {
        "talks": talks.log_likelihood(xp, columns, system.onset, system.continuation),
        "reading": readings.log_likelihood(xp, params, columns, system.logit_belief, structure),
    }
