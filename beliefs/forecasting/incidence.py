"""Cumulative incidence: how the truce first ends, cause by cause, and how often it still stands.

Causes compete. The share of futures in which the *first* end is of one cause is its cumulative
incidence (Aalen and Johansen 1978; with nothing censored, counting is that estimator). One minus a
Kaplan-Meier curve per cause would answer another question, and the answers would add up to more
than one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.forecasting.forecast import Paths
from beliefs.forecasting.passage import NEVER, first_passage
from beliefs.simulation.course import COLLAPSE, DEAL, LAPSE, MUTUAL, UNILATERAL

__all__ = ["CAUSES", "cumulative_incidence"]

CAUSES = {
    "collapse": COLLAPSE,
    "lapse": LAPSE,
    "unilateral": UNILATERAL,
    "mutual": MUTUAL,
    "deal": DEAL,
}
"""How a window can end or go on."""


def cumulative_incidence(
    paths: Paths, causes: Sequence[str] = tuple(CAUSES)
) -> NDArray[np.float64]:
    """Return the share of futures whose window has first ended by each cause.

    Parameters
    ----------
    paths
        Futures with conduct.
    causes
        Names of `CAUSES`.

    Returns
    -------
    ndarray
        Shape (cause, horizon). Summed over all causes, the share in which it has ended.

    Raises
    ------
    ValueError
        There is no such cause, or conduct was not simulated.
    """
    unknown = [c for c in causes if c not in CAUSES]
    if unknown or paths.events is None or "ended" not in paths.events:
        raise ValueError(f"no cause {unknown}" if unknown else "no ends of windows were simulated")
    ended = paths.events["ended"]
    samples, horizon = ended.shape
    when = first_passage(ended > 0, 1)
    at = when[when != NEVER] - 1
    how = ended[when != NEVER, at]
    hits = [np.bincount(at[how == CAUSES[cause]], minlength=horizon) for cause in causes]
    return np.asarray(np.cumsum(hits, axis=-1) / samples)
