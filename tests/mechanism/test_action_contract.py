"""What every mechanism of actions promises (contract C3)."""

import numpy as np
import pytest
from action_design import agree, columns, graph, prior_draws, structure
from test_effects import EFFECTS, FACTORS, MODULE

from beliefs.model.mechanisms import diplomacy, outcomes
from beliefs.model.observation import FAMILIES
from beliefs.model.structure import until
from beliefs.model.theory import declared, mechanisms

MODULES = list(mechanisms("actions").values())
OTHER_FAMILIES = {"normal", "categorical"}  # densities of their own, beside those of `observation`
DRAWS = 20

# Parameter -> (what acts only through it, the factor it acts on). A number after a column is the
# side whose row acts.
ACTS_THROUGH = {
    "instrument_rate": ("instrument_on", "strikes_A"),
    "log_excite_own": ("strike_by_severity 0", "strikes_A"),
    "log_excite_cross": ("strike_by_severity 1", "strikes_A"),
    "proportionality": ("provocation", "severity"), "valve": ("own_recent", "strikes_A"),
    "valve_pressure": ("pressure_home", "strikes_A"),
    "talk_strike_tempo": ("talks", "strikes_A"), "truce_gain": ("truce", "strikes_A"),
    "pause_overshoot": ("pause", "strikes_A"), "certainty_widening": ("p_lag_min", "strikes_B"),
    "warning_effect": ("warned_by_severity", "strikes_B"),
    "walkout_noise": ("walkout_fresh", "strikes_B"), "shelf_life": ("truce_age", "breach"),
    "collapse_shape": ("truce_age", "collapse"),
}  # fmt: skip
# Parameter -> (the factor to whose linear predictor it is added, its sign).
ADDED = {
    "exogenous_disruption": ("cause", 1.0), "exclusion_base": ("excluded", 1.0),
    "crossing": ("crossing", 1.0), "breach_base": ("breach", 1.0),
    "collapse_base": ("collapse", 1.0), "resolve_base": ("resolve", 1.0),
    "zone_base": ("zones", 1.0), "deal_base": ("deal", 1.0), "signature_cost": ("form", -1.0),
    "reversal_base": ("reversal", 1.0), "peripheral_base": ("periphery", 1.0),
    "concession_base": ("concession", 1.0), "reply_base": ("reply", 1.0),
    "sanction_base": ("sanction", 1.0), "walkout_base": ("walkout", 1.0),
    "severity_base": ("severity", 1.0),
}  # fmt: skip
# Null values of these are no absence; tests of their mechanisms prove what they are.
PROVED = {
    "strike_base", "log_dispersion", "log_decay", "severity_power", "log_severity_spread",
    "command_control", "lapse_share", "unilateral_share", "mutual_share", "phase_up",
    "phase_down", "skip",
}  # fmt: skip


@pytest.fixture(scope="module")
def where():
    return structure(n_time=40)


@pytest.fixture(scope="module")
def seen(where):
    return columns(where, np.random.default_rng(1))


@pytest.fixture(scope="module")
def known(where):
    return {name: parameter for name, (_, parameter) in declared(where, "actions").items()}


@pytest.fixture(scope="module")
def draws(where, known):
    return prior_draws(known.values(), where, DRAWS, np.random.default_rng(2))


def one(draws, number):
    return {name: values[number] for name, values in draws.items()}


def at_null(params, known, *names):
    return params | {n: np.full_like(params[n], known[n].null) for n in names}


def logs(params, seen, where, xp=np):
    """Log likelihood of every factor of every mechanism."""
    out = {}
    for module in MODULES:
        out |= module.log_likelihood(xp, params, seen, where)
    return out


def state_at(seen, t):
    """The columns of one period, and what a simulator carries in place of the past."""
    state = {name: values[..., t] for name, values in seen.items()}
    return state | {"decayed": np.array([0.3, 0.1]), "hardline_decayed": np.array([0.2, 0.4])}


