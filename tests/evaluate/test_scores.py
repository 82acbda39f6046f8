"""Scores are those of scipy and of hand sums; what they compare has honest intervals or none."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import beta, energy_distance, poisson, ttest_1samp

from beliefs.evaluation.compare import STACK, compared, stacking_weights, weights_over_time
from beliefs.evaluation.scores import proper
from beliefs.evaluation.scores.proper import brier, log_score, smoothed
from beliefs.evaluation.scores.skill import (
    BLOCKS,
    LEVEL,
    SHARED,
    TAIL,
    block_origins,
    difference,
    skill,
)
from beliefs.model.theory import load_theory

RNG = np.random.default_rng(20260101)


def test_log_and_brier_are_hand_sums_and_certainty_is_rarer_than_one_draw():
    p, observed = RNG.uniform(0.01, 0.99, size=50), RNG.random(50) < 0.5
    np.testing.assert_allclose(brier(p, observed), np.where(observed, 1.0 - p, p) ** 2, atol=1e-12)
    np.testing.assert_allclose(
        log_score(p, observed, 1e-3), -np.log(np.where(observed, p, 1.0 - p))
    )
    for sure, happened in ((0.0, 1), (1.0, 0)):
        assert log_score(sure, happened, 0.002) == pytest.approx(-np.log(0.002))


def test_telling_the_truth_scores_best():
    p = np.linspace(0.01, 0.99, 99)
    for truth in (0.1, 0.5, 0.8):
        for rule in (lambda q, y: log_score(q, y, 1e-6), brier):
            mean = truth * rule(p, np.ones(99)) + (1 - truth) * rule(p, np.zeros(99))
            assert p[mean.argmin()] == pytest.approx(truth, abs=0.005)


def test_shares_of_futures_are_the_posterior_means_of_jeffreys_prior():
    k, n = np.arange(501), 500
    wanted = beta(k + 0.5, n - k + 0.5).mean()
    np.testing.assert_allclose(smoothed(k / n, n), wanted, rtol=0, atol=1e-10)
    # What never came in the futures is scored as less likely than what came in one of them.
    assert 0.0 < smoothed(0.0, n) < smoothed(1 / n, n) and smoothed(1.0, n) < 1.0


@pytest.mark.parametrize("observed", [1, 4, 12, 13, 40])
@pytest.mark.parametrize("unit", [1, 7])
def test_the_score_of_a_time_is_the_crps_of_the_restricted_ensemble(observed, unit):
    periods = 12
    times = RNG.integers(1, 30, size=400).astype(float)
    cdf = (times[:, None] <= np.arange(periods + 1)).mean(axis=0)
    ours = proper.time_score(cdf, observed, unit)
    short = unit * min(observed, periods), unit * np.minimum(times, periods)
    assert ours == pytest.approx(energy_distance(short[1], [short[0]]) ** 2 / 2, abs=1e-10)


@pytest.mark.parametrize("observed", [0.0, 3.0, 9.0])
def test_counts_are_scored_as_by_the_double_sum(observed):
    x = RNG.poisson(3.0, size=60).astype(float)

    def crps(values, y):
        return np.abs(values - y).mean() - 0.5 * np.abs(values[:, None] - values).mean()

    wanted = crps(x, observed), crps(np.maximum(x, 4.0), max(observed, 4.0))
    assert proper.count_scores(x, observed, 4.0) == pytest.approx(wanted, abs=1e-10)
    many = proper.crps(np.column_stack([x, x + 0.5]), np.full(2, observed))
    assert many == pytest.approx([wanted[0], crps(x + 0.5, observed)], abs=1e-10)


def test_the_randomised_transform_of_a_calibrated_count_is_uniform():
    x = RNG.poisson(2.0, size=20000)
    u = proper.pit(poisson.cdf(x - 1, 2.0), poisson.cdf(x, 2.0), RNG.random(len(x)))
    share = np.histogram(u, bins=10, range=(0.0, 1.0))[0] / len(u)
    assert np.abs(share - 0.1).max() < 4.0 * np.sqrt(0.09 / len(u))


def scores(seed=1, k=3, n=80):
    return np.random.default_rng(seed).normal(size=(k, n)) - 1.0


def test_weights_maximise_the_log_score_of_the_mixture():
    s = scores()

    def loss(free):
        w = np.exp(free - np.logaddexp.reduce(free))
        return -(np.log(w @ np.exp(s)).sum() + np.log(w).mean())

    best = minimize(loss, np.zeros(len(s)), tol=1e-12).x
    found = stacking_weights(s)
    assert found.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found, np.exp(best - np.logaddexp.reduce(best)), atol=2e-4)
    np.testing.assert_array_equal(stacking_weights(np.zeros((4, 0))), np.full(4, 0.25))
    shift = np.linspace(-700.0, 700.0, s.shape[1])  # densities would under- and overflow
    np.testing.assert_allclose(found, stacking_weights(s + shift), atol=1e-12)


def test_weights_at_a_time_know_nothing_later():
    s = scores(4, n=60)
    periods, weights = weights_over_time(s, every=5)
    changed = s.copy()
    changed[:, 30:] += 5.0 * np.random.default_rng(5).normal(size=changed[:, 30:].shape)
    _, others = weights_over_time(changed, every=5)
    before = periods <= 30
    np.testing.assert_array_equal(weights[before], others[before])
    assert np.abs(weights[-1] - others[-1]).max() > 0.01


def test_means_are_paired_and_an_overlap_holds_the_origins_within_a_window():
    ours, theirs = np.array([1.0, np.nan, 3.0, 5.0]), np.array([2.0, 9.0, np.nan, 7.0])
    found = skill(ours, theirs, overlap=1, seed=1)
    assert (found.n, found.mean, found.reference, found.difference) == (2, 3.0, 4.5, 1.5)
    assert found.ratio == pytest.approx(1.0 / 3.0)
    assert [block_origins(h, 7) for h in (1, 7, 30, 90)] == [1, 1, 5, 13]


def test_without_overlap_the_interval_is_that_of_the_t_test():
    gap = np.random.default_rng(5).normal(0.3, 1.0, size=BLOCKS)
    found = skill(np.zeros(BLOCKS), gap, overlap=1, seed=1)
    theirs = ttest_1samp(gap, 0.0, alternative="greater")
    both = ttest_1samp(gap, 0.0).confidence_interval(LEVEL)
    # As near as 2000 resamples tell a standard error: 1.6 % of it, four times over.
    assert found.high - found.low == pytest.approx(both.high - both.low, rel=0.065)
    assert 0.5 * (found.high + found.low) == pytest.approx(gap.mean(), abs=1e-12)
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)
    none = skill(gap**2, gap**2, overlap=1, seed=1)  # a baseline against itself
    assert (none.difference, none.low, none.high, none.ratio, none.p) == (0.0, 0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("overlap", [1, 2, 5])
def test_intervals_cover_the_truth_as_often_as_they_say_at_the_fewest_blocks(overlap):
    # Percentiles of blocks as long as the overlap cover 0.71 to 0.84 here.
    rng, trials = np.random.default_rng(3), 400
    n = BLOCKS * (1 if overlap == 1 else 2 * overlap)
    hits = wins = 0
    for k in range(trials):
        noise = np.convolve(rng.normal(size=n + overlap - 1), np.ones(overlap), mode="valid")
        found = skill(np.zeros(n), noise, overlap=overlap, seed=[3, k])
        hits += found.low <= 0.0 <= found.high
        wins += found.p < TAIL
    assert 0.86 <= hits / trials <= 0.94
    assert wins / trials <= 0.07


@pytest.mark.parametrize(("n", "block"), [(14, 14), (5, 14), (8, 8), (139, 14), (79, 8)])
def test_few_blocks_have_no_interval_and_no_error(n, block):
    gap = np.random.default_rng(1).normal(1.0, 0.1, size=n)
    found = difference(gap, np.ones(n, dtype=bool), block=block, seed=1)
    assert found.total == pytest.approx(gap.sum()) and found.n == n
    assert np.isnan([found.low, found.high, found.error]).all()
    assert not found.distinct
    more = np.random.default_rng(1).normal(1.0, 0.1, size=BLOCKS * block)
    seen = np.ones(len(more), dtype=bool)
    assert difference(more, seen, block=block, seed=1).distinct
    seen[::2] = False  # what was not seen fills no block, and is not added
    found = difference(more, seen, block=block, seed=1)
    assert not found.distinct and found.total == pytest.approx(more[1::2].sum())


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
