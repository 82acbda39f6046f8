"""The coordinates in which particles move: independent standard normal, as far as can be told.

Scores go through the frame of linear parameters (`moves_linear`), lose their skew (`moves_bend`),
are whitened by the Gaussian that fits them (`particles`), and lose what squares and products of
some say of others (`moves_shear`). All of it is a bijection whose determinant is known, so that it
decides how often a proposal is accepted and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.filter.filter_model import Model
from beliefs.inference.smc.moves_bend import Bend, bend_of, bent, straight
from beliefs.inference.smc.moves_linear import Frame, frame_of, from_frame, to_frame
from beliefs.inference.smc.moves_shear import PRODUCTS, Shear, shear_of, sheared, unsheared
from beliefs.inference.smc.particles import WIDER, fitted_gaussian, normalised, spread_by, whiten

__all__ = ["Chart", "back", "chart_of", "in_order"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CORE = (
    "retention", "log_volatility", "log_discount", "log_reading_step", "projection_level",
    "surplus_effect", "onset_base",
)  # fmt: skip
"""Parameters that bend the posterior of all others, and so move least of all. Moves of these alone,
which the others follow in expectation, are cheap in acceptance."""
FAR, WIDEST = ("surplus_effect", "onset_base", "log_cost", "cost_slope"), 1.3
"""Parameters of a funnel, and variance of proposals: the more talks hang on the surplus, the less
room is left for it, so few particles stand where the likelihood is highest, and the rest must find
it."""
LATE = ("belief_mean", *(name for name in PRODUCTS if name not in CORE))
"""Parameters that answer to squares and products of others, those that answer to most at the end:
levels trade off against all weights, the chance that talks go on against costs and slopes."""


@dataclass(frozen=True)
class Chart:
    """Coordinates fitted to weighted particles.

    Attributes
    ----------
    frame
        Of the linear parameters, and the number of periods in the target.
    order, n_core
        The scores in the order in which coordinates depend on one another, and how many of them
        are the core.
    bend, mean, root, shear
        What is done in that order: skew, mean and root of the covariance, curvature.
    reach
        Standard deviation of proposals in each coordinate, (d,).
    """

    frame: Frame
    order: Ints
    n_core: int
    bend: Bend
    mean: Floats
    root: Floats
    shear: Shear
    reach: Floats


def in_order(labels: tuple[str, ...]) -> tuple[Ints, int]:
    """Return the order in which coordinates depend on one another, and the size of the core."""
    names = [label.split("[")[0] for label in labels]
    order = (*CORE, None, *LATE)
    rank = [order.index(name) if name in order else len(CORE) for name in names]
    # Elements of the core keep the order of their labels.
    rank = [0 if name in CORE else r for name, r in zip(names, rank, strict=True)]
    places = np.argsort(np.asarray(rank), kind="stable")
    return places.astype(np.int64), sum(name in CORE for name in names)


def chart_of(
    model: Model, scores: Floats, log_weights: Floats, n_time: int
) -> tuple[Chart, Floats, Floats]:
    """Fit coordinates to weighted particles.

    Parameters
    ----------
    model
        See `beliefs.inference.filter.filter_model`.
    scores
        (N, d) normal scores.
    log_weights
        (N,), not normalised.
    n_time
        Number of periods in the target.

    Returns
    -------
    Chart
        The coordinates.
    ndarray
        (N, d) the particles in them.
    ndarray
        (N,) log|d scores / d coordinates|, up to a constant of the chart.
    """
    frame = frame_of(model, normalised(log_weights) @ scores, n_time)
    order, n_core = in_order(model.coordinates.labels)
    here, change = to_frame(frame, scores)
    here = np.ascontiguousarray(here[:, order])
    bend = bend_of(here, log_weights)
    here, bending = bent(bend, here)
    mean, root = fitted_gaussian(here, log_weights)
    white = whiten(root, here - mean)
    labels = tuple(model.coordinates.labels[j] for j in order)
    shear = shear_of(white, log_weights, labels)
    far = np.asarray([label.split("[")[0] in FAR for label in labels])
    reach = np.sqrt(np.where(far, WIDEST, WIDER))
    chart = Chart(frame, order, n_core, bend, mean, root, shear, reach)
    return chart, sheared(shear, white), change - bending


def back(chart: Chart, places: Floats) -> tuple[Floats, Floats]:
    """Return the scores (N, d) at places of a chart, and log|d scores / d places| as `chart_of`."""
    here = chart.mean + spread_by(chart.root, unsheared(chart.shear, places))
    here, bending = straight(chart.bend, here)
    out = np.empty_like(here)
    out[:, chart.order] = here
    scores, stretch = from_frame(chart.frame, out)
    return scores, stretch - bending
