import tracemalloc
from typing import Annotated

import numpy as np
import pytest
from pydantic import create_model

from beliefs.errors import StudyError
from beliefs.study.safefile import read_table
from beliefs.study.tables.cells import (
    Day,
    Flag,
    OptionalDay,
    Records,
    Row,
    number,
    read_rows,
    to_records,
)

CELLS = {
    "number": Annotated[float, number()],
    "maybe": Annotated[float, number(blank=True)],
    "date": Day,
    "maybe date": OptionalDay,
    "flag": Flag,
}


def column(table, kind):
    """The cells of the column a, read as such."""
    model = create_model("Two", __base__=Row, a=(CELLS[kind], ...), b=(str, ...))
    return to_records(model, read_rows(model, table, {}))["a"]


def put(folder, text, name="t.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_line_numbers_are_right_after_quoted_line_ends(tmp_path):
    put(tmp_path, 'a,b\n1,"one\ntwo\nthree"\n\n2,plain\nx,last\n')
    table = read_table(tmp_path, "t.csv", ("a", "b"))
    assert list(table.lines) == [2, 6, 7]
    assert table.cells["b"][0] == "one\ntwo\nthree"
    with pytest.raises(StudyError) as caught:
        column(table, "number")
    assert caught.value.where == "t.csv:7 column a"


def test_a_utf8_mark_and_windows_line_ends_are_tolerated(tmp_path):
    put(tmp_path, b"\xef\xbb\xbfa,b\r\n1,\xc3\xa9\r\n")
    assert read_table(tmp_path, "t.csv", ("a", "b")).cells == {"a": ("1",), "b": ("é",)}


def test_a_huge_line_is_refused_without_being_read_into_memory(tmp_path):
    with (tmp_path / "t.csv").open("wb") as file:
        file.write(b"a,b\n1,")
        file.seek(50 * 2**20)
        file.write(b"\n")
    tracemalloc.start()
    try:
        with pytest.raises(StudyError, match="too long") as caught:
            read_table(tmp_path, "t.csv", ("a", "b"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.where == "t.csv:2"
    assert peak < 5 * 2**20


def test_too_many_rows_are_refused_at_the_first_one_too_many(tmp_path):
    put(tmp_path, "a,b\n" + "1,2\n" * 10)
    assert len(read_table(tmp_path, "t.csv", ("a", "b"), max_rows=10)) == 10
    with pytest.raises(StudyError) as caught:
        read_table(tmp_path, "t.csv", ("a", "b"), max_rows=9)
    assert caught.value.where == "t.csv:11"


@pytest.mark.parametrize("text", ["1", "-1.5", "+.5", "2.", "1e3", "1E-2"])
def test_plain_numbers_are_read(tmp_path, text):
    table = read_table(put(tmp_path, f"a,b\n{text},x\n"), "t.csv", ("a", "b"))
    assert column(table, "number").tolist() == [float(text)]


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-inf", "1_000", "0x10", " 1", "1 ", "1,5", "1e999", "1e16", "١", "--1", "e5"],
)
def test_everything_else_is_not_a_number(tmp_path, text):
    table = read_table(put(tmp_path, f'a,b\n"{text}",x\n'), "t.csv", ("a", "b"))
    with pytest.raises(StudyError) as caught:
        column(table, "maybe")
    assert caught.value.found == repr(text)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "2026-2-3", "20260203", "2026-02-03T00:00", "03/02/2026", "1500-01-01", "-", ""],
)
def test_everything_but_a_real_day_is_not_a_date(tmp_path, text):
    table = read_table(put(tmp_path, f"a,b\n{text},x\n"), "t.csv", ("a", "b"))
    with pytest.raises(StudyError) as caught:
        column(table, "date")
    assert caught.value.where == "t.csv:2 column a"


def test_a_blank_date_is_unknown_only_where_that_is_allowed(tmp_path):
    table = read_table(put(tmp_path, "a,b\n,x\n2024-02-29,x\n"), "t.csv", ("a", "b"))
    assert column(table, "maybe date").astype(str).tolist() == ["NaT", "2024-02-29"]


PLAIN = 'a,b\n100,x\n100.4,"y,z"\n101.125,\n'


@pytest.mark.parametrize(
    "text",
    [
        'a;b\n100;x\n100,4;"y,z"\n101,125;\n',
        "a\tb\n100\tx\n100.4\ty,z\n101.125\t\n",
        "sep=,\n" + PLAIN,
        'SEP=;\r\n"A";" B "\r\n100;x\r\n100.4;y,z\r\n101.125;\r\n',
        "sep=|\na|b\n100|x\n100.4|y,z\n101.125|\n",
        PLAIN.replace("a,b", "A,B"),
    ],
    ids=["semicolon", "tab", "sep and commas", "sep and semicolons", "sep and bars", "capitals"],
)
def test_tables_as_spreadsheets_save_them_are_read(tmp_path, text):
    table = read_table(put(tmp_path, text), "t.csv", ("a", "b"))
    assert column(table, "number").tolist() == [100.0, 100.4, 101.125]
    assert list(table.cells["b"]) == ["x", "y,z", ""]
    first = 2 + text.lower().startswith("sep")
    assert list(table.lines) == [first, first + 1, first + 2]


@pytest.mark.parametrize(
    ("cells", "found"),
    [(["1,234", "5"], "1,234"), (["1.5", "1,5"], "1,5"), (["1.234,5", "2"], "1.234,5")],
    ids=["thousands", "both kinds", "both in one"],
)
def test_a_comma_that_may_mean_thousands_is_refused(tmp_path, cells, found):
    text = "a;b\n" + "".join(f"{cell};x\n" for cell in cells)
    table = read_table(put(tmp_path, text), "t.csv", ("a", "b"))
    with pytest.raises(StudyError) as caught:
        column(table, "number")
    assert caught.value.found == repr(found) and "1234.5" in caught.value.mend


def test_flags_may_be_written_as_numbers(tmp_path):
    table = read_table(put(tmp_path, "a,b\n1.0,x\n,x\n0.0,x\n"), "t.csv", ("a", "b"))
    np.testing.assert_array_equal(column(table, "flag"), [1.0, np.nan, 0.0])


DAYS = np.array(["2026-01-03", "2026-01-01", "2026-01-03"], "M8[D]")
TABLE = Records({"day": DAYS, "word": ["b", "a", "é"], "value": np.array([1.0, np.nan, 3.0])})


def test_records_are_sorted_by_the_first_column_first():
    assert TABLE.ordered("day", "word")["word"].tolist() == ["a", "b", "é"]
    assert TABLE.ordered("word", "day")["word"].tolist() == ["a", "b", "é"]
    assert TABLE.ordered("day")["word"].tolist() == ["a", "b", "é"]


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
