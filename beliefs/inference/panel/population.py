r"""A population: what parameters of many conflicts have in common, sampled by NUTS.

.. math:: \theta_c = \mu + \tau z_c, \qquad z_c \sim N(0, 1)

for the parameters that vary between conflicts; all others are shared. Talks are the data: conflicts
of a panel have few readings of belief, and those in hindsight. Beliefs move by evidence alone: a
few hundred periods with talks do not tell what thousands of unexplained moves were. What a period
brings is read one period later, so that the hazard of talks rests on what was known before it.
Which side of a conflict comes first says nothing, so both have the same parameters. The equations
are those of a single study; conflicts lead every array of them, in batches of similar length that
are padded with unseen periods.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.nuts.sampling import Sampling, checked_seed
from beliefs.model import system
from beliefs.model.contract import Parameter
from beliefs.model.mechanisms import bargaining, talks
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
from beliefs.study.load import read_study
from beliefs.study.panels import CONFLICTS, load_panel

VARYING = ("onset_base", "continuation_base")
"""Parameters of which every conflict has its own."""
SPREAD = 0.7  # scale of the half-normal prior of a spread, in log-odds (judgement)
FEWEST = 20  # conflicts that can say how much they differ
LENGTHS = (12, 40)  # periods at which batches are cut; the last has the rest
STILL = ("innovation", "log_volatility")  # at null: beliefs move by evidence alone
KNOWN = (
    "active", "talks", "talks_previous", "talks_seen", "spell_age", "talks_memory", "conflict_age",
)  # fmt: skip
"""Columns that a forecast of a period may read in that period; see `known_before`."""
TALKS = ("talks_seen", "talks", "talks_previous", "spell_age", "talks_memory")
"""Columns that are data of a compiled panel, so that folds and drawn panels need no other."""
BY_SIDE = frozenset({"side", "enduring_side", "own_term", "other_term", "cost_term"})
"""Dimensions of which the first half is of one side and the second of the other."""

Draws = Mapping[str, NDArray[np.float64]]


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

    def weighted(self, weights: NDArray[np.float64], rng: np.random.Generator) -> Population:
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
        if not p.on and name not in theory.priors
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


def tied(structure: Structure) -> bool:
    """Tell whether both sides have as many terms of each sort, so that one value serves both."""
    sides = [
        [structure.terms[k].side for k in structure.own],
        [structure.terms[k].side for k in structure.other],
        [term.side for term in structure.cost_terms],
    ]
    return all(sorted(of) == of and 2 * sum(of) == len(of) for of in sides)


def of_both(xp: Any, values: Any, dims: tuple[str, ...]) -> Any:
    """Return values of both sides, (..., *dims), given those of the first, (..., half of dims)."""
    return xp.concatenate([values, values], axis=-1) if BY_SIDE.intersection(dims) else values


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


def _padded(values: NDArray[Any], longest: int) -> NDArray[np.float64]:
    short = longest - values.shape[-1]
    return np.pad(np.asarray(values, dtype=float), [(0, 0)] * (values.ndim - 1) + [(0, short)])


def _shape(structure: Structure, p: Parameter) -> tuple[int, ...]:
    half = tied(structure) and not BY_SIDE.isdisjoint(p.dims)
    return tuple(n // 2 if half else n for n in structure.size(p.dims))


def population_model(theory: Theory, panel: Sequence[Batch]) -> Any:
    """Return the PyMC model of a panel; ``talks_seen_0``, ... say which periods teach it."""
    import pymc as pm  # slow to load, and what follows a conflict samples nothing
    import pytensor.tensor as pt

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
                values = p.prior.to_pymc(name, shape=_shape(structure, p))
                shared[name] = of_both(pt, values, p.dims) if tied(structure) else values
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
            spread = pm.HalfNormal(f"{name}_spread", SPREAD)
            own[name] = spread * pm.Normal(f"{name}_of", shape=(size,))
        for number, (batch, params, run) in enumerate(zip(panel, given, runs, strict=True)):
            params |= {name: shared[name] + own[name][batch.places] for name in own}
            lower, cols = bargaining.lower(pt, run.logit_belief), data[number]
            shift = system.shift(pt, params, cols, batch.structure)
            hazards = talks.hazards(pt, params, cols, run.surplus, shift, lower)
            pm.Potential(f"log_talks_{number}", talks.log_likelihood(pt, cols, *hazards).sum())
    return model


class Panelled:
    """A theory compiled on a panel once, for folds that leave conflicts out."""

    @no_fastmath
    def __init__(self, theory: Theory, names: Sequence[str], conflicts: Sequence[Inputs]) -> None:
        import nutpie  # slow to load, as above

        self.theory, self.names = of_panel(theory), tuple(names)
        self.batches = batches(conflicts)
        self.compiled = nutpie.compile_pymc_model(population_model(self.theory, self.batches))

    @no_fastmath
    def fit(
        self,
        *,
        seed: int,
        without: Collection[int] = (),
        sampling: Sampling | None = None,
        drawn: Mapping[str, Any] | None = None,
    ) -> Population:
        """Sample the population that all conflicts but those at some places teach.

        `drawn` has other values of `TALKS`, by name and number of the batch: ``talks_0``.
        """
        import arviz as az  # slow to load, as above
        import nutpie

        out, sampling = np.array(sorted(without), dtype=int), sampling or Sampling(500, 500)
        data = {
            f"talks_seen_{k}": batch.columns["talks_seen"] * ~np.isin(batch.places, out)[:, None]
            for k, batch in enumerate(self.batches)
        } | dict(drawn or {})
        raw = nutpie.sample(
            self.compiled.with_data(**data), draws=sampling.draws, tune=sampling.tune,
            chains=sampling.chains, cores=sampling.cores, seed=checked_seed(seed),
            target_accept=sampling.target_accept, save_warmup=False, progress_bar=False,
        )  # fmt: skip
        free = free_parameters(self.theory, self.batches[0].structure)
        spreads = [f"{p.name}_spread" for p in free if p.name in VARYING]
        kept = raw["posterior"].dataset[[*(p.name for p in free), *spreads]]
        draws = {n: v.values.reshape(-1, *v.shape[2:]) for n, v in kept.data_vars.items()}
        both = of_both if tied(self.batches[0].structure) else lambda xp, values, dims: values
        ess = min(float(v.min()) for v in az.ess(kept).data_vars.values())
        r_hat = max(float(v.max()) for v in az.rhat(kept).data_vars.values())
        return Population(
            self.theory,
            {p.name: both(np, draws[p.name], p.dims) for p in free},
            {name.removesuffix("_spread"): draws[name] for name in spreads},
            tuple(n for k, n in enumerate(self.names) if k not in set(out.tolist())),
            r_hat, ess, float(raw["sample_stats"]["diverging"].values.mean()),
        )  # fmt: skip


LEARNT_BELOW = 0.9  # share of its prior's spread that a parameter's may be to have been learnt


def priors_of(population: Population, structure: Structure, *, seed: int) -> dict[str, Any]:
    """Return priors of a new conflict by parameter: what the population taught, as tables.

    One for all elements of a parameter, a normal, gamma or beta one by what values it can have,
    with the mean and the spread of the draws of conflicts that nobody saw.
    """
    new, found = population.new_conflict(np.random.default_rng(seed), 20_000), {}
    for p in free_parameters(population.theory, structure):
        mean, sd, before = float(new[p.name].mean()), float(new[p.name].std()), p.prior.std()
        low, high = (float(x) for x in p.prior.support)
        if sd > LEARNT_BELOW * float(before):
            continue
        if (low, high) == (0.0, 1.0):
            size = mean * (1.0 - mean) / sd**2 - 1.0
            table: dict[str, Any] = {
                "dist": "Beta",
                "alpha": mean * size,
                "beta": (1 - mean) * size,
            }
        elif low == 0.0:
            table = {"dist": "Gamma", "alpha": (mean / sd) ** 2, "beta": mean / sd**2}
        else:
            table = {"dist": "Normal", "mu": mean, "sigma": sd}
        found[p.name] = {k: round(v, 3) if isinstance(v, float) else v for k, v in table.items()}
    return found


def fit_panel(
    panel: str | Path,
    theory: Theory | str | Path,
    *,
    until: str | None = None,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[Population, Structure]:
    """Sample the population of a theory that the conflicts of a panel teach.

    Parameters
    ----------
    panel
        Name of a bundled panel, or path of a panel folder.
    theory
        What `beliefs.load_theory` takes.
    until
        Date by which conflicts must have ended; all when None.
    seed, sampling
        Of the sampler; 1000 draws of 4 chains when None.

    Returns
    -------
    Population, Structure
        With its convergence, and the structure of one of its conflicts.

    Raises
    ------
    StudyError
        A panel that breaks a rule of the format, or of which too few conflicts had ended.
    """
    found = load_panel(panel)
    cells = found.tables[CONFLICTS].cells
    ends = dict(zip(cells["conflict"], cells.get("ended", cells["end"]), strict=True))
    names = [name for name in found.conflicts if until is None or ends[name] <= until]
    if len(names) < FEWEST:
        raise StudyError(
            "too few conflicts had ended",
            where=f"{panel}, until {until}",
            found=f"{len(names)} conflicts",
            expected=f"at least {FEWEST}",
            fix="choose a later date",
        )
    sources = [read_study(f"{panel}/{name}") for name in names]
    conflicts = [build_inputs(one.known(one.spec.period.end)) for one in sources]
    compiled = Panelled(theory_of(theory), names, conflicts)
    fitted = compiled.fit(seed=seed, sampling=sampling or Sampling(1000, 1000))
    return fitted, structure_of(conflicts[0])
