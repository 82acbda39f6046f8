"""Every theory is calibrated on studies of real size; a posterior that is wrong is found out.

A small edition of `beliefs calibrate THEORY --sims 200`.
"""

import pytest
from make_actions import write_actions

from beliefs import build_inputs, calibrate, load_study
from beliefs.evaluation.calibration import outside_limit
from beliefs.inference.smc import blocks
from beliefs.model.structure import structure_of
from beliefs.model.theory import load_theory, scaled

pytestmark = pytest.mark.statistical

SIMS = 20


@pytest.fixture(scope="module")
def design():
    return load_study("us-iran-2026", as_of="2026-05-01")


@pytest.mark.parametrize("name", ["M0", "M1", "M2", "M3", "M4"])
def test_the_truth_ranks_evenly_among_draws_of_its_posterior(design, name, tmp_path):
    found = calibrate(load_theory(name), design, tmp_path / name, sims=SIMS, seed=11)
    assert not found.failed
    # Twenty simulations cannot name a small bias of one quantity; of many pooled they can.
    for group in found.groups:
        assert group.outside <= group.limit, group
        if group.spread is not None:
            assert group.p > 0.01, group
    assert len(found.outside) <= outside_limit(len(found.judged))
    assert found.passed, found.failures


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A design of weeks, so that many simulations take seconds."""
    return load_study(write_actions(tmp_path_factory.mktemp("design") / "small"))


def many(theory, design, out, **more):
    return calibrate(theory, design, out, sims=100, particles=200, horizon=5, seed=12, **more)


def spreads(found, group):
    return [row.spread for row in found.judged if row.name.startswith(group)]


def test_a_small_design_is_calibrated_too(small, tmp_path):
    assert many(load_theory("base_rate"), small, tmp_path / "right").passed


@pytest.mark.parametrize("factor", [0.5, 2.0], ids=["too narrow", "too wide"])
def test_priors_of_the_wrong_width_are_found_out(small, factor, tmp_path):
    """The posterior rests on priors half, or twice, as wide as those that drew the studies."""
    truth = load_theory("base_rate")
    wrong = scaled(truth, structure_of(build_inputs(small)), factor)
    found = many(wrong, small, tmp_path / "wrong", truth=truth)
    assert not found.passed
    # Of what is never seen the posterior is the prior: half as wide, the truth lies outside.
    unseen = spreads(found, "actions:reversal_base")
    assert unseen and all((v > 1.3) if factor < 1.0 else (v < 0.7) for v in unseen)


def test_a_likelihood_that_counts_twice_is_found_out(small, tmp_path, monkeypatch):
    once = blocks.action_log_likelihoods

    def twice(*args):
        return {name: 2.0 * values for name, values in once(*args).items()}

    monkeypatch.setattr(blocks, "action_log_likelihoods", twice)
    found = many(load_theory("base_rate"), small, tmp_path / "twice")
    assert not found.passed
    seen = spreads(found, "actions:strike_base[north, war]")
    assert seen and all(v > 1.2 for v in seen)
