r"""The file of a ledger: a chain of lines, locked while it is written, and only ever appended to.

A line is one JSON object in ASCII, with the hash of the line before and its own::

    {"n":3,"previous":"<64 hex digits>","at":"2026-07-01T06:00:04Z","kind":...,"hash":"<64 hex>"}

``hash`` is the SHA-256 of the bytes of the line before ``,"hash":`` as they stand: no flipped bit
is harmless, and a shell can do the sum
(``sed -n 3p FILE | sed 's/,"hash":"[^"]*"}$//' | tr -d '\n' | sha256sum``).

A chain shows that lines were changed, left out in the middle or put in. That lines are missing at
its end, or were all written anew, shows only a head (the hash of the last line) noted elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beliefs.errors import ConflictError, StudyError, counted
from beliefs.records.files import append, busy, locked
from beliefs.study.writefile import write_file

BEGINNING = "0" * 64
"""What the first line holds as the hash of the line before."""
PATIENCE = 60.0  # seconds that a writer waits for others

_FORM = re.compile(
    rb'(\{"n":([1-9][0-9]{0,11}),"previous":"([0-9a-f]{64})",.*),"hash":"([0-9a-f]{64})"\}'
)


@dataclass(frozen=True)
class Line:
    """One whole line: its number from 1, the hash it claims, and what it says."""

    n: int
    hash: str
    record: dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """What is wrong, and at which line."""

    line: int
    what: str


@dataclass(frozen=True)
class Chain:
    """A ledger, read: `whole` bytes of lines, and the `rest`, a line that a killed writer began."""

    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]
    whole: int
    rest: bytes

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return self.lines[-1].hash if self.lines else BEGINNING


def seal(n: int, previous: str, fields: dict[str, Any]) -> bytes:
    """Return line `n`, from 1, with its end; `fields` (one at least) are JSON without NaN."""
    said = {"n": n, "previous": previous, **fields}
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    content = text[:-1].encode("ascii")
    return b'%b,"hash":"%b"}\n' % (content, hashlib.sha256(content).hexdigest().encode("ascii"))


def check(data: bytes) -> Chain:
    """Recompute every hash of a ledger, all bytes of whose file are given."""
    *pieces, rest = data.split(b"\n")
    lines, problems = list[Line](), list[Problem]()
    number, hashes = 0, {BEGINNING}  # of the line before; no hashes where it cannot be read
    for place, raw in enumerate(pieces, 1):
        form, record = _FORM.fullmatch(raw), None
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(raw.decode("ascii"))
        if form is None or not isinstance(record, dict):
            good = isinstance(record, dict)
            fault = "has not the form of a ledger's line" if good else "is not valid JSON"
            problems.append(Problem(place, f"line {place} {fault}"))
            number, hashes = 0, set()
            continue
        n, previous, claimed = int(form[2]), form[3].decode(), form[4].decode()
        found, result = hashlib.sha256(form[1]).hexdigest(), ""
        if found != claimed:
            result = f"the hash of line {place} does not match what the line says"
        elif place == 1 and (n, previous) != (1, BEGINNING):
            result = f"line 1 is not the beginning of a ledger: it was written as line {n}"
        elif (hashes and previous not in hashes) or (place > 1 and number and n != number + 1):
            result = f"chain broken between lines {place - 1} and {place}"
            if number and n != number + 1:
                result += f": they were written as lines {number} and {n}"
        if result:
            problems.append(Problem(place, result))
        lines.append(Line(n, claimed, record))
        number, hashes = (n if found == claimed else 0), {claimed, found}
    if rest:
        last = len(pieces) + 1
        problems.append(Problem(last, f"line {last}, the last, is cut off: it has no end of line"))
    return Chain(tuple(lines), tuple(problems), len(data) - len(rest), rest)


def held_head(chain: Chain, head: str) -> int | None:
    """Return the number of lines written since a head was noted, None if no line has that hash."""
    hashes = [BEGINNING, *(line.hash for line in chain.lines)]
    return hashes[::-1].index(head) if head in hashes else None


@dataclass
class Book:
    """A ledger held by its only writer."""

    path: Path
    chain: Chain

    def append(self, *said: dict[str, Any]) -> tuple[Line, ...]:
        """Write lines at the end, all or none, and return them once the disk has them."""
        n, data, head = len(self.chain.lines), b"", self.chain.head
        for number, fields in enumerate(said, n + 1):
            sealed = seal(number, head, fields)
            head = check(sealed).head
            data += sealed
        before = self.path.read_bytes() if self.path.exists() else b""
        try:
            append(self.path, data)
        except BaseException:  # an interrupt too must leave no half line
            with contextlib.suppress(OSError):
                os.truncate(self.path, len(before))
            raise
        self.chain = check(before + data)
        return self.chain.lines[n:]


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[Book]:
    """Hold a ledger, begun if need be, as its only writer; ConflictError after `PATIENCE`."""
    path = Path(path)
    with _held(path):
        chain = check(path.read_bytes() if path.exists() else b"")
        if chain.problems:
            raise damaged(path, chain)
        yield Book(path, chain)


def read_chain(path: str | Path) -> Chain:
    """Read a ledger between two writes, in order or not."""
    path = Path(path)
    with _held(path, reading=True):
        return check(path.read_bytes())


def fix(path: str | Path) -> tuple[Path | None, int]:
    """Cut off a half-written last line; return the file that keeps it, and how many lines are left.

    None where that line only lacked its end, and got it. Nothing else may be wrong with the ledger.
    """
    path = Path(path)
    with _held(path, begin=False):
        data = path.read_bytes()
        chain = check(data)
        if not chain.rest:
            raise ConflictError(
                "no line of the ledger is cut off",
                where=str(path),
                found=counted(len(chain.lines), "whole line"),
                expected="a last line without its end",
                fix="beliefs ledger verify says what is wrong, if anything is",
            )
        if len(chain.problems) > 1:
            raise damaged(path, chain)
        ended = check(data + b"\n")
        if not ended.problems:
            append(path, b"\n")
            return None, len(ended.lines)
        # On the disk before it is cut off; the name holds its hash, so nothing is replaced.
        digest = hashlib.sha256(chain.rest).hexdigest()[:12]
        name = f"{path.name}.cut-{len(chain.lines) + 1}-{digest}"
        kept = write_file(path.with_name(name), chain.rest)
        os.truncate(path, chain.whole)
        return kept, len(chain.lines)


def damaged(path: Path, chain: Chain) -> StudyError:
    """Return the error for a ledger whose chain is not in order."""
    problem, more = chain.problems[0], len(chain.problems) - 1
    what, expected = "the ledger was damaged or changed", "the lines as they were written"
    found = problem.what + (f"; {more} more" if more else "")
    fix = "restore the file from a copy; without one keep it as it is, and begin another"
    if chain.rest and not more:
        what = "the last line of the ledger is cut off: a writer was killed, or the disk was full"
        found = f"{len(chain.rest)} bytes, {chain.rest[:60].decode('ascii', 'replace')!r}..."
        expected = "a line that ends"
        fix = (
            f"run `beliefs ledger fix --ledger {path}` (it keeps what it cuts off); then add that "
            "run, or resolve, again"
        )
    where = f"{path}:{problem.line}"
    return StudyError(what, where=where, found=found, expected=expected, fix=fix)


@contextlib.contextmanager
def _held(path: Path, *, reading: bool = False, begin: bool = True) -> Iterator[None]:
    """Let nobody else write a ledger; a regular file: a device has no end, a pipe waits for one."""
    if path.exists() and not path.is_file():
        raise _unusable(path, "not a regular file")
    if not path.parent.is_dir():
        raise _unusable(path, "no such folder")
    if not path.exists() and (reading or not begin):
        raise StudyError(
            "there is no such ledger", where=str(path), found="nothing of that name",
            expected="a file that `beliefs ledger add` wrote", fix="check --ledger",
        )  # fmt: skip
    whole = path.resolve()
    fix = "writers take milliseconds: see whether one of yours is stopped, and register again"
    found = f"it was locked for {PATIENCE:.0f} seconds"
    other = busy("writing this ledger", path, found, fix)
    lock = whole.with_name(f".{whole.name}.lock")
    try:  # where nobody can lock, nobody writes: reading needs no lock
        with locked(lock, PATIENCE, other, needed=not reading):
            yield
    except OSError as error:
        if error.filename and Path(error.filename).name not in (path.name, whole.name, lock.name):
            raise  # another file's, from what is done while the ledger is held
        raise _unusable(path, error.strerror or str(error)) from error


def _unusable(path: Path, found: str) -> StudyError:
    return StudyError(
        "the ledger cannot be opened or written", where=str(path), found=found,
        expected="a file in a folder that exists, which this user may read and write, with room",
        fix="check --ledger, the rights of the folder and its room; the ledger is as it was",
    )  # fmt: skip
