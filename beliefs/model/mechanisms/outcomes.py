"""Outcomes: deals, their form, ends of truce spells, reversals, periphery, phases.

The bargaining surplus enters as its mean in the period before (`beliefs.inference.smc.blocks`). A
truce spell ends in one of lapse (only with an announced deadline), unilateral extension, mutual
extension and deal, by sticks. The simulation takes a lapse from the deadline itself. A move of the
conflict phase up *skips* when it leaves out a phase of peace (truce, negative peace) that lies
between; from open war to truce none is left out, since friction is no peace. A move down may be of
any size.

The prior of the deal hazard is centred on formal agreements in crises older than a year
(`beliefs.model.pooled`); the spread is wider, because a deal here need not be formal. MODEL section
2.13; claims C17, C26, C29, C39, C50, C51, C53; Powell (2006) for shifts of power.
"""

from typing import Any

import numpy as np

from beliefs.model import contract
from beliefs.model import priors as pz
from beliefs.model.contract import LEARNT, Array, Factor, Parameter, Params, Seen
from beliefs.model.observation import explained
from beliefs.model.pooled import load_pooled, normal_of
from beliefs.model.structure import PHASES, Columns, Structure
from beliefs.study.tables.codebook import CONFLICT_PHASES

PLACE = 5
KINDS = ("lapse", "unilateral", "mutual", "deal")  # values 1 to 4 of the column end_kind
_LOG_WEEK = "log hazard per week"
_SHARES = ("lapse_share", "unilateral_share", "mutual_share")
WAR = PHASES.index("war")
FRICTION, NEGATIVE = CONFLICT_PHASES.index("friction"), CONFLICT_PHASES.index("negative_peace")
TINY = 1e-12  # shares round to 0 or 1 in far tails; keeps the logarithm finite


PARAMETERS = (
    Parameter("deal_base", lambda structure: pz.Normal(
            round(load_pooled("agreement").late().mean + float(np.log(7.0)), 3), 1.0), _LOG_WEEK,
        "formal agreements in crises older than a year (data/pooled); spread is judgement",
        "hazard of a mutual agreement at zero surplus"),
    Parameter("deal_recent", pz.Normal(0.0, 1.0), "log hazard ratio", LEARNT,
        "rise of the hazard of a deal in the fortnight after talks"),
    Parameter("deal_surplus", pz.Normal(0.0, 0.3), "log hazard per tenth of the stake",
        f"Fearon (1995); {LEARNT}", "how the hazard of a deal follows the bargaining surplus"),
    Parameter("shift_deal", pz.Normal(0.0, 0.5), "log hazard per sd of shift",
        f"Powell (2006); {LEARNT}",
        "fall of the hazard of a deal while power is expected to shift"),
    Parameter("agenda_effect", pz.Normal(0.0, 0.5), "log hazard ratio", "C39",
        "hazard of a deal where all diplomacy is about the agenda's matter against none"),
    Parameter("signature_cost", pz.Normal(0.0, 1.0), "log-odds", "C26",
        "log-odds that a deal is left unsigned"),
    Parameter("lapse_share", pz.Beta(2, 6), "share", "C50; with the next two: 2, 3, 2 and 1",
        "share of truce spells with a deadline that lapse, of those that end without collapse",
        null=0.5),
    Parameter("unilateral_share", pz.Beta(3, 3), "share", "C50",
        "share of unilateral extensions among spells that do not lapse", null=0.5),
    Parameter("mutual_share", pz.Beta(2, 1), "share", "C50",
        "share of extensions, rather than deals, among mutual ends of a spell", null=0.5),
    Parameter("reversal_base", pz.Normal(-5.0, 1.0), _LOG_WEEK,
        "C51; median once in three years is judgement",
        "hazard that an agreement in force is terminated or reversed", dims=("scope",)),
    Parameter("turnover_termination", pz.Normal(0.0, 1.0), "log hazard ratio", "C17",
        "hazard of reversal once a government changed since the agreement"),
    Parameter("peripheral_base", pz.Normal(-0.5, 1.0), "log actions per day", "judgement",
        "rate of actions on third parties out of war"),
    Parameter("peripheral_war", pz.Normal(0.5, 0.5), "log ratio", "judgement",
        "rate of actions on third parties in war against other times"),
    Parameter("peripheral_instrument", pz.Normal(0.0, 0.4), "log ratio",
        "SOURCES: counts of different sources are not comparable",
        "rate of actions on third parties by one way of counting against the first",
        dims=("instrument",)),
    Parameter("peripheral_harm", pz.Normal(0.0, 0.5), "log ratio", "C29",
        "rate of actions on third parties while both sides are calm with each other"),
    Parameter("phase_up", pz.Normal(-3.5, 0.7), _LOG_WEEK, "judgement",
        "hazard of a move up the order from war to peace"),
    Parameter("phase_down", normal_of("phases", "phase_down"), _LOG_WEEK,
        "moves of crises into open war, pooled (data/pooled)",
        "hazard of a move down the order from war to peace"),
    Parameter("skip", pz.Normal(-2.2, 1.0), "log-odds", "C53",
        "log-odds that a move up that could leave out a conflict phase of peace does so"),
)  # fmt: skip


