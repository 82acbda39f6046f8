"""Accidents: what widens incidents without anyone's order, and who acts that no order reaches.

Certainty of both sides, announced actions and cancelled talks enter the rate of strikes, which
stands in `reciprocity`; the others have observables of their own. Ways of counting have their own
ratios here: these actions may be among the strikes of a side, and must not teach the ratio of
strikes a second time. MODEL section 2.11; claims C12, C21, C28, C31, C32, C43.
"""

from typing import Any

import numpy as np

from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Factor, Parameter, Params, Seen
from beliefs.model.observation import explained
from beliefs.model.structure import PHASES, Columns, Structure

PLACE = 2
WAR = PHASES.index("war")

PARAMETERS = (
    Parameter("certainty_widening", pz.Normal(0.0, 1.0), "log rate per unit of probability",
        f"C12; {LEARNT}",
        "how much more actions there are when even the less certain side is certain"),
    Parameter("warning_effect", pz.Normal(0.0, 0.5), "log weight", f"C21; {LEARNT}",
        "what an announced action counts for in what it draws, against one not announced"),
    Parameter("walkout_noise", pz.Normal(0.0, 0.5), "log multiplier of replies", f"C28; {LEARNT}",
        "how much more actions are answered after cancelled talks"),
    Parameter("exogenous_disruption", pz.Normal(0.0, 1.0), "log-odds", f"C31; {LEARNT}",
        "log-odds that an action in a truce is by a third party rather than by a side's own"),
    Parameter("command_control", pz.Normal(3.0, 1.5), "log-odds", "C32; judgement",
        "log-odds that forces not a side's own keep quiet for a day of truce", dims=("side",)),
    Parameter("exclusion_base", pz.Normal(-1.0, 1.0), "log actions per day", "judgement",
        "actions of powers outside the talks"),
    Parameter("exclusion_instrument", pz.Normal(0.0, 0.4), "log ratio",
        "counts by different ways of counting are not comparable; width is judgement",
        "how many more of them a way of counting finds than the first one", dims=("instrument",)),
    Parameter("exclusion_war", pz.Normal(0.7, 0.5), "log ratio", "judgement",
        "how much more of them there are in war"),
    Parameter("exclusion_strikes", pz.Normal(0.0, 0.5), "log ratio", f"C43; {LEARNT}",
        "how much more of them there are near a deal"),
)  # fmt: skip


def command(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard per period that a side's forces not its own act, (..., side, 1)."""
    # Minus the log probability of a quiet day, seven a week.
    hazard = 7.0 * structure.step_weeks * xp.logaddexp(0.0, -params["command_control"])
    return xp.log(hazard)[..., None]


def excluded(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log of the expected actions of excluded powers per period, (..., time)."""
    ratio = (params["exclusion_instrument"][..., None, :] @ columns["instrument_on"])[..., 0, :]
    return (
        params["exclusion_base"][..., None]
        + float(np.log(7.0 * structure.step_weeks))
        + ratio
        + params["exclusion_war"][..., None] * columns["phase_on"][..., WAR, :]
        + params["exclusion_strikes"][..., None] * columns["deal_near"]
    )


FACTORS = (
    Factor("cause", ("exogenous_disruption",), "binomial_logit",
        lambda xp, params, columns, structure: params["exogenous_disruption"][..., None],
        lambda c: Seen(c["breach_other"], c["truce_seen"], c["breach_own"] + c["breach_other"])),
    Factor("command", ("command_control",), "cloglog", command,
        lambda c: Seen(c["disobeyed"], c["command_seen"] * c["truce_seen"])),
    Factor("excluded",
        ("exclusion_base", "exclusion_war", "exclusion_strikes", "exclusion_instrument"),
        "poisson_log", excluded, lambda c: Seen(c["excluded_count"], c["excluded_seen"])),
)  # fmt: skip
log_likelihood, rates = explained(FACTORS)
