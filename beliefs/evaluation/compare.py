"""`compare`: which theory predicts the next period best, when, and the weights of a stack.

Theories are compared on the observables that all of them explain (talks, strikes, truces), period
by period, each period forecast from all before it. Readings are conditioned on and not scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.scores.skill import SHARED, Difference, block_length, difference
from beliefs.evaluation.workers import in_order
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.steps import Floats
from beliefs.inference.smc.blocks import track_blocks
from beliefs.model.system import factors_of
from beliefs.model.theory import BARE, Theory, declared, theory_of
from beliefs.shown import Shown
from beliefs.study.load import Study

STACK = "M5"  # Id of the stack of all theories, weighted by what was known before each period
BASE = "M0"
_OF_BELIEFS = ("belief", "evidence", "readings", "domestic", "bargaining")
_TO_TALKS = ("surplus_effect", "crack_rule")  # through which beliefs enter talks
EVERY: dict[float, int] = {
    1: 7,
    7: 4,
}  # periods from one set of weights to the next, by days of a period
STEPS = 200  # EM steps for each set of weights; those of the time before are the start
ENOUGH = 1e-8  # A change of weights in one step below which they have settled


@dataclass(frozen=True)
class Standing:
    """One row of the table of theories, as `arviz.compare` has them."""

    rank: int
    id: str
    title: str
    elpd: float  # sum of one-step log predictive densities of the shared observables
    se: float  # by blocks, NaN with few
    against_best: Difference
    against_base: Difference
    by_observable: dict[str, Difference]  # from the base rate
    weight: float  # of stacking at the end; NaN for the stack


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Shown):
    """Scores and weights of theories, in the order given, on a study."""

    study: str
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    observables: tuple[str, ...]
    dates: NDArray[np.datetime64]  # first days of periods, (T,)
    step_days: float
    scores: Floats  # (theory, observable, T), NaN where nothing was seen
    periods: NDArray[np.int64]  # taken in, (point,)
    weights: Floats  # of stacking then, (point, theory)
    table: tuple[Standing, ...]  # the best theory first, the stack last whatever its rank

    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.study, "theories": " ".join(self.ids), "periods": len(self.dates),
            "best": self.table[0].id,
        }  # fmt: skip

    @property
    def tied(self) -> tuple[tuple[str, str], ...]:
        """Pairs (better, worse) whose difference has 0 in its interval, or has no interval."""
        best, *others = (row for row in self.table if row.id != STACK)
        return tuple((best.id, row.id) for row in others if not row.against_best.distinct)

    @property
    def blocks(self) -> int:
        """Whole blocks that the scored periods fill; under `skill.BLOCKS` nothing has an error."""
        seen = (~np.isnan(self.scores)).any(axis=(0, 1))
        return int(seen.sum()) // block_length(self.step_days)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for a script, numbers rounded; None for those there are none of."""

        def shown(value: float, places: int = 3) -> float | None:
            return None if np.isnan(value) else round(value, places)

        def gap(d: Difference) -> dict[str, Any]:
            return {k: shown(v) if isinstance(v, float) else v for k, v in vars(d).items()}

        ends = [str(self.dates[max(n - 1, 0)])[:10] for n in self.periods]
        return {
            "study": self.study,
            "observables": list(self.observables),
            "blocks": self.blocks,
            "theories": [
                {
                    **{k: getattr(row, k) for k in ("rank", "id", "title")},
                    "elpd": shown(row.elpd),
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
            "tied": [list(pair) for pair in self.tied],
        }


def compare(
    study: Study,
    theories: Sequence[Theory | str | Path],
    *,
    seed: int,
    particles: int = 1000,
    inputs: Inputs | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[str], None] | None = None,
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
        What the theories see instead of ``build_inputs(study)``.
    workers, scheduler
        Who does the theories, see `beliefs.evaluation.workers`; this process alone when None.
    progress
        Called with a few words.

    Returns
    -------
    Comparison
        Log scores in nats, (theory, observable, time), and stacking weights, (point, theory).

    Raises
    ------
    StudyError
        Fewer than two theories, or two of one id.

    Examples
    --------
    >>> beliefs.compare(study, ["base_rate", "M1"], seed=1, particles=200)
    <Comparison: study watch, theories M0 M1, periods 26, best M1>
    """
    chosen = distinct_theories(theories, 2, "there is nothing to compare")
    inputs = build_inputs(study) if inputs is None else inputs
    shared = study, inputs, particles, seed
    scores = np.stack(in_order(_scores, chosen, lambda: shared, workers, scheduler, progress))
    name, dates = study.spec.name, inputs.dates[: scores.shape[-1]]
    return compared(scores, chosen, study=name, dates=dates, step_days=inputs.step_days, seed=seed)


def _scores(theory: Theory, shared: Any, say: Callable[[str], None]) -> Floats:
    """Return log scores of a theory, (`SHARED`, T), NaN where it explains nothing."""
    study, inputs, particles, seed = shared
    say(f"{theory.id}: tracking")
    found = track_blocks(
        study, _scored_part(theory), particles=particles, seed=seed, only=SHARED, inputs=inputs
    ).predictive()
    none = np.full(int(inputs.active.sum()), np.nan)
    return np.stack([found.get(name, none) for name in SHARED])


def distinct_theories(
    theories: Sequence[Theory | str | Path], fewest: int, what: str
) -> tuple[Theory, ...]:
    """Return theories, no two of one id; a StudyError says `what` is wrong with them."""
    chosen = tuple(theory_of(theory) for theory in theories)
    ids = [theory.id for theory in chosen]
    if len(ids) < fewest or len(set(ids)) < len(ids):
        raise StudyError(
            what,
            where="theories",
            found=", ".join(ids) or "none",
            expected=f"at least {fewest}, each once",
            fix="list the theories with `beliefs theories`",
        )
    return chosen


def _scored_part(theory: Theory) -> Theory:
    """Return a theory without its beliefs where nothing that is scored depends on them."""
    known = declared(BARE, None)
    couples = {name for factor in factors_of("actions") for name in factor.couples}
    if not theory.beliefs or any(theory.frees(known[n][0], n) for n in (*_TO_TALKS, *couples)):
        return theory
    # Readings then share no parameter with talks or actions: the scores stay, up to their error.
    on = tuple(name for name in theory.mechanisms if name not in _OF_BELIEFS)
    rest = {
        name for name, (mechanism, _) in known.items()
        if mechanism in _OF_BELIEFS or name in ("shock_jump", "turnover_reset")
    }  # fmt: skip
    return replace(
        theory,
        beliefs=False,
        mechanisms=on,
        null=tuple(dict.fromkeys((*theory.null, *sorted(rest)))),
        priors={k: v for k, v in theory.priors.items() if k not in rest},
    )


def compared(
    scores: Floats,
    theories: Sequence[Theory],
    *,
    study: str,
    dates: NDArray[np.datetime64],
    step_days: float,
    seed: int,
) -> Comparison:
    """Return the comparison that scores (theory, `SHARED`, T) make, of what all explain."""
    common = ~np.isnan(scores).any(axis=0)
    kept = common.any(axis=1)
    values = np.where(common, scores, 0.0)[:, kept]
    names = tuple(name for name, keep in zip(SHARED, kept, strict=True) if keep)
    total, seen = values.sum(axis=1), common[kept].any(axis=0)
    periods, weights = weights_over_time(total, EVERY.get(step_days, 7))
    # The stack predicts each period with the weights of the last point before it.
    place = np.searchsorted(periods, np.arange(total.shape[1]), side="right") - 1
    mixed = np.log(np.einsum("tk,kt->t", weights[place], np.exp(total - total.max(axis=0))))
    rows = [*total, mixed + total.max(axis=0)]
    ids, titles = (*(t.id for t in theories), STACK), (*(t.title for t in theories), "Stack of all")
    sums = [float(row.sum()) for row in rows]
    best = max(range(len(theories)), key=lambda k: sums[k])
    base = ids.index(BASE) if BASE in ids else best
    block = block_length(step_days)

    def gap(scores: Floats, where: NDArray[np.bool_]) -> Difference:
        return difference(scores, where, block=block, seed=[seed, 1])

    table = [
        Standing(
            rank=rank,
            id=ids[k],
            title=titles[k],
            elpd=sums[k],
            se=gap(rows[k], seen).error,
            against_best=gap(rows[k] - rows[best], seen),
            against_base=gap(rows[k] - rows[base], seen),
            by_observable={
                name: gap(values[k, o] - values[base, o], common[kept][o])
                for o, name in enumerate(names if k < len(theories) else ())
            },
            weight=float(weights[-1, k]) if k < len(theories) else float("nan"),
        )
        for rank, k in enumerate(sorted(range(len(rows)), key=lambda k: -sums[k]))
    ]
    return Comparison(
        study=study, ids=ids[:-1], titles=titles[:-1], observables=names, dates=dates,
        step_days=step_days, scores=np.where(common, scores, np.nan)[:, kept], periods=periods,
        weights=weights, table=tuple(sorted(table, key=lambda row: (row.id == STACK, row.rank))),
    )  # fmt: skip


def stacking_weights(scores: Floats, start: Floats | None = None) -> Floats:
    r"""Return the weights (theory,) that log predictive densities (theory, time) give, of sum 1.

    .. math:: \arg\max_{w \in \Delta} \sum_s \log \sum_k w_k\, p_k(y_s \mid y_{<s})
              + \frac{1}{K} \sum_k \log w_k

    (Yao and others 2018; Geweke and Amisano 2011). The second sum starts all theories alike. The
    objective is concave; EM climbs it without a step size.
    """
    k, n = scores.shape
    w = np.full(k, 1.0 / k) if start is None else start
    density = np.exp(scores - scores.max(axis=0)) if n else scores
    for _ in range(STEPS):
        share = w[:, None] * density
        share = share / share.sum(axis=0)
        before, w = w, (share.sum(axis=1) + 1.0 / k) / (n + 1.0)
        if np.abs(w - before).max() < ENOUGH:
            break
    return w


def weights_over_time(scores: Floats, every: int = 7) -> tuple[NDArray[np.int64], Floats]:
    """Return numbers of periods taken in, from 0 on to all, and weights then (point, theory)."""
    n = scores.shape[1]
    periods = np.unique([*range(0, n, every), n]).astype(np.int64)
    out = [stacking_weights(scores[:, :0])]
    for t in periods[1:]:
        out.append(stacking_weights(scores[:, :t], out[-1]))
    return periods, np.stack(out)
