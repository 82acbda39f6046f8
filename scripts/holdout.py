"""Held-out readings: what the model says of readings it was not shown, against a random walk.

Two questions, one answer each. *Given the evidence*: readings after the cut are hidden, everything
else stays, so the model has to say where belief went from battles and news alone. *Forecast*: the
study is cut at the date as if the rest had not happened yet. The baseline knows neither evidence
nor model: the last reading plus a normal walk whose steps are as large as those before the cut.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.scores import proper
from beliefs.evaluation.scores.skill import TAIL, block_sums, enough_blocks
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.forecasting.forecast import forecast
from beliefs.inference.diagnose import Report
from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.posterior import Posterior, stacked_params
from beliefs.model.mechanisms import readings
from beliefs.model.structure import columns
from beliefs.model.theory import Theory, free_parameters, theory_of
from beliefs.study.dates import day_of
from beliefs.study.load import Study, load_study

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Readings that were held out, one entry each.

    Attributes
    ----------
    side, channel, time
        Where and in which period.
    value
        What was read, log-odds.
    """

    side: NDArray[np.int64]
    channel: NDArray[np.int64]
    time: NDArray[np.int64]
    value: Floats


@dataclass(frozen=True)
class Score:
    """How one set of predictions did on some held-out readings.

    Attributes
    ----------
    way
        ``given evidence`` or ``forecast``.
    side
        Id of the side, or ``both``.
    n
        Number of readings.
    coverage, coverage_walk
        Share of readings inside the central 90 % interval of the model and of the random walk.
    width, width_walk
        Mean width of those intervals, log-odds.
    crps, crps_walk
        Mean continuous ranked probability scores, log-odds; smaller is better.
    difference, lower, upper
        Mean of CRPS of the model less that of the walk, and its 90 % interval by moving-block
        bootstrap over periods; below 0 the model is better. The interval is NaN where periods with
        readings fill too few blocks.
    """

    way: str
    side: str
    n: int
    coverage: float
    coverage_walk: float
    width: float
    width_walk: float
    crps: float
    crps_walk: float
    difference: float
    lower: float
    upper: float


def random_walk(rng: np.random.Generator, shown: Inputs, cells: Cells, samples: int) -> Floats:
    """Draw held-out readings from the baseline, (sample, cell).

    Parameters
    ----------
    rng
        Source of randomness.
    shown
        Inputs whose readings end at the cut.
    cells
        What to predict.
    samples
        Number of draws.

    Returns
    -------
    ndarray
        Last reading of the cell's side and channel + Normal(0, s sqrt(h)), h periods later; s^2 is
        the mean of squared changes per period. Cells are drawn one by one: the score of a cell
        asks for its own distribution alone.

    Raises
    ------
    ValueError
        If a series has fewer than three readings before the cut.
    """
    centre, spread = np.empty(len(cells.value)), np.empty(len(cells.value))
    for k, (i, c, t) in enumerate(zip(cells.side, cells.channel, cells.time, strict=True)):
        observed = np.flatnonzero(~np.isnan(shown.reading[i, c]))
        if len(observed) < 3:
            raise ValueError(
                f"{shown.sides[i]} has {len(observed)} readings in {shown.channels[c]} "
                "before the cut"
            )
        said = shown.reading[i, c, observed]
        step2 = float(np.mean(np.diff(said) ** 2 / np.diff(observed)))
        centre[k], spread[k] = said[-1], np.sqrt(step2 * (t - observed[-1]))
    return centre + spread * rng.normal(size=(samples, len(centre)))


def mean_interval(
    rng: np.random.Generator, value: Floats, time: NDArray[np.int64], block: int, samples: int
) -> tuple[float, float]:
    """Return the 90 % interval of a mean over cells, periods resampled in moving blocks.

    Cells of one period stay together. NaN where periods with values fill too few blocks.
    """
    if not enough_blocks(len(np.unique(time)), block):
        return float("nan"), float("nan")
    place = time - time.min()
    sums = np.stack([np.bincount(place, weights=value), np.bincount(place).astype(float)])
    total, count = block_sums(sums, block, rng, samples=samples)
    low, high = np.quantile(total[count > 0] / count[count > 0], [TAIL, 1.0 - TAIL])
    return float(low), float(high)