def shaken(seen, what):
    """The columns with one of them, or one side's row of it, changed everywhere."""
    name, _, side = what.partition(" ")
    rows = int(side) if side else slice(None)
    changed = seen[name].astype(float).copy()
    changed[rows] += np.random.default_rng(8).uniform(0.1, 0.9, changed[rows].shape)
    if name == "warned_by_severity":  # no more than there were
        changed = np.minimum(changed, seen["strike_by_severity"])
    return seen | {name: changed}


def test_every_parameter_of_actions_has_a_test_of_its_null_value(known):
    effects = {parameter for _, parameter, *_ in EFFECTS}
    assert sorted(known) == sorted([*ACTS_THROUGH, *ADDED, *PROVED, *effects])


@pytest.mark.parametrize("name", sorted(ACTS_THROUGH))
def test_at_its_null_value_a_parameter_of_actions_lets_nothing_through(
    name, where, seen, known, draws
):
    what, factor = ACTS_THROUGH[name]
    params, changed = one(draws, 0), shaken(seen, what)
    live, moved = (logs(params, c, where)[factor] for c in (seen, changed))
    assert not np.array_equal(live, moved)  # it does act
    off = at_null(params, known, name)
    absent, silent = (logs(off, c, where)[factor] for c in (seen, changed))
    np.testing.assert_array_equal(silent, absent)


@pytest.mark.parametrize("name", sorted(ADDED))
def test_a_base_is_added_to_its_predictor_so_that_zero_adds_nothing(
    name, where, seen, known, draws
):
    factor, sign = ADDED[name]
    assert known[name].null == 0.0
    module = MODULE[factor]
    params, state = one(draws, 1), state_at(seen, 5)
    null = at_null(params, known, name)
    raised = params | {name: null[name] + 0.75}
    found, zero = (module.rates(p, state, where)[factor] for p in (raised, null))
    np.testing.assert_allclose(found - zero, 0.75 * sign, rtol=1e-12)


def test_null_shares_are_coins_and_null_phases_move_once_a_week(known):
    halves = {p.name: np.array(p.null) for p in known.values()}
    shares = outcomes.kind_shares(halves, np.array(1.0))
    assert [float(s) for s in shares] == [0.5, 0.25, 0.125, 0.125]
    stay, step, leap, fall = outcomes.moves(np, halves, 1, structure(step_weeks=1.0))
    np.testing.assert_allclose(stay, np.exp(-2.0), rtol=1e-14)  # one way up and one down
    np.testing.assert_allclose([step + leap, fall], 0.5 * (1.0 - np.exp(-2.0)), rtol=1e-14)
    assert step == leap


def test_factors_keep_the_contract(where, known):
    assert len(FACTORS) == sum(len(module.FACTORS) for module in MODULES)
    for module in MODULES:
        for factor in module.FACTORS:
            assert factor.base and set(factor.base) <= set(factor.reads) <= set(known), factor.name
            assert set(factor.couples) <= set(factor.reads), factor.name
            assert factor.family in (*FAMILIES, *OTHER_FAMILIES), factor.name
    read = {name for factor in FACTORS.values() for name in factor.reads}
    assert read == set(known)  # no parameter without an observable


def test_a_factor_reads_the_parameters_that_it_says(where, seen, known, draws):
    params = one(draws, 0)
    before = logs(params, seen, where)
    assert set(before) == set(FACTORS)
    for name in known:
        moved = params[name] * 0.9 + 0.01
        after = logs(params | {name: moved}, seen, where)
        changed = {f for f in before if not np.array_equal(before[f], after[f])}
        assert changed == {f.name for f in FACTORS.values() if name in f.reads}, name


@pytest.mark.parametrize("weeks", [1.0 / 7.0, 1.0])
def test_one_period_has_the_predictors_of_the_likelihood(weeks, draws):
    of = structure(6, weeks)
    seen = columns(of, np.random.default_rng(3))
    decayed = diplomacy.hardline_decayed(seen, of)
    for t in range(of.n_time):
        state = state_at(seen, t) | {"hardline_decayed": decayed[..., t]}
        for name, factor in FACTORS.items():
            if factor.predictor:
                found = MODULE[name].rates(draws, state, of, [name])[name]
                whole = factor.predictor(np, draws, seen, of)
                whole = np.broadcast_to(whole, (*found.shape, of.n_time))
                np.testing.assert_allclose(found, whole[..., t], rtol=1e-12, err_msg=name)


