"""The columns of the future: past periods resampled in blocks, which interventions then change.

A long future is made stretch by stretch: what one leaves to the next is `Passed`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.model.structure import (
    AFTERMATH_DAYS,
    Columns,
    Structure,
    aftermath,
    evidence_matrix,
    turnover,
)

__all__ = [
    "CARRIED",
    "COST_CLIP",
    "GATHERED",
    "Passed",
    "action_columns",
    "block_indices",
    "deadlock",
    "future_columns",
    "set_shocks",
]  # fmt: skip

COST_CLIP = 4.0  # levels of cost stay where those of the past do

GATHERED = (
    "quiet", "rival_persists", "rival_resolve", "hardline", "mediator", "mediator_old", "heavy",
    "proxy_attack",
)  # fmt: skip
CARRIED = ("hinge", "power_shift")  # slow: they stay where they are


@dataclass
class Passed:
    """What the periods of a future that are done leave to those that follow."""

    periods: int = 0  # How many are done
    # By column, the sum of its resampled changes, (sample, row)
    sums: dict[str, NDArray[Any]] = field(default_factory=dict)
    # Trace of the future's own shocks in the last of them, (sample, shock_kind); None before
    # the first
    aftermath: NDArray[Any] | None = None

    def summed(self, name: str, change: NDArray[Any]) -> NDArray[Any]:
        """Return the changes (sample, row, period) summed up since the origin."""
        if name in self.sums:
            change[..., 0] += self.sums[name]
        total = np.cumsum(change, axis=-1)
        self.sums[name] = total[..., -1].copy()
        return total


def block_indices(
    rng: np.random.Generator,
    n: int,
    samples: int,
    horizon: int,
    block: int,
    seen: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Return moving-block bootstrap indices into `n` past periods.

    Returns
    -------
    ndarray of int
        Shape (sample, horizon): runs of `block` consecutive past periods (Künsch 1989).
    """
    block = min(block, n)
    count = -(-horizon // block)
    begins = np.arange(n - block + 1, dtype=np.int32)
    if seen is not None:
        whole = np.convolve(seen, np.ones(block, dtype=int), mode="valid") == block
        begins = begins[whole] if whole.any() else begins
    starts: NDArray[np.int32] = begins[rng.integers(0, len(begins), size=(samples, count))]
    days: NDArray[np.int32] = np.add(starts[..., None], np.arange(block, dtype=np.int32))
    return days.reshape(samples, -1)[:, :horizon]


def future_columns(
    inputs: Inputs,
    structure: Structure,
    past: Columns,
    index: NDArray[np.integer],
    *,
    resample_shocks: bool = True,
    evidence: bool = True,
    passed: Passed | None = None,
) -> tuple[Columns, NDArray[Any]]:
    """Return the columns of a future whose periods repeat past ones.

    Surprises, quiet, persistence, resolve, hard-line words, mediation and acts suffered of one
    future period all come from the same past period, so what moves together stays together. The
    regime stays the one in force, and so do an expected shift of power and an economy past its
    hinge. Cost levels go on from the last level by the resampled changes. Waivers and the aftermath
    of past shocks fade. Shocks recur at the rate at which the study declares them. The age of a
    deadlock grows as long as there are no talks; what draws talks makes it young again.

    Returns
    -------
    columns
        Arrays (sample, ..., horizon).
    surprise
        The resampled surprises by indicator, (sample, indicator, horizon).
    """
    n = int(inputs.active.sum())
    samples, horizon = index.shape
    passed = passed or Passed()

    def gather(values: NDArray[Any]) -> NDArray[Any]:
        return np.moveaxis(values[..., index], -2, 0) if values.ndim > 1 else values[index]

    surprise = gather(inputs.surprise * inputs.seen)
    regime = np.full(horizon, inputs.regime[n - 1])
    kind = inputs.regime_kinds[int(inputs.regime[n - 1])]
    out = {name: gather(past[name]) for name in GATHERED}
    out |= {name: np.full((samples, horizon), past[name][n - 1]) for name in CARRIED}
    out["spell_age"] = np.broadcast_to(
        deadlock(past["talks"][:n], past["spell_age"][n - 1], horizon, passed.periods),
        (samples, horizon),
    )
    out["active"] = np.ones((samples, horizon))
    if evidence:
        out["evidence"] = evidence_matrix(structure, surprise, regime)
    out["pressure"] = np.full((samples, horizon), float(kind != "talks"))
    out["truce"] = np.full((samples, 1, horizon), float(kind == "truce"))
    change = np.diff(past["cost"][:, :n], axis=1, prepend=past["cost"][:, :1])
    level = past["cost"][:, n - 1][:, None] + passed.summed("cost", gather(change))
    out["cost"] = np.clip(level, -COST_CLIP, COST_CLIP)
    days = structure.step_weeks * 7.0 * (passed.periods + np.arange(1, horizon + 1))
    out["waiver"] = np.broadcast_to(
        past["waiver"][n - 1] * np.exp(-days / 30.0), (samples, horizon)
    ).copy()
    shock = (
        gather(past["shock"])
        if resample_shocks
        else np.zeros((samples, len(structure.shocks), horizon))
    )
    set_shocks(structure, out, shock, passed)
    fading = past["aftermath"][:, n - 1][:, None] * np.exp(-days / AFTERMATH_DAYS)
    out["aftermath"] = np.maximum(out["aftermath"], fading)
    return out, surprise


def action_columns(
    inputs: Inputs, index: NDArray[np.integer], passed: Passed | None = None
) -> Columns:
    """Return what actions read of a future beside its own past.

    Pressure at home goes on from its last level by the changes of the resampled periods. What the
    talks are about stays what it is. Words by which a side persists are those of resampled periods
    in which it did not act: its acts are drawn.

    Returns
    -------
    dict
        ``pressure_home`` and ``persist_words`` (sample, side, horizon), ``maritime``
        (sample, horizon).
    """
    n, seen = int(inputs.active.sum()), inputs.observed
    home = seen.pressure_home[:, :n]
    change = np.diff(home, axis=-1, prepend=home[:, :1])
    moved = (passed or Passed()).summed("home", np.moveaxis(change[:, index], 0, 1))
    level = home[:, -1][:, None] + moved
    idle = np.asarray(inputs.persist, dtype=float) * (inputs.strikes == 0)
    return {
        "pressure_home": np.clip(level, -COST_CLIP, COST_CLIP),
        "persist_words": np.moveaxis(idle[:, index], 0, 1),
        "maritime": np.full(index.shape, seen.maritime[n - 1]),
    }


def deadlock(
    talks: NDArray[Any], last: float, horizon: int, passed: int = 0
) -> NDArray[np.float64]:
    """Return the log of the periods since the last talks, (horizon,), while none are held."""
    age = 0.0 if talks[-1] > 0 else np.exp(last)
    return np.log(np.maximum(age + (passed + np.arange(1, horizon + 1)), 1.0))


def set_shocks(structure: Structure, columns: Columns, shock: NDArray[Any], passed: Passed) -> None:
    """Write shocks (sample, shock, horizon) and what follows from them into fresh columns."""
    columns["shock"] = shock
    columns["turnover"] = turnover(structure, shock)
    columns["aftermath"] = np.maximum(
        columns.get("aftermath", 0.0), aftermath(structure, shock, passed.aftermath)
    )
