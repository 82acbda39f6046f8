"""Weighted particles: effective size, resampling, the Gaussian that fits them, work in chunks.

Sums run in a fixed order, by `einsum` or in compiled loops: OpenBLAS's products and factors differ
in their last bits between one thread and two. Chunks have one fixed size for the same reason:
neither the number of threads nor that of processors can change a bit.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 1000  # particles of a chunk, whose arrays fit into a processor's cache
WIDER = 1.1
"""Variance of proposals against that of the particles. Particles lose some of their spread by every
resampling; proposals from their own spread would not give it back."""
SURE, KEPT = 3.0, 0.25
"""Standard errors above which a correlation of particles is believed, and the share believed of
others, which are mostly noise with so many parameters."""

# glibc keeps freed memory up to the size of the largest array that was freed: without this each
# array's pages are faulted in anew. It is not touched, so it takes no memory.
np.empty(31 << 20, dtype=np.uint8)


def mapped[T](work: Callable[[slice], T], n: int) -> list[T]:
    """Return what `work` makes of each chunk of n particles, in order, in numba's threads."""
    slices = [slice(low, min(low + CHUNK, n)) for low in range(0, n, CHUNK)]
    threads = min(numba.config.NUMBA_NUM_THREADS, len(slices))
    if threads <= 1:
        return [work(chunk) for chunk in slices]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, slices))


def joined[R](parts: Sequence[R]) -> R:
    """Return records of arrays that lead with particles as one, in order."""
    records = (part if isinstance(part, tuple) else vars(part).values() for part in parts)
    columns = zip(*records, strict=True)
    return type(parts[0])(*(np.concatenate(column) for column in columns))


def rounded(scores: Floats) -> Floats:
    """Return scores as single precision holds them, which is how a track keeps its particles."""
    return scores.astype(np.float32).astype(np.float64)


def log_mean(log_weights: Floats, log_values: Floats) -> float:
    """Return the log of the weighted mean of exp(values); weights need not be normalised."""
    both = log_weights + log_values
    return _log_sum(both) - _log_sum(log_weights)


def _log_sum(x: Floats) -> float:
    top = float(np.max(x))
    return top + float(np.log(np.sum(np.exp(x - top)))) if np.isfinite(top) else top


def normalised(log_weights: Floats) -> Floats:
    """Return weights that sum to 1."""
    weights = np.exp(log_weights - np.max(log_weights))
    return weights / weights.sum()


def effective_size(log_weights: Floats) -> float:
    """Return Kish's effective number of particles."""
    weights = normalised(log_weights)
    return float(1.0 / np.sum(weights * weights))


def distinct(scores: NDArray[Any]) -> int:
    """Return the number of different particles (N, d)."""
    return len(np.unique(scores[:, 0]))


def drift(before: Floats, after: Floats) -> float:
    """Return how far the means of coordinates (N, d) went, in standard errors of a mean that stays.

    Moves leave the means of particles that stand in their target where they were, up to noise;
    particles that have yet to reach a part of it go there on the average. Noise is estimated from
    the differences between families of particles that were the same before (Liang and Zeger 1986).
    The larger of two is returned: the largest shift of a mean over its standard error, and the
    excess of all squared ones over their number, over the deviation of a chi-squared.
    """
    d = before.shape[1]
    gap = after - before
    total = gap.sum(axis=0)
    _, family = np.unique(before[:, 0], return_inverse=True)
    order = np.argsort(family, kind="stable")
    first = np.flatnonzero(np.diff(family[order], prepend=-1))
    apart = np.add.reduceat((gap - gap.mean(axis=0))[order], first, axis=0)
    noise = np.square(apart).sum(axis=0)
    static = noise == 0.0
    squared = np.where(static, 0.0, np.square(total) / np.where(static, 1.0, noise))
    return float(max(np.sqrt(squared.max()), (squared.mean() - 1.0) * np.sqrt(0.5 * d)))


def temper(log_weights: Floats, log_values: Floats, rest: float, wanted: float) -> float:
    """Return the largest power, at most `rest`, that leaves `wanted` effective particles."""
    if effective_size(log_weights + rest * log_values) >= wanted:
        return rest
    low, high = 0.0, rest
    for _ in range(30):
        middle = 0.5 * (low + high)
        if effective_size(log_weights + middle * log_values) >= wanted:
            low = middle
        else:
            high = middle
    return low if low > 0.0 else high


def resample(log_weights: Floats, uniform: float, size: int | None = None) -> Ints:
    """Return indices of a systematic resample (Kitagawa 1996) by one uniform number in [0, 1)."""
    n = len(log_weights) if size is None else size
    edges = np.cumsum(normalised(log_weights))
    places = (np.arange(n) + uniform) / n * edges[-1]
    return np.minimum(np.searchsorted(edges, places, side="right"), len(log_weights) - 1)


@numba.njit(cache=True, error_model="numpy")
def _cholesky(a: Floats) -> Floats:
    d = a.shape[0]
    out = np.zeros((d, d))
    for j in range(d):
        for i in range(j, d):
            total = a[i, j]
            for k in range(j):
                total -= out[i, k] * out[j, k]
            out[i, j] = np.sqrt(total) if i == j else total / out[j, j]
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def whiten(root: Floats, centred: Floats) -> Floats:
    """Return the solution of root z = row for each row of `centred` (N, d)."""
    n, d = centred.shape
    out = np.empty((n, d))
    for i in range(n):
        for j in range(d):
            total = centred[i, j]
            for k in range(j):
                total -= root[j, k] * out[i, k]
            out[i, j] = total / root[j, j]
    return out


def fitted_gaussian(scores: Floats, log_weights: Floats) -> tuple[Floats, Floats]:
    """Return mean (d,) and root of the covariance (d, d) of weighted coordinates."""
    weights = normalised(log_weights)
    mean = np.einsum("n,nd->d", weights, scores)
    centred = scores - mean
    cov = np.einsum("nj,nk->jk", weights[:, None] * centred, centred)
    error = np.sqrt(np.sum(weights * weights))
    spread = np.sqrt(np.diag(cov))
    correlation = cov / np.outer(spread, spread)
    correlation = np.where(np.abs(correlation) > SURE * error, correlation, KEPT * correlation)
    for share in np.arange(1.0, 0.0, -0.05):  # towards independence until it is a covariance
        here = share * correlation
        np.fill_diagonal(here, 1.0)
        root = _cholesky(here)
        if np.isfinite(root).all():
            return mean, root * spread[:, None]
    return mean, np.diag(spread)
