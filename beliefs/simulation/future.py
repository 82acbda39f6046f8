"""The columns of the future: past periods resampled in blocks, which interventions then change.

A long future is made stretch by stretch: what one leaves to the next is `Passed`.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.steps import conflict_age
from beliefs.model.structure import AFTERMATH_DAYS, Columns, Structure, aftermath, turnover

COST_CLIP = 4.0  # levels of cost stay where those of the past do
GATHERED = (
    "quiet", "rival_persists", "rival_resolve", "hardline", "mediator", "mediator_old", "announced",
    "heavy", "proxy_attack",
)  # fmt: skip
CARRIED = ("hinge", "power_shift")  # slow: they stay where they are


@dataclass
class Passed:
    """What the periods of a future that are done leave to those that follow."""

    periods: int = 0  # how many are done
    sums: dict[str, NDArray[Any]] = field(default_factory=dict)  # of changes by column
    # Aftermath of own shocks in the last of them, (sample, shock_kind); None before the first
    aftermath: NDArray[Any] | None = None

    def level(self, name: str, past: NDArray[Any], index: NDArray[np.integer]) -> NDArray[Any]:
        """Return levels (sample, row, period) that go on from `past` (row, time).

        They change as the resampled periods did, within +-`COST_CLIP`.
        """
        change = np.moveaxis(np.diff(past, axis=-1, prepend=past[:, :1])[:, index], 0, 1)
        if name in self.sums:
            change[..., 0] += self.sums[name]
        total = np.cumsum(change, axis=-1)
        self.sums[name] = total[..., -1].copy()
        return np.clip(past[:, -1][:, None] + total, -COST_CLIP, COST_CLIP)


def block_starts(
    rng: np.random.Generator, n: int, block: int, size: tuple[int, int],
    seen: NDArray[np.bool_] | None = None, *, circular: bool = False,
) -> NDArray[np.int32]:  # fmt: skip
    """Return where the blocks of a bootstrap of `n` periods begin, (sample, block) of this size.

    Blocks of consecutive periods, moving (Künsch 1989) or circular (Politis and Romano 1992), all
    `seen` where there are such blocks.
    """
    begins = np.arange(n if circular else n - block + 1, dtype=np.int32)
    if seen is not None:
        whole = np.convolve(seen, np.ones(block, dtype=int), mode="valid") == block
        begins = begins[whole] if whole.any() else begins
    return begins[rng.integers(0, len(begins), size=size)]


def block_indices(
    rng: np.random.Generator, n: int, samples: int, horizon: int, block: int,
    seen: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:  # fmt: skip
    """Return indices into `n` past periods, resampled in moving blocks, (sample, horizon)."""
    block = min(block, n)
    starts = block_starts(rng, n, block, (samples, -(-horizon // block)), seen)
    days: NDArray[np.int32] = np.add(starts[..., None], np.arange(block, dtype=np.int32))
    return days.reshape(samples, -1)[:, :horizon]


def future_columns(
    inputs: Inputs,
    structure: Structure,
    past: Columns,
    index: NDArray[np.integer],
    *,
    resample_shocks: bool = True,
    passed: Passed | None = None,
) -> tuple[Columns, NDArray[Any]]:
    """Return the columns of a future whose periods repeat past ones, (sample, ..., horizon).

    And the resampled surprises by indicator, (sample, indicator, horizon). What `GATHERED` names,
    and surprises, of one future period all come from the same past period, so what moves together
    stays together. The regime, what talks are about and `CARRIED` stay as they are. Cost and
    pressure at home go on from the last level by the resampled changes. Waivers and the aftermath
    of past shocks fade, and so do mediation and announcements of talks until there are new ones.
    Shocks recur at the rate at which the study declares them. Words by which a side persists are
    those of resampled periods in which it did not act, where its actions are drawn. Neither
    evidence nor what is left of past talks is among them.
    """
    n = int(inputs.active.sum())
    samples, horizon = index.shape
    passed = passed or Passed()

    def gather(values: NDArray[Any]) -> NDArray[Any]:
        return np.moveaxis(values[..., index], -2, 0) if values.ndim > 1 else values[index]

    def wide(values: Any) -> NDArray[Any]:
        return np.broadcast_to(values, (samples, horizon)).copy()

    kind = inputs.regime_kinds[int(inputs.regime[n - 1])]
    ahead = passed.periods + np.arange(1, horizon + 1)
    aged = conflict_age((n - 1 + ahead) * structure.step_weeks)
    out = {name: gather(past[name]) for name in GATHERED}
    out |= {name: wide(past[name][n - 1]) for name in CARRIED}
    out |= {
        "active": wide(1.0), "conflict_age": np.broadcast_to(aged, (samples, *aged.shape)),
        "pressure": wide(float(kind != "talks")), "truce": wide(float(kind == "truce"))[:, None],
        "cost": passed.level("cost", past["cost"][:, :n], index),
        "pressure_home": passed.level("home", inputs.observed.pressure_home[:, :n], index),
        "persist_words": gather(1.0 * inputs.persist * (inputs.strikes == 0)),
        "agenda_share": wide(inputs.observed.agenda_share[n - 1]),
        "scheduled": wide(1.0 * np.isin(n - 1 + ahead, inputs.set_for)),
    }  # fmt: skip
    for name, memory in inputs.memories.items():
        # An announcement is read a period later.
        last, since = (inputs.announced, ahead - 1) if name == "announced" else (past[name], ahead)
        out[name] = np.maximum(out.get(name, 0.0), wide(last[n - 1] * np.exp(-since / memory)))
    none = np.zeros((samples, len(structure.shocks), horizon))
    set_shocks(structure, out, gather(past["shock"]) if resample_shocks else none, passed)
    left = np.exp(-ahead * inputs.step_days / AFTERMATH_DAYS)
    out["aftermath"] = np.maximum(out["aftermath"], past["aftermath"][:, n - 1][:, None] * left)
    return out, gather(inputs.surprise * inputs.seen)


def set_shocks(structure: Structure, columns: Columns, shock: NDArray[Any], passed: Passed) -> None:
    """Write shocks (sample, shock, horizon) and what follows from them into fresh columns."""
    columns["shock"] = shock
    columns["turnover"] = turnover(structure, shock)
    columns["aftermath"] = np.maximum(
        columns.get("aftermath", 0.0), aftermath(structure, shock, passed.aftermath)
    )
