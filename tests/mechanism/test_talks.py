"""Talks remember the last ones, and their prior is what other wars say of one like this."""

import numpy as np
import pytest
from posteriors import rich_study, small_posterior
from scipy.special import expit

from beliefs import build_inputs, forecast, load_study
from beliefs.features.steps import NEVER, TalksPast
from beliefs.model.mechanisms import talks
from beliefs.model.pooled import load_pooled
from beliefs.model.structure import structure_of
from beliefs.model.theory import declared

SCALARS = (
    "mediator_late", "crack_rule", "shift_talks", "proxy_credibility", "process_share",
    "history", "ageing", "first_week", "announced_effect", "base_surplus", "kept_base",
)  # fmt: skip


@pytest.mark.parametrize("recess", [0, 2])
def test_drawn_talks_start_by_the_time_since_the_last_ones_unless_in_recess(recess):
    params = dict.fromkeys(SCALARS, np.asarray(0.0)) | {
        "onset_base": np.asarray(-0.5),
        "continuation_base": np.asarray(-1.0),
        "deadlock_shape": np.asarray(-1.0),
        "surplus_effect": np.zeros(2),
        "mediator_effect": np.zeros(2),
    }
    zero = np.zeros(60)
    columns = dict.fromkeys(talks._READS, zero)
    columns["conflict_age"] = np.zeros((2, 60))
    uniform = np.random.default_rng(1).random((20_000, 60))
    past = TalksPast(NEVER, 4.0, 0.0, recess)
    held, made, past = talks.simulate(uniform, params, columns, zero, zero, zero + 0.5, past)
    age, idle = np.full(len(held), 4), np.full(len(held), 99)
    tally = np.zeros((2, 2, 80))  # going on or starting, at risk and held, by age
    for t in range(60):
        last = idle <= recess
        np.testing.assert_allclose(made["spell_age"][:, t], np.log(age))
        np.testing.assert_array_equal(made["talks_previous"][:, t], last)
        for k in (0, 1):
            tally[k, 0] += np.bincount(age[last == k], minlength=80)
            tally[k, 1] += np.bincount(age[(last == k) & held[:, t]], minlength=80)
        age, idle = np.where(held[:, t], 1, age + 1), np.where(held[:, t], 0, idle + 1)
    np.testing.assert_array_equal(past.deadlock, age)
    at_risk, came = tally[0]
    known = at_risk > 500
    p = expit(-0.5 + np.expm1(-1.0) * np.log(np.arange(80)[known]))
    assert known.sum() > 10 - recess
    z = (came[known] - at_risk[known] * p) / np.sqrt(at_risk[known] * p * (1 - p))
    assert abs(z).max() < 4.5
    whole = tally[1].sum(axis=1)
    assert abs(whole[1] / whole[0] - expit(-1.0)) < 0.01


@pytest.mark.parametrize("recess", [0, 3])
def test_futures_with_and_without_actions_hold_talks_alike_where_nothing_else_moves_them(
    tmp_path, recess
):
    """Two simulators of one theory, talks that came in the future and recesses included."""
    toml = rich_study(tmp_path / "small") / "study.toml"
    words = toml.read_text().replace("[talks_rule]\n", f"[talks_rule]\nrecess = {recess}\n")
    toml.write_text(words)
    posterior = small_posterior(toml.parent, "base_rate")
    assert posterior.structure.recess == recess
    assert "deadlock_shape" in posterior.tree["posterior"]
    alone, whole = (
        forecast(posterior, 40, seed=s, actions=a, baselines=False).paths.talks.mean(axis=1)
        for s, a in ((1, False), (2, True))
    )
    error = np.hypot(alone.std(), whole.std()) / np.sqrt(len(alone))
    assert abs(alone.mean() - whole.mean()) < 4 * error


@pytest.mark.parametrize(
    ("name", "step", "span", "us", "recent"),
    [
        ("us-iran-2026", 1, 212, True, True),
        ("us-iran-2012", 7, 716 * 7, True, True),
        ("us-civil-war", 7, 170 * 7, False, False),
        ("synthetic-duel", 1, 120, False, True),
    ],
)
def test_the_onset_prior_is_the_pooled_one_of_the_studys_length_and_kind(
    name, step, span, us, recent
):
    structure = structure_of(build_inputs(load_study(name)))
    assert dict(structure.reference) == ({"us_actor": 1.0} if us else {})
    assert structure.since_1945 == recent
    result = load_pooled("talks").log_odds(step, span, {"us_actor": us, "since_1945": recent})
    prior = declared(structure)["onset_base"][1].prior
    assert (prior.mu, prior.sigma) == pytest.approx((result.mean, result.stdev), abs=5e-4)
