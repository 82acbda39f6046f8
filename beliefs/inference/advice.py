"""What a study that breaks no rule may still lack: advice for those who build one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.posterior import drawn, stacked_params
from beliefs.model import system
from beliefs.model.structure import action_columns, columns, structure_of
from beliefs.model.theory import Theory, free_parameters, null_values
from beliefs.study.load import Study

Draws = dict[str, Any]
DRAWS = 8  # of the prior, between which a parameter is exchanged
MOST = 5_000  # events of which kinds are left out in turn
SCATTER = 2.5  # standard errors that a correlation must be away from none
LATE = 4  # periods that pass before a series is news, from which on that is worth a remark
DATED = 8  # values of a series of which all came out on the day that they are of
AGAINST, BOTH = -0.3, 10  # correlation of news and readings that tells of a wrong sign, and of what


def advice(study: Study, inputs: Inputs) -> Iterator[str]:
    """Yield one sentence for each thing that new users get wrong."""
    n = int(inputs.active.sum())
    for i, side in enumerate(inputs.sides):
        own = [term for term in inputs.terms if term.side == i and term.own]
        if not any(inputs.seen[term.indicator, :n].any() for term in own):
            yield f"nothing on {side}'s own scorecard is ever news: its belief cannot move by it"
        if np.isnan(inputs.reading[i]).all():
            yield f"nothing reads the belief of {side}: its level is that of the prior"
        yield from _against(inputs, i, {term.indicator: term.direction for term in own})
    for series in (s for c in study.spec.channels for s in c.series if not s.invert):
        rows = study.tables.indicators.where(indicator=[series.indicator])
        shares = rows["value"] / series.scale
        if odd := int(((shares > 1.0) | ((shares < 0.01) & (np.median(shares) > 0.1))).sum()):
            yield (
                f"{odd} of {len(rows)} values of {series.indicator} are hardly shares of "
                f"{series.scale:g}: some per cents among shares, or another scale?"
            )
    said = study.tables.events["belief_signal"]
    said = said[~np.isnan(said)]
    if len(said) >= DATED and said.min() >= 0.0 and said.max() <= 1.0 and (said % 0.5 > 0.0).any():
        yield "belief signals are log-odds from -2 to 2: those from 0 to 1 look like probabilities"
    if not inputs.talks.any():
        yield "no talks in the period: what is forecast of them is the prior"
    same_day, read = [], {term.indicator for term in inputs.terms}
    for k, indicator in enumerate(study.spec.indicators):
        if len({*indicator.direction.values()}) == 1 and len(indicator.direction) == 2:
            yield f"a rise of {indicator.id} is said to be equally good or bad news for both sides"
        rows = study.tables.indicators.where(indicator=[indicator.id])
        first = int(np.argmax(inputs.seen[k]))
        if len(rows) and first >= LATE and k in read:
            yield (
                f"{indicator.id} is no news in the first {first} periods, in which it teaches what "
                "to expect: bring its history from before the period"
            )
        gap = np.median(np.diff(rows["date"])) if len(rows) >= DATED else np.timedelta64(0, "D")
        if gap > np.timedelta64(1, "D") and (rows["published_at"] == rows["date"]).all():
            same_day.append(indicator.id)
    if same_day:
        yield (
            f"values of {', '.join(same_day)} came out on the day that they are of: give "
            "published_at, or a publication_lag, if they were known later"
        )


def _against(inputs: Inputs, side: int, directions: dict[int, float]) -> Iterator[str]:
    """Yield what good news goes with falling readings of a side's belief."""
    seen = ~np.isnan(inputs.reading[side])
    at = np.flatnonzero(seen.any(axis=0))
    reading = np.nanmean(inputs.reading[side][:, at], axis=0)
    if len(at) < BOTH or not np.diff(reading).any():
        return
    for k, direction in directions.items():
        total = np.cumsum(direction * inputs.surprise[k])[at]
        least = min(AGAINST, -SCATTER / np.sqrt(len(at) - 1))
        if total.std() > 0 and np.corrcoef(np.diff(total), np.diff(reading))[0, 1] < least:
            yield (
                f"readings of {inputs.sides[side]} fall when {inputs.indicators[k]} brings good "
                "news: is its direction right?"
            )


def unread(study: Study, theory: Theory) -> list[str]:
    """Return the kinds of events whose rows change no likelihood that a theory has on a study.

    None of more than `MOST` events: the study is looked at without each kind in turn.
    """
    events = study.tables.events
    if len(events) > MOST:
        return []

    def without(kinds: Collection[str]) -> Any:
        rows = events.take(~events.among("kind", kinds))
        inputs = build_inputs(replace(study, tables=replace(study.tables, events=rows)))
        return [_total(logs(draws)) for draws, logs in _likelihoods(inputs, theory)]

    every = without(())
    return [
        kind for kind in sorted({*events["kind"]})
        if np.allclose(without((kind,)), every, rtol=0.0, atol=1e-9)
    ]  # fmt: skip


def unlearnable(inputs: Inputs, theory: Theory) -> list[str]:
    """Return the free parameters that change no likelihood of what a study has seen."""
    found = []
    for draws, logs in _likelihoods(inputs, theory):
        before = _total(logs(draws))
        for name, values in draws.items():
            other = draws | {name: np.roll(values, 1, axis=0)}
            if np.allclose(_total(logs(other)), before, rtol=0.0, atol=1e-9):
                found.append(name)
    return found


def _likelihoods(inputs: Inputs, theory: Theory) -> Iterator[tuple[Draws, Callable[[Draws], Any]]]:
    """Yield by block draws of the prior, (DRAWS, ...), and the log likelihoods given such."""
    structure, rng = structure_of(inputs), np.random.default_rng(1)
    cols, acts = columns(inputs), action_columns(inputs)
    p = rng.random((2, structure.n_time))  # as if beliefs were known, for what hangs on them
    acts |= {"p_lag": p, "p_lag_min": p.min(axis=0), "surplus_lag": p[0] - p[1]}

    def of_belief(draws: dict[str, Any]) -> dict[str, Any]:
        params = stacked_params(theory, structure, draws)
        run = system.evaluate(np, params, cols, structure)
        return system.log_likelihoods(np, params, cols, structure, run)

    def of_actions(draws: dict[str, Any]) -> dict[str, Any]:
        params = null_values(theory, structure, "actions") | draws
        names = [factor.name for factor in system.factors(theory, structure)]
        return system.action_log_likelihoods(np, params, acts, structure, names)

    for block, logs in (("belief", of_belief), ("actions", of_actions)):
        yield drawn(free_parameters(theory, structure, block), structure, rng, (DRAWS,)), logs


def _total(logs: dict[str, Any]) -> Any:
    each = (np.broadcast_to(x, (DRAWS, x.shape[-1])).sum(axis=1) for x in logs.values())
    return sum(each, np.zeros(DRAWS))
