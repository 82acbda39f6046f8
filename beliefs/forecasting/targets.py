"""The registry of targets: everything that can be forecast, each an entry of `TARGETS`.

An entry says what the target is in futures (its first time), in the tables of a study (its label)
and in words, and what its base rate is. All rooms after this one read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.actions import truces_of
from beliefs.features.inputs import Inputs
from beliefs.features.steps import Bools
from beliefs.simulation.actions import COLLAPSE, DEAL, LAPSE, MUTUAL, OPEN_WAR, UNILATERAL
from beliefs.study.load import Study

if TYPE_CHECKING:
    from beliefs.forecasting.forecast import Forecast
    from beliefs.simulation.paths import Paths

Steps = NDArray[Any]
Label = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""By period: it happened; nothing recorded means that it did not; it is at risk."""

NEVER = np.iinfo(np.int32).max
CLUSTER = 5  # actions of force of both sides in one period that make a cluster
CAUSES = {
    "collapse": COLLAPSE, "lapse": LAPSE, "unilateral": UNILATERAL, "mutual": MUTUAL, "deal": DEAL,
}  # fmt: skip
"""How a truce can end or go on, as in ``events["ended"]`` of futures."""
CAUSE_WORDS = {"unilateral": "one-sided extension", "mutual": "mutual extension"}
"""Those whose name does not say it."""


class Past:
    """What a study has seen by its as-of date, as labels are read off it; arrays are (T,)."""

    def __init__(self, study: Study, inputs: Inputs) -> None:
        self.study, self.inputs, self.observed = study, inputs, inputs.observed
        seen = self.observed
        # A truce in force when a period begins, in a study that watches truces; whether nothing
        # recorded of it means that nothing happened to it; whether it has an announced deadline
        self.truce: Bools = truces_of(study, study.grid).on & (study.spec.truce is not None)
        self.acts_known: Bools = ~self.truce | seen.truce_seen
        self.ends_known: Bools = ~self.truce | seen.ends_seen
        self.deadline: Bools = self.truce & (seen.has_deadline > 0)
        self.deals_watched = self.before(seen.deal_seen)
        self.at_war = at_war(inputs)

    def before(self, values: NDArray[Any]) -> Bools:
        """Return whether something was so in the period before."""
        return np.concatenate([[False], np.asarray(values[:-1]) > 0])


def at_war(inputs: Inputs) -> Bools:
    """Return in which periods open war was seen, (T,)."""
    return (inputs.observed.conflict_phase == OPEN_WAR) & inputs.observed.conflict_phase_seen


@dataclass(frozen=True, eq=False)
class _Query:
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
        before = past[:, side, -self.periods :] < limit
        return first_passage(now[:, side] < limit, self.periods, before)


@dataclass(frozen=True)
class Target:
    """One thing that can be forecast."""

    name: str  # as in ``forecast.json``
    words: str  # as a person reads it; ``{side}`` stands for the name of a side
    kind: Literal["beliefs", "talks", "actions"]  # base rate of beliefs: the prior; of others: M0
    first: Callable[[_Query], Steps]  # when it first happens in futures, (sample,)
    label: Callable[[Past, str], Label] | None = None  # by rule; None where nobody can look it up
    # Of targets of action: names in ``Paths.events`` of what it is read off, and in `Observed` of
    # what a study must have seen for it to be forecast by default
    sources: tuple[str, ...] = ()
    seen: str = ""
    sided: Literal["no", "may", "must"] = "no"  # whether it is about a side
    # What counts, with what each adds to `words`; the first is the default
    rules: Mapping[str, str] = field(default_factory=lambda: {"any": ""})
    threshold: bool = False  # whether a crack rule's applies; its periods do to all about beliefs
    negated: bool = False  # whether the target is that it does *not* happen
    default: bool = True  # whether it is forecast and scored by default


def _crack_first(query: _Query) -> Steps:
    assert query.side is not None
    mine, other = query.crack(query.side), query.crack(1 - query.side)
    return np.where(mine < other, mine, NEVER)


