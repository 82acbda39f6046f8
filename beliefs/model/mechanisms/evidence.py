"""Evidence: how each side reads the same news on its own scorecard.

Weights say what a *week* of one-sd news moves, whatever the step. Bad news may be discounted, a
share of the weights common to both sides (one scorecard), and a quiet period within a truce count
for more than one in war. `rival_persistence` is learning from a rival who persists; 0 is naive
mutual optimism (Fey and Ramsay 2007; Slantchev and Tarar 2011). MODEL section 2.2; claims C02-C05,
C11, C35.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Parameter, Params
from beliefs.model.numerics.recurrence import weighted_sum
from beliefs.model.structure import Columns, Structure, side_matrix

PLACE = 2
_PER_NEWS, _PER_WEEK = "log-odds per sd of news per square-root week", "log-odds per week"

PARAMETERS = (
    Parameter("weight_own", pz.TruncatedNormal(0.3, 0.3, 0, float("inf")), _PER_NEWS,
        "MODEL section 2; C02, C03",
        "weight of news on a side's own scorecard, in the direction its framework reads",
        dims=("own_term",)),
    Parameter("weight_other", pz.Normal(0.0, 0.15), _PER_NEWS, "MODEL section 2; C02",
        "weight of news that is not on a side's own scorecard", dims=("other_term",)),
    Parameter("stalemate", pz.Normal(0.0, 0.1), _PER_WEEK, f"C05; {LEARNT}",
        "gain in belief from a week without movement", dims=("side",)),
    Parameter("endurance", pz.Normal(0.0, 0.1), _PER_WEEK, f"C04; {LEARNT}",
        "gain from merely surviving a week", dims=("enduring_side",)),
    Parameter("log_discount", pz.Normal(-0.15, 0.3), "log ratio",
        "MODEL section 2 (bad news discounted)", "log weight of bad news against good news",
        dims=("side",)),
    Parameter("misread", pz.Beta(2, 18), "log-odds per sd per square-root week",
        "C11; Jervis (1976)", "gain from rival resolve while confident", dims=("side",)),
    Parameter("rival_persistence", pz.HalfNormal(0.1), _PER_WEEK,
        "Fey and Ramsay (2007); Slantchev and Tarar (2011)",
        "loss of belief from a week of the rival's persistence", dims=("side",)),
    Parameter("shared", pz.Beta(1, 1), "share of a weight", "C02; uniform: the share is learnt",
        "share of a common scorecard in what each side makes of the same news"),
    Parameter("tactical_reset", pz.Normal(0.0, 0.1), _PER_WEEK, f"C35; {LEARNT}",
        "gain in belief from a quiet week of truce beyond that of any quiet week", dims=("side",)),
)  # fmt: skip


@lru_cache(maxsize=32)
def common_matrix(structure: Structure) -> NDArray[np.float64]:
    """Return the matrix (term, term) that averages weights over both sides.

    Terms on the same indicator in the same regimes are one entry of a common scorecard, which each
    side still reads in its own direction.
    """
    entry = [(term.indicator, term.regimes) for term in structure.terms]
    same = np.array([a == b for a in entry for b in entry], float).reshape([len(entry)] * 2)
    out = same / np.maximum(same.sum(axis=1, keepdims=True), 1.0)
    out.flags.writeable = False
    return out


def weights(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the weight of every evidence term, in term order, (..., term)."""
    order = np.argsort([*structure.own, *structure.other])
    both = [params[k] for k in ("weight_own", "weight_other")]
    if xp is np:
        lead = np.broadcast_shapes(*(v.shape[:-1] for v in both))
        both = [np.broadcast_to(v, (*lead, v.shape[-1])) for v in both]
    own = xp.concatenate(both, axis=-1)[..., order]
    if xp is np and not np.any(params["shared"]):
        return own
    common = weighted_sum(xp, own[..., None, :], common_matrix(structure).T)[..., 0, :]
    return own + params["shared"][..., None] * (common - own)


def stillness(params: Params, columns: Columns, structure: Structure) -> Array:
    """Return what quiet itself says to each side, (..., side, time)."""
    quiet = (structure.step_weeks * columns["quiet"])[..., None, :]
    reset = params["tactical_reset"][..., None] * quiet
    return params["stalemate"][..., None] * quiet + reset * columns["truce"]


def endurance(params: Params, columns: Columns, structure: Structure) -> Array:
    """Return what holding out under pressure says to each side, (..., side, time)."""
    enduring = [i for i, on in enumerate(structure.endurance) if on]
    gain = (params["endurance"][..., None, :] * side_matrix(enduring)).sum(axis=-1)
    return gain[..., None] * (structure.step_weeks * columns["pressure"])[..., None, :]


def scorecards(xp: Any, params: Params, structure: Structure) -> Array:
    """Return what one sd of each term says to each side in a period, (..., side, term)."""
    by_side = side_matrix([term.side for term in structure.terms]) * structure.step_weeks**0.5
    return weights(xp, params, structure)[..., None, :] * by_side


def news(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return evidence e before it is read, shape (..., side, time)."""
    total = weighted_sum(xp, scorecards(xp, params, structure), columns["evidence"])
    total = total + stillness(params, columns, structure)
    return total + endurance(params, columns, structure)


def read(xp: Any, params: Params, e: Array) -> Array:
    """Return evidence (..., side, time) with the bad discounted: linear on each side of 0."""
    return xp.maximum(e, 0.0) + xp.exp(params["log_discount"])[..., None] * xp.minimum(e, 0.0)


def learned(params: Params, columns: Columns, structure: Structure) -> Array:
    """Return what each side's belief loses by its rival's persistence, (..., side, time)."""
    persists = structure.step_weeks * columns["rival_persists"]
    return params["rival_persistence"][..., None] * persists


def push(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the move of belief that news makes, u, shape (..., side, time)."""
    e = news(xp, params, columns, structure)
    return read(xp, params, e) - learned(params, columns, structure)


def misread(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the good news a confident side sees in its rival's resolve, (..., side, time).

    ``rival_resolve`` is the rival's force in excess of what was expected, in quarters of 4 sd.
    """
    size = 4.0 * structure.step_weeks**0.5
    return params["misread"][..., None] * (size * columns["rival_resolve"])
