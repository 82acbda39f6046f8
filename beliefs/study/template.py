"""A first study to edit: a folder that passes every check, with a handful of made-up rows."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

from beliefs.errors import ConflictError, StudyError
from beliefs.study.writefile import write_file

__all__ = ["new_study"]

_SCAFFOLD: Final = Path(__file__).with_name("scaffold")
_FILES: Final = (
    "study.toml", "indicators.csv", "events.csv", "talks.csv", "coverage.csv", "agreements.csv",
    "SOURCES.md",
)  # fmt: skip


def new_study(folder: str | Path) -> Path:
    """Write a commented study with made-up rows, ready to be edited.

    Parameters
    ----------
    folder
        A folder that does not exist yet, or is empty. Its name becomes the study's name.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConflictError
        If the folder holds anything.
    StudyError
        If it cannot be made or written; then nothing is left in it.

    Examples
    --------
    >>> beliefs.new_study(folder / "mine").name
    'mine'
    """
    path = Path(folder)
    made = not os.path.lexists(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = sorted(item.name for item in path.iterdir())
    except OSError as error:
        raise StudyError(
            "the folder cannot be made",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="the path of a new folder in a place where you may write",
            mend="choose another path",
        ) from None
    if taken:
        raise ConflictError(
            "the folder is not empty",
            where=str(path),
            found=", ".join(taken[:5]),
            expected="a new or an empty folder",
            mend="choose another name; nothing was written",
        )
    name = re.sub(r"[^a-z0-9]+", "-", path.resolve().name.lower()).strip("-")[:60].strip("-")
    try:
        for file in _FILES:
            text = (_SCAFFOLD / file).read_text(encoding="utf-8")
            write_file(path / file, text.replace("@NAME@", name or "my-study"))
    except BaseException:  # a part of a study is worse than none
        with contextlib.suppress(OSError):
            for file in _FILES:
                (path / file).unlink(missing_ok=True)
            if made:
                path.rmdir()
        raise
    return path
