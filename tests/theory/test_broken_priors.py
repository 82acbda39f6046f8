"""A prior or theory that no model can be built with ends in a message that helps."""

import json

import pytest

from beliefs.errors import StudyError
from beliefs.model.theory import bundled_theories, load_theory

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
    "false": ("priors = false", "priors", "False", "table"),
    "another key": ("[prior.psi]\nsigma = 1", "", "prior", "priors"),
    "no table": ("[priors]\npsi = 3", "priors.psi", "3", "dist"),
    "a list of tables": ("[[priors.psi]]\nsigma = 1", "priors.psi", "sigma", "dist"),
    "no distribution": ("[priors.psi]\nsigma = 1", "priors.psi", "sigma", "dist"),
    "unknown parameter": (prior("psy", "HalfNormal", sigma=1), "psy", "psy", "psi"),
    "unknown distribution": (prior("psi", "Normol"), "psi.dist", "Normol", "HalfNormal"),
    "distribution is a number": (prior("psi", 3), "psi.dist", "3", "HalfNormal"),
    "a function of PreliZ": (prior("psi", "maxent"), "psi.dist", "maxent", "HalfNormal"),
    "discrete": (prior("psi", "Poisson", mu=1), "psi.dist", "Poisson", "continuous"),
    "not in PyMC": (prior("psi", "BetaPrime", alpha=1, beta=2), "psi.dist", "BetaPrime", "PyMC"),
    "no parameters": (prior("initial", "Normal"), "initial", "Normal()", "mu, sigma"),
    "a parameter short": (prior("initial", "Normal", mu=0), "initial", "mu = 0", "sigma"),
    "bounds missing": (prior("initial", "TruncatedNormal", mu=0, sigma=1), "initial", "mu = 0",
        "lower"),
    "unknown number": (prior("initial", "Normal", spread=1), "initial", "spread", "sigma"),
    "negative scale": (prior("initial", "Normal", mu=0, sigma=-1), "initial.sigma", "-1",
        "above 0"),
    "no scale": (prior("psi", "HalfNormal", sigma=0.0), "psi.sigma", "0.0", "above 0"),
    "negative shape": (prior("retention", "Beta", alpha=-1, beta=1), "retention.alpha", "-1",
        "above 0"),
    "not a number": (prior("initial", "Normal", mu=0, sigma="nan"), "initial.sigma", "nan",
        "finite"),
    "infinite scale": (prior("initial", "Normal", mu=0, sigma="inf"), "initial.sigma", "inf",
        "finite"),
    "truth for a number": (prior("initial", "Normal", mu=0, sigma="true"), "initial.sigma", "True",
        "number"),
    "text for a number": (prior("initial", "Normal", mu=0, sigma='"1"'), "initial.sigma", "'1'",
        "number"),
    "list for a number": (prior("initial", "Normal", mu=0, sigma="[1, 2]"), "initial.sigma",
        "[1, 2]", "number"),
    "date for a number": (prior("initial", "Normal", mu=0, sigma="2026-01-01"), "initial.sigma",
        "2026", "number"),
    "number without end": (prior("initial", "Normal", mu=0, sigma="1" + "0" * 400), "initial.sigma",
        "10", "finite"),
    "infinite uniform": (prior("initial", "Uniform", lower=0, upper="inf"), "initial", "inf",
        "finite points"),
    "bounds in disorder": (prior("initial", "Uniform", lower=1, upper=0), "initial", "lower = 1",
        "rising"),
    "bounds in disorder, normal": (
        prior("initial", "TruncatedNormal", mu=0, sigma=1, lower=2, upper=1), "initial",
        "lower = 2", "rising"),
    "peak outside": (prior("initial", "Triangular", lower=0, c=3, upper=1), "initial", "c = 3",
        "lower"),
    "retention above 1": (prior("retention", "HalfNormal", sigma=1), "retention", "to inf",
        "from 0 to 1"),
    "psi below 0": (prior("psi", "Normal", mu=1, sigma=1), "psi", "-inf", "from 0 to inf"),
    "innovations": (prior("innovation", "Normal", mu=0, sigma=1), "innovation", "Normal",
        "no such table"),
    "level on half the line": (prior("belief_mean", "HalfNormal", sigma=1), "belief_mean", "from 0",
        "whole line"),
    "level within bounds": (
        prior("belief_mean", "TruncatedNormal", mu=0, sigma=1, lower=-9, upper="inf"),
        "belief_mean", "from -9", "whole line"),
}  # fmt: skip

