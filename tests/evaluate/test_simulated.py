"""Studies drawn from known parameters are what their mechanisms say."""

import json

import numpy as np
import pytest
import simulate_duel
from duel import draw_design, simulate_whole

from beliefs import build_inputs, load_study
from beliefs.features import steps
from beliefs.inference.posterior import draw_prior, stacked_params
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model import system
from beliefs.model.structure import action_columns, columns, structure_of
from beliefs.model.system import action_log_likelihoods, factors
from beliefs.model.theory import free_parameters, load_theory, null_values
from beliefs.simulation.studies import simulate_belief_block, simulate_columns
from beliefs.study.bundled import data_folder

DRAWS = 40


@pytest.fixture(scope="module")
def design():
    inputs = build_inputs(load_study("us-iran-2026"))
    return inputs, structure_of(inputs), action_columns(inputs)


def medians(theory, structure, **values):
    """All parameters of actions at the medians of their priors, but for `values`."""
    chosen = load_theory(theory)
    known = coordinates_of(list(free_parameters(chosen, structure, "actions")), structure)
    found = {k: v[0] for k, v in known.params(np.zeros((1, known.size))).items()}
    for name, value in values.items():
        found[name] = np.broadcast_to(float(value), found[name].shape)
    return chosen, found


def drawn(design, theory, names, seed, **values):
    inputs, structure, columns = design
    chosen, params = medians(theory, structure, **values)
    full = null_values(chosen, structure, "actions") | params
    names = names or {f.name for f in factors(chosen, structure)}
    rng, quiet = np.random.default_rng(seed), inputs.quiet_periods
    return simulate_columns(columns, full, structure, names, rng, quiet_periods=quiet)


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


def test_what_is_known_of_the_past_is_what_a_study_would_say_of_it(design):
    """The columns of the past agree with those that the study's own definitions give."""
    study = load_study("us-iran-2026")
    found = drawn(design, "status_quo", None, 3, strike_base=0.0, walkout_base=0.0)
    count, grid = found["strike_count"], study.grid
    recently = steps.before(np.log1p(steps.fading_sum(count, steps.RECENT_DAYS, grid)))
    np.testing.assert_allclose(found["own_recent"], recently, atol=1e-12)
    fresh = steps.before(steps.freshness(found["walkout"] > 0, steps.FRESH_DAYS, grid))
    np.testing.assert_allclose(found["walkout_fresh"], fresh, atol=1e-12)
    logs = count * found["severity_log"]
    rival = steps.recent(count[::-1], steps.ANSWER)
    answered = steps.recent(logs[::-1], steps.ANSWER) / np.maximum(rival, 1.0)
    seen = design[2]["strikes_seen"] > 0
    np.testing.assert_allclose(found["provocation"][:, seen], answered[:, seen], atol=1e-12)


@pytest.mark.slow
def test_a_parameter_has_its_best_likelihood_near_where_it_was_drawn(design):
    """The score of the truth is zero on average: draws and likelihood share their equations."""
    inputs, structure, columns = design
    chosen, params = medians("managed_deescalation", structure, strike_base=0.0)
    full = null_values(chosen, structure, "actions") | params
    names = [f.name for f in factors(chosen, structure)]
    moved = {
        "log_excite_cross": 0.2, "truce_gain": 0.2, "breach_base": 0.2, "exclusion_base": 0.2,
        "zone_base": 0.2, "concession_base": 0.2, "reply_base": 0.4, "resolve_base": 0.2,
    }  # fmt: skip
    slopes = {name: [] for name in moved}
    for seed in range(25):
        made = columns | simulate_columns(
            columns, full, structure, names, np.random.default_rng(seed),
            quiet_periods=inputs.quiet_periods,
        )  # fmt: skip
        for name, by in moved.items():
            read = [f.name for f in factors(chosen, structure) if name in f.reads]
            ends = []
            for sign in (-1.0, 1.0):
                there = full | {name: full[name] + sign * by}
                logs = action_log_likelihoods(np, there, made, structure, read)
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
    chosen, action_draws = medians(theory, structure)
    rng = np.random.default_rng(2)
    params = draw_prior(chosen, structure, rng, ()) | action_draws
    found, truth = simulate_whole(inputs, chosen, params, rng)
    assert (truth is not None) == chosen.beliefs
    seen, old = found.observed, inputs.observed
    kept = "strikes_seen", "truce_seen", "ends_seen", "truce_age", "has_deadline", "deal_seen"
    for name in kept:
        np.testing.assert_array_equal(getattr(seen, name), getattr(old, name))
    assert not np.array_equal(seen.strike_count, old.strike_count)
    assert not np.array_equal(found.talks, inputs.talks)
    assert (seen.breach[~seen.truce_seen] == 0).all()
    assert seen.truce_end.dtype == old.truce_end.dtype
    assert seen.conflict_phase.dtype == old.conflict_phase.dtype
    action_columns(found)


