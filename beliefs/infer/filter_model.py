"""A theory on a study as the filter runs it: normal scores in, beliefs and densities out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.infer.filter import NODES, Belief, newborn, run
from beliefs.infer.filter_terms import (
    WIDTH,
    Looks,
    Still,
    Terms,
    block_columns,
    looks_of,
    still_of,
    terms_of,
)
from beliefs.infer.unconstrained import Coordinates, coordinates
from beliefs.mechanism.structure import Columns, Structure, columns, structure_of
from beliefs.study.inputs import Inputs
from beliefs.theory.theory import Theory, neutral_values

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
    nodes: tuple[int, int, int] = NODES

    @classmethod
    def of(cls, inputs: Inputs, theory: Theory) -> Model:
        """Return the model of a theory on a study's inputs."""
        structure, cols = structure_of(inputs), columns(inputs)
        return cls(
            coordinates(theory, structure),
            neutral_values(theory, structure),
            structure,
            cols,
            looks_of(cols, structure, readings_on="readings" in theory.mechanisms),
        )

    @cached_property
    def _blocks(self) -> list[Columns]:
        n = -(-self.structure.n_time // WIDTH)
        return [block_columns(self.columns, block) for block in range(n)]

    def params(self, scores: Floats) -> dict[str, Any]:
        """Return all parameters of particles, (N, *shape) the free ones."""
        return {**self.neutral, **self.coordinates.params(scores)}

    def still(self, params: dict[str, Any], n: int) -> Still:
        """Return what does not change with time."""
        return still_of(params, self.structure, n)

    def terms(self, params: dict[str, Any], n: int, block: int, audience: Floats) -> Terms:
        """Return what beliefs do not enter, of a block; `audience` is that before the block."""
        return terms_of(params, self._blocks[block], self.structure, n, audience)

    def step(
        self, belief: Belief, still: Still, terms: Terms, first: int, last: int, keep: bool = False
    ) -> tuple[Belief, Floats]:
        """Filter some periods of one block; see `beliefs.infer.filter.run`."""
        return run(belief, still, terms, self.looks, first, last, keep=keep, nodes=self.nodes)

    def replay(
        self, scores: Floats, n_time: int, keep: bool = False
    ) -> tuple[Belief, Still, Floats]:
        """Filter the first `n_time` periods of particles given by their normal scores.

        Returns
        -------
        Belief
            State at the end.
        Still
            What does not change with time.
        path
            See `beliefs.infer.filter.run`; empty unless `keep`.
        """
        n = len(scores)
        params = self.params(scores)
        still = self.still(params, n)
        belief, paths = newborn(still), []
        for block in range(-(-n_time // WIDTH)):
            terms = self.terms(params, n, block, belief.audience)
            last = min(n_time, (block + 1) * WIDTH)
            belief, path = self.step(belief, still, terms, block * WIDTH, last, keep)
            paths.append(path)
            if last < n_time:
                belief = replace(belief, audience=terms.audience)
        return belief, still, np.concatenate(paths, axis=1)

    def seen_in(self, t: int) -> list[Any]:
        """Return all that the filter reads of a period."""
        looks, place = self.looks, slice(int(self.looks.starts[t]), int(self.looks.starts[t + 1]))
        block, k = divmod(t, WIDTH)
        columns = [v[..., k] for v in self._blocks[block].values()]
        said = [looks.held[t], looks.before[t], looks.seen[t]]
        return columns + said + [v[place] for v in (looks.sides, looks.channels, looks.values)]
