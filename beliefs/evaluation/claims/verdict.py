r"""The rule by which a claim gets its verdict, with every threshold of it, and its sentence.

1. Nothing was seen of what the claim is about: *not learnable here*.
2. The data left what the claim is about as wide as the prior had it (contraction, 1 less the ratio
   of standard deviations, below `CONTRACTION`): *not learnable here*.
3. The draws are not to be relied on (a track failed its convergence check, or two tracks of
   different seeds disagree): *undecided*.
4. With p the posterior and :math:`p_0` the prior probability of the claimed region, the odds moved
   by :math:`BF = \frac{p / (1 - p)}{p_0 / (1 - p_0)}`. Supported: :math:`p \ge` `SUPPORT` and
   :math:`BF \ge` `ODDS`. Contradicted: :math:`p \le` `CONTRADICT` and :math:`BF \le` 1 / `ODDS`. A
   claim that something is *possible* has limits of its own, and no odds.
5. A claim that a part matters for prediction (kind ``ablation``) is not supported unless the log
   score is better with the part than without.
6. A claim about forecasts alone is judged by its score against the base rate: supported where the
   whole 90 % interval of the difference lies above 0 and what it forecasts came more often than
   not, contradicted where the interval lies below 0.
7. Everything else is *undecided*.

All of it is in this file, and explained in docs/MODEL.md section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.ablation import Ablation
from beliefs.evaluation.claims.claim import (
    ROLES,
    Absent,
    Claim,
    Draws,
    Finding,
    Seen,
    found,
    periods,
)
from beliefs.evaluation.claims.forecasts import Score
from beliefs.evaluation.scores.skill import BLOCKS, block_length, difference

__all__ = [
    "CONTRACTION", "CONTRADICT", "ODDS", "SUPPORT", "UNLEARNABLE", "Evidence", "Ground", "Verdict",
    "decide", "judge", "log_odds_ratio", "missing", "two_modes",
]  # fmt: skip

CONTRACTION = 0.10
SUPPORT, CONTRADICT = 0.9, 0.1
ODDS = 3.0
FEWEST_ORIGINS = BLOCKS
"""Resolved forecasts below which there is no interval, and a claim about forecasts is undecided."""
UNLEARNABLE = "not learnable here"
APART = 0.65
"""Distance between the means of two tracks, in standard deviations of both together, from which
they disagree: R-hat above about 1.1."""
STREAM = 7919  # keeps what is drawn here apart from other uses of the seed
TAIL = 0.05  # left out of a shown interval on either side
BINS = 24
DIP = 0.6
"""A valley between two peaks below this share of the lower one makes two modes."""


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
    delta
        Log score with the part less that without; None where not computed.
    ablation
        Whether the claim says that the part matters for prediction.
    limits
        Own limits (support, contradict) of a claim that something is possible; None for the rule's.
    score
        Of its forecasts against the base rate; None for a claim that forecasts nothing.
    """

    missing: str = ""
    doubt: str = ""
    p: float | None = None
    p_prior: float | None = None
    contraction: float | None = None
    draws: int = 1000
    delta: float | None = None
    ablation: bool = False
    limits: tuple[float, float] | None = None
    score: Score | None = None


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


@dataclass(frozen=True, eq=False)
class Ground:
    """What the claims of one theory are judged on.

    Attributes
    ----------
    theory
        Id of the theory.
    step_days
        Days of a period.
    seen
        Columns of the study.
    after, before
        Draws from posterior and prior; those from the posterior are of two tracks, one behind the
        other.
    gains
        What the part of each claim adds to the log score, by id; may lack some.
    caveat, doubtful
        What a verdict that reads any of these parameters has to say of how they were inferred.
    """

    theory: str
    step_days: int
    seen: Seen
    after: Draws
    before: Draws
    gains: Mapping[str, Ablation]
    caveat: str = ""
    doubtful: frozenset[str] = frozenset()


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
        return _by_forecast(seen.score)
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


def _by_forecast(score: Score | None) -> tuple[str, str]:
    if score is None or score.n == 0:
        return UNLEARNABLE, "no forecast of the claim can be checked in this study"
    if score.n < FEWEST_ORIGINS:
        return "undecided", f"only {score.n} forecasts can be checked"
    why = f"mean log score {score.mean:+.2f} against the base rate over {score.n} forecasts, "
    why += f"{score.came:.0%} of which saw it come"
    if score.low > 0.0 and score.came > 0.5:
        return "supported", why
    return ("contradicted" if score.high < 0.0 else "undecided"), why


def missing(claim: Claim, seen: Seen) -> str:
    """Return the words of the first thing that a claim needs and the study does not have."""
    return next((words for words, need in claim.needs.items() if not periods(need, seen)), "")


