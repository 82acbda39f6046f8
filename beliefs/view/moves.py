"""Attribution: which news, shock or silence moved each belief, and by how much.

A belief moves in a period by the sum of these parts (`beliefs.mechanism`): each scorecard term,
weight times surprise times the side's discount of bad news; quiet; enduring; the rival's
persistence; misreading; declared shocks; and what no listed news explains. The parts of one kind
are added up over a week (bursts of one indicator are one story), draw by draw, so that each move
has an interval. The drift back to a side's usual level is not a move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.forecast.forecast import Forecast
from beliefs.infer.posterior import Posterior, stacked_params
from beliefs.mechanism import belief, evidence
from beliefs.mechanism.recurrence import gate, step
from beliefs.mechanism.structure import Columns, columns
from beliefs.theory.system import movements
from beliefs.theory.theory import free_parameters
from beliefs.view.series import posterior_of
from beliefs.view.style import REGIME_WORDS, clean

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
    for side, kind, label, push, sign in _causes(posterior, n):
        weekly = np.add.reduceat(push, starts, axis=-1)
        low, high = np.quantile(weekly, [0.05, 0.95], axis=0)
        direction = np.sign(np.add.reduceat(sign, starts)) if sign is not None else None
        for w, mean in enumerate(weekly.mean(axis=0)):
            words = label if direction is None else f"{label}: {_ARROWS[int(direction[w])]}"
            size = (float(mean), float(low[w]), float(high[w]))
            out.append(Move(side, kind, words, dates[starts[w]], ends[w], *size))
    return out


_ARROWS = {1: "up", 0: "mixed", -1: "down"}
Cause = tuple[int, str, str, NDArray[Any], NDArray[Any] | None]


def _causes(posterior: Posterior, n: int) -> Iterator[Cause]:
    """Yield side, kind, label, push (sample, time) and the news' own direction of each cause."""
    structure, inputs, spec = posterior.structure, posterior.inputs, posterior.study.spec
    params, path = _flat(posterior)
    cols: Columns = {k: v[..., :n] for k, v in columns(inputs).items()}
    # Each side reads all its news of a period through one discount, 1 for good and r for bad.
    e = evidence.news(np, params, cols, structure)
    factor = np.where(e >= 0.0, 1.0, np.exp(params["log_discount"])[..., None])
    weights = evidence.weights(np, params, structure)
    scale, week = structure.step_weeks**0.5, structure.step_weeks
    names = [clean(s.name) for s in spec.sides]
    known = {s.id: clean(s.label) for s in posterior.study.shock_slots}

    def column(values: Any) -> NDArray[Any]:
        return np.asarray(values)[..., None]

    for k, term in enumerate(inputs.terms):
        x = cols["evidence"][k]
        push = factor[:, term.side] * (column(weights[..., k]) * (scale * x))
        label = clean(spec.indicators[term.indicator].label)
        if len(term.regimes) < len(inputs.regime_kinds):
            label += f" ({REGIME_WORDS[inputs.regime_kinds[term.regimes[0]]]})"
        yield term.side, "news", label, push, x * term.direction
    endured = 0
    for i in (0, 1):
        rival = names[1 - i]
        still = column(params["stalemate"][..., i]) * (week * cols["quiet"])
        yield i, "quiet", "Quiet days", factor[:, i] * still, None
        if structure.endurance[i]:
            held = column(params["endurance"][..., endured]) * (week * cols["pressure"])
            yield i, "endurance", "Holding out under pressure", factor[:, i] * held, None
            endured += 1
        learned = -column(params["psi"][..., i]) * (week * cols["rival_persists"][i])
        yield i, "persistence", f"{rival} persists", learned, None
        for s, name in enumerate(structure.shocks):
            jump = column(params["shock_jump"][..., i, s]) * cols["shock"][s]
            yield i, "shock", f"Shock: {known.get(name, clean(name))}", jump, None
    kept, push, misread = movements(np, params, cols, structure)
    before = np.concatenate([belief.start_of(params)[..., None], path[..., :-1]], axis=-1)
    mistaken = misread * gate(np, before)
    rest = path - step(np, kept, belief.drift(params, kept, push), misread, before)
    for i in (0, 1):
        words = f"{names[1 - i]}'s resolve read as desperation"
        yield i, "misreading", words, mistaken[:, i], None
        yield i, "unexplained", "No listed news (readings of confidence)", rest[:, i], None


def _flat(posterior: Posterior) -> tuple[dict[str, Any], NDArray[Any]]:
    """Return parameters with draws in front, (sample, ...), and belief (sample, side, time)."""
    data = posterior.tree["posterior"].to_dataset()

    def flat(name: str) -> NDArray[Any]:
        values = np.asarray(data[name].values)
        return values.reshape(-1, *values.shape[2:])

    free = free_parameters(posterior.theory, posterior.structure)
    draws = {p.name: flat(p.name) for p in free if p.name != "innovation"}
    path = flat("logit_belief")
    params = stacked_params(posterior.theory, posterior.structure, draws)
    # Neutral parameters have no draws; give them one so that everything broadcasts alike.
    return {
        k: v if k in draws or k == "innovation" else np.broadcast_to(v, (len(path), *v.shape))
        for k, v in params.items()
    }, path
