"""Pooled base rates: their spells, what is shipped, a refit, and what a new conflict gets."""

import csv
import datetime as dt
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import spells as module
from lifelines import AalenJohansenFitter, PiecewiseExponentialFitter
from pool_base_rates import spells_of
from pooled_scores import DAYS, EVENTS, TRUSTED_K, unpooled_log_scores
from pooling import fit_pooled, log_likelihood
from scipy import integrate, stats
from spells import left_out, talk_spells

from beliefs import Sampling, load_study
from beliefs.inference.diagnose import Limits
from beliefs.model.pooled import AGE_BINS, CLASSES, PooledHazard, incidence, load_pooled
from beliefs.study.bundled import data_folder, list_studies

SMALL = Sampling(draws=800, tune=800, chains=2, cores=2, target_accept=0.95)


def hazard(age, effect=(0.0,), frailty=0.0, draws=1):
    """A posterior of equal draws; constant over ages where `age` is one number."""
    bins = len(AGE_BINS) - 1
    return PooledHazard(
        "events in a class", ("armed",), np.array([0.25]),
        np.tile(np.broadcast_to(age, (bins,)), (draws, 1)).astype(float),
        np.tile(np.asarray(effect, dtype=float), (draws, 1)), np.full(draws, frailty),
    )  # fmt: skip


@pytest.mark.parametrize("name", CLASSES)
def test_the_shipped_posterior_is_of_the_present_tables_and_has_converged(name):
    classes = json.loads((data_folder() / "pooled" / "summary.json").read_text())["classes"]
    result, spells, limits = classes[name], spells_of(name), Limits()
    assert result["source_sha256"] == spells.sha256, "run `make pool`"
    assert result["label"] == spells.label
    assert (result["conflicts"], result["events"]) == (len(spells.names), spells.event.sum())
    pooled = load_pooled(name)
    assert pooled.covariates == spells.covariates
    np.testing.assert_allclose(pooled.centre, spells.mean, atol=1e-6)
    found = result["convergence"]
    assert found["passed"] and not found["failures"]
    assert found["r_hat"] <= limits.r_hat and found["ess"] >= limits.ess
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
    assert result.stdev == pytest.approx(0.0, abs=1e-6)


def test_log_odds_of_a_new_conflict_spread_as_simulated_conflicts_do():
    pooled = load_pooled("talks")
    rng = np.random.default_rng(6)
    draw = rng.integers(0, len(pooled.age), 400_000)
    log_h = pooled.age[draw, 0] + pooled.frailty[draw] * rng.normal(size=draw.size)
    log_h += pooled.effect[draw] @ (np.array([1.0, 1.0]) - pooled.centre)
    risk = 7.0 * np.exp(log_h)
    low, high = np.quantile(risk + np.log(-np.expm1(-risk)), stats.norm.cdf([-1, 1]))
    result = pooled.log_odds(7.0, 30.0, {"us_actor": 1, "since_1945": 1})
    assert result.mean - result.stdev == pytest.approx(low, abs=0.02)
    assert result.mean + result.stdev == pytest.approx(high, abs=0.02)


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


def flat(fit, name):
    values = np.asarray(fit.tree["posterior"][name])
    return values.reshape(-1, *values.shape[2:])


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("name", CLASSES)
def test_a_refit_with_another_seed_agrees_with_what_is_shipped(name):
    again, shipped = fit_pooled(spells_of(name), seed=77, sampling=SMALL), load_pooled(name)
    assert again.convergence.divergent_share < 0.005 and again.convergence.r_hat < 1.03
    for column in ("age", "effect", "frailty"):
        new, old = flat(again, column), getattr(shipped, column)
        # 500 shipped draws, and at least 200 effective ones here
        error = old.std(axis=0) * np.sqrt(1 / 500 + 1 / 200)
        assert (np.abs(new.mean(axis=0) - old.mean(axis=0)) < 4 * error).all()
        np.testing.assert_allclose(new.std(axis=0), old.std(axis=0), rtol=0.3)


