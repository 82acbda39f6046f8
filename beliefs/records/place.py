"""Where a run folder will be: refused or kept for one writer, filled aside, renamed into place.

What holds a run together is not a lock: a run folder appears by one rename, and that is the only
commit. Locks (`filelock`) keep two processes from computing the same in vain. The kernel lets go of
one when its holder ends, however it ends; the lock file goes with the next release.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from beliefs.errors import ConflictError, StudyError
from beliefs.study.writefile import flush_folder

__all__ = [
    "aside_of", "commit", "locked", "only_one", "refuse_existing", "refuse_inside", "reserved",
    "unwritable", "written_aside",
]  # fmt: skip

_PART, _LOCK = ".beliefs.part", ".beliefs.lock"
_THERE = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def aside_of(out: Path) -> Path:
    """Return the folder in which the run folder `out` is written until it is whole."""
    return out.parent / f".{out.name}{_PART}"


@contextlib.contextmanager
def locked(file: Path, timeout: float) -> Iterator[None]:
    """Hold a lock file, and leave none behind; raise `filelock.Timeout` when another has it."""
    with FileLock(file, timeout=timeout, poll_interval=0.005):
        try:
            yield
        finally:
            # While it is held: filelock takes no unlinked file for the lock.
            with contextlib.suppress(OSError):  # Windows keeps what is open
                file.unlink()


def _lock_of(folder: Path) -> Path:
    return folder.parent / f".{folder.name}{_LOCK}"


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
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(_lock_of(Path(run).resolve()), 0.4))
        except Timeout as error:
            raise ConflictError(
                "another process is updating this run",
                where=str(run),
                found="it is locked",
                expected="one update of a run at a time",
                mend="wait until that one is done, and go on from the run folder it writes",
            ) from error
        except OSError:  # a place where nobody may write holds no lock
            pass
        yield


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
    aside = aside_of(out)
    with contextlib.ExitStack() as held:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(_lock_of(out), 0.4))
            if aside.exists():  # of a killed process; a link there is refused
                shutil.rmtree(aside)
            aside.mkdir(mode=0o700)
        except Timeout as error:
            raise ConflictError(
                "another process is writing this run folder",
                where=str(out),
                found=f"its half-written folder {aside.name}, locked",
                expected="one writer of a run folder",
                mend="wait until that one is done, or choose another --out",
            ) from error
        except OSError as error:
            raise unwritable(out, error) from error
        try:
            _sweep(out.parent, aside)
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _sweep(parent: Path, mine: Path) -> None:
    """Remove half-written folders whose writers are gone."""
    for left in parent.glob(f".*{_PART}"):
        if left != mine:
            name = left.name.removeprefix(".").removesuffix(_PART)
            with contextlib.suppress(OSError), locked(_lock_of(parent / name), 0.0):
                shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def written_aside(out: Path, aside: Path | None = None) -> Iterator[Path]:
    """Yield a folder beside `out` that takes its place when the block succeeds.

    `aside` is that folder if the caller holds it already, see `reserved`.
    """
    refuse_existing(out)
    with contextlib.ExitStack() as held:
        if aside is None:
            aside = held.enter_context(reserved(out))
        try:
            for left in aside.iterdir():  # a first attempt may have failed
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield aside
            commit(aside, out)
        except OSError as error:
            raise unwritable(out, error) from error
        except StudyError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise unwritable(out, error.__cause__) from error  # not the folder that goes away


def commit(aside: Path, out: Path) -> None:
    """Make a whole folder the run folder `out`, at once.

    Raises
    ------
    ConflictError
        Something of that name exists by now.
    OSError
        It cannot be renamed.
    """
    for folder, _, names in os.walk(aside):  # a crash of the machine leaves no half run
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                os.fsync(file.fileno())
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


def refuse_existing(out: Path) -> None:
    """Raise ConflictError when something of that name exists."""
    if os.path.lexists(out):  # a link that leads nowhere takes the name as well
        raise ConflictError(
            "the run folder exists already",
            where=str(out),
            found="a folder or file of that name",
            expected="a name that is free",
            mend="choose another --out, or remove the old run yourself",
        )


def refuse_inside(out: str | Path, study_path: str | Path) -> None:
    """Raise StudyError when `out` lies inside the study folder, directly or through links."""
    study = Path(study_path).resolve()
    if Path(out).resolve().is_relative_to(study):
        raise StudyError(
            "the run folder would lie inside the study folder",
            where=str(out),
            found=f"a place in {study}",
            expected="a place outside the study, which holds only its own files",
            mend="choose another --out",
        )


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
