"""What a study shows of the targets of forecasts: when they happened, and when they are at risk.

The definitions are those of the simulated targets (`beliefs.forecasting.targets`), read off what
was observed. Talks are those that were held by their own dates, as far as they are public by the
as-of date: what comes of a window may change as secret rounds come out. Who forecasts from an
origin knows `known` alone. Of everything else a period holds no more than was published in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.steps import Bools, Ints
from beliefs.features.talks import talks_public
from beliefs.forecasting.targets import DEFAULT_TARGETS, TARGETS, Past
from beliefs.study.load import Study

APART_DAYS = 7  # quiet days that make two events of one


def _known(values: NDArray[Any], public: Ints | None, n: int) -> NDArray[Any]:
    """Return the first `n` periods of values as they were known after them, 0 until published."""
    early = values[:n]
    return early if public is None else np.where(public[:n] < n, early, np.zeros_like(early))


def _watched(seen: Bools, n: int, periods: int) -> slice | None:
    """Return the window of `periods` after `n`; None where it reaches beyond what was seen."""
    window = slice(n, n + periods)
    return window if n + periods <= len(seen) and seen[window].all() else None


@dataclass(frozen=True, eq=False)
class Question:
    """Something that does or does not come within some periods; arrays by period, (T,)."""

    target: str
    rule: str | None  # None where a target has one alone
    hit: Bools  # it happened
    seen: Bools  # none there is really none
    at_risk: Bools  # whether it can come: it has not already, and there is something to come to
    public: Ints | None = None  # period by whose end a hit was public; None: in itself

    def known(self, n: int) -> Bools:
        """Return in which of the first `n` periods it had come as far as was known after them."""
        return _known(self.hit, self.public, n)

    @property
    def name(self) -> str:
        """Target and rule in one word."""
        return self.target if self.rule is None else f"{self.target}_{self.rule}"

    @property
    def negated(self) -> bool:
        """Whether the target is that it does not come."""
        return TARGETS[self.target].negated

    def first(self, n: int, periods: int) -> int | None:
        """Return the first period of it after `n`, 1 .. `periods` + 1 (never); None if unseen."""
        window = _watched(self.seen, n, periods)
        return None if window is None else int(np.argmax([*self.hit[window], True])) + 1


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something counted over a window: ``strikes`` of a side, or ``talk_periods``."""

    name: str
    side: int | None
    value: NDArray[np.float64]  # by period, (T,)
    seen: Bools  # a zero there is a real zero
    public: Ints | None = None  # as in `Question`

    def known(self, n: int) -> NDArray[np.float64]:
        """Return the numbers of the first `n` periods as far as they were known after them."""
        return _known(self.value, self.public, n)

    def total(self, n: int, periods: int) -> float | None:
        """Return the sum over a window, None where it reaches beyond what was seen."""
        window = _watched(self.seen, n, periods)
        return None if window is None else float(self.value[window].sum())


def questions(
    study: Study, inputs: Inputs, targets: Iterable[str] = DEFAULT_TARGETS
) -> tuple[Question, ...]:
    """Return the questions that a study has labels for, cut at the as-of date."""
    n, past, out = int(inputs.active.sum()), Past(study, inputs), []
    for target in (TARGETS[name] for name in targets):
        if target.label is None:
            continue
        for rule in target.rules:
            observed, known, may = (np.asarray(v[:n] > 0) for v in target.label(past, rule))
            public = talks_public(study)[:n] if target.kind == "talks" else None
            named = rule if len(target.rules) > 1 else None
            out.append(Question(target.name, named, observed, known, may, public))
    return tuple(q for q in out if q.at_risk.any())


def quantities(study: Study, inputs: Inputs) -> tuple[Quantity, ...]:
    """Return what is counted in a study, cut at the as-of date."""
    n, seen = int(inputs.active.sum()), inputs.observed
    held, watched, public = inputs.talks.astype(float), inputs.talks_seen, talks_public(study)
    out = [Quantity("talk_periods", None, held[:n], watched[:n], public[:n])]
    if seen.strikes_seen[:n].any():
        watched = seen.strikes_seen[:n]
        out += [Quantity("strikes", i, seen.strike_count[i, :n], watched) for i in (0, 1)]
    return tuple(out)


def spells(hit: Bools, step_days: float) -> Ints:
    """Return numbers of events of hits, 0 elsewhere; one has no `APART_DAYS` quiet days."""
    places = np.flatnonzero(hit)
    out = np.zeros(len(hit), dtype=np.int64)
    quiet = (np.diff(places, prepend=-1 - APART_DAYS) - 1) * step_days
    out[places] = np.cumsum(quiet >= APART_DAYS)
    return out
