"""Coordinates of moves: a bijection of known determinant, and the curvature that it takes out."""

import numpy as np
import pytest

from beliefs.features.inputs import build_inputs
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.moves import FAR, back, chart_of, shear_of, sheared, unsheared
from beliefs.inference.smc.moves_linear import frame_of
from beliefs.inference.smc.particles import normalised
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

LABELS = ("retention[0]", "weight_own[0]", "log_cost[0]", "surplus_effect[0]", "onset_base")
EVEN = np.zeros(4000)


def banana(n=4000):
    """Normal but for a square and a product in the last coordinate."""
    z = np.random.default_rng(3).standard_normal((n, 5))
    z[:, 4] = 0.7 * z[:, 4] + 0.5 * (z[:, 1] ** 2 - 1.0) - 0.4 * z[:, 2] * z[:, 3]
    return z


def test_a_shear_is_undone_exactly():
    z = banana()
    shear = shear_of(z, EVEN, LABELS)
    np.testing.assert_allclose(unsheared(shear, sheared(shear, z)), z, rtol=1e-12, atol=1e-12)


def test_squares_and_products_are_found_and_taken_out():
    z = banana()
    shear = shear_of(z, EVEN, LABELS)
    found = set(zip(*shear.terms[:3], strict=True))
    assert {(4, 1, 1), (4, 3, 2)} <= found
    left = sheared(shear, z)
    for feature in (z[:, 1] ** 2, z[:, 2] * z[:, 3]):
        assert abs(np.corrcoef(left[:, 4], feature)[0, 1]) < 0.05
        assert abs(np.corrcoef(z[:, 4], feature)[0, 1]) > 0.3


def test_what_is_normal_already_is_hardly_touched():
    z = np.random.default_rng(4).standard_normal((4000, 5))
    assert len(shear_of(z, EVEN, LABELS).terms[0]) <= 1


def test_proposals_reach_beyond_the_particles_and_furthest_in_a_funnel(charted):
    _, chart = charted
    labels = [chart.frame.model.coordinates.labels[j] for j in chart.order]
    far = np.asarray([label.split("[")[0] in FAR for label in labels])
    assert far.any() and not far.all() and (chart.reach > 1.0).all()
    assert chart.reach[far].min() > chart.reach[~far].max()


@pytest.fixture(scope="module")
def charted():
    study = load_study("synthetic-duel")
    model = Model.of(build_inputs(study), load_theory("mutual_optimism"))
    rng = np.random.default_rng(5)
    scores = 0.5 * rng.standard_normal((300, model.coordinates.size))
    log_weights = 0.3 * rng.standard_normal(300)
    frame = frame_of(model, normalised(log_weights) @ scores, 40)
    return scores, chart_of(scores, log_weights, model.coordinates.labels, frame)


def test_scores_come_back_from_their_places(charted):
    scores, chart = charted
    again, stretch = back(chart, chart.white)
    np.testing.assert_allclose(again, scores, atol=2e-4)  # the frame is in single precision
    off = stretch - chart.change
    np.testing.assert_allclose(off, off[0], atol=1e-3)


def test_the_determinant_is_that_of_the_map(charted):
    _, chart = charted
    places = chart.white
    d, step = places.shape[1], 1e-2
    logs, stretches = [], []
    for at in places[:3]:
        near = np.repeat(at[None], 2 * d, axis=0)
        near[np.arange(d), np.arange(d)] += step
        near[d + np.arange(d), np.arange(d)] -= step
        high, low = np.split(back(chart, near)[0], 2)
        logs.append(np.linalg.slogdet((high - low) / (2.0 * step))[1])
        stretches.append(back(chart, at[None])[1][0])
    # Up to one constant of the chart.
    np.testing.assert_allclose(np.diff(logs), np.diff(stretches), atol=0.05)
