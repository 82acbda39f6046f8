"""The claims, text by text, each under the theory of the text that makes it.

C01 to C18: why both sides think that they are winning (`mutual_optimism`). C19 to C33, C55 and C56:
the exchange of blows as a peace of its own (`status_quo`). C34 to C54: the mechanics of a managed
de-escalation (`managed_deescalation`). ``data/claims.csv`` has each with its author and text.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit as logistic

from beliefs.evaluation.claims.evidence import ROLES, Absent, Claim, Draws, Finding, either, on
from beliefs.model.mechanisms import domestic, outcomes, readings, reciprocity

Test = Callable[[Draws], Finding]

CLAIMS: list[Claim] = []
CERTAIN = 1e-6  # beliefs this close to 0 or 1 have no finite log-odds
MONTH = 30.0 / 7.0  # weeks

TALKS = on("talks", "talks_seen")
TALKED = ("periods with talks", TALKS)
CONCEDED = ("periods with an offer or concession", on("concession"))
SPOKE = ("public readings", on("cell_public"))
ACTS = on("strike_count", "strikes_seen")
ACTED = ("periods with actions of force", on("strike_count"))
AGREED = either("deal_signed", "deal_unsigned")
ENDED = ("truce spells that ended", on("truce_end"))
BREACHED = ("periods with a breach", on("breach"))
CANCELLED = ("cancelled talks", on("walkout"))
QUIET = on("quiet", "truce")
REPLIED = either("reply_yes", "reply_no")
ZONES = on("zone_rule", "zone_seen")
OF_TALKS: Any = {"needs": {"talks": TALKS}, "count": TALKED, "score": "talks"}


def claim(
    id: str, kind: str, *, null: str = "", score: str = "", **rest: Any
) -> Callable[[Test], Test]:
    """Return the decorator that adds the claim of a test to `CLAIMS`."""
    number, theory = int(id[1:]), "status_quo"
    if number <= 18 or 34 <= number <= 54:
        theory = "mutual_optimism" if number <= 18 else "managed_deescalation"

    def keep(test: Test) -> Test:
        words: Any = {"null": tuple(null.split()), "score": tuple(score.split())}
        CLAIMS.append(Claim(id, theory, test, tuple(kind.split()), **words, **rest))
        return test

    return keep


def effect(
    id: str, kind: str, read: str | Callable[[Draws], xr.DataArray], shown: str,
    show: Callable[[Any], Any] = np.exp, holds: Callable[[Any], Any] = lambda x: x > 0,
    *, null: str | None = None, **rest: Any,
) -> None:  # fmt: skip
    """Add a claim on what is read, which the part switched off is unless `null` says so."""

    def test(d: Draws) -> Finding:
        value = d[read] if isinstance(read, str) else read(d)
        return Finding(holds(value), value, **{shown: show(value)})

    claim(id, kind, null=str(read) if null is None else null, **rest)(test)


def each_side(
    name: str, holds: Callable[[Any], Any] = lambda x: x.min("side") > 0,
    show: Callable[[Any], Any] = lambda x: x,
) -> Test:  # fmt: skip
    """Return the test that holds of a parameter of both sides, above 0 both; shows each."""

    def test(d: Draws) -> Finding:
        one, two = (show(d[name, role]) for role in ROLES)
        return Finding(holds(d[name]), d[name], one=one, two=two)

    return test


def mean(x: Any) -> Any:
    """Return the mean over both sides."""
    return x.mean("side")


def public_bias(d: Draws) -> xr.DataArray:
    """Return what a side's public words add to its belief, over its public words of the study."""
    public = d.columns["cell_public"] > 0.0
    side, time = d.columns["cell_side"][public], d.columns["cell_time"][public]
    p = np.clip(d.columns["p_lag"][side, time], CERTAIN, 1.0 - CERTAIN)
    added = domestic.projection(np, d.arrays, np.log(p) - np.log1p(-p), side)
    if not all((side == i).any() for i in (0, 1)):
        raise Absent("public words of both sides")
    means = np.stack([added[:, side == i].mean(axis=1) for i in (0, 1)], axis=1)
    return xr.DataArray(means, dims=("draw", "side"))


def gain(d: Draws) -> xr.DataArray:
    """Return the actions that one draws directly, at the mean severity of the study's actions."""
    names = ("strike_by_severity", "warned_by_severity")
    actions, warned = (d.columns[name].sum(axis=(0, 2))[None, :, None] for name in names)
    mean: Any = 1.0
    if actions.sum() > 0.0:
        mean = reciprocity.mark(np, d.arrays, actions, warned)[:, 0, 0] / actions.sum()
    return xr.DataArray(reciprocity.gain(np, d.arrays, mean), dims="draw")


