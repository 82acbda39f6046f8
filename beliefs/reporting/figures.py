"""Every figure of the report, once: one public function a figure, drawn with Plotly.

``beliefs.reporting.axes.static`` draws the same figure with Matplotlib, for notebooks and files.
Every text that a study brings is escaped, because Plotly reads a small HTML in its labels.
"""

import html
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from beliefs.evaluation.backtest.backtest import Backtest
from beliefs.features.inputs import build_inputs
from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.track import Track
from beliefs.reporting import series, style
from beliefs.reporting.series import Band, Curve, Source, Weight
from beliefs.reporting.style import GREY, INK, PRIOR, SIDE_COLOURS, day, faint, number
from beliefs.study.load import Study

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HISTORY = 60  # periods of the past drawn before a forecast
ROW = 40  # pixels a row of a forest takes, its label above it included
LINE_HEIGHT = 8  # pixels a further line of label adds
WIDEST = 50  # characters of a label that a phone shows on one line


def _safe(text: str) -> str:
    """Return text in which Plotly finds none of the HTML that it understands."""
    return html.escape(text, quote=False)


def _figure(height: int) -> go.Figure:
    """Return an empty figure as wide as its box and `height` pixels high."""
    axis = {
        "gridcolor": style.LINE, "linecolor": GREY, "zeroline": False, "ticks": "outside",
        "tickcolor": GREY, "automargin": True, "title": {"standoff": 6, "font": {"size": 13}},
    }  # fmt: skip
    layout = {
        "template": "none", "height": height, "autosize": True, "plot_bgcolor": "white",
        "font": {"family": FONT, "size": 13, "color": INK}, "paper_bgcolor": "white",
        "margin": {"l": 46, "r": 10, "t": 10, "b": 34}, "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "white", "font": {"family": FONT, "size": 12}},
        "legend": {"orientation": "h", "y": -0.15},
        "xaxis": axis, "yaxis": {**axis, "fixedrange": True},
    }  # fmt: skip
    return go.Figure(layout=layout)


def _shares_over_time(height: int, title: str = "probability by that day") -> go.Figure:
    """Return an empty figure with dates along the bottom and 0 to 100 % up the side."""
    figure = _figure(height)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", dtick=0.25, title_text=title)
    stops = [([None, "M1"], "%-d %b\n%Y"), (["M1", None], "%b\n%Y")]
    figure.update_xaxes(
        showgrid=False, type="date", nticks=8, tickangle=0,
        tickformatstops=[{"dtickrange": span, "value": text} for span, text in stops],
    )  # fmt: skip
    return figure


def _forest(height: int, first: float, last: float, title: str) -> go.Figure:
    """Return an empty figure of rows from `first` at the top to `last`, with zero marked."""
    figure = _figure(height)
    figure.update_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 4, "b": 40})
    figure.update_yaxes(
        range=[last, first], showticklabels=False, showgrid=False, ticks="", showline=False
    )
    figure.update_xaxes(
        zeroline=True, zerolinecolor=INK, zerolinewidth=1, fixedrange=True, title_text=title
    )
    return figure


def _days(dates: Any) -> list[str]:
    """Return dates as text, which is short and reads as a date in every browser."""
    return [str(d) for d in np.asarray(dates).astype("datetime64[D]")]


def _path(
    fig: go.Figure, x: Any, y: Any, name: str = "", hover: str = "", data: Any = None, **line: Any
) -> None:
    """Draw a line; without `hover` it says nothing under the pointer."""
    said = {"hovertemplate": f"{name} {hover}<extra></extra>"} if hover else {"hoverinfo": "skip"}
    named = {"name": name} if name else {"showlegend": False}
    fig.add_scatter(x=x, y=y, mode="lines", line=line, customdata=data, **said, **named)


def _area(figure: go.Figure, dates: list[str], low: Any, high: Any, fill: str) -> None:
    figure.add_scatter(
        x=dates + dates[::-1], y=np.concatenate([high, low[::-1]]), fill="toself", mode="lines",
        fillcolor=fill, line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _row_label(figure: go.Figure, y: float, text: str, ink: str = INK) -> None:
    """Write a row's label above its marks, so that a narrow screen keeps its width."""
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=y, yanchor="middle", text=text, align="left",
        showarrow=False, font={"size": 12, "color": ink}, bgcolor=faint("#ffffff", 0.75),
        borderpad=0,
    )  # fmt: skip


def _strokes(
    figure: go.Figure, spans: list[tuple[float, float, float]], colour: str, width: float,
    name: str = "",
) -> None:  # fmt: skip
    """Draw horizontal strokes (low, high, y) as one trace."""
    x = [end for low, high, _ in spans for end in (low, high, None)]
    y = [end for *_, at in spans for end in (at, at, None)]
    _path(figure, x, y, name, color=colour, width=width)


