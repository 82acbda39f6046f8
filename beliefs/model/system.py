"""The system: every mechanism's equations in the order in which they feed one another.

``news -> belief -> surplus -> talks``, once, for the PyMC graph, the posterior in NumPy and the
forward simulation alike. A mechanism that a theory leaves out holds its null values and so
contributes exactly nothing.

Every observable is a `Factor` of its mechanism. Those of actions (strikes, truce, outcomes,
diplomacy) stand beside it: beliefs of the period before are among the columns that they read.
"""

from dataclasses import dataclass
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np

from beliefs.features.steps import TalksPast
from beliefs.model.contract import Array, Factor, Names, Params
from beliefs.model.mechanisms import bargaining, belief, domestic, talks
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, declared, free_parameters, mechanisms


@dataclass(frozen=True)
class Start:
    """State of the period before the first, for going on from an origin; each (..., side)."""

    logit_belief: Array = None
    audience: Array = None


@dataclass(frozen=True)
class System:
    """Latent paths of one evaluation; time is the last axis."""

    # (..., side, time)
    logit_belief: Array
    audience: Array
    # (..., time)
    surplus: Array  # in shares of the stake
    onset: Array  # hazards of talks per period
    continuation: Array


def _from_all(what: str, *given: Any) -> list[Array]:
    """Return what every mechanism that has a function of this name contributes."""
    own = [getattr(module, what, None) for module in mechanisms().values()]
    return [function(*given) for function in own if function is not None]


def movements(
    xp: Any, params: Params, columns: Columns, structure: Structure
) -> tuple[Array, Array, Array]:
    """Return retention, news and misreading of belief by period, each (..., side, time)."""
    given = (xp, params, columns, structure)
    return (
        reduce(mul, _from_all("keep", *given)),
        reduce(add, _from_all("push", *given)),
        reduce(add, _from_all("misread", *given)),
    )


def shift(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return what mechanisms other than talks add to the log-odds of talks, (..., time)."""
    return reduce(add, _from_all("shift", xp, params, columns, structure))


def evaluate(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    start: Start | None = None,
    *,
    logit_belief: Array | None = None,
) -> System:
    """Run all equations over the periods of `columns`, with every declared parameter.

    They go on from the state `start`, or from the parameters' own; `logit_belief` is given where
    the caller has the path of belief already.
    """
    start = start or Start()
    if logit_belief is None:
        kept, push, misread = movements(xp, params, columns, structure)
        logit_belief = belief.path(
            xp, params, structure, kept=kept, push=push, misread=misread, start=start.logit_belief
        )
    bound = domestic.audience(xp, params, columns, structure, start.audience)
    z = bargaining.surplus(xp, params, columns, logit_belief, bound, structure)
    shifted = shift(xp, params, columns, structure)
    lower = bargaining.lower(xp, logit_belief)
    onset, continuation = talks.hazards(xp, params, columns, z, shifted, lower)
    return System(logit_belief, bound, z, onset, continuation)


def simulate_talks(
    u: Array, params: Params, columns: Columns, structure: Structure, run: System, past: TalksPast
) -> tuple[Array, Columns, TalksPast]:
    """Draw talks under given beliefs; see `beliefs.model.mechanisms.talks.simulate`."""
    shifted = shift(np, params, columns, structure)
    lower = bargaining.lower(np, run.logit_belief)
    return talks.simulate(u, params, columns, run.surplus, shifted, lower, past)


def log_likelihoods(
    xp: Any, params: Params, columns: Columns, structure: Structure, system: System
) -> dict[str, Array]:
    """Return the log likelihood of each observable: talks (..., time), reading (..., reading).

    Only what is `Factor.shared` is *scored* between theories; readings are conditioned on.
    """
    given = (xp, params, columns, structure, system)
    return {factor.name: factor.density(*given) for factor in factors_of("belief")}


def factors_of(block: str | None) -> tuple[Factor, ...]:
    """Return every observable of a block, or of both when None, in the order of mechanisms."""
    return tuple(f for m in mechanisms(block).values() for f in getattr(m, "FACTORS", ()))


def factors(theory: Theory, structure: Structure, block: str = "actions") -> tuple[Factor, ...]:
    """Return the observables of a block that a theory explains in a study.

    Of actions, those with a base parameter that is free: what a study has no dimension for (zones,
    say) is left out. Of belief, those that are shared or whose mechanism is on.
    """
    if block == "belief":
        on = {name for name, (m, _) in declared(structure).items() if m in theory.mechanisms}
        return tuple(f for f in factors_of(block) if f.shared or on.issuperset(f.base))
    free = {p.name for p in free_parameters(theory, structure, block)}
    return tuple(f for f in factors_of(block) if free.intersection(f.base))


def action_log_likelihoods(
    xp: Any, params: Params, columns: Columns, structure: Structure, names: Names = None
) -> dict[str, Array]:
    """Return the log likelihood of observables of actions, each (..., time), 0 where unseen.

    Of the factors `names`, all when None. Only the parameters that they read must be there;
    `columns` are those of `beliefs.model.structure.action_columns`, beliefs of the period before
    filled in.
    """
    out: dict[str, Array] = {}
    for module in mechanisms("actions").values():
        mine = [f.name for f in module.FACTORS if names is None or f.name in names]
        if mine:
            out |= module.log_likelihood(xp, params, columns, structure, mine)
    return out
