"""`beliefs calibrate` and `beliefs sensitivity` say what they find, and refuse what they must."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from make_actions import write_actions
from posteriors import FAILED, small_posterior

import beliefs
from beliefs.records.run import save_run

CALIBRATE = ["--sims", "2", "--particles", "100", "--draws", "20", "--horizon", "5", "--cores", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_actions(tmp_path_factory.mktemp("trust") / "small")


@pytest.fixture(scope="module")
def calibrated(folder, tmp_path_factory):
    """Both simulations, done in this process: what the command goes on with."""
    out, study = tmp_path_factory.mktemp("calibrations") / "M0", beliefs.load_study(folder)
    beliefs.calibrate("M0", study, out, sims=2, seed=1, particles=100, draws=20, horizon=5)
    return out


def test_a_calibration_says_what_is_outside_and_what_it_promises(call, folder, calibrated):
    arguments = ["calibrate", "M0", "--study", folder, "--out", calibrated, *CALIBRATE]
    code, said, _ = call(*arguments)
    assert code == 3
    # Two simulations say nothing for or against it.
    for words in (
        "not judged: 2 of the 20 simulations", "too few simulations: 2 of at least 20",
        "base_rate: 2 simulations of the size of small", "outside their 99% bands: ",
        "the inference of its parameters is calibrated",
    ):  # fmt: skip
        assert words in said
    code, said, _ = call(*arguments, "--json")
    result = json.loads(said)
    assert code == 3 and not result["passed"]
    assert result == json.loads((calibrated / "calibration.json").read_text())


def test_ranks_that_are_not_even_are_exit_code_3(call, folder, calibrated, tmp_path):
    out = tmp_path / "wrong"
    shutil.copytree(calibrated, out)
    line = json.loads((out / "ranks.jsonl").read_text().splitlines()[0])
    rows = [line | {"number": k, "ranks": dict.fromkeys(line["ranks"], 0)} for k in range(20)]
    (out / "ranks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["calibrate", "M0", "--study", folder, "--out", out, *CALIBRATE]
    code, said, _ = call(*arguments, "--sims", "20")
    assert code == 3 and "NOT calibrated" in said


@pytest.mark.slow
def test_sensitivity_of_a_study_prints_what_moves_it_and_what_was_learnt(call, folder, tmp_path):
    out = tmp_path / "sensitivity.json"
    arguments = ["sensitivity", folder, "--theory", "base_rate", "--particles", "400",
                 "--allow-failed", "--horizon", "30", "--scales", "2"]  # fmt: skip
    code, said, _ = call(*arguments, "--out", out)
    assert code == 0
    for words in ("change per doubling of the power", "all priors x 2", "Contraction"):
        assert words in said
    code, said, _ = call(*arguments, "--json")
    assert code == 0 and json.loads(said) == json.loads(out.read_text())
    assert call(*arguments, "--out", out)[0] == 4


def test_sensitivity_of_a_run_starts_from_its_posterior(call, rich_folder, tmp_path):
    run = save_run(tmp_path / "run", small_posterior(rich_folder, size=(2, 50), report=FAILED))
    arguments = ["sensitivity", run, "--horizon", "7", "--beliefs-only", "--json"]
    code, said, _ = call(*arguments, "--scales", "1", "--allow-failed")
    result = json.loads(said)
    assert code == 0
    # Priors that stay as they are weigh every draw alike: nothing moves.
    base = [item["p"] for item in result["probabilities"]]
    assert result["scales"] == [] or all(point["p"] == base for point in result["scales"])
    assert result["theory"] == "mutual_optimism"


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_one_that_is_stopped_leaves_no_process_and_goes_on(folder, tmp_path, sign):
    out = tmp_path / "M0"
    command = [str(Path(sys.executable).with_name("beliefs")), "calibrate", "M0", "--study",
               str(folder), "--out", str(out), "--particles", "100", "--draws", "20",
               "--horizon", "5", "--cores", "2"]  # fmt: skip
    lines = out / "ranks.jsonl"
    with subprocess.Popen(
        [*command, "--sims", "2000"], start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as running:
        for _ in range(1200):
            if lines.exists() and lines.read_bytes().count(b"\n") >= 3:
                break
            time.sleep(0.1)
        running.send_signal(getattr(signal, sign))
        running.wait(30)
        said = running.stderr.read()
    for _ in range(100):
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process of the calibration lives on")
    if sign != "SIGKILL":
        assert running.returncode == 130
        assert f"simulations that were done are kept in {out}" in said
    done = lines.read_bytes().count(b"\n")
    assert 3 <= done < 2000
    subprocess.run([*command, "--sims", str(done + 1), "--quiet"], check=False)
    # Simulations end in any order: some beyond the number asked for may have been done.
    numbers = [json.loads(line)["number"] for line in lines.read_text().splitlines()]
    assert len(numbers) == len({*numbers}) and {*range(done + 1)} <= {*numbers}
    assert json.loads((out / "calibration.json").read_text())["simulations"] == done + 1
