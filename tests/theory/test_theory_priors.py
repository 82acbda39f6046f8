"""Theories are data: priors replaced by name, mistakes named."""

import numpy as np
import pytest

from beliefs.model.priors import Prior
from beliefs.model.theory import (
    bundled_theories,
    declared,
    free_parameters,
    load_theory,
    null_values,
    prior_table,
)


def written(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_prior_file_changes_one_prior_and_the_hash(tmp_path, structure):
    file = written(tmp_path, '[priors.rival_persistence]\ndist = "HalfNormal"\nsigma = 0.7\n')
    plain, mine = load_theory("mutual_optimism"), load_theory("M1", file)
    assert plain.sha256 != mine.sha256
    before, after = (
        {p.name: str(p.prior) for p in free_parameters(t, structure)} for t in (plain, mine)
    )
    assert {n for n in before if before[n] != after[n]} == {"rival_persistence"}
    draws = next(
        p for p in free_parameters(mine, structure) if p.name == "rival_persistence"
    ).prior.rvs(4000, random_state=np.random.default_rng(1))
    assert np.std(draws) == pytest.approx(0.7 * np.sqrt(1 - 2 / np.pi), rel=0.05)


@pytest.mark.parametrize("name", bundled_theories())
def test_every_parameter_is_either_free_or_null(name, structure):
    theory = load_theory(name)
    free = {p.name for p in free_parameters(theory, structure)}
    static = null_values(theory, structure)
    assert free.isdisjoint(static)
    assert free | set(static) == set(declared(structure))
    acts = {p.name for p in free_parameters(theory, structure, "actions")}
    held = null_values(theory, structure, "actions")
    assert acts.isdisjoint(held)
    assert acts | set(held) == set(declared(structure, "actions"))
    table = {row["name"]: row for row in prior_table(theory, structure)}
    assert list(table) == list(declared(structure, None))
    assert {n for n, row in table.items() if row["free"]} == free | acts


def test_every_theory_lets_talks_remember_and_the_base_rate_lets_strikes_excite(structure):
    for name in bundled_theories():
        theory = load_theory(name)
        free = {p.name: p.prior for p in free_parameters(theory, structure)}
        assert free["deadlock_shape"] == Prior("Normal", 0.0, 1.0), name
        acts = {p.name for p in free_parameters(theory, structure, "actions")}
        if theory.id == "M0":
            assert {"log_excite_own", "log_excite_cross", "log_decay"} <= acts
