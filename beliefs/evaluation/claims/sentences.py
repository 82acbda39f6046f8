"""Verdicts in plain words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.claims import Claim
from beliefs.evaluation.claims.expressions import Expression, Values

__all__ = ["sentence", "shown", "two_modes"]

TAIL = 0.05  # left out of a shown interval on either side
BINS = 24
DIP = 0.6
"""A valley between two peaks below this share of the lower one makes two modes."""


def shown(
    show: Mapping[str, Expression], draws: Mapping[str, Values], roles: Mapping[str, str]
) -> dict[str, float]:
    """Return mean and 90 % interval of what a sentence shows.

    Raises
    ------
    Absent
        The study has no such element.
    """
    out: dict[str, float] = {}
    for name, expression in show.items():
        values = expression.scalar(draws, roles)
        low, high = np.quantile(values, [TAIL, 1.0 - TAIL])
        out |= {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    return out


def sentence(
    claim: Claim,
    verdict: str,
    why: str,
    numbers: Mapping[str, float] | None,
    names: Mapping[str, str],
    counted: str,
) -> str:
    """Return one sentence about a claim.

    Parameters
    ----------
    claim
        The claim.
    verdict, why
        From `beliefs.evaluation.claims.verdict.decide`.
    numbers
        What `shown` gave, and ``p`` and ``p_prior`` where there are any; None where nothing was
        seen, so that no number says anything about the study.
    names
        Names of the sides by role.
    counted
        What the verdict rests on, such as ``3 windows that ended``; may be empty.
    """
    if numbers is None:
        return f"{claim.title}: {verdict}, {why}."
    said = claim.says.format(**numbers, **names)
    parts = [verdict]
    if "p" in numbers and claim.region is not None:
        parts.append(f"probability {numbers['p']:.0%}, before the data {numbers['p_prior']:.0%}")
    if counted:
        parts.append(counted)
    if not why.startswith("the odds"):
        parts.append(why)
    elif "; " in why:
        parts.append(why.split("; ", 1)[1])
    return f"{said} {parts[0][0].upper()}{parts[0][1:]}: {'; '.join(parts[1:] or [why])}."


def two_modes(values: NDArray[np.float64]) -> bool:
    """Return whether draws pile up in two places with a valley between them."""
    count = np.histogram(values, bins=BINS)[0].astype(float)
    smooth = np.convolve(count, [0.25, 0.5, 0.25], mode="same")
    top = int(smooth.argmax())
    for side in (smooth[: top + 1][::-1], smooth[top:]):
        for k in range(2, len(side)):
            second = side[k:].max()
            if side[:k].min() < DIP * second and second > 0.15 * smooth[top]:
                return True
    return False
