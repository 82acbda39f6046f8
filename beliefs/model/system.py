"""The system: every mechanism's equations in the order in which they feed one another.

``news -> belief -> surplus -> talks``, once, for the PyMC graph, the posterior in NumPy and the
forward simulation alike. A mechanism that a theory leaves out holds its neutral values and so
contributes exactly nothing.

Conduct (strikes, truce, outcomes, diplomacy) stands beside it: each observable is a `Factor` of its
mechanism, and beliefs of the period before are among the columns that it reads.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from beliefs.model.contract import Array, Factor, Params
from beliefs.model.mechanisms import bargaining, belief, domestic, evidence, readings, shocks, talks
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import CONDUCT, Theory, conduct_parameters

__all__ = [
    "Start",
    "System",
    "conduct_factors",
    "conduct_log_likelihoods",
    "evaluate",
    "factors",
    "log_likelihoods",
    "movements",
    "simulate_talks",
]


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
        See `beliefs.model.structure.columns`.
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
    lower = bargaining.lower(xp, logit_belief)
    onset, continuation = talks.hazards(xp, params, columns, z, shift, lower)
    return System(logit_belief, bound, z, onset, continuation)


def simulate_talks(
    uniform: Array,
    params: Params,
    columns: Columns,
    structure: Structure,
    system: System,
    *,
    start: Array,
    age: Array,
) -> tuple[Array, Array, Array]:
    """Draw talks under given beliefs; see `beliefs.model.mechanisms.talks.simulate`."""
    return talks.simulate(
        uniform,
        params,
        columns,
        system.surplus,
        shocks.hazard_shift(np, params, columns, structure),
        bargaining.lower(np, system.logit_belief),
        start=start,
        age=age,
    )


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


def _conduct() -> tuple[ModuleType, ...]:
    return tuple(import_module(f"beliefs.model.mechanisms.{name}") for name in CONDUCT)


def conduct_factors() -> tuple[Factor, ...]:
    """Return every observable of conduct, in the order in which a period takes them in."""
    return tuple(factor for module in _conduct() for factor in module.FACTORS)


def factors(theory: Theory, structure: Structure) -> tuple[Factor, ...]:
    """Return the observables of conduct that a theory explains in a study.

    Its mechanism is on and at least one of its base parameters is free. What a study has no
    dimension for (zones, say) is left out.

    Raises
    ------
    StudyError
        The theory names a parameter that no mechanism declares.
    """
    free = {p.name for p in conduct_parameters(theory, structure)}
    return tuple(
        factor
        for factor in conduct_factors()
        if factor.mechanism in theory.mechanisms and free.intersection(factor.base)
    )


def conduct_log_likelihoods(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    names: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return the log likelihood of observables of conduct, each (..., time), 0 where unseen.

    Parameters
    ----------
    xp
        ``numpy`` or ``pytensor.tensor``.
    params
        Parameters that the observables read, free or neutral; NumPy arrays may lead with draw
        dimensions.
    columns
        From `beliefs.model.structure.conduct_columns`, beliefs of the period before filled in.
    structure
        Structure of the study.
    names
        Names of factors; all when None.
    """
    out: dict[str, Array] = {}
    for module in _conduct():
        mine = [f.name for f in module.FACTORS if names is None or f.name in names]
        if mine:
            out |= module.log_likelihood(xp, params, columns, structure, mine)
    return out
