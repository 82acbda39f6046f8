"""Matplotlib in the house style: axes, figures of evaluations and of the report, files of both."""

import html
import io
import re
import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import PercentFormatter

from beliefs.evaluation.calibration import COVERAGE, GROUPS, bands
from beliefs.evaluation.compare import Comparison
from beliefs.records.evaluations import Calibration
from beliefs.reporting import style
from beliefs.reporting.series import spells
from beliefs.reporting.style import GREY, INK, LINE, mathless
from beliefs.study.dates import later
from beliefs.study.load import Study
from beliefs.study.writefile import write_file

POINT = 0.75  # of a pixel, in which Plotly counts
DASHES = {"dash": (0, (4, 3)), "dot": ":"}
TITLES = {
    "parameter": "parameters of belief and talks", "actions": "parameters of actions",
    "belief": "beliefs at the end", "density": "log densities", "forecast": "forecasts",
}  # fmt: skip
NAMED = 6  # quantities that a legend lists: more would cover the panel


def figure_suffixes() -> tuple[str, ...]:
    """Return the suffixes of the image formats that can be written, the usual one first."""
    known = set(FigureCanvasBase.get_supported_filetypes()) - {"pgf"}  # needs a TeX beside
    return (".png", *sorted(f".{name}" for name in known - {"png"}))


def save_figure(figure: Any, path: str | Path, dpi: int) -> Path:
    """Write a figure in the format that the file's name ends in, whole or not at all."""
    image = io.BytesIO()
    figure.savefig(image, format=Path(path).suffix[1:].lower(), dpi=dpi)
    return write_file(path, image.getvalue())


def house_axes(ax: Any, width: float = 9.0, height: float = 4.2) -> Any:
    """Return `ax`, or the axes of a new figure (inches), with quiet frame and grid."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(colors=GREY, labelcolor=INK)
    ax.set_axisbelow(True)
    return ax


def time_axis(ax: Any) -> None:
    """Write dates along the bottom."""
    locator = AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, offset_formats=["", *["%Y"] * 5]))


def share_axis(ax: Any, label: str) -> None:
    """Run the vertical axis from 0 to 100 %."""
    ax.set_ylim(0.0, 1.0)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="y", color=LINE, linewidth=0.8)
    ax.set_ylabel(label)


def legend_below(ax: Any, columns: int = 3, **words: Any) -> None:
    """Put the legend under the axes, where it hides no data."""
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=columns, frameon=False, fontsize=8.5,
        borderaxespad=4.5 if ax.get_xlabel() else 3.0, **words,
    )  # fmt: skip


def _words(text: str | None) -> str:
    """Return a label as Matplotlib reads it: no HTML, no formula."""
    lines = re.sub(r"</?b>", "", text or "").split("<br>")
    return "\n".join(mathless(html.unescape(line)) for line in lines)


def static(figure: Any, *, ax: Any = None) -> Any:
    """Draw a Plotly figure of `beliefs.reporting.figures` with Matplotlib; return its axes.

    It knows what those figures hold: lines, fills, markers, horizontal bars, straight lines,
    shades and texts. `ax` are axes to draw into, those of a new figure when None.
    """
    layout = figure.layout
    ax = house_axes(ax, height=layout.height / 85.0)
    dated = layout.xaxis.type == "date"

    def at(x: Any) -> Any:
        return np.asarray(x, dtype="datetime64[D]" if dated else float)

    for trace in figure.data:
        y, label = np.asarray(trace.y, dtype=float), _words(trace.name) or None
        if trace.type == "bar":
            ax.barh(y, at(trace.x), trace.width, color=trace.marker.color)
        elif trace.fill:
            ax.fill(at(trace.x), y, color=trace.fillcolor, lw=0)
        elif trace.mode == "markers":
            mark = trace.marker
            tick = mark.symbol == "line-ns"
            edge = {} if tick else {"edgecolors": mark.line.color}
            ax.scatter(
                at(trace.x), y, s=(mark.size * POINT) ** 2, c=mark.color,
                marker="|" if tick else "o", linewidths=mark.line.width * POINT, zorder=3,
                label=label, **edge,
            )  # fmt: skip
        else:
            ax.plot(
                at(trace.x), y, color=trace.line.color, lw=trace.line.width * POINT, label=label,
                ls=DASHES.get(trace.line.dash, "-"), solid_capstyle="butt",
            )  # fmt: skip
    for shape in layout.shapes:
        label = _words(shape.name) if shape.showlegend else None
        if shape.type == "rect":
            ax.axvspan(
                *at([shape.x0, shape.x1]), color=shape.fillcolor, lw=0, zorder=0, label=label
            )
            continue
        across = shape.xref == "paper"
        draw, where = (ax.axhline, shape.y0) if across else (ax.axvline, at(shape.x0))
        dash = DASHES.get(shape.line.dash, "-")
        draw(where, color=shape.line.color, lw=shape.line.width * POINT, label=label, ls=dash)
    notes = []
    for note in layout.annotations:
        beside = note.xref == "paper"
        ax.annotate(
            _words(note.text), (note.x if beside else at(note.x), note.y), color=note.font.color,
            xycoords=("axes fraction", "data") if beside else ("data", "axes fraction"),
            fontsize=note.font.size * POINT, ha="left" if beside else "center",
            va="center" if beside else "top",
            bbox={"fc": note.bgcolor, "ec": note.bordercolor or "none", "pad": 1.5, "lw": 0.6},
        )  # fmt: skip
        if note.hovertext:
            notes.append(f"{_words(note.text)} {_words(note.hovertext)}")
    ax.set_xlabel(layout.xaxis.title.text or "")
    if dated:
        time_axis(ax)
        share_axis(ax, layout.yaxis.title.text)
    else:
        ax.set_ylim(layout.yaxis.range)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.axvline(0.0, color=INK, lw=0.8)
    if ax.get_legend_handles_labels()[0]:
        legend_below(ax, 4, title=textwrap.fill(" · ".join(notes), 110), title_fontsize=8.5)
    return ax


def plot_weights(comparison: Comparison, study: Study, *, ax: Any = None) -> Any:
    """Draw the stacking weights of theories as periods came in; war and truce are shaded."""
    ax = house_axes(ax)
    dates = comparison.dates.astype("datetime64[D]")
    at = np.append(dates, later(dates[-1], 1, comparison.step_days))[comparison.periods]
    for span in spells(study, dates[0], dates[-1]):
        if span.kind in ("truce", "war"):
            after = span.end + np.timedelta64(1, "D")  # its last day belongs to it
            ax.axvspan(span.start, after, color=style.REGIME_COLOURS[span.kind], lw=0, zorder=0)
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
