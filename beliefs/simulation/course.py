"""How a period ends: collapse, resolution, lapse, the ladder of peace, deals and reversals.

Observables that can happen together are drawn so that each keeps the probability that its
mechanism gives it. A truce that collapses is not resolved. One that is resolved by a deal makes the
deal of the period; other deals come with what then is left of the probability of a deal. A lapse is
a deadline that passes unresolved. Rungs move by the ladder's own hazards while no truce is in
force; in a truce it is the truce that ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model.mechanisms import outcomes, truce
from beliefs.model.mechanisms.observation import draw, probability
from beliefs.simulation.acts import TRUCE, WAR, Params
from beliefs.simulation.bend_conduct import Bends
from beliefs.simulation.setting import Setting
from beliefs.simulation.state import State
from beliefs.simulation.streams import Streams
from beliefs.study.tables.codebook import REGIME_KINDS, RUNGS

__all__ = ["COLLAPSE", "KIND_OF_PHASE", "Course", "Fixed", "fixed_shares", "run_course"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LAPSE, UNILATERAL, MUTUAL, DEAL, COLLAPSE = 1, 2, 3, 4, 5
"""How windows end: `beliefs.model.mechanisms.outcomes.KINDS`, and collapse."""
OPEN_WAR, FRICTION = RUNGS.index("open_war"), RUNGS.index("friction")
TRUCE_RUNG, NEGATIVE = RUNGS.index("truce"), RUNGS.index("negative_peace")
KIND_OF_PHASE = np.array([REGIME_KINDS.index(k) for k in ("none", "truce", "war")])
_PHASE_OF = np.array([WAR, 0, TRUCE, 0, 0])  # by rung


@dataclass(frozen=True, eq=False)
class Course:
    """How a period ended for N futures.

    Attributes
    ----------
    ended
        (N,) how the window ended or went on: 0 not at all, else a number of the head.
    deal, signed
        (N,) of bool.
    reversed
        (N, 2) agreements that ended, by scope.
    state
        The futures afterwards.
    """

    ended: Ints
    deal: Bools
    signed: Bools
    reversed: Floats
    state: State


@dataclass(frozen=True, eq=False)
class Fixed:
    """What does not change from period to period: shares of how windows go on, and the ladder.

    Attributes
    ----------
    kinds
        (N, 3) distribution function of unilateral extension, mutual extension and deal.
    ladder
        (N, 5, 4) by rung: staying, a move up, one that leaves out a rung, a move down.
    """

    kinds: Floats
    ladder: Floats


def fixed_shares(setting: Setting, params: Params, samples: int) -> Fixed:
    """Return what a set of parameters says of windows that go on, and of the ladder."""
    kinds = np.broadcast_to([1.0, 1.0, 1.0], (samples, 3))
    if "kind" in setting.names:
        shares = outcomes.rates(
            params, {"has_deadline": np.zeros(())}, setting.structure, ("kind",)
        )
        kinds = np.broadcast_to(np.cumsum(shares["kind"][..., 1:], axis=-1), (samples, 3))
    ladder = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (samples, len(RUNGS), 4))
    if "ladder" in setting.names:
        moves = outcomes.rates(params, {}, setting.structure, ("ladder",))["ladder"]
        ladder = np.broadcast_to(moves, ladder.shape)
    return Fixed(np.ascontiguousarray(kinds), np.ascontiguousarray(ladder))


def run_course(
    setting: Setting,
    params: Params,
    fixed: Fixed,
    state: State,
    now: dict[str, Floats],
    breach: Bools,
    streams: Streams,
    bends: Bends,
    t: int,
) -> Course:
    """Draw how a period ends.

    Parameters
    ----------
    setting, params, fixed
        The study; parameters of conduct, each (N, ...); what follows from them alone.
    state, now
        The futures, and what the mechanisms read in this period (`beliefs.simulation.acts.known`).
    breach
        (N,) whether the truce was broken.
    streams, bends, t
        Random numbers, interventions and the number of the period.
    """
    now = now | {"breach": breach.astype(float)}
    u = {k: streams.uniform(k) for k in ("collapse", "resolve", "kind", "deal", "form", "ladder")}
    collapse = _hits(setting, params, now, "collapse", u["collapse"], truce) & state.window
    standing = state.window & ~collapse
    p_resolve = _chance(setting, params, now, "resolve", truce)
    resolved = standing & (u["resolve"] < p_resolve)
    kind = UNILATERAL + (u["kind"][:, None] >= fixed.kinds[:, :2]).sum(axis=-1)
    ended = np.where(collapse, COLLAPSE, np.where(resolved, kind, 0))
    for extension in bends.extensions:
        if extension.at == t:
            how = MUTUAL if extension.mutual else UNILATERAL
            ended = np.where(standing & (ended == 0), how, ended)
    ended = np.where(standing & (ended == 0) & (state.left == 0), LAPSE, ended)
    by_window = ended == DEAL
    p_deal = _chance(setting, params, now, "deal", outcomes)
    # What the window's own deals leave of the probability of a deal.
    share = np.where(standing, p_resolve * (1.0 - fixed.kinds[:, 1]), 0.0)
    rest = np.clip((p_deal - share) / np.maximum(1.0 - share, 1e-12), 0.0, 1.0)
    elsewhere = ~by_window & (u["deal"] < rest)
    deal = by_window | elsewhere
    signed = deal & _hits(setting, params, now, "form", u["form"], outcomes)
    gone = _reversed(setting, params, state, now, streams)
    rung = _climbed(state, fixed, u["ladder"])
    return Course(
        ended, deal, signed, gone, _after(state, ended, by_window, elsewhere, gone, rung, bends, t)
    )


def _chance(
    setting: Setting, params: Params, now: dict[str, Floats], name: str, module: Any
) -> Floats:
    """Return the probability of an observable, 0 where the theory does not explain it."""
    if name not in setting.names:
        return np.zeros(len(now["truce"]))
    family = next(f.family for f in module.FACTORS if f.name == name)
    eta = module.rates(params, now, setting.structure, (name,))[name]
    return np.broadcast_to(probability(family, eta), now["truce"].shape)


def _hits(
    setting: Setting,
    params: Params,
    now: dict[str, Floats],
    name: str,
    uniform: Floats,
    module: Any,
) -> Bools:
    hits: Bools = uniform < _chance(setting, params, now, name, module)
    return hits


def _reversed(
    setting: Setting, params: Params, state: State, now: dict[str, Floats], streams: Streams
) -> Floats:
    uniform = streams.uniform("reversal", 2)
    if "reversal" not in setting.names:
        return np.zeros_like(uniform)
    eta = outcomes.rates(params, now, setting.structure, ("reversal",))["reversal"]
    return draw(uniform, "binomial_cloglog", eta, state.live)


def _climbed(state: State, fixed: Fixed, uniform: Floats) -> Ints:
    """Return the rung after a move on the ladder; a move down is by one rung."""
    below = np.cumsum(fixed.ladder[np.arange(len(uniform)), state.rung], axis=-1)
    move = (uniform[:, None] >= below[:, :3]).sum(axis=-1)
    # In order, open war is left for a truce: friction is no rung of peace that is left out.
    base = np.maximum(state.rung, FRICTION)
    place = np.choose(move, [state.rung, base + 1, base + 2, state.rung - 1])
    return np.clip(place, 0, len(RUNGS) - 1)


def _after(
    state: State,
    ended: Ints,
    by_window: Bools,
    elsewhere: Bools,
    gone: Floats,
    climbed: Ints,
    bends: Bends,
    t: int,
) -> State:
    """Return the futures with the window, the rung and the agreements that they then have."""
    rung = np.where(state.window, state.rung, climbed)
    rung = np.where(ended == COLLAPSE, OPEN_WAR, rung)
    rung = np.where(ended == LAPSE, FRICTION, rung)
    rung = np.where(by_window, np.maximum(rung, NEGATIVE), rung)
    moved = rung != state.rung
    moved |= (ended == LAPSE) | by_window
    phase = np.where(moved, _PHASE_OF[rung], state.phase)
    window = state.window & ~np.isin(ended, (COLLAPSE, LAPSE, DEAL))
    begun = moved & (rung == TRUCE_RUNG) & ~window
    extended = (ended == UNILATERAL) | (ended == MUTUAL)
    fresh = begun | extended
    left = np.where(ended == MUTUAL, state.span - 1.0, state.left - 1.0)
    left = np.where(begun | (ended == UNILATERAL), np.inf, left)
    for extension in bends.extensions:
        if extension.at == t:
            left = np.where(extended, extension.periods - 1.0, left)
    new = np.stack([by_window, elsewhere], axis=-1).astype(float)
    kept = state.live - gone
    share = state.changed / np.maximum(state.live, 1.0)
    return state.moved(
        rung=rung,
        phase=phase,
        kind=np.where(moved, KIND_OF_PHASE[phase], state.kind),
        window=window | begun,
        age=np.where(begun, 1.0, state.age + 1.0),
        own_age=np.where(fresh, 1.0, state.own_age + 1.0),
        left=left,
        span=np.where(begun | (ended == UNILATERAL), np.inf, state.span),
        spoilt=state.spoilt & ~fresh,
        broken=np.where(fresh, 0.0, state.broken),
        live=kept + new,
        changed=share * kept,
        rounds=np.where(moved & (rung == OPEN_WAR), 0.0, state.rounds),
    )
