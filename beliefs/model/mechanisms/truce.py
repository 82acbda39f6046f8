"""Truce: breach, collapse and resolution of a truce spell, and zones that are to be spared.

Hazards of breach and of collapse are Weibull in the age of the chain of truces. Level and shape of
collapse are those of mutual ceasefires in civil conflicts of 1989 to 2020
(``scripts/pool_truces.py``). A truce that collapses is not resolved. A breach is an action of a
force of one side against the other's own actors; it is not yet a collapse. Ways of counting have
their own ratios here, as in `accidents`. Beliefs enter as the mean of the period before
(`beliefs.inference.smc.blocks`). MODEL section 2.12; claims C30 (shelf life), C31, C34 (deadline),
C37 (ninety-six quiet hours), C40 (attribution), C47 (hotline), C48 (zones), C52 (concessions).
"""

from typing import Any

import numpy as np

from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Factor, Parameter, Params, Seen
from beliefs.model.observation import explained
from beliefs.model.pooled import normal_of
from beliefs.model.structure import PHASES, Columns, Structure

PLACE = 4
COLLAPSED, RESOLVED = 1, 2  # values of the column truce_end
_LOG_WEEK, _RATIO = "log hazard per week", "log hazard ratio"
WAR = PHASES.index("war")
TINY = 1e-200  # keeps a logarithm finite
_CEASEFIRES = "mutual ceasefires of civil conflicts, pooled (data/pooled)"


PARAMETERS = (
    Parameter("breach_base", pz.Normal(-1.4, 1.0), _LOG_WEEK,
        "judgement: any breach in 14 days about as likely as not",
        "hazard of a breach over the first week of a truce"),
    Parameter("collapse_base", normal_of("truces", "collapse_base"), _LOG_WEEK, _CEASEFIRES,
        "hazard that a truce collapses over its first week"),
    Parameter("collapse_shape", normal_of("truces", "collapse_shape"), "log of the Weibull shape",
        _CEASEFIRES, "how the hazard of collapse changes with age; below 0 it falls"),
    Parameter("resolve_base", pz.Normal(-2.5, 1.0), _LOG_WEEK, "judgement",
        "hazard that a truce spell is extended or becomes a deal"),
    Parameter("shelf_life", pz.Normal(0.0, 0.3), "log of the Weibull shape", "C30",
        "how the hazard of a breach changes with age; above 0 it rises"),
    Parameter("breach_memory", pz.Normal(0.0, 0.5), f"{_RATIO} per log breach", LEARNT,
        "change of the hazards of breach and collapse by the breaches of the truce so far"),
    Parameter("quiet_for_quiet", pz.Normal(0.0, 0.5), _RATIO, "C37",
        "fall of the hazard of a breach once the first four days were quiet"),
    Parameter("deadline_effect", pz.Normal(0.0, 1.5), _RATIO, "C34",
        "rise of the hazard of resolution in the last days of a truce spell"),
    Parameter("breach_to_collapse", pz.Normal(0.5, 0.5), _RATIO, "judgement",
        "rise of the hazard of collapse in the period of a breach"),
    Parameter("attribution_gap", pz.Normal(0.0, 1.0), f"{_RATIO} per open action", "C40",
        "rise of the hazard of collapse while an action is unattributed"),
    Parameter("renewal_effect", pz.Normal(0.0, 0.5), f"{_RATIO} per concession", "C52",
        "how a broken named concession raises collapse and lowers resolution"),
    Parameter("hotline_effect", pz.Normal(0.0, 0.5), _RATIO, "C47",
        "change of replies and of the hazard of collapse while a hotline is in force"),
    Parameter("belief_breach", pz.Normal(0.0, 1.0), f"{_RATIO} per unit of the lower belief", "C31",
        "how the hazard of a breach follows the lower of both beliefs"),
    Parameter("zone_base", pz.Normal(-1.5, 1.0), "log actions per day", "judgement",
        "rate of actions in a zone out of war", dims=("zone",)),
    Parameter("zone_war", pz.Normal(0.5, 0.5), "log ratio", "judgement",
        "rate of actions in a zone in war against other times"),
    Parameter("zone_instrument", pz.Normal(0.0, 0.4), "log ratio",
        "SOURCES: counts of different sources are not comparable",
        "rate of actions in a zone by one way of counting against the first", dims=("instrument",)),
    Parameter("zone_effect", pz.Normal(0.0, 0.5), "log ratio", "C48",
        "rate of actions in a zone while a rule spares it"),
    Parameter("zone_displacement", pz.Normal(0.0, 0.3), "log ratio", "C48",
        "rate of actions in the other zones while one is spared"),
)  # fmt: skip


