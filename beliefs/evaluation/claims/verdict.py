r"""The rule by which a claim gets its verdict, with every threshold of it.

1. Nothing was seen of what the claim is about: *not learnable here*.
2. The data left what the claim is about as wide as the prior had it (contraction, 1 less the ratio
   of standard deviations, below `CONTRACTION`): *not learnable here*.
3. The draws are not to be relied on (a track failed its gate, or two tracks of different seeds
   disagree): *undecided*.
4. With p the posterior and :math:`p_0` the prior probability of the claimed region, the odds moved
   by :math:`BF = \frac{p / (1 - p)}{p_0 / (1 - p_0)}`. Supported: :math:`p \ge` `SUPPORT` and
   :math:`BF \ge` `ODDS`. Contradicted: :math:`p \le` `CONTRADICT` and :math:`BF \le` 1 / `ODDS`. A
   claim that something is *possible* has limits of its own, and no odds.
5. A claim that a part matters for prediction (kind ``ablation``) is not supported unless the log
   score is better with the part than without.
6. A claim about forecasts alone is judged by its score against the base rate: supported where the
   whole 90 % interval of the difference lies above 0 and what it foretells came more often than
   not, contradicted where the interval lies below 0.
7. Everything else is *undecided*.

All of it is in this file, and explained in docs/MODEL.md section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from beliefs.evaluation.scores.skill import BLOCKS

__all__ = [
    "CONTRACTION",
    "CONTRADICT",
    "ODDS",
    "SUPPORT",
    "UNLEARNABLE",
    "Evidence",
    "Verdict",
    "decide",
    "log_odds_ratio",
]

CONTRACTION = 0.10
SUPPORT, CONTRADICT = 0.9, 0.1
ODDS = 3.0
FEWEST_ORIGINS = BLOCKS
"""Resolved forecasts below which there is no interval, and a claim about forecasts is undecided."""

UNLEARNABLE = "not learnable here"


@dataclass(frozen=True)
class Evidence:
    """What the rule is applied to.

    Attributes
    ----------
    missing
        What was not seen, in words; empty where everything needed was.
    doubt
        Why the draws are not to be relied on, in words; empty where they are.
    p, p_prior
        Probability of the claimed region after and before the data; None without a region.
    contraction
        1 - sd(posterior) / sd(prior), averaged over what the claim is about; None without a region.
    draws
        Number of draws behind the probabilities.
    delta, low, high
        Log score with the part less that without, and its 90 % interval; None where not computed,
        the interval also where what was seen fills too few blocks.
    ablation
        Whether the claim says that the part matters for prediction.
    limits
        Own limits (support, contradict) of a claim that something is possible; None for the rule's.
    forecast
        (mean, low, high, number of resolved forecasts, share of them in which it came) of the score
        against the base rate; None for a claim that foretells nothing.
    """

    missing: str = ""
    doubt: str = ""
    p: float | None = None
    p_prior: float | None = None
    contraction: float | None = None
    draws: int = 1000
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    ablation: bool = False
    limits: tuple[float, float] | None = None
    forecast: tuple[float, float, float, int, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """One row of the table of verdicts.

    Attributes
    ----------
    id, seed, author, title, claimed, test
        The claim as `data/claims.csv` states it; `seed` is the text that makes it.
    theory
        Id of the theory under whose judging priors it is judged.
    kind
        What sort of claim it is.
    verdict
        ``supported``, ``contradicted``, ``undecided`` or ``not learnable here``.
    p_claim, p_prior, contraction, log_bf
        See `Evidence`; `log_bf` is the log of the ratio of odds.
    delta_log_score, delta_low, delta_high
        Change of log score by the part, and its 90 % interval.
    scored
        Observables of that score.
    method
        ``rerun`` (tracked again without the part), ``density`` (Savage and Dickey), or empty.
    forecast
        Score of the forecasts of the claim against the base rate, where it makes any.
    why
        Why the verdict is what it is, in words.
    sentence
        One plain sentence.
    """

    id: str
    seed: str
    author: str
    title: str
    claimed: str
    test: str
    theory: str
    kind: tuple[str, ...]
    verdict: str
    p_claim: float | None
    p_prior: float | None
    contraction: float | None
    log_bf: float | None
    delta_log_score: float | None
    delta_low: float | None
    delta_high: float | None
    scored: tuple[str, ...]
    method: str
    forecast: dict[str, Any] | None
    why: str
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return the row for a script; numbers rounded to what their errors leave."""
        out = dict(vars(self))
        out["kind"], out["scored"] = list(self.kind), list(self.scored)
        for name, places in _PLACES.items():
            if out[name] is not None:
                out[name] = round(float(out[name]), places)
        return out


_PLACES = {
    "p_claim": 4, "p_prior": 4, "contraction": 3, "log_bf": 3, "delta_log_score": 3,
    "delta_low": 3, "delta_high": 3,
}  # fmt: skip


def log_odds_ratio(p: float, p_prior: float, draws: int) -> float:
    """Return by how much the log odds of a region moved; draws bound what they can tell."""
    edge = 0.5 / max(draws, 1)
    p, p_prior = (float(np.clip(v, edge, 1.0 - edge)) for v in (p, p_prior))
    return float(np.log(p) - np.log1p(-p) - np.log(p_prior) + np.log1p(-p_prior))


def decide(seen: Evidence) -> tuple[str, str]:
    """Return the verdict and why, by the rule at the head of this module."""
    if seen.missing:
        return UNLEARNABLE, f"no observation of {seen.missing} in this study"
    if seen.p is None or seen.p_prior is None:
        return _by_forecast(seen.forecast)
    if seen.contraction is not None and seen.contraction < CONTRACTION:
        left = max(1.0 - seen.contraction, 0.0)
        return UNLEARNABLE, f"the data leave {left:.0%} of the prior's width"
    if seen.doubt:
        return "undecided", seen.doubt
    if seen.limits is not None:
        least, most = seen.limits
        if seen.p >= least:
            return "supported", f"a probability of at least {least:.0%} counts as possible"
        if seen.p <= most:
            return "contradicted", f"a probability of at most {most:.0%} does not count as possible"
        return "undecided", f"the probability lies between {most:.0%} and {least:.0%}"
    moved = log_odds_ratio(seen.p, seen.p_prior, seen.draws)
    if seen.p <= CONTRADICT and moved <= -np.log(ODDS):
        return "contradicted", f"the odds fell {np.exp(-moved):.3g}-fold"
    if seen.p >= SUPPORT and moved >= np.log(ODDS):
        if seen.ablation and seen.delta is not None and seen.delta <= 0.0:
            return "undecided", "the sign is as claimed, but the part does not predict better"
        return "supported", f"the odds rose {np.exp(moved):.3g}-fold"
    if CONTRADICT < seen.p < SUPPORT:
        return "undecided", "the probability is neither high nor low enough"
    return "undecided", "the odds moved less than threefold from what the prior had"


def _by_forecast(found: tuple[float, float, float, int, float] | None) -> tuple[str, str]:
    if found is None or found[3] == 0:
        return UNLEARNABLE, "no forecast of the claim can be checked in this study"
    mean, low, high, n, came = found
    if n < FEWEST_ORIGINS:
        return "undecided", f"only {n} forecasts can be checked"
    said = f"mean log score {mean:+.2f} against the base rate over {n} forecasts, {came:.0%} of "
    said += "which saw it come"
    if low > 0.0 and came > 0.5:
        return "supported", said
    return ("contradicted" if high < 0.0 else "undecided"), said
