"""`track`: the posterior of the belief block after every period, by sequential Monte Carlo.

Particles of the parameters carry the exact (moment-matched) filter of both beliefs; the driver is
`beliefs.inference.smc.sequential`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError, StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.diagnose import Report, particle_report
from beliefs.inference.exact import exact
from beliefs.inference.filter.filter_model import Model
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.smc.moves import Chart, chart_of
from beliefs.inference.smc.moves_linear import frame_of
from beliefs.inference.smc.particles import normalised
from beliefs.inference.smc.sequential import BlockTrack, check_particles, follow
from beliefs.inference.smc.unconstrained import Coordinates
from beliefs.model.structure import Structure, structure_of
from beliefs.model.theory import Theory, free_parameters, not_finite, theory_of
from beliefs.shown import Shown
from beliefs.study.dates import day_of
from beliefs.study.load import Study

if TYPE_CHECKING:
    from beliefs.inference.posterior import Posterior

__all__ = ["Track", "advance", "first_change", "from_posterior", "same_but_longer", "track"]

Floats = NDArray[np.float64]

OBSERVABLES = ("reading", "talks")
_FILTERED = slice(9, 14)  # mean and covariance of belief in a kept path


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Track(Shown, BlockTrack):
    """The posterior of the belief block after every period, N weighted particles each.

    A track starts before the first period, or from a posterior that somebody else computed: then
    its rows (R of them) begin with the last period of that, and it cannot go back before it. What
    it knows of every period is listed under `BlockTrack`.

    Attributes
    ----------
    study, inputs, theory
        What it was computed from.
    """

    study: Study
    inputs: Inputs
    theory: Theory

    def facts(self) -> dict[str, Any]:
        """Return what to say of it."""
        return {
            "study": self.study.name,
            "theory": self.theory.name,
            "as of": self.study.as_of,
            "periods": self.n_time,
            "particles": len(self.epochs[0]),
        }

    @property
    def mean(self) -> Floats:
        """Filtered beliefs, log-odds, (R, N, 2)."""
        return self.state[..., :2]

    @property
    def cov(self) -> Floats:
        """Their covariance, (R, N, 3): first side, both, second side."""
        return self.state[..., 2:]

    @property
    def structure(self) -> Structure:
        """Structure of the study."""
        return structure_of(self.inputs)

    @property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of the period of every row, (R,)."""
        last = np.timedelta64(self.inputs.step_days - 1, "D")
        return np.asarray(self.inputs.dates[self.first : self.n_time].astype("M8[D]") + last)

    @cached_property
    def _model(self) -> Model:
        return Model.of(self.inputs, self.theory, self.coordinates)

    def model(self, inputs: Inputs | None = None) -> Model:
        """Return the model on these inputs, the track's own when None."""
        if inputs is None or inputs is self.inputs:
            return self._model
        return Model.of(inputs, self.theory, self.coordinates)

    def row(self, period: int) -> int:
        """Return the row of a period, which may count from the end.

        Raises
        ------
        StudyError
            The track has no row of it.
        """
        row = super().row(period)
        if row < 0:
            raise self._outside(str(self.inputs.dates[row + self.first]))
        return row

    def until(self, n_time: int) -> Self:
        """Return the first `n_time` periods of this track.

        Raises
        ------
        ConflictError
            The track was taken over at a later period.
        """
        if n_time < min(self.taken, self.n_time):
            raise ConflictError(
                "the track cannot go back behind the posterior that it took over",
                where=str(self.inputs.dates[n_time]),
                found="other inputs in this period than the posterior was given",
                expected=f"changes after {self.ends[0]} alone, the last day of that posterior",
                mend="track the study anew (beliefs track), or fit it again",
            )
        return super().until(n_time)

    def period_of(self, date: str | dt.date | np.datetime64) -> int:
        """Return the last period that had ended on a date.

        Raises
        ------
        StudyError
            No tracked period had ended by then, the date lies after the last one, or is none.
        """
        day = day_of(date, "date")
        if not self.ends[0] <= day < self.ends[-1] + np.timedelta64(self.inputs.step_days, "D"):
            raise self._outside(str(day))
        return self.first + int((self.ends <= day).sum()) - 1

    def _outside(self, day: str) -> StudyError:
        return StudyError(
            "the date lies outside the track", where="date", found=day,
            expected=f"a date from {self.ends[0]} to {self.ends[-1]}",
            mend="choose a date in between, or advance the track",
        )  # fmt: skip

    def report(self, period: int = -1) -> Report:
        """Return the convergence check of the posterior after a period."""
        place = range(self.n_time)[period]
        capped = sum(r.capped for r in self.rejuvenations if r.period <= place)
        return particle_report(self.log_weights[self.row(period)], self.scores(period), capped)

    def at(self, date: str | dt.date | np.datetime64, *, draws: int | None = None) -> Posterior:
        """Return the posterior as it was after a date (`track_posterior`)."""
        from beliefs.inference.smc.track_posterior import posterior_at  # which reads tracks itself

        return posterior_at(self, self.period_of(date), draws)

    def to_tree(self) -> Any:
        """Return everything but the study as a DataTree; see `beliefs.inference.smc.track_tree`."""
        from beliefs.inference.smc.track_tree import tree_of  # which makes tracks itself

        return tree_of(self)