def _bands(figure: go.Figure, bands: tuple[Band, Band], legend: bool = True) -> None:
    for band, colour in zip(bands, SIDE_COLOURS, strict=True):
        dates = _days(band.dates)
        _area(figure, dates, band.low90, band.high90, faint(colour, 0.15))
        _area(figure, dates, band.low50, band.high50, faint(colour, 0.25))
        for edge in (band.low90, band.high90):  # keeps a band visible under the other side's
            _path(figure, dates, edge, color=faint(colour, 0.5), width=0.7)
        _path(
            figure, dates, band.mean, _safe(band.name),
            "%{y:.0%} (%{customdata[0]:.0%}–%{customdata[1]:.0%})",
            np.column_stack([band.low90, band.high90]), color=colour, width=2.2,
        )  # fmt: skip
        figure.data[-1].showlegend = legend


def _line(figure: go.Figure, ends: dict[str, Any], name: str | None, **line: Any) -> None:
    """Draw a straight line through the whole figure."""
    across = {"xref": "paper", "x0": 0, "x1": 1} if "y0" in ends else {}
    along = {"yref": "paper", "y0": 0, "y1": 1} if "x0" in ends else {}
    figure.add_shape(
        type="line", **across, **along, **ends, name=name, showlegend=bool(name),
        layer="above" if name else "below", line={"color": INK, **line},
    )  # fmt: skip


def _threshold(figure: go.Figure, source: Source) -> None:
    y = series.posterior_of(source).study.spec.crack.threshold
    _line(figure, {"y0": y, "y1": y}, "crack threshold", width=1, dash="dash")


def beliefs(source: Source) -> go.Figure:
    """Return both beliefs up to the origin, over regimes, shocks and talks."""
    figure = _shares_over_time(430, "belief that it prevails")
    for span in series.regime_spans(source):
        word = f"{style.REGIME_WORDS[span.kind]} (shaded)"
        figure.add_shape(
            type="rect", yref="paper", y0=0, y1=1, x0=str(span.start),
            x1=str(span.end + np.timedelta64(1, "D")), fillcolor=style.REGIME_COLOURS[span.kind],
            line={"width": 0}, layer="below", name=word,
            showlegend=word not in [shape.name for shape in figure.layout.shapes],
        )  # fmt: skip
    bands, (then, known) = series.belief_bands(source), series.filtered(source)
    _bands(figure, bands)
    for band, colour, path in zip(bands, SIDE_COLOURS, known, strict=True):
        if len(then):
            name = f"{_safe(band.name)}, as known then"
            _path(figure, _days(then), path, name, "%{y:.0%}", color=colour, width=1.2, dash="dot")
    _threshold(figure, source)
    for mark in series.shock_marks(source):
        date = str(mark.date)
        _line(figure, {"x0": date, "x1": date}, None, width=0.8, dash="dot")
        figure.add_annotation(
            x=date, y=1.0 - 0.058 * mark.level, yref="paper", yanchor="top",
            text=str(mark.number), showarrow=False, font={"size": 10.5}, bgcolor="white",
            bordercolor=GREY, borderwidth=0.6, borderpad=1.5, hovertext=_safe(mark.label),
        )  # fmt: skip
    held = _days(series.talk_dates(source))
    figure.add_scatter(
        x=held, y=[0.02] * len(held), mode="markers", name="talks held", hoverinfo="skip",
        marker={"symbol": "line-ns", "size": 9, "color": style.TALKS,
                "line": {"width": 2, "color": style.TALKS}},
    )  # fmt: skip
    return figure


def fan(forecast: Forecast) -> go.Figure:
    """Return both beliefs before and beyond the origin."""
    figure = _shares_over_time(380, "belief that it prevails")
    _bands(figure, series.belief_bands(forecast, HISTORY))
    _bands(figure, series.fan_bands(forecast), legend=False)
    _threshold(figure, forecast)
    origin = str(forecast.posterior.origin)
    _line(figure, {"x0": origin, "x1": origin}, f"origin, {day(origin)}", width=1.2)
    return figure


def _curve(
    figure: go.Figure, curve: Curve, colour: str, name: str, baseline: str, grey: str
) -> None:
    dates = _days(curve.dates)
    low, high = (curve.p - 2 * curve.mcse).clip(0), (curve.p + 2 * curve.mcse).clip(max=1)
    _area(figure, dates, low, high, faint(colour, 0.2))
    error = "%{y:.1%} ±%{customdata:.1%}"
    _path(figure, dates, curve.p, name, error, curve.mcse, color=colour, width=2.2)
    days = _days(curve.reference_dates)
    _path(figure, days, curve.reference, baseline, "%{y:.1%}", color=grey, width=1.6, dash="dash")


