"""What both sides do in a period, and what becomes of truces, deals and conflict phases.

Acts come first in a period: they read what both sides believed in the period before. What a theory
does not explain is drawn from the frequencies of the study (`beliefs.simulation.state.Setting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.steps import CALM_DAYS, FORTNIGHT, MONTH, pause
from beliefs.model.contract import bounded_exp, logistic
from beliefs.model.mechanisms import accidents, diplomacy, outcomes, reciprocity, redlines, truce
from beliefs.model.observation import draw, probability
from beliefs.model.structure import PHASES
from beliefs.simulation.effects import Effects
from beliefs.simulation.state import Setting, State
from beliefs.simulation.streams import Streams
from beliefs.study.tables.codebook import REGIME_KINDS, RUNGS

__all__ = [
    "COLLAPSE", "DEAL", "KIND_OF_PHASE", "LAPSE", "MUTUAL", "UNILATERAL", "Acts", "Shares",
    "Transitions", "act", "climbed", "known", "shares_of", "transitions",
]  # fmt: skip

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Params = dict[str, NDArray[Any]]

MOST = 60  # acts of one side in one period that are not exceeded: some priors have no mean
TRUCE, WAR = PHASES.index("truce"), PHASES.index("war")
LAPSE, UNILATERAL, MUTUAL, DEAL, COLLAPSE = 1, 2, 3, 4, 5
"""How truces end: `beliefs.model.mechanisms.outcomes.KINDS`, and collapse."""
OPEN_WAR, FRICTION = RUNGS.index("open_war"), RUNGS.index("friction")
TRUCE_RUNG, NEGATIVE = RUNGS.index("truce"), RUNGS.index("negative_peace")
KIND_OF_PHASE = np.array([REGIME_KINDS.index(k) for k in ("none", "truce", "war")])
_PHASE_OF = np.array([WAR, 0, TRUCE, 0, 0])  # by rung


@dataclass(frozen=True, eq=False)
class Acts:
    """What N futures see done in a period."""

    # (N, 2) acts of each side, and the severity that they share
    count: Floats
    severity: Floats
    crossed: Bools  # (N, 2) whether a declared red line was crossed
    breach: Bools  # (N,) whether the truce was broken
    # (N,) whether an act was added because a truce was broken and no act had been drawn
    added: Bools
    disobeyed: Bools  # (N, 2) whether forces not the side's own acted in a truce
    # (N,) acts of powers outside the talks, and on third parties
    excluded: Floats
    peripheral: Floats
    zones: Floats  # (N, zone) acts by watched zone
    concession: Bools  # (N, 2) offers and concessions
    replied: Bools  # (N,) replies to them that are no rejection
    # (N,) of bool
    sanction: Bools
    walkout: Bools


def known(
    setting: Setting, state: State, future: dict[str, Floats], effects: Effects, t: int
) -> dict[str, Floats]:
    """Return what the mechanisms of action read in a period, by name of their column.

    `future` holds the columns of the period that acts do not move: ``pressure_home`` (N, 2),
    ``maritime``, ``power_shift``.
    """
    p = logistic(np, state.logit_belief)
    days = setting.step_days
    near_end = (state.left >= 0) & (state.left < setting.near)
    rule, near = effects.zones[:, t], effects.zones[:, t].any() & (effects.zones[:, t] == 0)
    return {
        "p_lag": p,
        "p_lag_min": p.min(axis=-1),
        "surplus_lag": state.surplus,
        "phase_on": (state.phase[:, None] == np.arange(len(PHASES))).astype(float),
        "truce": (state.phase == TRUCE).astype(float),
        "instrument_on": setting.instrument,
        "talks": state.talks,
        "trace": state.trace,
        "own_recent": np.log1p(state.own),
        "pressure_home": future["pressure_home"],
        "pause": pause(state.idle),
        "calm": (state.calm * days >= CALM_DAYS).astype(float),
        "hotline": np.full(len(p), effects.hotline[t]),
        "walkout_fresh": state.walkout,
        "deal_near": state.near,
        "hardline_trace": state.hardline,
        "round_number": np.log1p(state.rounds),
        "talks_recent": (state.talked * days <= FORTNIGHT).astype(float),
        "walkout_at_risk": (state.contact < MONTH).astype(float),
        "truce_age": state.age,
        "quiet_passed": ((state.own_age > setting.quiet) & ~state.spoilt).astype(float),
        "spoiler_open": state.spoilers[0],
        "concession_broken": state.broken,
        "has_deadline": np.isfinite(state.left).astype(float),
        "at_deadline": near_end.astype(float),
        "zone_rule": rule,
        "zone_near": near.astype(float),
        "maritime": future["maritime"],
        "power_shift": future["power_shift"],
        "government_changed": state.changed / np.maximum(state.live, 1.0),
        "deal": state.near,
    }


def act(
    setting: Setting,
    params: Params,
    state: State,
    now: dict[str, Floats],
    streams: Streams,
    effects: Effects,
    t: int,
) -> Acts:
    """Draw the acts of a period; `now` is from `known`."""
    breach = _breach(setting, params, state, now, streams)
    count = _count(setting, params, state, now, streams)
    odd = streams.uniform("culprit")
    added = breach & (count.sum(axis=-1) == 0)
    # Whose act broke the truce is drawn by how readily each acts.
    first = odd < np.divide(
        now["intensity"][:, 0],
        now["intensity"].sum(axis=-1),
        where=True,
        out=np.full(len(odd), 0.5),
    )
    count[added & first, 0] += 1.0
    count[added & ~first, 1] += 1.0
    severity = _severity(setting, params, state, now, count, streams)
    broke = breach[:, None] & (count == count.max(axis=-1, keepdims=True)) & (count > 0)
    severity = np.where(broke, np.maximum(severity, np.ceil(setting.breach)), severity)
    severity, crossed = _lines(setting, params, state, count, severity, streams)
    for crossing in effects.crossings:
        if crossing.at == t:
            i = crossing.side
            count[:, i] += 1.0
            severity[:, i] = np.maximum(severity[:, i], crossing.severity)
            crossed[:, i] |= crossing.crosses
    return Acts(
        count=count,
        severity=severity,
        crossed=crossed,
        breach=breach,
        added=added,
        **_others(setting, params, state, now, streams),
    )


def _breach(
    setting: Setting, params: Params, state: State, now: dict[str, Floats], streams: Streams
) -> Bools:
    uniform = streams.uniform("breach")
    if "breach" not in setting.names:
        return np.zeros(len(uniform), dtype=bool)
    eta = truce.rates(params, now, setting.structure, ("breach",))["breach"]
    return (draw(uniform, "cloglog", eta) > 0) & state.window


def _count(
    setting: Setting, params: Params, state: State, now: dict[str, Floats], streams: Streams
) -> Floats:
    """Draw how often each side acts, and note its intensity in `now`."""
    uniform = streams.uniform("strikes", 2)
    sides = ("strikes_A", "strikes_B")
    if sides[0] in setting.names:
        found = reciprocity.rates(params, now, setting.structure, sides)
        eta = np.stack([np.broadcast_to(found[s], uniform.shape[:1]) for s in sides], axis=-1)
        size = reciprocity.size_of(np, params)[..., None]
    else:
        eta, size = np.log(setting.rate[:, state.phase].T), None
    now["intensity"] = bounded_exp(np, eta)
    return draw(uniform, "negbin_log", eta, size, most=MOST)


def _severity(
    setting: Setting,
    params: Params,
    state: State,
    now: dict[str, Floats],
    count: Floats,
    streams: Streams,
) -> Floats:
    """Draw the severity that a side's acts of the period share, (N, 2)."""
    normal, uniform = streams.normal("severity", 2), streams.uniform("severity", 2)
    if "severity" in setting.names:
        rival = state.recent_count.sum(axis=0)[:, ::-1]
        logs = state.recent_log.sum(axis=0)[:, ::-1]
        answer = {
            "provocation": np.divide(logs, rival, where=rival > 0, out=np.zeros_like(logs)),
            "provoked": (rival > 0).astype(float),
        }
        mean = reciprocity.rates(params, answer, setting.structure, ("severity",))["severity"]
        drawn = reciprocity.drawn_severity(params, mean, count, normal)
    else:
        below = np.moveaxis(setting.severity[:, state.phase], 0, 1)  # (N, 2, 5)
        drawn = 1.0 + (uniform[..., None] >= below[..., :4]).sum(axis=-1).astype(float)
    return np.maximum(drawn, np.ceil(setting.least))


