"""A prior or theory without a model, or whose draws no number holds, ends in a helpful message."""

import json

import pytest

from beliefs import StudyError, forecast, load_study, load_theory, summarise
from beliefs.inference.action_draws import action_draws
from beliefs.inference.smc.track import posterior_at, track

THEORY = """
id = "X"
name = "mine"
title = "Mine"
source = "nobody"
beliefs = false
mechanisms = ["talks"]
"""


def prior(name, dist, **numbers):
    """A prior file with one table."""
    rows = [f"{key} = {value}" for key, value in numbers.items()]
    return "\n".join([f"[priors.{name}]", f"dist = {json.dumps(dist)}", *rows])


# text of the [priors] part, where, found, expected
PRIORS = {
    "no tables": ("priors = 3", "priors", "3", "table"),
    "no distribution": ("[priors.skip]\nsigma = 1", "priors.skip", "sigma", "dist"),
    "unknown parameter": (prior("skp", "HalfNormal", sigma=1), "skp", "skp", "skip"),
    "unknown distribution": (prior("skip", "Normol"), "skip.dist", "Normol", "HalfNormal"),
    "a function of PreliZ": (prior("skip", "maxent"), "skip.dist", "maxent", "HalfNormal"),
    "discrete": (prior("skip", "Poisson", mu=1), "skip.dist", "Poisson", "continuous"),
    "not in PyMC": (prior("skip", "BetaPrime", alpha=1, beta=2), "skip.dist", "BetaPrime", "PyMC"),
    "a parameter short": (prior("initial", "Normal", mu=0), "initial", "mu = 0", "sigma"),
    "negative scale": (prior("initial", "Normal", mu=0, sigma=-1), "initial.sigma", "-1",
        "above 0"),
    "not a number": (prior("initial", "Normal", mu=0, sigma="nan"), "initial.sigma", "nan",
        "finite"),
    "date for a number": (prior("initial", "Normal", mu=0, sigma="2026-01-01"), "initial.sigma",
        "2026, 1, 1", "number"),
    "number without end": (prior("initial", "Normal", mu=0, sigma="1" + "0" * 400), "initial.sigma",
        "10", "finite"),
    "bounds in disorder": (prior("initial", "Uniform", lower=1, upper=0), "initial", "lower = 1",
        "rising"),
    "peak outside": (prior("initial", "Triangular", lower=0, c=3, upper=1), "initial", "c = 3",
        "lower"),
    "retention above 1": (prior("retention", "HalfNormal", sigma=1), "retention", "to inf",
        "from 0 to 1"),
    "innovations": (prior("innovation", "Normal", mu=0, sigma=1), "innovation", "Normal",
        "no such table"),
    "level within bounds": (
        prior("belief_mean", "TruncatedNormal", mu=0, sigma=1, lower=-9, upper="inf"),
        "belief_mean", "from -9", "whole line"),
    "draws at 0": (prior("rival_persistence", "Gamma", alpha=0.001, beta=0.001),
        "rival_persistence", "from 0", "strictly between"),
    "draws at both bounds": (prior("retention", "Beta", alpha=0.4, beta=0.4), "retention",
        "where 1 draw in 25 million ends", "strictly between"),
}  # fmt: skip

THEORIES = {
    "mechanisms is a text": ('["talks"]', '"talks"', "talks", "list of names"),
    "beliefs is a number": ("= false", "= 0", "0", "true or false"),
    "null is a text": ('["talks"]', '["talks"]\nnull = "skip"', "skip", "list of names"),
    "free and null": ('["talks"]', '["talks"]\nnull = ["skip"]\nfree = ["skip"]',
        "1 null and 1 free", "one of"),
    "mechanism is unknown": ('["talks"]', '["omens"]', "omens", "evidence"),
    "key is unknown": ("title =", "titel =", "titel", "title"),
    "key is missing": ('id = "X"\n', "", "no `id`", "id"),
}  # fmt: skip


def written(folder, text):
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder, text, where, found, expected, *, whole):
    """Load a text as a whole theory, or as changed priors of one, and read the complaint."""
    file = written(folder, text)
    with pytest.raises(StudyError) as caught:
        load_theory(file) if whole else load_theory("M1", file)
    error = caught.value
    assert str(file) in error.where and where in error.where
    assert found in error.found and expected in error.expected and error.fix, str(error)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("place", ["a prior file", "a theory file"])
@pytest.mark.parametrize("case", PRIORS)
def test_a_prior_that_cannot_be_used_is_refused(case, place, tmp_path):
    text, *result = PRIORS[case]
    whole = place == "a theory file"
    refused(tmp_path, (THEORY if whole else "") + text, *result, whole=whole)


@pytest.mark.parametrize("case", THEORIES)
def test_a_theory_that_cannot_be_used_is_refused(case, tmp_path):
    old, new, found, expected = THEORIES[case]
    assert old in THEORY
    refused(tmp_path, THEORY.replace(old, new, 1), "", found, expected, whole=True)


@pytest.mark.parametrize(
    "content", [b"\xff", b"x = " + b"9" * 5000, b"x = " + b"[" * 100_000, b"priors = 3\nx"]
)
def test_a_file_that_is_not_toml_is_refused(content, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    for load in (lambda: load_theory(file), lambda: load_theory("M1", file)):
        with pytest.raises(StudyError, match="not valid TOML"):
            load()


def test_every_distribution_on_offer_exists_in_pymc(tmp_path):
    import pymc as pm

    file = written(tmp_path, prior("skip", "Normol"))
    with pytest.raises(StudyError) as caught:
        load_theory("M1", file)
    offered = caught.value.expected.split(": ")[1].split(", ")
    assert len(offered) > 25
    assert all(hasattr(pm, name) for name in offered)


def test_a_device_without_end_is_no_prior_file():
    with pytest.raises(StudyError, match="cannot be read"):
        load_theory("mutual_optimism", "/dev/zero")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "sigma"), [("weight_own", 1e5), ("rival_persistence", 1000.0)])
def test_vague_priors_of_beliefs_are_forecast_in_numbers(tmp_path, rich_folder, name, sigma):
    file = written(tmp_path, f'[priors.{name}]\ndist = "HalfNormal"\nsigma = {sigma}\n')
    found = track(load_study(rich_folder), load_theory("M1", file), particles=150, seed=1)
    ahead = forecast(posterior_at(found, found.n_time - 1, 100), 7, seed=1, allow_failed=True)
    json.dumps(summarise(ahead), allow_nan=False)


def test_numbers_that_are_not_finite_name_the_prior(tmp_path, rich_folder):
    file = written(tmp_path, '[priors.log_volatility]\ndist = "Normal"\nmu = 0\nsigma = 300\n')
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
    file = written(tmp_path, "".join(f"[priors.{name}]\n{spec}" for name in vague))
    found = track(load_study(rich_folder), load_theory("M0", file), particles=400, seed=1)
    posterior = posterior_at(found, found.n_time - 1, 100)
    action_draws(posterior, "posterior", particles=100)
    ahead = forecast(posterior, 14, seed=1, allow_failed=True)
    json.dumps(summarise(ahead), allow_nan=False)
