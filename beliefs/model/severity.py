r"""Severity of acts: replies are as severe as what provoked them, or not.

The mean log severity of the acts of a day answers that of the rival's acts of the three periods
before; a day of n acts tells n times as much about it:

.. math::
    \overline{\log(k/3)}_{it} \sim \mathrm{Normal}\left(
        severity_i + proportionality\, provocation_{it},\ e^{spread} / \sqrt{n_{it}}\right)

A day of half severities or of a study that counts severe acts only is treated alike: the normal
density is not cut off at the bounds of the scale. Parameters are those of
`beliefs.model.mechanisms.reciprocity`. Claim C20 (proportionality).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.model.contract import Array, Params
from beliefs.model.structure import Columns

__all__ = ["MIDDLE", "drawn_severity", "severity_density", "severity_mean"]

Floats = NDArray[np.float64]

MIDDLE = 3.0  # the severity that counts as one act


def severity_mean(params: Params, columns: Columns) -> Array:
    """Return the expected log of severity / 3 of acts, (..., side, time)."""
    answer = columns["provocation"] * columns["provoked"]
    return params["severity_base"][..., None] + params["proportionality"][..., None, None] * answer


def severity_density(xp: Any, params: Params, columns: Columns) -> Array:
    """Return the log density of the mean log severity of a period's acts, (..., side, time)."""
    count = columns["strike_count"]
    # The mean of n acts has a spread smaller by the root of n.
    narrower = 0.5 * np.log(np.maximum(count, 1.0))
    log_spread = params["log_severity_spread"][..., None, None] - narrower
    miss = (columns["severity_log"] - severity_mean(params, columns)) * xp.exp(-log_spread)
    density = -0.5 * float(np.log(2.0 * np.pi)) - log_spread - 0.5 * miss * miss
    return density * (count > 0.0)


def drawn_severity(params: Params, mean: Floats, count: Floats, normal: Floats) -> Floats:
    """Return the severity 1 to 5 that all acts of a side in a period share.

    Parameters
    ----------
    params
        Each (N, ...).
    mean
        Expected log of severity / 3, (N, 2).
    count
        Number of acts, (N, 2).
    normal
        Standard normal draws, (N, 2).
    """
    spread = np.exp(params["log_severity_spread"])[..., None] / np.sqrt(np.maximum(count, 1.0))
    severity: Floats = np.clip(np.rint(MIDDLE * np.exp(mean + spread * normal)), 1.0, 5.0)
    return severity
