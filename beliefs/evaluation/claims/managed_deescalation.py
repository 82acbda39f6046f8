"""Claims of the text on the mechanics of a managed de-escalation, under its theory."""

from __future__ import annotations

import numpy as np

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
from beliefs.evaluation.claims.status_quo import ACTED, ACTS, TALKED, TALKS, gain, logistic
from beliefs.model.mechanisms import outcomes

# Decorators are laid out by hand, a few lines each.
# fmt: off
CLAIMS: list[Claim] = []
claim = claims_of("managed_deescalation", CLAIMS)

ENDED = ("windows that ended", on("truce_end"))
BREACHED = ("periods with a breach", on("breach"))
QUIET = on("quiet", "truce")
REPLIED = either("reply_yes", "reply_no")
ZONES = on("zone_rule", "zone_seen")


@claim("C34", "sign", count=ENDED, null="deadline_effect", score="resolve",
       needs={"a window with an announced deadline": on("at_deadline", "truce_seen")})
def c34(d: Draws) -> Finding:
    """A fixed window concentrates events at its end."""
    effect = d["deadline_effect"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C35", "sign", needs={"quiet periods of truce": QUIET}, null="tactical_reset",
       count=("quiet periods of truce", QUIET), score="reading")
def c35(d: Draws) -> Finding:
    """The pause resets forces."""
    gain = d["tactical_reset"]
    one, two = d["tactical_reset", d.coercer], d["tactical_reset", d.endurer]
    return found(gain.min("side") > 0, gain, one=one, two=two)


@claim("C36", "region", needs={"hard-line words": on("hardline"), "a truce": on("truce")},
       null="heat_loss", score="talks")
def c36(d: Draws) -> Finding:
    """The pause lets political heat dissipate."""
    loss = d["heat_loss"]
    return found(loss.mean("side") > 0, loss, factor=1.0 + loss.mean("side"))


@claim("C37", "region forecast", needs={"a truce": on("truce_seen"),
       "a window whose first four days were quiet": on("quiet_passed", "truce_seen")},
       count=BREACHED, null="quiet_for_quiet", score="breach",
       forecasts=Forecasted("no_collapse", 14))
def c37(d: Draws) -> Finding:
    """Ninety-six quiet hours prove command and control."""
    effect = d["quiet_for_quiet"]
    return found(effect > 0, effect, factor=np.exp(-effect))


@claim("C38", "sign", needs={"mediation": on("mediator", "talks_seen"), "talks": TALKS},
       count=TALKED, null="mediator_effect mediator_late", score="talks")
def c38(d: Draws) -> Finding:
    """The mediator and venue matter, and less as time passes."""
    fresh, late = d["mediator_effect", "onset"], d["mediator_late"]
    held = (fresh > 0) & (late < fresh)
    return found(held, fresh, late, fresh=np.exp(fresh), old=np.exp(late))


@claim("C39", "sign", needs={"a mutual agreement": on("deal", "deal_seen"),
       "maritime matters among diplomatic acts": on("maritime", "deal_seen")},
       count=("periods with a mutual agreement", on("deal")), null="agenda_effect", score="deal")
def c39(d: Draws) -> Finding:
    """A hard-security agenda moves faster than ideology."""
    effect = d["agenda_effect"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C40", "sign scenario", null="attribution_gap", score="collapse",
       needs={"an unattributed act in a truce": on("spoiler_open", "truce_seen")},
       count=("periods with an open unattributed act", on("spoiler_open")))
def c40(d: Draws) -> Finding:
    """Unattributed spoiler attacks can end the truce."""
    effect = d["attribution_gap"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C41", "region", needs={"talks": TALKS}, count=TALKED, null="sequencing_gap", score="talks")
def c41(d: Draws) -> Finding:
    """Sanctions sequencing opens a gap in time."""
    gap = d["sequencing_gap"]
    return found(gap > 0, gap, gap=gap)


@claim("C42", "sign", needs={"a waiver": on("waiver", "talks_seen"), "talks": TALKS},
       count=("periods with a waiver", on("waiver")), null="sequencing_gap", score="talks")
def c42(d: Draws) -> Finding:
    """Limited waivers bridge the gap."""
    gain = d["sequencing_gap"] * d["waiver_cut"]
    return found(gain > 0, gain, gain=gain)


@claim("C43", "sign", count=("periods with such acts", on("excluded_count")),
       needs={"acts of powers outside the talks": on("excluded_count", "excluded_seen"),
       "signs of a deal": on("deal_near", "excluded_seen")},
       null="exclusion_strikes", score="excluded")
def c43(d: Draws) -> Finding:
    """Excluded regional powers may act alone."""
    effect = d["exclusion_strikes"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C44", "region ablation", needs={"acts of force": ACTS,
       "a truce": on("truce", "strikes_seen")}, null="truce_gain", score="strikes_A strikes_B",
       count=("periods of truce with acts", on("truce", "strike_count")))
