"""A prior or theory that no model can be built with ends in a message that helps."""

import json

import pytest

from beliefs.errors import StudyError
from beliefs.model.theory import load_theory

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
    "text for a number": (prior("initial", "Normal", mu=0, sigma='"1"'), "initial.sigma", "'1'",
        "number"),
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


def refused(folder, text, where, found, expected, *, whole):
    """Load a text as a whole theory, or as changed priors of one, and read the complaint."""
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
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

    file = tmp_path / "mine.toml"
    file.write_text(prior("skip", "Normol"), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_theory("M1", file)
    offered = caught.value.expected.split(": ")[1].split(", ")
    assert len(offered) > 25
    assert all(hasattr(pm, name) for name in offered)
