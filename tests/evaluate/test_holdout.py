from dataclasses import replace

import numpy as np
import pytest
from duel import draw_design
from holdout import hide_readings, random_walk

from beliefs.features.inputs import Inputs, build_inputs
from beliefs.study.bundled import data_folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    out = tmp_path_factory.mktemp("design")
    return build_inputs(draw_design(data_folder() / "synthetic-duel", out, seed=3))


def test_readings_after_the_cut_are_hidden_and_no_other_is(inputs):
    cut = np.datetime64("2001-03-20")
    shown, hidden = hide_readings(inputs, cut)
    late = inputs.dates > cut
    assert np.isnan(shown.reading[:, :, late]).all()
    np.testing.assert_array_equal(shown.reading[:, :, ~late], inputs.reading[:, :, ~late])
    assert len(hidden.value) == (~np.isnan(inputs.reading[:, :, late])).sum() > 0
    np.testing.assert_array_equal(
        inputs.reading[hidden.side, hidden.channel, hidden.time], hidden.value
    )
    np.testing.assert_array_equal(shown.surprise, inputs.surprise)


def test_the_walk_starts_at_the_last_reading_and_widens_with_the_root_of_time(inputs):
    rng = np.random.default_rng(1)
    heard = replace(inputs, reading=np.cumsum(0.3 * rng.normal(size=inputs.reading.shape), -1))
    shown, hidden = hide_readings(heard, np.datetime64("2001-03-20"))
    drawn = random_walk(rng, shown, hidden, 20_000)
    first = int(np.flatnonzero(np.isnan(shown.reading[0, 0]))[0])
    for ahead in (1, 4, 25):
        cell = (hidden.side == 0) & (hidden.channel == 0) & (hidden.time == first + ahead - 1)
        assert drawn[:, cell].mean() == pytest.approx(shown.reading[0, 0, first - 1], abs=0.05)
        assert drawn[:, cell].std() == pytest.approx(0.3 * ahead**0.5, rel=0.25)
