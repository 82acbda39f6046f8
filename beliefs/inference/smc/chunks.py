"""Work on particles in chunks of one fixed size, as many at once as numba may have threads.

Particles do not touch one another. The size is fixed because linear algebra of another shape may
round differently: so neither the number of threads nor that of processors can change a bit. A
chunk's arrays also fit into a processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

__all__ = ["CHUNK", "joined", "mapped"]

CHUNK = 1000
"""Particles of a chunk."""
_FREED = 31 << 20
"""Bytes of the largest array that glibc, once it was freed, keeps memory like it for new ones."""


def _keep_memory() -> None:
    """Let the C library keep freed memory: else each array's pages are faulted in anew."""
    np.empty(_FREED, dtype=np.uint8)  # not touched, so it takes no memory


_keep_memory()


def mapped[T](work: Callable[[slice], T], n: int) -> list[T]:
    """Return what `work` makes of each chunk of n particles, in order.

    Parameters
    ----------
    work
        Called with the slice of a chunk, in threads; it must not touch anything but its chunk.
    n
        Number of particles.
    """
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
