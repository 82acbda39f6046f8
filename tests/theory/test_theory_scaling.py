"""Priors wider or narrower: a density to a power, with the same mode and bounds."""

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.model.priors import Prior, distribution
from beliefs.model.structure import structure_of
from beliefs.model.theory import (
    conduct_parameters,
    free_parameters,
    load_theory,
    mechanisms_of,
    scaled,
    scaled_prior,
)
from beliefs.study.load import load_study


@pytest.fixture(scope="module")
def structure(rich_folder):
    return structure_of(build_inputs(load_study(rich_folder)))


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize(
    ("prior", "at"),
    [
        (Prior("Normal", 0.5, 0.75), np.linspace(-2, 3, 9)),
        (Prior("HalfNormal", 0.3), np.linspace(0.1, 2, 9)),
        (Prior("TruncatedNormal", 0.3, 0.3, lower=0), np.linspace(0.1, 2, 9)),
        (Prior("Beta", 20, 1), np.linspace(0.5, 0.99, 9)),
        (Prior("Beta", 2, 6), np.linspace(0.05, 0.9, 9)),
    ],
    ids=lambda v: str(getattr(v, "identity", "")),
)
def test_a_scaled_prior_is_the_density_to_a_power(prior, at, factor):
    wider = distribution(scaled_prior(prior, factor))
    gap = np.asarray(wider.logpdf(at)) - np.asarray(prior.logpdf(at)) / factor**2
    np.testing.assert_allclose(gap, gap[0], atol=1e-8)  # but for what makes it integrate to one
    assert (wider.std() > prior.std()) == (factor > 1)
    assert tuple(wider.support) == tuple(prior.support)


def test_a_flat_prior_stays_flat_and_other_families_are_left_alone():
    assert scaled_prior(Prior("Beta", 1, 1), 2.0) == {"dist": "Beta", "alpha": 1.0, "beta": 1.0}
    assert scaled_prior(Prior("Gamma", 2, 3), 2.0) is None
    assert scaled_prior(Prior("Beta", 0.5, 0.5), 0.5) is None  # no density is left


def test_only_the_priors_asked_for_are_scaled(structure):
    theory = load_theory("mutual_optimism")
    parts = mechanisms_of(theory, structure)
    assert {"belief", "evidence", "talks", "truce"} <= set(parts)
    other = scaled(theory, structure, 2.0, parts["talks"])
    before, after = (
        {p.name: p.prior for p in (*free_parameters(t, structure),
                                   *conduct_parameters(t, structure))}
        for t in (theory, other)
    )  # fmt: skip
    assert before.keys() == after.keys()
    assert {n for n in before if before[n] != after[n]} == set(parts["talks"])
    assert after["onset_base"].sigma == 2.0 * before["onset_base"].sigma
    assert other.sha256 != theory.sha256


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_that_is_none_is_refused(structure, factor):
    with pytest.raises(StudyError, match="cannot be scaled"):
        scaled(load_theory("base_rate"), structure, factor)


@pytest.mark.parametrize("name", ["M0", "M1", "M2", "M3", "M4"])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_every_bundled_theory_can_be_tracked_with_scaled_priors(structure, name, factor):
    from beliefs.inference.smc.unconstrained import coordinates_of

    wider = scaled(load_theory(name), structure, factor)
    free = [p for p in (*free_parameters(wider, structure), *conduct_parameters(wider, structure))
            if p.name != "innovation"]  # fmt: skip
    known = coordinates_of(free, structure)
    at = known.params(np.linspace(-4, 4, 5)[:, None] * np.ones(known.size))
    assert all(np.isfinite(v).all() for v in at.values())
