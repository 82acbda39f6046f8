"""Populations: their likelihood is that of each conflict, and forecasts know no later day."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from beliefs.features.inputs import build_inputs
from beliefs.features.steps import TalksPast
from beliefs.inference import panel
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.mechanisms import outcomes, talks
from beliefs.model.structure import columns, structure_of
from beliefs.model.theory import free_parameters, theory_of
from beliefs.study.load import read_study

NAMES, DRAWS = ("crises/30", "crises/196", "crises/255"), 40
ASKED, STAY = {"talks": (1, 4), "agreement": (4,)}, np.zeros((2, 999))


def inputs_of(name, day=None):
    source = read_study(name)
    return build_inputs(source.known(day or source.spec.period.end))


@pytest.fixture(scope="module", params=["M0", "M1"])
def population(request):
    theory = panel.of_panel(theory_of(request.param))
    structure, rng = structure_of(inputs_of(NAMES[0])), np.random.default_rng(4)
    shared = {
        p.name: np.asarray(p.prior.rvs((DRAWS, *structure.size(p.dims)), random_state=rng))
        for p in free_parameters(theory, structure, None)
        if p.name in panel.DEAL_READS or p in free_parameters(theory, structure)
    }
    spread = {name: 0.7 * np.abs(rng.normal(size=DRAWS)) for name in (*panel.VARYING, panel.DEALS)}
    return panel.Population(theory, shared, spread, NAMES, 1.0, 400.0, 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_own_parameters_are_integrated_out(population, name):
    inputs = inputs_of(name)
    structure, cols = structure_of(inputs), panel.known_before(columns(inputs))
    grid = np.linspace(-6.0, 6.0, 49)
    weight = np.exp(-0.5 * grid**2) / np.exp(-0.5 * grid**2).sum()
    joint = np.empty((49, 49, DRAWS))
    for i, one in enumerate(grid):
        for k, two in enumerate(grid):
            params = {k: v for k, v in population.shared.items() if k not in panel.DEAL_READS}
            params["onset_base"] = params["onset_base"] + one * population.spread["onset_base"]
            params["continuation_base"] = (
                params["continuation_base"] + two * population.spread["continuation_base"]
            )
            params = stacked_params(population.theory, structure, params)
            run = system.evaluate(np, params, cols, structure)
            density = talks.log_likelihood(np, cols, run.onset, run.continuation)
            joint[i, k] = density.sum(axis=-1)
    expected = logsumexp(joint, axis=(0, 1), b=(weight[:, None] * weight)[..., None])
    seen, deals = panel.deal_columns(inputs, panel.expected_surplus(population, inputs)), []
    for one in grid:
        read = {k: population.shared.get(k, np.zeros(DRAWS)) for k in panel.DEAL_READS}
        read[panel.DEALS] = read[panel.DEALS] + one * population.spread[panel.DEALS]
        hazard = np.exp(outcomes.deal(np, read, seen, structure))
        deals.append(
            (np.log(-np.expm1(-hazard)) * seen["deal"] - hazard * (seen["deal"] == 0)).sum(1)
        )
    expected = expected + logsumexp(np.array(deals), axis=0, b=weight[:, None])
    likely = expected > expected.max() - 20.0  # of others either sum is coarse
    found = panel.log_likelihood(population, inputs)[likely]
    np.testing.assert_allclose(found, expected[likely], atol=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_talks_are_as_recent_to_forecasts_as_to_the_features(name):
    inputs = inputs_of(name)
    past = TalksPast.of(panel.known_before(columns(inputs)), 0)
    np.testing.assert_array_equal(past.idle < 2, inputs.observed.talks_recent > 0)


@pytest.mark.parametrize("name", NAMES)
def test_forecasts_know_nothing_of_later_days(population, name):
    whole = inputs_of(name)
    n = len(whole.dates) // 2
    half = inputs_of(name, str(whole.dates[n] - np.timedelta64(1, "D")))
    assert half.active.sum() == n
    how = {"horizons": ASKED, "ending": STAY, "draws": 200}
    ahead = [panel.follow(population, i, np.random.default_rng(1), **how) for i in (whole, half)]
    for target, horizon in (("talks", 1), ("talks", 4), ("agreement", 4)):
        p, q = (one[target][horizon][:n] for one in ahead)
        np.testing.assert_allclose(p, q)


def test_what_comes_within_four_periods_is_what_comes_in_simulated_futures(population):
    inputs = inputs_of(NAMES[1])
    structure, rng = structure_of(inputs), np.random.default_rng(2)
    one = replace(
        population,
        shared={k: v[:1] for k, v in population.shared.items()},
        spread={k: 0.0 * v[:1] for k, v in population.spread.items()},
    )
    ending = np.stack([np.full(60, 0.2), np.full(60, 0.5)])  # after quiet, and after talks
    found = panel.follow(one, inputs, rng, horizons=ASKED, ending=ending, draws=1)
    many = panel.follow(one, inputs, rng, horizons={"agreement": (4,)}, ending=ending, draws=1000)
    cols = panel.known_before(columns(inputs))
    origin, n, mean = 3, 20_000, {}
    for name, values in cols.items():  # three more periods, as the first four were in the mean
        so_far = values[..., : origin + 1]
        last = so_far[..., -1:] if name in panel.LASTING else so_far.mean(axis=-1, keepdims=True)
        mean[name] = np.concatenate([so_far, last, last, last], axis=-1)
    deals = {k: one.shared.get(k, np.zeros(1)) for k in panel.DEAL_READS}
    mine = {k: v for k, v in one.shared.items() if k not in panel.DEAL_READS}
    params = stacked_params(one.theory, structure, mine)
    params["innovation"] = np.zeros((2, 7))
    run = system.evaluate(np, params, mean, structure)
    shift = system.shift(np, params, mean, structure)
    lower = expit(run.logit_belief).min(axis=-2)
    held = np.full(n, cols["talks_previous"][origin])
    before = inputs.talks[:origin][::-1]
    idle = np.full(n, float(np.argmax(before)) if before.any() else 99.0)
    agreed, surplus = np.zeros(n, dtype=bool), np.broadcast_to(run.surplus, (1, 7))
    spell = np.full(n, np.exp(cols["spell_age"][origin]))
    times = np.expm1(cols["talks_before"][origin]) * np.ones(n)
    any_talks, over = np.zeros((2, n), dtype=bool)
    for ahead in range(4):
        weeks = origin + ahead
        now = {k: v[..., weeks, None] for k, v in mean.items()} | {
            "spell_age": np.log(np.maximum(spell, 1.0)),
            "talks_before": np.log1p(times),
            "conflict_age": np.array([[np.log1p(weeks)], [np.exp(-weeks)]]),
        }
        state = (v[..., weeks, None] for v in (run.surplus, shift * np.ones(7), lower))
        onset, continuation = talks.hazards(np, params, now, *state)
        p = np.where(held > 0, continuation[0], onset[0])
        seen = {"talks_recent": idle < 2, "surplus_lag": surplus[:, weeks],
                "agenda_share": 0.0, "power_shift": np.zeros(n)}  # fmt: skip
        hazard = np.exp(outcomes.deal(np, deals, seen, structure)[0])
        agreed |= (rng.random(n) < -np.expm1(-hazard)) & ~over
        held = (rng.random(n) < p) * (1.0 - over)
        over |= rng.random(n) < np.where(held > 0, 0.5, 0.2)
        any_talks |= held > 0
        spell = np.where(held > 0, 1.0, spell + 1.0)
        idle = np.where(held > 0, 0.0, idle + 1.0)
        times = times + held
    assert any_talks.mean() == pytest.approx(found["talks"][4][origin], abs=0.015)
    assert agreed.mean() == pytest.approx(many["agreement"][4][origin], abs=0.015)


def test_priors_keep_the_hazard_at_the_surplus_that_taught_it():
    theory, rng = panel.of_panel(theory_of("M1")), np.random.default_rng(2)
    effect = np.abs(rng.normal([0.3, 0.1], 0.08, (4000, 2)))
    level = np.array([-1.5, -1.0]) + rng.normal(0.0, 0.2, effect.shape)
    base = level - 6.0 * effect  # taught at six tenths of the stake
    shared = dict(zip(panel.VARYING, base.T, strict=True)) | {"surplus_effect": effect}
    spread = dict.fromkeys(panel.VARYING, np.full(4000, 0.15))
    found = panel.Population(theory, shared, spread, (), 1.0, 400.0, 0.0)
    np.testing.assert_allclose(panel.base_surplus(found), 6.0, atol=0.2)
    priors = panel.priors_of(found, structure_of(inputs_of(NAMES[0])), seed=1)
    for name, at in zip(panel.VARYING, (-1.5, -1.0), strict=True):
        np.testing.assert_allclose(priors[name]["mu"], at, atol=0.05)
        np.testing.assert_allclose(priors[name]["sigma"], 0.25, atol=0.02)


def test_a_theory_says_which_base_hazards_vary():
    conflicts = panel.batches([inputs_of(name) for name in NAMES])
    theory = replace(panel.of_panel(theory_of("M0")), varying=("onset_base",))
    model = panel.population_model(theory, conflicts)
    assert {n for n in model.named_vars if n.endswith("_spread")} == {"onset_base_spread"}
    assert np.isfinite(model.compile_logp()(model.initial_point()))


def test_base_hazards_are_those_at_the_surplus_that_is_set():
    inputs = inputs_of(NAMES[0])
    structure, cols = structure_of(inputs), panel.known_before(columns(inputs))
    params = stacked_params(replace(theory_of("M1"), mechanisms=()), structure, {}) | {
        "base_surplus": np.asarray(6.0), "surplus_effect": np.array([0.3, -0.2]),
        "onset_base": np.asarray(-1.5), "continuation_base": np.asarray(0.4),
    }  # fmt: skip
    both = talks.hazards(np, params, cols, np.full(structure.n_time, 0.6), 0.0)
    np.testing.assert_allclose(np.transpose(both) - expit([-1.5, 0.4]), 0.0, atol=1e-12)
