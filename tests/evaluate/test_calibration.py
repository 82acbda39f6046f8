"""A calibration that was stopped goes on; ranks that chance does not give fail it, no others do."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands
from scipy.stats import binom, norm

from beliefs import ConflictError, StudyError, build_inputs, calibrate, load_theory
from beliefs.evaluation import calibration
from beliefs.evaluation.calibration import check_forecasts, poisson_binomial

SMALL = {"seed": 3, "particles": 100, "draws": 30, "horizon": 5}


@pytest.fixture(scope="module")
def theory():
    return load_theory("base_rate")


@pytest.fixture(scope="module")
def whole(acting, theory, tmp_path_factory):
    out = tmp_path_factory.mktemp("calibrations") / "whole"
    return out, calibrate(theory, acting, out, sims=3, **SMALL)


def test_ranks_are_even_and_ties_are_broken_at_random():
    rng = np.random.default_rng(1)
    found = [calibration.rank(rng.normal(size=9), rng.normal(), rng) for _ in range(5000)]
    assert (abs(np.bincount(found, minlength=10) - 500) < 4 * np.sqrt(450)).all()
    values = np.asarray([0.0, 1.0, 1.0, 1.0, 2.0])
    counts = np.bincount([calibration.rank(values, 1.0, rng) for _ in range(4000)], minlength=6)
    assert counts[[0, 5]].sum() == 0
    assert (abs(counts[1:5] - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)).all()
    with pytest.raises(ValueError, match="not a number"):
        calibration.rank(values, np.nan, rng)


def test_every_kind_of_quantity_is_ranked(acting):
    design = calibration.Design(acting, load_theory("mutual_optimism"), **SMALL)
    found = calibration.simulation(design, 0)
    kinds = {name.split(":")[0] for name in found["ranks"]}
    assert kinds == set(calibration.GROUPS)
    assert all(0 <= v <= 30 for v in found["ranks"].values())
    for name in ("parameter:retention[north]", "belief:south", "forecast:time of talks",
                 "density:posterior of belief", "actions:breach_base"):  # fmt: skip
        assert name in found["ranks"]
    assert all(0.0 <= p <= 1.0 for p, _ in found["probabilities"].values())
    assert found == calibration.simulation(design, 0, build_inputs(acting))
    assert found["ranks"] != calibration.simulation(design, 1)["ranks"]


def same_bytes(one, two):
    return all(
        (one / name).read_bytes() == (two / name).read_bytes()
        for name in ("calibration.json", "ranks.csv")
    )


def test_one_that_was_stopped_goes_on_to_the_same_bytes(acting, theory, whole, tmp_path):
    calibrate(theory, acting, tmp_path, sims=1, **SMALL)
    lines = tmp_path / "ranks.jsonl"
    lines.write_bytes(lines.read_bytes() + b'{"number": 1, "ran')  # killed while it wrote
    result = []
    calibrate(theory, acting, tmp_path, sims=3, progress=lambda *a: result.append(a), **SMALL)
    assert [t[:2] for t in result] == [(2, 3), (3, 3)]
    assert same_bytes(tmp_path, whole[0])
    lines.write_bytes(b"nonsense\n" + lines.read_bytes())
    with pytest.raises(StudyError, match="damaged") as error:
        calibrate(theory, acting, tmp_path, sims=3, **SMALL)
    assert "line 1" in error.value.render()


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(acting, theory, whole, tmp_path):
    calibrate(theory, acting, tmp_path, sims=3, workers=2, **SMALL)
    assert same_bytes(tmp_path, whole[0])


def test_workers_of_a_scheduler_give_the_same_bytes(acting, theory, whole, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(1, processes=False, dashboard_address=None, protocol="tcp") as cluster:
        calibrate(theory, acting, tmp_path, sims=3, scheduler=cluster.scheduler_address, **SMALL)
    assert same_bytes(tmp_path, whole[0])


@pytest.mark.parametrize("other", [{"seed": 4}, {"particles": 120}, {"draws": 20}])
def test_a_folder_of_another_calibration_is_refused(acting, theory, whole, other):
    with pytest.raises(ConflictError, match="another calibration"):
        calibrate(theory, acting, whole[0], sims=3, **{**SMALL, **other})


def test_a_simulation_that_cannot_be_done_is_told_and_not_left_out(
    acting, theory, tmp_path, monkeypatch
):
    real = calibration.simulation

    def failing(design, number, inputs):
        if number == 1:
            raise ValueError("a made-up failure")
        return real(design, number, inputs)

    monkeypatch.setattr(calibration, "simulation", failing)
    found = calibrate(theory, acting, tmp_path / "one", sims=2, **SMALL)
    assert dict(found.failed) == {1: "ValueError: a made-up failure"}
    assert list(found.numbers) == [0] and not found.passed


def test_the_truth_may_come_from_another_prior(acting, theory):
    far = {"dist": "Normal", "mu": -0.5, "sigma": 0.05}
    shifted = replace(theory, priors={**theory.priors, "phase_up": far})
    design = calibration.Design(acting, theory, truth=shifted, **SMALL)
    assert calibration.simulation(design, 0)["ranks"]["actions:phase_up"] >= 29


@pytest.mark.slow
def test_a_killed_process_is_told_and_what_was_done_is_kept(acting, theory, tmp_path, monkeypatch):
    import dask
    import distributed  # noqa: F401  its defaults first, else `set` takes them out with its own

    work = calibration._at_work

    def dies(number, shared):
        if number == 1:
            import os
            import time

            time.sleep(2)  # that the one before is done is on its way
            os._exit(1)
        return work(number, shared)

    monkeypatch.setattr(calibration, "_at_work", dies)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        with pytest.raises(StudyError, match="was killed") as error:
            calibrate(theory, acting, tmp_path / "out", sims=3, workers=1, **SMALL)
    assert "run the same command again" in error.value.render()
    lines = (tmp_path / "out" / "ranks.jsonl").read_text().splitlines()
    assert 0 in {json.loads(line)["number"] for line in lines} <= {0, 2}
    monkeypatch.undo()
    assert len(calibrate(theory, acting, tmp_path / "out", sims=3, **SMALL).numbers) == 3


N, DRAWS = 200, 100
SIMS, KEPT, SIZE = 100, 50, 80
FEW = 20


def test_ranks_leave_their_band_where_their_p_value_says_so_and_p_values_are_uniform():
    uniform = np.random.default_rng(5).integers(0, DRAWS + 1, size=(2000, N))
    band, places = calibration.bands(N, DRAWS), np.arange(DRAWS + 2)
    p = np.asarray([calibration.p_value(ranks, DRAWS) for ranks in uniform])
    for level in (0.01, 0.05, 0.5):
        error = np.sqrt(level * (1.0 - level) / len(p))
        assert abs((p <= level).mean() - level) < 4.0 * error, level
    left = []
    for ranks, mine in zip(uniform, p, strict=True):
        gap = np.searchsorted(np.sort(ranks), places) / N - band.at
        left.append(bool(((gap < band.low - 1e-12) | (gap > band.high + 1e-12)).any()))
        if abs(mine - 0.01) > 0.002:  # the statistic is discrete: the level lies between two
            assert left[-1] == (mine < 0.01)
    assert 0.002 < np.mean(left) < 0.02


def test_bands_are_those_of_arviz_for_as_many_values():
    at = np.arange(1, DRAWS + 1) / (DRAWS + 1.0)
    level = simulate_confidence_bands(N, 1, at, 0.99, 4000, np.random.default_rng(1))
    low, high = get_pointwise_confidence_band(level, N, at)
    ours = calibration.bands(N, DRAWS)
    one = 1.01 / N  # their level is simulated too: the step of a count may differ
    np.testing.assert_allclose(ours.low[1:-1], low - at, atol=one)
    np.testing.assert_allclose(ours.high[1:-1], high - at, atol=one)


@pytest.mark.parametrize(
    ("wrong", "mean", "spread"),
    [
        (lambda u: u**1.5, lambda v: v < 0.45, lambda v: v > 0.5),
        (lambda u: 0.5 + 0.6 * (u - 0.5), lambda v: 0.4 < v < 0.6, lambda v: v < 0.6),
        (lambda u: np.where(u < 0.5, u**1.6, 1 - (1 - u) ** 1.6), lambda v: 0.4 < v < 0.6,
         lambda v: v > 1.1),
    ],
    ids=["draws too high", "draws too wide", "draws too narrow"],
)  # fmt: skip
def test_ranks_of_wrong_draws_are_outside_and_say_how_they_are_wrong(wrong, mean, spread):
    values = np.random.default_rng(2).random(N)
    even = np.random.default_rng(3).integers(0, DRAWS + 1, size=N)
    ranks = np.floor(wrong(values) * (DRAWS + 1)).astype(int)
    worst, other = calibration.judge({"even": even, "wrong": ranks}, DRAWS)
    assert (worst.name, worst.outside, other.outside) == ("wrong", True, False)
    assert worst.adjusted == pytest.approx(2.0 * worst.p)
    assert mean(worst.mean) and spread(worst.spread)


def made(wrong, seed, size=SIZE, n=SIMS):
    """Ranks of dependent quantities, whose truths are spread `wrong` times as wide as draws."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(1, n))
    truth = np.sqrt(0.3) * common + np.sqrt(0.7) * rng.normal(size=(size, n))
    ranks = np.minimum((norm.cdf(wrong * truth) * (KEPT + 1)).astype(int), KEPT)
    return {f"parameter:{k}": row for k, row in enumerate(ranks)}


