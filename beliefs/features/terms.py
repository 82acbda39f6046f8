"""Which weights there are to learn: scorecards and costs, read off the study file."""

from __future__ import annotations

from dataclasses import dataclass

from beliefs.study.settings.spec import StudySpec
from beliefs.study.tables.codebook import REGIME_KINDS

__all__ = ["CostTerm", "Term", "cost_terms", "scorecard_terms"]


@dataclass(frozen=True)
class Term:
    """One weight of a side's scorecard: an indicator, in all regimes or in one kind.

    Attributes
    ----------
    name
        ``north:price`` or, where the weight depends on the regime, ``north:price[war]``.
    side
        0 or 1.
    indicator
        Row of `Inputs.surprise`.
    regimes
        Numbers of the regime kinds in which the term is on.
    direction
        +1 where a rise is good news for the side, -1 where it is bad.
    own
        Whether the indicator belongs to the side's own scorecard.
    """

    name: str
    side: int
    indicator: int
    regimes: tuple[int, ...]
    direction: float
    own: bool


@dataclass(frozen=True)
class CostTerm:
    """An indicator whose level measures a side's cost of conflict.

    Attributes
    ----------
    name
        ``south:price``.
    side
        0 or 1.
    indicator
        Row of `Inputs.level`.
    sign
        +1 where a higher level is a higher cost.
    """

    name: str
    side: int
    indicator: int
    sign: float


def scorecard_terms(spec: StudySpec) -> tuple[Term, ...]:
    """Return one term for each side and indicator that it reads, or for each regime kind of it.

    Parameters
    ----------
    spec
        Settings of a study.

    Returns
    -------
    tuple of Term
        Those of side 0 first, in the order of the indicators.
    """
    terms = []
    for side, name in enumerate(spec.side_ids):
        for number, indicator in enumerate(spec.indicators):
            if name not in indicator.direction:
                continue
            direction, own = float(indicator.direction[name]), name in indicator.own
            label = f"{name}:{indicator.id}"
            if indicator.split_by_regime:
                terms += [
                    Term(f"{label}[{kind}]", side, number, (k,), direction, own)
                    for k, kind in enumerate(REGIME_KINDS)
                ]
            else:
                kinds = tuple(range(len(REGIME_KINDS)))
                terms.append(Term(label, side, number, kinds, direction, own))
    return tuple(terms)


def cost_terms(spec: StudySpec) -> tuple[CostTerm, ...]:
    """Return one term for each side and indicator of its cost.

    Parameters
    ----------
    spec
        Settings of a study.

    Returns
    -------
    tuple of CostTerm
        Those of side 0 first, in the order of the indicators.
    """
    return tuple(
        CostTerm(f"{name}:{indicator.id}", side, number, float(indicator.cost_sign))
        for side, name in enumerate(spec.side_ids)
        for number, indicator in enumerate(spec.indicators)
        if name in indicator.cost
    )
