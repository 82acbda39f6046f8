"""Priors: declared as a family and its numbers, and checked where a user wrote them.

PreliZ takes seconds to import, and most of what reads a theory needs names and shapes alone.
``priors.Normal(0.0, 1.0)`` is the declaration; any attribute (``ppf``, ``rvs``, ``support``,
``to_pymc``, ...) is that of ``preliz.Normal(0.0, 1.0)``.
"""

from __future__ import annotations

import inspect
import math
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.model.contract import Parameter

_BOUNDS = ("lower", "upper")  # the only numbers of a distribution that may be infinite
_NOT_IN_PYMC = ("BetaPrime", "BetaScaled", "Frechet", "LogLogistic")
REACH = 5.5
"""Normal scores up to which draws of a prior are taken; 1 in 25 million lies beyond."""
_EXAMPLE = 'a table such as dist = "Normal", mu = 0.0, sigma = 0.5'


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
# gives two results. PreliZ compiles its densities through PyTensor too, once in a process.
no_fastmath = _switched_off()


class Prior:
    """A declared prior: a continuous PreliZ family and its numbers."""

    def __init__(self, family: str, *args: float, **kwargs: float) -> None:
        self.identity = (family, args, tuple(sorted(kwargs.items())))

    @cached_property
    def built(self) -> Any:
        """The PreliZ distribution; a ValueError where PreliZ has no such continuous one."""
        family, args, kwargs = self.identity
        if family not in (known := _families()):
            raise ValueError(f"PreliZ has no continuous distribution {family!r}")
        return known[family](*args, **dict(kwargs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("identity", "built"):
            raise AttributeError(name)
        found = getattr(self.built, name)
        return no_fastmath(found) if callable(found) else found

    def __repr__(self) -> str:
        return repr(self.built)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prior) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def __getattr__(name: str) -> Callable[..., Prior]:
    if not name[:1].isupper():
        raise AttributeError(f"module 'beliefs.model.priors' has no attribute {name!r}")
    return partial(Prior, name)


def _families() -> dict[str, Any]:
    """Return the continuous distributions of PreliZ by name."""
    import preliz as pz  # takes seconds

    base = pz.distributions.distributions.Continuous
    return {n: c for n, c in vars(pz).items() if isinstance(c, type) and issubclass(c, base)}


def distribution(spec: Mapping[str, Any]) -> Prior:
    """Return the prior of an override ``{"dist": PreliZ name, **its parameters}``, checked."""
    return Prior(spec["dist"], **{k: v for k, v in spec.items() if k != "dist"})


def unknown(kind: str, found: str, where: str, known: Iterable[str]) -> StudyError:
    """Return the complaint about a name that is none of the known ones."""
    return StudyError(
        f"unknown {kind}",
        where=where,
        found=found,
        expected="one of " + ", ".join(known),
        fix=f"correct the {kind}'s name",
    )


def check_priors(
    priors: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, tuple[str, Parameter]],
    where: str,
    *,
    widen: bool = False,
) -> None:
    """Refuse prior overrides that no model can be built with, by a `StudyError`.

    `priors` are those of the file `where`; `known` has every declared parameter, name ->
    (mechanism, parameter). With `widen` a prior may reach beyond the declared one, as one that must
    not presume a sign.
    """
    for name, spec in priors.items():
        if name not in known:
            raise unknown("parameter", name, f"{where}: priors.{name}", sorted(known))
        _check(name, spec, known[name][1], f"{where}: priors.{name}", widen)


