"""Scores of predicted readings, beside those of a random walk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.scores.skill import enough_blocks
from beliefs.features.inputs import Inputs

__all__ = ["INTERVAL", "Cells", "Score", "block_bootstrap_mean", "random_walk", "score"]

Floats = NDArray[np.float64]
INTERVAL = 0.9


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
    """Draw held-out readings from the yardstick, (sample, cell).

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
        heard = np.flatnonzero(~np.isnan(shown.reading[i, c]))
        if len(heard) < 3:
            raise ValueError(
                f"{shown.sides[i]} has {len(heard)} readings in {shown.channels[c]} before the cut"
            )
        said = shown.reading[i, c, heard]
        step2 = float(np.mean(np.diff(said) ** 2 / np.diff(heard)))
        centre[k], spread[k] = said[-1], np.sqrt(step2 * (t - heard[-1]))
    return centre + spread * rng.normal(size=(samples, len(centre)))


def block_bootstrap_mean(
    rng: np.random.Generator,
    value: Floats,
    time: NDArray[np.int64],
    *,
    block: int,
    samples: int,
    level: float = INTERVAL,
) -> tuple[float, float]:
    """Return a percentile interval of a mean over cells, periods resampled in moving blocks.

    Parameters
    ----------
    rng
        Source of randomness.
    value, time
        Values and their periods, (cell,). Cells of one period stay together (Künsch 1989).
    block
        Block length in periods.
    samples
        Number of resamples.
    level
        Content of the interval.

    Returns
    -------
    lower, upper
        NaN where periods with values fill fewer than `beliefs.evaluation.scores.skill.BLOCKS`
        blocks.
    """
    if not enough_blocks(len(np.unique(time)), block):
        return float("nan"), float("nan")
    first, last = int(time.min()), int(time.max())
    length = last - first + 1
    total = np.bincount(time - first, weights=value, minlength=length)
    count = np.bincount(time - first, minlength=length)
    starts = rng.integers(0, length - block + 1, size=(samples, -(-length // block)))
    index = (starts[..., None] + np.arange(block)).reshape(samples, -1)[:, :length]
    counted = count[index].sum(axis=1)
    means = total[index].sum(axis=1)[counted > 0] / counted[counted > 0]
    tail = (1.0 - level) / 2.0
    lower, upper = np.quantile(means, [tail, 1.0 - tail])
    return float(lower), float(upper)


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
        See `block_bootstrap_mean`.
    """
    import scoringrules

    tail = (1.0 - INTERVAL) / 2.0
    found = []
    for draws in (drawn, walk):
        low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0)
        inside = (low <= cells.value) & (cells.value <= high)
        crps = np.asarray(scoringrules.crps_ensemble(cells.value, draws, m_axis=0))
        found.append((float(inside.mean()), float((high - low).mean()), crps))
    (coverage, width, crps), (coverage_walk, width_walk, crps_walk) = found
    lower, upper = block_bootstrap_mean(
        rng, crps - crps_walk, cells.time, block=block, samples=resamples
    )
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
