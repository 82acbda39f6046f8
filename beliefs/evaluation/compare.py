"""`compare`: which theory foretold the next period best, and when.

Theories are compared on the observables that all of them explain (talks, strikes, truces), period
by period, each period foretold from all before it. Readings are conditioned on and not scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.scores.skill import SHARED, Difference, block_length, difference
from beliefs.evaluation.scores.stacking import weights_over_time
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.blocks import track_blocks
from beliefs.model.system import conduct_factors
from beliefs.model.theory import BARE, Theory, all_declared, theory_of
from beliefs.study.bundled import data_folder
from beliefs.study.load import Study

__all__ = ["STACK", "Comparison", "Standing", "compare", "compared", "doubts"]

Floats = NDArray[np.float64]
Say = Callable[[str], None] | None

FILE = "model_recovery.json"
"""Kept by ``scripts/model_recovery.py``: which theory forecast studies drawn from each one best."""
CONFUSED = 0.25
"""Share of the studies of one theory that another one wins, from which they count as confused."""
RECOGNISED = 0.5
"""Share of its own studies below which a theory counts as not recognised."""
STACK = "M5"
"""Id of the stack of all theories, weighted by what was known before each period."""
BASE = "M0"
_OF_BELIEFS = ("belief", "evidence", "readings", "domestic", "bargaining")
_TO_TALKS = ("surplus_effect", "crack_rule")  # through which beliefs enter talks
EVERY = {1: 7, 7: 4}  # periods from one set of weights to the next, by days of a period


@dataclass(frozen=True)
class Standing:
    """One row of the table of theories, as `arviz.compare` has them.

    Attributes
    ----------
    rank, id, title
        Place, and the theory.
    elpd, se
        Sum of one-step log predictive densities of the shared observables, and its error by blocks,
        NaN where there are too few.
    against_best, against_base
        Difference from the best theory, and from the base rate.
    by_observable
        Difference from the base rate by observable.
    weight
        Stacking weight after the last period; NaN for the stack itself.
    """

    rank: int
    id: str
    title: str
    elpd: float
    se: float
    against_best: Difference
    against_base: Difference
    by_observable: dict[str, Difference]
    weight: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scores and weights of theories on a study.

    Attributes
    ----------
    study
        Its name.
    ids, titles
        Theories, in the order in which they were given.
    observables
        What they were scored on.
    dates
        First day of each period, (T,).
    step_days
        Days of a period.
    scores
        (theory, observable, T), log predictive densities; NaN where nothing was seen.
    periods, weights
        (point,) periods taken in, and stacking weights then, (point, theory).
    table
        The best theory first, the stack last whatever its rank.
    """

    study: str
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    observables: tuple[str, ...]
    dates: NDArray[np.datetime64]
    step_days: int
    scores: Floats
    periods: NDArray[np.int64]
    weights: Floats
    table: tuple[Standing, ...]

    @property
    def tied(self) -> tuple[tuple[str, str], ...]:
        """Pairs (better, worse) whose difference has 0 in its interval, or has no interval."""
        best = self.table[0].id
        return tuple(
            (best, row.id)
            for row in self.table[1:]
            if row.id != STACK and not row.against_best.distinct
        )

    @property
    def blocks(self) -> int:
        """Whole blocks that the scored periods fill; under `skill.BLOCKS` nothing has an error."""
        heard = (~np.isnan(self.scores)).any(axis=(0, 1))
        return int(heard.sum()) // block_length(self.step_days)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for a script, numbers rounded; None for those there are none of."""

        def shown(value: float, places: int = 3) -> float | None:
            return None if np.isnan(value) else round(value, places)

        def gap(d: Difference) -> dict[str, Any]:
            return {k: shown(v) if isinstance(v, float) else v for k, v in vars(d).items()}

        ends = [str(self.dates[n - 1] if n else self.dates[0])[:10] for n in self.periods]
        return {
            "study": self.study,
            "observables": list(self.observables),
            "blocks": self.blocks,
            "theories": [
                {
                    "rank": row.rank,
                    "id": row.id,
                    "title": row.title,
                    "elpd": round(row.elpd, 3),
                    "se": shown(row.se),
                    "elpd_diff": gap(row.against_best),
                    "against_base_rate": gap(row.against_base),
                    "by_observable": {k: gap(d) for k, d in row.by_observable.items()},
                    "weight": shown(row.weight, 4),
                }
                for row in self.table
            ],
            "weights": [
                {"as_of": day, "periods": int(n)}
                | {k: round(float(w), 4) for k, w in zip(self.ids, row, strict=True)}
                for day, n, row in zip(ends, self.periods, self.weights, strict=True)
            ],
            "cannot_be_told_apart": [list(pair) for pair in self.tied],
        }


def compare(
    study: Study,
    theories: Sequence[Theory | str | Path],
    *,
    seed: int,
    particles: int = 1000,
    inputs: Inputs | None = None,
    progress: Say = None,
) -> Comparison:
    """Compare theories on a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theories
        As they are written, or their names, ids or files; two at least.
    seed
        Seed of everything random here.
    particles
        Number of particles of each block.
    inputs
        What the theories are told instead of ``build_inputs(study)``.
    progress
        Called with a few words.

    Raises
    ------
    StudyError
        Fewer than two theories, or two of one id.

    Examples
    --------
    >>> found = beliefs.compare(study, ["base_rate", "M1"], seed=1, particles=200)
    >>> found.ids[:2]
    ('M0', 'M1')
    """
    chosen = [theory_of(theory) for theory in theories]
    ids = [theory.id for theory in chosen]
    if len(set(ids)) < 2 or len(set(ids)) < len(ids):
        raise StudyError(
            "there is nothing to compare",
            where="theories",
            found=", ".join(ids) or "none",
            expected="two different theories at least",
            mend="list the theories with `beliefs theories`",
        )
    inputs = build_inputs(study) if inputs is None else inputs
    n = int(inputs.active.sum())
    scores = np.full((len(chosen), len(SHARED), n), np.nan)
    for k, theory in enumerate(chosen):
        if progress is not None:
            progress(f"{theory.id}: tracking")
        found = track_blocks(
            study, _scored_part(theory), particles=particles, seed=seed, only=SHARED, inputs=inputs
        ).predictive()
        for o, name in enumerate(SHARED):
            if name in found:
                scores[k, o] = found[name]
    return compared(
        scores, chosen, study=study.spec.name, dates=inputs.dates[:n], step_days=inputs.step_days,
        seed=seed,
    )  # fmt: skip


