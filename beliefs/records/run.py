"""Run folders (C7): everything a run used and said, written aside and renamed into place; updates.

A run folder holds ``manifest.json`` (hashes, as-of, seeds, settings, versions, platform,
convergence, timings), ``posterior.nc`` (its DataTree) or ``track.nc`` (whose posterior is drawn
when it is asked for, so that an update writes little), ``forecast.nc`` (futures, (sample, side,
horizon)) with ``actions.nc`` (draws of the parameters of actions), ``forecast.json`` (a contract
with scripts), ``report.html``, ``study/`` as it was read and ``theory.json`` with its prior
overrides.
"""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import TypeAdapter, ValidationError

from beliefs.errors import ConflictError, ConvergenceError, StudyError, counted
from beliefs.features.inputs import build_inputs
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.action_draws import action_draws
from beliefs.inference.diagnose import Report
from beliefs.inference.posterior import SMALL, ActionDraws, Posterior, dataset_of
from beliefs.inference.sampled import PARTICLES
from beliefs.inference.smc.track import (
    Track,
    advance,
    first_change,
    from_posterior,
    same_but_longer,
    track_from,
)
from beliefs.model.theory import Theory, table_of, theory_from_table
from beliefs.records import files
from beliefs.shown import Shown
from beliefs.simulation.interventions import Intervention, as_table, parse
from beliefs.study.bundled import copy_study
from beliefs.study.dates import day_of, today
from beliefs.study.load import Source, Study, read_study
from beliefs.study.panels import place
from beliefs.study.tables.append import move_end, with_rows
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
    out, found
        Path of the new folder, and the posterior or the track to keep in it.
    forecast, summary
        A forecast from that posterior and its document, if there is one.
    settings
        Sampler and forecast settings, for the manifest.
    report
        Writes the HTML report, given a path and the manifest.
    lineage
        Further keys of the manifest: ``start`` (the fit that a track took over), ``updated_from``.
    aside
        From `beliefs.records.files.reserved`, where the name was kept before the computing began.

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
            packed = {} if name == TRACK else {"encoding": _packed(kept)}
            files.write_tree(folder / name, kept, **packed)
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
        return "posterior.nc", found.kept, {"origin": str(found.origin), **known}
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


def _packed(tree: Any) -> dict[str, Any]:
    """Return how arrays of draws are written; a Dataset says it itself."""
    nodes = tree.subtree if isinstance(tree, xr.DataTree) else ()
    return {node.path: dict.fromkeys(node.to_dataset().data_vars, SMALL) for node in nodes}


def _action_tree(posterior: Posterior) -> Any:
    names = (name for name in vars(posterior.actions) if name != "prior")  # which is drawn again
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
        Folder of a run, a fit or a track.

    Returns
    -------
    Posterior
        Of a track that after its last period, with the track itself as ``track``.

    Raises
    ------
    StudyError
        The folder is not a whole run, or a part of it no longer has the hash it was written with.

    Examples
    --------
    >>> beliefs.load_run(run).origin
    np.datetime64('2026-01-26')
    """
    folder = Path(path)
    if (folder / TRACK).is_file():
        track, manifest = load_track(folder), files.read_manifest(folder)
        return replace(track.at(track.ends[-1]), actions=_actions_in(folder, manifest))
    names = ("manifest.json", "posterior.nc", "theory.json")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise StudyError(
            "this is not a run folder", where=str(folder), found="no " + ", ".join(missing),
            expected="a folder written by `beliefs run`, `fit`, `track` or `update`",
            fix="check the path",
        )  # fmt: skip
    manifest = files.read_manifest(folder)
    study, theory = read_parts(folder, manifest)
    tree = files.read_tree(folder / "posterior.nc", manifest["posterior_content_sha256"])
    try:  # what the convergence check found when the run was made; its arrays still have their hash
        report = TypeAdapter(Report).validate_python(manifest["convergence"])
    except ValidationError as error:
        found, file = f"convergence = {manifest['convergence']!r}", folder / "manifest.json"
        raise files.damaged(file, found, "what the convergence check found") from error
    return Posterior(
        study=study, inputs=build_inputs(study), theory=theory, kept=tree, report=report,
        seed=int(manifest["seed"]["fit"]), timings=dict(manifest["timings_seconds"]),
        actions=_actions_in(folder, manifest),
    )  # fmt: skip


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
            "this run folder holds no track", where=str(folder), found=f"no {TRACK}",
            expected="a folder written by `beliefs track` or `beliefs update`",
            fix="make one by `beliefs track STUDY --out RUN`; an update goes on from there",
        )  # fmt: skip
    manifest = files.read_manifest(folder)
    study, theory = read_parts(folder, manifest, source)
    tree = files.read_tree(folder / TRACK, manifest["posterior_content_sha256"])
    try:
        return track_from(tree, study, theory)
    except (KeyError, ValueError, TypeError) as error:
        raise files.damaged(folder / TRACK, repr(error), "the arrays of a track") from error


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


@dataclass(frozen=True, repr=False)
class Update(Shown):
    """What `update` did."""

    track: Track  # gone on
    path: Path | None  # the new run folder; None where nothing was written
    rows: int  # that the study knows now and did not know before
    periods: int  # taken in for the first time
    back_to: np.datetime64 | None  # first day whose inputs had changed; None if it went forward
    back: int  # periods that were taken in again because of that
    took_over: bool  # whether it began with the draws of a fit
    given: int  # rows of the files that the run's study did not hold yet, known or not
    waiting: int  # those of them published after the new as-of date
    end: dt.date | None = None  # where new rows moved the end of the study's period to

    def _facts(self) -> dict[str, Any]:
        return {
            "run": self.path or "in memory", "as of": self.track.study.as_of, "rows": self.rows,
            "periods": self.periods, "back to": self.back_to or "nothing",
        }  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON, without the track."""
        kept = {key: value for key, value in vars(self).items() if key not in ("track", "path")}
        for key in ("back_to", "end"):
            kept[key] = None if kept[key] is None else str(kept[key])
        return {"run": str(self.path), "as_of": str(self.track.study.as_of), **kept}


