"""Parameters of truce, outcomes and diplomacy are found again in studies drawn from them.

A posterior that equals its prior covers as well as any; so each test also asks that the data moved
the parameters that such a study can tell.
"""

import numpy as np
import pytest
from conduct_recovery import STUDIES, design, recover

from beliefs.model.mechanisms import diplomacy, outcomes, truce
from beliefs.model.observation import draw
from beliefs.study.tables.codebook import RUNGS

pytestmark = pytest.mark.statistical

LEARNT = 0.2  # contraction of the prior: twice what a claim needs to be judged at all


def check(found, told=None):
    """Intervals cover, and the data moved the parameters that such a study can tell."""
    assert not found.missed()
    assert min(found.contraction[n] for n in told or found.contraction) > LEARNT, found.contraction


def named(module, *names):
    return [factor for factor in module.FACTORS if factor.name in names]


def drawn(made, module, name, rng, size=None, columns=None):
    """What a factor's linear predictor draws, (STUDIES, ..., time)."""
    seen = made.columns if columns is None else columns
    eta = getattr(module, name)(np, made.truth, seen, made.structure)
    family = named(module, name)[0].family
    return draw(rng.random(eta.shape), family, eta, size)


def test_breach_collapse_and_resolution_are_recovered():
    factors, rng = named(truce, "breach", "collapse", "resolve"), np.random.default_rng(11)
    made = design(factors, seed=10, n_time=500)
    breach = drawn(made, truce, "breach", rng)
    collapsed = drawn(made, truce, "collapse", rng, columns=made.columns | {"breach": breach})
    resolved = drawn(made, truce, "resolve", rng) * (1.0 - collapsed)
    end = truce.COLLAPSED * collapsed + truce.RESOLVED * resolved
    told = ("breach_base", "resolve_base", "shelf_life", "deadline_effect")
    check(recover(made, factors, {"breach": breach, "truce_end": end}), told)


def test_acts_by_zone_are_recovered():
    factors, rng = named(truce, "zones"), np.random.default_rng(13)
    made = design(factors, seed=12)
    found = recover(made, factors, {"zone_count": drawn(made, truce, "zones", rng)})
    check(found)


def test_deals_their_form_and_reversals_are_recovered():
    factors, rng = named(outcomes, "deal", "form", "reversal"), np.random.default_rng(15)
    made = design(factors, seed=14, n_time=700)
    deals = made.columns["deal_signed"] + made.columns["deal_unsigned"]
    signed = drawn(made, outcomes, "form", rng, size=deals)
    live = made.columns["scope_live"]
    found = recover(
        made,
        factors,
        {
            "deal": drawn(made, outcomes, "deal", rng),
            "deal_signed": signed,
            "deal_unsigned": deals - signed,
            "scope_ended": drawn(made, outcomes, "reversal", rng, size=live),
        },
    )
    told = ("signature_cost", "reversal_base", "turnover_termination")
    check(found, told)


def test_shares_of_how_windows_end_are_recovered():
    factors, rng = named(outcomes, "kind"), np.random.default_rng(17)
    made = design(factors, seed=16, n_time=1500)
    truth = {name: values[:, None] for name, values in made.truth.items()}
    shares = np.stack(outcomes.kind_shares(truth, made.columns["has_deadline"]), axis=-1)
    kind = 1 + (rng.random((*shares.shape[:-1], 1)) > np.cumsum(shares, axis=-1)).sum(axis=-1)
    kind = np.minimum(kind, len(outcomes.KINDS)) * (made.columns["window_kind"] > 0)
    found = recover(made, factors, {"window_kind": kind})
    check(found)


def test_harm_to_third_parties_is_recovered():
    factors, rng = named(outcomes, "periphery"), np.random.default_rng(19)
    made = design(factors, seed=18)
    count = drawn(made, outcomes, "periphery", rng)
    found = recover(made, factors, {"peripheral_count": count})
    check(found)


def climbed(made, rng):
    """Rungs as one-hot columns, (STUDIES, rung, time), started in friction."""
    n_time, n = made.structure.n_time, len(RUNGS)
    moves = [outcomes.moves(np, made.truth, rung, made.structure) for rung in range(n)]
    out = np.zeros((STUDIES, n, n_time))
    for study in range(STUDIES):
        rung = RUNGS.index("friction")
        for t in range(n_time):
            stay, step, leap, _ = (float(p[study]) for p in moves[rung])
            move = int(np.searchsorted(np.cumsum([stay, step, leap]), rng.random()))
            if move == 3:
                rung = int(rng.integers(0, rung))
            elif move:
                above = range(rung + 1, n)
                rung = int(rng.choice([r for r in above if outcomes.skips(rung, r) == (move == 2)]))
            out[study, rung, t] = 1.0
    return out


def test_hazards_of_the_ladder_are_recovered():
    factors, rng = named(outcomes, "ladder"), np.random.default_rng(21)
    made = design(factors, seed=20, n_time=4000)
    found = recover(made, factors, {"rung_on": climbed(made, rng)})
    check(found)


def test_concessions_replies_sanctions_and_walkouts_are_recovered():
    factors, rng = diplomacy.FACTORS, np.random.default_rng(23)
    made = design(factors, seed=22)
    replies = made.columns["reply_yes"] + made.columns["reply_no"]
    yes = drawn(made, diplomacy, "reply", rng, size=replies)
    once = {n: drawn(made, diplomacy, n, rng) for n in ("concession", "sanction", "walkout")}
    found = recover(made, factors, {"reply_yes": yes, "reply_no": replies - yes, **once})
    told = ("concession_base", "reply_base", "price_discovery", "sanction_base", "walkout_base")
    check(found, told)
