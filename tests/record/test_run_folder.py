"""Run folders (C7): whole or absent, never overwritten, and true to what was run."""

import dataclasses
import datetime as dt
import errno
import json
import os
import re
import shutil

import h5py
import numpy as np
import pytest
from posteriors import FAILED, small_posterior

from beliefs import StudyError, forecast, load_run, load_study, save_run, summarise, write_report
from beliefs.inference.action_draws import action_draws
from beliefs.records.files import content_hash, read_manifest, read_tree, refuse_inside
from beliefs.records.ledger.register import entry_of, read_ledger, register
from beliefs.records.ledger.resolve import resolve
from beliefs.records.run import ACTIONS
from beliefs.reporting.report import read_verdicts
from beliefs.study.safefile import MAX_FILE_BYTES


@pytest.fixture(scope="module")
def small(rich_folder):
    """A posterior of few parameters and few draws."""
    return small_posterior(rich_folder, "base_rate", size=(2, 50))


def copied(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "copy")


def test_a_run_folder_holds_all_it_used_and_said(run_folder, unsampled, futures):
    assert {path.name for path in run_folder.iterdir()} == {
        "manifest.json", "posterior.nc", "forecast.nc", "forecast.json", "study", "theory.json"
    }  # fmt: skip
    manifest = read_manifest(run_folder)
    assert manifest["study_sha256"] == unsampled.study.sha256
    assert manifest["theory_sha256"] == unsampled.theory.sha256
    assert manifest["posterior_content_sha256"] == content_hash(unsampled.kept)
    assert manifest["seed"] == {"fit": 3, "forecast": 5}
    assert manifest["convergence"]["passed"] is True
    assert manifest["as_of"] == "2026-03-01" and manifest["origin"] == "2026-03-01"
    assert manifest["versions"]["pymc"][0].isdigit()
    assert json.loads((run_folder / "forecast.json").read_text()) == summarise(futures)


def test_a_loaded_run_forecasts_what_the_first_run_forecast(run_folder, unsampled, futures):
    loaded = load_run(run_folder)
    assert content_hash(loaded.tree) == content_hash(unsampled.tree)
    assert loaded.report.as_dict() == unsampled.report.as_dict()
    assert loaded.theory == unsampled.theory
    again = forecast(loaded, 35, seed=5, actions=False)
    np.testing.assert_array_equal(again.paths.logit_belief, futures.paths.logit_belief)
    assert summarise(again) == summarise(futures)


@pytest.mark.parametrize(
    "failure", ["ESS of rival_persistence is 12, limit 400", "rival_persistence never varies"]
)
def test_a_loaded_run_keeps_what_its_convergence_check_found(small, tmp_path, failure):
    failed = dataclasses.replace(small.report, passed=False, r_hat=np.inf, failures=(failure,))
    out = save_run(tmp_path / "run", dataclasses.replace(small, report=failed))
    kept = load_run(out).report
    assert kept.as_dict() == failed.as_dict() and kept.fix == failed.fix


@pytest.mark.parametrize("part", ["study", "theory", "posterior"])
def test_an_edited_part_of_the_run_folder_is_noticed(run_folder, tmp_path, part):
    copy = copied(run_folder, tmp_path)
    if part == "study":
        table = copy / "study" / "indicators.csv"
        table.write_text(table.read_text().replace("100.0\n", "100.5\n").replace(",0\n", ",1\n"))
    elif part == "posterior":
        with h5py.File(copy / "posterior.nc", "r+") as file:
            file["posterior/rival_persistence"][0, 0, 0] += 1e-9
    else:
        theory = json.loads((copy / "theory.json").read_text())
        theory["null"].append("rival_persistence")
        (copy / "theory.json").write_text(json.dumps(theory))
    with pytest.raises(StudyError, match=f"{part} in the run folder was changed"):
        load_run(copy)


