"""Priors as they are declared: a family and its numbers. PreliZ is asked only when one is used.

PreliZ takes seconds to import, and most of what reads a theory needs names and shapes alone.
``distributions.Normal(0.0, 1.0)`` is the declaration; any attribute (``ppf``, ``rvs``, ``support``,
``to_pymc``, ...) is that of ``preliz.Normal(0.0, 1.0)``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

__all__ = ["Prior"]


class Prior:
    """A declared prior, equal to another of the same family and numbers.

    Parameters
    ----------
    family
        Name of a continuous PreliZ distribution.
    args, kwargs
        Its parameters.
    """

    def __init__(self, family: str, *args: float, **kwargs: float) -> None:
        self.identity = (family, args, tuple(sorted(kwargs.items())))

    @cached_property
    def built(self) -> Any:
        """The PreliZ distribution.

        Raises
        ------
        ValueError
            PreliZ has no such continuous distribution.
        """
        import preliz as pz

        family, args, kwargs = self.identity
        kind = getattr(pz, family, None)
        if not (
            isinstance(kind, type) and issubclass(kind, pz.distributions.distributions.Continuous)
        ):
            raise ValueError(f"PreliZ has no continuous distribution {family!r}")
        return kind(*args, **dict(kwargs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("identity", "built"):
            raise AttributeError(name)
        return getattr(self.built, name)

    def __str__(self) -> str:
        return str(self.built)

    def __repr__(self) -> str:
        return repr(self.built)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prior) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def __getattr__(name: str) -> Callable[..., Prior]:
    if not name[:1].isupper():
        raise AttributeError(f"module 'beliefs.model.distributions' has no attribute {name!r}")
    return partial(Prior, name)
