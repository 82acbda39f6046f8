"""Reading a file that may come from a stranger: regular, inside its folder, bounded, UTF-8, CSV.

Every complaint names file and line, of a table also the column, where quoted cells hold line ends
too. Cells of a table stand between commas. As spreadsheets save them, they may also stand between
semicolons or tabs, the first line may be ``sep=;``, and names of columns may have capitals.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beliefs.errors import StudyError

MAX_FILE_BYTES = 64 * 2**20
_SEPARATORS = ",;\t"
_SEP_LINE = re.compile(r'"?sep=([,;\t|])[,;\t" ]*\r?\n', re.IGNORECASE)
_SAVE = "in a spreadsheet, save as `CSV UTF-8 (comma delimited)`"


def read_bytes(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return the content of `folder / name`, or say why not."""
    path = folder / name
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            raise StudyError(
                f"{name} is not a plain file",
                where=name,
                found="a symbolic link" if stat.S_ISLNK(info.st_mode) else "not a regular file",
                expected="a regular file inside the study folder",
                fix="copy the content into the folder; links may lead out of it and are not "
                "followed",
            )
        if info.st_size > max_bytes:
            raise StudyError(
                f"{name} is too large",
                where=name,
                found=f"{info.st_size} bytes",
                expected=f"at most {max_bytes} bytes",
                fix="keep only what the study uses",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise StudyError(
            f"the study has no {name}",
            where=name,
            found="no such file",
            expected=f"a file {name} in the study folder",
            fix="add it; a study is study.toml, SOURCES.md, and indicators, events and talks .csv",
        ) from None
    except OSError as error:
        raise StudyError(
            f"{name} cannot be read",
            where=name,
            found=error.strerror or type(error).__name__,
            expected="a readable file",
            fix="check the permissions of the file and of its folder",
        ) from None


def read_text(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> str:
    """Return a UTF-8 text, its line ends kept, the mark that spreadsheets put before it dropped."""
    content = read_bytes(folder, name, max_bytes).removeprefix(codecs.BOM_UTF8)
    at, encoding = content.find(b"\0"), "utf-16"
    if at < 0:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            at, encoding = error.start, "latin1"
    line, byte = content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at)
    raise StudyError(
        "the text is not UTF-8",
        where=f"{name}:{line} byte {byte}",
        found=repr(content[max(at - 10, 0) : at + 10]),
        expected="plain UTF-8 text",
        fix=f"convert it, for example: iconv -f {encoding} -t utf-8 {name} > fixed.csv",
    )


# ---- Tables


@dataclass(frozen=True)
class Table:
    """Text cells of a CSV file by column, and the line on which each record began."""

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

    def error(self, row: int, column: str, what: str, expected: str, fix: str) -> StudyError:
        """Return the error for one cell; what was found is read from the cell itself."""
        found = repr(self.cells[column][row])
        return StudyError(what, where=self.at(row, column), found=found, expected=expected, fix=fix)

    def twice(self, row: int, first: int, column: str, name: str, fix: str) -> StudyError:
        """Return the error for a row that says the same as the one numbered `first`."""
        return StudyError(
            "a row stands twice",
            where=self.at(row, column),
            found=f"{name}: also on line {self.lines[first]} of {self.name}",
            expected="rows that are unique",
            fix=f"remove the row, or {fix}",
        )


def read_table(folder: Path, name: str, columns: Sequence[str]) -> Table:
    """Read a CSV file whose header must name exactly `columns`, in any order."""
    separator, line, header, records = _opened(folder, name, columns)
    _check_header(name, line, header, columns)
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, row in records:
        if len(row) != len(columns):
            raise StudyError(
                "a row has the wrong number of cells",
                where=f"{name}:{line} column {min(len(row), len(columns))}",
                found=f"{len(row)} cells: {','.join(row)}",
                expected=f"{len(columns)} cells: {','.join(header)}",
                fix="quote texts that hold a comma; leave unknown cells empty, not out",
            )
        lines.append(line)
        rows.append(row)
    by_column: list[Sequence[str]] = [*zip(*rows, strict=True)] if rows else [()] * len(columns)
    return Table(name, lines, dict(zip(header, by_column, strict=True)), separator)


def read_header(folder: Path, name: str, columns: Collection[str]) -> list[str]:
    """Return the names of the columns of a CSV file, none when it is empty."""
    return _opened(folder, name, columns)[2]


def _opened(
    folder: Path, name: str, columns: Collection[str]
) -> tuple[str, int, list[str], Iterator[tuple[int, list[str]]]]:
    """Return what separates cells, line and names of the header, and the records after it."""
    text = read_text(folder, name)
    said = _SEP_LINE.match(text)
    text = text[said.end() :] if said else text
    first = text.lstrip().partition("\n")[0]

    def known(separator: str) -> int:
        return len({_bare(cell.strip('"\r')) for cell in first.split(separator)} & {*columns})

    separator = said[1] if said else max(_SEPARATORS, key=known)
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True, delimiter=separator)
    records = _records(reader, name, 1 if said else 0)
    number, header = next(records, (1, []))
    return separator, number, [_bare(cell) for cell in header], records


def _bare(name: str) -> str:
    return name.strip().lower()


def _records(
    reader: Iterator[list[str]], name: str, skipped: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which the record begins, cells), skipping empty lines."""
    while True:
        begin = skipped + reader.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise StudyError(
                "a row cannot be read as CSV",
                where=f"{name}:{begin} column 1",
                found="open quotation marks, text after them, or a carriage return inside a line",
                expected="comma-separated cells, quoted with double quotation marks if needed",
                fix="close every quotation mark, double those inside a text, and end lines "
                "with a line feed",
            ) from None
        if row:
            yield begin, row


def _check_header(name: str, line: int, header: list[str], columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in header]
    extra = [column for column in header if column not in columns]
    twice = [column for place, column in enumerate(header) if column in header[:place]]
    if twice:
        what, fix = f"the column `{twice[0]}` stands twice", "remove or rename one of the two"
    elif len(missing) == len(columns):
        what = f"{name} has no header"
        fix = f"write the names of the columns as the first line; {_SAVE}"
    elif missing:
        near = difflib.get_close_matches(missing[0], extra, 1)
        what = f"the column `{missing[0]}` is missing"
        fix = f"rename `{near[0]}` to `{missing[0]}`" if near else f"add `{missing[0]}`"
    elif extra:
        what, fix = f"the column `{extra[0]}` is not known", "remove the column"
    else:
        return
    column = next(iter([*twice, *missing, *extra]))
    raise StudyError(
        what,
        where=f"{name}:{line} column {column or '(blank)'}",
        found=",".join(header) or "no header",
        expected=",".join(columns),
        fix=fix,
    )
