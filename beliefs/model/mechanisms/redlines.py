"""Red lines: of the actions that touch a declared line, how many cross it.

An action touches a line when it is coded to it, and crosses it from the severity on that the study
declares. MODEL section 2.11; claim C24.
"""

import numpy as np

from beliefs.features.steps import Bools, Floats
from beliefs.model import priors as pz
from beliefs.model.contract import Factor, Parameter, Seen
from beliefs.model.observation import explained

PLACE = 3

PARAMETERS = (
    Parameter("crossing", pz.Normal(-2.2, 1.5), "log-odds", "C24; judgement",
        "log-odds that an action at a declared line goes beyond it", dims=("side",)),
)  # fmt: skip
FACTORS = (
    Factor("crossing", ("crossing",), "binomial_logit",
        lambda xp, params, columns, structure: params["crossing"][..., None],
        lambda c: Seen(c["line_cross"], c["strikes_seen"], c["line_touch"])),
)  # fmt: skip
log_likelihood, rates = explained(FACTORS)


def held_below(severity: Floats, touches: Bools, crosses: Bools, level: Floats | float) -> Floats:
    """Return severities that agree with touching a line, and crossing it: from `level` on."""
    bounded = np.where(crosses, np.maximum(severity, level), np.minimum(severity, level - 1.0))
    return np.where(touches, np.maximum(bounded, 1.0), severity)
