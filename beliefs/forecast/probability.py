"""Probabilities of the targets, each with its Monte-Carlo error and its base rate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.forecast.forecast import Forecast, Paths
from beliefs.forecast.passage import NEVER, first_passage
from beliefs.infer.sensitivity import prior_dominated
from beliefs.study.reference import AGE_BINS, settlement_rates, talk_onset_rate

__all__ = ["LATENT", "TARGETS", "Probability", "event_steps", "probability", "settlement_base_rate"]

TARGETS = ("crack", "crack_first", "talks_rational", "talks")
LATENT = ("crack", "crack_first", "talks_rational")


@dataclass(frozen=True)
class Probability:
    """One forecast probability.

    Attributes
    ----------
    target, side
        What, and whose (None when it belongs to no side).
    by
        Last day of the window.
    p, mcse
        Probability and its Monte-Carlo standard error.
    base_rate, base_rate_source
        Yardstick and where it comes from: a reference class, or the prior alone.
    prior_dominated
        True when scaling the prior moves `p` more than scaling the likelihood does.
    at_origin
        Share of draws in which the event has already happened at the origin.
    given
        Condition in words, or None.
    threshold, periods
        Crack rule used, where it applies.
    """

    target: str
    side: str | None
    by: dt.date
    p: float
    mcse: float
    base_rate: float | None
    base_rate_source: str
    prior_dominated: bool
    at_origin: float
    given: str | None = None
    threshold: float | None = None
    periods: int | None = None


def event_steps(
    forecast: Forecast,
    target: str,
    side: str | None = None,
    *,
    prior: bool = False,
    threshold: float | None = None,
    periods: int | None = None,
) -> NDArray[Any]:
    """Return the period in which a target first happens in each sample.

    Parameters
    ----------
    forecast
        The forecast.
    target, side
        One of `TARGETS`; ``crack`` and ``crack_first`` need a side.
    prior
        Use the futures of the prior.
    threshold, periods
        Crack rule; the study's own when None.

    Returns
    -------
    ndarray of int
        Shape (sample,): 0 at the origin already, 1.. in the horizon, `NEVER` otherwise. For
        ``crack_first`` a tie belongs to neither side.

    Raises
    ------
    StudyError
        Unknown target or side, or the theory has no beliefs.
    """
    paths = forecast.prior_paths if prior else forecast.paths
    rule = forecast.posterior.study.spec.crack
    threshold = rule.threshold if threshold is None else threshold
    periods = rule.periods if periods is None else periods
    if target == "talks":
        return first_passage(paths.talks, 1)
    if target not in TARGETS:
        raise StudyError(
            "unknown target", where="target", found=target, expected=", ".join(TARGETS),
            mend="choose one of them",
        )  # fmt: skip
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


def _run(values: Any, history: Any, periods: int) -> NDArray[Any]:
    back = history[:, -periods:] > 0
    return first_passage(values > 0, periods, back)


def _crack(paths: Paths, side: int, threshold: float, periods: int) -> NDArray[Any]:
    limit = float(np.log(threshold / (1.0 - threshold)))
    assert paths.logit_belief is not None and paths.history_belief is not None
    below = paths.logit_belief[:, side] < limit
    return first_passage(below, periods, paths.history_belief[:, side, -periods:] < limit)


def probability(
    forecast: Forecast,
    target: str,
    *,
    by: str | dt.date,
    side: str | None = None,
    given: tuple[str, str | None, bool] | None = None,
    threshold: float | None = None,
    periods: int | None = None,
) -> Probability:
    """Return the probability that a target happens by a date.

    Parameters
    ----------
    forecast
        From `beliefs.forecast`.
    target, side, threshold, periods
        See `event_steps`.
    by
        Last day of the window, inside the horizon.
    given
        Condition ``(target, side, happened)``: only futures in which that target has (or has not)
        happened by the same date.

    Raises
    ------
    StudyError
        Unknown target, side or date, or the condition holds in fewer than 30 futures.
    """
    steps = forecast.step_of(by)
    when = event_steps(forecast, target, side, threshold=threshold, periods=periods)
    happened = when <= steps
    mask, words = None, None
    if given is not None:
        other, other_side, wanted = given
        mask = (event_steps(forecast, other, other_side) <= steps) == wanted
        words = f"{'' if wanted else 'no '}{other}{' of ' + other_side if other_side else ''}"
        if mask.sum() < 30:
            raise StudyError(
                "too few futures meet the condition",
                where=f"given {words}",
                found=f"{int(mask.sum())} of {len(mask)}",
                expected="at least 30",
                mend="draw more samples, or condition on something likelier",
            )
    p = float(happened.mean() if mask is None else happened[mask].mean())
    if target in LATENT:
        base_when = event_steps(
            forecast, target, side, prior=True, threshold=threshold, periods=periods
        )
        base: float | None = float((base_when <= steps).mean())
        source = "prior alone (latent: no reference class records it)"
    else:
        rate = talk_onset_rate()
        days = steps * forecast.posterior.inputs.step_days
        base = rate.any_by(days)
        source = rate.label
    rule = forecast.posterior.study.spec.crack
    return Probability(
        target=target,
        side=side,
        by=dt.date.fromisoformat(str(np.datetime64(by, "D"))),
        p=p,
        mcse=_mcse(happened, mask, forecast.chains),
        base_rate=base,
        base_rate_source=source,
        prior_dominated=prior_dominated(forecast.posterior.tree, happened),
        at_origin=float((when == 0).mean()),
        given=words,
        threshold=(rule.threshold if threshold is None else threshold)
        if target.startswith("crack")
        else None,
        periods=None if target == "talks" else (rule.periods if periods is None else periods),
    )


def settlement_base_rate(age_days: float, days: float) -> tuple[float, str]:
    """Return P(formal agreement within `days` | crisis is `age_days` old) in violent crises.

    Rates by age are `beliefs.study.reference.settlement_rates`; their Gamma posteriors are
    integrated out.
    """
    stay = 1.0
    rates = settlement_rates()
    for (low, high), rate in zip(pairwise(AGE_BINS), rates, strict=True):
        inside = max(0.0, min(age_days + days, high) - max(age_days, low))
        stay *= 1.0 - rate.any_by(inside)
    return 1.0 - stay, rates[0].label.rsplit(",", 1)[0]


def _mcse(happened: NDArray[np.bool_], mask: NDArray[np.bool_] | None, chains: int) -> float:
    """Return the Monte-Carlo standard error of a mean of 0s and 1s from correlated draws."""
    import arviz as az

    if mask is not None:
        share = happened[mask].mean()
        return float(np.sqrt((share * (1 - share) + 1.0 / mask.sum()) / mask.sum()))
    values = happened.astype(float).reshape(chains, -1)
    if values.min() == values.max():  # no variation: the rule of three's scale
        return 1.0 / values.size
    return float(np.asarray(az.mcse(values, method="mean")))
