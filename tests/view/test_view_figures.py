"""Figures draw the posterior's and the forecast's own numbers, whatever the sides are called."""

from inspect import getmembers, isfunction
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from beliefs import load_study, load_theory, probability
from beliefs.evaluation.attribution import causes
from beliefs.evaluation.compare import compared
from beliefs.evaluation.scores.skill import SHARED
from beliefs.reporting import figures, series
from beliefs.reporting.axes import plot_weights, static
from beliefs.reporting.style import SIDE_COLOURS

FIGURES = [
    name
    for name, made in getmembers(figures, isfunction)
    if made.__module__ == figures.__name__
    and not name.startswith("_")
    and name not in ("plots_of", "reliability", "seen")
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


def test_band_is_mean_and_quantiles_of_the_posterior_probability(posterior):
    logit = np.asarray(posterior.tree["posterior"]["logit_belief"])[:, :, 1]
    p = 1.0 / (1.0 + np.exp(-logit.reshape(-1, logit.shape[-1])))
    band = series.belief_bands(posterior)[1]
    single = {"rtol": 2e-6}  # beliefs are kept in single precision
    np.testing.assert_allclose(band.mean, p.mean(axis=0), **single)
    np.testing.assert_allclose(band.low90, np.quantile(p, 0.05, axis=0), **single)
    np.testing.assert_allclose(band.high50, np.quantile(p, 0.75, axis=0), **single)
    recent = series.belief_bands(posterior, 5)[1]
    np.testing.assert_array_equal(recent.mean, band.mean[-5:])
    np.testing.assert_array_equal(recent.dates, band.dates[-5:])


def test_fan_starts_where_the_past_ends(futures):
    for past, future in zip(series.belief_bands(futures), series.fan_bands(futures), strict=True):
        assert past.dates[-1] == future.dates[0] == futures.posterior.origin
        assert past.mean[-1] == pytest.approx(future.mean[0])
        assert len(future.dates) == len(futures.dates) + 1


@pytest.mark.parametrize(
    ("target", "side"), [("crack", "south"), ("talks_rational", None), ("talks", None)]
)
def test_curve_passes_through_the_headline_probability(futures, target, side):
    curve = series.event_curve(futures, target, side)
    for step in (7, 30, len(futures.dates)):
        item = probability(futures, target, side=side, by=str(curve.dates[step]))
        assert curve.p[step] == item.p
        assert curve.mcse[step] == pytest.approx(item.mcse)
        if target != "talks":
            assert curve.reference[step] == item.base_rate
    assert curve.reference[-1] == item.base_rate
    assert curve.p[0] == item.at_origin
    assert (np.diff(curve.p) >= 0).all()


def test_every_weight_stands_beside_its_own_prior(posterior):
    weights = series.scorecard_weights(posterior)
    assert len(weights) == len(posterior.inputs.terms)
    term = posterior.inputs.terms[0]
    draws = np.asarray(posterior.tree["posterior"]["weight_own"].sel(own_term=term.name))
    assert term.own and weights[0].own
    assert weights[0].mean == pytest.approx(draws.mean())
    assert {w.regime for w in weights} == {"", "none", "talks", "truce", "war"}
    # Draws of both groups come from the prior here, so the data have taught nothing.
    assert np.mean([w.contraction for w in weights]) == pytest.approx(0.0, abs=0.1)


def test_moves_add_up_to_their_causes(posterior):
    moves, parts = series.all_moves(posterior), list(causes(posterior))
    for side in (0, 1):
        pushes = [c.push.sum(axis=-1).mean() for c in parts
                  if c.side == side and c.kind != "forgetting"]  # fmt: skip
        assert sum(m.mean for m in moves if m.side == side) == pytest.approx(sum(pushes))


def test_results_draw_themselves(futures):
    posterior = futures.posterior
    for result, name, figure in (
        (futures, "fan", figures.fan(futures)),
        (futures, "cracks", figures.cracks(futures)),
        (posterior, "beliefs", figures.beliefs(posterior)),
        (posterior, "scorecard", figures.scorecards(posterior)),
    ):
        assert getattr(result.plot, name)().to_json() == figure.to_json()
    assert not hasattr(posterior.theory, "plot")


def test_bars_of_reliability_are_its_bands():
    rows = {
        "forecaster": ["M0", "M0", "M1"], "horizon": 7, "n": [5, 3, 8], "mean_p": [0.1, 0.4, 0.2],
        "observed": [0.0, 0.6, 0.3], "low": [0.05, 0.2, 0.1], "high": [0.3, 0.7, 0.5],
    }  # fmt: skip
    found = SimpleNamespace(
        reliability=pd.DataFrame(rows), theories=[SimpleNamespace(id="M0")],
        horizons=[SimpleNamespace(days=7)],
    )  # fmt: skip
    _, observed, bars = figures.reliability(found).data
    assert list(observed.x) == [0.1, 0.4] and list(observed.y) == [0.0, 0.6]
    np.testing.assert_allclose(np.add(bars.y, bars.error_y.array), [0.3, 0.7])
    np.testing.assert_allclose(np.subtract(bars.y, bars.error_y.arrayminus), [0.05, 0.2])


def test_what_is_seen_of_a_study_is_what_a_model_gets(futures):
    study, inputs = futures.posterior.study, futures.posterior.inputs
    n = int(inputs.active.sum())
    heat, held, unwatched = study.plot.seen().data
    rows = dict(zip(heat.y, np.asarray(heat.z, dtype=float), strict=True))
    for term in (term for term in inputs.terms if term.own):
        side, k = inputs.sides[term.side], term.indicator
        news = np.where(inputs.seen[k], term.direction * inputs.surprise[k], np.nan)[:n]
        np.testing.assert_array_equal(rows[f"{side}: {inputs.indicators[k]}"], news)
    for side, said in zip(inputs.sides, inputs.reading, strict=True):
        for channel, values in zip(inputs.channels, said, strict=True):
            np.testing.assert_array_equal(rows[f"{side}: {channel}"], values[:n])
    assert len(held.x) == inputs.talks.sum()
    assert len(unwatched.x) == (~inputs.quiet_seen[:n]).sum()
