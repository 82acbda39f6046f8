"""From the acts of a period to news, beliefs, surplus and the chances of talks.

News that acts do not make (prices, polls, words) is known for all periods before the first act is
drawn. Its pull on each belief is summed up once; to the equations it is then one more entry on the
scorecard of either side, beside the entries that drawn acts feed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.surprises import CLIP
from beliefs.model import system
from beliefs.model.mechanisms import evidence
from beliefs.model.structure import PHASES, Columns, Structure
from beliefs.model.theory import Theory
from beliefs.simulation.actions import KIND_OF_PHASE, Acts, Params
from beliefs.simulation.effects import Effects
from beliefs.simulation.feed import Memory, news_of
from beliefs.simulation.state import Setting, State
from beliefs.simulation.streams import Streams
from beliefs.study.tables.codebook import REGIME_KINDS

__all__ = ["News", "Now", "beliefs_of", "draw_news"]

Floats = NDArray[np.float64]

_PASSED_ON = (
    "turnover", "hardline", "cost", "mediator", "mediator_old", "waiver", "shock", "aftermath",
    "hinge", "power_shift", "persist_words", "pressure_home", "maritime",
)  # fmt: skip
TALKS = REGIME_KINDS.index("talks")
TRUCE = PHASES.index("truce")


@dataclass(frozen=True, eq=False)
class News:
    """What is known of the periods ahead before anybody acts.

    Attributes
    ----------
    theory, structure, params
        As the equations of belief read them: entries of the scorecard that acts do not feed are
        one entry a side.
    innovation
        (H, N, 2) unexplained moves of belief.
    columns
        By name, (H, N, ...).
    rest
        (kind, H, N, 2) pull of all news that acts do not feed, by regime kind.
    place
        (kind,) place of a regime kind in `rest`; -1 for those that no future can be in.
    fed
        Place among the fed counts, direction and regime kinds of each entry that acts feed.
    start
        Belief in the period before, for a theory without beliefs None.
    """

    theory: Theory
    structure: Structure
    params: Params
    innovation: Floats
    columns: dict[str, Floats]
    rest: Floats
    place: NDArray[np.int64]
    fed: tuple[tuple[int, float, tuple[int, ...]], ...]

    def outside(self, t: int) -> dict[str, Floats]:
        """Return the columns of a period that conduct reads and acts do not move."""
        return {n: self.columns[n][t] for n in ("pressure_home", "maritime", "power_shift")}


@dataclass(frozen=True, eq=False)
class Now:
    """Belief and what follows from it at the end of a period; (N, 2), surplus (N,)."""

    logit_belief: Floats
    audience: Floats
    surplus: Floats
    hardline: Floats


def draw_news(
    theory: Theory,
    setting: Setting,
    structure: Structure,
    params: Params,
    future: Columns,
    surprise: Floats,
    start: State,
) -> News:
    """Return what is known of the periods ahead."""
    samples, horizon = surprise.shape[0], surprise.shape[-1]
    by_time = {
        n: np.ascontiguousarray(np.moveaxis(np.broadcast_to(v, (samples, *v.shape[1:])), -1, 0))
        for n, v in future.items()
        if n in _PASSED_ON
    }
    feed = setting.feed
    fed = [
        (feed.indicator.index(structure.term_indicator[k]), k)
        for k in range(len(structure.terms))
        if structure.term_indicator[k] in feed.indicator
    ]
    kinds = sorted({int(start.kind[0]), *map(int, KIND_OF_PHASE)})
    place = np.full(len(REGIME_KINDS), -1)
    place[kinds] = np.arange(len(kinds))
    weight = np.broadcast_to(
        evidence.weights(np, params, structure), (samples, len(structure.terms))
    )
    taken = {k for _, k in fed}
    rest = np.zeros((len(kinds), horizon, samples, 2))
    if theory.beliefs:
        news = np.ascontiguousarray(np.moveaxis(surprise, -1, 0))  # (H, N, indicator)
        for k in set(range(len(structure.terms))) - taken:
            pull = (weight[:, k] * structure.term_direction[k]) * news[
                ..., structure.term_indicator[k]
            ]
            for row, kind in enumerate(kinds):
                if kind in structure.term_regimes[k]:
                    rest[row, ..., structure.term_side[k]] += pull
    order = [k for _, k in fed]
    small = replace(
        structure,
        terms=("rest_0", "rest_1", *(structure.terms[k] for k in order)),
        term_side=(0, 1, *(structure.term_side[k] for k in order)),
        term_indicator=(-1, -2, *(structure.term_indicator[k] for k in order)),
        term_regimes=((), (), *(structure.term_regimes[k] for k in order)),
        term_direction=(1.0, 1.0, *(structure.term_direction[k] for k in order)),
        term_own=(True,) * (2 + len(order)),
    )
    own = np.concatenate([np.ones((samples, 2)), weight[:, order]], axis=1)
    # A common scorecard is in the weights already.
    reduced = params | {
        "weight_own": own, "weight_other": np.zeros((samples, 0)), "shared": np.zeros(())
    }  # fmt: skip
    innovation = np.broadcast_to(params["innovation"], (samples, 2, horizon))
    return News(
        theory,
        small,
        reduced,
        np.ascontiguousarray(np.moveaxis(innovation, -1, 0)),
        by_time,
        rest,
        place,
        tuple((j, structure.term_direction[k], structure.term_regimes[k]) for j, k in fed),
    )


def beliefs_of(
    news: News,
    setting: Setting,
    state: State,
    acts: Acts,
    effects: Effects,
    streams: Streams,
    t: int,
    place: int,
) -> tuple[Memory, Now, tuple[Floats, Floats]]:
    """Return what the acts of a period lead both sides to believe, and the chances of talks.

    `state` is after the acts; its beliefs, surplus and talks are those of the period before.
    Returned: what is then expected of acts; beliefs, audience costs and surplus; probabilities
    that talks start and that they go on, each (N,). `place` is that of period t in `news`.
    """
    which = streams.uniform("share", len(setting.feed.indicator))
    fed = setting.feed.indicator
    given = {
        fed.index(c.indicator): c.value for c in effects.counts if c.at == t and c.indicator in fed
    }
    surprise, memory = news_of(
        setting.feed, state.memory, acts.count, acts.severity, state.phase, which, given
    )
    samples, seen = len(state.talks), news.columns
    rest = news.rest[news.place[state.kind], place, np.arange(samples)]
    terms = [rest[:, 0], rest[:, 1]]
    for j, direction, regimes in news.fed:
        terms.append(surprise[:, j] * direction * np.isin(state.kind, regimes))
    loud = ((acts.count > 0) & (acts.severity >= setting.loud)).any(axis=-1)
    did = np.maximum(seen["persist_words"][place], acts.count > 0)
    force = np.maximum(surprise[:, -2:], 0.0) / CLIP
    now = {n: seen[n][place] for n in _PASSED_ON[:10]}
    now |= {
        "evidence": np.stack(terms, axis=-1),
        "quiet": 1.0 - loud,
        "pressure": (state.kind != TALKS).astype(float),
        "truce": (state.phase == TRUCE).astype(float)[:, None],
        "rival_persists": did[:, ::-1],
        "rival_resolve": force[:, ::-1],
        "heavy": np.log1p(state.heavy),
        "proxy_attack": state.proxy,
        "spell_age": np.log(np.maximum(state.talked, 1.0)),
    }
    columns = {name: value[..., None] for name, value in now.items()}
    params = news.params | {"innovation": news.innovation[place][..., None]}
    start = system.Start(state.logit_belief, state.audience) if news.theory.beliefs else None
    run = system.evaluate(np, params, columns, news.structure, start)

    def flat(values: Any, *shape: int) -> Floats:
        return np.broadcast_to(values[..., 0], (samples, *shape))

    if not news.theory.beliefs:
        run = replace(run, logit_belief=np.zeros((2, 1)), surplus=np.zeros(1))
    found = Now(
        flat(run.logit_belief, 2), flat(run.audience, 2), flat(run.surplus), seen["hardline"][place]
    )
    return memory, found, (flat(run.onset), flat(run.continuation))
