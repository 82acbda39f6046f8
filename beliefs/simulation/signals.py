"""From the actions of a period to news, beliefs, surplus and the chances of talks.

News that actions do not make (prices, polls, words) is known for all periods before the first one
is drawn. Its pull on each belief is summed up once; to the equations it is one more entry on the
scorecard of either side, beside the entries that drawn actions feed. Those are surprises by the
step of `beliefs.features.surprises`, carried on from the origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beliefs.features.inputs import Term
from beliefs.features.steps import Floats, add_fading, expected, log_age
from beliefs.features.surprises import CLIP, COUNT_FLOOR, early, missed, scale_of, transform
from beliefs.model import system
from beliefs.model.mechanisms import evidence
from beliefs.model.mechanisms.diplomacy import hardline_kept
from beliefs.model.observation import draw
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory
from beliefs.simulation.actions import Actions, Period
from beliefs.simulation.state import TRUCE, Feed, Setting, State
from beliefs.study.tables.codebook import REGIME_KINDS

KEPT = (
    "turnover", "hardline", "cost", "mediator", "mediator_old", "announced", "scheduled", "waiver",
    "shock", "aftermath", "hinge", "power_shift", "conflict_age", "pressure_home", "agenda_share",
    "persist_words", "innovation",
)  # fmt: skip
TALKS = REGIME_KINDS.index("talks")


@dataclass(frozen=True, eq=False)
class Signals:
    """What is known of H periods ahead before anybody acts.

    `theory`, `structure` and `params` are as the equations of belief read them: entries of the
    scorecard that actions do not feed are one entry a side.
    """

    theory: Theory
    structure: Structure
    params: Columns
    columns: Columns  # by name, (H, N, ...); innovations too, the unexplained moves of belief
    rest: Floats  # (kind, H, N, 2) pull of all news that actions do not feed, by regime kind
    fed: tuple[tuple[int, float, tuple[int, ...]], ...]  # fed count, direction and regime kinds

    def outside(self, t: int) -> Columns:
        """Return the columns of a period that actions do not move."""
        return {name: values[t] for name, values in self.columns.items()}


def draw_signals(
    theory: Theory,
    setting: Setting,
    structure: Structure,
    params: Columns,
    future: Columns,
    surprise: Floats,
) -> Signals:
    """Return what is known of the periods ahead."""
    samples, horizon = surprise.shape[0], surprise.shape[-1]

    def by_time(values: Any) -> Any:
        wide = np.broadcast_to(values, (samples, *values.shape[1:-1], horizon))
        return np.ascontiguousarray(np.moveaxis(wide, -1, 0))

    counts, terms = setting.feed.indicator, structure.terms
    order = [k for k, term in enumerate(terms) if term.indicator in counts]
    weight = np.broadcast_to(evidence.weights(np, params, structure), (samples, len(terms)))
    rest = np.zeros((len(REGIME_KINDS), horizon, samples, 2))
    if theory.beliefs:
        signal = np.ascontiguousarray(np.moveaxis(surprise, -1, 0))  # (H, N, indicator)
        for k in set(range(len(terms))) - set(order):
            term = terms[k]
            pull = (weight[:, k] * term.direction) * signal[..., term.indicator]
            for kind in term.regimes:
                rest[kind, ..., term.side] += pull
    others = (Term(f"rest_{side}", side, -1 - side, (), 1.0, True) for side in (0, 1))
    small = replace(structure, terms=(*others, *(replace(terms[k], own=True) for k in order)))
    reduced = params | {
        "weight_own": np.concatenate([np.ones((samples, 2)), weight[:, order]], axis=1),
        "weight_other": np.zeros((samples, 0)),
        "shared": np.zeros(()),  # a common scorecard is in the weights already
    }
    fed = tuple((counts.index(t.indicator), t.direction, t.regimes) for t in small.terms[2:])
    columns = {name: by_time(future[name]) for name in KEPT}
    return Signals(theory, small, reduced, columns, rest, fed)


def signal_updates(
    feed: Feed,
    state: State,
    actions: Actions,
    uniform: Floats,
    given: Mapping[int, float],
    since: int,
) -> tuple[Floats, Floats, Floats]:
    """Return surprises that the actions of a period make, within +-4, and what is then expected.

    `given` are values of counts that interventions fix, `since` the periods since the origin; all
    returned are (sample, count).
    """
    mine, part = actions.strikes[:, feed.side], len(feed.indicator)
    counted = mine.copy()
    odds = np.log(np.maximum(feed.share, 1e-9)) - np.log1p(-np.minimum(feed.share, 1.0 - 1e-9))
    there = np.nonzero(mine[:, :part])  # most counts of most periods are zero
    mass = odds[state.phase[there[0]], there[1]]
    counted[there] = draw(uniform[there], "binomial_logit", mass, mine[there])
    value = np.where(feed.weighted, counted * actions.severity[:, feed.side], counted)
    for j, instead in given.items():
        value[:, j] = instead
    begun, restarted = feed.arrived + since
    fast, slow = early(feed.fast, begun + 1.0), early(feed.slow, restarted)
    f = transform("count", value)
    news = missed(f, state.mean, scale_of(state.miss, state.mean, COUNT_FLOOR))
    return news, *expected(state.mean, state.miss, f, fast, slow)


def beliefs_of(
    signals: Signals, period: Period, state: State, actions: Actions, place: int
) -> tuple[State, tuple[Floats, Floats]]:
    """Return the futures with what the actions of a period lead both sides to believe.

    And the probabilities that talks start and that they go on, each (N,). `state` is after the
    actions; its beliefs, surplus and talks are those of the period before. `place` is that of the
    period in `signals`.
    """
    setting, counts = period.setting, period.effects.counts[period.t]
    fed, samples, seen = setting.feed.indicator, len(state.talks), signals.outside(place)
    given = {fed.index(k): value for k, value in counts if k in fed}
    which = period.streams.uniform("share", len(fed))
    surprise, mean, miss = signal_updates(setting.feed, state, actions, which, given, period.t)
    rest = signals.rest[state.kind, place, np.arange(samples)]
    terms = [rest[:, 0], rest[:, 1]]
    terms += [surprise[:, j] * sign * np.isin(state.kind, kinds) for j, sign, kinds in signals.fed]
    loud = ((actions.strikes > 0) & (actions.severity >= setting.loud)).any(axis=-1)
    did = np.maximum(seen["persist_words"], actions.strikes > 0)
    force = np.maximum(surprise[:, -2:], 0.0) / CLIP
    now = seen | {
        "evidence": np.stack(terms, axis=-1),
        "quiet": 1.0 - loud,
        "pressure": (state.kind != TALKS).astype(float),
        "truce": (state.phase == TRUCE).astype(float)[:, None],
        "rival_persists": did[:, ::-1],
        "rival_resolve": force[:, ::-1],
        "heavy": np.log1p(state.heavy),
        "proxy_attack": state.proxy,
        "spell_age": log_age(state.exchange.deadlock),
        "talks_before": np.log1p(state.exchange.times),
    }
    columns = {name: value[..., None] for name, value in now.items()}
    params = signals.params | {"innovation": columns["innovation"]}
    start = system.Start(state.logit_belief, state.audience) if signals.theory.beliefs else None
    run = system.evaluate(np, params, columns, signals.structure, start)

    def flat(values: Any, *shape: int) -> Floats:
        return np.broadcast_to(values[..., 0], (samples, *shape))

    if not signals.theory.beliefs:
        run = replace(run, logit_belief=np.zeros((2, 1)), surplus=np.zeros(1))
    left = hardline_kept(signals.structure)
    after = replace(
        state,
        logit_belief=flat(run.logit_belief, 2), audience=flat(run.audience, 2),
        surplus=flat(run.surplus), mean=mean, miss=miss,
        hardline=add_fading(state.hardline, (1.0 - left) * seen["hardline"], left),
    )  # fmt: skip
    return after, (flat(run.onset), flat(run.continuation))
