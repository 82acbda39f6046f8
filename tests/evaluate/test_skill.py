"""Differences of scores have intervals as wide as overlapping windows warrant, or none."""

import numpy as np
import pytest

from beliefs.evaluation.scores.skill import (
    BLOCKS,
    LEVEL,
    TAIL,
    block_origins,
    block_overlaps,
    skill,
)

RNG = np.random.default_rng(7)


def test_blocks_are_twice_as_long_as_windows_overlap():
    assert [block_overlaps(k) for k in (1, 2, 5, 13)] == [1, 4, 10, 26]


def test_an_overlap_holds_the_origins_within_a_window():
    assert [block_origins(h, 7) for h in (1, 7, 30, 90)] == [1, 1, 5, 13]
    assert block_origins(30, 28) == 2


def test_means_are_paired():
    ours, theirs = np.array([1.0, np.nan, 3.0, 5.0]), np.array([2.0, 9.0, np.nan, 7.0])
    found = skill(ours, theirs, overlap=1, seed=1)
    assert (found.n, found.score, found.reference) == (2, 3.0, 4.5)
    assert found.difference == 1.5
    assert found.ratio == pytest.approx(1.0 / 3.0)


def test_no_interval_is_given_where_few_blocks_fit():
    for n, given in ((BLOCKS * 8 - 1, False), (BLOCKS * 8, True)):
        found = skill(RNG.normal(size=n), RNG.normal(size=n), overlap=4, seed=1)
        assert np.isfinite([found.low, found.high, found.p]).all() == given


def test_without_overlap_the_interval_is_that_of_the_t_test():
    from scipy.stats import ttest_1samp

    gap = np.random.default_rng(5).normal(0.3, 1.0, size=BLOCKS)
    found = skill(np.zeros(BLOCKS), gap, overlap=1, seed=1)
    theirs = ttest_1samp(gap, 0.0, alternative="greater")
    both = ttest_1samp(gap, 0.0).confidence_interval(LEVEL)
    # As near as 2000 resamples tell a standard error: 1.6 % of it, four times over.
    width = both.high - both.low
    assert found.high - found.low == pytest.approx(width, rel=0.065)
    assert 0.5 * (found.high + found.low) == pytest.approx(gap.mean(), abs=1e-12)
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)


def test_an_interval_above_0_and_its_p_say_the_same():
    rng = np.random.default_rng(6)
    for shift in np.linspace(-0.5, 1.5, 41):
        gap = rng.normal(shift, 1.0, size=3 * BLOCKS)
        found = skill(np.zeros(len(gap)), gap, overlap=1, seed=1)
        assert (found.low > 0.0) == (found.p < TAIL)


def test_nothing_in_common_is_no_skill():
    found = skill(np.array([1.0, np.nan]), np.array([np.nan, 1.0]), overlap=1, seed=1)
    assert found.n == 0 and np.isnan(found.difference)


def test_a_yardstick_against_itself_has_none():
    values = RNG.normal(size=40) ** 2
    found = skill(values, values, overlap=2, seed=1)
    assert (found.difference, found.low, found.high, found.ratio) == (0.0, 0.0, 0.0, 0.0)
    assert found.p == 1.0


def test_blocks_find_how_much_less_overlapping_windows_say():
    # Sums over 5 neighbours: each number says about as much as a fifth.
    noise = np.random.default_rng(11).normal(size=4000)
    overlapping = np.convolve(noise, np.ones(5), mode="valid")
    zero = np.zeros(len(overlapping))
    naive = skill(zero, overlapping, overlap=1, seed=1)
    honest = skill(zero, overlapping, overlap=10, seed=1)
    assert naive.effective > 0.9 * naive.n
    assert naive.n / 8.0 < honest.effective < naive.n / 3.0


@pytest.mark.parametrize("overlap", [1, 2, 5])
def test_intervals_cover_the_truth_as_often_as_they_say_at_the_fewest_blocks(overlap):
    # Percentiles of blocks as long as the overlap cover 0.71 to 0.84 here.
    rng, trials = np.random.default_rng(3), 400
    n = BLOCKS * block_overlaps(overlap)
    hits = wins = 0
    for k in range(trials):
        noise = np.convolve(rng.normal(size=n + overlap - 1), np.ones(overlap), mode="valid")
        found = skill(np.zeros(n), noise, overlap=overlap, seed=[3, k])
        hits += found.low <= 0.0 <= found.high
        wins += found.p < TAIL
    assert 0.86 <= hits / trials <= 0.94
    assert wins / trials <= 0.07
