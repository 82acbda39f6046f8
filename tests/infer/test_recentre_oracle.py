"""The filter and the backward sampler against the exact joint Gaussian posterior."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beliefs.infer.recentre import backward_sample, kalman, smooth_paths

pytestmark = pytest.mark.xdist_group("fit")


def problem(n, seed):
    """A random walk with drift by side, readings of some periods only."""
    rng = np.random.default_rng(seed)
    heard = rng.random((2, n)) < 0.5
    return {
        "a": rng.uniform(0.6, 1.05, (2, n)),
        "c": rng.normal(size=(2, n)),
        "q": rng.uniform(0.1, 0.5, 2),
        "start": rng.normal(size=2),
        "y": rng.normal(size=(2, n)),
        "w": rng.uniform(0.2, 3.0, (2, n)) * heard,
    }


def exact(case, side):
    """Mean and precision of the path given its readings, by the joint density of all periods."""
    a, c, y, w = (case[k][side] for k in "acyw")
    n, q = len(a), case["q"][side]
    steps = np.eye(n) - np.diag(a[1:], -1)
    known = c.copy()
    known[0] += a[0] * case["start"][side]
    precision = steps.T @ steps / q + np.diag(w)
    return np.linalg.solve(precision, steps.T @ known / q + w * y), precision


def sampled(case, xi):
    pm, pp, m, p = kalman(*(case[k] for k in ("a", "c", "q", "start", "y", "w")))
    return backward_sample(case["a"], case["q"], pm, pp, m, p, xi)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 20), seed=st.integers(0, 10_000))
@example(n=1, seed=0)
def test_the_path_is_the_exact_posterior_of_a_linear_belief(n, seed):
    case = problem(n, seed)
    middle, logdet = sampled(case, np.zeros((2, n)))
    # The map from noise to path is affine: one unit of noise at a time gives its matrix.
    columns = np.stack(
        [sampled(case, np.tile(unit, (2, 1)))[0] - middle for unit in np.eye(n)], axis=-1
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


def test_the_filtered_state_is_the_posterior_given_the_readings_so_far():
    case = problem(9, 4)
    *_, mean, variance = kalman(*(case[k] for k in ("a", "c", "q", "start", "y", "w")))
    for t in range(1, 9):
        early = {k: v[:, : t + 1] if v.ndim == 2 else v for k, v in case.items()}
        for side in (0, 1):
            expected, precision = exact(early, side)
            assert mean[side, t] == pytest.approx(expected[-1], abs=1e-10)
            assert variance[side, t] == pytest.approx(np.linalg.inv(precision)[-1, -1], abs=1e-10)


def test_a_stack_of_draws_gives_what_each_draw_gives():
    cases = [problem(7, seed) for seed in range(4)]
    xi = np.random.default_rng(1).normal(size=(2, 2, 2, 7))
    stacked = {
        k: np.stack([c[k] for c in cases]).reshape(2, 2, *cases[0][k].shape) for k in cases[0]
    }
    order = ("a", "c", "q", "start", "y", "w")
    path, logdet = smooth_paths(*(stacked[k] for k in order), xi)
    for number, case in enumerate(cases):
        place = divmod(number, 2)
        one, log = sampled(case, xi[place])
        np.testing.assert_array_equal(path[place], one)
        np.testing.assert_array_equal(logdet[place], log)


def test_the_gradient_of_the_path_is_its_slope():
    import pytensor
    import pytensor.tensor as pt
    from pytensor.compile.mode import Mode

    from beliefs.infer.recentre import smooth_path

    case, rng = problem(12, 0), np.random.default_rng(2)
    values = [*(case[k] for k in ("a", "c", "q", "start", "y", "w")), rng.normal(size=(2, 12))]
    weight, weight_log = rng.normal(size=(2, 12)), rng.normal(size=2)
    symbols = [pt.dmatrix() if v.ndim == 2 else pt.dvector() for v in values]
    path, logdet = smooth_path(*symbols)
    total = (path * weight).sum() + (logdet * weight_log).sum()
    # `perform` calls the very machine code that numba inlines into the model.
    slopes = pytensor.function(symbols, pytensor.grad(total, symbols), mode=Mode("py", None))(
        *values
    )
    for place, found in enumerate(slopes):
        for index in np.ndindex(found.shape):
            ends = []
            for move in (1e-6, -1e-6):
                moved = [v.copy() for v in values]
                moved[place][index] += move
                b, log = smooth_paths(*moved)
                ends.append((b * weight).sum() + (log * weight_log).sum())
            slope = (ends[0] - ends[1]) / 2e-6
            assert found[index] == pytest.approx(slope, rel=1e-5, abs=1e-6), (place, index)
