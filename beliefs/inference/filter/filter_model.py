"""A theory on a study as the filter runs it: normal scores in, beliefs and densities out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.inference.filter.filter import NODES, Belief, newborn, run
from beliefs.inference.filter.filter_terms import (
    COLUMNS,
    WIDTH,
    Looks,
    Still,
    looks_of,
    part_columns,
    still_of,
    terms_of,
)
from beliefs.inference.smc.chunks import joined, mapped
from beliefs.inference.smc.unconstrained import Coordinates, coordinates
from beliefs.model.structure import Columns, Structure, columns, structure_of
from beliefs.model.theory import Theory, neutral_values

__all__ = ["Model"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Model:
    """What does not depend on the particles.

    Attributes
    ----------
    coordinates
        Of the free parameters.
    neutral
        Values of all others.
    structure, columns, looks
        The study's names, numbers and observations.
    nodes
        Gauss-Hermite nodes of the filter.
    """

    coordinates: Coordinates
    neutral: dict[str, Floats]
    structure: Structure
    columns: Columns
    looks: Looks
    nodes: tuple[int, int, int, int] = NODES

    @classmethod
    def of(cls, inputs: Inputs, theory: Theory, known: Coordinates | None = None) -> Model:
        """Return the model of a theory on a study's inputs, with coordinates `known` already."""
        structure = structure_of(inputs)
        neutral = neutral_values(theory, structure)
        cols = columns(inputs, without=neutral)
        return cls(
            known or coordinates(theory, structure),
            neutral,
            structure,
            cols,
            looks_of(cols, structure, readings_on="readings" in theory.mechanisms),
        )

    @cached_property
    def _parts(self) -> list[tuple[int, Columns]]:
        """First period and columns of what a replay evaluates at once."""
        n = self.structure.n_time
        return [
            (low, part_columns(self.columns, low, min(low + WIDTH, n)))
            for low in range(0, n, WIDTH)
        ]

    def params(self, scores: Floats) -> dict[str, Any]:
        """Return all parameters of particles, (N, *shape) the free ones."""
        return {**self.neutral, **self.coordinates.params(scores)}

    def still(self, params: dict[str, Any], n: int) -> Still:
        """Return what does not change with time."""
        return still_of(params, self.structure, n)

    def replay(
        self, scores: Floats, n_time: int, keep: bool = False, since: int = 0
    ) -> tuple[Belief, Still, Floats]:
        """Filter the first `n_time` periods of particles given by their normal scores.

        Returns
        -------
        Belief
            State at the end.
        Still
            What does not change with time.
        path
            See `beliefs.inference.filter.filter.run`, from period `since` on; empty unless `keep`.
        """
        _ = self._parts  # made once, before threads ask for them
        parts = mapped(
            lambda chunk: self._replayed(scores[chunk], n_time, keep, since), len(scores)
        )
        beliefs, stills, paths = zip(*parts, strict=True)
        return joined(beliefs), joined(stills), np.concatenate(paths)

    def _replayed(
        self, scores: Floats, n_time: int, keep: bool, since: int
    ) -> tuple[Belief, Still, Floats]:
        """Do the work of `replay` for a chunk."""
        n = len(scores)
        params = self.params(scores)
        still = self.still(params, n)
        belief, paths = newborn(still), []
        for low, part in self._parts:
            if low >= n_time:
                break
            terms = terms_of(params, part, self.structure, n, belief.audience)
            belief, path = run(
                belief, still, terms, self.looks, low, min(n_time, low + WIDTH),
                keep=keep and since < low + WIDTH, nodes=self.nodes,
            )  # fmt: skip
            paths.append(path[:, max(since - low, 0) :])
        return belief, still, np.concatenate(paths, axis=1)

    def seen_by_period(self, n_time: int) -> list[Any]:
        """Return all that the filter reads of the first periods but readings, (..., n_time)."""
        columns = [self.columns[name] for name in COLUMNS]
        return [v[..., :n_time] for v in (*columns, *self.looks.by_period)]
