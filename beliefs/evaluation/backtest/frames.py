"""Dense frames of forecasts: what every future of every origin says of every target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.origins import Horizon
from beliefs.evaluation.backtest.questions import Quantity, Question
from beliefs.features.inputs import Inputs
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import NEVER, event_steps
from beliefs.model.theory import Theory

__all__ = ["UNSAID", "Frame", "frame_of", "joined", "last_days", "latent_targets"]

Ints = NDArray[np.int16]

UNSAID = -1
"""Stands where a theory does not explain a target, or it was not asked."""
_LATENT = "latent: nobody can look up a belief, so no label exists"


@dataclass(frozen=True, eq=False)
class Frame:
    """What was forecast.

    Attributes
    ----------
    theories
        Ids, in order.
    origins
        Last day known at each origin, (origin,).
    horizons
        Windows ahead.
    sides
        Ids of the sides.
    targets
        Names: questions (`Question.name`), then latent targets.
    when
        (theory, origin, target, sample): number of the period after the origin in which it first
        comes, 0 at the origin already, one more than the longest horizon where it does not, and
        `UNSAID`.
    counts
        Names of what is counted over windows.
    total
        (theory, origin, horizon, count, sample), and `UNSAID`.
    passed
        (theory, origin) whether the posterior passed its gate.
    unscored
        Targets that are not scored, and why.
    """

    theories: tuple[str, ...]
    origins: NDArray[np.datetime64]
    horizons: tuple[Horizon, ...]
    sides: tuple[str, str]
    targets: tuple[str, ...]
    when: Ints
    counts: tuple[str, ...]
    total: Ints
    passed: NDArray[np.bool_]
    unscored: Mapping[str, str]

    def to_dataset(self) -> Any:
        """Return the frame as an xarray Dataset.

        ``happened`` (theory, origin, horizon, target, sample) is 1, 0, or -1 where nothing is said;
        ``when`` and ``total`` are as in the frame.
        """
        import xarray as xr

        limits = np.asarray([h.periods for h in self.horizons], dtype=np.int16)
        told = self.when[:, :, None]
        happened = np.where(
            told == UNSAID, np.int8(UNSAID), (told <= limits[:, None, None]).astype(np.int8)
        )
        place = self.targets.index("no_crossing") if "no_crossing" in self.targets else None
        if place is not None:  # it holds as long as nothing happens
            one = happened[..., place, :]
            happened[..., place, :] = np.where(one == UNSAID, one, 1 - one)
        lead = ("theory", "origin")
        return xr.Dataset(
            {
                "happened": ((*lead, "horizon", "target", "sample"), happened),
                "when": ((*lead, "target", "sample"), self.when),
                "total": ((*lead, "horizon", "count", "sample"), self.total),
                "periods": (("horizon",), limits),
                "gate_passed": (lead, self.passed),
            },
            coords={
                "theory": list(self.theories),
                "origin": self.origins.astype("datetime64[s]"),
                "horizon": [h.days for h in self.horizons],
                "target": list(self.targets),
                "count": list(self.counts),
            },
        )

    @classmethod
    def from_dataset(cls, data: Any, sides: tuple[str, str]) -> Frame:
        """Return the frame that `to_dataset` made a Dataset of; KeyError or ValueError if none."""

        def values(name: str, *dims: str) -> NDArray[Any]:
            return np.asarray(data[name].transpose(*dims).values)

        def names(dim: str) -> tuple[str, ...]:
            return tuple(str(v) for v in data[dim].values)

        lead = ("theory", "origin")
        days, periods = data["horizon"].values.tolist(), values("periods", "horizon").tolist()
        return cls(
            theories=names("theory"),
            origins=data["origin"].values.astype("M8[D]"),
            horizons=tuple(Horizon(int(d), int(p)) for d, p in zip(days, periods, strict=True)),
            sides=sides,
            targets=names("target"),
            when=values("when", *lead, "target", "sample").astype(np.int16),
            counts=names("count"),
            total=values("total", *lead, "horizon", "count", "sample").astype(np.int16),
            passed=values("gate_passed", *lead).astype(bool),
            unscored=dict.fromkeys(latent_targets(sides), _LATENT),
        )


def latent_targets(sides: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the latent targets: cracks of either side, and rational talks."""
    return (*(f"crack_{side}" for side in sides), "talks_rational")


