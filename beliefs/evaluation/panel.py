"""Forecasts of talks and agreements in conflicts left out, against what is cheap to know.

Every conflict is forecast week by week, as known in the week before, by theories whose population
the other conflicts taught and by four baselines: the rate of the others, that of the conflict so
far, and logistic regressions on its age and on age, talks and force of the past. What comes within
several weeks comes while it lasts: regressions learn that as it is, rates and theories know how
often conflicts of an age end after a week without what is forecast, and after talks. A population
is fitted once and its draws weighted as if each conflict in turn were not in it (Vehtari, Gelman
and Gabry 2017), or fitted anew without each of some folds. Intervals of differences are those of a
bootstrap over conflicts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from arviz_stats.base.array import array_stats
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.evaluation.calibration import p_value
from beliefs.evaluation.compare import stacking_weights
from beliefs.evaluation.scores.proper import pit
from beliefs.evaluation.scores.skill import interval
from beliefs.evaluation.workers import done
from beliefs.features import steps
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.steps import Bools, Floats
from beliefs.features.talks import headline_rows
from beliefs.inference.diagnose import RELIABLE
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.panel import (
    DRAWS,
    WORST,
    Panelled,
    follow,
    log_likelihood,
)
from beliefs.model.contract import logistic
from beliefs.model.theory import Theory, theory_of
from beliefs.shown import Say, to_log
from beliefs.study.load import Study, known_at_end
from beliefs.study.panels import CONFLICTS, load_panel
from beliefs.study.tables.rows import counted_events

CLIMATOLOGY, ONLINE, AGE, REGRESSION = "climatology", "online rate", "age", "age, talks, force"
BASELINES = (CLIMATOLOGY, ONLINE, AGE, REGRESSION)
HORIZONS = {"talks": (1, 4, 12), "agreement": (12, 52)}  # periods, by target
LONGEST = max(max(ahead) for ahead in HORIZONS.values())
PRIOR_WEEKS = 8  # periods that the rate of the others counts for in a conflict's own
DECAYS = (2.0, 8.0, 1000.0)  # e-folding times of past talks and force, in weeks
LEAD_DAYS = 56  # before a conflict begins that its past is read
RIDGE = 5.0
RESAMPLES = 4000
BINS = 10  # of forecasts, with as many in each
ERAS, LENGTHS = (1946, 1990), (13, 53)  # first years and periods of later groups
BASELINE_FOLDS = 20  # in which regressions leave conflicts out
ENDS_AFTER: Mapping[str, Callable[[Inputs], Bools]] = {
    "no talks": lambda one: one.talks == 0, "talks": lambda one: one.talks > 0,
    "no agreement": lambda one: one.observed.deal == 0,
}  # fmt: skip
"""Periods after which a conflict may end."""
AS_PRIOR, UNTAUGHT = "{}, as priors", "{}, own priors"
"""Forecasts from priors that `priors_of` makes of a population, and from a theory's own."""
STACK = "stack"  # of all theories, by weights that are best on the very rows
MANY = 10_000  # draws of priors
GRID = 100  # steps in which times to first talks are held against uniform ones


Key = tuple[str, int]
NEXT: Key = ("talks", 1)


