"""How confrontations end, against numbers worked out by hand."""

import math

import numpy as np
import pytest
from conduct_design import nothing, parameters_of, structure
from scipy import stats
from scipy.special import expit

from beliefs.model.mechanisms import outcomes
from beliefs.model.pooled import load_pooled
from beliefs.study.tables.codebook import RUNGS

WEEKS = structure(n_time=5, step_weeks=1.0)
PARAMS = {
    "deal_base": np.array(-3.0), "deal_surplus": np.array(0.2), "shift_deal": np.array(0.5),
    "agenda_effect": np.array(0.4), "signature_cost": np.array(1.2), "lapse_share": np.array(0.3),
    "unilateral_share": np.array(0.4), "mutual_share": np.array(0.75),
    "reversal_base": np.array([-4.0, -5.0]), "turnover_termination": np.array(1.0),
    "peripheral_base": np.array(-0.5), "peripheral_war": np.array(0.6),
    "peripheral_instrument": np.array([0.3]), "peripheral_harm": np.array(0.8),
    "ladder_up": np.array(-2.0), "ladder_down": np.array(-2.5), "skip": np.array(-1.0),
}  # fmt: skip


def likelihood(seen, name, params=PARAMS):
    return outcomes.log_likelihood(np, params, seen, WEEKS, [name])[name]


def test_the_hazard_of_a_deal_is_centred_on_the_reference_class():
    prior = next(p.prior for p in parameters_of("outcomes", WEEKS) if p.name == "deal_base")
    expected = math.log(7.0) + load_pooled("agreement").late().mean
    assert prior.median() == pytest.approx(expected, abs=0.0006)


def test_deals_follow_surplus_agenda_and_shifts_of_power():
    seen = nothing(WEEKS, "active", "deal_seen", "peripheral_seen")
    seen["surplus_lag"][1] = 0.3  # three tenths of the stake
    seen["maritime"][2] = 0.5
    seen["power_shift"][3] = 2.0
    found = outcomes.deal(np, PARAMS, seen, WEEKS)
    np.testing.assert_allclose(found, [-3.0, -2.4, -2.8, -4.0, -3.0], rtol=1e-12)
    seen["deal"][1] = 1.0
    seen["deal_seen"][4] = 0.0
    hazard = np.exp(found)
    expected = -hazard
    expected[1], expected[4] = math.log(-math.expm1(-hazard[1])), 0.0
    np.testing.assert_allclose(likelihood(seen, "deal"), expected, rtol=1e-12)


def test_a_cost_of_signing_leaves_deals_unsigned():
    seen = nothing(WEEKS, "active", "deal_seen", "peripheral_seen")
    seen["deal_signed"] = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    seen["deal_unsigned"] = np.array([0.0, 0.0, 2.0, 1.0, 0.0])
    p = expit(-1.2)
    expected = stats.binom.logpmf(seen["deal_signed"], [0, 1, 2, 2, 0], p)
    np.testing.assert_allclose(likelihood(seen, "form"), expected, atol=1e-14)


def test_windows_end_in_one_of_four_ways_and_lapse_only_with_a_deadline():
    with_one, without = (outcomes.kind_shares(PARAMS, np.array(d)) for d in (1.0, 0.0))
    np.testing.assert_allclose(with_one, [0.3, 0.28, 0.315, 0.105], rtol=1e-12)
    np.testing.assert_allclose(without, [0.0, 0.4, 0.45, 0.15], rtol=1e-12)
    seen = nothing(WEEKS, "active", "deal_seen", "peripheral_seen")
    seen["window_kind"] = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    seen["has_deadline"] = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    expected = [0.0, *np.log([0.3, 0.28, 0.45, 0.15])]
    np.testing.assert_allclose(likelihood(seen, "kind"), expected, rtol=1e-12)


