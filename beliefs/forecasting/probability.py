"""Probabilities of the targets, each with its Monte-Carlo error and its base rate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.forecasting.document import Probability
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import TARGETS, event_steps, happened_by, holds
from beliefs.inference.sensitivity import Power, densities, power_of
from beliefs.study.dates import day_of

FEWEST = 30  # futures that must meet a condition
Given = tuple[str, str | None, bool]
"""A target, its side, and whether it has happened."""
History = tuple[str, float]
"""``"quiet"`` and the hours, from the origin on, in which no truce was broken."""


def probability(
    forecast: Forecast,
    target: str,
    *,
    by: str | dt.date,
    side: str | None = None,
    given: Given | None = None,
    given_history: History | None = None,
    threshold: float | None = None,
    periods: int | None = None,
    rule: str = "any",
) -> Probability:
    """Return the probability that a target happens by a date.

    Parameters
    ----------
    forecast
        From `beliefs.forecast`.
    target, side, threshold, periods, rule
        See `beliefs.forecasting.targets.event_steps`.
    by
        Last day of the window, inside the horizon.
    given
        Condition ``(target, side, happened)``: only futures in which that target has (or has not)
        happened by the same date, by the study's own crack rule. The baseline of a latent target
        is held to it too: prior futures in which the condition holds; and so is that of a target
        of action where the condition is one.
    given_history
        Condition ``("quiet", hours)``: only futures in whose first hours no truce was broken.

    Returns
    -------
    Probability
        Its numbers are shares, from 0 to 1.

    Raises
    ------
    StudyError
        Unknown target, side, rule, condition or date, or the condition holds in fewer than `FEWEST`
        futures.

    Examples
    --------
    >>> found = beliefs.probability(ahead, "talks", by=ahead.dates[-1])
    >>> 0 <= found.p <= 1 and found.base_rate is not None
    True

    Notes
    -----
    A conditional probability is a ratio of two means, r = mean(a c) / mean(c) with a the event and
    c the condition. Its Monte-Carlo error is that of the mean of the linearised draws
    c (a - r) / mean(c) (delta method; Owen, Monte Carlo theory, methods and examples, section 2.7).

    Futures are not censored, so that the share of them in which something has happened is its
    cumulative incidence: what would have happened without competing ends is not asked.
    """
    steps = forecast.step_of(by)
    how: dict[str, Any] = {"threshold": threshold, "periods": periods, "rule": rule}
    when = event_steps(forecast, target, side, **how)
    happened = holds(target, when, steps)
    conditions = _Conditions(given, given_history)
    words, held = conditions.words, conditions.hold(forecast, steps)
    if words is not None and (count := int(held.sum())) < FEWEST:
        raise StudyError(
            "too few futures meet the condition" if count else "no future meets the condition",
            where=f"given {words}", found=f"{count} of {len(held)}", expected=f"at least {FEWEST}",
            fix="draw more samples, or condition on something likelier",
        )  # fmt: skip
    p = float(happened[held].mean())
    powers = powers_of(forecast, target, happened, held)
    base, source = _baseline(forecast, target, side, steps, conditions, how)
    own = forecast.posterior.study.spec.crack
    entry = TARGETS[target]
    named = {"given": words} if words is not None else {}
    if len(entry.rules) > 1:
        named["rule"] = rule
    return Probability(
        target=target,
        side=side,
        by=day_of(by, "by").item(),
        p=p,
        mcse=monte_carlo_error(held * (happened - p) / held.mean(), forecast.chains, held),
        base_rate=base,
        base_rate_source=source,
        prior_dominated=powers[0].prior_dominated,
        prior_data_conflict=any(power.prior_data_conflict for power in powers),
        at_origin=0.0 if entry.negated else float((when[held] == 0).mean()),
        threshold=(own.threshold if threshold is None else threshold) if entry.threshold else None,
        periods=(own.periods if periods is None else periods) if entry.kind == "beliefs" else None,
        **named,
    )


@dataclass(frozen=True)
class _Conditions:
    """What futures must meet."""

    given: Given | None
    history: History | None

    def __post_init__(self) -> None:
        match self.given:
            case None | (_, _, bool() | np.bool_()):
                pass
            case _:
                raise _unknown(
                    "condition", "given", self.given, "(target, side or None, True or False)"
                )
        match self.history:
            case None:
                pass
            case ("quiet", int() | float() as hours) if hours > 0.0:
                pass
            case _:
                expected = '("quiet", hours), hours above 0'
                raise _unknown("history", "given_history", self.history, expected)

    @property
    def words(self) -> str | None:
        """The conditions in words, None without any."""
        parts = []
        if self.given is not None:
            other, side, wanted = self.given
            parts.append(f"{'' if wanted else 'no '}{other}{' of ' + side if side else ''}")
        if self.history is not None:
            parts.append(f"{self.history[1]:g} hours without a breach")
        return " and ".join(parts) or None

    def hold(self, forecast: Forecast, steps: int, **paths: Any) -> NDArray[np.bool_]:
        """Return in which futures they hold, (sample,)."""
        size = len(forecast.paths.talks)
        held = np.ones(size, dtype=bool)
        if self.given is not None:
            other, side, wanted = self.given
            held &= happened_by(forecast, other, steps, side, **paths) == wanted
        if self.history is not None:
            first = int(np.ceil(self.history[1] / 24.0 / forecast.posterior.inputs.step_days))
            held &= event_steps(forecast, "breach", **paths) > first
        return held


def _unknown(what: str, where: str, found: object, expected: str) -> StudyError:
    fix = 'ask given=("talks", None, False), or given_history=("quiet", 96)'
    what = f"unknown {what}"
    return StudyError(what, where=where, found=repr(found), expected=expected, fix=fix)


def _baseline(
    forecast: Forecast,
    target: str,
    side: str | None,
    steps: int,
    conditions: _Conditions,
    how: dict[str, Any],
) -> tuple[float | None, str]:
    """Return the base rate of a target under the same conditions, and where it comes from."""
    kind, out = TARGETS[target].kind, forecast.left_out
    if kind == "talks" and out is not None and out.talks:
        known = ", ".join(map(str, out.talks))
        return 1.0, f"known: talks on {known}, after the last whole period"
    latent = kind == "beliefs"
    given = conditions.given
    if not latent and given is not None and TARGETS[given[0]].kind != "actions":
        return None, "none: the base-rate theory knows no such condition"
    of: dict[str, Any] = {"prior": True} if latent else {"base": True}
    held = conditions.hold(forecast, steps, **of)
    if conditions.words is not None and held.sum() < FEWEST:
        futures = f"{len(held)} {'prior' if latent else 'base'} futures"
        return None, f"none: the condition holds in {held.sum()} of {futures}"
    happened = happened_by(forecast, target, steps, side, **of, **how)
    same = ", under the same condition" if conditions.words is not None else ""
    source = (
        f"prior alone{same} (latent: no reference class records it)"
        if latent
        else f"base-rate theory M0, learnt from this study{same}"
    )
    return float(happened[held].mean()), source


def powers_of(
    forecast: Forecast, target: str, happened: NDArray[Any], held: NDArray[np.bool_] | None = None
) -> tuple[Power, ...]:
    """Return what prior and data of each part of the model do to a probability.

    First the part that the target is about: actions for targets of action where they were
    simulated, belief and talks for others. Then the other one, which acts on it as well.
    """
    rows = slice(None) if held is None else held
    parts = densities(forecast.posterior, forecast.action_draws is not None)
    if TARGETS[target].kind == "actions":
        parts.reverse()
    return tuple(power_of(prior[rows], data[rows], happened[rows]) for prior, data in parts)


def monte_carlo_error(
    values: NDArray[Any], chains: int, held: NDArray[np.bool_] | None = None
) -> float:
    """Return the Monte-Carlo standard error of a mean of correlated draws, (sample,).

    ArviZ's (Vehtari et al. 2021). Where none of the draws `held` that inform the values differs
    from the others: the rule of three's scale, one over their number.
    """
    import arviz as az  # slow to load, and the ledger needs no probabilities

    seen = values if held is None else values[held]
    if seen.min() == seen.max():
        return 1.0 / seen.size
    return float(np.asarray(az.mcse(values.astype(float).reshape(chains, -1), method="mean")))
