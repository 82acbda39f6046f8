"""Talks: separate hazards of starting and of going on, driven by the bargaining surplus.

Some talks are process only and do not follow the surplus (Min 2020). `crack_rule` says whether
talks wait for the *first* belief to crack (C08). The onset hazard has a Weibull shape in the time
since the last talks (C18). The prior of its intercept is what first talks in wars of others say
(`beliefs.model.pooled`): the nearest record for next rounds, and where there is no war. MODEL
section 2.8; claims C07, C08, C18, C25, C38, C49.
"""

from typing import Any

import numpy as np

from beliefs.features.steps import TalksPast, log_age
from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Factor, Parameter, Params, logistic
from beliefs.model.pooled import load_pooled
from beliefs.model.structure import Columns, Structure

PLACE = 7
TINY = 1e-12  # far tails of the logistic round to 0 or 1; keeps the logarithm finite
_READS = (
    "mediator", "mediator_old", "announced", "scheduled", "proxy_attack", "power_shift",
    "conflict_age",
)  # fmt: skip


def _onset_prior(structure: Structure) -> pz.Prior:
    step_days, pooled = structure.step_weeks * 7.0, load_pooled("talks")
    onset = pooled.log_odds(
        step_days,
        step_days * (structure.n_planned or structure.n_time),
        dict.fromkeys(pooled.covariates, 0.0)
        | dict(structure.reference)
        | {"since_1945": float(structure.since_1945)},
    )
    return pz.Normal(round(onset.mean, 3), round(onset.stdev, 3))


PARAMETERS = (
    Parameter("onset_base", _onset_prior, "log-odds per period",
        "first talks in interstate wars, pooled (data/pooled)",
        "log-odds that talks start in a period at the surplus base_surplus"),
    Parameter("continuation_base", pz.Normal(0.0, 1.0), "log-odds per period", "judgement",
        "log-odds that talks go on for one more period at the surplus base_surplus"),
    Parameter("surplus_effect", pz.Normal(0.0, 0.5), "log-odds per tenth of the stake",
        f"C07; {LEARNT}", "how strongly talks follow the bargaining surplus", dims=("transition",)),
    Parameter("mediator_effect", pz.Normal(0.0, 1.0), "log-odds", "C38",
        "shift of a hazard while mediation is fresh", dims=("transition",)),
    Parameter("process_share", pz.Beta(1, 9), "share", "C25; Min (2020)",
        "share of talks that are process and do not follow the surplus"),
    Parameter("base_surplus", pz.Normal(0.0, 1.0), "tenths of the stake", "set, not learnt",
        "surplus at which onset_base and continuation_base are the log-odds of talks", on=False),
    Parameter("mediator_late", pz.Normal(0.0, 0.5), "log-odds", "C38",
        "shift of both hazards by mediation that has grown old"),
    Parameter("announced_effect", pz.Normal(0.0, 1.0), "log-odds", LEARNT,
        "shift of the hazard of talks starting while their announcement is fresh"),
    Parameter("kept_base", pz.Normal(1.0, 0.5), "log-odds", "set, not learnt; MODEL section 2.8",
        "log-odds, at the surplus base_surplus, of talks in a period for which they are announced: "
        "of 17 rounds 12 were held and 5 called off", null=1.0, on=False),
    Parameter("deadlock_shape", pz.Normal(0.0, 1.0), "log Weibull shape", f"C18; {LEARNT}",
        "how the hazard of talks starting changes with the time since the last ones"),
    Parameter("history", pz.Normal(0.0, 0.5), "log-odds per log period", LEARNT,
        "shift of both hazards by log(1 + periods with talks so far)", on=False),
    Parameter("ageing", pz.Normal(0.0, 0.5), "log-odds per log week", LEARNT,
        "shift of both hazards by log(1 + age of the conflict in weeks)", on=False),
    Parameter("first_week", pz.Normal(0.0, 0.5), "log-odds", LEARNT,
        "shift of both hazards as the conflict begins, fading in a week", on=False),
    Parameter("crack_rule", pz.Normal(0.0, 0.5), "log-odds per quarter of belief", f"C08; {LEARNT}",
        "shift of both hazards as the less confident side's belief falls, beyond the surplus"),
    Parameter("shift_talks", pz.Normal(0.0, 0.5), "log-odds per sd", "Powell (2006)",
        "fall of both hazards while a shift of power is expected"),
    Parameter("proxy_credibility", pz.Normal(0.0, 0.5), "log-odds", "C49",
        "shift of both hazards after attacks by proxies in a truce"),
)  # fmt: skip


def log_odds(idle: Array, effect: Array, surplus: Array, crack: Array, lower: Array) -> Array:
    """Return the log-odds of talks that follow the surplus (in shares of the stake).

    `idle` are those at zero surplus, mediation and recent shocks included; `effect` is per tenth of
    the stake; `crack` per quarter of the lower of both beliefs, `lower`, a probability.
    """
    return idle + effect * (10.0 * surplus) - 4.0 * crack * (lower - 0.5)


