"""Figures draw what the data say, in both backends, whatever the study calls its sides."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from beliefs.forecasting.forecast import Forecast
from beliefs.inference.posterior import Posterior
from beliefs.reporting import interactive, plots, series
from beliefs.reporting.moves import top_moves
from beliefs.reporting.style import SIDE_COLOURS

FIGURES = [name.removeprefix("plot_") for name in plots.__all__]


@pytest.fixture(autouse=True)
def _close() -> Any:
    yield
    plt.close("all")


@pytest.mark.parametrize("name", FIGURES)
def test_every_plot_has_the_one_signature_and_draws_into_given_axes(
    futures: Forecast, name: str
) -> None:
    plot = getattr(plots, f"plot_{name}")
    (_, *rest) = signature(plot).parameters.values()
    assert [p.name for p in rest] == ["ax"] and rest[0].kind is rest[0].KEYWORD_ONLY
    _, given = plt.subplots()
    assert plot(futures, ax=given) is given
    assert plot(futures) is not given
    given.figure.canvas.draw()  # a text that cannot be set fails only here


@pytest.mark.parametrize("name", ["beliefs", "moves", "scorecards"])
def test_plots_of_the_past_take_a_posterior_or_a_forecast(
    posterior: Posterior, futures: Forecast, name: str
) -> None:
    def texts(source: Any) -> list[str]:
        ax = getattr(plots, f"plot_{name}")(source)
        return [t.get_text() for t in (*ax.get_xticklabels(), *ax.get_yticklabels())]

    assert texts(posterior) == texts(futures)


def test_every_plot_has_a_twin_for_the_browser() -> None:
    assert set(interactive.__all__) == set(FIGURES)


def test_belief_lines_are_the_posterior_mean_in_the_sides_colours(posterior: Posterior) -> None:
    bands = series.belief_bands(posterior)
    drawn = {line.get_label(): line for line in plots.plot_beliefs(posterior).get_lines()}
    traces = {t.name: t for t in interactive.beliefs(posterior).data if t.name}
    for band, colour in zip(bands, SIDE_COLOURS, strict=True):
        np.testing.assert_array_equal(drawn[band.name].get_ydata(), band.mean)
        assert to_hex(drawn[band.name].get_color()) == colour.lower()
        np.testing.assert_array_equal(traces[band.name].y, band.mean)
        assert traces[band.name].line.color == colour


def test_crack_lines_are_the_cumulative_probabilities_and_their_prior(futures: Forecast) -> None:
    curve = series.event_curve(futures, "crack", "south")
    drawn = {line.get_label(): line for line in plots.plot_cracks(futures).get_lines()}
    traces = {t.name: t for t in interactive.cracks(futures).data if t.name}
    np.testing.assert_array_equal(drawn["South cracks"].get_ydata(), curve.p)
    np.testing.assert_array_equal(drawn["South, prior alone"].get_ydata(), curve.reference)
    np.testing.assert_array_equal(traces["South cracks"].y, curve.p)
    np.testing.assert_array_equal(traces["South, prior alone"].y, curve.reference)
    assert traces["South, prior alone"].line.dash == "dash"


def test_talks_line_stands_beside_the_base_rate(futures: Forecast) -> None:
    curve = series.event_curve(futures, "talks")
    line, base = plots.plot_talks(futures).get_lines()
    np.testing.assert_array_equal(line.get_ydata(), curve.p)
    np.testing.assert_array_equal(base.get_ydata(), curve.reference)
    traces = {t.name: t for t in interactive.talks(futures).data if t.name}
    np.testing.assert_array_equal(traces["talks are held"].y, curve.p)
    np.testing.assert_array_equal(traces["base rate"].y, curve.reference)


def test_scorecard_dots_are_the_posterior_means(posterior: Posterior) -> None:
    weights = series.scorecard_weights(posterior)
    dots = [line for line in plots.plot_scorecards(posterior).get_lines() if line.get_gid()]
    assert [float(d.get_xdata()[0]) for d in dots] == [w.mean for w in weights]
    shown = [t for t in interactive.scorecards(posterior).data if t.mode == "markers"]
    assert sorted(x for t in shown for x in t.x) == sorted(w.mean for w in weights)


def test_move_bars_are_the_largest_moves(posterior: Posterior) -> None:
    sizes = [m.mean for m in top_moves(posterior)]
    bars = plots.plot_moves(posterior).patches
    assert [bar.get_width() for bar in bars] == pytest.approx(sizes)
    figure = interactive.moves(posterior)
    assert [x for t in figure.data if t.type == "bar" for x in t.x] == sizes


def test_grid_cells_hold_both_sides_with_a_gap_between(futures: Forecast) -> None:
    grid = series.crack_grid(futures)
    (image,) = plots.plot_crack_grid(futures).get_images()
    cells = np.ma.filled(image.get_array(), np.nan)
    n = len(grid.thresholds)
    np.testing.assert_array_equal(cells[:, :n], grid.p[0])
    np.testing.assert_array_equal(cells[:, n + 1 :], grid.p[1])
    np.testing.assert_array_equal(interactive.crack_grid(futures).data[0].z, cells)


def test_shaded_regimes_and_shocks_are_drawn_on_their_dates(posterior: Posterior) -> None:
    shapes = interactive.beliefs(posterior).layout.shapes
    shaded = [(s.x0, s.x1) for s in shapes if s.type == "rect"]
    assert shaded == [("2026-01-10", "2026-01-20"), ("2026-01-20", "2026-02-01")]
    assert "2026-01-16" in [s.x0 for s in shapes if s.type == "line"]


@pytest.mark.parametrize("name", FIGURES)
def test_text_with_dollars_and_brackets_is_drawn_as_it_is(
    hostile_futures: Callable[[str], Forecast], name: str
) -> None:
    futures = hostile_futures(r"$\frac{$ <b>bold</b> & [red]")
    getattr(plots, f"plot_{name}")(futures).figure.canvas.draw()
    text = getattr(interactive, name)(futures).to_json()
    assert "<b>bold" not in text and "\\u003cb\\u003ebold" not in text
