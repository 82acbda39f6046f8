"""What a theory says of actions: which observables it explains, and by which parameters."""

import numpy as np
import pytest

from beliefs.features.inputs import build_inputs
from beliefs.model import system
from beliefs.model.structure import Structure, action_columns, structure_of
from beliefs.model.theory import (
    bundled_theories,
    free_parameters,
    judged,
    load_theory,
    null_values,
    table_of,
    theory_from_table,
)
from beliefs.study.bundled import list_studies
from beliefs.study.load import load_study

SHARED = ("strikes_A", "strikes_B", "breach", "collapse", "resolve")
BARE = Structure(
    ("red", "blue"), 1.0, 9, *((),) * 6, endurance=(True, True),
    instruments=("record", "digest"), zones=("north", "south"),
)  # fmt: skip


@pytest.fixture(scope="module", params=list_studies())
def study(request):
    inputs = build_inputs(load_study(request.param))
    return structure_of(inputs), action_columns(inputs)


@pytest.mark.parametrize("name", bundled_theories())
def test_every_theory_explains_what_theories_are_compared_on(name):
    found = system.factors(load_theory(name), BARE)
    assert {f.name for f in found if f.shared} == set(SHARED)
    assert {f.name for f in system.factors_of("actions") if f.shared} == set(SHARED)
    assert "onset_base" in {p.name for p in free_parameters(load_theory(name), BARE)}


@pytest.mark.parametrize("name", bundled_theories())
def test_a_factor_is_explained_only_where_a_base_of_it_is_free(name):
    theory = load_theory(name)
    free = {p.name for p in free_parameters(theory, BARE, "actions")}
    explained = system.factors(theory, BARE)
    for factor in system.factors_of("actions"):
        assert (factor in explained) == bool(free & set(factor.base)), factor.name
    assert free <= {name for factor in explained for name in factor.reads}, (
        "a parameter moves nought"
    )


@pytest.mark.parametrize("name", bundled_theories())
def test_every_theory_has_a_finite_likelihood_on_every_bundled_study(name, study):
    structure, columns = study
    for theory in (load_theory(name), judged(name)):
        rng = np.random.default_rng(4)
        params = dict(null_values(theory, structure, "actions"))
        for p in free_parameters(theory, structure, "actions"):
            params[p.name] = np.asarray(
                p.prior.rvs(size=(5, *structure.size(p.dims)), random_state=rng)
            )
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

    table = json.loads(json.dumps(table_of(load_theory("base_rate"))))
    assert "onset_base" in table["free"]
    assert theory_from_table(table, "here") == load_theory("M0")
    assert "free" not in table_of(load_theory("mutual_optimism"))
