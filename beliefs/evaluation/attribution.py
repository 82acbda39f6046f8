"""Attribution: what moved each belief, cause by cause, summing to its path exactly.

A belief moves in a period by the sum of these parts (`beliefs.model.mechanisms`): each scorecard
term,
weight times surprise times the side's discount of bad news; quiet; enduring; the rival's
persistence; misreading; declared shocks; the drift back to the side's usual level; and what no
listed news explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model.mechanisms import belief, evidence
from beliefs.model.numerics.recurrence import gate, step
from beliefs.model.structure import columns, until
from beliefs.model.system import movements
from beliefs.model.theory import free_parameters

__all__ = ["Cause", "causes"]


@dataclass(frozen=True, eq=False)
class Cause:
    """One thing that pushed one belief.

    Attributes
    ----------
    side
        0 or 1.
    kind
        ``news``, ``shock``, ``quiet``, ``endurance``, ``persistence``, ``misreading``,
        ``forgetting`` (drift to the usual level) or ``unexplained``.
    term
        Number of the evidence term, for news.
    name
        Name of the term or shock, otherwise the kind.
    push
        Move of belief in log-odds, (sample, time).
    sign
        Direction of the news itself, (time,); None where there is none.
    """

    side: int
    kind: str
    term: int | None
    name: str
    push: NDArray[Any]
    sign: NDArray[Any] | None


def causes(posterior: Posterior) -> Iterator[Cause]:
    """Yield what moved each belief up to the origin.

    With the belief before the first period they sum to the path of belief, draw by draw, up to the
    single precision in which paths are kept.

    Raises
    ------
    KeyError
        The theory has no beliefs.
    """
    structure, inputs = posterior.structure, posterior.inputs
    n = int(inputs.active.sum())
    params, path = _flat(posterior)
    cols = until(columns(inputs), n)
    # Each side reads all its news of a period through one discount, 1 for good and r for bad.
    e = evidence.news(np, params, cols, structure)
    factor = np.where(e >= 0.0, 1.0, np.exp(params["log_discount"])[..., None])
    weights = evidence.weights(np, params, structure)
    scale, week = structure.step_weeks**0.5, structure.step_weeks
    still = evidence.stillness(params, cols, structure)

    def column(values: Any) -> NDArray[Any]:
        return np.asarray(values)[..., None]

    for k, (name, side) in enumerate(zip(structure.terms, structure.term_side, strict=True)):
        x = cols["evidence"][k]
        push = factor[:, side] * (column(weights[..., k]) * (scale * x))
        yield Cause(side, "news", k, name, push, x * structure.term_direction[k])
    endured = 0
    for i in (0, 1):
        yield Cause(i, "quiet", None, "quiet", factor[:, i] * still[:, i], None)
        if structure.endurance[i]:
            held = column(params["endurance"][..., endured]) * (week * cols["pressure"])
            yield Cause(i, "endurance", None, "endurance", factor[:, i] * held, None)
            endured += 1
        learned = -column(params["psi"][..., i]) * (week * cols["rival_persists"][i])
        yield Cause(i, "persistence", None, "persistence", learned, None)
        for s, name in enumerate(structure.shocks):
            jump = column(params["shock_jump"][..., i, s]) * cols["shock"][s]
            yield Cause(i, "shock", None, name, jump, None)
    kept, push, misread = movements(np, params, cols, structure)
    before = np.concatenate([belief.start_of(params)[..., None], path[..., :-1]], axis=-1)
    mistaken = misread * gate(np, before)
    drift = belief.drift(params, kept, push)
    rest = path - step(np, kept, drift, misread, before)
    forgotten = kept * before + drift - push - before
    for i in (0, 1):
        yield Cause(i, "misreading", None, "misreading", mistaken[:, i], None)
        yield Cause(i, "forgetting", None, "forgetting", forgotten[:, i], None)
        yield Cause(i, "unexplained", None, "unexplained", rest[:, i], None)


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
