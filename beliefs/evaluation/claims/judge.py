"""One claim judged by what is known of its parameters before and after the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beliefs.evaluation.backtest.foretold import Score
from beliefs.evaluation.claims.ablation import Ablation
from beliefs.evaluation.claims.claims import ROLES, Claim, Counted
from beliefs.evaluation.claims.expressions import Absent, Expression, Values
from beliefs.evaluation.claims.functionals import Quantities
from beliefs.evaluation.claims.sentences import sentence, shown, two_modes
from beliefs.evaluation.claims.verdict import Evidence, Verdict, decide, log_odds_ratio
from beliefs.evaluation.scores.scores import block_length, difference
from beliefs.features.observed import SHAPES
from beliefs.model.structure import Columns, Structure

__all__ = ["DRAWS", "PRIOR_DRAWS", "Ground", "Seen", "judge", "missing", "roles_of"]

DRAWS, PRIOR_DRAWS = 4000, 20_000
STREAM = 7919  # keeps what is drawn here apart from other uses of the seed

APART = 0.65
"""Distance between the means of two tracks, in standard deviations of both together, from which
they disagree: R-hat above about 1.1."""

# Leading axes of columns that are not among the observables of conduct.
_AXES = {
    "hardline": ("side",), "turnover": ("side",), "rival_persists": ("side",),
    "rival_resolve": ("side",), "p_lag": ("side",), "aftermath": ("shock_kind",),
    "shock": ("shock",), "phase_on": ("phase",), "evidence": ("term",),
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
    roles
        From `roles_of`.
    columns
        What was seen.
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
    roles: Mapping[str, str]
    columns: Seen
    after: Quantities
    before: Quantities
    gains: Mapping[str, Ablation]
    caveat: str = ""
    doubtful: frozenset[str] = frozenset()


def roles_of(structure: Structure) -> dict[str, str]:
    """Return the sides by role: who endures, and who coerces. A role nobody has is left out."""
    out: dict[str, str] = {}
    for side, endures in zip(structure.sides, structure.endurance, strict=True):
        out.setdefault("endurer" if endures else "coercer", side)
    return out


class Seen(Mapping[str, Values]):
    """Columns of a study as expressions read them: periods, or readings, in the place of draws."""

    def __init__(self, found: Columns, structure: Structure) -> None:
        self._found = found
        self._labels = structure.coords | {
            "term": list(structure.terms), "severity": list("12345"),
        }  # fmt: skip

    def __getitem__(self, name: str) -> Values:
        array = np.moveaxis(np.asarray(self._found[name], dtype=float), -1, 0)
        axes = SHAPES.get(name, _AXES.get(name, ()))
        labels = tuple(tuple(self._labels[axis]) for axis in axes)
        return Values(array, labels if len(labels) == array.ndim - 1 else ())

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _periods(expression: Expression, seen: Mapping[str, Values], roles: Mapping[str, str]) -> int:
    """Return in how many periods, or readings, an expression over columns is not zero."""
    try:
        found = expression(seen, roles).array
    except Absent:
        return 0
    return int((found.reshape(len(found), -1) != 0.0).any(axis=1).sum()) if found.size else 0


def missing(needs: Sequence[Counted], seen: Mapping[str, Values], roles: Mapping[str, str]) -> str:
    """Return the words of the first thing that a claim needs and the study does not have."""
    for need in needs:
        if _periods(need.expression, seen, roles) == 0:
            return need.words
    return ""


def judge(claim: Claim, ground: Ground, seed: int, score: Score | None = None) -> Verdict:
    """Return the verdict on a claim.

    Parameters
    ----------
    claim
        The claim.
    ground
        What it is judged on.
    seed
        Seed of the resamples behind intervals.
    score
        Of what the claim foretells.
    """
    absent, numbers = missing(claim.needs, ground.columns, ground.roles), None
    p = p_prior = contraction = moved = None
    try:
        if claim.region is not None:
            held = claim.region.scalar(ground.after, ground.roles)
            p = float(held.mean())
            p_prior = float(claim.region.scalar(ground.before, ground.roles).mean())
            contraction = _contraction(claim.of, ground)
            moved = log_odds_ratio(p, p_prior, DRAWS)
        words = shown(claim.show, ground.after, ground.roles)
        chances = {} if p is None or p_prior is None else {"p": p, "p_prior": p_prior}
        numbers = None if absent else words | chances
    except Absent as gone:
        absent = absent or f"{gone}, which it does not have"
    gain = ground.gains.get(claim.id)
    block = block_length(ground.step_days)
    delta = low = high = None
    if gain is not None:
        gap = difference(gain.gain, 0.0 * gain.gain, gain.seen, block=block, seed=[seed, STREAM, 1])
        delta = gap.total
        low, high = (None if np.isnan(v) else v for v in (gap.low, gap.high))
    verdict, why = decide(
        Evidence(
            missing=absent,
            doubt="" if absent else _doubt(claim, ground),
            p=p,
            p_prior=p_prior,
            contraction=contraction,
            draws=DRAWS,
            delta=delta,
            low=low,
            high=high,
            ablation="ablation" in claim.kind,
            limits=claim.limits,
            forecast=None
            if score is None
            else (score.mean, score.low, score.high, score.n, score.came),
        )
    )
    if claim.modes is not None and not absent:
        if two_modes(claim.modes.scalar(ground.after, ground.roles)):
            why += "; the posterior has two modes, whose weights are uncertain"
    names = {role: ground.roles.get(role, "no side") for role in ROLES}
    counted = "; ".join(
        f"n = {_periods(item.expression, ground.columns, ground.roles)} {item.words}"
        for item in claim.count
    )
    if score is not None and score.n and claim.region is not None:
        counted = "; ".join(
            part
            for part in (
                counted,
                f"its forecasts score {score.mean:+.2f} each against the base rate (n = {score.n})",
            )
            if part
        )
    return Verdict(
        id=claim.id,
        seed=claim.seed,
        author=claim.author,
        title=claim.title,
        claimed=claim.claimed,
        test=claim.test,
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
        sentence=sentence(claim, verdict, why, numbers, names, counted),
    )


def _doubt(claim: Claim, ground: Ground) -> str:
    """Return why the draws behind a claim are not to be relied on; empty where they are."""
    reads = {name for expression in claim.of for name in expression.names}
    if ground.caveat and reads & ground.doubtful:
        return ground.caveat
    for expression in claim.of:
        values = expression(ground.after, ground.roles).flat
        one, two = np.array_split(values, 2)
        spread = np.maximum(values.std(axis=0), 1e-300)
        if (np.abs(one.mean(axis=0) - two.mean(axis=0)) > APART * spread).any():
            return "two tracks of different seeds disagree"
    return ""


def _contraction(of: Sequence[Expression], ground: Ground) -> float:
    """Return 1 - sd(posterior) / sd(prior), averaged over elements."""
    out: list[float] = []
    for expression in of:
        after, before = (
            expression(draws, ground.roles).flat for draws in (ground.after, ground.before)
        )
        if after.shape[1] == 0:
            raise Absent(expression.text)
        out += list(1.0 - after.std(axis=0) / np.maximum(before.std(axis=0), 1e-300))
    return float(np.mean(out))
