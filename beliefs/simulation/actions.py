"""What both sides do in a period, and what becomes of truces, deals and conflict phases.

Actions come first in a period: they read what both sides believed in the period before. What a
theory does not explain is drawn from the frequencies of the study (`state.Setting`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from beliefs.features import steps
from beliefs.features.steps import Bools, Floats, Ints
from beliefs.model.contract import bounded_exp, logistic
from beliefs.model.mechanisms import reciprocity, redlines
from beliefs.model.observation import columns_of, draw, probability
from beliefs.model.structure import PHASES, Columns, Structure
from beliefs.model.system import factors_of
from beliefs.model.theory import mechanisms
from beliefs.simulation.interventions import Effects
from beliefs.simulation.state import KIND_OF_PHASE, TRUCE, WAR, Setting, State, Streams, TruceSpell
from beliefs.study.tables.codebook import CONFLICT_PHASES

MOST = 60  # actions of one side in one period that are not exceeded: some priors have no mean
LAPSE, UNILATERAL, MUTUAL, DEAL, COLLAPSE = 1, 2, 3, 4, 5
"""How truces end: `beliefs.model.mechanisms.outcomes.KINDS`, and collapse."""
OPEN_WAR, FRICTION = CONFLICT_PHASES.index("open_war"), CONFLICT_PHASES.index("friction")
AT_TRUCE, NEGATIVE = CONFLICT_PHASES.index("truce"), CONFLICT_PHASES.index("negative_peace")
_PHASE_OF = np.array([WAR, 0, TRUCE, 0, 0])  # by conflict phase
_OF = {f.name: module for module in mechanisms("actions").values() for f in module.FACTORS}
FACTORS = {factor.name: factor for factor in factors_of("actions")}


@dataclass(frozen=True, eq=False)
class Equations:
    """What a theory says of actions: the observables that it explains, at some parameters."""

    params: Columns
    structure: Structure
    names: Collection[str]

    def eta(self, name: str, now: Columns) -> Floats:
        """Return the linear predictor of an observable that is explained."""
        return _OF[name].rates(self.params, now, self.structure, (name,))[name]

    def chance(self, name: str, now: Columns) -> Floats:
        """Return the probability of an observable, 0 where the theory does not explain it."""
        if name not in self.names:
            return np.zeros(())
        return probability(FACTORS[name].family, self.eta(name, now))

    def decayed(self, before: Floats, by_severity: Floats, warned: Floats) -> Floats:
        """Return the decaying sum of actions (..., 2) after those of a period, (..., 2, 5)."""
        by, warned = by_severity[..., None], warned[..., None]
        marks = reciprocity.mark(np, self.params, by, warned)[..., 0]
        share = reciprocity.kept(np, self.params, self.structure)[..., None]
        return np.asarray(reciprocity.next_decayed(before, marks, share))


@dataclass(frozen=True, eq=False)
class Actions:
    """What N futures see done in a period: (N,), or (N, 2) where it is by side."""

    strikes: Floats  # actions of each side
    severity: Floats  # (N, 2) of all its actions
    crossing: Bools  # (N, 2) whether a declared red line was crossed
    breach: Bools  # whether the truce was broken
    added: Bools  # whether an action was added because of that: none had been drawn
    disobeyed: Bools  # (N, 2) whether forces not the side's own acted in a truce
    excluded: Floats  # actions of powers outside the talks
    peripheral: Floats  # actions on third parties
    zones: Floats  # (N, zone) actions by watched zone
    concession: Bools  # (N, 2) offers and concessions
    replied: Bools  # replies to them that are no rejection
    sanction: Bools
    walkout: Bools


@dataclass(frozen=True, eq=False)
class Transitions:
    """How a period ends for N futures, (N,)."""

    ended: Ints  # how the truce ends or goes on: 0 not at all, else `LAPSE` .. `COLLAPSE`
    deal: Bools
    signed: Bools
    reversed: Floats  # (N, 2) agreements that ended, by scope
    state: State  # the futures afterwards


def shares_of(equations: Equations, samples: int) -> tuple[Floats, Floats]:
    """Return what does not change from period to period, of truces that go on and of phases.

    (N, 3) distribution function of unilateral extension, mutual extension and deal; (N, 5, 4) by
    phase, shares of staying, a move up, one that leaves out a phase, a move down.
    """
    kinds, moves = np.ones(3), np.array([1.0, 0.0, 0.0, 0.0])
    if "kind" in equations.names:
        found = equations.eta("kind", {"has_deadline": np.zeros(())})
        kinds = np.cumsum(found[..., 1:], axis=-1)
    if "conflict_phase" in equations.names:
        moves = equations.eta("conflict_phase", {})
    shape = (samples, len(CONFLICT_PHASES), 4)
    return np.broadcast_to(kinds, (samples, 3)), np.broadcast_to(moves, shape)


@dataclass(frozen=True, eq=False)
class Period:
    """Period t of N futures; `now` is what the mechanisms of action read, by name of column."""

    setting: Setting
    equations: Equations
    streams: Streams
    effects: Effects
    t: int
    state: State
    now: Columns = field(default_factory=dict)

    def hits(self, name: str, *more: int) -> Bools:
        """Draw whether something happens, (N, *more)."""
        return self.streams.uniform(name, *more) < self.equations.chance(name, self.now)

    def counts(self, name: str, *more: int, size: Any = None) -> Floats:
        """Draw how often something happens, (N, *more)."""
        uniform = self.streams.uniform(name, *more)
        if name not in self.equations.names:
            return np.zeros_like(uniform)
        return draw(
            uniform, FACTORS[name].family, self.equations.eta(name, self.now), size, most=MOST
        )

    def begun(self, outside: Columns) -> Period:
        """Return the period with what is known in it; `outside` are columns that others make.

        Unclaimed actions, and concessions that are broken, come first.
        """
        state, t = self.state, self.t
        alone = (self.streams.uniform("spoiler") < self.setting.spoiler) & state.truce.on
        read = np.any(self.equations.params["attribution_gap"] != 0.0)
        happened = alone * float(read) + len(self.effects.spoilers[t])
        left = np.clip(self.effects.open_periods[t] - np.arange(len(state.spoilers)), 0.0, 1.0)
        broken = state.broken + len(self.effects.concessions[t]) * state.truce.on
        spoilers = state.spoilers + left[:, None] * happened
        period = replace(self, state=replace(state, spoilers=spoilers, broken=broken))
        period.now.update(period._known() | outside)
        return period

    def _known(self) -> Columns:
        """Return the columns of the period that the past and interventions make."""
        setting, state, p = self.setting, self.state, logistic(np, self.state.logit_belief)
        rule, truce = self.effects.zones[:, self.t], state.truce
        rival, logs = state.recent.sum(axis=0)[..., ::-1]
        near_end = (truce.left >= 0) & (truce.left < setting.near)
        return {
            "p_lag": p,
            "p_lag_min": p.min(axis=-1),
            "surplus_lag": state.surplus,
            "phase_on": (state.phase[:, None] == np.arange(len(PHASES))).astype(float),
            "truce": (state.phase == TRUCE).astype(float),
            "instrument_on": setting.instrument,
            "talks": state.talks,
            "decayed": state.decayed,
            **state.force.known(setting.step_days),
            **state.exchange.known(setting.step_days),
            "provocation": steps.ratio(logs, rival),
            "provoked": (rival > 0).astype(float),
            "hotline": np.full(len(p), self.effects.hotline[self.t]),
            "hardline_decayed": state.hardline,
            "truce_age": truce.age,
            "breaches_past": np.log1p(truce.breaches),
            "quiet_passed": ((truce.own_age > setting.quiet) & ~truce.spoilt).astype(float),
            "spoiler_open": state.spoilers[0],
            "concession_broken": state.broken,
            "has_deadline": np.isfinite(truce.left).astype(float),
            "at_deadline": near_end.astype(float),
            "zone_rule": rule,
            "zone_near": (rule.any() & (rule == 0)).astype(float),
            "government_changed": state.changed / np.maximum(state.live, 1.0),
            "deal": state.exchange.near,
        }

    def act(self) -> Actions:
        """Draw what is done in the period."""
        setting, state = self.setting, self.state
        breach = self.hits("breach") & state.truce.on
        count, intensity = self._count()
        added = breach & (count.sum(axis=-1) == 0)
        # Whose act broke the truce is drawn by how readily each acts.
        first = self.streams.uniform("culprit") < intensity[:, 0] / intensity.sum(axis=-1)
        count[added, 1 - first[added].astype(int)] += 1.0
        severity = self._severity(count)
        broke = breach[:, None] & (count == count.max(axis=-1, keepdims=True)) & (count > 0)
        severity = np.where(broke, np.maximum(severity, np.ceil(setting.breach)), severity)
        severity, crossed = self._lines(count, severity)
        for i, least, crosses in self.effects.crossings[self.t]:
            count[:, i] += 1.0
            severity[:, i] = np.maximum(severity[:, i], least)
            crossed[:, i] |= crosses
        concession = self.hits("concession", 2)
        return Actions(
            strikes=count, severity=severity, crossing=crossed, breach=breach, added=added,
            disobeyed=self.hits("command", 2) & state.truce.on[:, None] & np.array(setting.unruly),
            excluded=self.counts("excluded"), peripheral=self.counts("periphery"),
            zones=self.counts("zones", len(setting.structure.zones)), concession=concession,
            replied=self.hits("reply") & concession.any(axis=-1), sanction=self.hits("sanction"),
            walkout=self.hits("walkout") & (self.now["walkout_at_risk"] > 0),
        )  # fmt: skip

    def _count(self) -> tuple[Floats, Floats]:
        """Draw how often each side acts; return that and what was expected, (N, 2)."""
        uniform = self.streams.uniform("strikes", 2)
        if "strikes_A" in self.equations.names:
            params, now = self.equations.params, columns_of(self.now)
            found = reciprocity.log_rate(np, params, now, self.setting.structure, now["decayed"])
            eta = np.broadcast_to(found[..., 0], uniform.shape)
            size = reciprocity.size_of(np, params)[..., None]
        else:
            eta, size = np.log(self.setting.rate[:, self.state.phase].T), None
        return draw(uniform, "negbin_log", eta, size, most=MOST), bounded_exp(np, eta)

    def _severity(self, count: Floats) -> Floats:
        """Draw the severity that a side's actions of the period share, (N, 2)."""
        normal, uniform = self.streams.normal("severity", 2), self.streams.uniform("severity", 2)
        if "severity" in self.equations.names:
            mean = self.equations.eta("severity", self.now)
            drawn = reciprocity.drawn_severity(self.equations.params, mean, count, normal)
        else:
            below = np.moveaxis(self.setting.severity[:, self.state.phase], 0, 1)  # (N, 2, 5)
            drawn = 1.0 + (uniform[..., None] >= below[..., :4]).sum(axis=-1).astype(float)
        return np.maximum(drawn, np.ceil(self.setting.least))

    def _lines(self, count: Floats, severity: Floats) -> tuple[Floats, Bools]:
        """Draw whether acts touch a red line and cross it; those that do not stay below it."""
        setting, phase = self.setting, self.state.phase
        spared = (1.0 - setting.touch[:, phase].T) ** count
        touches = self.streams.uniform("touch", 2) < 1.0 - spared
        if "crossing" not in self.equations.names:
            crosses = self.streams.uniform("crossing", 2) < setting.cross[:, phase].T
            return severity, touches & crosses
        crosses = touches & self.hits("crossing", 2)
        return redlines.held_below(severity, touches, crosses, np.float64(setting.line)), crosses

    def end(self, breach: Bools, kinds: Floats, moves: Floats) -> Transitions:
        """Draw how the period ends; `kinds` and `moves` are from `shares_of`.

        Observables that can happen together are drawn so that each keeps the probability that its
        mechanism gives it. A truce that collapses is not resolved. One that is resolved by a deal
        makes the deal of the period; other deals come with what then is left of the probability of
        a deal. A lapse is a deadline that passes unresolved. Phases move by their own hazards while
        no truce is in force; in a truce it is the truce that ends.
        """
        state, now, uniform = self.state, self.now, self.streams.uniform
        now["breach"] = breach.astype(float)
        collapse = self.hits("collapse") & state.truce.on
        standing = state.truce.on & ~collapse
        p_resolve, p_deal = (self.equations.chance(name, now) for name in ("resolve", "deal"))
        resolved = standing & (uniform("resolve") < p_resolve)
        kind = UNILATERAL + (uniform("kind")[:, None] >= kinds[:, :2]).sum(axis=-1)
        ended = np.where(collapse, COLLAPSE, np.where(resolved, kind, 0))
        for mutual, _ in self.effects.extensions[self.t]:
            ended = np.where(standing & (ended == 0), MUTUAL if mutual else UNILATERAL, ended)
        ended = np.where(standing & (ended == 0) & (state.truce.left == 0), LAPSE, ended)
        by_spell = ended == DEAL
        # What the spell's own deals leave of the probability of a deal.
        share = np.where(standing, p_resolve * (1.0 - kinds[:, 1]), 0.0)
        rest = np.clip((p_deal - share) / np.maximum(1.0 - share, 1e-12), 0.0, 1.0)
        elsewhere = ~by_spell & (uniform("deal") < rest)
        deal = by_spell | elsewhere
        signed = deal & self.hits("form")
        gone = self.counts("reversal", 2, size=state.live)
        mine = moves[np.arange(len(kind)), state.conflict_phase]
        phase = climbed(state.conflict_phase, mine, uniform("conflict_phase"))
        return Transitions(ended, deal, signed, gone, self._after(ended, elsewhere, gone, phase))

    def _after(self, ended: Ints, elsewhere: Bools, gone: Floats, climbed: Ints) -> State:
        """Return the futures with the truce, the phase and the agreements that they then have."""
        state, truce, by_spell = self.state, self.state.truce, ended == DEAL
        conflict_phase = np.where(truce.on, state.conflict_phase, climbed)
        conflict_phase = np.where(ended == COLLAPSE, OPEN_WAR, conflict_phase)
        conflict_phase = np.where(ended == LAPSE, FRICTION, conflict_phase)
        conflict_phase = np.where(by_spell, np.maximum(conflict_phase, NEGATIVE), conflict_phase)
        moved = (conflict_phase != state.conflict_phase) | (ended == LAPSE) | by_spell
        phase = np.where(moved, _PHASE_OF[conflict_phase], state.phase)
        still = truce.on & ~np.isin(ended, (COLLAPSE, LAPSE, DEAL))
        begun = moved & (conflict_phase == AT_TRUCE) & ~still
        extended = (ended == UNILATERAL) | (ended == MUTUAL)
        fresh, open_ended = begun | extended, begun | (ended == UNILATERAL)
        left = np.where(ended == MUTUAL, truce.span - 1.0, truce.left - 1.0)
        left = np.where(open_ended, np.inf, left)
        for _, periods in self.effects.extensions[self.t]:
            left = np.where(extended, periods - 1.0, left)
        kept = state.live - gone
        return replace(
            state, conflict_phase=conflict_phase, phase=phase,
            kind=np.where(moved, KIND_OF_PHASE[phase], state.kind),
            truce=TruceSpell(
                on=still | begun, age=np.where(begun, 1.0, truce.age + 1.0), left=left,
                own_age=np.where(fresh, 1.0, truce.own_age + 1.0),
                span=np.where(open_ended, np.inf, truce.span),
                breaches=np.where(begun, 0.0, truce.breaches), spoilt=truce.spoilt & ~fresh,
            ),
            broken=np.where(fresh, 0.0, state.broken),
            live=kept + np.stack([by_spell, elsewhere], axis=-1).astype(float),
            changed=state.changed / np.maximum(state.live, 1.0) * kept,
            exchange=state.exchange._replace(
                rounds=np.where(moved & (conflict_phase == OPEN_WAR), 0.0, state.exchange.rounds)
            ),
        )  # fmt: skip

    def left(self, actions: Actions, ends: Transitions) -> State:
        """Return the futures as the period ends, with what its actions leave."""
        state, setting, before, kept = ends.state, self.setting, self.state, steps.kept
        days, count, severity = float(setting.step_days), actions.strikes, actions.severity
        # In a truce an action between the sides is a breach; otherwise every one is taken for one.
        grave = ((count > 0) & (severity >= 2.0)).any(axis=-1)
        between = np.where(before.truce.on, actions.breach, count.sum(axis=-1) > 0)
        spared = before.truce.on & ~actions.breach
        heavy = (count * (severity >= steps.HEAVY_SEVERITY))[:, ::-1]
        proxy = actions.disobeyed[:, setting.proxy] if setting.proxy >= 0 else np.zeros_like(spared)
        loud = before.truce.on & actions.breach & (state.truce.own_age > 1)
        breaches = steps.remember_breach(state.truce.breaches, actions.breach, days)
        spoilt = steps.spoil(state.truce.spoilt, before.truce.own_age, setting.quiet, loud)
        decayed, levels = before.decayed, np.arange(1, 6)
        if "strikes_A" in setting.names:
            own = count[..., None] * (severity[..., None] == levels)
            # Each side takes unclaimed actions for the other's.
            by = own + sum(np.round(act) == levels for act in self.effects.spoilers[self.t])
            decayed = self.equations.decayed(decayed, by, own * setting.warned[:, None])
        grave = np.where(before.truce.on, actions.breach, grave)
        heavy = np.where(spared[:, None], 0.0, heavy)
        return replace(
            state, decayed=decayed, force=before.force.after(days, count, between, grave),
            heavy=steps.add_fading(before.heavy, heavy, kept(steps.HEAVY_DAYS, days)),
            recent=steps.push(before.recent, np.stack([count, count * np.log(severity / 3.0)])),
            proxy=steps.refresh(before.proxy, proxy, kept(steps.PROXY_DAYS, days)),
            truce=state.truce._replace(spoilt=spoilt, breaches=breaches),
            spoilers=steps.push(before.spoilers, np.zeros(len(spared))),
        )  # fmt: skip


def climbed(conflict_phase: Ints, shares: Floats, uniform: Floats) -> Ints:
    """Return phases (N,) after a move; `shares` (N, 4) of staying, up one, up two, down one."""
    move = (uniform[:, None] >= np.cumsum(shares, axis=-1)[:, :3]).sum(axis=-1)
    # In order, open war is left for a truce: friction is no phase of peace that is left out.
    base = np.maximum(conflict_phase, FRICTION)
    place = np.choose(move, [conflict_phase, base + 1, base + 2, conflict_phase - 1])
    return np.clip(place, 0, len(CONFLICT_PHASES) - 1)
