"""Forecasts from many origins out of one track, and what their futures say of every target.

Each origin sees what was published by its day, no more: where the track has seen more by then,
because a reading or a round of talks came out late, it goes back and on again without that
(`beliefs.inference.smc.blocks`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.evaluation.backtest.questions import Quantity, Question
from beliefs.features.inputs import Inputs
from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.forecasting.targets import LATENT, NEVER, TARGETS, event_steps
from beliefs.inference.smc.blocks import Blocks, blocks_known, track_blocks
from beliefs.inference.smc.sequential import Say
from beliefs.inference.smc.track import posterior_at
from beliefs.model.theory import Theory
from beliefs.study.dates import MONTH, day_of
from beliefs.study.load import Study

Day = str | dt.date | np.datetime64 | None

FIRST_DAYS = 28  # days of a study before the first origin
STREAM = 179424673  # keeps what is drawn here apart from other uses of the seed
MISSING = -1  # stands where a theory does not explain a target, or nothing is at risk
_LEAD = ("theory", "origin")
_WHEN, _TOTAL = (*_LEAD, "target", "sample"), (*_LEAD, "horizon", "count", "sample")
_LATENT = "latent: nobody can look up a belief, so no label exists"


@dataclass(frozen=True)
class Horizon:
    """A window ahead: days asked for, and the whole periods that end within them, 1 at least."""

    days: int
    periods: int


def horizons_of(days: tuple[int, ...], step_days: float) -> tuple[Horizon, ...]:
    """Return windows in whole periods, the shortest first; StudyError where two are the same."""
    found = [Horizon(d, max(int(d // step_days), 1)) for d in sorted(set(days))]
    if not found or found[0].days < 1 or len({h.periods for h in found}) < len(found):
        raise StudyError(
            "these horizons cannot be scored",
            where="horizons",
            found=", ".join(map(str, days)) or "none",
            expected=f"different numbers of periods of {step_days:g} days, from 1 on",
            fix="--horizons 7,30,90",
        )
    return tuple(found)


def origins_of(
    inputs: Inputs, every: int, shortest: int, first: Day = None, last: Day = None
) -> NDArray[np.int64]:
    """Return numbers of periods known at origins `every` days apart, between two last days."""
    step, n = inputs.step_days, int(inputs.active.sum())
    apart = round(every / step)
    if not apart or (step != MONTH and every % step):
        raise StudyError(
            "origins do not fall on the ends of periods", where="every",
            found=counted(every, "day"), expected=f"a multiple of {step:g} days",
            fix=f"--every {max(apart, 1) * int(step)}",
        )  # fmt: skip
    known = np.arange(int(-(-FIRST_DAYS // step)), n - shortest + 1)
    if not len(known):
        raise StudyError(
            "the study is too short for a backtest",
            where="as_of",
            found=f"{counted(n, 'period')} of {step:g} days",
            expected=f"{FIRST_DAYS} days before the first origin and "
            f"{counted(shortest, 'period')} after it",
            fix="choose a later --as-of, or a shorter horizon",
        )
    days = inputs.ends[known - 1]
    begin = days[0] if first is None else day_of(first, "from")
    end = days[-1] if last is None else day_of(last, "to")
    inside = (days >= begin) & (days <= end)
    if not inside.any():
        raise StudyError(
            "no origin lies between these days",
            where="from, to",
            found=f"{first or 'the beginning'} to {last or 'the end'}",
            expected=f"days from {days[0]} to {days[-1]}",
            fix="choose days in between, or a shorter horizon",
        )
    return known[inside][::apart]


def futures_from(
    blocks: Blocks, origins: Iterable[int], horizon: int, *, draws: int, seed: int, say: Say = None
) -> Iterator[Forecast]:
    """Yield forecasts, each from the posterior of its origin's day; one seed pairs theories."""
    known: Blocks | None = None
    for n in map(int, origins):
        if say is not None:
            say(f"{blocks.theory.id}: {blocks.inputs.dates[n - 1]}")
        known = blocks_known(blocks, n, known)
        assert known.belief is not None  # every theory has talks
        posterior = posterior_at(known.belief, n - 1, draws)
        rng = np.random.default_rng([seed, STREAM, n])
        drawn = known.params(draws, rng, period=n - 1, beliefs=False)
        posterior.actions.posterior.update(drawn)
        mine = int(np.random.SeedSequence([seed, STREAM, n]).generate_state(1)[0])
        yield forecast(posterior, horizon, seed=mine, allow_failed=True, baselines=False)


