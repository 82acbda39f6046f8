"""Figures draw what the data say, in a browser and without one, whatever the sides are called."""

from inspect import getmembers, isfunction

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from beliefs.evaluation.compare import compared
from beliefs.evaluation.scores.skill import SHARED
from beliefs.model.theory import load_theory
from beliefs.reporting import figures, series
from beliefs.reporting.axes import static
from beliefs.reporting.plots import plot_weights
from beliefs.reporting.style import SIDE_COLOURS
from beliefs.study.load import load_study

FIGURES = [
    name
    for name, made in getmembers(figures, isfunction)
    if made.__module__ == figures.__name__ and not name.startswith("_")
]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def named(figure):
    """Traces of a figure by their names."""
    return {t.name: t for t in figure.data if t.name}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_without_a_browser(futures, name):
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


@pytest.mark.parametrize("name", FIGURES)
def test_text_with_dollars_and_brackets_is_drawn_as_it_is(hostile_futures, name):
    figure = getattr(figures, name)(hostile_futures(r"$\frac{$ <b>bold</b> & [red]"))
    static(figure).figure.canvas.draw()
    text = figure.to_json()
    assert "<b>bold" not in text and "\\u003cb\\u003ebold" not in text


def test_belief_lines_are_the_posterior_mean_in_the_sides_colours(posterior):
    figure = figures.beliefs(posterior)
    for band, colour in zip(series.belief_bands(posterior), SIDE_COLOURS, strict=True):
        np.testing.assert_array_equal(named(figure)[band.name].y, band.mean)
        assert named(figure)[band.name].line.color == colour
    shapes = figure.layout.shapes
    shaded = [(s.x0, s.x1) for s in shapes if s.type == "rect"]
    assert shaded == [("2026-01-10", "2026-01-20"), ("2026-01-20", "2026-02-01")]
    assert "2026-01-16" in [s.x0 for s in shapes if s.type == "line"]


def test_curves_stand_beside_their_baselines(futures):
    for name, baseline in (("talks", "base rate"), ("talks_rational", "prior alone")):
        curve, traces = series.event_curve(futures, name), named(getattr(figures, name)(futures))
        line = "talks are held" if name == "talks" else "talks are rational"
        np.testing.assert_array_equal(traces[line].y, curve.p)
        np.testing.assert_array_equal(traces[baseline].y, curve.reference)


def test_weights_are_drawn_for_every_theory():
    theories = [load_theory(name) for name in ("M0", "M1", "M4")]
    dates = np.datetime64("2025-12-01") + np.arange(100)
    found = compared(
        np.random.default_rng(1).normal(size=(3, len(SHARED), 100)), theories,
        study="made-up", dates=dates, step_days=1, seed=1,
    )  # fmt: skip
    ax = plot_weights(found, load_study("us-iran-2026"))
    names = [t.get_text() for t in ax.get_legend().get_texts()]
    assert names == ["M0 Base rate", "M1 Mutual optimism", "M4 Commitment problem"]
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == len(found.periods)]
    np.testing.assert_allclose(sum(line.get_ydata() for line in lines), 1.0)
