"""Scores of a panel: windows, differences, bins and times to first talks, by hand and by chance."""

import numpy as np
import pytest

from beliefs import Sampling, StudyError
from beliefs.evaluation.panel import NEXT, ONLINE, PanelScores, _endings, _within, score_panel

FOUR = ("talks", 4)


def scores_of(p, held, place, **others):
    """Return scores of one forecaster, ``M0``, at the horizons of `held`."""
    online = {h: np.full(len(place), 0.5) for h in held}
    names = tuple(f"c{k}" for k in range(place.max() + 1))
    begun = np.full(len(names), 1950)
    return PanelScores("made", names, begun, place, held, {ONLINE: online, "M0": p}, None, 3, {})


def drawn(rng, conflicts=300, weeks=30):
    place = np.repeat(np.arange(conflicts), weeks)
    p = rng.beta(1.0, 6.0, size=len(place))
    return p, (rng.random(len(p)) < p).astype(float), place


@pytest.mark.parametrize("horizon", [1, 3])
def test_a_window_ends_with_the_conflict(horizon):
    held = np.array([0, 0, 1, 0, 0], dtype=bool)
    expected = [float(held[k : k + horizon].any()) for k in range(5)]
    np.testing.assert_array_equal(_within(held, horizon), expected)


def test_nats_are_summed_over_the_rows_of_conflicts():
    place, held = np.array([0, 0, 1]), {NEXT: np.array([1.0, 0.0, 1.0])}
    found = scores_of({NEXT: np.array([0.8, 0.4, 0.9])}, held, place).over("M0", ONLINE)
    assert found["nats"] == pytest.approx(np.log(0.8 / 0.5) + np.log(0.6 / 0.5) + np.log(0.9 / 0.5))
    assert found["low"] <= found["nats"] <= found["high"]


def test_forecasts_that_are_right_lie_inside_their_bands_and_others_do_not():
    rng = np.random.default_rng(5)
    p, held, place = drawn(rng)
    right = scores_of({FOUR: p}, {FOUR: held}, place).reliability("M0")
    assert sum(row["inside"] for row in right) >= 8
    wrong = scores_of({FOUR: p**0.5}, {FOUR: held}, place).reliability("M0")
    assert sum(row["inside"] for row in wrong) <= 2
    assert sum(row["n"] for row in right) == len(p)


def test_times_to_first_talks_are_uniform_under_the_hazard_that_drew_them():
    rng = np.random.default_rng(6)
    p, held, place = drawn(rng, conflicts=2000, weeks=60)
    uniform = scores_of({NEXT: p}, {NEXT: held}, place).pit("M0")
    assert len(uniform) > 1900
    assert scores_of({NEXT: p}, {NEXT: held}, place).first_talks("M0")["p"] > 0.01
    assert scores_of({NEXT: 0.8 * p}, {NEXT: held}, place).first_talks("M0")["p"] < 1e-3


def test_ends_are_as_likely_as_those_of_conflicts_of_other_folds():
    rng = np.random.default_rng(7)
    length = np.minimum(rng.geometric(0.1, size=2000), 150)
    talks = [(rng.random(n) < 0.3).astype(int) for n in length]
    found = _endings([one == 0 for one in talks], length < 150, np.arange(2000) % 4)
    assert [len(one) for one in found] == [n + 52 for n in length]
    np.testing.assert_allclose(np.concatenate([one[:10] for one in found]), 0.1, atol=0.03)


def test_more_folds_than_conflicts_are_refused():
    with pytest.raises(StudyError, match="divided into these folds"):
        score_panel("crises", ["M0"], folds=1000, seed=1, sampling=Sampling())