@dataclass(frozen=True, eq=False)
class Frame:
    """What was forecast from origins; `MISSING` where nothing is said."""

    theories: tuple[str, ...]
    origins: NDArray[np.datetime64]  # last days known
    horizons: tuple[Horizon, ...]
    sides: tuple[str, str]
    targets: tuple[str, ...]  # names of questions, then latent targets
    # (theory, origin, target, sample): period after the origin in which a target first comes, 0 at
    # the origin already, one more than the longest horizon where it does not
    when: NDArray[np.int16]
    counts: tuple[str, ...]
    total: NDArray[np.int16]  # (theory, origin, horizon, count, sample): sums over windows
    passed: NDArray[np.bool_]  # (theory, origin): the posterior passed its convergence check

    @property
    def unscored(self) -> Mapping[str, str]:
        """Targets that are not scored, and why."""
        return dict.fromkeys(latent_targets(self.sides), _LATENT)

    def to_dataset(self) -> xr.Dataset:
        """Return a Dataset; in ``happened`` 1 and 0, -1 where nothing is said."""
        limits = np.asarray([h.periods for h in self.horizons], dtype=np.int16)
        when = self.when[:, :, None]
        observed = when <= limits[:, None, None]
        negated = [name in TARGETS and TARGETS[name].negated for name in self.targets]
        observed ^= np.asarray(negated)[:, None]  # holds while nothing happens
        return xr.Dataset(
            {
                "happened": (
                    (*_LEAD, "horizon", "target", "sample"),
                    np.where(when == MISSING, MISSING, observed).astype(np.int8),
                ),
                "when": (_WHEN, self.when),
                "total": (_TOTAL, self.total),
                "periods": (("horizon",), limits),
                "converged": (_LEAD, self.passed),
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

        theories, targets, counts = (
            tuple(map(str, values(dim, dim))) for dim in ("theory", "target", "count")
        )
        days, periods = (values(name, "horizon").tolist() for name in ("horizon", "periods"))
        return cls(
            theories=theories, origins=values("origin", "origin").astype("M8[D]"),
            horizons=tuple(Horizon(int(d), int(p)) for d, p in zip(days, periods, strict=True)),
            sides=sides, targets=targets, when=values("when", *_WHEN).astype(np.int16),
            counts=counts, total=values("total", *_TOTAL).astype(np.int16),
            passed=values("converged", *_LEAD).astype(bool),
        )  # fmt: skip


def latent_targets(sides: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return every latent target with its side, by the name it has in a frame."""
    both = {name: sides if TARGETS[name].sided == "must" else (None,) for name in LATENT}
    each = ((name, side) for name, of in both.items() for side in of)
    return {name if side is None else f"{name}_{side}": (name, side) for name, side in each}


@dataclass(frozen=True, eq=False)
class Plan:
    """What every theory is asked; `inputs` are of the whole study."""

    study: Study
    inputs: Inputs
    origins: NDArray[np.int64]  # numbers of periods known
    horizons: tuple[Horizon, ...]
    events: Sequence[Question]
    counts: Sequence[Quantity]
    particles: int
    draws: int
    seed: int


def said(theory: Theory, plan: Plan, say: Callable[[str], None]) -> dict[str, NDArray[Any]]:
    """Return what a theory says from each origin: ``when``, ``total``, ``passed`` of a `Frame`."""
    inputs, horizons = plan.inputs, plan.horizons
    say(f"{theory.id}: tracking")
    blocks = track_blocks(
        plan.study, theory, particles=plan.particles, seed=plan.seed, inputs=inputs,
        progress=lambda text: say(f"{theory.id}: {text}"),
    )  # fmt: skip
    most, latent = horizons[-1].periods, latent_targets(inputs.sides)
    n_origins, n_targets = len(plan.origins), len(plan.events) + len(latent)
    when = np.full((n_origins, n_targets, plan.draws), MISSING, dtype=np.int16)
    shape = n_origins, len(horizons), len(plan.counts), plan.draws
    total, passed = np.full(shape, MISSING, dtype=np.int16), np.zeros(n_origins, dtype=bool)
    made = futures_from(blocks, plan.origins, most, draws=plan.draws, seed=plan.seed, say=say)
    for place, one in enumerate(made):
        passed[place] = one.posterior.report.passed
        for k, question in enumerate(plan.events):
            if question.at_risk[plan.origins[place]]:
                when[place, k] = _steps(one, question.target, None, question.rule, most)
        for k, (target, side) in enumerate(latent.values(), start=len(plan.events)):
            when[place, k] = _steps(one, target, side, None, most)
        for k, quantity in enumerate(plan.counts):
            talks, actions = one.paths.talks, one.paths.events or {}
            values: Any = talks if quantity.side is None else actions.get(quantity.name)
            if values is not None:
                mine = values if quantity.side is None else values[:, quantity.side]
                sums = np.cumsum(mine, axis=-1, dtype=np.int64)
                total[place, :, k] = sums[:, [h.periods - 1 for h in horizons]].T
    return {"when": when, "total": total, "passed": passed}


def frame_of(
    theories: Sequence[Theory], plan: Plan, found: Sequence[Mapping[str, NDArray[Any]]]
) -> Frame:
    """Return the frame of what theories said, in their order."""
    sides, ids = plan.inputs.sides, tuple(theory.id for theory in theories)
    targets = (*(q.name for q in plan.events), *latent_targets(sides))
    names = tuple(q.name if q.side is None else f"{q.name}_{sides[q.side]}" for q in plan.counts)
    arrays = {name: np.stack([one[name] for one in found]) for name in found[0]}
    days = plan.inputs.ends[plan.origins - 1]
    return Frame(
        ids, days, plan.horizons, sides, targets, arrays["when"], names, arrays["total"],
        arrays["passed"],
    )  # fmt: skip


def _steps(
    result: Forecast, target: str, side: str | None, rule: str | None, longest: int
) -> NDArray[Any] | int:
    """Return when a target first comes in each future; `MISSING` under a theory silent on it."""
    try:
        steps = event_steps(result, target, side, rule=rule or "any")
    except StudyError:
        return MISSING
    return np.where(steps == NEVER, longest + 1, steps)
