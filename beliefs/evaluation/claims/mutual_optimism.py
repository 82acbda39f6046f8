"""Claims of the text that says why both sides think that they are winning, under its theory."""

from __future__ import annotations

import numpy as np
import xarray as xr

from beliefs.evaluation.claims.claim import (
    Absent,
    Claim,
    Draws,
    Finding,
    Forecasted,
    claims_of,
    found,
    on,
)
from beliefs.model.mechanisms import domestic, readings

# Decorators are laid out by hand, a few lines each.
# fmt: off
CLAIMS: list[Claim] = []
claim = claims_of("mutual_optimism", CLAIMS)

CERTAIN = 1e-6  # beliefs this close to 0 or 1 have no finite log-odds
TALKS = on("talks", "talks_seen")
TALKED = ("periods with talks", TALKS)
CONCEDED = ("periods with an offer or concession", on("concession"))
SPOKE = ("public readings", on("cell_public"))


def public_bias(d: Draws) -> xr.DataArray:
    """Return what a side's public words add to its belief, over its public words of the study."""
    public = d.columns["cell_public"] > 0.0
    side, time = d.columns["cell_side"][public], d.columns["cell_time"][public]
    p = np.clip(d.conduct["p_lag"][side, time], CERTAIN, 1.0 - CERTAIN)
    added = domestic.projection(np, d.arrays, np.log(p) - np.log1p(-p), side)
    if not all((side == i).any() for i in (0, 1)):
        raise Absent("public words of both sides")
    means = np.stack([added[:, side == i].mean(axis=1) for i in (0, 1)], axis=1)
    return xr.DataArray(means, dims=("draw", "side"))


def private_spread(d: Draws) -> xr.DataArray:
    """Return the scale of private readings."""
    if "private" not in d.structure.channel_bias:
        raise Absent("private readings")
    place = d.structure.channel_bias.index("private")
    scale = readings.spread(np, d.arrays, d.structure)[..., place]
    return xr.DataArray(scale, dims="draw")


@claim("C01", "region", needs={"public words": on("cell_public"),
       "private signals": on("cell_private")}, count=SPOKE, null="projection", score="reading")
def c01(d: Draws) -> Finding:
    """Confidence is sincere: public bias is smaller than the spread of private signals."""
    bias, noise = public_bias(d).mean("side"), private_spread(d)
    return found(bias < noise, bias, noise, bias=bias, noise=noise)


@claim("C02", "region ablation", needs={"news of any indicator": on("evidence")},
       fixed={"shared": {"dist": "Beta", "alpha": 200.0, "beta": 1.0}}, score="talks reading")
def c02(d: Draws) -> Finding:
    """Each side keeps its own scorecard of what winning is."""
    share = d["shared"]
    return found(share < 0.5, share, share=share)


@claim("C03", "sign ablation", null="weight_own", role="coercer", score="talks",
       needs={"news on the coercer's scorecard": lambda s: s["evidence", f"{s.coercer}:*"]})
def c03(d: Draws) -> Finding:
    """Pressure on the one who endures raises the coercer's confidence."""
    weight = d["weight_own", f"{d.coercer}:*"].mean("own_term")
    return found(weight > 0, weight, weight=weight)


@claim("C04", "sign ablation", needs={"periods under pressure": on("pressure")}, null="endurance",
       score="talks")
def c04(d: Draws) -> Finding:
    """Merely surviving raises confidence."""
    gain = d["endurance", d.endurer]
    return found(gain > 0, gain, gain=gain)


@claim("C05", "sign", needs={"quiet periods": on("quiet")}, count=("quiet periods", on("quiet")),
       null="stalemate", score="talks")
def c05(d: Draws) -> Finding:
    """Stalemate reads as progress to both sides at once."""
    gain = d["stalemate"]
    one, two = d["stalemate", d.coercer], d["stalemate", d.endurer]
    return found(gain.min("side") > 0, gain, one=one, two=two)


@claim("C06", "sign", needs={"offers or concessions": on("concession")}, count=CONCEDED,
       null="wait_value", score="concession")
def c06(d: Draws) -> Finding:
    """A confident side waits rather than concedes."""
    value = d["wait_value"]
    return found(value > 0, value, odds=np.exp(-value))


@claim("C07", "sign ablation", needs={"talks": TALKS}, count=TALKED, null="surplus_effect",
       score="talks", rerun=True, modes=True)
