"""`Track`: what sequential Monte Carlo leaves behind, as plain arrays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError, StudyError
from beliefs.features.inputs import Inputs
from beliefs.inference.diagnose import Report
from beliefs.inference.filter.filter import Belief
from beliefs.inference.filter.filter_model import Model
from beliefs.inference.smc.particles import distinct, effective_size, normalised
from beliefs.inference.smc.unconstrained import Coordinates, coordinates
from beliefs.model.structure import Structure, structure_of
from beliefs.model.theory import Theory
from beliefs.shown import Shown
from beliefs.study.dates import day_of
from beliefs.study.load import Study

if TYPE_CHECKING:
    from beliefs.inference.posterior import Posterior

__all__ = ["Rejuvenation", "Row", "Track"]

Floats = NDArray[np.float64]

# Kept as long as the inputs are: the new model of one day is the old one of the next.
_MODELS: WeakKeyDictionary[Inputs, tuple[Theory, Coordinates, Model]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Rejuvenation:
    """One time that particles were resampled and moved.

    Attributes
    ----------
    period
        Number of the period that was taken in.
    power
        How far it had been taken in by then, 1 is wholly.
    ess
        Effective particles before.
    ancestors, distinct
        Different particles after resampling, and after the moves.
    moves, jump, accepted, drift
        As in `beliefs.inference.smc.moves.Moved`, over all rounds; the drift is that of the first.
    capped
        Whether the number of moves or rounds ended it, not the jump and the drift.
    """

    period: int
    power: float
    ess: float
    ancestors: int
    distinct: int
    moves: int
    jump: float
    accepted: float
    drift: float
    capped: bool


@dataclass(frozen=True)
class Row:
    """What is kept of one period.

    Attributes
    ----------
    log_weights
        (N,), not normalised.
    mean, cov
        (N, 2) and (N, 3: first side, both, second side): filtered belief, log-odds.
    total
        (N,) log predictive density of all periods so far.
    quality
        (kernels,) what each kind of move had achieved.
    epoch
        Which particles hold after the period.
    evidence
        Log predictive density of the period under the theory; NaN for a period taken over.
    predictive
        (2,) the same by observable: readings, then talks given the readings of the period.
    """

    log_weights: Floats
    mean: Floats
    cov: Floats
    total: Floats
    quality: Floats
    epoch: int
    evidence: float
    predictive: Floats

    @classmethod
    def of(
        cls,
        belief: Belief,
        log_weights: Floats,
        quality: Floats,
        epoch: int,
        evidence: float,
        predictive: Floats,
    ) -> Row:
        """Return the row of a period from the particles after it."""
        # In the order in which the filter adds, so that going on from here gives the same bits.
        total = belief.total[:, 0] + (belief.newest[:, 0] + belief.newest[:, 1])
        return cls(
            log_weights, belief.mean, belief.cov, total, quality, epoch, evidence, predictive
        )


@dataclass(frozen=True, eq=False, repr=False)
class Track(Shown):
    """The posterior after every period, N weighted particles each.

    A track starts before the first period, or from a posterior that somebody else computed: then
    its rows (R of them) begin with the last period of that, and it cannot go back before it.

    Attributes
    ----------
    study, inputs, theory, seed
        What it was computed from.
    epochs
        Particles, normal scores (N, d), drawn at the start and after every rejuvenation.
    rows
        What is kept of each period; its parts are also attributes of the track, stacked (R, ...).
    rejuvenations
        In order.
    last
        State after the last period; None where it has to be computed again.
    coordinates
        How scores are parameters.
    taken
        Number of periods of a posterior that the track took over; 0 if it began by itself.
    """

    study: Study
    inputs: Inputs
    theory: Theory
    seed: int
    epochs: tuple[Floats, ...]
    rows: tuple[Row, ...]
    rejuvenations: tuple[Rejuvenation, ...]
    last: Belief | None
    coordinates: Coordinates
    taken: int = 0

    def facts(self) -> dict[str, Any]:
        """Return what to say of it."""
        return {
            "study": self.study.name,
            "theory": self.theory.name,
            "as of": self.study.as_of,
            "periods": self.n_time,
            "particles": len(self.epochs[0]),
        }

    @classmethod
    def empty(
        cls, study: Study, inputs: Inputs, theory: Theory, seed: int, scores: Floats
    ) -> Track:
        """Return the track before the first period: particles from the prior."""
        known = coordinates(theory, structure_of(inputs))
        return cls(study, inputs, theory, seed, (scores,), (), (), None, known)

    @property
    def first(self) -> int:
        """Number of the period of the first row."""
        return max(self.taken - 1, 0)

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        return self.first + len(self.rows)

    def model(self, inputs: Inputs | None = None) -> Model:
        """Return the model on these inputs, the track's own when None."""
        inputs = self.inputs if inputs is None else inputs
        theory, known, model = _MODELS.get(inputs, (None, None, None))
        if model is None or theory is not self.theory or known is not self.coordinates:
            model = Model.of(inputs, self.theory, self.coordinates)
            _MODELS[inputs] = (self.theory, self.coordinates, model)
        return model

    def row(self, period: int) -> int:
        """Return the row of a period, which may count from the end.

        Raises
        ------
        StudyError
            The track has no row of it.
        """
        row = range(self.n_time)[period] - self.first
        if row < 0:
            raise self._outside(str(self.inputs.dates[range(self.n_time)[period]]))
        return row

    def _stacked(self, name: str) -> Any:
        return np.stack([np.asarray(getattr(row, name)) for row in self.rows])

    @cached_property
    def epoch(self) -> NDArray[np.int64]:
        """Which particles hold after every period, (R,)."""
        return np.asarray([row.epoch for row in self.rows], dtype=np.int64)

    @cached_property
    def log_weights(self) -> Floats:
        """Log weights after every period, (R, N), not normalised."""
        return self._stacked("log_weights")

    @cached_property
    def mean(self) -> Floats:
        """Filtered beliefs, log-odds, (R, N, 2)."""
        return self._stacked("mean")

    @cached_property
    def cov(self) -> Floats:
        """Their covariance, (R, N, 3): first side, both, second side."""
        return self._stacked("cov")

    @cached_property
    def total(self) -> Floats:
        """Log predictive density of all periods so far, (R, N)."""
        return self._stacked("total")

    @cached_property
    def quality(self) -> Floats:
        """What each kind of move had achieved, (R, kernels)."""
        return self._stacked("quality")

    @cached_property
    def evidence(self) -> Floats:
        """Log predictive density of every period under the theory, (R,)."""
        return np.asarray([row.evidence for row in self.rows])

    @cached_property
    def predictive(self) -> Floats:
        """The same by observable, (R, 2): readings, then talks given the period's readings."""
        return self._stacked("predictive")

    @property
    def structure(self) -> Structure:
        """Structure of the study."""
        return structure_of(self.inputs)

    @property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of the period of every row, (R,)."""
        last = np.timedelta64(self.inputs.step_days - 1, "D")
        return np.asarray(self.inputs.dates[self.first : self.n_time].astype("M8[D]") + last)

    @property
    def log_evidence(self) -> Floats:
        """Log evidence after every period, (R,); of a track taken over, that of later periods."""
        return np.cumsum(np.nan_to_num(self.evidence, nan=0.0))

    @property
    def ess(self) -> Floats:
        """Effective particles after every period, (R,)."""
        return np.asarray([effective_size(row.log_weights) for row in self.rows])

    @property
    def distinct(self) -> NDArray[np.int64]:
        """Different particles after every period, (R,)."""
        counts = np.asarray([distinct(s) for s in self.epochs], dtype=np.int64)
        held: NDArray[np.int64] = counts[self.epoch]
        return held

    def weights(self, period: int) -> Floats:
        """Return the normalised weights (N,) after a period."""
        return normalised(self.rows[self.row(period)].log_weights)

    def extended(
        self,
        rows: Sequence[Row],
        epochs: tuple[Floats, ...],
        rejuvenations: tuple[Rejuvenation, ...],
        last: Belief,
    ) -> Track:
        """Return this track with more periods."""
        if not rows:
            return self
        return replace(
            self, rows=(*self.rows, *rows), epochs=epochs, rejuvenations=rejuvenations, last=last
        )

    def until(self, n_time: int) -> Track:
        """Return the first `n_time` periods of this track.

        Raises
        ------
        ConflictError
            The track was taken over at a later period.
        """
        if n_time >= self.n_time:
            return self
        if n_time < self.taken:
            raise ConflictError(
                "the track cannot go back behind the posterior that it took over",
                where=str(self.inputs.dates[n_time]),
                found="other inputs in this period than the posterior was given",
                expected=f"changes after {self.ends[0]} alone, the last day of that posterior",
                mend="track the study anew (beliefs track), or fit it again",
            )
        kept = n_time - self.first
        epochs = self.rows[kept - 1].epoch + 1 if kept else 1
        return replace(
            self,
            rows=self.rows[:kept],
            epochs=self.epochs[:epochs],
            rejuvenations=tuple(r for r in self.rejuvenations if r.period < n_time),
            last=None,
        )

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
        """Return the gate of the posterior after a period."""
        from beliefs.inference.smc.track_gate import track_report

        return track_report(self, period)

    def at(self, date: str | dt.date | np.datetime64, *, draws: int | None = None) -> Posterior:
        """Return the posterior as it was after a date (`track_posterior`)."""
        from beliefs.inference.smc.track_posterior import posterior_at

        return posterior_at(self, self.period_of(date), draws)

    def to_tree(self) -> Any:
        """Return everything but the study as a DataTree; see `beliefs.inference.smc.track_tree`."""
        from beliefs.inference.smc.track_tree import tree_of

        return tree_of(self)
