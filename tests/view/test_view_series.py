"""The numbers behind the figures are the posterior's and the forecast's own."""

import numpy as np
import pytest

from beliefs.evaluation.attribution import causes
from beliefs.forecasting.probability import probability
from beliefs.reporting import series


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
    talks = "base rate: " + item.base_rate_source
    assert curve.reference_label == (talks if target == "talks" else "prior alone")
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
    moves, parts = series.top_moves(posterior, 10**6), list(causes(posterior))
    for side in (0, 1):
        pushes = [c.push.sum(axis=-1).mean() for c in parts
                  if c.side == side and c.kind != "forgetting"]  # fmt: skip
        assert sum(m.mean for m in moves if m.side == side) == pytest.approx(sum(pushes))
