"""`backtest`: forecasts from rolling origins, scored against outcomes and baselines.

Each theory is tracked once. From every origin its futures are run from the posterior of that day,
and what they say of windows ahead is scored: whether it happened (log score, Brier), when (CRPS
of the time, restricted at the horizon), how many (CRPS and threshold-weighted CRPS). Baselines are
the base-rate theory, climatology, persistence, and hand-set odds where a study has any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from beliefs.errors import ConflictError
from beliefs.evaluation.backtest import frames
from beliefs.evaluation.backtest.frames import Day, Frame, Horizon
from beliefs.evaluation.backtest.questions import quantities, questions
from beliefs.evaluation.compare import distinct_theories
from beliefs.evaluation.scores import skilltable
from beliefs.evaluation.scores.scorecard import check_odds, score_table
from beliefs.evaluation.workers import in_order
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.model.theory import Theory, bundled_theories, load_theory
from beliefs.shown import Shown, to_log
from beliefs.study.load import Study
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import read_odds

HORIZONS = (7, 30, 90)
PARTICLES, DRAWS = 1000, 500


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Shown):
    """Forecasts of theories from many origins, and their scores."""

    study: str
    as_of: str  # last day of publications
    study_sha256: str
    theories: tuple[Theory, ...]  # as they were given
    every: int  # days
    horizons: tuple[Horizon, ...]
    particles: int
    draws: int
    seed: int
    step_days: float  # days of a period
    frame: Frame  # what was forecast, of latent targets too, which no label can check
    # A row for each forecast that can be checked, see `beliefs.evaluation.scores.scorecard`
    scores: pd.DataFrame
    skill: pd.DataFrame  # mean scores against baselines, see `skilltable`
    reliability: pd.DataFrame  # observed frequency by forecast probability, with bands
    pit: pd.DataFrame  # histograms of transforms, with bands

    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.study, "theories": " ".join(t.id for t in self.theories),
            "as of": self.as_of, "origins": len(self.frame.origins),
            "horizons": " ".join(str(h.days) for h in self.horizons) + " days",
        }  # fmt: skip

    @property
    def converged(self) -> tuple[int, ...]:
        """Origins at which the posterior of each theory passed its convergence check."""
        return tuple(int(n) for n in self.frame.passed.sum(axis=1))

    @property
    def standings(self) -> list[skilltable.Standing]:
        """Who beats climatology, by target and window."""
        return skilltable.standings(self.skill)

    def to_dataset(self) -> Any:
        """Return the frame as an xarray Dataset."""
        return self.frame.to_dataset()

    def as_dict(self) -> dict[str, Any]:
        """Return everything but single forecasts for a script, numbers rounded."""
        return {
            **{k: getattr(self, k) for k in ("study", "as_of", "study_sha256")},
            "theories": {t.id: t.sha256 for t in self.theories},
            "every": self.every,
            "horizons": [h.days for h in self.horizons],
            **{k: getattr(self, k) for k in ("particles", "draws", "seed")},
            "origins": [str(day) for day in self.frame.origins],
            "converged": dict(zip(self.frame.theories, self.converged, strict=True)),
            "unscored": dict(self.frame.unscored),
            "beats_climatology": [
                {**asdict(one), "theories": list(one.theories)} for one in self.standings
            ],
            "skill": _rows(self.skill),
            "reliability": _rows(self.reliability),
        }


def backtest(
    study: Study,
    theories: Sequence[Theory | str | Path] | None = None,
    *,
    every: int = 7,
    horizons: Sequence[int] = HORIZONS,
    particles: int = PARTICLES,
    draws: int = DRAWS,
    seed: int,
    odds: Records | None = None,
    inputs: Inputs | None = None,
    first: Day = None,
    last: Day = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Backtest:
    """Score theories from rolling origins of a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theories
        As they are written, or their names, ids or files; all bundled ones when None. M0 among
        them is a baseline as well.
    every
        Days from origin to origin, whole periods.
    horizons
        Days ahead. Windows are cut to whole periods.
    particles
        Particles of each block of each theory.
    draws
        Futures from each origin.
    seed
        Seed of everything random here.
    odds
        Hand-set odds, from `beliefs.study.tables.rows.read_odds`; those of the study's folder when
        None.
    inputs
        What replaces ``build_inputs(study)``.
    first, last
        Days between which the origins lie, both included; all that have room when None.
    workers, scheduler
        Who does the theories, see `beliefs.evaluation.workers`; this process alone when None.
    progress
        Called with a few words.

    Returns
    -------
    Backtest

    Raises
    ------
    StudyError
        No theory, two of one id, no room for an origin or a horizon, or odds of what the study
        cannot show.
    ConflictError
        The study's folder no longer holds what was read.

    Examples
    --------
    >>> duel = beliefs.load_study("synthetic-duel")
    >>> few = {"every": 28, "horizons": [7], "particles": 100, "draws": 50}
    >>> beliefs.backtest(duel, ["base_rate"], seed=1, **few).study
    'synthetic-duel'
    """
    say = progress or to_log
    if theories is None:
        theories = [*sorted(map(load_theory, bundled_theories()), key=lambda known: known.id)]
    chosen = distinct_theories(theories, 1, "these theories cannot be told apart")
    inputs = build_inputs(study) if inputs is None else inputs
    windows = frames.horizons_of(tuple(horizons), inputs.step_days)
    origins = frames.origins_of(inputs, every, windows[0].periods, first, last)
    odds = read_odds(study.path, study.as_of) if odds is None else odds
    events, counted = questions(study, inputs), quantities(study, inputs)
    check_odds(odds, events)
    plan = frames.Plan(study, inputs, origins, windows, events, counted, particles, draws, seed)
    found = in_order(frames.said, chosen, lambda: plan, workers, scheduler, say)
    frame = frames.frame_of(chosen, plan, found)
    say("scores")
    settings = {"every": every, "particles": particles, "seed": seed}
    return scored(study, chosen, frame, odds=odds, inputs=inputs, **settings)


def scored(
    study: Study,
    theories: tuple[Theory, ...],
    frame: Frame,
    *,
    every: int,
    particles: int,
    seed: int,
    odds: Records | None = None,
    inputs: Inputs | None = None,
) -> Backtest:
    """Hold forecasts that were made with these settings of `backtest` against what was observed."""
    inputs = build_inputs(study) if inputs is None else inputs
    odds = read_odds(study.path, study.as_of) if odds is None else odds
    events, counted = questions(study, inputs), quantities(study, inputs)
    ends = frame.origins[0], frame.origins[-1]
    origins = frames.origins_of(inputs, every, frame.horizons[0].periods, *ends)
    days, names = inputs.ends[origins - 1], (*(q.name for q in events), *frame.unscored)
    if not np.array_equal(frame.origins, days) or frame.targets != names:
        raise ConflictError(
            "forecasts are not those of this study",
            where="origins and targets",
            found=f"{len(frame.origins)} origins from {ends[0]}, " + ", ".join(frame.targets),
            expected=f"{len(days)} origins from {days[0]}, " + ", ".join(names),
            fix="run the backtest again",
        )
    scores = score_table(frame, inputs, origins, events, counted, odds, seed=seed)
    return Backtest(
        study=study.spec.name, as_of=str(study.as_of), study_sha256=study.sha256, theories=theories,
        every=every, horizons=frame.horizons, particles=particles, draws=frame.when.shape[-1],
        seed=seed, step_days=inputs.step_days, frame=frame, scores=scores,
        skill=skilltable.skill_table(scores, frame, every, seed=seed),
        reliability=skilltable.reliability_table(scores, every, seed=seed),
        pit=skilltable.pit_table(scores, every, seed=seed),
    )  # fmt: skip


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    kept = table.astype(object).where(table.notna(), None)
    return [
        {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
        for row in kept.to_dict("records")
    ]
