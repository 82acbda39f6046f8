"""A simulation is a function of its number; a calibration that was stopped goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from beliefs.errors import ConflictError, StudyError
from beliefs.evaluation import calibration as rooms
from beliefs.evaluation.calibration import Design, rank, simulation
from beliefs.features.inputs import build_inputs
from beliefs.model.theory import load_theory
from beliefs.records.evaluations import calibrate

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
    found = [rank(rng.normal(size=9), rng.normal(), rng) for _ in range(5000)]
    assert (abs(np.bincount(found, minlength=10) - 500) < 4 * np.sqrt(450)).all()
    values = np.asarray([0.0, 1.0, 1.0, 1.0, 2.0])
    counts = np.bincount([rank(values, 1.0, rng) for _ in range(4000)], minlength=6)
    assert counts[[0, 5]].sum() == 0
    assert (abs(counts[1:5] - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)).all()
    with pytest.raises(ValueError, match="not a number"):
        rank(values, np.nan, rng)


def test_every_kind_of_quantity_is_ranked(acting):
    design = Design(acting, load_theory("mutual_optimism"), **SMALL)
    found = simulation(design, 0)
    kinds = {name.split(":")[0] for name in found["ranks"]}
    assert kinds == set(rooms.GROUPS)
    assert all(0 <= v <= 30 for v in found["ranks"].values())
    for name in ("parameter:retention[north]", "belief:south", "forecast:time of talks",
                 "density:posterior of belief", "actions:breach_base"):  # fmt: skip
        assert name in found["ranks"]
    assert all(0.0 <= p <= 1.0 for p, _ in found["probabilities"].values())
    assert found == simulation(design, 0, build_inputs(acting))
    assert found["ranks"] != simulation(design, 1)["ranks"]


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
    real = rooms.simulation

    def failing(design, number, inputs):
        if number == 1:
            raise ValueError("a made-up failure")
        return real(design, number, inputs)

    monkeypatch.setattr(rooms, "simulation", failing)
    found = calibrate(theory, acting, tmp_path / "one", sims=2, **SMALL)
    assert dict(found.failed) == {1: "ValueError: a made-up failure"}
    assert list(found.numbers) == [0] and not found.passed


def test_the_truth_may_come_from_another_prior(acting, theory):
    far = {"dist": "Normal", "mu": -0.5, "sigma": 0.05}
    shifted = replace(theory, priors={**theory.priors, "phase_up": far})
    design = Design(acting, theory, truth=shifted, **SMALL)
    assert simulation(design, 0)["ranks"]["actions:phase_up"] >= 29


@pytest.mark.slow
def test_a_killed_process_is_told_and_what_was_done_is_kept(acting, theory, tmp_path, monkeypatch):
    import dask
    import distributed  # noqa: F401  its defaults first, else `set` takes them out with its own

    work = rooms._at_work

    def dies(number, shared):
        if number == 1:
            import os
            import time

            time.sleep(2)  # that the one before is done is on its way
            os._exit(1)
        return work(number, shared)

    monkeypatch.setattr(rooms, "_at_work", dies)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        with pytest.raises(StudyError, match="was killed") as error:
            calibrate(theory, acting, tmp_path / "out", sims=3, workers=1, **SMALL)
    assert "run the same command again" in error.value.render()
    lines = (tmp_path / "out" / "ranks.jsonl").read_text().splitlines()
    assert 0 in {json.loads(line)["number"] for line in lines} <= {0, 2}
    monkeypatch.undo()
    assert len(calibrate(theory, acting, tmp_path / "out", sims=3, **SMALL).numbers) == 3