def test_hazards_and_rates_of_a_week_are_those_of_its_seven_days(draws):
    day, week = structure(6), structure(6, 1.0)
    seen = columns(day, np.random.default_rng(3)) | {"hardline_decayed": np.zeros((2, 6))}
    # Hazards that do not change with age.
    params = draws | {"shelf_life": np.zeros(DRAWS), "collapse_shape": np.zeros(DRAWS)}
    for factor in FACTORS.values():
        if factor.predictor and factor.family.endswith(("cloglog", "poisson_log")):
            etas = (factor.predictor(np, params, seen, of) for of in (week, day))
            np.testing.assert_allclose(
                np.subtract(*etas), np.log(7.0), rtol=1e-12, err_msg=factor.name
            )


def test_beliefs_enter_through_the_parameters_that_couple(where, seen, known, draws):
    params = one(draws, 0)
    moved = shaken(shaken(shaken(seen, "p_lag"), "p_lag_min"), "surplus_lag")
    before, after = (logs(params, c, where) for c in (seen, moved))
    coupled = {f.name for f in FACTORS.values() if f.couples}
    assert {f for f in before if not np.array_equal(before[f], after[f])} == coupled
    off = at_null(params, known, *{n for f in FACTORS.values() for n in f.couples})
    before, after = (logs(off, c, where) for c in (seen, moved))
    assert all(np.array_equal(before[f], after[f]) for f in before)


def test_where_nothing_was_seen_the_likelihood_says_exactly_nothing(where, seen, draws):
    nothing = {name: np.zeros_like(values) for name, values in seen.items()}
    for name, found in logs(draws, nothing, where).items():
        assert found.shape == (DRAWS, where.n_time), name
        assert (found == 0.0).all(), name


def test_later_periods_do_not_change_earlier_terms(where, seen, draws):
    whole, short = (logs(draws, c, where) for c in (seen, until(seen, 23)))
    for name, found in short.items():
        np.testing.assert_allclose(found, whole[name][..., :23], rtol=1e-12, err_msg=name)


def test_a_stack_of_draws_gives_what_each_draw_of_actions_gives(where, seen, draws):
    stacked = {n: v[:6].reshape(3, 2, *v.shape[1:]) for n, v in draws.items()}
    together = logs(stacked, seen, where)
    state = state_at(seen, 3)
    rates = {k: v for m in MODULES for k, v in m.rates(stacked, state, where).items()}
    for number in range(6):
        place, params = divmod(number, 2), one(draws, number)
        for name, expected in logs(params, seen, where).items():
            np.testing.assert_allclose(
                together[name][place], expected, rtol=1e-12, atol=1e-13, err_msg=name
            )
        for module in MODULES:
            for name, expected in module.rates(params, state, where).items():
                found = np.broadcast_to(rates[name], (3, 2, *np.shape(expected)))
                np.testing.assert_allclose(found[place], expected, rtol=1e-12, err_msg=name)


def test_numpy_and_pytensor_agree_on_actions_and_gradients_are_finite(where, seen, known, draws):
    import pytensor.tensor as pt

    symbols = {
        name: pt.tensor(name, dtype="float64", shape=where.size(p.dims))
        for name, p in known.items()
    }
    found = logs(symbols, seen, where, pt)
    # Rewriting the graph would take longer than all calls.
    symbolic = graph(symbols, found, sum(v.sum() for v in found.values()), optimizer=None)
    moved = set()
    for number in range(DRAWS):
        params = one(draws, number)
        found, slopes = symbolic(params)
        moved |= agree(found, logs(params, seen, where), slopes, number)
    assert moved == set(draws)
