"""Blocks: parts of a theory that share no free parameter, and so have independent posteriors.

Beliefs, readings and talks are one block, that of `beliefs.inference.smc.track`. The observables
of conduct (strikes, truce, outcomes) fall into further ones. Beliefs enter them as covariates of
the period before, from the filtered track of the belief block: a cut posterior (Plummer 2015; Jacob
and others 2017). Acts are coded into evidence and signals; they must not count twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.belief_lag import belief_lag
from beliefs.inference.smc.sequential import BlockTrack, track_likelihood
from beliefs.inference.smc.track import Track, advance, first_change, track
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.contract import Factor
from beliefs.model.structure import Columns, Structure, conduct_columns, structure_of, until
from beliefs.model.system import conduct_log_likelihoods, factors
from beliefs.model.theory import (
    Theory,
    conduct_neutral,
    conduct_parameters,
    free_parameters,
    theory_of,
)
from beliefs.study.load import Study, load_study

__all__ = [
    "Block",
    "Blocks",
    "advance_blocks",
    "blocks",
    "blocks_known",
    "shared_past",
    "track_blocks",
    "track_known",
]

Floats = NDArray[np.float64]
Say = Callable[[str], None] | None

BELIEF = "belief"
LAGGED = ("p_lag", "p_lag_min", "surplus_lag")
"""Columns of beliefs one period earlier, which a track adds to those of the study."""


@dataclass(frozen=True)
class Block:
    """Observables and the free parameters that they share.

    Attributes
    ----------
    name
        ``belief``, or the names of the observables joined by ``+``.
    observables
        Names of its factors; ``reading`` and ``talks`` of the belief block.
    parameters
        Names of its free parameters.
    couples
        Names of those through which beliefs enter a block of conduct.
    beliefs
        Whether this is the belief block: `Blocks.belief` is its track, not one of `Blocks.tracks`.
    """

    name: str
    observables: tuple[str, ...]
    parameters: tuple[str, ...]
    couples: tuple[str, ...]
    beliefs: bool


@dataclass(frozen=True, eq=False, repr=False)
class Blocks:
    """Tracks of the blocks of a theory on a study.

    Attributes
    ----------
    study, inputs, theory, seed
        What they were computed from.
    layout
        All blocks of the theory, tracked or not.
    belief
        Track of the belief block, None where it was not asked for.
    tracks
        Tracks of blocks of conduct, by name of the block.
    columns
        What the blocks of conduct read: columns of the study, with lagged beliefs.
    """

    study: Study
    inputs: Inputs
    theory: Theory
    seed: int
    layout: tuple[Block, ...]
    belief: Track | None
    tracks: Mapping[str, BlockTrack]
    columns: Columns

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
                if name != "reading" or (readings and not np.isnan(values).all()):
                    out[name] = values
        return out

    def _all(self, *, beliefs: bool = True) -> list[BlockTrack]:
        belief = [self.belief] if beliefs and self.belief is not None else []
        return [*belief, *self.tracks.values()]

    def params(
        self, draws: int, rng: np.random.Generator, *, period: int = -1, beliefs: bool = True
    ) -> dict[str, Floats]:
        """Return joint draws of all free parameters after a period, each (draws, *shape).

        Blocks are independent, so their draws are paired by index. Parameters that no block of the
        theory holds are drawn from their prior, which is their posterior.

        Parameters
        ----------
        draws
            How many.
        rng
            Source of randomness.
        period
            Number of the period, which may count from the end.
        beliefs
            Whether to draw the parameters of the belief block; without them the rest may be paired
            with the draws of `Track.at`.

        Raises
        ------
        ConflictError
            A block was not tracked, so that the posterior of its parameters is not known.
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
                mend="track_blocks(...) without `only`",
            )
        out = self.prior(draws, rng, beliefs=beliefs)
        for mine in self._all(beliefs=beliefs):
            out |= mine.params(draws, rng, period=period)
        return out

    def prior(
        self, draws: int, rng: np.random.Generator, *, beliefs: bool = True
    ) -> dict[str, Floats]:
        """Return draws of the prior of the same parameters, each (draws, *shape)."""
        structure = structure_of(self.inputs)
        free = list(conduct_parameters(self.theory, structure))
        if beliefs:
            mine = free_parameters(self.theory, structure)
            free = [p for p in mine if p.name != "innovation"] + free
        if not free:
            return {}
        known = coordinates_of(free, structure)
        return known.params(rng.standard_normal((draws, known.size)))

    def until(self, n_time: int) -> Blocks:
        """Return the first `n_time` periods of all tracks."""
        belief = None if self.belief is None else self.belief.until(n_time)
        tracks = {name: mine.until(n_time) for name, mine in self.tracks.items()}
        return replace(self, belief=belief, tracks=tracks)


