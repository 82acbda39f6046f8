"""Matplotlib figures for notebooks and papers: one function a figure, one signature for all.

``plot_x(posterior_or_forecast, *, ax=None) -> Axes`` draws into `ax`, or into a new figure.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.errors import counted
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.posterior import Posterior
from beliefs.reporting import series
from beliefs.reporting.axes import (
    house_axes,
    legend_below,
    lines_of,
    share_axis,
    share_colours,
    time_axis,
)
from beliefs.reporting.marks import regime_spans, shock_marks, talk_dates
from beliefs.reporting.moves import top_moves
from beliefs.reporting.style import (
    GREY,
    INK,
    REGIME_COLOURS,
    REGIME_WORDS,
    SIDE_COLOURS,
    SURPLUS,
    TALKS,
    day,
    mathless,
    number,
    short_day,
    shorten,
    whole_percent,
)

__all__ = [
    "plot_beliefs",
    "plot_crack_grid",
    "plot_cracks",
    "plot_fan",
    "plot_moves",
    "plot_scorecards",
    "plot_talks",
    "plot_talks_rational",
]

WIDEST = 60  # characters of a label beside a figure
HISTORY = 60  # periods of the past drawn before a forecast
Source = Posterior | Forecast


def _bands(ax: Any, bands: tuple[series.Band, series.Band], label: str = "{}") -> None:
    for band, colour in zip(bands, SIDE_COLOURS, strict=True):
        ax.fill_between(band.dates, band.low90, band.high90, color=colour, alpha=0.15, lw=0)
        ax.fill_between(band.dates, band.low50, band.high50, color=colour, alpha=0.25, lw=0)
        for edge in (band.low90, band.high90):  # keeps a side's band visible under the other's
            ax.plot(band.dates, edge, color=colour, lw=0.6, alpha=0.5)
        ax.plot(
            band.dates, band.mean, color=colour, lw=1.8, label=label.format(mathless(band.name))
        )


def plot_beliefs(source: Source, *, ax: Any = None) -> Any:
    """Draw both beliefs up to the origin: mean, 50 % and 90 % intervals.

    Regimes are shaded, shocks numbered, talks ticked along the bottom, and the study's crack
    threshold is dashed.

    Parameters
    ----------
    source
        A posterior or a forecast of a theory with beliefs.
    ax
        Axes to draw into; a new figure's when None.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.patches import Patch

    posterior = series.posterior_of(source)
    ax = house_axes(ax, height=5.0)
    kinds = {}
    for span in regime_spans(source):
        shade = REGIME_COLOURS[span.kind]
        kinds[span.kind] = Patch(color=shade, label=f"{REGIME_WORDS[span.kind]} (shaded)")
        ax.axvspan(span.start, span.end + np.timedelta64(1, "D"), color=shade, lw=0, zorder=0)
    _bands(ax, series.belief_bands(source))
    threshold = posterior.study.spec.crack.threshold
    ax.axhline(threshold, color=INK, lw=0.9, ls=(0, (4, 3)), label="crack threshold")
    notes = []
    for mark in shock_marks(source):
        ax.axvline(mark.date, color=INK, lw=0.7, ls=":", zorder=1)
        ax.annotate(
            str(mark.number), (mark.date, 0.985 - 0.052 * mark.level), ha="center", va="top",
            fontsize=8, xycoords=("data", "axes fraction"),
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": GREY, "lw": 0.6},
        )  # fmt: skip
        notes.append(f"{mark.number} {mathless(mark.label)}")
    held = talk_dates(source)
    if len(held):
        ax.plot(held, np.full(len(held), 0.02), "|", color=TALKS, ms=9, mew=1.5, label="talks held")
    time_axis(ax)
    share_axis(ax, "belief that it prevails")
    handles, _ = ax.get_legend_handles_labels()
    ax.legend(
        handles=[*handles, *kinds.values()], loc="upper center", bbox_to_anchor=(0.5, -0.08),
        ncol=4, frameon=False, fontsize=8.5, title="\n".join(lines_of(notes)), title_fontsize=8.5,
    )  # fmt: skip
    ax.set_title("Belief of each side, with 50% and 90% intervals", loc="left", fontsize=11)
    return ax


