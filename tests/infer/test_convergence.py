"""The convergence check (C5): each limit stops a posterior by itself."""

import numpy as np
import pytest
import xarray as xr

from beliefs.inference.diagnose import diagnose


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