def _rational(query: _Query) -> Steps:
    now, past = query.paths.surplus, query.paths.history_surplus
    assert now is not None and past is not None
    return first_passage(now > 0, query.periods, past[:, -query.periods :] > 0)


def _talks(query: _Query) -> Steps:
    when = first_passage(query.paths.talks, 1)
    known = query.forecast.left_out is not None and query.forecast.left_out.talks
    return np.zeros_like(when) if known else when


def _war(query: _Query, *, or_signed: bool = False) -> Steps:
    """Return when war is on (or an agreement is signed); 0 where it is on at the origin."""
    assert query.paths.events is not None
    on, inputs = query.paths.events["conflict_phase"] == OPEN_WAR, query.forecast.posterior.inputs
    known = np.broadcast_to(at_war(inputs)[inputs.active][-1:], (len(on), 1))
    return first_passage(on | query.paths.events["signed"] if or_signed else on, 1, known)


def _extensions(rule: str) -> tuple[int, ...]:
    return (MUTUAL,) if rule == "mutual" else (UNILATERAL, MUTUAL)


def _action(
    name: str, words: str, source: str, seen: str, label: Callable[[Past, str], Label],
    fits: Callable[[NDArray[Any], str], Bools] = lambda values, _: values, **more: Any,
) -> Target:  # fmt: skip
    """Return a target that first happens where events of futures fit."""

    def first(query: _Query) -> Steps:
        assert query.paths.events is not None
        values = query.paths.events[source]
        if query.side is not None:
            values = values[:, query.side : query.side + 1]
        return first_passage(fits(values, query.rule), 1)

    return Target(name, words, "actions", first, label, (source,), seen, **more)


_COLLAPSE = _action(
    "collapse", "A truce collapses", "ended", "ends_seen",
    lambda p, _: (p.observed.truce_end == 1, p.ends_known, p.truce),
    lambda ended, _: ended == COLLAPSE,
)  # fmt: skip
_ALL = (
    Target(
        "crack", "{side} cracks", "beliefs", lambda query: query.crack(query.side or 0),
        sided="must", threshold=True,
    ),
    Target(
        "crack_first", "{side} cracks first", "beliefs", _crack_first, sided="must",
        threshold=True,
    ),
    Target("talks_rational", "Talks become rational", "beliefs", _rational),
    Target(
        "talks", "Talks are held", "talks", _talks,
        lambda p, _: (p.inputs.talks, p.inputs.talks_seen, np.ones_like(p.truce)),
    ),
    _action(
        "signed", "An agreement is signed", "signed", "deal_seen",
        lambda p, _: (p.observed.deal_signed, p.observed.deal_seen, p.deals_watched),
    ),
    _action(
        "deal", "A mutual agreement is made, signed or not", "deal", "deal_seen",
        lambda p, _: (p.observed.deal, p.observed.deal_seen, p.deals_watched),
    ),
    Target(
        "war", "Open war", "actions", _war,
        lambda p, _: (
            p.at_war, (seen := p.observed.conflict_phase_seen), p.before(seen & ~p.at_war)
        ),
        ("conflict_phase",), "conflict_phase_seen",
    ),
    _action(
        "breach", "A truce is broken", "breach", "truce_seen",
        lambda p, _: (p.observed.breach, p.acts_known, p.truce),
    ),
    _COLLAPSE,
    _action(
        "extension", "A truce is extended", "ended", "ends_seen",
        lambda p, rule: (
            np.isin(p.observed.end_kind, _extensions(rule)), p.ends_known, p.deadline
        ),
        lambda ended, rule: np.isin(ended, _extensions(rule)),
        rules={"any": "", "mutual": " by both sides"},
    ),
    _action(
        "lapse", "A truce lapses at its deadline", "ended", "ends_seen",
        lambda p, _: (p.observed.end_kind == LAPSE, p.ends_known, p.deadline),
        lambda ended, _: ended == LAPSE,
    ),
    _action(
        "terminated", "An agreement in force is ended", "terminated", "scope_live",
        lambda p, _: (
            p.observed.scope_ended.sum(axis=0), p.observed.deal_seen,
            p.observed.scope_live.sum(axis=0),
        ),
    ),
    _action(
        "no_crossing", "No red line is crossed", "crossing", "line_touch",
        lambda p, _: (
            p.observed.line_cross.sum(axis=0), p.observed.strikes_seen,
            p.before(p.observed.strikes_seen) & (p.study.spec.redlines is not None),
        ),
        lambda crossed, _: crossed.any(axis=1), sided="may", negated=True,
    ),
    # Claims alone ask for the rest.
    Target(
        "neither", "Neither a signed agreement nor open war", "actions",
        lambda query: _war(query, or_signed=True),
        lambda p, _: (
            (p.observed.deal_signed > 0) | p.at_war, (seen := p.observed.conflict_phase_seen),
            p.before(seen & ~p.at_war),
        ),
        ("signed", "conflict_phase"), "conflict_phase_seen", negated=True, default=False,
    ),
    replace(
        _COLLAPSE, name="no_collapse", words="No truce collapses", negated=True, default=False
    ),
    _action(
        "cluster", f"{CLUSTER} actions of force or more in one period", "strikes", "strikes_seen",
        lambda p, _: (
            p.observed.strike_count.sum(axis=0) >= CLUSTER, p.observed.strikes_seen,
            p.before(p.observed.strikes_seen),
        ),
        lambda strikes, _: strikes.sum(axis=1) >= CLUSTER, default=False,
    ),
)  # fmt: skip
TARGETS = {target.name: target for target in _ALL}  # in the order of outputs
LATENT = tuple(name for name, target in TARGETS.items() if target.kind == "beliefs")
"""Those about beliefs, which nobody can look up."""
DEFAULT_TARGETS = tuple(name for name, target in TARGETS.items() if target.default)


