"""The figures of `beliefs.reporting.plots` for a browser: Plotly, drawn from the same numbers.

Every text that a study brings is escaped, because Plotly reads a small HTML in its labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from beliefs.forecasting.forecast import Forecast
from beliefs.inference.posterior import Posterior
from beliefs.reporting import series
from beliefs.reporting.canvas import (
    area,
    days,
    forest_axes,
    house_figure,
    row_labels,
    safe,
    share_axis,
    strokes,
)
from beliefs.reporting.marks import regime_spans, shock_marks, talk_dates
from beliefs.reporting.moves import top_moves
from beliefs.reporting.plots import HISTORY
from beliefs.reporting.style import (
    GREY,
    INK,
    REGIME_COLOURS,
    REGIME_WORDS,
    SIDE_COLOURS,
    SURPLUS,
    TALKS,
    day,
    number,
    rgba,
    short_day,
    shorten,
    whole_percent,
)

__all__ = [
    "beliefs",
    "crack_grid",
    "cracks",
    "fan",
    "moves",
    "scorecards",
    "talks",
    "talks_rational",
]

PRIOR = "#d5d2cb"
ROW = 40  # pixels a row of a forest takes, its label above it included
LINE_HEIGHT = 8  # pixels a further line of label adds
WIDEST = 50  # characters of a label that a phone shows on one line
Source = Posterior | Forecast


def _edges(figure: Any, dates: list[str], band: series.Band, colour: str) -> None:
    """Draw the ends of the 90 % interval, so that a band stays visible under the other's."""
    for edge in (band.low90, band.high90):
        figure.add_scatter(
            x=dates, y=edge, mode="lines", line={"color": rgba(colour, 0.5), "width": 0.7},
            hoverinfo="skip", showlegend=False,
        )  # fmt: skip


def _bands(figure: Any, bands: tuple[series.Band, series.Band], legend: bool = True) -> None:
    for band, colour in zip(bands, SIDE_COLOURS, strict=True):
        dates, name = days(band.dates), safe(band.name)
        area(figure, dates, band.low90, band.high90, colour, 0.15)
        area(figure, dates, band.low50, band.high50, colour, 0.25)
        _edges(figure, dates, band, colour)
        figure.add_scatter(
            x=dates, y=band.mean, mode="lines", name=name, line={"color": colour, "width": 2.2},
            customdata=np.column_stack([band.low90, band.high90]), showlegend=legend,
            hovertemplate=name + " %{y:.0%} (%{customdata[0]:.0%}–%{customdata[1]:.0%})"
            "<extra></extra>",
        )  # fmt: skip


def _level(figure: Any, y: float, label: str) -> None:
    figure.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=y, y1=y, name=label, showlegend=True,
        line={"color": INK, "width": 1, "dash": "dash"},
    )  # fmt: skip


