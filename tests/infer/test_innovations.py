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
    """Structure, columns and one prior draw, misreading and all."""
    inputs = build_inputs(load_study(rich_folder))
    structure, rng = structure_of(inputs), np.random.default_rng(3)
    params = {
        name: np.asarray(p.prior.rvs(size=structure.size(p.dims), random_state=rng))
        for name, (_, p) in declared(structure).items()
        if name != "innovation"
    }
    params["misread"] = np.array([0.5, 0.3])
    assert columns(inputs)["rival_resolve"].max() > 0
    return structure, columns(inputs), params


def test_the_recursion_with_the_returned_innovations_gives_the_returned_path(case):
    structure, cols, params = case
    xi = np.random.default_rng(4).normal(size=(2, structure.n_time))
    path, innovation, _ = innovations(np, params, cols, structure, xi)
    kept, push, misread = system.movements(np, params, cols, structure)
    again = belief.path(
        np, params | {"innovation": innovation}, structure, kept=kept, push=push, misread=misread
    )
    np.testing.assert_allclose(again, path, rtol=1e-10, atol=1e-10)


def test_the_change_of_density_is_the_determinant_of_the_change_of_variables(case):
    structure, cols, params = case
    n = 10
    structure = replace(structure, n_time=n)
    early = until(cols, n)
    early |= {k: cols[k][:, 20 : 20 + n] for k in ("guess", "guess_gate")}
    early["rival_resolve"] = cols["rival_resolve"][:, 10 : 10 + n]
    assert early["rival_resolve"].any() and early["reading_seen"].any()
    xi = np.random.default_rng(5).normal(size=(2, n))
    *_, change = innovations(np, params, early, structure, xi)
    slopes = []
    for unit in np.eye(2 * n).reshape(-1, 2, n):
        ends = [
            innovations(np, params, early, structure, xi + move * unit)[1] for move in (1e-5, -1e-5)
        ]
        slopes.append((ends[0] - ends[1]).ravel() / 2e-5)
    sign, log = np.linalg.slogdet(np.array(slopes))
    assert sign == 1
    assert change == pytest.approx(log, abs=1e-6)
