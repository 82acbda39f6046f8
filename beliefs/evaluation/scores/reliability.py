"""Are probabilities to be believed: how often what they foretold came, with bands for few windows.

Under calibrated forecasts the share that comes scatters about the mean probability of a bin. How
widely is found by drawing outcomes from the forecasts themselves (Bröcker and Smith 2007). Windows
of neighbouring origins overlap and share their outcome, so that those of one block are drawn with
one uniform number: bands are as wide as what was really seen warrants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.scores.skill import LEVEL, block_origins

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EDGES", "PIT_BINS", "pit_table", "reliability_table"]

EDGES = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
PIT_BINS = 5
DRAWS = 1000
STREAM = 49979687  # keeps what is drawn here apart from other uses of the seed


def reliability_table(scores: pd.DataFrame, every: int, *, seed: int) -> pd.DataFrame:
    """Return how often what was foretold came, over all targets, by bins of the probability.

    Parameters
    ----------
    scores
        From `beliefs.evaluation.scores.scorecard.score_table`.
    every
        Days from origin to origin.
    seed
        Seed of the drawn outcomes.

    Returns
    -------
    DataFrame
        One row for each forecaster, window and bin: ``n``, ``mean_p``, share ``came``, and ``low``
        and ``high``, between which that lies in 90 % of cases if forecasts are calibrated.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    events = scores[scores["kind"] == "event"]
    for (name, horizon), part in events.groupby(["forecaster", "horizon"], sort=False):
        p = part["p"].to_numpy(float)
        came = part["came"].to_numpy(float)
        bins = np.clip(np.digitize(p, EDGES) - 1, 0, len(EDGES) - 2)
        drawn = _uniform(part, int(horizon), every, seed) < p
        for k in np.unique(bins):
            mine = bins == k
            low, high = _band(drawn[:, mine].mean(axis=1))
            rows.append({
                "forecaster": name, "horizon": int(horizon), "from": EDGES[k], "to": EDGES[k + 1],
                "n": int(mine.sum()), "mean_p": float(p[mine].mean()),
                "came": float(came[mine].mean()), "low": low, "high": high,
            })  # fmt: skip
    return pd.DataFrame(rows)


def pit_table(scores: pd.DataFrame, every: int, *, seed: int) -> pd.DataFrame:
    """Return histograms of the randomised transforms of times and counts, with bands.

    Returns
    -------
    DataFrame
        One row for each forecaster, window, target and bin of equal width: ``n``, the ``share``
        that lies in it, and ``low`` and ``high``, between which that lies in 90 % of cases if
        forecasts are calibrated.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    known = scores[scores["pit"].notna()]
    edges = np.linspace(0.0, 1.0, PIT_BINS + 1)
    keys = ["forecaster", "horizon", "target"]
    for (name, horizon, target), part in known.groupby(keys, sort=False):
        seen = _bins(part["pit"].to_numpy(float))
        drawn = _bins(_uniform(part, int(horizon), every, seed))
        head = {"forecaster": name, "horizon": int(horizon), "target": target}
        for k in range(PIT_BINS):
            low, high = _band((drawn == k).mean(axis=1))
            rows.append(head | {
                "from": edges[k], "to": edges[k + 1], "n": len(part),
                "share": float((seen == k).mean()), "low": low, "high": high,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _bins(u: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((u * PIT_BINS).astype(np.int64), PIT_BINS - 1)


def _band(shares: NDArray[np.float64]) -> tuple[float, float]:
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(shares, [tail, 1.0 - tail])
    return float(low), float(high)


def _uniform(part: pd.DataFrame, horizon: int, every: int, seed: int) -> NDArray[np.float64]:
    """Return uniform numbers, (draw, row), the same within a target and a block of origins."""
    block = block_origins(horizon, every)
    days = part["origin"].to_numpy("datetime64[D]").astype(np.int64)
    place = (days - days.min()) // every
    out = np.empty((DRAWS, len(part)))
    for target in part["target"].unique():
        mine = np.flatnonzero(np.asarray(part["target"] == target))
        rng = np.random.default_rng([seed, STREAM, horizon, crc32(str(target).encode())])
        number = (place[mine] + rng.integers(0, block, size=(DRAWS, 1))) // block
        out[:, mine] = np.take_along_axis(
            rng.random((DRAWS, int(number.max()) + 1)), number, axis=1
        )
    return out
