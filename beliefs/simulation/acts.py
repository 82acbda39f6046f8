"""The acts of one period: strikes, their severity, lines crossed, breaches, third parties, words.

Acts come first in a period: they read what both sides believed in the period before. What a theory
does not explain is drawn from the frequencies of the study (`beliefs.simulation.setting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.acts import CALM_DAYS, PAUSE_DAYS
from beliefs.features.exchanges import FORTNIGHT, MONTH
from beliefs.model.contract import bounded_exp, logistic
from beliefs.model.mechanisms import accidents, diplomacy, outcomes, reciprocity, redlines, truce
from beliefs.model.mechanisms.observation import draw
from beliefs.model.structure import PHASES
from beliefs.simulation.bend_conduct import Bends
from beliefs.simulation.setting import Setting
from beliefs.simulation.state import State
from beliefs.simulation.streams import Streams

__all__ = ["MOST", "Acts", "act", "known"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Params = dict[str, NDArray[Any]]

MOST = 60  # acts of one side in one period that are not exceeded: some priors have no mean
TRUCE, WAR = PHASES.index("truce"), PHASES.index("war")


@dataclass(frozen=True, eq=False)
class Acts:
    """What N futures see done in a period.

    Attributes
    ----------
    count, severity
        (N, 2) acts of each side, and the severity that they share.
    crossed
        (N, 2) whether a declared red line was crossed.
    breach
        (N,) whether the truce was broken.
    added
        (N,) whether an act was added because a truce was broken and no act had been drawn.
    disobeyed
        (N, 2) whether forces not the side's own acted in a truce.
    excluded, peripheral
        (N,) acts of powers outside the talks, and on third parties.
    zones
        (N, zone) acts by watched zone.
    concession
        (N, 2) offers and concessions.
    replied
        (N,) replies to them that are no rejection.
    sanction, walkout
        (N,) of bool.
    """

    count: Floats
    severity: Floats
    crossed: Bools
    breach: Bools
    added: Bools
    disobeyed: Bools
    excluded: Floats
    peripheral: Floats
    zones: Floats
    concession: Bools
    replied: Bools
    sanction: Bools
    walkout: Bools


def known(
    setting: Setting, state: State, future: dict[str, Floats], bends: Bends, t: int
) -> dict[str, Floats]:
    """Return what the mechanisms of conduct read in a period, by name of their column.

    Parameters
    ----------
    setting, state
        What does not change, and what does.
    future
        Columns of the period that acts do not move: ``pressure_home`` (N, 2), ``maritime``,
        ``power_shift``.
    bends
        Interventions.
    t
        Number of the period.
    """
    p = logistic(np, state.logit_belief)
    days = setting.step_days
    near_end = (state.left >= 0) & (state.left < setting.near)
    rule, near = bends.zones[:, t], bends.zones[:, t].any() & (bends.zones[:, t] == 0)
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
        "pause": np.minimum(np.log1p(state.idle) / np.log1p(PAUSE_DAYS), 1.0),
        "calm": (state.calm * days >= CALM_DAYS).astype(float),
        "hotline": np.full(len(p), bends.hotline[t]),
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
    bends: Bends,
    t: int,
) -> Acts:
    """Draw the acts of a period.

    Parameters
    ----------
    setting, params, state
        The study; parameters of conduct, each (N, ...); the futures.
    now
        From `known`.
    streams, bends, t
        Random numbers, interventions and the number of the period.
    """
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
    for crossing in bends.crossings:
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
