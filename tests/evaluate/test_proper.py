"""Scores of single forecasts are those of scoringrules, and of sums done by hand."""

import numpy as np
import pytest
import scoringrules

from beliefs.evaluation.scores.proper import (
    brier,
    count_scores,
    log_score,
    pit,
    smoothed,
    time_score,
)

RNG = np.random.default_rng(20260101)


def test_log_and_brier_are_what_a_hand_computes():
    p, came = np.array([0.2, 0.7, 0.5]), np.array([1, 0, 1])
    np.testing.assert_allclose(log_score(p, came, 1e-3), -np.log([0.2, 0.3, 0.5]), atol=1e-12)
    np.testing.assert_allclose(brier(p, came), [0.64, 0.49, 0.25], atol=1e-12)


def test_certainty_counts_as_rarer_than_one_draw():
    assert log_score(0.0, 1, 0.002) == pytest.approx(-np.log(0.002))
    assert log_score(1.0, 0, 0.002) == pytest.approx(-np.log(0.002))


def test_shares_of_futures_are_the_posterior_means_of_jeffreys_prior():
    from scipy.stats import beta

    k, n = np.arange(501), 500
    wanted = beta(k + 0.5, n - k + 0.5).mean()
    np.testing.assert_allclose(smoothed(k / n, n), wanted, rtol=0, atol=1e-10)
    # What never came in the futures is scored as less likely than what came in one of them.
    assert 0.0 < smoothed(0.0, n) < smoothed(1 / n, n) and smoothed(1.0, n) < 1.0
    np.testing.assert_allclose(
        log_score(smoothed(k / n, n), np.ones(501), 1e-6), -np.log(wanted), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("came", [1, 4, 12, 13, 40])
@pytest.mark.parametrize("unit", [1, 7])
def test_the_score_of_a_time_is_the_crps_of_the_restricted_ensemble(came, unit):
    periods = 12
    times = RNG.integers(1, 30, size=400)
    cdf = (times[:, None] <= np.arange(periods + 1)).mean(axis=0)
    ours = time_score(cdf, came, unit)
    theirs = scoringrules.crps_ensemble(
        float(unit * min(came, periods)), unit * np.minimum(times, periods).astype(float)
    )
    assert ours == pytest.approx(theirs, abs=1e-10)
    # ... and the threshold-weighted CRPS of the times themselves, all weight before the horizon.
    weighted = scoringrules.twcrps_ensemble(
        float(unit * came), unit * times.astype(float),
        v_func=lambda x: np.minimum(x, unit * periods),
    )  # fmt: skip
    assert ours == pytest.approx(weighted, abs=1e-10)


def test_the_score_of_a_time_by_hand():
    # Half of it comes in period 1, half never; it came in period 2 of 3: (1/2)^2 on [1, 2) and on
    # [2, 3), 0 before.
    assert time_score([0.0, 0.5, 0.5, 0.5], 2, 1.0) == pytest.approx(0.5, abs=1e-12)
    assert time_score([0.0, 0.5, 0.5, 0.5], 4, 7.0) == pytest.approx(3.5, abs=1e-12)


@pytest.mark.parametrize("observed", [0.0, 3.0, 9.0])
def test_counts_are_scored_as_by_the_double_sum(observed):
    x = RNG.poisson(3.0, size=60).astype(float)

    def crps(values, y):
        return np.abs(values - y).mean() - 0.5 * np.abs(values[:, None] - values).mean()

    whole, above = count_scores(x, observed, 4.0)
    assert whole == pytest.approx(crps(x, observed), abs=1e-10)
    assert above == pytest.approx(crps(np.maximum(x, 4.0), max(observed, 4.0)), abs=1e-10)


def test_the_randomised_transform_of_a_calibrated_count_is_uniform():
    x = RNG.poisson(2.0, size=20000)
    below = np.array([np.exp(-2.0) * sum(2.0**k / np.prod(np.arange(1, k + 1)) for k in range(n))
                      for n in range(x.max() + 2)])  # fmt: skip
    u = pit(below[x], below[x + 1], RNG.random(len(x)))
    share = np.histogram(u, bins=10, range=(0.0, 1.0))[0] / len(u)
    assert np.abs(share - 0.1).max() < 4.0 * np.sqrt(0.09 / len(u))


def test_telling_the_truth_scores_best():
    p = np.linspace(0.01, 0.99, 99)
    for truth in (0.1, 0.5, 0.8):
        for rule in (lambda q, y: log_score(q, y, 1e-6), brier):
            mean = truth * rule(p, np.ones(99)) + (1 - truth) * rule(p, np.zeros(99))
            assert p[mean.argmin()] == pytest.approx(truth, abs=0.005)
