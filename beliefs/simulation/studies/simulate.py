"""Drawing what a study would have seen, from a theory and known parameters, a period at a time.

The equations are those of the mechanisms, run by NumPy from standard normal innovations. They know
nothing of the sampler's coordinates (`beliefs.inference.nuts.recentre`), so a fit that finds the
truth again has checked those too.

Of actions are kept from the design: where anybody looked, regimes, which truces were in force and
when their deadlines fell, agreements in force, safeguards, words, how many replies there were and
how many acts broke a truce. Drawn is everything that a factor of the theory explains, and with it
every column that tells of the past of what is drawn, by the steps of `beliefs.features.steps`. A
truce that collapses or is resolved in a draw is at risk in the next period again, as in the design:
each period is one more trial.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.steps import (
    ANSWER,
    CALM_DAYS,
    FRESH_DAYS,
    RECENT_DAYS,
    add_fading,
    age,
    kept,
    pause,
    refresh,
    spoil,
)
from beliefs.inference.posterior import draw_prior, stacked_params
from beliefs.model import system
from beliefs.model.contract import logistic
from beliefs.model.mechanisms import (
    accidents,
    diplomacy,
    outcomes,
    readings,
    reciprocity,
    redlines,
    truce,
)
from beliefs.model.observation import draw
from beliefs.model.structure import Columns, Structure, columns, conduct_columns, structure_of
from beliefs.model.theory import Theory, conduct_neutral, free_parameters
from beliefs.simulation.actions import climbed
from beliefs.study.tables.codebook import RUNGS

__all__ = [
    "Truth", "lagged", "prior_params", "simulate_belief_block", "simulate_columns",
    "simulate_inputs", "simulate_observed", "simulate_whole",
]  # fmt: skip

Floats = NDArray[np.float64]
Params = dict[str, NDArray[Any]]

MOST = 200  # acts of a side in a period that are not exceeded
TOUCH = 0.3  # share of acts at a red line where the design has no acts to tell it from
_MODULES = (reciprocity, accidents, redlines, truce, outcomes, diplomacy)
_FAMILY = {factor.name: factor.family for module in _MODULES for factor in module.FACTORS}


@dataclass(frozen=True)
class Truth:
    """What is known of a simulated study."""

    # Free parameters of the theory by name, innovations included; shapes by their dims
    params: dict[str, Floats]
    logit_belief: Floats  # Both beliefs, (side, time), log-odds
    surplus: Floats  # Bargaining surplus, (time,), shares of the stake


def prior_params(
    theory: Theory, structure: Structure, rng: np.random.Generator
) -> dict[str, Floats]:
    """Draw one set of free parameters from the prior.

    Returns
    -------
    dict of str to ndarray
        By name, shapes by their dims.
    """
    drawn = draw_prior(theory, structure, rng, (1,))
    return {name: np.asarray(value[0], dtype=float) for name, value in drawn.items()}


def simulate_inputs(
    inputs: Inputs, theory: Theory, params: dict[str, Floats], rng: np.random.Generator
) -> tuple[Inputs, Truth]:
    """Draw readings and talks anew under a theory with beliefs, all other inputs unchanged.

    Parameters, results
        As of `simulate_belief_block`.

    Raises
    ------
    ValueError
        If the theory has no beliefs.
    """
    made, truth = simulate_belief_block(inputs, theory, params, rng)
    if truth is None:
        raise ValueError(f"{theory.name} has no beliefs, so it draws no readings")
    return made, truth


def _with_talks(
    inputs: Inputs,
    params: dict[str, Floats],
    cols: Columns,
    run: system.System,
    rng: np.random.Generator,
) -> Inputs:
    """Draw talks, and with them the time since the last ones."""
    before = inputs.talks_previous[0]
    drawn, age, _ = system.simulate_talks(
        rng.random(len(inputs.dates)),
        params,
        cols,
        structure_of(inputs),
        run,
        start=before,
        age=np.exp(cols["spell_age"][0]),
    )
    held = drawn.astype(np.int64) * inputs.active
    made = replace(
        inputs,
        talks=held,
        talks_previous=np.append(before, held[:-1]) * inputs.active,
        talks_by_rule=dict.fromkeys(inputs.talk_rules, held),
    )
    return made.having(replace(inputs.observed, spell_age=age * inputs.active))


def lagged(truth: Truth) -> Columns:
    """Return the beliefs and the surplus of a period before, as conduct reads them."""
    p = logistic(np, truth.logit_belief)
    before = np.concatenate([np.full((2, 1), 0.5), p[:, :-1]], axis=-1)
    z = np.concatenate([[0.0], truth.surplus[:-1]])
    return {"p_lag": before, "p_lag_min": before.min(axis=0), "surplus_lag": z}


def simulate_whole(
    inputs: Inputs, theory: Theory, params: dict[str, Floats], rng: np.random.Generator
) -> tuple[Inputs, Truth | None]:
    """Draw readings, talks and conduct anew.

    Returns
    -------
    inputs : Inputs
    truth : Truth or None
        None for a theory without beliefs.
    """
    structure = structure_of(inputs)
    names = {p.name for p in free_parameters(theory, structure)}
    mine = {k: v for k, v in params.items() if k in names}
    inputs, truth = simulate_belief_block(inputs, theory, mine, rng)
    theirs = {k: v for k, v in params.items() if k not in names}
    beliefs = {} if truth is None else lagged(truth)
    return simulate_observed(inputs, theory, theirs, rng, beliefs=beliefs), truth


def simulate_belief_block(
    inputs: Inputs, theory: Theory, params: dict[str, Floats], rng: np.random.Generator
) -> tuple[Inputs, Truth | None]:
    """Draw readings and talks anew, or talks alone for a theory without beliefs.

    Parameters
    ----------
    inputs
        A design: its evidence, regimes and shocks are kept, and so are the cells in which someone
        spoke. What was said there, and its talks, are replaced; every label rule sees the same.
    theory
        Any theory.
    params
        Its free parameters of belief and talks, with ``innovation`` where it has beliefs.
    rng
        Source of randomness.

    Returns
    -------
    inputs : Inputs
    truth : Truth or None
        None for a theory without beliefs.
    """
    structure, cols = structure_of(inputs), columns(inputs)
    stacked = stacked_params(theory, structure, params)
    run = system.evaluate(np, stacked, cols, structure)
    if not theory.beliefs:
        return _with_talks(inputs, stacked, cols, run, rng), None
    said = readings.simulate(rng, stacked, cols, run.logit_belief, structure)
    reading = np.full(inputs.reading.shape, np.nan)
    reading[cols["cell_side"], cols["cell_channel"], cols["cell_time"]] = said
    inputs = _with_talks(replace(inputs, reading=reading), stacked, cols, run, rng)
    return inputs, Truth(dict(params), run.logit_belief, run.surplus)


def simulate_observed(
    inputs: Inputs,
    theory: Theory,
    params: Params,
    rng: np.random.Generator,
    *,
    beliefs: Columns | None = None,
) -> Inputs:
    """Draw the actions of a study anew, all other inputs unchanged.

    Returns
    -------
    Inputs
        With another `Inputs.observed`.
    """
    structure = structure_of(inputs)
    names = {f.name for f in system.factors(theory, structure)}
    full = conduct_neutral(theory, structure) | params
    now = conduct_columns(inputs) | (beliefs or {})
    drawn = simulate_columns(now, full, structure, names, rng, quiet_periods=inputs.quiet_periods)
    seen = inputs.observed
    told: dict[str, Any] = {}
    for name, value in drawn.items():
        if name == "rung_on":
            told["rung"] = np.where(value.any(axis=0), value.argmax(axis=0), seen.rung)
        else:
            told[name] = value.astype(getattr(seen, name).dtype)
    return inputs.having(replace(seen, **told))


def simulate_columns(
    columns: Columns,
    params: Params,
    structure: Structure,
    names: Collection[str],
    rng: np.random.Generator,
    *,
    quiet_periods: int = 4,
) -> Columns:
    """Draw columns of action.

    Parameters
    ----------
    columns
        A design: columns of `beliefs.model.structure.conduct_columns`, (..., time).
    params
        All parameters that the factors read, one draw.
    structure
        Structure of the study.
    names
        Factors to draw.
    rng
        Source of randomness. One stream a factor is split off it, so that leaving out a factor
        does not change the others.
    quiet_periods
        Periods at the beginning of a truce that are watched.

    Returns
    -------
    dict
        The columns that are drawn or follow from what is; 0 where nobody looked.
    """
    made = {k: np.array(v, dtype=float) for k, v in columns.items()}
    streams = dict(zip(sorted(_FAMILY), rng.spawn(len(_FAMILY)), strict=True))
    past = _Past(made, params, structure, frozenset(names), streams, quiet_periods)
    for t in range(structure.n_time):
        past.step(t)
    return {name: made[name] for name in sorted(past.changed)}


class _Past:
    """A design in which the periods before t are drawn already."""

    def __init__(
        self,
        made: Columns,
        params: Params,
        structure: Structure,
        names: frozenset[str],
        streams: dict[str, np.random.Generator],
        quiet: int,
    ) -> None:
        self.made, self.params, self.structure = made, params, structure
        self.names, self.streams, self.quiet = names, streams, quiet
        self.changed: set[str] = set()
        self.days = 7.0 * structure.step_weeks
        self.trace, self.own, self.idle = np.zeros(2), np.zeros(2), 0.0
        self.calm, self.walkout = 0.0, 0.0
        self.window, self.spoilt = 0, False
        acts = made["strike_count"].sum(axis=-1)
        share = made["warned_by_severity"].sum(axis=(1, 2)) / np.maximum(acts, 1.0)
        self.warned = share
        touch = made["line_touch"].sum(axis=-1)
        self.touch = np.where(acts > 0, np.minimum(touch / np.maximum(acts, 1.0), 1.0), TOUCH)
        levels = made["strike_by_severity"].sum(axis=-1) + 0.5
        self.severity = levels / levels.sum(axis=-1, keepdims=True)
        self.hardline = diplomacy.hardline_trace(made, structure)
        self.rung = int(made["rung_on"][:, 0].argmax())
        if "strikes_A" in names:
            self.kept = reciprocity.kept(np, params, structure)

    def put(self, name: str, t: int, value: Any) -> None:
        """Write a period of a column."""
        self.made[name][..., t] = value
        self.changed.add(name)

    def eta(self, module: Any, t: int, *factors: str) -> dict[str, Floats]:
        """Return the linear predictors of a period, of those factors that are drawn."""
        wanted = tuple(f for f in factors if f in self.names)
        if not wanted:
            return {}
        state = {name: value[..., t] for name, value in self.made.items()}
        state |= {"trace": self.trace, "hardline_trace": self.hardline[..., t]}
        return dict(module.rates(self.params, state, self.structure, wanted))

    def drawn(self, name: str, eta: Floats, size: Any = None) -> Floats:
        """Draw an observable."""
        return draw(self.streams[name].random(np.shape(eta)), _FAMILY[name], eta, size, MOST)

    def step(self, t: int) -> None:
        """Draw a period."""
        self._before(t)
        self._strikes(t)
        self._truce(t)
        self._others(t)
        self._after(t)

    def _before(self, t: int) -> None:
        """Write what the period knows of those before."""
        if "strikes_A" in self.names:
            self.put("own_recent", t, np.log1p(self.own))
            self.put("pause", t, pause(self.idle))
            self.put("calm", t, float(self.calm * self.days >= CALM_DAYS))
        if "walkout" in self.names:
            self.put("walkout_fresh", t, self.walkout)
        if "breach" in self.names:
            self.window = self.window + 1 if self.made["truce_seen"][t] else 0
            self.put("quiet_passed", t, float(self.window > self.quiet and not self.spoilt))

    def _strikes(self, t: int) -> None:
        found = self.eta(reciprocity, t, "strikes_A", "strikes_B")
        if not found or not self.made["strikes_seen"][t]:
            if found:
                for name in ("strike_count", "strike_by_severity", "warned_by_severity"):
                    self.put(name, t, 0.0)
            return
        size = reciprocity.size_of(np, self.params)
        count = np.array([self.drawn(s, found[s], size) for s in ("strikes_A", "strikes_B")])
        severity = self._severity(t, count)
        whole = np.rint(severity)
        by = count[:, None] * (whole[:, None] == np.arange(1, 6))
        self.put("strike_count", t, count)
        self.put("strike_by_severity", t, by)
        self.put("warned_by_severity", t, by * self.warned[:, None])
        if "crossing" in self.names:
            touch = self.streams["crossing"].binomial(count.astype(int), self.touch)
            self.put("line_touch", t, touch)
            rate = redlines.crossing_rate(np, self.params)
            self.put("line_cross", t, self.streams["crossing"].binomial(touch, rate))

    def _severity(self, t: int, count: Floats) -> Floats:
        """Draw mean severities; the whole severity nearest to them is that of every act."""
        made, low = self.made, max(t - ANSWER, 0)
        stream = self.streams["severity"]
        if "severity" not in self.names:
            return np.array([1.0 + stream.choice(5, p=self.severity[i]) for i in (0, 1)])
        rival = made["strike_count"][::-1, low:t].sum(axis=-1)
        logs = (made["strike_count"] * made["severity_log"])[::-1, low:t].sum(axis=-1)
        provoked = (count > 0) & (rival > 0)
        self.put("provocation", t, np.where(rival > 0, logs / np.maximum(rival, 1.0), 0.0))
        self.put("provoked", t, provoked)
        mean = self.eta(reciprocity, t, "severity")["severity"]
        spread = np.exp(self.params["log_severity_spread"]) / np.sqrt(np.maximum(count, 1.0))
        log = mean + spread * stream.standard_normal(2)
        self.put("severity_log", t, np.where(count > 0, log, 0.0))
        return np.clip(reciprocity.MIDDLE * np.exp(log), 1.0, 5.0)

    def _truce(self, t: int) -> None:
        made = self.made
        seen = made["truce_seen"][t] > 0
        if "breach" in self.names:
            hit = self.drawn("breach", self.eta(truce, t, "breach")["breach"])
            self.put("breach", t, hit * seen)
        found = self.eta(truce, t, "collapse", "resolve")
        collapsed = "collapse" in found and self.drawn("collapse", found["collapse"]) > 0 and seen
        resolved = "resolve" in found and self.drawn("resolve", found["resolve"]) > 0 and seen
        if found:
            self.put("truce_end", t, 1 if collapsed else 2 if resolved else 0)
        if "kind" in self.names:
            shares = self.eta(outcomes, t, "kind")["kind"]
            kind = 1 + self.streams["kind"].choice(4, p=shares)
            ended = resolved and not collapsed
            self.put("window_kind", t, kind if ended else 0)

    def _others(self, t: int) -> None:
        made, p = self.made, self.eta
        for module, name, column, where, size in (
            (accidents, "command", "disobeyed", "command_seen", None),
            (accidents, "excluded", "excluded_count", "excluded_seen", None),
            (truce, "zones", "zone_count", "zone_seen", None),
            (outcomes, "deal", "deal", "deal_seen", None),
            (outcomes, "reversal", "scope_ended", "active", "scope_live"),
            (outcomes, "periphery", "peripheral_count", "peripheral_seen", None),
            (diplomacy, "concession", "concession", "concession_seen", None),
            (diplomacy, "sanction", "sanction", "sanction_seen", None),
            (diplomacy, "walkout", "walkout", "walkout_at_risk", None),
        ):
            if name in self.names:
                trials = None if size is None else made[size][..., t]
                value = self.drawn(name, p(module, t, name)[name], trials)
                self.put(column, t, value * made[where][..., t])
        for module, name, yes, no in (
            (accidents, "cause", "breach_other", "breach_own"),
            (diplomacy, "reply", "reply_yes", "reply_no"),
        ):
            if name in self.names:
                total = made[yes][t] + made[no][t]
                value = self.drawn(name, p(module, t, name)[name], total)
                self.put(yes, t, value)
                self.put(no, t, total - value)
        if "form" in self.names:
            signed = self.drawn("form", p(outcomes, t, "form")["form"], made["deal"][t])
            self.put("deal_signed", t, signed)
            self.put("deal_unsigned", t, made["deal"][t] - signed)
        if "ladder" in self.names and made["rung_on"][:, t].any():
            self._climb(t)

    def _climb(self, t: int) -> None:
        if t > 0 and self.made["rung_on"][:, t - 1].any():
            shares = self.eta(outcomes, t, "ladder")["ladder"][self.rung]
            at = np.array([self.rung])
            self.rung = int(climbed(at, shares[None], self.streams["ladder"].random(1))[0])
        self.put("rung_on", t, np.arange(len(RUNGS)) == self.rung)

    def _after(self, t: int) -> None:
        """Note what the next periods will know of this one."""
        made = self.made
        if "strikes_A" in self.names:
            count, by = made["strike_count"][:, t], made["strike_by_severity"][..., t]
            marks = reciprocity.mark(
                np, self.params, by[..., None], made["warned_by_severity"][..., t, None]
            )[..., 0]
            self.trace = reciprocity.next_trace(self.trace, marks, self.kept)
            self.own = add_fading(self.own, count, kept(RECENT_DAYS, self.days))
            in_truce = made["truce_seen"][t] > 0
            act = made["breach"][t] > 0 if in_truce else count.sum() > 0
            grave = made["breach"][t] > 0 if in_truce else by[:, 1:].sum() > 0
            seen = made["strikes_seen"][t] > 0
            self.idle = age(self.idle, act or not seen, self.days)
            self.calm = age(self.calm, grave or not seen)
        if "walkout" in self.names:
            fresh = kept(FRESH_DAYS, self.days)
            self.walkout = refresh(self.walkout, made["walkout"][t] > 0, fresh)
        if "breach" in self.names:
            loud = made["breach"][t] > 0
            self.spoilt = bool(spoil(self.spoilt, self.window, self.quiet, loud)) and (
                self.window > 0
            )
            if made["truce_end"][t] == 2:  # the window that goes on begins anew
                self.window, self.spoilt = 0, False
