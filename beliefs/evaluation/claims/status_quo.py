"""Claims of the text that says that the exchange of blows is a peace of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from beliefs.evaluation.claims.claim import (
    Claim,
    Draws,
    Finding,
    Forecasted,
    claims_of,
    either,
    found,
    on,
)
from beliefs.model.mechanisms import accidents, reciprocity

# Decorators are laid out by hand, a few lines each.
# fmt: off
CLAIMS: list[Claim] = []
claim = claims_of("status_quo", CLAIMS)

MONTH = 30.0 / 7.0  # weeks
TALKS = on("talks", "talks_seen")
TALKED = ("periods with talks", TALKS)
ACTS = on("strike_count", "strikes_seen")
ACTED = ("periods with acts of force", on("strike_count"))
AGREED = either("deal_signed", "deal_unsigned")


def gain(d: Draws) -> xr.DataArray:
    """Return the acts that one act draws directly, at the mean severity of the study's acts."""
    acts, warned = (
        d.conduct[name].sum(axis=(0, 2))[None, :, None]
        for name in ("strike_by_severity", "warned_by_severity")
    )
    mean: Any = 1.0
    if acts.sum() > 0.0:
        mean = reciprocity.mark(np, d.arrays, acts, warned)[:, 0, 0] / acts.sum()
    return xr.DataArray(reciprocity.gain(np, d.arrays, mean), dims="draw")


def logistic(x: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


@claim("C19", "sign ablation", count=("periods with talks", on("talks", "strikes_seen")), needs={
       "talks in a period in which acts of force were recorded": on("talks", "strikes_seen")},
       null="talk_strike_tempo", score="strikes_A strikes_B")
def c19(d: Draws) -> Finding:
    """Talks and strikes move together."""
    tempo = d["talk_strike_tempo"]
    return found(tempo > 0, tempo, factor=np.exp(tempo))


@claim("C20", "region", needs={"acts that answer an act": on("provoked")},
       count=("replies", on("provoked")), null="proportionality", score="severity")
def c20(d: Draws) -> Finding:
    """Replies are strictly proportional."""
    share, drawn = d["proportionality"], gain(d)
    held = (np.abs(share - 1.0) < 0.25) & (drawn <= 1.0)
    return found(held, share, elasticity=share, gain=drawn)


@claim("C21", "sign", needs={"acts of force with prior warning": on("warned_by_severity")},
       count=("periods with an announced act", on("warned_by_severity")), null="warning_effect",
       score="strikes_A strikes_B")
def c21(d: Draws) -> Finding:
    """Warnings through intermediaries keep strikes harmless."""
    effect = d["warning_effect"]
    return found(effect < 0, effect, weight=np.exp(effect))


@claim("C22", "sign ablation", needs={"acts of force": ACTS,
       "pressure at home": on("pressure_home", "strikes_seen")}, count=ACTED,
       null="valve valve_pressure", score="strikes_A strikes_B")
def c22(d: Draws) -> Finding:
    """Strikes vent domestic pressure."""
    valve, pressure = d["valve"], d["valve_pressure"]
    shown = {"spared": np.exp(-valve), "pressed": np.exp(pressure)}
    return found((valve > 0) & (pressure > 0), valve, pressure, **shown)


@claim("C23", "region", needs={"readings of belief": on("cell_time")}, null="retention",
       score="reading", rerun=True)
def c23(d: Draws) -> Finding:
    """Neither side shifts the balance: a gap between beliefs halves, taken as in half a year."""
    left = np.log(d["retention"]).mean(axis=1)  # of the distance, after a week
    weeks = np.log(0.5) / np.minimum(left, -1e-9)
    return found(weeks < 26.0, np.log(weeks), weeks=weeks)


@claim("C24", "region forecast", needs={"acts at a declared red line": on("line_touch")},
       count=("periods with an act at a red line", on("line_touch")), null="crossing",
       score="crossing", forecasts=Forecasted("no_crossing", 14))
def c24(d: Draws) -> Finding:
    """Both sides stay inside the red lines, taken as less than 5 % of acts that touch one."""
    odds = d["crossing"]
    one, two = (logistic(d["crossing", side]) for side in (d.coercer, d.endurer))
    return found(logistic(odds).max("side") < 0.05, odds, one=one, two=two)


@claim("C25", "region ablation", needs={"agreements, or their absence": on("deal_seen"),
       "talks that might be cancelled": on("walkout_at_risk")},
       count=("cancelled talks", on("walkout")), null="process_share", score="talks", rerun=True)
def c25(d: Draws) -> Finding:
    """The process is the product: talks persist without a deal."""
    rates = d["deal_base"], d["walkout_base"]  # logs of rates per week
    deal, walkout = (-np.expm1(-MONTH * np.exp(rate)) for rate in rates)
    held = (deal < 0.1) & (walkout < 0.1)
    return found(held, *rates, deal=deal, walkout=walkout, process=d["process_share"])


@claim("C26", "region", needs={"a mutual agreement": AGREED}, null="signature_cost", score="form",
       count=("periods with a mutual agreement", AGREED))
def c26(d: Draws) -> Finding:
    """Signing is costlier than tacit understanding."""
    cost = d["signature_cost"]
    return found(cost > 0, cost, share=logistic(-cost))


@claim("C27", "sign", needs={"sanctions": on("sanction"),
       "recent talks while sanctions were recorded": on("talks_recent", "sanction_seen")},
       count=("periods with a sanction", on("sanction")), null="talks_defer", score="sanction")
def c27(d: Draws) -> Finding:
    """Talks hold off new sanctions."""
    effect = d["talks_defer"]
    return found(effect < 0, effect, factor=np.exp(effect))


@claim("C28", "sign", needs={"cancelled talks": on("walkout_fresh", "strikes_seen")},
       count=("cancelled talks", on("walkout")), null="walkout_noise",
       score="strikes_A strikes_B")
def c28(d: Draws) -> Finding:
    """Walking out raises misperception."""
    effect = d["walkout_noise"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C29", "sign", needs={"acts on third parties": on("peripheral_count", "peripheral_seen"),
       "calm between the sides": on("calm", "peripheral_seen")},
       count=("calm periods", on("calm", "peripheral_seen")), null="peripheral_harm",
       score="periphery")
