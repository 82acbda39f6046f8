"""`PlainTrack`: the posterior of a block of conduct after every period, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.smc.particles import effective_size, normalised, resample
from beliefs.inference.smc.track_result import Rejuvenation
from beliefs.inference.smc.unconstrained import Coordinates

__all__ = ["PlainTrack"]

Floats = NDArray[np.float64]


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
    quality
        What each proposal had achieved, (kernels,) for each of `epochs`.
    """

    observables: tuple[str, ...]
    coordinates: Coordinates
    seed: int
    epochs: tuple[Floats, ...]
    epoch: NDArray[np.int64]
    log_weights: Floats
    predictive: Floats
    rejuvenations: tuple[Rejuvenation, ...]
    quality: tuple[Floats, ...]

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        return len(self.epoch)

    @property
    def evidence(self) -> Floats:
        """Log predictive density of every period, (T,)."""
        total: Floats = np.nansum(self.predictive, axis=1)
        return total

    @property
    def log_evidence(self) -> Floats:
        """Log evidence after every period, (T,)."""
        return np.cumsum(self.evidence)

    @property
    def ess(self) -> Floats:
        """Effective particles after every period, (T,)."""
        return np.asarray([effective_size(row) for row in self.log_weights])

    def scores(self, period: int = -1) -> Floats:
        """Return the particles after a period, normal scores (N, d)."""
        return self.epochs[self.epoch[period]]

    def weights(self, period: int = -1) -> Floats:
        """Return their normalised weights (N,)."""
        return normalised(self.log_weights[period])

    def at(self, period: int, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return equally weighted draws of the parameters after a period.

        Parameters
        ----------
        period
            Number of the period.
        draws
            How many.
        rng
            Source of randomness.

        Returns
        -------
        dict
            Name -> (draws, *shape), in random order: draws of two blocks may be paired.
        """
        index = rng.permutation(resample(self.log_weights[period], rng.random(), draws))
        return self.coordinates.params(self.scores(period)[index])

    def params(self, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return draws of the posterior after the last period, each (draws, *shape)."""
        return self.at(-1, draws, rng)

    def prior(self, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """Return draws of the prior, each (draws, *shape)."""
        return self.coordinates.params(rng.standard_normal((draws, self.coordinates.size)))

    def until(self, n_time: int) -> PlainTrack:
        """Return the first `n_time` periods of this track."""
        epoch = self.epoch[:n_time]
        epochs = int(epoch.max(initial=0)) + 1
        return replace(
            self,
            epochs=self.epochs[:epochs],
            quality=self.quality[:epochs],
            epoch=epoch,
            log_weights=self.log_weights[:n_time],
            predictive=self.predictive[:n_time],
            rejuvenations=tuple(r for r in self.rejuvenations if r.period < n_time),
        )
