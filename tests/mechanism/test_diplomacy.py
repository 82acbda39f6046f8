"""Offers, replies, sanctions and walk-outs, against numbers worked out by hand."""

import math

import numpy as np
import pytest
from conduct_design import nothing, structure
from scipy import stats
from scipy.special import expit

from beliefs.model.mechanisms import diplomacy

WEEKS = structure(n_time=4, step_weeks=1.0)
PARAMS = {
    "concession_base": np.array([-2.0, -1.0]), "wait_value": np.array(0.5),
    "audience_hold": np.array([0.5, -0.25]), "reply_base": np.array(-0.5),
    "price_discovery": np.array(0.4), "sanction_base": np.array(-2.0),
    "talks_defer": np.array(-0.7), "walkout_base": np.array(-3.0),
}  # fmt: skip


def quiet():
    masks = ("active", "concession_seen", "sanction_seen", "walkout_at_risk")
    return nothing(WEEKS, *masks, p_lag=np.full((2, 4), 0.5), hardline=np.zeros((2, 4)))


def likelihood(seen, name):
    return diplomacy.log_likelihood(np, PARAMS, seen, WEEKS, [name])[name]


def test_the_trace_of_hard_words_is_that_of_the_periods_before():
    words = np.zeros((2, 4))
    words[0, 0], words[0, 2] = 1.0, 2.0
    found = diplomacy.hardline_trace({"hardline": words}, WEEKS)
    np.testing.assert_allclose(found, [[0.0, 0.2, 0.16, 0.528], [0.0] * 4], rtol=1e-12)


def test_seven_days_keep_as_much_of_the_trace_as_a_week():
    day = structure(n_time=4, step_weeks=1.0 / 7.0)
    assert diplomacy.hardline_kept(day) ** 7 == pytest.approx(diplomacy.hardline_kept(WEEKS))


def test_confident_and_bound_sides_concede_less():
    seen = quiet()
    seen["p_lag"][0, 1], seen["p_lag"][1, 2] = 0.75, 0.25  # a quarter of belief either way
    seen["hardline"][:, 2] = 5.0
    found = diplomacy.concession(np, PARAMS, seen, WEEKS)
    expected = [[-2.0, -2.5, -2.0, -2.5], [-1.0, -1.0, -0.5, -0.75]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    seen["concession"][0, 1] = seen["concession"][1, 3] = 1.0
    seen["concession_seen"][3] = 0.0
    logs = stats.bernoulli.logpmf(seen["concession"], expit(expected)).sum(axis=0)
    np.testing.assert_allclose(likelihood(seen, "concession"), logs * [1, 1, 1, 0], rtol=1e-12)


def test_later_rounds_meet_with_fewer_rejections():
    seen = quiet()
    seen["round_number"] = np.array([0.0, 1.0, 2.0, 3.0])
    seen["reply_yes"] = np.array([0.0, 1.0, 2.0, 0.0])
    seen["reply_no"] = np.array([1.0, 2.0, 0.0, 0.0])
    p = expit([-0.5, -0.1, 0.3, 0.7])
    expected = stats.binom.logpmf([0, 1, 2, 0], [1, 3, 2, 0], p)
    np.testing.assert_allclose(likelihood(seen, "reply"), expected, atol=1e-14)


def test_recent_talks_hold_off_sanctions():
    seen = quiet()
    seen["talks_recent"] = np.array([0.0, 1.0, 1.0, 0.0])
    seen["sanction"] = np.array([0.0, 0.0, 1.0, 1.0])
    seen["sanction_seen"][3] = 0.0
    low, high = math.exp(-2.7), math.exp(-2.0)
    expected = [-high, -low, math.log(-math.expm1(-low)), 0.0]
    np.testing.assert_allclose(likelihood(seen, "sanction"), expected, rtol=1e-12)


def test_only_talks_that_could_be_are_cancelled():
    seen = quiet()
    seen["walkout"] = np.array([0.0, 1.0, 0.0, 1.0])
    seen["walkout_at_risk"][3] = 0.0
    hazard = math.exp(-3.0)
    expected = [-hazard, math.log(-math.expm1(-hazard)), -hazard, 0.0]
    np.testing.assert_allclose(likelihood(seen, "walkout"), expected, rtol=1e-12)
