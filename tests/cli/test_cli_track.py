"""`beliefs track` and `beliefs update` in the terminal."""

import json
import time

import pytest
from make_study import csv_text, day, event, talk
from posteriors import small_posterior

from beliefs import new_study
from beliefs.cli.app import main
from beliefs.records.files import read_manifest
from beliefs.records.ledger.register import read_ledger
from beliefs.records.run import load_run, save_run

DAY, NEXT = "2026-02-13", "2026-02-14"
SETTINGS = ("--theory", "base_rate", "--particles", 900, "--seed", 4)


@pytest.fixture(scope="module")
def run(rich_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    arguments = ["track", rich_folder, "--as-of", DAY, "--out", out, *SETTINGS]
    assert main([str(a) for a in arguments]) == 0
    return out


def new_rows(to, table, *rows):
    """Write a file with new rows of a table."""
    file = to / f"{table}-new.csv"
    file.write_text(csv_text(f"{table}.csv", rows))
    return file


def test_a_track_is_updated_and_says_what_it_did(call, run, tmp_path):
    code, out, err = call("update", run, "--to", NEXT, "--out", tmp_path / "one")
    assert code == 0 and err == ""
    assert f"as of {NEXT}" in out and "1 new period" in out and "went back" not in out
    code, out, _ = call("update", run, "--to", NEXT, "--out", tmp_path / "two", "--json")
    row = json.loads(out)
    assert code == 0 and row["run"] == str(tmp_path / "two") and row["as_of"] == NEXT
    assert row["periods"] == 1 and row["back_to"] is None and row["convergence"]["passed"] is True
    for name in ("track.nc", "theory.json", "study/events.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_late_row_is_told_with_how_far_it_went_back(call, run, tmp_path):
    file = new_rows(tmp_path, "talks", talk("LATE", 25, form="indirect"))  # 30 January
    code, out, err = call("update", run, "--data", file, "--out", tmp_path / "out")
    assert code == 0, err
    assert "1 new row, 0 new periods" in out
    assert "--data brought 1 row\n" in out
    assert "inputs of 2026-01-30 had changed: went back 15 periods" in out
    code, _, err = call("update", tmp_path / "out", "--data", file, "--out", tmp_path / "again")
    assert code == 4 and "nothing is new" in err and not (tmp_path / "again").exists()


def test_rows_of_several_tables_come_in_at_once(call, run, tmp_path):
    price = ("price", day(-34), day(40), 99.0)  # a revision of that day
    new = {"talks": talk("LATE", 40), "events": event("LATE", 40), "indicators": price}
    files = [new_rows(tmp_path, table, row) for table, row in new.items()]
    every = [word for file in files for word in ("--data", file)]
    code, _, err = call("update", run, *every, "--to", NEXT, "--out", tmp_path / "out")
    assert code == 0, err
    for file in files:
        table = tmp_path / "out" / "study" / file.name.replace("-new", "")
        assert file.read_text().splitlines()[1] in table.read_text().splitlines()


@pytest.mark.parametrize(
    ("more", "code", "named"),
    [
        (("--to", DAY), 4, "nothing is new"),
        (("--to", "2026-02-12"), 2, "lies before that of the run"),
        (("--to", "2026-13-01"), 2, "no such day"),
        (("--data", "none.csv"), 2, "none.csv"),
        ((), 4, "--to DATE"),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(call, run, tmp_path, more, code, named):
    found, out, err = call("update", run, *more, "--out", tmp_path / "out")
    assert (found, out) == (code, "")
    assert named in err and "fix:" in err
    assert list(tmp_path.iterdir()) == []


def test_the_run_of_a_fit_is_gone_on_with(call, rich_folder, tmp_path):
    fit = save_run(tmp_path / "fit", small_posterior(rich_folder, "base_rate", as_of=DAY))
    before = {p: p.read_bytes() for p in fit.rglob("*") if p.is_file()}
    code, out, err = call("update", fit, "--to", NEXT, "--out", tmp_path / "one")
    assert code == 0, err
    assert "began with 1200 draws of the fit" in out and "1 new period" in out
    manifest = read_manifest(tmp_path / "one")
    assert manifest["start"]["method"] == "fit" and manifest["start"]["as_of"] == DAY
    arguments = ("--to", NEXT, "--particles", 600, "--out", tmp_path / "two")
    assert "began with 600 draws" in call("update", fit, *arguments)[1]
    # From there it goes on like any track, and still knows how it began.
    arguments = ("--to", "2026-02-17", "--out", tmp_path / "three")
    code, out, err = call("update", tmp_path / "one", *arguments)
    assert code == 0 and "3 new periods" in out and "began" not in out, err
    assert read_manifest(tmp_path / "three")["start"] == manifest["start"]
    assert str(load_run(tmp_path / "three").origin) == "2026-02-17"
    assert {p: p.read_bytes() for p in fit.rglob("*") if p.is_file()} == before


def test_other_commands_take_the_folder_of_a_track(call, run, tmp_path, monkeypatch):
    monkeypatch.setattr("beliefs.forecasting.forecast.default_horizon", lambda _: 14)
    code, out, err = call("forecast", run, "--horizon", 7, "--json")
    assert code == 0 and json.loads(out)["origin"] == DAY, err
    code, _, err = call("report", run, "--out", tmp_path / "page.html", "--horizon", 7)
    assert code == 0 and "A small study" in (tmp_path / "page.html").read_text("utf-8"), err
    code, out, err = call("reproduce", run)
    assert code == 0 and "bit-identical" in out, err
    code, out, err = call("update", run, "--to", NEXT, "--out", tmp_path / "next")
    code, out, err = call("diff", run, tmp_path / "next")
    assert code == 0 and f"from {DAY} to {NEXT}" in out, err


def test_a_morning_takes_in_rows_registers_and_resolves_once(call, tmp_path):
    new_study(tmp_path / "mine")
    desk, page = tmp_path / "desk", tmp_path / "desk" / "new" / "feb.csv"
    page.parent.mkdir(parents=True)
    assert call("watch", desk)[0] == 2 and not (desk / "runs").exists()
    begin = ("--study", tmp_path / "mine", "--theory", "base_rate", "--particles", 900)
    code, out, _ = call("watch", desk, *begin)
    assert code == 0 and "talks by 2026-02-07" in out
    ledger = (desk / "ledger.jsonl").read_bytes()
    code, out, _ = call("watch", desk, "--json")
    assert code == 0 and "nothing is new" in json.loads(out)["news"][0]
    assert (desk / "ledger.jsonl").read_bytes() == ledger
    head = "talk_id,date,date_end,published_at,format,label,direct,venue,confidence,source_url\n"
    page.write_text(f"{head}T9,2026-02-12,,,direct,talks,1,Harbour,high,\n")
    time.sleep(1.0)  # a run is named by its second
    code, out, _ = call("watch", desk)
    assert code == 0 and "talks by 2026-02-19" in out and " 0 resolved" not in out
    known = [str(f.as_of) for f in read_ledger(desk / "ledger.jsonl").forecasts.values()]
    assert known == ["2026-01-31", "2026-02-12"] and len(list((desk / "runs").iterdir())) == 2