def judge(claim: Claim, ground: Ground, seed: int, score: Score | None = None) -> Verdict:
    """Return the verdict on a claim, with the score of what it forecasts.

    `seed` is that of the resamples behind intervals.
    """
    absent, after = missing(claim, ground.seen), found()
    p = p_prior = contraction = moved = None
    try:
        after = claim.test(ground.after)
        if after.held is not None:
            before = claim.test(ground.before)
            assert before.held is not None
            p, p_prior = float(after.held.mean()), float(before.held.mean())
            contraction = _contraction(after, before)
            moved = log_odds_ratio(p, p_prior, len(after.held))
    except Absent as gone:
        absent = absent or f"{gone}, which it does not have"
    gain = ground.gains.get(claim.id)
    delta = low = high = None
    if gain is not None:
        gap = difference(
            gain.gain, 0.0 * gain.gain, gain.seen, block=block_length(ground.step_days),
            seed=[seed, STREAM, 1],
        )  # fmt: skip
        delta = gap.total
        low, high = (None if np.isnan(v) else v for v in (gap.low, gap.high))
    verdict, why = decide(
        Evidence(
            missing=absent,
            doubt="" if absent else _doubt(after, ground),
            p=p,
            p_prior=p_prior,
            contraction=contraction,
            draws=1000 if after.held is None else len(after.held),
            delta=delta,
            ablation="ablation" in claim.kind,
            limits=claim.limits,
            score=score,
        )
    )
    if claim.modes and not absent and two_modes(after.of[0][:, 0]):
        why += "; the posterior has two modes, whose weights are uncertain"
    numbers = None if absent else _shown(after)
    if numbers is not None and p is not None and p_prior is not None:
        numbers |= {"p": p, "p_prior": p_prior}
    counted = []
    if claim.count is not None:
        words, count = claim.count
        counted = [f"n = {periods(count, ground.seen)} {words}"]
    if score is not None and score.n and p is not None:
        counted += [f"its forecasts score {score.mean:+.2f} each against the base rate "
                    f"(n = {score.n})"]  # fmt: skip
    text = claim.text
    return Verdict(
        id=claim.id,
        seed=text["title"],
        author=text["author"],
        title=text["claim"],
        claimed=text["claimed_region"],
        test=text["test"],
        theory=ground.theory,
        kind=claim.kind,
        verdict=verdict,
        p_claim=p,
        p_prior=p_prior,
        contraction=contraction,
        log_bf=moved,
        delta_log_score=delta,
        delta_low=low,
        delta_high=high,
        scored=claim.score,
        method="" if gain is None else gain.method,
        forecast=None if score is None else score.as_dict(),
        why=why,
        sentence=_sentence(claim, verdict, why, numbers, ground.seen.roles, counted),
    )


def _doubt(after: Finding, ground: Ground) -> str:
    """Return why the draws behind a claim are not to be relied on; empty where they are."""
    if ground.caveat and after.reads & ground.doubtful:
        return ground.caveat
    for values in after.of:
        one, two = np.array_split(values, 2)
        spread = np.maximum(values.std(axis=0), 1e-300)
        if (np.abs(one.mean(axis=0) - two.mean(axis=0)) > APART * spread).any():
            return "two tracks of different seeds disagree"
    return ""


def _contraction(after: Finding, before: Finding) -> float:
    """Return 1 - sd(posterior) / sd(prior), averaged over elements."""
    out: list[float] = []
    for one, two in zip(after.of, before.of, strict=True):
        if one.shape[1] == 0:
            raise Absent("an element of what the claim is about")
        out += list(1.0 - one.std(axis=0) / np.maximum(two.std(axis=0), 1e-300))
    return float(np.mean(out))


def _shown(after: Finding) -> dict[str, float]:
    """Return mean and 90 % interval of what a sentence shows."""
    out: dict[str, float] = {}
    for name, values in after.shown.items():
        low, high = np.quantile(values, [TAIL, 1.0 - TAIL])
        out |= {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    return out


def _sentence(
    claim: Claim,
    verdict: str,
    why: str,
    numbers: Mapping[str, float] | None,
    roles: Mapping[str, str],
    counted: list[str],
) -> str:
    """Return one sentence; `numbers` None where nothing was seen that they could be about."""
    if numbers is None:
        return f"{claim.text['claim']}: {verdict}, {why}."
    names = {role: roles.get(role, "no side") for role in ROLES}
    parts = []
    if "p" in numbers:
        parts.append(f"probability {numbers['p']:.0%}, before the data {numbers['p_prior']:.0%}")
    parts += counted
    if not why.startswith("the odds"):
        parts.append(why)
    elif "; " in why:
        parts.append(why.split("; ", 1)[1])
    said = claim.text["says"].format(**numbers, **names)
    return f"{said} {verdict[0].upper()}{verdict[1:]}: {'; '.join(parts or [why])}."


def two_modes(values: NDArray[np.float64]) -> bool:
    """Return whether draws pile up in two places with a valley between them."""
    count = np.histogram(values, bins=BINS)[0].astype(float)
    smooth = np.convolve(count, [0.25, 0.5, 0.25], mode="same")
    top = int(smooth.argmax())
    for side in (smooth[: top + 1][::-1], smooth[top:]):
        for k in range(2, len(side)):
            second = side[k:].max()
            if side[:k].min() < DIP * second and second > 0.15 * smooth[top]:
                return True
    return False
