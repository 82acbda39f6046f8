"""Targets: when each thing that can be asked of a forecast first happens, in every future.

Targets of belief and talks: ``crack``, ``crack_first``, ``talks_rational``, ``talks``. Targets of
conduct, where it was simulated: ``signed`` and ``deal`` (a mutual agreement, signed or not),
``war``, ``breach`` and ``collapse`` of a truce, its ``extension`` (by any side or mutual) and
``lapse``, ``terminated`` (an agreement in force ends), and ``no_crossing`` of a red line, which
holds as long as nothing happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.observed import Observed
from beliefs.forecasting.forecast import Forecast, Paths
from beliefs.forecasting.passage import NEVER, first_passage
from beliefs.simulation.course import COLLAPSE, LAPSE, MUTUAL, UNILATERAL
from beliefs.study.tables.codebook import RUNGS

__all__ = [
    "CONDUCT_TARGETS",
    "LATENT",
    "RULES",
    "TARGETS",
    "asked_of",
    "event_steps",
    "explained",
    "happened_by",
    "holds",
]

LATENT = ("crack", "crack_first", "talks_rational")
CONDUCT_TARGETS = (
    "signed", "deal", "war", "breach", "collapse", "extension", "lapse", "terminated",
    "no_crossing",
)  # fmt: skip
TARGETS = (*LATENT, "talks", *CONDUCT_TARGETS)
RULES = ("any", "mutual")
"""Which extensions of a truce count."""

Events = dict[str, NDArray[Any]]

_OF: dict[str, tuple[str, Callable[[Any], NDArray[np.bool_]]]] = {
    "signed": ("signed", lambda x: x),
    "deal": ("deal", lambda x: x),
    "war": ("rung", lambda x: x == RUNGS.index("open_war")),
    "breach": ("breach", lambda x: x),
    "collapse": ("ended", lambda x: x == COLLAPSE),
    "extension": ("ended", lambda x: np.isin(x, (UNILATERAL, MUTUAL))),
    "lapse": ("ended", lambda x: x == LAPSE),
    "terminated": ("terminated", lambda x: x),
    "no_crossing": ("crossing", lambda x: x.any(axis=1)),
}
_SEEN: dict[str, Callable[[Observed], Any]] = {
    "signed": lambda o: o.deal_seen,
    "deal": lambda o: o.deal_seen,
    "war": lambda o: o.rung_seen,
    "breach": lambda o: o.truce_seen,
    "collapse": lambda o: o.truce_seen,
    "extension": lambda o: o.truce_seen,
    "lapse": lambda o: o.truce_seen,
    "terminated": lambda o: o.scope_live,
    "no_crossing": lambda o: o.line_touch,
}


def asked_of(forecast: Forecast) -> tuple[str, ...]:
    """Return the targets of conduct that the theory explains and the study has seen anything of."""
    seen = forecast.posterior.inputs.observed
    return tuple(name for name in explained(forecast) if np.any(_SEEN[name](seen)))


def explained(forecast: Forecast) -> tuple[str, ...]:
    """Return the targets of conduct that were simulated."""
    events = forecast.paths.events or {}
    return tuple(name for name in CONDUCT_TARGETS if _OF[name][0] in events)


def happened_by(
    forecast: Forecast, target: str, steps: int, side: str | None = None, **more: Any
) -> NDArray[np.bool_]:
    """Return in which futures a target holds after `steps` periods, (sample,).

    Parameters
    ----------
    forecast, target, side, more
        As for `event_steps`.
    steps
        Number of periods.
    """
    return holds(target, event_steps(forecast, target, side, **more), steps)


def holds(target: str, when: NDArray[Any], steps: int) -> NDArray[np.bool_]:
    """Return in which futures a target holds after `steps` periods; `when` as `event_steps`."""
    # Where nothing may happen, the target holds until something does.
    return when > steps if target == "no_crossing" else when <= steps


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
) -> NDArray[Any]:
    """Return the period in which a target first happens in each sample.

    Parameters
    ----------
    forecast
        The forecast.
    target, side
        One of `TARGETS`; ``crack`` and ``crack_first`` need a side, and ``no_crossing`` may have
        one, whose acts then are meant.
    prior
        Use the futures of the prior.
    threshold, periods
        Crack rule; the study's own when None.
    rule
        Which extensions count, one of `RULES`.
    base
        Use the futures of the base-rate theory; for talks and targets of conduct only.

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
        theory has no beliefs, or does not explain the target; conduct was not simulated.
    """
    _check_words(forecast, target, side, threshold, periods, rule)
    paths = forecast.paths
    if prior or base:
        paths = _there(forecast.prior_paths if prior else forecast.base_paths)
    crack = forecast.posterior.study.spec.crack
    threshold = crack.threshold if threshold is None else threshold
    periods = crack.periods if periods is None else periods
    if target == "talks":
        when = first_passage(paths.talks, 1)
        known = forecast.left_out is not None and forecast.left_out.talks
        return np.zeros_like(when) if known else when
    if target in CONDUCT_TARGETS:
        return _conduct_steps(forecast, target, side, rule, paths)
    if paths.logit_belief is None:
        raise StudyError(
            f"{target} is a statement about beliefs, and the theory has none",
            where=f"theory {forecast.posterior.theory.name}",
            found=target,
            expected="target talks",
            mend="forecast under a theory with beliefs, e.g. mutual_optimism",
        )
    if target == "talks_rational":
        return _run(paths.surplus, paths.history_surplus, periods)
    cracks = [_crack(paths, i, threshold, periods) for i in (0, 1)]
    i = forecast.posterior.structure.sides.index(side or "")
    if target == "crack":
        return cracks[i]
    return np.where(cracks[i] < cracks[1 - i], cracks[i], NEVER)


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
    crack, latent = target.startswith("crack"), target in LATENT
    sided = ("crack", "crack_first", "no_crossing")
    if target not in TARGETS:
        raise _unusable("unknown target", "target", target, ", ".join(TARGETS))
    if rule not in RULES:
        raise _unusable("unknown rule", "rule", rule, " or ".join(RULES))
    if side is not None and side not in sides:
        raise _unusable("unknown side", "side", side, " or ".join(sides))
    if side is not None and target not in sided:
        raise _unusable(
            f"{target} is no statement about a side", "side", side,
            f"no side, or one of {', '.join(sided)}",
        )  # fmt: skip
    if side is None and crack:
        raise _unusable(f"{target} needs a side", "side", side, " or ".join(sides))
    for name, value, fits, known in (
        ("rule", None if rule == RULES[0] else rule, target == "extension", ("extension",)),
        ("threshold", threshold, crack, LATENT[:2]),
        ("periods", periods, latent, LATENT),
    ):
        if value is not None and not fits:
            raise _unusable(
                f"{target} has no {name}", name, value,
                f"no {name}, or one of the targets {', '.join(known)}",
            )  # fmt: skip
    if threshold is not None and not 0.0 < threshold < 1.0:
        raise _unusable("no such threshold", "threshold", threshold, "a number between 0 and 1")
    if periods is not None and periods < 1:
        raise _unusable("no such run of periods", "periods", periods, "1 or more")


def _unusable(what: str, where: str, found: object, expected: str) -> StudyError:
    return StudyError(
        what,
        where=where,
        found=repr(found),
        expected=expected,
        mend="choose among what is expected",
    )


def _run(values: Any, history: Any, periods: int) -> NDArray[Any]:
    back = history[:, -periods:] > 0
    return first_passage(values > 0, periods, back)


def _crack(paths: Paths, side: int, threshold: float, periods: int) -> NDArray[Any]:
    limit = float(np.log(threshold / (1.0 - threshold)))
    assert paths.logit_belief is not None and paths.history_belief is not None
    below = paths.logit_belief[:, side] < limit
    return first_passage(below, periods, paths.history_belief[:, side, -periods:] < limit)


def _conduct_steps(
    forecast: Forecast, target: str, side: str | None, rule: str, paths: Paths
) -> NDArray[Any]:
    """Return the period in which something is first done, 0 for a war that is on already."""
    source, is_it = _OF[target]
    if paths.events is None:
        raise StudyError(
            f"{target} is a statement about conduct, which was not simulated",
            where="target",
            found=target,
            expected="one of " + ", ".join(t for t in TARGETS if t not in CONDUCT_TARGETS),
            mend="forecast with actions, under a theory that explains them",
        )
    if source not in paths.events:
        raise StudyError(
            f"the theory says nothing of {target}",
            where=f"theory {forecast.posterior.theory.name}",
            found=target,
            expected="one of " + ", ".join(t for t in CONDUCT_TARGETS if _OF[t][0] in paths.events),
            mend="choose a target that the theory explains",
        )
    values = paths.events[source]
    if side is not None:
        i = forecast.posterior.structure.sides.index(side)
        values = values[:, i : i + 1]
    on = values == MUTUAL if target == "extension" and rule == "mutual" else is_it(values)
    steps = first_passage(on, 1)
    if target == "war":
        inputs = forecast.posterior.inputs
        last = int(inputs.active.sum()) - 1
        if inputs.observed.rung_seen[last] and inputs.observed.rung[last] == 0:
            steps = np.zeros_like(steps)
    return steps
