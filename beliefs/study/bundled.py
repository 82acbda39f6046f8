"""Studies that come with the package, and the template of a new one."""

import contextlib
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from beliefs.errors import ConflictError, StudyError
from beliefs.study.safefile import open_safely
from beliefs.study.writefile import replace_file, write_file

_PACKAGE = Path(__file__).resolve().parents[1]
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_SCAFFOLD = Path(__file__).with_name("scaffold")
NEEDED = ("study.toml", "indicators.csv", "events.csv", "talks.csv", "SOURCES.md")
OPTIONAL = ("coverage.csv", "agreements.csv", "odds.csv")
"""The files of a study."""


def data_folder() -> Path:
    """Return `data` beside the package in a checkout, `beliefs/_data` in an installed wheel."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parent / "data"


@cache
def read_pooled(file: str) -> Any:
    """Return what a JSON file of ``data/pooled`` says of a conflict that nobody saw."""
    text = (data_folder() / "pooled" / f"{file}.json").read_text(encoding="utf-8")
    return json.loads(text)


def list_studies() -> list[str]:
    """Return the names of the bundled studies, sorted."""
    return sorted(path.parent.name for path in data_folder().glob("*/study.toml"))


def find_study(name_or_path: str | Path) -> Path:
    """Return the folder of a bundled study, or an existing folder, resolved.

    A bundled name wins; write ``./name`` for a folder of the same name.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, str) and _SLUG.fullmatch(text) and text in list_studies():
        return data_folder() / text
    path = Path(name_or_path)
    try:
        if text and path.is_dir():
            return path.resolve()
        found = "a file" if path.exists() else "nothing of that name"
    except (OSError, ValueError) as error:  # too long, NUL byte, no permission
        found = str(error)
    raise StudyError(
        "there is no such study", where=text[:200] or "(empty name)", found=found,
        expected="the name of a bundled study or the path of a study folder",
        fix="bundled studies: " + (", ".join(list_studies()) or "none"),
    )  # fmt: skip


def slug_of(folder: Path) -> str:
    """Return the name of a folder as that of a study."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:60].strip("-")


def new_study(folder: str | Path, like: Path = _SCAFFOLD) -> Path:
    """Write a commented study with made-up rows, ready to be edited.

    Parameters
    ----------
    folder
        A folder that does not exist yet, or is empty. Its name becomes the study's name.
    like
        Folder of a study to be copied instead, under its own name, such as
        ``beliefs.load_study("crises/196").path``.

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
            fix="choose another path",
        ) from None
    if taken:
        raise ConflictError(
            "the folder is not empty", where=str(path), found=", ".join(taken[:5]),
            expected="a new or an empty folder", fix="choose another name; nothing was written",
        )  # fmt: skip
    try:
        for file in (name for name in (*NEEDED, *OPTIONAL) if (like / name).is_file()):
            text = (like / file).read_text(encoding="utf-8")
            write_file(path / file, text.replace("@NAME@", slug_of(path) or "my-study"))
    except BaseException:  # a part of a study is worse than none
        with contextlib.suppress(OSError):
            for file in (*NEEDED, *OPTIONAL):
                (path / file).unlink(missing_ok=True)
            if made:
                path.rmdir()
        raise
    return path


def copy_study(folder: Path, to: Path) -> None:
    """Copy the study's own files, never through a link, and nothing else that lies there."""
    to.mkdir()
    names = [*NEEDED, *(name for name in OPTIONAL if os.path.lexists(folder / name))]
    truth = folder / "truth.json"
    if truth.exists() and not truth.is_symlink():
        names.append(truth.name)  # no part of the study as it was read: a link is not worth a fit
    for name in names:
        with open_safely(folder, name) as source:
            replace_file(to / name, source.read())
