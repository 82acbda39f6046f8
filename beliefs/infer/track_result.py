"""`Track`: what sequential Monte Carlo leaves behind, as plain arrays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.infer.diagnose import Report
from beliefs.infer.filter import Belief
from beliefs.infer.particles import distinct, effective_size, normalised
from beliefs.infer.posterior import Posterior
from beliefs.mechanism.structure import Structure, structure_of
from beliefs.study.inputs import Inputs
from beliefs.study.load import Study
from beliefs.theory.theory import Theory

__all__ = ["Rejuvenation", "Row", "Track"]

Floats = NDArray[np.float64]


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
    moves, jump, accepted
        Moves, mean squared jump as a share of that between independent draws, share accepted.
    capped
        Whether the number of moves, not the jump, ended it.
    """

    period: int
    power: float
    ess: float
    ancestors: int
    distinct: int
    moves: int
    jump: float
    accepted: float
    capped: bool


@dataclass(frozen=True)
class Row:
    """What is kept of one period; see `Track`."""

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


_BY_PERIOD = tuple(Row.__dataclass_fields__)


@dataclass(frozen=True, eq=False)
class Track:
    """The posterior after every period, N weighted particles each.

    Attributes
    ----------
    study, inputs, theory, seed
        What it was computed from.
    epochs
        Particles, normal scores (N, d), drawn at the start and after every rejuvenation.
    epoch
        (T,) which of them hold after a period.
    log_weights
        (T, N), not normalised.
    mean, cov
        (T, N, 2) and (T, N, 3: first side, both, second side): filtered belief, log-odds.
    total
        (T, N) log predictive density of all periods so far.
    quality
        (T, kernels) what each kind of move had achieved.
    evidence
        (T,) log predictive density of the period under the theory; cumulative sums are the log
        evidence.
    predictive
        (T, 2) the same by observable: readings, then talks given the readings of the period.
    rejuvenations
        In order.
    last
        State after the last period; None where it has to be computed again.
    """

    study: Study
    inputs: Inputs
    theory: Theory
    seed: int
    epochs: tuple[Floats, ...]
    epoch: NDArray[np.int64]
    log_weights: Floats
    mean: Floats
    cov: Floats
    total: Floats
    quality: Floats
    evidence: Floats
    predictive: Floats
    rejuvenations: tuple[Rejuvenation, ...]
    last: Belief | None

    @classmethod
    def empty(
        cls, study: Study, inputs: Inputs, theory: Theory, seed: int, scores: Floats, kernels: int
    ) -> Track:
        """Return the track before the first period: particles from the prior."""
        n = len(scores)
        return cls(
            study, inputs, theory, seed, (scores,), np.empty(0, dtype=np.int64), np.empty((0, n)),
            np.empty((0, n, 2)), np.empty((0, n, 3)), np.empty((0, n)), np.empty((0, kernels)),
            np.empty(0), np.empty((0, 2)), (), None,
        )  # fmt: skip

    @property
    def n_time(self) -> int:
        """Number of periods taken in."""
        return len(self.evidence)

    @property
    def structure(self) -> Structure:
        """Structure of the study."""
        return structure_of(self.inputs)

    @property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of every period taken in, (T,)."""
        last = np.timedelta64(self.inputs.step_days - 1, "D")
        ends: NDArray[np.datetime64] = self.inputs.dates[: self.n_time].astype("datetime64[D]")
        return ends + last

    @property
    def log_evidence(self) -> Floats:
        """Log evidence after every period, (T,)."""
        return np.cumsum(self.evidence)

    @property
    def ess(self) -> Floats:
        """Effective particles after every period, (T,)."""
        return np.asarray([effective_size(w) for w in self.log_weights])

    @property
    def distinct(self) -> NDArray[np.int64]:
        """Different particles after every period, (T,)."""
        counts = np.asarray([distinct(s) for s in self.epochs], dtype=np.int64)
        held: NDArray[np.int64] = counts[self.epoch]
        return held

    def weights(self, period: int) -> Floats:
        """Return the normalised weights (N,) after a period."""
        return normalised(self.log_weights[period])

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
        more: Any = {
            name: np.concatenate([getattr(self, name), np.stack([getattr(r, name) for r in rows])])
            for name in _BY_PERIOD
        }
        return replace(self, **more, epochs=epochs, rejuvenations=rejuvenations, last=last)

    def until(self, n_time: int) -> Track:
        """Return the first `n_time` periods of this track."""
        if n_time >= self.n_time:
            return self
        epochs = int(self.epoch[n_time - 1]) + 1 if n_time else 1
        less: Any = {name: getattr(self, name)[:n_time] for name in _BY_PERIOD}
        return replace(
            self,
            **less,
            epochs=self.epochs[:epochs],
            rejuvenations=tuple(r for r in self.rejuvenations if r.period < n_time),
            last=None,
        )

    def period_of(self, date: str | dt.date | np.datetime64) -> int:
        """Return the last period that had ended on a date.

        Raises
        ------
        StudyError
            No tracked period had ended by then, or the date lies after the last one.
        """
        day = np.datetime64(date, "D")
        step, ends = np.timedelta64(self.inputs.step_days, "D"), self.ends
        if day < ends[0] or day >= ends[-1] + step:
            raise StudyError(
                "the date lies outside the track",
                where="date",
                found=str(day),
                expected=f"a date from {ends[0]} to {ends[-1]}",
                mend="choose a date in between, or advance the track",
            )
        return int((ends <= day).sum()) - 1

    def report(self, period: int = -1) -> Report:
        """Return the gate of the posterior after a period."""
        from beliefs.infer.track_gate import track_report

        return track_report(self, period)

    def at(self, date: str | dt.date | np.datetime64, *, draws: int | None = None) -> Posterior:
        """Return the posterior as it was after a date; see `beliefs.infer.track_posterior`."""
        from beliefs.infer.track_posterior import posterior_at

        return posterior_at(self, self.period_of(date), draws)

    def to_tree(self) -> Any:
        """Return everything but the study as a DataTree; see `beliefs.infer.track_tree`."""
        from beliefs.infer.track_tree import tree_of

        return tree_of(self)