def plot_fan(forecast: Forecast, *, ax: Any = None) -> Any:
    """Draw both beliefs before and beyond the origin: mean, 50 % and 90 % intervals.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    ax
        Axes to draw into; a new figure's when None.
    """
    ax = house_axes(ax)
    first, second = series.belief_bands(forecast)
    past = (series.recent(first, HISTORY), series.recent(second, HISTORY))
    _bands(ax, past)
    _bands(ax, series.fan_bands(forecast), label="_{}")
    threshold = forecast.posterior.study.spec.crack.threshold
    ax.axhline(threshold, color=INK, lw=0.9, ls=(0, (4, 3)), label="crack threshold")
    origin = forecast.posterior.origin
    ax.axvline(origin, color=INK, lw=0.9, label=f"origin, {day(origin)}")
    time_axis(ax)
    share_axis(ax, "belief that it prevails")
    legend_below(ax, 4)
    ax.set_title("Beliefs before and after the origin", loc="left", fontsize=11)
    return ax


def _curve(ax: Any, curve: series.Curve, colour: str, label: str) -> None:
    low, high = curve.p - 2 * curve.mcse, curve.p + 2 * curve.mcse
    ax.fill_between(curve.dates, low.clip(0), high.clip(max=1), color=colour, alpha=0.2, lw=0)
    ax.plot(curve.dates, curve.p, color=colour, lw=1.8, label=label)


def plot_cracks(forecast: Forecast, *, ax: Any = None) -> Any:
    """Draw P(crack by each day) of both sides; dashed, what the prior alone says.

    The narrow band is two Monte-Carlo errors wide on either side.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    ax
        Axes to draw into; a new figure's when None.
    """
    ax = house_axes(ax)
    names = series.side_names(forecast)
    for side, name, colour in zip(
        forecast.posterior.structure.sides, names, SIDE_COLOURS, strict=True
    ):
        curve = series.event_curve(forecast, "crack", side)
        _curve(ax, curve, colour, f"{mathless(name)} cracks")
        ax.plot(
            curve.reference_dates, curve.reference, color=colour, lw=1.2, ls=(0, (5, 3)),
            label=f"{mathless(name)}, prior alone",
        )  # fmt: skip
    rule = forecast.posterior.study.spec.crack
    time_axis(ax)
    share_axis(ax, "probability by that day")
    legend_below(ax, 2)
    ax.set_title(
        f"A crack: belief below {rule.threshold:g} for {counted(rule.periods, 'period')} in a row",
        loc="left",
        fontsize=11,
    )
    return ax


def _one_curve(
    forecast: Forecast, target: str, colour: str, label: str, title: str, ax: Any
) -> Any:
    ax = house_axes(ax)
    curve = series.event_curve(forecast, target)
    _curve(ax, curve, colour, label)
    ax.plot(
        curve.reference_dates, curve.reference, color=GREY, lw=1.4, ls=(0, (5, 3)),
        label=mathless(curve.reference_label),
    )  # fmt: skip
    time_axis(ax)
    share_axis(ax, "probability by that day")
    legend_below(ax, 2)
    ax.set_title(title, loc="left", fontsize=11)
    return ax


def plot_talks(forecast: Forecast, *, ax: Any = None) -> Any:
    """Draw P(talks by each day) beside the base rate.

    Parameters
    ----------
    forecast
        Any forecast, with beliefs or without.
    ax
        Axes to draw into; a new figure's when None.
    """
    return _one_curve(forecast, "talks", TALKS, "talks are held", "Talks are held", ax)


def plot_talks_rational(forecast: Forecast, *, ax: Any = None) -> Any:
    """Draw P(talks have become rational by each day) beside what the prior alone says.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    ax
        Axes to draw into; a new figure's when None.
    """
    title = "Talks become rational: the bargaining surplus stays positive"
    return _one_curve(forecast, "talks_rational", SURPLUS, "talks are rational", title, ax)


