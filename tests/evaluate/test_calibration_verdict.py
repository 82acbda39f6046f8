"""A calibration fails for what chance does not do, and for nothing else."""

import numpy as np
import pytest

from beliefs.evaluation.calibration.uniformity import (
    LEAST_SIMULATIONS,
    failures,
    groups_of,
    in_words,
    judge,
    p_value,
)

N, DRAWS, SIZE = 100, 50, 80


def made(wrong, seed, size=SIZE, n=N):
    """Ranks of dependent quantities, whose truths are spread `wrong` times as wide as draws."""
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    common = rng.normal(size=(1, n))
    truth = np.sqrt(0.3) * common + np.sqrt(0.7) * rng.normal(size=(size, n))
    u = norm.cdf(wrong * truth)
    ranks = np.minimum((u * (DRAWS + 1)).astype(int), DRAWS)
    return {f"parameter:{k}": row for k, row in enumerate(ranks)}


def told(ranks, failed=()):
    judged = judge(ranks, DRAWS)
    groups = groups_of(judged, ranks, DRAWS)
    n = len(next(iter(ranks.values())))
    return failures(judged, groups, dict(failed), n), groups


def test_even_ranks_pass_though_they_depend_on_each_other():
    bad = [seed for seed in range(60) if told(made(1.0, seed))[0]]
    assert len(bad) <= 4  # a hundredth by each of two rules


def test_many_draws_that_are_somewhat_too_narrow_fail_by_their_spread():
    reasons, (group,) = told(made(1.15, 1))
    assert any("mean spread of parameter" in reason for reason in reasons)
    assert group.spread > 1.0 + 3.0 * group.error and group.p < 0.01
    assert group.error < 0.05


def test_more_outside_than_chance_allows_fails_though_no_one_of_them_does():
    rng = np.random.default_rng(3)
    pool = [rng.integers(0, DRAWS + 1, N) for _ in range(3000)]
    out = [r for r in pool if 0.002 < p_value(r, DRAWS) <= 0.01][:9]
    even = [r for r in pool if p_value(r, DRAWS) > 0.3][: SIZE - len(out)]
    assert len(out) == 9
    ranks = {f"conduct:{k}": row for k, row in enumerate([*out, *even])}
    reasons, (group,) = told(ranks)
    assert (group.outside, group.limit) == (9, 8)
    assert reasons[0] == "outside their own bands: 9 of 80 of conduct, at most 8"
    assert all(row.adjusted > 0.01 for row in judge(ranks, DRAWS))
    assert told({**ranks, "conduct:0": even[0]})[0] == ()


def test_a_quantity_that_cannot_come_by_chance_and_what_was_not_done_fail_too():
    ranks = made(1.0, 2) | {"belief:stuck": np.full(N, 7)}
    reasons, groups = told(ranks, {4: "no particle"})
    assert reasons[0] == "simulations that could not be done: 1"
    assert reasons[1] == "not uniform, allowing for 81 quantities: 1"
    assert [g.group for g in groups] == ["parameter", "belief"]


def test_probabilities_are_counted_without_ranks():
    ranks = made(1.0, 2)
    others = {"probability:time of talks": 1e-9, "reliability:time of talks": 0.4}
    judged = judge(ranks, DRAWS, others)
    assert judged[0].name == "probability:time of talks" and judged[0].mean is None
    assert judged[0].adjusted == pytest.approx(82e-9)
    groups = groups_of(judged, ranks, DRAWS)
    assert [(g.group, g.outside, g.spread) for g in groups[1:]] == [
        ("probability", 1, None), ("reliability", 0, None),
    ]  # fmt: skip
    assert failures(judged, groups, {}, N) == ("not uniform, allowing for 82 quantities: 1",)


def test_too_few_simulations_are_not_called_calibrated():
    even = made(1.0, 3, n=LEAST_SIMULATIONS)
    few = {name: row[:-1] for name, row in even.items()}
    assert told(even)[0] == () and in_words(True, LEAST_SIMULATIONS).startswith("calibrated")
    assert told(few)[0] == (f"too few simulations: {LEAST_SIMULATIONS - 1} of at least 20",)
    assert in_words(False, LEAST_SIMULATIONS - 1).startswith("not judged")
