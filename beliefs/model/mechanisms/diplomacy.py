"""Diplomacy: concessions, replies to offers, sanctions and walk-outs.

A confident side waits rather than concedes where `wait_value` is above 0 (per quarter of belief,
whose logistic slope is 4); hard-line words bind where `audience_hold` is (Fearon 1994). Beliefs
enter as the mean of the period before (`beliefs.inference.smc.blocks`): an offer is a concession
here and a reading of a lower belief, and the lag keeps it from explaining itself. MODEL section
2.14; claims C06, C09, C25, C27, C54.
"""

from typing import Any

import numpy as np

from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Factor, Parameter, Params, Seen
from beliefs.model.numerics.recurrence import recur
from beliefs.model.observation import explained
from beliefs.model.structure import Columns, Structure

PLACE = 6
KEPT = 0.8  # share of hard-line words kept per week: the median of audience_memory

PARAMETERS = (
    Parameter("concession_base", pz.Normal(-2.0, 1.0), "log-odds per period", "judgement",
        "log-odds of an offer or concession at even odds of winning", dims=("side",)),
    Parameter("wait_value", pz.Normal(0.0, 0.5), "log-odds per quarter of belief", f"C06; {LEARNT}",
        "fall of the log-odds of a concession with the side's own belief"),
    Parameter("audience_hold", pz.Normal(0.0, 0.5), "log-odds per hard-line action",
        f"C09; Fearon (1994); {LEARNT}",
        "fall of the log-odds of a concession with the side's own hard-line words", dims=("side",)),
    Parameter("reply_base", pz.Normal(0.0, 1.0), "log-odds", "judgement",
        "log-odds that a reply to an offer is no rejection in the first round"),
    Parameter("price_discovery", pz.Normal(0.0, 0.5), "log-odds per log round", "C54",
        "rise of the log-odds that a reply is no rejection with the rounds held"),
    Parameter("sanction_base", pz.Normal(-2.0, 1.0), "log hazard per week", "judgement",
        "hazard of a sanction without recent talks"),
    Parameter("talks_defer", pz.Normal(0.0, 0.5), "log hazard ratio", "C27",
        "hazard of a sanction after recent talks against without"),
    Parameter("walkout_base", pz.Normal(-3.0, 1.0), "log hazard per week", "C25; judgement",
        "hazard that talks which could be are cancelled"),
)  # fmt: skip


def hardline_kept(structure: Structure) -> float:
    """Return the share of the decaying sum of hard-line words that a period keeps."""
    return float(KEPT**structure.step_weeks)


def hardline_decayed(columns: Columns, structure: Structure) -> Array:
    """Return the decaying sum of a side's own hard-line words as of t-1, (..., side, time)."""
    words = np.asarray(columns["hardline"], dtype=float)
    kept = hardline_kept(structure)
    drift = (1.0 - kept) * np.concatenate([0.0 * words[..., :1], words[..., :-1]], axis=-1)
    return recur(np, np.full_like(drift, kept), drift, 0.0 * drift, np.zeros(drift.shape[:-1]))


def concession(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log-odds of an offer or concession, (..., side, time).

    Reads ``hardline_decayed`` of `columns` where it is there, as in a simulation of one period.
    """
    decayed = columns.get("hardline_decayed")
    if decayed is None:
        decayed = hardline_decayed(columns, structure)
    waiting = (4.0 * params["wait_value"])[..., None, None] * (columns["p_lag"] - 0.5)
    held = params["audience_hold"][..., None] * decayed
    return params["concession_base"][..., None] - waiting - held


def reply(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log-odds that a reply to an offer is no rejection, (..., time)."""
    discovery = params["price_discovery"][..., None] * columns["round_number"]
    return params["reply_base"][..., None] + discovery


def sanction(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard of a sanction in each period, (..., time)."""
    hazard = params["sanction_base"][..., None] + np.log(structure.step_weeks)
    return hazard + params["talks_defer"][..., None] * columns["talks_recent"]


def walkout(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard that talks are cancelled in each period, (..., time)."""
    hazard = params["walkout_base"][..., None] + np.log(structure.step_weeks)
    return hazard + 0.0 * columns["walkout_at_risk"]


FACTORS = (
    Factor("concession", ("concession_base", "wait_value", "audience_hold"), "bernoulli_logit",
        concession, lambda c: Seen(c["concession"], c["concession_seen"]), couples=("wait_value",)),
    Factor("reply", ("reply_base", "price_discovery"), "binomial_logit", reply,
        lambda c: Seen(c["reply_yes"], c["active"], c["reply_yes"] + c["reply_no"])),
    Factor("sanction", ("sanction_base", "talks_defer"), "cloglog", sanction,
        lambda c: Seen(c["sanction"], c["sanction_seen"])),
    Factor("walkout", ("walkout_base",), "cloglog", walkout,
        lambda c: Seen(c["walkout"], c["walkout_at_risk"])),
)  # fmt: skip
log_likelihood, rates = explained(FACTORS)
