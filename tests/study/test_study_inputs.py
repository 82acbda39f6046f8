import math

import numpy as np
import pytest
from make_study import TOML, day, event, event_rows, indicator_rows, talk, talk_rows, write_study
from numpy.testing import assert_allclose, assert_array_equal

from beliefs import build_inputs, load_study
from beliefs.features.surprises import COUNT_BURN_IN, logit_share
from beliefs.features.talks import talk_days
from beliefs.model.mechanisms import talks
from beliefs.model.structure import columns

# Something for the indicator of attacks to count, after the period.
AFTERWARDS = event("Z", 80)


def inputs_of(folder, **parts):
    return build_inputs(load_study(write_study(folder, **parts)))


@pytest.fixture
def inputs(folder):
    """The small study as equations see it."""
    return build_inputs(load_study(folder))


def row(inputs, name):
    return inputs.indicators.index(name)


def test_missing_is_different_from_zero(inputs):
    attacks = row(inputs, "attacks")
    # Day 25 was not covered, day 30 was covered and calm.
    assert not inputs.seen[attacks, 25] and inputs.surprise[attacks, 25] == 0
    assert inputs.seen[attacks, 30] and inputs.surprise[attacks, 30] < 0
    assert not inputs.quiet_seen[25] and inputs.quiet[25] == 0
    assert inputs.quiet_seen[30] and inputs.quiet[30] == 1
    # North spoke a 0 on day 15 and nothing on day 16.
    assert inputs.reading[0, 0, 15] == 0
    assert np.isnan(inputs.reading[0, 0, 16])
    # A poll came every third day only.
    assert inputs.seen[row(inputs, "poll"), :9].sum() == 3


def test_what_happened_in_an_uncovered_period_is_no_evidence_either(inputs, tmp_path):
    more = inputs_of(tmp_path / "more", events=[*event_rows(), event("X", 25, severity=5)])
    assert_array_equal(more.surprise, inputs.surprise)
    assert_array_equal(more.resolve, inputs.resolve)


def test_without_a_coverage_file_everything_is_covered_from_the_first_event(folder):
    (folder / "coverage.csv").unlink()
    inputs = build_inputs(load_study(folder))
    assert inputs.quiet_seen.all()
    assert inputs.seen[row(inputs, "attacks")].all()  # E1 came 20 days before the period


def test_baselines_of_counts_restart_with_the_instrument(inputs):
    seen = inputs.seen[row(inputs, "attacks")]
    assert seen[27:41].all()  # the same instrument as before the gap
    assert not seen[41 : 41 + COUNT_BURN_IN].any()  # another one: days to learn
    assert seen[41 + COUNT_BURN_IN :].all()


def test_terms_belong_to_the_sides_that_read_an_indicator(inputs):
    assert [term.name for term in inputs.terms[4:6]] == ["north:poll", "north:attacks"]
    war = inputs.terms[3]
    assert (war.side, inputs.indicators[war.indicator], war.own) == (0, "price", True)
    assert [inputs.regime_kinds[k] for k in war.regimes] == ["war"] and war.direction == 1.0
    poll = inputs.terms[4]
    assert poll.regimes == (0, 1, 2, 3) and not poll.own
    costs = {c.name: c.sign for c in inputs.cost_terms}
    assert costs == {"north:ships": -1.0, "south:price": 1.0}


def test_a_day_shared_by_two_regimes_belongs_to_the_later_once_it_is_known(folder, tmp_path):
    late = build_inputs(load_study(folder)).regime
    kinds = {"none": 0, "talks": 1, "truce": 2, "war": 3}
    assert late[14] == kinds["none"] and late[15] == kinds["war"]
    assert late[29] == kinds["war"]  # 3 February: the pause was published on the 4th
    assert late[30] == kinds["truce"]
    assert late[46] == kinds["truce"] and late[47] == kinds["none"]
    prompt = TOML.replace("published_at = 2026-02-04\n", "")
    assert inputs_of(tmp_path / "prompt", toml=prompt).regime[29] == kinds["truce"]
    # Talks are a track of their own: beside war and truce they change nothing.
    rounds = 'id = "t"\nkind = "talks"\nstart = 2026-01-25\nend = 2026-03-01\nlabel = "T"\n'
    toml = TOML.replace("[[shocks]]", f"[[regimes]]\n{rounds}\n[[shocks]]", 1)
    both = inputs_of(tmp_path / "both", toml=toml)
    assert (both.regime[:47] == late[:47]).all() and both.regime[47] == kinds["talks"]
    phase = build_inputs(load_study(folder)).observed.conflict_phase
    assert_array_equal(both.observed.conflict_phase[:47], phase[:47])  # a war that talks is one


def test_talks_follow_the_label_rules(folder, inputs, tmp_path):
    # T3 was held on day 33, whenever it was made public; T4 is of low confidence.
    assert np.flatnonzero(inputs.talks).tolist() == [20, 21, 22, 33]
    by_rule, _ = talk_days(load_study(folder), inputs.active)
    assert [*by_rule] == ["any", "direct"]
    assert np.flatnonzero(by_rule["direct"]).tolist() == [20, 21, 22]
    assert_array_equal(by_rule["any"], inputs.talks)
    # T1 was held on the day before the period.
    assert np.flatnonzero(inputs.talks_previous).tolist() == [0, 21, 22, 23, 34]
    # Through days of recess a round goes on.
    toml = TOML.replace("[talks_rule]\n", "[talks_rule]\nrecess = 2\n")
    assert np.flatnonzero(inputs_of(tmp_path / "recess", toml=toml).talks_previous).tolist() == [
        0, 1, 2, 21, 22, 23, 24, 25, 34, 35, 36,
    ]  # fmt: skip


