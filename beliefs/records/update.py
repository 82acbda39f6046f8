"""Going on from a run as rows come in: read the old run, write a new one."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import ConflictError, ConvergenceError, StudyError, counted
from beliefs.features.inputs import build_inputs
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.track import (
    Track,
    advance,
    first_change,
    from_posterior,
    same_but_longer,
)
from beliefs.records.files import only_one, read_manifest, refuse_existing, refuse_inside, reserved
from beliefs.records.run import TRACK, load_run, load_track, save_run
from beliefs.shown import Shown
from beliefs.study.dates import day_of, today
from beliefs.study.load import Source, Study, read_study
from beliefs.study.tables.append import move_end, with_rows

PARTICLES = 2000


@dataclass(frozen=True, repr=False)
class Update(Shown):
    """What `update` did."""

    track: Track  # gone on
    path: Path  # the new run folder
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
            "run": self.path, "as of": self.track.study.as_of, "rows": self.rows,
            "periods": self.periods, "back to": self.back_to or "nothing",
        }  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON, without the track."""
        kept = {key: value for key, value in vars(self).items() if key not in ("track", "path")}
        for key in ("back_to", "end"):
            kept[key] = None if kept[key] is None else str(kept[key])
        return {"run": str(self.path), "as_of": str(self.track.study.as_of), **kept}


def update(
    run: str | Path,
    out: str | Path,
    *,
    data: str | Path | Any = None,
    to: str | None = None,
    particles: int = PARTICLES,
    progress: Callable[[str], None] | None = None,
) -> Update:
    """Go on from a run as rows come in, and write a new run folder.

    Killed, it leaves none and is simply run again: it is short. The result agrees within
    Monte-Carlo error with a track of the study as it is now. From the run of a fit its draws are
    taken over as particles, see `beliefs.inference.smc.track.from_posterior`.

    Parameters
    ----------
    run
        Run folder of a track or of a fit; it is only read.
    out
        Run folder to write; must be new.
    data
        New rows: a CSV file, see `beliefs.study.tables.append.with_rows`, a pandas data frame like
        it, or a list of these; none when None. Days in a data frame may be text, dates or times
        without a time zone.
    to
        New as-of date. None: the last date of publication among the new rows, or the old as-of
        date if that is later. Rows published after the end of the study's period move that on.
    particles
        How many to begin with when the run holds a fit; a track keeps its own number.
    progress
        Called with a few words as periods are taken in.

    Returns
    -------
    Update
        The new track and folder, and what was taken in.

    Raises
    ------
    ConflictError
        Nothing is new; `out` exists; another process is updating the run or writing `out`; the
        rows change what a fit was given that was taken over.
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
    run, out = Path(run), Path(out)
    refuse_existing(out)
    if not run.is_dir():
        load_run(run)  # says what is missing
    refuse_inside(out, run, "the old one")
    with only_one(run), reserved(out) as aside, tempfile.TemporaryDirectory() as scratch:
        fitted = None if (run / TRACK).is_file() else load_run(run)
        manifest, source = read_manifest(run), read_study(run / "study")
        if fitted is None:
            before, start = load_track(run, source=source), manifest.get("start")
        else:
            before, start = _from_fit(run, fitted, manifest, particles)
        brought = [] if data is None else [*data] if isinstance(data, list | tuple) else [data]
        study, given, waiting = _grown(source, before.study, brought, to, Path(scratch))
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
                where=str(run),
                found="; ".join(report.failures),
                expected="a posterior that passes the convergence check of tracks",
                fix="track the study anew with more --particles",
            )
        of = {key: manifest[key] for key in ("as_of", "posterior_content_sha256")}
        save_run(out, track, lineage={"start": start, "updated_from": of}, aside=aside)
    end, back = study.spec.period.end, before.n_time - kept
    return Update(
        # The scratch folder is gone: what is asked of the track later is read where it was written.
        track=replace(track, study=replace(study, path=out / "study")),
        path=out,
        rows=gained,
        periods=track.n_time - before.n_time,
        back_to=inputs.dates[kept] if back else None,
        back=back,
        took_over=fitted is not None,
        given=given,
        waiting=waiting,
        end=end if end > source.spec.period.end else None,
    )


def _from_fit(
    run: Path, posterior: Posterior, manifest: dict[str, Any], particles: int
) -> tuple[Track, dict[str, Any]]:
    """Return the track that begins with the draws of a fit, and what to say of that fit."""
    if not posterior.report.passed:
        raise ConvergenceError(
            "the posterior to begin with failed its convergence check",
            where=str(run),
            found="; ".join(posterior.report.failures),
            expected="a fit that passed",
            fix=posterior.report.fix,
        )
    keys = ("as_of", "seed", "settings", "posterior_content_sha256")
    start = {"method": "fit", **{key: manifest[key] for key in keys}}
    return from_posterior(posterior, particles, posterior.seed), start


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
            "the new as-of date lies before that of the run",
            where="to",
            found=str(study.as_of),
            expected=f"{old.as_of} or a later date",
            fix="what was known earlier is in the run already; or track anew with --as-of",
        )
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
