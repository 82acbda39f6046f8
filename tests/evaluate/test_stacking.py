"""Stacking weights solve their problem, follow who predicts best, and begin alike."""

import numpy as np
import pytest
from scipy.optimize import minimize

from beliefs.evaluation.compare import stacking_weights, weights_over_time


def scores(seed=1, k=3, n=80):
    return np.random.default_rng(seed).normal(size=(k, n)) - 1.0


def test_weights_maximise_the_log_score_of_the_mixture():
    s = scores()
    k = len(s)

    def loss(free):
        w = np.exp(free - np.logaddexp.reduce(free))
        return -(np.log(w @ np.exp(s)).sum() + np.log(w).mean())

    best = minimize(loss, np.zeros(k), tol=1e-12).x
    expected = np.exp(best - np.logaddexp.reduce(best))
    found = stacking_weights(s)
    assert found.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_without_data_all_theories_weigh_alike():
    np.testing.assert_array_equal(stacking_weights(np.zeros((4, 0))), np.full(4, 0.25))


def test_where_nothing_was_seen_weights_stay():
    s = scores(2)
    padded = np.concatenate([s, np.zeros((3, 0))], axis=1)
    np.testing.assert_array_equal(stacking_weights(s), stacking_weights(padded))


def test_a_constant_of_a_period_changes_nothing():
    s = scores(3)
    shift = np.linspace(-700.0, 700.0, s.shape[1])  # densities would under- and overflow
    np.testing.assert_allclose(stacking_weights(s), stacking_weights(s + shift), atol=1e-12)


def test_weights_go_over_to_who_becomes_right():
    early = np.tile([[0.0], [-1.0]], 50)
    late = np.tile([[-2.0], [0.0]], 100)
    periods, weights = weights_over_time(np.concatenate([early, late], axis=1), every=7)
    assert periods[0] == 0 and periods[-1] == 150
    assert weights[0].tolist() == [0.5, 0.5]
    at_50 = weights[np.searchsorted(periods, 49)]
    assert at_50[0] > 0.9 and weights[-1, 1] > weights[-1, 0]


def test_weights_at_a_time_know_nothing_later():
    s = scores(4, n=60)
    periods, weights = weights_over_time(s, every=5)
    changed = s.copy()
    changed[:, 30:] += 5.0 * np.random.default_rng(5).normal(size=changed[:, 30:].shape)
    _, others = weights_over_time(changed, every=5)
    before = periods <= 30
    np.testing.assert_array_equal(weights[before], others[before])
    assert np.abs(weights[-1] - others[-1]).max() > 0.01
