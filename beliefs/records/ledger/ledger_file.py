"""The file of a ledger: read whole, locked while it is written, and only ever appended to.

The lock is the kernel's (``flock``) on the ledger itself, so that no lock outlives its holder.
Where there is none (Windows), `filelock` keeps a lock file beside it. A line is on the disk before
its writer is told so.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from beliefs.errors import ConflictError, StudyError, counted
from beliefs.records.ledger.ledger_chain import Chain, Line, check, seal
from beliefs.study.writefile import flush_folder, write_file

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Book", "damaged", "mend", "read_chain", "writing"]

PATIENCE = 60.0  # seconds that a writer waits for others
_NAP = 0.002  # seconds between two looks at a lock
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)


class Book:
    """A ledger held by its only writer.

    Attributes
    ----------
    chain
        What it holds.
    new
        Whether it was begun just now.
    """

    def __init__(self, path: Path, number: int, chain: Chain) -> None:
        self.path, self.chain, self._number = path, chain, number
        self.new = not chain.lines

    def append(self, *said: dict[str, Any]) -> tuple[Line, ...]:
        """Write lines at the end, all or none, and return them once the disk has them.

        Raises
        ------
        StudyError
            They cannot be written; the ledger is as it was.
        """
        n, head = len(self.chain.lines), self.chain.head
        data = b""
        for fields in said:
            n += 1
            sealed = seal(n, head, fields)
            head = check(sealed, parse=False).head
            data += sealed
        size = self.chain.whole
        try:
            _write(self._number, data)
        except BaseException as error:  # an interrupt too must leave no half line
            with contextlib.suppress(OSError):
                os.ftruncate(self._number, size)
            if isinstance(error, OSError):
                raise StudyError(
                    "the ledger could not be written",
                    where=str(self.path),
                    found=error.strerror or str(error),
                    expected="a writable place with enough room",
                    mend="free some room, then register again; the ledger is as it was",
                ) from error
            raise
        added = check(data, parse=False).lines
        self.chain = Chain((*self.chain.lines, *added), (), size + len(data), b"")
        return added


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[Book]:
    """Hold a ledger as its only writer; begin one where there is no such file.

    Parameters
    ----------
    path
        The ledger.

    Raises
    ------
    ConflictError
        Others kept it locked for `PATIENCE` seconds.
    StudyError
        Its chain is not in order, or the file cannot be opened or locked. Nothing is written to
        a damaged ledger.
    """
    path = Path(path)
    with _held(path) as number:
        chain = check(_content(number), parse=False)
        if chain.problems:
            raise damaged(path, chain)
        yield Book(path, number, chain)


def read_chain(path: str | Path) -> Chain:
    """Read a ledger between two writes, in order or not.

    Raises
    ------
    StudyError
        There is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        number = _open(path, os.O_RDONLY)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # where nobody can lock, nobody writes
                _locked(path, number, fcntl.LOCK_SH)
        return check(_content(number))
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(number)


def mend(path: str | Path) -> tuple[Path | None, int]:
    """Cut off the half-written last line that a killed writer left, and keep it in a file beside.

    Parameters
    ----------
    path
        The ledger; all its whole lines are in order.

    Returns
    -------
    kept : Path or None
        File that has what was cut off. None where the last line only lacked its end and got it.
    lines : int
        Lines that the ledger has now.

    Raises
    ------
    ConflictError
        Nothing is cut off.
    StudyError
        Something else is wrong with it, or it cannot be written.
    """
    path = Path(path)
    if not path.exists():
        raise _missing(path)
    with _held(path) as number:
        data = _content(number)
        chain = check(data)
        if not chain.rest:
            raise ConflictError(
                "no line of the ledger is cut off",
                where=str(path),
                found=counted(len(chain.lines), "whole line"),
                expected="a last line without its end",
                mend="beliefs ledger verify says what is wrong, if anything is",
            )
        if len(chain.problems) > 1:
            raise damaged(path, chain)
        ended = check(data + b"\n")
        if not ended.problems:
            _write(number, b"\n")
            return None, len(ended.lines)
        place = len(chain.lines) + 1
        kept = _kept(path, place, chain.rest)  # on the disk before it is cut off
        os.ftruncate(number, chain.whole)
        os.fsync(number)
        return kept, len(chain.lines)


