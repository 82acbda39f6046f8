"""The rule of verdicts, case by case."""

import numpy as np
import pytest

from beliefs.evaluation.claims.sentences import two_modes
from beliefs.evaluation.claims.verdict import (
    CONTRACTION,
    UNLEARNABLE,
    Evidence,
    decide,
    log_odds_ratio,
)


def verdict(**seen):
    return decide(Evidence(**{"p": 0.5, "p_prior": 0.5, "contraction": 0.5, **seen}))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"p": 0.97}, "supported"),
        ({"p": 0.03}, "contradicted"),
        ({"p": 0.6}, "undecided"),
        ({"p": 0.97, "p_prior": 0.95}, "undecided"),  # the prior said so already
        ({"p": 0.03, "p_prior": 0.05}, "undecided"),
        ({"p": 0.89, "p_prior": 0.1}, "undecided"),  # moved far, and is not there yet
        ({"p": 0.97, "contraction": 0.09}, UNLEARNABLE),
        ({"p": 0.97, "contraction": CONTRACTION}, "supported"),
        ({"p": 0.03, "contraction": -0.2}, UNLEARNABLE),  # wider than before is not learnt
        ({"p": 0.97, "missing": "a hotline"}, UNLEARNABLE),
        ({"p": 0.97, "doubt": "two tracks disagree"}, "undecided"),
        ({"p": 0.97, "doubt": "two tracks disagree", "contraction": 0.05}, UNLEARNABLE),
        ({"p": 1.0, "p_prior": 0.25}, "supported"),
        ({"p": 0.0, "p_prior": 0.25}, "contradicted"),
        ({"p": 0.97, "ablation": True, "delta": 0.1, "low": -1.0, "high": 1.0}, "supported"),
        ({"p": 0.97, "ablation": True, "delta": -0.1, "low": -1.0, "high": 1.0}, "undecided"),
        ({"p": 0.97, "ablation": True, "delta": None}, "supported"),
        ({"p": 0.97, "ablation": False, "delta": -5.0}, "supported"),
        ({"p": 0.03, "ablation": True, "delta": -5.0}, "contradicted"),
        ({"p": 0.06, "limits": (0.05, 0.01)}, "supported"),
        ({"p": 0.03, "limits": (0.05, 0.01)}, "undecided"),
        ({"p": 0.005, "limits": (0.05, 0.01)}, "contradicted"),
    ],
)
def test_the_rule(seen, expected):
    assert verdict(**seen)[0] == expected


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [
        (None, UNLEARNABLE),
        ((0.0, 0.0, 0.0, 0, 0.0), UNLEARNABLE),
        ((0.4, float("nan"), float("nan"), 9, 1.0), "undecided"),  # nine forecasts decide nothing
        ((0.4, 0.1, 0.7, 12, 1.0), "supported"),
        ((0.4, 0.1, 0.7, 12, 0.5), "undecided"),  # well foretold, but it hardly came
        ((-0.4, -0.7, -0.1, 12, 1.0), "contradicted"),
        ((0.1, -0.2, 0.4, 12, 1.0), "undecided"),
    ],
)
def test_a_claim_about_forecasts_alone_is_judged_by_its_score(forecast, expected):
    assert decide(Evidence(forecast=forecast))[0] == expected


def test_why_names_what_was_missing():
    assert verdict(missing="a hotline")[1] == "no observation of a hotline in this study"


def test_odds_are_bounded_by_the_number_of_draws():
    assert log_odds_ratio(1.0, 0.5, 1000) == pytest.approx(np.log(0.9995 / 0.0005))
    assert log_odds_ratio(0.9, 0.5, 1000) == pytest.approx(np.log(9.0))
    assert log_odds_ratio(0.5, 0.5, 1000) == 0.0


def test_two_modes_are_seen_and_one_is_not_split():
    rng = np.random.default_rng(1)
    one = rng.normal(size=4000)
    assert not two_modes(one)
    assert not two_modes(np.abs(one))
    assert two_modes(np.concatenate([one - 4.0, one[:2000] + 4.0]))