def result(ranks, failed=()):
    judged = calibration.judge(ranks, KEPT)
    groups = calibration.groups_of(judged, ranks, KEPT)
    n = len(next(iter(ranks.values())))
    return calibration.failures(judged, groups, dict(failed), n), groups


def test_even_ranks_pass_though_they_depend_on_each_other():
    bad = [seed for seed in range(60) if result(made(1.0, seed))[0]]
    assert len(bad) <= 4  # a hundredth by each of two rules


def test_many_draws_that_are_somewhat_too_narrow_fail_by_their_spread():
    reasons, (group,) = result(made(1.15, 1))
    assert any("mean spread of parameter" in reason for reason in reasons)
    assert group.spread > 1.0 + 3.0 * group.error and group.p < 0.01 and group.error < 0.05


def test_more_outside_than_chance_allows_fails_though_no_one_of_them_does():
    rng = np.random.default_rng(3)
    pool = [rng.integers(0, KEPT + 1, SIMS) for _ in range(3000)]
    out = [r for r in pool if 0.002 < calibration.p_value(r, KEPT) <= 0.01][:9]
    even = [r for r in pool if calibration.p_value(r, KEPT) > 0.3][: SIZE - len(out)]
    ranks = {f"actions:{k}": row for k, row in enumerate([*out, *even])}
    reasons, (group,) = result(ranks)
    assert (group.outside, group.limit) == (9, 8)
    assert reasons[0] == "outside their own bands: 9 of 80 of actions, at most 8"
    assert all(row.adjusted > 0.01 for row in calibration.judge(ranks, KEPT))
    assert result({**ranks, "actions:0": even[0]})[0] == ()


