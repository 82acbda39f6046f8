"""Probabilities of the targets hang together; first passage is that counted by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefs import StudyError, forecast, probability
from beliefs.forecasting.targets import NEVER, event_steps, first_passage
from beliefs.simulation.future import block_indices

TARGETS = [
    ("crack", "north"), ("crack", "south"), ("crack_first", "north"), ("crack_first", "south"),
    ("talks_rational", None), ("talks", None),
]  # fmt: skip


def days(futures):
    return [str(day) for day in futures.dates]


@pytest.mark.parametrize(("target", "side"), TARGETS)
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


def test_the_conditional_is_flagged_by_the_draws_that_meet_the_condition(futures):
    """A density that leans on the event only where the condition fails says nothing of it."""
    held, crack = (event_steps(futures, *t) < NEVER for t in (("talks",), ("crack", "north")))
    inside, outside, end = 20.0 * (crack & held), 20.0 * (crack & ~held), days(futures)[-1]
    kept = futures.posterior.tree["posterior"].to_dataset()
    shape = kept.sizes["chain"], kept.sizes["draw"]
    assert inside.any() and outside.any()
    for prior, likelihood, dominated in (
        (inside, 0.0 * inside, True), (outside, 0.0 * inside, False), (inside, outside, True),
        (inside, 2.0 * inside, False),
    ):  # fmt: skip
        parts = {"log_prior": prior, "log_likelihood": likelihood}
        found = {
            group: xr.Dataset({"x": (("chain", "draw"), values.reshape(shape))})
            for group, values in parts.items()
        }
        other = replace(futures, posterior=replace(futures.posterior))
        vars(other.posterior)["log_density"] = found
        p = probability(other, "crack", side="north", by=end, given=("talks", None, True))
        assert p.prior_dominated == dominated


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"target": "peace"}, "unknown target"),
        ({"target": "talks", "rule": "nonsense"}, "unknown rule"),
        ({"target": "crack", "side": "USA"}, "unknown side"),
        ({"target": "crack"}, "needs a side"),
        ({"target": "talks", "side": "north"}, "no statement about a side"),
        ({"target": "talks", "threshold": 0.4}, "talks has no threshold"),
        ({"target": "talks", "given": ("crack", "north", "yes")}, "unknown condition"),
        ({"target": "talks", "given_history": ("loud", 24)}, "unknown history"),
        ({"target": "breach"}, "not simulated"),
    ],
)
def test_words_that_are_unknown_or_say_nothing_of_the_target_are_errors(futures, asked, named):
    with pytest.raises(StudyError, match=named) as caught:
        probability(futures, by=days(futures)[-1], **asked)
    assert caught.value.expected and caught.value.found


@pytest.mark.parametrize(
    ("met", "named"), [(0, "no future meets the condition"), (20, "too few futures")]
)
def test_a_condition_met_by_few_futures_is_refused_by_name(futures, met, named):
    talks = np.zeros_like(futures.paths.talks)
    talks[:met] = True
    rare = replace(futures, paths=replace(futures.paths, talks=talks))
    with pytest.raises(StudyError, match=named) as caught:
        probability(rare, "crack", side="north", by=days(rare)[-1], given=("talks", None, True))
    assert caught.value.where == "given talks" and f"{met} of" in caught.value.found


def test_the_same_seed_gives_the_same_futures_and_another_seed_others(unsampled, futures):
    again, other = (forecast(unsampled, 35, seed=s, actions=False) for s in (5, 6))
    for name in ("logit_belief", "surplus", "talks"):
        np.testing.assert_array_equal(getattr(again.paths, name), getattr(futures.paths, name))
        assert not np.array_equal(getattr(other.paths, name), getattr(futures.paths, name))


bits = st.lists(st.booleans(), max_size=12)


def by_hand(before, after, periods):
    """The first step by which the last `periods` values were all true."""
    values = [*before, *after]
    for step in range(len(after) + 1):
        end = len(before) + step
        if end >= periods and all(values[end - periods : end]):
            return step
    return NEVER


@settings(max_examples=400, deadline=None)
@given(before=bits, after=bits, periods=st.integers(1, 5))
def test_first_passage_is_the_first_run_counted_by_hand(before, after, periods):
    # At the origin only a run that still lasts counts.
    found = first_passage(np.array([after], bool), periods, np.array([before], bool))
    assert found.tolist() == [by_hand(before, after, periods)]


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(1, 30), samples=st.integers(1, 5), horizon=st.integers(1, 40),
    block=st.integers(1, 10), seed=st.integers(0, 99),
)  # fmt: skip
def test_blocks_are_runs_of_consecutive_past_periods(n, samples, horizon, block, seed):
    index = block_indices(np.random.default_rng(seed), n, samples, horizon, block)
    assert index.shape == (samples, horizon)
    assert index.min() >= 0 and index.max() < n
    jumps = np.flatnonzero((np.diff(index, axis=1) != 1).any(axis=0)) + 1
    assert (jumps % min(block, n) == 0).all()
