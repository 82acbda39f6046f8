"""Run folders (C7): everything a run used and said, written aside and renamed into place.

A run folder holds::

    manifest.json    hashes, as-of, seeds, settings, versions, platform, gate, timings
    posterior.nc     the DataTree of the posterior; of a track instead track.nc
    forecast.nc      simulated futures (sample, side, horizon)
    conduct.nc       draws of the parameters of conduct that they were simulated with
    forecast.json    the headline, a contract with scripts
    report.html      for people
    study/           the study folder as it was read
    theory.json      the theory with its prior overrides

The posterior of a track is drawn when it is asked for, so that an update writes little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.model.theory import Theory, table_of, theory_from_table
from beliefs.records.files import (
    FORMAT,
    content_hash,
    damaged,
    document_hash,
    dump,
    environment,
    read_json,
    read_manifest,
    read_tree,
    same_hash,
    write_tree,
)
from beliefs.records.place import refuse_inside, written_aside
from beliefs.study.load import Source, Study, read_study
from beliefs.study.tables.append import copy_study
from beliefs.study.writefile import replace_file

if TYPE_CHECKING:
    from beliefs.forecasting.forecast import Forecast
    from beliefs.inference.conduct import Conduct
    from beliefs.inference.diagnose import Report
    from beliefs.inference.posterior import Posterior
    from beliefs.inference.smc.track import Track

__all__ = ["CONDUCT", "TRACK", "conduct_in", "load_run", "load_track", "read_parts", "save_run"]

TRACK, CONDUCT = "track.nc", "conduct.nc"
_CONDUCT_GROUPS = ("posterior", "prior", "base")
_DENSITIES = ("log_prior", "log_likelihood")


def save_run(
    out: str | Path,
    found: Posterior | Track,
    *,
    forecast: Forecast | None = None,
    summary: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    report: Callable[[Path, dict[str, Any]], object] | None = None,
    lineage: dict[str, Any] | None = None,
    aside: Path | None = None,
) -> Path:
    """Write a run folder; it appears whole or not at all.

    Parameters
    ----------
    out
        Path of the new folder.
    found
        What to keep: a posterior, or a track.
    forecast, summary
        A forecast from that posterior and its document, if there is one.
    settings
        Sampler and forecast settings, for the manifest.
    report
        Writes the HTML report, given a path and the manifest.
    lineage
        Further keys of the manifest: ``start`` (the fit that a track took over), ``updated_from``.
    aside
        From `beliefs.records.place.reserved`, by those who kept the name for themselves before
        they began to compute.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConflictError
        The folder exists, or another process is writing it.
    StudyError
        It lies inside the study folder, or cannot be written.

    Examples
    --------
    >>> beliefs.save_run(folder / "kept", tracked).name
    'kept'
    """
    from beliefs.inference.posterior import Posterior

    study, theory, out = found.study, found.theory, Path(out)
    if isinstance(found, Posterior):
        file, tree, known = "posterior.nc", found.tree, _of_posterior(found, settings or {})
    else:
        file, tree, known = TRACK, found.to_tree(), _of_track(found, settings or {})
    conduct = None if forecast is None or forecast.conduct is None else _conduct_tree(forecast)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "study": study.spec.name,
        "study_sha256": study.sha256,
        "as_of": str(study.as_of),
        "theory": theory.name,
        "theory_sha256": theory.sha256,
        "posterior_content_sha256": content_hash(tree),
        "horizon": None if forecast is None else len(forecast.dates),
        **known,
        **_of_forecast(found.seed, forecast, summary),
        **({} if conduct is None else {"conduct_content_sha256": content_hash(conduct)}),
        **(lineage or {}),
        **environment(),
    }
    refuse_inside(out, study.path)
    with written_aside(out, aside) as folder:
        copy_study(study.path, folder / "study")
        replace_file(folder / "theory.json", dump(table_of(theory)))
        write_tree(folder / file, tree)
        if forecast is not None:
            write_tree(folder / "forecast.nc", forecast.to_dataset())
        if conduct is not None:
            write_tree(folder / CONDUCT, conduct)
        if summary is not None:
            replace_file(folder / "forecast.json", dump(summary))
        if report is not None:
            report(folder / "report.html", manifest)
        replace_file(folder / "manifest.json", dump(manifest))
    return out


def _of_posterior(found: Posterior, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "origin": str(found.origin),
        "settings": settings,
        "gate": found.report.as_dict(),
        "timings_seconds": found.timings,
    }


def _of_track(found: Track, settings: dict[str, Any]) -> dict[str, Any]:
    report = found.report()
    judged = report.table[0]
    k = judged["pareto_k"]
    return {
        "method": "track",
        "origin": str(found.ends[-1]),
        "settings": {"particles": len(found.epochs[-1]), **settings},
        "gate": {
            **report.as_dict(),
            "distinct": judged["distinct"],
            "pareto_k": k if math.isfinite(k) else None,
        },
        "log_evidence": float(found.log_evidence[-1]),
        "timings_seconds": {},
    }


def _of_forecast(
    seed: int, forecast: Forecast | None, summary: dict[str, Any] | None
) -> dict[str, Any]:
    from beliefs.simulation.interventions import as_table

    seeds = {"fit": seed, "forecast": None if forecast is None else forecast.seed}
    plan = [] if forecast is None else [as_table(item) for item in forecast.interventions]
    hashed = {} if summary is None else {"forecast_sha256": document_hash(summary)}
    return {"seed": seeds, "interventions": plan, **hashed}


def _conduct_tree(forecast: Forecast) -> Any:
    """Return the draws of conduct of a forecast as a DataTree."""
    import xarray as xr

    conduct: Any = forecast.conduct
    groups = {
        name: {
            key: (("sample", *(f"{key}_{k}" for k in range(values.ndim - 1))), values)
            for key, values in sorted(getattr(conduct, name).items())
        }
        for name in _CONDUCT_GROUPS
    }
    groups["density"] = {name: (("sample",), getattr(conduct, name)) for name in _DENSITIES}
    about = xr.Dataset(attrs={"theory": conduct.theory, "seed": conduct.seed})
    return xr.DataTree.from_dict(
        {"/": about, **{f"/{name}": xr.Dataset(values) for name, values in groups.items()}}
    )


def conduct_in(path: str | Path) -> Conduct | None:
    """Return the draws of conduct of a run folder; None where it holds none.

    Raises
    ------
    StudyError
        The file cannot be read, or was changed after the run.
    """
    from beliefs.inference.conduct import Conduct

    expected = read_manifest(path).get("conduct_content_sha256")
    if expected is None:
        return None
    tree = read_tree(Path(path) / CONDUCT, expected)
    draws: dict[str, Any] = {
        name: {str(key): v.values for key, v in node.data_vars.items()}
        for name, node in tree.children.items()
    }
    return Conduct(
        theory=str(tree.attrs["theory"]),
        seed=int(tree.attrs["seed"]),
        **{name: draws[name] for name in _CONDUCT_GROUPS},
        **draws["density"],
    )


def load_run(path: str | Path) -> Posterior:
    """Load the posterior of a run folder, ready for `forecast` and ArviZ.

    Parameters
    ----------
    path
        Folder of a run, a fit or a track. Of a track it is the posterior after its last period;
        ``track`` of the result is the track itself.

    Returns
    -------
    Posterior

    Raises
    ------
    StudyError
        The folder is not a whole run, or its study, theory or posterior no longer has the hash
        it was written with.

    Examples
    --------
    >>> beliefs.load_run(run).origin
    np.datetime64('2026-01-26')
    """
    from beliefs.inference.posterior import Posterior

    folder = Path(path)
    if (folder / TRACK).is_file():
        found = load_track(folder)
        return found.at(found.ends[-1])
    missing = [
        n for n in ("manifest.json", "posterior.nc", "theory.json") if not (folder / n).is_file()
    ]
    if missing:
        raise StudyError(
            "this is not a run folder",
            where=str(folder),
            found="no " + ", ".join(missing),
            expected="a folder written by `beliefs run`, `fit`, `track` or `update`",
            mend="check the path",
        )
    manifest = read_manifest(folder)
    study, theory = read_parts(folder, manifest)
    tree = read_tree(folder / "posterior.nc", manifest["posterior_content_sha256"])
    return Posterior(
        study=study,
        inputs=build_inputs(study),
        theory=theory,
        tree=tree,
        report=_report(folder / "manifest.json", manifest["gate"]),
        seed=int(manifest["seed"]["fit"]),
        timings=dict(manifest["timings_seconds"]),
        kept=conduct_in(folder),
    )


def _report(file: Path, gate: dict[str, Any]) -> Report:
    """Return what the gate found when the run was made; its arrays still have their hash."""
    from pydantic import TypeAdapter, ValidationError

    from beliefs.inference.diagnose import Report

    try:
        return TypeAdapter(Report).validate_python(gate)
    except ValidationError as error:
        raise damaged(file, f"gate = {gate!r}", "what the gate found") from error


def load_track(path: str | Path, *, source: Source | None = None) -> Track:
    """Load the track of a run folder.

    Parameters
    ----------
    path
        The run folder.
    source
        Its study folder, if that was read already.

    Returns
    -------
    Track

    Raises
    ------
    StudyError
        The folder holds no track, or was changed after the run.

    Examples
    --------
    >>> beliefs.load_track(run).n_time == tracked.n_time
    True
    """
    from beliefs.inference.smc.track import track_from

    folder = Path(path)
    if not (folder / TRACK).is_file():
        raise StudyError(
            "this run folder holds no track",
            where=str(folder),
            found=f"no {TRACK}",
            expected="a folder written by `beliefs track` or `beliefs update`",
            mend="beliefs track STUDY --out RUN; an update goes on from there",
        )
    manifest = read_manifest(folder)
    study, theory = read_parts(folder, manifest, source)
    tree = read_tree(folder / TRACK, manifest["posterior_content_sha256"])
    try:
        return track_from(tree, study, theory)
    except (KeyError, ValueError, TypeError) as error:
        raise damaged(folder / TRACK, repr(error), "the arrays of a track") from error


def read_parts(
    folder: Path, manifest: dict[str, Any] | None = None, source: Source | None = None
) -> tuple[Study, Theory]:
    """Return the study and the theory of a run folder, as they were run.

    Parameters
    ----------
    folder
        The run folder.
    manifest, source
        Its manifest and its study folder, if they were read already.

    Raises
    ------
    StudyError
        One of them no longer has the hash it was run with.
    """
    manifest = read_manifest(folder) if manifest is None else manifest
    source = read_study(folder / "study") if source is None else source
    study = source.known(manifest["as_of"])
    file = folder / "theory.json"
    theory = theory_from_table(read_json(file), str(file), checked=manifest["theory_sha256"])
    same_hash("study", folder, "folder", study.sha256, manifest["study_sha256"])
    same_hash("theory", folder, "folder", theory.sha256, manifest["theory_sha256"])
    return study, theory
