r"""Accidents: what widens incidents without anyone's order, and who acts that no order reaches.

Four parameters enter the rate of strikes, which stands in `reciprocity`: certainty on both sides
(``certainty_widening``), announced acts (``warning_effect``) and cancelled talks
(``walkout_noise``). The others have observables of their own. In a truce, acts are a third party's
rather than a side's own with log-odds

.. math:: broken^{other}_t \sim \mathrm{Binomial}(broken^{own}_t + broken^{other}_t,
          \mathrm{logistic}(exogenous))

forces that are not a side's own, of whom it is held to answer for, keep quiet for a day with
probability :math:`c_i = \mathrm{logistic}(command_i)`,

.. math:: disobeyed_{it} \sim \mathrm{Bernoulli}(1 - c_i^{7w}),

and powers outside the talks act more, or less, in war and near a deal:

.. math:: excluded_t \sim \mathrm{Poisson}\left(7 w \exp(base + instrument
          + war_t\, exclusion_{war} + deal^{near}_t\, exclusion_{strikes})\right)

Ways of counting have their own ratios here: these acts may be among the strikes of a side, and must
not teach the ratio of strikes a second time.

For a simulator: `rates` gives ``cause`` (N,) (binomial_logit), ``command`` (N, 2) (cloglog) and
``excluded`` (N,) (poisson_log). Keys of its state: ``phase_on`` (N, 3), ``instrument_on``
(N, instrument), ``deal_near`` (N,). N may be absent.

Claims C12, C21, C28, C31, C32, C43. Source: MODEL section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.model import distributions as pz
from beliefs.model.contract import Array, Factor, Parameter, Params
from beliefs.model.scoring import Observables, Seen
from beliefs.model.structure import PHASES, Columns, Structure

__all__ = [
    "FACTORS",
    "NAME",
    "command",
    "control_day",
    "excluded",
    "log_likelihood",
    "parameters",
    "rates",
]

NAME = "accidents"
WAR = PHASES.index("war")

FACTORS = (
    Factor(
        "cause", NAME, ("exogenous_disruption",), ("exogenous_disruption",),
        family="binomial_logit",
    ),
    Factor("command", NAME, ("command_control",), ("command_control",), family="cloglog"),
    Factor(
        "excluded", NAME, ("exclusion_base",),
        ("exclusion_base", "exclusion_war", "exclusion_strikes", "exclusion_instrument"),
        family="poisson_log",
    ),
)  # fmt: skip


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare what widens incidents, control over forces, and acts of excluded powers."""
    return (
        Parameter(
            "certainty_widening", (), pz.Normal(0.0, 1.0), 0.0, "log rate per unit of probability",
            "C12; symmetric so that the sign is learnt",
            "how much more acts there are when even the less certain side is certain",
        ),
        Parameter(
            "warning_effect", (), pz.Normal(0.0, 0.5), 0.0, "log weight",
            "C21; symmetric so that the sign is learnt",
            "what an announced act counts for in what it draws, against one not announced",
        ),
        Parameter(
            "walkout_noise", (), pz.Normal(0.0, 0.5), 0.0, "log multiplier of replies",
            "C28; symmetric so that the sign is learnt",
            "how much more acts are answered after cancelled talks",
        ),
        Parameter(
            "exogenous_disruption", (), pz.Normal(0.0, 1.0), 0.0, "log-odds",
            "C31; symmetric so that the sign is learnt",
            "log-odds that an act in a truce is by a third party rather than by a side's own",
        ),
        Parameter(
            "command_control", ("side",), pz.Normal(3.0, 1.5), 0.0, "log-odds", "C32; judgement",
            "log-odds that forces not a side's own keep quiet for a day of truce",
        ),
        Parameter(
            "exclusion_base", (), pz.Normal(-1.0, 1.0), 0.0, "log acts per day", "judgement",
            "acts of powers outside the talks",
        ),
        Parameter(
            "exclusion_instrument", ("instrument",), pz.Normal(0.0, 0.4), 0.0, "log ratio",
            "counts by different ways of counting are not comparable; width is judgement",
            "how many more of them a way of counting finds than the first one",
        ),
        Parameter(
            "exclusion_war", (), pz.Normal(0.7, 0.5), 0.0, "log ratio", "judgement",
            "how much more of them there are in war",
        ),
        Parameter(
            "exclusion_strikes", (), pz.Normal(0.0, 0.5), 0.0, "log ratio",
            "C43; symmetric so that the sign is learnt",
            "how much more of them there are near a deal",
        ),
    )  # fmt: skip


def command(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the log hazard per period that a side's forces not its own act, (..., side)."""
    # Minus the log probability of a quiet day, seven a week.
    return xp.log(7.0 * structure.step_weeks * xp.logaddexp(0.0, -params["command_control"]))


def control_day(xp: Any, params: Params) -> Array:
    """Return the probability that forces not a side's own keep quiet for a day, (..., side)."""
    return xp.exp(-xp.logaddexp(0.0, -params["command_control"]))


def excluded(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log of the expected acts of excluded powers per period, (..., time)."""
    ratio = (params["exclusion_instrument"][..., None, :] @ columns["instrument_on"])[..., 0, :]
    return (
        params["exclusion_base"][..., None]
        + float(np.log(7.0 * structure.step_weeks))
        + ratio
        + params["exclusion_war"][..., None] * columns["phase_on"][..., WAR, :]
        + params["exclusion_strikes"][..., None] * columns["deal_near"]
    )


def _cause(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    return params["exogenous_disruption"][..., None]


def _command(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    return command(xp, params, structure)[..., None]


def _seen(name: str, columns: Columns) -> Seen:
    """Return what was seen of a factor, where, and out of how many."""
    truce = columns["truce_seen"]
    if name == "cause":
        acts = columns["breach_own"] + columns["breach_other"]
        return Seen(columns["breach_other"], truce, acts)
    if name == "command":
        return Seen(columns["disobeyed"], columns["command_seen"] * truce)
    return Seen(columns["excluded_count"], columns["excluded_seen"])


_OBSERVED = Observables(
    FACTORS, {"cause": _cause, "command": _command, "excluded": excluded}, _seen
)
log_likelihood, rates = _OBSERVED.log_likelihood, _OBSERVED.rates
