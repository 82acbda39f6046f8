"""What a part of a theory adds to its log score: with it against without, period by period.

Parts of conduct are tracked again with the part held neutral; their blocks take seconds. Parts of
the belief block are judged by their density at the neutral value before and after each period
(`beliefs.inference.filter.density_path`), which needs no other track, unless the neutral value
lies on a bound
or a claim asks for a track.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.claims import Claim
from beliefs.evaluation.claims.expressions import Absent, Expression, Values
from beliefs.evaluation.claims.functionals import Quantities, Setting
from beliefs.inference.filter.density_path import density_path, log_density_at
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.blocks import blocks as layout_of
from beliefs.inference.smc.track import Track, track
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

__all__ = [
    "Ablation",
    "Part",
    "ablations",
    "belief_reruns",
    "labels_of",
    "part_of",
    "rerun_belief",
]

Floats = NDArray[np.float64]

BELIEF = ("talks", "reading")


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
    """A part that is switched off: parameters held neutral, or given other priors.

    Attributes
    ----------
    neutral
        Names of parameters, all their elements.
    fixed
        Priors by name.
    """

    neutral: tuple[str, ...]
    fixed: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()

    def without(self, theory: Theory) -> Theory:
        """Return the theory without the part."""
        priors = {**theory.priors, **{name: dict(prior) for name, prior in self.fixed}}
        if theory.free is not None:
            kept = tuple(name for name in theory.free if name not in self.neutral)
            return replace(theory, free=kept, priors=priors)
        # A prior that stays behind for a neutral parameter is not read.
        return replace(
            theory, neutral=tuple(dict.fromkeys((*theory.neutral, *self.neutral))), priors=priors
        )


def labels_of(
    expression: Expression, structure: Structure, roles: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the labels of the elements that an expression such as ``weight_own[us:*]`` picks.

    Raises
    ------
    Absent
        The study has no such element.
    """
    (name,) = expression.names
    parameter = (declared(structure) | conduct_declared(structure))[name][1]
    shape = structure.size(parameter.dims)
    if 0 in shape:
        raise Absent(name)
    numbers = np.arange(int(np.prod(shape, dtype=int))).reshape(1, *shape)
    coords = structure.coords
    picked = expression({name: Values(numbers, tuple(tuple(coords[d]) for d in parameter.dims))},
                        roles).flat[0]  # fmt: skip
    if len(picked) == numbers.size:
        return (name,)
    return tuple(f"{name}{[int(k) for k in np.unravel_index(int(p), shape)]}" for p in picked)


def part_of(claim: Claim) -> Part:
    """Return what a claim switches off; whole parameters only."""
    names = tuple(name for e in claim.neutral for name in e.names)
    fixed = tuple((name, tuple(sorted(prior.items()))) for name, prior in claim.fixed.items())
    return Part(names, fixed)


def belief_reruns(claims: Sequence[Claim], theory: Theory, structure: Structure) -> list[Part]:
    """Return the parts for which the belief block has to be tracked again."""
    free = {p.name for p in free_parameters(theory, structure)}
    out: list[Part] = []
    for claim in claims:
        part = part_of(claim)
        touched = free.intersection((*part.neutral, *(name for name, _ in part.fixed)))
        if (claim.rerun or claim.fixed) and touched and part not in out:
            out.append(part)
    return out


