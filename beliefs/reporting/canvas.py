"""A Plotly figure in the house style, and the legend that a page writes beside it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from beliefs.reporting.style import GREY, INK, rgba

__all__ = [
    "Key",
    "area",
    "days",
    "forest_axes",
    "house_figure",
    "key",
    "row_labels",
    "safe",
    "share_axis",
    "strokes",
]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LINE = "#e4e2dc"


@dataclass(frozen=True)
class Key:
    """One entry of a legend; `mark` is ``line``, ``dash``, ``tick`` or ``area``."""

    label: str
    colour: str
    mark: str


def safe(text: str) -> str:
    """Return text in which Plotly finds none of the HTML that it understands."""
    return html.escape(text, quote=False)


def house_figure(height: int) -> Any:
    """Return an empty figure as wide as its box and `height` pixels high."""
    import plotly.graph_objects as go

    figure = go.Figure()
    axis = {
        "gridcolor": LINE, "linecolor": GREY, "zeroline": False, "ticks": "outside",
        "tickcolor": GREY, "automargin": True, "title": {"standoff": 6, "font": {"size": 13}},
    }  # fmt: skip
    figure.update_layout(
        template="none", height=height, autosize=True, paper_bgcolor="white", plot_bgcolor="white",
        font={"family": FONT, "size": 13, "color": INK},
        margin={"l": 46, "r": 10, "t": 10, "b": 34},
        hovermode="x unified",
        hoverlabel={"bgcolor": "white", "font": {"family": FONT, "size": 12}},
        legend={"orientation": "h", "y": -0.15}, xaxis=axis, yaxis={**axis, "fixedrange": True},
    )  # fmt: skip
    return figure


def share_axis(figure: Any) -> None:
    """Run dates along the bottom and 0 to 100 % up the side."""
    figure.update_yaxes(range=[0, 1], tickformat=".0%", dtick=0.25)
    stops = [([None, "M1"], "%-d %b\n%Y"), (["M1", None], "%b\n%Y")]
    figure.update_xaxes(
        showgrid=False, type="date", nticks=8, tickangle=0,
        tickformatstops=[{"dtickrange": span, "value": text} for span, text in stops],
    )  # fmt: skip


def days(dates: Any) -> list[str]:
    """Return dates as text, which is short and reads as a date in every browser."""
    return [str(d) for d in np.asarray(dates).astype("datetime64[D]")]


def area(figure: Any, dates: list[str], low: Any, high: Any, colour: str, alpha: float) -> None:
    """Fill between two lines."""
    figure.add_scatter(
        x=dates + dates[::-1], y=np.concatenate([high, low[::-1]]), fill="toself", mode="lines",
        fillcolor=rgba(colour, alpha), line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def row_labels(figure: Any, labels: list[tuple[float, str, str]]) -> None:
    """Write each row's label above its marks, so that a narrow screen keeps its width."""
    for y, text, ink in labels:
        figure.add_annotation(
            x=0, xref="paper", xanchor="left", y=y, yanchor="middle", text=text, align="left",
            showarrow=False, font={"size": 12, "color": ink}, bgcolor="rgba(255,255,255,0.75)",
            borderpad=0,
        )  # fmt: skip


def strokes(
    figure: Any, spans: list[tuple[float, float, float]], colour: str, width: float, name: str = ""
) -> None:
    """Draw horizontal strokes (low, high, y) as one trace."""
    x, y = [], []
    for low, high, at in spans:
        x += [low, high, None]
        y += [at, at, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": width}, hoverinfo="skip",
        name=name, showlegend=bool(name),
    )  # fmt: skip


def forest_axes(figure: Any, first: float, last: float) -> None:
    """Run rows from `first` at the top to `last`, with zero marked."""
    figure.update_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 4, "b": 40})
    figure.update_yaxes(
        range=[last, first], showticklabels=False, showgrid=False, ticks="", showline=False
    )
    figure.update_xaxes(zeroline=True, zerolinecolor=INK, zerolinewidth=1, fixedrange=True)


def key(figure: Any) -> list[Key]:
    """Return the legend of a figure, for a page that writes it in words above the figure."""
    out: dict[str, Key] = {}
    for trace in figure.data:
        if trace.showlegend is False or not trace.name or trace.type != "scatter":
            continue
        if trace.mode == "markers":
            entry = Key(html.unescape(trace.name), trace.marker.color, "tick")
        else:
            dashed = trace.line.dash == "dash"
            wide = (trace.line.width or 2) > 5
            mark = "area" if wide else "dash" if dashed else "line"
            entry = Key(html.unescape(trace.name), trace.line.color, mark)
        out.setdefault(entry.label, entry)
    for shape in figure.layout.shapes:
        if shape.showlegend:
            if shape.type == "rect":
                entry = Key(shape.name, shape.fillcolor, "area")
            else:
                entry = Key(shape.name, shape.line.color, "dash" if shape.line.dash else "line")
            out.setdefault(entry.label, entry)
    return list(out.values())
