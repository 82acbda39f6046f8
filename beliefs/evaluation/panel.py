"""Forecasts of talks on conflicts that were left out, against what is cheap to know.

Every conflict is forecast week by week, as known in the week before, by theories whose population
the other conflicts taught (`folds` of them left out together) and by three baselines: the rate of
talks so far in the conflict, a plain logistic regression on its age, and one on age, talks and
force of the past as well. Differences of log scores are summed by conflict; their intervals are
those of a bootstrap over conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.scores.skill import LEVEL
from beliefs.features import steps
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.talks import headline_rows
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.panel.follow import follow
from beliefs.inference.panel.population import Panelled
from beliefs.model.contract import logistic
from beliefs.model.theory import Theory, theory_of
from beliefs.study.load import Study, read_study
from beliefs.study.panels import load_panel
from beliefs.study.tables.rows import counted_events

Floats = NDArray[np.float64]
ONLINE, AGE, REGRESSION = "online rate", "age", "age, talks, force"
PRIOR_WEEKS = 8  # periods that the rate of the others counts for in a conflict's own
DECAYS = (2.0, 8.0, 1000.0)  # e-folding times of past talks and force, in weeks
LEAD_DAYS = 56  # before a conflict begins that its past is read
RIDGE = 5.0
RESAMPLES = 4000
BRIER = "brier"


@dataclass(frozen=True, eq=False)
class PanelScores:
    """Forecasts of talks one period ahead: one row per conflict and period, in order."""

    panel: str
    conflict: tuple[str, ...]  # names, in order
    place: NDArray[np.intp]  # of the conflict of each row
    held: NDArray[np.bool_]
    p: Mapping[str, Floats]  # by forecaster, baselines first
    folds: int
    seed: int
    checks: Mapping[str, tuple[float, float]]  # by theory: largest R-hat and smallest ESS of folds

    def log_score(self, name: str) -> Floats:
        """Return the log score of each row; larger is better."""
        return np.log(np.where(self.held, self.p[name], 1.0 - self.p[name]))

    def over(self, name: str, other: str) -> tuple[float, float, float]:
        """Return by how many nats a forecaster is ahead of another: sum and 90 % interval."""
        gap = np.bincount(self.place, self.log_score(name) - self.log_score(other))
        rng = np.random.default_rng([self.seed, 9])
        sums = gap[rng.integers(0, len(gap), (RESAMPLES, len(gap)))].sum(axis=1)
        low, high = np.quantile(sums, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
        return float(gap.sum()), float(low), float(high)

    def as_dict(self) -> dict[str, Any]:
        """Return the scores for JSON."""
        rows = {}
        for name, p in self.p.items():
            total, low, high = self.over(name, ONLINE)
            rows[name] = {
                "log_score": float(self.log_score(name).sum()),
                BRIER: float(((p - self.held) ** 2).mean()),
                "over_online": total, "low": low, "high": high,
            }  # fmt: skip
        return {
            "panel": self.panel, "conflicts": len(self.conflict), "periods": len(self.held),
            "with_talks": int(self.held.sum()), "folds": self.folds, "seed": self.seed,
            "forecasters": rows, "checks": dict(self.checks),
        }  # fmt: skip


def score_panel(
    panel: str | Path,
    theories: Sequence[str | Path | Theory],
    *,
    folds: int = 20,
    seed: int = 1,
    sampling: Sampling | None = None,
    progress: Callable[[str], None] | None = None,
) -> PanelScores:
    """Score forecasts of talks in the next period on conflicts that were left out.

    Parameters
    ----------
    panel
        Name of a bundled panel, or path of a panel folder.
    theories
        What `beliefs.load_theory` takes. Each is compiled once and fitted once a fold.
    folds
        Groups of conflicts that are left out in turn.
    seed
        Of folds, samplers and bootstrap.
    sampling
        Settings of the sampler in each fold.
    progress
        Called with what begins.

    Returns
    -------
    PanelScores
        Of the conflicts that had talks: of one without, there is nothing to say when they began.

    Raises
    ------
    StudyError
        A panel that breaks a rule of the format, or has fewer conflicts with talks than folds.
    """
    say = progress or (lambda _: None)
    say(f"read {panel}")
    known, name = [_of_end(f"{panel}/{c}") for c in load_panel(panel).conflicts], str(panel)
    every = [(study, build_inputs(study)) for study in known]
    every = [(study, inputs) for study, inputs in every if inputs.talks.any()]
    if not 2 <= folds <= len(every):
        raise StudyError(
            "the conflicts cannot be divided into these folds",
            where="folds",
            found=f"{folds} folds of {len(every)} conflicts with talks",
            expected="from 2 folds to as many as there are conflicts with talks",
            fix="choose fewer folds, or a larger panel",
        )
    names = tuple(study.name for study, _ in every)
    group = np.random.default_rng(seed).permutation(np.arange(len(every)) % folds)
    lengths = [len(inputs.talks) for _, inputs in every]
    place = np.repeat(np.arange(len(every)), lengths)
    held = np.concatenate([inputs.talks > 0 for _, inputs in every])
    p = _baselines(every, group, place, held)
    checks = {}
    for theory in map(theory_of, theories):
        say(f"compile {theory.id}")
        compiled = Panelled(theory, names, [inputs for _, inputs in every])
        found: dict[int, Floats] = {}
        r_hat, ess = [], []
        for fold in range(folds):
            out = np.flatnonzero(group == fold)
            say(f"{theory.id}: fold {fold + 1} of {folds}")
            population = compiled.fit(seed=seed + fold, without=out.tolist(), sampling=sampling)
            r_hat.append(population.r_hat)
            ess.append(population.ess)
            for k in out:
                rng = np.random.default_rng([seed, int(k)])
                found[int(k)] = follow(population, every[k][1], rng).p
        p[theory.id] = np.concatenate([found[k] for k in range(len(every))])
        checks[theory.id] = max(r_hat), min(ess)
    return PanelScores(name, names, place, held, p, folds, seed, checks)


def _of_end(name: str) -> Study:
    """Return a conflict as known at the end of its period: weeks without a row were quiet."""
    source = read_study(name)
    return source.known(source.spec.period.end)


# ---- Baselines


def _baselines(
    every: Sequence[tuple[Study, Inputs]],
    group: NDArray[np.intp],
    place: NDArray[np.intp],
    held: NDArray[np.bool_],
) -> dict[str, Floats]:
    """Return the probability of talks in each row by baseline, from the other folds alone."""
    age = np.concatenate([age_terms(len(inputs.talks)) for _, inputs in every])
    past = np.concatenate([past_terms(study) for study, _ in every])
    of = group[place]
    p = {name: np.empty(len(held)) for name in (ONLINE, AGE, REGRESSION)}
    for fold in np.unique(group):
        out = of == fold
        rate = held[~out].mean()
        for k in np.flatnonzero(group == fold):
            mine = place == k
            before = np.cumsum(held[mine]) - held[mine]
            p[ONLINE][mine] = (before + PRIOR_WEEKS * rate) / (np.arange(mine.sum()) + PRIOR_WEEKS)
        for name, terms in ((AGE, age), (REGRESSION, np.c_[age, past])):
            p[name][out] = _regression(terms[~out], held[~out], terms[out])
    return p


def age_terms(n: int) -> Floats:
    """Return what the regressions read of the age of a conflict, (n, 4)."""
    age = np.arange(n)
    return np.c_[np.log1p(age), np.log1p(age) ** 2, age == 0, age < 4].astype(float)


def past_terms(study: Study) -> Floats:
    """Return logs of decayed counts of talks and of force before each period, (T, 6)."""
    longer = study.grid.backwards(study.grid.start - np.timedelta64(LEAD_DAYS, "D"))
    force = sum(
        steps.counts(counted_events(study.tables.events, indicator), longer, "date")
        for indicator in study.spec.indicators
        if indicator.source == "events" and indicator.measure == "severity"
    )
    talks = steps.counts(headline_rows(study), longer, "date")
    rows = np.stack([talks, np.broadcast_to(force, talks.shape)])
    sums = [steps.before(steps.fading_sum(rows, 7.0 * d, longer)) for d in DECAYS]
    return np.log1p(np.concatenate(sums))[:, -study.grid.n :].T


def _regression(terms: Floats, held: NDArray[np.bool_], new: Floats) -> Floats:
    """Return probabilities of a ridge-penalised logistic regression (Newton's method)."""
    mean, sd = terms.mean(axis=0), terms.std(axis=0) + 1e-9
    x, y = (np.c_[np.ones(len(v)), (v - mean) / sd] for v in (terms, new))
    penalty = np.r_[1e-6, np.full(terms.shape[1], RIDGE)]
    beta = np.zeros(len(penalty))
    for _ in range(30):
        p = logistic(np, x @ beta)
        curve = (x * (p * (1.0 - p))[:, None]).T @ x + np.diag(penalty)
        beta = beta + np.linalg.solve(curve, x.T @ (held - p) - penalty * beta)
    return np.asarray(logistic(np, y @ beta))
