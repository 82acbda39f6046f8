"""Reading the files that theories are written in, and complaints about them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from beliefs.errors import StudyError

__all__ = ["bundled_theories", "read_toml", "unknown", "wrong_type"]


def bundled_theories() -> tuple[str, ...]:
    """Return the names of the theories that come with the package."""
    return tuple(sorted(p.stem for p in Path(__file__).with_name("theories").glob("*.toml")))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a theory or prior file.

    Raises
    ------
    StudyError
        There is no such file, it cannot be read, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise StudyError(
            "no such theory or prior file",
            where=str(path),
            expected="one of " + ", ".join(bundled_theories()) + ", or a path to a TOML file",
            mend="list the theories with `beliefs theories`",
        ) from error
    except OSError as error:
        raise StudyError(
            "the theory or prior file cannot be read",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="a readable TOML file",
            mend="check the path and its permissions",
        ) from error
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, a number without end
        raise StudyError(
            "the file is not valid TOML",
            where=str(path),
            found=str(error),
            expected="UTF-8 TOML",
            mend="mend the line named in 'found'",
        ) from error


def unknown(kind: str, found: str, where: str, known: list[str]) -> StudyError:
    """Return the complaint about a name that is none of the known ones."""
    return StudyError(
        f"unknown {kind}",
        where=where,
        found=found,
        expected="one of " + ", ".join(known),
        mend=f"correct the {kind}'s name",
    )


def wrong_type(what: str, found: Any, where: str, expected: str) -> StudyError:
    """Return the complaint about a value of the wrong type."""
    return StudyError(
        f"{what} is of the wrong type",
        where=where,
        found=repr(found),
        expected=expected,
        mend="copy a bundled theory and change it",
    )
