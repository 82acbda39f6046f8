"""Reciprocity: strikes answer strikes, in number and in severity (a Hawkes process in periods).

Actions by severity leave a mark, the decaying sum of marks draws replies, and replies are
multiplied by what tempers or heats them. Weights of certainty, warned actions, walk-outs and
hotlines are parameters of `accidents` and `truce`. Beliefs enter as the filtered mean of the period
before.

The mean log severity of the actions of a day answers that of the rival's actions of the three
periods before; a day of n actions tells n times as much about it. The normal density is not cut off
at the bounds of the scale. A simulator's state has ``decayed`` in place of the past, which
`next_decayed` carries on. MODEL section 2.10; Hawkes (1971). Claims C19 (tempo), C20
(proportionality), C22 (valve), C44 (truce), C45 (gain), C46 (pauses).
"""

from typing import Any

import numpy as np

from beliefs.features.steps import Floats
from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Factor, Names, Parameter, Params, bounded_exp
from beliefs.model.numerics.recurrence import recur
from beliefs.model.observation import columns_of, log_density
from beliefs.model.structure import Columns, Structure

PLACE = 1
MIDDLE = 3.0  # the severity that counts as one action
LOG_LEVELS = np.log(np.arange(1.0, 6.0) / MIDDLE)

_STRIKES = (
    "strike_base", "instrument_rate", "log_dispersion", "log_excite_own", "log_excite_cross",
    "log_decay", "severity_power", "valve", "valve_pressure", "talk_strike_tempo", "truce_gain",
    "pause_overshoot", "certainty_widening", "warning_effect", "walkout_noise", "hotline_effect",
)  # fmt: skip
_SEVERITY = ("severity_base", "log_severity_spread", "proportionality")
_SIDES = ("strikes_A", "strikes_B")

FACTORS = (
    *(
        Factor(name, _STRIKES, "negbin_log", couples=("certainty_widening",), shared=True)
        for name in _SIDES
    ),
    Factor("severity", _SEVERITY, "normal", bases=2),
)

PARAMETERS = (
    Parameter("strike_base", pz.Normal(-0.5, 1.0), "log actions per day", "judgement",
        "rate of actions of force that answer no earlier one", dims=("side", "phase")),
    Parameter("instrument_rate", pz.Normal(0.0, 0.4), "log ratio",
        "counts by different ways of counting are not comparable; width is judgement",
        "how much more a way of counting finds than the first one", dims=("instrument",)),
    Parameter("log_dispersion", pz.Normal(1.1, 0.7), "log of actions",
        "MODEL section 2; at infinity counts are Poisson",
        "log size of the negative binomial of counts", null=float("inf")),
    Parameter("log_excite_own", pz.Normal(-2.0, 1.0), "log actions per action",
        "Hawkes (1971); width is judgement", "own actions that one of severity 3 draws after it",
        null=float("-inf")),
    Parameter("log_excite_cross", pz.Normal(-1.5, 1.0), "log actions per action",
        "C45; Hawkes (1971); width is judgement", "replies to a rival's action of severity 3",
        dims=("side",), null=float("-inf")),
    Parameter("log_decay", pz.Normal(-1.05, 0.5), "log per day", "judgement",
        "how fast an action is answered; at the mean half of the replies come within two days"),
    Parameter("severity_power", pz.Normal(1.0, 0.4), "power", "judgement",
        "how much more a severe action is answered; at 0 every action counts alike"),
    Parameter("severity_base", pz.Normal(0.0, 0.4), "log of severity / 3", "judgement",
        "severity of an action that answers none, or one of severity 3", dims=("side",)),
    Parameter("log_severity_spread", pz.Normal(-0.9, 0.4), "log of log severity", "judgement",
        "spread of the log severity of a single action"),
    Parameter("proportionality", pz.Normal(0.5, 0.5), "elasticity", "C20",
        "share of the log severity of a provocation that the reply takes over"),
    Parameter("valve", pz.Normal(0.0, 0.3), "log rate per log action", f"C22; {LEARNT}",
        "how far own recent actions spare new ones"),
    Parameter("valve_pressure", pz.Normal(0.0, 0.3), "log rate per sd", f"C22; {LEARNT}",
        "how far pressure at home adds actions"),
    Parameter("talk_strike_tempo", pz.Normal(0.0, 0.5), "log rate", f"C19; {LEARNT}",
        "change of the rate while talks are held"),
    Parameter("truce_gain", pz.Normal(-0.5, 0.4), "log multiplier of replies", "C44",
        "how much more, or less, an action is answered in a truce"),
    Parameter("pause_overshoot", pz.Normal(0.0, 0.4), "log multiplier of replies", f"C46; {LEARNT}",
        "how much more an action is answered after a full pause"),
)  # fmt: skip


def mark(xp: Any, params: Params, by_severity: Array, warned: Array) -> Array:
    """Return what actions count for in what they draw, in actions of severity 3, (..., side, time).

    Actions by severity 1 to 5, and those of them that were announced, are (..., side, 5, time).
    """
    power = bounded_exp(xp, params["severity_power"][..., None, None, None] * LOG_LEVELS)
    extra = xp.expm1(params["warning_effect"][..., None, None])
    return (power @ by_severity)[..., 0, :] + extra * (power @ warned)[..., 0, :]


