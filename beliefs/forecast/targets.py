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
from beliefs.forecast.course import COLLAPSE, LAPSE, MUTUAL, UNILATERAL
from beliefs.forecast.forecast import Forecast, Paths
from beliefs.forecast.passage import NEVER, first_passage
from beliefs.study.codebook import RUNGS
from beliefs.study.observed import Observed

__all__ = [
    "CONDUCT_TARGETS",
    "LATENT",
    "RULES",
    "TARGETS",
    "asked_of",
    "event_steps",
    "explained",
    "happened_by",
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
    when = event_steps(forecast, target, side, **more)
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
        Shape (sample,): 0 at the origin already, 1.. in the horizon, `NEVER` otherwise. For
        ``crack_first`` a tie belongs to neither side. For ``no_crossing``: the period in which a
        line is first crossed.

    Raises
    ------
    StudyError
        Unknown target, side or rule; the theory has no beliefs, or does not explain the target;
        conduct was not simulated.
    """
    paths = forecast.paths
    if prior or base:
        paths = _there(forecast.prior_paths if prior else forecast.base_paths)
    crack = forecast.posterior.study.spec.crack
    threshold = crack.threshold if threshold is None else threshold
    periods = crack.periods if periods is None else periods
    if target == "talks":
        return first_passage(paths.talks, 1)
    if target not in TARGETS:
        raise StudyError(
            "unknown target", where="target", found=target, expected=", ".join(TARGETS),
            mend="choose one of them",
        )  # fmt: skip
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
    sides = forecast.posterior.structure.sides
    if side not in sides:
        raise StudyError(
            f"{target} needs a side", where="side", found=str(side), expected=" or ".join(sides),
            mend="name the side",
        )  # fmt: skip
    cracks = [_crack(paths, i, threshold, periods) for i in (0, 1)]
    i = sides.index(side)
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
    if rule not in RULES:
        raise StudyError(
            "unknown rule", where="rule", found=rule, expected=" or ".join(RULES),
            mend="choose one of them",
        )  # fmt: skip
    values = paths.events[source]
    if side is not None:
        sides = forecast.posterior.structure.sides
        if target != "no_crossing" or side not in sides:
            raise StudyError(
                f"{target} is no statement about this side", where="side", found=str(side),
                expected=" or ".join(sides) if target == "no_crossing" else "no side",
                mend="leave the side out",
            )  # fmt: skip
        i = sides.index(side)
        values = values[:, i : i + 1]
    on = values == MUTUAL if target == "extension" and rule == "mutual" else is_it(values)
    steps = first_passage(on, 1)
    if target == "war":
        inputs = forecast.posterior.inputs
        last = int(inputs.active.sum()) - 1
        if inputs.observed.rung_seen[last] and inputs.observed.rung[last] == 0:
            steps = np.zeros_like(steps)
    return steps
