"""Run folders of tracks and their updates, what moved between two, whether one can be had again."""

import datetime as dt
import json
import shutil

import h5py
import numpy as np
import pytest
import xarray as xr
from make_study import csv_text, talk
from posteriors import FAILED, small_posterior

from beliefs import Sampling, fit, forecast, load_study, load_theory, save_run, summarise
from beliefs.errors import ConflictError, ConvergenceError, StudyError
from beliefs.forecasting.probability import probability
from beliefs.forecasting.summary import horizon_days
from beliefs.inference.smc.track import track
from beliefs.records.compare_runs import diff_runs, monte_carlo_distance, reproduce
from beliefs.records.files import content_hash, read_manifest
from beliefs.records.ledger.register import entry_of
from beliefs.records.run import load_run, load_track, update

DAY, NEXT, END = "2026-02-13", "2026-02-14", "2026-03-01"


@pytest.fixture(scope="module")
def believing(tracked, rich_folder, tmp_path_factory):
    """A track with beliefs, to the middle of the study."""
    out = tmp_path_factory.mktemp("tracks") / "run"
    return save_run(out, tracked(rich_folder, DAY, "mutual_optimism"))


@pytest.fixture
def short(monkeypatch):
    """Forecasts of two weeks where no horizon is given."""
    monkeypatch.setattr("beliefs.forecasting.forecast.default_horizon", lambda _: 14)


def agree(one, other):
    """Whether the last posteriors of two tracks are within Monte-Carlo error of one another."""
    size = int(min(one.report().ess, other.report().ess))
    trees = (found.at(found.ends[-1], draws=size).tree for found in (one, other))
    distance, limit, _ = monte_carlo_distance(*trees)
    return distance <= limit and one.n_time == other.n_time


def test_a_saved_track_is_loaded_with_every_bit(tracked, run, rich_folder):
    back = load_track(run)
    assert content_hash(back.to_tree()) == content_hash(tracked(rich_folder, DAY).to_tree())
    assert back.rejuvenations == tracked(rich_folder, DAY).rejuvenations
    assert {p.name for p in run.iterdir()} == {"manifest.json", "study", "theory.json", "track.nc"}


def test_an_update_is_the_track_of_all_rows(state, tracked, run, rich_folder, tmp_path):
    before = state(run)
    first = update(run, tmp_path / "one", to=NEXT)
    assert (first.periods, first.back, first.back_to, first.took_over) == (1, 0, None, False)
    update(tmp_path / "one", tmp_path / "two", to=END)
    whole = tracked(rich_folder, END)
    assert agree(load_track(tmp_path / "two"), whole)
    assert state(run) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


ROWS = "indicator,date,published_at,value\n"


def test_new_rows_come_from_a_file_and_the_same_rows_twice_are_nothing_new(run, tmp_path):
    # As of the next day, when the study's own folder holds a price already: another day's.
    rows = tmp_path / "new.csv"
    rows.write_text(ROWS + "price,2026-02-13,2026-02-14,250.0\n")
    done = update(run, tmp_path / "one", data=rows)
    assert str(done.track.study.as_of) == "2026-02-14"
    assert (done.given, done.waiting) == (1, 0) and done.rows > 1
    kept = (tmp_path / "one" / "study" / "indicators.csv").read_text()
    assert "price,2026-02-13,2026-02-14,250.0" in kept
    with pytest.raises(ConflictError, match="nothing is new") as caught:
        update(tmp_path / "one", tmp_path / "two", data=rows)
    assert "no row in new.csv" in caught.value.found
    assert not (tmp_path / "two").exists()


