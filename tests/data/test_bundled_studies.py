"""Bundled studies are found by name, and say what their sources say and nothing not yet known."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from beliefs import ConflictError, StudyError, build_inputs, load_study
from beliefs.features.inputs import Observed
from beliefs.study.bundled import data_folder, find_study, list_studies, new_study
from beliefs.study.specfile import read_spec
from beliefs.study.tables.codebook import KINETIC

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war")


def table(*parts: str) -> pd.DataFrame:
    """Read a bundled table as text, every row, also those published after the period."""
    return pd.read_csv(DATA.joinpath(*parts), dtype=str, keep_default_na=False)


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("file", ["indicators.csv", "events.csv", "talks.csv"])
def test_nothing_is_published_before_it_happened(name: str, file: str) -> None:
    rows = table(name, file)
    assert len(rows) > 0
    assert (rows["published_at"] >= rows["date"]).all()
    assert (rows["published_at"].str.len() == 10).all()


@pytest.mark.parametrize("name", STUDIES)
def test_first_publication_follows_the_declared_lag(name: str) -> None:
    spec, _ = read_spec(DATA / name)
    rows = table(name, "indicators.csv").sort_values(["indicator", "date", "published_at"])
    first = rows.drop_duplicates(["indicator", "date"])
    lag = (pd.to_datetime(first["published_at"]) - pd.to_datetime(first["date"])).dt.days
    for indicator in spec.indicators:
        mine = lag[first["indicator"] == indicator.id]
        if indicator.source == "events" or indicator.id == "iaea_u60":
            continue
        if indicator.id == "hormuz_transits":  # later days stand in the revision of August alone
            mine = mine[first["date"] <= "2026-05-10"]
        assert set(mine) == {indicator.publication_lag}, indicator.id
        assert len(mine) > 60


def test_a_level_shift_of_approval_restarts_at_every_new_president() -> None:
    expected = [dt.date(2017, 1, 20), dt.date(2021, 1, 20), dt.date(2025, 1, 20)]
    for name, dates in (("us-iran-2012", expected), ("us-iran-2026", expected[-1:])):
        spec, _ = read_spec(DATA / name)
        approval = next(i for i in spec.indicators if i.id == "us_approval")
        assert list(approval.resets) == dates


def test_both_vintages_of_the_strait_are_present_and_never_spliced() -> None:
    rows = table("us-iran-2026", "indicators.csv")
    strait = rows[rows["indicator"] == "hormuz_transits"]
    revised = strait[strait["published_at"] == "2026-08-15"].set_index("date")["value"]
    original = strait[strait["published_at"] < "2026-07-01"].set_index("date")["value"]
    assert len(revised) + len(original) == len(strait)
    assert (original.index[0], original.index[-1]) == ("2024-12-01", "2026-05-10")
    assert (revised.index[0], revised.index[-1]) == ("2024-12-01", "2026-06-30")
    # Whoever takes the newest value of each day gets one vintage, for every day of the span.
    newest = strait.groupby("date", sort=True)["value"].last()
    pd.testing.assert_series_equal(newest, revised, check_names=False)
    both = original.index
    assert (original.astype(float) - revised[both].astype(float)).abs().max() > 10


def test_the_revision_of_august_is_not_seen_at_the_end_of_the_period() -> None:
    loaded = load_study(DATA / "us-iran-2026")
    strait = loaded.indicators[loaded.indicators["indicator"] == "hormuz_transits"]
    assert strait["date"].max() == pd.Timestamp("2026-05-10")
    assert strait["date"].is_unique


def test_talk_days_of_2026_are_the_nine_that_the_sources_name() -> None:
    talks = load_study(DATA / "us-iran-2026").talks
    rounds = talks[(talks["label"] == "talks") & (talks["date"] >= "2025-12-01")]
    days = {
        str(day.date())
        for first, last in zip(rounds["date"], rounds["date_end"], strict=True)
        for day in pd.date_range(first, last)
    }
    february = {"2026-02-06", "2026-02-17", "2026-02-26"}
    truce = {"2026-04-11", "2026-04-12", "2026-05-25", "2026-05-26"}
    assert days == february | truce | {"2026-06-21", "2026-06-22", "2026-06-30"}


def test_events_of_2026_are_the_coded_rows_without_the_other_track() -> None:
    events = table("us-iran-2026", "events.csv")
    assert len(events) == 485
    diplomatic = events["kind"].isin(["talks", "truce_start", "truce_extension", "deal_signed"])
    parties = {"us", "iran", "mediator"}
    ours = events["initiator"].isin(parties) | events["target"].isin(parties)
    assert ours[diplomatic].all()
    assert ((events["severity"] != "") == events["kind"].isin(list(KINETIC))).all()


def test_secret_rounds_are_not_known_before_their_report() -> None:
    known = set(load_study(DATA / "us-iran-2012", as_of="2024-02-18").talks["talk_id"])
    later = set(load_study(DATA / "us-iran-2012", as_of="2024-03-17").talks["talk_id"])
    assert later - known == {"T068"}


def test_victories_count_for_the_side_that_they_favoured() -> None:
    battles = table("us-civil-war", "events.csv").query("kind == 'strike'")
    assert battles["initiator"].value_counts().to_dict() == {"union": 13, "confederacy": 9}
    assert set(battles["severity"]) == {"4", "5"}
    lag = pd.to_datetime(battles["published_at"]) - pd.to_datetime(battles["date"])
    assert set(lag.dt.days) == {2, 4, 7}
    gettysburg = battles.query("date == '1863-07-03'")
    assert list(gettysburg["initiator"]) == ["union"]


def test_crises_and_wars_are_complete() -> None:
    crises, wars = table("crises", "icb_crises.csv"), table("wars", "war_talk_onsets.csv")
    assert len(crises) == 487
    assert list(crises["crisis"]) == [str(number) for number in range(1, 488)]
    assert (len(wars), (wars["verified"] == "1").sum()) == (51, 17)
    assert ((wars["verified"] == "1") == (wars["source_url"] != "")).all()


def test_bundled_files_are_small_plain_text() -> None:
    files = [path for path in DATA.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    assert {path.suffix for path in files} == {".csv", ".toml", ".md", ".json", ".jsonl"}
    for path in files:
        raw = path.read_bytes()
        assert b"\r" not in raw and raw.endswith(b"\n"), path
        raw.decode("utf-8")


@pytest.mark.skipif(
    "BELIEFS_RAW_DATA" not in os.environ,
    reason="BELIEFS_RAW_DATA does not name a folder of raw files; they are not part of the project",
)
def test_compiling_again_gives_the_same_bytes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "compile_studies.py"
    command = [sys.executable, str(script), os.environ["BELIEFS_RAW_DATA"], "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.csv"))
    bundled = sorted(
        path.relative_to(DATA)
        for path in DATA.rglob("*/*.csv")
        # Simulated, sampled, or what runs showed.
        if not {"synthetic-duel", "pooled", "evaluation"} & set(path.relative_to(DATA).parts)
    )
    assert made and made == bundled
    for name in made:
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


NAMES = ("us-iran-2026", "us-iran-2012")
US, IRAN = ("us", "israel"), ("iran", "iran_proxy")


@pytest.fixture(scope="module")
def war() -> tuple[Observed, np.ndarray]:
    inputs = build_inputs(load_study("us-iran-2026"))
    return inputs.observed, inputs.dates


def dense(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows published on a day of a dense span of 2026."""
    day = rows["published_at"]
    return rows[day.between("2026-02-28", "2026-03-29") | day.between("2026-04-06", "2026-06-30")]


