"""Drawing what a study would have seen, from a theory and known parameters, a period at a time.

The equations are those of the mechanisms, from standard normal innovations: a fit that finds the
truth again has checked the sampler's coordinates too. Drawn is what a factor of the theory explains
and every column that tells of the past of that. All else is kept from the design: which periods are
observed, truces and deadlines, agreements in force, words, how many replies there were, how many
actions broke a truce. A truce that collapses or is resolved is at risk in the next period again.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.features import steps
from beliefs.features.inputs import Inputs
from beliefs.features.steps import Floats, TalksPast
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.contract import logistic
from beliefs.model.mechanisms import diplomacy, readings, reciprocity
from beliefs.model.observation import draw
from beliefs.model.structure import Columns, Structure, action_columns, columns, structure_of
from beliefs.model.theory import Theory, null_values
from beliefs.simulation.actions import FACTORS, Equations, climbed
from beliefs.study.tables.codebook import CONFLICT_PHASES

HITS = {
    "breach": ("breach",), "command": ("disobeyed",), "excluded": ("excluded_count",),
    "zones": ("zone_count",), "deal": ("deal",), "reversal": ("scope_ended",),
    "periphery": ("peripheral_count",), "concession": ("concession",), "sanction": ("sanction",),
    "walkout": ("walkout",), "cause": ("breach_other", "breach_own"),
    "reply": ("reply_yes", "reply_no"), "form": ("deal_signed", "deal_unsigned"),
}  # fmt: skip
"""Columns of the hits of an observable, and of its misses where both are kept."""
_DRAWN_APART = {
    "collapse", "conflict_phase", "crossing", "kind", "resolve", "severity", "strikes_A",
    "strikes_B",
}  # fmt: skip
TOUCH = 0.3  # share of actions at a red line where the design has no actions to tell it from


@dataclass(frozen=True)
class Truth:
    """What is known of a simulated study."""

    params: Columns  # Free parameters of the theory by name, innovations included
    logit_belief: Floats  # Both beliefs, (side, time), log-odds
    surplus: Floats  # Bargaining surplus, (time,), shares of the stake


def simulate_belief_block(
    inputs: Inputs, theory: Theory, params: Columns, rng: np.random.Generator
) -> tuple[Inputs, Truth | None]:
    """Draw readings and talks anew, or talks alone for a theory without beliefs.

    Of the design `inputs`, evidence, regimes and shocks are kept, and so are the cells in which
    someone spoke. What was said there, and its talks, are replaced; every label rule sees the same.
    `params` are the free parameters of belief and talks, ``innovation`` among them.
    """
    structure, cols = structure_of(inputs), columns(inputs)
    stacked = stacked_params(theory, structure, params)
    run = system.evaluate(np, stacked, cols, structure)
    truth = None
    if theory.beliefs:
        said = readings.simulate(rng, stacked, cols, run.logit_belief, structure)
        reading = np.full(inputs.reading.shape, np.nan)
        reading[cols["cell_side"], cols["cell_channel"], cols["cell_time"]] = said
        inputs = replace(inputs, reading=reading)
        truth = Truth(dict(params), run.logit_belief, run.surplus)
    uniform, begin = rng.random(len(inputs.dates)), TalksPast.of(cols, inputs.recess, 0)
    drawn, of_talks, _ = system.simulate_talks(uniform, stacked, cols, structure, run, begin)
    seen: dict[str, Any] = {name: values * inputs.active for name, values in of_talks.items()}
    previous = seen.pop("talks_previous").astype(np.int64)
    made = replace(inputs, talks=drawn.astype(np.int64) * inputs.active, talks_previous=previous)
    return made.having(replace(inputs.observed, **seen)), truth


def simulate_observed(
    inputs: Inputs,
    theory: Theory,
    params: Columns,
    rng: np.random.Generator,
    *,
    beliefs: Columns | None = None,
) -> Inputs:
    """Draw the actions of a study (`Inputs.observed`) anew, all other inputs unchanged."""
    structure, seen = structure_of(inputs), inputs.observed
    names = {f.name for f in system.factors(theory, structure)}
    full = null_values(theory, structure, "actions") | params
    design = action_columns(inputs) | (beliefs or {})
    drawn: dict[str, Any] = simulate_columns(
        design, full, structure, names, rng, quiet_periods=inputs.quiet_periods
    )
    if (on := drawn.pop("conflict_phase_on", None)) is not None:
        drawn["conflict_phase"] = np.where(on.any(axis=0), on.argmax(axis=0), seen.conflict_phase)
    now: dict[str, Any] = {
        name: value.astype(getattr(seen, name).dtype) for name, value in drawn.items()
    }
    return inputs.having(replace(seen, **now))


def simulate_columns(
    columns: Columns,
    params: Columns,
    structure: Structure,
    names: Collection[str],
    rng: np.random.Generator,
    *,
    quiet_periods: int,
) -> Columns:
    """Draw the columns of action of `names`, and those that follow from them; 0 where unobserved.

    `columns` is a design, of `beliefs.model.structure.action_columns`; `params` are all parameters
    that the factors read, one draw; `quiet_periods` at the beginning of a truce are watched. One
    stream a factor is split off `rng`, so that leaving out a factor does not change the others.
    """
    past = _Past(columns, Equations(params, structure, frozenset(names)), rng, quiet_periods)
    for t in range(structure.n_time):
        past.begin(t)
        past.strike(t)
        past.count(t)
        past.end_truce(t)
        past.move_phase(t)
        past.end(t)
    return {name: past.made[name] for name in sorted(past.changed)}


class _Past:
    """A design in which the periods before t are drawn already."""

    def __init__(
        self, design: Columns, equations: Equations, rng: np.random.Generator, quiet: int
    ) -> None:
        made = self.made = {k: np.array(v, dtype=float) for k, v in design.items()}
        self.streams = dict(zip(sorted(FACTORS), rng.spawn(len(FACTORS)), strict=True))
        self.equations, self.names, self.quiet = equations, equations.names, quiet
        if unknown := set(self.names) & set(FACTORS) - set(HITS) - _DRAWN_APART:
            raise StudyError(
                "studies cannot be drawn with this observable", where="theory",
                found=", ".join(sorted(unknown)), expected="one of `beliefs.simulation.studies`",
                fix="hold its base parameters at null, or say there how it is drawn (`HITS`)",
            )  # fmt: skip
        self.params, structure = equations.params, equations.structure
        self.changed: set[str] = set()
        self.days = 7.0 * structure.step_weeks
        self.decayed, self.walkout = np.zeros(2), 0.0
        self.force = steps.Force(np.zeros(2), 0.0, 0.0)
        self.spell, self.spoilt, self.breaches = 0, False, 0.0
        actions = made["strike_count"].sum(axis=-1)
        self.warned = made["warned_by_severity"].sum(axis=(1, 2)) / np.maximum(actions, 1.0)
        touch = made["line_touch"].sum(axis=-1)
        self.touch = np.where(actions > 0, np.minimum(touch / np.maximum(actions, 1.0), 1.0), TOUCH)
        levels = made["strike_by_severity"].sum(axis=-1) + 0.5
        self.severity = levels / levels.sum(axis=-1, keepdims=True)
        self.hardline = diplomacy.hardline_decayed(made, structure)
        self.conflict_phase = int(made["conflict_phase_on"][:, 0].argmax())

    def put(self, name: str, t: int, value: Any) -> None:
        self.made[name][..., t] = value
        self.changed.add(name)

    def now(self, t: int) -> Columns:
        return {column: value[..., t] for column, value in self.made.items()}

    def eta(self, name: str, t: int) -> Floats:
        more = {"decayed": self.decayed, "hardline_decayed": self.hardline[..., t]}
        return self.equations.eta(name, self.now(t) | more)

    def drawn(self, name: str, t: int, size: Any = None) -> Floats:
        eta = self.eta(name, t)
        return draw(self.streams[name].random(np.shape(eta)), FACTORS[name].family, eta, size)

    def begin(self, t: int) -> None:
        """Write what the period knows of those before."""
        if "strikes_A" in self.names:
            for name, value in self.force.known(self.days).items():
                self.put(name, t, value)
        if "walkout" in self.names:
            self.put("walkout_fresh", t, self.walkout)
        if "breach" in self.names:
            self.spell = self.spell + 1 if self.made["truce_seen"][t] else 0
            self.put("quiet_passed", t, float(self.spell > self.quiet and not self.spoilt))
            age = self.made["truce_age"][t]
            self.breaches = self.breaches if age > 1 else 0.0
            self.put("breaches_past", t, np.log1p(self.breaches))

    def strike(self, t: int) -> None:
        if "strikes_A" not in self.names:
            return
        if not self.made["strikes_seen"][t]:
            for name in ("strike_count", "strike_by_severity", "warned_by_severity"):
                self.put(name, t, 0.0)
            return
        size = reciprocity.size_of(np, self.params)
        count = np.array([self.drawn(name, t, size) for name in ("strikes_A", "strikes_B")])
        severity = self._severity(t, count)
        whole = np.rint(severity)
        by = count[:, None] * (whole[:, None] == np.arange(1, 6))
        self.put("strike_count", t, count)
        self.put("strike_by_severity", t, by)
        self.put("warned_by_severity", t, by * self.warned[:, None])
        if "crossing" in self.names:
            touch = self.streams["crossing"].binomial(count.astype(int), self.touch)
            self.put("line_touch", t, touch)
            rate = logistic(np, self.params["crossing"])
            self.put("line_cross", t, self.streams["crossing"].binomial(touch, rate))

    def _severity(self, t: int, count: Floats) -> Floats:
        """Draw mean severities; the whole severity nearest to them is that of every action."""
        made, low = self.made, max(t - steps.ANSWER, 0)
        stream = self.streams["severity"]
        if "severity" not in self.names:
            return np.array([1.0 + stream.choice(5, p=self.severity[i]) for i in (0, 1)])
        rival = made["strike_count"][::-1, low:t].sum(axis=-1)
        logs = (made["strike_count"] * made["severity_log"])[::-1, low:t].sum(axis=-1)
        self.put("provocation", t, np.where(rival > 0, logs / np.maximum(rival, 1.0), 0.0))
        self.put("provoked", t, (count > 0) & (rival > 0))
        spread = np.exp(self.params["log_severity_spread"]) / np.sqrt(np.maximum(count, 1.0))
        log = self.eta("severity", t) + spread * stream.standard_normal(2)
        self.put("severity_log", t, np.where(count > 0, log, 0.0))
        return np.clip(reciprocity.MIDDLE * np.exp(log), 1.0, 5.0)

    def end_truce(self, t: int) -> None:
        seen = self.made["ends_seen"][t] > 0
        ends = {
            n: self.drawn(n, t) > 0 and seen for n in ("collapse", "resolve") if n in self.names
        }
        resolved = ends.get("resolve") and not ends.get("collapse")
        if ends:
            self.put("truce_end", t, 1 if ends.get("collapse") else 2 if resolved else 0)
        if "kind" in self.names:
            kind = 1 + self.streams["kind"].choice(4, p=self.eta("kind", t))
            self.put("end_kind", t, kind if resolved else 0)

    def count(self, t: int) -> None:
        """Draw what is a number of hits, of trials that the design or the period knows."""
        for name, (hits, *misses) in HITS.items():
            if name not in self.names:
                continue
            if name == "form":  # each deal that was drawn is signed or not
                self.put("deal_signed", t, 0.0)
                self.put("deal_unsigned", t, self.made["deal"][t])
            _, where, size = FACTORS[name].seen(self.now(t))
            value = self.drawn(name, t, size)
            self.put(hits, t, value * where)
            for column in misses:
                self.put(column, t, size - value)

    def move_phase(self, t: int) -> None:
        on = self.made["conflict_phase_on"]
        if "conflict_phase" not in self.names or not on[:, t].any():
            return
        if t > 0 and on[:, t - 1].any():
            shares = self.eta("conflict_phase", t)[[self.conflict_phase]]
            uniform = self.streams["conflict_phase"].random(1)
            self.conflict_phase = int(climbed(np.array([self.conflict_phase]), shares, uniform)[0])
        self.put("conflict_phase_on", t, np.arange(len(CONFLICT_PHASES)) == self.conflict_phase)

    def end(self, t: int) -> None:
        """Note what the next periods will know of this one."""
        made = self.made
        loud, in_truce = made["breach"][t] > 0, made["truce_seen"][t] > 0
        if "strikes_A" in self.names:
            count, by = made["strike_count"][:, t], made["strike_by_severity"][..., t]
            warned = made["warned_by_severity"][..., t]
            self.decayed = self.equations.decayed(self.decayed, by, warned)
            unseen = made["strikes_seen"][t] == 0
            action, grave = (loud if in_truce else x.sum() > 0 for x in (count, by[:, 1:]))
            self.force = self.force.after(self.days, count, action or unseen, grave or unseen)
        if "walkout" in self.names:
            fresh = steps.kept(steps.FRESH_DAYS, self.days)
            self.walkout = steps.refresh(self.walkout, made["walkout"][t] > 0, fresh)
        if "breach" in self.names:
            self.breaches = steps.remember_breach(self.breaches, made["breach"][t], self.days)
            spoilt = steps.spoil(self.spoilt, self.spell, self.quiet, loud)
            self.spoilt = bool(spoilt) and self.spell > 0
            if made["truce_end"][t] == 2:  # the truce that goes on begins anew
                self.spell, self.spoilt = 0, False
