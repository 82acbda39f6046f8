"""Studies of data frames: the same study by every door, and clear words where one does not open."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import beliefs
from beliefs.cli.app import main
from beliefs.errors import StudyError
from beliefs.study.tables.append import with_rows

SIDES = {"north": "exports", "south": ["-losses", "prices"]}
HELD = ["2024-06-03", "2024-06-20", "2024-09-10"]


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=40, freq="7D", name="date")
    walk = 100.0 * np.exp(np.cumsum(0.03 * rng.normal(size=(40, 2)), axis=0))
    values = {"exports": walk[:, 0], "losses": rng.poisson(10, 40), "prices": walk[:, 1]}
    frame = pd.DataFrame(values, index=days).astype(float)
    frame.iloc[5, 0] = np.nan
    return frame


def study_of(frame, **more):
    return beliefs.Study.from_frames(frame, sides=SIDES, talks=HELD, **more)


def test_wide_long_and_xarray_frames_make_one_study(wide):
    rows = wide.reset_index().melt("date", var_name="indicator").sample(frac=1.0, random_state=1)
    talks = pd.DataFrame({"date": HELD, "format": "direct"})
    dated = wide.reset_index().assign(date=lambda of: of["date"].dt.strftime("%Y-%m-%d"))
    one = study_of(wide)
    for other in (
        study_of(rows),
        study_of(dated),
        study_of(wide.to_xarray()),
        study_of(xr.DataArray(wide, dims=("date", "indicator"))),
        beliefs.Study.from_frames(wide, sides=SIDES, talks=talks),
    ):
        assert other.sha256 == one.sha256


def test_what_is_not_said_is_guessed_from_the_values(wide):
    study = study_of(wide)
    assert [i.transform for i in study.spec.indicators] == ["log", "count", "log"]
    directions = {i.id: (i.direction, i.own) for i in study.spec.indicators}
    assert directions == {
        "exports": ({"north": 1, "south": -1}, ("north",)),
        "losses": ({"south": -1, "north": 1}, ("south",)),
        "prices": ({"south": 1, "north": -1}, ("south",)),
    }
    inputs = beliefs.build_inputs(study)
    assert inputs.step_days == 7 and inputs.talks.sum() == len(HELD)
    assert inputs.seen[1].all()  # enough history before the period to say what is news
    daily = wide.set_axis(pd.date_range("1914-01-01", periods=40))
    assert beliefs.Study.from_frames(daily, sides=SIDES).spec.period.step == "day"


def test_settings_and_readings_replace_guesses(wide):
    more = wide.assign(poll=np.linspace(40.0, 60.0, len(wide)))
    study = study_of(
        more, readings={"north": "poll"}, period=("2024-03-04", "2024-09-29", "week"),
        settings={"indicators": {"prices": {"transform": "identity"}}, "crack": {"threshold": 0.4}},
    )  # fmt: skip
    assert study.spec.indicators[-1].transform == "identity" and study.spec.crack.threshold == 0.4
    reading = beliefs.build_inputs(study).reading
    assert study.grid.n == 30 and (~np.isnan(reading[0, -1])).all()
    share = more["poll"].loc["2024-03-04"] / 100.0
    assert reading[0, -1, 0] == pytest.approx(np.log(share / (1.0 - share)))


def test_a_folder_of_it_is_the_same_study(wide, tmp_path):
    study = study_of(wide, name="mine")
    again = beliefs.load_study(study.to_folder(tmp_path / "kept"))
    assert again.sha256 == study.sha256
    guesses = (tmp_path / "kept" / "study.toml").read_text().count("# guessed")
    assert guesses > 10


def test_a_track_goes_on_with_rows_of_frames_and_files(wide, tmp_path):
    track = beliefs.track(study_of(wide.iloc[:-2]), "M1", particles=800, seed=1)
    # Rows that the study has already are no news, whichever frame or file holds them.
    wide.to_csv(tmp_path / "wide.csv", index_label="date")
    more = [tmp_path / "wide.csv", pd.DataFrame({"date": HELD, "format": "direct"})]
    done = beliefs.update(track, data=more, to="2024-10-06")
    whole = beliefs.track(study_of(wide), "M1", particles=800, seed=1)
    assert done.path is None and done.rows == 6
    belief = [np.average(t.mean[-1], axis=0, weights=t.weights()) for t in (done.track, whole)]
    assert np.allclose(*belief, atol=0.25)  # log-odds; the periods are as long


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"sides": {"north": "export", "south": "losses"}}, "export"),
        ({"sides": {"north": "exports", "south": "losses"}}, "prices"),
        ({"sides": SIDES, "talks": pd.DataFrame({"when": HELD})}, "when"),
        ({"sides": SIDES, "talks": ["3 June 2024"]}, "3 June 2024"),
        ({"sides": {**SIDES, "third": "prices"}}, "third"),
        ({"sides": SIDES, "settings": {"indicators": {"loses": {"transform": "log"}}}}, "loses"),
    ],
)
def test_a_slip_is_named(wide, given, found):
    with pytest.raises(StudyError) as error:
        beliefs.Study.from_frames(wide, **given)
    assert found in error.value.found


def test_names_as_people_write_them_become_ids(wide, tmp_path):
    named = wide.rename(columns={"losses": "US KIA"}).set_axis(wide.index.to_period("W"))
    kinds = pd.DataFrame({"date": ["2024-05-02"], "initiator": ["United States"], "kind": "threat"})
    study = beliefs.Study.from_frames(
        named, sides={"United States": ["-US KIA", "exports"], "north": "prices"},
        events=kinds, settings={"indicators": {"US KIA": {"unit": "men"}}}, name="Korean War",
    )  # fmt: skip
    assert study.spec.side_ids == ("united_states", "north") and study.name == "korean-war"
    late = kinds.assign(date=["2024-05-03"])
    assert with_rows(study, [late, kinds], tmp_path / "new").rows == 1
    assert study.spec.sides[0].name == "United States"
    (killed,) = (i for i in study.spec.indicators if i.id == "us_kia")
    assert (killed.label, killed.unit, killed.direction["north"]) == ("US KIA", "men", 1)
    assert study.tables.events["initiator"].tolist() == ["united_states"]
    assert study.tables.indicators["date"].max() == np.datetime64("2024-10-06")


def test_months_are_dated_on_their_last_day(wide):
    months = {"date": ["2024-01", "2024-02", "2024-03"], "exports": [1.0, 2.0, 3.0]}
    study = beliefs.Study.from_frames(months, sides={"north": "exports", "south": "-exports"})
    assert study.tables.indicators["date"].tolist()[1].isoformat() == "2024-02-29"
    assert study.spec.period.step == "month"


def test_words_among_numbers_are_named(wide):
    words = wide.astype(object)
    words.iloc[1, 1] = "n/a"
    with pytest.raises(StudyError, match="losses of 2024-01-08") as error:
        study_of(words)
    assert error.value.found == "'n/a'"


def test_a_study_is_made_of_a_csv_file(wide, tmp_path, capsys):
    held = wide.index.isin(pd.to_datetime(["2024-06-03", "2024-09-09"])).astype(int)
    file = tmp_path / "data.csv"
    wide.rename(columns={"exports": "Exports (m)"}).assign(**{"Talks?": held}).to_csv(file)
    assert main(["new-study", str(tmp_path / "mine"), "--from", str(file)]) == 0
    study = beliefs.load_study(tmp_path / "mine")
    assert [i.id for i in study.spec.indicators] == ["exports_m", "losses", "prices"]
    assert study.spec.indicators[0].label == "Exports (m)"
    assert beliefs.build_inputs(study).talks.sum() == 2
    (tmp_path / "none.csv").write_text("a,b\nx,y\n")
    assert main(["new-study", str(tmp_path / "other"), "--from", str(tmp_path / "none.csv")]) == 2
    assert not (tmp_path / "other").exists() and "no study" in capsys.readouterr().err


def test_a_round_that_is_announced_is_set_for_its_day_until_it_is_called_off(wide):
    rounds = [
        ("2024-06-03", "2024-06-03", "direct", "talks"),
        ("2024-06-10", "2024-06-24", "none", "announced"),  # two weeks ahead: kept in mind
        ("2024-07-01", "2024-07-05", "none", "announced"),  # in the same week: no forecast reads it
        ("2024-07-08", "2024-08-12", "none", "announced"),
        ("2024-07-22", "2024-07-22", "none", "cancelled"),  # calls the one before off
        ("2024-09-30", "2024-10-16", "none", "announced"),
    ]
    talks = pd.DataFrame(rounds, columns=["date", "date_end", "format", "label"])
    study = beliefs.Study.from_frames(wide, sides=SIDES, talks=talks)
    inputs = beliefs.build_inputs(study)
    (first,) = np.flatnonzero(inputs.dates == np.datetime64("2024-06-24"))
    n = len(inputs.dates)
    assert inputs.set_for.tolist() == [first, n + 1]  # the week of 14 October
    then = beliefs.load_study(study.path, as_of="2024-07-14")
    august = int(np.flatnonzero(inputs.dates == np.datetime64("2024-08-12"))[0])
    assert beliefs.build_inputs(then).set_for.tolist() == [first, august]
    track = beliefs.track(study, "simple", particles=1000, seed=1)
    chances = beliefs.forecast(track, 6, seed=1).paths.talks.mean(axis=0)
    assert chances[1] > 0.5 > 2.0 * chances[[0, 4, 5]].max()