def c29(d: Draws) -> Finding:
    """Peripheral actors pay for a calm dyad."""
    effect = d["peripheral_harm"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C30", "region", needs={"a truce": on("truce_seen")}, null="shelf_life",
       count=("periods with a breach", on("breach")), score="breach collapse")
def c30(d: Draws) -> Finding:
    """The equilibrium has a shelf life: the Weibull shape of its end is above 1."""
    shape = d["shelf_life"]
    return found(shape > 0, shape, shape=np.exp(shape))


def acts_in_truce(seen: Any) -> Any:
    """Return acts of either kind in a truce."""
    return either("breach_own", "breach_other")(seen) * seen["truce_seen"]


@claim("C31", "region", needs={"acts in a truce": acts_in_truce}, null="exogenous_disruption",
       count=("periods with acts in a truce", acts_in_truce), score="cause")
def c31(d: Draws) -> Finding:
    """Third parties and malfunction disrupt it from outside."""
    odds = d["exogenous_disruption"]
    return found(odds > 0, odds, share=logistic(odds))


@claim("C32", "region", needs={"a truce": on("command_seen", "truce_seen")},
       count=("periods with such acts", on("disobeyed")), null="command_control", score="command")
def c32(d: Draws) -> Finding:
    """Leaders control their subordinates, taken as on more than 80 % of days of truce."""
    day = accidents.control_day(np, {"command_control": d["command_control"]})
    one, two = day.sel(side=d.coercer), day.sel(side=d.endurer)
    return found(day.min("side") > 0.8, d["command_control"], one=one, two=two)


@claim("C33", "forecast", needs={"a truce, the state that is said to last": on("truce_seen")},
       forecasts=Forecasted("neither", 60))
def c33(d: Draws) -> Finding:
    """This is the resolution: neither treaty nor war."""
    return found()


@claim("C55", "sign", needs={"talks": TALKS}, count=TALKED, null="talk_payoff", score="talks")
def c55(d: Draws) -> Finding:
    """Talking itself pays with allies and moderates."""
    pay = d["talk_payoff"]
    return found(pay > 0, pay, pay=pay)


@claim("C56", "region", needs={"heavy acts suffered": on("heavy"), "talks": TALKS}, count=TALKED,
       null="convex_cost", score="talks")
def c56(d: Draws) -> Finding:
    """War is too costly for either: cost is convex in severity."""
    growth = d["convex_cost"]
    return found(growth > 0, growth, growth=growth)
