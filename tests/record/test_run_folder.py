"""Run folders (C7): whole or absent, never overwritten, and true to what was run."""

import json
import shutil

import numpy as np
import pytest

from beliefs.errors import ConflictError, StudyError
from beliefs.forecast.forecast import forecast
from beliefs.forecast.summary import summarise
from beliefs.record.run import content_hash, load_run, read_manifest, save_run


def copied(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "copy")


def test_a_run_folder_holds_all_it_used_and_said(run_folder, unsampled, futures):
    assert {path.name for path in run_folder.iterdir()} == {
        "manifest.json", "posterior.nc", "forecast.nc", "forecast.json", "study", "theory.json"
    }  # fmt: skip
    manifest = read_manifest(run_folder)
    assert manifest["study_sha256"] == unsampled.study.sha256
    assert manifest["theory_sha256"] == unsampled.theory.sha256
    assert manifest["posterior_content_sha256"] == content_hash(unsampled.tree)
    assert manifest["seed"] == {"fit": 3, "forecast": 5}
    assert manifest["gate"]["passed"] is True
    assert manifest["as_of"] == "2026-03-01" and manifest["origin"] == "2026-03-01"
    assert manifest["versions"]["pymc"][0].isdigit()
    assert json.loads((run_folder / "forecast.json").read_text()) == summarise(futures)


def test_nothing_is_left_when_the_report_fails(unsampled, tmp_path):
    def broken(path, manifest):
        path.write_text("half")
        raise RuntimeError("no ink")

    with pytest.raises(RuntimeError, match="no ink"):
        save_run(tmp_path / "runs" / "one", unsampled, report=broken)
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_report_is_in_the_folder_when_it_appears(unsampled, tmp_path):
    out = tmp_path / "one"

    def report(path, manifest):
        assert not out.exists()
        path.write_text(manifest["study"])

    save_run(out, unsampled, report=report)
    assert (out / "report.html").read_text() == "small"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_existing_folder_is_left_alone(run_folder, unsampled):
    before = {path.name: path.stat().st_mtime_ns for path in run_folder.iterdir()}
    with pytest.raises(ConflictError) as caught:
        save_run(run_folder, unsampled)
    assert caught.value.exit_code == 4
    assert {path.name: path.stat().st_mtime_ns for path in run_folder.iterdir()} == before


def test_a_place_that_cannot_be_written_is_reported(unsampled, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((StudyError, OSError)):
        save_run(tmp_path / "file" / "run", unsampled)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_loaded_run_forecasts_what_the_first_run_forecast(run_folder, unsampled, futures):
    loaded = load_run(run_folder)
    assert content_hash(loaded.tree) == content_hash(unsampled.tree)
    assert loaded.report.as_dict() == unsampled.report.as_dict()
    assert loaded.theory == unsampled.theory
    again = forecast(loaded, 35, seed=5)
    np.testing.assert_array_equal(again.paths.logit_belief, futures.paths.logit_belief)
    assert summarise(again) == summarise(futures)


def test_the_content_hash_sees_one_changed_number(unsampled):
    tree = unsampled.tree.copy(deep=True)
    assert content_hash(tree) == content_hash(unsampled.tree)
    values = tree["posterior"]["psi"].values.copy()
    values[0, 0, 0] = np.nextafter(values[0, 0, 0], 9)
    tree["posterior"]["psi"] = tree["posterior"]["psi"].copy(data=values)
    assert content_hash(tree) != content_hash(unsampled.tree)


def test_an_edited_study_in_the_run_folder_is_noticed(run_folder, tmp_path):
    copy = copied(run_folder, tmp_path)
    table = copy / "study" / "indicators.csv"
    table.write_text(table.read_text().replace("100.0\n", "100.5\n").replace(",0\n", ",1\n"))
    with pytest.raises(StudyError, match="study in the run folder was changed"):
        load_run(copy)


def test_an_edited_theory_in_the_run_folder_is_noticed(run_folder, tmp_path):
    copy = copied(run_folder, tmp_path)
    theory = json.loads((copy / "theory.json").read_text())
    theory["neutral"].append("psi")
    (copy / "theory.json").write_text(json.dumps(theory))
    with pytest.raises(StudyError, match="theory in the run folder was changed"):
        load_run(copy)


def test_an_untouched_copy_loads(run_folder, tmp_path):
    assert load_run(copied(run_folder, tmp_path)).study.name == "small"


@pytest.mark.parametrize("name", ["manifest.json", "posterior.nc", "theory.json"])
def test_a_folder_with_a_part_missing_is_no_run(run_folder, tmp_path, name):
    copy = copied(run_folder, tmp_path)
    (copy / name).unlink()
    with pytest.raises(StudyError, match=name):
        load_run(copy)
