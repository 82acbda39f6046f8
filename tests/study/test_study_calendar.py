import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beliefs.study.dates import Grid
from beliefs.study.spec import Period
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import covered, instruments

days = st.dates(dt.date(1850, 1, 1), dt.date(2100, 1, 1))


def grid_of(start: dt.date, length: int, step: str):
    return Period(start=start, end=start + dt.timedelta(days=length), step=step).grid


@given(days, st.integers(6, 400), st.sampled_from(["day", "week"]))
def test_every_day_of_a_whole_period_belongs_to_that_period(start, length, step):
    grid = grid_of(start, length, step)
    each_day = grid.start + np.arange(grid.n * grid.step_days)
    assert (grid.index(each_day) == np.repeat(np.arange(grid.n), grid.step_days)).all()
    assert (grid.index(grid.dates) == np.arange(grid.n)).all()
    assert (grid.index(grid.last_days) == np.arange(grid.n)).all()


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


SPANS = Records(
    {
        # nothing from 19 January to 1 February
        "start": np.array(["2026-01-05", "2026-01-14", "2026-02-02", "2026-02-21"], "M8[D]"),
        "end": np.array(["2026-01-13", "2026-01-18", "2026-02-20", "2026-02-25"], "M8[D]"),
        "density": ["dense", "headline", "dense", "dense"],
        "instrument": ["a", "a", "b", "c"],
    }
)


def test_a_week_is_covered_when_every_day_of_it_is():
    weeks = Grid(np.datetime64("2025-12-29"), 7, 9)
    dense = covered(SPANS, weeks, ["dense"])
    assert dense.tolist() == [False, True, False, False, False, True, True, True, False]
    either = covered(SPANS, weeks, ["dense", "headline"])
    assert np.flatnonzero(either).tolist() == [1, 2, 5, 6, 7]


def test_instruments_are_numbered_and_minus_one_where_nothing_was_recorded():
    days = np.array(["2026-01-04", "2026-01-05", "2026-01-14", "2026-01-20", "2026-02-02"], "M8[D]")
    assert instruments(SPANS, days).tolist() == [-1, 0, 0, -1, 1]
