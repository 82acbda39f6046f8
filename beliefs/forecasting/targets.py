"""The registry of targets: everything that can be asked of a forecast, one entry each.

An entry says what the target is in futures (its first time), what it is in the tables of a study
(its label), in words, and what its base rate is. Probabilities, the forecast document, labels of
backtests and of the ledger, sensitivity, calibration and report read it: a new target is one more
entry of `TARGETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.talks import talks_watched
from beliefs.features.windows import truces_of
from beliefs.simulation.actions import COLLAPSE, DEAL, LAPSE, MUTUAL, UNILATERAL
from beliefs.study.tables.codebook import RUNGS

if TYPE_CHECKING:
    from beliefs.features.inputs import Inputs
    from beliefs.features.observed import Observed
    from beliefs.forecasting.forecast import Forecast, Paths
    from beliefs.study.load import Study

__all__ = [
    "ACTION_TARGETS", "CAUSES", "LATENT", "NEVER", "TARGETS", "Past", "Target", "asked_of",
    "cumulative_incidence", "event_steps", "explained", "first_passage", "happened_by", "headline",
    "holds",
]  # fmt: skip

Steps = NDArray[Any]
Bools = NDArray[np.bool_]

NEVER = np.iinfo(np.int32).max
CAUSES = {
    "collapse": COLLAPSE, "lapse": LAPSE, "unilateral": UNILATERAL, "mutual": MUTUAL, "deal": DEAL,
}  # fmt: skip
"""How a truce can end or go on, as in ``events["ended"]`` of futures."""
WAR = RUNGS.index("open_war")


class Past:
    """What a study has seen by its as-of date, as labels are read off it; arrays are (T,).

    Parameters
    ----------
    study, inputs
        The study and its inputs.
    """

    def __init__(self, study: Study, inputs: Inputs) -> None:
        self.study, self.inputs, self.observed = study, inputs, inputs.observed

    def before(self, values: NDArray[Any]) -> Bools:
        """Return whether something was so in the period before."""
        return np.concatenate([[False], np.asarray(values[:-1]) > 0])

    @cached_property
    def truce(self) -> Bools:
        """Whether a truce is in force when a period begins, in a study that watches truces."""
        on: Bools = truces_of(self.study, self.study.grid).on
        return on & (self.study.spec.truce is not None)

    @property
    def truce_known(self) -> Bools:
        """Whether nothing recorded of a truce means that nothing happened to one."""
        return ~self.truce | self.observed.truce_seen

    @property
    def deadline(self) -> Bools:
        """Whether a truce in force has an announced deadline ahead."""
        return self.truce & (self.observed.has_deadline > 0)


Label = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""By period: it happened; nothing recorded means that it did not; it is at risk."""


@dataclass(frozen=True, eq=False)
class _Ask:
    """A question put to futures."""

    forecast: Forecast
    paths: Paths
    side: int | None
    threshold: float
    periods: int
    rule: str

    def crack(self, side: int) -> Steps:
        """Return when belief has been below the threshold for the periods of the crack rule."""
        now, past = self.paths.logit_belief, self.paths.history_belief
        assert now is not None and past is not None
        limit = float(np.log(self.threshold / (1.0 - self.threshold)))
        return first_passage(
            now[:, side] < limit, self.periods, past[:, side, -self.periods :] < limit
        )