def update(
    run: str | Path | Posterior | Track,
    out: str | Path | None = None,
    *,
    data: str | Path | Any = None,
    to: str | None = None,
    particles: int = PARTICLES,
    progress: Callable[[str], None] | None = None,
) -> Update:
    """Go on from a run as rows come in, and write a new run folder.

    Killed, it leaves none and is simply run again. The result agrees within Monte-Carlo error with
    a track of the study as it is now. Of a posterior or a track in memory nothing is written.

    Parameters
    ----------
    run, out
        Run folder of a track or of a fit, which is only read, and the new one. Or a posterior or a
        track, without an `out`.
    data
        New rows: a CSV file, see `beliefs.study.tables.append.with_rows`, a pandas data frame like
        it, whose days may be text, dates or times without a time zone, or a list of these.
    to
        New as-of date. None: the last date of publication among the new rows, or the old as-of
        date if that is later. Rows published after the end of the study's period move that on.
    particles
        How many draws of a fit to take over; a track keeps its own number.
    progress
        Called with a few words as periods are taken in.

    Returns
    -------
    Update
        The new track and folder, and what was taken in.

    Raises
    ------
    ConflictError
        Nothing is new, or the rows change what a fit was given that was taken over; `out` exists,
        or another process is at work on it or on the run.
    ConvergenceError
        Too few particles carry the new posterior. Nothing is written.
    StudyError
        The rows, the date or the folders cannot be used.

    Examples
    --------
    >>> done = beliefs.update(run, folder / "next", to="2026-01-28")
    >>> done.periods
    2
    """
    if isinstance(run, Posterior | Track):
        before = run if isinstance(run, Track) else _taken_over(run, "the posterior", particles)
        folder = Path(tempfile.mkdtemp(dir=place().name))  # what is tracked is read there later
        source = read_study(before.study.path)
        done = _gone_on(before, source, data, to, folder, "the posterior", progress)
        return replace(done, took_over=before is not run)
    if out is None:
        raise StudyError(
            "there is no new run folder to write", where="out", found="nothing",
            expected="a path beside the old run", fix="name one: update(run, out)",
        )  # fmt: skip
    run, out = Path(run), Path(out)
    files.refuse_existing(out)
    if not run.is_dir():
        load_run(run)  # says what is missing
    files.refuse_inside(out, run, "the old one")
    with (
        files.only_one(run),
        files.reserved(out) as aside,
        tempfile.TemporaryDirectory() as scratch,
    ):
        fitted = None if (run / TRACK).is_file() else load_run(run)
        manifest, source = files.read_manifest(run), read_study(run / "study")
        if fitted is None:
            before, start = load_track(run, source=source), manifest.get("start")
        else:
            before = _taken_over(fitted, str(run), particles)
            keys = ("as_of", "seed", "settings", "posterior_content_sha256")
            start = {"method": "fit", **{key: manifest[key] for key in keys}}
        done = _gone_on(before, source, data, to, Path(scratch), str(run), progress)
        of = {key: manifest[key] for key in ("as_of", "posterior_content_sha256")}
        lineage = {"start": start, "updated_from": of}
        save_run(out, done.track, lineage=lineage, aside=aside)
    # The scratch folder is gone: what is asked of the track later is read where it was written.
    track = replace(done.track, study=replace(done.track.study, path=out / "study"))
    return replace(done, track=track, path=out, took_over=fitted is not None)


