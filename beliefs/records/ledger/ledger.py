"""The ledger (C8): forecasts registered before their outcome, in a file that is only added to.

`register` adds one, `verify` recomputes the chain. Outcomes are looked up later by
`beliefs.records.ledger.ledger_resolve`, and scored by `beliefs.records.ledger.ledger_score`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beliefs.errors import ConflictError, StudyError
from beliefs.records.ledger.ledger_chain import BEGINNING, Problem, held_head
from beliefs.records.ledger.ledger_file import read_chain, writing
from beliefs.records.ledger.ledger_lines import Forecast, utc_now

__all__ = ["Registered", "Verdict", "register", "verify"]

_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Registered:
    """What `register` did.

    Attributes
    ----------
    n
        Line of the forecast.
    head
        Hash of that line: the head of the ledger, to be noted elsewhere.
    begun
        Whether the ledger was begun with it.
    forecast
        As it stands there.
    """

    n: int
    head: str
    begun: bool
    forecast: Forecast


def register(
    ledger: str | Path, forecast: Forecast, *, now: dt.datetime | None = None
) -> Registered:
    """Add a forecast to a ledger; the line is on the disk when this returns.

    Any number of processes may do so at once.

    Parameters
    ----------
    ledger
        The file; begun where there is none.
    forecast
        As from `beliefs.records.ledger.ledger_entry.entry_of`.
    now
        Time of registration with its zone; the clock's when None.

    Raises
    ------
    ConflictError
        It is registered already, or the ledger stays locked.
    StudyError
        The as-of date lies in the future, or the ledger is damaged or cannot be written. Nothing
        was added.
    """
    path = Path(ledger)
    key = b'"forecast_sha256":"%b"' % forecast.forecast_sha256.encode("ascii")
    with writing(path) as book:
        for line in book.chain.lines:
            if key in line.raw:
                raise ConflictError(
                    "this forecast is registered already",
                    where=f"{path}:{line.n}",
                    found=f"{forecast.theory} on {forecast.study} as of {forecast.as_of}, the same "
                    f"to the last digit, registered {line.record.get('at')}",
                    expected="a forecast that the ledger does not hold",
                    mend="nothing to do",
                )
        at = (now or utc_now()).astimezone(dt.UTC).replace(microsecond=0)
        if forecast.as_of > at.date() + _ONE_DAY:
            raise StudyError(
                "the forecast claims to know a day that has not come",
                where=f"as-of date {forecast.as_of}",
                found=f"the clock says {at:%Y-%m-%d %H:%M} UTC",
                expected="an as-of date up to today",
                mend="forecast with --as-of, the last day whose rows you have; or set the clock",
            )
        targets = tuple(t.model_copy(update={"late": at.date() > t.by}) for t in forecast.targets)
        stamped = forecast.model_copy(update={"at": at, "targets": targets})
        (line,) = book.append(stamped.model_dump(mode="json"))
        return Registered(line.n, line.hash, book.new, stamped)


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes
    ----------
    lines
        Lines that have the form of one.
    head
        Hash of the last of them.
    problems
        What is wrong, in the order of lines; empty when nothing is.
    since
        Lines written since the noted head, None if none was given or something is wrong.
    """

    lines: int
    head: str
    problems: tuple[Problem, ...]
    since: int | None

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {
            "passed": self.passed,
            "lines": self.lines,
            "head": self.head,
            "since_head": self.since,
            "problems": [vars(problem) for problem in self.problems],
        }


def verify(ledger: str | Path, *, head: str | None = None) -> Verdict:
    """Recompute the chain of a ledger, and hold it against a head noted elsewhere.

    Parameters
    ----------
    ledger
        The file.
    head
        Hash printed by an earlier `register`. A chain alone cannot show that whole lines are
        missing at its end, or that all was written anew; this can.

    Raises
    ------
    StudyError
        There is no such file, or `head` is no hash.
    """
    if head is not None:
        head = head.strip().lower()
        if len(head) != len(BEGINNING) or set(head) - set("0123456789abcdef"):
            raise StudyError(
                "this is not the head of a ledger",
                where="--head",
                found=head,
                expected="64 hexadecimal digits, as `beliefs ledger add` prints them",
                mend="copy the whole hash",
            )
    chain = read_chain(ledger)
    problems, since = chain.problems, None
    if head is not None and not problems:
        since = held_head(chain, head)
        if since is None:
            last = len(chain.lines)
            told = "the noted head is the hash of no line: lines after it and it are gone, or all "
            problems = (Problem(last, told + "was written anew"),)
    return Verdict(len(chain.lines), chain.head, problems, since)
