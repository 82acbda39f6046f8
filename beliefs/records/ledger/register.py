"""What the lines of a ledger say, and how a run folder becomes one of them."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, AliasChoices, Field, TypeAdapter, ValidationError

from beliefs.errors import ConflictError, ConvergenceError, StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.probability import Probability
from beliefs.forecasting.summary import FORMAT, Document, Hash, summarise
from beliefs.forecasting.targets import LATENT, TARGETS
from beliefs.records.files import damaged, document_hash, read_json, read_manifest, seed_of
from beliefs.records.ledger import chain as chains
from beliefs.records.ledger.chain import Chain, Problem, read_chain, writing
from beliefs.records.run import load_run, read_parts
from beliefs.study.spec import Agreements, RedLines, SpecTable, Strikes, Truce

ACTION_RULES: dict[str, type[SpecTable]] = {
    "strikes": Strikes, "truce": Truce, "redlines": RedLines, "agreements": Agreements,
}  # fmt: skip
"""Tables of a study that say what counts as actions."""
_SHARED = ("study", "as_of", "origin", "study_sha256", "theory", "theory_sha256")

Key = tuple[int, str, str | None, dt.date]  # line of a forecast, target, rule and last day


class Target(Probability):
    """One probability of a forecast."""

    late: bool = False  # whether it was registered after its last day, `by`


class Forecast(SpecTable):
    """A forecast that was registered; what has no comment is as in the forecast document.

    Lines are hashed in this order of fields, which is not that of the document.
    """

    at: dt.datetime  # UTC to the second
    kind: Literal["forecast"] = "forecast"
    study: str
    study_sha256: Hash
    hindcast: bool
    as_of: dt.date
    origin: dt.date
    theory: str
    theory_sha256: Hash
    posterior_sha256: Hash
    forecast_sha256: Hash  # of the whole document, crack grid and beliefs included
    seed: dict[str, int]
    horizon: int  # periods
    step_days: int | float  # days of a period, of a month in the mean
    # Lines of earlier versions have two fields under other names.
    convergence: dict[str, Any] = Field(validation_alias=AliasChoices("convergence", "gate"))
    allowed_failed: bool  # whether it had not converged and was registered all the same
    label_rule: str  # id of the rule for talks that it is about, of all rules as they stood:
    label_rules: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    action_rules: dict[str, dict[str, Any]] = Field(  # see `ACTION_RULES`, as they stood
        {}, validation_alias=AliasChoices("action_rules", "conduct_rules")
    )
    beliefs_version: str  # that made the run
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]


def _resolvable(target: str) -> str:
    if target not in TARGETS or target in LATENT:
        raise ValueError(f"nobody can look up {target}")
    return target


class Resolution(SpecTable):
    """An outcome, looked up in the tables of a study."""

    at: dt.datetime  # UTC to the second
    kind: Literal["resolution"] = "resolution"
    forecast: int  # its line, and the hash of that:
    forecast_line_sha256: Hash
    target: Annotated[str, AfterValidator(_resolvable)]
    rule: str | None = None
    by: dt.date
    outcome: bool  # whether it happened, by the rules of the forecast
    outcomes: dict[str, bool]  # of talks, the same by every rule that was registered
    first: dt.date | None  # of the first period in which it had; of no_crossing, no longer held
    rows: tuple[str, ...]  # of talks, ids of the rows of the label table that say so
    as_of: dt.date  # last day of publications that was looked at
    study_sha256: Hash  # as of that day
    same_past: bool  # whether the study as of the forecast still has its hash
    corrects: int | None = None  # line of the resolution that this one replaces
    beliefs_version: str  # that looked it up

    @property
    def key(self) -> Key:
        """Which probability it is of."""
        return self.forecast, self.target, self.rule, self.by


_Record = Annotated[Forecast | Resolution, Field(discriminator="kind")]
_RECORD: TypeAdapter[Forecast | Resolution] = TypeAdapter(_Record)


@dataclass(frozen=True)
class Ledger:
    """A ledger in order."""

    forecasts: dict[int, Forecast]  # by line
    resolutions: dict[Key, tuple[int, Resolution]]  # the last of each probability, with its line
    corrected: int  # resolutions that later ones replaced
    hashes: tuple[str, ...]  # of all lines


def utc_now(now: dt.datetime | None = None) -> dt.datetime:
    """Return a time, the clock's when None, in UTC to the second."""
    return (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)