def ablations(
    claims: Sequence[Claim],
    blocks: Blocks,
    reruns: Mapping[Part, Track],
    setting: Setting,
    roles: Mapping[str, str],
    *,
    particles: int,
) -> dict[str, Ablation]:
    """Return what the part of each claim adds to the score of its observables.

    Parameters
    ----------
    claims
        Claims under the theory of `blocks`.
    blocks
        All blocks of the theory on the study.
    reruns
        Tracks of the belief block without a part; see `belief_reruns`.
    setting, roles
        See `beliefs.evaluation.claims.functionals` and `beliefs.evaluation.claims.expressions`.
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
        touched = {*part.neutral, *(name for name, _ in part.fixed)}
        if claim.null is not None:
            found = _contrast(claim.null, blocks, claim.score, setting, roles)
            if found is not None:
                out[claim.id] = found
        elif part in reruns:
            mine = replace(blocks, belief=reruns[part]).predictive(readings=True)
            out[claim.id] = _against(base, mine, claim.score, blocks.n_time)
        elif touched & of_conduct and not touched & of_belief:
            mine = _retracked(part, blocks, claim.score, particles)
            out[claim.id] = _against(base, mine, claim.score, blocks.n_time)
        elif touched & of_belief and blocks.belief is not None:
            try:
                groups[claim.id] = tuple(
                    label for e in claim.neutral for label in labels_of(e, structure, roles)
                )
            except Absent:
                continue
    if groups and blocks.belief is not None:
        path = density_path(blocks.belief, groups)
        scores = {claim.id: claim.score for claim in claims}
        for g, name in enumerate(path.groups):
            which = [k for k, seen in enumerate(path.observables) if seen in scores[name]]
            rows = [base[path.observables[k]] for k in which if path.observables[k] in base]
            if not rows:
                continue
            seen = ~np.isnan(np.stack(rows)).all(axis=0)
            out[name] = Ablation(path.difference[g][:, which].sum(axis=1), seen, "density")
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
    part: Part, blocks: Blocks, names: Sequence[str], particles: int
) -> dict[str, Floats]:
    """Return log scores of observables of conduct without a part."""
    theory, structure = part.without(blocks.theory), structure_of(blocks.inputs)
    left = {p.name for p in conduct_parameters(theory, structure)}
    known = {f.name: f for f in conduct_factors()}
    gone = [n for n in names if n in known and not left.intersection(known[n].base)]
    kept = [n for n in names if n not in gone]
    out: dict[str, Floats] = {}
    if kept:
        mine = [b for b in layout_of(theory, structure) if set(kept).intersection(b.observables)]
        out |= track_blocks(
            blocks.study,
            theory,
            particles=particles,
            seed=blocks.seed,
            only=kept,
            inputs=blocks.inputs,
            # Where beliefs do not enter there is no need to know them.
            belief=blocks.belief if any(b.couples for b in mine) else None,
        ).predictive()
    if gone:  # nothing free is left: the neutral values are the prediction
        n = blocks.n_time
        values = conduct_neutral(theory, structure)
        one = {k: v[None] for k, v in values.items()}
        logs = conduct_log_likelihoods(np, one, until(blocks.columns, n), structure, gone)
        base = blocks.predictive()
        for name in gone:
            row = np.broadcast_to(logs[name], (1, n))[0]
            out[name] = np.where(np.isnan(base[name]), np.nan, row) if name in base else row
    return {name: out[name] for name in names if name in out}


def _contrast(
    null: Expression,
    blocks: Blocks,
    names: Sequence[str],
    setting: Setting,
    roles: Mapping[str, str],
) -> Ablation | None:
    """Return what it adds that an expression may differ from 0, by Savage and Dickey."""
    structure = structure_of(blocks.inputs)
    dims = {name: p.dims for name, (_, p) in conduct_declared(structure).items()}
    mine = next((t for t in blocks.tracks.values() if set(names).intersection(t.observables)), None)
    if mine is None:
        return None
    values: list[Floats] = []
    for scores in mine.epochs:
        params = mine.coordinates.params(scores)
        draws = Quantities(params, setting, dims)
        values.append(null.scalar(draws, roles)[:, None])
    n, zero = mine.n_time, np.zeros(1)
    gain = np.zeros(n)
    before = log_density_at(values[0], np.zeros(len(values[0])), zero)
    for t in range(n):
        after = log_density_at(values[mine.epoch[t]], mine.log_weights[t], zero)
        gain[t], before = before - after, after
    which = [k for k, name in enumerate(mine.observables) if name in names]
    return Ablation(gain, ~np.isnan(mine.predictive[:, which]).all(axis=1), "density")


def rerun_belief(part: Part, blocks: Blocks, *, particles: int, seed: int) -> Track:
    """Track the belief block without a part."""
    return track(
        blocks.study,
        part.without(blocks.theory),
        particles=particles,
        seed=seed,
        inputs=blocks.inputs,
    )
