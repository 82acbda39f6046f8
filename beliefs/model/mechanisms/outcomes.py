r"""Outcomes: deals and their form, how windows end, reversals, the periphery, the ladder of peace.

.. math::
    \log h^{deal}_t &= \beta_d + \log w + agenda\, maritime_t - shift\, power_t
                       + 10\, \gamma Z_{t-1} \\
    P(signed \mid deal) &= \mathrm{logistic}(-cost) \\
    \log h^{end}_{st} &= \beta_s + \log w + turnover\, changed_{st} \\
    \log E[peripheral_t] &= \log 7w + \beta_p + war + instrument + harm\, calm_t

with the bargaining surplus Z of the period before (its mean; `beliefs.inference.smc.blocks`) and w
weeks in a period. A window that ended is one of lapse (only with an announced deadline), unilateral
extension, mutual extension and deal, by sticks: the share of lapses, of unilateral acts among the
rest, of extensions among mutual acts. These shares say how windows have ended; the forward
simulation takes a lapse from the deadline itself, which passes unresolved.

The prior of the deal hazard is centred on what formal agreements in crises older than a year say of
a new one (`beliefs.model.pooled`); the spread is wider, because a deal here need not be formal.
Claims C17, C26, C29, C39, C50, C51, C53; Powell (2006) for shifts of power. Source: MODEL 2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from beliefs.model import distributions as pz
from beliefs.model.contract import Array, Factor, Parameter, Params
from beliefs.model.mechanisms import ladder
from beliefs.model.mechanisms.ladder import log_share
from beliefs.model.pooled import load_pooled
from beliefs.model.scoring import Observables, Seen
from beliefs.model.structure import PHASES, Columns, Structure
from beliefs.study.tables.codebook import RUNGS

__all__ = [
    "FACTORS",
    "KINDS",
    "NAME",
    "deal",
    "form",
    "kind_shares",
    "log_likelihood",
    "parameters",
    "periphery",
    "rates",
    "reversal",
]

NAME = "outcomes"
KINDS = ("lapse", "unilateral", "mutual", "deal")  # values 1 to 4 of the column window_kind
WAR = PHASES.index("war")

FACTORS = (
    Factor(
        "deal", NAME, ("deal_base",), ("deal_base", "deal_surplus", "shift_deal", "agenda_effect"),
        couples=("deal_surplus",), family="cloglog",
    ),
    Factor("form", NAME, ("signature_cost",), ("signature_cost",), family="binomial_logit"),
    Factor(
        "kind", NAME, ("lapse_share", "unilateral_share", "mutual_share"),
        ("lapse_share", "unilateral_share", "mutual_share"), family="categorical",
    ),
    Factor(
        "reversal", NAME, ("reversal_base",), ("reversal_base", "turnover_termination"),
        family="binomial_cloglog",
    ),
    Factor(
        "periphery", NAME, ("peripheral_base",),
        ("peripheral_base", "peripheral_war", "peripheral_instrument", "peripheral_harm"),
        family="poisson_log",
    ),
    Factor(
        "ladder", NAME, ("ladder_up", "ladder_down"), ("ladder_up", "ladder_down", "skip"),
        family="categorical",
    ),
)  # fmt: skip


def parameters(structure: Structure) -> tuple[Parameter, ...]:
    """Declare hazards of deals and reversals, shares of forms and kinds, periphery, ladder."""
    centre = load_pooled("agreement").late().mean + float(np.log(7.0))
    log_week = "log hazard per week"
    return (
        Parameter(
            "deal_base", (), pz.Normal(round(centre, 3), 1.0), 0.0, log_week,
            "formal agreements in crises older than a year (data/pooled); spread is judgement",
            "hazard of a mutual agreement at zero surplus",
        ),
        Parameter(
            "deal_surplus", (), pz.Normal(0.0, 0.3), 0.0, "log hazard per tenth of the stake",
            "Fearon (1995); symmetric so that the sign is learnt",
            "how the hazard of a deal follows the bargaining surplus",
        ),
        Parameter(
            "shift_deal", (), pz.Normal(0.0, 0.5), 0.0, "log hazard per sd of shift",
            "Powell (2006); symmetric so that the sign is learnt",
            "fall of the hazard of a deal while power is expected to shift",
        ),
        Parameter(
            "agenda_effect", (), pz.Normal(0.0, 0.5), 0.0, "log hazard ratio", "C39",
            "hazard of a deal with an all-maritime agenda against one without",
        ),
        Parameter(
            "signature_cost", (), pz.Normal(0.0, 1.0), 0.0, "log-odds", "C26",
            "log-odds that a deal is left unsigned",
        ),
        Parameter(
            "lapse_share", (), pz.Beta(2, 6), 0.5, "share", "C50; with the next two: 2, 3, 2 and 1",
            "share of windows with a deadline that lapse, of those that end without collapse",
        ),
        Parameter(
            "unilateral_share", (), pz.Beta(3, 3), 0.5, "share", "C50",
            "share of unilateral extensions among windows that do not lapse",
        ),
        Parameter(
            "mutual_share", (), pz.Beta(2, 1), 0.5, "share", "C50",
            "share of extensions, rather than deals, among mutual ends of a window",
        ),
        Parameter(
            "reversal_base", ("scope",), pz.Normal(-5.0, 1.0), 0.0, log_week,
            "C51; median once in three years is judgement",
            "hazard that an agreement in force is terminated or reversed",
        ),
        Parameter(
            "turnover_termination", (), pz.Normal(0.0, 1.0), 0.0, "log hazard ratio", "C17",
            "hazard of reversal once a government changed since the agreement",
        ),
        Parameter(
            "peripheral_base", (), pz.Normal(-0.5, 1.0), 0.0, "log acts per day", "judgement",
            "rate of acts on third parties out of war",
        ),
        Parameter(
            "peripheral_war", (), pz.Normal(0.5, 0.5), 0.0, "log ratio", "judgement",
            "rate of acts on third parties in war against other times",
        ),
        Parameter(
            "peripheral_instrument", ("instrument",), pz.Normal(0.0, 0.4), 0.0, "log ratio",
            "SOURCES: counts of different sources are not comparable",
            "rate of acts on third parties by one way of counting against the first",
        ),
        Parameter(
            "peripheral_harm", (), pz.Normal(0.0, 0.5), 0.0, "log ratio", "C29",
            "rate of acts on third parties while both sides are calm with each other",
        ),
        Parameter(
            "ladder_up", (), pz.Normal(-3.5, 0.7), 0.0, log_week, "judgement",
            "hazard of a move up the ladder of peace",
        ),
        Parameter(
            "ladder_down", (), pz.Normal(-3.5, 0.7), 0.0, log_week, "judgement",
            "hazard of a move down the ladder of peace",
        ),
        Parameter(
            "skip", (), pz.Normal(-2.2, 1.0), 0.0, "log-odds", "C53",
            "log-odds that a move up that could leave out a rung of peace does so",
        ),
    )  # fmt: skip


def deal(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard of a mutual agreement in each period, (..., time)."""
    return (
        params["deal_base"][..., None]
        + np.log(structure.step_weeks)
        + params["agenda_effect"][..., None] * columns["maritime"]
        - params["shift_deal"][..., None] * columns["power_shift"]
        + params["deal_surplus"][..., None] * (10.0 * columns["surplus_lag"])
    )


