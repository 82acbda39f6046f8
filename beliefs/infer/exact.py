"""Arithmetic that does not depend on how a function came to be compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

__all__ = ["exact"]


def exact[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Run a function with PyTensor's fast-math off.

    With it, sums are reordered differently when a compiled function is inlined (cold) and when it
    is linked from the cache (warm), so that one seed gives two results. PreliZ compiles its
    densities through PyTensor too, hence the switch around everything and not the model alone.
    """

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        import pytensor

        with pytensor.config.change_flags(numba__fastmath=False):
            return function(*args, **kwargs)

    return inner