def _scored_part(theory: Theory) -> Theory:
    """Return a theory without its beliefs where nothing that is scored depends on them.

    Readings then share no parameter with talks or conduct, so that they need not be tracked. The
    log scores are the same up to Monte-Carlo error.
    """
    known = all_declared(BARE)
    couples = {name for factor in conduct_factors() for name in factor.couples}
    if not theory.beliefs or any(
        theory.frees(known[name][0], name) for name in (*_TO_TALKS, *couples)
    ):
        return theory
    on = tuple(name for name in theory.mechanisms if name not in _OF_BELIEFS)
    rest = {
        name for name, (mechanism, _) in known.items()
        if mechanism in _OF_BELIEFS or name in ("shock_jump", "turnover_reset")
    }  # fmt: skip
    return replace(
        theory,
        beliefs=False,
        mechanisms=on,
        neutral=tuple(dict.fromkeys((*theory.neutral, *sorted(rest)))),
        priors={k: v for k, v in theory.priors.items() if k not in rest},
    )


def compared(
    scores: Floats,
    theories: Sequence[Theory],
    *,
    study: str,
    dates: NDArray[np.datetime64],
    step_days: int,
    seed: int,
) -> Comparison:
    """Return the comparison that scores make.

    Parameters
    ----------
    scores
        (theory, `SHARED`, T), NaN where nothing was seen. An observable that some theory does not
        explain is left out for all.
    theories
        In the order of `scores`.
    study, dates, step_days
        Labels, (T,) first days, days of a period.
    seed
        Seed of the resamples of blocks.
    """
    seen = ~np.isnan(scores)
    common = seen.all(axis=0)
    kept = common.any(axis=1)
    values = np.where(common, scores, 0.0)[:, kept]
    names = tuple(name for name, keep in zip(SHARED, kept, strict=True) if keep)
    total, heard = values.sum(axis=1), common[kept].any(axis=0)
    periods, weights = weights_over_time(total, EVERY.get(step_days, 7))
    # The stack foretells each period with the weights of the last point before it.
    place = np.searchsorted(periods, np.arange(total.shape[1]), side="right") - 1
    mixed = np.log(np.einsum("tk,kt->t", weights[place], np.exp(total - total.max(axis=0))))
    mixed = mixed + total.max(axis=0)
    rows = [*total, mixed]
    ids = [*(t.id for t in theories), STACK]
    titles = [*(t.title for t in theories), "Stack of all"]
    sums = [float(row.sum()) for row in rows]
    order = sorted(range(len(rows)), key=lambda k: -sums[k])
    best = max(range(len(theories)), key=lambda k: sums[k])
    base = ids.index(BASE) if BASE in ids else best
    block = block_length(step_days)

    def gap(one: Floats, two: Floats, where: NDArray[np.bool_]) -> Difference:
        return difference(one, two, where, block=block, seed=[seed, 1])

    table = []
    for rank, k in enumerate(order):
        spread = gap(rows[k], 0.0 * rows[k], heard)
        by = {
            name: gap(values[k, o], values[base, o], common[kept][o])
            for o, name in enumerate(names)
            if k < len(theories)
        }
        table.append(
            Standing(
                rank=rank,
                id=ids[k],
                title=titles[k],
                elpd=sums[k],
                se=spread.error,
                against_best=gap(rows[k], rows[best], heard),
                against_base=gap(rows[k], rows[base], heard),
                by_observable=by,
                weight=float(weights[-1, k]) if k < len(theories) else float("nan"),
            )
        )
    table.sort(key=lambda row: (row.id == STACK, row.rank))
    return Comparison(
        study=study,
        ids=tuple(ids[:-1]),
        titles=tuple(titles[:-1]),
        observables=names,
        dates=dates,
        step_days=step_days,
        scores=np.where(common, scores, np.nan)[:, kept],
        periods=periods,
        weights=weights,
        table=tuple(table),
    )


def doubts(ids: Sequence[str]) -> list[str]:
    """Return, in words, which of these theories a study of real size confuses with others.

    Named is a theory that wins less than `RECOGNISED` of the studies drawn from it, or of whose
    studies another one wins `CONFUSED` or more.
    """
    file = data_folder() / FILE
    if not file.is_file():
        return []
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    known, matrix = found["theories"], np.asarray(found["confusion"])
    out = []
    for i, truth in enumerate(known):
        rivals = [
            j for j, other in enumerate(known)
            if j != i and other in ids and matrix[i, j] >= CONFUSED
        ]  # fmt: skip
        if truth not in ids or not (rivals or matrix[i, i] < RECOGNISED):
            continue
        shares = [f"{matrix[i, j]:.0%} by {known[j]}" for j in rivals]
        out.append(
            f"Of {found['studies'][truth]} studies drawn from {truth} at the size of "
            f"{found['study']}, {matrix[i, i]:.0%} are foretold best by {truth} itself"
            + (", " + ", ".join(shares) if shares else "")
            + "."
        )
    return out