def acts_in_truce(seen: Any) -> Any:
    """Return actions of either kind in a truce."""
    return either("breach_own", "breach_other")(seen) * seen["truce_seen"]


# Claims are laid out by hand, a few lines each, with what is claimed above.
# fmt: off

@claim("C01", "region", needs={"public words": on("cell_public"),
       "private signals": on("cell_private")}, count=SPOKE, null="projection", score="reading")
def c01(d: Draws) -> Finding:
    """Confidence is sincere: public bias is smaller than the spread of private signals."""
    bias, channels = public_bias(d).mean("side"), d.structure.channel_bias
    if "private" not in channels:
        raise Absent("private readings")
    spread = readings.spread(np, d.arrays, d.structure)[..., channels.index("private")]
    noise = xr.DataArray(spread, dims="draw")
    return Finding(bias < noise, bias, noise, bias=bias, noise=noise)

# Each side keeps its own scorecard of what winning is.
effect("C02", "region ablation", "shared", "share", np.positive, lambda x: x < 0.5, null="",
       needs={"news of any indicator": on("evidence")}, score="talks reading",
       fixed={"shared": {"dist": "Beta", "alpha": 200.0, "beta": 1.0}})

# Pressure on the one who endures raises the coercer's confidence.
effect("C03", "sign ablation", lambda d: d["weight_own", "coercer:*"].mean("own_term"),
       "weight", np.positive, null="weight_own", role="coercer", score="talks",
       needs={"news on the coercer's scorecard": lambda s: s["evidence", "coercer:*"]})

# Merely surviving raises confidence.
effect("C04", "sign ablation", lambda d: d["endurance", "endurer"], "gain", np.positive,
       needs={"periods under pressure": on("pressure")}, null="endurance", score="talks")

# Stalemate reads as progress to both sides at once.
claim("C05", "sign", needs={"quiet periods": on("quiet")}, count=("quiet periods", on("quiet")),
      null="stalemate", score="talks")(each_side("stalemate"))

# A confident side waits rather than concedes.
effect("C06", "sign", "wait_value", "odds", lambda x: np.exp(-x),
       needs={"offers or concessions": on("concession")}, count=CONCEDED, score="concession")

# No talks while optimism exceeds the costs of conflict.
effect("C07", "sign ablation", lambda d: d["surplus_effect", "onset"], "effect", np.positive,
       null="surplus_effect", rerun=True, modes=True, **OF_TALKS)

# One side's doubt is enough to open talks.
effect("C08", "sign ablation", "crack_rule", "effect", np.positive, **OF_TALKS)

@claim("C09", "sign ablation", needs={"hard-line words": on("hardline"),
       "offers or concessions": on("concession")}, count=CONCEDED, null="audience_hold",
       score="concession")
def c09(d: Draws) -> Finding:
    """Governments become prisoners of their own messaging."""
    hold = d["audience_hold"]
    one, two = (np.exp(-d["audience_hold", role]) for role in ROLES)
    cost = d["audience_effect"].mean("side")
    return Finding(hold.min("side") > 0, hold, one=one, two=two, cost=cost)

# Leaders project more confidence as belief falls.
claim("C10", "sign", needs={"public words": on("cell_public")}, count=SPOKE, null="projection",
      score="reading")(each_side("projection"))

# A resolute action is misread as desperation.
effect("C11", "region", "misread", "gain", mean, lambda x: mean(x) > 0, score="reading",
       needs={"actions of force beyond what was expected": on("rival_resolve")},
       count=("periods with such actions", on("rival_resolve")))

# Incidents widen most when both are certain.
effect("C12", "sign ablation", "certainty_widening", "factor", lambda x: np.exp(0.25 * x),
       needs={"actions of force": ACTS}, count=ACTED, score="strikes_A strikes_B")

# An economic threshold opens the way to a deal.
effect("C13", "sign ablation", "economic_hinge", "odds",
       needs={"an economy near its hinge": on("hinge", "talks_seen"), "talks": TALKS}, count=TALKED,
       score="talks")

# A new administration recalibrates, taken as by more than 10 %.
effect("C14", "region", "turnover_reset", "share", mean, lambda x: mean(x) > 0.1,
       needs={"a change of leadership": on("turnover")},
       count=("changes of leadership", on("turnover")), score="reading", rerun=True)