def past(xp: Any, params: Params, columns: Columns, structure: Structure, log_form: Array) -> Array:
    """Return what a truce's past adds to the log of the hazard of a period, (..., time).

    Of a Weibull hazard in its age what it sums up to over the period; in the first week to one.
    """
    shape, age = xp.exp(log_form)[..., None], xp.maximum(columns["truce_age"], 1.0)
    young = xp.log(xp.maximum(1.0 - 1.0 / age, TINY))  # log of the share that lies before
    # a^s - (a - 1)^s, written so that it is exactly 1 at shape 1.
    summed = (shape - 1.0) * xp.log(age) + xp.log(xp.expm1(shape * young) / xp.expm1(young))
    broken = params["breach_memory"][..., None] * columns["breaches_past"]
    return shape * np.log(structure.step_weeks) + summed + broken


def breach(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard of a breach in each period of truce, (..., time)."""
    return (
        params["breach_base"][..., None]
        + past(xp, params, columns, structure, params["shelf_life"])
        - params["quiet_for_quiet"][..., None] * columns["quiet_passed"]
        + params["belief_breach"][..., None] * (columns["p_lag_min"] - 0.5)
    )


def collapse(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard of collapse, breaches of the same period given, (..., time)."""
    pressed = params["attribution_gap"][..., None] * columns["spoiler_open"]
    pressed = pressed + params["renewal_effect"][..., None] * columns["concession_broken"]
    pressed = pressed + params["hotline_effect"][..., None] * columns["hotline"]
    pressed = pressed + params["breach_to_collapse"][..., None] * columns["breach"]
    pressed = pressed + past(xp, params, columns, structure, params["collapse_shape"])
    return params["collapse_base"][..., None] + pressed


def resolve(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard that a truce is extended or becomes a deal, (..., time)."""
    return (
        params["resolve_base"][..., None]
        + np.log(structure.step_weeks)
        + params["deadline_effect"][..., None] * columns["at_deadline"]
        - params["renewal_effect"][..., None] * columns["concession_broken"]
    )


def zones(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log mean number of actions by zone, (..., zone, time)."""
    common = params["zone_war"][..., None] * columns["phase_on"][..., WAR, :]
    ratio = (params["zone_instrument"][..., None, :] @ columns["instrument_on"])[..., 0, :]
    common = common + ratio + np.log(7.0 * structure.step_weeks)
    spared = params["zone_effect"][..., None, None] * columns["zone_rule"]
    near = params["zone_displacement"][..., None, None] * columns["zone_near"]
    return params["zone_base"][..., None] + common[..., None, :] + spared + near


FACTORS = (
    Factor("breach",
        ("breach_base", "shelf_life", "breach_memory", "quiet_for_quiet", "belief_breach"),
        "cloglog", breach, lambda c: Seen(c["breach"], c["truce_seen"]),
        couples=("belief_breach",), shared=True),
    Factor("collapse",
        ("collapse_base", "collapse_shape", "breach_memory", "attribution_gap", "renewal_effect",
         "hotline_effect", "breach_to_collapse"), "cloglog", collapse,
        lambda c: Seen(1.0 * (c["truce_end"] == COLLAPSED), c["ends_seen"]), shared=True),
    Factor("resolve", ("resolve_base", "deadline_effect", "renewal_effect"), "cloglog", resolve,
        lambda c: Seen(1.0 * (c["truce_end"] == RESOLVED),
            c["ends_seen"] * (1.0 - 1.0 * (c["truce_end"] == COLLAPSED))), shared=True),
    Factor("zones",
        ("zone_base", "zone_war", "zone_instrument", "zone_effect", "zone_displacement"),
        "poisson_log", zones, lambda c: Seen(c["zone_count"], c["zone_seen"])),
)  # fmt: skip
log_likelihood, rates = explained(FACTORS)
