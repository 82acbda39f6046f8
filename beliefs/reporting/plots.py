"""Figures of evaluations for files and notebooks: weights, ranks of a calibration."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from beliefs.evaluation.calibration import COVERAGE, GROUPS, bands
from beliefs.evaluation.compare import Comparison
from beliefs.records.evaluations import Calibration
from beliefs.reporting import style
from beliefs.reporting.axes import house_axes, legend_below, share_axis, time_axis
from beliefs.reporting.series import spells
from beliefs.reporting.style import GREY, INK, REGIME_COLOURS, mathless
from beliefs.study.load import Study

TITLES = {
    "parameter": "parameters of belief and talks", "actions": "parameters of actions",
    "belief": "beliefs at the end", "density": "log densities", "forecast": "forecasts",
}  # fmt: skip
NAMED = 6  # quantities that a legend lists: more would cover the panel


def plot_weights(comparison: Comparison, study: Study, *, ax: Any = None) -> Any:
    """Draw the stacking weights of theories as periods came in; war and truce are shaded."""
    ax = house_axes(ax)
    dates = comparison.dates.astype("datetime64[D]")
    at = np.append(dates, dates[-1] + np.timedelta64(comparison.step_days, "D"))[comparison.periods]
    for span in spells(study, dates[0], dates[-1]):
        if span.kind in ("truce", "war"):
            after = span.end + np.timedelta64(1, "D")  # its last day belongs to it
            ax.axvspan(span.start, after, color=REGIME_COLOURS[span.kind], lw=0, zorder=0)
    for k, (name, title) in enumerate(zip(comparison.ids, comparison.titles, strict=True)):
        colour = style.THEORY_COLOURS[k % len(style.THEORY_COLOURS)]
        label = f"{name} {mathless(title)}"
        ax.plot(at, comparison.weights[:, k], color=colour, lw=1.8, label=label)
    share_axis(ax, "stacking weight")
    time_axis(ax)
    legend_below(ax)
    return ax


def plot_calibration(found: Calibration) -> list[Any]:
    """Draw the distribution function of the ranks of every quantity, less that of uniform ones.

    One panel a group. The band holds the whole function of a calibrated quantity with 99 %
    probability; those outside are coloured, and the worst six of a panel named. `found` needs one
    simulation at least.
    """
    groups = [g for g in GROUPS if any(name.startswith(f"{g}:") for name in found.ranks)]
    figure, axes = plt.subplots(
        len(groups), 1, figsize=(9.0, 2.6 * len(groups) + 0.6), sharex=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    n, about = len(found.numbers), found.settings
    title = (
        f"{about['theory']}: {n} simulations of the size of {about['study']} as of "
        f"{about['as_of']}, bands of {COVERAGE:.0%}"
    )
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    band = bands(n, found.draws)
    places = np.arange(found.draws + 2)
    for ax, group in zip(axes[:, 0], groups, strict=True):
        house_axes(ax)
        ax.fill_between(band.at, band.low, band.high, color=GREY, alpha=0.18, lw=0, step=None)
        ax.axhline(0.0, color=INK, lw=0.7)
        rows = [row for row in found.judged if row.name.startswith(f"{group}:")]
        outside = [row.name for row in rows if row.outside]
        named: list[tuple[Any, str]] = []
        for row in reversed(rows):  # the worst comes first, and is drawn last
            below = np.searchsorted(np.sort(found.ranks[row.name]), places, side="left") / n
            (line,) = ax.plot(band.at, below - band.at, color=GREY, lw=0.6, alpha=0.6)
            if row.outside:
                colours = style.QUANTITY_COLOURS
                line.set(color=colours[outside.index(row.name) % len(colours)], lw=1.5, alpha=None)
                label = f"{mathless(row.name.split(':', 1)[1])} (p = {row.p:.2g})"
                named.insert(0, (line, label))
        ax.set_title(f"{TITLES[group]}: {len(rows)}", loc="left", fontsize=9.5)
        ax.set_ylabel("off uniform", fontsize=8)
        if named:
            if len(named) > NAMED:
                (empty,) = ax.plot([], [], lw=0)
                named[NAMED:] = [(empty, f"and {len(named) - NAMED} more")]
            lines, labels = zip(*named, strict=True)
            ax.legend(lines, labels, fontsize=7, frameon=False, loc="upper right", ncols=2)
    axes[-1, 0].set_xlabel("rank of the truth, as a share")
    return list(axes[:, 0])