# An escalation that raises stakes opens talks.
effect("C15", "sign", "escalation_cost", "factor",
       needs={"a declared escalation": on(("aftermath", "escalation")), "talks": TALKS},
       score="talks")

# Shocks and not good-faith process break deadlocks.
effect("C16", "region", "jump_share", "share", np.positive, lambda x: x > 0.5, null="shock_jump",
       needs={"a declared shock": on("shock")}, count=("declared shocks", on("shock")),
       score="reading", rerun=True, paths=True)

# A deal without any crack dies with a change of government.
effect("C17", "forecast sign", "turnover_termination", "factor",
       needs={"agreements in force": on("scope_live"),
       "an agreement that outlived a government": on("government_changed")},
       count=("agreements that ended", on("scope_ended")), score="reversal",
       forecasts=("deal", 365))

# The deadlock is durable: its Weibull shape is below 1.
effect("C18", "region", "deadlock_shape", "shape", holds=lambda x: x < 0, needs={"talks": TALKS,
       "a deadlock of more than a period": on("spell_age")}, count=TALKED, score="talks")

# Talks and strikes move together.
effect("C19", "sign ablation", "talk_strike_tempo", "factor",
       count=("periods with talks", on("talks", "strikes_seen")), needs={
       "talks in a period in which actions of force were recorded": on("talks", "strikes_seen")},
       score="strikes_A strikes_B")

@claim("C20", "region", needs={"actions that answer an action": on("provoked")},
       count=("replies", on("provoked")), null="proportionality", score="severity")
def c20(d: Draws) -> Finding:
    """Replies are strictly proportional."""
    share, drawn = d["proportionality"], gain(d)
    held = (np.abs(share - 1.0) < 0.25) & (drawn <= 1.0)
    return Finding(held, share, elasticity=share, gain=drawn)

# Warnings through intermediaries keep strikes harmless.
effect("C21", "sign", "warning_effect", "weight", holds=lambda x: x < 0,
       needs={"actions of force with prior warning": on("warned_by_severity")},
       count=("periods with an announced action", on("warned_by_severity")),
       score="strikes_A strikes_B")

@claim("C22", "sign ablation", needs={"actions of force": ACTS,
       "pressure at home": on("pressure_home", "strikes_seen")}, count=ACTED,
       null="valve valve_pressure", score="strikes_A strikes_B")
def c22(d: Draws) -> Finding:
    """Strikes vent domestic pressure."""
    valve, pressure = d["valve"], d["valve_pressure"]
    shown = {"spared": np.exp(-valve), "pressed": np.exp(pressure)}
    return Finding((valve > 0) & (pressure > 0), valve, pressure, **shown)

@claim("C23", "region", needs={"readings of belief": on("cell_time")}, null="retention",
       score="reading", rerun=True)
def c23(d: Draws) -> Finding:
    """Neither side shifts the balance: a gap between beliefs halves, taken as in half a year."""
    left = np.log(d["retention"]).mean(axis=1)  # of the distance, after a week
    weeks = np.log(0.5) / np.minimum(left, -1e-9)
    return Finding(weeks < 26.0, np.log(weeks), weeks=weeks)

# Both sides stay inside the red lines, taken as less than 5 % of actions that touch one.
claim("C24", "region forecast", needs={"actions at a declared red line": on("line_touch")},
      count=("periods with an action at a red line", on("line_touch")), null="crossing",
      score="crossing", forecasts=("no_crossing", 14))(
      each_side("crossing", lambda x: logistic(x).max("side") < 0.05, logistic))

@claim("C25", "region ablation", needs={"agreements, or their absence": on("deal_seen"),
       "talks that might be cancelled": on("walkout_at_risk")}, count=CANCELLED,
       null="process_share", score="talks", rerun=True)
def c25(d: Draws) -> Finding:
    """The process is the product: talks persist without a deal."""
    rates = d["deal_base"], d["walkout_base"]  # logs of rates per week
    deal, walkout = (-np.expm1(-MONTH * np.exp(rate)) for rate in rates)
    held = (deal < 0.1) & (walkout < 0.1)
    return Finding(held, *rates, deal=deal, walkout=walkout, process=d["process_share"])

# Signing is costlier than tacit understanding.
effect("C26", "region", "signature_cost", "share", lambda x: logistic(-x),
       needs={"a mutual agreement": AGREED}, score="form",
       count=("periods with a mutual agreement", AGREED))