def test_a_late_row_makes_the_track_go_back_and_says_how_far(run, tmp_path):
    file = tmp_path / "late.csv"  # of the 28th of January, long before the as-of date
    file.write_text(csv_text("talks.csv", [talk("LATE", 23, form="indirect")]))
    done = update(run, tmp_path / "out", data=file)
    assert str(done.back_to) == "2026-01-28" and done.periods == 0
    assert done.back == 17  # 28 January to 13 February
    found = load_track(tmp_path / "out")
    fresh = track(found.study, found.theory, particles=900, seed=4)
    assert agree(found, fresh)
    before = load_track(run)
    at = before.period_of("2026-01-27") + 1
    np.testing.assert_array_equal(found.evidence[:at], before.evidence[:at])
    assert found.evidence[at] != before.evidence[at]


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("indicator,day,value\nprice,2026-02-14,3\n", "new.csv", "indicator"),
        ("indicator,date,value\nprice,2026-02-14,250\n", "new.csv:2", "indicators.csv"),
        (ROWS + "\nprize,2026-02-14,,250\n", "new.csv:3 column indicator", "prize"),
        # The study's own file holds that day's price already.
        (ROWS + "price,2026-02-14,2026-02-14,250.0\n", "new.csv:2", "indicators.csv"),
        (ROWS + "price,2026-02-14,,250.0\n", "new.csv:2", "indicators.csv"),
    ],
    ids=["header", "few columns", "indicator", "twice", "twice by the lag"],
)
def test_a_slip_in_the_new_rows_is_located_in_their_own_file(run, tmp_path, text, where, found):
    file = tmp_path / "new.csv"
    file.write_text(text)
    with pytest.raises(StudyError) as caught:
        update(run, tmp_path / "out", data=file)
    error = caught.value
    assert error.where.startswith(str(tmp_path)) and where in error.where
    assert found in error.found and error.expected and error.fix
    assert [p.name for p in tmp_path.iterdir()] == ["new.csv"]


def test_places_that_an_update_cannot_use_are_refused(state, run, rich_folder, tmp_path):
    before = state(run)
    with pytest.raises(ConflictError, match="exists already"):
        update(run, run, to=NEXT)
    with pytest.raises(StudyError, match="inside the old one"):
        update(run, run / "next", to=NEXT)
    with pytest.raises(StudyError, match="not a run folder"):
        update(tmp_path / "none", tmp_path / "out", to=NEXT)
    with pytest.raises(StudyError, match="not a run folder"):
        update(rich_folder, tmp_path / "out", to=NEXT)
    assert state(run) == before and list(tmp_path.iterdir()) == []


def test_a_track_that_fails_its_convergence_check_is_not_written_nor_compared(
    tracked, rich_folder, tmp_path
):
    few = save_run(tmp_path / "few", tracked(rich_folder, DAY, particles=300))
    found = diff_runs(few, few)
    assert found["targets"] == [] and "failed its convergence check" in found["no_targets"]
    with pytest.raises(ConvergenceError) as caught:
        update(few, tmp_path / "out", to=NEXT)
    assert caught.value.exit_code == 3 and "limit 400" in caught.value.found
    assert [p.name for p in tmp_path.iterdir()] == ["few"]


def test_a_changed_track_is_noticed(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    with h5py.File(copy / "track.nc", "r+") as file:
        file["periods/evidence"][3] += 1e-12
    with pytest.raises(StudyError, match="track in the run folder was changed"):
        load_track(copy)
    other = xr.Dataset({"evidence": ("time", [1.0])})
    other.to_netcdf(copy / "track.nc", engine="netcdf4")
    manifest = read_manifest(copy) | {"posterior_content_sha256": content_hash(xr.DataTree(other))}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StudyError, match=r"track\.nc in the run folder is damaged"):
        load_track(copy)


@pytest.mark.parametrize("which", ["run", pytest.param("believing", marks=pytest.mark.slow)])
def test_an_update_reproduces(which, request, tmp_path):
    update(request.getfixturevalue(which), tmp_path / "out", to="2026-02-17")
    found = reproduce(tmp_path / "out")
    assert found.verdict in ("bit-identical", "within Monte-Carlo error")
    assert found.forecast_identical is None


