"""Arrays over the past are the fold of the steps that futures take."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefs.features import steps
from beliefs.study.dates import Grid

bits = st.lists(st.booleans(), min_size=1, max_size=40)
days = st.sampled_from([1, 7])


@settings(max_examples=200, deadline=None)
@given(on=bits, step_days=days)
def test_arrays_over_the_past_are_the_fold_of_steps(on, step_days):
    on, n = np.array(on), len(on)
    grid = Grid(np.datetime64("2026-01-01"), step_days, n)
    now = np.arange(n)
    last = np.maximum.accumulate(np.where(on, now, -1))
    since = np.where(last >= 0, now - last, np.inf)
    np.testing.assert_allclose(
        steps.freshness(on, 7.0, grid), np.exp(-since * step_days / 7.0), atol=1e-12
    )
    kept = np.exp(-step_days / 3.0)
    summed = [sum(kept ** (t - s) * on[s] for s in range(t + 1)) for t in now]
    np.testing.assert_allclose(steps.fading_sum(on.astype(float), 3.0, grid), summed, atol=1e-12)
    lengths = [t - max([s for s in range(t + 1) if not on[s]], default=-1) for t in now]
    np.testing.assert_array_equal(steps.fold(steps.run, 0.0, on), lengths)
    ages = steps.fold(steps.age, 1e6, on)
    np.testing.assert_array_equal(ages[last >= 0], since[last >= 0])
    assert (ages[last < 0] > 1e6).all()


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(0, 5), min_size=1, max_size=30), size=st.integers(1, 5))
def test_the_sum_of_the_last_periods_is_that_of_the_values_pushed(values, size):
    found, last = [], np.zeros(size)
    for value in values:
        found.append(last.sum())
        last = steps.push(last, float(value))
    np.testing.assert_array_equal(steps.recent(np.array(values), size), found)
