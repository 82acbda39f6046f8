"""A panel: a folder of many conflicts in the study format, each of which is a study.

Its tables are those of a study with one more column, `conflict`, which names a row of
``conflicts.csv``. Its ``study.toml`` is a template: ``@NAME@`` stands for the name of a conflict's
study, and each column of ``conflicts.csv`` for itself, as ``@SIDE_A@`` for `side_a`.
"""

import datetime as dt
import difflib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import model_validator

from beliefs.errors import StudyError
from beliefs.shown import Shown
from beliefs.study.bundled import data_folder, slug_of
from beliefs.study.dates import Fault, check_ends
from beliefs.study.safefile import Table, read_header, read_lines, read_table
from beliefs.study.specfile import read_spec
from beliefs.study.tables.cells import Day, Name, Row, columns_of, csv_text, read_rows, texts_of
from beliefs.study.tables.rows import TABLES, words_of
from beliefs.study.writefile import replace_file

CONFLICTS, LICENCE = "conflicts.csv", "LICENSE.md"
WEEKS_BEFORE = 8
"""How long before its start acts and talks of a conflict are kept: what was in the air."""
_OPTIONAL = (LICENCE, "indicators.csv", "coverage.csv", "agreements.csv")
_PLACEHOLDER = re.compile(r"@([A-Z][A-Z0-9_]*)@")


class Conflict(Row):
    """A row of ``conflicts.csv``: which two sides, and the first and last day modelled."""

    key: ClassVar = "conflict"

    conflict: Name
    side_a: str
    side_b: str
    start: Day
    end: Day

    @model_validator(mode="after")
    def _check(self) -> Self:
        for side in ("side_a", "side_b"):
            if not getattr(self, side).strip():
                raise Fault(f"{side} is missing", "the name of a side", "name both sides", side)
        if self.side_a == self.side_b:
            what, fix = "both sides have one name", "correct one of the two"
            raise Fault(what, "the names of two sides", fix, "side_b")
        check_ends(self.start, self.end)
        return self


@dataclass(frozen=True, eq=False, repr=False)
class Panel(Shown):
    """Many conflicts, by their names in the order of their file."""

    name: str
    path: Path
    conflicts: Mapping[str, Conflict]
    tables: Mapping[str, Table]  # text cells by the name of the file
    texts: Mapping[str, str]  # of the other files, "" where there is none

    def _facts(self) -> dict[str, Any]:
        days = self.tables[CONFLICTS].cells
        rows = sum(map(len, self.tables.values())) - len(self.conflicts)
        return {
            "panel": self.name, "conflicts": len(self.conflicts), "first": min(days["start"])[:4],
            "last": max(days["end"])[:4], "rows": rows,
            "licence": self.texts[LICENCE].partition("\n")[0].strip("# "),
        }  # fmt: skip

    def tables_of(self, conflict: str) -> dict[str, Table]:
        """Return the tables of the study of one conflict; lines are those of the panel's files."""
        found = {}
        for name, table in self.tables.items():
            rows = [k for k, of in enumerate(table.cells["conflict"]) if of == conflict]
            cells = {c: (*(said[k] for k in rows),) for c, said in table.cells.items()}
            lines = [table.lines[k] for k in rows]
            found[name] = Table(name, lines, {**cells}, table.separator)
        return found


def list_panels() -> list[str]:
    """Return the names of the bundled panels, sorted; a wheel holds none."""
    return sorted(path.parent.name for path in data_folder().glob(f"panels/*/{CONFLICTS}"))


