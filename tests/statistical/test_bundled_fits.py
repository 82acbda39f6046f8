"""Every bundled study passes its gate with the package's own settings."""

import pytest

from beliefs.inference.nuts.fit import fit
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


@pytest.mark.parametrize("name", ["us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel"])
def test_a_bundled_study_passes_its_gate(name):
    report = fit(load_study(name), load_theory("mutual_optimism"), seed=1).report
    assert report.passed, report.failures
    assert report.r_hat <= 1.01 and report.ess >= 400 and report.divergent_share <= 0.001
