from typing import Annotated

import numpy as np
import pytest
from pydantic import create_model

from beliefs.errors import StudyError
from beliefs.study.safefile import read_table
from beliefs.study.tables.cells import Day, Flag, OptionalDay, Row, number, read_rows, to_records

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


@pytest.mark.parametrize(
    ("kind", "texts", "values"),
    [
        ("number", ["1", "-1.5", "+.5", "2.", "1e3", "1E-2"], [1, -1.5, 0.5, 2, 1000, 0.01]),
        ("maybe date", ["", "2024-02-29"], [np.datetime64("NaT"), np.datetime64("2024-02-29")]),
        ("flag", ["1.0", "", "0.0"], [1, np.nan, 0]),
    ],
)
def test_plain_cells_are_read_and_blank_ones_are_unknown(tmp_path, kind, texts, values):
    text = "\ufeffa,b\r\n" + "".join(f"{cell},x\r\n" for cell in texts)  # as Excel writes it
    table = read_table(put(tmp_path, text), "t.csv", ("a", "b"))
    np.testing.assert_array_equal(column(table, kind), values)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("maybe", text) for text in ("nan", "-inf", "1_000", "0x10", " 1", "1,5", "1e999", "١")),
        *(("date", text) for text in ("2026-02-30", "2026-2-3", "20260203", "03/02/2026", "")),
        *(("date", text) for text in ("2026-02-03T00:00", "1500-01-01")),
    ],
)
def test_everything_else_is_no_number_and_no_day(tmp_path, kind, text):
    table = read_table(put(tmp_path, f'a,b\n"{text}",x\n'), "t.csv", ("a", "b"))
    with pytest.raises(StudyError) as caught:
        column(table, kind)
    assert caught.value.where == "t.csv:2 column a"


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
    assert caught.value.found == repr(found) and "1234.5" in caught.value.fix
