"""Going on from a run as rows come in: read the old run, write a new one."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beliefs.errors import ConflictError, GateError, StudyError, counted
from beliefs.records.files import read_manifest
from beliefs.records.place import only_one, refuse_existing, reserved
from beliefs.records.run import TRACK, load_run, load_track, save_run

if TYPE_CHECKING:
    from beliefs.inference.smc.track import Track
    from beliefs.study.load import Source, Study
    from beliefs.study.tables.append import Added

__all__ = ["Update", "update"]

PARTICLES = 2000


@dataclass(frozen=True)
class Update:
    """What `update` did.

    Attributes
    ----------
    track
        The track, gone on.
    path
        The new run folder.
    rows
        Rows that the study knows now and did not know before.
    periods
        Periods taken in for the first time.
    back_to
        First day of the period at which inputs had changed, so that the track went back to the one
        before it; None if it only went forward.
    back
        Periods that were taken in again because of that.
    took_over
        Whether it began with the draws of a fit.
    given, waiting
        Rows of the files that the run's study did not hold yet, whether it knew them or not; and
        how many of them are published after the new as-of date.
    end
        Where new rows moved the end of the study's period to; None where they did not.
    """

    track: Track
    path: Path
    rows: int
    periods: int
    back_to: np.datetime64 | None
    back: int
    took_over: bool
    given: int
    waiting: int
    end: dt.date | None = None

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

    Killed, it leaves no new run folder and is simply run again: it is short.

    The result agrees within Monte-Carlo error with a track of the study as it is now. From the run
    of a fit its draws are taken over as particles, see
    `beliefs.inference.smc.track.from_posterior`.

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

    Raises
    ------
    ConflictError
        Nothing is new; `out` exists; another process is updating the run or writing `out`; the
        rows change what a fit was given that was taken over.
    GateError
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
    if out.resolve().is_relative_to(run.resolve()):
        raise StudyError(
            "the new run folder would lie inside the old one",
            where=str(out),
            found=f"a place in {run}",
            expected="a place outside the old run, which stays as it is",
            mend="choose another --out",
        )
    with only_one(run), reserved(out) as aside, tempfile.TemporaryDirectory() as scratch:
        before, source, origin = _start(run, particles)
        brought = [] if data is None else [*data] if isinstance(data, list | tuple) else [data]
        study, given, waiting = _grown(source, before.study, brought, to, Path(scratch))
        track, back, back_to = _advanced(before, study, progress)
        report = track.report()
        if not report.passed:
            raise GateError(
                "too few particles carry the new posterior, so it is not written",
                where=str(run),
                found="; ".join(report.failures),
                expected="a posterior that passes the gate of tracks",
                mend="track the study anew with more --particles",
            )
        manifest = read_manifest(run)
        lineage = {
            "start": origin,
            "updated_from": {
                "as_of": manifest["as_of"],
                "posterior_content_sha256": manifest["posterior_content_sha256"],
            },
        }
        save_run(out, track, lineage=lineage, aside=aside)
    # The scratch folder is gone: what is asked of the track later is read where it was written.
    kept = replace(track, study=replace(study, path=out / "study"))
    return Update(
        track=kept,
        path=out,
        rows=_gained(before.study, study),
        periods=track.n_time - before.n_time,
        back_to=back_to,
        back=back,
        took_over=not (run / TRACK).is_file(),
        given=given,
        waiting=waiting,
        end=study.spec.period.end if study.spec.period.end > source.spec.period.end else None,
    )


def _start(run: Path, particles: int) -> tuple[Track, Source, dict[str, Any] | None]:
    """Return the track to go on from, its study folder, and the fit it began with, if it did."""
    from beliefs.study.load import read_study

    if (run / TRACK).is_file():
        start = read_manifest(run).get("start")
        source = read_study(run / "study")
        return load_track(run, source=source), source, start
    from beliefs.inference.smc.track import from_posterior

    posterior, manifest = load_run(run), read_manifest(run)
    if not posterior.report.passed:
        raise GateError(
            "the posterior to begin with failed its gate",
            where=str(run),
            found="; ".join(posterior.report.failures),
            expected="a fit that passed",
            mend=posterior.report.mend,
        )
    keys = ("as_of", "seed", "settings", "posterior_content_sha256")
    return (
        from_posterior(posterior, particles, posterior.seed),
        read_study(run / "study"),
        {"method": "fit", **{key: manifest[key] for key in keys}},
    )


def _grown(
    source: Source, old: Study, data: list[Any], to: str | None, scratch: Path
) -> tuple[Study, int, int]:
    """Return the study as of the new date; rows that the data brought, and those still to come."""
    from beliefs.study.load import read_study
    from beliefs.study.tables.append import with_rows

    new, added = source, None
    if data:
        added = with_rows(old, data, scratch / "study", known=(old, source.known()))
    try:
        if added is not None:
            new = _longer(read_study(scratch / "study"), source, to)
        day: Any = to or (old.as_of if added is None else _last_published(new, source, old))
        study = new.known(day)
    except StudyError as error:
        raise (error if added is None else added.blamed(error)) from error
    if study.as_of < old.as_of:
        raise StudyError(
            "the new as-of date lies before that of the run",
            where="--to",
            found=str(study.as_of),
            expected=f"{old.as_of} or a later date",
            mend="what was known earlier is in the run already; or track anew with --as-of",
        )
    if study.sha256 == old.sha256:
        raise _nothing_new(source.path.parent, old, study, added)
    days = [] if added is None else list(_published(new, source))
    return study, len(days), sum(bool(day > study.as_of) for day in days)


def _longer(new: Source, before: Source, to: str | None) -> Source:
    """Return a study with the end of its period moved on to its newest row, or to a later `to`.

    Only where a new row was published after the end; days after today are none of it.
    """
    from beliefs.study.load import read_study
    from beliefs.study.tables.append import move_end

    today = np.datetime64(dt.datetime.now().astimezone().date())
    end = np.datetime64(new.spec.period.end, "D")
    later = [day for day in _published(new, before) if end < day <= today]
    if not later:
        return new
    last = max(later)
    if to is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", to):
        with contextlib.suppress(ValueError):  # is none: said where it is read
            last = max(last, min(np.datetime64(to, "D"), today))
    move_end(new.path, last.astype(object))
    return read_study(new.path)


def _nothing_new(run: Path, old: Study, study: Study, added: Added | None) -> ConflictError:
    found = f"the same rows, as of {old.as_of}"
    if added is not None and added.rows:
        found = (
            f"{counted(added.rows, 'row')} of {added.named}, not yet published as of {study.as_of}"
        )
    elif added is not None:
        held = ", ".join(added.tables)
        found = f"no row in {added.named} that {held} did not hold, as of {old.as_of}"
    return ConflictError(
        "nothing is new, so nothing was written",
        where=str(run),
        found=found,
        expected="rows that were not there before, or a later date",
        mend="nothing to do; or give --data FILE or --to DATE",
    )


def _last_published(new: Source, before: Source, old: Study) -> np.datetime64:
    """Return the last day on which a row was published that only `new` holds."""
    return max([old.as_of, *_published(new, before)])


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


def _advanced(
    before: Track, study: Study, progress: Callable[[str], None] | None
) -> tuple[Track, int, np.datetime64 | None]:
    """Return the track gone on, how many periods it went back for that, and to where."""
    from beliefs.features.inputs import build_inputs
    from beliefs.inference.smc.track import advance, first_change, same_but_longer

    inputs = build_inputs(study)
    old, new = before.model(), before.model(inputs)
    kept = before.n_time
    if same_but_longer(old.structure, new.structure):
        kept = first_change(old, new, before.n_time)
    track = advance(before, study, inputs=inputs, progress=progress)
    back = before.n_time - kept
    return track, back, inputs.dates[kept] if back else None


def _gained(old: Study, new: Study) -> int:
    """Return the number of rows that only the new study knows; none ever goes away."""
    names = ("indicators", "events", "talks", "agreements")
    return sum(len(getattr(new.tables, n)) - len(getattr(old.tables, n)) for n in names)
