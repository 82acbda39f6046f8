"""Pooled base rates: what is shipped, and what it predicts of a new conflict."""

import numpy as np
import pytest
from pooled_scores import DAYS, EVENTS, TRUSTED_K, unpooled_log_scores
from pooling import log_likelihood
from scipy import integrate, stats
from spells import crisis_spells, talk_spells

from beliefs.inference.diagnose import Limits
from beliefs.model.pooled import (
    AGE_BINS,
    CLASSES,
    PooledHazard,
    incidence,
    load_pooled,
    load_summary,
)


def spells_of(name):
    return talk_spells() if name == "talks" else crisis_spells(name)


def hazard(age, effect=(0.0,), frailty=0.0, draws=1):
    """A posterior of equal draws; constant over ages where `age` is one number."""
    bins = len(AGE_BINS) - 1
    return PooledHazard(
        "events in a class",
        ("armed",),
        np.array([0.25]),
        np.tile(np.broadcast_to(age, (bins,)), (draws, 1)).astype(float),
        np.tile(np.asarray(effect, dtype=float), (draws, 1)),
        np.full(draws, frailty),
    )


@pytest.mark.parametrize("name", CLASSES)
def test_the_shipped_posterior_is_of_the_present_tables(name):
    result, spells = load_summary()["classes"][name], spells_of(name)
    assert result["source_sha256"] == spells.sha256, "run `make pool`"
    assert result["label"] == spells.label
    assert (result["conflicts"], result["events"]) == (len(spells.names), spells.event.sum())
    pooled = load_pooled(name)
    assert pooled.covariates == spells.covariates
    np.testing.assert_allclose(pooled.centre, spells.mean, atol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_the_shipped_posterior_passed_its_convergence_check(name):
    result, limits = load_summary()["classes"][name], Limits()
    assert result["convergence"]["passed"] and not result["convergence"]["failures"]
    assert (
        result["convergence"]["r_hat"] <= limits.r_hat
        and result["convergence"]["ess"] >= limits.ess
    )
    assert (result["largest_pareto_k"] > TRUSTED_K) == bool(result["sampled_anew_without"])


def test_frailty_is_integrated_out_as_an_adaptive_integral_does():
    spells = talk_spells().take(np.array([0, 7, 14, 34]))  # two long ones, one of them censored
    age, effect = np.array([-5.0, -5.2, -5.3, -5.5, -5.4]), np.array([0.4, -0.3])
    for sd in (0.3, 1.3, 2.5):
        ours = log_likelihood(np, age, effect, np.asarray(sd), spells)
        for i, tilt in enumerate((spells.design - spells.mean) @ effect):
            total = spells.exposure[i] @ np.exp(age) * np.exp(tilt)
            at_end = np.exp(age[spells.bin[i]] + tilt)

            def density(z, total=total, at_end=at_end, happened=spells.event[i], sd=sd):
                factor = np.exp(sd * z)
                own = (at_end * factor if happened else 1.0) * np.exp(-total * factor)
                return own * stats.norm.pdf(z)

            parts = np.arange(-10, 10)
            exact = sum(integrate.quad(density, z, z + 1, epsabs=0)[0] for z in parts)
            assert ours[i] == pytest.approx(np.log(exact), abs=0.002)


def test_log_odds_without_spread_are_those_of_the_hazard():
    result = hazard(np.log(0.01), effect=(0.8,), frailty=1e-9).log_odds(7.0, 200.0, {"armed": 1.0})
    p = 1.0 - np.exp(-7.0 * 0.01 * np.exp(0.8 * 0.75))
    assert result.mean == pytest.approx(np.log(p / (1 - p)))
    assert result.sd == pytest.approx(0.0, abs=1e-6)


def test_log_odds_of_a_new_conflict_spread_as_simulated_conflicts_do():
    pooled = load_pooled("talks")
    rng = np.random.default_rng(6)
    draw = rng.integers(0, len(pooled.age), 400_000)
    log_h = pooled.age[draw, 0] + pooled.frailty[draw] * rng.normal(size=draw.size)
    log_h += pooled.effect[draw] @ (np.array([1.0, 1.0]) - pooled.centre)
    risk = 7.0 * np.exp(log_h)
    low, high = np.quantile(risk + np.log(-np.expm1(-risk)), stats.norm.cdf([-1, 1]))
    result = pooled.log_odds(7.0, 30.0, {"us_actor": 1, "since_1945": 1})
    assert result.mean - result.sd == pytest.approx(low, abs=0.02)
    assert result.mean + result.sd == pytest.approx(high, abs=0.02)


def test_incidence_of_constant_hazards_is_the_closed_form():
    causes = [(hazard(np.log(0.002)), {}), (hazard(np.log(0.006)), {})]
    p = incidence(causes, 40.0, 300.0)
    gone = 1.0 - np.exp(-0.008 * 300.0)
    assert p == pytest.approx((gone / 4, gone * 3 / 4))
    assert incidence(causes, 40.0, 0.0) == (0.0, 0.0)


def test_incidence_of_what_has_lasted_is_that_of_simulated_survivors():
    one = hazard(np.log(0.004), frailty=1.2)
    two = hazard(np.log(0.010), frailty=0.7)
    rng = np.random.default_rng(7)
    times = [
        rng.exponential(1.0 / (rate * np.exp(sd * rng.normal(size=1_000_000))))
        for rate, sd in ((0.004, 1.2), (0.010, 0.7))
    ]
    end = np.minimum(*times)
    alive = end > 60.0
    simulated = ((times[0] == end) & (end <= 240.0) & alive).sum() / alive.sum()
    error = np.sqrt(simulated * (1 - simulated) / alive.sum())
    p = incidence([(one, {}), (two, {})], 60.0, 180.0)[0]
    assert abs(p - simulated) < 4 * error
    young, old = (sum(incidence([(one, {}), (two, {})], age, 180.0)) for age in (0.0, 200.0))
    assert old < young - 0.1  # survivors are the slow ones


def test_unpooled_scores_are_those_of_the_rate_integrated_numerically():
    spells = talk_spells()
    scores = unpooled_log_scores(spells, by_age=False)
    for i in (0, 13, 23):
        rest = np.arange(len(spells.names)) != i
        rate = stats.gamma(
            EVENTS + spells.event[rest].sum(), scale=1.0 / (DAYS + spells.days[rest].sum())
        )
        happened, days = spells.event[i], spells.days[i]

        def chance(h, rate=rate, days=days, happened=happened):
            return rate.pdf(h) * (h if happened else 1.0) * np.exp(-h * days)

        direct = integrate.quad(chance, 0.0, 0.02, epsabs=0, epsrel=1e-10)[0]
        assert scores[i] == pytest.approx(np.log(direct), abs=1e-6)
