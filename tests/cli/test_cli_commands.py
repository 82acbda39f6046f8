"""Every command does its one thing, and its exit code says how it went."""

import datetime as dt
import json

import pytest
from posteriors import PASSED, small_posterior

import beliefs
from beliefs.errors import ConvergenceError, StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.action_draws import action_draws
from beliefs.model.theory import load_theory
from beliefs.records.run import load_run, save_run
from beliefs.reporting.report import write_report
from beliefs.simulation.interventions import Intervention, load_interventions


def test_a_new_study_passes_the_check(call, tmp_path):
    code, out, _ = call("new-study", tmp_path / "mine")
    assert code == 0 and "beliefs check" in out
    page = tmp_path / "seen.html"
    code, out, _ = call("check", tmp_path / "mine", "--plot", page)
    assert code == 0 and "is in order" in out and "north: action" in page.read_text()
    assert call("check", tmp_path / "mine", "--plot", page)[0] == 4
    code, out, _ = call("check", tmp_path / "mine", "--as-of", "2026-01-12", "--json")
    row = json.loads(out)
    assert code == 0 and row["active_periods"] == 12 and row["periods"] == 31
    table = tmp_path / "mine" / "indicators.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    code, out, _ = call("check", tmp_path / "mine")
    assert code == 0 and "note        indicators.csv has no rows" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["check", "atlantis"], "atlantis"),
        (["check", "us-civil-war", "--as-of", "1850-01-01"], "1850-01-01"),
        (["check", "us-civil-war", "--as-of", "tomorrow"], "tomorrow"),
        (["theories", "--show", "mutual_pessimism"], "mutual_pessimism"),
        (["forecast", "no/such/run"], "no/such/run"),
        (["conquer"], "conquer"),
        (["run", "us-civil-war", "--draws", "3"], "--draws"),
        (["run", "us-civil-war", "--seed", "-1"], "--seed"),
        (["fit", "us-civil-war"], "--out"),
    ],
)
def test_bad_input_ends_with_2_and_names_the_culprit(call, arguments, named):
    code, out, err = call(*arguments)
    assert code == 2 and out == ""
    assert named in err and "Traceback" not in err