def test_only_the_study_s_own_files_are_copied(small, rich_folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("private")
    folder = shutil.copytree(rich_folder, tmp_path / "small")
    (folder / "truth.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    (folder / ".git").mkdir()
    (folder / "link.csv").symlink_to(secret)
    (folder / "link.toml").symlink_to(folder / "study.toml")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    study = dataclasses.replace(small.study, path=folder)
    out = save_run(tmp_path / "run", dataclasses.replace(small, study=study))
    own = {"study.toml", "indicators.csv", "events.csv", "talks.csv", "SOURCES.md", "truth.json"}
    own |= {name for name in ("coverage.csv", "agreements.csv") if (folder / name).exists()}
    copies = {path.name: path for path in (out / "study").iterdir()}
    assert set(copies) == own
    for name, path in copies.items():
        assert path.is_file() and not path.is_symlink()
        assert path.read_bytes() == (folder / name).read_bytes()
    assert load_study(out / "study", as_of=study.as_of).sha256 == study.sha256
    assert load_run(out).study.sha256 == study.sha256


@pytest.mark.parametrize("name", ["events.csv", "coverage.csv"])
def test_a_file_that_became_a_link_is_not_followed(name, small, rich_folder, tmp_path):
    folder = shutil.copytree(rich_folder, tmp_path / "small")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(rich_folder / "events.csv")
    study = dataclasses.replace(small.study, path=folder)
    with pytest.raises(StudyError, match="not a plain file"):
        save_run(tmp_path / "run", dataclasses.replace(small, study=study))
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize("inside", [".", "run", "runs/deep/one", "../small/run", "door"])
def test_a_run_folder_inside_its_study_is_refused(inside, small, rich_folder, tmp_path):
    folder = shutil.copytree(rich_folder, tmp_path / "small")
    before = sorted(folder.rglob("*"))
    out = folder / inside
    if inside == "door":  # a link from elsewhere
        (tmp_path / "door").symlink_to(folder)
        out = tmp_path / "door" / "run"
    with pytest.raises(StudyError, match="inside the study folder"):
        refuse_inside(out, folder)
    study = dataclasses.replace(small.study, path=folder)
    with pytest.raises(StudyError, match="inside the study folder"):
        save_run(out, dataclasses.replace(small, study=study))
    assert sorted(folder.rglob("*")) == before


BROKEN = [b"", b"[]", b"\xff\xfe", b"[" * 100_000, b"{}"]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("name", ["manifest.json", "theory.json", "posterior.nc"])
def test_a_broken_file_in_a_run_folder_is_named(name, content, run_folder, tmp_path):
    copy = copied(run_folder, tmp_path)
    (copy / name).write_bytes(content)
    with pytest.raises(StudyError) as caught:
        load_run(copy)
    assert name in caught.value.where
    assert caught.value.found and caught.value.expected and caught.value.fix


@pytest.mark.parametrize("kind", ["device", "large"])
def test_a_file_that_has_no_end_is_refused_unread(kind, tmp_path):
    file, found = tmp_path / "manifest.json", f"more than {MAX_FILE_BYTES} bytes"
    if kind == "device":
        file.symlink_to("/dev/null")  # one that ends if it is read
        found = "not a regular file"
        with pytest.raises(StudyError, match=found):
            read_tree(file, None)
    else:
        with file.open("wb") as opened:
            opened.truncate(2**40)
    with pytest.raises(StudyError, match=found):
        read_manifest(tmp_path)
    with pytest.raises(StudyError, match="no file of verdicts") as caught:
        read_verdicts(file, {})
    assert "Expecting value" not in caught.value.found


@pytest.mark.parametrize(
    "key", ["format", "as_of", "posterior_content_sha256", "seed", "convergence", "horizon"]
)
@pytest.mark.parametrize("wrong", ["missing", 3.5, True])
def test_an_incomplete_manifest_is_named(key, wrong, run_folder, tmp_path):
    copy = copied(run_folder, tmp_path)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest.pop(key)
    if wrong != "missing":
        manifest[key] = wrong
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StudyError) as caught:
        read_manifest(copy)
    assert key in str(caught.value) and "manifest.json" in caught.value.where


def test_a_seed_is_a_whole_number(run_folder, tmp_path):
    manifest = read_manifest(run_folder) | {"seed": {"fit": True, "forecast": 5}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StudyError, match="the seed of the fit"):
        read_manifest(tmp_path)


def test_a_full_disk_names_the_run_folder_and_the_file(small, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def report(path, manifest):  # the rest found room
        monkeypatch.setattr("beliefs.study.writefile.os.fsync", full)
        monkeypatch.setattr("beliefs.reporting.report.render", lambda *_: "page")
        write_report(None, {}, path)

    with pytest.raises(StudyError) as caught:
        save_run(tmp_path / "one", small, report=report)
    assert caught.value.where == str(tmp_path / "one")
    assert caught.value.found == f"{os.strerror(errno.ENOSPC)}: report.html"
    assert list(tmp_path.iterdir()) == []


def test_draws_that_were_changed_after_the_run_are_refused(rich_folder, tmp_path):
    few = small_posterior(rich_folder, "base_rate", size=(2, 50), report=FAILED)
    run = tmp_path / "run"
    learnt = action_draws(few, "posterior", particles=100)
    save_run(run, few, forecast=forecast(few, 7, seed=5, allow_failed=True))
    kept = load_run(run).actions.posterior
    np.testing.assert_array_equal(kept["deal_base"], learnt["deal_base"])
    with h5py.File(run / ACTIONS, "r+") as root:
        root["posterior"]["deal_base"][0] += 1.0
    with pytest.raises(StudyError, match="actions in the run folder was changed"):
        load_run(run)
    (run / ACTIONS).write_bytes(b"nothing")
    with pytest.raises(StudyError, match=ACTIONS):
        load_run(run)


BACK = 408  # years, so that 2026 is 1618


def test_a_run_of_long_ago_goes_through_to_report_and_ledger(rich_folder, tmp_path):
    early = tmp_path / "early"
    early.mkdir()
    for file in rich_folder.iterdir():
        text = re.sub(r"\b(202[56])-", lambda m: f"{int(m[1]) - BACK}-", file.read_text())
        (early / file.name).write_text(text)
    posterior = small_posterior(early, size=(2, 50), report=FAILED)
    futures = forecast(posterior, 8, seed=5, allow_failed=True)
    summary = summarise(futures)
    assert summary["origin"] == "1618-03-01" and summary["targets"][0]["by"] == "1618-03-08"
    out = save_run(
        tmp_path / "run", posterior, forecast=futures, summary=summary, settings={},
        report=lambda path, manifest: write_report(futures, summary, path, manifest),
    )  # fmt: skip
    back = load_run(out)
    assert content_hash(back.tree) == content_hash(posterior.tree)
    assert str(back.tree["posterior"]["time"].values[-1])[:10] == "1618-03-01"
    assert "1618" in (out / "report.html").read_text()
    register(tmp_path / "ledger", entry_of(out, allow_failed=True))
    assert not resolve(tmp_path / "ledger", studies=(early,)).added  # all beyond its period
    (line,) = read_ledger(tmp_path / "ledger").forecasts.values()
    assert line.as_of == dt.date(1618, 3, 1)