# Talks hold off new sanctions.
effect("C27", "sign", "talks_defer", "factor", holds=lambda x: x < 0,
       needs={"sanctions": on("sanction"),
       "recent talks while sanctions were recorded": on("talks_recent", "sanction_seen")},
       count=("periods with a sanction", on("sanction")), score="sanction")

# Walking out raises misperception.
effect("C28", "sign", "walkout_noise", "factor",
       needs={"cancelled talks": on("walkout_fresh", "strikes_seen")}, count=CANCELLED,
       score="strikes_A strikes_B")

# Peripheral actors pay for a calm dyad.
effect("C29", "sign", "peripheral_harm", "factor",
       needs={"actions on third parties": on("peripheral_count", "peripheral_seen"),
       "calm between the sides": on("calm", "peripheral_seen")},
       count=("calm periods", on("calm", "peripheral_seen")), score="periphery")

# The equilibrium has a shelf life: the Weibull shape of its breaches is above 1.
effect("C30", "region", "shelf_life", "shape", needs={"a truce": on("truce_seen")},
       count=BREACHED, score="breach")

# Third parties and malfunction disrupt it from outside.
effect("C31", "region", "exogenous_disruption", "share", logistic,
       needs={"actions in a truce": acts_in_truce}, score="cause",
       count=("periods with actions in a truce", acts_in_truce))

@claim("C32", "region", needs={"a truce": on("command_seen", "truce_seen")},
       count=("periods with such actions", on("disobeyed")),
       null="command_control", score="command")
def c32(d: Draws) -> Finding:
    """Leaders control their subordinates, taken as on more than 80 % of days of truce."""
    one, two = (np.exp(-np.logaddexp(0.0, -d["command_control", role])) for role in ROLES)
    return Finding(np.minimum(one, two) > 0.8, d["command_control"], one=one, two=two)

# This is the resolution: neither treaty nor war.
claim("C33", "forecast", needs={"a truce, the state that is said to last": on("ends_seen")},
      forecasts=("neither", 60))(lambda d: Finding())

# Talking itself pays with allies and moderates.
effect("C55", "sign", "talk_payoff", "pay", np.positive, **OF_TALKS)

# War is too costly for either: cost is convex in severity.
effect("C56", "region", "convex_cost", "growth", np.positive,
       needs={"heavy actions suffered": on("heavy"), "talks": TALKS}, count=TALKED, score="talks")

# A fixed truce spell concentrates events at its end.
effect("C34", "sign", "deadline_effect", "factor", count=ENDED, score="resolve",
       needs={"a truce spell with an announced deadline": on("at_deadline", "ends_seen")})

# The pause resets forces.
claim("C35", "sign", needs={"quiet periods of truce": QUIET}, null="tactical_reset",
      count=("quiet periods of truce", QUIET), score="reading")(each_side("tactical_reset"))

# The pause lets political heat dissipate.
effect("C36", "region", "heat_loss", "factor", lambda x: 1.0 + mean(x), lambda x: mean(x) > 0,
       needs={"hard-line words": on("hardline"), "a truce": on("truce")}, score="talks")

# Ninety-six quiet hours prove command and control.
effect("C37", "region forecast", "quiet_for_quiet", "factor", lambda x: np.exp(-x),
       needs={"a truce": on("truce_seen"),
       "a truce spell whose first four days were quiet": on("quiet_passed", "truce_seen")},
       count=BREACHED, score="breach", forecasts=("no_collapse", 14))

@claim("C38", "sign", needs={"mediation": on("mediator", "talks_seen"), "talks": TALKS},
       count=TALKED, null="mediator_effect mediator_late", score="talks")
def c38(d: Draws) -> Finding:
    """The mediator and venue matter, and less as time passes."""
    fresh, late = d["mediator_effect", "onset"], d["mediator_late"]
    held = (fresh > 0) & (late < fresh)
    return Finding(held, fresh, late, fresh=np.exp(fresh), old=np.exp(late))

# A hard-security agenda moves faster than ideology.
effect("C39", "sign", "agenda_effect", "factor",
       needs={"a mutual agreement": on("deal", "deal_seen"),
       "the agenda's matter among diplomatic actions": on("agenda_share", "deal_seen")},
       count=("periods with a mutual agreement", on("deal")), score="deal")

# Unattributed spoiler attacks can end the truce.
effect("C40", "sign scenario", "attribution_gap", "factor", score="collapse",
       needs={"an unattributed action in a truce": on("spoiler_open", "ends_seen")},
       count=("periods with an open unattributed action", on("spoiler_open")))

# Sanctions sequencing opens a gap in time.
effect("C41", "region", "sequencing_gap", "gap", np.positive, **OF_TALKS)

