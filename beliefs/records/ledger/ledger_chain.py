r"""The chain of a ledger: every line holds the hash of the one before, and its own.

A line is one JSON object in ASCII::

    {"n":3,"previous":"<64 hex digits>","at":"2026-07-01T06:00:04Z","kind":...,"hash":"<64 hex>"}

``hash`` is the SHA-256 of the bytes of the line before ``,"hash":``, and so of ``previous`` too.
Bytes are hashed as they stand, not what they parse to: no flipped bit is harmless, and a shell
can do the sum as well (``sed -n 3p FILE | sed 's/,"hash":"[^"]*"}$//' | tr -d '\n' | sha256sum``).

A chain shows that lines were changed, left out in the middle or put in. Who rewrites every hash
from there on, or takes whole lines off the end, leaves a chain in order. Against that stands only
a head (the hash of the last line) that was noted elsewhere, see `held_head`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["BEGINNING", "Chain", "Line", "Problem", "check", "held_head", "seal"]

BEGINNING = "0" * 64
"""What the first line holds as the hash of the line before."""

_FORM = re.compile(
    rb'(\{"n":([1-9][0-9]{0,11}),"previous":"([0-9a-f]{64})",.*),"hash":"([0-9a-f]{64})"\}'
)


@dataclass(frozen=True)
class Line:
    """One whole line.

    Attributes
    ----------
    n
        Its number, from 1.
    raw
        Its bytes, without the end of line.
    previous, hash
        The two hashes that it claims.
    """

    n: int
    raw: bytes
    previous: str
    hash: str

    @cached_property
    def record(self) -> dict[str, Any]:
        """What it says."""
        return json.loads(self.raw)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and at which line."""

    line: int
    what: str


@dataclass(frozen=True)
class Chain:
    """A ledger, read.

    Attributes
    ----------
    lines
        Those that have the form of a line, in order.
    problems
        What is wrong, in the order of lines; empty when the chain is in order.
    whole
        Length in bytes of all that ends in an end of line.
    rest
        What stands after that: the beginning of a line whose writer was killed.
    """

    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]
    whole: int
    rest: bytes

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return self.lines[-1].hash if self.lines else BEGINNING


def seal(n: int, previous: str, fields: dict[str, Any]) -> bytes:
    """Return line `n` with its end of line.

    Parameters
    ----------
    n
        Number of the line, from 1.
    previous
        Hash of the line before; `BEGINNING` for the first.
    fields
        What it says; at least one field, JSON without NaN.
    """
    said = {"n": n, "previous": previous, **fields}
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    content = text[:-1].encode("ascii")
    return b'%b,"hash":"%b"}\n' % (content, hashlib.sha256(content).hexdigest().encode("ascii"))


def check(data: bytes, *, parse: bool = True) -> Chain:
    """Recompute every hash of a ledger.

    Parameters
    ----------
    data
        All bytes of the file.
    parse
        Whether lines whose hash is right are parsed as well. Hashes alone are ten times faster,
        and only a forger's line has the right hash and is no JSON.
    """
    *pieces, rest = data.split(b"\n")
    lines: list[Line] = []
    problems: list[Problem] = []
    before: tuple[Line | None, str, bool] = (None, BEGINNING, True)
    for place, raw in enumerate(pieces, 1):
        line, counted, fault = _read(place, raw)
        good = fault is None
        if line is not None:
            broken = _link(place, before, line, good)
            if good and parse and _parsed(raw) is None:
                fault = f"line {place} is not valid JSON"
            lines.append(line)
        else:
            broken = None
        problems += [Problem(place, what) for what in (broken, fault) if what]
        before = (line, counted, good)
    if rest:
        last = len(pieces) + 1
        problems.append(Problem(last, f"line {last}, the last, is cut off: it has no end of line"))
    return Chain(tuple(lines), tuple(problems), len(data) - len(rest), rest)


def _read(place: int, raw: bytes) -> tuple[Line | None, str, str | None]:
    """Return a line if it has the form of one, the hash of what it holds, and what is wrong."""
    form = _FORM.fullmatch(raw)
    if form is None:
        if _parsed(raw) is None:
            return None, "", f"line {place} is not valid JSON"
        return None, "", f"line {place} has not the form of a ledger's line"
    content, n, previous, claimed = form.groups()
    line = Line(int(n), raw, previous.decode(), claimed.decode())
    counted = hashlib.sha256(content).hexdigest()
    if counted == line.hash:
        return line, counted, None
    if _parsed(raw) is None:
        return line, counted, f"line {place} is not valid JSON"
    return line, counted, f"the hash of line {place} does not match what the line says"


def _link(place: int, before: tuple[Line | None, str, bool], line: Line, good: bool) -> str | None:
    """Return what is wrong between a line and the one before; one flipped byte is told once."""
    earlier, counted, before_good = before
    if earlier is None:
        if place > 1:  # nothing can be said about what follows an unreadable line
            return None
        if line.previous == BEGINNING and line.n == 1:
            return None
        if not good:
            return None  # its own hash tells
        return f"line 1 is not the beginning of a ledger: it was written as line {line.n}"
    if line.previous not in (earlier.hash, counted):
        # A flipped byte in `previous` also breaks the line's own hash, which tells it.
        if not good and before_good and line.n == earlier.n + 1:
            return None
    elif line.n == earlier.n + 1 or not (good and before_good):
        return None
    told = f"chain broken between lines {place - 1} and {place}"
    if good and before_good and line.n != earlier.n + 1:
        told += f": they were written as lines {earlier.n} and {line.n}"
    return told


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def held_head(chain: Chain, head: str) -> int | None:
    """Return the number of lines written since a head was noted, None if no line has that hash.

    Parameters
    ----------
    chain
        In order.
    head
        Hash that an earlier last line had, noted outside the ledger; `BEGINNING` before any.
    """
    hashes = [BEGINNING, *(line.hash for line in chain.lines)]
    return len(hashes) - 1 - hashes.index(head) if head in hashes else None
