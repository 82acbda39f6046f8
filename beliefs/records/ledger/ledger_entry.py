"""From a run folder to what a ledger registers of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from beliefs.errors import GateError, StudyError
from beliefs.forecasting.document import FORMAT, Document
from beliefs.forecasting.forecast import forecast
from beliefs.records.ledger.ledger_lines import Forecast, utc_now
from beliefs.records.ledger.ledger_lookup import CONDUCT_RULES
from beliefs.records.manifest import damaged, document_hash, read_json, read_manifest, same_document

if TYPE_CHECKING:
    from beliefs.study.load import Study

__all__ = ["entry_from", "entry_of"]

SEED = 1  # of the futures of a run that holds no forecast, as of `beliefs forecast`
_SHARED = ("study", "as_of", "origin", "study_sha256", "theory", "theory_sha256")


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
    from beliefs.records.run import read_parts

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
    return entry_from(document, manifest, study, file, horizon=ahead, allow_failed=allow_failed)


def entry_from(
    document: dict[str, Any],
    manifest: dict[str, Any],
    study: Study,
    file: Path,
    *,
    horizon: int,
    allow_failed: bool = False,
) -> Forecast:
    """Return a forecast document as a ledger registers it.

    Parameters
    ----------
    document
        As from `beliefs.forecasting.summary.summarise`.
    manifest, study
        Of its run.
    file
        For complaints.
    horizon, allow_failed
        See `entry_of`.

    Raises
    ------
    GateError, StudyError
        See `entry_of`.
    """
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
    from beliefs.records.run import load_run

    posterior = load_run(folder)
    made = forecast(posterior, horizon, seed=seed, allow_failed=allow_failed)
    return posterior.study, summarise(made), len(made.dates)
