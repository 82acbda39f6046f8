"""The weekly moves of each belief: news, shocks and silences, added up and put into words.

The parts of one kind are added up over a week (bursts of one indicator are one story), draw by
draw, so that each move has an interval. The drift back to a side's usual level is not a move. See
`beliefs.evaluation.attribution`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beliefs.evaluation.attribution import Cause, causes
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.posterior import Posterior
from beliefs.reporting.series import posterior_of
from beliefs.reporting.style import REGIME_WORDS, clean

__all__ = ["TOP", "Move", "all_moves", "top_moves"]

TOP = 8  # moves listed per side
WEEK = 7


@dataclass(frozen=True)
class Move:
    """One cause's push on one belief in one week.

    Attributes
    ----------
    side
        0 or 1.
    kind
        ``news``, ``shock``, ``quiet``, ``endurance``, ``persistence``, ``misreading`` or
        ``unexplained``.
    label
        In words.
    start, end
        First and last day of the week.
    mean, low90, high90
        Size in log-odds.
    """

    side: int
    kind: str
    label: str
    start: np.datetime64
    end: np.datetime64
    mean: float
    low90: float
    high90: float


def top_moves(source: Posterior | Forecast, count: int = TOP) -> list[Move]:
    """Return the `count` largest moves of each side, side 0's first, largest first."""
    moves = all_moves(source)
    out: list[Move] = []
    for i in (0, 1):
        mine = [m for m in moves if m.side == i and m.mean != 0.0]
        out += sorted(mine, key=lambda m: (-abs(m.mean), m.start, m.label))[:count]
    return out


def all_moves(source: Posterior | Forecast) -> list[Move]:
    """Return the moves of both sides, every cause in every week up to the origin.

    Raises
    ------
    KeyError
        The theory has no beliefs.
    """
    posterior = posterior_of(source)
    inputs = posterior.inputs
    n = int(inputs.active.sum())
    blocks = np.arange(n) * inputs.step_days // WEEK
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    dates = inputs.dates[:n].astype("datetime64[D]")
    length = np.timedelta64(inputs.step_days - 1, "D")
    ends = np.append(dates[starts[1:] - 1], dates[-1]) + length
    out = []
    for cause in causes(posterior):
        if cause.kind == "forgetting":
            continue
        label = _label(posterior, cause)
        weekly = np.add.reduceat(cause.push, starts, axis=-1)
        low, high = np.quantile(weekly, [0.05, 0.95], axis=0)
        sign = cause.sign
        direction = np.sign(np.add.reduceat(sign, starts)) if sign is not None else None
        for w, mean in enumerate(weekly.mean(axis=0)):
            words = label if direction is None else f"{label}: {_ARROWS[int(direction[w])]}"
            size = (float(mean), float(low[w]), float(high[w]))
            out.append(Move(cause.side, cause.kind, words, dates[starts[w]], ends[w], *size))
    return out


_ARROWS = {1: "up", 0: "mixed", -1: "down"}


def _label(posterior: Posterior, cause: Cause) -> str:
    """Return the cause in words."""
    inputs, spec = posterior.inputs, posterior.study.spec
    rival = clean(spec.sides[1 - cause.side].name)
    if cause.term is not None:
        term = inputs.terms[cause.term]
        label = clean(spec.indicators[term.indicator].label)
        if len(term.regimes) < len(inputs.regime_kinds):
            label += f" ({REGIME_WORDS[inputs.regime_kinds[term.regimes[0]]]})"
        return label
    if cause.kind == "shock":
        known = {s.id: clean(s.label) for s in posterior.study.shock_slots}
        return f"Shock: {known.get(cause.name, clean(cause.name))}"
    return {
        "quiet": "Quiet days",
        "endurance": "Holding out under pressure",
        "persistence": f"{rival} persists",
        "misreading": f"{rival}'s resolve read as desperation",
        "unexplained": "No listed news (readings of confidence)",
    }[cause.kind]
