"""`verdicts`: what a study says of every claim.

Each claim is judged under the theory of the text that makes it, with priors that leave the answer
open (`beliefs.model.theory`). Two sets of tracks per theory, of different seeds, serve all its
claims: where they disagree the particles of one have not found the whole posterior, which neither
would show by itself.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims import managed_deescalation, mutual_optimism, status_quo
from beliefs.evaluation.claims.ablation import ablations, belief_reruns
from beliefs.evaluation.claims.claim import Claim, Seen, draws_of
from beliefs.evaluation.claims.cracks import NAME, crack_shares
from beliefs.evaluation.claims.forecasts import Score, forecast_scores
from beliefs.evaluation.claims.verdict import STREAM, Ground, Verdict, judge, missing
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.track import track
from beliefs.model.structure import columns, structure_of, until
from beliefs.model.theory import Theory, free_parameters, judged, load_theory
from beliefs.study.bundled import data_folder
from beliefs.study.load import Study

__all__ = ["DRAWS", "PARTICLES", "PRIOR_DRAWS", "default_particles", "load_claims", "verdicts"]

Floats = NDArray[np.float64]
Say = Callable[[str], None]

DRAWS, PRIOR_DRAWS = 4000, 20_000
PARTICLES = {1: 1000, 7: 500}
"""Particles of one track by days of a period: studies of weeks are long."""
TWIN = 500_009
"""What is added to a seed for the second set of tracks."""


def load_claims() -> tuple[Claim, ...]:
    """Return every claim with what ``data/claims.csv`` states, in its order."""
    tests = {c.id: c for m in (mutual_optimism, status_quo, managed_deescalation) for c in m.CLAIMS}
    with (data_folder() / "claims.csv").open(encoding="utf-8", newline="") as opened:
        return tuple(replace(tests[row["id"]], text=row) for row in csv.DictReader(opened))


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
    progress: Say | None = None,
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
        From `load_claims`; all of the package when None.
    inputs
        What the theories see instead of ``build_inputs(study)``.
    forecasts
        Whether to score what claims forecast, which takes futures from each origin of the study.
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
    say = progress or (lambda _: None)
    known: dict[str, Verdict] = {}
    base: Blocks | None = None
    for name in dict.fromkeys(claim.theory for claim in claims):
        mine = [claim for claim in claims if claim.theory == name]
        blocks, ground = _ground(study, inputs, judged(name), mine, particles, seed, say)
        scores: dict[str, Score] = {}
        if forecasts and any(claim.forecasts is not None for claim in mine):
            if base is None:
                base = track_blocks(
                    study, load_theory("base_rate"), particles=particles, seed=seed, inputs=inputs
                )
            say(f"{blocks.theory.id}: futures from the study's origins")
            scores = forecast_scores(mine, blocks, base, seed=seed)
        known |= {claim.id: judge(claim, ground, seed, scores.get(claim.id)) for claim in mine}
    return tuple(known[claim.id] for claim in claims)


def _ground(
    study: Study,
    inputs: Inputs,
    theory: Theory,
    claims: Sequence[Claim],
    particles: int,
    seed: int,
    say: Say,
) -> tuple[Blocks, Ground]:
    """Track a theory on a study, with its parts and without them."""
    structure = structure_of(inputs)
    say(f"{theory.id}: tracking")
    blocks, twin = (
        track_blocks(study, theory, particles=particles, seed=s, inputs=inputs)
        for s in (seed, seed + TWIN)
    )
    n, whole = blocks.n_time, columns(inputs)
    inside = whole["cell_time"] < n
    mine = until(whole, n) | {k: v[inside] for k, v in whole.items() if k.startswith("cell_")}
    acted = until(blocks.columns, n)
    seen = Seen({**mine, **acted}, structure)
    reruns = {}
    worth = [claim for claim in claims if not missing(claim, seen)]
    for part in belief_reruns(worth, theory, structure):
        say(f"{theory.id}: tracking without {', '.join(part.null) or 'what is freed'}")
        reruns[part] = track(
            study, part.without(theory), particles=particles, seed=seed, inputs=inputs
        )
    say(f"{theory.id}: what each part adds")
    gains = ablations(worth, blocks, reruns, particles=particles)
    rng = np.random.default_rng([seed, STREAM])
    shares: list[dict[str, dict[str, Floats]]] = [{}, {}]
    if any(claim.paths for claim in worth):
        shares = [crack_shares(b.belief) if b.belief else {} for b in (blocks, twin)]
    drawn = [b.params(DRAWS // 2, rng) for b in (blocks, twin)]
    both = {name: np.concatenate([d[name] for d in drawn]) for name in drawn[0]}
    cracks = [s["posterior"][NAME] for s in shares if s.get("posterior")]
    least = min((len(c) for c in cracks), default=0)
    extra = {NAME: np.concatenate([c[:least] for c in cracks])} if len(cracks) == 2 else {}
    after = draws_of(both, theory, structure, mine, acted, extra)
    prior = blocks.prior(PRIOR_DRAWS, rng)
    before = draws_of(prior, theory, structure, mine, acted, shares[0].get("prior"))
    caveat, doubtful = "", frozenset[str]()
    for found in (blocks.belief, twin.belief):
        report = None if found is None else found.report()
        if report is not None and not report.passed:
            caveat = f"the track of beliefs failed its gate ({report.failures[0]})"
            doubtful = frozenset(p.name for p in free_parameters(theory, structure)) | {NAME}
    return blocks, Ground(theory.id, inputs.step_days, seen, after, before, gains, caveat, doubtful)