DUEL = data_folder() / "synthetic-duel"
THEORY = simulate_duel.theory()


def test_the_script_writes_the_shipped_duel_byte_for_byte(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["simulate_duel.py", "--out", str(tmp_path)])
    simulate_duel.main()
    names = sorted(path.name for path in DUEL.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (DUEL / name).read_bytes(), name


def test_surplus_and_moves_of_true_beliefs_follow_the_equations():
    truth = json.loads((DUEL / "truth.json").read_text(encoding="utf-8"))
    inputs = build_inputs(load_study(DUEL))
    structure, cols = structure_of(inputs), columns(inputs)
    known = {name: np.array(p["value"]) for name, p in truth["parameters"].items()}
    known["innovation"] = np.zeros((2, structure.n_time))
    belief = np.array([truth["logit_belief"][side] for side in inputs.sides])
    params = stacked_params(THEORY, structure, known)
    run = system.evaluate(np, params, cols, structure, logit_belief=belief)
    np.testing.assert_allclose(run.surplus, truth["surplus"], atol=1e-9)
    first = params["belief_mean"] + params["initial"]
    kept, push, misread = system.movements(np, params, cols, structure)
    before = np.concatenate([first[:, None], belief[:, :-1]], axis=1)
    level = params["belief_mean"][:, None]
    convergence = 1.0 / (1.0 + np.exp(-4.0 * before))
    left = belief - (level + kept * (before - level) + push + misread * convergence)
    noise = left / (np.exp(params["log_volatility"]) * structure.step_weeks**0.5)[:, None]
    n = noise.size  # what no equation explains is standard normal
    assert abs(noise.mean()) < 4 / n**0.5
    assert abs(noise.std() - 1) < 4 / (2 * n) ** 0.5


def test_readings_scatter_around_belief_by_the_spread_of_their_channel(tmp_path):
    design = build_inputs(draw_design(DUEL, tmp_path, seed=6))
    structure = structure_of(design)
    params = draw_prior(THEORY, structure, np.random.default_rng(6), ())
    params["log_reading_step"] = np.log([0.2, 0.3, 0.5])
    params["private_bias"] = np.array([3.0, -3.0])
    left: list[list[float]] = [[], []]
    for seed in range(40):
        drawn, truth = simulate_belief_block(design, THEORY, params, np.random.default_rng(seed))
        gap = drawn.reading - truth.logit_belief[:, None]
        left[0] += gap[:, 0][~np.isnan(gap[:, 0])].tolist()
        left[1] += (gap[0, 1] - 3.0)[~np.isnan(gap[0, 1])].tolist()
        left[1] += (gap[1, 1] + 3.0)[~np.isnan(gap[1, 1])].tolist()
    # The median of |t| with 4 degrees of freedom is 0.7407.
    for values, spread in zip(left, (0.2, 0.5), strict=True):
        assert np.median(np.abs(values)) == pytest.approx(0.7407 * spread, rel=0.1)
        assert abs(np.median(values)) < 0.1 * spread


def test_talks_start_at_the_onset_hazard_and_go_on_at_the_other(tmp_path):
    design = build_inputs(draw_design(DUEL, tmp_path, seed=7))
    params = draw_prior(THEORY, structure_of(design), np.random.default_rng(7), ())
    params |= {"surplus_effect": np.zeros(2), "shock_hazard": np.zeros(3)}
    params |= {"onset_base": np.array(-1.5), "continuation_base": np.array(1.0)}
    params |= {"deadlock_shape": np.array(0.0)}
    began, went_on = [], []
    for seed in range(60):
        drawn, _ = simulate_belief_block(design, THEORY, params, np.random.default_rng(seed))
        before = drawn.talks_previous > 0
        began += drawn.talks[~before].tolist()
        went_on += drawn.talks[before].tolist()
    assert np.mean(began) == pytest.approx(1 / (1 + np.exp(1.5)), abs=0.03)
    assert np.mean(went_on) == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.03)