def kept(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the share of a decaying sum that is left after a period, (...)."""
    return xp.exp(-7.0 * structure.step_weeks * bounded_exp(xp, params["log_decay"]))


def next_decayed(before: Array, marks: Array, share: Array) -> Array:
    """Return the decaying sum one period on, from that of a period and the marks made in it."""
    return share * before + (1.0 - share) * marks


def decayed(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the decaying sum of actions before each period, (..., side, time)."""
    marks = mark(xp, params, columns["strike_by_severity"], columns["warned_by_severity"])
    share = kept(xp, params, structure)[..., None, None]
    fresh = (1.0 - share) * marks
    late = xp.concatenate([xp.zeros_like(fresh[..., :1]), fresh[..., :-1]], axis=-1)
    return recur(xp, share, late, 0.0 * late, np.zeros(2))


def background(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the rate of actions that answer none, per period, (..., side, time)."""
    ratio = (params["instrument_rate"][..., None, :] @ columns["instrument_on"])[..., 0, :]
    tempo = params["talk_strike_tempo"][..., None] * columns["talks"]
    log_rate = (
        params["strike_base"] @ columns["phase_on"]
        + (ratio + tempo)[..., None, :]
        + params["valve_pressure"][..., None, None] * columns["pressure_home"]
        - params["valve"][..., None, None] * columns["own_recent"]
    )
    return 7.0 * structure.step_weeks * bounded_exp(xp, log_rate)


def reply(xp: Any, params: Params, columns: Columns, left: Array) -> Array:
    """Return the rate of replies per period to what is `left`, both (..., side, time)."""
    temper = (
        params["truce_gain"][..., None] * columns["truce"]
        + params["pause_overshoot"][..., None] * columns["pause"]
        + params["hotline_effect"][..., None] * columns["hotline"]
        + params["walkout_noise"][..., None] * columns["walkout_fresh"]
    )[..., None, :]
    own = bounded_exp(xp, params["log_excite_own"])[..., None, None]
    cross = bounded_exp(xp, params["log_excite_cross"])[..., None]
    return (own * left + cross * left[..., ::-1, :]) * bounded_exp(xp, temper)


def log_rate(xp: Any, params: Params, columns: Columns, structure: Structure, left: Array) -> Array:
    """Return the log of expected actions per period given what is `left`, (..., side, time)."""
    rate = background(xp, params, columns, structure) + reply(xp, params, columns, left)
    widening = params["certainty_widening"][..., None] * (columns["p_lag_min"] - 0.5)
    return xp.log(rate) + widening[..., None, :]


def size_of(xp: Any, params: Params) -> Array:
    """Return the size of the negative binomial of counts, (...)."""
    return bounded_exp(xp, params["log_dispersion"])


def severity_mean(params: Params, columns: Columns) -> Array:
    """Return the expected log of severity / 3 of actions, (..., side, time)."""
    answer = columns["provocation"] * columns["provoked"]
    return params["severity_base"][..., None] + params["proportionality"][..., None, None] * answer


def severity_density(xp: Any, params: Params, columns: Columns) -> Array:
    """Return the log density of the mean log severity of a period's actions, (..., side, time)."""
    count = columns["strike_count"]
    narrower = 0.5 * np.log(np.maximum(count, 1.0))
    log_spread = params["log_severity_spread"][..., None, None] - narrower
    miss = (columns["severity_log"] - severity_mean(params, columns)) * xp.exp(-log_spread)
    density = -0.5 * float(np.log(2.0 * np.pi)) - log_spread - 0.5 * miss * miss
    return density * (count > 0.0)


def drawn_severity(params: Params, mean: Floats, count: Floats, normal: Floats) -> Floats:
    """Return the severity a side's actions share, of mean log, number and normal draws, (N, 2)."""
    spread = np.exp(params["log_severity_spread"])[..., None] / np.sqrt(np.maximum(count, 1.0))
    severity: Floats = np.clip(np.rint(MIDDLE * np.exp(mean + spread * normal)), 1.0, 5.0)
    return severity


def log_likelihood(
    xp: Any, params: Params, columns: Columns, structure: Structure, names: Names = None
) -> dict[str, Array]:
    """Return the log probability of counts and of severities by factor, each (..., time)."""
    seen = columns["strikes_seen"]
    out: dict[str, Array] = {}
    if names is None or set(_SIDES) & set(names):
        eta = log_rate(xp, params, columns, structure, decayed(xp, params, columns, structure))
        size = size_of(xp, params)
        counts = log_density(xp, "negbin_log", columns["strike_count"], eta, size) * seen
        out |= {name: counts[..., i, :] for i, name in enumerate(_SIDES)}
    if names is None or "severity" in names:
        density = severity_density(xp, params, columns) * seen
        out["severity"] = density[..., 0, :] + density[..., 1, :]
    return {n: v for n, v in out.items() if names is None or n in names}


def rates(
    params: Params, state: Columns, structure: Structure, names: Names = None
) -> dict[str, Array]:
    """Return the linear predictors of one period: strikes of each side (N,), severity (N, 2)."""
    now = columns_of(state)
    out: dict[str, Array] = {}
    if names is None or set(_SIDES) & set(names):
        eta = log_rate(np, params, now, structure, now["decayed"])
        out |= {name: eta[..., i, 0] for i, name in enumerate(_SIDES)}
    if names is None or "severity" in names:
        out["severity"] = severity_mean(params, now)[..., 0]
    return {n: v for n, v in out.items() if names is None or n in names}


def gain(xp: Any, params: Params, mean_mark: Array = 1.0) -> Array:
    """Return how many actions one action draws directly, over both sides, outside a truce, (...).

    The largest eigenvalue of who excites whom: above 1 exchanges feed themselves. `mean_mark` is
    what an action counts for on average, in ones of severity 3.
    """
    cross = 0.5 * params["log_excite_cross"].sum(axis=-1)
    return (xp.exp(params["log_excite_own"]) + xp.exp(cross)) * mean_mark
