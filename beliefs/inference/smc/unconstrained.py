"""Coordinates in which every free parameter has a standard normal prior.

A parameter is the prior's quantile of the normal's distribution function at its coordinate (its
normal score). No density has to be corrected for the change, and a posterior that the data hardly
move is already the standard normal that proposals start from. The logarithm and the log-odds,
the usual choices, leave a half-normal or a beta prior skewed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numba
import numpy as np
from scipy.special import ndtr, ndtri

from beliefs.inference.smc.particles import Floats
from beliefs.model.contract import Parameter
from beliefs.model.priors import REACH, Prior, no_fastmath
from beliefs.model.structure import Structure

NODES = 705
FURTHEST = 20.0  # normal score of a draw on the very bound of its prior


@dataclass(frozen=True)
class Part:
    """One parameter: support of its prior, spline of its quantiles on a scale without bounds."""

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    cubic: Floats  # coefficients between equally spaced scores, (NODES - 1, 4)

    @cached_property
    def size(self) -> int:
        """Number of its scores."""
        return int(np.prod(self.shape, dtype=int))


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Every free parameter but the innovations, laid out in one row of normal scores."""

    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Number of scores."""
        return sum(part.size for part in self.parts)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Name and index of each score."""
        each = ((part.name, index) for part in self.parts for index in np.ndindex(part.shape))
        return tuple(f"{name}{list(index) if index else ''}" for name, index in each)

    def params(self, scores: Floats, without: Collection[str] = ()) -> dict[str, Floats]:
        """Return parameters, all but those `without`, at normal scores (N, size): (N, *shape)."""
        out, at = {}, 0
        for part in self.parts:
            if part.name not in without:
                block = np.ascontiguousarray(scores[:, at : at + part.size])
                values = _quantiles(block, part.cubic, part.low, part.high)
                out[part.name] = values.reshape(len(scores), *part.shape)
            at += part.size
        return out

    def scores(self, params: Mapping[str, Any], priors: Mapping[str, Any]) -> Floats:
        """Return normal scores (N, size) of parameters that lead with N draws; inverts `params`."""
        columns = []
        for part in self.parts:
            values = np.asarray(params[part.name], dtype=float)
            flat = values.ravel()
            p = np.asarray(priors[part.name].cdf(flat))
            inner = ndtri(np.clip(p, ndtr(-REACH), ndtr(REACH)))
            # Past the table quantiles are straight, and so are scores.
            with np.errstate(divide="ignore"):  # a draw may lie on the very bound of its prior
                unbounded = _unbounded(flat, part.low, part.high)
            for cell, x, side in ((0, 0.0, -1.0), (-1, 2.0 * REACH / (NODES - 1), 1.0)):
                c = part.cubic[cell]
                end = ((c[0] * x + c[1]) * x + c[2]) * x + c[3]
                slope = (3.0 * c[0] * x + 2.0 * c[1]) * x + c[2]
                past = side * (unbounded - end) / slope
                inner = np.where(past > 0.0, side * np.minimum(REACH + past, FURTHEST), inner)
            columns.append(inner.reshape(len(values), -1))
        return np.concatenate(columns, axis=1)


def _unbounded(x: Floats, low: float, high: float) -> Floats:
    """Map the support onto a scale without bounds."""
    if np.isfinite(low) and np.isfinite(high):
        return np.log(x - low) - np.log(high - x)
    if np.isfinite(low):
        return np.log(x - low)
    if np.isfinite(high):
        return -np.log(high - x)
    return x


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _quantiles(scores: Floats, cubic: Floats, low: float, high: float) -> Floats:
    """Return quantiles at normal scores; straight on the scale without bounds past the table."""
    n, d = scores.shape
    last = cubic.shape[0] - 1
    width = 2.0 * REACH / (last + 1)
    below, above = np.isfinite(low), np.isfinite(high)
    out = np.empty((n, d))
    for i in range(n):
        for j in range(d):
            inside = min(max(scores[i, j], -REACH), REACH)
            cell = min(int((inside + REACH) / width), last)
            x = inside - (cell * width - REACH)
            c = cubic[cell]
            y = ((c[0] * x + c[1]) * x + c[2]) * x + c[3]
            slope = (3.0 * c[0] * x + 2.0 * c[1]) * x + c[2]
            y += slope * (scores[i, j] - inside)
            if below and above:
                y = low + (high - low) * (0.5 * (1.0 + np.tanh(0.5 * y)))
            elif below:
                y = low + np.exp(y)
            elif above:
                y = high - np.exp(-y)
            out[i, j] = y
    return out


def coordinates_of(parameters: Iterable[Parameter], structure: Structure) -> Coordinates:
    """Return the coordinates of parameters by their priors; innovations have none."""
    free = (p for p in parameters if p.name != "innovation")
    return Coordinates(tuple(Part(p.name, structure.size(p.dims), *_table(p.prior)) for p in free))


@lru_cache(maxsize=256)  # PreliZ takes a second to compile them: a track keeps its own
@no_fastmath
def _table(prior: Prior) -> tuple[float, float, Floats]:
    """Return the support of a prior and the spline of its quantiles."""
    from scipy.interpolate import CubicSpline  # slow to load, and an update has its tables

    low, high = (float(v) for v in prior.support)
    grid = np.linspace(-REACH, REACH, NODES)
    quantiles = np.asarray(prior.ppf(ndtr(grid)), dtype=float)
    spline = CubicSpline(grid, _unbounded(quantiles, low, high))
    return low, high, np.ascontiguousarray(spline.c.T)