def _check(name: str, spec: Mapping[str, Any], parameter: Parameter, at: str, widen: bool) -> None:
    if name == "innovation":
        raise StudyError(
            "the prior of `innovation` cannot be replaced",
            where=at,
            found=repr(spec),
            expected="no such table: that innovations are standard normal is part of the model",
            fix="remove it; the size of unexplained moves is log_volatility",
        )
    if "dist" not in spec:
        raise StudyError(
            "a prior needs a distribution",
            where=at,
            found=repr(spec),
            expected=_EXAMPLE,
            fix=f'write [priors.{name}] with dist = "..."',
        )
    low, high = _support(_built(spec, at))
    found = f"{_text(spec)}, which reaches from {low:g} to {high:g}"
    known_low, known_high = _support(parameter.prior)
    if not widen and (low < known_low or high > known_high):
        raise StudyError(
            f"the prior allows values that `{name}` cannot take",
            where=at,
            found=found,
            expected=f"values from {known_low:g} to {known_high:g}, as with {parameter.prior}",
            fix="choose a distribution within these bounds, such as one with lower and upper",
        )
    if name == "belief_mean" and (low, high) != (-math.inf, math.inf):
        # It is sampled in coordinates that reach every real number.
        raise StudyError(
            "the prior of `belief_mean` must allow every real number",
            where=at,
            found=found,
            expected="a distribution on the whole line, such as Normal, StudentT or Logistic",
            fix="choose one of these",
        )


def _built(spec: Mapping[str, Any], at: str) -> Any:
    """Return the distribution, each of its numbers checked."""
    known = {n: c for n, c in _families().items() if n not in _NOT_IN_PYMC}
    family, given = spec["dist"], {key: value for key, value in spec.items() if key != "dist"}
    if not isinstance(family, str) or family not in known:
        raise StudyError(
            "unknown distribution",
            where=f"{at}.dist",
            found=repr(family),
            expected="a continuous PreliZ distribution that PyMC has: " + ", ".join(sorted(known)),
            fix="correct its name; capitals count",
        )
    for key, value in given.items():
        most = math.inf if key in _BOUNDS else sys.float_info.max
        if type(value) not in (int, float) or not abs(value) <= most:
            raise StudyError(
                "a parameter of a prior is not a number",
                where=f"{at}.{key}",
                found=repr(value)[:80],
                expected="a finite number (lower and upper may be inf)",
                fix="write a number, without quotation marks",
            )
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # ranges are checked below
            warnings.simplefilter("ignore")
            built = known[family](**given)
        wanted = tuple(built.param_names) if built.is_frozen else ()
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        # PreliZ names neither what is missing nor what is too much.
        built, wanted = None, ()
    if not wanted or set(wanted) != set(given):
        names = inspect.signature(known[family]).parameters
        raise StudyError(
            "the prior does not have exactly the parameters of its distribution",
            where=at,
            found=_text(spec),
            expected=f"{family} with "
            + (", ".join(wanted) if wanted else f"one full set by name, out of {', '.join(names)}"),
            fix="give each parameter once, by its PreliZ name",
        )
    for key, (least, most) in zip(built.param_names, built.params_support, strict=True):
        if not least <= given[key] <= most:
            positive = least > 0 and math.isinf(most)
            raise StudyError(
                "a parameter of a prior is out of its range",
                where=f"{at}.{key}",
                found=str(given[key]),
                expected="a number above 0" if positive else f"from {least:.3g} to {most:.3g}",
                fix=f"correct {key}",
            )
    _check_quantiles(built, spec, at)
    return built


def _check_quantiles(built: Any, spec: Mapping[str, Any], at: str) -> None:
    tail = 0.5 * math.erfc(REACH / math.sqrt(2.0))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            values = np.array([float(built.ppf(q)) for q in (tail, 0.05, 0.5, 0.95, 1.0 - tail)])
        except (TypeError, ValueError, ArithmeticError):
            values = np.full(5, np.nan)
    low, high = _support(built)
    inside = np.isfinite(values) & (low < values) & (values < high)
    if not (inside.all() and (np.diff(values) > 0).all()):
        raise StudyError(
            "the prior is no distribution, or its draws lie too close to its bounds or too far out",
            where=at,
            found=f"{_text(spec)} with points " + ", ".join(f"{v:.4g}" for v in values),
            expected=f"finite points in rising order, strictly between {low:g} and {high:g}, lower "
            "and upper, where 1 draw in 25 million ends and at 5, 50 and 95 %",
            fix="correct its parameters: bounds in order, scales that numbers can hold, less "
            "weight at its bounds",
        )


def _support(built: Any) -> tuple[float, float]:
    low, high = built.support
    return float(low), float(high)


def _text(spec: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{k} = {v}" for k, v in spec.items() if k != "dist")
    return f"{spec['dist']}({inner})"
