import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beliefs.study.calendar import period_grid
from beliefs.study.settings.spec import Period

days = st.dates(dt.date(1850, 1, 1), dt.date(2100, 1, 1))


def grid_of(start: dt.date, length: int, step: str):
    return period_grid(Period(start=start, end=start + dt.timedelta(days=length), step=step))


@given(days, st.integers(6, 400), st.sampled_from(["day", "week"]))
def test_every_day_of_a_whole_period_belongs_to_that_period(start, length, step):
    grid = grid_of(start, length, step)
    each_day = grid.start + np.arange(grid.n * grid.step_days)
    assert (grid.index(each_day) == np.repeat(np.arange(grid.n), grid.step_days)).all()
    assert (grid.index(grid.dates) == np.arange(grid.n)).all()
    assert (grid.index(grid.last_days) == np.arange(grid.n)).all()


@given(days, st.integers(6, 400))
def test_weeks_begin_on_the_weekday_of_the_start(start, length):
    grid = grid_of(start, length, "week")
    assert {day.weekday() for day in grid.dates.astype(object)} == {start.weekday()}


def test_days_left_over_after_the_last_whole_week_belong_to_no_period():
    grid = grid_of(dt.date(2026, 1, 5), 19, "week")  # 20 days: two weeks and six days
    assert grid.n == 2
    assert grid.index("2026-01-19") == 2
    assert not grid.active(np.datetime64("2026-01-24"))[2:].any()


def test_days_before_the_start_have_negative_periods():
    grid = grid_of(dt.date(2026, 1, 5), 27, "week")
    assert grid.index("2026-01-04") == -1
    assert grid.index("2025-12-29") == -1
    assert grid.index("2025-12-28") == -2


def test_a_period_is_active_from_its_last_day_on():
    grid = grid_of(dt.date(2026, 1, 5), 27, "week")
    assert grid.active(np.datetime64("2026-01-10")).sum() == 0
    assert grid.active(np.datetime64("2026-01-11")).tolist() == [True, False, False, False]
    assert grid.active(np.datetime64("2030-01-01")).all()


@given(days, st.integers(6, 100), st.sampled_from(["day", "week"]), st.integers(-300, 300))
def test_a_grid_drawn_backwards_keeps_its_boundaries(start, length, step, offset):
    grid = grid_of(start, length, step)
    day = grid.start + np.timedelta64(offset, "D")
    longer = grid.backwards(day)
    assert longer.index(day) >= 0
    assert (longer.dates[longer.n - grid.n :] == grid.dates).all()
    assert longer.n - grid.n == max(0, -int(grid.index(day)))
