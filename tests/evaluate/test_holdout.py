from dataclasses import replace

import numpy as np
import pytest

from beliefs.evaluation.backtest.holdout import cut_after_share, hide_readings
from beliefs.evaluation.backtest.walk import Cells, block_bootstrap_mean, random_walk, score
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.simulation.studies.duel import draw_design
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


def test_the_cut_leaves_the_wanted_share_of_readings_before_it(inputs):
    cut = cut_after_share(inputs, 2 / 3, "action")
    total = (~np.isnan(inputs.reading[:, 0])).sum()
    before = (~np.isnan(inputs.reading[:, 0, inputs.dates <= cut])).sum()
    a_day_earlier = (~np.isnan(inputs.reading[:, 0, inputs.dates < cut])).sum()
    assert a_day_earlier < 2 / 3 * total <= before


def walk_inputs(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    """Readings that are a random walk with steps of 0.3, heard as before."""
    path = np.cumsum(0.3 * rng.normal(size=inputs.reading.shape), axis=-1)
    return replace(inputs, reading=np.where(np.isnan(inputs.reading), np.nan, path))


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


def test_on_a_random_walk_the_walk_covers_and_beats_a_guess_that_never_moves(inputs):
    rng = np.random.default_rng(2)
    covered, better = [], []
    for _ in range(60):
        shown, hidden = hide_readings(walk_inputs(inputs, rng), np.datetime64("2001-03-20"))
        mine = hidden.channel == 0
        cells = Cells(*(v[mine] for v in vars(hidden).values()))
        walk = random_walk(rng, shown, cells, 400)
        still = rng.normal(size=walk.shape)  # knows nothing of the last reading
        found = score(
            "forecast", "both", cells, still, walk, rng=rng, block=5, resamples=50
        )  # fmt: skip
        covered.append(found.coverage_walk)
        better.append(found.difference)
    # Days of one walk hang together, walks do not: 4 standard errors of 60 of them.
    assert abs(np.mean(covered) - 0.9) < 4 * np.std(covered) / 60**0.5
    assert np.mean(better) > 3 * np.std(better) / 60**0.5


def test_a_prediction_scored_against_itself_makes_no_difference(inputs):
    rng = np.random.default_rng(3)
    cells = Cells(np.zeros(30, int), np.zeros(30, int), np.arange(30), rng.normal(size=30))
    drawn = rng.normal(size=(500, 30))
    found = score("forecast", "red", cells, drawn, drawn, rng=rng, block=3, resamples=50)
    assert (found.difference, found.lower, found.upper) == (0.0, 0.0, 0.0)


def test_the_score_is_the_expected_distance_less_half_the_spread():
    rng = np.random.default_rng(4)
    cells = Cells(np.zeros(3, int), np.zeros(3, int), np.arange(3), np.array([-1.0, 0.2, 3.0]))
    drawn, walk = rng.normal(size=(300, 3)), 2.0 * rng.normal(size=(300, 3))
    found = score("forecast", "red", cells, drawn, walk, rng=rng, block=1, resamples=10)

    def by_hand(sample: np.ndarray) -> float:
        far = np.abs(sample - cells.value).mean(axis=0)
        apart = np.abs(sample[:, None] - sample[None]).mean(axis=(0, 1))
        return float((far - 0.5 * apart).mean())

    assert found.crps == pytest.approx(by_hand(drawn), abs=1e-9)
    assert found.crps_walk == pytest.approx(by_hand(walk), abs=1e-9)
    # A normal has a closed form (Gneiting and Raftery 2007), which 300 draws come near.
    assert found.crps == pytest.approx(normal_crps(cells.value).mean(), abs=0.1)


def normal_crps(x: np.ndarray) -> np.ndarray:
    from scipy.stats import norm

    return x * (2 * norm.cdf(x) - 1) + 2 * norm.pdf(x) - np.pi**-0.5


def test_blocks_widen_the_interval_of_a_mean_whose_values_hang_together():
    rng = np.random.default_rng(5)
    slow = np.repeat(rng.normal(size=30), 10)
    time = np.arange(300)
    single = block_bootstrap_mean(rng, slow, time, block=1, samples=2000)
    blocked = block_bootstrap_mean(rng, slow, time, block=20, samples=2000)
    assert np.diff(blocked)[0] > 1.8 * np.diff(single)[0]


def test_a_mean_over_few_blocks_has_no_interval():
    rng = np.random.default_rng(5)
    time = np.repeat(np.arange(39), 2)  # two cells a period make no more blocks of it
    value = rng.normal(3.0, 0.1, size=len(time))
    assert np.isnan(block_bootstrap_mean(rng, value, time, block=4, samples=50)).all()
    assert np.isnan(block_bootstrap_mean(rng, value, time, block=400, samples=50)).all()
    lower, upper = block_bootstrap_mean(rng, value, time, block=3, samples=50)
    assert lower < value.mean() < upper


def test_a_side_that_was_hardly_heard_before_the_cut_is_named(inputs):
    shown, hidden = hide_readings(inputs, inputs.dates[0])
    with pytest.raises(ValueError, match="readings in action before the cut"):
        random_walk(np.random.default_rng(0), shown, hidden, 10)
