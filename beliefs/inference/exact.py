"""Arithmetic that does not depend on how a function came to be compiled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0  # calls that run now, in all threads
_before = True  # the setting when the first of them began


@contextmanager
def _switched_off() -> Iterator[None]:
    """Switch fast-math off until the last call of any thread ends: the setting is everybody's."""
    global _inside, _before
    from pytensor import config  # slow to import

    with _lock:
        if not _inside:
            _before, config.numba__fastmath = config.numba__fastmath, False
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                config.numba__fastmath = _before


# Runs a function with PyTensor's fast-math off. With it, sums are reordered differently when a
# compiled function is inlined (cold) and when it is linked from the cache (warm), so that one seed
# gives two results. PreliZ compiles its densities through PyTensor too, hence the switch around
# everything and not the model alone.
exact = _switched_off()
