"""The linear-Gaussian case of the model, for filters that can do nothing else.

Misreading and projection are off, talks are unseen and readings are Gaussian. What other filters
are given (matrices by period) is made from the package's own terms.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from beliefs.inference.filter import filter_kernel, filter_reading
from beliefs.inference.filter.filter import (
    WIDTH,
    Model,
    Static,
    Varying,
    initial_state,
    part_columns,
    run,
    terms_of,
)

Floats = NDArray[np.float64]
CHUNK = 250


@numba.njit(error_model="numpy")
def _shape(z: float) -> float:
    return -0.5 * z**2 - 0.5 * np.log(2.0 * np.pi)


@numba.njit(error_model="numpy")
def _precision(miss: float, scale: float) -> float:
    return 1.0 / scale**2


gaussian = filter_kernel.batch_filter(_shape, _precision)
"""The package's filter with the density of readings replaced by a Gaussian."""


def _part(what: Any, chunk: slice) -> Any:
    return type(what)(*(np.ascontiguousarray(v[chunk]) for v in what))


@dataclass(frozen=True)
class Case:
    """N particles of parameters, T periods, at most m readings a period.

    Attributes
    ----------
    model, still, terms
        As the package's filter takes them; `terms` by block.
    kept, drift
        (N, T, 2).
    noise, start
        (N, 2): variance of a move, belief before the first period.
    seen
        (T, m) whether the slot holds a reading.
    side, value
        (T, m).
    bias, spread
        (N, T, m) of each reading; 0 and 1 in empty slots.
    """

    model: Model
    static: Static
    terms: list[Varying]
    kept: Floats
    drift: Floats
    noise: Floats
    start: Floats
    seen: NDArray[np.bool_]
    side: NDArray[np.int64]
    value: Floats
    bias: Floats
    spread: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Particles and periods."""
        return self.kept.shape[0], self.kept.shape[1]

    def ours(self, chunk: slice, compiled: Any = gaussian) -> Floats:
        """Log likelihoods of some particles by the package's filter."""
        n_time = self.shape[1]
        static = _part(self.static, chunk)
        belief = initial_state(static)
        for block, whole in enumerate(self.terms):
            low, terms = block * WIDTH, _part(whole, chunk)
            last = min(n_time, low + WIDTH)
            belief, _ = run(
                belief, static, terms, self.model.measurements, low, last, compiled=compiled
            )
        return belief.total[:, 0] + belief.newest.sum(axis=1)

    def ours_in_threads(self, compiled: Any = gaussian) -> Floats:
        """Log likelihoods (N,), chunks of particles in as many threads as numba may have."""
        n = self.shape[0]
        chunks = [slice(k, min(n, k + CHUNK)) for k in range(0, n, CHUNK)]
        with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
            return np.concatenate(list(pool.map(lambda c: self.ours(c, compiled), chunks)))


def linear_case(model: Model, n: int, seed: int) -> Case:
    """Lay the linear-Gaussian case out for `n` particles.

    Particles lie around one draw from the prior, from which what was read is drawn anew: particle
    filters say little where the readings are unlikely.
    """
    rng = np.random.default_rng(seed)
    d = model.coordinates.size
    scores = rng.standard_normal(d) + np.where(np.arange(n)[:, None] > 0, 0.1, 0.0) * (
        rng.standard_normal((n, d))
    )
    params = dict(model.params(scores))
    params["misread"] = np.zeros((n, 2))
    params["projection"] = np.zeros((n, 2))
    params["projection_level"] = np.full((n, 2), 3.0)  # far above the rounded corner
    static, n_time = model.static(params, n), model.structure.n_time
    terms, audience = [], np.zeros((n, 2))
    for low in range(0, n_time, WIDTH):
        columns = part_columns(model.columns, low, min(n_time, low + WIDTH))
        terms.append(terms_of(params, columns, model.structure, n, audience))
        audience = terms[-1].audience[..., -1]

    def by_time(name: str) -> Floats:
        whole = np.concatenate([getattr(t, name) for t in terms], axis=-1)[..., :n_time]
        return np.ascontiguousarray(np.moveaxis(whole, -1, 1))

    measurements, kept, drift = model.measurements, by_time("kept"), by_time("drift")
    bias = np.where(
        measurements.kinds == filter_reading.PRIVATE, static.private[:, measurements.sides], 0.0
    )
    bias = np.where(
        measurements.kinds == filter_reading.PUBLIC, static.level[:, measurements.sides], bias
    )
    spread = static.scale[:, measurements.channels]
    counts = np.diff(measurements.starts)
    when = np.repeat(np.arange(len(counts)), counts)
    belief, path = static.start[0], np.empty((n_time, 2))
    for t in range(n_time):
        noise = np.sqrt(static.noise[0]) * rng.standard_normal(2)
        belief = path[t] = kept[0, t] * belief + drift[0, t] + noise
    read = path[when, measurements.sides] + bias[0] + spread[0] * rng.standard_normal(len(when))
    measurements = measurements._replace(values=read, seen=np.zeros_like(measurements.seen))

    seen = np.arange(counts.max()) < counts[:, None]
    place = np.where(seen, measurements.starts[:-1, None] + np.arange(counts.max()), 0)
    return Case(
        model=replace(model, measurements=measurements),
        static=static,
        terms=terms,
        kept=kept,
        drift=drift,
        noise=static.noise,
        start=static.start,
        seen=seen,
        side=measurements.sides[place],
        value=np.where(seen, read[place], 0.0),
        bias=np.where(seen, bias[:, place], 0.0),
        spread=np.where(seen, spread[:, place], 1.0),
    )