@dataclass(frozen=True)
class _Beliefs:
    """The belief block: readings and talks with both beliefs integrated out by the filter."""

    model: Model
    theory: Theory
    dates: NDArray[np.datetime64]
    observables: tuple[str, ...] = OBSERVABLES
    jump: float = 0.5

    @property
    def coordinates(self) -> Coordinates:
        return self.model.coordinates

    def periods(self, scores: Floats, low: int, high: int) -> tuple[Floats, Floats, Floats]:
        if low == high:
            return np.zeros(len(scores)), np.empty((0, 2, 0)), np.empty((0, len(scores), 5))
        end, _, path = self.model.replay(scores, high, keep=True, since=low)
        logs = np.ascontiguousarray(path[..., :2].transpose(1, 2, 0))
        before = end.total[:, 0] + end.newest.sum(axis=1) - logs.sum(axis=(0, 1))
        return before, logs, np.ascontiguousarray(path[..., _FILTERED].transpose(1, 0, 2))

    def density(self, scores: Floats, t: int) -> tuple[Floats, Floats]:
        belief = self.model.replay(scores, t + 1)[0]
        return belief.total[:, 0], belief.newest

    def chart(self, scores: Floats, log_weights: Floats, t: int) -> Chart:
        frame = frame_of(self.model, normalised(log_weights) @ scores, t + 1)
        return chart_of(scores, log_weights, self.model.coordinates.labels, frame)

    def error(self, name: str, t: int) -> StudyError:
        return not_finite(self.theory, self.model.structure, f"{name} of {self.dates[t]}")


def track(
    study: Study,
    theory: Theory | str | Path,
    *,
    particles: int = 2000,
    seed: int,
    progress: Callable[[str], None] | None = None,
    inputs: Inputs | None = None,
) -> Track:
    """Follow the posterior of a theory through every period of a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theory
        From `beliefs.load_theory`, or what that takes: a name, an id or a file.
    particles
        Number of particles, at least 100. 2000 end where the sampler does on the bundled studies,
        but for the longest, 716 weeks, which takes 4000.
    seed
        Seed of everything random here.
    progress
        Called with a few words as periods are taken in.
    inputs
        What the filter is told instead of `build_inputs(study)`.

    Returns
    -------
    Track
        Posterior, predictive densities and evidence after every period.

    Raises
    ------
    StudyError
        Too few particles, or the theory frees nothing on this study.

    Examples
    --------
    >>> beliefs.track(study, "base_rate", particles=200, seed=1).n_time
    26
    """
    seed = checked_seed(seed)
    check_particles(particles)
    theory = theory_of(theory)
    inputs = build_inputs(study) if inputs is None else inputs
    problem = _Beliefs(_model_of(inputs, theory), theory, inputs.dates)
    empty = Track.empty(problem, particles, seed, (), study=study, inputs=inputs, theory=theory)
    return _follow(empty, problem, progress)


def _model_of(inputs: Inputs, theory: Theory) -> Model:
    """Return the model of a theory with at least one free parameter."""
    model = Model.of(inputs, theory)
    if model.coordinates.size == 0:
        raise StudyError(
            "the theory frees no parameter",
            where=f"theory {theory.name}",
            found="mechanisms " + ", ".join(theory.mechanisms),
            expected="at least one free parameter",
            mend="switch a mechanism on",
        )
    return model


