"""Surprises use the past alone; arrays over it are the fold of the steps that futures take."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from beliefs.features import steps
from beliefs.features.surprises import BURN_IN, CLIP, logit_share, slow_level, surprises, transform
from beliefs.study.dates import Grid

values = st.lists(st.floats(-100, 100), min_size=1, max_size=60)


@given(values, st.integers(0, 60), st.floats(0.5, 30), st.integers(0, 60))
def test_surprises_use_the_past_alone(x, cut, halflife, begin):
    marks = np.arange(len(x)) == begin
    whole = surprises(x, halflife, reset=marks)
    part = surprises(x[:cut], halflife, reset=marks[:cut])
    n = len(part.z)
    for name in ("z", "seen", "mean", "scale"):
        assert_array_equal(getattr(whole, name)[:n], getattr(part, name))
    age = np.ones(len(x))
    slow, early = slow_level(np.array(x), age, 50.0), slow_level(np.array(x[:cut]), age[:cut], 50.0)
    for name in ("z", "scale"):
        assert_array_equal(getattr(slow, name)[:n], getattr(early, name))


def test_a_surprise_is_the_miss_over_the_scale_before_it():
    found = surprises([1.0, 3.0, 2.0, 7.0], 1.0, count=True)
    # Misses: 3-1=2, then 2-2=0, so their mean is 1; the mean of 1, 3, 2 with weight 1/2 is 2.
    assert_allclose(found.mean[:3], [1.0, 2.0, 2.0])
    scale = math.sqrt(math.pi / 2) * 1.0
    assert_allclose(found.scale[2], scale)
    assert_allclose(found.z, [0, 0, 0, min(CLIP, 5.0 / scale)])
    assert_array_equal(found.seen, [False, False, False, True])


@given(st.lists(st.floats(-5, 5), min_size=12, max_size=40), st.floats(0.1, 10), st.floats(-9, 9))
def test_the_unit_of_measurement_does_not_matter(x, factor, shift):
    x = np.array(x)
    plain = surprises(x, 5.0)
    assume((plain.scale[BURN_IN - 1 :] > 1e-3).all())  # else the tiny floor is at work
    other = surprises(factor * x + shift, 5.0)
    assert_allclose(other.z, plain.z, atol=1e-6)
    assert_allclose(surprises(-x, 5.0).z, -plain.z, atol=1e-9)


def test_a_reset_forgets_the_level_and_keeps_the_scale():
    x = np.array([0.0, 1.0] * 20 + [100.0, 101.0] * 20)
    marks = np.arange(80) == 40
    with_reset, without = surprises(x, 10.0, reset=marks), surprises(x, 10.0)
    assert without.z[40] == CLIP
    assert not with_reset.seen[40 : 40 + BURN_IN].any()
    assert with_reset.seen[40 + BURN_IN :].all()
    assert with_reset.scale[40] == without.scale[39]
    assert np.abs(with_reset.z).max() < 2


def test_another_instrument_forgets_level_and_scale():
    x = np.array([0.0, 1.0] * 20 + [100.0, 150.0] * 20)
    marks = np.arange(80) == 40
    found = surprises(x, 10.0, restart=marks)
    fresh = surprises(x[40:], 10.0)
    assert_array_equal(found.z[40:], fresh.z)
    assert_array_equal(found.scale[40:], fresh.scale)


def test_a_jump_of_a_random_walk_is_news_once():
    x = np.concatenate([np.tile([0.0, 1.0], 20), np.full(10, 50.0)])
    walk, mean = surprises(x, 14.0, walk=True), surprises(x, 14.0)
    assert walk.z[40] == mean.z[40] == CLIP
    assert (walk.z[41:] == 0).all() and walk.seen[41:].all()
    assert (mean.z[41:] > 1).all()
    assert_array_equal(walk.mean, x)


def test_the_day_after_a_rare_event_is_not_a_surprise_for_being_ordinary():
    counts = transform("count", [0.0] * 40 + [4.0] + [0.0] * 5)
    found = surprises(counts, 14.0, count=True)
    assert found.z[40] == CLIP
    assert np.abs(found.z[41:]).max() < 0.5


def test_the_slow_normal_forgets_with_time_not_with_arrivals():
    x = np.concatenate([np.zeros(20), [1.0] * 10, np.full(5, 3.0)])
    daily = slow_level(x, np.ones(35), 50.0).z
    monthly = slow_level(x, np.full(35, 30.0), 50.0).z
    assert monthly[-1] < daily[-1]


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("identity", [1.0, -2.0], [1.0, -2.0]),
        ("log", [1.0, math.e], [0.0, 1.0]),
        ("logit", [0.5, 0.75], [0.0, math.log(3)]),
        ("count", [0.0, 4.0], [2 * math.sqrt(0.375), 2 * math.sqrt(4.375)]),
        ("diff", [1.0, 4.0, 2.0], [math.nan, 3.0, -2.0]),
    ],
)
def test_transforms_are_what_their_names_say(name, x, expected):
    assert_allclose(transform(name, x), expected)


def test_a_share_of_half_has_log_odds_of_zero_and_extremes_are_held():
    assert_allclose(logit_share([50.0, 100.0, 1e9], 100.0, False), [0, 5.2933, 5.2933], atol=1e-4)
    assert_allclose(logit_share(2.0, 1.0, True), 0.0)


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
    np.testing.assert_array_equal(steps.fold(steps.age, 0.0, ~on), lengths)
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