def test_theories_are_listed_and_shown_with_unit_source_and_null_value(call):
    code, out, _ = call("theories")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == [
        *(f"M{k}" for k in range(5)), "S"
    ]  # fmt: skip
    code, out, _ = call("theories", "--show", "mutual_optimism", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    row = rows["rival_persistence"]
    assert code == 0 and row["null"] == "0.0" and row["free"]
    assert all(row["unit"] and row["source"] and row["meaning"] for row in rows.values())
    assert "rival_persistence [side] (evidence)" in call("theories", "--show", "M1")[1]


TURNOVER = '[[intervention]]\nkind = "turnover"\nside = "south"\ndate = 2026-03-05\n'


@pytest.fixture(scope="module")
def run(rich_folder, tmp_path_factory):
    """A run of few draws with its own horizon, seed and intervention, and its own report."""
    few = small_posterior(rich_folder, size=(2, 50))
    action_draws(few, "posterior", particles=100)
    plan = [Intervention("turnover", dt.date(2026, 3, 5), side="south")]
    result = forecast(few, 14, seed=9, interventions=plan, allow_failed=True)
    summary = summarise(result)
    return save_run(
        tmp_path_factory.mktemp("runs") / "run", few, forecast=result, summary=summary, settings={},
        report=lambda path, manifest: write_report(result, summary, path, manifest),
    )  # fmt: skip


def test_a_run_is_forecast_again_to_the_same_numbers_beside_no_intervention(call, run, tmp_path):
    file = tmp_path / "what_if.toml"
    file.write_text(TURNOVER)
    asked = ("forecast", run, "--allow-failed", "--intervene", file)
    kept = json.loads((run / "forecast.json").read_text())
    code, out, _ = call(*asked, "--json")
    document = json.loads(out)
    assert code == 0 and any(row["difference"] != 0 for row in document.pop("differences"))
    assert document == kept and kept["interventions"] == ["turnover south 2026-03-05"]
    code, out, _ = call(*asked, "--seed", 6)
    assert code == 0 and "north" in out.lower()
    assert "Against no intervention" in out and "instead of" in out
    file.write_text(TURNOVER.replace("turnover", "earthquake"))
    code, _, err = call(*asked)
    assert code == 2 and "earthquake" in err


def test_python_and_the_command_line_say_the_same_by_default(call, run):
    """Actions simulated, the same base rates: one posterior, one seed, one document."""
    ahead = forecast(load_run(run), 14, seed=9, allow_failed=True)  # the run's own seed
    assert ahead.paths.events is not None
    code, out, _ = call("forecast", run, "--json", "--allow-failed")
    assert code == 0 and json.loads(out) == summarise(ahead)


def test_a_report_written_anew_is_the_runs_own_report(call, run, tmp_path):
    page = tmp_path / "again.html"
    code, _, err = call("report", run, "--out", page)
    assert code == 0, err
    assert page.read_bytes() == (run / "report.html").read_bytes()
    code, _, err = call("report", run, "--out", page, "--seed", 0)
    assert code == 0, err
    assert page.read_bytes() != (run / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("more", "old", "new", "named"),
    [
        ((), "turnover", "earthquake", "earthquake"),
        (("--horizon", 2), "2026-03-05", "2026-03-20", "2026-03-20"),
        (("--horizon", 5001), "", "", "5001"),
    ],
)
def test_a_slip_in_the_plan_of_a_run_is_told_before_it_samples(
    call, rich_folder, tmp_path, monkeypatch, more, old, new, named
):
    monkeypatch.setattr(
        "beliefs.inference.sampled.track", lambda *_, **__: pytest.fail("it sampled")
    )
    file, out = tmp_path / "what_if.toml", tmp_path / "run"
    file.write_text(TURNOVER.replace(old, new) if old else TURNOVER)
    code, text, err = call("run", rich_folder, "--out", out, "--intervene", file, *more)
    assert code == 2 and text == "" and named in err
    assert not out.exists()


def test_what_goes_wrong_after_sampling_does_not_cost_the_posterior(
    call, rich_folder, tmp_path, monkeypatch, capsys
):
    def fail(*_):
        raise RuntimeError("the pen broke")  # no error of the package's own

    drawn = small_posterior(rich_folder, "base_rate", size=(2, 50), report=PASSED)
    monkeypatch.setattr("beliefs.cli.runs.sampled", lambda *_, **__: drawn)
    monkeypatch.setattr("beliefs.reporting.report.write_report", fail)
    out = tmp_path / "run"
    with pytest.raises(RuntimeError, match="the pen broke"):
        call("run", rich_folder, "--out", out, "--horizon", 7, "--beliefs-only")
    text, err = capsys.readouterr()
    assert text == "" and f"the posterior is kept in {out}" in err
    assert load_run(out).report.passed and not (out / "forecast.json").exists()


def test_a_failed_convergence_check_ends_with_3(call, run):
    code, out, err = call("forecast", run, "--horizon", 7)
    assert code == 3 and out == "" and "--allow-failed" in err and "`beliefs track`" in err
    assert json.loads((run / "forecast.json").read_text())["allowed_failed"] is True
    with pytest.raises(ConvergenceError) as caught:  # from Python it advises arguments
        forecast(load_run(run), 7, seed=1)
    said = str(caught.value)
    assert "--" not in said and "allow_failed" in said and "beliefs.track" in said


def test_a_bug_is_not_dressed_up_as_bad_input(call, monkeypatch):
    def bug():
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("beliefs.cli.studies.list_studies", bug)
    with pytest.raises(ZeroDivisionError):
        call("studies")


def test_the_version_is_printed(call):
    assert call("--version") == (0, f"beliefs {beliefs.__version__}\n", "")


def test_marks_of_spreadsheets_and_editors_are_no_part_of_a_plan_or_a_prior(tmp_path):
    plan, prior = tmp_path / "plan.toml", tmp_path / "prior.toml"
    plan.write_text(TURNOVER, encoding="utf-8-sig")
    table = '[priors.rival_persistence]\ndist = "HalfNormal"\nsigma = 0.3\n'
    prior.write_text(table, encoding="utf-8-sig")
    assert load_interventions(plan)[0].kind == "turnover"
    assert load_theory("M1", prior).priors["rival_persistence"]["sigma"] == 0.3


DOORS = {
    "fit": lambda study, out: beliefs.fit(study, "M9", seed=1),
    "track": lambda study, out: beliefs.track(study, "M9", seed=1),
    "compare": lambda study, out: beliefs.compare(study, ["M0", "M9"], seed=1),
    "backtest": lambda study, out: beliefs.backtest(study, ["M9"], seed=1),
    "calibrate": lambda study, out: beliefs.calibrate("M9", study, out, sims=1, seed=1),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_looks_the_name_of_a_theory_up(door, rich_folder, tmp_path):
    with pytest.raises(StudyError, match="no such theory"):
        DOORS[door](beliefs.load_study(rich_folder), tmp_path / "out")
