"""The posterior as one DataTree that every ArviZ function takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.diagnose import Report
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.model import system
from beliefs.model.contract import Parameter
from beliefs.model.mechanisms import readings
from beliefs.model.structure import Columns, Structure, columns, structure_of, until
from beliefs.model.theory import Theory, free_parameters, null_values, theory_of
from beliefs.shown import Shown
from beliefs.study.load import Study

Draws = dict[str, NDArray[Any]]
SMALL = {"zlib": True, "complevel": 1}  # how arrays of draws are written


def _xarray() -> Any:
    import xarray  # slow to load

    return xarray


@dataclass(frozen=True, eq=False)
class ActionDraws:
    """Draws of the parameters of actions, each (sample, ...); a group is empty until asked for."""

    posterior: Draws = field(default_factory=dict)  # free parameters of actions
    prior: Draws = field(default_factory=dict)
    base: Draws = field(default_factory=dict)  # all of the base-rate theory, of talks too
    density: Draws = field(default_factory=dict)  # log_prior, log_likelihood of `posterior`


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Shown):
    """What follows from a study under a theory.

    Attributes
    ----------
    study, inputs, theory
        What it was computed from.
    kept
        DataTree: ``posterior`` (parameters, ``logit_belief`` (side, time), ``surplus`` (time),
        ``audience`` (side) at the origin) and ``sample_stats``; what a run folder holds.
    report
        The convergence check.
    seed, timings
        How it was drawn; seconds by stage.
    track
        The `Track` that it is drawn from, cut at its origin; None for a fit.
    actions
        Draws of the parameters of actions, learnt on first use (`beliefs.inference.action_draws`).
    """

    study: Study
    inputs: Inputs
    theory: Theory
    kept: Any
    report: Report
    seed: int
    timings: dict[str, float]
    track: Any = None
    actions: ActionDraws = field(default_factory=ActionDraws)

    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.study.name, "theory": self.theory.name, "as of": self.study.as_of,
            "draws": self.size, "convergence check": "passed" if self.report.passed else "failed",
        }  # fmt: skip

    @cached_property
    def prior(self) -> Any:
        """Draws of the prior as a Dataset like ``posterior``, as many of them, of one chain."""
        rng = np.random.default_rng([self.seed, 1])
        draws = draw_prior(self.theory, self.structure, rng, (1, self.size))
        return _dataset(self.inputs, _paths(self.inputs, self.theory, draws))

    @cached_property
    def log_density(self) -> dict[str, Any]:
        """Datasets ``log_prior`` by parameter and ``log_likelihood`` of talks and readings."""
        return _log_density(self)

    @cached_property
    def tree(self) -> Any:
        """`kept` and all else that ArviZ knows, computed when it is asked for.

        ``prior``, ``posterior_predictive``, ``prior_predictive``, ``log_likelihood``,
        ``log_prior``, ``observed_data``, ``constant_data``; what was observed is of the periods in
        which somebody looked for talks.
        """
        return _whole(self)

    def group(self, name: str) -> Any:
        """Return the Dataset ``posterior`` or ``prior``."""
        return self.prior if name == "prior" else self.kept[name].to_dataset()

    @property
    def has_readings(self) -> bool:
        """Whether readings teach this posterior."""
        on = "readings" in self.theory.mechanisms
        return on and len(columns(self.inputs)["cell_time"]) > 0

    @property
    def size(self) -> int:
        """Number of draws, of all chains."""
        sizes = self.kept["posterior"].sizes
        return int(sizes["chain"] * sizes["draw"])

    @property
    def structure(self) -> Structure:
        """Structure of the study."""
        return structure_of(self.inputs)

    @property
    def origin(self) -> np.datetime64:
        """Last day that the posterior has seen."""
        return np.datetime64(self.inputs.ends[self.inputs.active][-1], "D")


def nothing_free(theory: Theory) -> StudyError:
    """Return the error for a theory without any free parameter."""
    return StudyError(
        "the theory frees no parameter", where=f"theory {theory.name}",
        found="mechanisms " + ", ".join(theory.mechanisms), expected="at least one free parameter",
        fix="switch a mechanism on",
    )  # fmt: skip


def origin_of(study: Study, theory: Theory) -> dict[str, str]:
    """Return what a file says of the study and the theory that its numbers come from."""
    return {
        "study": study.spec.name,
        "study_sha256": study.sha256,
        "theory": theory.name,
        "theory_sha256": theory.sha256,
        "as_of": str(study.as_of),
    }


def draw_prior(
    theory: Theory, structure: Structure, rng: Generator, size: tuple[int, ...]
) -> Draws:
    """Draw every free parameter of belief and talks from its prior, (*size, *dims)."""
    return drawn(free_parameters(theory, structure), structure, rng, size)


def drawn(
    parameters: Iterable[Parameter], structure: Structure, rng: Generator, size: tuple[int, ...]
) -> Draws:
    """Draw parameters from their priors, arrays of shape (*size, *dims)."""
    out = {}
    for p in parameters:
        shape = (*size, *structure.size(p.dims))
        # PreliZ compiles anew for every number of dimensions: one is enough.
        flat = p.prior.rvs(size=int(np.prod(shape)), random_state=rng)
        out[p.name] = np.asarray(flat, dtype=float).reshape(shape)
    return out


def stacked_params(theory: Theory, structure: Structure, draws: Draws) -> Draws:
    """Return all parameters: the drawn ones and the null values of the rest."""
    return {**null_values(theory, structure), **draws}


def dataset_of(draws: Draws, chains: int | None = None) -> Any:
    """Return draws (sample, ...) as a Dataset, by chain and draw where `chains` are given."""
    xr = _xarray()

    lead = ("sample",) if chains is None else ("chain", "draw")
    variables = {}
    for name, values in sorted(draws.items()):
        dims = (*lead, *(f"{name}_{k}" for k in range(values.ndim - 1)))
        shape = values.shape if chains is None else (chains, -1, *values.shape[1:])
        variables[name] = dims, values.reshape(shape)
    return xr.Dataset(variables)


def prior(study: Study, theory: Theory | str, *, draws: int = 1000, seed: int) -> Posterior:
    """Return what a theory says of a study before any reading or talks are seen.

    Evidence moves beliefs already: only what shows them is left out.

    Parameters
    ----------
    study, theory
        A study, and a theory or its name.
    draws
        Number of draws of the prior.
    seed
        Seed of the draws.

    Returns
    -------
    Posterior
        Independent draws of the prior in place of a posterior: it is drawn and forecast likewise.

    Raises
    ------
    StudyError
        There is no such theory.

    Examples
    --------
    >>> beliefs.prior(study, "simple", draws=50, seed=1).size
    50
    """
    theory, inputs = theory_of(theory), build_inputs(study)
    rng = np.random.default_rng([checked_seed(seed), 1])
    values = draw_prior(theory, structure_of(inputs), rng, (1, draws))
    stats = {"diverging": np.zeros((1, draws), dtype=bool)}
    report = Report(True, 1.0, float(draws), "none", 0.0, 1.0, (), kind="prior")
    tree = draws_tree(study, inputs, theory, values, stats)
    return Posterior(study, inputs, theory, tree, report, seed, {})


def draws_tree(study: Study, inputs: Inputs, theory: Theory, draws: Draws, stats: Draws) -> Any:
    """Return what a `Posterior` keeps of free parameters, innovations too, by chain and draw."""
    xr = _xarray()

    return xr.DataTree.from_dict({
        "/": xr.Dataset(attrs=origin_of(study, theory)),
        "posterior": _dataset(inputs, _paths(inputs, theory, draws)),
        "sample_stats": _dataset(inputs, {name: ((), v) for name, v in stats.items()}),
    })  # fmt: skip


def _dataset(inputs: Inputs, of: dict[str, Any], head: tuple[str, ...] = ("chain", "draw")) -> Any:
    xr = _xarray()

    structure = structure_of(inputs)
    coords: dict[str, Any] = {k: v for k, v in structure.coords.items() if v}
    coords["time"] = inputs.dates[inputs.active].astype("datetime64[s]")
    coords["reading_id"] = np.arange(len(columns(inputs)["cell_time"]))
    coords["indicator"] = list(structure.indicators)
    out = {k: ((*head, *dims), v) for k, (dims, v) in of.items()}
    used = {d for dims, _ in out.values() for d in dims}
    kept = {k: v for k, v in coords.items() if (v[0] if isinstance(v, tuple) else k) in used}
    if head:
        first = next(iter(out.values()))[1]
        kept |= {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    return xr.Dataset(out, coords=kept)


def _paths(inputs: Inputs, theory: Theory, draws: Draws) -> dict[str, Any]:
    """Return parameters and what follows of them in the periods seen, with their dimensions."""
    structure, n = structure_of(inputs), int(inputs.active.sum())
    dims = {p.name: p.dims for p in free_parameters(theory, structure)}
    kept = {
        name: (dims[name], values.astype(np.float32).astype(float))
        for name, values in draws.items()
        if name != "innovation"
    }
    if not theory.beliefs:
        return kept
    params = stacked_params(theory, structure, draws)
    params["innovation"] = params["innovation"][..., :n]
    run = system.evaluate(np, params, until(columns(inputs), n), structure)
    shape = next(iter(draws.values())).shape[:2]
    return kept | {
        "logit_belief": (("side", "time"), _thousandths(run.logit_belief)),
        # A theory may hold all of audience costs at null: then no draw has its own.
        "audience": (("side",), np.broadcast_to(run.audience[..., -1], (*shape, 2))),
        "surplus": (("time",), _thousandths(run.surplus)),
    }


def _thousandths(path: NDArray[Any]) -> NDArray[np.float32]:
    """Return a path to the nearest 1 / 1024: smaller steps are noise, and noise takes room."""
    return np.asarray(np.round(path * 1024.0) / 1024.0, dtype=np.float32)


def _run(posterior: Posterior, group: str) -> tuple[Draws, Columns, Any]:
    """Return parameters of a group, columns of the periods seen, and the equations run on them."""
    theory, inputs, structure = posterior.theory, posterior.inputs, posterior.structure
    cols = until(columns(inputs), int(inputs.active.sum()))
    drawn = {name: np.asarray(v.values) for name, v in posterior.group(group).data_vars.items()}
    params = stacked_params(theory, structure, drawn)
    path = drawn["logit_belief"].astype(float) if theory.beliefs else None
    if path is None:
        params["innovation"] = params["innovation"][..., : len(cols["active"])]
    return params, cols, system.evaluate(np, params, cols, structure, logit_belief=path)


def _log_density(posterior: Posterior) -> dict[str, Any]:
    params, cols, run = _run(posterior, "posterior")
    logs = system.log_likelihoods(np, params, cols, posterior.structure, run)
    lead = posterior.kept["posterior"].sizes
    shape = lead["chain"], lead["draw"], len(cols["active"])
    likelihood = {"talks": (("time",), np.broadcast_to(logs["talks"], shape))}
    if posterior.has_readings:
        likelihood["reading"] = (("reading_id",), logs["reading"].astype(np.float32))
    prior: dict[str, Any] = {}
    for p in free_parameters(posterior.theory, posterior.structure):
        if p.name != "innovation":
            values = params[p.name]
            prior[p.name] = p.dims, np.reshape(p.prior.logpdf(values.ravel()), values.shape)
    found: dict[str, dict[str, Any]] = {"log_likelihood": likelihood, "log_prior": prior}
    return {name: _watched(posterior.inputs, of) for name, of in found.items()}


def _watched(inputs: Inputs, variables: dict[str, Any], *head: Any) -> Any:
    """Return a Dataset of what was seen: periods in which somebody looked for talks."""
    found = _dataset(inputs, variables, *head)
    seen = np.flatnonzero(inputs.talks_seen[: int(inputs.active.sum())])
    return found.isel(time=seen) if "time" in found.dims else found


def _predictive(posterior: Posterior, group: str, rng: Generator) -> Any:
    params, cols, run = _run(posterior, group)
    chance = np.where(cols["talks_previous"] > 0, run.continuation, run.onset)
    lead = posterior.group(group).sizes
    shape = lead["chain"], lead["draw"], len(cols["active"])
    said: dict[str, Any] = {"talks": (("time",), rng.random(shape) < chance)}
    if posterior.has_readings:
        values = readings.simulate(rng, params, cols, run.logit_belief, posterior.structure)
        said["reading"] = (("reading_id",), values.astype(np.float32))
    return _watched(posterior.inputs, said)


def _whole(posterior: Posterior) -> Any:
    """Return every group that ArviZ knows."""
    xr = _xarray()

    inputs, structure = posterior.inputs, posterior.structure
    n, rng = int(inputs.active.sum()), np.random.default_rng([posterior.seed, 2])
    cols = until(columns(inputs), n)
    observed = {"talks": (("time",), cols["talks"].astype(int))}
    constant = {
        "surprise": (("indicator", "time"), inputs.surprise[:, :n]),
        "seen": (("indicator", "time"), inputs.seen[:, :n]),
        "regime": (("time",), inputs.regime[:n]),
    }
    if posterior.has_readings:  # no coordinates: ArviZ concatenates groups that have none of them
        observed["reading"] = (("reading_id",), cols["cell_value"])
        dates = inputs.dates[:n].astype("datetime64[s]")
        names = {"side": structure.sides, "channel": structure.channels, "time": dates}
        constant |= {
            f"reading_{key}": (("reading_id",), np.asarray(values)[cols[f"cell_{key}"]])
            for key, values in names.items()
        }
    groups = {
        **posterior.log_density,
        "prior": posterior.prior,
        "posterior_predictive": _predictive(posterior, "posterior", rng),
        "prior_predictive": _predictive(posterior, "prior", rng),
        "observed_data": _watched(inputs, observed, ()),
        "constant_data": _dataset(inputs, constant, ()),
    }
    return posterior.kept.assign({name: xr.DataTree(group) for name, group in groups.items()})
