"""The prior of the onset intercept is what other wars say of one like this."""

from dataclasses import replace

import pytest

from beliefs.features.inputs import build_inputs
from beliefs.model.mechanisms.talks import parameters
from beliefs.model.pooled import talk_onset_log_odds
from beliefs.model.structure import structure_of
from beliefs.study.load import load_study


def onset(structure):
    prior = next(p.prior for p in parameters(structure) if p.name == "onset_base")
    return prior.mu, prior.sigma


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
    assert (structure.reference, structure.since_1945) == (
        ((("us_actor", 1.0),) if us else ()),
        recent,
    )
    told = talk_onset_log_odds(step, span, {"us_actor": us, "since_1945": recent})
    mean, sd = onset(structure)
    assert mean == pytest.approx(told.mean, abs=5e-4) and sd == pytest.approx(told.sd, abs=5e-4)


def test_each_covariate_moves_the_onset_prior(case):
    first = onset(case.structure)
    for change in ({"reference": (("us_actor", 1.0),)}, {"since_1945": False}):
        other = replace(case.structure, **change)
        assert abs(onset(other)[0] - first[0]) > 0.01
