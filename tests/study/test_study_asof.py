import datetime as dt
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_study import (
    TOML,
    coverage_rows,
    day,
    event,
    event_rows,
    indicator_rows,
    talk,
    talk_rows,
    write_study,
)
from prefix import assert_same, assert_same_past, columns

from beliefs import StudyError, build_inputs, load_study

PROMPT = re.sub("publication_lag = [0-9]", "publication_lag = 0", TOML)
WEEKLY = TOML.replace('step = "day"', 'step = "week"')


def published_by(rows, column, known):
    return [row for row in rows if not row[column] or row[column] <= known]


def test_the_publication_lag_of_an_indicator_fills_blank_dates(folder):
    study = load_study(folder, as_of=day(10))
    last = study.indicators.groupby("indicator")["date"].max()
    assert last["price"].date() == day(10)
    assert last["ships"].date() == day(7)


def test_a_late_publication_is_news_when_it_is_published(tmp_path):
    rows = indicator_rows()
    late = [(n, d, day(50) if (n, d) == ("price", day(49)) else p, v) for n, d, p, v in rows]
    inputs = build_inputs(load_study(write_study(tmp_path / "late", indicators=late)))
    price = inputs.indicators.index("price")
    assert not inputs.seen[price, 49]
    assert inputs.seen[price, 50]


def test_a_span_still_running_has_no_end_yet(folder):
    study = load_study(folder, as_of=day(21))
    talks = study.talks.set_index("talk_id")["date_end"]
    assert talks["T2"].date() == day(21)  # it ends on day 22
    coverage = study.coverage
    assert coverage["end"].max().date() == day(21)
    assert load_study(folder).talks.set_index("talk_id")["date_end"]["T2"].date() == day(22)


def test_regimes_and_shocks_are_unknown_until_published_and_open_until_over(folder):
    study = load_study(folder, as_of="2026-02-03")  # the pause begins, published the next day
    assert [(r.id, r.end) for r in study.spec.regimes] == [("clashes", dt.date(2026, 2, 3))]
    assert load_study(folder, as_of="2026-02-02").spec.regimes[0].end is None
    assert [s.id for s in study.spec.shocks] == ["cabinet"]
    assert [s.id for s in study.shock_slots] == ["cabinet", "embargo"]
    assert study.spec.indicators[1].resets == ()


def test_the_hash_follows_content_not_spelling(folder, tmp_path):
    reference = load_study(folder).sha256
    table = folder / "talks.csv"
    lines = [line.split(",") for line in table.read_text().splitlines()]
    quoted = [",".join(f'"{cell}"' for cell in reversed(line)) for line in lines]
    table.write_text("\r\n".join([quoted[0], *reversed(quoted[1:])]) + "\r\n")
    toml = folder / "study.toml"
    toml.write_text("# a comment\n" + toml.read_text())
    assert load_study(folder).sha256 == reference


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("study.toml", "threshold = 0.5", "threshold = 0.4"),
        ("indicators.csv", "price,2026-01-05,,100.0", "price,2026-01-05,,100.1"),
        ("events.csv", "strike,4", "strike,5"),
        ("talks.csv", "indirect", "us_present"),
        ("coverage.csv", "digest", "papers"),
    ],
)
def test_any_change_of_known_content_changes_the_hash(folder, file, old, new):
    before = load_study(folder).sha256
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    assert load_study(folder).sha256 != before


@pytest.mark.parametrize(
    "as_of", ["2026-01-04", "2026-03-02", "yesterday", "2026-02-30", "20260210", "", "2026-W06-2"]
)
def test_an_as_of_date_outside_the_period_or_not_a_date_is_refused(folder, as_of):
    with pytest.raises(StudyError) as caught:
        load_study(folder, as_of=as_of)
    assert caught.value.where == "as_of"
    assert caught.value.expected and caught.value.fix


@pytest.mark.parametrize(("toml", "ended"), [(TOML, 26), (WEEKLY, 3)], ids=["day", "week"])
def test_periods_that_had_not_ended_are_empty(tmp_path, toml, ended):
    events = [*event_rows(), event("X", 23, signal=1)]  # in a week that is not over
    folder = write_study(tmp_path / "s", toml=toml, events=events)
    inputs = build_inputs(load_study(folder, as_of=day(25)))
    assert inputs.active.sum() == ended
    for name, array in columns(inputs).items():
        beyond = array[..., ended:]
        if name == "reading":
            assert np.isnan(beyond).all()
        elif name == "regime":
            assert (beyond == inputs.regime[ended - 1]).all()
        elif name == "observed.instrument":
            assert (beyond == -1).all()
        elif name != "dates":
            assert not beyond.any(), name


def test_a_revision_of_an_older_date_is_not_news_and_changes_a_reading_alone(folder, tmp_path):
    # Day 39 has no other poll; ships of one day are summed; a price is there every day.
    revisions = [
        ("price", day(10), day(40), 999.0),
        ("poll", day(-4), day(39), 0.9),
        ("ships", day(10), day(40), 999),
    ]
    rows = sorted([*indicator_rows(), *revisions], key=lambda r: r[:2])
    revised = write_study(tmp_path / "revised", indicators=rows)
    before, after = (build_inputs(load_study(path)) for path in (folder, revised))
    for name, array in columns(before).items():
        if name != "reading":
            np.testing.assert_array_equal(array, columns(after)[name], err_msg=name)
    # The market channel reads the price: the share of day 10 is that of the last version.
    apart = np.argwhere(before.reading != after.reading)
    south, market = 1, before.channels.index("market")
    assert [south, market, 10] in apart.tolist()
    known = ~(np.isnan(before.reading) & np.isnan(after.reading))
    assert (before.reading != after.reading)[known].sum() == 1
    as_of = build_inputs(load_study(revised, as_of=day(39)))
    assert as_of.reading[south, market, 10] == before.reading[south, market, 10]


