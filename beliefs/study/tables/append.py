"""New rows for a study folder, from files or data frames with the columns of one of its tables.

Rows are compared by what they say: 100 and 100.0 are one number, and a blank is the date that
stands for it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from beliefs.errors import StudyError
from beliefs.study.bundled import copy_study
from beliefs.study.safefile import Table, read_header, read_lines, read_table
from beliefs.study.specfile import read_spec
from beliefs.study.tables.cells import columns_of, comparable, csv_text, text_cells, texts_of
from beliefs.study.tables.rows import TABLES, words_of
from beliefs.study.writefile import replace_file

if TYPE_CHECKING:
    from beliefs.study.load import Study

AGREEMENTS: Final = "agreements.csv"
_COLUMNS: Final = {name: columns_of(model) for name, model in TABLES.items()}
_ENDS: Final = [_COLUMNS[AGREEMENTS].index(c) for c in ("ended", "end_published_at", "end_kind")]

Row = tuple[str, ...]
Values = tuple[Any, ...]
Origin = tuple[str, str]
"""Where a new row stood, as said of it and as said of another row."""


@dataclass(frozen=True)
class Added:
    """What `with_rows` did."""

    named: str  # names of the files and data frames with the rows, as one text
    tables: tuple[str, ...]  # the tables they belong to
    rows: int  # how many were not there before
    lines: dict[tuple[str, int], Origin]  # table and line in it -> where each of them stood

    def blamed(self, error: StudyError) -> StudyError:
        """Return a complaint about the new table as one about the file with the rows."""
        place = re.match(r"(\w+\.csv):(\d+)(.*)", error.where)
        if place is None:
            return error
        here = self.lines.get((place[1], int(place[2])))
        other = re.search(r"on line (\d+) of (\w+\.csv)", error.found)
        there = None if other is None else self.lines.get((other[2], int(other[1])))
        if here is None:  # of two rows that are one, the complaint is about the later
            here, there = there, None
        if here is None:
            return error
        found = error.found
        if other is not None:
            said = f"in the run's {place[1]}" if there is None else there[1]
            found = found[: other.start()] + said
        return _moved(error, f"{here[0]}{place[3]}", found)


def _moved(error: StudyError, where: str, found: str) -> StudyError:
    return StudyError(error.what, where=where, found=found, expected=error.expected, fix=error.fix)


def with_rows(
    study: Study, data: Sequence[Any], out: Path, *, known: Sequence[Study] = ()
) -> Added:
    """Copy a study to the new folder `out` and merge rows into the tables that their columns name.

    `data` are CSV files or pandas data frames as `Study.from_frames` takes them. Rows that a table
    holds already are left out; the others find their place in time. A row that ends an agreement
    takes the place of the one without an end. `known` is the same study as of some days: a row of
    theirs is held already, too, with spans that were cut on the day. The copy is not checked here:
    `load_study` does that.
    """
    given: dict[str, list[tuple[Row, Values, Origin]]] = {}
    names = []
    for number, item in enumerate(data):
        if hasattr(item, "columns"):
            label = "data" if len(data) == 1 else f"data[{number}]"
            table, origins = _framed(item, label, study)
        else:
            label = Path(item).name
            table, origins = _filed(Path(item), study)
        names.append(label)
        rows = zip(_rows(table, study), origins, strict=True)
        given.setdefault(table.name, []).extend((*row, origin) for row, origin in rows)
    copy_study(study.path, out)
    lines: dict[tuple[str, int], Origin] = {}
    for name, rows_given in given.items():
        held = {row for one in known for row in getattr(one.tables, name[:-4]).rows()}
        lines |= _merge(study, name, rows_given, held, out)
    return Added(", ".join(names), tuple(given), len(lines), lines)


def move_end(folder: Path, end: dt.date) -> None:
    """Set a later end of the period in a copy of a study, and keep the first one beside it."""
    spec, where = read_spec(folder)
    at = where("period", "end")
    number, period = int(at.split(":")[1].split()[0]), spec.period
    lines = [*read_lines(folder, "study.toml")]
    line = re.sub(rf"^(\s*end\s*=\s*){period.end}", rf"\g<1>{end}", lines[number - 1])
    if line == lines[number - 1]:
        raise StudyError(
            "the end of the period cannot be moved on to the new rows", where=at,
            found=line.strip(), expected=f"end = {period.end}, on a line of its own",
            fix="write it so, or set a later end by hand, and track the study anew",
        )  # fmt: skip
    first = f"first_end = {period.end}  # where it ended before new rows moved it on\n"
    lines[number - 1 : number] = [line.rstrip() + "\n", *([] if period.first_end else [first])]
    replace_file(folder / "study.toml", "".join(lines))


def _filed(file: Path, study: Study) -> tuple[Table, list[Origin]]:
    """Read a file of rows; the table has the name of that which they belong to."""
    try:
        known = {column for columns in _COLUMNS.values() for column in columns}
        table = read_table(file.parent, file.name, read_header(file.parent, file.name, known))
        at = [(f"{file}:{line}", f"on line {line} of {file}") for line in table.lines]
        if name := _table_of(table.cells):
            return replace(table, name=name), at
        return _framed(table.cells, f"{file.name}:1", study, at)
    except StudyError as error:  # the whole path of the file, and nothing of a study
        here = error.where.startswith(file.name)
        where = f"{file}{'' if here else ': '}{error.where.removeprefix(file.name)}"
        if error.found != "no such file":
            raise _moved(error, where, error.found) from error
        raise StudyError(
            "there is no such file of rows", where=where, found=error.found,
            expected="a CSV file of rows of one of the study's tables", fix="check the path",
        ) from error  # fmt: skip


def _framed(
    data: Any, label: str, study: Study, at: Sequence[Origin] = ()
) -> tuple[Table, list[Origin]]:
    """Turn a data frame, or columns of text, into text cells, blank where nothing is known.

    `at` says where its rows stood; when empty, their labels do.
    """
    from beliefs.study.frames import completed, frame_of  # who has frames has pandas loaded

    frame = frame_of(data).rename(columns=lambda column: str(column).strip().lower())
    ids = {side.name: side.id for side in study.spec.sides}
    acting = {c: frame[c].replace(ids) for c in ("initiator", "target") if c in frame}
    series = [i.id for i in study.spec.indicators]
    table, frame = completed(frame.assign(**acting), _COLUMNS, series)
    columns = [*frame.columns]
    if not (name := f"{table}.csv" if table else _table_of(columns)):
        raise StudyError(
            "the columns are those of no table", where=label, found=",".join(columns) or "nothing",
            expected="\n            or ".join(",".join(columns) for columns in _COLUMNS.values()),
            fix="name the columns as the table that the rows belong to does; in a file they are "
            "the first line",
        )  # fmt: skip
    cells = text_cells(frame, columns, label)
    rows = frame.index.tolist()  # a line of a wide file has become one for each of its series
    said = [(f"{label} row {i}", f"in row {i} of {label}") for i in rows]
    return Table(name, range(len(frame)), cells), [at[i % len(at)] for i in rows] if at else said


def _table_of(header: Iterable[str]) -> str:
    """Return the table that has these columns, none when it is empty."""
    known = (name for name, columns in _COLUMNS.items() if sorted(columns) == sorted(header))
    return next(known, "")


def _rows(table: Table, study: Study) -> list[tuple[Row, Values]]:
    """Return the text of the rows, and what they say in the form of `Records.rows`.

    A row that breaks a rule says its own text; the complaint comes where the new table is read.
    """
    model, words = TABLES[table.name], words_of(study.spec)
    names = columns_of(model)
    rows: list[tuple[Row, Values]] = []
    for text in texts_of(model, table):
        try:
            row = model.model_validate(dict(zip(names, text, strict=True)), context=words)
            rows.append((text, comparable(row.__dict__.values())))
        except ValidationError:
            rows.append((text, text))
    return rows


def _merge(
    study: Study, name: str, given: list[tuple[Row, Values, Origin]], held: set[Values], out: Path,
) -> dict[tuple[str, int], Origin]:  # fmt: skip
    """Write a table with further rows; return where each of these stands, and where it stood."""
    columns, order = _COLUMNS[name], TABLES[name].order
    old: list[tuple[Row, Values]] = []
    if (study.path / name).is_file():
        old = _rows(read_table(study.path, name, columns), study)
    known = held.union(values for _, values in old)
    # A row that stands twice among them is new once.
    new = {values: (row, at) for row, values, at in reversed(given) if values not in known}
    # An agreement in force until now gives way to the row that says the same and its end.
    ended = {_begun(values) for values in new} if name == AGREEMENTS else set()
    merged: list[tuple[Row, Origin | None]] = [
        (row, None) for row, values in old
        if not (ended and not values[_ENDS[-1]] and _begun(values) in ended)
    ]  # fmt: skip
    merged += reversed(new.values())
    place = [columns.index(key) for key in order]
    merged.sort(key=lambda item: tuple(item[0][k] for k in place))
    lines, at = {}, 2
    for row, origin in merged:
        if origin:
            lines[name, at] = origin
        at += 1 + sum(cell.count("\n") for cell in row)  # cells may hold line ends
    replace_file(out / name, csv_text(columns, (row for row, _ in merged)))
    return lines


def _begun(values: Values) -> Values:
    """Return what a row of agreements says but for its end."""
    return tuple(value for k, value in enumerate(values) if k not in _ENDS)
