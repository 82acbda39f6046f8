"""Forecasts from many origins out of one track: each sees what was published by its day, no more.

Every origin's inputs are built anew from the study as of that day. Where the track has seen more by
then, because a reading or a round of talks came out late, it goes back and on again without that
(`beliefs.inference.smc.blocks`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError, counted
from beliefs.features.inputs import Inputs
from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.inference.conduct import Conduct
from beliefs.inference.smc.blocks import Blocks, blocks_known
from beliefs.inference.smc.track import posterior_at
from beliefs.model.system import factors
from beliefs.study.dates import day_of

__all__ = ["FIRST_DAYS", "Horizon", "futures_from", "horizons_of", "origins_of"]

FIRST_DAYS = 28
"""Days of a study before the first origin."""
STREAM = 179424673  # keeps what is drawn here apart from other uses of the seed


@dataclass(frozen=True)
class Horizon:
    """A window ahead of an origin.

    Attributes
    ----------
    days
        As it was asked for.
    periods
        Whole periods that end within so many days, 1 at least.
    """

    days: int
    periods: int


def horizons_of(days: tuple[int, ...], step_days: int) -> tuple[Horizon, ...]:
    """Return windows in whole periods, the shortest first.

    Raises
    ------
    StudyError
        There is none, one is shorter than a day, or two are the same periods.
    """
    found = [Horizon(d, max(d // step_days, 1)) for d in sorted(set(days))]
    if not found or found[0].days < 1 or len({h.periods for h in found}) < len(found):
        raise StudyError(
            "these horizons cannot be scored",
            where="horizons",
            found=", ".join(map(str, days)) or "none",
            expected=f"different numbers of periods of {counted(step_days, 'day')}, from 1 on",
            mend="--horizons 7,30,90",
        )
    return tuple(found)


def origins_of(
    inputs: Inputs,
    every: int,
    shortest: int,
    first: str | dt.date | np.datetime64 | None = None,
    last: str | dt.date | np.datetime64 | None = None,
) -> NDArray[np.int64]:
    """Return the numbers of periods that are known at the origins.

    Parameters
    ----------
    inputs
        Of the whole study.
    every
        Days from origin to origin; whole periods.
    shortest
        Periods of the shortest horizon, which the last origin has room for.
    first, last
        Days between which the origins lie, both included: an origin is the last day of a period.

    Raises
    ------
    StudyError
        `every` is no whole number of periods, the study is too short, or no origin lies there.
    """
    step, n = inputs.step_days, int(inputs.active.sum())
    if every < step or every % step:
        raise StudyError(
            "origins do not fall on the ends of periods",
            where="every",
            found=counted(every, "day"),
            expected=f"a multiple of {counted(step, 'day')}",
            mend=f"--every {max(every // step, 1) * step}",
        )
    known = np.arange(-(-FIRST_DAYS // step), n - shortest + 1)
    if not len(known):
        raise StudyError(
            "the study is too short for a backtest",
            where="as_of",
            found=f"{counted(n, 'period')} of {counted(step, 'day')}",
            expected=f"{FIRST_DAYS} days before the first origin and "
            f"{counted(shortest, 'period')} after it",
            mend="choose a later --as-of, or a shorter horizon",
        )
    days = inputs.dates[known - 1].astype("M8[D]") + np.timedelta64(step - 1, "D")
    inside = np.ones(len(known), dtype=bool)
    if first is not None:
        inside &= days >= day_of(first, "--from")
    if last is not None:
        inside &= days <= day_of(last, "--to")
    if not inside.any():
        raise StudyError(
            "no origin lies between these days",
            where="--from, --to",
            found=f"{first or 'the beginning'} to {last or 'the end'}",
            expected=f"days from {days[0]} to {days[-1]}",
            mend="choose days in between, or a shorter horizon",
        )
    return known[inside][:: every // step]


def futures_from(
    blocks: Blocks,
    origins: NDArray[np.int64],
    horizon: int,
    *,
    draws: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> Iterator[Forecast]:
    """Yield forecasts from all origins, each from the posterior of its day.

    Parameters
    ----------
    blocks
        All blocks of a theory on the whole study.
    origins
        Numbers of periods known.
    horizon
        Periods ahead.
    draws
        Futures of each origin.
    seed
        Seed of the draws and the futures; theories of one seed are paired by origin.
    progress
        Called with the day of each origin.

    Raises
    ------
    ConflictError
        The study's folder no longer holds what was tracked.
    """
    known: Blocks | None = None
    for n in origins:
        if progress is not None:
            progress(f"{blocks.theory.id}: {blocks.inputs.dates[n - 1]}")
        known = blocks_known(blocks, int(n), known)
        assert known.belief is not None  # every theory has talks
        posterior = posterior_at(known.belief, int(n) - 1, draws)
        conduct: Conduct | bool = False
        if factors(blocks.theory, posterior.structure):
            rng, zero = np.random.default_rng([seed, STREAM, int(n)]), np.zeros(draws)
            drawn = known.params(draws, rng, period=int(n) - 1, beliefs=False)
            conduct = Conduct(blocks.theory.name, seed, drawn, {}, {}, zero, zero)
        mine = int(np.random.SeedSequence([seed, STREAM, int(n)]).generate_state(1)[0])
        yield forecast(
            posterior, horizon, seed=mine, allow_failed=True, actions=conduct, baselines=False
        )
