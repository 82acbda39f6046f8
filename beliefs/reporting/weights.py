"""Stacking weights over time: which theory was right when."""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.evaluation.compare import Comparison
from beliefs.reporting.axes import house_axes, legend_below, share_axis, time_axis
from beliefs.reporting.style import INK, REGIME_COLOURS, mathless
from beliefs.study.load import Study

__all__ = ["THEORY_COLOURS", "plot_differences", "plot_weights"]

# Okabe and Ito (2008); those of the sides are left to the sides.
THEORY_COLOURS = ("#999999", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442")


def _shade(ax: Any, study: Study, first: np.datetime64, last: np.datetime64) -> None:
    for regime in study.spec.regimes:
        start = max(np.datetime64(regime.start, "D"), first)
        end = last if regime.end is None else min(np.datetime64(regime.end, "D"), last)
        if start < end and regime.kind in ("truce", "war"):
            after = end + np.timedelta64(1, "D")  # its last day belongs to it
            ax.axvspan(start, after, color=REGIME_COLOURS[regime.kind], lw=0, zorder=0)


def plot_weights(comparison: Comparison, study: Study, *, ax: Any = None) -> Any:
    """Draw the stacking weights of theories as periods came in; war and truce are shaded.

    Parameters
    ----------
    comparison
        From `beliefs.evaluation.compare.compare`.
    study
        The study it is of.
    ax
        Axes to draw into; a new figure's when None.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = house_axes(ax)
    dates = comparison.dates.astype("datetime64[D]")
    step = np.timedelta64(comparison.step_days, "D")
    at = np.asarray([dates[n] if n < len(dates) else dates[-1] + step for n in comparison.periods])
    _shade(ax, study, dates[0], dates[-1])
    for k, (name, title) in enumerate(zip(comparison.ids, comparison.titles, strict=True)):
        ax.plot(
            at, comparison.weights[:, k], color=THEORY_COLOURS[k % len(THEORY_COLOURS)], lw=1.8,
            label=f"{name} {mathless(title)}",
        )  # fmt: skip
    share_axis(ax, "stacking weight")
    time_axis(ax)
    legend_below(ax)
    return ax


def plot_differences(comparison: Comparison, *, ax: Any = None) -> Any:
    """Draw each theory's log score against the base rate by observable, with 90 % intervals.

    Parameters
    ----------
    comparison
        From `beliefs.evaluation.compare.compare`.
    ax
        Axes to draw into; a new figure's when None.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = house_axes(ax, height=0.8 + 0.55 * len(comparison.observables))
    rows = [row for row in comparison.table if row.by_observable]
    order = {name: k for k, name in enumerate(comparison.ids)}
    for row in rows:
        k = order[row.id]
        shift = 0.6 * (k / max(len(rows) - 1, 1) - 0.5)
        for o, name in enumerate(comparison.observables):
            gap = row.by_observable[name]
            colour = THEORY_COLOURS[k % len(THEORY_COLOURS)]
            ax.plot([gap.low, gap.high], [o + shift] * 2, color=colour, lw=1.6)
            label = f"{row.id} {mathless(row.title)}" if o == 0 else None
            ax.plot(gap.total, o + shift, "o", color=colour, ms=4, label=label)
    ax.axvline(0.0, color=INK, lw=0.8)
    ax.set_yticks(range(len(comparison.observables)), list(comparison.observables))
    ax.invert_yaxis()
    ax.set_xlabel("log score against the base rate")
    legend_below(ax)
    return ax
