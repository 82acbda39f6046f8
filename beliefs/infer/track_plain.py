r"""`track_plain`: the posterior of a block without beliefs after every period (IBIS).

Its likelihood is known in full for every particle, so that particles need no filter: a matrix of
log likelihoods by period and observable. Every observable reweights the particles by what they had
predicted (Chopin 2002); when the effective number falls below half they are resampled and moved.
Where one observation says too much at once, it is taken in by powers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.infer.track_result import Rejuvenation
from beliefs.infer.unconstrained import Coordinates

__all__ = ["PlainTrack", "track_plain"]

Floats = NDArray[np.float64]
Likelihood = Callable[[dict[str, Any], int], Floats]
"""Log likelihoods (N, n_time, observable) of the first n_time periods; 0 where nothing was seen."""


@dataclass(frozen=True, eq=False, repr=False)
class PlainTrack:
    """The posterior of a block after every period, N weighted particles each.

    Attributes
    ----------
    observables
        Names of what was seen, (K,), in the order in which each period takes it in.
    coordinates
        How scores are parameters.
    seed
        Seed of everything random here.
    epochs
        Particles, normal scores (N, d), drawn at the start and after every rejuvenation.
    epoch
        Which particles hold after every period, (T,).
    log_weights
        After every period, (T, N), not normalised.
    predictive
        One-step log predictive densities, (T, K): each observable given all earlier periods and the
        observables of its period before it; NaN where it was not seen.
    rejuvenations
        In order.
    """

    observables: tuple[str, ...]
    coordinates: Coordinates
    seed: int
    epochs: tuple[Floats, ...]
    epoch: NDArray[np.int64]
    log_weights: Floats
    predictive: Floats
    rejuvenations: tuple[Rejuvenation, ...]

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        raise NotImplementedError

    @property
    def evidence(self) -> Floats:
        """Log predictive density of every period, (T,)."""
        raise NotImplementedError

    @property
    def log_evidence(self) -> Floats:
        """Log evidence after every period, (T,)."""
        raise NotImplementedError

    def scores(self, period: int = -1) -> Floats:
        """Return the particles after a period, normal scores (N, d)."""
        raise NotImplementedError

    def weights(self, period: int = -1) -> Floats:
        """Return their normalised weights (N,)."""
        raise NotImplementedError

    def at(self, period: int, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return equally weighted draws of the parameters after a period, each (draws, *shape)."""
        raise NotImplementedError

    def params(self, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return draws of the posterior after the last period, each (draws, *shape)."""
        raise NotImplementedError

    def prior(self, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return draws of the prior, each (draws, *shape)."""
        raise NotImplementedError

    def until(self, n_time: int) -> PlainTrack:
        """Return the first `n_time` periods of this track."""
        raise NotImplementedError


def track_plain(
    likelihood: Likelihood,
    coordinates: Coordinates,
    observables: Sequence[str],
    n_time: int,
    *,
    particles: int,
    seed: int,
    stream: int = 0,
    progress: Callable[[str], None] | None = None,
) -> PlainTrack:
    """Follow the posterior of parameters through every period.

    Parameters
    ----------
    likelihood
        Called with parameters (each (N, *shape)) and a number of periods n; returns the log
        likelihoods (N, n, K) of these periods. Called in threads, with chunks of particles.
    coordinates
        Of the parameters.
    observables
        Names of the K columns.
    n_time
        Number of periods.
    particles
        Number of particles, at least 100.
    seed
        Seed of everything random here.
    stream
        Number of this block among those of one seed: their particles must be independent.
    progress
        Called with a few words as particles are moved.

    Raises
    ------
    StudyError
        Too few particles.
    """
    raise NotImplementedError