@dataclass(frozen=True)
class Target:
    """One thing that can be asked of a forecast."""

    name: str  # As in ``forecast.json``
    words: str  # As a person reads it; ``{side}`` stands for the name of a side
    # What it is about. The base rate of a target about beliefs is the prior, which nothing else
    # informs; that of others is the base-rate theory M0, learnt from the same study
    kind: Literal["beliefs", "talks", "actions"]
    first: Callable[[_Ask], Steps]  # When it first happens in futures, (sample,)
    # When it happened in a study, by rule; None where nobody can look it up
    label: Callable[[Past, str], Label] | None = None
    source: str = ""  # Name in ``Paths.events`` of what it is read off; empty for beliefs and talks
    # Whether a study has seen anything of it: only then it is forecast unasked
    seen: Callable[[Observed], Any] = lambda _: True
    sided: Literal["no", "may", "must"] = "no"  # Whether it is about a side
    # What counts, with what each adds to `words`; the first is the default
    rules: Mapping[str, str] = field(default_factory=lambda: {"any": ""})
    # Whether a crack rule's threshold applies (its periods apply to all about beliefs)
    threshold: bool = False
    negated: bool = False  # Whether the target is that it does *not* happen


def _crack_first(ask: _Ask) -> Steps:
    assert ask.side is not None
    mine, other = ask.crack(ask.side), ask.crack(1 - ask.side)
    return np.where(mine < other, mine, NEVER)


def _rational(ask: _Ask) -> Steps:
    now, past = ask.paths.surplus, ask.paths.history_surplus
    assert now is not None and past is not None
    return first_passage(now > 0, ask.periods, past[:, -ask.periods :] > 0)


def _talks(ask: _Ask) -> Steps:
    when = first_passage(ask.paths.talks, 1)
    known = ask.forecast.left_out is not None and ask.forecast.left_out.talks
    return np.zeros_like(when) if known else when


def _event(source: str, condition: Callable[[NDArray[Any], str], Bools]) -> dict[str, Any]:
    """Return `source` and `first` of a target that is read off events of futures."""

    def first(ask: _Ask) -> Steps:
        assert ask.paths.events is not None
        values = ask.paths.events[source]
        if ask.side is not None:
            values = values[:, ask.side : ask.side + 1]
        return first_passage(condition(values, ask.rule), 1)

    return {"source": source, "first": first}


def _war(ask: _Ask) -> Steps:
    """Return when war is on, 0 where it is on at the origin."""
    assert ask.paths.events is not None
    when = first_passage(ask.paths.events["rung"] == WAR, 1)
    seen, last = ask.forecast.posterior.inputs, int(ask.forecast.posterior.inputs.active.sum()) - 1
    on = seen.observed.rung_seen[last] and seen.observed.rung[last] == WAR
    return np.zeros_like(when) if on else when


def _extensions(rule: str) -> tuple[int, ...]:
    return (MUTUAL,) if rule == "mutual" else (UNILATERAL, MUTUAL)


def _at_war(seen: Observed) -> Bools:
    return (seen.rung == WAR) & seen.rung_seen


