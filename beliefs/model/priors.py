"""Priors: declared as a family and its numbers, and checked where a user wrote them.

PreliZ takes seconds to import, and most of what reads a theory needs names and shapes alone.
``priors.Normal(0.0, 1.0)`` is the declaration; any attribute (``ppf``, ``rvs``, ``support``,
``to_pymc``, ...) is that of ``preliz.Normal(0.0, 1.0)``.
"""

import inspect
import math
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.model.contract import Parameter

_BOUNDS = ("lower", "upper")  # the only numbers of a distribution that may be infinite
_NOT_IN_PYMC = ("BetaPrime", "BetaScaled", "Frechet", "LogLogistic")
REACH = 5.5
"""Normal scores up to which draws of a prior are taken; 1 in 25 million lies beyond."""


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


@dataclass(init=False, repr=False, unsafe_hash=True)
class Prior:
    """A declared prior: a continuous PreliZ family and its numbers."""

    identity: tuple[str, tuple[float, ...], tuple[tuple[str, float], ...]]

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


def check_names(kind: str, names: Iterable[str], where: str, known: Collection[str]) -> None:
    """Refuse a name that is none of the known ones."""
    for name in names:
        if name not in known:
            raise StudyError(
                f"unknown {kind}", where=where, found=name,
                expected="one of " + ", ".join(sorted(known) if isinstance(known, dict) else known),
                fix=f"correct the {kind}'s name",
            )  # fmt: skip


def check_priors(
    priors: Mapping[str, Mapping[str, Any]], known: dict[str, tuple[str, Parameter]], where: str
) -> None:
    """Refuse prior overrides that no model can be built with, by a `StudyError`.

    `priors` are those of the file `where`; `known` has every declared parameter, name ->
    (mechanism, parameter).
    """
    for name, spec in priors.items():
        at = f"{where}: priors.{name}"
        check_names("parameter", [name], at, known)
        _check(name, spec, known[name][1].prior, at)


def _check(name: str, spec: Mapping[str, Any], declared: Any, at: str) -> None:
    found = repr(spec)
    if name == "innovation":
        what = "the prior of `innovation` cannot be replaced"
        expected = "no such table: that innovations are standard normal is part of the model"
        fix = "remove it; the size of unexplained moves is log_volatility"
    elif "dist" not in spec:
        what = "a prior needs a distribution"
        expected = 'a table such as dist = "Normal", mu = 0.0, sigma = 0.5'
        fix = f'write [priors.{name}] with dist = "..."'
    else:
        (low, high), (least, most) = _built(spec, at).support, declared.support
        found = f"{_text(spec)}, which reaches from {low:g} to {high:g}"
        if low < least or high > most:
            what = f"the prior allows values that `{name}` cannot take"
            expected = f"values from {least:g} to {most:g}, as with {declared}"
            fix = "choose a distribution within these bounds, such as one with lower and upper"
        elif name == "belief_mean" and (low, high) != (-math.inf, math.inf):
            # It is sampled in coordinates that reach every real number.
            what = "the prior of `belief_mean` must allow every real number"
            expected = "a distribution on the whole line, such as Normal, StudentT or Logistic"
            fix = "choose one of these"
        else:
            return
    raise StudyError(what, where=at, found=found, expected=expected, fix=fix)


def _built(spec: Mapping[str, Any], at: str) -> Any:
    """Return the distribution, each of its numbers checked."""
    known = {n: c for n, c in _families().items() if n not in _NOT_IN_PYMC}
    family, given = spec["dist"], {key: value for key, value in spec.items() if key != "dist"}
    if not isinstance(family, str) or family not in known:
        raise StudyError(
            "unknown distribution", where=f"{at}.dist", found=repr(family),
            expected="a continuous PreliZ distribution that PyMC has: " + ", ".join(sorted(known)),
            fix="correct its name; capitals count",
        )  # fmt: skip
    for key, value in given.items():
        most = math.inf if key in _BOUNDS and type(value) is float else sys.float_info.max
        if type(value) not in (int, float) or not abs(value) <= most:  # NaN is of no size
            raise StudyError(
                "a parameter of a prior is not a number", where=f"{at}.{key}",
                found=repr(value)[:80], expected="a finite number (lower and upper may be inf)",
                fix="write a number, without quotation marks",
            )  # fmt: skip
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
    tails = (0.5 * math.erfc(-z / math.sqrt(2.0)) for z in (-REACH, REACH))
    levels = (0.05, 0.5, 0.95, *tails)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            values = np.array([float(built.ppf(q)) for q in levels])
        except (TypeError, ValueError, ArithmeticError):
            values = np.full(len(levels), np.nan)
    low, high = built.support
    values, ends = values[:3], values[3:]
    good = np.isfinite(values).all() and (np.diff(values) > 0).all()
    if not (good and low <= values[0] and values[2] <= high):
        what, points = "the prior is no distribution", ", ".join(f"{v:.4g}" for v in values)
        found = f"{_text(spec)} with 5, 50 and 95 % points {points}"
        expected = "finite points in rising order, between lower and upper where there are such"
        fix = "correct its parameters: bounds in order, scales that numbers can hold"
    elif not (np.isfinite(ends).all() and low < ends[0] and ends[1] < high):
        what = "draws of the prior lie too close to its bounds, or too far out"
        found = f"{_text(spec)}, from {ends[0]:g} to {ends[1]:g} where 1 draw in 25 million ends"
        expected = f"points strictly between {low:g} and {high:g}"
        fix = "choose a prior with less weight at its bounds"
    else:
        return
    raise StudyError(what, where=at, found=found, expected=expected, fix=fix)


def _text(spec: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{k} = {v}" for k, v in spec.items() if k != "dist")
    return f"{spec['dist']}({inner})"