@pytest.mark.slow
@pytest.mark.statistical
def test_known_hazards_are_found_again():
    truth_age, truth_effect = np.array([-4.0, -4.4, -4.8, -5.0, -5.0]), np.array([0.9, 0.0])
    truth_frailty, n = 0.9, 1200
    rng = np.random.default_rng(8)
    design = rng.integers(0, 2, (n, 2)).astype(float)
    tilt = (design - design.mean(axis=0)) @ truth_effect + truth_frailty * rng.normal(size=n)
    # Invert the cumulated hazard, bin by bin; censor at two years.
    target, days = rng.exponential(size=n) / np.exp(tilt), np.zeros(n)
    for low, high, rate in zip(AGE_BINS, AGE_BINS[1:], np.exp(truth_age), strict=False):
        inside = np.minimum(target / rate, high - low)
        days += np.where(target > 0, inside, 0.0)
        target = np.maximum(target - rate * (high - low), 0.0)
    spells = replace(
        talk_spells(), names=tuple(str(i) for i in range(n)), days=np.minimum(days, 730.0),
        event=days < 730.0, design=design,
    )  # fmt: skip
    fit = fit_pooled(spells, seed=9, sampling=SMALL)
    for name, truth in (
        ("age", truth_age), ("effect", truth_effect), ("frailty", np.array(truth_frailty)),
    ):  # fmt: skip
        draws = flat(fit, name)
        low, high = np.quantile(draws, [0.0005, 0.9995], axis=0)
        assert ((low <= truth) & (truth <= high)).all(), (name, low, truth, high)


OWN_WARS, OWN_SPAN = left_out()
EDGES = AGE_BINS[1:-1]
ALL = {name: spells_of(name) for name in CLASSES}


def rates(spells):
    """Events per day at risk by bin of age, nothing pooled."""
    at_end = np.eye(len(AGE_BINS) - 1)[spells.bin] * spells.event[:, None]
    return at_end.sum(axis=0) / spells.exposure.sum(axis=0)


def without_spread(spells):
    """The same rates as one draw of a posterior."""
    return PooledHazard(
        spells.label, (), np.zeros(0), np.log(rates(spells))[None], np.zeros((1, 0)), np.zeros(1)
    )


def test_no_spell_is_of_a_war_of_the_bundled_studies():
    assert len(ALL["talks"].names) == 49
    assert not OWN_WARS & set(ALL["talks"].names)
    with (data_folder() / "wars" / "war_talk_onsets.csv").open(encoding="utf-8") as handle:
        assert OWN_WARS < {row["war"] for row in csv.DictReader(handle)}


def test_what_came_of_the_own_wars_changes_no_spell(tmp_path, monkeypatch):
    for name in ("wars", "pooled"):
        shutil.copytree(data_folder() / name, tmp_path / name)
    table = tmp_path / "wars" / "war_talk_onsets.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith(tuple(OWN_WARS)):
            war, start, *rest = line.split(",")
            lines[number] = ",".join([war, start, "2026-06-29", start, "", "1", *rest[4:]])
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(module, "data_folder", lambda: tmp_path)
    other = talk_spells.__wrapped__()
    assert other.sha256 != ALL["talks"].sha256
    assert other.names == ALL["talks"].names
    np.testing.assert_array_equal(other.days, ALL["talks"].days)
    np.testing.assert_array_equal(other.event, ALL["talks"].event)


def test_no_crisis_began_during_a_bundled_study_of_the_united_states():
    studies = [load_study(name) for name in list_studies()]
    starts = [s.spec.period.start for s in studies if "us" in [side.id for side in s.spec.sides]]
    assert len(starts) == 2 and OWN_SPAN == min(starts)
    with (data_folder() / "crises" / "icb_crises.csv").open(encoding="utf-8") as handle:
        start = {f"crisis {row['crisis']}": row["start"] for row in csv.DictReader(handle)}
    kept = [dt.date.fromisoformat(start[name]) for name in ALL["agreement"].names]
    assert len(kept) == 398 and max(kept) < OWN_SPAN


@pytest.mark.parametrize("name", CLASSES)
def test_rates_by_age_are_those_of_lifelines(name):
    spells = ALL[name]
    year = 365.0  # its optimiser stops early on numbers of very different size
    # Its bins begin with their first edge, ours end with their last.
    fitter = PiecewiseExponentialFitter([edge / year for edge in EDGES])
    fitter.fit((spells.days - 1e-6) / year, spells.event)
    np.testing.assert_allclose(rates(spells), 1.0 / (fitter.params_ * year), rtol=1e-4)


def test_cumulative_incidence_of_agreement_lies_within_aalen_johansen_intervals():
    agreed, other = ALL["agreement"], ALL["other_end"]
    causes = [(without_spread(agreed), {}), (without_spread(other), {})]
    code = np.where(agreed.event, 1, 2)
    rng = np.random.default_rng(5)  # it wants no ties: break those of whole days
    days = agreed.days - 0.5 * rng.random(len(code))
    found = AalenJohansenFitter(alpha=0.05).fit(days, code, event_of_interest=1)
    band = found.confidence_interval_
    alone = incidence([causes[0]], 0.0, 365.0)[0]
    for edge in EDGES:
        p, rest = incidence(causes, 0.0, edge)
        low, high = band.loc[:edge].iloc[-1]
        assert low <= p <= high, (edge, p, low, high)
        assert p + rest < 1.0
    # One minus survival from this cause alone lets crises that ended otherwise go on to agree.
    assert alone > high + 0.05
