"""Run folders of tracks: written like other runs; `beliefs.records.update` goes on from them.

A track's folder holds ``manifest.json``, ``track.nc``, ``theory.json`` and ``study/``. The
posterior is drawn from the track when it is asked for, so that an update writes little.

A track or an update that is killed leaves no run folder, and is simply run again: it is short.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beliefs.errors import StudyError
from beliefs.records.hashes import Seen, arrays_hash
from beliefs.records.manifest import FORMAT, damaged, environment, read_manifest
from beliefs.records.netcdf import read_netcdf, write_netcdf
from beliefs.records.run import read_parts, same_hash, write_run

if TYPE_CHECKING:
    from beliefs.inference.smc.track import Track
    from beliefs.study.load import Source

__all__ = ["FILE", "load_track", "save_track", "track_hash"]

FILE = "track.nc"


def save_track(
    out: str | Path,
    track: Track,
    settings: dict[str, Any] | None = None,
    *,
    lineage: dict[str, Any] | None = None,
    aside: Path | None = None,
    seen: Seen | None = None,
) -> Path:
    """Write the run folder of a track; it appears whole or not at all.

    Parameters
    ----------
    out
        Path of the new folder.
    track
        What to keep.
    settings
        For the manifest.
    lineage
        Further keys of the manifest: ``start`` (the fit that was taken over), ``updated_from``.
    aside
        See `beliefs.records.run.write_run`.
    seen
        From the `load_track` of the track that this one goes on from, if none of its arrays can
        have been written into since.

    Raises
    ------
    ConflictError
        The folder exists, or another process is writing it.
    StudyError
        It cannot be written.
    """
    from beliefs.inference.smc.track_tree import arrays_of, attributes_of

    groups, report = arrays_of(track), track.report()
    judged = report.table[0]
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "method": "track",
        "study": track.study.spec.name,
        "study_sha256": track.study.sha256,
        "as_of": str(track.study.as_of),
        "origin": str(track.ends[-1]),
        "theory": track.theory.name,
        "theory_sha256": track.theory.sha256,
        "seed": {"fit": track.seed, "forecast": None},
        "settings": {"particles": len(track.epochs[-1]), **(settings or {})},
        "gate": {
            **report.as_dict(),
            "distinct": judged["distinct"],
            "pareto_k": judged["pareto_k"] if math.isfinite(judged["pareto_k"]) else None,
        },
        "log_evidence": float(track.log_evidence[-1]),
        "posterior_content_sha256": track_hash(groups, seen),
        "horizon": None,
        "interventions": [],
        "timings_seconds": {},
        **(lineage or {}),
        **environment(),
    }
    return write_run(
        Path(out),
        track.study,
        track.theory,
        manifest,
        lambda folder: write_netcdf(folder / FILE, groups, attributes_of(track)),
        aside,
    )


def track_hash(groups: Any, seen: Seen | None = None) -> str:
    """Return the hash of `beliefs.inference.smc.track_tree.arrays_of` a track."""
    arrays = (
        (f"/{group}/{name}", values)
        for group, variables in groups.items()
        for name, (_, values) in variables.items()
    )
    return arrays_hash(arrays, seen)


def load_track(
    path: str | Path, *, source: Source | None = None, seen: Seen | None = None
) -> Track:
    """Load the track of a run folder.

    Parameters
    ----------
    path
        The run folder.
    source
        Its study folder, if that was read already.
    seen
        Takes the digests of what was read, see `beliefs.records.hashes.arrays_hash`.

    Raises
    ------
    StudyError
        The folder holds no track, or was changed after the run.
    """
    from beliefs.inference.smc.track_tree import track_of

    folder = Path(path)
    if not (folder / FILE).is_file():
        raise StudyError(
            "this run folder holds no track",
            where=str(folder),
            found=f"no {FILE}",
            expected="a folder written by `beliefs track` or `beliefs update`",
            mend="beliefs track STUDY --out RUN; an update goes on from there",
        )
    manifest = read_manifest(folder)
    study, theory = read_parts(folder, manifest, source)
    try:
        groups, attributes = read_netcdf(folder / FILE)
        found = track_hash(groups, seen)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise damaged(
            folder / FILE, str(error), "a netCDF file as `beliefs track` writes it"
        ) from error
    same_hash("track", folder / FILE, "file", found, manifest["posterior_content_sha256"])
    try:
        return track_of(groups, attributes, study, theory)
    except (KeyError, ValueError, TypeError) as error:
        raise damaged(folder / FILE, repr(error), "the arrays of a track") from error
