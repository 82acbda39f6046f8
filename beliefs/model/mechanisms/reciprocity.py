r"""Reciprocity: strikes answer strikes, in number and in severity (a Hawkes process in periods).

Side i, rival j, w the length of a period in weeks. Acts by severity k leave a mark, marks a trace,
traces replies; replies are multiplied by what tempers or heats them:

.. math::
    mark_{jt} = \sum_k (k/3)^\zeta \left(n_{jkt} + (e^{warning} - 1)\, n^{warned}_{jkt}\right)

    h_{jt} = \kappa h_{j,t-1} + (1 - \kappa)\, mark_{j,t-1},
    \qquad \kappa = \exp(-7 w\, e^{log\_decay})

    reply_{it} = (e^{own} h_{it} + e^{cross_i} h_{jt})
        \exp(gain\, truce_t + overshoot\, pause_t + hotline_t + noise\, walkout_t)

    \mu_{it} = 7 w \exp(base_{i,phase} + instrument + pressure\, home_{it} + tempo\, talks_t
        - valve\, recent_{it})

    n_{it} \sim \mathrm{NegBin}\left(
        (\mu_{it} + reply_{it})\, e^{\chi (\min_i p_{i,t-1} - 1/2)},\ e^{log\_dispersion}\right)

The kernel sums to one, so :math:`e^{cross}` is the number of replies that an act of severity 3
draws in the end. :math:`\chi` (certainty, C12), the weight of warned acts (C21), walk-outs (C28)
and hotlines (C47) are parameters of `accidents` and `truce`. Certainty multiplies the whole rate,
replies too: what widens an incident is how it is answered. p enters as the filtered mean of the
period before (``p_lag_min``), known before the acts of t.

Of the severity of replies see `beliefs.model.severity`.

For a simulator: `rates` gives the linear predictors ``strikes_A``, ``strikes_B`` (draw with the
size `size_of`) and ``severity``, a mean that `drawn_severity` turns into severities; `next_trace`
carries h on. Keys of its state: ``trace``, ``own_recent``, ``pressure_home``, ``provocation`` and
``provoked``, each (N, 2); ``phase_on`` (N, 3), ``instrument_on`` (N, instrument); ``talks``,
``truce``, ``pause``, ``hotline``, ``walkout_fresh`` and ``p_lag_min``, each (N,). N may be absent.

Claims C19 (tempo), C20 (proportionality), C22 (valve), C44 (truce), C45 (gain), C46 (pauses).
Source: Hawkes (1971); MODEL section 2.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from beliefs.model import distributions as pz
from beliefs.model.contract import Array, Factor, Parameter, Params, bounded_exp
from beliefs.model.numerics.recurrence import recur
from beliefs.model.observation import columns_of, log_density, predictors
from beliefs.model.severity import (
    MIDDLE,
    drawn_severity,
    severity_density,
    severity_mean,
)
from beliefs.model.structure import Columns, Structure

__all__ = [
    "FACTORS",
    "MIDDLE",
    "NAME",
    "counting",
    "drawn_severity",
    "gain",
    "log_likelihood",
    "log_rate",
    "mark",
    "next_trace",
    "parameters",
    "rates",
    "severity_mean",
    "size_of",
    "trace",
]

NAME = "reciprocity"
LOG_LEVELS = np.log(np.arange(1.0, 6.0) / MIDDLE)

_STRIKES = (
    "strike_base", "instrument_rate", "log_dispersion", "log_excite_own", "log_excite_cross",
    "log_decay", "severity_power", "valve", "valve_pressure", "talk_strike_tempo", "truce_gain",
    "pause_overshoot", "certainty_widening", "warning_effect", "walkout_noise", "hotline_effect",
)  # fmt: skip
_SEVERITY = ("severity_base", "log_severity_spread", "proportionality")

FACTORS = (
    *(
        Factor(name, NAME, ("strike_base",), _STRIKES, ("certainty_widening",), True, "negbin_log")
        for name in ("strikes_A", "strikes_B")
    ),
    Factor("severity", NAME, ("severity_base", "log_severity_spread"), _SEVERITY, family="normal"),
)


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare rates of strikes, what excites them and how severe replies are."""
    return (
        Parameter(
            "strike_base", ("side", "phase"), pz.Normal(-0.5, 1.0), 0.0, "log acts per day",
            "judgement", "rate of acts of force that answer no earlier one",
        ),
        Parameter(
            "instrument_rate", ("instrument",), pz.Normal(0.0, 0.4), 0.0, "log ratio",
            "counts by different ways of counting are not comparable; width is judgement",
            "how much more a way of counting finds than the first one",
        ),
        Parameter(
            "log_dispersion", (), pz.Normal(1.1, 0.7), float("inf"), "log of acts",
            "MODEL section 2; at infinity counts are Poisson",
            "log size of the negative binomial of counts",
        ),
        Parameter(
            "log_excite_own", (), pz.Normal(-2.0, 1.0), float("-inf"), "log acts per act",
            "Hawkes (1971); width is judgement",
            "acts that an own act of severity 3 draws after it",
        ),
        Parameter(
            "log_excite_cross", ("side",), pz.Normal(-1.5, 1.0), float("-inf"),
            "log acts per act", "C45; Hawkes (1971); width is judgement",
            "replies that a rival's act of severity 3 draws",
        ),
        Parameter(
            "log_decay", (), pz.Normal(-1.05, 0.5), 0.0, "log per day", "judgement",
            "how fast an act is answered; at the mean half of the replies come within two days",
        ),
        Parameter(
            "severity_power", (), pz.Normal(1.0, 0.4), 0.0, "power", "judgement",
            "how much more a severe act is answered; at 0 every act counts alike",
        ),
        Parameter(
            "severity_base", ("side",), pz.Normal(0.0, 0.4), 0.0, "log of severity / 3",
            "judgement", "severity of an act that answers none, or one of severity 3",
        ),
        Parameter(
            "log_severity_spread", (), pz.Normal(-0.9, 0.4), 0.0, "log of log severity",
            "judgement", "spread of the log severity of a single act",
        ),
        Parameter(
            "proportionality", (), pz.Normal(0.5, 0.5), 0.0, "elasticity", "C20",
            "share of the log severity of a provocation that the reply takes over",
        ),
        Parameter(
            "valve", (), pz.Normal(0.0, 0.3), 0.0, "log rate per log act",
            "C22; symmetric so that the sign is learnt", "how far own recent acts spare new ones",
        ),
        Parameter(
            "valve_pressure", (), pz.Normal(0.0, 0.3), 0.0, "log rate per sd",
            "C22; symmetric so that the sign is learnt", "how far pressure at home adds acts",
        ),
        Parameter(
            "talk_strike_tempo", (), pz.Normal(0.0, 0.5), 0.0, "log rate",
            "C19; symmetric so that the sign is learnt", "change of the rate while talks are held",
        ),
        Parameter(
            "truce_gain", (), pz.Normal(-0.5, 0.4), 0.0, "log multiplier of replies", "C44",
            "how much more, or less, an act is answered in a truce",
        ),
        Parameter(
            "pause_overshoot", (), pz.Normal(0.0, 0.4), 0.0, "log multiplier of replies",
            "C46; symmetric so that the sign is learnt",
            "how much more an act is answered after a full pause",
        ),
    )  # fmt: skip


