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
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
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
from beliefs.study.inputs import build_inputs
from beliefs.study.load import Study, load_study
from beliefs.theory.theory import Theory

__all__ = [
    "content_hash",
    "environment",
    "load_run",
    "read_manifest",
    "read_parts",
    "refuse_existing",
    "save_run",
    "write_run",
]

_LIBRARIES = ("pymc", "nutpie", "pytensor", "arviz", "numpy", "xarray", "numba", "preliz", "scipy")


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
        It cannot be written.
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
    with _written_aside(out) as aside:
        shutil.copytree(study.path, aside / "study", symlinks=False, copy_function=shutil.copyfile)
        (aside / "theory.json").write_text(_dump(dataclasses.asdict(theory)))
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


def environment() -> dict[str, dict[str, str]]:
    """Return the versions and the platform that a posterior may depend on."""
    return {
        "versions": {"beliefs": _version("beliefs")} | {n: _version(n) for n in _LIBRARIES},
        "platform": {
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
        },
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Return the manifest of a run folder."""
    data: dict[str, Any] = json.loads((Path(path) / "manifest.json").read_text())
    return data


def load_run(path: str | Path) -> Posterior:
    """Load the posterior of a run folder, ready for `forecast` and ArviZ.

    Raises
    ------
    StudyError
        The folder is not a whole run, or its study no longer has the hash it was run with.
    """
    import xarray as xr

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
    with xr.open_datatree(folder / "posterior.nc", engine="h5netcdf") as opened:
        tree = opened.load()
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
    raw = json.loads((folder / "theory.json").read_text())
    raw |= {"mechanisms": tuple(raw["mechanisms"]), "neutral": tuple(raw["neutral"])}
    theory = Theory(**raw)
    for what, found, expected in (
        ("study", study.sha256, manifest["study_sha256"]),
        ("theory", theory.sha256, manifest["theory_sha256"]),
    ):
        if found != expected:
            raise StudyError(
                f"the {what} in the run folder was changed after the run",
                where=str(folder),
                found=f"hash {found[:12]}",
                expected=f"hash {expected[:12]}",
                mend="restore the folder, or run again",
            )
    return study, theory
