"""Attribution: what moved each belief, cause by cause, summing to its path exactly.

A belief moves in a period by each scorecard term (weight times surprise times the side's discount
of bad news), quiet, enduring, the rival's persistence, misreading, declared shocks, the drift back
to the side's usual level, and what no listed news explains (`beliefs.model.mechanisms`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model.mechanisms import belief, evidence
from beliefs.model.numerics.recurrence import carry, gate, step
from beliefs.model.structure import columns, until
from beliefs.model.system import movements
from beliefs.simulation.paths import draws_of


@dataclass(frozen=True, eq=False)
class Cause:
    """One thing that pushed the belief of a side."""

    side: int  # 0 or 1
    kind: str  # news, shock, quiet, endurance, persistence, misreading, forgetting, unexplained
    term: int | None  # number of the evidence term, for news
    name: str  # of the term or shock, else the kind
    push: NDArray[Any]  # move in log-odds, (sample, time)
    sign: NDArray[Any] | None  # of the news itself, (time,)


def causes(posterior: Posterior) -> Iterator[Cause]:
    """Yield what moved each belief; with its start they sum to its path (single precision)."""
    structure, inputs = posterior.structure, posterior.inputs
    n = int(inputs.active.sum())
    known = draws_of(posterior, "posterior", actions=False)
    if (path := known.logit_belief) is None:
        raise KeyError("logit_belief")
    # Null values have no draws; give them one so that everything broadcasts alike.
    drawn, params = {*known.params, "innovation"}, dict[str, Any]()
    for name, v in stacked_params(posterior.theory, structure, known.params).items():
        params[name] = v if name in drawn else np.broadcast_to(v, (len(path), *v.shape))
    cols = until(columns(inputs), n)
    # Each side reads all its news of a period alike: by the slope of reading at their sum.
    e = evidence.news(np, params, cols, structure)
    slope = np.abs(evidence.read(np, params, np.where(e < 0.0, -1.0, 1.0)))
    scorecards = evidence.scorecards(np, params, structure)
    for k, term in enumerate(structure.terms):
        x = cols["evidence"][k]
        push = slope[:, term.side] * (scorecards[:, term.side, k, None] * x)
        yield Cause(term.side, "news", k, term.name, push, x * term.direction)
    kept, push, misread = movements(np, params, cols, structure)
    before = np.concatenate([belief.start_of(params)[..., None], path[..., :-1]], axis=-1)
    drift = belief.drift(params, kept, push)
    moves = {
        "quiet": slope * evidence.stillness(params, cols, structure),
        "endurance": slope * evidence.endurance(params, cols, structure),
        "persistence": -evidence.learned(params, cols, structure),
        "misreading": misread * gate(np, before),
        "forgetting": carry(kept, drift, before) - push - before,
        "unexplained": path - step(np, kept, drift, misread, before),
    }
    for i in (0, 1):
        for s, shock in enumerate(structure.shocks):
            jump = params["shock_jump"][..., i, s][..., None] * cols["shock"][s]
            yield Cause(i, "shock", None, shock.name, jump, None)
        for kind, move in moves.items():
            if kind != "endurance" or structure.endurance[i]:
                yield Cause(i, kind, None, kind, move[:, i], None)
