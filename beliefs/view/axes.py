"""Matplotlib axes in the house style: quiet frame, light grid, legend out of the way."""

from __future__ import annotations

from typing import Any

from beliefs.view.style import GREY, INK

__all__ = ["house_axes", "legend_below", "lines_of", "share_axis", "share_colours", "time_axis"]


def house_axes(ax: Any, width: float = 9.0, height: float = 4.2) -> Any:
    """Return `ax`, or the axes of a new figure, with quiet frame and grid."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    for edge in ("top", "right"):
        ax.spines[edge].set_visible(False)
    for edge in ("left", "bottom"):
        ax.spines[edge].set_color(GREY)
    ax.tick_params(colors=GREY, labelcolor=INK)
    ax.set_axisbelow(True)
    return ax


def time_axis(ax: Any) -> None:
    """Write dates along the bottom."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, offset_formats=["", *["%Y"] * 5]))


def share_axis(ax: Any, label: str) -> None:
    """Run the vertical axis from 0 to 100 %."""
    from matplotlib.ticker import PercentFormatter

    ax.set_ylim(0.0, 1.0)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="y", color="#e4e2dc", linewidth=0.8)
    ax.set_ylabel(label)


def legend_below(ax: Any, columns: int = 3) -> None:
    """Put the legend under the axes, where it hides no data."""
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.12), ncol=columns, frameon=False, fontsize=8.5
    )


def lines_of(notes: list[str], width: int = 110) -> list[str]:
    """Return notes joined into lines of bounded length."""
    lines: list[str] = []
    for note in notes:
        if lines and len(lines[-1]) + len(note) < width:
            lines[-1] += " · " + note
        else:
            lines.append(note)
    return lines


def share_colours() -> Any:
    """Return the colour map of probabilities from 0 to 1, of neither side's hue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("share", ["#f7f5f0", "#a99bb8", "#43305f"])
