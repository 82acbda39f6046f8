import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from duel import draw_design

from beliefs.features.inputs import build_inputs
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.structure import columns, structure_of
from beliefs.model.theory import load_theory
from beliefs.simulation.studies import prior_params, simulate_belief_block
from beliefs.study.bundled import data_folder
from beliefs.study.load import load_study

DUEL = data_folder() / "synthetic-duel"
ROOT = Path(__file__).resolve().parents[2]
THEORY = load_theory("mutual_optimism")


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((DUEL / "truth.json").read_text(encoding="utf-8"))


def test_the_script_writes_the_shipped_duel_byte_for_byte(tmp_path):
    script = ROOT / "scripts" / "simulate_duel.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True, timeout=120)
    names = sorted(path.name for path in DUEL.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (DUEL / name).read_bytes(), name


def test_surplus_follows_from_the_true_beliefs_by_the_equations(truth):
    inputs = build_inputs(load_study(DUEL))
    structure, cols = structure_of(inputs), columns(inputs)
    known = {name: np.array(p["value"]) for name, p in truth["parameters"].items()}
    known["innovation"] = np.zeros((2, structure.n_time))
    belief = np.array([truth["logit_belief"][side] for side in inputs.sides])
    params = stacked_params(THEORY, structure, known)
    run = system.evaluate(np, params, cols, structure, logit_belief=belief)
    np.testing.assert_allclose(run.surplus, truth["surplus"], atol=1e-9)


def test_unexplained_moves_of_true_belief_are_standard_normal(truth):
    inputs = build_inputs(load_study(DUEL))
    structure, cols = structure_of(inputs), columns(inputs)
    known = {name: np.array(p["value"]) for name, p in truth["parameters"].items()}
    known["innovation"] = np.zeros((2, structure.n_time))
    params = stacked_params(THEORY, structure, known)
    belief = np.array([truth["logit_belief"][side] for side in inputs.sides])
    first = params["belief_mean"] + params["initial"]
    kept, push, misread = system.movements(np, params, cols, structure)
    before = np.concatenate([first[:, None], belief[:, :-1]], axis=1)
    level = params["belief_mean"][:, None]
    gate = 1.0 / (1.0 + np.exp(-4.0 * before))
    left = belief - (level + kept * (before - level) + push + misread * gate)
    spread = np.exp(params["log_volatility"]) * structure.step_weeks**0.5
    noise = left / spread[:, None]
    n = noise.size
    assert abs(noise.mean()) < 4 / n**0.5
    assert abs(noise.std() - 1) < 4 / (2 * n) ** 0.5


def test_readings_scatter_around_belief_by_the_spread_of_their_channel(tmp_path):
    design = build_inputs(draw_design(DUEL, tmp_path, seed=6))
    structure = structure_of(design)
    params = prior_params(THEORY, structure, np.random.default_rng(6))
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
    params = prior_params(THEORY, structure_of(design), np.random.default_rng(7))
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
