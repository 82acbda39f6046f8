"""Theories are compared on what all explain; the table, the stack and the ties are right."""

import json

import numpy as np
import pytest

from beliefs.evaluation.compare import STACK, compared
from beliefs.evaluation.scores.skill import BLOCKS, SHARED
from beliefs.model.theory import load_theory

THEORIES = [load_theory(name) for name in ("M0", "M1", "M4")]
N = 150


def table(scores, theories=THEORIES):
    dates = np.datetime64("2026-01-01") + np.arange(scores.shape[-1])
    return compared(scores, theories, study="made-up", dates=dates, step_days=1, seed=1)


@pytest.fixture(scope="module")
def made():
    """M4 is the best by 0.2 a period on talks; nobody saw truces; M1 lacks one strike column."""
    rng = np.random.default_rng(1)
    scores = np.full((3, len(SHARED), N), np.nan)
    scores[:, 0] = rng.normal(-1.0, 0.3, N) + np.array([[0.0], [-0.1], [0.2]])
    scores[:, 1] = rng.normal(-1.0, 0.3, N)
    scores[0, 2] = scores[2, 2] = -1.0
    return scores


def test_the_best_theory_stands_first_and_the_stack_last(made):
    found = table(made).table
    assert [row.id for row in found] == ["M4", "M0", "M1", STACK]
    assert found[0].against_best.total == 0.0
    assert found[2].against_best.total == pytest.approx(-0.3 * N)
    assert found[0].by_observable["talks"].total == pytest.approx(0.2 * N)
    assert found[0].by_observable["strikes_A"].total == 0.0
    assert found[0].against_base.low == pytest.approx(0.2 * N)  # the same in every period


def test_a_steady_lead_is_told_apart_and_a_fickle_one_is_not(made):
    assert ("M4", "M0") not in table(made).tied
    fickle = made.copy()
    fickle[2, 0] = made[0, 0] + np.where(np.arange(N) < N // 2, 0.3, -0.28)
    assert ("M4", "M0") in table(fickle).tied


@pytest.mark.parametrize(("n", "step"), [(14, 1), (31, 1), (139, 1), (8, 7), (79, 7)])
def test_a_study_of_few_blocks_tells_nothing_apart(made, n, step):
    dates = np.datetime64("2026-01-01") + step * np.arange(n)
    few = compared(made[..., :n], THEORIES, study="made-up", dates=dates, step_days=step, seed=1)
    assert few.table[0].elpd > few.table[1].elpd
    assert set(few.tied) == {("M4", "M0"), ("M4", "M1")}
    result = json.loads(json.dumps(few.as_dict(), allow_nan=False))
    assert len(result["tied"]) == 2 and result["blocks"] < BLOCKS
    for row in result["theories"]:
        assert row["se"] is None
        assert row["elpd_diff"]["error"] is None and row["against_base_rate"]["low"] is None


def test_the_stack_predicts_with_weights_of_before(made):
    stack = table(made).table[-1]
    assert np.isnan(stack.weight) and stack.elpd < table(made).table[0].elpd
    # In the first week all theories weigh alike, so that the stack is their plain mean.
    total = made[:, :2, :7].sum(axis=1)
    mean = np.logaddexp.reduce(total, axis=0) - np.log(3.0)
    assert table(made[..., :7]).table[-1].elpd == pytest.approx(mean.sum())