def _kept(path: Path, place: int, rest: bytes) -> Path:
    """Write what is cut off beside the ledger; the name holds its hash, so nothing is replaced."""
    name = f"{path.name}.cut-{place}-{hashlib.sha256(rest).hexdigest()[:12]}"
    return write_file(path.with_name(name), rest)


def damaged(path: Path, chain: Chain) -> StudyError:
    """Return the error for a ledger whose chain is not in order."""
    problem = chain.problems[0]
    found = problem.what
    if len(chain.problems) == 1 and chain.rest:
        return StudyError(
            "the last line of the ledger is cut off: a writer was killed, or the disk was full",
            where=f"{path}:{problem.line}",
            found=f"{len(chain.rest)} bytes, {chain.rest[:60].decode('ascii', 'replace')!r}...",
            expected="a line that ends",
            mend=f"beliefs ledger mend --ledger {path}   (it keeps what it cuts off); then add "
            "that run, or resolve, again",
        )
    if len(chain.problems) > 1:
        found += f"; {len(chain.problems) - 1} more"
    return StudyError(
        "the ledger was damaged or changed",
        where=f"{path}:{problem.line}",
        found=found,
        expected="the lines as they were written",
        mend="restore the file from a copy; without one keep it as it is, and begin another",
    )


def _missing(path: Path) -> StudyError:
    return StudyError(
        "there is no such ledger",
        where=str(path),
        found="nothing of that name",
        expected="a file that `beliefs ledger add` wrote",
        mend="check --ledger",
    )


def _unusable(path: Path, error: OSError) -> StudyError:
    if isinstance(error, FileNotFoundError) and path.parent.is_dir():
        return _missing(path)
    return StudyError(
        "the ledger cannot be opened",
        where=str(path),
        found=error.strerror or str(error),
        expected="a file in a folder that exists, which this user may read and write",
        mend="check --ledger and the rights of the folder",
    )


@contextlib.contextmanager
def _held(path: Path) -> Iterator[int]:
    """Yield a descriptor of a ledger that nobody else writes."""
    with contextlib.ExitStack() as stack:
        try:
            number = _opened(path) if fcntl is not None else _opened_beside_a_lock(path, stack)
        except OSError as error:
            raise _unusable(path, error) from error
        stack.callback(os.close, number)
        yield number


def _opened(path: Path) -> int:
    while True:
        there = path.exists()
        number = _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            _locked(path, number, fcntl.LOCK_EX)
            if _same(number, path):
                if not there:
                    flush_folder(path.parent)
                return number
        except BaseException:
            os.close(number)
            raise
        os.close(number)  # somebody put another file in its place meanwhile


def _opened_beside_a_lock(path: Path, stack: contextlib.ExitStack) -> int:
    from filelock import FileLock, Timeout

    try:
        stack.enter_context(FileLock(f"{path.resolve()}.lock", timeout=PATIENCE))
    except Timeout as error:
        raise _busy(path) from error
    return _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)


def _open(path: Path, flags: int) -> int:
    """Open a ledger and nothing else: a device may have no end, and a pipe would wait for one."""
    # Without O_NONBLOCK a pipe would wait here already, for whoever writes into it.
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags, 0o644)
    if stat.S_ISREG(os.fstat(number).st_mode):
        return number
    os.close(number)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def _locked(path: Path, number: int, kind: int) -> None:
    """Wait for a lock, and give up after a while: whoever holds it may be stopped, not dead."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(number, kind | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            if time.monotonic() > until:
                raise _busy(path) from error
        time.sleep(_NAP)


def _busy(path: Path) -> ConflictError:
    return ConflictError(
        "another process is writing this ledger",
        where=str(path),
        found=f"it was locked for {PATIENCE:.0f} seconds",
        expected="writers that take milliseconds",
        mend="see whether a process of yours is stopped, and register again",
    )


def _same(number: int, path: Path) -> bool:
    try:
        mine, there = os.fstat(number), os.stat(path)
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _content(number: int) -> bytes:
    os.lseek(number, 0, os.SEEK_SET)
    with os.fdopen(os.dup(number), "rb") as file:
        return file.read()


def _write(number: int, data: bytes) -> None:
    """Write all bytes at the end of an appending descriptor, and have the disk keep them."""
    done = 0
    while done < len(data):
        done += os.write(number, data[done:])
    os.fsync(number)
