"""`beliefs run`, really sampling: nothing looks ahead, and nothing is random but the seed."""

import json
import shutil

import pandas as pd
import pytest

from beliefs.cli.app import main
from beliefs.model.theory import load_theory
from beliefs.records.run import load_run
from beliefs.study.load import load_study

pytestmark = pytest.mark.xdist_group("fit")

SETTINGS = [
    "--draws", "50", "--tune", "100", "--chains", "2", "--allow-failed", "--json", "--horizon", "14"
]  # fmt: skip


@pytest.fixture
def run(capsys, tmp_path):
    """Run a study; return its JSON and its run folder."""
    count = iter(range(99))

    def go(folder, *more):
        out = tmp_path / f"run-{next(count)}"
        code = main(["run", str(folder), "--out", str(out), *SETTINGS, *more])
        text, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(text), out

    return go


def without_later_rows(folder, copy, known):
    """A copy of a study whose rows published after a day are deleted."""
    shutil.copytree(folder, copy)
    lags = {i.id: i.publication_lag for i in load_study(folder).spec.indicators}
    day = pd.Timestamp(known)
    removed = 0
    for name in ("indicators", "events", "talks", "coverage"):
        table = pd.read_csv(copy / f"{name}.csv", dtype=str, keep_default_na=False)
        if name == "coverage":  # it must span the period: say of the future that nobody looked
            table.loc[pd.to_datetime(table["start"]) > day, "density"] = "none"
            table.to_csv(copy / f"{name}.csv", index=False)
            continue
        when = pd.to_datetime(table["published_at"].where(table["published_at"] != ""))
        if name == "indicators":
            lag = pd.to_timedelta(table["indicator"].map(lags), unit="D")
            when = when.fillna(pd.to_datetime(table["date"]) + lag)
        keep = when <= day
        removed += int((~keep).sum())
        table[keep].to_csv(copy / f"{name}.csv", index=False)
    return removed


@pytest.mark.parametrize("known", ["2026-01-24", "2026-02-04", "2026-02-19"])
def test_rows_published_later_change_no_number(fitted, run, rich_folder, tmp_path, known):
    removed = without_later_rows(rich_folder, tmp_path / "known", known)
    assert removed > 20
    whole, _ = run(rich_folder, "--as-of", known, "--seed", "5")
    cut, _ = run(tmp_path / "known", "--as-of", known, "--seed", "5")
    assert whole == cut
    assert whole["as_of"] == whole["origin"] == known


def test_one_seed_gives_one_document_and_another_seed_another(fitted, run, rich_folder):
    (one, folder), (again, second), (other, _) = (
        run(rich_folder, "--seed", seed) for seed in ("7", "7", "8")
    )
    assert one == again
    assert one["targets"] != other["targets"] and one["belief"] != other["belief"]
    hashes = [
        json.loads((f / "manifest.json").read_text())["posterior_content_sha256"]
        for f in (folder, second)
    ]
    assert hashes[0] == hashes[1]
    assert json.loads((folder / "forecast.json").read_text()) == one
    assert (folder / "report.html").stat().st_size > 10_000


def test_a_failed_gate_keeps_the_posterior_and_forecasts_nothing(
    fitted, rich_folder, tmp_path, capsys
):
    out = tmp_path / "run"
    strict = [s for s in SETTINGS if s != "--allow-failed"]
    assert main(["run", str(rich_folder), "--out", str(out), *strict]) == 3
    text, err = capsys.readouterr()
    assert text == "" and "failed its gate" in err and f"the posterior is kept in {out}" in err
    assert (out / "posterior.nc").is_file() and not (out / "forecast.json").exists()


def test_a_prior_file_makes_another_theory_of_the_run(run, rich_folder, tmp_path):
    # Under the theory without beliefs, because its model compiles soonest.
    file = tmp_path / "priors.toml"
    file.write_text(
        '[priors.onset_base]\ndist = "Normal"\nmu = -9.0\nsigma = 0.01\n'
        '[priors.deadlock_shape]\ndist = "Normal"\nmu = 0.0\nsigma = 0.01\n'
    )
    document, folder = run(rich_folder, "--theory", "base_rate", "--priors", str(file))
    assert document["theory_sha256"] == load_theory("base_rate", file).sha256
    assert document["theory_sha256"] != load_theory("base_rate").sha256
    talks = [row for row in document["targets"] if row["target"] == "talks"]
    assert talks and all(row["p"] < 0.05 for row in talks)
    assert not {row["target"] for row in document["targets"]} & {"crack", "talks_rational"}

    onset = load_run(folder).tree["posterior"]["onset_base"]
    assert float(onset.mean()) == pytest.approx(-9.0, abs=0.01)
