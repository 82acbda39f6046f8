"""Waits that have not ended yet, with lifelines as oracle."""

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter

from beliefs.evaluation.scores.survival import kaplan_meier
from beliefs.forecasting.targets import CAUSES, cumulative_incidence
from beliefs.simulation.paths import Paths


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kaplan_meier_is_that_of_lifelines(seed):
    rng = np.random.default_rng(seed)
    time, happened = rng.integers(1, 40, size=150), rng.random(150) < 0.6
    ours = kaplan_meier(time, happened, 50)
    fitted = KaplanMeierFitter().fit(time, happened)
    theirs = fitted.survival_function_at_times(np.arange(51)).to_numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_a_wait_that_outlasts_what_is_asked_stays_at_risk():
    assert kaplan_meier([2, 90], [True, False], 3).tolist() == [1.0, 1.0, 0.5, 0.5]


def test_without_an_end_nothing_has_ended():
    assert kaplan_meier([3, 4], [False, False], 5).tolist() == [1.0] * 6


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
