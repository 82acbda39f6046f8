"""The sampler's coordinates and the model's innovations are the same path, exactly."""

from dataclasses import replace

import numpy as np
import pytest

from beliefs.features.inputs import build_inputs
from beliefs.inference.nuts.recentre import innovations
from beliefs.model import system
from beliefs.model.mechanisms import belief
from beliefs.model.structure import columns, structure_of, until
from beliefs.model.theory import declared
from beliefs.study.load import load_study


@pytest.fixture(scope="module")
def case(rich_folder):
    """Structure, columns, one prior draw, misreading and all, and the prior of the level."""
    inputs = build_inputs(load_study(rich_folder))
    structure, rng = structure_of(inputs), np.random.default_rng(3)
    params = {
        name: np.asarray(p.prior.rvs(size=structure.size(p.dims), random_state=rng))
        for name, (_, p) in declared(structure).items()
        if name not in ("innovation", "belief_mean")
    }
    params["misread"] = np.array([0.5, 0.3])
    assert columns(inputs)["rival_resolve"].max() > 0
    return structure, columns(inputs), params, declared(structure)["belief_mean"][1].prior


def test_the_recursion_with_the_returned_innovations_gives_the_returned_path(case):
    structure, cols, params, prior = case
    z, xi = (np.random.default_rng(4).normal(size=size) for size in (2, (2, structure.n_time)))
    level, innovation, path, _ = innovations(np, params, cols, structure, z, xi, prior)
    kept, push, misread = system.movements(np, params, cols, structure)
    params = params | {"belief_mean": level, "innovation": innovation}
    again = belief.path(np, params, structure, kept=kept, push=push, misread=misread)
    np.testing.assert_allclose(again, path, rtol=1e-10, atol=1e-10)


def test_the_change_of_density_is_the_determinant_of_the_change_of_variables(case):
    structure, cols, params, prior = case
    n = 10
    structure = replace(structure, n_time=n)
    early = until(cols, n)
    early |= {k: cols[k][:, 20 : 20 + n] for k in ("guess", "guess_gate")}
    early["rival_resolve"] = cols["rival_resolve"][:, 10 : 10 + n]
    assert early["rival_resolve"].any() and early["reading_seen"].any()

    def moved(noise):
        z, xi = noise[:2], noise[2:].reshape(2, n)
        level, innovation, _, change = innovations(np, params, early, structure, z, xi, prior)
        return np.append(level, innovation), change

    noise = np.random.default_rng(5).normal(size=2 + 2 * n)
    slopes = [
        (moved(noise + unit)[0] - moved(noise - unit)[0]) / 2e-5
        for unit in 1e-5 * np.eye(2 + 2 * n)
    ]
    sign, log = np.linalg.slogdet(np.array(slopes))
    assert sign == 1
    assert moved(noise)[1] == pytest.approx(log, abs=1e-6)