def simulated(n, seed, wrong=lambda q: q):
    """Shares among the draws, and what came, where the truth has `wrong` of their probability."""
    rng = np.random.default_rng(seed)
    q = rng.beta(0.3, 0.9, size=n)
    return np.column_stack([rng.binomial(FEW, q) / FEW, rng.random(n) < wrong(q)])


def test_sums_of_unlike_coins_have_the_distribution_that_counting_gives():
    p = np.array([0.1, 0.5, 0.7, 0.95])
    counted = np.zeros(5)
    for outcome in itertools.product((0, 1), repeat=4):
        counted[sum(outcome)] += np.where(outcome, p, 1 - p).prod()
    np.testing.assert_allclose(poisson_binomial(p), counted, rtol=1e-12)
    np.testing.assert_allclose(poisson_binomial([0.3] * 9), binom.pmf(np.arange(10), 9, 0.3))


def test_right_forecasts_are_rejected_no_more_often_than_their_p_values_say():
    found = [check_forecasts(simulated(60, seed), FEW) for seed in range(600)]
    for level in (0.01, 0.05, 0.2):
        room = 3.0 * np.sqrt(level * (1.0 - level) / len(found))
        for p in ([f.all.p for f in found], [f.reliability for f in found]):
            assert np.mean(np.asarray(p) <= level) <= level + room
    z = np.asarray([f.z for f in found])
    assert abs(z.mean()) < 4.0 / np.sqrt(len(z)) and 0.85 < z.std() < 1.15


def test_forecasts_that_are_too_low_or_too_sure_are_found_out():
    low = check_forecasts(simulated(200, 1, lambda q: q**0.4), FEW)
    assert low.z > 4.0 and low.all.p < 1e-4 and low.all.happened > low.all.high
    sure = check_forecasts(simulated(400, 2, lambda q: 0.25 + 0.35 * (q - q.mean())), FEW)
    assert sure.all.p > 0.01 > 1e-3 > sure.reliability  # it shows in the ranges alone
    assert sure.bins[0].outside and sure.bins[0].happened > sure.bins[0].high


def test_a_forecast_of_none_of_few_draws_is_no_certainty():
    # Of 46 targets that one in 21 sees, the truth was the one in 6. Were a forecast of 0 taken as
    # certain, not one of these could have come.
    values = [(0.0, 1)] * 6 + [(1 / FEW, 0)] * 40 + [(0.0, 0)] * 354
    assert check_forecasts(values, FEW).all.p == pytest.approx(2.0 * binom.sf(5, 46, 1 / 21))
    assert check_forecasts([(0.0, 0), (1.0, 1)], FEW).z is None
