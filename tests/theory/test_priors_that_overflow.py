"""Priors whose draws no number holds are refused, or end in an error that names them."""

import json

import pytest

from beliefs.errors import StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.action_draws import action_draws
from beliefs.inference.smc.track import posterior_at, track
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study


def priors(folder, text):
    file = folder / "priors.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("rival_persistence", 'dist = "Gamma"\nalpha = 0.001\nbeta = 0.001'),
        ("retention", 'dist = "Beta"\nalpha = 0.4\nbeta = 0.4'),
    ],
)
def test_draws_that_underflow_are_refused_at_the_door(tmp_path, name, spec):
    file = priors(tmp_path, f"[priors.{name}]\n{spec}\n")
    with pytest.raises(StudyError, match="too close to its bounds") as caught:
        load_theory("M1", file)
    assert name in caught.value.where


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "sigma"), [("weight_own", 1e5), ("rival_persistence", 1000.0)])
def test_vague_priors_of_beliefs_are_forecast_in_numbers(tmp_path, rich_folder, name, sigma):
    file = priors(tmp_path, f'[priors.{name}]\ndist = "HalfNormal"\nsigma = {sigma}\n')
    found = track(load_study(rich_folder), load_theory("M1", file), particles=150, seed=1)
    ahead = forecast(posterior_at(found, found.n_time - 1, 100), 7, seed=1, allow_failed=True)
    json.dumps(summarise(ahead), allow_nan=False)


def test_numbers_that_are_not_finite_name_the_prior(tmp_path, rich_folder):
    file = priors(tmp_path, '[priors.log_volatility]\ndist = "Normal"\nmu = 0\nsigma = 300\n')
    with pytest.raises(StudyError, match="not finite") as caught:
        track(load_study(rich_folder), load_theory("M1", file), particles=400, seed=1)
    assert "log_volatility" in caught.value.found


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_actions_under_vague_priors_is_forecast_in_numbers(tmp_path, rich_folder):
    vague = [
        "strike_base", "log_dispersion", "log_excite_own", "log_excite_cross", "log_decay",
        "phase_up", "phase_down",
    ]  # fmt: skip
    spec = 'dist = "Normal"\nmu = 0\nsigma = 1000\n'
    file = priors(tmp_path, "".join(f"[priors.{name}]\n{spec}" for name in vague))
    found = track(load_study(rich_folder), load_theory("M0", file), particles=400, seed=1)
    posterior = posterior_at(found, found.n_time - 1, 100)
    action_draws(posterior, "posterior", particles=100)
    ahead = forecast(posterior, 14, seed=1, allow_failed=True)
    json.dumps(summarise(ahead), allow_nan=False)
