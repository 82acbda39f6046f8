"""The numbers behind the figures are the posterior's and the forecast's own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from beliefs.evaluation.attribution import _flat
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.probability import probability
from beliefs.inference.posterior import Posterior
from beliefs.model.structure import columns
from beliefs.reporting import series
from beliefs.reporting.series import all_moves, top_moves


def test_band_is_mean_and_quantiles_of_the_posterior_probability(posterior: Posterior) -> None:
    logit = np.asarray(posterior.tree["posterior"]["logit_belief"])[:, :, 1]
    p = 1.0 / (1.0 + np.exp(-logit.reshape(-1, logit.shape[-1])))
    band = series.belief_bands(posterior)[1]
    single = {"rtol": 2e-6}  # beliefs are kept in single precision
    np.testing.assert_allclose(band.mean, p.mean(axis=0), **single)
    np.testing.assert_allclose(band.low90, np.quantile(p, 0.05, axis=0), **single)
    np.testing.assert_allclose(band.high50, np.quantile(p, 0.75, axis=0), **single)


def test_fan_starts_where_the_past_ends(futures: Forecast) -> None:
    for past, future in zip(series.belief_bands(futures), series.fan_bands(futures), strict=True):
        assert past.dates[-1] == future.dates[0] == futures.posterior.origin
        assert past.mean[-1] == pytest.approx(future.mean[0])
        assert len(future.dates) == len(futures.dates) + 1


@pytest.mark.parametrize(("target", "side"), [("crack", "south"), ("talks_rational", None)])
def test_curve_passes_through_the_headline_probability(
    futures: Forecast, target: str, side: str | None
) -> None:
    curve = series.event_curve(futures, target, side)
    for step in (7, 30):
        item = probability(futures, target, side=side, by=str(curve.dates[step]))
        assert curve.p[step] == item.p
        assert curve.mcse[step] == pytest.approx(item.mcse)
        assert curve.reference[step] == item.base_rate
    assert curve.reference_label == "prior alone"
    assert curve.p[0] == item.at_origin
    assert (np.diff(curve.p) >= 0).all()


def test_talks_curve_stands_beside_the_base_rate(futures: Forecast) -> None:
    curve = series.event_curve(futures, "talks")
    item = probability(futures, "talks", by=str(curve.dates[-1]))
    assert curve.reference[-1] == item.base_rate
    assert curve.p[-1] == item.p
    assert item.base_rate_source in curve.reference_label


def test_every_weight_stands_beside_its_own_prior(posterior: Posterior) -> None:
    weights = series.scorecard_weights(posterior)
    assert len(weights) == len(posterior.inputs.terms)
    term = posterior.inputs.terms[0]
    draws = np.asarray(posterior.tree["posterior"]["weight_own"].sel(own_term=term.name))
    assert term.own and weights[0].own
    assert weights[0].mean == pytest.approx(draws.mean())
    assert {w.regime for w in weights} == {"", "none", "talks", "truce", "war"}
    # Draws of both groups come from the prior here, so the data have taught nothing.
    assert np.mean([w.contraction for w in weights]) == pytest.approx(0.0, abs=0.1)


def test_shocks_are_numbered_on_the_day_they_were_published(posterior: Posterior) -> None:
    (mark,) = series.shock_marks(posterior)
    assert (mark.number, str(mark.date)) == (1, "2026-01-16")
    assert mark.label == "New cabinet in the South"


def test_running_regime_ends_at_the_origin(posterior: Posterior) -> None:
    spans = series.regime_spans(posterior)
    assert [(s.kind, str(s.start), str(s.end)) for s in spans] == [
        ("war", "2026-01-10", "2026-01-19"),
        ("truce", "2026-01-20", "2026-01-31"),
    ]


def test_long_series_are_thinned_and_keep_their_end() -> None:
    keep = series.thin(20_000)
    assert len(keep) <= series.MAX_POINTS
    assert keep[-1] == 19_999
    assert list(series.thin(5)) == [0, 1, 2, 3, 4]


def test_what_no_news_explains_is_the_innovation(posterior: Posterior) -> None:
    data = posterior.tree["posterior"]
    path = np.asarray(data["logit_belief"]).reshape(-1, 2, len(posterior.inputs.dates))
    params, _ = _flat(posterior)
    moves = all_moves(posterior)
    for side in (0, 1):
        mine = [m for m in moves if m.side == side]
        drift_free = sum(m.mean for m in mine)
        # Everything that is not a move is the pull towards the side's level: take it away.
        start = params["belief_mean"] + params["initial"]
        before = np.concatenate([start[..., None], path[..., :-1]], axis=-1)[:, side]
        cols = columns(posterior.inputs)
        kept = params["retention"][:, side, None] ** posterior.structure.step_weeks * (
            1.0 - params["turnover_reset"][:, side, None] * cols["turnover"][side]
        )
        pull = (1.0 - kept) * (params["belief_mean"][:, side, None] - before)
        change = path[:, side, -1] - start[:, side]
        assert drift_free == pytest.approx((change - pull.sum(axis=-1)).mean())


def test_top_moves_are_the_largest_of_each_side(posterior: Posterior) -> None:
    top = top_moves(posterior, 3)
    assert [m.side for m in top] == [0, 0, 0, 1, 1, 1]
    for side in (0, 1):
        sizes = sorted((abs(m.mean) for m in all_moves(posterior) if m.side == side), reverse=True)
        assert [abs(m.mean) for m in top if m.side == side] == sizes[:3]


def test_numbers_of_neighbouring_shocks_never_share_a_place(posterior: Posterior) -> None:
    (shock,) = posterior.study.spec.shocks
    day = np.datetime64("2026-01-15")
    crowd = tuple(
        shock.model_copy(
            update={"id": f"s{k}", "published_at": (day + np.timedelta64(k, "D")).astype(object)}
        )
        for k in range(7)
    )
    spec = posterior.study.spec.model_copy(update={"shocks": crowd})
    crowded = series.shock_marks(replace(posterior, study=replace(posterior.study, spec=spec)))
    assert [m.number for m in crowded] == list(range(1, 8))
    for one, other in pairwise(crowded):
        assert one.level != other.level
    assert crowded[0].level == 0