_ALL = (
    Target(
        "crack", "{side} cracks", "beliefs", lambda ask: ask.crack(ask.side or 0), sided="must",
        threshold=True,
    ),
    Target(
        "crack_first", "{side} cracks first", "beliefs", _crack_first, sided="must",
        threshold=True,
    ),
    Target("talks_rational", "Talks become rational", "beliefs", _rational),
    Target(
        "talks", "Talks are held", "talks", _talks,
        lambda p, _: (p.inputs.talks, talks_watched(p.study), np.ones_like(p.truce)),
    ),
    Target(
        "signed", "An agreement is signed", "actions", **_event("signed", lambda x, _: x),
        label=lambda p, _: (
            p.observed.deal_signed, p.observed.deal_seen, p.before(p.observed.deal_seen)
        ),
        seen=lambda o: o.deal_seen,
    ),
    Target(
        "deal", "A mutual agreement is made, signed or not", "actions",
        **_event("deal", lambda x, _: x),
        label=lambda p, _: (p.observed.deal, p.observed.deal_seen, p.before(p.observed.deal_seen)),
        seen=lambda o: o.deal_seen,
    ),
    Target(
        "war", "Open war", "actions", _war,
        lambda p, _: (
            _at_war(p.observed), p.observed.rung_seen,
            p.before(p.observed.rung_seen & ~_at_war(p.observed)),
        ),
        "rung", lambda o: o.rung_seen,
    ),
    Target(
        "breach", "A truce is broken", "actions", **_event("breach", lambda x, _: x),
        label=lambda p, _: (p.observed.breach, p.truce_known, p.truce),
        seen=lambda o: o.truce_seen,
    ),
    Target(
        "collapse", "A truce collapses", "actions", **_event("ended", lambda x, _: x == COLLAPSE),
        label=lambda p, _: (p.observed.truce_end == 1, p.truce_known, p.truce),
        seen=lambda o: o.truce_seen,
    ),
    Target(
        "extension", "A truce is extended", "actions",
        **_event("ended", lambda x, rule: np.isin(x, _extensions(rule))),
        label=lambda p, rule: (
            np.isin(p.observed.window_kind, _extensions(rule)), p.truce_known, p.deadline
        ),
        seen=lambda o: o.truce_seen,
        rules={"any": "", "mutual": " by both sides"},
    ),
    Target(
        "lapse", "A truce lapses at its deadline", "actions",
        **_event("ended", lambda x, _: x == LAPSE),
        label=lambda p, _: (p.observed.window_kind == LAPSE, p.truce_known, p.deadline),
        seen=lambda o: o.truce_seen,
    ),
    Target(
        "terminated", "An agreement in force is ended", "actions",
        **_event("terminated", lambda x, _: x),
        label=lambda p, _: (
            p.observed.scope_ended.sum(axis=0), p.observed.deal_seen,
            p.observed.scope_live.sum(axis=0),
        ),
        seen=lambda o: o.scope_live,
    ),
    Target(
        "no_crossing", "No red line is crossed", "actions",
        **_event("crossing", lambda x, _: x.any(axis=1)),
        label=lambda p, _: (
            p.observed.line_cross.sum(axis=0), p.observed.strikes_seen,
            p.before(p.observed.strikes_seen) & (p.study.spec.redlines is not None),
        ),
        seen=lambda o: o.line_touch, sided="may", negated=True,
    ),
)  # fmt: skip
TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
"""All targets by name, in the order of outputs."""
LATENT = tuple(name for name, target in TARGETS.items() if target.kind == "beliefs")
"""Those about beliefs, which nobody can look up."""
ACTION_TARGETS = tuple(name for name, target in TARGETS.items() if target.kind == "actions")


def explained(forecast: Forecast) -> tuple[str, ...]:
    """Return the targets of action that were simulated."""
    events = forecast.paths.events or {}
    return tuple(name for name, target in TARGETS.items() if target.source in events)


def asked_of(forecast: Forecast) -> tuple[str, ...]:
    """Return the targets of action that the theory explains and the study has seen anything of."""
    seen = forecast.posterior.inputs.observed
    return tuple(name for name in explained(forecast) if np.any(TARGETS[name].seen(seen)))


def headline(
    forecast: Forecast, actions: Sequence[str] | None = None
) -> tuple[tuple[str, str | None], ...]:
    """Return every target of a forecast with the sides it must be asked of, in order.

    Parameters
    ----------
    forecast
        The forecast.
    actions
        Targets of action to take; those of `asked_of` when None.
    """
    actions = asked_of(forecast) if actions is None else actions
    latent = LATENT if forecast.posterior.theory.beliefs else ()
    sides = forecast.posterior.structure.sides
    return tuple(
        (name, side)
        for name in (*latent, "talks", *actions)
        for side in (sides if TARGETS[name].sided == "must" else (None,))
    )


def holds(target: str, when: Steps, steps: int) -> Bools:
    """Return in which futures a target holds after `steps` periods; `when` as `event_steps`."""
    # Where nothing may happen, the target holds until something does.
    return when > steps if TARGETS[target].negated else when <= steps


