"""Densities of observables against their textbook forms, and draws that follow them."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from beliefs.model.observation import draw, log_density

COUNTS = np.arange(12.0)
ETA = np.array([-3.0, -0.4, 1.3])[:, None] + np.zeros(12)


def test_the_negative_binomial_is_that_of_the_textbook():
    size = np.array([0.4, 3.0, 40.0])
    found = log_density(np, "negbin_log", COUNTS, ETA, size)
    shape = size[:, None]
    expected = stats.nbinom.logpmf(COUNTS, shape, shape / (shape + np.exp(ETA)))
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_the_limit_of_the_negative_binomial_is_reached_smoothly():
    sizes = 10.0 ** np.arange(6.0, 17.0)
    eta = np.full((len(sizes), 12), 0.7)
    gap = log_density(np, "negbin_log", COUNTS, eta, sizes) - stats.poisson.logpmf(
        COUNTS, np.exp(0.7)
    )
    # The leading term of the gap is ((n - m)^2 - n) / (2 size); nothing else must show.
    leading = ((COUNTS - np.exp(0.7)) ** 2 - COUNTS) / (2.0 * sizes[:, None])
    np.testing.assert_allclose(gap, leading, rtol=1e-3, atol=2e-13)


@pytest.mark.parametrize("family", ["cloglog", "bernoulli_logit"])
@pytest.mark.parametrize("seen", [0.0, 1.0])
def test_far_predictors_have_finite_log_probabilities(family, seen):
    eta = np.array([-800.0, -31.0, -29.0, 29.0])
    found = log_density(np, family, np.full(4, seen), eta)
    assert np.isfinite(found).all()
    if seen == 1.0:
        np.testing.assert_allclose(found[:3], eta[:3], rtol=1e-12)  # rare events: log p = eta


def test_the_gradient_of_a_certain_poisson_count_exists():
    import pytensor
    import pytensor.tensor as pt

    eta, size = pt.dvector("eta"), pt.dscalar("size")
    total = log_density(pt, "negbin_log", np.array([0.0, 2.0, 5.0]), eta, size).sum()
    slope = pytensor.function([eta, size], pytensor.grad(total, [eta, size]), mode="FAST_COMPILE")
    at = np.array([-1.0, 0.2, 1.0])
    steep, _ = slope(at, np.inf)
    np.testing.assert_allclose(steep, np.array([0.0, 2.0, 5.0]) - np.exp(at), rtol=1e-12)
    assert all(np.isfinite(g).all() for g in slope(at, 2.0))


def test_draws_are_quantiles():
    rng = np.random.default_rng(4)
    u = rng.random(4000)
    eta = rng.normal(size=4000)
    size = np.exp(rng.normal(size=4000))
    mean = np.exp(eta)
    found = draw(u, "negbin_log", eta, size)
    np.testing.assert_array_equal(found, stats.nbinom.ppf(u, size, size / (size + mean)))
    np.testing.assert_array_equal(draw(u, "poisson_log", eta), stats.poisson.ppf(u, mean))
    infinite = draw(u, "negbin_log", eta, np.inf)
    np.testing.assert_array_equal(infinite, stats.poisson.ppf(u, mean))
    trials = rng.integers(0, 9, 4000)
    hits = draw(u, "binomial_logit", eta, trials)
    np.testing.assert_array_equal(hits, trials - stats.binom.ppf(u, trials, expit(-eta)))
    np.testing.assert_array_equal(draw(u, "bernoulli_logit", eta), u < expit(eta))