THEORIES = {
    "mechanisms is a text": ('["talks"]', '"talks"', "talks", "list of names"),
    "mechanisms hold a number": ('["talks"]', '["talks", 1]', "1", "list of names"),
    "mechanisms hold a list": ('["talks"]', '[["talks"]]', "[[", "list of names"),
    "beliefs is a number": ("= false", "= 0", "0", "true or false"),
    "beliefs is a text": ("= false", '= "no"', "no", "true or false"),
    "title is a number": ('"Mine"', "1", "1", "text"),
    "title is empty": ('"Mine"', '" "', "' '", "text"),
    "neutral is a text": ('["talks"]', '["talks"]\nneutral = "psi"', "psi", "list of names"),
    "neutral is a number": ('["talks"]', '["talks"]\nneutral = 3', "3", "list of names"),
    "free and neutral": (
        '["talks"]',
        '["talks"]\nneutral = ["skip"]\nfree = ["psi"]',
        "1 neutral and 1 free",
        "one of",
    ),
    "free is a text": ('["talks"]', '["talks"]\nfree = "psi"', "'psi'", "list of names"),
    "free is unknown": ('["talks"]', '["talks"]\nfree = ["psy"]', "psy", "psi"),
    "mechanism is unknown": ('["talks"]', '["omens"]', "omens", "evidence"),
    "key is unknown": ("title =", "titel =", "titel", "title"),
    "key is missing": ('id = "X"\n', "", "no id", "id"),
    "neutral is unknown": ('["talks"]', '["talks"]\nneutral = ["psy"]', "psy", "psi"),
}


def refused(folder, text, where, found, expected, *, whole):
    """Load a text as a whole theory, or as changed priors of one, and read the complaint."""
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_theory(file) if whole else load_theory("M1", file)
    error = caught.value
    assert str(file) in error.where and where in error.where
    assert found in error.found and expected in error.expected and error.mend, str(error)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("place", ["a prior file", "a theory file"])
@pytest.mark.parametrize("case", PRIORS)
def test_a_prior_that_cannot_be_used_is_refused(case, place, tmp_path):
    text, *told = PRIORS[case]
    whole = place == "a theory file"
    refused(tmp_path, (THEORY if whole else "") + text, *told, whole=whole)


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


def test_a_folder_is_no_theory(tmp_path):
    (tmp_path / "mine.toml").mkdir()
    with pytest.raises(StudyError, match="cannot be read"):
        load_theory(tmp_path / "mine.toml")


GOOD = [
    prior("psi", "Gamma", mu=0.1, sigma=0.1),
    prior("psi", "TruncatedNormal", mu=0, sigma=1, lower=0, upper="inf"),
    prior("retention", "Uniform", lower=0.5, upper=1),
    prior("retention", "Beta", mu=0.9, nu=20),
    prior("belief_mean", "StudentT", nu=4, mu=0, sigma=1),
    prior("belief_mean", "Normal", mu=0, tau=2),
    prior("shock_jump", "Normal", mu=0, sigma="1e-6"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_prior_within_the_declared_support_is_accepted(text, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    assert set(load_theory("M1", file).priors) == set(load_theory("M1").priors) | {
        text.split("]")[0].removeprefix("[priors.")
    }
    mine = tmp_path / "theory.toml"
    mine.write_text(THEORY + text, encoding="utf-8")
    assert len(load_theory(mine).priors) == 1


def test_the_bundled_theories_pass():
    assert [load_theory(name).name for name in bundled_theories()] == list(bundled_theories())


def test_every_distribution_on_offer_exists_in_pymc(tmp_path):
    import pymc as pm

    file = tmp_path / "mine.toml"
    file.write_text(prior("psi", "Normol"), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_theory("M1", file)
    offered = caught.value.expected.split(": ")[1].split(", ")
    assert len(offered) > 25
    assert all(hasattr(pm, name) for name in offered)


def test_the_command_line_shows_no_traceback(tmp_path, capsys):
    from beliefs.cli.app import main

    file = tmp_path / "mine.toml"
    file.write_text("priors = 3", encoding="utf-8")
    try:
        code = main(["theories", "--show", "M1", "--priors", str(file)])
    except SystemExit as stop:
        code = stop.code
    shown = capsys.readouterr()
    assert code == 2 and "where:" in shown.err and "Traceback" not in shown.out + shown.err
