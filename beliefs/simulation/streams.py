"""Random numbers of futures with actions: one stream a part, used by position.

Every part of the system has a generator of its own, and takes the same amount from it in every
period, whatever happens. An intervention that changes one part leaves the numbers of all others
where they are, so that futures with and without it are paired.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

CELLS = 1_000_000  # numbers drawn at once where most are dropped
PARTS = (
    "bootstrap", "innovation", "talks", "jump", "strikes", "severity", "crossing", "excluded",
    "breach", "collapse", "resolve", "kind", "deal", "form", "walkout", "sanction", "concession",
    "reply", "periphery", "ladder", "spoiler", "reversal", "command", "touch", "zones", "share",
    "culprit",
)  # fmt: skip
"""Names of the parts; the place of a name is its number in the seed. Append, never reorder."""


class Streams:
    """Generators by part, for futures of a number of samples under one seed."""

    def __init__(self, seed: int, samples: int) -> None:
        self.samples, self._seed = samples, seed
        self._of: dict[str, np.random.Generator] = {}

    def _new(self, part: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, PARTS.index(part)])

    def of(self, part: str) -> np.random.Generator:
        """Return the generator of a part."""
        if part not in self._of:
            self._of[part] = self._new(part)
        return self._of[part]

    def uniform(self, part: str, *more: int) -> Floats:
        """Return uniform numbers of one period, (sample, *more)."""
        return self.of(part).random((self.samples, *more))

    def normal(self, part: str, *more: int) -> Floats:
        """Return standard normal numbers of one period, (sample, *more)."""
        return self.of(part).standard_normal((self.samples, *more))

    def stretch(self, part: str, periods: slice, horizon: int, *more: int) -> Floats:
        """Return numbers of some periods, (sample, *more, period), drawn future by future.

        Numbers of the other periods are drawn too and dropped, so that a long horizon need not be
        held at once. Standard normal ones of the part ``innovation``, uniform ones of others.
        """
        rng = self._new(part)
        draw = rng.standard_normal if part == "innovation" else rng.random
        out = np.empty((self.samples, *more, periods.stop - periods.start))
        size = max(CELLS // horizon, 1)
        for low in range(0, self.samples, size):
            rows = out[low : low + size]
            rows[:] = draw((len(rows), *more, horizon))[..., periods]
        return out
