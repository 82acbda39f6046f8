"""Acts that no order reaches, and acts at a line, against numbers worked out by hand."""

import math

import numpy as np
from conduct_design import nothing, structure
from scipy import stats
from scipy.special import expit

from beliefs.model.mechanisms import accidents, redlines

DAYS, FOUR = structure(n_time=5), structure(n_time=4)
CROSSING = {"crossing": np.array([-2.0, 0.5])}
PARAMS = {
    "exogenous_disruption": np.array(0.4),
    "command_control": np.array([3.0, -0.5]),
    "exclusion_base": np.array(-1.0),
    "exclusion_instrument": np.array([0.3]),
    "exclusion_war": np.array(0.7),
    "exclusion_strikes": np.array(0.5),
}


def test_acts_in_a_truce_are_a_third_party_s_with_these_log_odds():
    seen = nothing(DAYS) | {
        "breach_own": np.array([0.0, 2.0, 0.0, 1.0, 1.0]),
        "breach_other": np.array([0.0, 1.0, 3.0, 0.0, 4.0]),
        "truce_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    }
    found = accidents.log_likelihood(np, PARAMS, seen, DAYS, ["cause"])
    assert set(found) == {"cause"}
    expected = stats.binom.logpmf([0, 1, 3, 0], [0, 3, 3, 1], expit(0.4))
    np.testing.assert_allclose(found["cause"], [*expected, 0.0], atol=1e-14)


def test_forces_keep_quiet_day_by_day():
    seen = nothing(DAYS) | {"truce_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0])}
    seen["command_seen"] = np.array([[1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0]])
    seen["disobeyed"][0, 1] = seen["disobeyed"][1, 2] = seen["disobeyed"][1, 4] = 1.0
    found = accidents.log_likelihood(np, PARAMS, seen, DAYS, ["command"])["command"]
    quiet = expit(PARAMS["command_control"])
    yes, no = np.log1p(-quiet), np.log(quiet)
    expected = [no[0], yes[0] + no[1], no[0] + yes[1], no.sum(), 0.0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(accidents.control_day(np, PARAMS), quiet, rtol=1e-14)


def test_excluded_powers_act_more_in_war_and_near_a_deal():
    seen = nothing(DAYS) | {
        "excluded_count": np.array([0.0, 1.0, 2.0, 0.0, 3.0]),
        "deal_near": np.array([0.0, 0.0, 0.5, 1.0, 0.0]),
        "excluded_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    }
    seen["phase_on"][2, 1] = 1.0
    seen["instrument_on"][0, 3] = 1.0
    found = accidents.log_likelihood(np, PARAMS, seen, DAYS, ["excluded"])["excluded"]
    mean = np.exp([-1.0, -0.3, -0.75, -0.2])
    np.testing.assert_allclose(found, [*stats.poisson.logpmf([0, 1, 2, 0], mean), 0.0], rtol=1e-12)


def test_neutral_causes_and_control_are_coins_and_a_neutral_base_is_one_act_a_day():
    zero = {name: np.zeros_like(values) for name, values in PARAMS.items()}
    seen = nothing(DAYS) | {"truce_seen": np.ones(5), "breach_own": np.ones(5)}
    seen["command_seen"] += 1.0
    found = accidents.log_likelihood(np, zero, seen, DAYS)
    np.testing.assert_allclose(found["cause"], math.log(0.5))
    np.testing.assert_allclose(found["command"], 2.0 * math.log(0.5))
    np.testing.assert_array_equal(accidents.excluded(np, zero, seen, DAYS), np.zeros(5))


def test_crossings_are_binomial_in_the_acts_at_a_line():
    seen = nothing(FOUR) | {
        "line_touch": np.array([[0.0, 1.0, 4.0, 2.0], [3.0, 0.0, 1.0, 2.0]]),
        "line_cross": np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0]]),
        "strikes_seen": np.array([1.0, 1.0, 1.0, 0.0]),
    }
    found = redlines.log_likelihood(np, CROSSING, seen, FOUR)["crossing"]
    p = expit(CROSSING["crossing"])[:, None]
    expected = stats.binom.logpmf(seen["line_cross"], seen["line_touch"], p).sum(axis=0)
    np.testing.assert_allclose(found, expected * seen["strikes_seen"], atol=1e-14)


def test_the_rate_of_crossing_is_that_of_the_likelihood():
    found = redlines.rates(CROSSING, {}, FOUR)["crossing"]
    np.testing.assert_allclose(redlines.crossing_rate(np, CROSSING), expit(found), rtol=1e-14)


def test_an_act_that_holds_a_line_stays_below_it():
    severity = np.array([5.0, 2.0, 5.0, 2.0, 1.0])
    touches = np.array([True, True, True, False, True])
    crosses = np.array([False, False, True, False, True])
    found = redlines.held_below(severity, touches, crosses, np.full(5, 3.0))
    assert found.tolist() == [2.0, 2.0, 5.0, 2.0, 3.0]