def c07(d: Draws) -> Finding:
    """No talks while optimism exceeds the costs of conflict."""
    effect = d["surplus_effect", "onset"]
    return found(effect > 0, effect, effect=effect)


@claim("C08", "sign ablation", needs={"talks": TALKS}, count=TALKED, null="crack_rule",
       score="talks")
def c08(d: Draws) -> Finding:
    """One side's doubt is enough to open talks."""
    effect = d["crack_rule"]
    return found(effect > 0, effect, effect=effect)


@claim("C09", "sign ablation", needs={"hard-line words": on("hardline"),
       "offers or concessions": on("concession")}, count=CONCEDED, null="audience_hold",
       score="concession")
def c09(d: Draws) -> Finding:
    """Governments become prisoners of their own messaging."""
    hold = d["audience_hold"]
    one, two = (np.exp(-d["audience_hold", side]) for side in (d.coercer, d.endurer))
    cost = d["audience_effect"].mean("side")
    return found(hold.min("side") > 0, hold, one=one, two=two, cost=cost)


@claim("C10", "sign", needs={"public words": on("cell_public")}, count=SPOKE, null="projection",
       score="reading")
def c10(d: Draws) -> Finding:
    """Leaders project more confidence as belief falls."""
    added = d["projection"]
    one, two = d["projection", d.coercer], d["projection", d.endurer]
    return found(added.min("side") > 0, added, one=one, two=two)


@claim("C11", "region", needs={"acts of force beyond what was expected": on("rival_resolve")},
       count=("periods with such acts", on("rival_resolve")), null="misread", score="reading")
def c11(d: Draws) -> Finding:
    """A resolute act is misread as desperation."""
    gain = d["misread"]
    return found(gain.mean("side") > 0, gain, gain=gain.mean("side"))


@claim("C12", "sign ablation", needs={"acts of force": on("strike_count", "strikes_seen")},
       count=("periods with acts of force", on("strike_count")), null="certainty_widening",
       score="strikes_A strikes_B")
def c12(d: Draws) -> Finding:
    """Incidents widen most when both are certain."""
    effect = d["certainty_widening"]
    return found(effect > 0, effect, factor=np.exp(0.25 * effect))


@claim("C13", "sign ablation", needs={"an economy near its hinge": on("hinge", "talks_seen"),
       "talks": TALKS}, count=TALKED, null="economic_hinge", score="talks")
def c13(d: Draws) -> Finding:
    """An economic threshold opens the way to a deal."""
    effect = d["economic_hinge"]
    return found(effect > 0, effect, odds=np.exp(effect))


@claim("C14", "region", needs={"a change of leadership": on("turnover")}, null="turnover_reset",
       count=("changes of leadership", on("turnover")), score="reading", rerun=True)
def c14(d: Draws) -> Finding:
    """A new administration recalibrates, taken as by more than 10 %."""
    share = d["turnover_reset"]
    return found(share.mean("side") > 0.1, share, share=share.mean("side"))


@claim("C15", "sign", needs={"a declared escalation": on(("aftermath", "escalation")),
       "talks": TALKS}, null="escalation_cost", score="talks")
def c15(d: Draws) -> Finding:
    """An escalation that raises stakes opens talks."""
    cost = d["escalation_cost"]
    return found(cost > 0, cost, factor=np.exp(cost))


@claim("C16", "region", needs={"a declared shock": on("shock")},
       count=("declared shocks", on("shock")), null="shock_jump", score="reading", rerun=True,
       paths=True)
def c16(d: Draws) -> Finding:
    """Shocks and not good-faith process break deadlocks."""
    share = d["jump_share"]
    return found(share > 0.5, share, share=share)


@claim("C17", "forecast sign", needs={"agreements in force": on("scope_live"),
       "an agreement that outlived a government": on("government_changed")},
       count=("agreements that ended", on("scope_ended")), null="turnover_termination",
       score="reversal", forecasts=Forecasted("deal", 365))
def c17(d: Draws) -> Finding:
    """A deal without any crack dies with a change of government."""
    effect = d["turnover_termination"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C18", "region", needs={"talks": TALKS, "a deadlock of more than a period": on("spell_age")},
       count=TALKED, null="deadlock_shape", score="talks")
def c18(d: Draws) -> Finding:
    """The deadlock is durable: its Weibull shape is below 1."""
    shape = d["deadlock_shape"]
    return found(shape < 0, shape, shape=np.exp(shape))
