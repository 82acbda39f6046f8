"""New rows for a study folder, from a file with the header of one of its tables."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Final

from beliefs.errors import StudyError
from beliefs.study.coverage import COVERAGE_COLUMNS
from beliefs.study.rows import EVENT_COLUMNS, TALK_COLUMNS
from beliefs.study.safefile import read_lines
from beliefs.study.series import INDICATOR_COLUMNS
from beliefs.study.tables import read_table

__all__ = ["with_rows"]

_TABLES: Final = {
    "indicators.csv": (INDICATOR_COLUMNS, ("indicator", "date", "published_at")),
    "events.csv": (EVENT_COLUMNS, ("date",)),
    "talks.csv": (TALK_COLUMNS, ("date",)),
    "coverage.csv": (COVERAGE_COLUMNS, ("start",)),
}


def with_rows(folder: Path, data: Path, out: Path) -> int:
    """Copy a study folder and merge the rows of a file into the table that its header names.

    Rows that the table holds already are left out; the others find their place in time. The copy is
    not checked here: `load_study` does that.

    Parameters
    ----------
    folder
        The study folder.
    data
        CSV file with exactly the columns of ``indicators.csv``, ``events.csv``, ``talks.csv`` or
        ``coverage.csv``.
    out
        Folder to write; must not exist.

    Returns
    -------
    int
        Number of rows added.

    Raises
    ------
    StudyError
        The file cannot be read, or its header is that of no table.
    """
    header = next(csv.reader(read_lines(data.parent, data.name), strict=True), [])
    name = next((n for n, (columns, _) in _TABLES.items() if sorted(columns) == sorted(header)), "")
    if not name:
        raise StudyError(
            "the header is that of no table",
            where=f"{data}:1",
            found=",".join(header) or "nothing",
            expected=" or ".join(",".join(columns) for columns, _ in _TABLES.values()),
            mend="write the header of the table that the rows belong to",
        )
    columns, order = _TABLES[name]
    shutil.copytree(folder, out, copy_function=shutil.copyfile)
    old = _rows(folder, name, columns) if (folder / name).is_file() else []
    known = set(old)
    new = [row for row in dict.fromkeys(_rows(data.parent, data.name, columns)) if row not in known]
    place = [columns.index(key) for key in order]
    merged = sorted(old + new, key=lambda row: tuple(row[k] for k in place))
    with open(out / name, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(merged)
    return len(new)


def _rows(folder: Path, name: str, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    table = read_table(folder, name, columns)
    return list(zip(*(table.cells[c] for c in columns), strict=True))
