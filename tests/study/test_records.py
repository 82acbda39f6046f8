"""Tables are named arrays; a data frame is made when one is asked for."""

import numpy as np
import pytest

from beliefs.study.tables.records import Records

DAYS = np.array(["2026-01-03", "2026-01-01", "2026-01-03"], "M8[D]")
TABLE = Records({"day": DAYS, "word": ["b", "a", "é"], "value": np.array([1.0, np.nan, 3.0])})


def test_a_mask_takes_records_of_every_column():
    some = TABLE.take(np.array([True, False, True]))
    assert len(some) == 2
    assert some["word"].tolist() == ["b", "é"] and some["value"].tolist() == [1.0, 3.0]


def test_records_are_sorted_by_the_first_column_first():
    assert TABLE.ordered("day", "word")["word"].tolist() == ["a", "b", "é"]
    assert TABLE.ordered("word", "day")["word"].tolist() == ["a", "b", "é"]
    assert TABLE.ordered("day")["word"].tolist() == ["a", "b", "é"]


def test_words_are_found_and_unknown_ones_are_nowhere():
    assert TABLE.among("word", ("é", "a", "nowhere")).tolist() == [False, True, True]
    assert TABLE.among("word", ()).tolist() == [False, False, False]


def test_an_unknown_number_equals_an_unknown_number():
    assert list(TABLE.rows())[1] in set(TABLE.rows())


def test_columns_cannot_be_written_into():
    with pytest.raises(ValueError, match="read-only"):
        TABLE["value"][0] = 2.0
    assert TABLE.having(value=np.zeros(3))["value"].tolist() == [0.0, 0.0, 0.0]
    assert TABLE["value"][0] == 1.0


def test_the_frame_has_dates_words_and_numbers():
    frame = TABLE.to_frame()
    assert [kind.kind for kind in (frame["day"].dtype, frame["value"].dtype)] == ["M", "f"]
    assert frame["word"].tolist() == ["b", "a", "é"]
    assert frame["day"].dt.day.tolist() == [3, 1, 3]
    frame.loc[0, "value"] = 7.0
    assert TABLE["value"][0] == 1.0