def happened_by(
    forecast: Forecast, target: str, steps: int, side: str | None = None, **more: Any
) -> Bools:
    """Return in which futures a target holds after `steps` periods, (sample,).

    Parameters
    ----------
    forecast, target, side, more
        As for `event_steps`.
    steps
        Number of periods.
    """
    return holds(target, event_steps(forecast, target, side, **more), steps)


def event_steps(
    forecast: Forecast,
    target: str,
    side: str | None = None,
    *,
    prior: bool = False,
    threshold: float | None = None,
    periods: int | None = None,
    rule: str = "any",
    base: bool = False,
) -> Steps:
    """Return the period in which a target first happens in each sample.

    Parameters
    ----------
    forecast
        The forecast.
    target, side
        One of `TARGETS`, and a side where it needs one or may have one.
    prior
        Use the futures of the prior.
    threshold, periods
        Crack rule; the study's own when None.
    rule
        One of the rules of the target.
    base
        Use the futures of the base-rate theory; for talks and targets of action only.

    Returns
    -------
    ndarray of int
        Shape (sample,): 0 at the origin already (or, of talks, known to have been held between it
        and the as-of date), 1.. in the horizon, `NEVER` otherwise. For
        ``crack_first`` a tie belongs to neither side. For ``no_crossing``: the period in which a
        line is first crossed.

    Raises
    ------
    StudyError
        Unknown target, side, threshold, periods or rule, or one that the target does not have; the
        theory has no beliefs, or does not explain the target; actions were not simulated.
    """
    _check_words(forecast, target, side, threshold, periods, rule)
    entry, paths = TARGETS[target], forecast.paths
    if prior or base:
        paths = _there(forecast.prior_paths if prior else forecast.base_paths)
    theory, events = forecast.posterior.theory, paths.events
    if entry.kind == "beliefs" and paths.logit_belief is None:
        raise StudyError(
            f"{target} is a statement about beliefs, and the theory has none",
            where=f"theory {theory.name}", found=target, expected="target talks",
            mend="forecast under a theory with beliefs, e.g. mutual_optimism",
        )  # fmt: skip
    if entry.kind == "actions" and events is None:
        raise StudyError(
            f"{target} is a statement about conduct, which was not simulated",
            where="target", found=target, expected="one of " + ", ".join((*LATENT, "talks")),
            mend="forecast with actions, under a theory that explains them",
        )  # fmt: skip
    if entry.kind == "actions" and entry.source not in (events or {}):
        known = explained(forecast)
        raise StudyError(
            f"the theory says nothing of {target}", where=f"theory {theory.name}", found=target,
            expected="one of " + ", ".join(known), mend="choose a target that the theory explains",
        )  # fmt: skip
    own = forecast.posterior.study.spec.crack
    return entry.first(
        _Ask(
            forecast,
            paths,
            None if side is None else forecast.posterior.structure.sides.index(side),
            own.threshold if threshold is None else threshold,
            own.periods if periods is None else periods,
            rule,
        )
    )


def _there(paths: Paths | None) -> Paths:
    if paths is None:
        raise StudyError(
            "no futures of a baseline were run", where="forecast", found="none",
            expected="futures of prior and base rate", mend="forecast with baselines=True",
        )  # fmt: skip
    return paths


