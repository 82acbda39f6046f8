"""A new mechanism is one file, and one line of a theory; a new theory is one file."""

import sys
from pathlib import Path

import numpy as np
import pytest
from action_design import columns, prior_draws, structure

import beliefs.model.mechanisms as folder
from beliefs import load_study, track
from beliefs.model import system, theory

SEASON = """
from beliefs.model import priors as pz
from beliefs.model.contract import Parameter

PARAMETERS = (
    Parameter("season", pz.Normal(0.0, 0.1), "log-odds", "a test", "a test", dims=("side",)),
)

def push(xp, params, columns, structure):
    return params["season"][..., None] + 0.0 * columns["turnover"]

def shift(xp, params, columns, structure):
    return params["season"].sum(axis=-1)[..., None] * columns["mediator"]
"""
HEAT = """
from beliefs.model import priors as pz
from beliefs.model.contract import Factor, Parameter, Seen
from beliefs.model.observation import explained

PARAMETERS = (Parameter("heat", pz.Normal(0.0, 1.0), "log-odds", "a test", "a test"),)
FACTORS = (
    Factor("hot", ("heat",), "bernoulli_logit", lambda xp, p, c, s: p["heat"][..., None],
           lambda c: Seen(c["calm"], c["active"])),
)
log_likelihood, rates = explained(FACTORS)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A theory file with two mechanisms of one's own, whose files lie with the others."""
    for name, text in {"season": SEASON, "heat": HEAT}.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    source = Path(theory.__file__).parent / "theories" / "mutual_optimism.toml"
    path = tmp_path / "mine.toml"
    path.write_text(source.read_text().replace('"belief",', '"belief", "season", "heat",', 1))
    caches = theory.mechanisms, theory._parameters
    for cache in caches:
        cache.cache_clear()
    yield path
    for cache in caches:
        cache.cache_clear()
    for name in ("season", "heat"):
        sys.modules.pop(f"{folder.__name__}.{name}", None)


def test_a_mechanism_of_belief_is_inferred_and_moves_belief_and_talks(mine, rich_folder):
    study = load_study(rich_folder)
    found = track(study, mine, particles=100, seed=1)
    assert "season" in [part.name for part in found.coordinates.parts]
    plain = track(study, "M1", particles=100, seed=1)
    assert "season" not in [part.name for part in plain.coordinates.parts]
    assert not np.array_equal(found.mean, plain.mean)


def test_an_observable_of_actions_is_scored_and_has_a_rate(mine):
    where, rng = structure(6), np.random.default_rng(1)
    (heat,) = (p for p in theory.free_parameters(theory.load_theory(mine), where, "actions")
               if p.name == "heat")  # fmt: skip
    assert "hot" in [f.name for f in system.factors(theory.load_theory(mine), where)]
    assert "hot" not in [f.name for f in system.factors(theory.load_theory("M1"), where)]
    seen, params = columns(where, rng), prior_draws([heat], where, 3, rng)
    found = system.action_log_likelihoods(np, params, seen, where, ["hot"])["hot"]
    p = 1.0 / (1.0 + np.exp(-params["heat"][:, None]))
    np.testing.assert_allclose(found, np.log(np.where(seen["calm"] > 0, p, 1.0 - p)), rtol=1e-10)
