"""Run folders of tracks: written like other runs, gone on with by `update`.

A track's folder holds ``manifest.json``, ``track.nc``, ``theory.json`` and ``study/``. The
posterior is drawn from the track when it is asked for, so that an update writes little.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beliefs.errors import ConflictError, GateError, StudyError
from beliefs.record.manifest import environment, read_manifest
from beliefs.record.run import content_hash, read_parts, read_tree, write_run

if TYPE_CHECKING:
    from beliefs.infer.track_result import Track

__all__ = ["load_track", "save_track", "update_run"]

FILE = "track.nc"


def save_track(out: str | Path, track: Track, settings: dict[str, Any] | None = None) -> Path:
    """Write the run folder of a track; it appears whole or not at all.

    Parameters
    ----------
    out
        Path of the new folder.
    track
        What to keep.
    settings
        For the manifest.

    Raises
    ------
    ConflictError
        The folder exists.
    StudyError
        It cannot be written.
    """
    tree = track.to_tree()
    manifest: dict[str, Any] = {
        "format": 1,
        "method": "track",
        "study": track.study.spec.name,
        "study_sha256": track.study.sha256,
        "as_of": str(track.study.as_of),
        "origin": str(track.ends[-1]),
        "theory": track.theory.name,
        "theory_sha256": track.theory.sha256,
        "seed": {"fit": track.seed, "forecast": None},
        "settings": settings or {},
        "gate": track.report().as_dict(),
        "log_evidence": float(track.log_evidence[-1]),
        "posterior_content_sha256": content_hash(tree),
        "horizon": None,
        "interventions": [],
        "timings_seconds": {},
        **environment(),
    }
    return write_run(
        Path(out),
        track.study,
        track.theory,
        manifest,
        lambda aside: tree.to_netcdf(aside / FILE, engine="h5netcdf"),
    )


def load_track(path: str | Path) -> Track:
    """Load the track of a run folder.

    Raises
    ------
    StudyError
        The folder holds no track, or was changed after the run.
    """
    from beliefs.infer.track_tree import track_from

    folder = Path(path)
    if not (folder / FILE).is_file():
        raise StudyError(
            "this run folder holds no track",
            where=str(folder),
            found=f"no {FILE}",
            expected="a folder written by `beliefs track` or `beliefs update`",
            mend="beliefs track STUDY --out RUN; an update goes on from there",
        )
    study, theory = read_parts(folder)
    tree = read_tree(folder / FILE, read_manifest(folder)["posterior_content_sha256"])
    return track_from(tree, study, theory)


def update_run(
    run: str | Path,
    out: str | Path,
    *,
    data: str | Path | None = None,
    to: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Track:
    """Go on from the track of a run as rows come in, and write a new run folder.

    Parameters
    ----------
    run
        Run folder of a track; it is only read.
    out
        Run folder to write; must be new.
    data
        CSV file with new rows, see `beliefs.study.append.with_rows`; none when None.
    to
        New as-of date. None: the last date of publication among the new rows, or the old as-of
        date if that is later.
    progress
        Called with a few words as periods are taken in.

    Raises
    ------
    ConflictError
        Nothing is new.
    GateError
        Too few particles carry the new posterior. Nothing is written.
    StudyError
        The rows, the date or the folders cannot be used.
    """
    from beliefs.infer.track import advance
    from beliefs.study.append import with_rows
    from beliefs.study.load import load_study

    before = load_track(run)
    old, source = before.study, Path(run) / "study"
    with tempfile.TemporaryDirectory() as scratch:
        folder = source
        if data is not None:
            folder = Path(scratch) / "study"
            with_rows(source, Path(data), folder)
        day = to or _latest(load_study(folder), old.as_of, given=data is not None)
        study = load_study(folder, as_of=day)
        if study.sha256 == old.sha256:
            raise ConflictError(
                "nothing is new",
                where=str(run),
                found=f"the same rows, as of {old.as_of}",
                expected="rows that were published later, or were not there before",
                mend="nothing to do; or give --data FILE or --to DATE",
            )
        track = advance(before, study, progress=progress)
        report = track.report()
        if not report.passed:
            raise GateError(
                "too few particles carry the new posterior, so it is not written",
                where=str(run),
                found="; ".join(report.failures),
                expected="at least 400 effective and different particles",
                mend="track again with more particles (--particles)",
            )
        settings = {**read_manifest(run)["settings"], "updated_from": str(run)}
        save_track(out, track, settings)
    return track


def _latest(study: Any, as_of: np.datetime64, *, given: bool) -> np.datetime64:
    """Return the date to go on to when none was asked for."""
    if not given:
        return as_of
    last = max(
        frame["published_at"].max().to_datetime64().astype("datetime64[D]")
        for frame in (study.indicators, study.events, study.talks)
        if len(frame)
    )
    return np.maximum(last, as_of)