def score(
    way: str,
    side: str,
    cells: Cells,
    drawn: Floats,
    walk: Floats,
    *,
    rng: np.random.Generator,
    block: int,
    resamples: int,
) -> Score:
    """Score predictions of some cells against those of the random walk.

    Parameters
    ----------
    way, side
        Labels.
    cells
        What was read.
    drawn, walk
        Predictions, (sample, cell).
    rng, block, resamples
        See `mean_interval`.
    """
    found = []
    for draws in (drawn, walk):
        low, high = np.quantile(draws, [TAIL, 1.0 - TAIL], axis=0)
        inside = (low <= cells.value) & (cells.value <= high)
        crps = proper.crps(draws, cells.value)
        found.append((float(inside.mean()), float((high - low).mean()), crps))
    (coverage, width, crps), (coverage_walk, width_walk, crps_walk) = found
    lower, upper = mean_interval(rng, crps - crps_walk, cells.time, block, resamples)
    return Score(
        way=way,
        side=side,
        n=len(cells.value),
        coverage=coverage,
        coverage_walk=coverage_walk,
        width=width,
        width_walk=width_walk,
        crps=float(crps.mean()),
        crps_walk=float(crps_walk.mean()),
        difference=float((crps - crps_walk).mean()),
        lower=lower,
        upper=upper,
    )


@dataclass(frozen=True)
class HoldoutResult:
    """Scores of held-out readings.

    Attributes
    ----------
    cut
        Last day whose readings were shown.
    shown, held_out
        Number of readings up to the cut, and of those predicted.
    scores
        One per way and side.
    converged
        Convergence of the fit behind each way.
    """

    cut: np.datetime64
    shown: int
    held_out: int
    scores: tuple[Score, ...]
    converged: dict[str, Report]


def cut_after_share(inputs: Inputs, share: float, channel: str) -> np.datetime64:
    """Return the last day of the period by which a share of a channel's readings was observed.

    Parameters
    ----------
    inputs
        A study's inputs.
    share
        Between 0 and 1.
    channel
        Name of the channel whose readings of both sides are counted.
    """
    observed = (~np.isnan(inputs.reading[:, inputs.channels.index(channel)])).sum(axis=0).cumsum()
    period = int(np.searchsorted(observed, share * observed[-1]))
    return inputs.dates[period] + np.timedelta64(inputs.step_days - 1, "D")


def hide_readings(inputs: Inputs, cut: np.datetime64) -> tuple[Inputs, Cells]:
    """Return the inputs without the readings after a day, and those readings.

    Parameters
    ----------
    inputs
        A study's inputs.
    cut
        Last day shown; a period that ends after it is hidden whole, in every channel.

    Returns
    -------
    inputs : Inputs
    hidden : Cells
    """
    late = inputs.dates + np.timedelta64(inputs.step_days - 1, "D") > cut
    shown = np.where(late, np.nan, inputs.reading)
    place = np.argwhere(~np.isnan(inputs.reading) & late)
    cells = Cells(place[:, 0], place[:, 1], place[:, 2], inputs.reading[tuple(place.T)])
    return replace(inputs, reading=shown), cells


