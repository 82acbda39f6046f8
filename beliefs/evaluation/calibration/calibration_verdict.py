"""When a calibration fails: the rule, in one place.

A calibration fails where

* a simulation could not be done;
* a quantity has a p-value of 1 % or less after all of them are allowed for (Holm 1979);
* more quantities leave their own 99 % bands than `outside_limit` allows, in a group or in all. A
  hundredth is expected; quantities of one simulation depend on each other, so that the limit is
  generous: five, or a tenth where that is more;
* the mean spread of a group differs from 1 by more than its Monte-Carlo error allows: at 1 %,
  two-sided by Student's t, over all groups (Holm 1979). The error is that of the mean over
  simulations, which are independent, of the spread within each, so that dependence between
  quantities is in it; it is taken no smaller than if they were independent. One simulation says
  nothing of spread;
* there are fewer than `LEAST_SIMULATIONS`, which say nothing for or against it. Where all draws of
  a group are three quarters as wide as they should be, 20 simulations find it, and five do so one
  time in five.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beliefs.evaluation.calibration.calibration import GROUPS
from beliefs.evaluation.calibration.uniformity import COVERAGE, Judged, holm, shares

__all__ = [
    "FORETOLD",
    "LEAST_SIMULATIONS",
    "Group",
    "failures",
    "groups_of",
    "in_words",
    "outside_limit",
]

FORETOLD = ("probability", "reliability")
"""Groups of what is judged without ranks
(`beliefs.evaluation.calibration.calibration_probabilities`).
"""
LEAST_SIMULATIONS = 20
"""With fewer, passing says too little to be called calibrated."""
LEAST, SHARE = 5, 0.1
VARIANCE = 0.8
"""Of 12 (u - 1/2)^2 where u is uniform."""


@dataclass(frozen=True)
class Group:
    """Quantities of one kind.

    Attributes
    ----------
    group
        Its name.
    quantities, outside, limit
        How many there are, how many leave their own bands, and how many may.
    mean, spread
        Means of `beliefs.evaluation.calibration.uniformity.Judged.mean` and ``spread``; None
        without ranks. A
        spread above 1 in all of many parameters shows draws that are somewhat too narrow, as too
        few particles leave them, before any single one leaves its bands.
    error
        Monte-Carlo standard error of the spread; None with one simulation.
    p
        Probability of a spread as far from 1, allowing for the number of groups; None likewise.
    """

    group: str
    quantities: int
    outside: int
    limit: int
    mean: float | None
    spread: float | None
    error: float | None
    p: float | None


def outside_limit(quantities: int) -> int:
    """Return how many of some quantities may leave their own bands."""
    return max(LEAST, int(SHARE * quantities))


def groups_of(
    judged: Sequence[Judged], ranks: Mapping[str, ArrayLike], draws: int
) -> tuple[Group, ...]:
    """Return what is to be said of each kind of quantity.

    Parameters
    ----------
    judged
        Verdicts.
    ranks
        By quantity, (n,) each.
    draws
        L.
    """
    found = []
    for name in (*GROUPS, *FORETOLD):
        mine = [row for row in judged if row.name.startswith(f"{name}:")]
        if not mine:
            continue
        told: tuple[float | None, ...] = (None,) * 4
        if name in GROUPS:
            told = _spread([ranks[row.name] for row in mine], draws)
        outside = sum(row.outside for row in mine)
        found.append(Group(name, len(mine), outside, outside_limit(len(mine)), *told))
    known = [row.p for row in found if row.p is not None]
    adjusted = iter(holm(known))
    return tuple(
        row if row.p is None else Group(**{**vars(row), "p": float(next(adjusted))})
        for row in found
    )


def _spread(ranks: Sequence[ArrayLike], draws: int) -> tuple[float | None, ...]:
    """Return mean, spread, its error and p-value of quantities (K, n)."""
    from scipy.stats import t

    share, spread = shares(np.asarray(ranks), draws)
    each = spread.mean(axis=0)
    n, mean = len(each), float(each.mean())
    if n < 2:
        return float(share.mean()), mean, None, None
    least = float(np.sqrt(VARIANCE / spread.size))
    error = max(float(each.std(ddof=1)) / float(np.sqrt(n)), least)
    return float(share.mean()), mean, error, float(2.0 * t.sf(abs(mean - 1.0) / error, n - 1))


def failures(
    judged: Sequence[Judged], groups: Sequence[Group], failed: Mapping[int, str], simulations: int
) -> tuple[str, ...]:
    """Return why a calibration fails, one sentence each; none where it does not.

    Parameters
    ----------
    judged, groups
        Verdicts, and those of groups.
    failed
        Simulations that could not be done.
    simulations
        How many were done.
    """
    out = [f"simulations that could not be done: {len(failed)}"] if failed else []
    if simulations < LEAST_SIMULATIONS:
        out.append(f"too few simulations: {simulations} of at least {LEAST_SIMULATIONS}")
    certain = [row.name for row in judged if row.adjusted <= 1.0 - COVERAGE]
    if certain:
        out.append(f"not uniform, allowing for {len(judged)} quantities: {len(certain)}")
    every = ("all", len(judged), sum(row.outside for row in judged), outside_limit(len(judged)))
    for name, size, outside, limit in (
        *((g.group, g.quantities, g.outside, g.limit) for g in groups), every,
    ):  # fmt: skip
        if outside > limit:
            out.append(f"outside their own bands: {outside} of {size} of {name}, at most {limit}")
    out += [
        f"mean spread of {g.group} is {g.spread:.3f} ± {g.error:.3f} (p {g.p:.1g})"
        for g in groups
        if g.p is not None and g.p <= 1.0 - COVERAGE
    ]
    return tuple(out)


def in_words(passed: bool, simulations: int) -> str:
    """Return the verdict on a calibration in words."""
    if simulations < LEAST_SIMULATIONS:
        return f"not judged: {simulations} of the {LEAST_SIMULATIONS} simulations needed to say"
    verdict = "calibrated" if passed else "NOT calibrated"
    return f"{verdict}, allowing for how many are judged at once"
