"""The language of claims computes what it says and nothing else."""

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.evaluation.claims.expressions import Absent, Values, parse

ROLES = {"coercer": "us", "endurer": "iran"}
WEIGHT = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.0]])
VALUES = {
    "weight": Values(WEIGHT, (("us:rial[war]", "us:polls", "iran:rial[war]"),)),
    "gain": Values(np.array([0.5, 2.0])),
    "stalemate": Values(np.array([[0.1, -0.1], [0.2, 0.3]]), (("us", "iran"),)),
    "base": Values(np.arange(12.0).reshape(2, 2, 3), (("us", "iran"), ("calm", "truce", "war"))),
}


def value(text):
    return parse(text).scalar(VALUES, ROLES).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gain", [0.5, 2.0]),
        ("2 * gain - 1 / 2", [0.5, 3.5]),
        ("gain >= 1", [False, True]),
        ("0 < gain < 1", [True, False]),
        ("not gain >= 1", [True, False]),
        ("min(stalemate) > 0", [False, True]),
        ("stalemate > 0", [False, True]),  # an array must hold in every element
        ("mean(weight[{coercer}:*]) > 0", [False, True]),
        ("weight[{endurer}:rial*]", [0.5, -1.0]),
        ("mean(weight)", [(1.0 - 2.0 + 0.5) / 3, 2.0]),
        ("sum(weight[us:*])", [-1.0, 7.0]),
        ("base[iran, truce]", [4.0, 10.0]),
        ("max(base[*, war])", [5.0, 11.0]),
        ("max(gain, 1)", [1.0, 2.0]),
        ("abs(gain - 1) < 0.75 or gain > 1.5", [True, True]),
        ("exp(log(gain))", pytest.approx([0.5, 2.0])),
        ("logistic(gain - gain)", [0.5, 0.5]),
        ("stalemate[us] + gain", [0.6, 2.2]),
    ],
)
def test_it_computes(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "gain.__class__",
        "(lambda: 1)()",
        "[x for x in gain]",
        "gain if gain else 0",
        "gain ** 9 ** 9",
        "gain == 1",
        "open(gain)",
        "exp(gain, 1)",
        "min(gain, 1, 2)",
        "'text'",
        "True",
        "gain[gain[0]]",
        "(gain + 1)[us]",
        "gain; gain",
        "",
        "+".join(["gain"] * 200),
        "(" * 300 + "gain" + ")" * 300,
    ],
)
def test_what_is_not_of_the_language_is_refused(text):
    with pytest.raises(StudyError, match="an expression cannot be read"):
        parse(text, "claims.toml: X")


@pytest.mark.parametrize(
    "text", ["nothing", "weight[iran:polls]", "weight[{mediator}:*]", "stalemate[us, war]"]
)
def test_what_a_study_does_not_have_is_absent(text):
    with pytest.raises(Absent):
        parse(text).scalar(VALUES, ROLES)


def test_several_numbers_are_no_scalar():
    with pytest.raises(ValueError, match="2 numbers for each draw"):
        parse("stalemate").scalar(VALUES, ROLES)


def test_names_are_those_that_are_read():
    assert parse("mean(weight[us:*]) > gain and not stalemate[us] < 1").names == (
        "gain", "stalemate", "weight",
    )  # fmt: skip