def acts() -> pd.DataFrame:
    rows = table("us-iran-2026", "events.csv")
    rows = rows[rows["kind"].isin(KINETIC)]
    return rows.assign(severity=rows["severity"].astype(float))


def test_strikes_of_2026_are_the_acts_of_force_in_the_table(war):
    seen, _ = war
    for i, forces in enumerate((US, IRAN)):
        mine = dense(acts())
        mine = mine[mine["initiator"].isin(forces)]
        assert seen.strike_count[i, seen.strikes_seen].sum() == len(mine) > 70
        assert seen.strike_by_severity[i][:, seen.strikes_seen].sum() == len(mine)
        warned = (mine["prior_warning"] == "1").sum()
        assert seen.warned_by_severity[i][:, seen.strikes_seen].sum() == warned > 0
    assert seen.strikes_seen.sum() == 116
    instruments = build_inputs(load_study("us-iran-2026")).instruments
    assert instruments == ("timeline", "digest", "digest_wide")


def test_lines_touched_and_crossed_are_those_of_the_table(war):
    seen, _ = war
    levels = {"hormuz": 4} | dict.fromkeys(
        ("sovereign_soil", "leadership", "nuclear_site", "major_offensive", "gulf_infrastructure"),
        3,
    )
    rows = dense(acts())
    rows = rows.assign(level=rows["red_line"].map(levels)).dropna(subset="level")
    for i, forces in enumerate((US, IRAN)):
        mine = rows[rows["initiator"].isin(forces)]
        assert seen.line_touch[i].sum() == len(mine) > 40
        assert seen.line_cross[i].sum() == (mine["severity"] >= mine["level"]).sum() > 30


def test_the_truce_of_2026_has_its_breaches(war):
    seen, dates = war
    assert seen.truce_seen.sum() == 84 and str(dates[seen.truce_seen][0]) == "2026-04-08"
    severe = acts()[acts()["published_at"].between("2026-04-08", "2026-06-30")].query(
        "severity >= 2"
    )
    ours = severe["initiator"].isin(US) & (severe["target"] == "iran")
    theirs = severe["initiator"].isin(IRAN) & (severe["target"] == "us")
    days = sorted(set(severe["published_at"][ours | theirs]))
    assert [str(day) for day in dates[seen.breach > 0]] == days
    assert (len(days), days[0]) == (17, "2026-04-13")
    assert seen.breach_own.sum() == severe["initiator"].isin(["us", "iran"]).sum()
    third = severe[severe["initiator"].isin(["israel", "iran_proxy", "gulf_state", "none"])]
    assert seen.breach_other.sum() == len(third) == 34
    israel = set(severe["published_at"][severe["initiator"] == "israel"])
    assert seen.disobeyed.sum(axis=1).tolist() == [len(israel), 4]


