"""Run folders (C7): everything a run used and said, written aside and renamed into place.

A run folder holds ``manifest.json`` (hashes, as-of, seeds, settings, versions, platform,
convergence, timings), ``posterior.nc`` (its DataTree) or ``track.nc`` (whose posterior is drawn
when it is asked for, so that an update writes little), ``forecast.nc`` (futures, (sample, side,
horizon)) with ``actions.nc`` (draws of the parameters of actions), ``forecast.json`` (a contract
with scripts), ``report.html``, ``study/`` as it was read and ``theory.json`` with its prior
overrides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr
from pydantic import TypeAdapter, ValidationError

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.action_draws import action_draws
from beliefs.inference.diagnose import Report
from beliefs.inference.posterior import ActionDraws, Posterior, dataset_of
from beliefs.inference.smc.track import Track, track_from
from beliefs.model.theory import Theory, table_of, theory_from_table
from beliefs.records import files
from beliefs.simulation.interventions import Intervention, as_table, parse
from beliefs.study.load import Source, Study, read_study
from beliefs.study.tables.append import copy_study
from beliefs.study.writefile import replace_file

TRACK, ACTIONS = "track.nc", "actions.nc"


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
        From `beliefs.records.files.reserved`, by those who kept the name for themselves before
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
    study, theory, out = found.study, found.theory, Path(out)
    file, tree, known = _kept(found, settings or {})
    trees, hashes = {file: tree}, {}
    if summary is not None:
        hashes["forecast_sha256"] = files.document_hash(summary)
    if forecast is not None:
        trees["forecast.nc"] = forecast.to_dataset()
        if forecast.action_draws is not None:
            trees[ACTIONS] = _action_tree(forecast.posterior)
            hashes["actions_content_sha256"] = files.content_hash(trees[ACTIONS])
    manifest = {
        "format": files.FORMAT,
        "study": study.spec.name,
        "study_sha256": study.sha256,
        "as_of": str(study.as_of),
        "theory": theory.name,
        "theory_sha256": theory.sha256,
        "posterior_content_sha256": files.content_hash(tree),
        "horizon": None if forecast is None else len(forecast.dates),
        **known,
        "seed": {"fit": found.seed, "forecast": None if forecast is None else forecast.seed},
        "interventions": [as_table(item) for item in (forecast.interventions if forecast else ())],
        **hashes,
        **(lineage or {}),
        **files.environment(),
    }
    files.refuse_inside(out, study.path)
    with files.written_aside(out, aside) as folder:
        copy_study(study.path, folder / "study")
        replace_file(folder / "theory.json", files.dump(table_of(theory)))
        for name, kept in trees.items():
            files.write_tree(folder / name, kept)
        if summary is not None:
            replace_file(folder / "forecast.json", files.dump(summary))
        if report is not None:
            report(folder / "report.html", manifest)
        replace_file(folder / "manifest.json", files.dump(manifest))
    return out


def _kept(found: Posterior | Track, settings: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """Return the file of a posterior or a track, its tree, and what the manifest says of it."""
    known: dict[str, Any]
    if isinstance(found, Posterior):
        timings, convergence = found.timings, found.report.as_dict()
        known = {"settings": settings, "convergence": convergence, "timings_seconds": timings}
        return "posterior.nc", found.tree, {"origin": str(found.origin), **known}
    report = found.report()
    k = report.table[0]["pareto_k"]
    worst = {"distinct": report.table[0]["distinct"], "pareto_k": k if math.isfinite(k) else None}
    known = {
        "method": "track",
        "origin": str(found.ends[-1]),
        "settings": {"particles": len(found.generations[-1]), **settings},
        "convergence": {**report.as_dict(), **worst},
        "log_evidence": float(found.log_evidence[-1]),
        "timings_seconds": {},
    }
    return TRACK, found.to_tree(), known


def _action_tree(posterior: Posterior) -> Any:
    names = vars(posterior.actions)
    groups = {f"/{name}": dataset_of(action_draws(posterior, name)) for name in names}
    about = xr.Dataset(attrs={"theory": posterior.theory.name, "seed": posterior.seed})
    return xr.DataTree.from_dict({"/": about, **groups})


def _actions_in(folder: Path, manifest: dict[str, Any]) -> ActionDraws:
    """Return the draws of actions of a run folder, empty where it holds none."""
    expected = manifest.get("actions_content_sha256")
    if expected is None:
        return ActionDraws()
    groups = files.read_tree(folder / ACTIONS, expected).children
    return ActionDraws(
        **{g: {str(k): v.values for k, v in node.data_vars.items()} for g, node in groups.items()}
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
    folder = Path(path)
    if (folder / TRACK).is_file():
        track = load_track(folder)
        return track.at(track.ends[-1])
    names = ("manifest.json", "posterior.nc", "theory.json")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise StudyError(
            "this is not a run folder",
            where=str(folder),
            found="no " + ", ".join(missing),
            expected="a folder written by `beliefs run`, `fit`, `track` or `update`",
            fix="check the path",
        )
    manifest = files.read_manifest(folder)
    study, theory = read_parts(folder, manifest)
    tree = files.read_tree(folder / "posterior.nc", manifest["posterior_content_sha256"])
    try:  # what the convergence check found when the run was made; its arrays still have their hash
        report = TypeAdapter(Report).validate_python(manifest["convergence"])
    except ValidationError as error:
        found, file = f"convergence = {manifest['convergence']!r}", folder / "manifest.json"
        raise files.damaged(file, found, "what the convergence check found") from error
    return Posterior(
        study=study,
        inputs=build_inputs(study),
        theory=theory,
        tree=tree,
        report=report,
        seed=int(manifest["seed"]["fit"]),
        timings=dict(manifest["timings_seconds"]),
        actions=_actions_in(folder, manifest),
    )


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
    folder = Path(path)
    if not (folder / TRACK).is_file():
        raise StudyError(
            "this run folder holds no track",
            where=str(folder),
            found=f"no {TRACK}",
            expected="a folder written by `beliefs track` or `beliefs update`",
            fix="make one by `beliefs track STUDY --out RUN`; an update goes on from there",
        )
    manifest = files.read_manifest(folder)
    study, theory = read_parts(folder, manifest, source)
    tree = files.read_tree(folder / TRACK, manifest["posterior_content_sha256"])
    return track_from(tree, study, theory)


def planned(folder: Path, manifest: dict[str, Any]) -> list[Intervention]:
    """Return the interventions that a run forecast with."""
    file = str(folder / "manifest.json")
    return [parse(file, table) for table in manifest["interventions"]]


def read_parts(
    folder: Path, manifest: dict[str, Any], source: Source | None = None
) -> tuple[Study, Theory]:
    """Return the study and the theory of a run folder, whose hashes are those of its manifest."""
    source = read_study(folder / "study") if source is None else source
    study = source.known(manifest["as_of"])
    file = folder / "theory.json"
    theory = theory_from_table(files.read_json(file), str(file), checked=manifest["theory_sha256"])
    files.same_hash("study", folder, "folder", study.sha256, manifest["study_sha256"])
    files.same_hash("theory", folder, "folder", theory.sha256, manifest["theory_sha256"])
    return study, theory
