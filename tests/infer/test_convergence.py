"""What is checked of a posterior: each limit stops it (C5); flags of prior and data are true."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import xarray as xr

from beliefs.inference.diagnose import diagnose
from beliefs.inference.sensitivity import power_of, reversed_weights


@pytest.fixture(scope="module")
def tree(unsampled):
    """The draws of a few quantities."""
    few = unsampled.tree["posterior"].to_dataset()[["rival_persistence", "audience"]]
    return xr.DataTree.from_dict({"posterior": few, "sample_stats": unsampled.tree["sample_stats"]})


def changed(tree, group, name, values):
    """A copy of the tree with one variable replaced."""
    out = tree.copy(deep=True)
    out[group][name] = out[group][name].copy(data=values)
    return out


def apart(tree):
    """A copy of the tree with one chain elsewhere."""
    values = tree["posterior"]["rival_persistence"].values.copy()
    values[0] += 1.0
    return changed(tree, "posterior", "rival_persistence", values)


def test_independent_draws_pass(unsampled):
    report = diagnose(unsampled.tree)
    assert report.passed and report.failures == ()
    assert report.r_hat < 1.01 and report.ess > 400


@pytest.mark.parametrize("broken", ["R-hat of rival_persistence", "ESS of rival_persistence"])
def test_a_chain_elsewhere_and_sticky_draws_fail(tree, broken):
    values = tree["posterior"]["rival_persistence"].values
    sticky = changed(tree, "posterior", "rival_persistence", np.repeat(values[:, ::10], 10, axis=1))
    report = diagnose(apart(tree) if broken.startswith("R-hat") else sticky)
    assert not report.passed and any(s.startswith(broken) for s in report.failures)
    assert report.worst == "rival_persistence" and report.ess < 400


def test_one_divergence_in_a_thousand_passes_and_more_fail(tree):
    none = np.zeros((4, 300), dtype=bool)
    one, two = none.copy(), none.copy()
    one[0, 0] = two[0, :2] = True
    assert diagnose(changed(tree, "sample_stats", "diverging", one)).passed
    report = diagnose(changed(tree, "sample_stats", "diverging", two))
    assert not report.passed and "diverged" in report.failures[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("constant", [True, False])
def test_energy_that_creeps_or_never_varies_fails(tree, constant):
    creep = np.cumsum(np.random.default_rng(1).normal(size=(4, 300)), axis=1)
    energy = np.ones((4, 300)) if constant else creep
    report = diagnose(changed(tree, "sample_stats", "energy", energy))
    assert len(report.failures) == 1 and "E-BFMI" in report.failures[0]
    assert not constant or report.as_dict()["e_bfmi"] == 0.0


@pytest.mark.filterwarnings("error")
def test_audience_costs_that_nobody_has_neither_fail_nor_hide_anything(tree):
    flat = np.zeros_like(tree["posterior"]["audience"].values)
    still = changed(tree, "posterior", "audience", flat)  # nobody said a hard-line word
    report = diagnose(still)
    assert report.passed and np.isfinite([report.r_hat, report.ess]).all()
    report = diagnose(apart(still))
    assert [s.split(" is ")[0] for s in report.failures[:1]] == ["R-hat of rival_persistence"]


N = 4000
STILL = 20  # parameters that the question does not depend on


def normal_model(mean, error, below, rng, prior_sd=1.0):
    """Power of theta ~ N(0, prior_sd) seen once at `mean` with an error; is it below a limit?"""
    precision = prior_sd**-2 + error**-2
    centre, spread = mean * error**-2 / precision, precision**-0.5
    theta = centre + spread * rng.standard_normal(N)
    others = rng.standard_normal((N, STILL)) * 0.5**0.5  # N(0, 1) seen at 0 with error 1
    prior = -0.5 * (theta / prior_sd) ** 2 - 0.5 * (others**2).sum(axis=1)
    likelihood = -0.5 * ((theta - mean) / error) ** 2 - 0.5 * (others**2).sum(axis=1)
    exact = NormalDist(centre, spread).cdf(below)
    return power_of(prior, likelihood, theta < below), exact


def test_a_probability_that_narrower_priors_would_turn_over_is_flagged():
    rng = np.random.default_rng(1)
    mean, below = 3.237, 0.7205
    found, exact = normal_model(mean, 1.0, below, rng)
    narrow = normal_model(mean, 1.0, below, rng, prior_sd=0.5)[1]
    assert exact == pytest.approx(0.102, abs=0.001) and narrow == pytest.approx(0.565, abs=0.001)
    assert found.prior_data_conflict
    # Half the width is twice a doubling of the power: the change begins as the exact one does.
    doubled = normal_model(mean, 1.0, below, rng, prior_sd=2.0**-0.05)[1]
    assert found.prior == pytest.approx((doubled - exact) / 0.1, abs=3 * found.error)


@pytest.mark.parametrize(
    ("mean", "error", "below", "dominated"),
    [
        (0.0, 1.0, 0.0, False),  # both say the same
        (0.0, 1.0, 0.9, False),  # both make it surer
        (3.0, 0.05, 3.0, False),  # much data: the prior is nothing beside them
        (0.5, 20.0, -1.0, True),  # no data to speak of
    ],
)
def test_priors_and_data_that_agree_are_in_no_conflict(mean, error, below, dominated):
    found = [
        normal_model(mean, error, below, np.random.default_rng(seed))[0] for seed in range(100)
    ]
    assert np.mean([f.prior_data_conflict for f in found]) <= 0.02
    if dominated:
        assert np.mean([f.prior_dominated for f in found]) > 0.8


def test_the_error_of_a_power_is_its_spread_over_seeds():
    found = [normal_model(3.0, 1.0, 0.7, np.random.default_rng(seed))[0] for seed in range(200)]
    assert np.std([f.prior for f in found]) == pytest.approx(found[0].error, rel=0.25)


def test_weights_off_a_scorecard_whose_sign_is_the_other_one_are_named(unsampled):
    assert reversed_weights(unsampled) == []  # the prior has either sign
    tree, structure = unsampled.kept.copy(deep=True), unsampled.structure
    drawn = tree["posterior"]["weight_other"]
    values = np.abs(drawn.values)
    values[..., 1] *= np.where(np.random.default_rng(1).random(values.shape[:2]) < 0.95, -1, 1)
    tree["posterior"]["weight_other"] = drawn.copy(data=values)
    ((term, mean, other),) = reversed_weights(replace(unsampled, kept=tree))
    assert term == structure.terms[structure.other[1]].name
    assert mean == pytest.approx(values[..., 1].mean())
    assert other == pytest.approx(0.95, abs=0.03)
