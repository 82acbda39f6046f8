"""Baselines know what had happened by the origin, and nothing after it."""

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter

from beliefs.evaluation.backtest.questions import Quantity, Question, spells
from beliefs.evaluation.scores.scorecard import (
    climatology,
    count_climatology,
    count_persistence,
    kaplan_meier,
    persistence,
    waits,
)
from beliefs.forecasting.targets import CAUSES, cumulative_incidence
from beliefs.simulation.paths import Paths

N = 120


def question(hits=(), unseen=(), asked=slice(None)):
    hit, seen, may = np.zeros(N, bool), np.ones(N, bool), np.zeros(N, bool)
    hit[list(hits)], seen[list(unseen)], may[asked] = True, False, True
    return Question("talks", None, hit, seen, may)


def test_waits_end_with_what_came_and_are_censored_by_what_is_not_known():
    origin, came, time = waits(question(hits=[3], unseen=[6]), 9)
    assert origin.tolist() == [0, 1, 2, 3, 4, 5, 7, 8]  # from period 6 on nothing is known of it
    assert came.tolist() == [True] * 4 + [False] * 4
    assert time.tolist() == [4, 3, 2, 1, 2, 1, 2, 1]


def test_climatology_is_the_share_of_windows_by_which_it_came():
    found = climatology(question(hits=[]), 100, 10)
    # Ten windows in which nothing came, and half a window of either outcome before them.
    assert found[-1] == pytest.approx(0.5 / 11.0)
    assert found[0] == 0.0 and (np.diff(found) >= 0.0).all()
    always = climatology(question(hits=range(N)), 100, 10)
    assert always[-1] == pytest.approx(10.5 / 11.0)
    assert always[1] > 0.9


@pytest.mark.parametrize("rule", [climatology, persistence])
@pytest.mark.parametrize("n", [20, 57, 100])
def test_nothing_after_the_origin_is_read(rule, n):
    rng = np.random.default_rng(n)
    one, two = (question(np.flatnonzero(rng.random(N) < 0.1)) for _ in range(2))
    for name in ("hit", "seen", "asked"):
        getattr(two, name)[:n] = getattr(one, name)[:n]
    np.testing.assert_array_equal(rule(one, n, 10), rule(two, n, 10))


def test_persistence_tells_a_busy_time_from_a_quiet_one():
    # Busy for forty periods, quiet for forty, busy again.
    busy = [*range(0, 40, 2), *range(80, 120, 2)]
    made = question(busy)
    assert persistence(made, 110, 7)[-1] > climatology(made, 110, 7)[-1]
    assert persistence(made, 78, 7)[-1] < climatology(made, 78, 7)[-1]


def test_persistence_is_silent_after_a_window_that_was_not_watched_whole():
    # It came in the last window, as it had before: like others, but for what nobody saw of it.
    hits = [20, 30, 40, 90, 91]
    made = question(hits, unseen=[95])
    assert persistence(question(hits), 98, 7) is not None
    assert persistence(made, 95, 7) is not None
    for n in range(96, 103):
        assert persistence(made, n, 7) is None
    assert persistence(made, 103, 7) is not None


def test_counts_are_held_against_earlier_windows():
    value = np.arange(N, dtype=float)
    seen = np.ones(N, bool)
    seen[50] = False
    made = Quantity("strikes", 0, value, seen)
    assert count_climatology(made, 8, 2).tolist() == [1, 3, 5, 7, 9, 11, 13]
    assert len(count_climatology(made, 60, 2)) == 57  # two windows hold the unseen period
    assert count_climatology(made, 2, 2) is None
    assert count_persistence(made, 10, 3).tolist() == [24.0]
    assert count_persistence(made, 51, 3) is None


def test_a_window_is_answered_when_all_of_it_was_watched():
    made = question(hits=[12], unseen=[30])
    assert made.first(10, 5) == 3
    assert made.first(13, 5) == 6
    assert made.first(28, 5) is None
    assert made.first(N - 3, 5) is None


def test_hits_without_a_quiet_week_between_them_are_one_event():
    flags = np.zeros(40, bool)
    flags[[0, 1, 8, 16, 39]] = True  # six, seven and 22 quiet days between runs
    assert spells(flags, 1)[flags].tolist() == [1, 1, 1, 2, 3]
    assert not spells(flags, 1)[~flags].any()
    assert spells(np.array([0, 1, 1, 0, 1], bool), 7).tolist() == [0, 1, 1, 0, 2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kaplan_meier_is_that_of_lifelines(seed):
    rng = np.random.default_rng(seed)
    time, happened = rng.integers(1, 40, size=150), rng.random(150) < 0.6
    ours = kaplan_meier(time, happened, 50)
    fitted = KaplanMeierFitter().fit(time, happened)
    theirs = fitted.survival_function_at_times(np.arange(51)).to_numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_cumulative_incidence_of_futures_is_that_of_lifelines():
    # One end in a period, so that lifelines need not break ties at random.
    rng = np.random.default_rng(4)
    samples, horizon = 60, 80
    ended = np.zeros((samples, horizon), dtype=np.int8)
    time = rng.permutation(horizon)[:samples]
    cause = rng.integers(1, 6, size=samples)
    lasting = rng.random(samples) < 0.25
    ended[np.arange(samples), time] = np.where(lasting, 0, cause)
    paths = Paths(None, None, np.zeros((samples, horizon), bool), None, None, {"ended": ended})
    ours = cumulative_incidence(paths)
    waits, how = np.where(lasting, horizon, time + 1), np.where(lasting, 0, cause)
    for row, code in zip(ours, CAUSES.values(), strict=True):
        fitter = AalenJohansenFitter(calculate_variance=False)
        table = fitter.fit(waits, how, event_of_interest=code).cumulative_density_
        theirs = [float(table.loc[:t].iloc[-1, 0]) for t in range(1, horizon + 1)]
        np.testing.assert_allclose(row, theirs, atol=1e-10)
