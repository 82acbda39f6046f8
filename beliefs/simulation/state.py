"""Where futures begin: what a study says on average, and what it knows of its past at the origin.

Where a theory explains an observable, its mechanism draws it. What no theory explains (how severe
actions are in a theory without severities, how often one touches a red line) is drawn from the
frequencies of the study, smoothed with half an observation of every kind (Jeffreys).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beliefs.features import actions, steps, surprises
from beliefs.features.inputs import Inputs
from beliefs.features.states import force_arrivals
from beliefs.features.steps import Bools, Floats, Ints
from beliefs.model.mechanisms import diplomacy, reciprocity
from beliefs.model.structure import PHASES, Columns, Structure, action_columns, phases, structure_of
from beliefs.model.system import factors
from beliefs.model.theory import Theory
from beliefs.study.dates import Grid
from beliefs.study.load import Study
from beliefs.study.spec import usual_halflife
from beliefs.study.tables.codebook import REGIME_KINDS

CELLS = 1_000_000  # numbers drawn at once where most are dropped
PARTS = (
    "bootstrap", "innovation", "talks", "jump", "strikes", "severity", "crossing", "excluded",
    "breach", "collapse", "resolve", "kind", "deal", "form", "walkout", "sanction", "concession",
    "reply", "periphery", "conflict_phase", "spoiler", "reversal", "command", "touch", "zones",
    "share",
    "culprit",
)  # fmt: skip
"""Names of the parts; the place of a name is its number in the seed. Append, never reorder."""
HALF = 0.5  # observations of every kind that are put before those of the study
MEMORY = 150  # periods of past actions that their decaying sum at the origin is summed over
LONGEST_OPEN = 60  # periods over which open actions are kept apart
TRUCE, WAR = PHASES.index("truce"), PHASES.index("war")
KIND_OF_PHASE = np.array([REGIME_KINDS.index(k) for k in ("none", "truce", "war")])


class Streams:
    """Random numbers of futures with actions: a generator a part, for samples under one seed.

    It takes the same amount from each in every period, whatever happens. An intervention that
    changes one part leaves the numbers of all others where they are, so that futures with and
    without it are paired.
    """

    def __init__(self, seed: int, samples: int) -> None:
        self.samples, self._seed = samples, seed
        self.of = cache(self._new)  # the generator of a part

    def _new(self, part: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, PARTS.index(part)])

    def uniform(self, part: str, *more: int) -> Floats:
        """Return uniform numbers of one period, (sample, *more)."""
        return self.of(part).random((self.samples, *more))

    def normal(self, part: str, *more: int) -> Floats:
        """Return standard normal numbers of one period, (sample, *more)."""
        return self.of(part).standard_normal((self.samples, *more))

    def stretch(self, part: str, periods: slice, horizon: int, *more: int) -> Floats:
        """Return numbers of some periods, (sample, *more, period), drawn future by future.

        Numbers of the other periods are drawn too and dropped, so that a long horizon need not be
        held at once. Standard normal ones of the part ``innovation``, uniform ones of others.
        """
        rng = self._new(part)
        draw = rng.standard_normal if part == "innovation" else rng.random
        out = np.empty((self.samples, *more, periods.stop - periods.start))
        size = max(CELLS // horizon, 1)
        for low in range(0, self.samples, size):
            rows = out[low : low + size]
            rows[:] = draw((len(rows), *more, horizon))[..., periods]
        return out


@dataclass(frozen=True, eq=False)
class Feed:
    """Counts that drawn actions feed: K indicators, then the force of side 0 and of side 1.

    An indicator counts a part of a side's actions (those on one target, say): each drawn one
    belongs to it with the share that it had in the past in the same phase.
    """

    indicator: tuple[int, ...]  # (K,) numbers of the indicators
    side: Ints  # (K + 2,) whose actions
    share: Floats  # (phase, K + 2) share of them that counts
    weighted: Bools  # (K + 2,) whether severities are summed rather than actions counted
    fast: Floats  # (K + 2,) what the expectation learns from one period
    slow: Floats  # and what the mean miss does
    mean: Floats  # (K + 2,) the expectation at the origin
    miss: Floats  # and the mean miss
    arrived: Floats  # (2, K + 2) arrivals by then since level and way of counting last began anew


@dataclass(frozen=True, eq=False)
class Setting:
    """Constants of a study under a theory."""

    structure: Structure
    step_days: float
    names: frozenset[str]  # observables of action that the theory explains
    instrument: Floats  # (instrument,) the way of counting at the origin, which futures keep
    severity: Floats  # (side, phase, 5) distribution function of the severity of an action
    rate: Floats  # (side, phase) actions per period
    warned: Floats  # (side,) share of actions that were announced
    touch: Floats  # (side, phase) share of actions that touch a red line
    cross: Floats  # (side, phase) share of those that cross it
    line: float  # least severity by which a declared line is crossed
    least: float  # severity from which an action counts,
    breach: float  # breaks a truce,
    loud: float  # ends a quiet period
    quiet: int  # periods at the beginning of a truce that are watched,
    near: int  # and before its deadline
    unruly: tuple[bool, ...]  # (side,) whether a side has forces that are not its own
    proxy: int  # number of the side whose allies may attack in a truce; -1 for none
    spoiler: float  # unclaimed actions per period of truce
    feed: Feed


class TruceSpell(NamedTuple):
    """The truce in force when a period begins: of one future, or (N,)."""

    on: Any = False
    age: Any = 0.0  # periods since its chain of truces began,
    own_age: Any = 0.0  # and since it began itself
    left: Any = np.inf  # to its deadline, 0 when it falls in that period; infinite without one
    span: Any = np.inf  # periods from its beginning to its deadline
    breaches: Any = 0.0  # of its chain, fading
    spoilt: Any = False  # whether its first days were not quiet, or not seen


@dataclass(frozen=True, eq=False)
class State:
    """What N futures know of their past when a period begins; (N,) unless said."""

    logit_belief: Floats  # (N, 2), as what follows of the period before
    audience: Floats  # (N, 2)
    surplus: Floats
    talks: Floats  # 1 with talks
    decayed: Floats  # (N, 2) fading actions: what excites replies,
    heavy: Floats  # and severe actions suffered
    force: steps.Force
    exchange: steps.Exchange
    recent: Floats  # (`ANSWER`, 2, N, 2) last actions, and the sum of their log(severity / 3)
    proxy: Floats  # from 0 to 1: how fresh an attack by allies is
    hardline: Floats  # (N, 2) decaying sum of own hard-line words
    conflict_phase: Ints  # of five
    phase: Ints  # calm, truce or war
    kind: Ints  # number of the regime kind
    truce: TruceSpell
    broken: Floats  # named concessions broken in the truce
    spoilers: Floats  # (`LONGEST_OPEN`, N) unattributed actions open in this period and later ones
    live: Floats  # (N, 2) agreements in force,
    changed: Floats  # and those made before the last change of government
    mean: Floats  # (N, K + 2) expectation of each fed count
    miss: Floats  # and its mean miss


def feed_of(study: Study, inputs: Inputs) -> Feed:
    """Return which counts of a study drawn actions feed, and what is expected of them."""
    spec, n, phase = study.spec, int(inputs.active.sum()), phases(inputs)
    indicators, rows = [], []
    for k, indicator in enumerate(spec.indicators):
        fits = indicator.source == "events" and indicator.transform == "count"
        of = [i for i, s in enumerate(spec.sides) if set(indicator.initiator) <= set(s.forces)]
        kinetic = indicator.kinds and set(indicator.kinds) <= set(spec.kinetic)
        if not (fits and kinetic and indicator.initiator and of) or not np.isfinite(
            inputs.expectation[k]
        ):
            continue
        i, weighted = of[0], indicator.measure == "severity"
        arrived = surprises.event_arrivals(study, indicator, n - 1)
        inside = (arrived.period >= 0) & inputs.quiet_seen[np.maximum(arrived.period, 0)]
        when = arrived.period[inside]
        whole = inputs.strikes[i, when] if weighted else inputs.observed.strike_count[i, when]
        counted, at = arrived.value[inside], [phase[when] == k for k in range(len(PHASES))]
        # It stands for one action in each phase, so that a phase without actions has it.
        overall = min(float(counted.sum() / max(whole.sum(), 1.0)), 1.0)
        share = [(overall + counted[a].sum()) / (1.0 + whole[a].sum()) for a in at]
        indicators.append(k)
        rows.append((i, np.minimum(share, 1.0), weighted, *_learnt(arrived, indicator.halflife)))
    for i in (0, 1):
        known = _learnt(force_arrivals(study, i, n - 1), usual_halflife(inputs.step_days))
        rows.append((i, np.ones(len(PHASES)), True, *known))
    whose, shares, sums, learns, mean, miss, ages = (np.array(v) for v in zip(*rows, strict=True))
    slow = 1.0 - (1.0 - learns) ** (1.0 / surprises.SCALE_MEMORY)
    arrivals = ages.T.astype(float)
    return Feed(tuple(indicators), whose, shares.T, sums, learns, slow, mean, miss, arrivals)


def _learnt(arrived: surprises.Arrivals, halflife: float) -> tuple[float, float, float, list[int]]:
    """Return what one count teaches, expectation and mean miss after the last, ages of both."""
    past, fast = surprises.count_surprises(arrived, halflife), steps.learns(halflife)
    if not len(past.mean):
        nothing = float(surprises.transform("count", [0.0])[0])
        return fast, nothing, 1.0 / surprises.MAD_TO_SD, [0, 0]
    begun = (arrived.begins | arrived.restarts, arrived.restarts)
    ages = [len(b) - int(np.max(np.flatnonzero(b), initial=0)) for b in begun]
    return fast, float(past.mean[-1]), float(past.miss[-1]), ages


def setting_of(study: Study, inputs: Inputs, theory: Theory) -> Setting:
    """Return what futures of a study under a theory keep."""
    spec, seen, structure = study.spec, inputs.observed, structure_of(inputs)
    n = int(inputs.active.sum())
    phase = phases(inputs)[:n] == np.arange(len(PHASES))[:, None]  # (phase, time)
    watched = seen.strikes_seen[:n]
    by_severity = seen.strike_by_severity[..., :n] * watched
    tally = np.stack([by_severity[..., on].sum(axis=-1) for on in phase], 1)
    least = 1.0 if spec.strikes is None else spec.strikes.min_severity
    tally = (tally + HALF) * (np.arange(1, 6) >= least)
    acts = by_severity.sum(axis=(-2, -1))
    at_line = watched & phase
    touch, cross, total = (
        (value[:, None, :n] * at_line).sum(axis=-1)
        for value in (seen.line_touch, seen.line_cross, seen.strike_count)
    )
    truce = seen.truce_seen[:n]
    begun = np.maximum(np.diff(seen.spoiler_open[:n], prepend=0.0), 0.0)[truce].sum()
    instruments = seen.instrument[:n][watched]
    places = np.arange(1, max(len(structure.instruments), 1))
    rules = spec.truce
    lines = None if spec.redlines is None else spec.redlines.lines
    return Setting(
        structure=structure, step_days=inputs.step_days,
        names=frozenset(f.name for f in factors(theory, structure)),
        instrument=(places == (instruments[-1] if len(instruments) else 0)).astype(float),
        severity=np.cumsum(tally, axis=-1) / tally.sum(axis=-1, keepdims=True),
        rate=(total + HALF) / (at_line.sum(axis=-1) + 1.0),
        warned=seen.warned_by_severity[..., :n].sum(axis=(-2, -1)) / np.maximum(acts, 1.0),
        touch=np.where(lines is None, 0.0, (touch + HALF) / (np.maximum(total, touch) + 2 * HALF)),
        cross=(cross + HALF) / (touch + 2 * HALF),
        line=5.0 if lines is None else float(min(lines.values())), least=float(least),
        breach=2.0 if rules is None else float(rules.breach_severity),
        loud=float(spec.quiet.min_severity), quiet=inputs.quiet_periods,
        near=1 if rules is None else steps.periods_of(rules.last_days, study.grid),
        unruly=tuple(any(f not in s.actors for f in s.forces) for s in spec.sides),
        proxy=-1 if spec.proxy is None else spec.side_ids.index(spec.proxy.side),
        spoiler=float((begun + HALF) / (truce.sum() + 1.0)), feed=feed_of(study, inputs),
    )  # fmt: skip


def spell_at(study: Study, inputs: Inputs) -> TruceSpell:
    """Return the truce that is in force when the period after the origin begins."""
    n = int(inputs.active.sum())
    grid = Grid(study.grid.start, study.grid.step_days, n + 1)
    truces = actions.truces_of(study, grid)
    k = int(truces.current[n])
    if k < 0:
        return TruceSpell()
    rows = truces.rows
    known = grid.index(np.maximum(rows["date"], rows["published_at"]))[k]
    left = span = np.inf
    if not np.isnat(rows["deadline"][k]):
        deadline = int(grid.index(rows["deadline"][k]))
        left, span = float(deadline - n), float(max(deadline - known, 1))
    seen = inputs.observed.truce_seen[:n] & (inputs.observed.breach[:n] == 0)
    begin, age, breaches = max(int(truces.first[k]), 0), float(n - truces.root[k]), 0.0
    if age > 1:
        past = np.expm1(inputs.observed.breaches_past[n - 1])
        breaches = steps.remember_breach(past, inputs.observed.breach[n - 1], study.grid.step_days)
    return TruceSpell(
        on=True, age=age, own_age=float(n - known), span=span, breaches=breaches,
        left=left if left >= 0 else np.inf,  # past its deadline, and no end is recorded
        spoilt=not seen[begin : begin + inputs.quiet_periods].all(),
    )  # fmt: skip


def start_of(
    study: Study, inputs: Inputs, setting: Setting, params: Columns, samples: int
) -> State:
    """Return the state in which all futures begin, beliefs left out."""
    seen, n = inputs.observed, int(inputs.active.sum())
    last, spell, feed = n - 1, spell_at(study, inputs), setting.feed
    past = action_columns(inputs)

    def full(value: Any, dtype: type = float) -> NDArray[Any]:
        part = np.asarray(value, dtype=dtype)
        return np.broadcast_to(part, (samples, *part.shape)).copy()

    longer, lead = actions.with_year_before(study.grid)
    force = actions.force_known(study, longer, actions.kinetic_actions(study))
    exchange = actions.exchange_known(study, longer, lead)
    rows = study.tables.agreements
    open_ = rows.take(np.isnat(rows["ended"]))
    turned = [np.datetime64(s.date, "D") for s in study.spec.shocks if s.kind == "turnover"]
    live = [open_.take(open_.among("scope", (scope,))) for scope in actions.TRACKED]
    old = [sum(any(day < t for t in turned) for day in r["date"]) for r in live]
    open_acts = np.zeros(LONGEST_OPEN)
    if spell.on:  # how old they are is not known: half of a week is left
        open_acts[: steps.periods_of(steps.CALM_DAYS / 2.0, study.grid)] = seen.spoiler_open[last]
    recent = np.zeros((steps.ANSWER, 2, samples, 2))
    for t in range(max(n - steps.ANSWER, 0), n):
        count = seen.strike_count[:, t]
        recent[t - n] = np.stack([count, count * seen.severity_log[:, t]])[:, None]
    decayed = np.zeros(2)
    if "strikes_A" in setting.names:
        marks = {
            name: np.concatenate([past[name][..., max(n - MEMORY, 0) : n], np.zeros((2, 5, 1))], -1)
            for name in ("strike_by_severity", "warned_by_severity")
        }
        decayed = reciprocity.decayed(np, params, marks, setting.structure)[..., -1]
    words = np.concatenate([past["hardline"][:, :n], np.zeros((2, 1))], axis=-1)
    return State(
        logit_belief=np.zeros((samples, 2)),
        audience=np.zeros((samples, 2)),
        surplus=np.zeros(samples),
        talks=full(inputs.talks[last]),
        decayed=np.broadcast_to(decayed, (samples, 2)).copy(),
        heavy=full(np.expm1(seen.heavy[:, last])),
        force=steps.Force(*map(full, steps.at(force, lead + n))),
        exchange=steps.Exchange(*map(full, steps.at(exchange, lead + n))),
        recent=recent,
        proxy=full(seen.proxy_attack[last]),
        hardline=full(diplomacy.hardline_decayed({"hardline": words}, setting.structure)[:, -1]),
        conflict_phase=full(
            seen.conflict_phase[last] if seen.conflict_phase_seen[last] else 1, np.int64
        ),
        phase=full(phases(inputs)[last], np.int64),
        kind=full(inputs.regime[last], np.int64),
        truce=TruceSpell(*(np.full(samples, part) for part in spell)),
        broken=full(seen.concession_broken[last] if spell.own_age > 1 else 0.0),
        spoilers=open_acts[:, None] * np.ones(samples),
        live=full([len(r) for r in live]),
        changed=full(old),
        mean=full(feed.mean),
        miss=full(feed.miss),
    )
