"""Readings: noisy measurements of a belief, by channel.

Actions (and market prices) have bias 0 and so anchor location and scale; private signals have a
constant bias per side; public ones the projection of `domestic`. What is said for an audience is
noisier than what is done (Katagiri and Min 2019), hence the ordered spreads. Coded signals run from
-2 to 2 in halves and are treated as continuous. MODEL section 2.4; claims C01, C10.
"""

from typing import Any

import numpy as np

from beliefs.model import priors as pz
from beliefs.model.contract import Array, Factor, Parameter, Params
from beliefs.model.mechanisms import domestic
from beliefs.model.structure import Columns, Structure

PLACE = 3
NU = 4.0
_LOG_STUDENT4 = float(np.log(3.0 / 8.0))  # density of the standard t with 4 degrees at 0

PARAMETERS = (
    Parameter("log_reading_step", pz.Normal(-0.9, 0.5), "log of log-odds",
        "Katagiri and Min (2019) for the order; size is judgement",
        "log growth of reading spread from one channel to the next noisier one", dims=("channel",)),
    Parameter("private_bias", pz.Normal(0.0, 0.25), "log-odds", "judgement",
        "what a side adds to its belief in private signals", dims=("side",)),
)  # fmt: skip


def spread(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the scale of each channel, (..., channel): a cumulative sum of positive steps."""
    steps = xp.exp(params["log_reading_step"])
    scales = [steps[..., 0]]
    for c in range(1, len(structure.channels)):
        scales.append(scales[-1] + steps[..., c])
    return xp.stack(scales, axis=-1)


def bias(xp: Any, params: Params, columns: Columns, belief: Array) -> Array:
    """Return the bias of every reading given the belief behind it, (..., reading)."""
    side = columns["cell_side"]
    private = params["private_bias"][..., side] * columns["cell_private"]
    return private + domestic.projection(xp, params, belief, side) * columns["cell_public"]


def _behind(xp: Any, columns: Columns, belief: Array) -> Array:
    """Return the belief behind every reading, (..., reading)."""
    lead = tuple(belief.shape[k] for k in range(belief.ndim - 2))
    place = columns["cell_side"] * belief.shape[-1] + columns["cell_time"]
    return xp.reshape(belief, (*lead, -1))[..., place]


def gaussian_summary(
    xp: Any, params: Params, columns: Columns, structure: Structure
) -> tuple[Array, Array]:
    """Return all readings of a period as roughly one Gaussian: value, precision, (..., side, time).

    Precision is the Fisher information of the t density; public projection is taken as at work.
    """
    information = (NU + 1.0) / (NU + 3.0) / spread(xp, params, structure) ** 2
    one, value, precision = 1.0 + 0.0 * params["private_bias"], 0.0, 0.0
    for c, kind in enumerate(structure.channel_bias):
        shift, slope = {
            "anchor": (0.0 * one, one),
            "private": (params["private_bias"], one),
            "public": (xp.maximum(params["projection_level"], 0.0), one - params["projection"]),
        }[kind]
        weight = information[..., c, None, None] * columns["reading_seen"][..., c, :]
        weight = weight * slope[..., None]
        value = value + weight * (columns["reading"][..., c, :] - shift[..., None])
        precision = precision + weight * slope[..., None]
    return value / xp.maximum(precision, 1e-12), precision


def log_shape(xp: Any, z: Array) -> Array:
    """Return the log density of readings of scale 1 that miss belief and bias by `z`."""
    return _LOG_STUDENT4 - 0.5 * (NU + 1.0) * xp.log1p(z**2 / NU)


def pull(miss: Array, scale: Array) -> Array:
    """Return the precision of a Gaussian that pulls as hard: minus slope of log density by miss."""
    return (NU + 1.0) / (NU * scale**2 + miss**2)


def log_likelihood(
    xp: Any, params: Params, columns: Columns, belief: Array, structure: Structure
) -> Array:
    """Return the log density of every reading, (..., reading)."""
    scale = spread(xp, params, structure)[..., columns["cell_channel"]]
    behind = _behind(xp, columns, belief)
    miss = columns["cell_value"] - behind - bias(xp, params, columns, behind)
    return log_shape(xp, miss / scale) - xp.log(scale)


FACTORS = (
    Factor("reading", tuple(p.name for p in PARAMETERS), "student_t", block="belief",
        density=lambda xp, p, c, s, paths: log_likelihood(xp, p, c, paths.logit_belief, s)),
)  # fmt: skip


def simulate(
    rng: np.random.Generator, params: Params, columns: Columns, belief: Array, structure: Structure
) -> Array:
    """Draw every reading anew, (..., reading)."""
    behind = _behind(np, columns, belief)
    centre = behind + bias(np, params, columns, behind)
    scale = spread(np, params, structure)[..., columns["cell_channel"]]
    return centre + scale * rng.standard_t(NU, size=centre.shape)