def test_a_track_with_another_seed_is_within_monte_carlo_error(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["seed"]["fit"] = 5
    (copy / "manifest.json").write_text(json.dumps(manifest))
    found = reproduce(copy)
    assert found.verdict == "within Monte-Carlo error"
    assert 0 < found.distance < found.limit and not found.posterior_identical


def test_probabilities_of_the_same_days_move_between_two_tracks(believing, short, tmp_path):
    folders = believing, tmp_path / "out"
    update(*folders, to="2026-02-17")
    result = [forecast(load_run(f), seed=1) for f in folders]
    found = diff_runs(*folders)
    assert found["rows"]["events"]["added"] > 0 and len(found["beliefs"]) == 2
    for item in found["beliefs"]:
        assert sum(p["mean"] for p in item["parts"]) == pytest.approx(item["change"], abs=1e-4)
    json.dumps(found, allow_nan=False)
    assert found["no_targets"] is None
    assert {t["by"] for t in found["targets"]} == {str(d) for d in horizon_days(result[0])}
    assert {t["target"] for t in found["targets"]} > {"crack", "talks_rational", "talks"}
    for t in found["targets"][::5]:
        then, now = (probability(f, t["target"], side=t["side"], by=t["by"]) for f in result)
        assert (t["then"], t["now"]) == pytest.approx((then.p, now.p), abs=1e-6)
        assert t["difference"] == pytest.approx(now.p - then.p, abs=2e-6)
        assert t["mcse"] == pytest.approx(np.hypot(then.mcse, now.mcse), abs=1e-6)


def test_what_is_registered_of_a_track_is_what_forecast_says(run, short):
    entry = entry_of(run)
    said = summarise(forecast(load_run(run), seed=1))
    held = {(t["target"], t["side"], t["by"], t.get("rule")): t["p"] for t in said["targets"]}
    assert {(t.target, t.side, str(t.by), t.rule): t.p for t in entry.targets} == held


def test_rows_published_between_two_origins_are_counted(rich_folder, tmp_path):
    late = small_posterior(rich_folder, "base_rate", size=(2, 50), report=FAILED)
    before = str(late.study.as_of - dt.timedelta(days=9))
    early = small_posterior(rich_folder, "base_rate", size=(2, 50), as_of=before, report=FAILED)
    found = diff_runs(save_run(tmp_path / "early", early), save_run(tmp_path / "late", late))
    for table in ("indicators", "events"):
        gained = len(getattr(late.study, table)) - len(getattr(early.study, table))
        assert gained > 0
        assert found["rows"][table]["added"] - found["rows"][table]["removed"] == gained
    json.dumps(found, allow_nan=False)


def test_two_samples_of_one_distribution_are_near_and_a_shifted_one_is_far():
    rng = np.random.default_rng(1)

    def tree(shift):
        values = rng.normal(size=(4, 500, 30)) + shift
        found = xr.Dataset({"x": (("chain", "draw", "k"), values)})
        return xr.DataTree.from_dict({"posterior": found})

    plain = tree(0.0)
    distance, limit, worst = monte_carlo_distance(plain, tree(0.0))
    assert 0 < distance < limit and worst == "x"
    assert monte_carlo_distance(plain, tree(0.3))[0] > limit
    assert monte_carlo_distance(plain, plain)[0] == 0
    more = xr.DataTree.from_dict({"posterior": plain["posterior"].to_dataset().assign(y=1.0)})
    with pytest.raises(ValueError, match="other variables"):
        monte_carlo_distance(plain, more)


@pytest.mark.slow
def test_a_fit_made_again_has_the_same_bits(rich_folder, tmp_path):
    settings = {"draws": 60, "tune": 150, "chains": 2, "cores": 2, "attempts": 1}
    study, how = load_study(rich_folder), Sampling(**settings)
    posterior = fit(study, load_theory("mutual_optimism"), seed=3, sampling=how)
    result = forecast(posterior, 20, seed=4, allow_failed=True)
    more = {"forecast": result, "summary": summarise(result), "settings": settings}
    found = reproduce(save_run(tmp_path / "run", posterior, **more))
    assert found.verdict == "bit-identical"
    assert found.posterior_identical and found.forecast_identical
