"""Acts that no order reaches, against numbers worked out by hand."""

import math

import numpy as np
from conduct_design import columns, prior_draws, structure
from scipy import stats
from scipy.special import expit

from beliefs.model.mechanisms import accidents

DAYS = structure(n_time=5)
PARAMS = {
    "exogenous_disruption": np.array(0.4),
    "command_control": np.array([3.0, -0.5]),
    "exclusion_base": np.array(-1.0),
    "exclusion_instrument": np.array([0.3]),
    "exclusion_war": np.array(0.7),
    "exclusion_strikes": np.array(0.5),
}


def nothing():
    seen = columns(DAYS, np.random.default_rng(0))
    return {name: np.zeros_like(values) for name, values in seen.items()}


def test_acts_in_a_truce_are_a_third_party_s_with_these_log_odds():
    seen = nothing() | {
        "breach_own": np.array([0.0, 2.0, 0.0, 1.0, 1.0]),
        "breach_other": np.array([0.0, 1.0, 3.0, 0.0, 4.0]),
        "truce_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    }
    found = accidents.log_likelihood(np, PARAMS, seen, DAYS, ["cause"])
    assert set(found) == {"cause"}
    expected = stats.binom.logpmf([0, 1, 3, 0], [0, 3, 3, 1], expit(0.4))
    np.testing.assert_allclose(found["cause"], [*expected, 0.0], atol=1e-14)


def test_forces_keep_quiet_day_by_day():
    seen = nothing() | {"truce_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0])}
    seen["command_seen"] = np.array([[1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0]])
    seen["disobeyed"][0, 1] = seen["disobeyed"][1, 2] = seen["disobeyed"][1, 4] = 1.0
    found = accidents.log_likelihood(np, PARAMS, seen, DAYS, ["command"])["command"]
    quiet = expit(PARAMS["command_control"])
    yes, no = np.log1p(-quiet), np.log(quiet)
    expected = [no[0], yes[0] + no[1], no[0] + yes[1], no.sum(), 0.0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(accidents.control_day(np, PARAMS), quiet, rtol=1e-14)


def test_a_quiet_week_is_seven_quiet_days():
    day, week = (accidents.command(np, PARAMS, structure(5, w)) for w in (1.0 / 7.0, 1.0))
    np.testing.assert_allclose(np.exp(-np.exp(week)), np.exp(-np.exp(day)) ** 7, rtol=1e-12)
    np.testing.assert_allclose(np.exp(-np.exp(day)), expit(PARAMS["command_control"]))


def test_excluded_powers_act_more_in_war_and_near_a_deal():
    seen = nothing() | {
        "excluded_count": np.array([0.0, 1.0, 2.0, 0.0, 3.0]),
        "deal_near": np.array([0.0, 0.0, 0.5, 1.0, 0.0]),
        "excluded_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    }
    seen["phase_on"][2, 1] = 1.0
    seen["instrument_on"][0, 3] = 1.0
    found = accidents.log_likelihood(np, PARAMS, seen, DAYS, ["excluded"])["excluded"]
    mean = np.exp([-1.0, -0.3, -0.75, -0.2])
    np.testing.assert_allclose(found, [*stats.poisson.logpmf([0, 1, 2, 0], mean), 0.0], rtol=1e-12)


def test_a_week_has_seven_days_of_excluded_acts():
    seen = nothing()
    day, week = (accidents.excluded(np, PARAMS, seen, structure(5, w)) for w in (1.0 / 7.0, 1.0))
    np.testing.assert_allclose(week - day, math.log(7.0), rtol=1e-12)


def test_neutral_causes_and_control_are_coins_and_a_neutral_base_is_one_act_a_day():
    zero = {name: np.zeros_like(values) for name, values in PARAMS.items()}
    seen = nothing() | {"truce_seen": np.ones(5), "breach_own": np.ones(5)}
    seen["command_seen"] += 1.0
    found = accidents.log_likelihood(np, zero, seen, DAYS)
    np.testing.assert_allclose(found["cause"], math.log(0.5))
    np.testing.assert_allclose(found["command"], 2.0 * math.log(0.5))
    np.testing.assert_array_equal(accidents.excluded(np, zero, seen, DAYS), np.zeros(5))


def test_one_period_has_the_predictors_of_the_likelihood():
    rng = np.random.default_rng(2)
    seen = columns(DAYS, rng)
    params = prior_draws(accidents.parameters(DAYS), DAYS, 3, rng)
    rate = accidents.excluded(np, params, seen, DAYS)
    for t in range(5):
        state = {name: values[..., t] for name, values in seen.items()}
        found = accidents.rates(params, state, DAYS)
        np.testing.assert_allclose(found["excluded"], rate[:, t], rtol=1e-12)
        np.testing.assert_array_equal(found["cause"], params["exogenous_disruption"])
        np.testing.assert_array_equal(found["command"], accidents.command(np, params, DAYS))
