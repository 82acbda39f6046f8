"""CSV tables with exact positions: every complaint names file, line and column.

`read_table` turns bytes into text cells and knows on which line each record began, also where
quoted cells hold line ends. `beliefs.study.columns` turns the cells into dates and numbers.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beliefs.errors import StudyError
from beliefs.study.safefile import read_lines

__all__ = ["MAX_ROWS", "Table", "read_table"]

MAX_ROWS = 2_000_000


@dataclass(frozen=True)
class Table:
    """Text cells of a CSV file.

    Attributes
    ----------
    name
        File name.
    lines
        Line on which each record begins, counted from 1 (the header is line 1).
    cells
        Column name to its cells, in file order.
    """

    name: str
    lines: Sequence[int]
    cells: dict[str, Sequence[str]]

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
    """Read a CSV file whose header must name exactly `columns`, in any order.

    Parameters
    ----------
    folder, name
        The study folder and the file in it.
    columns
        Column names; all are required and no other is allowed.
    max_rows
        Largest number of records.

    Returns
    -------
    Table
        Cells as text. Empty lines are skipped.

    Raises
    ------
    StudyError
        If the file cannot be read, its header differs, or a record has too few or many cells.
    """
    reader = csv.reader(read_lines(folder, name), strict=True)
    records = _records(reader, name)
    header = next(records, None)
    if header is None:
        raise StudyError(
            f"{name} is empty",
            where=f"{name}:1",
            found="no header",
            expected=",".join(columns),
            mend="write the header line, then one line per row",
        )
    _check_header(name, header[1], columns)
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
    return Table(name, lines, dict(zip(header[1], by_column, strict=True)))


def _records(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which the record begins, cells), skipping empty lines."""
    while True:
        begin = reader.line_num + 1  # type: ignore[attr-defined]
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


def _check_header(name: str, header: Sequence[str], columns: Sequence[str]) -> None:
    expected = ",".join(columns)
    for place, column in enumerate(header):
        if column in header[:place]:
            raise StudyError(
                f"the column `{column}` stands twice in the header",
                where=f"{name}:1 column {column or place + 1}",
                found=",".join(header),
                expected=expected,
                mend="remove or rename one of the two",
            )
    missing = [column for column in columns if column not in header]
    extra = [column for column in header if column not in columns]
    if len(missing) == len(columns):
        raise StudyError(
            f"{name} has no header",
            where=f"{name}:1",
            found=",".join(header),
            expected=expected,
            mend="write the names of the columns as the first line",
        )
    if missing:
        near = difflib.get_close_matches(missing[0], extra, 1)
        raise StudyError(
            f"the column `{missing[0]}` is missing",
            where=f"{name}:1 column {missing[0]}",
            found=",".join(header),
            expected=expected,
            mend=f"rename `{near[0]}` to `{missing[0]}`" if near else f"add `{missing[0]}`",
        )
    if extra:
        raise StudyError(
            f"the column `{extra[0]}` is not known",
            where=f"{name}:1 column {extra[0]}",
            found=",".join(header),
            expected=expected,
            mend="remove the column",
        )