def c44(d: Draws) -> Finding:
    """A truce lowers the gain of the feedback loop."""
    effect = d["truce_gain"]
    return found(effect < 0, effect, factor=np.exp(effect))


@claim("C45", "region forecast", needs={"acts of force": ACTS}, count=ACTED,
       null="log_excite_own log_excite_cross", score="strikes_A strikes_B", limits=(0.05, 0.01),
       forecasts=Forecasted("cluster", 14, at_least=5))
def c45(d: Draws) -> Finding:
    """A feedback explosion is possible, taken as at least 5 %."""
    drawn = gain(d)
    return found(drawn >= 1.0, np.log(drawn), gain=drawn)


@claim("C46", "sign", needs={"acts of force": ACTS, "pauses": on("pause", "strikes_seen")},
       count=ACTED, null="pause_overshoot", score="strikes_A strikes_B")
def c46(d: Draws) -> Finding:
    """After a pause the same move draws a bigger reply."""
    effect = d["pause_overshoot"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C47", "sign scenario", needs={"a hotline": on("hotline")}, null="hotline_effect",
       count=("periods with a hotline", on("hotline")), score="strikes_A strikes_B collapse")
def c47(d: Draws) -> Finding:
    """A hotline keeps local incidents local."""
    effect = d["hotline_effect"]
    return found(effect < 0, effect, factor=np.exp(effect))


@claim("C48", "sign", needs={"a zone that is to be spared": ZONES,
       "acts by zone": on("zone_count")}, count=("periods with such a zone", ZONES),
       null="zone_effect zone_displacement", score="zones")
def c48(d: Draws) -> Finding:
    """Deconfliction zones cut incidents inside them, without displacement."""
    inside, beside = d["zone_effect"], d["zone_displacement"]
    held = (inside < 0) & (beside < 0.5 * np.abs(inside))
    return found(held, inside, beside, inside=np.exp(inside), beside=np.exp(beside))


@claim("C49", "sign", count=TALKED, null="proxy_credibility", score="talks", needs={
       "attacks by proxies in a truce": on("proxy_attack", "talks_seen"), "talks": TALKS})
def c49(d: Draws) -> Finding:
    """Proxy restraint makes a partner credible."""
    effect = d["proxy_credibility"]
    return found(effect < 0, effect, odds=np.exp(effect))


@claim("C50", "forecast region", count=("windows that ended so", on("window_kind")), score="kind",
       needs={"a window that ended without collapse": on("window_kind")},
       null="lapse_share unilateral_share mutual_share", forecasts=Forecasted("extension", 30))
def c50(d: Draws) -> Finding:
    """Extension is the likeliest outcome."""
    lapse, one, two, deal = outcomes.kind_shares(d, 1.0)  # type: ignore[arg-type]
    held = one + two > np.maximum(lapse, deal)
    return found(held, one + two, one=one, two=two, deal=deal, lapse=lapse)


@claim("C51", "region", needs={"a treaty in force": on(("scope_live", "treaty")),
       "a transaction in force": on(("scope_live", "transaction"))},
       count=("agreements that ended", on("scope_ended")), contrast=True, score="reversal")
def c51(d: Draws) -> Finding:
    """Small reversible transactions last longer than treaties."""
    gap = d["reversal_base", "transaction"] - d["reversal_base", "treaty"]
    return found(gap < 0, gap, factor=np.exp(gap))


@claim("C52", "sign scenario", count=ENDED, null="renewal_effect", score="collapse resolve",
       needs={"a breach of a named concession": on("concession_broken", "truce_seen")})
def c52(d: Draws) -> Finding:
    """Named mutual concessions decide renewal."""
    effect = d["renewal_effect"]
    return found(effect > 0, effect, factor=np.exp(effect))


@claim("C53", "region", needs={"declared states of peace and war": on("rung_on")}, null="skip",
       score="ladder")
def c53(d: Draws) -> Finding:
    """Negative peace must come before positive peace, taken as less than 10 % of moves skip."""
    odds = d["skip"]
    return found(logistic(odds) < 0.1, odds, share=logistic(odds))


@claim("C54", "region", needs={"replies to offers": REPLIED}, null="price_discovery",
       count=("periods with a reply", REPLIED), score="reply")
def c54(d: Draws) -> Finding:
    """Talks discover each side's price."""
    effect = d["price_discovery"]
    return found(effect > 0, effect, odds=np.exp(effect))
