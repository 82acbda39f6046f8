"""Matplotlib axes in the house style: quiet frame, light grid, legend out of the way."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from beliefs.reporting.style import GREY, INK
from beliefs.study.writefile import write_file

__all__ = [
    "figure_suffixes",
    "house_axes",
    "legend_below",
    "lines_of",
    "save_figure",
    "share_axis",
    "share_colours",
    "time_axis",
]


def figure_suffixes() -> tuple[str, ...]:
    """Return the suffixes of the image formats that can be written, the usual one first."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = set(FigureCanvasBase.get_supported_filetypes()) - {"pgf"}  # needs a TeX beside
    return (".png", *sorted(f".{name}" for name in known - {"png"}))


def save_figure(figure: Any, path: str | Path, dpi: int) -> Path:
    """Write a figure in the format that the file's name ends in, whole or not at all.

    Parameters
    ----------
    figure
        The figure.
    path
        File to write; see `figure_suffixes`.
    dpi
        Dots per inch.

    Raises
    ------
    StudyError
        The file cannot be written.
    """
    image = io.BytesIO()
    figure.savefig(image, format=Path(path).suffix[1:].lower(), dpi=dpi)
    return write_file(path, image.getvalue())


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
