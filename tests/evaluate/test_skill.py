"""Differences of scores have intervals as wide as overlapping windows warrant, or none."""

import numpy as np
import pytest

from beliefs.evaluation.scores.skill import (
    BLOCKS,
    LEVEL,
    TAIL,
    block_origins,
    difference,
    skill,
)

RNG = np.random.default_rng(7)


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


def test_a_yardstick_against_itself_has_none():
    values = RNG.normal(size=40) ** 2
    found = skill(values, values, overlap=2, seed=1)
    assert (found.difference, found.low, found.high, found.ratio) == (0.0, 0.0, 0.0, 0.0)
    assert found.p == 1.0


@pytest.mark.parametrize("overlap", [1, 2, 5])
def test_intervals_cover_the_truth_as_often_as_they_say_at_the_fewest_blocks(overlap):
    # Percentiles of blocks as long as the overlap cover 0.71 to 0.84 here.
    rng, trials = np.random.default_rng(3), 400
    n = BLOCKS * (1 if overlap == 1 else 2 * overlap)
    hits = wins = 0
    for k in range(trials):
        noise = np.convolve(rng.normal(size=n + overlap - 1), np.ones(overlap), mode="valid")
        found = skill(np.zeros(n), noise, overlap=overlap, seed=[3, k])
        hits += found.low <= 0.0 <= found.high
        wins += found.p < TAIL
    assert 0.86 <= hits / trials <= 0.94
    assert wins / trials <= 0.07


def test_the_sum_is_over_what_was_seen():
    one, two = np.array([1.0, 2.0, 4.0]), np.zeros(3)
    found = difference(one - two, np.array([True, False, True]), block=2, seed=1)
    assert found.total == 5.0 and found.n == 2


@pytest.mark.parametrize(("n", "block"), [(14, 14), (5, 14), (8, 8), (139, 14), (79, 8)])
def test_few_blocks_have_no_interval_and_no_error(n, block):
    gap = np.random.default_rng(1).normal(1.0, 0.1, size=n)
    found = difference(gap, np.ones(n, dtype=bool), block=block, seed=1)
    assert found.total == pytest.approx(gap.sum()) and found.n == n
    assert np.isnan([found.low, found.high, found.error]).all()
    assert not found.distinct
    more = np.random.default_rng(1).normal(1.0, 0.1, size=BLOCKS * block)
    seen = np.ones(len(more), dtype=bool)
    assert difference(more, seen, block=block, seed=1).distinct
    seen[::2] = False  # what was not seen fills no block
    assert not difference(more, seen, block=block, seed=1).distinct


def test_the_interval_of_independent_periods_is_that_of_their_sum():
    gap = np.random.default_rng(2).normal(size=400)
    found = difference(gap, np.ones(400, dtype=bool), block=1, seed=1)
    assert found.error == pytest.approx(gap.std() * 20.0, rel=0.1)
    assert found.high - found.low == pytest.approx(2 * 1.645 * found.error, rel=0.1)


def test_blocks_widen_the_interval_of_periods_that_hang_together():
    rng = np.random.default_rng(3)
    gap = np.repeat(rng.normal(size=40), 10)  # ten periods in a row alike
    seen = np.ones(400, dtype=bool)
    single = difference(gap, seen, block=1, seed=1)
    blocks = difference(gap, seen, block=20, seed=1)
    assert blocks.error > 2.0 * single.error
