"""Strikes that answer strikes, against numbers worked out by hand."""

import math

import numpy as np
import pytest
from action_design import columns, nothing, parameters_of, prior_draws, structure
from scipy import stats

from beliefs.model.mechanisms import reciprocity

DAYS = structure(n_time=4)
OFF = (
    "valve", "valve_pressure", "talk_strike_tempo", "truce_gain", "pause_overshoot",
    "certainty_widening", "warning_effect", "walkout_noise", "hotline_effect",
)  # fmt: skip
PARAMS = dict.fromkeys(OFF, np.array(0.0)) | {
    "strike_base": np.log([[0.5, 0.2, 1.0], [0.3, 0.1, 2.0]]),
    "instrument_rate": np.array([math.log(2.0)]),
    "log_dispersion": np.array(math.log(3.0)),
    "log_excite_own": np.array(math.log(0.1)),
    "log_excite_cross": np.log([0.4, 0.6]),
    "log_decay": np.array(math.log(math.log(2.0))),  # half of a decaying sum is gone after a day
    "severity_power": np.array(1.0),
    "severity_base": np.array([0.2, -0.1]),
    "log_severity_spread": np.array(-1.0),
    "proportionality": np.array(0.5),
}


def quiet_days():
    """Columns of four days of war in which nothing happens."""
    seen = nothing(DAYS, "strikes_seen", p_lag_min=np.full(4, 0.5))
    seen["phase_on"][2] = 1.0
    return seen


def with_acts(*acts, warned=()):
    """The quiet days with acts (side, severity, day), some of them announced."""
    out = quiet_days()
    for side, severity, day in acts:
        out["strike_by_severity"][side, severity - 1, day] += 1.0
        out["strike_count"][side, day] += 1.0
    for side, severity, day in warned:
        out["warned_by_severity"][side, severity - 1, day] += 1.0
    return out


def rate(params, seen):
    left = reciprocity.decayed(np, params, seen, DAYS)
    return np.exp(reciprocity.log_rate(np, params, seen, DAYS, left))


def test_the_intensity_is_the_one_worked_out_by_hand():
    # Blue strikes with severity 3 on day 0 and with severity 5 on day 1.
    seen = with_acts((1, 3, 0), (1, 5, 1))
    blue = [0.0, 0.5, 0.25 + 0.5 * 5 / 3, 0.125 + 0.25 * 5 / 3]
    decayed = reciprocity.decayed(np, PARAMS, seen, DAYS)
    np.testing.assert_allclose(decayed, [[0.0] * 4, blue], rtol=1e-14)
    expected = [[1.0 + 0.4 * h for h in blue], [2.0 + 0.1 * h for h in blue]]
    np.testing.assert_allclose(rate(PARAMS, seen), expected, rtol=1e-14)


def test_counts_are_negative_binomial_around_the_intensity():
    seen = with_acts((1, 3, 0), (1, 5, 1), (0, 2, 2), (0, 2, 2))
    expected = rate(PARAMS, seen)
    found = reciprocity.log_likelihood(np, PARAMS, seen, DAYS)
    for side, name in enumerate(("strikes_A", "strikes_B")):
        logs = stats.nbinom.logpmf(seen["strike_count"][side], 3.0, 3.0 / (3.0 + expected[side]))
        np.testing.assert_allclose(found[name], logs, rtol=1e-12)


def test_an_act_draws_as_many_replies_in_the_end_as_excitation_says():
    long = structure(n_time=400)
    seen = {n: np.zeros((*v.shape[:-1], 400)) for n, v in quiet_days().items()}
    seen["strike_by_severity"][1, 2, 3] = 1.0
    for decay in (-2.5, -1.05, 0.3):
        params = PARAMS | {"log_decay": np.array(decay)}
        left = reciprocity.decayed(np, params, seen, long)
        answered = reciprocity.reply(np, params, seen, left).sum(axis=-1)
        np.testing.assert_allclose(answered, [0.4, 0.1], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("truce_gain", "truce"),
        ("pause_overshoot", "pause"),
        ("hotline_effect", "hotline"),
        ("walkout_noise", "walkout_fresh"),
    ],
)
def test_what_tempers_replies_leaves_first_acts_alone(name, column):
    seen = with_acts((1, 3, 0))
    plain = rate(PARAMS, seen)
    seen[column] = np.array([0.0, 1.0, 0.5, 0.0])
    tempered = rate(PARAMS | {name: np.array(math.log(0.25))}, seen)
    factor = 0.25 ** seen[column]
    first = np.array([[1.0], [2.0]])
    np.testing.assert_allclose(tempered - first, (plain - first) * factor, atol=1e-15)


