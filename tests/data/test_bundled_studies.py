"""The bundled studies say what their sources say, and nothing that was not yet known."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from beliefs.study.load import Study, load_study
from beliefs.study.specfile import read_spec
from beliefs.study.tables.codebook import KINETIC

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war")


def table(*parts: str) -> pd.DataFrame:
    """Read a bundled table as text, every row, also those published after the period."""
    return pd.read_csv(DATA.joinpath(*parts), dtype=str, keep_default_na=False)


@pytest.fixture(scope="module", params=STUDIES)
def study(request: pytest.FixtureRequest) -> Study:
    """Each bundled study at the end of its period."""
    loaded = load_study(DATA / request.param)
    assert loaded.name == request.param
    return loaded


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
    assert {path.suffix for path in files} == {".csv", ".toml", ".md", ".json"}
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
