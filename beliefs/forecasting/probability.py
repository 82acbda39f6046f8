"""Probabilities of the targets, each with its Monte-Carlo error and its base rate."""

import datetime as dt
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PlainSerializer, model_validator

from beliefs.errors import StudyError
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import TARGETS, event_steps, happened_by, holds
from beliefs.inference.sensitivity import Power, densities, power_of
from beliefs.study.dates import day_of
from beliefs.study.spec import SpecTable

FEWEST = 30  # futures that must meet a condition
Given = tuple[str, str | None, bool]
"""A target, its side, and whether it has happened."""
History = tuple[str, float]
"""``"quiet"`` and the hours, from the origin on, in which no truce was broken."""
_Six = PlainSerializer(lambda value: round(value, 6), return_type=float, when_used="json")
Number = Annotated[float, _Six]
Share = Annotated[float, Field(ge=0.0, le=1.0), _Six]


class Probability(SpecTable):
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
        Baseline and where it comes from, or None and why there is none under the same condition.
    prior_dominated
        Whether scaling the prior moves `p` more than scaling the likelihood does.
    prior_data_conflict
        Whether both move `p`, in opposite directions: priors of other widths may give another.
    at_origin
        Share of draws in which it has already happened at the origin; 1 for talks known to have
        been held between that and the as-of date.
    threshold, periods, rule
        Crack rule used, and which extensions count, where they apply.
    given
        Condition in words, or None. Every number but the base rate of talks is under it.
    """

    target: str = Field(json_schema_extra={"enum": list(TARGETS)})
    side: str | None
    by: dt.date
    p: Share
    mcse: Annotated[Number, Field(ge=0.0)]
    base_rate: Share | None
    base_rate_source: str
    prior_dominated: bool
    prior_data_conflict: bool = False
    at_origin: Share
    threshold: float | None
    periods: int | None
    given: str | None = None
    rule: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.target not in TARGETS:
            raise ValueError(f"no target {self.target}; there are {', '.join(TARGETS)}")
        if self.rule not in (None, *TARGETS[self.target].rules):
            raise ValueError(f"{self.target} has no rule {self.rule}")
        return self

    @property
    def name(self) -> str:
        """Target and rule in one word."""
        return self.target if self.rule is None else f"{self.target}_{self.rule}"


class _Condition(NamedTuple):
    words: str
    target: str
    side: str | None
    happened: bool
    steps: int


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
        happened by the same date, by the study's own crack rule. Baselines are held to it too:
        those of latent targets, and those of actions where the condition is about actions.
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
    Under a condition c the probability of a is a ratio of means, r = mean(a c) / mean(c), and its
    Monte-Carlo error that of the mean of the linearised draws c (a - r) / mean(c) (delta method;
    Owen, Monte Carlo theory, methods and examples, section 2.7). Futures are not censored: the
    share in which something has happened is its cumulative incidence among competing ends.
    """
    steps = forecast.step_of(by)
    how: dict[str, Any] = {"threshold": threshold, "periods": periods, "rule": rule}
    when = event_steps(forecast, target, side, **how)
    happened = holds(target, when, steps)
    conditions = _conditions(forecast, steps, given, given_history)
    words, held = " and ".join(it.words for it in conditions), _meets(forecast, conditions)
    if words and (count := int(held.sum())) < FEWEST:
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
    named = {"given": words} if words else {}
    if len(entry.rules) > 1:
        named["rule"] = rule
    return Probability(
        target=target, side=side, by=day_of(by, "by").item(), p=p,
        mcse=monte_carlo_error(held * (happened - p) / held.mean(), forecast.chains, held),
        base_rate=base, base_rate_source=source, prior_dominated=powers[0].prior_dominated,
        prior_data_conflict=any(power.prior_data_conflict for power in powers),
        at_origin=0.0 if entry.negated else float((when[held] == 0).mean()),
        threshold=(own.threshold if threshold is None else threshold) if entry.threshold else None,
        periods=(own.periods if periods is None else periods) if entry.kind == "beliefs" else None,
        **named,
    )  # fmt: skip


