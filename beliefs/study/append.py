"""New rows for a study folder, from a file with the header of one of its tables."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Iterable
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

__all__ = ["Added", "copy_study", "with_rows"]

AGREEMENTS: Final = "agreements.csv"
_FILES: Final = ("study.toml", "indicators.csv", "events.csv", "talks.csv", "SOURCES.md")
_EXTRAS: Final = ("coverage.csv", AGREEMENTS, "truth.json")
_TABLES: Final = {
    "indicators.csv": (INDICATOR_COLUMNS, ("indicator", "date", "published_at")),
    "events.csv": (EVENT_COLUMNS, ("date",)),
    "talks.csv": (TALK_COLUMNS, ("date",)),
    "coverage.csv": (COVERAGE_COLUMNS, ("start",)),
    AGREEMENTS: (AGREEMENT_COLUMNS, ("date",)),
}


@dataclass(frozen=True)
class Added:
    """What `with_rows` did.

    Attributes
    ----------
    data
        The file with the rows.
    name
        The table they belong to.
    rows
        How many were not there before.
    lines
        Line in the new table -> line in `data`, of each of them.
    """

    data: Path
    name: str
    rows: int
    lines: dict[int, int]

    def blamed(self, error: StudyError) -> StudyError:
        """Return a complaint about the new table as one about the file with the rows.

        Parameters
        ----------
        error
            What `load_study` said of the new folder; returned as it is where it is about something
            else.
        """
        place = re.match(rf"{re.escape(self.name)}:(\d+)(.*)", error.where)
        if place is None or int(place[1]) not in self.lines:
            return error
        where = f"{self.data}:{self.lines[int(place[1])]}{place[2]}"
        return StudyError(
            error.what, where=where, found=error.found, expected=error.expected, mend=error.mend
        )


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
        if name in _EXTRAS[:2] and not os.path.lexists(folder / name):
            continue
        if name == "truth.json" and ((folder / name).is_symlink() or not (folder / name).exists()):
            continue  # no part of the study as it was read: a link here is not worth a fit
        with open_safely(folder, name) as source, (to / name).open("xb") as target:
            shutil.copyfileobj(source, target)


def with_rows(folder: Path, data: Path, out: Path) -> Added:
    """Copy a study folder and merge the rows of a file into the table that its header names.

    Rows that the table holds already are left out; the others find their place in time. A row that
    ends an agreement takes the place of the one without an end. The copy is not checked here:
    `load_study` does that.

    Parameters
    ----------
    folder
        The study folder.
    data
        CSV file with exactly the columns of ``indicators.csv``, ``events.csv``, ``talks.csv``,
        ``coverage.csv`` or ``agreements.csv``, in any order.
    out
        Folder to write; must not exist.

    Returns
    -------
    Added
        What was added.

    Raises
    ------
    StudyError
        The file cannot be read, or its header is that of no table.
    """
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
    columns, order = _TABLES[name]
    copy_study(folder, out)
    old = _rows(folder, name, columns) if (folder / name).is_file() else []
    known = {row for row, _ in old}
    try:
        given = _rows(data.parent, data.name, columns)
    except StudyError as error:
        raise _of_file(error, data) from error
    # A row that stands twice in the file is new once.
    new = {row: line for row, line in reversed(given) if row not in known}
    merged: list[tuple[tuple[str, ...], int]] = [
        (row, 0) for row, _ in old if not (name == AGREEMENTS and _ended_by(row, new))
    ]
    merged += reversed(new.items())
    place = [columns.index(key) for key in order]
    merged.sort(key=lambda item: tuple(item[0][k] for k in place))
    lines, at = {}, 1
    with open(out / name, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row, line in merged:
            at += 1
            if line:
                lines[at] = line
            writer.writerow(row)
            at += sum(cell.count("\n") for cell in row)  # cells may hold line ends
    return Added(data, name, len(new), lines)


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


def _rows(folder: Path, name: str, columns: tuple[str, ...]) -> list[tuple[tuple[str, ...], int]]:
    table = read_table(folder, name, columns)
    rows = zip(*(table.cells[c] for c in columns), strict=True)
    return list(zip(rows, table.lines, strict=True))
