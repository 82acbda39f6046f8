"""Sequential Monte Carlo against brute force: posteriors on a grid, evidence by quadrature."""

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp
from toy import moments

from beliefs.errors import StudyError
from beliefs.inference.smc.sequential import track_likelihood
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model import priors as pz
from beliefs.model.contract import Parameter
from beliefs.model.theory import BARE

PARTICLES, N_TIME = 4000, 60
RNG = np.random.default_rng(7)
X = RNG.normal(size=N_TIME)
COUNT = RNG.poisson(np.exp(0.8 + 0.5 * X)).astype(float)
COUNT[20] = 60.0  # says far too much at once
SEEN = np.ones(N_TIME)
SEEN[30:35] = 0.0
HIT = (RNG.random(N_TIME) < 0.2).astype(float)


def likelihood(params, n):
    """A Poisson regression, and a hit or miss whose hazard is half a power of the same rate."""
    eta = params["base"][..., None] + params["slope"][..., None] * X[:n]
    count = (COUNT[:n] * eta - np.exp(eta) - gammaln(COUNT[:n] + 1)) * SEEN[:n]
    odds = 0.5 * eta - 2.0
    hit = HIT[:n] * odds - np.logaddexp(0.0, odds)
    return np.stack([count, hit], axis=-1)


@pytest.fixture(scope="module")
def known():
    made = [
        Parameter(name, prior, "log", "a test", "a test")
        for name, prior in {"base": pz.Normal(0.0, 1.0), "slope": pz.HalfNormal(0.7)}.items()
    ]
    return coordinates_of(made, BARE)


@pytest.fixture(scope="module")
def tracked(known):
    return track_likelihood(
        likelihood, known, ("count", "hit"), N_TIME, particles=PARTICLES, seed=3
    )


@pytest.fixture(scope="module")
def brute():
    """Grid of both parameters, log prior mass, and log likelihoods by period and observable."""
    base, slope = np.linspace(-2.0, 3.0, 401), np.linspace(0.0, 3.0, 301)
    a, b = (v.ravel() for v in np.meshgrid(base, slope, indexing="ij"))
    edge = np.ones(len(slope))
    edge[[0, -1]] = 0.5  # trapezoids
    log_prior = -0.5 * a**2 - 0.5 * (b / 0.7) ** 2 + np.log(np.tile(edge, len(base)))
    log_prior += np.log(2.0 / (2 * np.pi * 0.7)) + np.log(base[1] - base[0]) + np.log(slope[1])
    return a, b, log_prior, likelihood({"base": a, "slope": b}, N_TIME)


def test_every_posterior_is_that_of_the_grid(tracked, brute):
    a, b, log_prior, logs = brute
    result = log_prior + np.cumsum(logs.sum(axis=-1), axis=1).T
    misses = []
    for t in range(N_TIME):
        mass = np.exp(result[t] - logsumexp(result[t]))
        scores, weights = tracked.scores(t), tracked.weights(t)
        found = tracked.coordinates.params(scores)
        for values, name in ((a, "base"), (b, "slope")):
            (mean, spread), (again, width) = moments(mass, values), moments(weights, found[name])
            misses.append((again - mean) / spread)
            assert width == pytest.approx(spread, rel=0.08)
    assert np.abs(misses).max() < 6 / np.sqrt(PARTICLES / 2)  # half of them are effective at least


def test_evidence_is_the_integral_within_one_percent(tracked, brute):
    _, _, log_prior, logs = brute
    assert logsumexp(log_prior) == pytest.approx(0.0, abs=0.03)  # mass on the grid
    exact = logsumexp(log_prior + logs.sum(axis=(1, 2)))
    assert tracked.log_evidence[-1] == pytest.approx(exact, rel=0.01)


def test_each_one_step_density_is_that_of_the_grid(tracked, brute):
    _, _, log_prior, logs = brute
    before = np.concatenate([log_prior[:, None], logs.reshape(len(log_prior), -1)], axis=1)
    total = np.asarray([logsumexp(v) for v in np.cumsum(before, axis=1).T])
    exact = np.diff(total).reshape(N_TIME, 2)
    seen = SEEN > 0
    assert np.isnan(tracked.predictive[~seen, 0]).all()
    assert np.isfinite(tracked.predictive[:, 1]).all()
    quiet = seen & (np.arange(N_TIME) != 20)
    np.testing.assert_allclose(tracked.predictive[quiet, 0], exact[quiet, 0], atol=0.1)
    np.testing.assert_allclose(tracked.predictive[:, 1], exact[:, 1], atol=0.05)
    assert tracked.predictive[20, 0] == pytest.approx(exact[20, 0], rel=0.01)
    np.testing.assert_allclose(tracked.evidence.sum(), np.nansum(tracked.predictive), rtol=1e-12)


def test_later_observations_change_nothing_before_them(known, tracked):
    short = track_likelihood(likelihood, known, ("count", "hit"), 25, particles=PARTICLES, seed=3)
    cut = tracked.until(25)
    np.testing.assert_array_equal(short.predictive, cut.predictive)
    np.testing.assert_array_equal(short.log_weights, cut.log_weights)
    assert len(short.generations) == len(cut.generations)
    assert short.rejuvenations == cut.rejuvenations


def test_an_impossible_observation_is_named(known):
    def never(params, n):
        logs = likelihood(params, n)
        logs[:, 2:3, 1] = -np.inf
        return logs

    with pytest.raises(StudyError, match="impossible") as error:
        track_likelihood(never, known, ("count", "hit"), 5, particles=200, seed=1)
    assert "hit in period 2" in str(error.value)
