"""The gate (C5): each limit stops a posterior by itself."""

import numpy as np
import pytest

from beliefs.infer.diagnose import Limits, diagnose


def changed(tree, group, name, values):
    """A copy of the tree with one variable replaced."""
    out = tree.copy(deep=True)
    out[group][name] = out[group][name].copy(data=values)
    return out


def test_independent_draws_pass(unsampled):
    report = diagnose(unsampled.tree)
    assert report.passed and report.failures == ()
    assert report.r_hat < 1.01 and report.ess > 400


def test_a_chain_elsewhere_fails_by_r_hat(unsampled):
    psi = unsampled.tree["posterior"]["psi"].values.copy()
    psi[0] += 1.0
    report = diagnose(changed(unsampled.tree, "posterior", "psi", psi))
    assert not report.passed and report.r_hat > 1.1
    assert any(s.startswith("R-hat of psi") for s in report.failures)


def test_sticky_draws_fail_by_effective_sample_size(unsampled):
    psi = np.repeat(unsampled.tree["posterior"]["psi"].values[:, ::10], 10, axis=1)
    report = diagnose(changed(unsampled.tree, "posterior", "psi", psi))
    assert report.worst == "psi" and report.ess < 400
    assert any(s.startswith("ESS of psi") for s in report.failures)


def test_one_divergence_in_a_thousand_passes_and_more_fail(unsampled):
    none = np.zeros((4, 300), dtype=bool)
    one, two = none.copy(), none.copy()
    one[0, 0] = two[0, :2] = True
    assert diagnose(changed(unsampled.tree, "sample_stats", "diverging", one)).passed
    report = diagnose(changed(unsampled.tree, "sample_stats", "diverging", two))
    assert not report.passed and "diverged" in report.failures[0]


def test_energy_that_creeps_fails(unsampled):
    creep = np.cumsum(np.random.default_rng(1).normal(size=(4, 300)), axis=1)
    report = diagnose(changed(unsampled.tree, "sample_stats", "energy", creep))
    assert report.failures and "E-BFMI" in report.failures[0]


def test_a_constant_quantity_hides_no_other(unsampled):
    flat = np.zeros_like(unsampled.tree["posterior"]["audience"].values)
    tree = changed(unsampled.tree, "posterior", "audience", flat)  # nobody said a hard-line word
    psi = unsampled.tree["posterior"]["psi"].values.copy()
    psi[0] += 1.0
    try:
        assert not diagnose(changed(tree, "posterior", "psi", psi)).passed
    except ValueError as error:
        assert "audience" in str(error)


def test_no_number_is_not_a_pass(unsampled):
    holes = unsampled.tree["posterior"]["psi"].values.copy()
    holes[0, 0, 0] = np.nan
    try:
        report = diagnose(changed(unsampled.tree, "posterior", "psi", holes))
    except ValueError as error:
        assert "psi" in str(error)
    else:
        assert not report.passed


def test_tighter_limits_stop_what_the_usual_ones_let_pass(unsampled):
    assert not diagnose(unsampled.tree, Limits(ess=1e6)).passed
    assert pytest.approx(0.001) == Limits().divergent_share
