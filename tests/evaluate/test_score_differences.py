"""Differences of scores: paired, in blocks, with intervals that cover as they say."""

import numpy as np
import pytest

from beliefs.evaluation.scores.scores import block_length, difference, summed
from beliefs.evaluation.scores.skill import BLOCKS


def test_the_sum_is_over_what_was_seen():
    one, two = np.array([1.0, 2.0, 4.0]), np.zeros(3)
    found = difference(one, two, np.array([True, False, True]), block=2, seed=1)
    assert found.total == 5.0 and found.n == 2


def test_nothing_seen_is_no_difference():
    found = difference(np.ones(5), np.zeros(5), np.zeros(5, dtype=bool), block=2, seed=1)
    assert (found.total, found.n) == (0.0, 0)
    assert not found.distinct


@pytest.mark.parametrize(("n", "block"), [(14, 14), (5, 14), (8, 8), (139, 14), (79, 8)])
def test_few_blocks_have_no_interval_and_no_error(n, block):
    gap = np.random.default_rng(1).normal(1.0, 0.1, size=n)
    found = difference(gap, 0 * gap, np.ones(n, dtype=bool), block=block, seed=1)
    assert found.total == pytest.approx(gap.sum()) and found.n == n
    assert np.isnan([found.low, found.high, found.error]).all()
    assert not found.distinct
    more = np.random.default_rng(1).normal(1.0, 0.1, size=BLOCKS * block)
    seen = np.ones(len(more), dtype=bool)
    assert difference(more, 0 * more, seen, block=block, seed=1).distinct
    seen[::2] = False  # what was not seen fills no block
    assert not difference(more, 0 * more, seen, block=block, seed=1).distinct


def test_a_constant_difference_has_no_spread():
    found = difference(np.full(90, 0.5), np.zeros(90), np.ones(90, dtype=bool), block=7, seed=1)
    assert found.total == found.low == found.high == pytest.approx(45.0)


def test_the_same_seed_gives_the_same_interval():
    gap, seen = np.random.default_rng(1).normal(size=200), np.ones(200, dtype=bool)
    one, two = (difference(gap, 0 * gap, seen, block=14, seed=s) for s in (3, 3))
    assert one == two
    assert one != difference(gap, 0 * gap, seen, block=14, seed=4)


def test_the_interval_of_independent_periods_is_that_of_their_sum():
    gap = np.random.default_rng(2).normal(size=400)
    found = difference(gap, 0 * gap, np.ones(400, dtype=bool), block=1, seed=1)
    assert found.error == pytest.approx(gap.std() * 20.0, rel=0.1)
    assert found.high - found.low == pytest.approx(2 * 1.645 * found.error, rel=0.1)


def test_blocks_widen_the_interval_of_periods_that_hang_together():
    rng = np.random.default_rng(3)
    gap = np.repeat(rng.normal(size=40), 10)  # ten periods in a row alike
    seen = np.ones(400, dtype=bool)
    single = difference(gap, 0 * gap, seen, block=1, seed=1)
    blocks = difference(gap, 0 * gap, seen, block=20, seed=1)
    assert blocks.error > 2.0 * single.error


def test_observables_add_and_unseen_ones_do_not_count():
    rows = {"a": np.array([1.0, np.nan, np.nan]), "b": np.array([2.0, 3.0, np.nan])}
    total, seen = summed(rows, ("a", "b", "c"))
    assert total.tolist() == [3.0, 3.0, 0.0] and seen.tolist() == [True, True, False]


def test_blocks_are_two_weeks_or_two_months():
    assert block_length(1) == 14 and block_length(7) == 8
