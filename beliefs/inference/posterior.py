"""The posterior as one DataTree that every ArviZ function takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs
from beliefs.inference.diagnose import Report
from beliefs.model import system
from beliefs.model.contract import Parameter
from beliefs.model.mechanisms import readings
from beliefs.model.structure import Structure, columns, structure_of, until
from beliefs.model.theory import Theory, free_parameters, null_values
from beliefs.shown import Shown
from beliefs.study.load import Study

Draws = dict[str, NDArray[Any]]


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
    tree
        DataTree: ``posterior`` (parameters, ``logit_belief`` (side, time), ``surplus`` (time),
        ``audience`` (side) at the origin), ``prior``, ``posterior_predictive``,
        ``prior_predictive``, ``log_likelihood`` (talks, reading), ``log_prior``,
        ``observed_data``, ``constant_data``, ``sample_stats``.
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
    tree: Any
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

    @property
    def size(self) -> int:
        """Number of draws, of all chains."""
        sizes = self.tree["posterior"].sizes
        return int(sizes["chain"] * sizes["draw"])

    @property
    def structure(self) -> Structure:
        """Structure of the study."""
        return structure_of(self.inputs)

    @property
    def origin(self) -> np.datetime64:
        """Last day that the posterior has seen."""
        return np.datetime64(self.inputs.dates[self.inputs.active][-1], "D") + np.timedelta64(
            self.inputs.step_days - 1, "D"
        )


def nothing_free(theory: Theory) -> StudyError:
    """Return the error for a theory without any free parameter."""
    return StudyError(
        "the theory frees no parameter",
        where=f"theory {theory.name}",
        found="mechanisms " + ", ".join(theory.mechanisms),
        expected="at least one free parameter",
        fix="switch a mechanism on",
    )


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
    theory: Theory, structure: Structure, rng: np.random.Generator, size: tuple[int, ...]
) -> Draws:
    """Draw every free parameter of belief and talks from its prior, (*size, *dims)."""
    return drawn(free_parameters(theory, structure), structure, rng, size)


def drawn(
    parameters: Iterable[Parameter],
    structure: Structure,
    rng: np.random.Generator,
    size: tuple[int, ...],
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
    import xarray as xr  # slow to load

    lead = ("sample",) if chains is None else ("chain", "draw")
    variables = {}
    for name, values in sorted(draws.items()):
        dims = (*lead, *(f"{name}_{k}" for k in range(values.ndim - 1)))
        shape = values.shape if chains is None else (chains, -1, *values.shape[1:])
        variables[name] = dims, values.reshape(shape)
    return xr.Dataset(variables)


def build_tree(
    study: Study,
    inputs: Inputs,
    theory: Theory,
    *,
    posterior: Draws,
    sample_stats: dict[str, NDArray[Any]],
    rng: np.random.Generator,
) -> Any:
    """Assemble the DataTree from posterior draws.

    `posterior` holds the free parameters with innovations, each (chain, draw, *dims), and
    `sample_stats` (chain, draw); prior and predictive draws are taken from `rng`.
    """
    import xarray as xr  # slow to load

    structure, cols = structure_of(inputs), columns(inputs)
    n = int(inputs.active.sum())
    dates = inputs.dates[:n].astype("datetime64[s]")
    coords: dict[str, Any] = {k: v for k, v in structure.coords.items() if v} | {"time": dates}
    coords["reading_id"] = np.arange(len(cols["cell_time"]))
    free = {p.name: p for p in free_parameters(theory, structure)}
    has_readings = "readings" in theory.mechanisms and len(cols["cell_time"]) > 0

    def dataset(
        variables: Mapping[str, tuple[tuple[str, ...], Any]],
        head: tuple[str, ...] = ("chain", "draw"),
    ) -> Any:
        out = {k: ((*head, *dims), v) for k, (dims, v) in variables.items()}
        used = {d for dims, _ in out.values() for d in dims}
        kept = {k: v for k, v in coords.items() if (v[0] if isinstance(v, tuple) else k) in used}
        if head:
            first = next(iter(out.values()))[1]
            kept |= {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
        return xr.Dataset(out, coords=kept)

    def paths(draws: Draws) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        params, short = stacked_params(theory, structure, draws), until(cols, n)
        params["innovation"] = params["innovation"][..., :n]
        run = system.evaluate(np, params, short, structure)
        logs = system.log_likelihoods(np, params, short, structure, run)
        kept = {name: (free[name].dims, draws[name]) for name in draws if name != "innovation"}
        shape = next(iter(draws.values())).shape[:2]
        onset, continuation = (
            np.broadcast_to(v, (*shape, n)) for v in (run.onset, run.continuation)
        )
        if theory.beliefs:
            kept |= {
                "logit_belief": (("side", "time"), run.logit_belief.astype(np.float32)),
                # A theory may hold all of audience costs at null: then no draw has its own.
                "audience": (("side",), np.broadcast_to(run.audience[..., -1], (*shape, 2))),
                "surplus": (("time",), run.surplus.astype(np.float32)),
            }
        chance = np.where(short["talks_previous"] > 0, continuation, onset)
        predictive = {"talks": (("time",), (rng.random(onset.shape) < chance).astype(int))}
        log = {"talks": (("time",), np.broadcast_to(logs["talks"], (*shape, n)))}
        if has_readings:
            said = readings.simulate(rng, params, short, run.logit_belief, structure)
            predictive["reading"] = (("reading_id",), said.astype(np.float32))
            log["reading"] = (("reading_id",), logs["reading"].astype(np.float32))
        return kept, predictive, log

    chains, size = next(iter(posterior.values())).shape[:2]
    prior = draw_prior(theory, structure, rng, (1, chains * size))
    kept, predictive, log = paths(posterior)
    prior_kept, prior_predictive, _ = paths(prior)
    observed = {"talks": (("time",), cols["talks"][:n].astype(int))}
    if has_readings:
        observed["reading"] = (("reading_id",), cols["cell_value"])
    log_prior = {}
    for name, p in free.items():
        if name != "innovation":
            density = np.asarray(p.prior.logpdf(posterior[name].ravel()))
            log_prior[name] = p.dims, density.reshape(posterior[name].shape)
    constant = {
        "surprise": (("indicator", "time"), inputs.surprise[:, :n]),
        "seen": (("indicator", "time"), inputs.seen[:, :n]),
        "regime": (("time",), inputs.regime[:n]),
    }
    if has_readings:  # variables, not coordinates: ArviZ concatenates groups that have none of them
        names = {"side": structure.sides, "channel": structure.channels, "time": dates}
        constant |= {
            f"reading_{key}": (("reading_id",), np.asarray(values)[cols[f"cell_{key}"]])
            for key, values in names.items()
        }
    coords["indicator"] = list(structure.indicators)
    groups = {
        "/": xr.Dataset(attrs=origin_of(study, theory)),
        "posterior": dataset(kept),
        "prior": dataset(prior_kept),
        "posterior_predictive": dataset(predictive),
        "prior_predictive": dataset(prior_predictive),
        "log_likelihood": dataset(log),
        "log_prior": dataset(log_prior),
        "observed_data": dataset(observed, ()),
        "constant_data": dataset(constant, ()),
        "sample_stats": dataset({k: ((), v) for k, v in sample_stats.items()}),
    }
    return xr.DataTree.from_dict(groups)
