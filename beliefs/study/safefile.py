"""Reading a file that may come from a stranger: regular, inside its folder, bounded, UTF-8, CSV.

Nothing here trusts a size or a name. A file is read line by line, and a line that exceeds the
bound is refused after the bound, so a 50 MB line costs 1 MB of memory. Every complaint names file
and line, of a table also the column, where quoted cells hold line ends too.

Cells of a table stand between commas. As spreadsheets save them, they may also stand between
semicolons or tabs, the first line may be ``sep=;``, and names of columns may have capitals.
"""

import csv
import difflib
import errno
import itertools
import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from beliefs.errors import StudyError

MAX_FILE_BYTES = 64 * 2**20
MAX_LINE_BYTES = 2**20
MAX_ROWS = 2_000_000
_SEPARATORS = ",;\t"
_SEP_LINE = re.compile(r'"?sep=([,;\t|])[,;\t"]*\s*', re.IGNORECASE)
_SAVE = "in a spreadsheet, save as `CSV UTF-8 (comma delimited)`"


def open_safely(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> BinaryIO:
    """Open `folder / name` for reading bytes, or say why not."""
    path = folder / name
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            what, expected = f"{name} is not a plain file", "a regular file inside the study folder"
            found = "a symbolic link" if stat.S_ISLNK(info.st_mode) else "not a regular file"
            fix = "copy the content into the folder; links may lead out of it and are not followed"
        elif info.st_size > max_bytes:
            what, found = f"{name} is too large", f"{info.st_size} bytes"
            expected, fix = f"at most {max_bytes} bytes", "keep only what the study uses"
        else:
            # O_NOFOLLOW closes the gap between the check above and the opening here.
            return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")
    except FileNotFoundError:
        what, found = f"the study has no {name}", "no such file"
        expected = f"a file {name} in the study folder"
        fix = "add it; a study is study.toml, SOURCES.md, and indicators, events and talks .csv"
    except OSError as error:
        what, found = f"{name} cannot be read", error.strerror or type(error).__name__
        expected, fix = "a readable file", "check the permissions of the file and of its folder"
    raise StudyError(what, where=name, found=found, expected=expected, fix=fix)


def read_small(path: Path) -> str:
    """Return the text of a file of at most 1 MiB, whatever it is: a device may have no end."""
    with path.open("rb") as file:
        content = file.read(MAX_LINE_BYTES + 1)
    if len(content) > MAX_LINE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content.decode("utf-8-sig")


def read_lines(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file, line ends kept, a byte-order mark dropped."""
    with open_safely(folder, name, max_bytes) as handle:
        number, total = 0, 0
        while raw := handle.readline(MAX_LINE_BYTES + 1):
            number, total = number + 1, total + len(raw)
            # A file may grow after its size was checked, so the bound is kept here as well.
            if len(raw) > MAX_LINE_BYTES or total > max_bytes:
                raise StudyError(
                    "a line is too long",
                    where=f"{name}:{number}",
                    found=f"more than {MAX_LINE_BYTES} bytes in one line",
                    expected=f"lines of at most {MAX_LINE_BYTES} bytes",
                    fix="check the line ends and the quotation marks of the file",
                )
            if number == 1:
                # Spreadsheet programs write a UTF-8 mark: harmless, so tolerated.
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if b"\x00" in raw:
                raise _not_text(name, number, raw.find(b"\x00") + 1, "\\x00", "utf-16")
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError as error:
                found = repr(raw[max(0, error.start - 10) : error.end + 10])
                raise _not_text(name, number, error.start + 1, found, "latin1") from None


def _not_text(name: str, line: int, byte: int, found: str, encoding: str) -> StudyError:
    return StudyError(
        "the text is not UTF-8", where=f"{name}:{line} byte {byte}", found=found,
        expected="plain UTF-8 text",
        fix=f"convert it, for example: iconv -f {encoding} -t utf-8 {name} > fixed.csv",
    )  # fmt: skip


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

    def error(
        self, row: int, column: str, what: str, expected: str, fix: str, found: str = ""
    ) -> StudyError:
        """Return the error for one cell, which holds what was found."""
        where = f"{self.name}:{self.lines[row]} column {column}"
        found = found or repr(self.cells[column][row])
        return StudyError(what, where=where, found=found, expected=expected, fix=fix)

    def twice(self, row: int, first: int, column: str, name: str, fix: str) -> StudyError:
        """Return the error for a row that says the same as the one numbered `first`."""
        found = f"{name}: also on line {self.lines[first]} of {self.name}"
        what, expected = "a row stands twice", "rows that are unique"
        return self.error(row, column, what, expected, f"remove the row, or {fix}", found)


def read_table(
    folder: Path, name: str, columns: Sequence[str], *, max_rows: int = MAX_ROWS
) -> Table:
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
        if len(rows) >= max_rows:
            raise StudyError(
                f"{name} has too many rows", where=f"{name}:{line}",
                found=f"more than {max_rows} rows", expected=f"at most {max_rows} rows",
                fix="keep only the rows that the study uses",
            )  # fmt: skip
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

    def known(separator: str) -> int:
        header = ahead[-1].split(separator) if ahead else []
        return len({_bare(cell.strip('"\r\n')) for cell in header} & {*columns})

    separator = said[1] if said else max(_SEPARATORS, key=known)
    reader = csv.reader(itertools.chain(ahead, lines), strict=True, delimiter=separator)
    records = _records(reader, name, len(skipped))
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
        where=f"{name}:{line} column {column or '(blank)'}", found=",".join(header) or "no header",
        expected=",".join(columns), fix=fix,
    )  # fmt: skip
