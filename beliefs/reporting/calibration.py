"""The figure of a calibration: ranks of the truth against simultaneous bands."""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.evaluation.calibration.calibration import GROUPS
from beliefs.evaluation.calibration.uniformity import COVERAGE, bands
from beliefs.records.calibration import Calibration
from beliefs.reporting.axes import house_axes
from beliefs.reporting.style import GREY, INK, mathless

__all__ = ["plot_calibration"]

TITLES = {
    "parameter": "parameters of belief and talks",
    "conduct": "parameters of conduct",
    "belief": "beliefs at the end",
    "density": "log densities",
    "forecast": "forecasts",
}
# Okabe and Ito (2008), as for theories.
NAMED = 6  # quantities that a legend lists: more would cover the panel
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def plot_calibration(found: Calibration, *, axes: Any = None) -> Any:
    """Draw the distribution function of the ranks of every quantity, less that of uniform ones.

    One panel a group. The band holds the whole function of a calibrated quantity with 99 %
    probability; those outside are coloured, and the worst six of a panel named.

    Parameters
    ----------
    found
        From `beliefs.records.calibration.calibrate`, with one simulation at least.
    axes
        One axes for each group that was ranked; those of a new figure when None.

    Returns
    -------
    list of matplotlib.axes.Axes
    """
    groups = [g for g in GROUPS if any(name.startswith(f"{g}:") for name in found.ranks)]
    if axes is None:
        import matplotlib.pyplot as plt

        size = (9.0, 2.6 * len(groups) + 0.6)
        figure, axes = plt.subplots(
            len(groups), 1, figsize=size, sharex=True, squeeze=False, layout="constrained"
        )
        figure.suptitle(_title(found), fontsize=10, x=0.01, ha="left")
        axes = axes[:, 0]
    n, draws = len(found.numbers), found.draws
    band = bands(n, draws)
    places = np.arange(draws + 2)
    for ax, group in zip(axes, groups, strict=True):
        house_axes(ax)
        ax.fill_between(band.at, band.low, band.high, color=GREY, alpha=0.18, lw=0, step=None)
        ax.axhline(0.0, color=INK, lw=0.7)
        rows = [row for row in found.judged if row.name.startswith(f"{group}:")]
        outside = [row.name for row in rows if row.outside]
        named: dict[str, tuple[Any, str]] = {}
        for row in reversed(rows):
            below = np.searchsorted(np.sort(found.ranks[row.name]), places, side="left") / n
            style: dict[str, Any] = {"color": GREY, "lw": 0.6, "alpha": 0.6}
            if row.outside:
                style = {"color": COLOURS[outside.index(row.name) % len(COLOURS)], "lw": 1.5}
            (line,) = ax.plot(band.at, below - band.at, **style)
            if row.outside:
                named[row.name] = line, f"{mathless(row.name.split(':', 1)[1])} (p = {row.p:.2g})"
        ax.set_title(f"{TITLES[group]}: {len(rows)}", loc="left", fontsize=9.5)
        ax.set_ylabel("off uniform", fontsize=8)
        if outside:
            shown = [named[name] for name in outside[:NAMED]]  # the worst comes first
            if len(outside) > NAMED:
                (empty,) = ax.plot([], [], lw=0)
                shown.append((empty, f"and {len(outside) - NAMED} more"))
            lines, labels = zip(*shown, strict=True)
            ax.legend(lines, labels, fontsize=7, frameon=False, loc="upper right", ncols=2)
    axes[-1].set_xlabel("rank of the truth, as a share")
    return list(axes)


def _title(found: Calibration) -> str:
    told = found.settings
    return (
        f"{told['theory']}: {len(found.numbers)} simulations of the size of {told['study']} as of "
        f"{told['as_of']}, bands of {COVERAGE:.0%}"
    )
