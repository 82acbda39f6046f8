"""Figures draw what the data say, in a browser and without one, whatever the sides are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from beliefs.forecasting.forecast import Forecast
from beliefs.inference.posterior import Posterior
from beliefs.reporting import figures, series
from beliefs.reporting.axes import static
from beliefs.reporting.style import SIDE_COLOURS


@pytest.fixture(autouse=True)
def _close() -> Any:
    yield
    plt.close("all")


def named(figure: Any) -> dict[str, Any]:
    """Traces of a figure by their names."""
    return {t.name: t for t in figure.data if t.name}


@pytest.mark.parametrize("name", figures.__all__)
def test_every_figure_is_drawn_without_a_browser(futures: Forecast, name: str) -> None:
    figure = getattr(figures, name)(futures)
    _, given = plt.subplots()
    ax = static(figure, ax=given)
    assert ax is given and static(figure) is not given
    ax.figure.canvas.draw()  # a text that cannot be set fails only here
    shown = {text.get_text() for text in ax.get_legend().get_texts()} if ax.get_legend() else set()
    wanted = [*figure.data, *figure.layout.shapes]
    assert shown == {t.name for t in wanted if t.name and t.showlegend is not False}
    lines = {line.get_label(): line for line in ax.get_lines()}
    for label, trace in named(figure).items():
        if label in lines and trace.showlegend is not False:
            drawn = np.asarray(lines[label].get_ydata(), dtype=float)
            np.testing.assert_array_equal(drawn, np.asarray(trace.y, dtype=float))
            assert to_hex(lines[label].get_color()) == trace.line.color.lower()


@pytest.mark.parametrize("name", ["beliefs", "moves", "scorecards"])
def test_figures_of_the_past_take_a_posterior_or_a_forecast(
    posterior: Posterior, futures: Forecast, name: str
) -> None:
    make = getattr(figures, name)
    assert make(posterior).to_json() == make(futures).to_json()


def test_belief_lines_are_the_posterior_mean_in_the_sides_colours(posterior: Posterior) -> None:
    figure = figures.beliefs(posterior)
    for band, colour in zip(series.belief_bands(posterior), SIDE_COLOURS, strict=True):
        np.testing.assert_array_equal(named(figure)[band.name].y, band.mean)
        assert named(figure)[band.name].line.color == colour
    shapes = figure.layout.shapes
    shaded = [(s.x0, s.x1) for s in shapes if s.type == "rect"]
    assert shaded == [("2026-01-10", "2026-01-20"), ("2026-01-20", "2026-02-01")]
    assert "2026-01-16" in [s.x0 for s in shapes if s.type == "line"]


def test_curves_stand_beside_their_baselines(futures: Forecast) -> None:
    crack = series.event_curve(futures, "crack", "south")
    traces = named(figures.cracks(futures))
    np.testing.assert_array_equal(traces["South cracks"].y, crack.p)
    np.testing.assert_array_equal(traces["South, prior alone"].y, crack.reference)
    assert traces["South, prior alone"].line.dash == "dash"
    talks = series.event_curve(futures, "talks")
    traces = named(figures.talks(futures))
    np.testing.assert_array_equal(traces["talks are held"].y, talks.p)
    np.testing.assert_array_equal(traces["base rate"].y, talks.reference)


def test_scorecard_dots_and_move_bars_are_posterior_means(posterior: Posterior) -> None:
    dots = [t for t in figures.scorecards(posterior).data if t.mode == "markers"]
    weights = series.scorecard_weights(posterior)
    assert sorted(x for t in dots for x in t.x) == sorted(w.mean for w in weights)
    bars = [t for t in figures.moves(posterior).data if t.type == "bar"]
    assert [x for t in bars for x in t.x] == [m.mean for m in series.top_moves(posterior)]


@pytest.mark.parametrize("name", figures.__all__)
def test_text_with_dollars_and_brackets_is_drawn_as_it_is(
    hostile_futures: Callable[[str], Forecast], name: str
) -> None:
    figure = getattr(figures, name)(hostile_futures(r"$\frac{$ <b>bold</b> & [red]"))
    static(figure).figure.canvas.draw()
    text = figure.to_json()
    assert "<b>bold" not in text and "\\u003cb\\u003ebold" not in text
