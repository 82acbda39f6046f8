"""New rows for a study folder, from a file with the header of one of its tables."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from beliefs.errors import StudyError
from beliefs.study.agreements import AGREEMENT_COLUMNS
from beliefs.study.coverage import COVERAGE_COLUMNS
from beliefs.study.rows import EVENT_COLUMNS, TALK_COLUMNS
from beliefs.study.safefile import open_safely, read_lines
from beliefs.study.series import INDICATOR_COLUMNS
from beliefs.study.tables import read_table
from beliefs.study.writefile import replace_file

__all__ = ["Added", "copy_study", "with_rows"]

AGREEMENTS: Final = "agreements.csv"
_FILES: Final = ("study.toml", "indicators.csv", "events.csv", "talks.csv", "SOURCES.md")
_EXTRAS: Final = ("coverage.csv", AGREEMENTS, "odds.csv", "truth.json")
_TABLES: Final = {
    "indicators.csv": (INDICATOR_COLUMNS, ("indicator", "date", "published_at")),
    "events.csv": (EVENT_COLUMNS, ("date",)),
    "talks.csv": (TALK_COLUMNS, ("date",)),
    "coverage.csv": (COVERAGE_COLUMNS, ("start",)),
    AGREEMENTS: (AGREEMENT_COLUMNS, ("date",)),
}

Row = tuple[str, ...]
_OTHER: Final = "on line "
"""Words before the number of the other line, in complaints about a row that stands twice."""


@dataclass(frozen=True)
class Added:
    """What `with_rows` did.

    Attributes
    ----------
    files
        The files with the rows.
    tables
        The tables they belong to.
    rows
        How many were not there before.
    lines
        Table and line in it -> file and line in that, of each of them.
    """

    files: tuple[Path, ...]
    tables: tuple[str, ...]
    rows: int
    lines: dict[tuple[str, int], tuple[Path, int]]

    @property
    def named(self) -> str:
        """Names of the files, as one text."""
        return ", ".join(file.name for file in self.files)

    def blamed(self, error: StudyError) -> StudyError:
        """Return a complaint about the new table as one about the file with the rows.

        Parameters
        ----------
        error
            What `load_study` said of the new folder; returned as it is where it is about something
            else.
        """
        place = re.match(r"(\w+\.csv):(\d+)(.*)", error.where)
        if place is None:
            return error
        here = self.lines.get((place[1], int(place[2])))
        other = re.search(rf"{_OTHER}(\d+) of (\w+\.csv)", error.found)
        there = None if other is None else self.lines.get((other[2], int(other[1])))
        if here is None and there is None:
            return error
        found, table = error.found, place[1]
        if here is None:  # of two rows that are one, the complaint is about the later
            here, there = there, None
        if other is not None:
            at = f"in the run's {table}" if there is None else f"{_OTHER}{there[1]} of {there[0]}"
            found = found[: other.start()] + at
        assert here is not None
        return StudyError(
            error.what, where=f"{here[0]}:{here[1]}{place[3]}", found=found,
            expected=error.expected, mend=error.mend,
        )  # fmt: skip


def copy_study(folder: Path, to: Path) -> None:
    """Copy the study's own files, never through a link, and nothing else that lies there.

    Parameters
    ----------
    folder
        The study folder.
    to
        Folder to make.

    Raises
    ------
    StudyError
        A file is missing, or no plain file.
    """
    to.mkdir()
    for name in (*_FILES, *_EXTRAS):
        if name in _EXTRAS[:3] and not os.path.lexists(folder / name):
            continue
        if name == "truth.json" and ((folder / name).is_symlink() or not (folder / name).exists()):
            continue  # no part of the study as it was read: a link here is not worth a fit
        with open_safely(folder, name) as source:
            replace_file(to / name, source.read())


def with_rows(folder: Path, files: Sequence[Path], out: Path) -> Added:
    """Copy a study folder and merge the rows of files into the tables that their headers name.

    Rows that a table holds already are left out; the others find their place in time. A row that
    ends an agreement takes the place of the one without an end. The copy is not checked here:
    `load_study` does that.

    Parameters
    ----------
    folder
        The study folder.
    files
        CSV files with exactly the columns of ``indicators.csv``, ``events.csv``, ``talks.csv``,
        ``coverage.csv`` or ``agreements.csv`` each, in any order.
    out
        Folder to write; must not exist.

    Returns
    -------
    Added
        What was added.

    Raises
    ------
    StudyError
        A file cannot be read, or its header is that of no table.
    """
    given: dict[str, list[tuple[Row, Path, int]]] = {}
    for file in files:
        name = _table_of(file)
        try:
            rows = _rows(file.parent, file.name, _TABLES[name][0])
        except StudyError as error:
            raise _of_file(error, file) from error
        given.setdefault(name, []).extend((row, file, line) for row, line in rows)
    copy_study(folder, out)
    lines: dict[tuple[str, int], tuple[Path, int]] = {}
    for name, rows_given in given.items():
        lines |= _merge(folder, name, rows_given, out)
    return Added(tuple(files), tuple(given), len(lines), lines)


def _table_of(data: Path) -> str:
    """Return the table whose header a file has."""
    try:
        header = next(csv.reader(read_lines(data.parent, data.name), strict=True), [])
    except StudyError as error:
        raise _of_file(error, data) from error
    except csv.Error:
        header = []
    name = next((n for n, (columns, _) in _TABLES.items() if sorted(columns) == sorted(header)), "")
    if not name:
        raise StudyError(
            "the header is that of no table",
            where=f"{data}:1",
            found=",".join(header) or "nothing",
            expected="\n            or ".join(",".join(columns) for columns, _ in _TABLES.values()),
            mend="write the header of the table that the rows belong to as the first line",
        )
    return name


def _merge(
    folder: Path, name: str, given: list[tuple[Row, Path, int]], out: Path
) -> dict[tuple[str, int], tuple[Path, int]]:
    """Write a table with further rows; return where each of these stands, and where it stood."""
    columns, order = _TABLES[name]
    old = _rows(folder, name, columns) if (folder / name).is_file() else []
    known = {row for row, _ in old}
    # A row that stands twice among them is new once.
    new = {row: (file, line) for row, file, line in reversed(given) if row not in known}
    merged: list[tuple[Row, tuple[Path, int] | None]] = [
        (row, None) for row, _ in old if not (name == AGREEMENTS and _ended_by(row, new))
    ]
    merged += reversed(new.items())
    place = [columns.index(key) for key in order]
    merged.sort(key=lambda item: tuple(item[0][k] for k in place))
    lines, at = {}, 1
    with io.StringIO(newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row, origin in merged:
            at += 1
            if origin:
                lines[name, at] = origin
            writer.writerow(row)
            at += sum(cell.count("\n") for cell in row)  # cells may hold line ends
        replace_file(out / name, handle.getvalue())
    return lines


def _ended_by(old: tuple[str, ...], new: Iterable[tuple[str, ...]]) -> bool:
    """Tell whether one of the new rows is this agreement, in force until now, with its end."""
    ends = [AGREEMENT_COLUMNS.index(c) for c in ("ended", "end_published_at", "end_kind")]

    def begun(row: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cell for k, cell in enumerate(row) if k not in ends)

    return not any(old[k] for k in ends) and any(begun(row) == begun(old) for row in new)


def _of_file(error: StudyError, data: Path) -> StudyError:
    """Say the whole path of the file, and nothing of a study."""
    where = f"{data}{error.where.removeprefix(data.name)}"
    if "no such file" in error.found:
        return StudyError(
            "there is no such file of rows",
            where=where,
            found=error.found,
            expected="a CSV file with the header of one of the study's tables",
            mend="check the path",
        )
    return StudyError(
        error.what, where=where, found=error.found, expected=error.expected, mend=error.mend
    )


def _rows(folder: Path, name: str, columns: tuple[str, ...]) -> list[tuple[Row, int]]:
    table = read_table(folder, name, columns)
    rows = zip(*(table.cells[c] for c in columns), strict=True)
    return list(zip(rows, table.lines, strict=True))
