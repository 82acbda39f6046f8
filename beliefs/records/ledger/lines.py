"""What the lines of a ledger say: forecasts registered, and outcomes looked up later."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from beliefs.errors import StudyError
from beliefs.forecasting.document import Probability
from beliefs.forecasting.targets import LATENT, TARGETS
from beliefs.records.ledger.chain import BEGINNING, Chain, damaged, read_chain
from beliefs.study.spec import Agreements, RedLines, SpecTable, Strikes, Truce

__all__ = [
    "CONDUCT_RULES",
    "Forecast",
    "Key",
    "Ledger",
    "Resolution",
    "Target",
    "ledger_of",
    "read_ledger",
    "utc_now",
]

CONDUCT_RULES: dict[str, type[SpecTable]] = {
    "strikes": Strikes,
    "truce": Truce,
    "redlines": RedLines,
    "agreements": Agreements,
}
"""Tables of a study that say what counts as conduct."""

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Rule = dict[str, Any]  # a rule or a table of the study, as it stood there
Key = tuple[int, str, str | None, dt.date]
"""Line of a forecast, target, rule and last day."""


class _Said(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Target(Probability):
    """One probability of a forecast; `late` if it was registered after its last day, `by`."""

    late: bool = False


class Forecast(_Said):
    """A forecast that was registered.

    Attributes
    ----------
    at
        When, UTC to the second.
    study, study_sha256, hindcast, as_of, origin, theory, theory_sha256, seed
        As in `beliefs.forecasting.document.Document`.
    posterior_sha256
        Hash of the posterior of the run.
    forecast_sha256
        Hash of the whole document, crack grid and beliefs included.
    horizon
        Periods ahead.
    step_days
        Days of a period.
    gate, allowed_failed
        Verdict on the posterior; whether it had failed and was registered all the same.
    label_rule, label_rules
        Id of the rule for talks that the forecast is about, and all rules as they stood.
    conduct_rules
        Tables of the study that say what counts as conduct, as they stood, by name.
    beliefs_version
        Version of the package that made the run.
    targets
        Its probabilities.
    """

    at: dt.datetime
    kind: Literal["forecast"] = "forecast"
    study: str
    study_sha256: _Hash
    hindcast: bool
    as_of: dt.date
    origin: dt.date
    theory: str
    theory_sha256: _Hash
    posterior_sha256: _Hash
    forecast_sha256: _Hash
    seed: dict[str, int]
    horizon: int
    step_days: int
    gate: dict[str, Any]
    allowed_failed: bool
    label_rule: str
    label_rules: Annotated[tuple[_Rule, ...], Field(min_length=1)]
    conduct_rules: dict[str, _Rule] = {}
    beliefs_version: str
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]


def _resolvable(target: str) -> str:
    if target not in TARGETS or target in LATENT:
        raise ValueError(f"nobody can look up {target}")
    return target


class Resolution(_Said):
    """An outcome, looked up in the tables of a study.

    Attributes
    ----------
    at
        When, UTC to the second.
    forecast, forecast_line_sha256
        Line of the forecast, and its hash.
    target, rule, by
        Which of its probabilities.
    outcome
        Whether it happened, by the rules of the forecast.
    outcomes
        Of talks, the same by every label rule that was registered; empty otherwise.
    first
        First day of the first period in which it had; of ``no_crossing``, in which it no longer
        held.
    rows
        Of talks, ids of the rows of the label table that say so.
    as_of, study_sha256
        Last day of publications that was looked at, and the hash of the study as of that day.
    same_past
        Whether the study, cut at the as-of date of the forecast, still has its hash: no row or
        setting of before the forecast has changed since.
    corrects
        Line of the resolution that this one replaces, None for the first.
    beliefs_version
        Version of the package that looked it up.
    """

    at: dt.datetime
    kind: Literal["resolution"] = "resolution"
    forecast: int
    forecast_line_sha256: _Hash
    target: Annotated[str, AfterValidator(_resolvable)]
    rule: str | None = None
    by: dt.date
    outcome: bool
    outcomes: dict[str, bool]
    first: dt.date | None
    rows: tuple[str, ...]
    as_of: dt.date
    study_sha256: _Hash
    same_past: bool
    corrects: int | None = None
    beliefs_version: str

    @property
    def key(self) -> Key:
        """Which probability it is of."""
        return self.forecast, self.target, self.rule, self.by


_KINDS: dict[str, type[Forecast] | type[Resolution]] = {
    "forecast": Forecast,
    "resolution": Resolution,
}


@dataclass(frozen=True)
class Ledger:
    """A ledger whose chain is in order.

    Attributes
    ----------
    forecasts
        By line.
    resolutions
        The valid one of each line, target, rule and last day: the last.
    corrected
        How many were replaced by later ones.
    hashes
        Of all lines, in order.
    """

    forecasts: dict[int, Forecast]
    resolutions: dict[Key, tuple[int, Resolution]]
    corrected: int
    hashes: tuple[str, ...]

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return self.hashes[-1] if self.hashes else BEGINNING


def utc_now() -> dt.datetime:
    """Return the time to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def read_ledger(path: str | Path) -> Ledger:
    """Read a ledger, its chain checked.

    Raises
    ------
    StudyError
        There is none, or it is damaged.
    """
    path = Path(path)
    chain = read_chain(path)
    if chain.problems:
        raise damaged(path, chain)
    return ledger_of(path, chain)


def ledger_of(path: Path, chain: Chain) -> Ledger:
    """Return what the lines of a chain in order say.

    Raises
    ------
    StudyError
        A line says what this package does not write.
    """
    forecasts: dict[int, Forecast] = {}
    resolutions: dict[Key, tuple[int, Resolution]] = {}
    corrected = 0
    for line in chain.lines:
        kind = _KINDS.get(str(line.record.get("kind")))
        if kind is None:
            raise _foreign(path, line.n, f"kind = {line.record.get('kind')!r}")
        said = {k: v for k, v in line.record.items() if k not in ("n", "previous", "hash")}
        try:
            record = kind.model_validate_json(json.dumps(said))
        except ValidationError as error:
            first = error.errors()[0]
            raise _foreign(
                path, line.n, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from error
        if isinstance(record, Forecast):
            forecasts[line.n] = record
        elif isinstance(record, Resolution):
            if record.forecast not in forecasts:
                raise _foreign(path, line.n, f"a resolution of line {record.forecast}")
            corrected += record.key in resolutions
            resolutions[record.key] = (line.n, record)
    return Ledger(forecasts, resolutions, corrected, tuple(line.hash for line in chain.lines))


def _foreign(path: Path, n: int, found: str) -> StudyError:
    return StudyError(
        "the ledger has a line that this version does not write",
        where=f"{path}:{n}",
        found=found,
        expected="forecasts and resolutions as `beliefs ledger` writes them",
        mend="read it with the version that wrote it",
    )