def deal(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard of a mutual agreement in each period, (..., time)."""
    return (
        params["deal_base"][..., None]
        + np.log(structure.step_weeks)
        + params["deal_recent"][..., None] * columns["talks_recent"]
        + params["agenda_effect"][..., None] * columns["agenda_share"]
        - params["shift_deal"][..., None] * columns["power_shift"]
        + params["deal_surplus"][..., None] * (10.0 * columns["surplus_lag"])
    )


def kind_shares(params: Params, deadline: Array) -> list[Array]:
    """Return shares of `KINDS` of ends without collapse; `deadline` is 1 where a spell had one."""
    lapse = params["lapse_share"] * deadline
    unilateral, extended = params["unilateral_share"], params["mutual_share"]
    mutual = (1.0 - lapse) * (1.0 - unilateral)
    return [lapse, (1.0 - lapse) * unilateral, mutual * extended, mutual * (1.0 - extended)]


def reversal(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log hazard that an agreement in force ends, by scope, (..., scope, time)."""
    changed = params["turnover_termination"][..., None, None] * columns["government_changed"]
    return params["reversal_base"][..., None] + np.log(structure.step_weeks) + changed


def periphery(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log mean number of actions on third parties, (..., time)."""
    ratio = params["peripheral_instrument"][..., None, :] @ columns["instrument_on"]
    return (
        params["peripheral_base"][..., None]
        + params["peripheral_war"][..., None] * columns["phase_on"][..., WAR, :]
        + ratio[..., 0, :]
        + params["peripheral_harm"][..., None] * columns["calm"]
        + np.log(7.0 * structure.step_weeks)
    )


def moves(xp: Any, params: Params, conflict_phase: int, structure: Structure) -> tuple[Array, ...]:
    """Return the probabilities of what one period does to a conflict phase, given as its number.

    Staying, a move up in order, a move up that leaves out a phase of peace, a move down.
    """
    up, down = (contract.bounded_exp(xp, params[name]) for name in ("phase_up", "phase_down"))
    up = up * float(conflict_phase < len(CONFLICT_PHASES) - 1)
    down = down * float(conflict_phase > 0)
    stay = xp.exp(-structure.step_weeks * (up + down))
    rise = (1.0 - stay) * (up / (up + down))
    # From negative peace only positive peace lies above: nothing can be left out.
    leap = float(conflict_phase < NEGATIVE) * contract.logistic(xp, params["skip"])
    return stay, rise * (1.0 - leap), rise * leap, (1.0 - stay) * (down / (up + down))


def skips(before: int, after: int) -> bool:
    """Return whether a move up leaves out a phase of peace that lies between."""
    return after - max(before, FRICTION) > 1


def _log_share(xp: Any, share: Array) -> Array:
    return xp.log(xp.clip(share, TINY, 1.0))


def _log_kind(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    deadline = columns["has_deadline"]
    shares = kind_shares({k: params[k][..., None] for k in _SHARES}, deadline)
    # A truce that lapsed had a deadline, whatever its columns say of the days after it.
    shares[0] = params["lapse_share"][..., None] + 0.0 * deadline
    return sum(
        _log_share(xp, share) * (columns["end_kind"] == number)
        for number, share in enumerate(shares, start=1)
    )


def _log_phase(xp: Any, params: Params, columns: Columns, structure: Structure) -> Array:
    """Return the log probability of each conflict phase given the one before, (..., time)."""
    on = columns["conflict_phase_on"]
    before = np.concatenate([0.0 * on[..., :1], on[..., :-1]], axis=-1)
    total = 0.0 * params["phase_up"][..., None] * on[..., 0, :]
    for old in range(len(CONFLICT_PHASES)):
        every = moves(xp, params, old, structure)
        stay, step, leap, fall = (_log_share(xp, p)[..., None] for p in every)
        for new in range(len(CONFLICT_PHASES)):
            happened = before[..., old, :] * on[..., new, :]
            if not happened.any():
                continue  # most pairs of conflict phases never follow each other
            up = leap if skips(old, new) else step
            total = total + (stay if new == old else fall if new < old else up) * happened
    return total


FACTORS = (
    Factor("deal", ("deal_base", "deal_recent", "deal_surplus", "shift_deal", "agenda_effect"),
        "cloglog", deal, lambda c: Seen(c["deal"], c["deal_seen"]), couples=("deal_surplus",)),
    Factor("form", ("signature_cost",), "binomial_logit",
        lambda xp, params, columns, structure: (
            -params["signature_cost"][..., None] + 0.0 * columns["deal"]),
        lambda c: Seen(c["deal_signed"], c["active"], c["deal_signed"] + c["deal_unsigned"])),
    Factor("kind", _SHARES, "categorical", density=_log_kind, bases=3,
        # (..., 4), for a truce with ``has_deadline`` or without
        rate=lambda params, state, structure: np.stack(np.broadcast_arrays(
            *kind_shares(params, np.asarray(state["has_deadline"], dtype=float))), axis=-1)),
    Factor("reversal", ("reversal_base", "turnover_termination"), "binomial_cloglog", reversal,
        lambda c: Seen(c["scope_ended"], c["active"], c["scope_live"])),
    Factor("periphery",
        ("peripheral_base", "peripheral_war", "peripheral_instrument", "peripheral_harm"),
        "poisson_log", periphery, lambda c: Seen(c["peripheral_count"], c["peripheral_seen"])),
    Factor("conflict_phase", ("phase_up", "phase_down", "skip"), "categorical", density=_log_phase,
        rate=lambda params, state, structure: np.stack([  # (..., conflict phase, 4)
            np.stack(moves(np, params, old, structure), axis=-1)
            for old in range(len(CONFLICT_PHASES))], axis=-2), bases=2),
)  # fmt: skip
log_likelihood, rates = explained(FACTORS)