def _gone_on(
    before: Track, source: Source, data: Any, to: str | None, scratch: Path, where: str,
    progress: Callable[[str], None] | None,
) -> Update:  # fmt: skip
    """Advance a track of a study to new rows; its study is written into the folder `scratch`."""
    brought = [] if data is None else [*data] if isinstance(data, list | tuple) else [data]
    study, given, waiting = _grown(source, before.study, brought, to, scratch)
    gained = sum(  # none ever goes away
        len(getattr(study.tables, n)) - len(getattr(before.study.tables, n))
        for n in ("indicators", "events", "talks", "agreements")
    )
    inputs = build_inputs(study)
    old, new = before.model(), before.model(inputs)
    longer = same_but_longer(old.structure, new.structure)
    kept = first_change(old, new, before.n_time) if longer else before.n_time
    track = advance(before, study, inputs=inputs, progress=progress)
    report = track.report()
    if not report.passed:
        raise ConvergenceError(
            "too few particles carry the new posterior, so it is not written",
            where=where,
            found="; ".join(report.failures),
            expected="a posterior that passes the convergence check of tracks",
            fix="track the study anew with more --particles",
        )
    end, back = study.spec.period.end, before.n_time - kept
    return Update(
        track=track, path=None, rows=gained, periods=track.n_time - before.n_time,
        back_to=inputs.dates[kept] if back else None, back=back, took_over=False, given=given,
        waiting=waiting, end=end if end > source.spec.period.end else None,
    )  # fmt: skip


def _taken_over(posterior: Posterior, where: str, particles: int) -> Track:
    """Return the track that begins with the draws of a fit."""
    if not posterior.report.passed:
        raise ConvergenceError(
            "the posterior to begin with failed its convergence check", where=where,
            found="; ".join(posterior.report.failures), expected="a fit that passed",
            fix=posterior.report.fix,
        )  # fmt: skip
    return from_posterior(posterior, particles, posterior.seed)


def _grown(
    source: Source, old: Study, data: list[Any], to: str | None, scratch: Path
) -> tuple[Study, int, int]:
    """Return the study as of the new date; rows that the data brought, and those still to come."""
    new, added, days = source, None, list[np.datetime64]()
    if data:
        added = with_rows(old, data, scratch / "study", known=(old, source.known()))
    try:
        if added is not None:
            new = _longer(read_study(scratch / "study"), source, to)
            days = list(_published(new, source))
        day: Any = to or max([old.as_of, *(day for day in days if day <= today())])
        study = new.known(day)
    except StudyError as error:
        raise (error if added is None else added.blamed(error)) from error
    if study.as_of < old.as_of:
        raise StudyError(
            "the new as-of date lies before that of the run", where="to", found=str(study.as_of),
            expected=f"{old.as_of} or a later date",
            fix="what was known earlier is in the run already; or track anew with --as-of",
        )  # fmt: skip
    if study.sha256 == old.sha256:
        found = "the same rows"
        if added is not None and added.rows:
            found = f"{counted(added.rows, 'row')} of {added.named}, not yet published"
        elif added is not None:
            found = f"no row in {added.named} that {', '.join(added.tables)} did not hold"
        raise ConflictError(
            "nothing is new, so nothing was written",
            where=str(source.path.parent),
            found=f"{found}, as of {study.as_of}",
            expected="rows that were not there before, or a later date",
            fix="nothing to do; or give --data FILE or --to DATE",
        )
    return study, len(days), sum(bool(day > study.as_of) for day in days)


def _longer(new: Source, before: Source, to: str | None) -> Source:
    """Return a study whose period ends with its newest row, or a later `to`, by today."""
    end = np.datetime64(new.spec.period.end, "D")
    later = [day for day in _published(new, before) if end < day <= today()]
    if not later:
        return new
    if to is not None:
        later.append(min(day_of(to, "to"), today()))
    move_end(new.path, max(later).astype(object))
    return read_study(new.path)


def _published(new: Source, before: Source) -> Iterator[np.datetime64]:
    """Yield the day on which each row was published that only `new` holds."""
    for name, table in vars(new.tables).items():
        known = set(getattr(before.tables, name).rows())
        days = table["start" if name == "coverage" else "published_at"]
        if name == "coverage" and not (new.path / "coverage.csv").is_file():
            continue  # no row: every day of the period is taken as covered
        if name == "agreements":  # a row that has got its end was published with that
            ends = table["end_published_at"]
            days = np.where(np.isnat(ends), days, ends)
        fresh = np.asarray([row not in known for row in table.rows()], dtype=bool)
        yield from days[fresh]