# Limited waivers bridge the gap.
effect("C42", "sign", lambda d: d["sequencing_gap"] * d["waiver_cut"], "gain", np.positive,
       needs={"a waiver": on("waiver", "talks_seen"), "talks": TALKS}, score="talks",
       count=("periods with a waiver", on("waiver")), null="sequencing_gap")

# Excluded regional powers may act alone.
effect("C43", "sign", "exclusion_strikes", "factor",
       count=("periods with such actions", on("excluded_count")),
       needs={"actions of powers outside the talks": on("excluded_count", "excluded_seen"),
       "signs of a deal": on("deal_near", "excluded_seen")}, score="excluded")

# A truce lowers the gain of the feedback loop.
effect("C44", "region ablation", "truce_gain", "factor", holds=lambda x: x < 0,
       needs={"actions of force": ACTS, "a truce": on("truce", "strikes_seen")},
       score="strikes_A strikes_B",
       count=("periods of truce with actions", on("truce", "strike_count")))

@claim("C45", "region forecast", needs={"actions of force": ACTS}, count=ACTED,
       null="log_excite_own log_excite_cross", score="strikes_A strikes_B", limits=(0.05, 0.01),
       forecasts=("cluster", 14))
def c45(d: Draws) -> Finding:
    """A feedback explosion is possible, taken as at least 5 %."""
    drawn = gain(d)
    return Finding(drawn >= 1.0, np.log(drawn), gain=drawn)

# After a pause the same move draws a bigger reply.
effect("C46", "sign", "pause_overshoot", "factor", needs={"actions of force": ACTS,
       "pauses": on("pause", "strikes_seen")}, count=ACTED, score="strikes_A strikes_B")

# A hotline keeps local incidents local.
effect("C47", "sign scenario", "hotline_effect", "factor", holds=lambda x: x < 0,
       needs={"a hotline": on("hotline")}, count=("periods with a hotline", on("hotline")),
       score="strikes_A strikes_B collapse")

@claim("C48", "sign", needs={"a zone that is to be spared": ZONES,
       "actions by zone": on("zone_count")}, count=("periods with such a zone", ZONES),
       null="zone_effect zone_displacement", score="zones")
def c48(d: Draws) -> Finding:
    """Deconfliction zones cut incidents inside them, without displacement."""
    inside, beside = d["zone_effect"], d["zone_displacement"]
    held = (inside < 0) & (beside < 0.5 * np.abs(inside))
    return Finding(held, inside, beside, inside=np.exp(inside), beside=np.exp(beside))

# Proxy restraint makes a partner credible.
effect("C49", "sign", "proxy_credibility", "odds", holds=lambda x: x < 0,
       count=TALKED, score="talks",
       needs={"attacks by proxies in a truce": on("proxy_attack", "talks_seen"), "talks": TALKS})

@claim("C50", "forecast region", count=("truce spells that ended so", on("end_kind")), score="kind",
       needs={"a truce spell that ended without collapse": on("end_kind")},
       null="lapse_share unilateral_share mutual_share", forecasts=("extension", 30))
def c50(d: Draws) -> Finding:
    """Extension is the likeliest outcome."""
    lapse, one, two, deal = outcomes.kind_shares(d, 1.0)  # type: ignore[arg-type]
    held = one + two > np.maximum(lapse, deal)
    return Finding(held, one + two, one=one, two=two, deal=deal, lapse=lapse)

# Small reversible transactions last longer than treaties.
effect("C51", "region", lambda d: d["reversal_base", "transaction"] - d["reversal_base", "treaty"],
       "factor", holds=lambda x: x < 0, null="", score="reversal", contrast=True,
       needs={"a treaty in force": on(("scope_live", "treaty")),
       "a transaction in force": on(("scope_live", "transaction"))},
       count=("agreements that ended", on("scope_ended")))

# Named mutual concessions decide renewal.
effect("C52", "sign scenario", "renewal_effect", "factor", count=ENDED, score="collapse resolve",
       needs={"a breach of a named concession": on("concession_broken", "ends_seen")})

# Negative peace must come before positive peace, taken as less than 10 % of moves skip.
effect("C53", "region", "skip", "share", logistic, lambda x: logistic(x) < 0.1,
       score="conflict_phase",
       needs={"declared states of peace and war": on("conflict_phase_on")})

# Talks discover each side's price.
effect("C54", "region", "price_discovery", "odds", needs={"replies to offers": REPLIED},
       count=("periods with a reply", REPLIED), score="reply")