def _check_words(
    forecast: Forecast,
    target: str,
    side: str | None,
    threshold: float | None,
    periods: int | None,
    rule: str,
) -> None:
    """Refuse words and numbers that are unknown, or that say nothing of the target."""
    sides = forecast.posterior.structure.sides
    if target not in TARGETS:
        raise _unusable("unknown target", "target", target, ", ".join(TARGETS))
    entry = TARGETS[target]

    def those(fits: Callable[[Target], bool]) -> str:
        return "one of the targets " + ", ".join(n for n, t in TARGETS.items() if fits(t))

    rules = dict.fromkeys(r for t in TARGETS.values() for r in t.rules)
    if rule not in rules:
        raise _unusable("unknown rule", "rule", rule, " or ".join(rules))
    if side is not None and side not in sides:
        raise _unusable("unknown side", "side", side, " or ".join(sides))
    if side is not None and entry.sided == "no":
        expected = f"no side, or {those(lambda t: t.sided != 'no')}"
        raise _unusable(f"{target} is no statement about a side", "side", side, expected)
    if side is None and entry.sided == "must":
        raise _unusable(f"{target} needs a side", "side", side, " or ".join(sides))
    for name, value, fits in (
        ("rule", None if rule == "any" else rule, lambda t: rule in t.rules),
        ("threshold", threshold, lambda t: t.threshold),
        ("periods", periods, lambda t: t.kind == "beliefs"),
    ):
        if value is not None and not fits(entry):
            expected = f"no {name}, or {those(fits)}"
            raise _unusable(f"{target} has no {name}", name, value, expected)
    if threshold is not None and not 0.0 < threshold < 1.0:
        raise _unusable("no such threshold", "threshold", threshold, "a number between 0 and 1")
    if periods is not None and periods < 1:
        raise _unusable("no such run of periods", "periods", periods, "1 or more")


def _unusable(what: str, where: str, found: object, expected: str) -> StudyError:
    return StudyError(
        what, where=where, found=repr(found), expected=expected,
        mend="choose among what is expected",
    )  # fmt: skip


def first_passage(condition: Bools, periods: int, history: Bools | None = None) -> Steps:
    """Return the step at which `condition` has first held for `periods` steps in a row.

    Parameters
    ----------
    condition
        Shape (sample, horizon).
    periods
        Length of the run, at least 1.
    history
        Shape (sample, any): the condition before the horizon begins, so that a run may have begun
        before the origin. A run complete at the origin itself gives 0.

    Returns
    -------
    ndarray of int
        Shape (sample,): 0 already at the origin, 1..horizon, or `NEVER`.
    """
    if periods < 1:
        raise ValueError(f"a run needs at least 1 period, got {periods}")
    samples, horizon = condition.shape
    run = np.zeros(samples, dtype=np.int64)
    out = np.full(samples, NEVER, dtype=np.int64)
    if history is not None:
        for t in range(history.shape[1]):
            run = np.where(history[:, t], run + 1, 0)
        out[run >= periods] = 0
    waiting = np.flatnonzero(out == NEVER)
    run = run[waiting]
    for t in range(horizon):
        run = (run + 1) * condition[waiting, t]
        there = run >= periods
        if there.any():
            out[waiting[there]] = t + 1
            waiting, run = waiting[~there], run[~there]
    return out


def cumulative_incidence(
    paths: Paths, causes: Sequence[str] = tuple(CAUSES)
) -> NDArray[np.float64]:
    """Return the share of futures whose truce has first ended, or gone on, by each cause.

    Parameters
    ----------
    paths
        Futures with actions.
    causes
        Names of `CAUSES`.

    Returns
    -------
    ndarray
        Shape (cause, horizon). Summed over all causes, the share in which it has ended.

    Raises
    ------
    ValueError
        There is no such cause, or actions were not simulated.

    Notes
    -----
    Causes compete: the share in which the *first* end is of one cause is its cumulative incidence
    (Aalen and Johansen 1978; with nothing censored, counting is that estimator). One minus a
    Kaplan-Meier curve per cause would answer another question, and add up to more than one.
    """
    unknown = [c for c in causes if c not in CAUSES]
    if unknown or paths.events is None or "ended" not in paths.events:
        raise ValueError(f"no cause {unknown}" if unknown else "no ends of windows were simulated")
    ended = paths.events["ended"]
    samples, horizon = ended.shape
    when = first_passage(ended > 0, 1)
    at = when[when != NEVER] - 1
    how = ended[when != NEVER, at]
    hits = [np.bincount(at[how == CAUSES[cause]], minlength=horizon) for cause in causes]
    return np.asarray(np.cumsum(hits, axis=-1) / samples)