def plot_scorecards(source: Source, *, ax: Any = None) -> Any:
    """Draw every scorecard weight: posterior mean, 50 % and 90 % interval, over the prior's 90 %.

    A filled dot is news on the side's own scorecard. A grey bar the posterior does not shrink is a
    weight that this study cannot teach.

    Parameters
    ----------
    source
        A posterior or a forecast of a theory with scorecards.
    ax
        Axes to draw into; a new figure's when None.
    """
    from matplotlib.lines import Line2D

    weights = series.scorecard_weights(source)
    rows = series.scorecard_rows(weights)
    place = {key: n for n, key in enumerate(rows)}
    ax = house_axes(ax, height=1.6 + 0.42 * len(rows))
    for w in weights:
        y = place[(w.indicator, w.regime)] + (0.2 if w.side else -0.2)
        colour = SIDE_COLOURS[w.side]
        ax.plot([w.prior_low, w.prior_high], [y, y], color="#d5d2cb", lw=7, solid_capstyle="butt")
        ax.plot([w.low90, w.high90], [y, y], color=colour, lw=1.2)
        ax.plot([w.low50, w.high50], [y, y], color=colour, lw=3.2, solid_capstyle="butt")
        ax.plot(w.mean, y, "o", ms=6, mec=colour, mfc=colour if w.own else "white", gid="mean")
    ax.axvline(0.0, color=INK, lw=0.8)
    ax.set_yticks(range(len(rows)), [mathless(shorten(t, WIDEST)) for t in rows.values()])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("log-odds per sd of news that the side reads as good, per √week")
    handles = [
        *(
            Line2D([], [], color=c, marker="o", label=mathless(n))
            for c, n in zip(SIDE_COLOURS, series.side_names(source), strict=True)
        ),
        Line2D([], [], color="#d5d2cb", lw=7, label="prior, 90%"),
        Line2D([], [], color=GREY, marker="o", lw=0, label="own scorecard"),
        Line2D([], [], color=GREY, marker="o", lw=0, mfc="white", label="other news"),
    ]
    ax.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=5, frameon=False,
        fontsize=8.5,
    )  # fmt: skip
    return ax


def plot_crack_grid(forecast: Forecast, *, ax: Any = None) -> Any:
    """Draw P(crack) for each threshold and run length, both sides side by side.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    ax
        Axes to draw into; a new figure's when None.
    """
    grid = series.crack_grid(forecast)
    columns, rows = len(grid.thresholds), len(grid.periods)
    ax = house_axes(ax, width=7.5, height=1.6 + 0.5 * rows)
    cells = series.grid_cells(grid)
    ax.imshow(cells, cmap=share_colours(), vmin=0, vmax=1, aspect="auto")
    for (row, column), p in np.ndenumerate(cells):
        if np.isfinite(p):
            ink = "white" if p > 0.55 else INK
            ax.text(column, row, whole_percent(p), ha="center", va="center", color=ink, fontsize=9)
    ticks = [*range(columns), *range(columns + 1, 2 * columns + 1)]
    ax.set_xticks(ticks, [f"{t:g}" for t in grid.thresholds * 2])
    unit = "day" if forecast.posterior.inputs.step_days == 1 else "week"
    ax.set_yticks(range(rows), [f"{d} {unit}{'s' * (d > 1)}" for d in grid.periods])
    ax.tick_params(length=0)
    for edge in ax.spines.values():
        edge.set_visible(False)
    for side, name in enumerate(series.side_names(forecast)):
        centre = side * (columns + 1) + (columns - 1) / 2
        ax.text(
            centre, -0.7, mathless(name), ha="center", va="bottom", color=SIDE_COLOURS[side],
            weight="bold", fontsize=10,
        )  # fmt: skip
    ax.set_xlabel(f"belief below this threshold, for so long in a row, by {day(grid.by)}")
    return ax


def plot_moves(source: Source, *, ax: Any = None) -> Any:
    """Draw the largest moves of each belief: cause, week, size and 90 % interval.

    Parameters
    ----------
    source
        A posterior or a forecast of a theory with beliefs.
    ax
        Axes to draw into; a new figure's when None.
    """
    moves = top_moves(source)
    ax = house_axes(ax, height=1.2 + 0.32 * (len(moves) + 1))
    first = sum(m.side == 0 for m in moves)
    ys = [n + (n >= first) for n in range(len(moves))]  # a free line between the sides
    for y, m in zip(ys, moves, strict=True):
        colour = SIDE_COLOURS[m.side]
        ax.barh(y, m.mean, height=0.62, color=colour, alpha=0.55)
        ax.plot([m.low90, m.high90], [y, y], color=colour, lw=1.2)
    ax.axvline(0.0, color=INK, lw=0.8)
    labels = [
        f"{short_day(m.start)}  {mathless(shorten(m.label, WIDEST))}  {number(m.mean)}"
        for m in moves
    ]
    ax.set_yticks(ys, labels, fontsize=8.5)
    for tick, m in zip(ax.get_yticklabels(), moves, strict=True):
        tick.set_color(SIDE_COLOURS[m.side])
    ax.invert_yaxis()
    ax.set_xlabel("move of belief in that week, log-odds (line: 90% interval)")
    first_name, second_name = (mathless(n) for n in series.side_names(source))
    ax.set_title(f"What moved {first_name} (top) and {second_name}", loc="left", fontsize=11)
    return ax
