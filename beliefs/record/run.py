"""Run folders (C7): everything a run used and said, written aside and renamed into place.

A run folder holds::

    manifest.json    hashes, as-of, seeds, settings, versions, platform, gate, timings
    posterior.nc     the DataTree of the posterior
    forecast.nc      simulated futures (sample, side, horizon)
    forecast.json    the headline, a contract with scripts
    report.html      for people
    study/           the study folder as it was read
    theory.json      the theory with its prior overrides
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import ConflictError, StudyError
from beliefs.forecast.forecast import Forecast
from beliefs.forecast.interventions import as_table
from beliefs.infer.diagnose import diagnose
from beliefs.infer.posterior import Posterior
from beliefs.record.manifest import damaged, environment, read_json, read_manifest
from beliefs.study.inputs import build_inputs
from beliefs.study.load import Study, load_study
from beliefs.study.safefile import open_safely
from beliefs.theory.theory import Theory, table_of, theory_from_table

__all__ = [
    "content_hash",
    "environment",
    "load_run",
    "read_manifest",
    "read_parts",
    "read_tree",
    "refuse_existing",
    "refuse_inside",
    "save_run",
    "write_run",
]

_STUDY_FILES = ("study.toml", "indicators.csv", "events.csv", "talks.csv", "SOURCES.md")
_STUDY_EXTRAS = ("coverage.csv", "truth.json")


def content_hash(tree: Any) -> str:
    """Return the SHA-256 of all arrays of a DataTree, whatever the file format does around them."""
    digest = hashlib.sha256()
    for node in sorted(tree.subtree, key=lambda n: n.path):
        dataset = node.to_dataset()
        for name in sorted(dataset.variables):
            values = np.asarray(dataset[name].values)
            kind = values.dtype.kind
            if kind in "OUT":  # text comes back from a file as another kind of text
                kind, raw = "U", "\0".join(str(v) for v in values.ravel()).encode()
            else:
                raw = np.ascontiguousarray(values).tobytes()
            digest.update(f"{node.path}/{name}{values.shape}{kind}".encode() + raw)
    return digest.hexdigest()


def refuse_existing(out: Path) -> None:
    """Raise ConflictError when something of that name exists."""
    if out.exists():
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


def _copy_study(folder: Path, to: Path) -> None:
    """Copy the study's own files, never through a link, and nothing else that lies there."""
    to.mkdir()
    for name in (*_STUDY_FILES, *_STUDY_EXTRAS):
        if name == "coverage.csv" and not os.path.lexists(folder / name):
            continue
        if name == "truth.json" and ((folder / name).is_symlink() or not (folder / name).exists()):
            continue  # no part of the study as it was read: a link here is not worth a fit
        with open_safely(folder, name) as source, (to / name).open("xb") as target:
            shutil.copyfileobj(source, target)


@contextlib.contextmanager
def _written_aside(out: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `out` that takes its place when the block succeeds."""
    refuse_existing(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        yield aside
        aside.chmod(0o755)
        os.rename(aside, out)
    except OSError as error:
        raise StudyError(
            "the run folder could not be written",
            where=str(out),
            found=str(error),
            expected="a writable place with enough room",
            mend="free some room or choose another --out; nothing was left behind",
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


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

    Raises
    ------
    ConflictError
        The folder exists.
    StudyError
        It lies inside the study folder, or cannot be written.
    """

    def write(aside: Path) -> None:
        posterior.tree.to_netcdf(aside / "posterior.nc", engine="h5netcdf")
        if forecast is not None:
            forecast.to_dataset().to_netcdf(aside / "forecast.nc", engine="h5netcdf")
        if summary is not None:
            (aside / "forecast.json").write_text(_dump(summary))
        if report is not None:
            report(aside / "report.html", manifest)

    manifest = _manifest(posterior, forecast, settings or {})
    return write_run(Path(out), posterior.study, posterior.theory, manifest, write)


def write_run(
    out: Path,
    study: Study,
    theory: Theory,
    manifest: dict[str, Any],
    write: Callable[[Path], object],
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
    """
    refuse_inside(out, study.path)
    with _written_aside(out) as aside:
        _copy_study(study.path, aside / "study")
        (aside / "theory.json").write_text(_dump(table_of(theory)))
        write(aside)
        (aside / "manifest.json").write_text(_dump(manifest))
    return out


def _manifest(
    posterior: Posterior, forecast: Forecast | None, settings: dict[str, Any]
) -> dict[str, Any]:
    return {
        "format": 1,
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
        "timings_seconds": posterior.timings,
        **environment(),
    }


def load_run(path: str | Path) -> Posterior:
    """Load the posterior of a run folder, ready for `forecast` and ArviZ.

    Raises
    ------
    StudyError
        The folder is not a whole run, or its study, theory or posterior no longer has the hash
        it was written with.
    """
    folder = Path(path)
    if (folder / "track.nc").is_file():
        from beliefs.record.tracks import load_track

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
            expected="a folder written by `beliefs run` or `beliefs fit`",
            mend="check the path",
        )
    study, theory = read_parts(folder)
    manifest = read_manifest(folder)
    tree = read_tree(folder / "posterior.nc", manifest["posterior_content_sha256"])
    return Posterior(
        study=study,
        inputs=build_inputs(study),
        theory=theory,
        tree=tree,
        report=diagnose(tree),
        seed=int(manifest["seed"]["fit"]),
        timings=dict(manifest["timings_seconds"]),
    )


def read_parts(folder: Path) -> tuple[Study, Theory]:
    """Return the study and the theory of a run folder, as they were run.

    Raises
    ------
    StudyError
        One of them no longer has the hash it was run with.
    """
    manifest = read_manifest(folder)
    study = load_study(folder / "study", as_of=manifest["as_of"])
    theory = theory_from_table(read_json(folder / "theory.json"), str(folder / "theory.json"))
    _same("study", folder, "folder", study.sha256, manifest["study_sha256"])
    _same("theory", folder, "folder", theory.sha256, manifest["theory_sha256"])
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
        with xr.open_datatree(file, engine="h5netcdf") as opened:
            tree = opened.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise damaged(file, str(error), "a netCDF file as `beliefs` writes it") from error
    _same(file.stem, file, "file", content_hash(tree), expected)
    return tree


def _same(what: str, where: Path, thing: str, found: str, expected: str) -> None:
    if found != expected:
        raise StudyError(
            f"the {what} in the run folder was changed after the run",
            where=str(where),
            found=f"hash {found[:12]}",
            expected=f"hash {expected[:12]}",
            mend=f"restore the {thing}, or run again",
        )
