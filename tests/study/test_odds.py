"""Hand-set odds are read strictly, kept out of what theories see, and used while they are fresh."""

import numpy as np
import pytest

from beliefs import load_study
from beliefs.study.tables import rows as tables
from beliefs.study.tables.rows import FRESH_DAYS, price_of

HEAD = "date,target,by,p,source"
ROWS = (
    "2026-01-20,talks,2026-02-19,0.5,a desk",
    "2026-01-10,talks,2026-02-09,0.2,a desk",
    "2026-02-20,war,2026-03-01,0.1,a desk",
)


def read_odds(study):
    return tables.read_odds(study.path, study.as_of)


def put(folder, *rows):
    (folder / "odds.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    return folder


def test_rows_are_sorted_and_those_of_later_days_dropped(folder):
    odds = read_odds(load_study(put(folder, *ROWS), as_of="2026-02-15"))
    assert odds["date"].astype(str).tolist() == ["2026-01-10", "2026-01-20"]
    assert odds["p"].tolist() == [0.2, 0.5]
    whole = read_odds(load_study(folder))
    assert whole["target"].tolist() == ["talks", "talks", "war"]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("2026-01-20,lapse,2026-02-19,0.5,a desk", "lapse"),
        ("2026-01-20,crack,2026-02-19,0.5,a desk", "latent"),
        ("x", "cells"),
        ("2026-01-20,talks,2026-02-19,1.5,a desk", "odds.csv:3 column p"),
        ("2026-01-20,talks,2026-02-19,,a desk", "odds.csv:3 column p"),
        ("2026-01-20,talks,2026-01-20,0.5,a desk", "odds.csv:3 column by"),
        ("soon,talks,2026-02-19,0.5,a desk", "odds.csv:3 column date"),
    ],
)
def test_the_check_of_a_study_refuses_rows_that_say_nothing(folder, row, named, call):
    assert call("check", put(folder, ROWS[1]))[0] == 0
    code, _, err = call("check", put(folder, ROWS[1], row))
    assert code == 2 and named in err


def test_odds_do_not_make_another_study(folder):
    before = load_study(folder).sha256
    assert load_study(put(folder, *ROWS)).sha256 == before


def test_the_freshest_odds_known_by_the_origin_count(folder):
    odds = read_odds(load_study(put(folder, *ROWS)))
    day = np.datetime64
    assert price_of(odds, "talks", day("2026-01-09"), day("2026-02-09")) is None
    assert price_of(odds, "talks", day("2026-01-10"), day("2026-02-09")) == 0.2
    assert price_of(odds, "talks", day("2026-01-20"), day("2026-02-19")) == 0.5
    last = day("2026-01-20") + np.timedelta64(FRESH_DAYS, "D")
    assert price_of(odds, "talks", last, day("2026-02-19")) == 0.5
    assert price_of(odds, "talks", last + np.timedelta64(1, "D"), day("2026-02-19")) is None
    assert price_of(odds, "war", last, day("2026-02-19")) is None


def test_odds_that_something_holds_reach_another_window_as_chances_of_holding(folder):
    row = "2026-01-20,no_crossing,2026-02-19,0.81,a desk"
    odds = read_odds(load_study(put(folder, row)))
    # Held for thirty days with 0.81, for fifteen with 0.9, for sixty with 0.81 squared.
    for last, wanted in (("2026-02-04", 0.9), ("2026-03-21", 0.6561)):
        found = price_of(
            odds, "no_crossing", np.datetime64("2026-01-20"), np.datetime64(last), negated=True
        )
        assert found == pytest.approx(wanted, abs=1e-12)
