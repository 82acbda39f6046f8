r"""What holding parameters neutral would cost in score, period by period, without another track.

Savage and Dickey: with independent priors, the ratio of the densities that a model and the model
with parameters held at :math:`n` give to an observation is

.. math:: \frac{p(y_t \mid past)}{p(y_t \mid past, \phi = n)} =
          \frac{p(\phi = n \mid past)}{p(\phi = n \mid past, y_t)}

Both densities are those of the same particles under two sets of weights, in normal scores, taken
for Gaussian: exact where they are, and of low noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.infer.track_result import Track

__all__ = ["DensityPath", "density_path"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DensityPath:
    """Log score with parameters free less that with them neutral.

    Attributes
    ----------
    groups
        Names of the groups.
    observables
        ``reading`` and ``talks``.
    difference
        (group, time, observable): positive where freeing the parameters predicted better.
    """

    groups: tuple[str, ...]
    observables: tuple[str, ...]
    difference: Floats


def density_path(track: Track, groups: Mapping[str, Sequence[str]]) -> DensityPath:
    """Return by how much freeing parameters changed each one-step log score.

    Parameters
    ----------
    track
        A track from before the first period.
    groups
        Name of a group -> names of free parameters (all elements), or labels of single elements
        such as ``shock_jump[0, 1]``, held neutral together.

    Raises
    ------
    StudyError
        A parameter is not free, or its neutral value lies on or beyond the bound of its prior.
    """
    raise NotImplementedError
