"""`verdicts`: what a study says of every claim.

Each claim is judged under the theory of the text that makes it, with priors that leave the answer
open (`beliefs.theory.judging`). One set of tracks per theory serves all its claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beliefs.evaluate.ablation import Ablation, Part, ablations, belief_reruns, rerun_belief
from beliefs.evaluate.claims import ROLES, Claim, Counted, load_claims
from beliefs.evaluate.expressions import Absent, Expression, Values
from beliefs.evaluate.foretold import Score, foretold
from beliefs.evaluate.functionals import Quantities, setting_of
from beliefs.evaluate.scores import block_length, difference
from beliefs.evaluate.sentences import sentence, shown, two_modes
from beliefs.evaluate.verdict import Evidence, Verdict, decide, log_odds_ratio
from beliefs.infer.blocks import Blocks, track_blocks
from beliefs.infer.track_result import Track
from beliefs.mechanism.structure import Columns, Structure, columns, structure_of
from beliefs.study.inputs import Inputs, build_inputs
from beliefs.study.load import Study
from beliefs.study.observed import SHAPES
from beliefs.theory.judging import judged
from beliefs.theory.theory import (
    Theory,
    all_declared,
    conduct_neutral,
    load_theory,
    neutral_values,
)

__all__ = ["PARTICLES", "default_particles", "roles_of", "verdicts"]

Say = Callable[[str], None] | None

PARTICLES = {1: 1000, 7: 600}
"""Particles by days of a period: weeks are many, and cost as much each."""
DRAWS, PRIOR_DRAWS = 4000, 20_000
STREAM = 7919  # keeps what is drawn here apart from other uses of the seed
CHUNK = 1000  # draws whose functionals are computed at once

# Leading axes of columns that are not among the observables of conduct.
_AXES = {
    "hardline": ("side",), "turnover": ("side",), "rival_persists": ("side",),
    "rival_resolve": ("side",), "p_lag": ("side",), "aftermath": ("shock_kind",),
    "shock": ("shock",), "phase_on": ("phase",), "evidence": ("term",),
}  # fmt: skip


def default_particles(study: Study) -> int:
    """Return the number of particles that verdicts on a study take unless told otherwise."""
    return PARTICLES.get(study.grid.step_days, 600)


def roles_of(structure: Structure) -> dict[str, str]:
    """Return the sides by role: who endures, and who coerces. A role nobody has is left out."""
    out: dict[str, str] = {}
    for side, endures in zip(structure.sides, structure.endurance, strict=True):
        out.setdefault("endurer" if endures else "coercer", side)
    return out


def verdicts(
    study: Study,
    *,
    seed: int,
    particles: int | None = None,
    claims: Sequence[Claim] | None = None,
    inputs: Inputs | None = None,
    forecasts: bool = True,
    progress: Say = None,
) -> tuple[Verdict, ...]:
    """Judge every claim by a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    seed
        Seed of everything random here.
    particles
        Number of particles of each block; `default_particles` when None.
    claims
        From `beliefs.evaluate.claims.load_claims`; all of the package when None.
    inputs
        What the theories are told instead of ``build_inputs(study)``.
    forecasts
        Whether to score what claims foretell, which takes futures from each origin of the study.
    progress
        Called with a few words as it goes on.

    Returns
    -------
    tuple of Verdict
        In the order of the claims.
    """
    claims = load_claims() if claims is None else claims
    inputs = build_inputs(study) if inputs is None else inputs
    particles = default_particles(study) if particles is None else particles
    known: dict[str, Verdict] = {}
    base: Blocks | None = None
    for name in dict.fromkeys(claim.theory for claim in claims):
        mine = [claim for claim in claims if claim.theory == name]
        bench = _bench(study, inputs, judged(name), mine, particles, seed, progress)
        scores: dict[str, Score] = {}
        if forecasts and any(claim.forecast is not None for claim in mine):
            if base is None:
                base = track_blocks(
                    study, load_theory("base_rate"), particles=particles, seed=seed, inputs=inputs
                )
            scores = foretold(mine, bench.blocks, base, seed=seed, progress=progress)
        known |= {claim.id: _judge(claim, bench, scores.get(claim.id), seed) for claim in mine}
    return tuple(known[claim.id] for claim in claims)


@dataclass(frozen=True, eq=False)
class _Bench:
    """What the claims of one theory are judged with."""

    blocks: Blocks
    roles: Mapping[str, str]
    columns: Mapping[str, Values]
    after: Quantities
    before: Quantities
    gains: Mapping[str, Ablation]
    missing: Mapping[str, str]


def _bench(
    study: Study,
    inputs: Inputs,
    theory: Theory,
    claims: Sequence[Claim],
    particles: int,
    seed: int,
    progress: Say,
) -> _Bench:
    structure = structure_of(inputs)
    roles = roles_of(structure)

    def said(text: str) -> None:
        if progress is not None:
            progress(f"{theory.id}: {text}")

    said("tracking")
    blocks = track_blocks(
        study, theory, particles=particles, seed=seed, inputs=inputs, progress=said
    )
    belief_columns = columns(inputs)
    setting = setting_of(structure, belief_columns, blocks.columns, blocks.n_time)
    seen = _Seen({**setting.columns, **setting.conduct}, structure)
    missing = {claim.id: _missing(claim.needs, seen, roles) for claim in claims}
    reruns: dict[Part, Track] = {}
    worth = [claim for claim in claims if not missing[claim.id]]
    for part in belief_reruns(worth, theory, structure):
        said(f"tracking without {', '.join(part.neutral) or 'what is freed'}")
        reruns[part] = rerun_belief(part, blocks, particles=particles, seed=seed)
    gains = ablations(worth, blocks, reruns, setting, roles, particles=particles, progress=progress)
    rng = np.random.default_rng([seed, STREAM])
    dims = {name: p.dims for name, (_, p) in all_declared(structure).items()}
    held = {
        k: v
        for k, v in (neutral_values(theory, structure) | conduct_neutral(theory, structure)).items()
        if k != "innovation"
    }
    after, before = (
        Quantities(
            draws | {k: np.broadcast_to(v, (n, *v.shape)) for k, v in held.items()}, setting, dims
        )
        for n, draws in (
            (DRAWS, blocks.params(DRAWS, rng)), (PRIOR_DRAWS, blocks.prior(PRIOR_DRAWS, rng)),
        )
    )  # fmt: skip
    return _Bench(blocks, roles, seen, after, before, gains, missing)


class _Seen(Mapping[str, Values]):
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


def _missing(needs: Sequence[Counted], seen: Mapping[str, Values], roles: Mapping[str, str]) -> str:
    """Return the words of the first thing that a claim needs and the study does not have."""
    for need in needs:
        if _periods(need.expression, seen, roles) == 0:
            return need.words
    return ""


def _judge(claim: Claim, bench: _Bench, score: Score | None, seed: int) -> Verdict:
    missing, numbers = bench.missing[claim.id], None
    p = p_prior = contraction = moved = None
    try:
        if claim.region is not None:
            held = claim.region.scalar(bench.after, bench.roles)
            p = float(held.mean())
            p_prior = float(claim.region.scalar(bench.before, bench.roles).mean())
            contraction = _contraction(claim.of, bench)
            moved = log_odds_ratio(p, p_prior, DRAWS)
        words = shown(claim.show, bench.after, bench.roles)
        chances = {} if p is None or p_prior is None else {"p": p, "p_prior": p_prior}
        numbers = None if missing else words | chances
    except Absent as gone:
        missing = missing or f"{gone}, which it does not have"
    gain = bench.gains.get(claim.id)
    block = block_length(bench.blocks.inputs.step_days)
    gap = None
    if gain is not None:
        gap = difference(gain.gain, 0.0 * gain.gain, gain.seen, block=block, seed=[seed, STREAM, 1])
    verdict, why = decide(
        Evidence(
            missing=missing,
            p=p,
            p_prior=p_prior,
            contraction=contraction,
            draws=DRAWS,
            delta=None if gap is None else gap.total,
            low=None if gap is None else gap.low,
            high=None if gap is None else gap.high,
            ablation="ablation" in claim.kind,
            limits=claim.limits,
            forecast=None if score is None else (score.mean, score.low, score.high, score.n),
        )
    )
    if claim.modes is not None and not missing:
        if two_modes(claim.modes.scalar(bench.after, bench.roles)):
            why += "; the posterior has two modes, whose weights are uncertain"
    names = {role: bench.roles.get(role, "no side") for role in ROLES}
    counted = "; ".join(
        f"n = {_periods(item.expression, bench.columns, bench.roles)} {item.words}"
        for item in claim.count
    )
    return Verdict(
        id=claim.id,
        seed=claim.seed,
        author=claim.author,
        title=claim.title,
        claimed=claim.claimed,
        test=claim.test,
        theory=bench.blocks.theory.id,
        kind=claim.kind,
        verdict=verdict,
        p_claim=p,
        p_prior=p_prior,
        contraction=contraction,
        log_bf=moved,
        delta_log_score=None if gap is None else gap.total,
        delta_low=None if gap is None else gap.low,
        delta_high=None if gap is None else gap.high,
        scored=claim.score,
        method="" if gain is None else gain.method,
        forecast=None if score is None else score.as_dict(),
        why=why,
        sentence=sentence(claim, verdict, why, numbers, names, counted),
    )


def _contraction(of: Sequence[Expression], bench: _Bench) -> float:
    """Return 1 - sd(posterior) / sd(prior), averaged over elements."""
    out: list[float] = []
    for expression in of:
        after, before = (
            expression(draws, bench.roles).flat for draws in (bench.after, bench.before)
        )
        if after.shape[1] == 0:
            raise Absent(expression.text)
        out += list(1.0 - after.std(axis=0) / np.maximum(before.std(axis=0), 1e-300))
    return float(np.mean(out))
