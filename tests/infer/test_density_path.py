"""The density path against Kalman's formulas and against scores without the parameter."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from beliefs import build_inputs, track
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.density_path import density_path, log_density_at


def test_in_a_linear_gaussian_model_it_is_the_exact_difference_of_scores():
    """y = x'theta + noise: predictive densities with and without theta[0] held at 0.7."""
    rng = np.random.default_rng(3)
    x, held = rng.normal(size=(8, 3)), 0.7
    y = x @ [0.6, -0.4, 0.5] + 0.8 * rng.normal(size=8)
    scores = rng.standard_normal((2_000_000, 3))
    logs = norm.logpdf(y[:, None], x @ scores.T, 0.8)
    steps = np.cumsum(np.concatenate([np.zeros((1, len(scores))), logs]), axis=0)
    place = np.array([held])
    found = -np.diff([log_density_at(scores[:, :1], step, place) for step in steps])

    def predicted(given):
        """Exact one-step log densities; `given` are the known parameters."""
        free = [k for k in range(3) if k not in given]
        mean, cov, out = np.zeros(len(free)), np.eye(len(free)), []
        for row, value in zip(x, y, strict=True):
            h = row[free]
            known = value - sum(row[k] * v for k, v in given.items())
            total = h @ cov @ h + 0.64
            out.append(norm.logpdf(known, h @ mean, np.sqrt(total)))
            gain = cov @ h / total
            mean, cov = mean + gain * (known - h @ mean), cov - np.outer(gain, h @ cov)
        return np.asarray(out)

    exact = predicted({}) - predicted({0: held})
    assert np.abs(exact).max() > 0.3
    np.testing.assert_allclose(found, exact, atol=0.03)
    assert found.sum() == pytest.approx(exact.sum(), abs=0.03)


def test_it_agrees_with_scores_of_particles_that_hold_the_parameter_at_null(study, toy):
    """By brute force: importance sampling from the prior, with and without the parameter."""
    tracked = track(study, toy, particles=2000, seed=1)
    model, n = Model.of(build_inputs(study), toy), tracked.n_time
    labels = model.coordinates.labels
    mine = labels.index("belief_mean[0]")
    scores = np.random.default_rng(5).standard_normal((20_000, 4))
    (null,) = (0.0 - 0.5) / 0.75 * np.ones(1)

    def by_period(at):
        path = model.replay(at, n, keep=True)[2][..., :2]
        total = np.cumsum(path.reshape(len(at), -1), axis=1)
        return np.diff(logsumexp(total, axis=0), prepend=np.log(len(at))).reshape(n, 2)

    off = scores.copy()
    off[:, mine] = null
    exact = by_period(scores) - by_period(off)
    found = density_path(tracked, {"level": ["belief_mean[0]"]})
    assert found.shape == (1, n, 2)
    assert np.abs(exact).sum() > 0.5
    np.testing.assert_allclose(found[0], exact, atol=0.12)
    assert found.sum() == pytest.approx(exact.sum(), abs=0.2)
