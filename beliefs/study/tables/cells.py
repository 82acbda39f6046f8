"""Rows of a table as pydantic models, and the named arrays that a study computes with.

Cells become dates, numbers and words, strictly: nothing is guessed, nothing is silently blank. A
type of cell raises `Fault`, which says what is wrong, what was expected and how to fix it;
`read_rows` adds file, line and column. Arrays and not data frames, because loading a library of
data frames takes longer than reading a study.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, PlainValidator, ValidationError, ValidationInfo

from beliefs.study.dates import Fault, day_of, read_day
from beliefs.study.safefile import MAX_ROWS, Table

if TYPE_CHECKING:
    import pandas as pd

MAX_NUMBER = 1e15
"""Largest size of a number. Beyond it sums of squares lose their meaning; change the unit."""

Words = Mapping[str, Any]
"""What a study adds to the meaning of its rows: the words that each column may hold, and more."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
_FLAGS = {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "": np.nan}
_EPOCH = dt.date(1970, 1, 1).toordinal()
_BLANK = int(np.datetime64("NaT", "D").astype(np.int64))


_day = lru_cache(maxsize=100_000)(read_day)


def number(
    low: float = -MAX_NUMBER, high: float = MAX_NUMBER, *, blank: bool = False
) -> PlainValidator:
    """Return a cell that holds a finite number between bounds; NaN where it may be blank and is."""
    bounded = high < MAX_NUMBER
    least = f"a number from {low:g}" if bounded else "a finite number up"
    expected = f"{least} to {high:g}"

    def read(text: str) -> float:
        if blank and not text:
            return np.nan
        if not _NUMBER.fullmatch(text):
            fix = "leave out the row when the value is unknown; write 1234.5, without separators"
            if blank:
                fix = "leave the cell empty when the value is unknown"
            raise Fault(f"a value is {'not a number' if text else 'missing'}", expected, fix)
        value = float(text)
        if not low <= value <= high:
            fix = "correct the value" if bounded else "use a larger unit"
            raise Fault("a number is out of range", expected, fix)
        return value

    return PlainValidator(read)


def _flag(text: str, info: ValidationInfo) -> float:
    if text not in _FLAGS:
        expected = "1 (yes), 0 (no) or an empty cell (unknown)"
        raise Fault(f"{info.field_name} is neither yes nor no", expected, "write 1, 0 or nothing")
    return _FLAGS[text]


def word(text: str, info: ValidationInfo) -> str:
    """Read a word of the list that the study has for the column."""
    assert info.context is not None
    allowed = info.context[info.field_name]
    if text in allowed:
        return text
    near = difflib.get_close_matches(text, allowed, 1, 0.7)
    raise Fault(
        f"{text!r} is not a known {info.field_name}" if text else f"{info.field_name} is missing",
        "one of " + ", ".join(allowed),
        f"did you mean {near[0]!r}?" if near else "use a word of the list",
    )


def _name(text: str, info: ValidationInfo) -> str:
    if not _NAME.fullmatch(text):
        raise Fault(
            f"{info.field_name} is {'not a short name' if text else 'missing'}",
            "lower-case letters, digits and _ (at most 40)",
            "write it like the other rows, for example north_coast or no_1",
        )
    assert info.context is not None
    return word(text, info) if info.context.get(info.field_name) else text


def _row_id(text: str, info: ValidationInfo) -> str:
    if not text or len(text) > 60:
        raise Fault(f"{info.field_name} is missing or too long", "1 to 60 characters", "name it")
    return text


Day = Annotated[dt.date, PlainValidator(_day)]
OptionalDay = Annotated[dt.date | None, PlainValidator(lambda text: _day(text) if text else None)]
Flag = Annotated[float, PlainValidator(_flag)]
Word = Annotated[str, PlainValidator(word)]
OptionalWord = Annotated[str, PlainValidator(lambda text, info: text and word(text, info))]
Name = Annotated[str, PlainValidator(_name)]
OptionalName = Annotated[str, PlainValidator(lambda text, info: text and _name(text, info))]
RowId = Annotated[str, PlainValidator(_row_id)]


class Row(BaseModel):
    """One row of a table; its fields are the columns, in the order of the file.

    `key` is the column whose values may stand once only, `order` by what new rows are placed.
    """

    key: ClassVar[str] = ""
    order: ClassVar[tuple[str, ...]] = ("date",)
    max_rows: ClassVar[int] = MAX_ROWS


@cache
def columns_of(model: type[Row]) -> tuple[str, ...]:
    """Return the names of the columns of a table."""
    return tuple(model.model_fields)


def read_rows[R: Row](model: type[R], table: Table, words: Words) -> list[R]:
    """Read all rows of a table."""
    names, rows = columns_of(model), list[R]()
    validate = model.__pydantic_validator__.validate_python
    try:
        for cells in texts_of(model, table):
            rows.append(validate(dict(zip(names, cells)), context=words))  # noqa: B905
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        fault: Fault = first["ctx"]["error"]
        column = fault.column or str(first["loc"][0])
        raise table.error(len(rows), column, fault.what, fault.expected, fault.fix) from None
    seen: dict[str, int] = {}
    for place, name in enumerate(getattr(row, model.key) for row in rows if model.key):
        if seen.setdefault(name, place) < place:
            fix = "give it an id of its own"
            raise table.twice(place, seen[name], model.key, name, fix)
    return rows