def mark(xp: Any, params: Params, by_severity: Array, warned: Array) -> Array:
    """Return what acts count for in what they draw, in acts of severity 3.

    Parameters
    ----------
    xp, params
        See `beliefs.model.contract`.
    by_severity, warned
        Acts by severity 1 to 5, and those of them that were announced, (..., side, 5, time).

    Returns
    -------
    Array
        Shape (..., side, time).
    """
    power = bounded_exp(xp, params["severity_power"][..., None, None, None] * LOG_LEVELS)
    extra = xp.expm1(params["warning_effect"][..., None, None])
    return (power @ by_severity)[..., 0, :] + extra * (power @ warned)[..., 0, :]


def kept(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the share of a trace that is left after a period, (...)."""
    return xp.exp(-7.0 * structure.step_weeks * bounded_exp(xp, params["log_decay"]))


def next_trace(before: Array, marks: Array, share: Array) -> Array:
    """Return the trace one period on, from that of a period and the marks made in it."""
    return share * before + (1.0 - share) * marks


def trace(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the fading trace of acts before each period, (..., side, time)."""
    marks = mark(xp, params, columns["strike_by_severity"], columns["warned_by_severity"])
    share = kept(xp, params, structure)[..., None, None]
    fresh = (1.0 - share) * marks
    late = xp.concatenate([xp.zeros_like(fresh[..., :1]), fresh[..., :-1]], axis=-1)
    return recur(xp, share, late, 0.0 * late, np.zeros(2))


def counting(params: Params, columns: Columns) -> Array:
    """Return the log ratio of the way of counting of each period to the first, (..., time)."""
    return (params["instrument_rate"][..., None, :] @ columns["instrument_on"])[..., 0, :]


def background(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the rate of acts that answer none, per period, (..., side, time)."""

    def scalar(name: str) -> Array:
        return params[name][..., None, None]

    tempo = params["talk_strike_tempo"][..., None] * columns["talks"]
    common = (counting(params, columns) + tempo)[..., None, :]
    log_rate = (
        params["strike_base"] @ columns["phase_on"]
        + common
        + scalar("valve_pressure") * columns["pressure_home"]
        - scalar("valve") * columns["own_recent"]
    )
    return 7.0 * structure.step_weeks * bounded_exp(xp, log_rate)


def reply(xp: Any, params: Params, columns: Columns, left: Array) -> Array:
    """Return the rate of replies per period to the traces `left`, both (..., side, time)."""
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
    """Return the log of the expected acts per period given the traces `left`.

    Returns
    -------
    Array
        Shape (..., side, time).
    """
    rate = background(xp, params, columns, structure) + reply(xp, params, columns, left)
    widening = params["certainty_widening"][..., None] * (columns["p_lag_min"] - 0.5)
    return xp.log(rate) + widening[..., None, :]


def size_of(xp: Any, params: Params) -> Array:
    """Return the size of the negative binomial of counts, (...)."""
    return bounded_exp(xp, params["log_dispersion"])


def log_likelihood(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    names: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return the log probability of counts and of severities by factor, each (..., time)."""
    seen = columns["strikes_seen"]
    out: dict[str, Array] = {}
    if names is None or {"strikes_A", "strikes_B"} & set(names):
        eta = log_rate(xp, params, columns, structure, trace(xp, params, columns, structure))
        size = size_of(xp, params)
        counts = log_density(xp, "negbin_log", columns["strike_count"], eta, size) * seen
        out |= {"strikes_A": counts[..., 0, :], "strikes_B": counts[..., 1, :]}
    if names is None or "severity" in names:
        density = severity_density(xp, params, columns) * seen
        out["severity"] = density[..., 0, :] + density[..., 1, :]
    return {n: v for n, v in out.items() if names is None or n in names}


def rates(
    params: Params, state: Columns, structure: Structure, names: Collection[str] | None = None
) -> dict[str, Array]:
    """Return the linear predictors of one period.

    ``strikes_A``, ``strikes_B`` (N,), family negbin_log; ``severity`` (N, 2), the expected log of
    severity / 3.
    """
    now = columns_of(state)
    out: dict[str, Array] = {}
    if names is None or {"strikes_A", "strikes_B"} & set(names):
        eta = log_rate(np, params, now, structure, now["trace"])
        out |= {"strikes_A": eta[..., 0, :], "strikes_B": eta[..., 1, :]}
    if names is None or "severity" in names:
        out["severity"] = severity_mean(params, now)
    return predictors({n: v for n, v in out.items() if names is None or n in names})


def gain(xp: Any, params: Params, mean_mark: Array = 1.0) -> Array:
    """Return how many acts one act draws directly, over both sides, outside a truce, (...).

    The largest eigenvalue of who excites whom: above 1 exchanges feed themselves. In a truce it
    is exp(truce_gain) times as large.

    Parameters
    ----------
    xp, params
        See `beliefs.model.contract`.
    mean_mark
        What an act counts for on average, in acts of severity 3.
    """
    cross = 0.5 * params["log_excite_cross"].sum(axis=-1)
    return (xp.exp(params["log_excite_own"]) + xp.exp(cross)) * mean_mark
