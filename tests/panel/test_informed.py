"""Priors that a population informs: by no later conflict, and by the same hazard in any period."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

import beliefs
from beliefs.cli.options import chosen_theories, chosen_theory
from beliefs.errors import StudyError
from beliefs.evaluation.claims import verdicts as rule
from beliefs.inference.action_draws import base_theory
from beliefs.model import theory as module

ONSET = {"dist": "Normal", "mu": -2.0, "sigma": 0.5}
SHAPE = {"dist": "Normal", "mu": -0.4, "sigma": 0.1}
AGEING = {"dist": "Normal", "mu": -0.3, "sigma": 0.1}


def population(until, mu, theory="M0"):
    priors = {"onset_base": ONSET | {"mu": mu}, "ageing": AGEING, "history": AGEING}
    priors |= {"deadlock_shape": SHAPE, "continuation_base": ONSET}
    made = {"panel": "crises", "until": until, "conflicts": 50, "base_surplus": 6.0}
    return made | {"theory": theory, "priors": priors}


@pytest.fixture
def known(monkeypatch):
    made = [population("1999-12-31", -2.0), population("2009-12-31", -1.0),
            population("2012-12-31", 3.0), population("2011-12-31", 5.0, "M1")]  # fmt: skip
    made.sort(key=lambda one: one["until"])
    monkeypatch.setattr(module, "load_populations", lambda: made)


def test_the_latest_population_before_the_study_informs_it(known):
    theory, study = beliefs.load_theory("M0"), beliefs.load_study("us-iran-2012")
    found = beliefs.informed(theory, study)
    assert found.priors["onset_base"]["mu"] == -1.0
    assert found.priors["history"] == AGEING and found.base_surplus == 6.0
    assert "50 conflicts of crises that had ended by 2009-12-31" in found.informed
    assert theory.priors.keys() <= found.priors.keys()


def test_days_have_the_same_hazard_by_week(known):
    study = beliefs.load_study("us-iran-2026")
    priors = beliefs.informed(beliefs.load_theory("M0"), study).priors
    aged = priors["onset_base"]["mu"] + np.expm1(-0.4) * np.log(7.0)  # a deadlock of seven days
    np.testing.assert_allclose(1.0 - (1.0 - expit(aged)) ** 7, expit(3.0), atol=1e-3)
    assert priors["deadlock_shape"] == SHAPE and "continuation_base" not in priors


def test_priors_that_claims_are_judged_under_stay_and_so_do_those_of_a_file(known, tmp_path):
    study, own = beliefs.load_study("us-iran-2026"), module.judged("mutual_optimism")
    kept = replace(own, priors={**own.priors, "ageing": ONSET})
    for theory in (own, kept):
        priors = beliefs.informed(theory, study).priors
        assert priors["onset_base"] != ONSET and priors["surplus_effect"]["dist"] == "Normal"
        assert priors["ageing"] == (ONSET if theory is kept else AGEING)


def test_theories_that_a_population_informs_stand_beside_them(known):
    study = beliefs.load_study("us-iran-2026")
    found = chosen_theories(["M0", "M2", "M1"], "population", study)
    assert [theory.id for theory in found] == ["M0", "M2", "M1", "M0P", "M1P"]
    assert [t.informed is None for t in found] == [True, True, True, False, False]
    assert len({theory.sha256 for theory in found}) == 5


def test_where_a_population_is_known_it_informs_unless_the_theorys_own_priors_are_asked_for(known):
    study, early = beliefs.load_study("us-iran-2026"), beliefs.load_study("us-civil-war")
    for name, prior, of, expected in [
        ("M0", None, study, True), ("M0", "theory", study, False), ("M0", None, early, False),
        ("M2", None, study, False), ("M1", "population", study, True),
    ]:  # fmt: skip
        assert (chosen_theory(name, None, prior, of).informed is not None) == expected
    with pytest.raises(StudyError, match="no population informs") as caught:
        chosen_theory("M0", None, "population", early)
    assert "M0 until 1999-12-31" in caught.value.found


def test_claims_are_judged_under_what_a_population_taught_where_there_is_one(known, monkeypatch):
    judged_under, study = [], beliefs.load_study("us-iran-2026")

    def ground(theory, *rest):
        judged_under.append(theory)
        raise InterruptedError

    monkeypatch.setattr(rule, "_ground", ground)
    claims = {claim.theory: claim for claim in rule.load_claims()}
    for chosen in (claims.values(), [claims["status_quo"], claims["mutual_optimism"]]):
        with pytest.raises(InterruptedError):
            rule.verdicts(study, seed=1, claims=[*chosen], population=True)
    assert [(t.id, t.informed is not None) for t in judged_under] == [("M1J", True), ("M2J", False)]
    with pytest.raises(StudyError, match="no population informs"):
        rule.verdicts(study, seed=1, claims=[claims["status_quo"]], population=True)


def test_a_theory_of_the_same_id_that_frees_other_parameters_is_not_informed(known):
    study, own = beliefs.load_study("us-iran-2026"), beliefs.load_theory("M0")
    other = replace(own, free=tuple(name for name in own.free if name != "deadlock_shape"))
    assert beliefs.informed(own, study).informed
    assert beliefs.informed(other, study, required=False) == other


def test_a_forecast_says_what_informed_it_and_its_base_rate(rich_folder):
    theory = beliefs.informed("M0", study := beliefs.load_study(rich_folder))
    followed = beliefs.track(study, theory, particles=400, seed=1)
    posterior = followed.at(followed.ends[-1], draws=100)
    said = beliefs.summarise(beliefs.forecast(posterior, 7, seed=1, allow_failed=True))
    assert said["informed"] == theory.informed and base_theory(posterior) == theory


def test_populations_that_ship_have_converged_and_grow():
    shipped = module.load_populations()
    for theory in {one["theory"] for one in shipped}:
        mine = [one for one in shipped if one["theory"] == theory]
        assert all(one["r_hat"] <= 1.01 and one["ess"] >= 400 for one in mine)
        count = [one["conflicts"] for one in mine]
        assert count == sorted(count)
