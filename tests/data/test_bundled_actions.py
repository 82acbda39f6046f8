"""What the bundled studies let one see of actions is what their tables hold."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from beliefs.features.inputs import build_inputs
from beliefs.features.observed import Observed
from beliefs.study.load import load_study
from beliefs.study.tables.codebook import KINETIC

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
NAMES = ("us-iran-2026", "us-iran-2012")
US, IRAN = ("us", "israel"), ("iran", "iran_proxy")


def table(*parts: str) -> pd.DataFrame:
    """Read a bundled table as text."""
    return pd.read_csv(DATA.joinpath(*parts), dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def war() -> tuple[Observed, np.ndarray]:
    inputs = build_inputs(load_study("us-iran-2026"))
    return inputs.observed, inputs.dates


@pytest.fixture(scope="module")
def long() -> tuple[Observed, np.ndarray]:
    inputs = build_inputs(load_study("us-iran-2012"))
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
    assert seen.instruments == ("timeline", "digest", "digest_wide")


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
    source = {r["agreement_id"]: r for r in rows_of(ROOT / "scripts" / "agreements.csv")}
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


def rows_of(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_what_headlines_leave_out_is_seen_in_dense_weeks_only(long):
    seen, dates = long
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
