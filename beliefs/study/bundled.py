"""Studies that come with the package."""

from __future__ import annotations

import re
from pathlib import Path

from beliefs.errors import StudyError

__all__ = ["data_folder", "find_study", "list_studies"]

_PACKAGE = Path(__file__).resolve().parents[1]
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def data_folder() -> Path:
    """Return the folder of bundled data.

    Returns
    -------
    Path
        `data` beside the package in a checkout, `beliefs/_data` in an installed wheel.
    """
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parent / "data"


def list_studies() -> list[str]:
    """Return the names of the bundled studies, sorted.

    Returns
    -------
    list of str
        Names that `load_study` accepts.
    """
    return sorted(path.parent.name for path in data_folder().glob("*/study.toml"))


def find_study(name_or_path: str | Path) -> Path:
    """Return the folder of a study.

    Parameters
    ----------
    name_or_path
        Name of a bundled study, or path of a folder. A bundled name wins; write ``./name`` for a
        folder of the same name.

    Returns
    -------
    Path
        An existing folder, resolved.

    Raises
    ------
    StudyError
        If there is neither such a study nor such a folder.
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
        "there is no such study",
        where=text[:200] or "(empty name)",
        found=found,
        expected="the name of a bundled study or the path of a study folder",
        mend="bundled studies: " + (", ".join(list_studies()) or "none"),
    )
