"""Run folders (C7): everything a run used and said, written aside and renamed into place.

A run folder holds::

    manifest.json    hashes, as-of, seeds, settings, versions, platform, gate, timings
    posterior.nc     the DataTree of the posterior
    forecast.nc      simulated futures (sample, side, horizon)
    conduct.nc       draws of the parameters of conduct that they were simulated with
    forecast.json    the headline, a contract with scripts
    report.html      for people
    study/           the study folder as it was read
    theory.json      the theory with its prior overrides
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beliefs.errors import ConflictError, StudyError
from beliefs.features.inputs import build_inputs
from beliefs.model.theory import Theory, table_of, theory_from_table
from beliefs.records.hashes import content_hash
from beliefs.records.lock import commit, empty, reserved, unwritable
from beliefs.records.manifest import (
    FORMAT,
    damaged,
    document_hash,
    environment,
    read_json,
    read_manifest,
)
from beliefs.records.netcdf import read_netcdf
from beliefs.study.load import Source, Study, read_study
from beliefs.study.tables.append import copy_study
from beliefs.study.writefile import replace_file

if TYPE_CHECKING:
    from beliefs.forecasting.forecast import Forecast
    from beliefs.inference.diagnose import Report
    from beliefs.inference.posterior import Posterior

__all__ = [
    "content_hash",
    "environment",
    "load_run",
    "read_manifest",
    "read_parts",
    "read_tree",
    "refuse_existing",
    "refuse_inside",
    "same_hash",
    "save_run",
    "write_run",
    "written_aside",
]


def refuse_existing(out: Path) -> None:
    """Raise ConflictError when something of that name exists."""
    if os.path.lexists(out):  # a link that leads nowhere takes the name as well
        raise ConflictError(
            "the run folder exists already",
            where=str(out),
            found="a folder or file of that name",
            expected="a name that is free",
            mend="choose another --out, or remove the old run yourself",
        )


def refuse_inside(out: str | Path, study_path: str | Path) -> None:
    """Raise StudyError when `out` would lie inside the study folder.

    Parameters
    ----------
    out
        Path of the run folder to be; it need not exist.
    study_path
        The study folder.

    Raises
    ------
    StudyError
        It lies there, directly or through links.
    """
    study = Path(study_path).resolve()
    if Path(out).resolve().is_relative_to(study):
        raise StudyError(
            "the run folder would lie inside the study folder",
            where=str(out),
            found=f"a place in {study}",
            expected="a place outside the study, which holds only its own files",
            mend="choose another --out",
        )


@contextlib.contextmanager
def written_aside(out: Path, aside: Path | None = None) -> Iterator[Path]:
    """Yield a folder beside `out` that takes its place when the block succeeds.

    `aside` is that folder if the caller holds it already, see `beliefs.records.lock.reserved`.
    """
    refuse_existing(out)
    with contextlib.ExitStack() as held:
        if aside is None:
            aside = held.enter_context(reserved(out))
        try:
            empty(aside)  # a first attempt may have failed
            yield aside
            commit(aside, out)
        except OSError as error:
            raise unwritable(out, error) from error
        except StudyError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise unwritable(out, error.__cause__) from error  # not the folder that goes away


def _dump(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=False, allow_nan=False) + "\n"


def save_run(
    out: str | Path,
    posterior: Posterior,
    *,
    forecast: Forecast | None = None,
    summary: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    report: Callable[[Path, dict[str, Any]], object] | None = None,
    aside: Path | None = None,
) -> Path:
    """Write a run folder; it appears whole or not at all.

    Parameters
    ----------
    out
        Path of the new folder.
    posterior, forecast, summary
        What to keep; the latter two may be missing.
    settings
        Sampler and forecast settings, for the manifest.
    report
        Writes the HTML report, given a path and the manifest.
    aside
        See `write_run`.

    Raises
    ------
    ConflictError
        The folder exists.
    StudyError
        It lies inside the study folder, or cannot be written.
    """

    def write(aside: Path) -> None:
        _write_netcdf(posterior.tree, aside / "posterior.nc")
        if forecast is not None:
            _write_netcdf(forecast.to_dataset(), aside / "forecast.nc")
            if forecast.conduct is not None:
                from beliefs.records.conduct import write_conduct

                write_conduct(aside, forecast.conduct)
        if summary is not None:
            replace_file(aside / "forecast.json", _dump(summary))
        if report is not None:
            report(aside / "report.html", manifest)

    manifest = _manifest(posterior, forecast, settings or {})
    if summary is not None:
        manifest["forecast_sha256"] = document_hash(summary)
    return write_run(Path(out), posterior.study, posterior.theory, manifest, write, aside)


def _write_netcdf(tree: Any, file: Path) -> None:
    """Write by way of memory: HDF5 itself does not survive a full disk."""
    replace_file(file, tree.to_netcdf(engine="h5netcdf"))


def write_run(
    out: Path,
    study: Study,
    theory: Theory,
    manifest: dict[str, Any],
    write: Callable[[Path], object],
    aside: Path | None = None,
) -> Path:
    """Write study, theory and manifest, and whatever `write` adds; all of it or nothing.

    Parameters
    ----------
    out
        Path of the new folder.
    study, theory
        What was run.
    manifest
        Written last.
    write
        Writes further files into the folder it is given.
    aside
        From `beliefs.records.lock.reserved`, by those who kept the name for themselves before they
        began to compute.

    Raises
    ------
    ConflictError
        The folder exists, or another process is writing it.
    StudyError
        It lies inside the study folder, or cannot be written.
    """
    refuse_inside(out, study.path)
    with written_aside(out, aside) as folder:
        copy_study(study.path, folder / "study")
        replace_file(folder / "theory.json", _dump(table_of(theory)))
        write(folder)
        replace_file(folder / "manifest.json", _dump(manifest))
    return out


def _manifest(
    posterior: Posterior, forecast: Forecast | None, settings: dict[str, Any]
) -> dict[str, Any]:
    from beliefs.simulation.interventions import as_table

    return {
        "format": FORMAT,
        "study": posterior.study.spec.name,
        "study_sha256": posterior.study.sha256,
        "as_of": str(posterior.study.as_of),
        "origin": str(posterior.origin),
        "theory": posterior.theory.name,
        "theory_sha256": posterior.theory.sha256,
        "seed": {
            "fit": posterior.seed,
            "forecast": None if forecast is None else forecast.seed,
        },
        "settings": settings,
        "horizon": None if forecast is None else len(forecast.dates),
        "interventions": []
        if forecast is None
        else [as_table(item) for item in forecast.interventions],
        "gate": posterior.report.as_dict(),
        "posterior_content_sha256": content_hash(posterior.tree),
        **_conduct(forecast),
        "timings_seconds": posterior.timings,
        **environment(),
    }


def _conduct(forecast: Forecast | None) -> dict[str, str]:
    """Return the hash of the draws of conduct, where there are any."""
    if forecast is None or forecast.conduct is None:
        return {}
    from beliefs.records.conduct import conduct_hash

    return {"conduct_content_sha256": conduct_hash(forecast.conduct)}


def load_run(path: str | Path) -> Posterior:
    """Load the posterior of a run folder, ready for `forecast` and ArviZ.

    Raises
    ------
    StudyError
        The folder is not a whole run, or its study, theory or posterior no longer has the hash
        it was written with.
    """
    from beliefs.inference.posterior import Posterior
    from beliefs.records.conduct import conduct_in

    folder = Path(path)
    if (folder / "track.nc").is_file():
        from beliefs.records.tracks import load_track

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


def read_parts(
    folder: Path, manifest: dict[str, Any] | None = None, source: Source | None = None
) -> tuple[Study, Theory]:
    """Return the study and the theory of a run folder, as they were run.

    Parameters
    ----------
    folder
        The run folder.
    manifest
        Its manifest, if that was read already.
    source
        Its study folder, if that was read already.

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


def read_tree(file: Path, expected: str) -> Any:
    """Return a DataTree of a run folder, held against the hash it was written with.

    Raises
    ------
    StudyError
        The file cannot be read, or its content has another hash.
    """
    import xarray as xr

    try:
        groups, attributes = read_netcdf(file)
        data = {name: xr.Dataset(variables) for name, variables in groups.items()}
        tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), **data})
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise damaged(file, str(error), "a netCDF file as `beliefs` writes it") from error
    same_hash(file.stem, file, "file", content_hash(tree), expected)
    return tree


def same_hash(what: str, where: Path, thing: str, found: str, expected: str) -> None:
    """Raise StudyError when a part of a run folder no longer has the hash it was written with."""
    if found != expected:
        raise StudyError(
            f"the {what} in the run folder was changed after the run",
            where=str(where),
            found=f"hash {found[:12]}",
            expected=f"hash {expected[:12]}",
            mend=f"restore the {thing}, or run again",
        )
