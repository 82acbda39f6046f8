"""Every bundled study passes its convergence check, and its track ends where NUTS does."""

import pytest
from agreement import agreement

from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.smc.track import track
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

pytestmark = [pytest.mark.statistical, pytest.mark.slow]
STUDIES = ["us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel"]
HORIZON = {"us-civil-war": 26}  # periods; 90 days otherwise
PARTICLES = {"us-iran-2012": 4000}  # 2000 otherwise


@pytest.mark.parametrize("name", STUDIES)
def test_a_bundled_study_passes_its_convergence_check_with_the_settings_of_the_package(name):
    report = fit(load_study(name), load_theory("mutual_optimism"), seed=1).report
    assert report.passed, report.failures
    assert report.r_hat <= 1.01 and report.ess >= 400 and report.divergent_share <= 0.001


@pytest.mark.parametrize("theory", ["mutual_optimism", "base_rate"])
@pytest.mark.parametrize("name", STUDIES)
def test_a_track_ends_where_the_sampler_does(name, theory):
    study, chosen = load_study(name), load_theory(theory)
    fitted = fit(study, chosen, seed=11, sampling=Sampling(draws=2500))
    followed = track(study, chosen, particles=PARTICLES.get(name, 2000), seed=1)
    elements, belief, target = agreement(followed, fitted, HORIZON.get(name, 90))
    assert len(elements)
    over = elements[elements["mean"].abs() > 0.15 + 2.0 * elements["error"]]
    assert over.empty, over
    beyond = elements[~elements["spread"].between(0.85, 1.15)]
    assert beyond.empty, beyond
    assert abs(belief).max() < 0.02, belief
    assert max(map(abs, target.values())) < 0.03, target