def find_panel(name_or_path: str | Path) -> Path | None:
    """Return the folder of a bundled panel, or of one at a path; None where there is none.

    As for studies a bundled name wins; write ``./name`` for a folder of the same name.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, str) and text in list_panels():
        return data_folder() / "panels" / text
    there = text and all(os.path.isfile(os.path.join(text, n)) for n in (CONFLICTS, "study.toml"))
    return Path(text).resolve() if there else None


def load_panel(name_or_path: str | Path) -> Panel:
    """Read and check a panel: what each row of its tables says, whose it is, and when it was.

    What the rows of one conflict say together is checked where it is loaded: `load_study` takes
    ``PANEL/CONFLICT``.

    Parameters
    ----------
    name_or_path
        Name of a bundled panel or path of its folder.

    Returns
    -------
    Panel

    Raises
    ------
    StudyError
        If there is no such panel, or if it breaks a rule.

    Examples
    --------
    >>> beliefs.load_panel("crises").name
    'crises'
    """
    folder = find_panel(name_or_path)
    if folder is None:
        raise StudyError(
            "there is no such panel",
            where=str(name_or_path)[:200],
            found="no folder of that name with conflicts.csv and study.toml",
            expected="the name of a bundled panel or the path of a panel's folder",
            fix="bundled panels: " + (", ".join(list_panels()) or "none"),
        )
    files = ((file.name, file.lstat()) for file in sorted(folder.iterdir()))
    return _read(folder, tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))


def find_conflict(name_or_path: str | Path) -> tuple[Panel, str] | None:
    """Return what ``PANEL/CONFLICT`` means, None where it begins with no panel."""
    head, name = os.path.split(str(name_or_path).rstrip("/"))
    if whole := find_panel(name_or_path) is not None:
        head, name = str(name_or_path).rstrip("/"), ""
    elif find_panel(head) is None:
        return None
    panel = load_panel(head)
    if name not in panel.conflicts:
        near = [*difflib.get_close_matches(name, panel.conflicts, 1), *panel.conflicts]
        raise StudyError(
            "a panel is not one study" if whole else "the panel has no such conflict",
            where=str(name_or_path),
            found=name or f"{len(panel.conflicts)} conflicts",
            expected=f"one of its conflicts, for example {head}/{near[0]}",
            fix=f"`beliefs panels {head}` lists them",
        )
    return panel, name


@lru_cache(maxsize=8)
def _read(folder: Path, _stamp: object) -> Panel:
    """Read and check a panel whose files have this stamp."""
    columns = (*columns_of(Conflict), *read_header(folder, CONFLICTS, columns_of(Conflict)))
    table = read_table(folder, CONFLICTS, [*dict.fromkeys(columns)])
    conflicts = {row.conflict: row for row in read_rows(Conflict, table, {})}
    if not conflicts:
        expected, fix = "a row for each conflict", "add them"
        what, where = "the panel has no conflict", f"{CONFLICTS}:1"
        raise StudyError(what, where=where, found="0 rows", expected=expected, fix=fix)
    absent = {name for name in _OPTIONAL if not os.path.lexists(folder / name)}
    texts = {
        name: "" if name in absent else "".join(read_lines(folder, name))
        for name in ("study.toml", "SOURCES.md", LICENCE)
    }
    for number, line in enumerate(texts["study.toml"].splitlines(), start=1):
        said = [found for found in _PLACEHOLDER.findall(line) if found.lower() not in table.cells]
        if said := [found for found in said if found != "NAME"]:
            raise StudyError(
                "the template names no column of the panel", where=f"study.toml:{number}",
                found=f"@{said[0]}@", fix=f"correct it, or add the column to {CONFLICTS}",
                expected="one of " + ", ".join(f"@{c.upper()}@" for c in ("name", *table.cells)),
            )  # fmt: skip
    panel = Panel(slug_of(folder), folder, conflicts, {CONFLICTS: table}, texts)
    words, tables = words_of(read_spec(taken(panel, next(iter(conflicts))))[0]), {CONFLICTS: table}
    for name, model in TABLES.items():
        columns = ("conflict", *columns_of(model))
        if name not in absent:
            tables[name] = read_table(folder, name, columns)
            for k, row in enumerate(read_rows(model, tables[name], words)):
                _check_place(conflicts, tables[name], k, getattr(row, "date", None))
        elif name == "indicators.csv":  # every study has one
            tables[name] = Table(name, (), dict.fromkeys(columns, ()))
    return replace(panel, tables=tables)


def _check_place(conflicts: Mapping[str, Conflict], table: Table, k: int, day: Any) -> None:
    """Refuse a row of no conflict, or of a day on which its conflict can have none."""
    name = table.cells["conflict"][k]
    if name not in conflicts:
        what, expected = "a row belongs to no conflict of the panel", f"a name in {CONFLICTS}"
        raise table.error(k, "conflict", what, expected, f"correct it, or add it to {CONFLICTS}")
    start, end = conflicts[name].start, conflicts[name].end
    first = start - dt.timedelta(weeks=WEEKS_BEFORE)
    early = day is not None and table.name in ("events.csv", "talks.csv") and day < first
    if day is not None and (early or day > end):
        at = f"more than {WEEKS_BEFORE} weeks before the start" if early else "after the end"
        raise table.error(
            k,
            "date",
            f"a row lies {at} of its conflict",
            f"a date from {first} to {end}: {name} starts on {start}, and what was in the air in "
            f"the {WEEKS_BEFORE} weeks before is kept on purpose",
            f"correct the date, or the days of {name} in {CONFLICTS}, or leave the row out",
        )


@cache
def place() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of the studies that were taken out of panels, made when first asked for."""
    return tempfile.TemporaryDirectory(prefix="beliefs-")


@cache
def taken(panel: Panel, conflict: str) -> Path:
    """Write the study of a conflict into a folder that lasts as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix=f"{conflict}-", dir=place().name))
    tables, (toml, *sources) = panel.tables_of(conflict), panel.texts.values()
    said = {
        column.upper(): json.dumps(cells[0], ensure_ascii=False)[1:-1]  # as TOML has it in quotes
        for column, cells in tables.pop(CONFLICTS).cells.items()
    } | {"NAME": f"{panel.name}-{conflict}".replace("_", "-")}
    files = {
        "study.toml": _PLACEHOLDER.sub(lambda found: said.get(found[1], found[0]), toml),
        "SOURCES.md": "\n".join(filter(None, sources)),  # with the terms, wherever it is copied
    }
    for name, table in tables.items():
        files[name] = csv_text(columns_of(TABLES[name]), texts_of(TABLES[name], table))
    for name, text in files.items():
        replace_file(folder / name, text, last=False)
    return folder
