"""New rows of an update: data frames, rows that are there already, rows after the study's end."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_actions import HEADER, row, write_actions
from make_study import day as day_of

from beliefs import ConflictError, StudyError, load_track, save_run, track, update
from beliefs.records.run import _grown
from beliefs.study.load import load_study, read_study

DAY, NEXT, SHORT = "2026-02-13", "2026-02-14", "2026-02-15"


def talk(**more):
    """A new round of talks, as a row of a data frame."""
    cells = {
        "talk_id": "NEW", "date": NEXT, "date_end": "", "published_at": NEXT, "format": "direct",
        "label": "talks", "direct": 1, "venue": "Harbour", "confidence": "high", "source_url": "",
    }  # fmt: skip
    return cells | more


@pytest.mark.parametrize("name", ["indicators", "events", "talks", "coverage", "agreements"])
@pytest.mark.parametrize("day", [DAY, None], ids=["as known", "whole"])
def test_rows_of_the_study_handed_back_are_nothing_new(run, rich_folder, tmp_path, name, day):
    frame = getattr(load_study(rich_folder, as_of=day), name)
    if not len(frame):
        pytest.skip("the study has no such rows")
    with pytest.raises(ConflictError, match="nothing is new") as caught:
        update(run, tmp_path / "out", data=frame, to=DAY)
    assert caught.value.exit_code == 4 and "no row in data that" in caught.value.found


def test_a_table_saved_again_is_nothing_new(run, tmp_path):
    file = tmp_path / "indicators.csv"
    rows = pd.read_csv(run / "study" / "indicators.csv").astype({"value": float})
    rows.to_csv(file, index=False)
    assert re.search(r",\d+\.0$", file.read_text(), re.M)
    with pytest.raises(ConflictError, match="nothing is new"):
        update(run, tmp_path / "out", data=file)


def test_a_data_frame_may_hold_gaps_dates_and_flags_as_pandas_keeps_them(run, tmp_path):
    frame = pd.DataFrame(
        [talk(), talk(talk_id="OLD", direct=None, date_end=None), talk(talk_id="NO", direct=0)]
    )
    for column in ("date", "published_at"):
        frame[column] = pd.to_datetime(frame[column])
    assert frame["direct"].dtype == float  # 1.0, nan, 0.0
    done = update(run, tmp_path / "one", data=frame)
    assert done.given == 3 and str(done.track.study.as_of) == NEXT
    kept = load_study(tmp_path / "one" / "study").talks.set_index("talk_id")["direct"]
    assert kept["NEW"] == 1 and np.isnan(kept["OLD"]) and kept["NO"] == 0
    with pytest.raises(ConflictError, match="nothing is new"):
        update(tmp_path / "one", tmp_path / "two", data=frame.convert_dtypes())


@pytest.mark.parametrize(
    ("cells", "where", "found"),
    [
        ({"direct": 2}, "data row 7 column direct", "2"),
        ({"date": pd.Timestamp("2026-02-14", tz="Asia/Tehran")}, "data row 7 column date", "+0330"),
        ({"talk_id": "A", "venue": "Bay"}, "data row 7", "in row 3 of data"),
        ({"label": "chat"}, "data row 7 column label", "chat"),
    ],
)
def test_a_slip_in_a_data_frame_is_located_in_it(run, tmp_path, cells, where, found):
    frame = pd.DataFrame([talk(talk_id="A"), talk(**cells)], index=[3, 7])
    with pytest.raises(StudyError) as caught:
        update(run, tmp_path / "out", data=frame)
    assert caught.value.where.startswith(where) and found in caught.value.found
    assert "tmp" not in str(caught.value)


@pytest.fixture(scope="module")
def ending(rich_folder, tmp_path_factory):
    """The study with an earlier end of its period, and the rows published after that."""
    home = tmp_path_factory.mktemp("ending")
    folder = shutil.copytree(rich_folder, home / "study")
    toml = folder / "study.toml"
    toml.write_text(toml.read_text().replace("end = 2026-03-01", f"end = {SHORT}", 1))
    later = []
    for name in ("indicators", "events", "talks"):
        with (folder / f"{name}.csv").open(newline="") as opened:
            head, *rows = csv.reader(opened)
        day, published = head.index("date"), head.index("published_at")
        new = [row for row in rows if max(row[day], row[published]) > SHORT]
        for file, kept in ((folder / f"{name}.csv", rows), (home / f"{name}.csv", new)):
            mine = [row for row in kept if (row in new) == (kept is new)]
            file.write_text("".join(",".join(row) + "\n" for row in [head, *mine]))
        later.append(home / f"{name}.csv")
    coverage = folder / "coverage.csv"
    *kept, last = coverage.read_text().splitlines()
    cells = last.split(",")
    coverage.write_text("\n".join([*kept, ",".join([cells[0], SHORT, *cells[2:]])]) + "\n")
    return folder, later


def test_rows_after_the_end_of_the_period_move_it_on(tracked, ending, tmp_path):
    folder, later = ending
    before = save_run(tmp_path / "run", tracked(folder, DAY))
    with pytest.raises(StudyError, match="after the last period"):
        update(before, tmp_path / "out", to="2026-02-20")
    done = update(before, tmp_path / "one", data=later, to="2026-02-20")
    assert done.end is not None and str(done.end) >= "2026-02-20"
    done = update(tmp_path / "one", tmp_path / "two", to=str(done.end))
    assert done.end is None and str(done.track.study.as_of) > "2026-02-20"
    # As a track of the study as it stands now; priors keep to the first end.
    found = load_track(tmp_path / "two")
    fresh = track(found.study, found.theory, particles=900, seed=4)
    assert found.log_evidence[-1] == pytest.approx(fresh.log_evidence[-1], abs=0.5)
    assert str(found.study.spec.period.first_end) == SHORT
    # Nobody has said that anybody was watching on the new days.
    seen = found.inputs.observed.strikes_seen
    last = int((found.inputs.dates <= np.datetime64(SHORT)).sum())
    assert not seen[last:].any()
    assert any("ends on" in line for line in found.study.remarks)
    assert Path(folder / "study.toml").read_text().count("first_end") == 0


def test_rows_of_days_to_come_move_no_end(tracked, ending, tmp_path):
    before = save_run(tmp_path / "run", tracked(ending[0], DAY))
    rows = tmp_path / "new.csv"
    rows.write_text("indicator,date,published_at,value\nprice,2126-02-14,,250.0\n")
    with pytest.raises(ConflictError, match="nothing is new") as caught:
        update(before, tmp_path / "out", data=rows)
    assert "1 row of new.csv, not yet published" in caught.value.found


def test_the_end_of_an_agreement_is_news_when_it_is_published(tmp_path):
    source = read_study(write_actions(tmp_path / "s", agreements=[row("G1", 28, deadline=40)]))
    ended = row("G1", 28, deadline=40, ended=37, end_lag=2, end_kind="lapse")
    data = tmp_path / "new.csv"
    data.write_text(f"{HEADER}\n{','.join(map(str, ended))}\n")
    old = source.known(day_of(32))
    new, given, waiting = _grown(source, old, [data], None, tmp_path)
    assert (given, waiting) == (1, 0) and new.as_of == np.datetime64(day_of(39))
    assert new.tables.agreements["end_kind"].tolist() == ["lapse"]
    assert old.tables.agreements["end_kind"].tolist() == [""]


def test_a_row_of_a_day_that_has_not_come_waits(rich_folder, tmp_path):
    source = read_study(rich_folder)
    data = tmp_path / "new.csv"
    rows = f"price,{DAY},{NEXT},101.5\nprice,2026-02-20,2199-01-01,102.5\n"
    data.write_text("indicator,date,published_at,value\n" + rows)
    new, given, waiting = _grown(source, source.known("2026-02-10"), [data], None, tmp_path)
    assert str(new.as_of) == NEXT and (given, waiting) == (2, 1)


def test_times_of_day_in_a_data_frame_count_on_their_day(rich_folder, tmp_path):
    source = read_study(rich_folder)
    frame = pd.DataFrame({
        "indicator": ["price"], "date": [pd.Timestamp(f"{DAY} 12:00")],
        "published_at": [pd.Timestamp(f"{NEXT} 23:30")], "value": [101.5],
    })  # fmt: skip
    new, *_ = _grown(source, source.known("2026-02-10"), [frame], None, tmp_path)
    assert str(new.as_of) == NEXT
    frame["published_at"] = frame["published_at"].dt.tz_localize("Asia/Tehran")
    (tmp_path / "b").mkdir()
    with pytest.raises(StudyError, match="a time with a zone is not a day") as caught:
        _grown(source, source.known("2026-02-10"), [frame], None, tmp_path / "b")
    assert "row 0 column published_at" in caught.value.where
