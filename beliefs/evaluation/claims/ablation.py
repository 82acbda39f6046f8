"""What a part of a theory adds to its log score: with it against without, period by period.

Parts of actions are tracked again with the part held at its null value; their blocks take seconds.
Parts of the belief block are judged by their density at the null value before and after each period
(`beliefs.inference.smc.density_path`), which needs no other track, unless the null value lies on
a bound or a claim asks for a track.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.claim import Claim, Draws, roles_of
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.blocks import blocks as layout_of
from beliefs.inference.smc.density_path import density_path, log_density_at
from beliefs.inference.smc.track import OBSERVABLES, Track
from beliefs.model.structure import Structure, structure_of, until
from beliefs.model.system import conduct_factors, conduct_log_likelihoods
from beliefs.model.theory import (
    Theory,
    conduct_declared,
    conduct_neutral,
    conduct_parameters,
    declared,
    free_parameters,
)

__all__ = ["Ablation", "Part", "ablations", "belief_reruns", "labels_of", "part_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ablation:
    """Log scores with a part and without it.

    Attributes
    ----------
    gain
        Log score with the part less that without, (T,); 0 where nothing was seen.
    seen
        Periods in which an observable was seen, (T,).
    method
        ``rerun`` or ``density``.
    """

    gain: Floats
    seen: NDArray[np.bool_]
    method: str


@dataclass(frozen=True)
class Part:
    """A part that is switched off: parameters held at null values, or given other priors.

    Attributes
    ----------
    null
        Names of parameters, all their elements.
    fixed
        Priors by name.
    """

    null: tuple[str, ...]
    fixed: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()

    @property
    def names(self) -> set[str]:
        """Parameters that it touches."""
        return {*self.null, *(name for name, _ in self.fixed)}

    def without(self, theory: Theory) -> Theory:
        """Return the theory without the part."""
        priors = {**theory.priors, **{name: dict(prior) for name, prior in self.fixed}}
        if theory.free is not None:
            kept = tuple(name for name in theory.free if name not in self.null)
            return replace(theory, free=kept, priors=priors)
        # A prior that stays behind for a parameter at its null value is not read.
        held = tuple(dict.fromkeys((*theory.neutral, *self.null)))
        return replace(theory, neutral=held, priors=priors)


def labels_of(claim: Claim, structure: Structure) -> tuple[str, ...]:
    """Return the elements that a claim holds at their null values; empty where there are none."""
    known = declared(structure) | conduct_declared(structure)
    out: list[str] = []
    for name in claim.null:
        dims = known[name][1].dims
        if not claim.role:
            out += [name] if 0 not in structure.size(dims) else []
            continue
        side = roles_of(structure).get(claim.role)
        labels = structure.coords[dims[0]]
        out += [f"{name}{[k]}" for k, label in enumerate(labels) if label.startswith(f"{side}:")]
    return tuple(out)


def part_of(claim: Claim) -> Part:
    """Return what a claim switches off; whole parameters only."""
    fixed = tuple((name, tuple(sorted(prior.items()))) for name, prior in claim.fixed.items())
    return Part(claim.null, fixed)


def belief_reruns(claims: Sequence[Claim], theory: Theory, structure: Structure) -> list[Part]:
    """Return the parts for which the belief block has to be tracked again."""
    free = {p.name for p in free_parameters(theory, structure)}
    wanted = [part_of(claim) for claim in claims if claim.rerun or claim.fixed]
    return list(dict.fromkeys(part for part in wanted if free & part.names))


def ablations(
    claims: Sequence[Claim],
    blocks: Blocks,
    reruns: Mapping[Part, Track],
    *,
    particles: int,
) -> dict[str, Ablation]:
    """Return what the part of each claim adds to the score of its observables.

    Parameters
    ----------
    claims, blocks
        Claims under a theory, and all its blocks on the study.
    reruns
        Tracks of the belief block without a part; see `belief_reruns`.
    particles
        Number of particles of blocks tracked again.

    Returns
    -------
    dict
        By id of the claim; a claim whose part this study or theory does not have is left out.
    """
    structure = structure_of(blocks.inputs)
    of_belief = {p.name for p in free_parameters(blocks.theory, structure)}
    of_conduct = {p.name for p in conduct_parameters(blocks.theory, structure)}
    base = blocks.predictive(readings=True)
    out: dict[str, Ablation] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        part = part_of(claim)
        if claim.contrast:
            found = _contrast(claim, blocks, structure)
            if found is not None:
                out[claim.id] = found
        elif part in reruns:
            mine = replace(blocks, belief=reruns[part]).predictive(readings=True)
            out[claim.id] = _against(base, mine, claim.score, blocks.n_time)
        elif part.names & of_conduct and not part.names & of_belief:
            mine = _retracked(part, blocks, structure, claim.score, particles)
            out[claim.id] = _against(base, mine, claim.score, blocks.n_time)
        elif part.names & of_belief and blocks.belief is not None:
            groups[claim.id] = labels_of(claim, structure)
    groups = {name: labels for name, labels in groups.items() if labels}
    if groups and blocks.belief is not None:
        path = density_path(blocks.belief, groups)
        scores = {claim.id: claim.score for claim in claims}
        for name, difference in zip(groups, path, strict=True):
            which = [k for k, seen in enumerate(OBSERVABLES) if seen in scores[name]]
            rows = [base[OBSERVABLES[k]] for k in which if OBSERVABLES[k] in base]
            if rows:
                seen = ~np.isnan(np.stack(rows)).all(axis=0)
                out[name] = Ablation(difference[:, which].sum(axis=1), seen, "density")
    return out


def _against(
    base: Mapping[str, Floats], mine: Mapping[str, Floats], names: Sequence[str], n_time: int
) -> Ablation:
    gain, seen = np.zeros(n_time), np.zeros(n_time, dtype=bool)
    for name in names:
        if name in base and name in mine:
            gain = gain + np.nan_to_num(base[name] - mine[name], nan=0.0)
            seen |= ~np.isnan(base[name])
    return Ablation(gain, seen, "rerun")


def _retracked(
    part: Part, blocks: Blocks, structure: Structure, names: Sequence[str], particles: int
) -> dict[str, Floats]:
    """Return log scores of observables of actions without a part."""
    theory = part.without(blocks.theory)
    left = {p.name for p in conduct_parameters(theory, structure)}
    known = {f.name: f for f in conduct_factors()}
    gone = [n for n in names if n in known and not left.intersection(known[n].base)]
    kept = [n for n in names if n not in gone]
    out: dict[str, Floats] = {}
    if kept:
        mine = [b for b in layout_of(theory, structure) if set(kept).intersection(b.observables)]
        # Where beliefs do not enter there is no need to know them.
        belief = blocks.belief if any(b.couples for b in mine) else None
        out |= track_blocks(
            blocks.study, theory, particles=particles, seed=blocks.seed, only=kept,
            inputs=blocks.inputs, belief=belief,
        ).predictive()  # fmt: skip
    if gone:  # nothing free is left: the null values are the prediction
        n = blocks.n_time
        one = {k: v[None] for k, v in conduct_neutral(theory, structure).items()}
        logs = conduct_log_likelihoods(np, one, until(blocks.columns, n), structure, gone)
        base = blocks.predictive()
        for name in gone:
            row = np.broadcast_to(logs[name], (1, n))[0]
            out[name] = np.where(np.isnan(base[name]), np.nan, row) if name in base else row
    return {name: out[name] for name in names if name in out}


def _contrast(claim: Claim, blocks: Blocks, structure: Structure) -> Ablation | None:
    """Return what it adds that a contrast may differ from 0, by Savage and Dickey."""
    dims = {name: p.dims for name, (_, p) in conduct_declared(structure).items()}
    tracks = blocks.tracks.values()
    mine = next((t for t in tracks if set(claim.score).intersection(t.observables)), None)
    if mine is None:
        return None
    values = [
        claim.test(Draws(mine.coordinates.params(scores), dims, structure)).of[0]
        for scores in mine.epochs
    ]
    n, zero = mine.n_time, np.zeros(1)
    gain = np.zeros(n)
    before = log_density_at(values[0], np.zeros(len(values[0])), zero)
    for t in range(n):
        after = log_density_at(values[mine.epoch[t]], mine.log_weights[t], zero)
        gain[t], before = before - after, after
    which = [k for k, name in enumerate(mine.observables) if name in claim.score]
    return Ablation(gain, ~np.isnan(mine.predictive[:, which]).all(axis=1), "density")