def blocks(theory: Theory, structure: Structure) -> tuple[Block, ...]:
    """Return the blocks of a theory: that of beliefs, then those of conduct.

    Two observables of conduct are in one block if a chain of shared free parameters leads from one
    to the other. A free parameter that no observable reads is in none: its posterior is its prior.

    Raises
    ------
    StudyError
        The theory names a parameter that no mechanism declares.
    """
    out = []
    mine = tuple(p.name for p in free_parameters(theory, structure))
    if mine:
        seen = ("reading", "talks") if "readings" in theory.mechanisms else ("talks",)
        out.append(Block(BELIEF, seen, mine, (), True))
    order = [p.name for p in conduct_parameters(theory, structure)]
    groups: list[tuple[list[Factor], set[str]]] = []
    for factor in factors(theory, structure):
        members, reads = [factor], set(order).intersection(factor.reads)
        for group in [g for g in groups if g[1] & reads]:
            members, reads = group[0] + members, group[1] | reads
            groups.remove(group)
        groups.append((members, reads))
    places = {f.name: k for k, f in enumerate(factors(theory, structure))}
    groups = [(sorted(g, key=lambda f: places[f.name]), reads) for g, reads in groups]
    for members, reads in sorted(groups, key=lambda g: places[g[0][0].name]):
        couples = {name for factor in members for name in factor.couples} & reads
        out.append(
            Block(
                "+".join(f.name for f in members),
                tuple(f.name for f in members),
                tuple(name for name in order if name in reads),
                tuple(name for name in order if name in couples),
                False,
            )
        )
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
    """Follow every block of a theory through the periods of a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theory
        From `beliefs.load_theory`, or what that takes: a name, an id or a file.
    particles
        Number of particles of each block.
    seed
        Seed of everything random here.
    only
        Names of observables: blocks without any of them are left out. ``talks`` and ``reading``
        stand for the belief block, which is also tracked where an observable asked for depends on
        beliefs and no `belief` is given.
    inputs
        What the blocks are told instead of ``build_inputs(study)``.
    progress
        Called with a few words as periods are taken in.
    belief
        Track of the belief block of the same theory and study, where there is one already; also one
        taken over from a sampled posterior (`beliefs.inference.smc.track.from_posterior`), which
        then predicts nothing before its first row.

    Raises
    ------
    ConflictError
        `belief` has seen another number of periods, or frees other parameters of belief.
    StudyError
        Too few particles.
    """
    theory = theory_of(theory)
    inputs = build_inputs(study) if inputs is None else inputs
    structure, n_time = structure_of(inputs), int(inputs.active.sum())
    layout = blocks(theory, structure)
    chosen = [b for b in layout if only is None or set(only).intersection(b.observables)]
    if belief is not None:
        _check(belief, theory, structure, n_time)
    elif any(b.beliefs or (b.couples and theory.beliefs) for b in chosen):
        belief = track(
            study, theory, particles=particles, seed=seed, progress=progress, inputs=inputs
        )
    lag = belief_lag(belief, structure.n_time)
    columns = {**conduct_columns(inputs), **lag}
    tracks = {
        b.name: _track_block(b, theory, structure, columns, n_time, particles, seed, progress)
        for b in chosen
        if not b.beliefs
    }
    return Blocks(study, inputs, theory, seed, layout, belief, tracks, columns)


def shared_past(found: Blocks, inputs: Inputs) -> int:
    """Return the number of periods before the first of which other inputs know something else."""
    n = min(found.n_time, int(inputs.active.sum()))
    if found.belief is not None:
        n = first_change(found.belief.model(), found.belief.model(inputs), n)
    if found.tracks:
        n = _same(found.columns, conduct_columns(inputs), n, LAGGED)
    return n


def _same(old: Columns, new: Columns, n: int, without: Collection[str] = ()) -> int:
    """Return the number of periods, at most `n`, before the first in which columns differ."""
    for name, values in new.items():
        if name not in without and values.ndim:
            apart = old[name][..., :n] != values[..., :n]
            apart = apart.any(axis=tuple(range(values.ndim - 1)))
            n = int(apart.argmax()) if apart.any() else n
    return n


def advance_blocks(
    found: Blocks, study: Study, *, inputs: Inputs | None = None, progress: Say = None
) -> Blocks:
    """Go on with all blocks as the study grows or is revised.

    The result is what `track_blocks` gives for the new study, within Monte-Carlo error. Periods
    before the first whose inputs changed are kept.

    Parameters
    ----------
    found
        Blocks of an earlier state of the study.
    study
        The study now, of the same structure.
    inputs
        Used instead of ``build_inputs(study)``.
    progress
        Called with a few words as periods are taken in.

    Raises
    ------
    StudyError
        See `beliefs.inference.smc.track.advance`.
    """
    inputs = build_inputs(study) if inputs is None else inputs
    structure, n_time = structure_of(inputs), int(inputs.active.sum())
    belief = found.belief
    if shared_past(found, inputs) == n_time == found.n_time:
        if belief is not None:
            belief = replace(belief, study=study, inputs=inputs)
        return replace(found, study=study, inputs=inputs, belief=belief)
    if belief is not None:
        belief = advance(belief, study, inputs=inputs, progress=progress)
    columns = {**conduct_columns(inputs), **belief_lag(belief, structure.n_time)}
    n = min(found.n_time, n_time)
    tracks = {}
    for block in found.layout:
        if block.name in found.tracks:
            mine = found.tracks[block.name]
            kept = _same(found.columns, columns, n, () if block.couples else LAGGED)
            tracks[block.name] = _track_block(
                block, found.theory, structure, columns, n_time, mine.epochs[0].shape[0],
                found.seed, progress, mine.until(kept),
            )  # fmt: skip
    return replace(found, study=study, inputs=inputs, belief=belief, tracks=tracks, columns=columns)


