r"""Talks: separate hazards of starting and of going on, driven by the bargaining surplus.

.. math::
    \mathrm{logit}\, h^{x}_t = \alpha_x + 10\, \beta_x Z_t + \eta_x\, mediator_t + shock_t,
    \qquad x \in \{onset, continuation\}

    P(talks_t) = (1 - \pi) h^{x}_t + \pi\, \mathrm{logistic}(\alpha_x)

:math:`\pi` is the latent share of talks that are process only (Min 2020). beta is per tenth of the
stake. Claims C07, C25, C38. The prior of the onset intercept is the reference class of first talks
in interstate wars (`beliefs.study.reference`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.mechanism import distributions as pz
from beliefs.mechanism.contract import Array, Parameter, Params, logistic
from beliefs.mechanism.structure import Columns, Structure

__all__ = [
    "NAME",
    "chance",
    "hazards",
    "log_likelihood",
    "log_odds",
    "mixed",
    "parameters",
    "simulate",
]

NAME = "talks"
TINY = 1e-12


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare intercepts and slopes of both hazards."""
    from beliefs.study.reference import talk_onset_rate

    per_period = talk_onset_rate().mean * structure.step_weeks * 7.0
    centre = float(np.log(np.expm1(per_period)))
    return (
        Parameter(
            "onset_base", (), pz.Normal(round(centre, 3), 1.0), 0.0, "log-odds per period",
            "first talks in interstate wars (data/wars); spread is judgement",
            "log-odds that talks start in a period at zero surplus",
        ),
        Parameter(
            "continuation_base", (), pz.Normal(0.0, 1.0), 0.0, "log-odds per period", "judgement",
            "log-odds that talks go on for one more period at zero surplus",
        ),
        Parameter(
            "surplus_effect", ("transition",), pz.Normal(0.0, 0.5), 0.0,
            "log-odds per tenth of the stake", "C07; symmetric so that the sign is learnt",
            "how strongly talks follow the bargaining surplus",
        ),
        Parameter(
            "mediator_effect", ("transition",), pz.Normal(0.0, 1.0), 0.0, "log-odds", "C38",
            "shift of a hazard while mediation is fresh",
        ),
        Parameter(
            "process_share", (), pz.Beta(1, 9), 0.0, "share", "C25; Min (2020)",
            "share of talks that are process and do not follow the surplus",
        ),
    )  # fmt: skip


def log_odds(idle: Array, effect: Array, surplus: Array) -> Array:
    """Return the log-odds of talks that follow the surplus.

    Parameters
    ----------
    idle
        Log-odds at zero surplus, mediation and recent shocks included.
    effect
        Log-odds per tenth of the stake.
    surplus
        In shares of the stake.
    """
    return idle + effect * (10.0 * surplus)


def mixed(process: Array, idle: Array, sincere: Array) -> Array:
    """Return the probability of talks of which a share `process` does not follow the surplus."""
    return sincere + process * (idle - sincere)


def hazards(
    xp: Any, params: Params, columns: Columns, surplus: Array, shift: Array
) -> tuple[Array, Array]:
    """Return the probabilities that talks start and that talks go on, each (..., time)."""
    out = []
    for x, base in enumerate(("onset_base", "continuation_base")):
        floor = params[base][..., None]
        effect = params["surplus_effect"][..., x, None]
        mediation = params["mediator_effect"][..., x, None] * columns["mediator"]
        process = params["process_share"][..., None]
        sincere = logistic(xp, log_odds(floor + mediation + shift, effect, surplus))
        out.append(mixed(process, logistic(xp, floor), sincere))
    return out[0], out[1]


def chance(p: Array, held: Array) -> Array:
    """Return the probability of what was seen, talks held (1) or not (0), given that of talks."""
    return held * p + (1.0 - held) * (1.0 - p)


def log_likelihood(xp: Any, columns: Columns, onset: Array, continuation: Array) -> Array:
    """Return the log probability of each period's talks, 0 where unseen, (..., time)."""
    before = columns["talks_previous"]
    p = before * continuation + (1.0 - before) * onset
    # Far tails of the logistic round to 0 or 1; one part in 1e12 keeps the logarithm finite.
    p = xp.clip(p, TINY, 1.0 - TINY)
    held = columns["talks"]
    return (held * xp.log(p) + (1.0 - held) * xp.log1p(-p)) * columns["talks_seen"]


def simulate(rng: np.random.Generator, onset: Array, continuation: Array, start: Array) -> Array:
    """Draw talk periods forward in time.

    Parameters
    ----------
    rng
        Source of randomness.
    onset, continuation
        Probabilities, (..., time).
    start
        1 where talks were on in the period before the first, broadcastable to (...).

    Returns
    -------
    ndarray of bool
        Shape (..., time).
    """
    uniform = rng.random(onset.shape)
    on = np.broadcast_to(np.asarray(start, dtype=bool), onset.shape[:-1])
    out = np.empty(onset.shape, dtype=bool)
    for t in range(onset.shape[-1]):
        on = uniform[..., t] < np.where(on, continuation[..., t], onset[..., t])
        out[..., t] = on
    return out