def floor(params: Params, x: int) -> Array:
    """Return the log-odds of talks at zero surplus, to start (`x` 0) or to go on (1), (...)."""
    base = params[("onset_base", "continuation_base")[x]]
    return base - params["base_surplus"] * params["surplus_effect"][..., x]


def mixed(process: Array, idle: Array, sincere: Array) -> Array:
    """Return the probability of talks of which a share `process` does not follow the surplus."""
    return sincere + process * (idle - sincere)


def own_shift(xp: Any, params: Params, columns: Columns) -> tuple[Array, Array]:
    """Return what mediation, set dates and deadlock add to the log-odds of either, (..., time)."""
    late = params["mediator_late"][..., None] * columns["mediator_old"]
    fresh = [params["mediator_effect"][..., x, None] * columns["mediator"] for x in (0, 1)]
    age = xp.expm1(params["deadlock_shape"])[..., None] * columns["spell_age"]
    announced = params["announced_effect"][..., None] * columns["announced"]
    kept = [
        (params["kept_base"] - params[base])[..., None] * columns["scheduled"]
        for base in ("onset_base", "continuation_base")
    ]
    return fresh[0] + late + announced + age + kept[0], fresh[1] + late + kept[1]


def shared_shift(params: Params, columns: Columns) -> Array:
    """Return what proxies, power shifts, past talks and age add to both log-odds, (..., time)."""
    proxy = params["proxy_credibility"][..., None] * columns["proxy_attack"]
    shift = proxy - params["shift_talks"][..., None] * columns["power_shift"]
    shift = shift + params["history"][..., None] * columns["talks_before"]
    for k, name in enumerate(("ageing", "first_week")):
        shift = shift + params[name][..., None] * columns["conflict_age"][..., k, :]
    return shift


def hazards(
    xp: Any, params: Params, columns: Columns, surplus: Array, shift: Array, lower: Array = 0.5
) -> tuple[Array, Array]:
    """Return the probabilities that talks start and that talks go on, each (..., time).

    `surplus` is in shares of the stake, `shift` what shocks add to both log-odds, `lower` the lower
    of both beliefs (a half says nothing), each (..., time).
    """
    shift = shift + shared_shift(params, columns)
    crack, process = params["crack_rule"][..., None], params["process_share"][..., None]
    out = []
    for x, own in enumerate(own_shift(xp, params, columns)):
        idle, effect = floor(params, x)[..., None], params["surplus_effect"][..., x, None]
        sincere = logistic(xp, log_odds(idle + own + shift, effect, surplus, crack, lower))
        out.append(mixed(process, logistic(xp, idle), sincere))
    return out[0], out[1]


def chance(p: Array, held: Array) -> Array:
    """Return the probability of what was seen, talks held (1) or not (0), given that of talks."""
    return held * p + (1.0 - held) * (1.0 - p)


def log_likelihood(xp: Any, columns: Columns, onset: Array, continuation: Array) -> Array:
    """Return the log probability of each period's talks, 0 where unseen, (..., time)."""
    before, held = columns["talks_previous"], columns["talks"]
    p = xp.clip(before * continuation + (1.0 - before) * onset, TINY, 1.0 - TINY)
    return (held * xp.log(p) + (1.0 - held) * xp.log1p(-p)) * columns["talks_seen"]


FACTORS = (
    Factor("talks", tuple(p.name for p in PARAMETERS), "bernoulli", shared=True, block="belief",
        density=lambda xp, p, c, s, paths: log_likelihood(xp, c, paths.onset, paths.continuation)),
)  # fmt: skip


def simulate(
    uniform: Array,
    params: Params,
    columns: Columns,
    surplus: Array,
    shift: Array,
    lower: Array,
    past: TalksPast,
) -> tuple[Array, Columns, TalksPast]:
    """Draw talk periods forward in time; every round makes the deadlock young again.

    `uniform` is (..., time); the others are as for `hazards`, but that the columns of past talks
    are not read. `past` is what is left of talks as the first period begins, (...).
    Returns which periods have talks, (..., time); their columns of past talks; and what is left of
    talks after the last period.
    """
    shape, horizon = uniform.shape, uniform.shape[-1]
    idle, young, times = (np.broadcast_to(np.asarray(v, float), shape[:-1]) for v in past[:3])
    past = past._replace(idle=idle, deadlock=young, times=times)
    held = np.empty(shape, dtype=bool)
    made = {n: np.empty(shape) for n in ("talks_previous", "spell_age", "talks_before")}

    def at(values: Array, t: int) -> Array:
        values = np.asarray(values)
        return values[..., t : t + 1] if values.ndim and values.shape[-1] == horizon else values

    for t in range(horizon):
        made["talks_previous"][..., t] = past.on
        made["spell_age"][..., t] = log_age(past.deadlock)
        made["talks_before"][..., t] = np.log1p(past.times)
        now = {name: at(columns[name], t) for name in _READS}
        now |= {name: values[..., t : t + 1] for name, values in made.items()}
        onset, continuation = hazards(np, params, now, at(surplus, t), at(shift, t), at(lower, t))
        on = uniform[..., t] < np.where(past.on, continuation[..., 0], onset[..., 0])
        held[..., t] = on
        past = past.after(on)
    return held, made, past
