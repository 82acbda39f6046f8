"""How a truce ends, against numbers worked out by hand."""

import math

import numpy as np
from conduct_design import nothing, structure
from scipy import stats

from beliefs.model.mechanisms import truce

DAYS = structure(n_time=5)
WEEKS = structure(n_time=5, step_weeks=1.0)
PARAMS = {
    "breach_base": np.array(-1.0), "collapse_base": np.array(-3.0), "resolve_base": np.array(-2.0),
    "shelf_life": np.array(0.0), "quiet_for_quiet": np.array(0.8), "deadline_effect": np.array(1.5),
    "breach_to_collapse": np.array(0.6), "attribution_gap": np.array(0.9),
    "renewal_effect": np.array(0.4), "hotline_effect": np.array(-0.7),
    "belief_breach": np.array(2.0), "zone_base": np.array([-1.0, 0.0, 0.5]),
    "zone_war": np.array(0.7), "zone_instrument": np.array([0.3]), "zone_effect": np.array(-0.9),
    "zone_displacement": np.array(0.2),
}  # fmt: skip


def standing(of=WEEKS):
    """Columns of a truce in which nothing happens."""
    age, doubt = np.arange(1.0, 6.0), np.full(5, 0.5)
    return nothing(of, "truce_seen", "zone_seen", truce_age=age, p_lag_min=doubt)


def likelihood(seen, name, params=PARAMS, of=WEEKS):
    return truce.log_likelihood(np, params, seen, of, [name])[name]


def test_a_breach_has_the_probability_of_its_hazard():
    seen = standing() | {
        "breach": np.array([0.0, 1.0, 0.0, 1.0, 1.0]),
        "quiet_passed": np.array([0.0, 0.0, 1.0, 1.0, 1.0]),
        "p_lag_min": np.array([0.5, 0.5, 0.7, 0.7, 0.7]),
        "truce_seen": np.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    }
    hazard = np.exp([-1.0, -1.0, -1.4, -1.4])  # -1 - 0.8 + 2 (0.7 - 0.5)
    expected = [-hazard[0], math.log1p(-math.exp(-hazard[1])), -hazard[2],
                math.log1p(-math.exp(-hazard[3])), 0.0]  # fmt: skip
    np.testing.assert_allclose(likelihood(seen, "breach"), expected, rtol=1e-12)


def test_age_raises_the_hazard_as_a_weibull_one_does():
    shape = 1.7
    params = PARAMS | {"shelf_life": np.array(math.log(shape))}
    found = np.exp(truce.breach(np, params, standing(), WEEKS))
    weibull = stats.weibull_min(shape, scale=math.exp(-PARAMS["breach_base"] / shape))
    age = np.arange(1.0, 6.0)
    np.testing.assert_allclose(found, weibull.pdf(age) / weibull.sf(age), rtol=1e-12)
    level = np.exp(truce.breach(np, PARAMS, standing(), WEEKS))
    np.testing.assert_allclose(level, level[0])


def test_what_presses_on_a_truce_adds_to_the_log_hazard_of_collapse():
    seen = standing()
    seen["spoiler_open"][0] = 2.0
    seen["concession_broken"][1] = 3.0
    seen["hotline"][2] = 1.0
    seen["breach"][3] = 1.0
    found = truce.collapse(np, PARAMS, seen, WEEKS)
    np.testing.assert_allclose(found, [-1.2, -1.8, -3.7, -2.4, -3.0], rtol=1e-12)


def test_a_window_that_collapsed_cannot_be_resolved():
    seen = standing()
    seen["truce_end"] = np.array([0.0, 2.0, 0.0, 1.0, 0.0])
    resolved, collapsed = likelihood(seen, "resolve"), likelihood(seen, "collapse")
    hazard, fall = math.exp(-2.0), math.exp(-3.0)
    yes = math.log(-math.expm1(-hazard))
    np.testing.assert_allclose(resolved, [-hazard, yes, -hazard, 0.0, -hazard], rtol=1e-12)
    yes = math.log(-math.expm1(-fall))
    np.testing.assert_allclose(collapsed, [-fall, -fall, -fall, yes, -fall], rtol=1e-12)


def test_deadlines_hasten_a_resolution_and_broken_concessions_hinder_it():
    seen = standing()
    seen["at_deadline"][1] = 1.0
    seen["concession_broken"][2] = 2.0
    found = truce.resolve(np, PARAMS, seen, WEEKS)
    np.testing.assert_allclose(found, [-2.0, -0.5, -2.8, -2.0, -2.0], rtol=1e-12)


def test_acts_in_a_zone_follow_its_rule_and_those_of_others():
    seen = standing()
    seen["phase_on"][2, 0] = 1.0
    seen["instrument_on"][0, 1] = 1.0
    seen["zone_rule"][1, 2] = 1.0
    seen["zone_near"][[0, 2], 2] = 1.0
    found = truce.zones(np, PARAMS, seen, WEEKS) - math.log(7.0)
    base = PARAMS["zone_base"]
    np.testing.assert_allclose(found[:, 0], base + 0.7)
    np.testing.assert_allclose(found[:, 1], base + 0.3)
    np.testing.assert_allclose(found[:, 2], base + np.array([0.2, -0.9, 0.2]))
    seen["zone_count"] = np.random.default_rng(1).poisson(2.0, (3, 5)).astype(float)
    seen["zone_seen"][4] = 0.0
    mean = np.exp(truce.zones(np, PARAMS, seen, WEEKS))
    expected = stats.poisson.logpmf(seen["zone_count"], mean).sum(axis=0) * [1, 1, 1, 1, 0]
    np.testing.assert_allclose(likelihood(seen, "zones"), expected, rtol=1e-12)


def test_without_zones_there_is_nothing_to_say_of_them():
    bare = type(WEEKS)(("a", "b"), 1.0, 5, *((),) * 16, endurance=(True, True))
    seen = standing() | {n: np.zeros((0, 5)) for n in ("zone_count", "zone_rule", "zone_near")}
    seen["instrument_on"] = np.zeros((0, 5))
    none = {"zone_base": np.zeros(0), "zone_instrument": np.zeros(0)}
    assert likelihood(seen, "zones", PARAMS | none, bare).tolist() == [0.0] * 5