def read_ledger(path: str | Path) -> Ledger:
    """Read a ledger, its chain checked."""
    return ledger_of(Path(path), read_chain(path))


def ledger_of(path: Path, chain: Chain) -> Ledger:
    """Return what the lines of a chain say; StudyError where it is damaged or says other things."""
    if chain.problems:
        raise chains.damaged(path, chain)
    forecasts: dict[int, Forecast] = {}
    resolutions: dict[Key, tuple[int, Resolution]] = {}
    corrected = 0
    for line in chain.lines:
        said = {k: v for k, v in line.record.items() if k not in ("n", "previous", "hash")}
        try:
            record = _RECORD.validate_json(json.dumps(said))
            if isinstance(record, Resolution) and record.forecast not in forecasts:
                raise ValueError(f"a resolution of line {record.forecast}")
        except ValueError as error:
            raise StudyError(
                "the ledger has a line that this version does not write",
                where=f"{path}:{line.n}",
                found=_first(error),
                expected="forecasts and resolutions as `beliefs ledger` writes them",
                fix="read it with the version that wrote it",
            ) from error
        if isinstance(record, Forecast):
            forecasts[line.n] = record
        else:
            corrected += record.key in resolutions
            resolutions[record.key] = (line.n, record)
    return Ledger(forecasts, resolutions, corrected, tuple(line.hash for line in chain.lines))


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


class Registered(NamedTuple):
    """What `register` did: the line, 1 in a new ledger, and the head to be noted elsewhere."""

    n: int
    head: str
    forecast: Forecast


def register(
    ledger: str | Path, forecast: Forecast, *, now: dt.datetime | None = None
) -> Registered:
    """Add a forecast, see `entry_of`, to a ledger; the line is on the disk when this returns.

    Any number of processes may do so at once; `now` is the clock's time when None. Nothing is
    added where it is registered already or its as-of date lies in the future.
    """
    path = Path(ledger)
    with writing(path) as book:
        for line in book.chain.lines:
            if line.record.get("forecast_sha256") == forecast.forecast_sha256:
                raise ConflictError(
                    "this forecast is registered already", where=f"{path}:{line.n}",
                    found=f"{forecast.theory} on {forecast.study} as of {forecast.as_of}, the same "
                    f"to the last digit, registered {line.record.get('at')}",
                    expected="a forecast that the ledger does not hold", fix="nothing to do",
                )  # fmt: skip
        at = utc_now(now)
        if forecast.as_of > at.date() + dt.timedelta(days=1):
            raise StudyError(
                "the forecast claims to know a day that has not come",
                where=f"as-of date {forecast.as_of}",
                found=f"the clock says {at:%Y-%m-%d %H:%M} UTC",
                expected="an as-of date up to today",
                fix="forecast with --as-of, the last day whose rows you have; or set the clock",
            )
        targets = tuple(t.model_copy(update={"late": at.date() > t.by}) for t in forecast.targets)
        stamped = forecast.model_copy(update={"at": at, "targets": targets})
        (line,) = book.append(stamped.model_dump(mode="json"))
        return Registered(line.n, line.hash, stamped)


class Verdict(NamedTuple):
    """What `verify` found: lines, their head, problems, and lines `since` a noted head."""

    lines: int
    head: str
    problems: tuple[Problem, ...]
    since: int | None


def verify(ledger: str | Path, *, head: str | None = None) -> Verdict:
    """Recompute the chain of a ledger, and hold it against a head that was noted elsewhere."""
    if head is not None:
        head = head.strip().lower()
        if not re.fullmatch("[0-9a-f]{64}", head):
            raise StudyError(
                "this is not the head of a ledger", where="head", found=head,
                expected="64 hexadecimal digits, as `beliefs ledger add` prints them",
                fix="copy the whole hash",
            )  # fmt: skip
    chain = read_chain(ledger)
    problems, n = chain.problems, len(chain.lines)
    since = None if head is None or problems else chains.held_head(chain, head)
    if head is not None and not problems and since is None:
        what = "the noted head is the hash of no line: lines after it and it are gone, or all "
        problems = (Problem(n, what + "was written anew"),)
    return Verdict(n, chain.head, problems, since)


