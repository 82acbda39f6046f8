"""Of the acts at a line, how many go beyond it."""

import numpy as np
from conduct_design import columns, structure
from scipy import stats
from scipy.special import expit

from beliefs.model.mechanisms import redlines

DAYS = structure(n_time=4)
PARAMS = {"crossing": np.array([-2.0, 0.5])}


def test_crossings_are_binomial_in_the_acts_at_a_line():
    seen = columns(DAYS, np.random.default_rng(0)) | {
        "line_touch": np.array([[0.0, 1.0, 4.0, 2.0], [3.0, 0.0, 1.0, 2.0]]),
        "line_cross": np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 2.0]]),
        "strikes_seen": np.array([1.0, 1.0, 1.0, 0.0]),
    }
    found = redlines.log_likelihood(np, PARAMS, seen, DAYS)["crossing"]
    p = expit(PARAMS["crossing"])[:, None]
    expected = stats.binom.logpmf(seen["line_cross"], seen["line_touch"], p).sum(axis=0)
    np.testing.assert_allclose(found, expected * seen["strikes_seen"], atol=1e-14)


def test_the_rate_of_crossing_is_that_of_the_likelihood():
    found = redlines.rates(PARAMS, {}, DAYS)["crossing"]
    np.testing.assert_allclose(redlines.crossing_rate(np, PARAMS), expit(found), rtol=1e-14)


def test_a_neutral_crossing_is_a_coin():
    neutral = redlines.parameters(DAYS)[0].neutral
    assert redlines.crossing_rate(np, {"crossing": np.full(2, neutral)}).tolist() == [0.5, 0.5]


def test_an_act_that_holds_a_line_stays_below_it():
    severity = np.array([5.0, 2.0, 5.0, 2.0, 1.0])
    touches = np.array([True, True, True, False, True])
    crosses = np.array([False, False, True, False, True])
    found = redlines.held_below(severity, touches, crosses, np.full(5, 3.0))
    assert found.tolist() == [2.0, 2.0, 5.0, 2.0, 3.0]
