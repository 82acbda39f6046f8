"""Blocks: parts of a theory that share no free parameter, and so have independent posteriors.

Beliefs, readings and talks are one block, that of `beliefs.inference.smc.track`. The observables
of actions (strikes, truce, outcomes) fall into further ones. Beliefs enter them as covariates of
the period before, from the filtered track of the belief block: a cut posterior (Plummer 2015; Jacob
and others 2017). Actions are coded into evidence and signals; they must not count twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.random import Generator

from beliefs.errors import ConflictError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.smc.belief_lag import belief_lag
from beliefs.inference.smc.particles import Floats
from beliefs.inference.smc.sequential import BlockTrack, Say, track_likelihood
from beliefs.inference.smc.track import (
    Track,
    advance,
    as_known,
    check_folder,
    first_apart,
    first_change,
    track,
)
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import Columns, Structure, action_columns, structure_of, until
from beliefs.model.system import action_log_likelihoods, factors, factors_of
from beliefs.model.theory import Theory, free_parameters, null_values, theory_of
from beliefs.study.load import Study

Tracks = Mapping[str, BlockTrack]

BELIEF = "belief"
UNSCORED = {f.name for f in factors_of(BELIEF) if not f.shared}
LAGGED = ("p_lag", "p_lag_min", "surplus_lag")
"""Columns of beliefs one period earlier, which a track adds to those of the study."""


@dataclass(frozen=True)
class Block:
    """Observables and the free parameters that they share, by name."""

    name: str  # ``belief``, or the names of the observables joined by ``+``
    observables: tuple[str, ...]
    parameters: tuple[str, ...]
    couples: tuple[str, ...]  # those through which beliefs enter a block of actions

    @property
    def beliefs(self) -> bool:
        """Whether this is the belief block: `Blocks.belief` is its track, not in `tracks`."""
        return self.name == BELIEF


@dataclass(frozen=True, eq=False, repr=False)
class Blocks:
    """Tracks of the blocks of a theory on a study."""

    study: Study
    inputs: Inputs
    theory: Theory
    seed: int
    layout: tuple[Block, ...]  # all blocks of the theory, tracked or not
    belief: Track | None  # None where it was not asked for
    tracks: Tracks  # of the blocks of actions, by name
    columns: Columns  # what these read: columns of the study, with lagged beliefs

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        return max((mine.n_time for mine in self._all()), default=0)

    def predictive(self, *, readings: bool = False) -> dict[str, Floats]:
        """Return one-step log predictive densities (T,) by observable, NaN where not seen.

        Readings are conditioned on and not scored: they are left out unless `readings`. Talks are
        given the readings of their period.
        """
        out: dict[str, Floats] = {}
        for mine in self._all():
            for k, name in enumerate(mine.observables):
                values = np.full(mine.n_time, np.nan)
                values[mine.first :] = mine.predictive[:, k]
                if name not in UNSCORED or (readings and not np.isnan(values).all()):
                    out[name] = values
        return out

    def _all(self, *, beliefs: bool = True) -> list[BlockTrack]:
        belief = [self.belief] if beliefs and self.belief is not None else []
        return [*belief, *self.tracks.values()]

    def params(
        self, draws: int, rng: Generator, *, period: int = -1, beliefs: bool = True
    ) -> dict[str, Floats]:
        """Return joint draws of all free parameters after a period, each (draws, *shape).

        Blocks are independent, so their draws are paired by index; those without `beliefs` may be
        paired with the draws of `Track.at`. Parameters that no block of the theory holds are drawn
        from their prior, which is their posterior.
        """
        absent = [
            b.name
            for b in self.layout
            if (beliefs and self.belief is None if b.beliefs else b.name not in self.tracks)
        ]
        if absent:
            raise ConflictError(
                "parameters on which data bear were not inferred",
                where=f"{self.study.spec.name} under {self.theory.name}",
                found="no track of " + ", ".join(absent),
                expected="all blocks of the theory",
                fix="track_blocks(...) without `only`",
            )
        out = self.prior(draws, rng, beliefs=beliefs)
        for mine in self._all(beliefs=beliefs):
            out |= mine.params(draws, rng, period=period)
        return out

    def prior(self, draws: int, rng: Generator, *, beliefs: bool = True) -> dict[str, Floats]:
        """Return draws of the prior of the same parameters, each (draws, *shape)."""
        structure = structure_of(self.inputs)
        free = free_parameters(self.theory, structure, None if beliefs else "actions")
        known = coordinates_of(free, structure)
        return known.params(rng.standard_normal((draws, known.size)))

    def until(self, n_time: int) -> Blocks:
        """Return the first `n_time` periods of all tracks."""
        belief = None if self.belief is None else self.belief.until(n_time)
        tracks = {name: mine.until(n_time) for name, mine in self.tracks.items()}
        return replace(self, belief=belief, tracks=tracks)


def blocks(theory: Theory, structure: Structure) -> tuple[Block, ...]:
    """Return the blocks of a theory: that of beliefs, then those of actions.

    Two observables of actions are in one block if a chain of shared free parameters leads from one
    to the other. A free parameter that no observable reads is in none: its posterior is its prior.
    """
    out = []
    mine = tuple(p.name for p in free_parameters(theory, structure))
    if mine:
        seen = tuple(f.name for f in factors(theory, structure, BELIEF))
        out.append(Block(BELIEF, seen, mine, ()))
    order = [p.name for p in free_parameters(theory, structure, "actions")]
    every = factors(theory, structure)
    free = [set(order).intersection(factor.reads) for factor in every]
    groups: list[set[int]] = []
    for k in range(len(every)):
        near = [group for group in groups if any(free[j] & free[k] for j in group)]
        groups = [group for group in groups if group not in near] + [{k}.union(*near)]
    for group in sorted(groups, key=min):
        members = [every[k] for k in sorted(group)]
        reads = set[str]().union(*(free[k] for k in group))
        names = tuple(f.name for f in members)
        couples = {name for factor in members for name in factor.couples} & reads
        held = (tuple(n for n in order if n in chosen) for chosen in (reads, couples))
        out.append(Block("+".join(names), names, *held))
    return tuple(out)


def track_blocks(
    study: Study,
    theory: Theory | str | Path,
    *,
    particles: int = 2000,
    seed: int,
    only: Collection[str] | None = None,
    inputs: Inputs | None = None,
    progress: Say = None,
    belief: Track | None = None,
) -> Blocks:
    """Follow every block of a theory through the periods of a study; see `beliefs.track`.

    Blocks without any of the observables named in `only` are left out. ``talks`` and ``reading``
    stand for the belief block, which is also tracked where an observable asked for depends on
    beliefs and no `belief` is given: a track of it for the same theory and study, also one taken
    over from a sampled posterior (`from_posterior`), which predicts nothing before its first row.
    """
    theory = theory_of(theory)
    inputs = build_inputs(study) if inputs is None else inputs
    structure, n_time = structure_of(inputs), int(inputs.active.sum())
    layout = blocks(theory, structure)
    chosen = [b for b in layout if only is None or set(only).intersection(b.observables)]
    if belief is not None:
        mine = [p.name for p in free_parameters(theory, structure) if p.name != "innovation"]
        theirs = [part.name for part in belief.coordinates.parts]
        if (mine, n_time) != (theirs, belief.n_time):
            raise ValueError("the belief track has another theory, or has seen other periods")
    elif any(b.beliefs or (b.couples and theory.beliefs) for b in chosen):
        belief = track(
            study, theory, particles=particles, seed=seed, progress=progress, inputs=inputs
        )
    columns = {**action_columns(inputs), **belief_lag(belief, structure.n_time)}
    found = Blocks(study, inputs, theory, checked_seed(seed), layout, belief, {}, columns)
    return _followed(found, [b for b in chosen if not b.beliefs], particles, progress, {})


def shared_past(found: Blocks, inputs: Inputs) -> int:
    """Return the number of periods before the first of which other inputs know something else."""
    n = min(found.n_time, int(inputs.active.sum()))
    if found.belief is not None:
        n = first_change(found.belief.model(), found.belief.model(inputs), n)
    if found.tracks:
        n = _same(found.columns, action_columns(inputs), n, LAGGED)
    return n


def _same(old: Columns, new: Columns, n: int, without: Collection[str] = ()) -> int:
    return first_apart(((old[k], v) for k, v in new.items() if k not in without), n)


def advance_blocks(found: Blocks, study: Study, *, inputs: Inputs | None = None) -> Blocks:
    """Go on with all blocks as the study grows or is revised; see `beliefs.advance`."""
    inputs = build_inputs(study) if inputs is None else inputs
    n_time, belief = int(inputs.active.sum()), found.belief
    if shared_past(found, inputs) == n_time == found.n_time:
        if belief is not None:
            belief = replace(belief, study=study, inputs=inputs)
        return replace(found, study=study, inputs=inputs, belief=belief)
    if belief is not None:
        belief = advance(belief, study, inputs=inputs)
    columns = {**action_columns(inputs), **belief_lag(belief, structure_of(inputs).n_time)}
    now = replace(found, study=study, inputs=inputs, belief=belief, columns=columns)
    chosen, n = [b for b in found.layout if b.name in found.tracks], min(found.n_time, n_time)
    starts = {}
    for block in chosen:
        kept = _same(found.columns, columns, n, () if block.couples else LAGGED)
        starts[block.name] = found.tracks[block.name].until(kept)
    return _followed(now, chosen, 0, None, starts)


def _followed(found: Blocks, chosen: list[Block], particles: int, say: Say, past: Tracks) -> Blocks:
    """Follow blocks of actions, from tracks of their past where there are some."""
    theory, structure, columns = found.theory, structure_of(found.inputs), found.columns
    null, tracks = null_values(theory, structure, "actions"), {}
    mine = free_parameters(theory, structure, "actions")
    for block in chosen:
        names = block.observables
        free = [p for p in mine if p.name in block.parameters]

        def likelihood(params: dict[str, Any], n: int, names: tuple[str, ...] = names) -> Floats:
            size, short = len(next(iter(params.values()))), until(columns, n)
            # Where a proposal lies far out an exponential may overflow; it is then not accepted.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                logs = action_log_likelihoods(np, {**null, **params}, short, structure, names)
            return np.stack([np.broadcast_to(logs[k], (size, n)) for k in names], axis=-1)

        tracks[block.name] = track_likelihood(
            likelihood, coordinates_of(free, structure), names, int(found.inputs.active.sum()),
            particles=particles, seed=found.seed, stream=crc32(names[0].encode()), progress=say,
            start=past.get(block.name),
        )  # fmt: skip
    return replace(found, tracks=tracks)


def blocks_known(whole: Blocks, n: int, near: Blocks | None = None) -> Blocks:
    """Return blocks as they stood after the first `n` periods.

    `near` is what this gave for an earlier period, to go on from where that is the shorter way.
    """
    if n == whole.n_time:
        return whole
    (study, inputs), found = as_known(whole.study, whole.inputs, n), whole.until(n)
    past = shared_past(found, inputs)
    if past < n:
        check_folder(whole.study, whole.inputs)
        if near is not None and shared_past(near, inputs) > past:
            found = near
    return advance_blocks(found, study, inputs=inputs)