def last_days(inputs: Inputs, origins: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return the last day known at origins, by the number of periods known."""
    last = np.timedelta64(inputs.step_days - 1, "D")
    return np.asarray(inputs.dates[origins - 1].astype("M8[D]") + last, dtype="M8[D]")


def frame_of(
    theory: Theory,
    inputs: Inputs,
    origins: NDArray[np.int64],
    horizons: tuple[Horizon, ...],
    asked: Sequence[Question],
    counted: Sequence[Quantity],
    draws: int,
    told: Iterable[Forecast],
) -> Frame:
    """Return what one theory forecast from origins, in the order of `told`.

    A question is put only from origins at which it makes sense. Parameters are those of
    `beliefs.evaluation.backtest.backtest.backtest`, `inputs` of the whole study, `draws` futures of
    an origin.
    """
    sides, longest = inputs.sides, horizons[-1].periods
    latent = latent_targets(sides)
    targets = (*(q.name for q in asked), *latent)
    counts = tuple(q.name if q.side is None else f"{q.name}_{sides[q.side]}" for q in counted)
    when = np.full((len(origins), len(targets), draws), UNSAID, dtype=np.int16)
    total = np.full((len(origins), len(horizons), len(counts), draws), UNSAID, dtype=np.int16)
    passed = np.zeros(len(origins), dtype=bool)
    for o, (n, one) in enumerate(zip(origins, told, strict=True)):
        passed[o] = one.posterior.report.passed
        for k, question in enumerate(asked):
            if question.asked[n]:
                when[o, k] = _steps(one, question.target, None, question.rule, longest)
        for k, name in enumerate(latent, start=len(asked)):
            side = name.removeprefix("crack_") if name.startswith("crack_") else None
            when[o, k] = _steps(one, "crack" if side else name, side, None, longest)
        for k, quantity in enumerate(counted):
            values = _values(one, quantity)
            if values is not None:
                sums = np.cumsum(values, axis=-1, dtype=np.int64)
                for h, horizon in enumerate(horizons):
                    total[o, h, k] = sums[:, horizon.periods - 1]
    return Frame(
        theories=(theory.id,),
        origins=last_days(inputs, origins),
        horizons=horizons,
        sides=sides,
        targets=targets,
        when=when[None],
        counts=counts,
        total=total[None],
        passed=passed[None],
        unscored=dict.fromkeys(latent, _LATENT),
    )


def _steps(
    told: Forecast, target: str, side: str | None, rule: str | None, longest: int
) -> NDArray[Any] | int:
    """Return when a target first comes in each future; `UNSAID` under a theory silent on it."""
    try:
        steps = event_steps(told, target, side, rule=rule or "any")
    except StudyError:
        return UNSAID
    return np.where(steps == NEVER, longest + 1, steps)


def _values(told: Forecast, quantity: Quantity) -> NDArray[Any] | None:
    if quantity.name == "talk_periods":
        return told.paths.talks
    if told.paths.events is None or quantity.name not in told.paths.events:
        return None
    return told.paths.events[quantity.name][:, quantity.side]


def joined(frames: Sequence[Frame]) -> Frame:
    """Return the frames of several theories as one."""
    return replace(
        frames[0],
        theories=tuple(name for f in frames for name in f.theories),
        when=np.concatenate([f.when for f in frames]),
        total=np.concatenate([f.total for f in frames]),
        passed=np.concatenate([f.passed for f in frames]),
    )
