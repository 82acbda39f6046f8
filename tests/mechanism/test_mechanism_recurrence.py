"""The gated recursion: one equation for NumPy, for machine code and for its gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefs.model.numerics.recurrence import MEMORY, recur, rough_path, weighted_sum


@pytest.fixture(scope="module")
def arguments():
    rng = np.random.default_rng(0)
    misread = np.abs(rng.normal(size=(2, 13))) * 0.2 * (rng.random((2, 13)) < 0.6)
    return [
        rng.uniform(0.9, 1, (2, 13)), rng.normal(size=(2, 13)), misread, rng.normal(size=2)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def compiled(arguments):
    """Path and gradients of a weighted sum of it, in the machine code that the sampler runs."""
    import pytensor
    import pytensor.tensor as pt

    weight = np.random.default_rng(1).normal(size=(2, 13))
    symbols = [pt.dmatrix(), pt.dmatrix(), pt.dmatrix(), pt.dvector()]
    out = recur(pt, *symbols)
    slopes = pytensor.grad((out * weight).sum(), symbols)
    return weight, pytensor.function(symbols, [out, *slopes], mode="NUMBA")(*arguments)


def test_the_machine_code_gives_the_numpy_path(arguments, compiled):
    np.testing.assert_allclose(compiled[1][0], recur(np, *arguments), rtol=1e-13, atol=1e-13)


def test_the_machine_code_gradient_is_the_slope_of_the_numpy_path(arguments, compiled):
    weight, (_, *slopes) = compiled
    for place, found in enumerate(slopes):
        for index in np.ndindex(found.shape):
            ends = []
            for move in (1e-6, -1e-6):
                moved = [v.copy() for v in arguments]
                moved[place][index] += move
                ends.append((recur(np, *moved) * weight).sum())
            assert found[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-7)


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_a_rough_path_is_the_average_of_readings_by_distance(n, seed, silent):
    rng = np.random.default_rng(seed)
    reading = rng.normal(size=(2, 3, n))
    reading[rng.random(reading.shape) < silent] = np.nan
    time = np.arange(n)
    kernel = np.exp(-np.abs(time[:, None] - time) / MEMORY)
    seen = ~np.isnan(reading)
    total = np.where(seen, reading, 0.0).sum(axis=1) @ kernel
    expected = (total + 0.25) / (seen.sum(axis=1) @ kernel + 0.5)
    np.testing.assert_allclose(rough_path(reading), expected, rtol=1e-12, atol=1e-12)


def test_a_sum_of_no_terms_is_zero():
    assert np.array_equal(
        weighted_sum(np, np.zeros((3, 2, 0)), np.zeros((0, 4))), np.zeros((3, 2, 4))
    )