def beliefs(source: Source) -> Any:
    """Return both beliefs up to the origin, over regimes, shocks and talks.

    Parameters
    ----------
    source
        A posterior or a forecast of a theory with beliefs.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = house_figure(430)
    shown: set[str] = set()
    for span in regime_spans(source):
        word = f"{REGIME_WORDS[span.kind]} (shaded)"
        figure.add_shape(
            type="rect", yref="paper", y0=0, y1=1, x0=str(span.start),
            x1=str(span.end + np.timedelta64(1, "D")), fillcolor=REGIME_COLOURS[span.kind],
            line={"width": 0}, layer="below", name=word, showlegend=word not in shown,
        )  # fmt: skip
        shown.add(word)
    _bands(figure, series.belief_bands(source))
    _level(figure, series.posterior_of(source).study.spec.crack.threshold, "crack threshold")
    for mark in shock_marks(source):
        figure.add_shape(
            type="line", yref="paper", x0=str(mark.date), x1=str(mark.date), y0=0, y1=1,
            line={"color": INK, "width": 0.8, "dash": "dot"}, layer="below",
        )  # fmt: skip
        figure.add_annotation(
            x=str(mark.date), y=1.0 - 0.058 * mark.level, yref="paper", yanchor="top",
            text=str(mark.number), showarrow=False, font={"size": 10.5}, bgcolor="white",
            bordercolor=GREY, borderwidth=0.6, borderpad=1.5, hovertext=safe(mark.label),
        )  # fmt: skip
    held = days(talk_dates(source))
    figure.add_scatter(
        x=held, y=[0.02] * len(held), mode="markers", name="talks held", hoverinfo="skip",
        marker={"symbol": "line-ns", "size": 9, "color": TALKS,
                "line": {"width": 2, "color": TALKS}},
    )  # fmt: skip
    share_axis(figure)
    figure.update_yaxes(title_text="belief that it prevails")
    return figure


def fan(forecast: Forecast) -> Any:
    """Return both beliefs before and beyond the origin.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    """
    figure = house_figure(380)
    first, second = series.belief_bands(forecast)
    _bands(figure, (series.recent(first, HISTORY), series.recent(second, HISTORY)))
    _bands(figure, series.fan_bands(forecast), legend=False)
    _level(figure, forecast.posterior.study.spec.crack.threshold, "crack threshold")
    origin = str(forecast.posterior.origin)
    figure.add_shape(
        type="line", yref="paper", x0=origin, x1=origin, y0=0, y1=1,
        name=f"origin, {day(origin)}", showlegend=True, line={"color": INK, "width": 1.2},
    )  # fmt: skip
    share_axis(figure)
    figure.update_yaxes(title_text="belief that it prevails")
    return figure


def _curve(
    figure: Any, curve: series.Curve, colour: str, name: str, yardstick: str, grey: str
) -> None:
    dates = days(curve.dates)
    low, high = (curve.p - 2 * curve.mcse).clip(0), (curve.p + 2 * curve.mcse).clip(max=1)
    area(figure, dates, low, high, colour, 0.2)
    figure.add_scatter(
        x=dates, y=curve.p, mode="lines", name=name, line={"color": colour, "width": 2.2},
        customdata=curve.mcse, hovertemplate=name + " %{y:.1%} ±%{customdata:.1%}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=days(curve.reference_dates), y=curve.reference, mode="lines", name=yardstick,
        line={"color": grey, "width": 1.6, "dash": "dash"},
        hovertemplate=yardstick + " %{y:.1%}<extra></extra>",
    )  # fmt: skip


def cracks(forecast: Forecast) -> Any:
    """Return P(crack by each day) of both sides; dashed, what the prior alone says.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    """
    figure = house_figure(340)
    names = series.side_names(forecast)
    for side, name, colour in zip(
        forecast.posterior.structure.sides, names, SIDE_COLOURS, strict=True
    ):
        curve, text = series.event_curve(forecast, "crack", side), safe(name)
        _curve(figure, curve, colour, f"{text} cracks", f"{text}, prior alone", colour)
    share_axis(figure)
    figure.update_yaxes(title_text="probability by that day")
    return figure


def _one_curve(forecast: Forecast, target: str, colour: str, name: str) -> Any:
    figure = house_figure(320)
    curve = series.event_curve(forecast, target)
    _curve(figure, curve, colour, name, safe(curve.reference_label).split(":")[0], GREY)
    share_axis(figure)
    figure.update_yaxes(title_text="probability by that day")
    return figure


def talks(forecast: Forecast) -> Any:
    """Return P(talks by each day) beside the base rate.

    Parameters
    ----------
    forecast
        Any forecast, with beliefs or without.
    """
    return _one_curve(forecast, "talks", TALKS, "talks are held")


def talks_rational(forecast: Forecast) -> Any:
    """Return P(talks have become rational by each day) beside what the prior alone says.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    """
    return _one_curve(forecast, "talks_rational", SURPLUS, "talks are rational")


def scorecards(source: Source) -> Any:
    """Return every scorecard weight: posterior over prior, the two sides on one row.

    Parameters
    ----------
    source
        A posterior or a forecast of a theory with scorecards.
    """
    weights = series.scorecard_weights(source)
    rows = series.scorecard_rows(weights)
    place = {key: n for n, key in enumerate(rows)}
    figure = house_figure(60 + ROW * len(rows))

    def at(w: series.Weight) -> float:
        return place[(w.indicator, w.regime)] + (0.32 if w.side else 0.06)

    strokes(figure, [(w.prior_low, w.prior_high, at(w)) for w in weights], PRIOR, 7, "prior, 90%")
    for side, name in enumerate(series.side_names(source)):
        mine, colour = [w for w in weights if w.side == side], SIDE_COLOURS[side]
        strokes(figure, [(w.low90, w.high90, at(w)) for w in mine], colour, 1.4, safe(name))
        strokes(figure, [(w.low50, w.high50, at(w)) for w in mine], colour, 3.6)
        figure.add_scatter(
            x=[w.mean for w in mine], y=[at(w) for w in mine], mode="markers", showlegend=False,
            marker={"size": 9, "color": [colour if w.own else "#ffffff" for w in mine],
                    "line": {"color": colour, "width": 1.8}},
            text=[f"{safe(name)}: {safe(rows[(w.indicator, w.regime)])}<br>"
                  f"{number(w.mean)} ({number(w.low90)} to {number(w.high90)}), "
                  f"{max(0.0, w.contraction):.0%} narrower than the prior" for w in mine],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    names = [safe(shorten(label, WIDEST)) for label in rows.values()]
    row_labels(figure, [(n - 0.27, name, INK) for n, name in enumerate(names)])
    forest_axes(figure, -0.6, len(rows) - 0.45)
    figure.update_xaxes(title_text="log-odds per sd of good news, per √week")
    return figure


def crack_grid(forecast: Forecast) -> Any:
    """Return P(crack) for each threshold and run length, both sides side by side.

    Parameters
    ----------
    forecast
        Forecast under a theory with beliefs.
    """
    grid = series.crack_grid(forecast)
    columns, rows = len(grid.thresholds), len(grid.periods)
    cells = series.grid_cells(grid)
    figure = house_figure(96 + 44 * rows)
    text = [[whole_percent(p) if np.isfinite(p) else "" for p in row] for row in cells]
    figure.add_heatmap(
        z=cells, text=text, texttemplate="%{text}", zmin=0, zmax=1, showscale=False, xgap=2, ygap=2,
        colorscale=[[0, "#f7f5f0"], [0.5, "#a99bb8"], [1, "#43305f"]], hoverinfo="skip",
    )  # fmt: skip
    for side, name in enumerate(series.side_names(forecast)):
        figure.add_annotation(
            x=side * (columns + 1) + (columns - 1) / 2, y=-0.5, yanchor="bottom", text=safe(name),
            showarrow=False, font={"size": 13, "color": SIDE_COLOURS[side]},
        )  # fmt: skip
    unit = "day" if forecast.posterior.inputs.step_days == 1 else "week"
    figure.update_layout(margin={"t": 26}, hovermode=False)
    figure.update_yaxes(
        tickvals=list(range(rows)), range=[rows - 0.5, -0.5], showgrid=False, ticks="",
        showline=False,
        ticktext=[f"{d} {unit}{'s' * (d > 1)}" for d in grid.periods],
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=[*range(columns), *range(columns + 1, 2 * columns + 1)], showgrid=False, ticks="",
        showline=False,
        ticktext=[f"{t:g}" for t in grid.thresholds * 2], fixedrange=True,
        title_text="belief below this threshold",
    )  # fmt: skip
    return figure


def moves(source: Source) -> Any:
    """Return the largest moves of each belief: cause, week, size and 90 % interval.

    Parameters
    ----------
    source
        A posterior or a forecast of a theory with beliefs.
    """
    top = top_moves(source)
    names = series.side_names(source)
    first = sum(m.side == 0 for m in top)
    rows = [n + 1 + (n >= first) for n in range(len(top))]  # row 0 and the gap name the sides
    figure = house_figure(45 + (ROW + LINE_HEIGHT) * (len(top) + 2))
    labels = [
        (row + 0.3, f"<b>{safe(name)}</b>", SIDE_COLOURS[side])
        for side, (row, name) in enumerate(zip((0, first + 1), names, strict=True))
    ]
    for side in (0, 1):
        mine = [(row + 0.34, m) for row, m in zip(rows, top, strict=True) if m.side == side]
        colour = SIDE_COLOURS[side]
        figure.add_bar(
            x=[m.mean for _, m in mine], y=[y for y, _ in mine], orientation="h", width=0.22,
            marker={"color": rgba(colour, 0.6), "line": {"width": 0}}, showlegend=False,
            text=[f"{safe(m.label)}<br>week of {day(m.start)}<br>{number(m.mean)} "
                  f"({number(m.low90)} to {number(m.high90)})" for _, m in mine],
            textposition="none", hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
        strokes(figure, [(m.low90, m.high90, y) for y, m in mine], colour, 1.4)
    labels += [
        (
            row - 0.14,
            f"<b>{number(m.mean)}</b>  week of {short_day(m.start)}<br>"
            + safe(shorten(m.label, WIDEST)),
            INK,
        )
        for row, m in zip(rows, top, strict=True)
    ]
    row_labels(figure, labels)
    forest_axes(figure, 0.0, len(top) + 1.55)
    figure.update_xaxes(title_text="move in that week, log-odds")
    return figure
