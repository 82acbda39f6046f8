"""Coordinates of moves: a bijection of known determinant."""

import numpy as np
import pytest

from beliefs.features.inputs import build_inputs
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.moves import back, transform_of
from beliefs.inference.smc.moves_linear import frame_of
from beliefs.inference.smc.particles import normalised
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study


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