@st.composite
def studies(draw):
    """Rows at random dates with random delays, revisions and overlapping spans included."""
    offsets, lags = st.integers(-30, 55), st.integers(0, 12)
    series = {}
    for _ in range(draw(st.integers(3, 40))):
        name = draw(st.sampled_from(["price", "poll", "ships"]))
        date = day(draw(offsets))
        key = (name, date, date + dt.timedelta(days=draw(lags)))
        series[key] = draw(st.floats(0.01, 0.99).map(lambda v: round(v, 4)))
    for name in ("price", "poll", "ships"):  # each has one row at least
        series.setdefault((name, day(-31), day(-31)), 0.5)
    kinds = ["strike", "threat", "mediation", "sanctions_relief", "rejection"]
    actors = ["north", "south", "israel", "mediator"]
    events = [
        event(f"E{n}", draw(offsets), initiator=draw(st.sampled_from(actors)), lag=draw(lags),
              kind=draw(st.sampled_from(kinds)), severity=draw(st.sampled_from([1, 2.5, 3, 5])),
              length=draw(lags), signal=draw(st.sampled_from(["", -2, 0, 1])))
        for n in range(draw(st.integers(1, 15)))
    ]  # fmt: skip
    talks = [
        talk(f"T{n}", draw(offsets), length=draw(lags), lag=draw(lags))
        for n in range(draw(st.integers(1, 5)))
    ]
    events.append(event("Z", 80))  # after the period, so that the attacks count something
    rows = [(*key, value) for key, value in sorted(series.items())]
    return {"indicators": rows, "events": events, "talks": talks}


@given(studies(), st.integers(6, 55), st.integers(0, 49), st.sampled_from([TOML, WEEKLY]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_evidence_does_not_change_afterwards_and_nothing_is_known_before_it_is_published(
    tmp_path_factory, rows, early, later, toml
):
    folder = write_study(tmp_path_factory.mktemp("study"), toml=toml, **rows)
    late = min(55, early + later)
    first = build_inputs(load_study(folder, as_of=day(early)))
    assert_same_past(first, build_inputs(load_study(folder, as_of=day(late))))
    assert_same_past(first, build_inputs(load_study(folder)))
    known = day(early)
    kept = {
        "indicators": [r for r in rows["indicators"] if r[2] <= known],
        "events": published_by(rows["events"], 3, known),
        "talks": published_by(rows["talks"], 3, known),
    }
    cut = write_study(tmp_path_factory.mktemp("cut"), toml=toml, **kept)
    assert_same(first, build_inputs(load_study(cut, as_of=known)))


def ahead(folder, end="2027-06-30", **more):
    """The small study with the end of its period set well ahead, as it may be followed up to."""
    rows = [*coverage_rows()[:-1], (day(41), dt.date.fromisoformat(end), "dense", "wire", "")]
    toml = PROMPT.replace("end = 2026-03-01", f"end = {end}")
    return write_study(folder, toml=toml, coverage=rows, **more)


def test_without_a_date_a_study_is_known_as_of_its_last_publication(tmp_path):
    folder = write_study(tmp_path / "short", toml=PROMPT)
    study = load_study(ahead(tmp_path / "ahead"))
    assert str(study.as_of) == "2026-03-01"
    short, long = (build_inputs(s) for s in (load_study(folder), study))
    n = int(short.active.sum())
    assert long.active.sum() == n and len(long.active) > n
    for name, value in columns(short).items():
        later = columns(long)[name]
        np.testing.assert_array_equal(later[..., :n], value, err_msg=name)
    # What has not come is neither seen nor quiet.
    assert study.coverage["end"].max() == study.as_of
    for name in ("quiet_seen", "quiet", "talks"):
        assert not getattr(long, name)[n:].any(), name
    assert not any(v[..., n:].any() for k, v in vars(long.observed).items() if k.endswith("_seen"))


def test_a_study_is_never_known_as_of_a_day_that_has_not_come(tmp_path, monkeypatch):
    monkeypatch.setattr("beliefs.study.load.today", lambda: np.datetime64(day(30)))
    planned = talk("T9", 300)  # a round that is announced for next year stands in the table
    for end in ("2026-03-01", "2027-06-30"):
        study = ahead(tmp_path / end, end, talks=[*talk_rows(), planned])
        assert load_study(study).as_of == day(30)


@pytest.mark.parametrize(
    ("last", "as_of"), [(day(45), day(45)), (day(49), day(55)), (day(54), day(55))]
)
def test_a_study_that_reaches_its_last_period_is_complete(tmp_path, last, as_of):
    toml = PROMPT.replace('step = "day"', 'step = "week"')
    study = write_study(
        tmp_path / "study", toml=toml, indicators=[r for r in indicator_rows() if r[1] <= last],
        events=published_by(event_rows(), 3, day(45)), talks=published_by(talk_rows(), 3, day(45)),
    )  # fmt: skip
    assert load_study(study).as_of == as_of


def test_check_says_what_lies_ahead_and_how_long_nothing_was_published(call, tmp_path):
    study = str(ahead(tmp_path / "ahead", end="2026-07-26"))  # 21 weeks after the last row

    def checked(*more):
        code, out, _ = call("check", study, *more)
        assert code == 0
        return out

    out = checked()
    assert "is in order, as of 2026-03-01" in out and "published   last on 2026-03-01" in out
    assert "56 of 203, 2026-01-05 to 2026-07-26, have ended" in out
    assert "2026-03-01: the 147 days to 2026-07-26 count" in checked("--as-of", "2026-07-26")
    assert "count as watched" not in checked("--as-of", "2026-03-08")
