"""What a study shows of the targets of forecasts: when they came, and where they may be asked.

The definitions are those of the simulated targets (`beliefs.forecasting.targets`), read off what
was observed. Talks are those that were held by their own dates, as far as they are public by the
as-of date: what comes of a window may change as secret rounds come out. Who speaks from an origin
knows `known` alone. Of everything else a period holds no more than was published in it, so that the
answer for a window is the same whatever was published after the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.talks import talks_public, talks_watched
from beliefs.forecasting.targets import TARGETS, Past
from beliefs.study.load import Study

__all__ = ["Quantity", "Question", "quantities", "questions", "spells"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
APART_DAYS = 7
"""Quiet days that make two events of one."""


@dataclass(frozen=True, eq=False)
class Question:
    """Something that does or does not come within some periods.

    Attributes
    ----------
    target, rule
        See `beliefs.forecasting.targets.event_steps`; rule None where there is one alone.
    hit
        (T,) whether it came in the period.
    seen
        (T,) whether none there is really none.
    asked
        (T,) whether the question makes sense just before the period: it has not come already, and
        there is something that it can come to.
    public
        (T,) period by whose end it was public that it came in the period; None: in itself.
    """

    target: str
    rule: str | None
    hit: Bools
    seen: Bools
    asked: Bools
    public: Ints | None = None

    def known(self, n: int) -> Bools:
        """Return in which of the first `n` periods it had come as far as was known after them."""
        hit = self.hit[:n]
        return hit if self.public is None else hit & (self.public[:n] < n)

    @property
    def name(self) -> str:
        """Target and rule in one word."""
        return self.target if self.rule is None else f"{self.target}_{self.rule}"

    @property
    def negated(self) -> bool:
        """Whether the target is that it does not come."""
        return TARGETS[self.target].negated

    def first(self, n: int, periods: int) -> int | None:
        """Return when it first came in a window: 1 .. `periods`, one more if it did not.

        None where the window reaches beyond what was seen.
        """
        window = slice(n, n + periods)
        if n + periods > len(self.hit) or not self.seen[window].all():
            return None
        hits = np.flatnonzero(self.hit[window])
        return int(hits[0]) + 1 if len(hits) else periods + 1


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something that is counted over a window.

    Attributes
    ----------
    name, side
        ``strikes`` of a side (its number), ``talk_periods`` of none.
    value
        (T,) how many there were in the period.
    seen
        (T,) whether a zero there is a real zero.
    public
        (T,) period by whose end the number was public, zero until then; None: in itself.
    """

    name: str
    side: int | None
    value: NDArray[np.float64]
    seen: Bools
    public: Ints | None = None

    def known(self, n: int) -> NDArray[np.float64]:
        """Return the numbers of the first `n` periods as far as they were known after them."""
        value = self.value[:n]
        return value if self.public is None else np.where(self.public[:n] < n, value, 0.0)

    def total(self, n: int, periods: int) -> float | None:
        """Return the sum over a window, None where it reaches beyond what was seen."""
        window = slice(n, n + periods)
        if n + periods > len(self.value) or not self.seen[window].all():
            return None
        return float(self.value[window].sum())


def questions(study: Study, inputs: Inputs) -> tuple[Question, ...]:
    """Return the questions that a study has labels for, cut at the as-of date.

    Parameters
    ----------
    study, inputs
        The study and its inputs.
    """
    n, past, out = int(inputs.active.sum()), Past(study, inputs), []
    for target in TARGETS.values():
        if target.label is None:
            continue
        for rule in target.rules:
            came, known, may = (np.asarray(v[:n] > 0) for v in target.label(past, rule))
            public = talks_public(study)[:n] if target.kind == "talks" else None
            named = rule if len(target.rules) > 1 else None
            out.append(Question(target.name, named, came, known, may, public))
    return tuple(q for q in out if q.asked.any())


def quantities(study: Study, inputs: Inputs) -> tuple[Quantity, ...]:
    """Return what is counted in a study, cut at the as-of date."""
    n, seen = int(inputs.active.sum()), inputs.observed
    held, watched, public = inputs.talks.astype(float), talks_watched(study), talks_public(study)
    out = [Quantity("talk_periods", None, held[:n], watched[:n], public[:n])]
    if seen.strikes_seen[:n].any():
        watched = seen.strikes_seen[:n]
        out += [Quantity("strikes", i, seen.strike_count[i, :n], watched) for i in (0, 1)]
    return tuple(out)


def spells(hit: Bools, step_days: int) -> NDArray[np.int64]:
    """Return the number of the event that each hit (T,) belongs to, 0 elsewhere.

    Hits with fewer than `APART_DAYS` quiet days between them are one event.
    """
    later = np.arange(len(hit))
    last = np.maximum.accumulate(np.where(hit, later, -1))
    before = np.concatenate([[-1], last[:-1]])  # the last hit before the period
    begins = hit & ((before < 0) | ((later - before - 1) * step_days >= APART_DAYS))
    return np.where(hit, np.cumsum(begins), 0)