def explained(forecast: Forecast) -> tuple[str, ...]:
    """Return the targets of action that were simulated."""
    events = forecast.paths.events or {}
    return tuple(n for n in DEFAULT_TARGETS if (s := TARGETS[n].sources) and events.keys() >= {*s})


def forecastable(forecast: Forecast) -> tuple[str, ...]:
    """Return the targets of action that the theory explains and the study has seen anything of."""
    seen = forecast.posterior.inputs.observed
    return tuple(name for name in explained(forecast) if np.any(getattr(seen, TARGETS[name].seen)))


def headline(
    forecast: Forecast, actions: Sequence[str] | None = None
) -> tuple[tuple[str, str | None], ...]:
    """Return every target (of action, given or `forecastable`) with the sides it must have."""
    actions = forecastable(forecast) if actions is None else actions
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
    """Return in which futures a target holds after `steps` periods; others as `event_steps`."""
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
    """Return the period in which a target first happens in each future, (sample,) of int.

    0 at the origin already (or, of talks, known to have been held between it and the as-of date),
    1.. in the horizon, `NEVER` otherwise. For ``crack_first`` a tie belongs to neither side, for
    ``no_crossing`` it is when a line is first crossed. `prior` and `base` take the futures of the
    baselines; `threshold` and `periods` are the crack rule, the study's own when None.
    """
    paths: Paths | None = forecast.paths
    if prior or base:
        paths = forecast.prior_paths if prior else forecast.base_paths
    if paths is None:
        raise StudyError(
            "no futures of a baseline were run", where="forecast", found="none",
            expected="futures of prior and base rate", fix="forecast with baselines=True",
        )  # fmt: skip
    how = {"rule": None if rule == "any" else rule, "threshold": threshold, "periods": periods}
    for what, place, found, expected in _faults(forecast, paths, target, side, how):
        raise StudyError(
            what, where=place, found=repr(found), expected=expected,
            fix="choose among what is expected",
        )  # fmt: skip
    own, sides = forecast.posterior.study.spec.crack, forecast.posterior.structure.sides
    of = None if side is None else sides.index(side)
    limit = own.threshold if threshold is None else threshold
    length = own.periods if periods is None else periods
    return TARGETS[target].first(_Query(forecast, paths, of, limit, length, rule))


