"""Probabilities of the targets hang together."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from beliefs.errors import GateError, StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.passage import NEVER
from beliefs.forecasting.probability import (
    event_steps,
    monte_carlo_error,
    probability,
    settlement_base_rate,
)

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


@pytest.mark.parametrize(("wanted", "sure"), [(True, 1.0), (False, 0.0)])
def test_given_itself_a_condition_is_as_sure_in_the_prior_and_nothing_is_prior_dominated(
    futures, wanted, sure
):
    end = days(futures)[-1]
    told = probability(futures, "crack", side="south", by=end, given=("crack", "south", wanted))
    steps = event_steps(futures, "crack", "south")
    assert (told.p, told.base_rate) == (sure, sure)
    assert told.at_origin == pytest.approx((steps[(steps < NEVER) == wanted] == 0).mean())
    assert 0 < told.at_origin <= 1 if wanted else told.at_origin == 0
    assert not told.prior_dominated
    held = int(((steps < NEVER) == wanted).sum())
    assert told.mcse == pytest.approx(1 / held)
    assert "same condition" in told.base_rate_source


def test_the_base_rate_of_a_conditional_is_the_prior_under_the_same_condition(futures):
    by = days(futures)[20]
    told = probability(futures, "crack", side="north", by=by, given=("crack", "south", True))
    north, south = (event_steps(futures, "crack", s, prior=True) <= 21 for s in ("north", "south"))
    assert told.base_rate == pytest.approx((north & south).sum() / south.sum())
    assert told.base_rate != pytest.approx(north.mean(), abs=1e-4)


def test_talks_given_something_have_no_reference_class_and_say_why(futures):
    told = probability(futures, "talks", by=days(futures)[-1], given=("crack", "south", True))
    assert told.base_rate is None and "condition" in told.base_rate_source


def test_the_conditional_is_flagged_by_the_draws_that_meet_the_condition(futures):
    """A density that leans on the event only where the condition fails says nothing of it."""
    import xarray as xr

    end = days(futures)[-1]
    held = event_steps(futures, "talks") < NEVER
    crack = event_steps(futures, "crack", "north") < NEVER
    kept = futures.posterior.tree["posterior"].to_dataset()
    shape = kept.sizes["chain"], kept.sizes["draw"]

    def flag(prior, likelihood):
        densities = {
            group: xr.Dataset({"x": (("chain", "draw"), values.reshape(shape))})
            for group, values in (("log_prior", prior), ("log_likelihood", likelihood))
        }
        tree = xr.DataTree.from_dict({**densities, "posterior": kept})
        other = replace(futures, posterior=replace(futures.posterior, tree=tree))
        told = probability(other, "crack", side="north", by=end, given=("talks", None, True))
        return told.prior_dominated

    inside, outside = 20.0 * (crack & held), 20.0 * (crack & ~held)
    assert inside.any() and outside.any()
    assert flag(inside, 0.0 * inside)
    assert not flag(outside, 0.0 * inside)
    assert flag(inside, outside)
    assert not flag(inside, 2.0 * inside)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"target": "peace"}, "unknown target"),
        ({"target": "talks", "rule": "nonsense"}, "unknown rule"),
        ({"target": "talks", "rule": "mutual"}, "talks has no rule"),
        ({"target": "crack", "side": "USA"}, "unknown side"),
        ({"target": "crack"}, "needs a side"),
        ({"target": "talks", "side": "north"}, "no statement about a side"),
        ({"target": "talks_rational", "side": "USA"}, "unknown side"),
        ({"target": "talks", "threshold": 0.4}, "talks has no threshold"),
        ({"target": "talks", "periods": 2}, "talks has no periods"),
        ({"target": "crack", "side": "north", "threshold": 1.5}, "no such threshold"),
        ({"target": "crack", "side": "north", "periods": 0}, "no such run"),
        ({"target": "talks", "given": ("crack", "USA", True)}, "unknown side"),
        ({"target": "talks", "given": ("crack", "north", "yes")}, "unknown condition"),
        ({"target": "talks", "given": ("crack", "north")}, "unknown condition"),
        ({"target": "talks", "given_history": ("loud", 24)}, "unknown history"),
        ({"target": "talks", "given_history": ("quiet",)}, "unknown history"),
    ],
)
def test_words_that_are_unknown_or_say_nothing_of_the_target_are_errors(futures, asked, named):
    with pytest.raises(StudyError, match=named) as caught:
        probability(futures, by=days(futures)[-1], **asked)
    assert caught.value.expected and caught.value.found


def test_a_probability_that_prior_and_data_pull_apart_is_flagged(futures):
    """The prior leans on the event and the likelihood against it."""
    import xarray as xr

    end, happened = days(futures)[-1], event_steps(futures, "talks") < NEVER
    kept = futures.posterior.tree["posterior"].to_dataset()
    shape = kept.sizes["chain"], kept.sizes["draw"]

    def flags(prior, likelihood):
        densities = {
            group: xr.Dataset({"x": (("chain", "draw"), (scale * happened).reshape(shape))})
            for group, scale in (("log_prior", prior), ("log_likelihood", likelihood))
        }
        tree = xr.DataTree.from_dict({**densities, "posterior": kept})
        other = replace(futures, posterior=replace(futures.posterior, tree=tree))
        found = probability(other, "talks", by=end)
        return found.prior_dominated, found.prior_data_conflict

    assert flags(2.0, -2.5) == (False, True)
    assert flags(2.0, 2.5) == flags(0.0, -2.5) == (False, False)
    assert flags(2.0, 0.0) == (True, False)


def test_the_error_of_a_conditional_is_that_of_a_ratio_of_independent_draws(futures):
    end = days(futures)[-1]
    told = probability(futures, "crack", side="north", by=end, given=("talks", None, True))
    held = int((event_steps(futures, "talks") < NEVER).sum())
    assert told.mcse == pytest.approx(np.sqrt(told.p * (1 - told.p) / held), rel=0.25)


def test_draws_that_hang_together_make_a_conditional_less_sure(futures):
    steps = futures.dates.size
    n = futures.paths.talks.shape[0]
    rng = np.random.default_rng(5)
    runs, order = np.repeat(rng.random(n // 20) < 0.5, 20), rng.permutation(n)
    belief = np.full_like(futures.paths.logit_belief, 5.0)
    history = np.full_like(futures.paths.history_belief, 5.0)

    def error(cracked):
        talks = np.zeros((n, steps), dtype=bool)
        talks[:, 0] = rng.random(n) < 0.5
        low = belief.copy()
        low[cracked, 1] = -5.0
        paths = replace(futures.paths, logit_belief=low, history_belief=history, talks=talks)
        return probability(
            replace(futures, paths=paths), "crack", side="south", by=days(futures)[-1],
            given=("talks", None, True),
        ).mcse  # fmt: skip

    assert error(runs) > 2.5 * error(runs[order])


def test_a_mean_that_never_varies_has_the_error_of_the_rule_of_three():
    assert monte_carlo_error(np.ones(400), 4) == 1 / 400


def test_a_condition_that_never_holds_is_refused_by_name(futures):
    never = replace(futures, paths=replace(futures.paths, talks=futures.paths.talks & False))
    with pytest.raises(StudyError, match="no future meets the condition") as caught:
        probability(never, "crack", side="north", by=days(never)[-1], given=("talks", None, True))
    assert caught.value.where == "given talks" and "0 of" in caught.value.found


def test_a_condition_that_the_prior_never_meets_leaves_no_yardstick(futures):
    calm = replace(futures.prior_paths, talks=futures.prior_paths.talks & False)
    told = probability(
        replace(futures, prior_paths=calm), "crack", side="north", by=days(futures)[-1],
        given=("talks", None, True),
    )  # fmt: skip
    assert told.base_rate is None and "prior futures" in told.base_rate_source


def test_a_condition_met_by_few_futures_is_refused(rich_folder):
    from posteriors import small_posterior

    few = forecast(
        small_posterior(rich_folder, size=(2, 14)), 7, seed=1, allow_failed=True, actions=False
    )
    with pytest.raises(StudyError, match="too few futures"):
        probability(few, "talks", by=days(few)[-1], given=("crack", "north", False))


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
        ("talks", None, "soon", "soon"),
        ("talks", None, "today", "today"),
        ("talks", None, "2026-13-01", "2026-13-01"),
        ("talks", None, "", "a date is missing"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(futures, target, side, by, named):
    by = days(futures)[by] if isinstance(by, int) else by
    with pytest.raises(StudyError, match=named):
        probability(futures, target, side=side, by=by)


def test_the_horizon_ends_with_its_last_day(futures):
    end = futures.dates[-1]
    assert futures.step_of(end) == futures.dates.size
    for by in (end + np.timedelta64(1, "D"), str(end + np.timedelta64(1, "D"))):
        with pytest.raises(StudyError, match="outside the forecast"):
            futures.step_of(by)


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
        forecast(failed, 7, seed=1, actions=False)
    assert forecast(failed, 7, seed=1, allow_failed=True).allowed_failed


def test_a_passed_gate_is_not_called_failed(unsampled):
    assert not forecast(unsampled, 3, seed=1, allow_failed=True).allowed_failed


@pytest.mark.parametrize("horizon", [0, -3, 5001])
def test_an_impossible_horizon_is_refused(unsampled, horizon):
    with pytest.raises(StudyError, match="horizon"):
        forecast(unsampled, horizon, seed=1, actions=False)


def test_the_same_seed_gives_the_same_futures_and_another_seed_others(unsampled, futures):
    again, other = (forecast(unsampled, 35, seed=s, actions=False) for s in (5, 6))
    for name in ("logit_belief", "surplus", "talks"):
        np.testing.assert_array_equal(getattr(again.paths, name), getattr(futures.paths, name))
        assert not np.array_equal(getattr(other.paths, name), getattr(futures.paths, name))


def test_a_longer_horizon_goes_on_from_where_the_past_ended(unsampled, futures):
    assert futures.dates[0] - unsampled.origin == np.timedelta64(1, "D")
    assert (np.diff(futures.dates) == np.timedelta64(1, "D")).all()
    step = np.abs(futures.paths.logit_belief[..., 0] - futures.paths.history_belief[..., -1])
    spread = np.std(futures.paths.history_belief[..., -1])
    assert np.median(step) < 0.5 * spread