def _lines(
    setting: Setting,
    params: Params,
    state: State,
    count: Floats,
    severity: Floats,
    streams: Streams,
) -> tuple[Floats, Bools]:
    """Draw whether acts touch a red line and cross it; those that do not stay below it."""
    spared = (1.0 - setting.touch[:, state.phase].T) ** count
    touches = streams.uniform("touch", 2) < 1.0 - spared
    uniform = streams.uniform("crossing", 2)
    if "crossing" not in setting.names:
        return severity, touches & (uniform < setting.cross[:, state.phase].T)
    eta = redlines.rates(params, {}, setting.structure, ("crossing",))["crossing"]
    crosses = touches & (draw(uniform, "bernoulli_logit", eta) > 0)
    return redlines.held_below(severity, touches, crosses, np.float64(setting.line)), crosses


def _others(
    setting: Setting, params: Params, state: State, now: dict[str, Floats], streams: Streams
) -> dict[str, NDArray[Any]]:
    """Draw what third parties do and what is said; what no mechanism explains does not happen."""
    n, zones = len(state.talks), setting.structure.zones
    u = {
        name: streams.uniform(name, *more)
        for name, more in (
            ("command", (2,)), ("excluded", ()), ("periphery", ()), ("zones", (len(zones),)),
            ("concession", (2,)), ("reply", ()), ("sanction", ()), ("walkout", ()),
        )
    }  # fmt: skip
    eta: dict[str, Floats] = {}
    for module in (accidents, outcomes, truce, diplomacy):
        wanted = tuple(f.name for f in module.FACTORS if f.name in u and f.name in setting.names)
        if wanted:
            eta |= module.rates(params, now, setting.structure, wanted)
    family = {
        f.name: f.family
        for module in (accidents, outcomes, truce, diplomacy)
        for f in module.FACTORS
    }

    def drawn(name: str, size: Any = None) -> Floats:
        if name not in eta:
            return np.zeros(u[name].shape)
        return draw(u[name], family[name], eta[name], size, most=MOST)

    concession = drawn("concession") > 0
    return {
        "disobeyed": (drawn("command") > 0) & state.window[:, None] & np.array(setting.unruly),
        "excluded": drawn("excluded"),
        "peripheral": drawn("periphery"),
        "zones": drawn("zones"),
        "concession": concession,
        "replied": (drawn("reply", 1.0) > 0) & concession.any(axis=-1),
        "sanction": drawn("sanction") > 0,
        "walkout": (drawn("walkout") > 0) & (now["walkout_at_risk"] > 0) & np.ones(n, dtype=bool),
    }


