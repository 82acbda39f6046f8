"""Blocks: parts of a theory that share no free parameter, and so have independent posteriors.

Beliefs, readings and talks are one block, that of `beliefs.infer.track`. The observables of conduct
(strikes, truce, outcomes) fall into further ones. Beliefs enter them as covariates of the period
before, from the filtered track of the belief block: a cut posterior (Plummer 2015; Jacob and others
2017). Acts are coded into evidence and signals already; they must not count a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.infer.track_plain import PlainTrack
from beliefs.infer.track_result import Track
from beliefs.mechanism.structure import Columns, Structure
from beliefs.study.inputs import Inputs
from beliefs.study.load import Study
from beliefs.theory.theory import Theory

__all__ = ["Block", "Blocks", "blocks", "track_blocks"]

Floats = NDArray[np.float64]


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
    tracks: Mapping[str, PlainTrack]
    columns: Columns

    def predictive(self, *, readings: bool = False) -> dict[str, Floats]:
        """Return one-step log predictive densities (T,) by observable, NaN where not seen.

        Readings are conditioned on and not scored: they are left out unless `readings`.
        """
        raise NotImplementedError

    def params(
        self, draws: int, rng: np.random.Generator, *, period: int = -1, beliefs: bool = True
    ) -> dict[str, Floats]:
        """Return joint draws of all free parameters after a period, each (draws, *shape).

        Blocks are independent, so their draws are paired by index. Parameters that no tracked block
        holds are drawn from their prior. `beliefs` false leaves the belief group out, to be paired
        with the draws of `Track.at`.
        """
        raise NotImplementedError

    def prior(
        self, draws: int, rng: np.random.Generator, *, beliefs: bool = True
    ) -> dict[str, Floats]:
        """Return draws of the prior of the same parameters, each (draws, *shape)."""
        raise NotImplementedError

    def until(self, n_time: int) -> Blocks:
        """Return the first `n_time` periods of all tracks."""
        raise NotImplementedError


def blocks(theory: Theory, structure: Structure) -> tuple[Block, ...]:
    """Return the blocks of a theory: that of beliefs, then those of conduct."""
    raise NotImplementedError


def track_blocks(
    study: Study,
    theory: Theory,
    *,
    particles: int = 2000,
    seed: int,
    only: Collection[str] | None = None,
    inputs: Inputs | None = None,
    progress: Callable[[str], None] | None = None,
    belief: Track | None = None,
) -> Blocks:
    """Follow every block of a theory through the periods of a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theory
        From `beliefs.load_theory`.
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
        Track of the belief block of the same theory and study, where there is one already.
    """
    raise NotImplementedError