def _faults(
    forecast: Forecast, paths: Paths, target: str, side: str | None, how: dict[str, Any]
) -> Iterator[tuple[str, str, object, str]]:
    """Yield words and numbers that are unknown, or that say nothing of the target."""

    def those(fits: Callable[[Target], bool]) -> str:
        return "one of the targets " + ", ".join(n for n, t in TARGETS.items() if fits(t))

    if target not in TARGETS:
        yield "unknown target", "target", target, ", ".join(TARGETS)
    entry, sides = TARGETS[target], forecast.posterior.structure.sides
    rule, threshold, periods = how.values()
    rules = dict.fromkeys(r for t in TARGETS.values() for r in t.rules)
    for place, found, known in (("rule", rule, [*rules]), ("side", side, sides)):
        if found not in (None, *known):
            yield f"unknown {place}", place, found, " or ".join(known)
    if side is not None and entry.sided == "no":
        expected = f"no side, or {those(lambda t: t.sided != 'no')}"
        yield f"{target} is no statement about a side", "side", side, expected
    if side is None and entry.sided == "must":
        yield f"{target} needs a side", "side", side, " or ".join(sides)
    fitting: dict[str, Callable[[Target], bool]] = {
        "rule": lambda t: rule in t.rules,
        "threshold": lambda t: t.threshold,
        "periods": lambda t: t.kind == "beliefs",
    }
    for name, fits in fitting.items():
        if how[name] is not None and not fits(entry):
            yield f"{target} has no {name}", name, how[name], f"no {name}, or {those(fits)}"
    if threshold is not None and not 0.0 < threshold < 1.0:
        yield "no such threshold", "threshold", threshold, "a number between 0 and 1"
    if periods is not None and periods < 1:
        yield "no such run of periods", "periods", periods, "1 or more"
    theory, actions = f"theory {forecast.posterior.theory.name}", entry.kind == "actions"
    if entry.kind == "beliefs" and paths.logit_belief is None:
        what = f"{target} is a statement about beliefs, and the theory has none"
        yield what, theory, target, "target talks, or a theory with beliefs, e.g. mutual_optimism"
    if actions and paths.events is None:
        what = f"{target} is a statement about actions, which were not simulated"
        others = ", ".join((*LATENT, "talks"))
        yield what, "target", target, f"one of {others}, or a forecast with actions"
    if actions and not {*entry.sources} <= (paths.events or {}).keys():
        expected = "one of " + ", ".join(explained(forecast))
        yield f"the theory says nothing of {target}", theory, target, expected


def first_passage(condition: Bools, periods: int, history: Bools | None = None) -> Steps:
    """Return the step at which `condition` has first held for `periods` steps in a row, (sample,).

    0 where the run is complete at the origin, 1..horizon, or `NEVER`; both are (sample, any), and
    `history`, before the origin, is where a run may have begun.
    """
    run = np.zeros(len(condition), dtype=np.int64)
    for on in () if history is None else history.T:
        run = (run + 1) * on
    out = np.where(run >= periods, 0, NEVER)
    for t, on in enumerate(condition.T, start=1):
        run = (run + 1) * on
        out[(run >= periods) & (out == NEVER)] = t
    return out


def cumulative_incidence(paths: Paths) -> NDArray[np.float64]:
    """Return the share of futures whose truce has first ended, or gone on, by each of `CAUSES`.

    (cause, horizon); causes compete, and add up to the share in which it has ended: cumulative
    incidences (Aalen and Johansen 1978; with nothing censored, counting is that estimator).
    """
    if paths.events is None or "ended" not in paths.events:
        raise ValueError("no ends of truce spells were simulated")
    ended = paths.events["ended"]
    first = (ended > 0) & (np.cumsum(ended > 0, axis=1) == 1)
    hits = [(first & (ended == code)).sum(axis=0) for code in CAUSES.values()]
    return np.asarray(np.cumsum(hits, axis=-1) / len(ended))
