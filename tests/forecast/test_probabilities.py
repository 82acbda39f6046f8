"""Probabilities of the targets hang together."""

from itertools import pairwise

import numpy as np
import pytest

from beliefs.errors import GateError, StudyError
from beliefs.forecast.forecast import forecast
from beliefs.forecast.passage import NEVER
from beliefs.forecast.probability import event_steps, probability, settlement_base_rate

ASKED = [
    ("crack", "north"), ("crack", "south"), ("crack_first", "north"), ("crack_first", "south"),
    ("talks_rational", None), ("talks", None),
]  # fmt: skip


def days(futures):
    return [str(day) for day in futures.dates]


@pytest.mark.parametrize(("target", "side"), ASKED)
def test_a_longer_window_is_never_less_likely(futures, target, side):
    p = [probability(futures, target, side=side, by=day).p for day in days(futures)[::3]]
    assert all(a <= b for a, b in pairwise(p))
    assert 0 <= p[0] < p[-1] <= 1


def test_a_stricter_crack_is_never_likelier(futures):
    end = days(futures)[-1]

    def p(threshold, periods):
        return probability(
            futures, "crack", side="north", by=end, threshold=threshold, periods=periods
        ).p

    by_threshold = [p(t, 3) for t in (0.3, 0.4, 0.5)]
    by_periods = [p(0.5, d) for d in (7, 3, 1)]
    assert by_threshold == sorted(by_threshold) and by_threshold[0] < by_threshold[-1]
    assert by_periods == sorted(by_periods) and by_periods[0] < by_periods[-1]


def test_a_crack_is_low_belief_on_as_many_days_as_the_rule_asks(futures):
    rule = futures.posterior.study.spec.crack
    limit = np.log(rule.threshold / (1 - rule.threshold))
    steps = event_steps(futures, "crack", "south")
    belief = np.concatenate(
        [futures.paths.history_belief[:, 1], futures.paths.logit_belief[:, 1]], axis=1
    )
    origin = futures.paths.history_belief.shape[-1]
    assert (steps == 0).any() and ((steps > 0) & (steps < NEVER)).any() and (steps == NEVER).any()
    for sample in range(0, len(steps), 7):
        last = origin + min(int(steps[sample]), futures.dates.size)
        run = belief[sample, last - rule.periods : last] < limit
        assert run.all() == (steps[sample] != NEVER)


def test_only_one_side_cracks_first(futures):
    end = days(futures)[-1]
    first = [probability(futures, "crack_first", side=s, by=end).p for s in ("north", "south")]
    north, south = (event_steps(futures, "crack", s) for s in ("north", "south"))
    ties = float(((north == south) & (north < NEVER)).mean())
    anyone = float((np.minimum(north, south) < NEVER).mean())
    assert sum(first) <= anyone
    assert sum(first) + ties == pytest.approx(anyone)


def test_conditional_probabilities_add_up_to_the_whole(futures):
    end = days(futures)[-1]
    whole = probability(futures, "crack", side="north", by=end).p
    talks = probability(futures, "talks", by=end).p
    parts = [
        probability(futures, "crack", side="north", by=end, given=("talks", None, wanted))
        for wanted in (True, False)
    ]
    assert 0 < talks < 1
    assert parts[0].p * talks + parts[1].p * (1 - talks) == pytest.approx(whole)
    assert (parts[0].given, parts[1].given) == ("talks", "no talks")


def test_a_condition_is_true_given_itself(futures):
    end = days(futures)[-1]
    given = ("crack", "south", True)
    assert probability(futures, "crack", side="south", by=end, given=given).p == 1
    assert probability(futures, "crack", side="south", by=end, given=(*given[:2], False)).p == 0


def test_a_condition_met_by_few_futures_is_refused(rich_folder):
    from posteriors import small_posterior

    few = forecast(small_posterior(rich_folder, size=(2, 14)), 7, seed=1, allow_failed=True)
    with pytest.raises(StudyError, match="too few futures"):
        probability(few, "talks", by=days(few)[-1], given=("crack", "north", True))


def test_a_latent_target_stands_beside_the_prior_and_talks_beside_a_reference_class(futures):
    end = days(futures)[-1]
    latent = probability(futures, "crack", side="north", by=end)
    assert "prior" in latent.base_rate_source
    steps = event_steps(futures, "crack", "north", prior=True)
    assert latent.base_rate == pytest.approx((steps < NEVER).mean())
    talks = probability(futures, "talks", by=end)
    assert "prior" not in talks.base_rate_source
    shorter = probability(futures, "talks", by=days(futures)[6])
    assert 0 < shorter.base_rate < talks.base_rate < 1


def test_the_settlement_base_rate_grows_with_the_window_and_stays_below_one():
    rates = [settlement_base_rate(20, window)[0] for window in (0, 7, 30, 90, 340)]
    assert rates[0] == 0 and rates == sorted(rates) and rates[-1] < 1


@pytest.mark.parametrize(
    ("target", "side", "by", "named"),
    [
        ("victory", None, -1, "victory"),
        ("crack", None, -1, "north"),
        ("crack", "east", -1, "east"),
        ("talks", None, "2030-01-01", "2030-01-01"),
        ("talks", None, "2026-01-10", "2026-01-10"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(futures, target, side, by, named):
    by = days(futures)[by] if isinstance(by, int) else by
    with pytest.raises(StudyError, match=named):
        probability(futures, target, side=side, by=by)


def test_a_theory_without_beliefs_speaks_of_talks_only(base_rate_futures):
    end = days(base_rate_futures)[-1]
    assert base_rate_futures.paths.logit_belief is None
    assert 0 < probability(base_rate_futures, "talks", by=end).p < 1
    for target, side in ASKED[:-1]:
        with pytest.raises(StudyError, match="the theory has none"):
            probability(base_rate_futures, target, side=side, by=end)


def test_a_failed_gate_stops_the_forecast_unless_told_otherwise(rich_folder):
    from posteriors import small_posterior

    failed = small_posterior(rich_folder, size=(2, 50))
    assert not failed.report.passed
    with pytest.raises(GateError, match="ESS"):
        forecast(failed, 7, seed=1)
    assert forecast(failed, 7, seed=1, allow_failed=True).allowed_failed


def test_a_passed_gate_is_not_called_failed(unsampled):
    assert not forecast(unsampled, 3, seed=1, allow_failed=True).allowed_failed


@pytest.mark.parametrize("horizon", [0, -3, 5001])
def test_an_impossible_horizon_is_refused(unsampled, horizon):
    with pytest.raises(StudyError, match="horizon"):
        forecast(unsampled, horizon, seed=1)


def test_the_same_seed_gives_the_same_futures_and_another_seed_others(unsampled, futures):
    again, other = (forecast(unsampled, 35, seed=s) for s in (5, 6))
    for name in ("logit_belief", "surplus", "talks"):
        np.testing.assert_array_equal(getattr(again.paths, name), getattr(futures.paths, name))
        assert not np.array_equal(getattr(other.paths, name), getattr(futures.paths, name))


def test_a_longer_horizon_goes_on_from_where_the_past_ended(unsampled, futures):
    assert futures.dates[0] - unsampled.origin == np.timedelta64(1, "D")
    assert (np.diff(futures.dates) == np.timedelta64(1, "D")).all()
    step = np.abs(futures.paths.logit_belief[..., 0] - futures.paths.history_belief[..., -1])
    spread = np.std(futures.paths.history_belief[..., -1])
    assert np.median(step) < 0.5 * spread
