"""Drift of particles is noise where they stand in the target; Pareto k is that of ArviZ."""

import numpy as np
import pytest
from arviz_stats.base.array import array_stats

from beliefs.inference.diagnose import pareto_k
from beliefs.inference.smc.particles import drift
from beliefs.inference.smc.sequential import DRIFT

N = 2000


def moved(before, seed, share=0.7, keep=0.5):
    """Leave a standard normal as it is, and move a share of the particles."""
    rng = np.random.default_rng(seed)
    yes = rng.random((len(before), 1)) < share
    there = keep * before + np.sqrt(1.0 - keep**2) * rng.standard_normal(before.shape)
    return np.where(yes, there, before)


def resampled(seed, d, families):
    """Return particles of which as many differ, in families of uneven size."""
    rng = np.random.default_rng([seed, 1])
    return rng.standard_normal((families, d))[np.sort(rng.integers(families, size=N))]


@pytest.mark.parametrize("d", [2, 10, 100])
@pytest.mark.parametrize("families", [400, 1000])
@pytest.mark.parametrize("keep", [0.0, 0.8])
def test_particles_that_stand_in_the_target_do_not_drift(d, families, keep):
    found = []
    for seed in range(30):
        before = resampled(seed, d, families)
        found.append(drift(before, moved(before, seed, keep=keep)))
    assert max(found) < DRIFT


@pytest.mark.parametrize(("lagging", "gap"), [(100, 0.15), (1, 0.5)])
def test_particles_on_their_way_do_whether_all_coordinates_lag_or_one(lagging, gap):
    before = resampled(3, 100, 1000)
    before[:, :lagging] -= gap  # standard deviations
    assert drift(before, moved(before, 3)) > DRIFT


@pytest.mark.parametrize("n", [30, 225, 226, 2000])
@pytest.mark.parametrize("spread", [1e-6, 0.5, 10.0])
def test_the_tail_of_weights_has_the_shape_that_arviz_finds(n, spread):
    logs = spread * np.random.default_rng(n).standard_t(3, size=n)
    assert pareto_k(logs) == pytest.approx(array_stats.psislw(-logs)[1], abs=1e-9)
