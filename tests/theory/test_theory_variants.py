"""Theories are data: priors replaced by name, those that presume no claim, wider and narrower."""

import numpy as np
import pytest
from action_design import prior_draws

from beliefs import StudyError, build_inputs, load_study, load_theory
from beliefs.evaluation.claims.verdicts import load_claims
from beliefs.features.inputs import CostTerm, Shock, Term
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model import system
from beliefs.model import theory as theories
from beliefs.model.priors import Prior, distribution
from beliefs.model.structure import Structure, action_columns, structure_of
from beliefs.study.bundled import data_folder, list_studies

STUDY = Structure(
    ("red", "blue"), 1.0, 9, ("north",),
    (Term("red:a", 0, 0, (0,), 1.0, True), Term("blue:a", 1, 0, (0,), -1.0, False)),
    (CostTerm("red:a", 0, 0, 1.0),), ("words",), ("public",), (Shock("s", "economic", None),),
    endurance=(True, True),
    instruments=("record", "digest"), zones=("north", "south"),
)  # fmt: skip
# Of shares, and of how often a conflict skips a phase, nobody claims a sign.
UNSIGNED = {
    "retention", "turnover_reset", "process_share", "lapse_share", "unilateral_share",
    "mutual_share", "skip",
}  # fmt: skip
SIGNS = {(c.theory, name) for c in load_claims() for name in c.null if name not in UNSIGNED} | {
    ("mutual_optimism", "audience_effect"), ("mutual_optimism", "belief_breach"),
    ("status_quo", "surplus_effect"),
}  # fmt: skip


@pytest.fixture(scope="module")
def structure(rich_folder):
    """The structure of a small study that has everything."""
    return structure_of(build_inputs(load_study(rich_folder)))


def free_of(theory, structure=STUDY):
    return {p.name: p for p in theories.free_parameters(theory, structure, None)}


def written(folder, text):
    path = folder / "judging.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_prior_file_changes_one_prior_and_the_hash(tmp_path, structure):
    file = written(tmp_path, '[priors.rival_persistence]\ndist = "HalfNormal"\nsigma = 0.7\n')
    plain, mine = load_theory("mutual_optimism"), load_theory("M1", file)
    assert plain.sha256 != mine.sha256
    before, after = (free_of(t, structure) for t in (plain, mine))
    assert {n for n in before if before[n].prior != after[n].prior} == {"rival_persistence"}
    prior = after["rival_persistence"].prior
    draws = prior.rvs(4000, random_state=np.random.default_rng(1))
    assert np.std(draws) == pytest.approx(0.7 * np.sqrt(1 - 2 / np.pi), rel=0.05)


@pytest.mark.parametrize("name", theories.bundled_theories())
def test_every_parameter_is_either_free_or_null(name, structure):
    theory = load_theory(name)
    free = {p.name for p in theories.free_parameters(theory, structure)}
    static = theories.null_values(theory, structure)
    assert free.isdisjoint(static)
    assert free | set(static) == set(theories.declared(structure))
    acts = {p.name for p in theories.free_parameters(theory, structure, "actions")}
    held = theories.null_values(theory, structure, "actions")
    assert acts.isdisjoint(held)
    assert acts | set(held) == set(theories.declared(structure, "actions"))
    table = {row["name"]: row for row in theories.prior_table(theory, structure)}
    assert list(table) == list(theories.declared(structure, None))
    assert {n for n, row in table.items() if row["free"]} == free | acts


@pytest.mark.parametrize(("theory", "name"), sorted(SIGNS))
def test_a_claimed_sign_is_open(theory, name):
    prior = free_of(theories.judged(theory))[name].prior
    low, high = float(prior.cdf(0.0)), 1.0 - float(prior.cdf(0.0))
    assert min(low, high) > 0.02, (low, high)


@pytest.mark.parametrize("name", theories.bundled_theories())
def test_judging_frees_and_widens_and_takes_nothing_away(name):
    plain, open_ = load_theory(name), theories.judged(name)
    before, after = free_of(plain), free_of(open_)
    file = theories.read_toml(data_folder() / "judging.toml").get(name, {})
    assert set(after) - set(before) == set(file.get("free", []))
    assert set(before) <= set(after)
    kept = set(before) - set(file.get("priors", {}))
    assert all(before[n].prior == after[n].prior for n in kept)
    assert open_.mechanisms == plain.mechanisms
    for n in file.get("priors", {}):
        quantiles = after[n].prior.ppf(np.array([0.01, 0.5, 0.99]))
        assert np.isfinite(quantiles).all() and (np.diff(quantiles) > 0).all(), n


