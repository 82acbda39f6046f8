"""Differences of scores have intervals as wide as overlapping windows warrant, or none."""

import numpy as np
import pytest

from beliefs.evaluate.skill import BLOCKS, LEVEL, block_origins, skill

RNG = np.random.default_rng(7)


def test_a_block_holds_the_origins_within_a_window():
    assert [block_origins(h, 7) for h in (1, 7, 30, 90)] == [1, 1, 5, 13]
    assert block_origins(30, 28) == 2


def test_means_are_paired():
    ours, theirs = np.array([1.0, np.nan, 3.0, 5.0]), np.array([2.0, 9.0, np.nan, 7.0])
    found = skill(ours, theirs, block=1, seed=1)
    assert (found.n, found.score, found.reference) == (2, 3.0, 4.5)
    assert found.difference == 1.5
    assert found.ratio == pytest.approx(1.0 / 3.0)


def test_no_interval_is_given_where_few_blocks_fit():
    for n, given in ((BLOCKS * 4 - 1, False), (BLOCKS * 4, True)):
        found = skill(RNG.normal(size=n), RNG.normal(size=n), block=4, seed=1)
        assert np.isfinite([found.low, found.high]).all() == given


def test_nothing_in_common_is_no_skill():
    found = skill(np.array([1.0, np.nan]), np.array([np.nan, 1.0]), block=1, seed=1)
    assert found.n == 0 and np.isnan(found.difference)


def test_a_yardstick_against_itself_has_none():
    values = RNG.normal(size=40) ** 2
    found = skill(values, values, block=5, seed=1)
    assert (found.difference, found.low, found.high, found.ratio) == (0.0, 0.0, 0.0, 0.0)


def test_blocks_find_how_much_less_overlapping_windows_say():
    # Sums over 5 neighbours: each number says about as much as a fifth.
    noise = np.random.default_rng(11).normal(size=4000)
    overlapping = np.convolve(noise, np.ones(5), mode="valid")
    zero = np.zeros(len(overlapping))
    naive = skill(zero, overlapping, block=1, seed=1)
    honest = skill(zero, overlapping, block=20, seed=1)
    assert naive.effective > 0.9 * naive.n
    assert naive.n / 8.0 < honest.effective < naive.n / 3.0


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng, hits, trials = np.random.default_rng(3), 0, 300
    for k in range(trials):
        noise = np.convolve(rng.normal(size=84), np.ones(5), mode="valid")
        found = skill(np.zeros(80), noise, block=5, seed=[3, k])
        hits += found.low <= 0.0 <= found.high
    # Blocks of the length of the overlap are known to be somewhat too short.
    assert LEVEL - 0.15 < hits / trials < LEVEL + 0.05
