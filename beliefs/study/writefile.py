"""Files written whole or not at all, and paths refused before the work that would fill them."""

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from beliefs.errors import ConflictError, StudyError

PART = ".part"
"""How the names of half-written files end, which a killed writer may leave."""
_NO_FOLDER = "its folder does not exist"


def write_file(path: str | Path, content: str | bytes | memoryview) -> Path:
    """Write a file: afterwards it has all of the content, or is as it was.

    What is there is replaced; the file that a link leads to is, and the link stays. Text is written
    as UTF-8 with its line ends as they are. What goes wrong is a `StudyError`.
    """
    file = Path(path)
    refuse_file(file)
    try:
        replace_file(file, content)
    except OSError as error:
        raise StudyError(
            "the file could not be written", where=str(file), found=error.strerror or str(error),
            expected="a writable place with enough room",
            fix="free some room or choose another path; what was there before is as it was",
        ) from error  # fmt: skip
    return file


def replace_file(path: Path, content: str | bytes | memoryview, *, last: bool = True) -> None:
    """Do what `write_file` does where the caller says what went wrong: an OSError names `path`.

    Where it need not `last` longer than the process, the disk is not waited for.
    """
    try:
        target = path.resolve()
        kept = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        part = target.with_name(f".{os.urandom(6).hex()}{PART}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(part, flags, 0o666), "wb") as handle:
                handle.write(content.encode("utf-8") if isinstance(content, str) else content)
                if last:
                    handle.flush()
                    os.fsync(handle.fileno())
            if kept is not None:
                part.chmod(kept)
            os.replace(part, target)
        except BaseException:  # an interrupt too leaves nothing behind
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        if last:
            flush(target.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def flush(path: Path) -> None:
    """Have the disk keep a file, or the names of a folder, where the system can do that."""
    with contextlib.suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def refuse_file(path: str | Path, *, new: bool = False, suffixes: Sequence[str] = ()) -> None:
    """Refuse a path that could not take a file, before anything is computed for it.

    `new` means that it must not exist yet, `suffixes` are ends of names that say a format, such as
    ``.png``; any when empty.
    """
    file = Path(path)
    if found := _obstacle(file):
        make = f"make the folder {file.parent}, or " if found == _NO_FOLDER else ""
        raise StudyError(
            "a file cannot be written there", where=str(file), found=found,
            expected="the path of a file, in a folder that exists and may be written",
            fix=f"{make}choose another path",
        )  # fmt: skip
    if new and os.path.lexists(file):
        raise ConflictError(
            "the file exists already", where=str(file), found="a file", expected="a new name",
            fix="choose another name, or remove the file",
        )  # fmt: skip
    if suffixes and file.suffix.lower() not in suffixes:
        raise StudyError(
            "the name does not say a format that can be written", where=str(file),
            found=file.suffix or "no suffix",
            expected="a name that ends in one of " + ", ".join(suffixes),
            fix=f"for example {file.with_suffix(suffixes[0])}",
        )  # fmt: skip


def _obstacle(file: Path) -> str:
    """Return what keeps a file from being written, as far as can be seen beforehand."""
    try:
        if file.is_symlink() and not file.exists():
            return "a link that leads nowhere"
        if file.exists():
            if file.is_dir():
                return "a folder"
            if not file.is_file():
                return "a device or a pipe, not a regular file"
            if not os.access(file, os.W_OK):
                return "a file that this user may not write"
        else:
            file.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        return error.strerror or str(error)
    folder = file.resolve().parent
    if not folder.exists():
        return _NO_FOLDER
    return "" if os.access(folder, os.W_OK | os.X_OK) else "a folder this user may not write in"
