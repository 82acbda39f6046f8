"""Errors that tell the user what, where, found, expected and how to mend it (contract C9)."""

from __future__ import annotations

__all__ = ["BeliefsError", "ConflictError", "GateError", "StudyError", "counted"]


def counted(n: float, one: str, many: str = "") -> str:
    """Return a number and its noun, ``1 day`` or ``2 days``."""
    return f"{int(n) if n == int(n) else n} {one if n == 1 else many or one + 's'}"


class BeliefsError(Exception):
    """Root of every error that `beliefs` raises on purpose.

    Parameters
    ----------
    what
        One sentence: what is wrong.
    where
        File, line and column (``indicators.csv:12 column value``) or key path.
    found
        The offending text, shortened.
    expected
        What would have been right.
    mend
        What the user can do about it.
    """

    exit_code = 2

    def __init__(
        self, what: str, *, where: str = "", found: str = "", expected: str = "", mend: str = ""
    ) -> None:
        self.what, self.where, self.found = what, where, found[:200]
        self.expected, self.mend = expected, mend
        super().__init__(self.render())

    def render(self) -> str:
        """Return the message, one line per part that is known."""
        rows = [self.what]
        for name in ("where", "found", "expected", "mend"):
            text = getattr(self, name)
            if text:
                rows.append(f"  {name + ':':<10}{text}")
        return "\n".join(rows)


class StudyError(BeliefsError):
    """A study folder, a setting or an argument that cannot be used (exit code 2)."""


class GateError(BeliefsError):
    """A posterior that failed its gate (exit code 3)."""

    exit_code = 3


class ConflictError(BeliefsError):
    """Nothing to do, or a conflict with another run (exit code 4)."""

    exit_code = 4
