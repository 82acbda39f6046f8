"""From a study's inputs to what the equations see: a hashable structure and columns of time.

`Structure` holds the names and counts that fix the shape of the model; two as-of dates of one
study share it, so that a compiled model serves both. `columns` holds the numbers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.actions import TRACKED
from beliefs.features.inputs import SHAPES, CostTerm, Inputs, Shock, Term
from beliefs.features.steps import Floats, Ints, before, conflict_age, fold
from beliefs.model.numerics.recurrence import gate, rough_path
from beliefs.study.tables.codebook import CONFLICT_PHASES, REGIME_KINDS

SHOCK_KINDS = ("turnover", "escalation", "economic")
TRANSITIONS = ("onset", "continuation")
SECOND_WORLD_WAR_ENDED = np.datetime64("1945-09-02")
PHASES = ("calm", "truce", "war")
AFTERMATH_DAYS = 14.0  # a shock's direct effect on talks fades with this e-folding time (judgement)

# Of `Observed`, what moves beliefs or the hazards of talks, and by which parameters.
_OF_BELIEF = {
    "hinge": {"economic_hinge"},
    "mediator_old": {"mediator_late"},
    "spell_age": {"deadlock_shape"},
    "talks_before": {"history"},
    "power_shift": {"shift_talks"},
    "proxy_attack": {"proxy_credibility"},
    "heavy": {"convex_cost"},
}
# Of `columns`, what the equations of actions read as well.
_SHARED = (
    "active", "quiet", "pressure", "hardline", "truce", "mediator", "waiver", "shock", "turnover",
    "aftermath", "talks", "talks_previous", "talks_seen",
)  # fmt: skip

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Structure:
    """Names and counts of a study that fix the shape of its model."""

    sides: tuple[str, str]
    step_weeks: float  # length of a period in weeks, 1/7 for days
    n_time: int  # periods of the whole study, as-of or not
    indicators: tuple[str, ...]
    terms: tuple[Term, ...]  # of evidence, side 0's first
    cost_terms: tuple[CostTerm, ...]
    channels: tuple[str, ...]  # of readings, in order of growing noise
    channel_bias: tuple[str, ...]  # how each may be biased
    shocks: tuple[Shock, ...]
    endurance: tuple[bool, bool]  # whether merely surviving counts as good news, by side
    # Ways of counting strikes, in the order of first use. Compared by nothing that beliefs are
    # inferred with: a new way of counting is no new structure.
    instruments: tuple[str, ...] = field(default=(), compare=False)
    zones: tuple[str, ...] = ()  # whose actions are counted apart
    # Covariates of first talks in interstate wars that the study declares, and whether it begins
    # after the Second World War: which wars of others are like this one.
    reference: tuple[tuple[str, float], ...] = ()
    since_1945: bool = True
    n_planned: int | None = None  # without those that new rows added, for priors; None: `n_time`
    recess: int = 0  # periods without talks after which a round still goes on

    @property
    def own(self) -> list[int]:
        """Indices of the terms on a side's own scorecard."""
        return [k for k, term in enumerate(self.terms) if term.own]

    @property
    def other(self) -> list[int]:
        """Indices of the remaining evidence terms."""
        return [k for k, term in enumerate(self.terms) if not term.own]

    @property
    def coords(self) -> dict[str, list[str]]:
        """Labels of every parameter dimension (contract C2)."""
        return {
            "side": list(self.sides),
            "own_term": [self.terms[k].name for k in self.own],
            "other_term": [self.terms[k].name for k in self.other],
            "cost_term": [term.name for term in self.cost_terms],
            "channel": list(self.channels),
            "shock": [shock.name for shock in self.shocks],
            "shock_kind": list(SHOCK_KINDS),
            "transition": list(TRANSITIONS),
            "enduring_side": [s for s, on in zip(self.sides, self.endurance, strict=True) if on],
            "phase": list(PHASES),
            "instrument": list(self.instruments[1:]),  # rates are relative to the first
            "zone": list(self.zones),
            "scope": list(TRACKED),
        }

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {k: len(v) for k, v in self.coords.items()} | {"time": self.n_time}

    def size(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """Return the shape that `dims` has in this structure."""
        return tuple(self._sizes[d] for d in dims)


def until(columns: Columns, n: int) -> Columns:
    """Return the columns of the first `n` periods (readings after them must not exist)."""
    return {k: v if k.startswith("cell_") else v[..., :n] for k, v in columns.items()}


def structure_of(inputs: Inputs) -> Structure:
    """Return the structure of a study's inputs; it does not depend on the as-of date."""
    alike = ("sides", "indicators", "terms", "cost_terms", "channels", "channel_bias", "shocks",
             "endurance", "instruments", "zones", "reference", "n_planned", "recess")  # fmt: skip
    return Structure(
        step_weeks=inputs.step_days / 7.0,
        n_time=len(inputs.dates),
        since_1945=bool(inputs.dates[0] > SECOND_WORLD_WAR_ENDED),
        **{name: getattr(inputs, name) for name in alike},
    )


def side_matrix(members: Sequence[int]) -> NDArray[np.float64]:
    """Return the 0/1 matrix (side, member) that sums members by the side they belong to."""
    return (np.arange(2)[:, None] == np.asarray(members, dtype=int)[None, :]).astype(float)


def evidence_matrix(structure: Structure, surprise: Floats, regime: Ints) -> Floats:
    """Return signed surprises by evidence term, (..., term, time).

    From surprises (..., indicator, time), 0 where nothing was seen, and the regime kind of each
    period, (..., time). A rise that is good news is positive; a term split by regime is 0 outside
    its own regime.
    """
    counted = np.zeros((len(structure.terms), len(REGIME_KINDS)), dtype=bool)
    for k, term in enumerate(structure.terms):
        counted[k, list(term.regimes)] = True
    out = surprise.take(np.array([t.indicator for t in structure.terms], dtype=np.intp), axis=-2)
    direction = np.array([t.direction for t in structure.terms], dtype=np.float64)
    out *= direction[:, None] * np.moveaxis(counted[:, regime], 0, -2)
    return out


def aftermath(structure: Structure, shock_on: Floats, before: Floats | None = None) -> Floats:
    """Return the fading sum of shocks, (..., shock_kind, time), after that of the period before."""
    fade = float(np.exp(-structure.step_weeks * 7.0 / AFTERMATH_DAYS))
    hit = np.zeros((*shock_on.shape[:-2], len(SHOCK_KINDS), shock_on.shape[-1]))
    for number, kind in enumerate(SHOCK_KINDS):
        members = [s for s, shock in enumerate(structure.shocks) if shock.kind == kind]
        if members:
            hit[..., number, :] = shock_on[..., members, :].max(axis=-2)
    start = 0.0 if before is None else before
    return fold(lambda left, now: np.maximum(now, left * fade), start, hit)


def turnover(structure: Structure, shock_on: NDArray[Any]) -> NDArray[Any]:
    """Return 1 where a side's leadership turns over, shape (..., side, time)."""
    out = np.zeros((*shock_on.shape[:-2], 2, shock_on.shape[-1]))
    for s, shock in enumerate(structure.shocks):
        if shock.kind == "turnover":
            for i in (0, 1) if shock.side is None else (shock.side,):
                out[..., i, :] = np.maximum(out[..., i, :], shock_on[..., s, :])
    return out


def columns(inputs: Inputs, without: Collection[str] = ()) -> Columns:
    """Return the arrays the equations read; time is the last axis and has full length.

    Columns ``cell_*`` have one entry per reading instead, so that silence costs nothing. Periods
    after the as-of date hold zeros and have ``active`` 0, so that they carry no likelihood and no
    news. Columns of actions that only parameters in `without` weigh (at their null values) are
    zeros: they need not be collected where beliefs do not ask for them.
    """
    structure = structure_of(inputs)
    on = inputs.active.astype(float)
    kinds = np.asarray(inputs.regime_kinds)[inputs.regime]
    seen = ~np.isnan(inputs.reading)
    guess = rough_path(np.where(seen & (on > 0), inputs.reading, np.nan))
    cells = np.argwhere(seen & (on > 0))  # one row per reading: side, channel, time
    bias = np.asarray(structure.channel_bias)[cells[:, 1]]
    signs = np.array([term.sign for term in structure.cost_terms], dtype=float)[:, None]
    cost = signs * inputs.level[np.array([t.indicator for t in structure.cost_terms], dtype=int)]
    shock_on = inputs.shock_on * on
    return {
        "active": on,
        "evidence": evidence_matrix(structure, inputs.surprise * inputs.seen, inputs.regime) * on,
        "quiet": inputs.quiet * inputs.quiet_seen * on,
        "pressure": (kinds != "talks") * on,
        "rival_persists": inputs.persist[::-1] * on,
        "rival_resolve": inputs.resolve[::-1] * on,
        "hardline": inputs.hardline * on,
        "truce": (kinds == "truce") * on,
        "cost": cost * on,
        "mediator": inputs.mediator * on,
        "announced": before(inputs.announced) * on,
        "scheduled": np.isin(np.arange(len(on)), inputs.set_for) * on,
        "waiver": inputs.waiver * on,
        "shock": shock_on,
        "turnover": turnover(structure, shock_on),
        "aftermath": aftermath(structure, shock_on) * on,
        "reading": np.where(seen, inputs.reading, 0.0),
        "reading_seen": seen * on,
        "guess": guess,
        "guess_gate": gate(np, guess),  # here, not in the graph: it does not change with the draw
        "cell_side": cells[:, 0],
        "cell_channel": cells[:, 1],
        "cell_time": cells[:, 2],
        "cell_value": inputs.reading[tuple(cells.T)],
        "cell_private": (bias == "private").astype(float),
        "cell_public": (bias == "public").astype(float),
        "talks": inputs.talks * on,
        "talks_previous": inputs.talks_previous * on,
        "talks_seen": inputs.talks_seen * on,
        "conflict_age": conflict_age(np.arange(len(on)) * structure.step_weeks) * on,
        **{
            name: np.zeros((2, len(on)) if SHAPES.get(name) else len(on))
            if weighing.issubset(without)
            else getattr(inputs.observed, name) * on
            for name, weighing in _OF_BELIEF.items()
        },
    }


def phases(inputs: Inputs) -> NDArray[np.int64]:
    """Return the place in `PHASES` of each period: calm, truce or war, (time,)."""
    kinds = np.asarray(inputs.regime_kinds)[inputs.regime]
    return np.select([kinds == "truce", kinds == "war"], [1, 2], 0)


def action_columns(inputs: Inputs) -> Columns:
    """Return what the equations of actions read, as floats; time is the last axis.

    Every array of `Observed` stands under its own name, times ``active``, but kinds are columns of
    0 and 1: ``instrument_on`` (all ways of counting but the first, time), ``conflict_phase_on`` and
    ``phase_on``. ``p_lag`` (side, time), ``p_lag_min`` and ``surplus_lag`` (time,) are beliefs and
    bargaining surplus as known one period earlier; here they say nothing.
    """
    seen, on = inputs.observed, inputs.active.astype(float)
    shared = columns(inputs, without=set().union(*_OF_BELIEF.values()))
    out = {name: shared[name] for name in _SHARED}
    for name, value in vars(seen).items():
        if name not in ("instrument", "conflict_phase"):
            out[name] = value * on
    numbers = np.arange(1, max(len(inputs.instruments), 1))
    out["instrument_on"] = (numbers[:, None] == seen.instrument) * on
    in_phase = np.arange(len(CONFLICT_PHASES))[:, None] == seen.conflict_phase
    out["conflict_phase_on"] = in_phase * seen.conflict_phase_seen * on
    out["phase_on"] = (np.arange(len(PHASES))[:, None] == phases(inputs)) * on
    out["p_lag"] = np.full((2, len(on)), 0.5)
    out["p_lag_min"] = np.full(len(on), 0.5)
    out["surplus_lag"] = np.zeros(len(on))
    return out
