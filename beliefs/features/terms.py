"""Which weights there are to learn: scorecards and costs, read off the study file."""

from __future__ import annotations

from dataclasses import dataclass

from beliefs.study.settings.spec import StudySpec
from beliefs.study.tables.codebook import REGIME_KINDS

__all__ = ["CostTerm", "Term", "cost_terms", "scorecard_terms"]


@dataclass(frozen=True)
class Term:
    """One weight of a side's scorecard: an indicator, in all regimes or in one kind."""

    name: str  # ``north:price`` or, where the weight depends on the regime, ``north:price[war]``
    side: int  # 0 or 1
    indicator: int  # Row of `Inputs.surprise`
    regimes: tuple[int, ...]  # Numbers of the regime kinds in which the term is on
    direction: float  # +1 where a rise is good news for the side, -1 where it is bad
    own: bool  # Whether the indicator belongs to the side's own scorecard


@dataclass(frozen=True)
class CostTerm:
    """An indicator whose level measures a side's cost of conflict."""

    name: str  # ``south:price``
    side: int  # 0 or 1
    indicator: int  # Row of `Inputs.level`
    sign: float  # +1 where a higher level is a higher cost


def scorecard_terms(spec: StudySpec) -> tuple[Term, ...]:
    """Return one term for each side and indicator that it reads, or for each regime kind of it.

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

    Those of side 0 first, in the order of the indicators.
    """
    return tuple(
        CostTerm(f"{name}:{indicator.id}", side, number, float(indicator.cost_sign))
        for side, name in enumerate(spec.side_ids)
        for number, indicator in enumerate(spec.indicators)
        if name in indicator.cost
    )
