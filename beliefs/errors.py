"""Errors that tell the user what, where, found, expected and how to fix it."""

import re


def counted(n: float, one: str, many: str = "") -> str:
    """Return a number and its noun, ``1 day`` or ``2 days``."""
    return f"{int(n) if n == int(n) else n} {one if n == 1 else many or one + 's'}"


_OPTION = re.compile(r"`[^`]*`|--([a-z][a-z-]*)")  # a command in backticks stays as it is


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
    fix
        What the user can do about it. Options stand as the command line has them,
        ``--allow-failed``; `str` of the error has them as arguments, ``allow_failed``, for those
        who call from Python.
    """

    exit_code = 2

    def __init__(
        self, what: str, *, where: str = "", found: str = "", expected: str = "", fix: str = ""
    ) -> None:
        self.what, self.where, self.found = what, where, found[:200]
        self.expected, self.fix = expected, fix
        argument = _OPTION.sub(lambda m: m[1].replace("-", "_") if m[1] else m[0], fix)
        super().__init__(self._text(argument))

    def render(self) -> str:
        """Return the message for the command line, one line per part that is known."""
        return self._text(self.fix)

    def _text(self, fix: str) -> str:
        parts = {"where": self.where, "found": self.found, "expected": self.expected, "fix": fix}
        rows = [f"  {name + ':':<10}{text}" for name, text in parts.items() if text]
        return "\n".join([self.what, *rows])


class StudyError(BeliefsError):
    """A study folder, a setting or an argument that cannot be used (exit code 2)."""


class ConvergenceError(BeliefsError):
    """A posterior that failed its convergence check (exit code 3)."""

    exit_code = 3


class ConflictError(BeliefsError):
    """Nothing to do, or a conflict with another run (exit code 4)."""

    exit_code = 4
