"""Moves of particles: a bijection of known determinant, after which they stand in the target."""

import numpy as np
import pytest
from arviz_stats.base.array import array_stats

from beliefs import build_inputs, load_study, load_theory
from beliefs.inference.diagnose import pareto_k
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.moves import back, transform_of
from beliefs.inference.smc.moves_linear import frame_of
from beliefs.inference.smc.particles import drift, normalised
from beliefs.inference.smc.sequential import DRIFT


@pytest.fixture(scope="module")
def fitted():
    study = load_study("synthetic-duel")
    model = Model.of(build_inputs(study), load_theory("mutual_optimism"))
    rng = np.random.default_rng(5)
    scores = 0.5 * rng.standard_normal((300, model.coordinates.size))
    names = [label.split("[")[0] for label in model.coordinates.labels]
    slope, late = (names.index(name) for name in ("surplus_effect", "continuation_base"))
    scores[:, late] += 2.0 * (scores[:, slope] ** 2 - 0.25)
    log_weights = 0.3 * rng.standard_normal(300)
    frame = frame_of(model, normalised(log_weights) @ scores, 40)
    return scores, transform_of(scores, log_weights, model.coordinates.labels, frame), (slope, late)


def test_scores_come_back_from_their_places(fitted):
    scores, transform, _ = fitted
    again, stretch = back(transform, transform.white)
    np.testing.assert_allclose(again, scores, atol=2e-4)  # the frame is in single precision
    off = stretch - transform.change
    np.testing.assert_allclose(off, off[0], atol=1e-3)


def test_the_determinant_is_that_of_the_map(fitted):
    _, transform, _ = fitted
    places = transform.white
    d, step = places.shape[1], 1e-2
    logs, stretches = [], []
    for at in places[:3]:
        near = np.repeat(at[None], 2 * d, axis=0)
        near[np.arange(d), np.arange(d)] += step
        near[d + np.arange(d), np.arange(d)] -= step
        high, low = np.split(back(transform, near)[0], 2)
        logs.append(np.linalg.slogdet((high - low) / (2.0 * step))[1])
        stretches.append(back(transform, at[None])[1][0])
    np.testing.assert_allclose(np.diff(logs), np.diff(stretches), atol=0.05)


def test_curved_dependence_is_taken_out(fitted):
    scores, transform, (slope, late) = fitted
    j, k = (int(np.flatnonzero(transform.order == place)[0]) for place in (late, slope))
    assert (j, k, k) in zip(*transform.shear.terms[:3], strict=True)
    assert np.corrcoef(scores[:, late], scores[:, slope] ** 2)[0, 1] > 0.7
    assert abs(np.corrcoef(transform.white[:, j], transform.white[:, k] ** 2)[0, 1]) < 0.15


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