def _track_block(
    block: Block,
    theory: Theory,
    structure: Structure,
    columns: Columns,
    n_time: int,
    particles: int,
    seed: int,
    progress: Say,
    start: BlockTrack | None = None,
) -> BlockTrack:
    """Follow one block of conduct."""
    neutral = conduct_neutral(theory, structure)
    free = [p for p in conduct_parameters(theory, structure) if p.name in block.parameters]

    def likelihood(params: dict[str, Any], n: int) -> Floats:
        size = len(next(iter(params.values())))
        # Where a proposal lies far out an exponential may overflow; it is then not accepted.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            logs = conduct_log_likelihoods(
                np, {**neutral, **params}, until(columns, n), structure, block.observables
            )
        return np.stack(
            [np.broadcast_to(logs[name], (size, n)) for name in block.observables], axis=-1
        )

    return track_likelihood(
        likelihood,
        coordinates_of(free, structure),
        block.observables,
        n_time,
        particles=particles,
        seed=seed,
        stream=crc32(block.observables[0].encode()),
        progress=progress,
        start=start,
    )


def _check(belief: Track, theory: Theory, structure: Structure, n_time: int) -> None:
    """Check that a track is that of the theory's belief block on the same periods."""
    mine = [p.name for p in free_parameters(theory, structure) if p.name != "innovation"]
    theirs = [part.name for part in belief.coordinates.parts]
    if mine != theirs:
        raise ConflictError(
            "the belief track is that of another theory",
            where=f"theory {theory.name}",
            found="free parameters " + ", ".join(sorted(set(mine) ^ set(theirs))),
            expected="the same parameters of belief free in both",
            mend="track the theory's own belief block",
        )
    if belief.n_time != n_time:
        raise ConflictError(
            "the belief track has seen other periods than the study",
            where=belief.study.spec.name,
            found=f"{belief.n_time} periods",
            expected=f"{n_time} periods",
            mend="advance the track to the study, or cut it",
        )


def track_known(track: Track, n: int) -> Track:
    """Return a track as it stood after its first `n` periods.

    Raises
    ------
    ConflictError
        The study's folder no longer holds what was tracked.
    """
    if n == track.n_time:
        return track
    study, inputs = _as_of(track.study, track.inputs, n)
    if first_change(track.model(), track.model(inputs), n) < n:
        _check_folder(track.study, track.inputs)
    return advance(track.until(n), study, inputs=inputs)


def blocks_known(whole: Blocks, n: int, near: Blocks | None = None) -> Blocks:
    """Return blocks as they stood after the first `n` periods.

    Parameters
    ----------
    whole
        Blocks of the whole study.
    n
        Number of periods.
    near
        What this gave for an earlier period, to go on from where that is the shorter way.

    Raises
    ------
    ConflictError
        The study's folder no longer holds what was tracked.
    """
    if n == whole.n_time:
        return whole
    study, inputs = _as_of(whole.study, whole.inputs, n)
    found = whole.until(n)
    past = shared_past(found, inputs)
    if past < n:
        _check_folder(whole.study, whole.inputs)
        if near is not None and shared_past(near, inputs) > past:
            found = near
    return advance_blocks(found, study, inputs=inputs)


def _as_of(study: Study, inputs: Inputs, n: int) -> tuple[Study, Inputs]:
    """Return the study as it was known after its first `n` periods, and its inputs."""
    day = inputs.dates[n - 1] + np.timedelta64(inputs.step_days - 1, "D")
    known = load_study(study.path, as_of=day)
    return known, build_inputs(known)


def _check_folder(study: Study, inputs: Inputs) -> None:
    """Refuse to go back to what a folder says of the past if it says other things by now."""
    again = build_inputs(load_study(study.path, as_of=study.as_of))
    for one, other in ((inputs, again), (inputs.observed, again.observed)):
        for name, values in vars(one).items():
            if isinstance(values, np.ndarray) and not _equal(values, getattr(other, name)):
                raise ConflictError(
                    "the study's folder no longer holds what was tracked",
                    where=str(study.path),
                    found=f"other values of {name}",
                    expected="the rows that the track has seen",
                    mend="advance the track to the study as it is now",
                )


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    unknown = (one != one) & (other != other)
    return bool(((one == other) | unknown).all())
