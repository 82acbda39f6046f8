"""What follows from parameters is what the equations say."""

import numpy as np
import pytest

from beliefs.evaluation.backtest.cracks import crack_share
from beliefs.evaluation.claims.expressions import Absent
from beliefs.evaluation.claims.functionals import FUNCTIONALS, quantities_of, setting_of
from beliefs.features.inputs import build_inputs
from beliefs.model.mechanisms import reciprocity
from beliefs.model.structure import columns, conduct_columns, structure_of
from beliefs.model.variants import judged
from beliefs.study.load import load_study


@pytest.fixture(scope="module")
def setting():
    inputs = build_inputs(load_study("us-iran-2026"))
    n = int(inputs.active.sum())
    return setting_of(structure_of(inputs), columns(inputs), conduct_columns(inputs), n)


def value(setting, name, theory="managed_deescalation", **draws):
    found = quantities_of({k: np.asarray(v) for k, v in draws.items()}, judged(theory), setting)
    return found[name].array


def test_gain_counts_an_act_as_the_study_has_them(setting):
    draws = {
        "log_excite_own": np.log([0.2, 0.1]),
        "log_excite_cross": np.log([[0.4, 0.1], [0.2, 0.2]]),
        "severity_power": np.array([0.0, 1.0]),
        "warning_effect": np.zeros(2),
    }
    found = value(setting, "gain", "status_quo", **draws)
    acts = setting.conduct["strike_by_severity"].sum(axis=(0, 2))
    mean = (acts * np.arange(1, 6) / 3.0).sum() / acts.sum()
    assert found[0] == pytest.approx(0.2 + np.sqrt(0.04))  # every act counts alike
    assert found[1] == pytest.approx((0.1 + 0.2) * mean)
    direct = reciprocity.gain(np, {k: v[1:] for k, v in draws.items()}, mean)
    assert found[1] == pytest.approx(float(direct[0]))


def test_a_gap_halves_by_the_mean_retention(setting):
    found = value(setting, "balance_halflife", retention=[[0.5, 0.5], [0.25, 1.0]])
    np.testing.assert_allclose(found, [1.0, 1.0])


def test_ends_of_a_window_add_up_to_one(setting):
    draws = {"lapse_share": [0.2], "unilateral_share": [0.5], "mutual_share": [0.75]}
    found = value(setting, "kind_share", **draws)
    np.testing.assert_allclose(found, [[0.2, 0.4, 0.3, 0.1]])


def test_chances_within_a_month(setting):
    hazard = np.log(0.1)  # a week
    found = value(setting, "deal_30", deal_base=[hazard])
    assert found[0] == pytest.approx(1.0 - np.exp(-0.1 * 30.0 / 7.0))


def test_shares_and_days(setting):
    assert value(setting, "crossing_rate", "status_quo", crossing=[[0.0, np.log(3.0)]])[
        0
    ].tolist() == pytest.approx([0.5, 0.75])
    assert value(setting, "control_day", command_control=[[0.0, np.log(4.0)]])[
        0
    ].tolist() == pytest.approx([0.5, 0.8])
    assert value(setting, "waiver_gain", sequencing_gap=[0.2], waiver_cut=[0.5])[0] == 0.1


def test_public_bias_is_averaged_over_public_words(setting):
    draws = {"projection_level": [[0.0, 0.0]], "projection": [[0.0, 0.0]]}
    found = value(setting, "public_bias", "mutual_optimism", **draws)
    np.testing.assert_allclose(found, 0.1 * np.log(2.0))  # the rounded corner at zero
    more = value(
        setting, "public_bias", "mutual_optimism",
        projection_level=[[2.0, 3.0]], projection=[[0.0, 0.0]],
    )  # fmt: skip
    np.testing.assert_allclose(more, [[2.0, 3.0]], atol=1e-6)


def test_every_functional_says_what_it_is():
    for name, functional in FUNCTIONALS.items():
        assert functional.reads and functional.meaning, name


def test_a_study_without_public_words_has_no_public_bias():
    inputs = build_inputs(load_study("us-civil-war"))
    setting = setting_of(
        structure_of(inputs), columns(inputs), conduct_columns(inputs), int(inputs.active.sum())
    )
    draws = {"projection_level": [[0.0, 0.0]], "projection": [[0.0, 0.0]]}
    with pytest.raises(Absent):
        value(setting, "public_bias", "mutual_optimism", **draws)


def test_the_share_of_shocks_in_a_crack():
    # One side falls from 1 to -1 in two steps, of which the shock makes up the second half.
    path = np.full((2, 2, 8), 1.0)
    path[0, 0] = [1.0, 1.0, 1.0, 0.0, -1.0, -1.0, -1.0, -1.0]
    jump = np.zeros((2, 2, 8))
    jump[0, 0, 4] = -1.0
    share = crack_share(path, jump, 0.0, run=3, window=14)
    assert share[0] == pytest.approx(0.5)
    assert np.isnan(share[1])  # nobody cracked
    assert crack_share(path, 3.0 * jump, 0.0, run=3, window=14)[0] == 1.0  # not more than all
    assert crack_share(path, -jump, 0.0, run=3, window=14)[0] == 0.0  # a shock that lifted it
    assert np.isnan(crack_share(path, jump, 0.0, run=5, window=14)[0])  # it did not last
