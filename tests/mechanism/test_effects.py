"""What moves each observable of actions and by how much, against numbers worked out by hand."""

import math

import numpy as np
import pytest
from action_design import columns, nothing, parameters_of, prior_draws, structure
from scipy import stats
from scipy.special import expit

from beliefs.model.mechanisms import outcomes, redlines, truce
from beliefs.model.pooled import load_pooled
from beliefs.model.theory import declared, mechanisms
from beliefs.study.tables.codebook import CONFLICT_PHASES

WEEKS = structure(n_time=5, step_weeks=1.0)
FACTORS = {f.name: f for module in mechanisms("actions").values() for f in module.FACTORS}
MODULE = {f.name: m for m in mechanisms("actions").values() for f in m.FACTORS}

# Observable, parameter and value, column (and its row) and value, change of the predictor.
EFFECTS = [
    ("excluded", "exclusion_war", 0.7, ("phase_on", 2), 1.0, 0.7),
    ("excluded", "exclusion_strikes", 0.5, ("deal_near",), 0.5, 0.25),
    ("excluded", "exclusion_instrument", 0.3, ("instrument_on",), 1.0, 0.3),
    # A quarter of belief, and the decaying sum of hard words of the week before: a fifth of them.
    ("concession", "wait_value", 0.5, ("p_lag",), 0.75, -0.5),
    ("concession", "wait_value", 0.5, ("p_lag",), 0.25, 0.5),
    ("concession", "audience_hold", 0.5, ("hardline",), 5.0, -0.5),
    ("reply", "price_discovery", 0.4, ("round_number",), 2.0, 0.8),
    ("sanction", "talks_defer", -0.7, ("talks_recent",), 1.0, -0.7),
    # The surplus counts in tenths of the stake.
    ("deal", "deal_surplus", 0.2, ("surplus_lag",), 0.3, 0.6),
    ("deal", "deal_recent", 0.6, ("talks_recent",), 1.0, 0.6),
    ("deal", "agenda_effect", 0.4, ("agenda_share",), 0.5, 0.2),
    ("deal", "shift_deal", 0.5, ("power_shift",), 2.0, -1.0),
    ("reversal", "turnover_termination", 1.0, ("government_changed",), 0.5, 0.5),
    ("periphery", "peripheral_war", 0.6, ("phase_on", 2), 1.0, 0.6),
    ("periphery", "peripheral_instrument", 0.3, ("instrument_on",), 1.0, 0.3),
    ("periphery", "peripheral_harm", 0.8, ("calm",), 1.0, 0.8),
    ("breach", "quiet_for_quiet", 0.8, ("quiet_passed",), 1.0, -0.8),
    ("breach", "belief_breach", 2.0, ("p_lag_min",), 0.7, 0.4),
    ("breach", "breach_memory", 0.3, ("breaches_past",), 2.0, 0.6),
    ("collapse", "breach_memory", 0.3, ("breaches_past",), 2.0, 0.6),
    ("collapse", "attribution_gap", 0.9, ("spoiler_open",), 2.0, 1.8),
    ("collapse", "renewal_effect", 0.4, ("concession_broken",), 3.0, 1.2),
    ("collapse", "hotline_effect", -0.7, ("hotline",), 1.0, -0.7),
    ("collapse", "breach_to_collapse", 0.6, ("breach",), 1.0, 0.6),
    ("resolve", "deadline_effect", 1.5, ("at_deadline",), 1.0, 1.5),
    ("resolve", "renewal_effect", 0.4, ("concession_broken",), 2.0, -0.8),
    ("zones", "zone_war", 0.7, ("phase_on", 2), 1.0, 0.7),
    ("zones", "zone_instrument", 0.3, ("instrument_on",), 1.0, 0.3),
    ("zones", "zone_effect", -0.9, ("zone_rule",), 1.0, -0.9),
    ("zones", "zone_displacement", 0.2, ("zone_near",), 1.0, 0.2),
]
# Observable -> what is scored, out of how many trials, and where somebody looked.
SCORED = {
    "cause": lambda c: (c["breach_other"], c["breach_own"] + c["breach_other"], c["truce_seen"]),
    "excluded": lambda c: (c["excluded_count"], None, c["excluded_seen"]),
    "crossing": lambda c: (c["line_cross"], c["line_touch"], c["strikes_seen"]),
    "concession": lambda c: (c["concession"], 1.0, c["concession_seen"]),
    "reply": lambda c: (c["reply_yes"], c["reply_yes"] + c["reply_no"], 1.0),
    "sanction": lambda c: (c["sanction"], 1.0, c["sanction_seen"]),
    "walkout": lambda c: (c["walkout"], 1.0, c["walkout_at_risk"]),
    "deal": lambda c: (c["deal"], 1.0, c["deal_seen"]),
    "form": lambda c: (c["deal_signed"], c["deal_signed"] + c["deal_unsigned"], 1.0),
    "reversal": lambda c: (c["scope_ended"], c["scope_live"], 1.0),
    "periphery": lambda c: (c["peripheral_count"], None, c["peripheral_seen"]),
    "breach": lambda c: (c["breach"], 1.0, c["truce_seen"]),
    "collapse": lambda c: (c["truce_end"] == 1.0, 1.0, c["ends_seen"]),
    # What collapsed cannot be resolved.
    "resolve": lambda c: (c["truce_end"] == 2.0, 1.0, c["ends_seen"] * (c["truce_end"] != 1.0)),
    "zones": lambda c: (c["zone_count"], None, c["zone_seen"]),
}
MOVES = {"phase_up": np.array(-2.0), "phase_down": np.array(-2.5), "skip": np.array(-1.0)}
SHARES = {
    "lapse_share": np.array(0.3), "unilateral_share": np.array(0.4), "mutual_share": np.array(0.75),
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameter", "value", "column", "at", "shift"), EFFECTS)
def test_an_effect_has_its_sign_and_size_and_is_none_at_null(
    name, parameter, value, column, at, shift
):
    params = {
        p.name: np.full(WEEKS.size(p.dims), p.null) for _, p in declared(WEEKS, "actions").values()
    }
    effective = params | {parameter: np.full_like(params[parameter], value)}
    quiet = nothing(WEEKS, p_lag=np.full((2, 5), 0.5), p_lag_min=np.full(5, 0.5))
    quiet |= {"truce_age": np.ones(5), "hardline": np.zeros((2, 5))}
    changed = quiet[column[0]].copy()
    changed[column[1:]] = at
    for given, expected in ((effective, shift), (params, 0.0)):
        before, after = (
            FACTORS[name].predictor(np, given, seen, WEEKS)[..., 1]
            for seen in (quiet, quiet | {column[0]: changed})
        )
        np.testing.assert_allclose(after - before, expected, rtol=1e-12)


@pytest.mark.parametrize("name", SCORED)
def test_what_was_seen_has_the_probability_of_the_textbook(name):
    factor, rng = FACTORS[name], np.random.default_rng(4)
    seen = columns(WEEKS, rng)
    read = [p for m, p in declared(WEEKS, "actions").values() if p.name in factor.reads]
    params = {n: v[0] for n, v in prior_draws(read, WEEKS, 1, rng).items()}
    eta = factor.predictor(np, params, seen, WEEKS)
    value, trials, where = SCORED[name](seen)
    if trials is None:
        logs = stats.poisson.logpmf(value, np.exp(eta))
    else:
        p = expit(eta) if factor.family.endswith("logit") else -np.expm1(-np.exp(eta))
        logs = stats.binom.logpmf(value, trials, p)
    expected = np.atleast_2d(np.broadcast_to(logs, np.shape(value)) * where).sum(axis=0)
    found = MODULE[name].log_likelihood(np, params, seen, WEEKS, [name])[name]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_forces_keep_quiet_day_by_day():
    seen = nothing(WEEKS, "truce_seen", "command_seen")
    seen["truce_seen"][4] = seen["command_seen"][1, 0] = 0.0
    seen["disobeyed"][0, 1] = seen["disobeyed"][1, 2] = seen["disobeyed"][1, 4] = 1.0
    days = structure(n_time=5)
    params = {"command_control": np.array([3.0, -0.5])}
    found = MODULE["command"].log_likelihood(np, params, seen, days, ["command"])["command"]
    quiet = expit(params["command_control"])
    yes, no = np.log1p(-quiet), np.log(quiet)
    expected = [no[0], yes[0] + no[1], no[0] + yes[1], no.sum(), 0.0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_act_that_holds_a_line_stays_below_it():
    severity = np.array([5.0, 2.0, 5.0, 2.0, 1.0])
    touches = np.array([True, True, True, False, True])
    crosses = np.array([False, False, True, False, True])
    found = redlines.held_below(severity, touches, crosses, np.full(5, 3.0))
    assert found.tolist() == [2.0, 2.0, 5.0, 2.0, 3.0]


def test_a_breach_has_a_weibull_hazard_in_age_summed_over_the_period():
    shape, age = 1.7, np.arange(1.0, 6.0)
    params = {
        "breach_base": np.array(-1.0), "quiet_for_quiet": np.array(0.8),
        "belief_breach": np.array(2.0), "shelf_life": np.array(math.log(shape)),
        "breach_memory": np.array(0.7),
    }  # fmt: skip
    seen = nothing(WEEKS, truce_age=age, p_lag_min=np.full(5, 0.5))
    weibull = stats.weibull_min(shape, scale=math.exp(1.0 / shape))
    expected = weibull.logsf(age - 1.0) - weibull.logsf(age)
    found = np.exp(truce.breach(np, params, seen, WEEKS))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # That of a week is that of its seven days.
    days = structure(n_time=35)
    by_day = nothing(days, truce_age=np.arange(1.0, 36.0), p_lag_min=np.full(35, 0.5))
    daily = np.exp(truce.breach(np, params, by_day, days))
    np.testing.assert_allclose(daily.reshape(5, 7).sum(axis=1), expected, rtol=1e-12)


def test_the_hazard_of_a_deal_is_centred_on_the_reference_class():
    prior = next(p.prior for p in parameters_of("outcomes", WEEKS) if p.name == "deal_base")
    expected = math.log(7.0) + load_pooled("agreement").late().mean
    assert prior.median() == pytest.approx(expected, abs=0.0006)


def test_truces_end_in_one_of_four_ways_and_lapse_only_with_a_deadline():
    with_one, without = (outcomes.kind_shares(SHARES, np.array(d)) for d in (1.0, 0.0))
    np.testing.assert_allclose(with_one, [0.3, 0.28, 0.315, 0.105], rtol=1e-12)
    np.testing.assert_allclose(without, [0.0, 0.4, 0.45, 0.15], rtol=1e-12)
    seen = nothing(WEEKS, end_kind=np.arange(5.0), has_deadline=np.array([1.0, 1, 1, 0, 0]))
    found = outcomes.log_likelihood(np, SHARES, seen, WEEKS, ["kind"])["kind"]
    np.testing.assert_allclose(found, [0.0, *np.log([0.3, 0.28, 0.45, 0.15])], rtol=1e-12)


@pytest.mark.parametrize("conflict_phase", range(len(CONFLICT_PHASES)))
def test_a_period_does_one_thing_to_a_conflict_phase(conflict_phase):
    stay, step, leap, fall = outcomes.moves(np, MOVES, conflict_phase, WEEKS)
    assert stay + step + leap + fall == pytest.approx(1.0, abs=1e-14)
    up, down = (conflict_phase < 4) * math.exp(-2.0), (conflict_phase > 0) * math.exp(-2.5)
    assert stay == pytest.approx(math.exp(-up - down))
    assert (step + leap) * down == pytest.approx(fall * up)
    assert leap == pytest.approx((step + leap) * expit(-1.0) * (conflict_phase < 3))


def test_moves_between_declared_phases_are_scored_and_a_leap_skips_one_of_peace():
    seen = nothing(WEEKS)
    for t, conflict_phase in enumerate(("friction", "open_war", "truce", "positive_peace")):
        seen["conflict_phase_on"][CONFLICT_PHASES.index(conflict_phase), t] = 1.0
    fall, step, leap = (outcomes.moves(np, MOVES, r, WEEKS)[k] for r, k in ((1, 3), (0, 1), (2, 2)))
    expected = [0.0, *np.log([fall, step, leap]), 0.0]  # the first has no phase before it
    found = outcomes.log_likelihood(np, MOVES, seen, WEEKS, ["conflict_phase"])["conflict_phase"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    pairs = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    assert [(a, b) for a, b in pairs if outcomes.skips(a, b)] == [
        (0, 3), (0, 4), (1, 3), (1, 4), (2, 4),
    ]  # fmt: skip
