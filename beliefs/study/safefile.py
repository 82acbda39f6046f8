"""Opening a file that may come from a stranger: regular, inside its folder, bounded, UTF-8.

Nothing here trusts a size or a name. A file is read line by line, and a line that exceeds the
bound is refused after the bound, so a 50 MB line costs 1 MB of memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from beliefs.errors import StudyError

__all__ = ["MAX_FILE_BYTES", "MAX_LINE_BYTES", "open_safely", "read_lines"]

MAX_FILE_BYTES = 64 * 2**20
MAX_LINE_BYTES = 2**20

_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def open_safely(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> BinaryIO:
    """Open `folder / name` for reading bytes, or say why not."""
    path = folder / name
    try:
        info = path.lstat()
    except FileNotFoundError:
        raise StudyError(
            f"the study has no {name}",
            where=name,
            found="no such file",
            expected=f"a file {name} in the study folder",
            mend="add it; a study is study.toml, SOURCES.md, and indicators, events and talks .csv",
        ) from None
    except OSError as error:
        raise _unreadable(name, error) from None
    if not stat.S_ISREG(info.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(info.st_mode) else "not a regular file"
        raise StudyError(
            f"{name} is not a plain file",
            where=name,
            found=kind,
            expected="a regular file inside the study folder",
            mend="copy the content into the folder; links may lead out of it and are not followed",
        )
    if info.st_size > max_bytes:
        raise StudyError(
            f"{name} is too large",
            where=name,
            found=f"{info.st_size} bytes",
            expected=f"at most {max_bytes} bytes",
            mend="keep only what the study uses",
        )
    try:
        # O_NOFOLLOW closes the gap between the check above and the opening below.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        raise _unreadable(name, error) from None
    return os.fdopen(handle, "rb")


def _unreadable(name: str, error: OSError) -> StudyError:
    return StudyError(
        f"{name} cannot be read",
        where=name,
        found=error.strerror or type(error).__name__,
        expected="a readable file",
        mend="check the permissions of the file and of its folder",
    )


def read_lines(
    folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES, max_line: int = MAX_LINE_BYTES
) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file, line ends kept, a byte-order mark dropped."""
    with open_safely(folder, name, max_bytes) as handle:
        number, total = 0, 0
        while True:
            raw = handle.readline(max_line + 1)
            if not raw:
                return
            number, total = number + 1, total + len(raw)
            # A file may grow after its size was checked, so the bound is kept here as well.
            if len(raw) > max_line or total > max_bytes:
                raise StudyError(
                    "a line is too long",
                    where=f"{name}:{number}",
                    found=f"more than {max_line} bytes in one line",
                    expected=f"lines of at most {max_line} bytes",
                    mend="check the line ends and the quotation marks of the file",
                )
            if number == 1:
                raw = _without_bom(name, raw)
            column = raw.find(b"\x00")
            if column >= 0:
                raise StudyError(
                    "a NUL byte stands in the text",
                    where=f"{name}:{number} byte {column + 1}",
                    found="\\x00",
                    expected="plain UTF-8 text",
                    mend="save the file again as UTF-8 text; it may be binary or UTF-16",
                )
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise StudyError(
                    "the text is not UTF-8",
                    where=f"{name}:{number} byte {error.start + 1}",
                    found=repr(raw[max(0, error.start - 10) : error.end + 10]),
                    expected="UTF-8",
                    mend=f"convert it, for example: iconv -f latin1 -t utf-8 {name} > fixed.csv",
                ) from None


def _without_bom(name: str, raw: bytes) -> bytes:
    # Spreadsheet programs write a UTF-8 mark: harmless, so tolerated. The others are not UTF-8.
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:]
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            raise StudyError(
                "the text is not UTF-8",
                where=f"{name}:1 byte 1",
                found=f"a byte-order mark of {encoding}",
                expected="UTF-8",
                mend=f"convert it, for example: iconv -f {encoding} -t utf-8 {name} > fixed.csv",
            )
    return raw