def holdout_readings(
    study: Study,
    theory: Theory | str | Path,
    cut: str | dt.date | np.datetime64,
    *,
    channel: str,
    seed: int,
    block: int,
    sampling: Sampling | None = None,
    resamples: int = 4000,
    progress: Callable[[str], None] | None = None,
) -> HoldoutResult:
    """Predict the readings after a day in both ways, and score them.

    Parameters
    ----------
    study
        The whole study.
    theory
        A theory with beliefs and readings.
    cut
        Last day whose readings are shown.
    channel
        Channel to be predicted; readings of every other channel after the cut are hidden too.
    seed
        Seed of both fits and of everything drawn after them.
    block
        Block length of the bootstrap, in periods.
    sampling
        Sampler settings; the package's own when None.
    resamples
        Number of bootstrap resamples.
    progress
        Called with the name of each stage as it begins.

    Returns
    -------
    HoldoutResult
        A failed convergence check does not raise; it stands in `converged`.

    Raises
    ------
    ValueError
        If nothing is left to predict, or a side has too few readings before the cut.
    """
    theory, say = theory_of(theory), progress or (lambda _: None)
    day = day_of(cut, "cut")
    inputs = build_inputs(study)
    shown, hidden = hide_readings(inputs, day)
    cells = _of_channel(hidden, inputs.channels.index(channel))
    if not len(cells.value):
        raise ValueError(f"no reading of {channel} after {day}")
    streams = [np.random.default_rng([seed, part]) for part in range(10, 14)]
    say("given evidence")
    full = fit(study, theory, seed=seed, sampling=sampling, inputs=shown)
    path = np.asarray(full.tree["posterior"]["logit_belief"].values, dtype=float)
    path = path.reshape(-1, *path.shape[2:])
    given = _read_off(full, inputs, cells, path, streams[0])
    say("forecast")
    early = fit(load_study(study.path, as_of=day), theory, seed=seed, sampling=sampling)
    origin = int(early.inputs.active.sum())
    horizon = len(inputs.dates) - origin
    future = forecast(
        early, horizon, seed=seed, allow_failed=True, actions=False, baselines=False
    ).paths.logit_belief
    if future is None:
        raise ValueError(f"{theory.name} has no beliefs")
    past = np.zeros((*future.shape[:2], origin))
    ahead = _read_off(early, inputs, cells, np.concatenate([past, future], axis=-1), streams[1])
    walk = random_walk(streams[2], shown, cells, len(given))
    say("score")
    scores = []
    for way, drawn in (("given evidence", given), ("forecast", ahead)):
        for number, name in enumerate((*inputs.sides, "both")):
            mine = cells.side == number if number < 2 else np.full(len(cells.side), True)
            if mine.any():
                part = Cells(*(np.asarray(v)[mine] for v in vars(cells).values()))
                scores.append(
                    score(
                        way, name, part, drawn[:, mine], walk[:, mine],
                        rng=streams[3], block=block, resamples=resamples,
                    )
                )  # fmt: skip
    converged = {"given evidence": full.report, "forecast": early.report}
    observed = int((~np.isnan(shown.reading[:, inputs.channels.index(channel)])).sum())
    return HoldoutResult(day, observed, len(cells.value), tuple(scores), converged)


def _of_channel(cells: Cells, channel: int) -> Cells:
    mine = cells.channel == channel
    return Cells(*(np.asarray(v)[mine] for v in vars(cells).values()))


def _read_off(
    posterior: Posterior, inputs: Inputs, cells: Cells, path: Floats, rng: np.random.Generator
) -> Floats:
    """Draw the held-out readings from paths of belief (sample, side, time), (sample, cell)."""
    theory, structure = posterior.theory, posterior.structure
    tree = posterior.tree["posterior"]
    draws: dict[str, Any] = {}
    for parameter in free_parameters(theory, structure):
        if parameter.name != "innovation":
            values = np.asarray(tree[parameter.name].values, dtype=float)
            draws[parameter.name] = values.reshape(-1, *values.shape[2:])
    hidden = np.full(inputs.reading.shape, np.nan)
    hidden[cells.side, cells.channel, cells.time] = cells.value
    cols = columns(replace(inputs, reading=hidden))
    return readings.simulate(rng, stacked_params(theory, structure, draws), cols, path, structure)