def _follow(found: Track, problem: _Beliefs, progress: Callable[[str], None] | None) -> Track:
    dates = found.inputs.dates

    def say(t: int) -> None:
        if progress is not None:
            progress(f"{dates[t]}: moved particles")

    return follow(problem, found, int(found.inputs.active.sum()), (), say)


def advance(
    found: Track,
    study: Study,
    *,
    progress: Callable[[str], None] | None = None,
    inputs: Inputs | None = None,
) -> Track:
    """Go on with a track as the study grows or is revised.

    The result is what `track` gives for the new study, within Monte-Carlo error. Periods before the
    first whose inputs changed are kept; a late row or a revision makes the track go back to it.

    Parameters
    ----------
    found
        A track of an earlier state of the study.
    study
        The study now, of the same structure.
    progress
        Called with a few words as periods are taken in; says how far the track goes back.
    inputs
        What the filter is told instead of `build_inputs(study)`.

    Raises
    ------
    StudyError
        The study has other sides, indicators, channels, shocks or dates than the track.
    """
    inputs = build_inputs(study) if inputs is None else inputs
    old, new = found.model(), found.model(inputs)
    if not same_but_longer(old.structure, new.structure):
        raise StudyError(
            "the study has another structure than the track",
            where=study.spec.name,
            found="other sides, periods, indicators, channels or shocks",
            expected="the study that was tracked, with more or revised rows",
            mend="track it anew",
        )
    kept = first_change(old, new, min(found.n_time, int(inputs.active.sum())))
    if kept < found.n_time and progress is not None:
        progress(f"inputs of period {inputs.dates[kept]} changed: back to the one before")
    here = replace(found.until(kept), study=study, inputs=inputs)
    return _follow(here, _Beliefs(new, found.theory, inputs.dates), progress)


def same_but_longer(old: Structure, new: Structure) -> bool:
    """Tell whether a structure is another one, but for periods after its end."""
    return new.n_time >= old.n_time and replace(new, n_time=old.n_time) == old


def first_change(old: Model, new: Model, n_time: int) -> int:
    """Return the number of periods, at most `n_time`, before the first with other inputs."""
    changed = np.zeros(n_time, dtype=bool)
    for a, b in zip(old.seen_by_period(n_time), new.seen_by_period(n_time), strict=True):
        changed |= (a != b).reshape(-1, n_time).any(axis=0)
    if changed.any():
        n_time = int(changed.argmax())
    for t in range(n_time):  # readings are listed one by one
        if old.looks.of(t) != new.looks.of(t):
            return t
    return n_time


@exact
def from_posterior(posterior: Posterior, particles: int, seed: int) -> Track:
    """Take over a posterior that was sampled, so that `advance` can go on from it.

    Its draws of the parameters become particles of equal weight, and the filter computes what each
    of them makes of the periods so far. Beliefs are not taken over: given the parameters, the
    filter has them.

    Parameters
    ----------
    posterior
        From `beliefs.fit`; its last active period becomes the first row of the track, which cannot
        go back before it.
    particles
        How many; draws are thinned evenly to this number. All draws where there are fewer.
    seed
        Seed of what is random later on.

    Raises
    ------
    StudyError
        The posterior has no parameter.
    """
    study, inputs, theory = posterior.study, posterior.inputs, posterior.theory
    model = _model_of(inputs, theory)
    group = posterior.tree["posterior"]
    draws = {}
    for part in model.coordinates.parts:
        values = np.asarray(group[part.name].values, dtype=np.float64)
        draws[part.name] = values.reshape(-1, *values.shape[2:])
    count = len(next(iter(draws.values())))
    # Draws follow one another chain by chain: even steps take as many of each.
    size = min(particles, count)
    chosen = (np.arange(size) * count) // size
    priors = {p.name: p.prior for p in free_parameters(theory, model.structure)}
    scores = np.ascontiguousarray(
        model.coordinates.scores({k: v[chosen] for k, v in draws.items()}, priors)
    )
    n_time = int(inputs.active.sum())
    return Track(
        study=study,
        inputs=inputs,
        theory=theory,
        observables=OBSERVABLES,
        coordinates=model.coordinates,
        seed=seed,
        epochs=(scores,),
        epoch=np.zeros(1, dtype=np.int64),
        log_weights=np.zeros((1, size)),
        state=_Beliefs(model, theory, inputs.dates).periods(scores, n_time - 1, n_time)[2],
        predictive=np.full((1, 2), np.nan),
        taken=n_time,
    )
