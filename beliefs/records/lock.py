"""One writer at a time: of a run folder to be, and of what follows from a run.

The lock is the kernel's (``flock``) on a folder that is there anyway: the half-written folder
beside the one to be, or the run that is updated. The kernel lets go when a process ends, however it
ends, so no lock outlives its holder, and there is no lock file to be left behind. What holds a run
together is not the lock: a run folder appears by one rename, and that is the only commit. So where
there is no ``flock`` (some network disks, Windows) two writers may both compute, and one of them is
told at the end that the other was first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from beliefs.errors import ConflictError, StudyError
from beliefs.study.writefile import flush_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["aside_of", "commit", "empty", "only_one", "reserved", "unwritable"]

_MARK = ".beliefs.part"
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)
_THERE = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def aside_of(out: Path) -> Path:
    """Return the folder in which the run folder `out` is written until it is whole."""
    return out.parent / f".{out.name}{_MARK}"


@contextlib.contextmanager
def only_one(run: str | Path) -> Iterator[None]:
    """Let no other process go on from a run while the block runs.

    Parameters
    ----------
    run
        A folder that exists; nothing is written into it.

    Raises
    ------
    ConflictError
        Another process is at it.
    """
    held = _held(Path(run).resolve())
    if held == _BUSY:
        raise ConflictError(
            "another process is updating this run",
            where=str(run),
            found="it is locked",
            expected="one update of a run at a time",
            mend="wait until that one is done, and go on from the run folder it writes",
        )
    try:
        yield
    finally:
        _let_go(held)


@contextlib.contextmanager
def reserved(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out` in which nobody else writes; it is gone afterwards.

    What a process left behind that was killed is removed: its folder for this `out`, and those for
    other run folders in the same place.

    Parameters
    ----------
    out
        Run folder to be.

    Raises
    ------
    ConflictError
        Another process is writing `out`.
    StudyError
        No folder can be made there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        aside, held = _begun(out)
    except OSError as error:
        raise unwritable(out, error) from error
    if held == _BUSY:
        raise ConflictError(
            "another process is writing this run folder",
            where=str(out),
            found=f"its half-written folder {aside.name}, locked",
            expected="one writer of a run folder",
            mend="wait until that one is done, or choose another --out",
        )
    try:
        _sweep(out.parent, aside)
        yield aside
    finally:
        # First the folder, then the lock: nobody else may begin in a folder that goes away.
        if held is None or _same(held, aside):
            shutil.rmtree(aside, ignore_errors=True)
        _let_go(held)


def commit(aside: Path, out: Path) -> None:
    """Make a whole folder the run folder `out`, at once.

    Raises
    ------
    ConflictError
        Something of that name exists by now.
    OSError
        It cannot be renamed.
    """
    for folder, _, names in os.walk(aside):
        for name in names:
            _flush(Path(folder) / name)
        flush_folder(Path(folder))
    aside.chmod(0o755)
    try:
        if os.path.lexists(out):  # a rename would replace an empty folder
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(out))
        os.rename(aside, out)
    except OSError as error:
        if error.errno not in _THERE:
            raise
        raise ConflictError(
            "the run folder exists by now",
            where=str(out),
            found="a folder or file of that name, written meanwhile",
            expected="a name that is free",
            mend="choose another --out; what is there was left alone",
        ) from error
    flush_folder(out.parent)


def unwritable(out: Path, error: OSError) -> StudyError:
    """Return the error for a run folder that cannot be written; it names the file within."""
    found = error.strerror or str(error)
    if error.filename is not None:
        found += f": {Path(os.fsdecode(error.filename)).name}"
    return StudyError(
        "the run folder could not be written",
        where=str(out),
        found=found,
        expected="a writable place with enough room",
        mend="free some room or choose another --out; nothing was left behind",
    )


_BUSY = -1


def _held(folder: Path) -> int | None:
    """Return a locked descriptor of a folder, _BUSY if another holds it, None without locks."""
    if fcntl is None:
        return None
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    for patience in (0.02, 0.1, 0.3, None):  # whoever only sweeps up lets go at once
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return number
        except OSError as error:
            if error.errno in _TAKEN and patience is not None:
                time.sleep(patience)
                continue
            os.close(number)
            return _BUSY if error.errno in _TAKEN else None
    return None


def _let_go(held: int | None) -> None:
    if held is not None:
        os.close(held)


def _same(held: int, folder: Path) -> bool:
    """Tell whether a descriptor is that of the folder that has this name now."""
    try:
        mine, there = os.fstat(held), os.stat(folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _begun(out: Path) -> tuple[Path, int | None]:
    """Make the folder beside `out` and lock it; empty it if a killed process left it behind."""
    aside = aside_of(out)
    while True:
        with contextlib.suppress(FileExistsError):
            aside.mkdir(mode=0o700)
        try:
            held = _held(aside)
        except FileNotFoundError:  # somebody swept it up
            continue
        if held is None:  # nobody knows whose it is
            with contextlib.suppress(OSError):
                aside.rmdir()
            return Path(tempfile.mkdtemp(prefix=f"{aside.name}.", dir=out.parent)), None
        if held == _BUSY:
            return aside, held
        if not _same(held, aside):  # its writer renamed or removed it since
            os.close(held)
            continue
        empty(aside)
        return aside, held


def empty(folder: Path) -> None:
    """Remove what a folder holds."""
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def _sweep(parent: Path, mine: Path) -> None:
    """Remove half-written folders whose writers are gone."""
    if fcntl is None:
        return
    for left in parent.glob(f".*{_MARK}"):
        if left == mine:
            continue
        with contextlib.suppress(OSError):
            held = _held(left)
            if held is None or held == _BUSY:
                continue
            try:
                if _same(held, left):
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(held)


def _flush(path: Path) -> None:
    """Have the disk keep what was written, so that a crash of the machine leaves no half run."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
