"""The rough path of belief against the kernel average written out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefs.model.numerics.guess import MEMORY, rough_path


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_it_is_the_average_of_readings_by_distance(n, seed, silent):
    rng = np.random.default_rng(seed)
    reading = rng.normal(size=(2, 3, n))
    reading[rng.random(reading.shape) < silent] = np.nan
    time = np.arange(n)
    kernel = np.exp(-np.abs(time[:, None] - time) / MEMORY)
    heard = ~np.isnan(reading)
    total = np.where(heard, reading, 0.0).sum(axis=1) @ kernel
    expected = (total + 0.25) / (heard.sum(axis=1) @ kernel + 0.5)
    np.testing.assert_allclose(rough_path(reading), expected, rtol=1e-12, atol=1e-12)
