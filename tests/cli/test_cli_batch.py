"""`beliefs batch` does one thing with every study, in any number of processes, and goes on."""

import json
import shutil

import pytest

from beliefs.records.run import load_track


@pytest.fixture
def studies(acting, tmp_path):
    """Two studies, and one that is broken."""
    for name in ("one", "two", "wrong"):
        shutil.copytree(acting.path, tmp_path / "studies" / name)
    (tmp_path / "studies" / "wrong" / "events.csv").write_text("nonsense\n")
    return tmp_path / "studies"


FEW = ("--theory", "M0", "--particles", "800", "--json")


@pytest.mark.slow
def test_a_broken_study_stops_no_other_and_what_is_there_is_left(call, studies, tmp_path):
    out = tmp_path / "runs"
    code, text, _ = call("batch", str(studies), "--out", str(out), "--cores", "2", *FEW)
    rows = {row["study"].rpartition("/")[2]: row["error"] for row in json.loads(text)["studies"]}
    assert code == 3 and "events.csv" in rows.pop("wrong") and rows == {"one": None, "two": None}
    assert {path.name for path in out.iterdir()} == {"one", "two"}
    shutil.rmtree(studies / "wrong")
    shutil.rmtree(out / "two")
    before = load_track(out / "one")
    code, text, _ = call("batch", str(studies), "--out", str(out), *FEW)  # in this process
    assert code == 0 and [row["study"][-3:] for row in json.loads(text)["studies"]] == ["two"]
    assert load_track(out / "two").log_evidence.tolist() == before.log_evidence.tolist()
    # What is there and is not what is asked is reported, and left.
    code, text, _ = call("batch", str(studies), "--out", str(out), "--do", "forecast", *FEW)
    rows = json.loads(text)["studies"]
    assert code == 3 and len(rows) == 2 and all("something else" in row["error"] for row in rows)


def test_a_folder_without_studies_is_refused(call, tmp_path):
    code, _, err = call("batch", str(tmp_path), "--out", str(tmp_path / "runs"))
    assert code == 2 and "there is no study" in err and not (tmp_path / "runs").exists()
