"""Probabilities of the targets, each with its Monte-Carlo error and its base rate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.forecast.forecast import Forecast, Paths, day_of
from beliefs.forecast.passage import NEVER, first_passage
from beliefs.infer.sensitivity import prior_dominated
from beliefs.study.reference import AGE_BINS, settlement_rates, talk_onset_rate

__all__ = [
    "FEWEST",
    "LATENT",
    "TARGETS",
    "Probability",
    "event_steps",
    "monte_carlo_error",
    "probability",
    "settlement_base_rate",
]

TARGETS = ("crack", "crack_first", "talks_rational", "talks")
LATENT = ("crack", "crack_first", "talks_rational")
FEWEST = 30  # futures that must meet a condition


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
        Yardstick and where it comes from: a reference class, or the prior alone. None where there
        is no yardstick under the same condition; the source then says why.
    prior_dominated
        True when scaling the prior moves `p` more than scaling the likelihood does.
    at_origin
        Share of draws in which the event has already happened at the origin.
    given
        Condition in words, or None. Every number but the base rate of talks is under it.
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
        happened by the same date, by the study's own crack rule. The yardstick of a latent target
        is held to it too: prior futures in which the condition holds.

    Raises
    ------
    StudyError
        Unknown target, side or date, or the condition holds in fewer than `FEWEST` futures.

    Notes
    -----
    A conditional probability is a ratio of two means, r = mean(a c) / mean(c) with a the event and
    c the condition. Its Monte-Carlo error is that of the mean of the linearised draws
    c (a - r) / mean(c) (delta method; Owen, Monte Carlo theory, methods and examples, section 2.7).
    """
    steps = forecast.step_of(by)
    when = event_steps(forecast, target, side, threshold=threshold, periods=periods)
    happened = when <= steps
    words = None
    held = np.ones(len(happened), dtype=bool)
    if given is not None:
        words = _in_words(given)
        held = _holds(forecast, given, steps)
        if held.sum() < FEWEST:
            raise _too_rare(words, held)
    p = float(happened[held].mean())
    if target in LATENT:
        prior_when = event_steps(
            forecast, target, side, prior=True, threshold=threshold, periods=periods
        )
        base, source = _prior_rate(forecast, prior_when <= steps, given, steps)
    elif given is not None:
        base, source = None, "none: the reference class of talks knows no such condition"
    else:
        rate = talk_onset_rate()
        days = steps * forecast.posterior.inputs.step_days
        base = rate.any_by(days)
        source = rate.label
    rule = forecast.posterior.study.spec.crack
    return Probability(
        target=target,
        side=side,
        by=dt.date.fromisoformat(str(day_of(by))),
        p=p,
        mcse=monte_carlo_error(held * (happened - p) / held.mean(), forecast.chains, held),
        base_rate=base,
        base_rate_source=source,
        prior_dominated=prior_dominated(_where(forecast.posterior.tree, held), happened[held]),
        at_origin=float((when[held] == 0).mean()),
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


def monte_carlo_error(
    values: NDArray[Any], chains: int, held: NDArray[np.bool_] | None = None
) -> float:
    """Return the Monte-Carlo standard error of a mean of correlated draws.

    Parameters
    ----------
    values
        One number per draw, (sample,) with sample = chain * draws + draw.
    chains
        Number of chains.
    held
        Draws that inform `values`, (sample,); all when None.

    Returns
    -------
    float
        ArviZ's error of the mean (Vehtari et al. 2021). Where no informing draw differs from the
        others: the rule of three's scale, one over their number.
    """
    import arviz as az

    seen = values if held is None else values[held]
    if seen.min() == seen.max():
        return 1.0 / seen.size
    return float(np.asarray(az.mcse(values.astype(float).reshape(chains, -1), method="mean")))


def _in_words(given: tuple[str, str | None, bool]) -> str:
    other, side, wanted = given
    return f"{'' if wanted else 'no '}{other}{' of ' + side if side else ''}"


def _holds(
    forecast: Forecast, given: tuple[str, str | None, bool], steps: int, *, prior: bool = False
) -> NDArray[np.bool_]:
    """Return in which futures a condition holds, (sample,)."""
    other, side, wanted = given
    return np.asarray((event_steps(forecast, other, side, prior=prior) <= steps) == wanted)


def _too_rare(words: str, held: NDArray[np.bool_]) -> StudyError:
    count = int(held.sum())
    return StudyError(
        "too few futures meet the condition" if count else "no future meets the condition",
        where=f"given {words}",
        found=f"{count} of {len(held)}",
        expected=f"at least {FEWEST}",
        mend="draw more samples, or condition on something likelier",
    )


def _prior_rate(
    forecast: Forecast,
    happened: NDArray[np.bool_],
    given: tuple[str, str | None, bool] | None,
    steps: int,
) -> tuple[float | None, str]:
    """Return the yardstick of a latent target and its source."""
    if given is None:
        return float(happened.mean()), "prior alone (latent: no reference class records it)"
    held = _holds(forecast, given, steps, prior=True)
    if held.sum() < FEWEST:
        return None, f"none: the condition holds in {held.sum()} of {len(held)} prior futures"
    return float(happened[held].mean()), (
        "prior alone, under the same condition (latent: no reference class records it)"
    )


def _where(tree: Any, held: NDArray[np.bool_]) -> Any:
    """Return the log densities of the draws that a condition leaves, as one chain."""
    import xarray as xr

    if held.all():
        return tree
    parts = {}
    for group in ("log_prior", "log_likelihood"):
        kept = {}
        for name, variable in tree[group].to_dataset().data_vars.items():
            values = np.asarray(variable.values)
            rows = values.reshape(held.size, -1)[held]
            kept[str(name)] = (("chain", "draw", f"{name}_part"), rows[None])
        parts[group] = xr.Dataset(kept)
    return xr.DataTree.from_dict(parts)
