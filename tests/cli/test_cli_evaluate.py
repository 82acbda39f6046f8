"""`beliefs backtest` prints its findings in every format, writes a whole folder, and refuses."""

import contextlib
import csv
import hashlib
import io
import json
import shutil

import numpy as np
import pytest
import xarray as xr

from beliefs.cli.app import main

FEW = ("--theory", "M0", "--horizons", "7,30", "--particles", "100", "--draws", "50")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run folder of a small backtest, and its JSON document."""
    out = tmp_path_factory.mktemp("backtests") / "duel"
    with contextlib.redirect_stdout(io.StringIO()) as text:
        assert main(["backtest", "synthetic-duel", *FEW, "--out", str(out), "--json"]) == 0
    return out, json.loads(text.getvalue())


def test_the_folder_holds_frame_scores_and_how_they_were_made(written):
    out, document = written
    names = {p.name for p in out.iterdir()}
    assert names == {
        "manifest.json", "forecasts.nc", "scores.csv", "skill.csv", "reliability.csv", "pit.csv",
        "theories.json", "study",
    }  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    for key in ("study_sha256", "theories", "seed", "particles", "draws", "every", "horizons"):
        assert manifest[key] == document[key]
    for name, wanted in manifest["tables_sha256"].items():
        assert hashlib.sha256((out / f"{name}.csv").read_bytes()).hexdigest() == wanted
    with xr.open_dataset(out / "forecasts.nc", engine="netcdf4") as data:
        assert data["happened"].dims == ("theory", "origin", "horizon", "target", "sample")
        assert data.sizes["origin"] == manifest["origins"] == len(document["origins"])
        assert {"talks", "crack_red", "talks_rational"} <= set(data["target"].values.tolist())
        scores = list(csv.DictReader((out / "scores.csv").open()))
        talks = data["happened"].sel(theory="M0", target="talks", horizon=7)
        mine = [
            float(r["p"]) for r in scores
            if r["forecaster"] == "M0" and r["target"] == "talks" and r["horizon"] == "7"
        ]  # fmt: skip
        np.testing.assert_allclose(mine, talks.mean("sample").values, atol=1e-7)


def test_forecasts_of_a_folder_are_scored_anew_without_any_forecast(
    call, written, tmp_path, monkeypatch
):
    def never(*_, **__):
        raise AssertionError("it forecast")

    monkeypatch.setattr("beliefs.evaluation.backtest.frames.track_blocks", never)
    out, document = written
    code, text, _ = call("backtest", "--again", out, "--out", tmp_path / "new", "--json")
    assert code == 0 and json.loads(text) == document
    for name in ("scores.csv", "skill.csv", "pit.csv", "reliability.csv", "theories.json"):
        assert (tmp_path / "new" / name).read_bytes() == (out / name).read_bytes(), name
    code, text, _ = call("backtest", "--again", out)
    assert code == 0 and "No theory beats climatology on any target of this study." in text


def test_origins_lie_between_two_days_and_progress_is_lines_without_a_terminal(call, monkeypatch):
    monkeypatch.setattr("beliefs.cli.options.EVERY_SECONDS", 0.0)
    between = ("--from", "2001-03-01", "--to", "2001-03-16", "--every", "5")
    code, out, err = call("backtest", "synthetic-duel", *FEW, *between, "--json")
    assert code == 0
    assert json.loads(out)["origins"] == [f"2001-03-{day:02}" for day in (1, 6, 11, 16)]
    assert {"M0: tracking", "scores"} <= set(err.splitlines()) and "M0: tracking" not in out


@pytest.mark.parametrize(
    ("file", "old", "new", "status", "words"),
    [
        ("manifest.json", '"backtest"', '"run"', 2, "manifest.json in the run folder is damaged"),
        ("manifest.json", '"every": 7', '"every": 14', 4, "not those of this study"),
        ("study/events.csv", "\n", "\n\n", 4, "not the one that forecasts were made of"),
        ("forecasts.nc", None, None, 2, "forecasts.nc in the run folder is damaged"),
        ("forecasts.nc", "when", None, 2, "forecasts.nc in the run folder is damaged"),
    ],
)
def test_a_folder_that_does_not_fit_is_not_scored(
    call, written, tmp_path, file, old, new, status, words
):
    copy = tmp_path / "copy"
    shutil.copytree(written[0], copy)
    place = copy / file
    if file == "study/events.csv":
        lines = place.read_text().splitlines(keepends=True)
        place.write_text("".join(lines[:-1]))
    elif old is None:
        place.write_bytes(b"nothing")
    elif new is None:  # an array that lacks a dimension
        data = xr.load_dataset(place)
        data.assign({old: data[old][..., 0]}).to_netcdf(place)
    else:
        place.write_text(place.read_text().replace(old, new))
    code, _, err = call("backtest", "--again", copy)
    assert code == status and words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--json", "--csv"), "two formats"),
        (("--horizons", "7,soon"), "no horizons"),
        (("--again", "somewhere"), "the run folder alone"),
    ],
)
def test_what_cannot_be_done_is_said(call, arguments, words):
    code, _, err = call("backtest", "synthetic-duel", *FEW[2:], *arguments)
    assert code == 2 and words in err