def test_periods_in_which_nobody_looked_for_talks_say_nothing_of_them(inputs, tmp_path):
    known = inputs_of(tmp_path / "known", talks=[*talk_rows(), talk("T9", 24)])
    assert np.flatnonzero(known.active & ~known.talks_seen).tolist() == [24, 25, 26]
    assert known.talks[24] and known.talks_previous[25]  # what is known is kept all the same
    hazards = np.full(56, 0.1), np.full(56, 0.6)
    one, other = (talks.log_likelihood(np, columns(i), *hazards) for i in (inputs, known))
    assert one.sum() == other.sum() and not other[24:27].any() and other[:24].all()
    words = TOML.replace("[talks_rule]", '[talks_rule]\ncoverage = ["dense", "none"]')
    assert inputs_of(tmp_path / "all", toml=words).talks_seen.all()


def test_a_format_that_a_rule_names_needs_no_declaration(tmp_path):
    folder = write_study(tmp_path, toml=TOML.replace('formats = ["us_present"]\n', "", 1))
    assert "us_present" in load_study(folder).spec.formats


def test_quiet_ends_with_a_severe_act_and_for_as_long_as_it_lasts(tmp_path):
    events = [
        event("A", 5, severity=2),
        event("B", 10, severity=3, length=2),
        event("C", 15, initiator="gulf_state", severity=5),
        event("D", 20, kind="threat", severity=5),
    ]
    quiet = inputs_of(tmp_path / "q", events=events, talks=[talk("T", 1)]).quiet
    assert np.flatnonzero(quiet[:24] == 0).tolist() == [10, 11, 12]


def test_allies_use_force_for_a_side_but_do_not_speak_for_it(tmp_path):
    events = [
        event("A", 3, initiator="israel", severity=4, signal=2),
        event("B", 5, initiator="israel", kind="threat", severity=""),
        event("C", 7, initiator="north", kind="threat", severity="", signal=1),
        event("D", 7, initiator="north", kind="ultimatum", severity="", signal=0),
        event("E", 9, initiator="north", severity=1.5),
        event("F", 9, initiator="north", severity=2),
    ]
    inputs = inputs_of(tmp_path / "a", events=[*events, AFTERWARDS])
    assert inputs.strikes[0, 3] == 4 and inputs.strikes[0, 9] == 3.5
    assert not inputs.strikes[1].any()
    assert np.flatnonzero(inputs.persist[0]).tolist() == [3, 5, 7, 9]
    assert_allclose(inputs.hardline[0, [5, 7]], [0.0, math.log(3)])
    assert np.isnan(inputs.reading[0, 0, 3])
    assert inputs.reading[0, 0, 7] == 0.5


def test_resolve_is_the_positive_part_of_a_surprise(inputs):
    assert inputs.resolve[1, 15] == 1.0  # the first strike after 49 calm days
    assert (inputs.resolve >= 0).all() and (inputs.resolve <= 1).all()
    assert inputs.resolve[1, 16] == 0  # calm where force was expected is no resolve
    assert inputs.resolve[0, 24] == 0 and inputs.strikes[0, 24] == 5  # not covered


def test_a_mediator_fades_with_time_since_the_last_act(tmp_path):
    events = [
        event("A", -7, initiator="mediator", kind="mediation", severity=""),
        event("B", 10, initiator="mediator", kind="mediation", severity="", lag=2),
        event("C", 20, initiator="north", kind="sanctions_relief", severity=""),
    ]
    inputs = inputs_of(tmp_path / "m", events=[*events, AFTERWARDS])
    assert_allclose(inputs.mediator[[0, 11, 12, 13]], np.exp([-1, -18 / 7, 0, -1 / 7]))
    assert_allclose(inputs.waiver[[19, 20, 50]], [0, 1, math.exp(-1)])


def test_a_level_is_carried_forward_until_it_is_too_old(tmp_path):
    rows = [r for r in indicator_rows() if r[0] != "price" or r[1] <= day(10)]
    inputs = inputs_of(tmp_path / "l", indicators=rows)
    level = inputs.level[row(inputs, "price")]
    assert level[10] != 0
    assert_array_equal(level[11:14], level[10])  # max_age = 3
    assert not level[14:].any()
    assert not inputs.seen[row(inputs, "price"), 11:].any()


def test_a_market_reading_is_the_log_odds_of_its_price(folder, inputs):
    study = load_study(folder)
    price = study.indicators.query("indicator == 'price'").set_index("date")["value"]
    expected = logit_share(price.loc[str(day(0)) :].to_numpy(), 50, True)
    assert inputs.channels == ("action", "market")
    assert inputs.channel_bias == ("anchor", "private")
    assert_allclose(inputs.reading[1, 1], expected)
    assert np.isnan(inputs.reading[0, 1]).all()


def test_state_at_the_end_lets_a_forecast_go_on_from_there(folder):
    for offset in (30, 55):
        inputs = build_inputs(load_study(folder, as_of=day(offset)))
        price = row(inputs, "price")
        value = next(r for r in indicator_rows() if r[:2] == ("price", day(offset)))[3]
        assert_allclose(inputs.last[price], math.log(value))
    before = build_inputs(load_study(folder, as_of=day(54)))
    z = (inputs.last[price] - before.expectation[price]) / before.scale[price]
    assert_allclose(inputs.surprise[price, 55], z)
