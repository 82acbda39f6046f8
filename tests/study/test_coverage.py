import numpy as np

from beliefs.study.tables.coverage import covered, instruments
from beliefs.study.tables.records import Records

SPANS = Records(
    {
        # nothing from 19 January to 1 February
        "start": np.array(["2026-01-05", "2026-01-14", "2026-02-02", "2026-02-21"], "M8[D]"),
        "end": np.array(["2026-01-13", "2026-01-18", "2026-02-20", "2026-02-25"], "M8[D]"),
        "density": ["dense", "headline", "dense", "dense"],
        "instrument": ["a", "a", "b", "c"],
    }
)


def weeks(first, count):
    return np.datetime64(first) + 7 * np.arange(count)


def test_a_week_is_covered_when_every_day_of_it_is():
    mondays = weeks("2025-12-29", 9)
    dense = covered(SPANS, mondays, 7, ["dense"])
    assert dense.tolist() == [False, True, False, False, False, True, True, True, False]
    either = covered(SPANS, mondays, 7, ["dense", "headline"])
    assert np.flatnonzero(either).tolist() == [1, 2, 5, 6, 7]


def test_days_outside_of_all_spans_are_not_covered():
    days = np.array(["2026-01-04", "2026-01-05", "2026-01-18", "2026-01-19", "2026-02-01"], "M8[D]")
    found = covered(SPANS, days, 1, ["dense", "headline"])
    assert found.tolist() == [False, True, True, False, False]
    assert covered(SPANS, np.array(["2026-02-26"], "M8[D]"), 1, ["dense"]).tolist() == [False]


def test_instruments_are_numbered_and_minus_one_where_nothing_was_recorded():
    days = np.array(["2026-01-04", "2026-01-05", "2026-01-14", "2026-01-20", "2026-02-02"], "M8[D]")
    assert instruments(SPANS, days).tolist() == [-1, 0, 0, -1, 1]