def test_the_windows_of_2026_end_by_extension_and_by_deal(war):
    seen, dates = war
    ends = {str(dates[t]): int(seen.end_kind[t]) for t in np.flatnonzero(seen.truce_end)}
    assert ends == {"2026-04-21": 2, "2026-06-17": 4}
    # The truce of 2025 broke on the day on which dense recording began: that is not scored.
    assert not (seen.truce_end == 1).any()
    near = [str(day) for day in dates[seen.at_deadline > 0]]
    assert near == ["2026-04-20", "2026-04-21"]


def test_offers_replies_and_walkouts_of_2026_are_those_of_the_tables(war):
    seen, _ = war
    rows = dense(table("us-iran-2026", "events.csv"))
    dyadic = rows[rows["initiator"].isin(["us", "iran"]) & rows["target"].isin(["us", "iran"])]
    kinds = dyadic["kind"].value_counts()
    assert seen.reply_yes.sum() == kinds["acceptance"] + kinds["counter_offer"]
    assert seen.reply_no.sum() == kinds["rejection"]
    talks = table("us-iran-2026", "talks.csv")
    cancelled = talks[(talks["label"] == "cancelled") & (talks["date"] > "2025-12-01")]
    assert seen.walkout.sum() == len(cancelled) == 4
    assert seen.sanction.sum() == dense(rows[rows["kind"] == "sanction"])["published_at"].nunique()


@pytest.mark.parametrize("name", NAMES)
def test_every_agreement_is_read_from_a_row_that_stands_in_the_study(name):
    source = table("..", "scripts", "agreements.csv").set_index("agreement_id").to_dict("index")
    events, talks = table(name, "events.csv"), table(name, "talks.csv")
    address = dict(zip(events["event_id"], events["source_url"], strict=True))
    address |= dict(zip(talks["talk_id"], talks["source_url"], strict=True))
    rows = table(name, "agreements.csv")
    assert set(rows["agreement_id"]) <= set(source)
    for _, row in rows.iterrows():
        mine = source[row["agreement_id"]]
        key = mine["talk"] or mine["event"]
        if row["agreement_id"] == "A05" and name == "us-iran-2026":
            continue  # read from a row of 2016
        assert address[key] == row["source_url"], row["agreement_id"]
    sources = (DATA / name / "SOURCES.md").read_text(encoding="utf-8")
    for row in rows["agreement_id"]:
        key = source[row]["talk"] or source[row]["event"]
        assert any(f"| {row} |" in line and key in line for line in sources.splitlines()), row


def test_what_headlines_leave_out_is_seen_in_dense_weeks_only():
    inputs = build_inputs(load_study("us-iran-2012"))
    seen, dates = inputs.observed, inputs.dates
    spans = table("us-iran-2012", "coverage.csv")
    spans = spans[spans["density"] == "dense"]
    days = pd.DatetimeIndex(
        np.concatenate([pd.date_range(s, e) for s, e in zip(spans.start, spans.end, strict=True)])
    )
    week = dates[:, None] + np.arange(7).astype("timedelta64[D]")
    whole = np.isin(week, days.to_numpy().astype(week.dtype)).all(axis=1)
    assert 10 < whole.sum() < 30 < seen.strikes_seen.sum()
    for name in ("zone_seen", "peripheral_seen", "excluded_seen"):
        np.testing.assert_array_equal(getattr(seen, name), whole, err_msg=name)


def test_a_bundled_name_wins_over_a_folder_and_dot_slash_names_the_folder(tmp_path, monkeypatch):
    name = list_studies()[0]
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_study(name) == data_folder() / name
    assert find_study(f"./{name}") == tmp_path / name


@pytest.mark.parametrize("name", ["no-such-study", "", "a" * 5000, "a\0b", "../../nowhere"])
def test_what_is_neither_a_name_nor_a_folder_is_refused_with_the_list_of_names(name):
    with pytest.raises(StudyError) as caught:
        load_study(name)
    assert "us-iran-2026" in caught.value.fix


def test_the_template_loads_and_every_part_of_it_reaches_the_inputs(tmp_path):
    inputs = build_inputs(load_study(new_study(tmp_path / "mine")))
    assert inputs.sides == ("north", "south")
    assert inputs.seen.any(axis=1).all()
    assert set(inputs.regime) == {0, 2, 3}
    assert inputs.talks.sum() == 3
    assert inputs.shock_on.sum() == 1
    assert inputs.mediator.max() == 1
    assert inputs.quiet_seen.any() and not inputs.quiet_seen.all()
    seen = inputs.observed
    assert seen.strikes_seen.sum() == 22 and seen.strike_count.sum() == 2
    assert seen.truce_seen.any() and seen.end_kind.max() == 3 and seen.deal.sum() == 1
    assert seen.concession.sum() == 1


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path):
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"keep\.txt"):
        new_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
