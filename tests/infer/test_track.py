"""The track of a small study: quadrature, folds of periods, causality, saving and going on."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from toy import moments, same_bits

from beliefs import ConflictError, build_inputs, forecast, load_study, load_theory
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.moves import FAR
from beliefs.inference.smc.track import advance, belief_now, track, track_from
from beliefs.records.files import content_hash

SIDES = 2  # belief_mean and log_volatility each have one element per side


@pytest.fixture(scope="module")
def whole(study, theory):
    return track(study, theory, particles=200, seed=4)


@pytest.fixture(scope="module")
def early(rich_folder, study, theory):
    """The track as of the forty-first day."""
    known = load_study(rich_folder, as_of=build_inputs(study).dates[40])
    return track(known, theory, particles=200, seed=4)


LINE = np.linspace(-5.5, 5.5, 111)
CELL = (LINE[1] - LINE[0]) ** 2


def grid_of(model, n_time):
    """By side: log evidence relative to the origin, and mass by cell of (mean, volatility).

    Sides do not touch without talks that follow belief, so each has its own grid of two. The log
    density at the origin comes first.
    """
    labels = model.coordinates.labels
    a, b = (v.ravel() for v in np.meshgrid(LINE, LINE, indexing="ij"))

    def log_density(side, first, second):
        at = np.zeros((len(first), 4))
        at[:, labels.index(f"belief_mean[{side}]")] = first
        at[:, labels.index(f"log_volatility[{side}]")] = second
        state, _, _ = model.replay(at, n_time)
        return state.total[:, 0] + state.newest.sum(axis=1)

    base = log_density(0, np.zeros(1), np.zeros(1))[0]
    out = []
    for side in range(SIDES):
        log = log_density(side, a, b) - base - 0.5 * (a**2 + b**2) - np.log(2 * np.pi)
        log_norm = logsumexp(log) + np.log(CELL)
        out.append((log_norm, a, b, np.exp(log - log_norm) * CELL))
    return base, out


@pytest.mark.parametrize("gone_on", [False, True])
def test_the_posterior_of_a_toy_is_that_of_a_grid(rich_folder, study, toy, gone_on):
    model = Model.of(build_inputs(study), toy)
    labels = model.coordinates.labels
    assert model.coordinates.size == 2 * SIDES
    dates = build_inputs(study).dates
    days = [dates[k] for k in (9, 30, 31, 55)] if gone_on else [dates[-1]]
    early, *later = (load_study(rich_folder, as_of=day) for day in days)
    found = track(early, toy, particles=4000, seed=1)
    for grown in later:
        found = advance(found, grown)
    weights, scores = found.weights(-1), found.scores()
    for side, (_, a, b, mass) in enumerate(grid_of(model, model.structure.n_time)[1]):
        for grid, name in ((a, "belief_mean"), (b, "log_volatility")):
            mean, sd = moments(mass, grid)
            mine_mean, mine_sd = moments(weights, scores[:, labels.index(f"{name}[{side}]")])
            assert abs(mine_mean - mean) < 0.06 * sd
            assert abs(mine_sd / sd - 1) < 0.06


def test_talks_alone_are_a_grid_though_proposals_reach_further_in_one_of_both(study):
    base = load_theory("base_rate")
    theory = replace(base, free=("onset_base", "continuation_base"))
    model = Model.of(build_inputs(study), theory)
    labels = model.coordinates.labels
    assert set(labels) == {"onset_base", "continuation_base"}
    assert {"onset_base"} == set(FAR) & set(labels)
    a, b = (v.ravel() for v in np.meshgrid(LINE, LINE, indexing="ij"))
    at = np.stack([a, b] if labels[0] == "onset_base" else [b, a], axis=1)
    state, _, _ = model.replay(at, model.structure.n_time)
    log = state.total[:, 0] + state.newest.sum(axis=1) - 0.5 * (a**2 + b**2)
    mass = np.exp(log - logsumexp(log))
    found = track(study, theory, particles=8000, seed=2)
    assert found.rejuvenations
    weights, scores = found.weights(-1), found.scores()
    for grid, name in ((a, "onset_base"), (b, "continuation_base")):
        mean, sd = moments(mass, grid)
        mine_mean, mine_sd = moments(weights, scores[:, labels.index(name)])
        assert abs(mine_mean - mean) < 0.05 * sd
        assert abs(mine_sd / sd - 1) < 0.04


def test_the_evidence_of_a_toy_is_that_of_quadrature_within_one_per_cent(rich_folder, study, toy):
    # Twelve days, in which particles are moved once, and enough of them for chance to be a
    # third of the bound: the standard deviation of one run's log evidence is 0.005.
    early = load_study(rich_folder, as_of=build_inputs(study).dates[11])
    runs = [track(early, toy, particles=20_000, seed=seed) for seed in (1, 2)]
    assert all(run.rejuvenations for run in runs)
    base, sides = grid_of(Model.of(build_inputs(early), toy), runs[0].n_time)
    evidence = base + sum(log_norm for log_norm, *_ in sides)
    logs = np.asarray([run.log_evidence[-1] for run in runs])
    assert abs(np.exp(logs - evidence).mean() - 1.0) < 0.01


def test_what_comes_later_changes_nothing_before(early, whole):
    same_bits(early, whole.until(41))


def test_a_saved_track_goes_on_as_if_it_had_never_stopped(early, study, theory, tmp_path):
    import xarray as xr

    early.to_tree().to_netcdf(tmp_path / "track.nc", engine="netcdf4")
    with xr.open_datatree(tmp_path / "track.nc", engine="netcdf4") as tree:
        back = track_from(tree, early.study, theory)
        with pytest.raises(ConflictError):
            track_from(tree, study, theory)
    same_bits(advance(back, study), advance(early, study))


SCRIPT = """
import sys
from beliefs.inference.smc.track import track
from beliefs.records.files import content_hash
from beliefs.study.load import load_study
from beliefs.model.theory import load_theory
found = track(load_study(sys.argv[1]), load_theory("mutual_optimism"), particles=200, seed=4)
print(content_hash(found.to_tree()))
"""


@pytest.mark.slow
def test_processes_and_threads_do_not_change_a_bit(rich_folder, whole):
    for threads in ("1", "2"):
        names = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, threads)}
        out = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(rich_folder)],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert out.stdout.split()[-1] == content_hash(whole.to_tree()), threads


def test_the_posterior_at_a_date_is_what_forecast_takes(early, whole):
    day = early.ends[-1]
    posterior = whole.at(day, draws=150)
    assert posterior.origin == day
    tree = posterior.tree["posterior"]
    assert dict(tree["logit_belief"].sizes) == {"chain": 1, "draw": 150, "side": 2, "time": 41}
    assert not posterior.report.passed  # 200 particles are too few for its convergence check
    assert "limit 400" in posterior.report.failures[0]
    futures = forecast(posterior, 14, seed=3, allow_failed=True)
    assert futures.paths.logit_belief.shape == (150, 2, 14)
    again = early.at(day, draws=150).tree["posterior"]
    np.testing.assert_array_equal(tree["logit_belief"].values, again["logit_belief"].values)


def test_a_path_of_the_posterior_ends_in_the_filtered_belief(whole):
    tree = whole.at(whole.inputs.dates[-1], draws=4000).tree["posterior"]
    weights = whole.weights(-1)
    mean = weights @ whole.mean[-1]
    spread = np.sqrt(weights @ (whole.mean[-1] ** 2 + whole.cov[-1][:, [0, 2]]) - mean**2)
    ends = tree["logit_belief"].values[0, :, :, -1]
    np.testing.assert_allclose((ends.mean(axis=0) - mean) / spread, 0.0, atol=0.08)
    np.testing.assert_allclose(ends.std(axis=0) / spread, 1.0, atol=0.08)


def test_what_was_known_then_ends_in_what_is_known_now(whole):
    now = [mean for _, mean, *_ in belief_now(whole)]
    np.testing.assert_allclose(whole.filtered[-1], now, atol=0.005)
    assert whole.filtered.shape == (len(whole.ends), 2)


def test_a_track_says_where_it_is_to_the_log(study, theory, whole, caplog):
    with caplog.at_level("INFO", "beliefs"):
        track(study, theory, particles=200, seed=4)
    assert len(caplog.messages) == len(whole.rejuvenations) > 0