def cracks(forecast: Forecast) -> go.Figure:
    """Return P(crack by each day) of both sides; dashed, what the prior alone says."""
    figure = _shares_over_time(340)
    sides = forecast.posterior.structure.sides
    for id_, name, colour in zip(sides, series.side_names(forecast), SIDE_COLOURS, strict=True):
        curve, text = series.event_curve(forecast, "crack", id_), _safe(name)
        _curve(figure, curve, colour, f"{text} cracks", f"{text}, prior alone", colour)
    return figure


def talks(forecast: Forecast) -> go.Figure:
    """Return P(talks by each day) beside the base rate."""
    figure, curve = _shares_over_time(320), series.event_curve(forecast, "talks")
    _curve(figure, curve, style.TALKS, "talks are held", "base rate", GREY)
    return figure


def talks_rational(forecast: Forecast) -> go.Figure:
    """Return P(talks have become rational by each day) beside what the prior alone says."""
    figure, curve = _shares_over_time(320), series.event_curve(forecast, "talks_rational")
    _curve(figure, curve, style.SURPLUS, "talks are rational", "prior alone", GREY)
    return figure


def scorecards(source: Source) -> go.Figure:
    """Return every scorecard weight: posterior over prior, the two sides on one row.

    A filled dot is news on the side's own scorecard. A grey bar that the posterior does not shrink
    is a weight that this study cannot teach.
    """
    weights = series.scorecard_weights(source)
    rows = {(w.indicator, w.regime): w.label for w in weights}
    place = {key: n for n, key in enumerate(rows)}
    title = "log-odds per sd of good news, per √week"
    figure = _forest(60 + ROW * len(rows), -0.6, len(rows) - 0.45, title)

    def at(w: Weight) -> float:
        return place[(w.indicator, w.regime)] + (0.32 if w.side else 0.06)

    _strokes(figure, [(w.prior_low, w.prior_high, at(w)) for w in weights], PRIOR, 7, "prior, 90%")
    for side, name in enumerate(series.side_names(source)):
        mine, colour = [w for w in weights if w.side == side], SIDE_COLOURS[side]
        _strokes(figure, [(w.low90, w.high90, at(w)) for w in mine], colour, 1.4, _safe(name))
        _strokes(figure, [(w.low50, w.high50, at(w)) for w in mine], colour, 3.6)
        figure.add_scatter(
            x=[w.mean for w in mine], y=[at(w) for w in mine], mode="markers", showlegend=False,
            marker={"size": 9, "color": [colour if w.own else "#ffffff" for w in mine],
                    "line": {"color": colour, "width": 1.8}},
            text=[f"{_safe(name)}: {_safe(w.label)}<br>"
                  f"{number(w.mean)} ({number(w.low90)} to {number(w.high90)}), "
                  f"{max(0.0, w.contraction):.0%} narrower than the prior" for w in mine],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    for n, label in enumerate(rows.values()):
        _row_label(figure, n - 0.27, _safe(style.shorten(label, WIDEST)))
    return figure


def moves(source: Source) -> go.Figure:
    """Return the largest moves of each belief: cause, week, size and 90 % interval."""
    top = series.top_moves(source)
    height = 45 + (ROW + LINE_HEIGHT) * (len(top) + 2)
    figure = _forest(height, 0.0, len(top) + 1.55, "move in that week, log-odds")
    row = 0
    for side, name in enumerate(series.side_names(source)):
        colour, mine = SIDE_COLOURS[side], [m for m in top if m.side == side]
        _row_label(figure, row + 0.3, f"<b>{_safe(name)}</b>", colour)
        rows = range(row + 1, row + 1 + len(mine))
        row += 1 + len(mine)
        figure.add_bar(
            x=[m.mean for m in mine], y=[n + 0.34 for n in rows], orientation="h", width=0.22,
            marker={"color": faint(colour, 0.6), "line": {"width": 0}}, showlegend=False,
            text=[f"{_safe(m.label)}<br>week of {day(m.start)}<br>{number(m.mean)} "
                  f"({number(m.low90)} to {number(m.high90)})" for m in mine],
            textposition="none", hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
        spans = [(m.low90, m.high90, n + 0.34) for n, m in zip(rows, mine, strict=True)]
        _strokes(figure, spans, colour, 1.4)
        for n, m in zip(rows, mine, strict=True):
            text = f"<b>{number(m.mean)}</b>  week of {style.short_day(m.start)}<br>"
            _row_label(figure, n - 0.14, text + _safe(style.shorten(m.label, WIDEST)))
    return figure


def reliability(found: Backtest, theory: str | None = None, days: int | None = None) -> go.Figure:
    """Return what was observed by what a theory forecast, in windows of so many days.

    The first theory and the shortest window when None; bars are 90 % bands of forecasts that are
    right.
    """
    rows = found.reliability
    theory, days = theory or found.theories[0].id, days or found.horizons[0].days
    mine = rows[(rows["forecaster"] == theory) & (rows["horizon"] == days)]
    figure = _figure(360)
    shares = {"range": [-0.02, 1.02], "tickformat": ".0%", "dtick": 0.25}
    figure.update_xaxes(title_text=f"forecast by {_safe(theory)} within {days} days", **shares)
    figure.update_yaxes(title_text="observed", **shares)
    ends = [0.0, 1.0]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": GREY, "dash": "dot"}, showlegend=False
    )
    observed = mine["observed"]
    figure.add_scatter(
        x=mine["mean_p"], y=observed, mode="markers", showlegend=False,
        marker={"color": INK, "size": 9}, customdata=mine["n"],
        hovertemplate="%{x:.0%} forecast, %{y:.0%} observed, n %{customdata}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=mine["mean_p"], y=mine["mean_p"], mode="markers", marker={"opacity": 0},
        showlegend=False, hoverinfo="skip",
        error_y={
            "type": "data", "symmetric": False, "color": GREY, "width": 4,
            "array": mine["high"] - mine["mean_p"], "arrayminus": mine["mean_p"] - mine["low"],
        },
    )  # fmt: skip
    return figure


def seen(study: Study) -> go.Figure:
    """Return what a model sees of a study: news and readings of each side, and talks.

    News on a side's own scorecard is in standard deviations, above 0 where it is good for the side;
    readings of its belief are log-odds. Where there is none a row is white.
    """
    inputs = build_inputs(study)
    n, (names, begins, z) = int(inputs.active.sum()), series.seen(inputs)
    figure = _figure(140 + 18 * len(names))
    bar = {"orientation": "h", "thickness": 8, "y": 1.0, "yanchor": "bottom", "len": 0.6,
           "title": {"text": "bad or good for the side", "side": "top"}}  # fmt: skip
    figure.add_heatmap(
        x=_days(begins), y=names, z=z, zmid=0.0, zmin=-3.0, zmax=3.0, ygap=2,
        colorscale="PuOr", colorbar=bar, hoverongaps=False,
        hovertemplate="%{y}<br>%{x}: %{z:.1f}<extra></extra>",
    )  # fmt: skip
    for name, on, colour in (
        ("talks held", inputs.talks[:n] > 0, style.TALKS),
        ("nobody watched", ~inputs.quiet_seen[:n], GREY),
    ):
        at, line = _days(inputs.dates[:n][on]), {"width": 2, "color": colour}
        figure.add_scatter(
            x=at, y=[name] * len(at), mode="markers", showlegend=False,
            marker={"symbol": "line-ns", "size": 10, "line": line},
            hovertemplate="%{x}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False, dtick=1)
    figure.update_xaxes(nticks=6, tickangle=0, tickformat="%b\n%Y")
    figure.update_layout(hovermode="closest", margin={"t": 70})
    return figure


def _cracks(posterior: Posterior, horizon: int | None = None, *, seed: int = 1) -> Any:
    """Forecast so many periods and return P(crack by each day) of both sides."""
    return cracks(forecast(posterior, horizon, seed=seed))


FIGURES: Mapping[type, Mapping[str, Callable[..., Any]]] = {
    Posterior: {
        "beliefs": beliefs, "scorecard": scorecards, "moves": moves,
        "cracks": _cracks,
    },
    Forecast: {
        "fan": fan, "cracks": cracks, "talks": talks,
        "talks_rational": talks_rational,
    },
    Backtest: {"reliability": reliability},
    Study: {"seen": seen},
}  # fmt: skip
"""What can be drawn of each kind of result; of a track, what can be of the posterior at its end."""


def plots_of(result: Any) -> SimpleNamespace:
    """Return the figures of a result as functions; an AttributeError where there is none."""
    if isinstance(result, Track):
        result = result.at(result.ends[-1])
    if (mine := FIGURES.get(type(result))) is None:
        raise AttributeError(f"a {type(result).__name__} has no figures")
    return SimpleNamespace(**{name: partial(figure, result) for name, figure in mine.items()})
