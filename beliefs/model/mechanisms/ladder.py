r"""The ladder of peace: moves between open war, friction, truce, negative and positive peace.

A rung is left upwards and downwards at weekly hazards :math:`e^{up}` and :math:`e^{down}`. A move
up *skips* when it leaves out a rung of peace (truce, negative peace) that lies between; from open
war to truce none is left out, since friction is no peace. Where a skip is possible, a move up is
one with the log-odds ``skip``. A move down may be of any size.

Parameters are those of `beliefs.model.mechanisms.outcomes`. Claim C53.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.model.contract import Array, Params, bounded_exp, logistic
from beliefs.model.structure import Columns, Structure
from beliefs.study.tables.codebook import RUNGS

__all__ = ["log_likelihood", "log_share", "moves", "skips"]

FRICTION, NEGATIVE = RUNGS.index("friction"), RUNGS.index("negative_peace")
TINY = 1e-12  # shares round to 0 or 1 in far tails; keeps the logarithm finite


def moves(xp: Any, params: Params, rung: int, structure: Structure) -> tuple[Array, ...]:
    """Return the probabilities of what one period does to a rung.

    Parameters
    ----------
    xp, params, structure
        See `beliefs.model.contract`.
    rung
        Place in `beliefs.study.tables.codebook.RUNGS`.

    Returns
    -------
    tuple
        Staying, a move up in order, a move up that leaves out a rung of peace, a move down, each of
        the shape of the parameters.
    """
    up, down = bounded_exp(xp, params["ladder_up"]), bounded_exp(xp, params["ladder_down"])
    up = up * float(rung < len(RUNGS) - 1)
    down = down * float(rung > 0)
    stay = xp.exp(-structure.step_weeks * (up + down))
    rise = (1.0 - stay) * (up / (up + down))
    # From negative peace only positive peace lies above: nothing can be left out.
    leap = float(rung < NEGATIVE) * logistic(xp, params["skip"])
    return stay, rise * (1.0 - leap), rise * leap, (1.0 - stay) * (down / (up + down))


def skips(before: int, after: int) -> bool:
    """Return whether a move up the ladder leaves out a rung of peace that lies between."""
    return after - max(before, FRICTION) > 1


def log_share(xp: Any, share: Array) -> Array:
    """Return the log of a share, finite where the share rounds to 0."""
    return xp.log(xp.clip(share, TINY, 1.0))


def log_likelihood(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log probability of the rung of each period given the one before, (..., time)."""
    on = columns["rung_on"]
    before = np.concatenate([0.0 * on[..., :1], on[..., :-1]], axis=-1)
    total = 0.0 * params["ladder_up"][..., None] * on[..., 0, :]
    for old in range(len(RUNGS)):
        stay, step, leap, fall = (
            log_share(xp, p)[..., None] for p in moves(xp, params, old, structure)
        )
        for new in range(len(RUNGS)):
            happened = before[..., old, :] * on[..., new, :]
            if not happened.any():
                continue  # most pairs of rungs never follow each other
            if new == old:
                total = total + stay * happened
            elif new < old:
                total = total + fall * happened
            else:
                total = total + (leap if skips(old, new) else step) * happened
    return total
