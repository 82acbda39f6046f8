"""Marginal filter: log predictive densities of what was seen, with both beliefs integrated out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from beliefs.inference.filter import filter_kernel, filter_pair, filter_reading, filter_rows, quick
from beliefs.inference.filter.filter_kernel import batch_filter
from beliefs.inference.filter.filter_reading import heed_student, student
from beliefs.inference.filter.filter_terms import Looks, Still, Terms
from beliefs.model import contract
from beliefs.model.mechanisms import bargaining, domestic, readings, talks
from beliefs.model.numerics import recurrence
from beliefs.model.numerics.recurrence import source_salt

__all__ = ["NODES", "Belief", "hermite", "newborn", "run"]

Floats = NDArray[np.float64]

PATH = 20
"""Numbers kept of each period of a path; see `run`."""

NODES = (6, 10, 4, 48)
"""Nodes for misreading, readings, (on each side) talks, and the fewest for readings sharper
than the belief."""


@dataclass(frozen=True)
class Belief:
    """Filtered beliefs of N particles and what they predicted.

    Attributes
    ----------
    mean, cov
        (N, 2) and (N, 3: first side, both, second side), log-odds.
    total
        (N, 1) log predictive density of all periods but the newest.
    newest
        (N, 2) log predictive density of the newest period: readings, then talks given these.
    audience
        (N, 2) audience cost in the newest period.
    pair
        (N, 6) of each side the second of two Gaussians that its belief is made of: share, mean and
        variance in standard units of the whole; share 0 where one does. See `filter_pair`.
    """

    mean: Floats
    cov: Floats
    total: Floats
    newest: Floats
    audience: Floats
    pair: Floats


@lru_cache(maxsize=32)
def hermite(n: int) -> Floats:
    """Return nodes and weights for the mean under a standard normal, (2, n)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    rule = np.ascontiguousarray(np.stack([nodes, weights / weights.sum()]))
    rule.flags.writeable = False
    return rule


_filter_student = batch_filter(student, heed_student)


def _compiled(salt: int) -> Any:
    # numba's cache looks at this file alone, and at numbers enclosed; a function enclosed would
    # have another name in every process, and never be found again.
    @numba.njit(nogil=True, cache=True)
    def filter_all(
        first: Any,
        last: Any,
        offset: Any,
        mean: Any,
        cov: Any,
        pair: Any,
        total: Any,
        newest: Any,
        still: Any,
        terms: Any,
        looks: Any,
        rules: Any,
        places: Any,
        path: Any,
    ) -> Any:
        _filter_student(
            first, last, offset, mean, cov, pair, total, newest, still, terms, looks, rules, places,
            path,
        )  # fmt: skip
        return salt

    return filter_all


_filter_all = _compiled(
    source_salt(
        contract,
        recurrence,
        readings,
        domestic,
        bargaining,
        talks,
        filter_kernel,
        filter_pair,
        filter_reading,
        filter_rows,
        quick,
    )
)


def newborn(still: Still) -> Belief:
    """Return the state before the first period."""
    n = len(still.start)
    zeros = [np.zeros((n, k)) for k in (3, 1, 2, 2, 6)]
    return Belief(still.start, *zeros)


def run(
    belief: Belief,
    still: Still,
    terms: Terms,
    looks: Looks,
    first: int,
    last: int,
    *,
    begin: int | None = None,
    keep: bool = False,
    nodes: tuple[int, int, int, int] = NODES,
    compiled: Any = None,
) -> tuple[Belief, Floats]:
    """Filter periods `first` to `last` (exclusive).

    Parameters
    ----------
    belief
        State after period ``first - 1``; it is not changed.
    still, terms, looks
        From `beliefs.inference.filter.filter_terms`.
    begin
        Period at which `terms` begin; `first` when None.
    keep
        Whether to return the path.
    nodes
        Nodes, see `NODES`.
    compiled
        Another compiled filter, for readings of another density.

    Returns
    -------
    Belief
        State after period ``last - 1``.
    ndarray
        (N, last - first, PATH), empty unless `keep`: by period the log predictive density of
        readings and of talks, the slope of each side's move, mean (2) and covariance (3) as
        predicted and as filtered, then the second Gaussian (3) of either side.
    """
    begin = first if begin is None else begin
    state = {k: v.copy() for k, v in vars(belief).items()}
    new = Belief(**{**state, "audience": terms.audience[..., last - 1 - begin].copy()})
    path = np.empty((len(belief.mean), last - first if keep else 0, PATH))
    rules = (hermite(nodes[0]), hermite(nodes[1]), hermite(nodes[2]))
    (compiled or _filter_all)(
        first, last, begin, new.mean, new.cov, new.pair, new.total, new.newest,
        still, terms, looks, rules, nodes[3], path,
    )  # fmt: skip
    return new, path
