"""From a run folder to a line of a ledger; and the ledger checked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beliefs.errors import ConflictError, GateError, StudyError
from beliefs.forecasting.document import FORMAT, Document
from beliefs.forecasting.forecast import forecast
from beliefs.records.files import damaged, document_hash, read_json, read_manifest, same_document
from beliefs.records.ledger.chain import BEGINNING, Problem, held_head, read_chain, writing
from beliefs.records.ledger.lines import CONDUCT_RULES, Forecast, utc_now
from beliefs.records.run import load_run, read_parts
from beliefs.study.load import Study

__all__ = ["SEED", "Registered", "Verdict", "entry_of", "register", "verify"]

SEED = 1  # of the futures of a run that holds no forecast, as of `beliefs forecast`
_SHARED = ("study", "as_of", "origin", "study_sha256", "theory", "theory_sha256")
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
        As from `beliefs.records.ledger.register.entry_of`.
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


def entry_of(
    run: str | Path,
    *,
    horizon: int | None = None,
    seed: int | None = None,
    allow_failed: bool = False,
) -> Forecast:
    """Return the forecast of a run folder as a ledger registers it.

    Parameters
    ----------
    run
        Run folder. Its ``forecast.json`` is taken as it stands: the hash of the posterior and the
        seeds are registered too, so that anybody can make it anew. Where there is none
        (`beliefs track`, `beliefs update`, `beliefs fit`), or where `horizon` or `seed` are given,
        the forecast is made from the posterior, as `beliefs forecast` does.
    horizon, seed
        Periods ahead and seed of the futures; 90 days or 26 weeks, and 1, when None.
    allow_failed
        Take a forecast whose posterior failed its gate; the entry says so.

    Raises
    ------
    GateError
        The posterior failed its gate.
    StudyError
        The folder is no whole run or was changed, or the forecast is a what-if.
    """
    folder = Path(run)
    file = folder / "forecast.json"
    if file.is_file() and horizon is None and seed is None:
        manifest = read_manifest(folder)
        document = read_json(file)
        study, _ = read_parts(folder, manifest)
        _fits(file, document, manifest)
        ahead = manifest["horizon"]
    else:
        study, document, ahead = _made(
            folder, horizon, SEED if seed is None else seed, allow_failed
        )
        manifest = read_manifest(folder)
    return _entry(document, manifest, study, file, horizon=ahead, allow_failed=allow_failed)


def _entry(
    document: dict[str, Any],
    manifest: dict[str, Any],
    study: Study,
    file: Path,
    *,
    horizon: int,
    allow_failed: bool = False,
) -> Forecast:
    """Return a forecast document of a run as a ledger registers it."""
    if document["interventions"]:
        raise StudyError(
            "a what-if cannot be registered: nobody will see how it would have come out",
            where=str(file),
            found=f"interventions: {'; '.join(map(str, document['interventions']))}",
            expected="a forecast without interventions",
            mend="run without --intervene, and register that run",
        )
    gate = document["gate"]
    if not gate["passed"] and not allow_failed:
        raise GateError(
            "the posterior of this run failed its gate, so its forecast is not registered",
            where=str(file.parent),
            found="; ".join(gate["failures"]),
            expected="a passed gate",
            mend="run with more --draws, track the study (`beliefs track`) or do so with more "
            "--particles; or add it with --allow-failed, which is recorded",
        )
    rules, spec = study.spec.talks_rule, study.spec
    try:
        return Forecast.model_validate_json(
            json.dumps(
                {
                    "at": utc_now().isoformat(),
                    **{key: document[key] for key in (*_SHARED, "hindcast", "seed", "gate")},
                    "posterior_sha256": manifest["posterior_content_sha256"],
                    "forecast_sha256": document_hash(document),
                    "horizon": horizon,
                    "step_days": study.spec.period.step_days,
                    "allowed_failed": not gate["passed"],
                    "label_rule": rules.headline,
                    "label_rules": [rule.model_dump(mode="json") for rule in rules.rules],
                    "conduct_rules": {
                        name: getattr(spec, name).model_dump(mode="json")
                        for name in CONDUCT_RULES
                        if getattr(spec, name) is not None
                    },
                    "beliefs_version": manifest["versions"]["beliefs"],
                    "targets": document["targets"],
                }
            )
        )
    except ValidationError as error:
        raise _unfit(file, error) from error


def _fits(file: Path, document: Any, manifest: dict[str, Any]) -> None:
    """Refuse a document that is not the forecast of its own run."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format", 1) if isinstance(document, dict) else "of no document"
        raise damaged(file, f"format {found}", f"format {FORMAT}")
    try:
        read = Document.read(json.dumps(document))
    except ValidationError as error:
        raise _unfit(file, error) from error
    same = {key: (document[key], manifest.get(key)) for key in (*_SHARED, "seed", "gate")}
    same["interventions"] = (len(read.interventions), len(manifest["interventions"]))
    for key, (here, there) in same.items():
        if here != there:
            raise damaged(file, f"{key} = {here}", f"that of manifest.json, {there}")
    if manifest["horizon"] is None:
        raise damaged(file, "no horizon in manifest.json", "the run of a forecast")
    first = min(target.by for target in read.targets)
    if first <= read.origin:
        raise damaged(file, f"by {first}", f"targets by days after {read.origin}")
    same_document(file, document, manifest)


def _unfit(file: Path, error: ValidationError) -> StudyError:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return damaged(file, f"{place}: {first['msg']}", "what `beliefs run` writes")


def _made(
    folder: Path, horizon: int | None, seed: int, allow_failed: bool
) -> tuple[Study, dict[str, Any], int]:
    """Return study, document and periods ahead of a forecast made from a run's posterior."""
    from beliefs.forecasting.summary import summarise

    posterior = load_run(folder)
    made = forecast(posterior, horizon, seed=seed, allow_failed=allow_failed)
    return posterior.study, summarise(made), len(made.dates)