def _conditions(
    forecast: Forecast, steps: int, given: Given | None, history: History | None
) -> list[_Condition]:
    """Return what futures must meet, a quiet history as one more condition."""
    out: list[_Condition] = []
    match given:
        case None:
            pass
        case (other, side, bool() | np.bool_() as wanted):
            words = f"{'' if wanted else 'no '}{other}{' of ' + side if side else ''}"
            out.append(_Condition(words, other, side, bool(wanted), steps))
        case _:
            raise _unknown("condition", "given", given, "(target, side or None, True or False)")
    match history:
        case None:
            pass
        case ("quiet", int() | float() as hours) if hours > 0.0:
            first = int(np.ceil(hours / 24.0 / forecast.posterior.inputs.step_days))
            words = f"{hours:g} hours without a breach"
            out.append(_Condition(words, "breach", None, False, first))
        case _:
            expected = '("quiet", hours), hours above 0'
            raise _unknown("history", "given_history", history, expected)
    return out


def _meets(forecast: Forecast, conditions: list[_Condition], **paths: Any) -> NDArray[np.bool_]:
    """Return which futures meet all conditions, (sample,)."""
    held = np.ones(len(forecast.paths.talks), dtype=bool)
    for it in conditions:
        held &= happened_by(forecast, it.target, it.steps, it.side, **paths) == it.happened
    return held


def _unknown(what: str, where: str, found: object, expected: str) -> StudyError:
    fix = 'ask given=("talks", None, False), or given_history=("quiet", 96)'
    what = f"unknown {what}"
    return StudyError(what, where=where, found=repr(found), expected=expected, fix=fix)


def _baseline(
    forecast: Forecast, target: str, side: str | None, steps: int, conditions: list[_Condition],
    how: dict[str, Any],
) -> tuple[float | None, str]:  # fmt: skip
    """Return the base rate of a target under the same conditions, and where it comes from."""
    kind, out = TARGETS[target].kind, forecast.left_out
    if kind == "talks" and out is not None and out.talks:
        known = ", ".join(map(str, out.talks))
        return 1.0, f"known: talks on {known}, after the last whole period"
    latent = kind == "beliefs"
    if not latent and any(TARGETS[it.target].kind != "actions" for it in conditions):
        return None, "none: the base-rate theory knows no such condition"
    of: dict[str, Any] = {"prior" if latent else "base": True}
    held = _meets(forecast, conditions, **of)
    if conditions and held.sum() < FEWEST:
        futures = f"{len(held)} {'prior' if latent else 'base'} futures"
        return None, f"none: the condition holds in {held.sum()} of {futures}"
    happened = happened_by(forecast, target, steps, side, **of, **how)
    same = ", under the same condition" if conditions else ""
    if latent:
        source = f"prior alone{same} (latent: no reference class records it)"
    else:
        past = " and past conflicts" if forecast.posterior.theory.informed else ""
        source = f"base-rate theory M0, learnt from this study{past}{same}"
    return float(happened[held].mean()), source


def powers_of(
    forecast: Forecast, target: str, happened: NDArray[Any], held: NDArray[np.bool_] | None = None
) -> tuple[Power, ...]:
    """Return what prior and data of each part of the model do to a probability.

    First of the part that the target is about, then of the other one, which acts on it as well.
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

    ArviZ's (Vehtari et al. 2021), or one over the number of draws `held` where none differs: the
    scale of the rule of three.
    """
    import arviz as az  # slow to load, and the ledger needs no probabilities

    seen = values if held is None else values[held]
    if seen.min() == seen.max():
        return 1.0 / seen.size
    return float(np.asarray(az.mcse(values.astype(float).reshape(chains, -1), method="mean")))