def form(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log-odds that a deal is signed, (..., time)."""
    return -params["signature_cost"][..., None] + 0.0 * columns["deal"]


def kind_shares(params: Params, deadline: Array) -> list[Array]:
    """Return the shares of `KINDS` among windows that ended without collapse.

    Parameters
    ----------
    params
        See `beliefs.model.contract`; the shares broadcast with `deadline`.
    deadline
        1 where the window had an announced deadline, so that it can lapse.

    Returns
    -------
    list
        Lapse, unilateral extension, mutual extension, deal.
    """
    lapse = params["lapse_share"] * deadline
    unilateral, extended = params["unilateral_share"], params["mutual_share"]
    mutual = (1.0 - lapse) * (1.0 - unilateral)
    return [lapse, (1.0 - lapse) * unilateral, mutual * extended, mutual * (1.0 - extended)]


def reversal(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard that an agreement in force ends, by scope, (..., scope, time)."""
    changed = params["turnover_termination"][..., None, None] * columns["government_changed"]
    return params["reversal_base"][..., None] + np.log(structure.step_weeks) + changed


def periphery(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log mean number of acts on third parties, (..., time)."""
    ratio = params["peripheral_instrument"][..., None, :] @ columns["instrument_on"]
    return (
        params["peripheral_base"][..., None]
        + params["peripheral_war"][..., None] * columns["phase_on"][..., WAR, :]
        + ratio[..., 0, :]
        + params["peripheral_harm"][..., None] * columns["calm"]
        + np.log(7.0 * structure.step_weeks)
    )


def _kind(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    deadline = columns["has_deadline"]
    shares = kind_shares({k: params[k][..., None] for k in FACTORS[2].reads}, deadline)
    # A window that lapsed had a deadline, whatever its columns say of the days after it.
    shares[0] = params["lapse_share"][..., None] + 0.0 * deadline
    return sum(
        log_share(xp, share) * (columns["window_kind"] == number)
        for number, share in enumerate(shares, start=1)
    )


_LINEAR = {"deal": deal, "form": form, "reversal": reversal, "periphery": periphery}
_OWN = {"kind": _kind, "ladder": ladder.log_likelihood}


def _seen(name: str, columns: Columns) -> Seen:
    """Return what was seen, where, and out of how many."""
    if name == "deal":
        return Seen(columns["deal"], columns["deal_seen"])
    if name == "form":
        deals = columns["deal_signed"] + columns["deal_unsigned"]
        return Seen(columns["deal_signed"], columns["active"], deals)
    if name == "reversal":
        return Seen(columns["scope_ended"], columns["active"], columns["scope_live"])
    return Seen(columns["peripheral_count"], columns["peripheral_seen"])


_OBSERVED = Observables(FACTORS, _LINEAR, _seen)


def log_likelihood(
    xp: Any,
    params: Params,
    columns: Columns,
    structure: Structure,
    names: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return the log likelihood of each factor by period; see `Observables.log_likelihood`."""
    out = _OBSERVED.log_likelihood(xp, params, columns, structure, names)
    for name, own in _OWN.items():
        if names is None or name in names:
            out[name] = own(xp, params, columns, structure)
    return {factor.name: out[factor.name] for factor in FACTORS if factor.name in out}


def rates(
    params: Params,
    state: Mapping[str, Array],
    structure: Structure,
    names: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return what the forward simulation draws one period from.

    Linear predictors as `Observables.rates`; ``kind``, (..., 4), shares of `KINDS` for a truce with
    ``has_deadline`` or without; ``ladder``, (..., rung, 4), see
    `beliefs.model.mechanisms.ladder.moves`.
    """
    out = _OBSERVED.rates(params, state, structure, names)
    if names is None or "kind" in names:
        shares = kind_shares(params, np.asarray(state["has_deadline"], dtype=float))
        out["kind"] = np.stack(np.broadcast_arrays(*shares), axis=-1)
    if names is None or "ladder" in names:
        moves = [ladder.moves(np, params, rung, structure) for rung in range(len(RUNGS))]
        out["ladder"] = np.stack([np.stack(m, axis=-1) for m in moves], axis=-2)
    return out
