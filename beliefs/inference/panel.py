"""Learning from many conflicts: what their parameters have in common, and forecasts of others.

Base hazards vary between conflicts, normally around a mean; all other parameters are shared. What
differs from a study of one conflict, and why, says MODEL section 5.2. Conflicts lead every array of
the equations of a single study, in batches of similar length that are padded with unseen periods.

Agreements, ceasefires included, are taught in a second stage, as blocks of actions are: their
hazard reads talks of the fortnight before and the surplus that the first stage expects, and every
conflict has its own level of it.

A conflict of which a population knows nothing weights its draws by the talks of the periods before
(importance sampling): exact as draws grow, and enough for the few with talks that a crisis has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.steps import FORTNIGHT, Floats, TalksPast, conflict_age, log_age
from beliefs.inference.diagnose import diagnose
from beliefs.inference.nuts.sampling import Sampling, checked_seed
from beliefs.inference.posterior import drawn, stacked_params
from beliefs.model import system
from beliefs.model.contract import Parameter
from beliefs.model.mechanisms import bargaining, belief, outcomes, talks
from beliefs.model.observation import probability
from beliefs.model.pooled import quadrature
from beliefs.model.priors import no_fastmath
from beliefs.model.structure import Columns, Structure, columns, structure_of
from beliefs.model.theory import (
    BARE,
    Theory,
    declared,
    free_parameters,
    null_values,
    scaled_prior,
    theory_of,
)
from beliefs.study.dates import day_of
from beliefs.study.load import known_at_end
from beliefs.study.panels import CONFLICTS, load_panel

VARYING = ("onset_base", "continuation_base")
"""Base hazards of talks, of which a conflict may have its own."""
DEALS = "deal_base"  # one more, of agreements
DEAL_READS = next(f.reads for f in outcomes.FACTORS if f.name == "deal")
SPREAD = 0.7  # scale of the half-normal prior of a spread, in log-odds (judgement)
FEWEST = 20  # conflicts that can say how much they differ
LEARNT_BELOW = 0.9  # share of its prior's spread that a parameter's may be to have been learnt
UNANCHORED = ("belief_mean", "initial")  # levels of belief, which readings anchor in a study alone
DRAWS = 500  # that a conflict is followed with
FEW = 200  # draws of a population that say what surplus is expected
TARGETS = ("talks", "agreement")
Horizons = Mapping[str, Sequence[int]]
LENGTHS = (12, 40, 80)  # periods at which batches are cut; the last has the rest
STILL = ("innovation", "log_volatility")  # at null: beliefs move by evidence alone
KNOWN = (
    "active", "talks", "talks_previous", "talks_seen", "spell_age", "talks_before", "conflict_age",
    "announced", "scheduled", "power_shift",
)  # fmt: skip
"""Columns that a forecast of a period may read in that period; see `known_before`."""
TALKS = ("talks_seen", "talks", "talks_previous", "spell_age", "talks_before")
"""Columns that are data of a compiled panel, so that folds and drawn panels need no other."""
LASTING = ("cost", "hinge", "power_shift", "pressure", "truce", "waiver")
"""Columns that stay as they are over the periods of a forecast, see `follow`."""
BY_SIDE = frozenset({"side", "enduring_side", "own_term", "other_term", "cost_term"})
"""Dimensions of which the first half is of one side and the second of the other."""

WORST: dict[str, Any] = {"r_hat": max, "ess": min, "divergent_share": max}  # of several fits
WORST["failures"] = lambda of: sum(of, ())

Draws = Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Population:
    """Draws of what conflicts have in common under one theory.

    `shared` has parameters and means, (draw, *dims), `spread` the standard deviations between
    conflicts of those that vary, likewise. `conflicts` are those that taught it.
    """

    theory: Theory
    shared: Draws
    spread: Draws
    conflicts: tuple[str, ...]
    r_hat: float
    ess: float
    divergent_share: float
    failures: tuple[str, ...] = ()  # of the convergence check

    def weighted(self, weights: Floats, rng: np.random.Generator) -> Population:
        """Return the population whose draws count by weights (draw,), by resampling."""
        rows = rng.choice(len(weights), len(weights), p=weights / weights.sum())
        shared, spread = ({k: v[rows] for k, v in of.items()} for of in (self.shared, self.spread))
        return replace(self, shared=shared, spread=spread)

    def new_conflict(self, rng: np.random.Generator, samples: int) -> dict[str, Any]:
        """Return parameters of conflicts that nobody saw, (sample, *dims)."""
        rows = rng.permutation(np.resize(np.arange(len(next(iter(self.shared.values())))), samples))
        out = {name: values[rows] for name, values in self.shared.items()}
        for name, spread in self.spread.items():
            out[name] = out[name] + spread[rows] * rng.normal(size=out[name].shape)
        return out


@dataclass(frozen=True, eq=False)
class Batch:
    """Conflicts of similar length: columns (conflict, ..., time), and their places in the panel."""

    places: NDArray[np.intp]
    structure: Structure
    columns: Columns


def of_panel(theory: Theory) -> Theory:
    """Return a theory as a panel is fitted with it.

    What one conflict cannot teach is free; readings of belief are left out.
    """
    taught = {
        name: scaled_prior(p.prior, 1.0) or {}
        for name, (_, p) in declared(BARE).items()
        if not (p.on or name in (*theory.priors, "base_surplus"))
    }
    on = tuple(name for name in theory.mechanisms if name != "readings")
    null = theory.null if theory.free is not None else (*theory.null, *STILL)
    return replace(theory, mechanisms=on, null=null, priors={**taught, **theory.priors})


def known_before(cols: Columns) -> Columns:
    """Return columns in which a period brings what the one before it brought."""
    after = np.arange(len(cols["active"])) > 0
    return {
        name: values if name in KNOWN else np.roll(values, 1, axis=-1) * after
        for name, values in cols.items()
        if not name.startswith(("cell_", "guess", "reading"))
    }


def one_for_both(structure: Structure, dims: tuple[str, ...]) -> bool:
    """Tell whether one value serves both sides: each has as many terms of each sort."""
    sides = [
        [structure.terms[k].side for k in structure.own],
        [structure.terms[k].side for k in structure.other],
        [term.side for term in structure.cost_terms],
    ]
    alike = all(sorted(of) == of and 2 * sum(of) == len(of) for of in sides)
    return alike and not BY_SIDE.isdisjoint(dims)


def of_both(xp: Any, values: Any, p: Parameter, structure: Structure) -> Any:
    """Return a parameter, (..., *dims), given its values of the first side if they serve both."""
    return xp.concatenate([values] * 2, axis=-1) if one_for_both(structure, p.dims) else values


def batches(conflicts: Sequence[Inputs]) -> list[Batch]:
    """Return the conflicts of a panel in batches, padded to the longest of each."""
    length = np.array([len(inputs.dates) for inputs in conflicts])
    group = np.searchsorted(LENGTHS, length)
    found = []
    for which in np.unique(group):
        places = np.flatnonzero(group == which)
        longest = int(length[places].max())
        each = [known_before(columns(conflicts[int(k)])) for k in places]
        stacked = {
            name: np.stack([_padded(cols[name], longest) for cols in each]) for name in each[0]
        }
        stacked["truce"] = stacked["truce"][:, None]  # it meets arrays by side
        alike = replace(structure_of(conflicts[int(places[0])]), n_time=longest)
        found.append(Batch(places, alike, stacked))
    return found


def _padded(values: NDArray[Any], longest: int) -> Floats:
    short = longest - values.shape[-1]
    return np.pad(np.asarray(values, dtype=float), [(0, 0)] * (values.ndim - 1) + [(0, short)])


def _samplers() -> tuple[Any, Any, Any]:
    """Return PyMC, its tensors and nutpie."""
    import nutpie  # all are slow to load, and what follows a conflict samples nothing
    import pymc as pm
    import pytensor.tensor as pt

    return pm, pt, nutpie


def population_model(theory: Theory, panel: Sequence[Batch]) -> Any:
    """Return the PyMC model of a panel; ``talks_seen_0``, ... say which periods teach it."""
    pm, pt, *_ = _samplers()
    structure = panel[0].structure
    size = sum(len(batch.places) for batch in panel)
    free = {p.name: p for p in free_parameters(theory, structure)}
    # Built outside the model: distributions without a name, for their densities alone.
    unnamed = {name: free[name].prior.to_pymc() for name in VARYING if name in free}
    nulls = [null_values(theory, batch.structure) for batch in panel]
    with pm.Model() as model:
        shared: dict[str, Any] = {}
        for name, p in free.items():
            if name not in VARYING:
                share = 2 if one_for_both(structure, p.dims) else 1
                shape = tuple(n // share for n in structure.size(p.dims))
                shared[name] = of_both(pt, p.prior.to_pymc(name, shape=shape), p, structure)
        # What moves the hazards does not depend on their intercepts.
        given = [{n: pt.as_tensor_variable(v) for n, v in null.items()} | shared for null in nulls]
        zero = dict.fromkeys(VARYING, pt.zeros(()))
        data = [
            batch.columns
            | {name: pm.Data(f"{name}_{number}", batch.columns[name]) for name in TALKS}
            for number, batch in enumerate(panel)
        ]
        runs = [
            system.evaluate(pt, zero | params, cols, batch.structure)
            for params, cols, batch in zip(given, data, panel, strict=True)
        ]
        active = [batch.columns["active"] for batch in panel]
        total = sum((run.surplus * on).sum() for run, on in zip(runs, active, strict=True))
        typical = 10.0 * total / sum(on.sum() for on in active)
        own = {}
        for name, prior in unnamed.items():
            # Sampled at the typical surplus: at surplus 0, where no conflict may be, it trades off
            # against the effect of the surplus.
            here = pm.Flat(f"{name}_here", initval=float(free[name].prior.mean()))
            effect = given[0]["surplus_effect"][VARYING.index(name)]
            shared[name] = pm.Deterministic(name, here - effect * typical)
            pm.Potential(f"{name}_prior", pm.logp(prior, shared[name]))
            if name in theory.varying:
                spread = pm.HalfNormal(f"{name}_spread", SPREAD)
                own[name] = spread * pm.Normal(f"{name}_of", shape=(size,))
        for number, (batch, params, run) in enumerate(zip(panel, given, runs, strict=True)):
            params |= {name: shared[name] for name in unnamed}
            params |= {name: shared[name] + own[name][batch.places] for name in own}
            hazards = _hazards(pt, params, data[number], batch.structure, run)(params)
            density = talks.log_likelihood(pt, data[number], *hazards)
            pm.Potential(f"log_talks_{number}", density.sum())
    return model


def _hazards(xp: Any, params: Any, cols: Columns, structure: Structure, run: system.System) -> Any:
    """Return the hazards of talks as a function of parameters and columns, beliefs as in a run."""
    shift, lower = system.shift(xp, params, cols, structure), bargaining.lower(xp, run.logit_belief)

    def hazards(params: Any, **changed: Any) -> tuple[Any, Any]:
        return talks.hazards(xp, params, cols | changed, run.surplus, shift, lower)

    return hazards


class Panelled:
    """A theory compiled on a panel once, for folds that leave conflicts out."""

    @no_fastmath
    def __init__(self, theory: Theory, names: Sequence[str], conflicts: Sequence[Inputs]) -> None:
        *_, nutpie = _samplers()
        self.theory, self.own = of_panel(theory), theory.priors
        self.names, self.conflicts = tuple(names), conflicts
        self.batches = batches(conflicts)
        self.compiled = nutpie.compile_pymc_model(population_model(self.theory, self.batches))

    @no_fastmath
    def fit(
        self,
        *,
        seed: int,
        without: Collection[int] = (),
        sampling: Sampling,
        drawn: Mapping[str, Any] | None = None,
    ) -> Population:
        """Sample the population that all conflicts but those at some places teach.

        `drawn` has other values of `TALKS`, by name and number of the batch: ``talks_0``.
        """
        out = np.array(sorted(without), dtype=int)
        data = {
            f"talks_seen_{k}": batch.columns["talks_seen"] * ~np.isin(batch.places, out)[:, None]
            for k, batch in enumerate(self.batches)
        } | dict(drawn or {})
        structure = self.batches[0].structure
        free = free_parameters(self.theory, structure)
        draws, spread, checks = _sampled(
            self.compiled.with_data(**data), [p.name for p in free], seed, sampling
        )
        shared = {p.name: of_both(np, draws[p.name], p, structure) for p in free}
        names = tuple(n for k, n in enumerate(self.names) if k not in set(out.tolist()))
        return Population(self.theory, shared, spread, names, **checks)

    def by_priors(
        self, inputs: Inputs, seed: int, size: int, taught_by: Population | None = None
    ) -> Population:
        """Return draws of what priors say of a conflict, innovations apart.

        The theory's own, or those that `priors_of` makes of a population.
        """
        theory, structure = replace(self.theory, priors=self.own), structure_of(inputs)
        if taught_by is not None:
            more, level = priors_of(taught_by, structure, seed=seed), base_surplus(taught_by)
            theory = replace(theory, priors={**self.own, **more}, base_surplus=level)
        rng = np.random.default_rng(seed)
        draws = drawn(free_parameters(theory, structure), structure, rng, (size,))
        return Population(theory, draws, {}, (), 1.0, size, 0.0)

    @no_fastmath
    def population(
        self, *, seed: int, without: Collection[int] = (), sampling: Sampling
    ) -> Population:
        """Sample the population, and what agreements teach, if any, given expected surpluses."""
        found = self.fit(seed=seed, without=without, sampling=sampling)
        pm, pt, nutpie = _samplers()
        structure = self.batches[0].structure
        every = {p.name: p for p in free_parameters(self.theory, structure, "actions")}
        if DEALS not in every or not any(one.observed.deal.any() for one in self.conflicts):
            return found
        free = [every[name] for name in DEAL_READS if name in every]
        each = [deal_columns(one, expected_surplus(found, one)) for one in self.conflicts]
        for k in without:
            each[k]["deal_seen"] = 0.0 * each[k]["deal_seen"]
        with pm.Model() as model:
            params: dict[str, Any] = dict(null_values(self.theory, structure, "actions"))
            params |= {p.name: p.prior.to_pymc(p.name) for p in free}
            own = params[DEALS] + pt.zeros(len(each))
            if DEALS in self.theory.varying:
                spread = pm.HalfNormal(f"{DEALS}_spread", SPREAD)
                own = own + spread * pm.Normal("of", shape=(len(each),))
            for number, batch in enumerate(self.batches):
                mine = [each[k] for k in batch.places]
                longest = batch.structure.n_time
                cols = {k: np.stack([_padded(one[k], longest) for one in mine]) for k in mine[0]}
                given = params | {DEALS: own[batch.places]}
                density = outcomes.log_likelihood(pt, given, cols, structure, ["deal"])["deal"]
                pm.Potential(f"log_agreements_{number}", density.sum())
        draws, more, checks = _sampled(
            nutpie.compile_pymc_model(model), [p.name for p in free], seed, sampling
        )
        worst = {k: of((getattr(found, k), checks[k])) for k, of in WORST.items()}
        shared, spreads = {**found.shared, **draws}, {**found.spread, **more}
        return replace(found, shared=shared, spread=spreads, **worst)


def _sampled(
    compiled: Any, names: list[str], seed: int, sampling: Sampling
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, Any]]:
    """Return draws by name, (draw, *dims), spreads likewise, and values of `WORST`."""
    *_, nutpie = _samplers()
    raw = nutpie.sample(
        compiled, draws=sampling.draws, tune=sampling.tune, chains=sampling.chains,
        cores=sampling.cores, seed=checked_seed(seed), target_accept=sampling.target_accept,
        save_warmup=False, progress_bar=False,
    )  # fmt: skip
    whole, stats = (raw[group].to_dataset() for group in ("posterior", "sample_stats"))
    spreads = [name for name in whole.data_vars if str(name).endswith("_spread")]
    kept = whole[[*names, *spreads]]
    draws = {str(n): v.values.reshape(-1, *v.shape[2:]) for n, v in kept.data_vars.items()}
    spread = {str(name).removesuffix("_spread"): draws.pop(str(name)) for name in spreads}
    report = diagnose(xr.DataTree.from_dict({"posterior": kept, "sample_stats": stats}))
    return draws, spread, {key: getattr(report, key) for key in WORST}


def deal_columns(inputs: Inputs, surplus: Floats) -> Columns:
    """Return what the hazard of agreements reads before each period, and what came, (time,)."""
    names = ("deal", "deal_seen", "talks_recent", "agenda_share", "power_shift")
    return {k: 1.0 * getattr(inputs.observed, k) for k in names} | {"surplus_lag": surplus}


def expected_surplus(population: Population, inputs: Inputs) -> Floats:
    """Return the surplus in the mean of a population before each period, (time,)."""
    structure, cols = structure_of(inputs), known_before(columns(inputs))
    few = {k: v[:: max(len(v) // FEW, 1)] for k, v in population.shared.items()}
    run = system.evaluate(np, stacked_params(population.theory, structure, few), cols, structure)
    return np.atleast_2d(run.surplus).mean(axis=0) * np.ones(structure.n_time)


def follow(
    population: Population,
    inputs: Inputs,
    rng: np.random.Generator,
    *,
    horizons: Horizons,
    ending: Floats,
    draws: int = DRAWS,
) -> dict[str, dict[int, Floats]]:
    """Return the probability of a target within each horizon, as known before each of T periods.

    By target (`TARGETS`) and horizon, (T,). Beliefs go on from where they are, and all else is what
    it was in the mean of the conflict so far (`LASTING` stays); time since talks and the age of the
    conflict go on, and it may end: `ending` is the probability that it does after a period without
    talks and after one with talks, by age, (2, T + largest horizon or more).
    Agreements follow talks, which are drawn.
    """
    structure, cols = structure_of(inputs), known_before(columns(inputs))
    drawn, n = population.new_conflict(rng, draws), structure.n_time
    deals = {k: drawn[k] for k in DEAL_READS if k in drawn}
    params = stacked_params(population.theory, structure, drawn)
    run = system.evaluate(np, params, cols, structure)
    density = talks.log_likelihood(np, cols, run.onset, run.continuation) + np.zeros((draws, 1))
    if deals:
        seen = deal_columns(inputs, expected_surplus(population, inputs))
        density = density + _log_deals(population.theory, structure, deals, seen)
    weight = np.cumsum(density, axis=1) - density
    weight = np.exp(weight - logsumexp(weight, axis=0))
    # Where periods were, the places from which forecasts are made: (draw, place, ..., 1).
    wide = {k: v[:, None] if k in drawn else v for k, v in params.items()}
    wide["innovation"], days = np.zeros((2, 1)), structure.step_weeks * 7.0
    begin = belief.start_of(params) + np.zeros((draws, 2)), np.zeros((draws, 2))
    now = [
        np.moveaxis(np.concatenate([start[..., None], path[..., :-1]], axis=-1), -1, -2)
        for start, path in zip(begin, _wide(run, (draws, 2, n)), strict=True)
    ]
    later, quiet = cols, TalksPast.of(cols, structure.recess)
    most = max(max(asked) for asked in horizons.values())
    lasts, open_, alive = (np.ones((draws, n)) for _ in range(3))
    lived = quiet._replace(idle=quiet.idle * np.ones((draws, 1)))
    # A stream of its own for every place, so that no forecast depends on how many follow.
    uniform = np.stack([one.random((most, draws)) for one in rng.spawn(n)], axis=-1)
    so_far = {target: np.zeros((draws, n)) for target in horizons}
    hazard_of = _deals(population.theory, structure, deals)
    within: dict[str, dict[int, Floats]] = {target: {} for target in horizons}
    for ahead in range(most):
        if ahead < 2 or population.theory.beliefs:  # else nothing else goes on
            placed = {k: np.moveaxis(v, -1, 0)[..., None] for k, v in later.items()}
            placed["truce"] = placed["truce"][:, None]  # it meets arrays by side
            start = system.Start(*now) if population.theory.beliefs else None
            run = system.evaluate(np, wide, placed, structure, start)
            now = [x[..., 0] for x in _wide(run, (draws, n, 2, 1))]
        age = conflict_age((np.arange(n) + ahead) * structure.step_weeks)
        hazards = _hazards(np, wide, placed | {"conflict_age": age.T[..., None]}, structure, run)
        after_quiet, after_talks = ending[:, ahead : ahead + n]
        if ahead < max(horizons.get("talks", (0,))):
            hazard = _hazard(hazards, wide, quiet)
            so_far["talks"] += lasts * hazard
            lasts = lasts * (1.0 - hazard) * (1.0 - after_quiet)
            quiet = quiet.after(np.zeros(n))
        if "agreement" in horizons:
            surplus = np.broadcast_to(run.surplus[..., 0], (draws, n)).mean(axis=0)
            recent = lived.idle < max(1, round(FORTNIGHT / days))
            read = seen | {"talks_recent": recent, "surplus_lag": surplus}
            p = probability("cloglog", outcomes.deal(np, hazard_of, read, structure))
            so_far["agreement"] += alive * open_ * p
            open_ = open_ * (1.0 - p)
            held = uniform[ahead] < _hazard(hazards, wide, lived)
            alive = alive * (1.0 - np.where(held, after_talks, after_quiet))
            lived = lived.after(held)
        for target, asked in horizons.items():
            if ahead + 1 in asked:
                within[target][ahead + 1] = (weight * so_far[target]).sum(axis=0)
        if not ahead:
            many = np.arange(1, n + 1)
            later = {k: v if k in LASTING else np.cumsum(v, -1) / many for k, v in cols.items()}
    return within


def _wide(run: system.System, shape: tuple[int, ...]) -> list[Floats]:
    return [np.broadcast_to(x, shape) for x in (run.logit_belief, run.audience)]


def _hazard(hazards: Any, params: Any, past: TalksPast) -> Floats:
    """Return the hazard of talks given what is left of them, (draw, place)."""
    changed = {"spell_age": log_age(past.deadlock), "talks_before": np.log1p(past.times)}
    onset, continuation = hazards(params, **{k: v[..., None] for k, v in changed.items()})
    return np.where(past.on, continuation[..., 0], onset[..., 0])


def _deals(theory: Theory, structure: Structure, deals: Draws) -> dict[str, Any]:
    return {**null_values(theory, structure, "actions"), **deals}


def _log_deals(theory: Theory, structure: Structure, deals: Draws, seen: Columns) -> Floats:
    """Return the log likelihood of agreements by period, (..., time)."""
    params = _deals(theory, structure, deals)
    found: Floats = outcomes.log_likelihood(np, params, seen, structure, ["deal"])["deal"]
    return found


def log_likelihood(population: Population, inputs: Inputs) -> Floats:
    """Return the log likelihood of a conflict by draw of the population, (draw,).

    The conflict's own parameters are integrated out: those of onsets, of continuations, which no
    period shares, and of agreements.
    """
    structure, cols = structure_of(inputs), known_before(columns(inputs))
    params = stacked_params(population.theory, structure, dict(population.shared))
    run = system.evaluate(np, params, cols, structure)
    hazards = _hazards(np, params, cols, structure, run)
    each, (places, weights) = [], quadrature()
    seen = deal_columns(inputs, expected_surplus(population, inputs))
    deals = {k: population.shared[k] for k in DEAL_READS if k in population.shared}
    for place in places:
        moved = {k: population.shared[k] + place * of for k, of in population.spread.items()}
        density = talks.log_likelihood(np, cols, *hazards(params | moved))
        on = cols["talks_previous"]
        each.append([(density * (1.0 - on)).sum(axis=-1), (density * on).sum(axis=-1)])
        if deals:
            own = deals | {k: moved[k] for k in moved if k == DEALS}
            each[-1].append(_log_deals(population.theory, structure, own, seen).sum(axis=-1))
    total = logsumexp(np.asarray(each), axis=0, b=weights[:, None, None])
    return np.asarray(total.sum(axis=0))


def taught(population: Population, structure: Structure) -> list[Parameter]:
    """Return the parameters that a population has draws of."""
    every = free_parameters(population.theory, structure, None)
    return [p for p in every if p.name in population.shared]


def base_surplus(population: Population) -> float:
    """Return the surplus at which onsets do not depend on its effect, in tenths of the stake."""
    if (effect := population.shared.get("surplus_effect")) is None:
        return 0.0
    both = np.cov(population.shared[VARYING[0]], effect[:, 0])
    return round(population.theory.base_surplus - float(both[0, 1] / both[1, 1]), 2)


def priors_of(population: Population, structure: Structure, *, seed: int) -> dict[str, Any]:
    """Return priors of a new conflict by parameter: what the population taught, as tables.

    One for all elements of a parameter, a normal, gamma or beta one by what values it can have,
    with the mean and the spread of the draws of conflicts that nobody saw; base hazards are those
    at the surplus `base_surplus`.
    """
    new, found = population.new_conflict(np.random.default_rng(seed), 20_000), {}
    moved = base_surplus(population) - population.theory.base_surplus
    for x, name in enumerate(VARYING if "surplus_effect" in new else ()):
        new[name] = new[name] + moved * new["surplus_effect"][:, x]
    for p in taught(population, structure):
        mean, sd, before = float(new[p.name].mean()), float(new[p.name].std()), p.prior.std()
        low, high = (float(x) for x in p.prior.support)
        if sd > LEARNT_BELOW * float(before) or p.name in UNANCHORED:
            continue
        if (low, high) == (0.0, 1.0):
            size = mean * (1.0 - mean) / sd**2 - 1.0
            dist, numbers = "Beta", {"alpha": mean * size, "beta": (1.0 - mean) * size}
        elif low == 0.0:
            dist, numbers = "Gamma", {"alpha": (mean / sd) ** 2, "beta": mean / sd**2}
        else:
            dist, numbers = "Normal", {"mu": mean, "sigma": sd}
        found[p.name] = {"dist": dist} | {k: round(v, 3) for k, v in numbers.items()}
    return found


def fit_panel(
    panel: str | Path,
    theory: Theory | str | Path,
    *,
    until: str | None = None,
    seed: int,
    sampling: Sampling,
) -> tuple[Population, Structure]:
    """Sample the population that the conflicts of a panel teach, and a structure of one of them.

    Only conflicts that had ended by the date `until` teach it; a StudyError says that they are too
    few.
    """
    known = load_panel(panel)
    cells = known.tables[CONFLICTS].cells
    ends = dict(zip(cells["conflict"], cells.get("ended", cells["end"]), strict=True))
    last = None if until is None else str(day_of(until, "until"))
    names = [name for name in known.conflicts if last is None or ends[name] <= last]
    if len(names) < FEWEST:
        raise StudyError(
            "too few conflicts to say how they differ",
            where=f"{panel}, that had ended by {last}" if last else str(panel),
            found=f"{len(names)} conflicts", expected=f"at least {FEWEST}",
            fix="choose a later date" if last else "take a larger panel",
        )  # fmt: skip
    conflicts = [build_inputs(known_at_end(f"{panel}/{name}")) for name in names]
    compiled = Panelled(theory_of(theory), names, conflicts)
    return compiled.population(seed=seed, sampling=sampling), structure_of(conflicts[0])