def test_agreements_in_force_end_at_the_hazard_of_their_scope():
    seen = nothing(WEEKS, "active", "deal_seen", "peripheral_seen")
    seen["scope_live"] = np.array([[0.0, 2.0, 2.0, 1.0, 1.0], [0.0, 0.0, 3.0, 3.0, 3.0]])
    seen["scope_ended"] = np.array([[0.0, 0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 2.0, 0.0]])
    seen["government_changed"][0, 4] = 0.5
    hazard = np.exp(np.repeat([[-4.0], [-5.0]], 5, axis=1))
    hazard[0, 4] = math.exp(-3.5)
    p = -np.expm1(-hazard)
    expected = stats.binom.logpmf(seen["scope_ended"], seen["scope_live"], p).sum(axis=0)
    np.testing.assert_allclose(likelihood(seen, "reversal"), expected, atol=1e-14)


def test_third_parties_suffer_more_in_war_and_in_calm():
    seen = nothing(WEEKS, "active", "deal_seen", "peripheral_seen")
    seen["phase_on"][2, 0] = 1.0
    seen["calm"][1] = 1.0
    seen["instrument_on"][0, 2] = 1.0
    found = outcomes.periphery(np, PARAMS, seen, WEEKS) - math.log(7.0)
    np.testing.assert_allclose(found, [0.1, 0.3, -0.2, -0.5, -0.5], rtol=1e-12)
    seen["peripheral_count"] = np.array([0.0, 2.0, 9.0, 4.0, 1.0])
    seen["peripheral_seen"][4] = 0.0
    expected = stats.poisson.logpmf(seen["peripheral_count"], 7.0 * np.exp(found))
    np.testing.assert_allclose(likelihood(seen, "periphery"), expected * [1, 1, 1, 1, 0])


@pytest.mark.parametrize("rung", range(len(RUNGS)))
def test_a_period_does_one_thing_to_a_rung(rung):
    stay, step, leap, fall = outcomes.moves(np, PARAMS, rung, WEEKS)
    assert stay + step + leap + fall == pytest.approx(1.0, abs=1e-14)
    up, down = (rung < 4) * math.exp(-2.0), (rung > 0) * math.exp(-2.5)
    assert stay == pytest.approx(math.exp(-up - down))
    assert (step + leap) * down == pytest.approx(fall * up)
    assert leap == pytest.approx((step + leap) * expit(-1.0) * (rung < 3))


def test_a_skip_leaves_out_a_rung_of_peace():
    skips = {
        (RUNGS[a], RUNGS[b]) for a in range(5) for b in range(a + 1, 5) if outcomes.skips(a, b)
    }
    assert skips == {
        ("open_war", "negative_peace"), ("open_war", "positive_peace"),
        ("friction", "negative_peace"), ("friction", "positive_peace"),
        ("truce", "positive_peace"),
    }  # fmt: skip


def test_the_ladder_scores_moves_between_declared_rungs():
    seen = nothing(WEEKS, "active", "deal_seen", "peripheral_seen")
    for t, rung in enumerate(("friction", "open_war", "truce", "positive_peace")):
        seen["rung_on"][RUNGS.index(rung), t] = 1.0
    fall = outcomes.moves(np, PARAMS, 1, WEEKS)[3]
    step = outcomes.moves(np, PARAMS, 0, WEEKS)[1]
    leap = outcomes.moves(np, PARAMS, 2, WEEKS)[2]
    expected = [0.0, *np.log([fall, step, leap]), 0.0]  # the first has no rung before it
    np.testing.assert_allclose(likelihood(seen, "ladder"), expected, rtol=1e-12)


def test_a_simulator_gets_shares_that_add_up():
    params = {name: np.broadcast_to(v, (4, *v.shape)) for name, v in PARAMS.items()}
    found = outcomes.rates(params, {"has_deadline": np.ones(4)}, WEEKS, ["kind", "ladder"])
    assert found["kind"].shape == (4, 4) and found["ladder"].shape == (4, len(RUNGS), 4)
    for shares in found.values():
        np.testing.assert_allclose(shares.sum(axis=-1), 1.0)
