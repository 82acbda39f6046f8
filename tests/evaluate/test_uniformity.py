"""Bands hold uniform ranks as often as they say, and no others."""

import numpy as np
import pytest
from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

from beliefs.evaluation.calibration.uniformity import bands, judge, p_value
from beliefs.evaluation.scores.skill import holm

N, DRAWS = 200, 100


@pytest.fixture(scope="module")
def uniform():
    return np.random.default_rng(5).integers(0, DRAWS + 1, size=(2000, N))


def test_p_values_of_uniform_ranks_are_uniform(uniform):
    p = np.asarray([p_value(ranks, DRAWS) for ranks in uniform])
    for level in (0.01, 0.05, 0.5):
        error = np.sqrt(level * (1.0 - level) / len(p))
        assert abs((p <= level).mean() - level) < 4.0 * error, level


def test_ranks_leave_their_band_where_their_p_value_says_so(uniform):
    band = bands(N, DRAWS)
    places = np.arange(DRAWS + 2)
    left = []
    for ranks in uniform:
        gap = np.searchsorted(np.sort(ranks), places) / N - band.at
        outside = bool(((gap < band.low - 1e-12) | (gap > band.high + 1e-12)).any())
        p = p_value(ranks, DRAWS)
        if abs(p - 0.01) > 0.002:  # the statistic is discrete: the level lies between two of them
            assert outside == (p < 0.01)
        left.append(outside)
    assert 0.002 < np.mean(left) < 0.02


def test_bands_are_those_of_arviz_for_as_many_values():
    at = np.arange(1, DRAWS + 1) / (DRAWS + 1.0)
    rng = np.random.default_rng(1)
    level = simulate_confidence_bands(N, 1, at, 0.99, 4000, rng)
    low, high = get_pointwise_confidence_band(level, N, at)
    ours = bands(N, DRAWS)
    one = 1.01 / N  # their level is simulated too: the step of a count may differ
    np.testing.assert_allclose(ours.low[1:-1], low - at, atol=one)
    np.testing.assert_allclose(ours.high[1:-1], high - at, atol=one)


@pytest.mark.parametrize(
    ("wrong", "mean", "spread"),
    [
        (lambda u: u**1.5, lambda v: v < 0.45, lambda v: v > 0.5),
        (lambda u: 0.5 + 0.6 * (u - 0.5), lambda v: 0.4 < v < 0.6, lambda v: v < 0.6),
        (lambda u: np.where(u < 0.5, u**1.6, 1 - (1 - u) ** 1.6), lambda v: 0.4 < v < 0.6,
         lambda v: v > 1.1),
    ],
    ids=["draws too high", "draws too wide", "draws too narrow"],
)  # fmt: skip
def test_ranks_of_wrong_draws_are_outside_and_say_how_they_are_wrong(wrong, mean, spread):
    u = np.random.default_rng(2).random(N)
    even = np.random.default_rng(3).integers(0, DRAWS + 1, size=N)
    ranks = np.floor(wrong(u) * (DRAWS + 1)).astype(int)
    worst, other = judge({"even": even, "wrong": ranks}, DRAWS)
    assert (worst.name, worst.outside, other.outside) == ("wrong", True, False)
    assert worst.adjusted == pytest.approx(2.0 * worst.p)
    assert mean(worst.mean) and spread(worst.spread)


# Each number of ranks has a reference that is simulated once: its first example takes longer.


def test_p_values_are_adjusted_as_holm_did():
    # The smallest times 4, the next times 3, ..., and never below one before it.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1.0, 1.0])


def test_what_cannot_come_by_chance_fails_among_any_number_of_quantities():
    even = np.random.default_rng(6).integers(0, DRAWS + 1, size=(400, N))
    ranks = {f"even {k}": row for k, row in enumerate(even)}
    ranks["stuck"] = np.full(N, 3)
    worst = judge(ranks, DRAWS)[0]
    assert worst.name == "stuck" and worst.p < 1e-100 and worst.adjusted < 1e-6


def test_the_bound_is_one_that_small_sets_keep():
    # Of three ranks among two draws all 27 sets can be listed.
    every = np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)
    p = np.asarray([p_value(ranks, 2) for ranks in every])
    for level in np.unique(p):
        assert (p <= level).mean() <= level + 4.0 * np.sqrt(level * (1.0 - level) / 20_000)
