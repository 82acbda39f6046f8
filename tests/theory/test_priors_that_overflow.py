"""Priors whose draws no number holds are refused, or end in an error that names them."""

import pytest

from beliefs.errors import StudyError
from beliefs.infer.track import track
from beliefs.study.load import load_study
from beliefs.theory.theory import load_theory


def priors(folder, text):
    file = folder / "priors.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("psi", 'dist = "Gamma"\nalpha = 0.001\nbeta = 0.001'),
        ("retention", 'dist = "Beta"\nalpha = 0.4\nbeta = 0.4'),
    ],
)
def test_draws_that_underflow_are_refused_at_the_door(tmp_path, name, spec):
    file = priors(tmp_path, f"[priors.{name}]\n{spec}\n")
    with pytest.raises(StudyError, match="too close to its bounds") as caught:
        load_theory("M1", file)
    assert name in caught.value.where


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "sigma"), [("weight_own", 1e5), ("psi", 1000.0)])
def test_numbers_that_are_not_finite_name_the_prior(tmp_path, rich_folder, name, sigma):
    file = priors(tmp_path, f'[priors.{name}]\ndist = "HalfNormal"\nsigma = {sigma}\n')
    with pytest.raises(StudyError, match="not finite") as caught:
        track(load_study(rich_folder), load_theory("M1", file), particles=400, seed=1)
    assert name in caught.value.found
