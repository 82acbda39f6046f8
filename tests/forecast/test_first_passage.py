"""First passage and resampled blocks, against counting by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefs.forecasting.targets import NEVER, first_passage
from beliefs.simulation.future import block_indices

bits = st.lists(st.booleans(), max_size=12)


def by_hand(before, after, periods):
    """The first step by which the last `periods` values were all true."""
    values = [*before, *after]
    for step in range(len(after) + 1):
        end = len(before) + step
        if end >= periods and all(values[end - periods : end]):
            return step
    return NEVER


@settings(max_examples=400, deadline=None)
@given(before=bits, after=bits, periods=st.integers(1, 5))
def test_first_passage_is_the_first_run_counted_by_hand(before, after, periods):
    # At the origin only a run that still lasts counts.
    found = first_passage(np.array([after], bool), periods, np.array([before], bool))
    assert found.tolist() == [by_hand(before, after, periods)]


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(1, 30), samples=st.integers(1, 5), horizon=st.integers(1, 40),
    block=st.integers(1, 10), seed=st.integers(0, 99),
)  # fmt: skip
def test_blocks_are_runs_of_consecutive_past_periods(n, samples, horizon, block, seed):
    index = block_indices(np.random.default_rng(seed), n, samples, horizon, block)
    assert index.shape == (samples, horizon)
    assert index.min() >= 0 and index.max() < n
    jumps = np.flatnonzero((np.diff(index, axis=1) != 1).any(axis=0)) + 1
    assert (jumps % min(block, n) == 0).all()