def test_talks_pressure_and_recent_acts_change_first_acts():
    seen = quiet_days()
    seen["talks"][1] = 1.0
    seen["pressure_home"][0, 2] = 2.0
    seen["own_recent"][1, 3] = 1.5
    changed = PARAMS | {
        "talk_strike_tempo": np.array(-0.7),
        "valve_pressure": np.array(0.3),
        "valve": np.array(0.4),
    }
    shift = np.log(rate(changed, seen)) - np.log(rate(PARAMS, quiet_days()))
    expected = [[0.0, -0.7, 0.6, 0.0], [0.0, -0.7, 0.0, -0.6]]
    np.testing.assert_allclose(shift, expected, atol=1e-14)


def test_a_trace_fades_in_a_week_as_in_seven_days():
    week = structure(n_time=4, step_weeks=1.0)
    daily, weekly = (reciprocity.kept(np, PARAMS, s) for s in (DAYS, week))
    np.testing.assert_allclose(weekly, daily**7, rtol=1e-13)


def test_the_severity_of_a_reply_follows_that_of_its_provocation():
    seen = with_acts((0, 4, 2), (0, 4, 2), (1, 5, 1))
    seen["severity_log"][0, 2], seen["severity_log"][1, 1] = math.log(4 / 3), math.log(5 / 3)
    seen["provocation"][0, 2], seen["provoked"][0, 2] = math.log(5 / 3), 1.0
    found = reciprocity.log_likelihood(np, PARAMS, seen, DAYS)["severity"]
    spread = math.exp(-1.0)
    reply = stats.norm.logpdf(math.log(4 / 3), 0.2 + 0.5 * math.log(5 / 3), spread / math.sqrt(2.0))
    first = stats.norm.logpdf(math.log(5 / 3), -0.1, spread)
    np.testing.assert_allclose(found, [0.0, first, reply, 0.0], rtol=1e-12)


def test_null_values_are_one_act_a_day_alike_in_all_and_forgotten_in_a_day():
    null = PARAMS | {"strike_base": np.zeros((2, 3)), "severity_power": np.array(0.0)}
    np.testing.assert_array_equal(rate(null, quiet_days()), np.ones((2, 4)))
    rates = [rate(null, with_acts((1, severity, 0))) for severity in (1, 5)]
    np.testing.assert_array_equal(*rates)
    assert reciprocity.kept(np, PARAMS | {"log_decay": np.array(0.0)}, DAYS) == math.exp(-1.0)


def test_the_gain_is_the_largest_eigenvalue_of_who_excites_whom():
    matrix = np.array([[0.1, 0.4], [0.6, 0.1]])
    expected = np.abs(np.linalg.eigvals(matrix)).max()
    np.testing.assert_allclose(reciprocity.gain(np, PARAMS), expected, rtol=1e-13)
    np.testing.assert_allclose(reciprocity.gain(np, PARAMS, 1.5), 1.5 * expected, rtol=1e-13)


def test_stepping_through_periods_gives_the_rates_of_the_likelihood():
    where = structure(n_time=30)
    rng = np.random.default_rng(3)
    seen = columns(where, rng)
    declared = [p for m in ("reciprocity", "accidents", "truce") for p in parameters_of(m, where)]
    params = prior_draws(declared, where, 5, rng)
    left = reciprocity.decayed(np, params, seen, where)
    eta = reciprocity.log_rate(np, params, seen, where, left)
    severity = reciprocity.severity_mean(params, seen)
    share = reciprocity.kept(np, params, where)[:, None]
    now = np.zeros((5, 2))
    for t in range(30):
        state = {name: values[..., t] for name, values in seen.items()} | {"decayed": now}
        found = reciprocity.rates(params, state, where)
        np.testing.assert_allclose(found["strikes_A"], eta[:, 0, t], rtol=1e-12)
        np.testing.assert_allclose(found["strikes_B"], eta[:, 1, t], rtol=1e-12)
        np.testing.assert_allclose(found["severity"], severity[:, :, t], rtol=1e-12)
        made = (seen[n][..., t : t + 1] for n in ("strike_by_severity", "warned_by_severity"))
        marks = reciprocity.mark(np, params, *made)[..., 0]
        now = reciprocity.next_decayed(now, marks, share)


def test_drawn_severities_are_whole_and_centre_on_their_mean():
    normal = np.random.default_rng(5).normal(size=(20000, 2))
    params = {"log_severity_spread": np.full(20000, -1.0)}
    mean, count = np.full((20000, 2), math.log(4 / 3)), np.full((20000, 2), 4.0)
    drawn = reciprocity.drawn_severity(params, mean, count, normal)
    assert set(np.unique(drawn)) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    # Of a lognormal with median 4 and spread e^-1 / 2, what lies between 3.5 and 4.5.
    edges = np.log(np.array([3.5, 4.5]) / 4.0) / (0.5 * math.exp(-1.0))
    share = np.diff(stats.norm.cdf(edges))[0]
    error = math.sqrt(share * (1.0 - share) / drawn.size)
    assert abs((drawn == 4.0).mean() - share) < 4.0 * error
