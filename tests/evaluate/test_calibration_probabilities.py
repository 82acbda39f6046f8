"""Forecast probabilities of simulated studies are judged exactly, however few draws made them."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom

from beliefs.evaluation.calibration.uniformity import (
    foretell,
    poisson_binomial,
)

DRAWS = 20


def simulated(n, seed, wrong=lambda q: q):
    """Shares among the draws, and what came, where the truth has `wrong` of their probability."""
    rng = np.random.default_rng(seed)
    q = rng.beta(0.3, 0.9, size=n)
    return np.column_stack([rng.binomial(DRAWS, q) / DRAWS, rng.random(n) < wrong(q)])


def test_sums_of_unlike_coins_have_the_distribution_that_counting_gives():
    p = [0.1, 0.5, 0.7, 0.95]
    counted = np.zeros(5)
    for outcome in itertools.product((0, 1), repeat=4):
        counted[sum(outcome)] += np.prod(
            [q if y else 1 - q for q, y in zip(p, outcome, strict=True)]
        )
    np.testing.assert_allclose(poisson_binomial(p), counted, rtol=1e-12)
    np.testing.assert_allclose(poisson_binomial([0.3] * 9), binom.pmf(np.arange(10), 9, 0.3))


def test_right_forecasts_are_rejected_no_more_often_than_their_p_values_say():
    found = [foretell(simulated(60, seed), DRAWS) for seed in range(600)]
    for level in (0.01, 0.05, 0.2):
        room = 3.0 * np.sqrt(level * (1.0 - level) / len(found))
        for p in ([f.all.p for f in found], [f.reliability for f in found]):
            assert np.mean(np.asarray(p) <= level) <= level + room
    z = np.asarray([f.z for f in found])
    assert abs(z.mean()) < 4.0 / np.sqrt(len(z)) and 0.85 < z.std() < 1.15


def test_forecasts_that_are_too_low_are_found_out():
    found = foretell(simulated(200, 1, lambda q: q**0.4), DRAWS)
    assert found.z > 4.0 and found.all.p < 1e-4
    assert found.all.happened > found.all.high


def test_forecasts_too_sure_both_ways_show_in_the_ranges_and_not_in_the_number():
    found = foretell(simulated(400, 2, lambda q: 0.25 + 0.35 * (q - q.mean())), DRAWS)
    assert found.all.p > 0.01 > 1e-3 > found.reliability
    assert found.bins[0].outside and found.bins[0].happened > found.bins[0].high


def test_a_forecast_of_none_of_few_draws_is_no_certainty():
    # Of 46 targets that one in 21 sees, the truth was the one in 6. Were a forecast of 0 taken as
    # certain, not one of these could have come.
    values = [(0.0, 1)] * 6 + [(1 / DRAWS, 0)] * 40 + [(0.0, 0)] * 354
    assert foretell(values, DRAWS).all.p == pytest.approx(2.0 * binom.sf(5, 46, 1 / 21))
    assert foretell([(0.0, 0), (1.0, 1)], DRAWS).z is None
    with pytest.raises(ValueError, match="no simulations"):
        foretell(np.empty((0, 2)), DRAWS)
