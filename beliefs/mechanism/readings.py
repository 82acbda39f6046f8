r"""Readings: noisy looks at a belief, by channel.

.. math:: y_{ijt} \sim \mathrm{StudentT}(4,\; b_{it} + bias_{ij},\; s_j), \qquad
          s_1 < s_2 < \dots

Actions (and market prices) have bias 0 and so anchor location and scale; private signals have a
constant bias per side; public ones the projection of `domestic`. What is said for an audience is
noisier than what is done (Katagiri and Min 2019), hence the ordered spreads.

Coded signals run from -2 to 2 in halves and are treated as continuous. Claims C01, C10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.mechanism import domestic
from beliefs.mechanism.contract import Array, Parameter, Params
from beliefs.mechanism.structure import Columns, Structure

__all__ = [
    "NAME",
    "bias",
    "gaussian_summary",
    "log_likelihood",
    "parameters",
    "simulate",
    "spread",
]

NAME = "readings"
NU = 4.0
_LOG_STUDENT4 = float(np.log(3.0 / 8.0))  # density of the standard t with 4 degrees at 0


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare the spreads by channel and the bias of private signals."""
    import preliz as pz

    return (
        Parameter(
            "log_reading_step", ("channel",), pz.Normal(-0.9, 0.5), 0.0, "log of log-odds",
            "Katagiri and Min (2019) for the order; size is judgement",
            "log growth of reading spread from one channel to the next noisier one",
        ),
        Parameter(
            "private_bias", ("side",), pz.Normal(0.0, 0.25), 0.0, "log-odds", "judgement",
            "what a side adds to its belief in private signals",
        ),
    )  # fmt: skip


def spread(xp: Any, params: Params, structure: Structure) -> Array:
    """Return the scale of each channel, (..., channel): a cumulative sum of positive steps."""
    steps = xp.exp(params["log_reading_step"])
    total, out = 0.0, []
    for c in range(len(structure.channels)):
        total = total + steps[..., c]
        out.append(total)
    return xp.stack(out, axis=-1)


def bias(xp: Any, params: Params, belief: Array, structure: Structure) -> Array:
    """Return the bias by channel and time, (..., side, channel, time)."""
    flat = 0.0 * belief
    by_kind = {
        "anchor": lambda: flat,
        "private": lambda: flat + params["private_bias"][..., None],
        "public": lambda: domestic.projection(xp, params, belief),
    }
    return xp.stack([by_kind[kind]() for kind in structure.channel_bias], axis=-2)


def gaussian_summary(
    xp: Any, params: Params, columns: Columns, structure: Structure
) -> tuple[Array, Array]:
    """Return all readings of a period as one Gaussian look at belief.

    Returns
    -------
    value, precision
        Each (..., side, time). Precision is the Fisher information of the t density; the bias of
        public readings is taken at even odds. An approximation for filters and proposals.
    """
    information = (NU + 1.0) / (NU + 3.0) / spread(xp, params, structure) ** 2
    value, precision = 0.0, 0.0
    for c, kind in enumerate(structure.channel_bias):
        shift = {
            "anchor": 0.0 * params["private_bias"],
            "private": params["private_bias"],
            "public": params["projection_level"],
        }[kind][..., None]
        weight = information[..., c, None, None] * columns["reading_seen"][..., c, :]
        value = value + weight * (columns["reading"][..., c, :] - shift)
        precision = precision + weight
    return value / xp.maximum(precision, 1e-12), precision


def log_likelihood(
    xp: Any, params: Params, columns: Columns, belief: Array, structure: Structure
) -> Array:
    """Return the log density of every reading, 0 where nobody spoke, (..., side, channel, time)."""
    scale = spread(xp, params, structure)[..., None, :, None]
    centre = belief[..., :, None, :] + bias(xp, params, belief, structure)
    t2 = ((columns["reading"] - centre) / scale) ** 2
    density = _LOG_STUDENT4 - xp.log(scale) - 0.5 * (NU + 1.0) * xp.log1p(t2 / NU)
    return density * columns["reading_seen"]


def simulate(
    rng: np.random.Generator, params: Params, belief: Array, structure: Structure
) -> Array:
    """Draw one reading for every side, channel and period, (..., side, channel, time)."""
    centre = belief[..., :, None, :] + bias(np, params, belief, structure)
    scale = spread(np, params, structure)[..., None, :, None]
    return centre + scale * rng.standard_t(NU, size=centre.shape)
