"""Drawing what conduct a study would have seen, from known parameters.

The equations are those of the mechanisms, a period at a time. Kept from the design: where anybody
looked, regimes, which windows were in force and when their deadlines fell, agreements in force,
safeguards, words, how many replies there were and how many acts broke a truce. Drawn: everything
that a factor of the theory explains, and with it every column that tells of the past of what is
drawn. A window that collapses or is resolved in a draw is at risk in the next period again, as in
the design: each period is one more trial.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.acts import ANSWER, CALM_DAYS, PAUSE_DAYS, RECENT_DAYS
from beliefs.features.exchanges import FRESH_DAYS
from beliefs.features.inputs import Inputs
from beliefs.model import system
from beliefs.model.mechanisms import accidents, diplomacy, outcomes, reciprocity, redlines, truce
from beliefs.model.mechanisms.observation import draw
from beliefs.model.structure import (
    Columns,
    Structure,
    conduct_columns,
    structure_of,
)
from beliefs.model.theory import Theory, conduct_neutral
from beliefs.study.tables.codebook import RUNGS

__all__ = ["simulate_columns", "simulate_observed"]

Floats = NDArray[np.float64]
Params = dict[str, NDArray[Any]]

MOST = 200  # acts of a side in a period that are not exceeded
QUIET_DAYS = 4.0  # of a window that begins quietly
TOUCH = 0.3  # share of acts at a red line where the design has no acts to tell it from
_MODULES = (reciprocity, accidents, redlines, truce, outcomes, diplomacy)
_FAMILY = {factor.name: factor.family for module in _MODULES for factor in module.FACTORS}


def simulate_observed(
    inputs: Inputs,
    theory: Theory,
    params: Params,
    rng: np.random.Generator,
    *,
    beliefs: Columns | None = None,
) -> Inputs:
    """Draw the conduct of a study anew, all other inputs unchanged.

    Parameters
    ----------
    inputs
        A design.
    theory
        Which observables are drawn: those it explains.
    params
        Free parameters of conduct by name.
    rng
        Source of randomness.
    beliefs
        ``p_lag``, ``p_lag_min`` and ``surplus_lag``; see
        `beliefs.simulation.studies.simulate.lagged`. Without them beliefs are even.

    Returns
    -------
    Inputs
        With another `Inputs.observed`.
    """
    structure = structure_of(inputs)
    names = {f.name for f in system.factors(theory, structure)}
    full = conduct_neutral(theory, structure) | params
    now = conduct_columns(inputs) | (beliefs or {})
    drawn = simulate_columns(now, full, structure, names, rng)
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
) -> Columns:
    """Draw columns of conduct.

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

    Returns
    -------
    dict
        The columns that are drawn or follow from what is; 0 where nobody looked.
    """
    made = {k: np.array(v, dtype=float) for k, v in columns.items()}
    streams = dict(zip(sorted(_FAMILY), rng.spawn(len(_FAMILY)), strict=True))
    past = _Past(made, params, structure, frozenset(names), streams)
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
    ) -> None:
        self.made, self.params, self.structure = made, params, structure
        self.names, self.streams = names, streams
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
            self.put("pause", t, min(np.log1p(self.idle) / np.log1p(PAUSE_DAYS), 1.0))
            self.put("calm", t, float(self.calm * self.days >= CALM_DAYS))
        if "walkout" in self.names:
            self.put("walkout_fresh", t, self.walkout)
        if "breach" in self.names:
            self.window = self.window + 1 if self.made["truce_seen"][t] else 0
            quiet = max(round(QUIET_DAYS / self.days), 1)
            self.put("quiet_passed", t, float(self.window > quiet and not self.spoilt))

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
            move = self.streams["ladder"].choice(4, p=shares / shares.sum())
            up = max(self.rung, RUNGS.index("friction"))
            place = (self.rung, up + 1, up + 2, self.rung - 1)[move]
            self.rung = int(np.clip(place, 0, len(RUNGS) - 1))
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
            self.own = self.own * np.exp(-self.days / RECENT_DAYS) + count
            in_truce = made["truce_seen"][t] > 0
            act = made["breach"][t] > 0 if in_truce else count.sum() > 0
            grave = made["breach"][t] > 0 if in_truce else by[:, 1:].sum() > 0
            seen = made["strikes_seen"][t] > 0
            self.idle = self.idle + self.days if seen and not act else 0.0
            self.calm = self.calm + 1.0 if seen and not grave else 0.0
        if "walkout" in self.names:
            kept = np.exp(-self.days / FRESH_DAYS)
            self.walkout = 1.0 if made["walkout"][t] > 0 else self.walkout * kept
        if "breach" in self.names:
            quiet = max(round(QUIET_DAYS / self.days), 1)
            early = made["breach"][t] > 0 and self.window <= quiet
            self.spoilt = (self.spoilt or bool(early)) and self.window > 0
            if made["truce_end"][t] == 2:  # the window that goes on begins anew
                self.window, self.spoilt = 0, False
