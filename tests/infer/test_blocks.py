"""Blocks of a theory: their evidence, and lagged beliefs."""

import numpy as np
import pytest

from beliefs import build_inputs, load_study, track
from beliefs.inference.smc.belief_lag import belief_lag, known_beliefs
from beliefs.inference.smc.blocks import track_blocks
from beliefs.inference.smc.sequential import track_likelihood
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import structure_of, until
from beliefs.model.system import action_log_likelihoods
from beliefs.model.theory import free_parameters, load_theory, null_values


@pytest.fixture(scope="module")
def believed(rich_folder):
    study = load_study(rich_folder, as_of="2026-02-13")
    return track(study, load_theory("mutual_optimism"), particles=200, seed=4)


@pytest.mark.slow
def test_the_evidence_of_blocks_adds_up_to_that_of_all_in_one():
    real, theory = load_study("us-iran-2026"), load_theory("base_rate")
    inputs = build_inputs(real)
    structure = structure_of(inputs)
    names = ["strikes_A", "strikes_B", "breach", "resolve"]
    parts = track_blocks(real, theory, particles=3000, seed=2, only=names, inputs=inputs)
    null, n_time = null_values(theory, structure, "actions"), int(inputs.active.sum())
    read = {p for b in parts.layout if b.name in parts.tracks for p in b.parameters}
    free = [p for p in free_parameters(theory, structure, "actions") if p.name in read]

    def likelihood(params, n):
        size = len(next(iter(params.values())))
        logs = action_log_likelihoods(
            np, {**null, **params}, until(parts.columns, n), structure, names
        )
        return np.stack([np.broadcast_to(logs[name], (size, n)) for name in names], axis=-1)

    known = coordinates_of(free, structure)
    whole = track_likelihood(likelihood, known, names, n_time, particles=4000, seed=8)
    total = sum(t.log_evidence[-1] for t in parts.tracks.values())
    assert len(parts.tracks) == 3 and abs(total) > 50
    assert whole.log_evidence[-1] == pytest.approx(total, abs=0.5)
    rng = np.random.default_rng(1)
    one = {k: v for t in parts.tracks.values() for k, v in t.params(4000, rng).items()}
    other = whole.params(4000, rng)
    for name in read:
        spread = other[name].std(axis=0)
        miss = (one[name].mean(axis=0) - other[name].mean(axis=0)) / spread
        assert np.abs(miss).max() < 0.2, name


def test_means_of_beliefs_are_their_integrals():
    rng = np.random.default_rng(2)
    mean = rng.normal(0.0, 1.0, (40, 2))
    spread = rng.uniform(0.05, 1.2, (40, 2))
    link = rng.uniform(-0.9, 0.9, 40)
    cov = np.stack([spread[:, 0] ** 2, link * spread.prod(axis=1), spread[:, 1] ** 2], axis=-1)
    p, lower = known_beliefs(mean, cov)
    x = np.linspace(-6, 6, 601)
    mass = np.exp(-0.5 * x**2)
    mass /= mass.sum()
    least = []
    for k in range(len(mean)):
        first = mean[k, 0] + spread[k, 0] * x[:, None]
        rest = link[k] * x[:, None] + np.sqrt(1 - link[k] ** 2) * x
        second = mean[k, 1] + spread[k, 1] * rest
        a, b = 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-second))
        weight = mass[:, None] * mass
        assert p[k, 0] == pytest.approx((weight * a).sum(), abs=1e-6)
        assert p[k, 1] == pytest.approx((weight * b).sum(), abs=1e-6)
        least.append(lower[k] - (weight * np.minimum(a, b)).sum())
    assert np.abs(least).max() < 5e-4, np.abs(least).max()


def test_lagged_beliefs_are_those_of_the_filter_a_period_earlier(believed):
    lag = belief_lag(believed, believed.structure.n_time)
    for t in (1, 9, believed.n_time - 1, believed.n_time):
        p, lower = known_beliefs(believed.mean[t - 1], believed.cov[t - 1])
        np.testing.assert_allclose(lag["p_lag"][:, t], believed.weights(t - 1) @ p, rtol=1e-12)
        assert lag["p_lag_min"][t] == pytest.approx(believed.weights(t - 1) @ lower, rel=1e-12)
    assert (lag["p_lag_min"] < lag["p_lag"].min(axis=0) + 1e-3).all()
    # Held on after the track.
    assert (lag["p_lag"][:, believed.n_time :] == lag["p_lag"][:, [believed.n_time]]).all()


def test_the_lagged_surplus_is_that_of_drawn_paths(believed):
    drawn = believed.at(believed.ends[-1], draws=2000).tree["posterior"]["surplus"].values[0, :, -1]
    lag = belief_lag(believed, believed.structure.n_time)["surplus_lag"]
    error = drawn.std() / np.sqrt(200 / 2)
    assert lag[believed.n_time] == pytest.approx(drawn.mean(), abs=4 * error)
    assert np.ptp(lag[1 : believed.n_time]) > 0


def test_lagged_beliefs_do_not_know_what_comes_later(believed):
    n = 20
    early = believed.until(n)
    one, other = (belief_lag(t, believed.structure.n_time) for t in (early, believed))
    for name in ("p_lag", "p_lag_min", "surplus_lag"):
        np.testing.assert_allclose(one[name][..., : n + 1], other[name][..., : n + 1], rtol=1e-12)
    assert not np.array_equal(one["p_lag"], other["p_lag"])
