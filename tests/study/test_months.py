"""Studies by the month and of any number of days: real days, and rates per week converted."""

import calendar
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import beliefs
from beliefs.errors import StudyError
from beliefs.study.dates import MONTH, Grid

SIDES = {"north": "exports", "south": "-losses"}


def study_by(step, start="2001-01-01", end="2006-12-31", days=30):
    rng = np.random.default_rng(3)
    when = pd.date_range("2000-01-31", end, freq="ME" if days == 30 else f"{days}D")
    values = {"exports": 100 * np.exp(np.cumsum(0.05 * rng.normal(size=len(when)))),
              "losses": rng.poisson(20, len(when)).astype(float)}  # fmt: skip
    held = ["2002-03-31", "2002-04-01", "2005-02-28"]
    frame = pd.DataFrame(values, when)
    return beliefs.Study.from_frames(frame, sides=SIDES, talks=held, period=(start, end, step))


@given(
    year=st.integers(1600, 2190), month=st.integers(1, 12), n=st.integers(2, 100),
    day=st.dates(dt.date(1600, 1, 1), dt.date(2199, 12, 31)),
)  # fmt: skip
def test_a_month_begins_on_its_first_and_ends_on_its_last_day(year, month, n, day):
    grid = Grid(np.datetime64(f"{year}-{month:02}-01"), MONTH, n)
    known = [divmod(12 * year + month - 1 + k, 12) for k in range(min(n, 3))]
    lasts = [dt.date(y, m + 1, calendar.monthrange(y, m + 1)[1]) for y, m in known]
    assert grid.dates[0] == dt.date(year, month, 1) and [*grid.last_days[:3]] == lasts
    assert int(grid.index(np.datetime64(day))) == (day.year - year) * 12 + day.month - month
    assert grid.backwards(grid.start - np.timedelta64(40, "D")).dates[-1] == grid.dates[-1]


def test_a_month_holds_what_was_published_in_it():
    study = study_by("month")
    inputs = beliefs.build_inputs(study)
    assert len(inputs.dates) == 72 and str(inputs.ends[1]) == "2001-02-28"
    assert inputs.seen[:, 1:].all()  # one value a month, on its last day
    assert np.flatnonzero(inputs.talks).tolist() == [14, 15, 49]
    assert study.grid.active(np.datetime64("2002-03-30")).sum() == 14


def test_later_rows_change_no_earlier_month():
    study = study_by("month")
    early = beliefs.load_study(study.path, as_of="2004-06-30")
    one, two = beliefs.build_inputs(early), beliefs.build_inputs(study)
    for name in ("surprise", "seen", "talks", "level"):
        a, b = getattr(one, name), getattr(two, name)
        np.testing.assert_array_equal(a[..., :42], b[..., :42])
        assert not a[..., 42:].any()


def test_a_belief_by_the_month_is_as_retentive_as_by_the_week():
    weekly, monthly = study_by(28, end="2006-12-30", days=28), study_by("month")
    kept = {}
    for study in (weekly, monthly):
        found = beliefs.prior(study, "simple", draws=4000, seed=1)
        half = found.kept["posterior"]["logit_belief"].values[0].std(axis=0)
        kept[study.spec.period.unit] = half[:, 24:].mean()
    assert kept["month"] == pytest.approx(kept["28 days"], rel=0.1)


def test_monthly_rows_are_taken_by_the_month():
    frame = study_by("month").indicators.drop(columns="published_at")
    period = beliefs.Study.from_frames(frame, sides=SIDES).spec.period
    assert (period.step, str(period.start), str(period.end)) == (
        "month",
        "2000-09-01",
        "2006-12-31",
    )


@pytest.mark.parametrize("step", ["month", 10])
def test_the_whole_path_runs(step, tmp_path):
    study = study_by(step) if step == "month" else study_by(10, end="2003-06-09", days=10)
    track = beliefs.track(study, "simple", particles=800, seed=1)
    posterior = track.at(track.ends[-1])
    ahead = beliefs.forecast(posterior, 6, seed=1, allow_failed=True)
    ends = [str(ahead.dates[0]), str(beliefs.summarise(ahead)["targets"][-1]["by"])]
    assert ends == (
        ["2007-01-01", "2007-06-30"] if step == "month" else ["2003-06-10", "2003-08-08"]
    )
    beliefs.save_run(tmp_path / "run", track)
    again = beliefs.load_track(tmp_path / "run")
    np.testing.assert_array_equal(again.filtered, track.filtered)
    scored = beliefs.backtest(
        study, ["M0"], every=360 if step == "month" else 100, horizons=[61], particles=200,
        draws=50, seed=1,
    )  # fmt: skip
    assert len(scored.scores)


@pytest.mark.parametrize("step", ["fortnight", 0, True])
def test_a_step_that_cannot_be_is_refused(step):
    with pytest.raises(StudyError, match="unusable value"):
        study_by(step)


def test_months_begin_on_their_first_day():
    with pytest.raises(StudyError, match="begins within a month"):
        study_by("month", "2001-01-15")
