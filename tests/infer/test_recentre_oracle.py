"""The guided path against the exact joint posterior, its own slopes and the path of the model."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beliefs import build_inputs, load_study
from beliefs.inference.nuts.recentre import guided, innovations
from beliefs.model import system
from beliefs.model.mechanisms import belief
from beliefs.model.structure import columns, structure_of, until
from beliefs.model.theory import declared

PRIOR, MEAN = np.array([1.5, 0.4]), np.array([0.3, -0.8])
"""Precision and mean of the level before any reading, by side."""


def problem(n, seed):
    """A belief that goes back to a level, with news by side, readings of some periods only."""
    rng = np.random.default_rng(seed)
    observed = rng.random((2, n)) < 0.5
    return {
        "a": rng.uniform(0.6, 1.05, (2, n)),
        "c": rng.normal(size=(2, n)),
        "q": rng.uniform(0.1, 0.5, 2),
        "start": rng.normal(size=2),
        "y": rng.normal(size=(2, n)),
        "w": rng.uniform(0.2, 3.0, (2, n)) * observed,
    }


def exact(case, side):
    """Mean and precision of level and path given the readings, by the joint density of both."""
    a, c, y, w = (case[k][side] for k in "acyw")
    n, q = len(a), case["q"][side]
    # What chance adds to each period is steps @ (level, path) - known.
    steps = np.column_stack([a - 1.0, np.eye(n) - np.diag(a[1:], -1)])
    steps[0, 0] -= a[0]
    known = c.copy()
    known[0] += a[0] * case["start"][side]
    weight, value = np.append(PRIOR[side], w), np.append(MEAN[side], y)
    precision = steps.T @ steps / q + np.diag(weight)
    return np.linalg.solve(precision, steps.T @ known / q + weight * value), precision


def arguments(case, misread=0.0):
    """A belief that is linear but for misreading."""
    gain = np.full(case["a"].shape, misread)
    exact_step, linear = (case["a"], case["c"], gain), (case["a"], case["c"])
    return [*exact_step, *linear, np.sqrt(case["q"]), case["start"], case["y"], case["w"]]


def sampled(case, noise):
    """Level and path, and log|d (level, path) / d (z, xi)| by side."""
    xi, z = noise[:, 1:], noise[:, 0]
    level, _, path, logdet = guided(np, *arguments(case), xi, z, PRIOR, PRIOR * MEAN)
    both = np.column_stack([level, path])
    return both, logdet + 0.5 * xi.shape[-1] * np.log(case["q"])


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 20), seed=st.integers(0, 10_000))
@example(n=1, seed=0)
def test_level_and_path_are_the_exact_posterior_of_a_linear_belief(n, seed):
    case = problem(n, seed)
    middle, logdet = sampled(case, np.zeros((2, n + 1)))
    # The map from noise to both is affine: one unit of noise at a time gives its matrix.
    columns = np.stack(
        [sampled(case, np.tile(unit, (2, 1)))[0] - middle for unit in np.eye(n + 1)], axis=-1
    )
    for side in (0, 1):
        mean, precision = exact(case, side)
        covariance = np.linalg.inv(precision)
        np.testing.assert_allclose(middle[side], mean, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(
            columns[side] @ columns[side].T, covariance, rtol=1e-8, atol=1e-8
        )
        sign, log = np.linalg.slogdet(columns[side])
        assert sign == 1
        np.testing.assert_allclose(logdet[side], log, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(logdet[side], -0.5 * np.linalg.slogdet(precision)[1], atol=1e-8)


def test_the_gradient_of_the_path_is_its_slope():
    import pytensor
    import pytensor.tensor as pt
    from pytensor.compile.mode import Mode

    case, rng = problem(12, 0), np.random.default_rng(2)
    values = [*arguments(case, misread=0.7), rng.normal(size=(2, 12)), rng.normal(size=2)]
    values += [PRIOR, PRIOR * MEAN]
    values[3] = values[3] + 0.2  # the linear step need not be the exact one
    weights = [rng.normal(size=size) for size in (2, (2, 12), (2, 12), 2)]
    symbols = [pt.dmatrix() if v.ndim == 2 else pt.dvector() for v in values]

    def total(found):
        return sum((part * weight).sum() for part, weight in zip(found, weights, strict=True))

    # `perform` calls the very machine code that numba inlines into the model.
    slope = pytensor.grad(total(guided(pt, *symbols)), symbols)
    slopes = pytensor.function(symbols, slope, mode=Mode("py", None))(*values)
    for place, found in enumerate(slopes):
        for index in np.ndindex(found.shape):
            ends = []
            for move in (1e-6, -1e-6):
                moved = [v.copy() for v in values]
                moved[place][index] += move
                ends.append(total(guided(np, *moved)))
            slope = (ends[0] - ends[1]) / 2e-6
            assert found[index] == pytest.approx(slope, rel=1e-5, abs=1e-6), (place, index)


@pytest.fixture(scope="module")
def real(rich_folder):
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


def test_the_recursion_with_the_returned_innovations_gives_the_returned_path(real):
    structure, cols, params, prior = real
    z, xi = (np.random.default_rng(4).normal(size=size) for size in (2, (2, structure.n_time)))
    level, innovation, path, _ = innovations(np, params, cols, structure, z, xi, prior)
    kept, push, misread = system.movements(np, params, cols, structure)
    params = params | {"belief_mean": level, "innovation": innovation}
    again = belief.path(np, params, structure, kept=kept, push=push, misread=misread)
    np.testing.assert_allclose(again, path, rtol=1e-10, atol=1e-10)


def test_the_change_of_density_is_the_determinant_of_the_change_of_variables(real):
    structure, cols, params, prior = real
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
