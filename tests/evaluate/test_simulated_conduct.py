"""Conduct drawn from known parameters is what its mechanisms say, and remembers itself rightly."""

import numpy as np
import pytest

from beliefs.features.inputs import build_inputs
from beliefs.model.structure import conduct_columns, structure_of
from beliefs.model.system import conduct_log_likelihoods, factors
from beliefs.model.theory import conduct_neutral, conduct_parameters, load_theory
from beliefs.simulation.studies import (
    prior_params,
    simulate_columns,
    simulate_whole,
)
from beliefs.study.load import load_study

DRAWS = 60


@pytest.fixture(scope="module")
def design():
    inputs = build_inputs(load_study("us-iran-2026"))
    return inputs, structure_of(inputs), conduct_columns(inputs)


def medians(theory, structure, **values):
    """All parameters of conduct at the medians of their priors, but for `values`."""
    from beliefs.inference.smc.unconstrained import coordinates_of

    chosen = load_theory(theory)
    known = coordinates_of(list(conduct_parameters(chosen, structure)), structure)
    found = {k: v[0] for k, v in known.params(np.zeros((1, known.size))).items()}
    for name, value in values.items():
        found[name] = np.broadcast_to(float(value), found[name].shape)
    return chosen, found


def drawn(design, theory, names, seed, **values):
    _, structure, columns = design
    chosen, params = medians(theory, structure, **values)
    full = conduct_neutral(chosen, structure) | params
    names = names or {f.name for f in factors(chosen, structure)}
    return simulate_columns(columns, full, structure, names, np.random.default_rng(seed))


def test_a_constant_hazard_gives_as_many_events_as_it_should(design):
    seen = design[2]
    truce, p = seen["truce_seen"].sum(), 1.0 - np.exp(-1.2 / 7.0)
    breaches = [
        drawn(design, "base_rate", {"breach"}, s, breach_base=np.log(1.2))["breach"].sum()
        for s in range(DRAWS)
    ]
    error = np.sqrt(truce * p * (1 - p) / DRAWS)
    assert abs(np.mean(breaches) - truce * p) < 4 * error
    assert np.var(breaches) == pytest.approx(truce * p * (1 - p), rel=0.6)


def test_strikes_without_replies_come_at_their_base_rate_where_somebody_looked(design):
    seen = design[2]["strikes_seen"] > 0
    counts = [
        drawn(design, "base_rate", {"strikes_A", "strikes_B"}, s, strike_base=np.log(0.5),
              instrument_rate=0.0, log_dispersion=20.0, log_excite_own=-20.0,
              log_excite_cross=-20.0)["strike_count"]
        for s in range(20)
    ]  # fmt: skip
    assert all((c[:, ~seen] == 0).all() for c in counts)
    mean = np.mean([c[:, seen].mean() for c in counts])
    assert abs(mean - 0.5) < 4 * np.sqrt(0.5 / (2 * seen.sum() * 20))


def test_what_is_known_of_the_past_is_what_a_study_would_say_of_it(design):
    """The columns of the past agree with those that the study's own definitions give."""
    from beliefs.features.steps import (
        ANSWER,
        FRESH_DAYS,
        RECENT_DAYS,
        before,
        fading_sum,
        freshness,
        recent,
    )

    study = load_study("us-iran-2026")
    found = drawn(design, "status_quo", None, 3, strike_base=0.0, walkout_base=0.0)
    count, grid = found["strike_count"], study.grid
    recently = before(np.log1p(fading_sum(count, RECENT_DAYS, grid)))
    np.testing.assert_allclose(found["own_recent"], recently, atol=1e-12)
    fresh = before(freshness(found["walkout"] > 0, FRESH_DAYS, grid))
    np.testing.assert_allclose(found["walkout_fresh"], fresh, atol=1e-12)
    logs = count * found["severity_log"]
    rival = recent(count[::-1], ANSWER)
    answered = recent(logs[::-1], ANSWER) / np.maximum(rival, 1.0)
    seen = design[2]["strikes_seen"] > 0
    np.testing.assert_allclose(found["provocation"][:, seen], answered[:, seen], atol=1e-12)


def test_a_parameter_has_its_best_likelihood_near_where_it_was_drawn(design):
    """The score of the truth is zero on average: draws and likelihood share their equations."""
    _, structure, columns = design
    chosen, params = medians("managed_deescalation", structure, strike_base=0.0)
    full = conduct_neutral(chosen, structure) | params
    names = [f.name for f in factors(chosen, structure)]
    moved = {
        "log_excite_cross": 0.2, "truce_gain": 0.2, "breach_base": 0.2, "exclusion_base": 0.2,
        "zone_base": 0.2, "concession_base": 0.2, "reply_base": 0.4, "resolve_base": 0.2,
    }  # fmt: skip
    slopes = {name: [] for name in moved}
    for seed in range(25):
        made = columns | simulate_columns(
            columns, full, structure, names, np.random.default_rng(seed)
        )
        for name, by in moved.items():
            read = [f.name for f in factors(chosen, structure) if name in f.reads]
            ends = []
            for sign in (-1.0, 1.0):
                there = full | {name: full[name] + sign * by}
                logs = conduct_log_likelihoods(np, there, made, structure, read)
                ends.append(sum(float(v.sum()) for v in logs.values()))
            # A central difference: the curvature of the likelihood drops out.
            slopes[name].append((ends[1] - ends[0]) / (2 * by))
    for name, values in slopes.items():
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 4.5 * error, name
        assert error > 0, name


@pytest.mark.parametrize("theory", ["base_rate", "mutual_optimism"])
def test_a_whole_study_is_drawn_and_only_where_somebody_looked(design, theory):
    inputs, structure, _ = design
    chosen, conduct = medians(theory, structure)
    rng = np.random.default_rng(2)
    params = prior_params(chosen, structure, rng) | conduct
    found, truth = simulate_whole(inputs, chosen, params, rng)
    assert (truth is not None) == chosen.beliefs
    seen, old = found.observed, inputs.observed
    for name in ("strikes_seen", "truce_seen", "truce_age", "has_deadline", "deal_seen"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(old, name))
    assert not np.array_equal(seen.strike_count, old.strike_count)
    assert not np.array_equal(found.talks, inputs.talks)
    assert (seen.breach[~seen.truce_seen] == 0).all()
    assert seen.truce_end.dtype == old.truce_end.dtype and seen.rung.dtype == old.rung.dtype
    conduct_columns(found)
