"""CSV tables with exact positions: every complaint names file, line and column.

`read_table` turns bytes into text cells and knows on which line each record began, also where
quoted cells hold line ends. `beliefs.study.tables.cells` turns the cells into dates and numbers.

Cells stand between commas. As spreadsheets save them, they may also stand between semicolons or
tabs, the first line may be ``sep=;``, and names of columns may have capitals.
"""

from __future__ import annotations

import csv
import difflib
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beliefs.errors import StudyError
from beliefs.study.safefile import read_lines

__all__ = ["MAX_ROWS", "Table", "read_header", "read_table"]

MAX_ROWS = 2_000_000
_SEPARATORS = ",;\t"
_SEP_LINE = re.compile(r'"?sep=([,;\t|])[,;\t"]*\s*', re.IGNORECASE)
_SAVE = "in a spreadsheet, save as `CSV UTF-8 (comma delimited)`"

Records = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class Table:
    """Text cells of a CSV file."""

    name: str
    lines: Sequence[int]
    cells: dict[str, Sequence[str]]
    separator: str = ","

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.lines)

    def at(self, row: int, column: str) -> str:
        """Return the position of a cell, as ``events.csv:12 column date``."""
        return f"{self.name}:{self.lines[row]} column {column}"

    def error(self, row: int, column: str, what: str, expected: str, mend: str) -> StudyError:
        """Return the error for one cell; what was found is read from the cell itself."""
        return StudyError(
            what,
            where=self.at(row, column),
            found=repr(self.cells[column][row]),
            expected=expected,
            mend=mend,
        )


def read_table(
    folder: Path, name: str, columns: Sequence[str], *, max_rows: int = MAX_ROWS
) -> Table:
    """Read a CSV file whose header must name exactly `columns`, in any order."""
    separator, header, records = _opened(folder, name, columns)
    if header is None:
        raise StudyError(
            f"{name} is empty",
            where=f"{name}:1",
            found="no header",
            expected=",".join(columns),
            mend="write the header line, then one line per row",
        )
    _check_header(name, header, columns)
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, row in records:
        if len(row) != len(columns):
            raise StudyError(
                "a row has the wrong number of cells",
                where=f"{name}:{line} column {min(len(row), len(columns))}",
                found=f"{len(row)} cells: {','.join(row)}",
                expected=f"{len(columns)} cells: {','.join(header[1])}",
                mend="quote texts that hold a comma; leave unknown cells empty, not out",
            )
        if len(rows) >= max_rows:
            raise StudyError(
                f"{name} has too many rows",
                where=f"{name}:{line}",
                found=f"more than {max_rows} rows",
                expected=f"at most {max_rows} rows",
                mend="keep only the rows that the study uses",
            )
        lines.append(line)
        rows.append(row)
    by_column: list[Sequence[str]] = [*zip(*rows, strict=True)] if rows else [()] * len(columns)
    return Table(name, lines, dict(zip(header[1], by_column, strict=True)), separator)


def read_header(folder: Path, name: str, columns: Collection[str]) -> list[str]:
    """Return the names of the columns of a CSV file, none when it is empty."""
    _, header, _ = _opened(folder, name, columns)
    return [] if header is None else header[1]


def _opened(
    folder: Path, name: str, columns: Collection[str]
) -> tuple[str, tuple[int, list[str]] | None, Records]:
    """Return what separates cells, line and names of the header, and the records after it."""
    lines = read_lines(folder, name)
    skipped = list(itertools.islice(lines, 1))
    said = _SEP_LINE.fullmatch(skipped[0]) if skipped else None
    if said is None:
        lines, skipped = itertools.chain(skipped, lines), []
    ahead: list[str] = []
    for line in lines:
        ahead.append(line)
        if line.strip():
            break
    separator = said[1] if said else _separator(ahead[-1] if ahead else "", columns)
    reader = csv.reader(itertools.chain(ahead, lines), strict=True, delimiter=separator)
    records = _records(reader, name, len(skipped))
    header = next(records, None)
    if header is not None:
        header = header[0], [_bare(cell) for cell in header[1]]
    return separator, header, records


def _separator(line: str, columns: Collection[str]) -> str:
    """Return what separates the cells of a header: what leaves most known names, or a comma."""

    def known(separator: str) -> int:
        return len({_bare(cell.strip('"\r\n')) for cell in line.split(separator)} & {*columns})

    return max(_SEPARATORS, key=known)


def _bare(name: str) -> str:
    return name.strip().lower()


def _records(reader: Iterator[list[str]], name: str, skipped: int) -> Records:
    """Yield (line on which the record begins, cells), skipping empty lines."""
    while True:
        begin = skipped + reader.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise StudyError(
                "a row cannot be read as CSV",
                where=f"{name}:{begin} column 1",
                found=_csv_problem(str(error)),
                expected="comma-separated cells, quoted with double quotation marks if needed",
                mend="close every quotation mark, double those inside a text, and end lines "
                "with a line feed",
            ) from None
        if row:
            yield begin, row


def _csv_problem(message: str) -> str:
    """Say in our words what the csv module says in words that differ between Python versions."""
    for sign, meaning in (
        ("new-line", "a carriage return inside a line"),
        ("unexpected end", "quotation marks that are not closed before the file ends"),
        ("expected after", "text after a closing quotation mark"),
        ("field larger", "a cell of more than 131072 characters: are quotation marks open?"),
    ):
        if sign in message:
            return meaning
    return message


def _check_header(name: str, found: tuple[int, list[str]], columns: Sequence[str]) -> None:
    line, header = found
    expected, at = ",".join(columns), f"{name}:{line}"
    for place, column in enumerate(header):
        if column in header[:place]:
            raise StudyError(
                f"the column `{column}` stands twice in the header",
                where=f"{at} column {column or place + 1}",
                found=",".join(header),
                expected=expected,
                mend="remove or rename one of the two",
            )
    missing = [column for column in columns if column not in header]
    extra = [column for column in header if column not in columns]
    if len(missing) == len(columns):
        raise StudyError(
            f"{name} has no header",
            where=at,
            found=",".join(header),
            expected=expected,
            mend=f"write the names of the columns as the first line; {_SAVE}",
        )
    if missing:
        near = difflib.get_close_matches(missing[0], extra, 1)
        raise StudyError(
            f"the column `{missing[0]}` is missing",
            where=f"{at} column {missing[0]}",
            found=",".join(header),
            expected=expected,
            mend=f"rename `{near[0]}` to `{missing[0]}`" if near else f"add `{missing[0]}`",
        )
    if extra:
        raise StudyError(
            f"the column `{extra[0]}` is not known",
            where=f"{at} column {extra[0]}",
            found=",".join(header),
            expected=expected,
            mend="remove the column",
        )
