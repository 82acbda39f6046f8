"""Which part of the falls that end in a crack declared shocks make up.

A crack is a belief below the study's threshold for so many periods in a row. The fall that leads to
it runs from the highest belief of the two weeks before (or two periods, where they are longer) to
its first period below; of it, declared shocks make up what they moved belief by on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.smc.track import Track, posterior_at
from beliefs.model.structure import AFTERMATH_DAYS, columns

__all__ = ["NAME", "crack_share", "crack_shares"]

Floats = NDArray[np.float64]

NAME = "jump_share"
DRAWS = 1000


def crack_share(path: Floats, jump: Floats, floor: float, run: int, window: int) -> Floats:
    """Return the share of jumps in the falls of all cracks, by draw.

    Parameters
    ----------
    path, jump
        Beliefs and what shocks moved them by, log-odds, (draw, side, time).
    floor
        Belief below which a side cracks, log-odds.
    run
        Periods in a row that it has to last.
    window
        Periods before a crack in which its fall may begin.

    Returns
    -------
    ndarray
        (draw,), from 0 to 1; NaN for a draw without a crack.
    """
    below = path < floor
    n = path.shape[-1]
    lasting = np.ones((*path.shape[:2], max(n - run + 1, 0)), dtype=bool)
    for k in range(run):
        lasting &= below[..., k : k + lasting.shape[-1]]
    moved = np.cumsum(jump, axis=-1)
    fallen, shocked = np.zeros(len(path)), np.zeros(len(path))
    for t in range(1, lasting.shape[-1]):
        begins = lasting[..., t] & ~below[..., t - 1]
        if not begins.any():
            continue
        before = path[..., max(t - window, 0) : t]
        top = before.argmax(axis=-1)
        peak = np.take_along_axis(before, top[..., None], axis=-1)[..., 0]
        there = top + max(t - window, 0)
        by_then = np.take_along_axis(moved, there[..., None], axis=-1)[..., 0]
        fall = np.where(begins, peak - path[..., t], 0.0)
        part = np.clip(by_then - moved[..., t], 0.0, fall)
        fallen += fall.sum(axis=-1)
        shocked += np.where(begins, part, 0.0).sum(axis=-1)
    return np.divide(shocked, fallen, out=np.full(len(path), np.nan), where=fallen > 0.0)


def crack_shares(track: Track) -> dict[str, dict[str, Floats]]:
    """Return the share of shocks in cracks: ``posterior`` and ``prior`` -> `NAME` -> (draw,).

    Empty where no draw has a crack.
    """
    posterior = posterior_at(track, track.n_time - 1, DRAWS)
    spec, on = track.study.spec.crack, columns(track.inputs)["shock"][:, : track.n_time]
    floor = float(np.log(spec.threshold) - np.log1p(-spec.threshold))
    window = max(2, round(AFTERMATH_DAYS / track.inputs.step_days))
    out: dict[str, dict[str, Floats]] = {}
    for group in ("posterior", "prior"):
        data: Any = posterior.tree[group].to_dataset()
        path, weight = (np.asarray(data[k].values)[0] for k in ("logit_belief", "shock_jump"))
        share = crack_share(path.astype(float), weight @ on, floor, spec.periods, window)
        share = share[~np.isnan(share)]
        out[group] = {NAME: share} if len(share) else {}
    return out
