"""An update that is killed, or races another, or has no room, leaves the old run or the new one."""

import importlib
import os
import resource
import subprocess
import time

import numpy as np
import pytest
from posteriors import small_posterior
from processes import begun, command, ended

from beliefs import load_run, load_track, update
from beliefs.records.files import aside_of, read_manifest

NEXT = "2026-02-20"


@pytest.fixture(scope="module")
def wanted(run):
    """Content of the update when nobody interferes."""
    out = run.parent / "undisturbed"
    update(run, out, to=NEXT)
    return read_manifest(out)["posterior_content_sha256"]


def updating(run, out, limit=None):
    """Begin an update in another process, whose files may have a limited size."""
    how = (run, "--to", NEXT, "--out", out)
    return begun(command, "update", *how) if limit is None else begun(limited, limit, *how)


def limited(size, *how):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    command("update", *how)


def killed(process, out, rng, lifetime):
    """Kill at a random moment: of its whole life, or of the part in which it writes."""
    if rng.random() < 0.3:
        time.sleep(rng.uniform(0.0, 1.2 * lifetime))
    else:
        until = time.monotonic() + 20 * lifetime
        while not aside_of(out).exists() and process.is_alive() and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.5 * lifetime))
    process.kill()
    process.join()


@pytest.mark.parametrize("times", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_an_update_killed_anywhere_leaves_the_old_run_or_the_new(
    run, wanted, state, tmp_path, times
):
    folder = tmp_path / "kills"
    folder.mkdir()
    before, out = state(run), folder / "out"
    clock = time.monotonic()
    assert ended(*updating(run, folder / "first"))[0] == 0
    lifetime = time.monotonic() - clock
    rng = np.random.default_rng(times)
    written = 0
    for _ in range(times):
        killed(updating(run, out)[0], out, rng, lifetime)
        assert state(run) == before
        left = {p.name for p in folder.iterdir() if not p.name.endswith(".lock")} - {"first"}
        assert left <= {"out", aside_of(out).name}
        if out.exists():
            written += 1
            assert load_track(out).n_time == 47
            assert read_manifest(out)["posterior_content_sha256"] == wanted
            # Not a new one each time: what is there has to make way for the next.
            os.rename(out, folder.parent / f"{folder.name}-{written}")
    # Whatever was left behind, the next update neither minds nor leaves it.
    update(run, out, to=NEXT)
    assert read_manifest(out)["posterior_content_sha256"] == wanted
    assert {p.name for p in folder.iterdir()} == {"first", "out"}
    assert times < 10 or 0 < written < times


def run_at_once(*arguments):
    """`beliefs run` without its track, in whose place stand draws of the prior."""
    importlib.import_module("beliefs.cli.runs").sampled = at_once
    command("run", *arguments)


def at_once(study, *_, **__):
    return small_posterior(study.path)


@pytest.mark.slow
def test_a_run_killed_while_it_writes_leaves_a_whole_run_or_none(rich_folder, tmp_path):
    out, rng = tmp_path / "out", np.random.default_rng(3)
    asked, written = (run_at_once, rich_folder, "--out", out, "--horizon", 7), 0
    for _ in range(10):
        process, _ = begun(*asked)
        while not aside_of(out).exists() and process.is_alive():
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 2.5))
        process.kill()
        process.join()
        assert {p.name for p in tmp_path.iterdir()} <= {
            "out", aside_of(out).name, f".{out.name}.beliefs.lock"
        } | {f"done-{n}" for n in range(written + 1)}  # fmt: skip
        if out.exists():
            written += 1
            assert load_run(out).report.passed and (out / "report.html").is_file()
            os.rename(out, tmp_path / f"done-{written}")
    assert ended(*begun(*asked))[0] == 0
    assert load_run(out).report.passed and not aside_of(out).exists()


def test_of_two_updates_at_once_one_wins_and_the_other_exits_4(run, wanted, state, tmp_path):
    before = state(run)
    both = [updating(run, tmp_path / "out") for _ in range(2)]
    ends = [ended(*one) for one in both]
    assert sorted(code for code, _ in ends) == [0, 4], ends
    complaint = dict(ends)[4]
    assert "fix:" in complaint and "Traceback" not in complaint
    assert read_manifest(tmp_path / "out")["posterior_content_sha256"] == wanted
    assert [p.name for p in tmp_path.iterdir()] == ["out"] and state(run) == before


def refused_for_room(run, state, out, limit=None):
    """Run an update that has no room; return what is left where it would be."""
    before = state(run)
    code, complaint = ended(*updating(run, out, limit))
    assert code == 2, (code, complaint)
    assert "could not be written" in complaint and "free some room" in complaint
    assert "Traceback" not in complaint and "HDF5" not in complaint
    assert state(run) == before and load_track(run).n_time == 40
    return [p.name for p in out.parent.iterdir()]


@pytest.mark.parametrize(
    "limit", [20_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (300, 1_000_000))]
)
def test_a_limit_on_the_size_of_files_ends_an_update_cleanly(run, state, tmp_path, limit):
    # Machine code that cannot be cached is compiled anew, without a word.
    assert refused_for_room(run, state, tmp_path / "out", limit) == []


@pytest.fixture(
    params=[40, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 800))],
    ids=lambda size: f"{size}k",
)
def small_disk(request, tmp_path):
    """A disk with little room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True)
    except OSError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("this user may not mount a disk; the limit on files stands for it")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_an_update_and_leaves_nothing(run, state, small_disk):
    assert refused_for_room(run, state, small_disk / "out") == []
