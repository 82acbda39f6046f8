"""`verdicts`: what a study says of every claim.

Each claim is judged under the theory of the text that makes it, with priors that leave the answer
open (`beliefs.model.judging`). Two sets of tracks per theory, of different seeds, serve all its
claims: where they disagree the particles of one have not found the whole posterior, which neither
would show by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from beliefs.evaluation.backtest.cracks import crack_shares
from beliefs.evaluation.backtest.foretold import Score, foretold
from beliefs.evaluation.claims.ablation import Part, ablations, belief_reruns, rerun_belief
from beliefs.evaluation.claims.claims import Claim, load_claims
from beliefs.evaluation.claims.expressions import Values
from beliefs.evaluation.claims.functionals import PATHS, quantities_of, setting_of
from beliefs.evaluation.claims.judge import (
    DRAWS,
    PRIOR_DRAWS,
    STREAM,
    Ground,
    Seen,
    judge,
    missing,
    roles_of,
)
from beliefs.evaluation.claims.verdict import Verdict
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.track_result import Track
from beliefs.model.judging import judged
from beliefs.model.structure import columns, structure_of
from beliefs.model.theory import Theory, free_parameters, load_theory
from beliefs.study.load import Study

__all__ = ["PARTICLES", "default_particles", "verdicts"]

Say = Callable[[str], None] | None

PARTICLES = {1: 1000, 7: 500}
"""Particles of one track by days of a period: studies of weeks are long."""
TWIN = 500_009
"""What is added to a seed for the second set of tracks."""


def default_particles(study: Study) -> int:
    """Return the number of particles that verdicts on a study take unless told otherwise."""
    return PARTICLES.get(study.grid.step_days, 600)


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
        Number of particles of each block and track, `default_particles` when None.
    claims
        From `beliefs.evaluation.claims.claims.load_claims`; all of the package when None.
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

    Examples
    --------
    >>> rows = beliefs.verdicts(study, seed=1, particles=100)  # doctest: +SKIP
    >>> rows[0].verdict  # doctest: +SKIP
    'not learnable here'
    """
    claims = load_claims() if claims is None else claims
    inputs = build_inputs(study) if inputs is None else inputs
    particles = default_particles(study) if particles is None else particles
    known: dict[str, Verdict] = {}
    base: Blocks | None = None
    for name in dict.fromkeys(claim.theory for claim in claims):
        mine = [claim for claim in claims if claim.theory == name]
        blocks, ground = _ground(study, inputs, judged(name), mine, particles, seed, progress)
        scores: dict[str, Score] = {}
        if forecasts and any(claim.forecast is not None for claim in mine):
            if base is None:
                base = track_blocks(
                    study, load_theory("base_rate"), particles=particles, seed=seed, inputs=inputs
                )
            if progress is not None:
                progress(f"{blocks.theory.id}: futures from the study's origins")
            scores = foretold(mine, blocks, base, seed=seed)
        known |= {claim.id: judge(claim, ground, seed, scores.get(claim.id)) for claim in mine}
    return tuple(known[claim.id] for claim in claims)


def _ground(
    study: Study,
    inputs: Inputs,
    theory: Theory,
    claims: Sequence[Claim],
    particles: int,
    seed: int,
    progress: Say,
) -> tuple[Blocks, Ground]:
    """Track a theory on a study, with its parts and without them."""
    structure = structure_of(inputs)
    roles = roles_of(structure)

    def said(text: str) -> None:
        if progress is not None:
            progress(f"{theory.id}: {text}")

    said("tracking")
    blocks, twin = (
        track_blocks(study, theory, particles=particles, seed=s, inputs=inputs)
        for s in (seed, seed + TWIN)
    )
    belief_columns = columns(inputs)
    setting = setting_of(structure, belief_columns, blocks.columns, blocks.n_time)
    seen = Seen({**setting.columns, **setting.conduct}, structure)
    reruns: dict[Part, Track] = {}
    worth = [claim for claim in claims if not missing(claim.needs, seen, roles)]
    for part in belief_reruns(worth, theory, structure):
        said(f"tracking without {', '.join(part.neutral) or 'what is freed'}")
        reruns[part] = rerun_belief(part, blocks, particles=particles, seed=seed)
    said("what each part adds")
    gains = ablations(worth, blocks, reruns, setting, roles, particles=particles)
    rng = np.random.default_rng([seed, STREAM])
    asked = {name for claim in worth if claim.region is not None for name in claim.region.names}
    wanted = bool(asked & set(PATHS))
    whole = [crack_shares(b.belief) if wanted and b.belief else {} for b in (blocks, twin)]
    drawn = [b.params(DRAWS // 2, rng) for b in (blocks, twin)]
    after = quantities_of(
        {name: np.concatenate([d[name] for d in drawn]) for name in drawn[0]},
        theory,
        setting,
        _both([w.get("posterior", {}) for w in whole]),
    )
    before = quantities_of(blocks.prior(PRIOR_DRAWS, rng), theory, setting, whole[0].get("prior"))
    caveat, doubtful = "", frozenset[str]()
    for found in (blocks.belief, twin.belief):
        gate = None if found is None else found.report()
        if gate is not None and not gate.passed:
            caveat = f"the track of beliefs failed its gate ({gate.failures[0]})"
            doubtful = frozenset(p.name for p in free_parameters(theory, structure)) | set(PATHS)
    return blocks, Ground(
        theory.id, inputs.step_days, roles, seen, after, before, gains, caveat, doubtful
    )


def _both(parts: Sequence[Mapping[str, Values]]) -> dict[str, Values]:
    """Return values of two tracks, equally many of each, one behind the other."""
    one, two = parts
    out = {}
    for name in set(one) & set(two):
        n = min(len(one[name].array), len(two[name].array))
        out[name] = Values(np.concatenate([one[name].array[:n], two[name].array[:n]]))
    return out