def entry_of(
    run: str | Path,
    *,
    horizon: int | None = None,
    seed: int | None = None,
    allow_failed: bool = False,
) -> Forecast:
    """Return the forecast of a run folder as a ledger registers it; what-ifs are refused.

    Without ``forecast.json``, or where `horizon` (periods) or `seed` are given, it is made from the
    posterior, with the run's own other one. `allow_failed` takes one that failed its convergence
    check; the entry says so.
    """
    folder = Path(run)
    file, manifest = folder / "forecast.json", read_manifest(folder)
    if file.is_file() and horizon is None and seed is None:
        document, horizon = read_json(file), manifest["horizon"]
        study, _ = read_parts(folder, manifest)
        _fits(file, document, manifest)
    else:
        posterior = load_run(folder)
        horizon, seed = horizon or manifest["horizon"], seed_of(manifest, seed)
        made = forecast(posterior, horizon, seed=seed, allow_failed=allow_failed)
        study, document, horizon = posterior.study, summarise(made), len(made.dates)
    if document["interventions"]:
        raise StudyError(
            "a what-if cannot be registered: nobody will see how it would have come out",
            where=str(file),
            found=f"interventions: {'; '.join(map(str, document['interventions']))}",
            expected="a forecast without interventions",
            fix="run without --intervene, and register that run",
        )
    convergence = document["convergence"]
    if not convergence["passed"] and not allow_failed:
        raise ConvergenceError(
            "this posterior failed its convergence check, so its forecast is not registered",
            where=str(file.parent),
            found="; ".join(convergence["failures"]),
            expected="a passed convergence check",
            fix="run with more --draws, track the study (`beliefs track`) or do so with more "
            "--particles; or add it with --allow-failed, which is recorded",
        )
    spec, rules = study.spec, study.spec.talks_rule
    tables = {name: getattr(spec, name) for name in ACTION_RULES}
    entry = {
        "at": utc_now().isoformat(),
        **{key: document[key] for key in (*_SHARED, "hindcast", "seed", "convergence")},
        "posterior_sha256": manifest["posterior_content_sha256"],
        "forecast_sha256": document_hash(document),
        "horizon": horizon, "step_days": spec.period.step_days,
        "allowed_failed": not convergence["passed"], "label_rule": rules.headline,
        "label_rules": [rule.model_dump(mode="json") for rule in rules.rules],
        "action_rules": {k: t.model_dump(mode="json") for k, t in tables.items() if t is not None},
        "beliefs_version": manifest["versions"]["beliefs"],
        "targets": document["targets"],
    }  # fmt: skip
    try:
        return Forecast.model_validate_json(json.dumps(entry))
    except ValidationError as error:
        raise damaged(file, _first(error), "what `beliefs run` writes") from error


def _fits(file: Path, document: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Refuse a document that is not the forecast of its own run."""
    if document.get("format") != FORMAT:
        raise damaged(file, f"format {document.get('format', 1)}", f"format {FORMAT}")
    try:
        read = Document.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise damaged(file, _first(error), "what `beliefs run` writes") from error
    same = {key: (document[key], manifest.get(key)) for key in (*_SHARED, "seed", "convergence")}
    same["interventions"] = (len(read.interventions), len(manifest["interventions"]))
    for key, (here, there) in same.items():
        if here != there:
            raise damaged(file, f"{key} = {here}", f"that of manifest.json, {there}")
    if manifest["horizon"] is None:
        raise damaged(file, "no horizon in manifest.json", "the run of a forecast")
    first = min(target.by for target in read.targets)
    if first <= read.origin:
        raise damaged(file, f"by {first}", f"targets by days after {read.origin}")
    here, there = document_hash(document), manifest.get("forecast_sha256")
    if there is not None and here != there:  # manifests of before it was kept cannot tell
        raise damaged(file, f"hash {here[:12]}", f"hash {there[:12]}, as it was written")
