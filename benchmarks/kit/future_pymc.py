"""The future of a posterior as a PyMC model, for `pm.sample_posterior_predictive`."""

from typing import Any

import numpy as np

from beliefs.features.steps import deadlock, log_age
from beliefs.inference.posterior import Posterior
from beliefs.model import system
from beliefs.model.structure import (
    AFTERMATH_DAYS,
    SHOCK_KINDS,
    Structure,
    columns,
    evidence_matrix,
)
from beliefs.model.theory import free_parameters, null_values
from beliefs.simulation.future import CARRIED, COST_CLIP, GATHERED
from beliefs.simulation.paths import BLOCK


def future_trace(posterior: Posterior) -> Any:
    """What the model is given of every draw: parameters, belief and audience cost at the origin."""
    import xarray as xr

    whole = posterior.tree["posterior"].to_dataset()
    free = free_parameters(posterior.theory, posterior.structure)
    kept = whole[[p.name for p in free if p.name != "innovation"]]
    kept["start_belief"] = whole["logit_belief"].isel(time=-1, drop=True).astype(float)
    kept["start_audience"] = whole["audience"]
    return xr.DataTree.from_dict({"/posterior": kept})


def future_model(posterior: Posterior, horizon: int) -> Any:
    """One future of one draw, as `beliefs.forecast` makes it: same columns, same equations.

    The same past periods are resampled in blocks, shocks too. Names: ``logit_belief``, ``talks``.
    """
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

    inputs, theory, structure = posterior.inputs, posterior.theory, posterior.structure
    past, n = columns(inputs), int(inputs.active.sum())
    coords: dict[str, Any] = {k: v for k, v in structure.coords.items() if v}
    with pm.Model(coords=coords) as model:
        params: dict[str, Any] = {
            k: pt.as_tensor_variable(v) for k, v in null_values(theory, structure).items()
        }
        for p in free_parameters(theory, structure):
            if p.name != "innovation":
                params[p.name] = p.prior.to_pymc(p.name, dims=p.dims)
        start = system.Start(
            pm.Normal("start_belief", dims="side"), pm.Normal("start_audience", dims="side")
        )
        begins, block = _begins(inputs.quiet_seen[:n], BLOCK.get(inputs.step_days, 7))
        which = pm.DiscreteUniform("which", 0, len(begins) - 1, shape=-(-horizon // block))
        index = (pt.as_tensor(begins)[which][:, None] + np.arange(block)).ravel()[:horizon]
        params["innovation"] = pm.Normal("innovation", shape=(2, horizon))
        cols = _future(inputs, structure, past, n, horizon, index)
        paths = system.evaluate(pt, params, cols, structure, start)
        uniform = pm.Uniform("uniform", shape=horizon)
        held = pytensor.scan(
            lambda u, onset, going, on: pt.cast(u < pt.switch(on > 0, going, onset), "int64"),
            sequences=[uniform, paths.onset, paths.continuation],
            outputs_info=[pt.as_tensor(np.int64(past["talks"][n - 1]))],
            return_updates=False,
        )
        pm.Deterministic("logit_belief", paths.logit_belief)
        pm.Deterministic("talks", held)
    return model


def _begins(seen: np.ndarray, block: int) -> tuple[np.ndarray, int]:
    """First periods of the blocks that may be resampled, and their length."""
    block = min(block, len(seen))
    whole = np.convolve(seen, np.ones(block, dtype=int), mode="valid") == block
    begins = np.arange(len(seen) - block + 1)
    return (begins[whole] if whole.any() else begins), block


def _future(
    inputs: Any, structure: Structure, past: Any, n: int, horizon: int, index: Any
) -> dict[str, Any]:
    """Columns of the future by symbolic index; see `beliefs.simulation.future.future_columns`."""
    import pytensor.tensor as pt

    def gather(values: Any) -> Any:
        return pt.as_tensor(np.asarray(values, dtype=float))[..., index]

    kind = inputs.regime_kinds[int(inputs.regime[n - 1])]
    same = np.full(len(inputs.regime), inputs.regime[n - 1])
    ahead = np.arange(1, horizon + 1)
    change = np.diff(past["cost"][:, :n], axis=1, prepend=past["cost"][:, :1])
    level = past["cost"][:, n - 1][:, None] + pt.cumsum(gather(change), axis=-1)
    shock = gather(past["shock"])
    turned, hit = [], []
    for side in (0, 1):
        mine = [
            s
            for s, one in enumerate(structure.shocks)
            if one.kind == "turnover" and one.side in (None, side)
        ]
        turned.append(shock[mine].max(axis=0) if mine else pt.zeros(horizon))
    for name in SHOCK_KINDS:
        mine = [s for s, one in enumerate(structure.shocks) if one.kind == name]
        hit.append(shock[mine].max(axis=0) if mine else pt.zeros(horizon))
    lag = np.arange(horizon)[:, None] - np.arange(horizon)
    fade = np.exp(-structure.step_weeks * 7.0 / AFTERMATH_DAYS)
    trace = (pt.stack(hit)[:, None, :] * np.where(lag >= 0, fade ** np.abs(lag), 0.0)).max(axis=-1)
    before = past["aftermath"][:, n - 1][:, None] * fade**ahead
    slow = {name: pt.full((horizon,), float(past[name][n - 1])) for name in CARRIED}
    left = {k: past[k][n - 1] * np.exp(-ahead / memory) for k, memory in inputs.memories.items()}
    left["announced"] = inputs.announced[n - 1] * np.exp(
        -(ahead - 1) / inputs.memories["announced"]
    )
    age = deadlock(np.exp(past["spell_age"][n - 1]), past["talks"][n - 1] > 0)
    return (
        {name: gather(past[name]) for name in GATHERED}
        | slow
        | {
            "spell_age": pt.as_tensor(log_age(age + np.arange(horizon))),
            "talks_before": pt.zeros(horizon),  # at null without a population
            "conflict_age": pt.zeros((2, horizon)),
            "scheduled": pt.as_tensor(1.0 * np.isin(n - 1 + ahead, inputs.set_for)),
            "active": pt.ones(horizon),
            "evidence": gather(evidence_matrix(structure, inputs.surprise * inputs.seen, same)),
            "pressure": pt.full((horizon,), float(kind != "talks")),
            "truce": pt.full((1, horizon), float(kind == "truce")),
            "cost": pt.clip(level, -COST_CLIP, COST_CLIP),
            **{k: pt.maximum(gather(past[k]), v) for k, v in left.items() if k in GATHERED},
            "waiver": pt.as_tensor(left["waiver"]),
            "shock": shock,
            "turnover": pt.stack(turned),
            "aftermath": pt.maximum(trace, before),
        }
    )