@dataclass(frozen=True, eq=False)
class Transitions:
    """How a period ends for N futures."""

    ended: Ints  # (N,) how the truce ends or goes on: 0 not at all, else `LAPSE` .. `COLLAPSE`
    # (N,) of bool
    deal: Bools
    signed: Bools
    reversed: Floats  # (N, 2) agreements that ended, by scope
    state: State  # The futures afterwards


@dataclass(frozen=True, eq=False)
class Shares:
    """What does not change from period to period: shares of how windows go on, and the ladder."""

    kinds: Floats  # (N, 3) distribution function of unilateral extension, mutual extension and deal
    ladder: Floats  # (N, 5, 4) by rung: staying, a move up, one that leaves out a rung, a move down


def shares_of(setting: Setting, params: Params, samples: int) -> Shares:
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
    return Shares(np.ascontiguousarray(kinds), np.ascontiguousarray(ladder))


def transitions(
    setting: Setting,
    params: Params,
    fixed: Shares,
    state: State,
    now: dict[str, Floats],
    breach: Bools,
    streams: Streams,
    effects: Effects,
    t: int,
) -> Transitions:
    """Draw how a period ends; `now` is what the mechanisms read in it.

    Observables that can happen together are drawn so that each keeps the probability that its
    mechanism gives it. A truce that collapses is not resolved. One that is resolved by a deal makes
    the deal of the period; other deals come with what then is left of the probability of a deal. A
    lapse is a deadline that passes unresolved. Phases move by their own hazards while no truce is
    in force; in a truce it is the truce that ends.
    """
    now = now | {"breach": breach.astype(float)}
    u = {k: streams.uniform(k) for k in ("collapse", "resolve", "kind", "deal", "form", "ladder")}
    collapse = _hits(setting, params, now, "collapse", u["collapse"], truce) & state.window
    standing = state.window & ~collapse
    p_resolve = _chance(setting, params, now, "resolve", truce)
    resolved = standing & (u["resolve"] < p_resolve)
    kind = UNILATERAL + (u["kind"][:, None] >= fixed.kinds[:, :2]).sum(axis=-1)
    ended = np.where(collapse, COLLAPSE, np.where(resolved, kind, 0))
    for extension in effects.extensions:
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
    rung = climbed(state.rung, fixed.ladder[np.arange(len(kind)), state.rung], u["ladder"])
    after = _after(state, ended, by_window, elsewhere, gone, rung, effects, t)
    return Transitions(ended, deal, signed, gone, after)


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


def climbed(rung: Ints, shares: Floats, uniform: Floats) -> Ints:
    """Return phases (N,) after a move; `shares` (N, 4) of staying, up one, up two, down one."""
    below = np.cumsum(shares, axis=-1)
    move = (uniform[:, None] >= below[:, :3]).sum(axis=-1)
    # In order, open war is left for a truce: friction is no phase of peace that is left out.
    base = np.maximum(rung, FRICTION)
    place = np.choose(move, [rung, base + 1, base + 2, rung - 1])
    return np.clip(place, 0, len(RUNGS) - 1)


def _after(
    state: State,
    ended: Ints,
    by_window: Bools,
    elsewhere: Bools,
    gone: Floats,
    climbed: Ints,
    effects: Effects,
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
    for extension in effects.extensions:
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