def texts_of(model: type[Row], table: Table) -> Iterable[tuple[str, ...]]:
    """Return the cells of the rows in the order of the model, with points in decimal numbers."""
    columns = [
        _numerals(table, name) if field.annotation is float else table.cells[name]
        for name, field in model.model_fields.items()
    ]
    return zip(*columns, strict=True)


def _numerals(table: Table, column: str) -> Sequence[str]:
    """Return a column of numbers with points for decimal commas.

    A comma is a decimal one where cells are not separated by commas, no cell of the column has a
    point, and one at least cannot be read as thousands.
    """
    cells = table.cells[column]
    commas = [text for text in cells if "," in text]
    if (
        table.separator == ","
        or any("." in text for text in cells)
        or not all(map(_COMMA.fullmatch, commas))
        or all(map(_THOUSANDS.fullmatch, commas))
    ):
        return cells
    return [text.replace(",", ".") for text in cells]


class Records:
    """Named columns of N records: datetime64[D], float64, or words (object arrays of str)."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns: dict[str, NDArray[Any]] = {}
        self._numbers: dict[str, tuple[dict[str, int], NDArray[np.int32]]] = {}
        for name, values in columns.items():
            if not isinstance(values, np.ndarray):
                words = np.empty(len(values), dtype=object)
                words[:] = values
                values = words
            self._columns[name] = values.view()
            self._columns[name].flags.writeable = False

    def __len__(self) -> int:
        """Return the number of records."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column, read-only."""
        return self._columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self._columns)

    def take(self, which: NDArray[Any]) -> Records:
        """Return the records at an index, or those that a mask holds."""
        return Records({name: values[which] for name, values in self._columns.items()})

    def having(self, **changed: Any) -> Records:
        """Return these records with other values in some columns."""
        return Records({**self._columns, **changed})

    def ordered(self, *names: str) -> Records:
        """Return the records sorted by columns, the first named first; equal ones keep order."""
        keys = [self._columns[name] for name in reversed(names)]
        return self.take(
            np.lexsort([k.astype(np.str_) if k.dtype.kind == "O" else k for k in keys])
        )

    def among(self, name: str, words: Collection[str]) -> NDArray[np.bool_]:
        """Tell which records have one of these words in a column."""
        if name not in self._numbers:  # of words, once: a table may be asked for each of hundreds
            known: dict[str, int] = {}
            each = (known.setdefault(word, len(known)) for word in self._columns[name])
            self._numbers[name] = known, np.fromiter(each, dtype=np.int32, count=len(self))
        known, numbers = self._numbers[name]
        return np.isin(numbers, [known[word] for word in {*words} if word in known])

    def where(self, **wanted: Collection[str]) -> Records:
        """Return the records whose columns hold one of the wanted words; () means any."""
        keep = np.ones(len(self), dtype=bool)
        for column, words in wanted.items():
            if words:
                keep &= self.among(column, words)
        return self.take(keep)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the records as tuples that can be compared, see `comparable`."""
        return map(comparable, zip(*(v.tolist() for v in self._columns.values()), strict=True))

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame; dates are datetime64[s]."""
        import pandas as pd  # start-up time of the command line

        # Seconds, because pandas has no day unit and nanoseconds end in the year 2262. Lists of
        # words, because an array of objects would stay one.
        plain = {"M": lambda v: v.astype("datetime64[s]"), "O": lambda v: v.tolist()}
        return pd.DataFrame(
            {k: plain.get(v.dtype.kind, np.copy)(v) for k, v in self._columns.items()}
        )


def comparable(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the values of a row, an unknown number as None: NaN is equal to nothing."""
    return tuple(None if value != value else value for value in values)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as the text of a CSV file."""
    handle = io.StringIO(newline="")
    csv.writer(handle, lineterminator="\n").writerows([columns, *rows])
    return handle.getvalue()


def text_cells(frame: Any, columns: Sequence[str], label: str) -> dict[str, Sequence[str]]:
    """Return a data frame as the text of a CSV file by column, blank where nothing is known."""
    cells: dict[str, Sequence[str]] = {}
    for k, column in enumerate(columns):
        unknown = frame.iloc[:, k].isna().tolist()
        cells[column] = [
            "" if blank else _text(value, f"{label} row {i} column {column}")
            for i, value, blank in zip(frame.index, frame.iloc[:, k].tolist(), unknown, strict=True)
        ]
    return cells


def _text(value: Any, where: str) -> str:
    """Write a value of a data frame as in a CSV file."""
    if isinstance(value, np.bool_ | np.number):
        value = value.item()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # a column of whole numbers with a gap
    if isinstance(value, dt.date | np.datetime64):
        return str(day_of(value, where))
    return str(int(value) if isinstance(value, bool) else value)


def to_records(model: type[Row], rows: Sequence[Row]) -> Records:
    """Return rows as named arrays: datetime64[D], float64, or words."""
    columns: dict[str, NDArray[Any] | list[str]] = {}
    for name, field in model.model_fields.items():
        values = [row.__dict__[name] for row in rows]
        if field.annotation is float:
            columns[name] = np.array(values, dtype=float)
        elif field.annotation is str:
            columns[name] = values
        else:  # numbers first: NumPy takes date objects one by one
            days = [_BLANK if day is None else day.toordinal() - _EPOCH for day in values]
            columns[name] = np.array(days, dtype=np.int64).view("datetime64[D]")
    return Records(columns)