@dataclass(frozen=True, eq=False)
class PanelScores:
    """Forecasts made before each period: one row per conflict and period, in order."""

    panel: str
    conflict: tuple[str, ...]  # names, in order
    begun: NDArray[np.int64]  # year in which each began
    place: NDArray[np.intp]  # of the conflict of each row
    # By target and horizon: whether it came before the conflict ended, and by forecaster, baselines
    # first, its probability
    held: Mapping[Key, Floats]
    p: Mapping[str, Mapping[Key, Floats]]
    folds: int | None
    seed: int
    # By theory how well populations were sampled, see `WORST`; ``pareto_k`` of all weights, None
    # where every fold was fitted, and ``refitted``, conflicts whose k was above `RELIABLE`.
    checks: Mapping[str, Mapping[str, Any]]

    def log_score(self, name: str, key: Key = NEXT) -> Floats:
        """Return the log score of each row, larger is better."""
        p = self.p[name][key]
        return np.log(np.where(self.held[key] > 0, p, 1.0 - p))

    def over(self, name: str, other: str, key: Key = NEXT, among: Any = True) -> dict[str, float]:
        """Return by how many nats a forecaster is ahead of another in conflicts among all."""
        gap = self.log_score(name, key) - self.log_score(other, key)
        gap = np.bincount(self.place, gap)[np.broadcast_to(among, len(self.conflict))]
        return {"nats": float(gap.sum())} | interval((self._drawn(len(gap)) * gap).sum(axis=1))

    def _drawn(self, n: int) -> Floats:
        """Return how often each of n conflicts is in each resample, (resample, n)."""
        rng = np.random.default_rng([self.seed, 9])
        return rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(float)

    def reliability(self, name: str, key: Key = ("talks", 4)) -> list[dict[str, Any]]:
        """Return what was forecast and observed by bins of forecasts, with 90 % intervals."""
        p, held = self.p[name][key], self.held[key]
        rank = np.argsort(np.argsort(p, kind="stable"))
        times, rows = self._drawn(len(self.conflict)), []
        for k in range(BINS):
            mine = rank * BINS // len(p) == k
            n, hits, forecast = (
                np.bincount(self.place[mine], weight, len(self.conflict))
                for weight in (np.ones(mine.sum()), held[mine], p[mine])
            )
            gap = (times @ (hits - forecast)) / np.maximum(times @ n, 1.0)
            mean, off = float(p[mine].mean()), interval(gap)
            rows.append({
                "n": int(mine.sum()), "forecast": mean, "observed": float(held[mine].mean()),
                "low": mean + off["low"], "high": mean + off["high"],
                "inside": off["low"] <= 0.0 <= off["high"],
            })  # fmt: skip
        return rows

    def pit(self, name: str) -> Floats:
        """Return the randomised transform of the time to first talks, by conflict that had any."""
        none, out = 1.0 - self.p[name][NEXT], []
        uniform = np.random.default_rng([self.seed, 10]).random(len(self.conflict))
        for k in range(len(self.conflict)):
            mine = self.place == k
            first = int(np.argmax(self.held[NEXT][mine]))
            left = np.cumprod(np.r_[1.0, none[mine][: first + 1]])
            if self.held[NEXT][mine].any():
                out.append(float(pit(1.0 - left[-2], 1.0 - left[-1], uniform[k])))
        return np.asarray(out)

    def first_talks(self, name: str) -> dict[str, Any]:
        """Return counts of `pit` by tenths, and the p-value that it is uniform in all at once."""
        u = self.pit(name)
        counts, p = np.histogram(u, BINS, (0, 1))[0].tolist(), p_value(np.floor(GRID * u), GRID - 1)
        return {"n": len(u), "counts": counts, "p": p}

    def groups(self) -> dict[str, Bools]:
        """Return which conflicts are of each era and length, of those that have any."""
        length, out = np.bincount(self.place), {}
        for values, (one, two), unit in ((self.begun, ERAS, ""), (length, LENGTHS, " periods")):
            of = np.searchsorted((one, two), values, side="right")
            for k, words in enumerate((f"before {one}", f"{one} to {two - 1}", f"from {two}")):
                if (of == k).any():
                    out[words + unit] = of == k
        return out

    def weights(self) -> dict[str, float]:
        """Return the weights of theories in a mixture for talks within a period."""
        scores = np.stack([self.log_score(name) for name in self.checks])
        return dict(zip(self.checks, stacking_weights(scores).tolist(), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return the scores for JSON."""
        theories, shown = list(self.checks), [*BASELINES, *self.checks]
        tables: dict[str, dict[str, Any]] = {target: {} for target, _ in self.held}
        for key, held in self.held.items():
            rows = {}
            for name in (name for name, p in self.p.items() if key in p):
                rows[name] = {"log_score": float(self.log_score(name, key).sum()),
                              "brier": float(np.mean((self.p[name][key] - held) ** 2)),
                              "over_online": self.over(name, ONLINE, key)}  # fmt: skip
                if name in theories:
                    rows[name][f"over_{REGRESSION}"] = self.over(name, REGRESSION, key)
                if name in (*theories[1:], STACK):
                    rows[name][f"over_{theories[0]}"] = self.over(name, theories[0], key)
            tables[key[0]][str(key[1])] = rows
        among = self.groups()
        return {
            "panel": self.panel, "conflicts": len(self.conflict), "periods": len(self.place),
            "with_talks": int(self.held[NEXT].sum()), "folds": self.folds, "seed": self.seed,
            "within": tables,
            "groups": {g: {"conflicts": int(of.sum())} | {n: self.over(n, ONLINE, among=of)
                       for n in shown if n != ONLINE} for g, of in among.items()},
            "reliability": {
                f"{key[0]} {key[1]}": {name: self.reliability(name, key) for name in theories}
                for key in self.held
            },
            "first_talks": {name: self.first_talks(name) for name in theories},
            "weights": self.weights(),
            "checks": self.checks,
        }  # fmt: skip


def score_panel(
    panel: str | Path,
    theories: Sequence[str | Path | Theory],
    *,
    folds: int | None,
    every: bool = False,
    seed: int,
    sampling: Sampling,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Say = to_log,
) -> PanelScores:
    """Score forecasts of talks and agreements by theories, on conflicts that were left out.

    Every theory is fitted anew without each of some `folds`; None: once to all, and draws are
    weighted as if a conflict were not in it. Unless `every` counts, conflicts without any talks do
    not, so that all forecasters know one thing of a conflict: that talks come. `seed` is that of
    folds, samplers and bootstrap; who does the work, see `done`, changes no number. A StudyError
    says that there are fewer conflicts than folds.
    """
    progress(f"read {panel}")
    cells = load_panel(panel).tables[CONFLICTS].cells
    known = [known_at_end(f"{panel}/{conflict}") for conflict in cells["conflict"]]
    ends = np.asarray(cells.get("ended", cells["end"])) <= np.asarray(cells["end"])
    read = [(study, build_inputs(study), over) for study, over in zip(known, ends, strict=True)]
    read = [one for one in read if every or one[1].talks.any()]
    if not any(one.talks.any() for _, one, _ in read):
        raise StudyError(
            "no conflict of the panel has talks", where=str(panel),
            found=counted(len(known), "conflict"), expected="talks.csv with rounds of talks",
            fix="score a panel of conflicts that talk; `beliefs panels` lists those at hand",
        )  # fmt: skip
    if not 2 <= (folds or 2) <= len(read):
        raise StudyError(
            "the conflicts cannot be divided into these folds", where="folds",
            found=f"{folds or 2} folds of {len(read)} conflicts",
            expected="from 2 folds to as many as there are conflicts",
            fix="choose fewer folds, a larger panel, or --every, for conflicts without talks too",
        )  # fmt: skip
    studies, inputs, over = zip(*read, strict=True)
    names = tuple(study.name for study in studies)
    groups = min(folds or BASELINE_FOLDS, len(read))
    group = np.random.default_rng(seed).permutation(np.arange(len(read)) % groups)
    place = np.repeat(np.arange(len(read)), [len(one.talks) for one in inputs])
    came = {"talks": [one.talks > 0 for one in inputs],
            "agreement": [one.observed.deal > 0 for one in inputs]}  # fmt: skip
    asked = {t: ahead for t, ahead in HORIZONS.items() if any(one.any() for one in came[t])}
    held = {
        (target, h): np.concatenate([_within(one, h) for one in came[target]])
        for target, ahead in asked.items()
        for h in ahead
    }
    endings = {
        what: _endings([of(one) for one in inputs], np.array(over), group)
        for what, of in ENDS_AFTER.items()
    }
    p: dict[str, dict[Key, Floats]] = {name: {} for name in BASELINES}
    for target, ahead in asked.items():
        seen = {h: held[target, h] for h in ahead}
        now = np.concatenate(came[target])
        last = endings["no talks" if target == "talks" else "no agreement"]
        for name, each in _baselines(studies, group, place, now, seen, last).items():
            p[name] |= {(target, h): values for h, values in each.items()}
    outs = [None] if folds is None else [np.flatnonzero(group == k).tolist() for k in range(folds)]
    jobs = [(theory, out) for theory in map(theory_of, theories) for out in outs]
    found: dict[str, dict[int, Any]] = {}
    fits: dict[str, list[dict[str, Any]]] = {}
    shared = names, inputs, endings, asked, seed, sampling
    work = done(_forecasts, jobs, lambda: shared, workers, scheduler)
    for n, (theory, within, fit) in enumerate(work, 1):
        for name, each in within.items():
            found.setdefault(name, {}).update(each)
        fits.setdefault(theory, []).append(fit)
        progress(f"{n} of {len(jobs)} fits")
    ids = list(dict.fromkeys(theory.id for theory, _ in jobs))
    more = [form.format(name) for form in (AS_PRIOR, UNTAUGHT) for name in ids]
    for name in (*ids, *more):
        within, keys = found[name], [key for key in held if key == NEXT or name in ids]
        p[name] = {
            (t, h): np.concatenate([within[k][t][h] for k in range(len(read))]) for t, h in keys
        }
    checks = {
        name: fits[name][0] | {key: of([x[key] for x in fits[name]]) for key, of in WORST.items()}
        for name in ids
    }
    begun = np.array([one.dates[0].astype("M8[Y]").astype(int) + 1970 for one in inputs])
    scores = PanelScores(str(panel), names, begun, place, held, p, folds, seed, checks)
    if len(ids) > 1:
        mixed = sum(weight * p[name][NEXT] for name, weight in scores.weights().items())
        scores = replace(scores, p={**p, STACK: {NEXT: np.asarray(mixed)}})
    return scores


_COMPILED: dict[str, Panelled] = {}
"""The theory that a process compiled last, so that its folds need not."""


def _forecasts(
    job: tuple[Theory, list[int] | None], shared: Any
) -> tuple[str, dict[str, dict[int, Any]], dict[str, Any]]:
    """Return forecasts by name and place of a fold, or of each conflict left out in turn."""
    (theory, out), (names, inputs, endings, asked, seed, sampling) = job, shared
    if (key := f"{theory.sha256} {names}") not in _COMPILED:
        _COMPILED.clear()
        _COMPILED[key] = Panelled(theory, names, inputs)
    compiled = _COMPILED[key]
    whole = compiled.population(seed=seed, without=out or (), sampling=sampling)
    populations = dict.fromkeys(out or (), whole)
    fitted, k = [whole], np.zeros(0)
    if out is None:
        weights, k = array_stats.psislw(np.stack([log_likelihood(whole, one) for one in inputs]))
        for place in range(len(inputs)):
            rng = np.random.default_rng([seed, place, 1])
            populations[place] = (
                compiled.population(seed=seed, without=[place], sampling=sampling)
                if k[place] > RELIABLE
                else whole.weighted(np.exp(weights[place] - weights[place].max()), rng)
            )
        fitted += [populations[place] for place in np.flatnonzero(k > RELIABLE).tolist()]
    check = {key: of([getattr(one, key) for one in fitted]) for key, of in WORST.items()}
    check |= {"pareto_k": float(np.max(k)) if len(k) else None, "refitted": len(fitted) - 1}
    found: dict[str, dict[int, Any]] = {
        form.format(theory.id): {} for form in ("{}", AS_PRIOR, UNTAUGHT)
    }
    for place, population in populations.items():
        ending = np.stack([endings[what][place] for what in ("no talks", "talks")])
        one, soon = inputs[place], {"talks": (1,)}
        as_prior, own = (compiled.by_priors(one, seed, MANY, of) for of in (population, None))
        each = ((population, asked, DRAWS), (as_prior, soon, MANY), (own, soon, MANY))
        for name, (of, ahead, n) in zip(found, each, strict=True):
            rng = np.random.default_rng([seed, place])
            found[name][place] = follow(of, one, rng, horizons=ahead, ending=ending, draws=n)
    return theory.id, found, check


def _within(held: Bools, horizon: int) -> Floats:
    """Return whether there are talks in each period or the next before the last, (T,)."""
    total, first = np.cumsum(np.r_[0, held]), np.arange(len(held))
    return (total[np.minimum(first + horizon, len(held))] > total[first]).astype(float)


def _endings(after: Sequence[Bools], over: Bools, group: NDArray[np.intp]) -> list[Floats]:
    """Return how likely each conflict ends after a period of a kind, by age, by other folds.

    `after` says which periods are of the kind, `over` which conflicts had ended when their rows do.
    """
    terms = [age_terms(len(one))[one] for one in after]
    ends = [(np.r_[np.zeros(len(one) - 1), z] > 0)[one] for one, z in zip(after, over, strict=True)]
    longest, found = max(map(len, after)) + LONGEST, {}
    for fold in np.unique(group):
        taught = [k for k, of in enumerate(group) if of != fold]
        x, y = (np.concatenate([rows[k] for k in taught]) for rows in (terms, ends))
        found[fold] = _regression(x, y, age_terms(longest))
    return [found[fold][: len(one) + LONGEST] for one, fold in zip(after, group, strict=True)]


def _baselines(
    studies: Sequence[Study], group: NDArray[np.intp], place: NDArray[np.intp], now: Bools,
    held: Mapping[int, Floats], endings: Sequence[Floats],
) -> dict[str, dict[int, Floats]]:  # fmt: skip
    """Return the probability of a target by baseline and horizon, from the other folds alone.

    `now` says in which periods it came, `held` within which horizons.
    """
    terms = np.concatenate([age_terms(n) for n in np.bincount(place).tolist()])
    more = np.c_[terms, np.concatenate([past_terms(study) for study in studies])]
    of = group[place]
    p = {name: {h: np.empty(len(now)) for h in held} for name in BASELINES}
    for fold in np.unique(group):
        out = of == fold
        rate = now[~out].mean()
        for k in np.flatnonzero(group == fold).tolist():
            mine = place == k
            before = np.cumsum(now[mine]) - now[mine]
            each = (before + PRIOR_WEEKS * rate) / (np.arange(mine.sum()) + PRIOR_WEEKS)
            for name, chance in ((ONLINE, each), (CLIMATOLOGY, np.full(mine.sum(), rate))):
                lasts, so_far = np.ones(mine.sum()), np.zeros(mine.sum())
                for ahead in range(max(held)):
                    so_far = so_far + lasts * chance
                    lasts = lasts * (1.0 - chance) * (1.0 - endings[k][ahead : ahead + mine.sum()])
                    if ahead + 1 in held:
                        p[name][ahead + 1][mine] = so_far
        for h, seen in held.items():
            for name, x in ((AGE, terms), (REGRESSION, more)):
                p[name][h][out] = _regression(x[~out], seen[~out] > 0, x[out])
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


def _regression(terms: Floats, held: Bools, new: Floats) -> Floats:
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