def test_a_user_cannot_widen_a_prior_as_judging_can(tmp_path):
    table = '[priors.{}]\ndist = "Normal"\nmu = 0.0\nsigma = 0.1\n'
    with pytest.raises(StudyError, match="cannot take"):
        load_theory("M3", written(tmp_path, table.format("heat_loss")))
    assert free_of(theories.judged("M3"))["heat_loss"].prior.support[0] < 0.0


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
    wider = distribution(theories.scaled_prior(prior, factor))
    gap = np.asarray(wider.logpdf(at)) - np.asarray(prior.logpdf(at)) / factor**2
    np.testing.assert_allclose(gap, gap[0], atol=1e-8)  # but for what makes it integrate to one
    assert (wider.std() > prior.std()) == (factor > 1)
    assert tuple(wider.support) == tuple(prior.support)


def test_only_the_priors_asked_for_are_scaled(structure):
    theory = load_theory("mutual_optimism")
    parts = theories.mechanisms_of(theory, structure)
    assert {"belief", "evidence", "talks", "truce"} <= set(parts)
    other = theories.scaled(theory, structure, 2.0, parts["talks"])
    before, after = (
        {name: p.prior for name, p in free_of(t, structure).items()} for t in (theory, other)
    )
    assert before.keys() == after.keys()
    assert {n for n in before if before[n] != after[n]} == set(parts["talks"])
    assert after["onset_base"].sigma == 2.0 * before["onset_base"].sigma
    assert other.sha256 != theory.sha256


@pytest.mark.parametrize("name", ["M0", "M1", "M2", "M3", "M4"])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_every_bundled_theory_can_be_tracked_with_scaled_priors(structure, name, factor):
    wider = theories.scaled(load_theory(name), structure, factor)
    free = free_of(wider, structure)
    free.pop("innovation", None)
    known = coordinates_of(list(free.values()), structure)
    at = known.params(np.linspace(-4, 4, 5)[:, None] * np.ones(known.size))
    assert all(np.isfinite(v).all() for v in at.values())


SHARED = ("strikes_A", "strikes_B", "breach", "collapse", "resolve")


@pytest.fixture(scope="module", params=list_studies())
def study(request):
    inputs = build_inputs(load_study(request.param))
    return structure_of(inputs), action_columns(inputs)


@pytest.mark.parametrize("name", theories.bundled_theories())
def test_every_theory_explains_what_theories_are_compared_on(name):
    found = system.factors(load_theory(name), STUDY)
    assert {f.name for f in found if f.shared} == set(SHARED)
    assert {f.name for f in system.factors_of("actions") if f.shared} == set(SHARED)
    assert "onset_base" in {p.name for p in theories.free_parameters(load_theory(name), STUDY)}


@pytest.mark.parametrize("name", theories.bundled_theories())
def test_a_factor_is_explained_only_where_a_base_of_it_is_free(name):
    theory = load_theory(name)
    free = {p.name for p in theories.free_parameters(theory, STUDY, "actions")}
    explained = system.factors(theory, STUDY)
    for factor in system.factors_of("actions"):
        assert (factor in explained) == bool(free & set(factor.base)), factor.name
    read = {name for factor in explained for name in factor.reads}
    assert free <= read, "a parameter moves nought"


@pytest.mark.parametrize("name", theories.bundled_theories())
def test_every_theory_has_a_finite_likelihood_on_every_bundled_study(name, study):
    structure, columns = study
    for theory in (load_theory(name), theories.judged(name)):
        rng = np.random.default_rng(4)
        free = theories.free_parameters(theory, structure, "actions")
        params = theories.null_values(theory, structure, "actions")
        params = params | prior_draws(free, structure, 5, rng)
        names = [f.name for f in system.factors(theory, structure)]
        found = system.action_log_likelihoods(np, params, columns, structure, names)
        assert list(found) == names
        for factor, values in found.items():
            whole = np.broadcast_to(values, (5, structure.n_time))
            assert np.isfinite(whole).all(), factor
            late = columns["active"] == 0.0
            assert not whole[:, late].any(), factor
            assert (values <= 1e-12).all() or factor == "severity", factor


def test_a_theory_file_may_say_what_is_free_instead_of_what_is_null():
    import json

    table = json.loads(json.dumps(theories.table_of(load_theory("base_rate"))))
    assert "onset_base" in table["free"]
    assert theories.theory_from_table(table, "here") == load_theory("M0")
    assert "free" not in theories.table_of(load_theory("mutual_optimism"))
