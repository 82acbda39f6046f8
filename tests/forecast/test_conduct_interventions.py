"""What-ifs of conduct change what they say, from their date on, and nothing else."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.forecasting.compare import differences
from beliefs.forecasting.forecast import forecast
from beliefs.model.theory import load_theory
from beliefs.simulation.effects import without_effect
from beliefs.simulation.interventions import (
    KINDS,
    Intervention,
    as_table,
    load_interventions,
    parse,
)
from beliefs.simulation.paths import check_plan
from beliefs.study.load import load_study

FILES = sorted((Path(__file__).parents[2] / "docs" / "interventions").glob("*.toml"))
AT = 6
MORE = {
    "hotline": {},
    "zone": {"zone": "hormuz"},
    "attribution": {"hours": 6.0},
    "spoiler": {"severity": 5.0},
    "crossing": {"side": "iran", "line": "hormuz", "severity": 5.0},
    "extension": {"days": 30.0, "mutual": True},
    "concession": {"id": "no_new_restrictions"},
    "mediator_leaves": {},
}


def bent(plain, kind, at=AT, **more):
    day = dt.date.fromisoformat(str(plain.dates[at]))
    item = Intervention(kind, day, **(MORE.get(kind, {}) | more))
    return forecast(
        plain.posterior, len(plain.dates), seed=plain.seed, interventions=(item,),
        actions=plain.conduct, allow_failed=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def managed(told):
    return told("managed_deescalation")


def test_a_path_is_news_to_beliefs_where_acts_are_simulated_too(told):
    plain = told("mutual_optimism")
    other = bent(plain, "path", indicator="usd_irr", change=0.3)
    moved = other.paths.logit_belief - plain.paths.logit_belief
    assert (moved[..., :AT] == 0).all()
    assert (moved[:, 0, AT] > 0).all()  # on Washington's own scorecard, whose weights are positive


def test_a_path_says_what_an_indicator_counts_whatever_the_acts(told):
    plain = told("mutual_optimism")
    days = [str(d) for d in plain.dates]
    many, none = (
        bent(plain, "path", indicator="iran_force", values={days[AT]: value})
        for value in (60.0, 0.0)
    )
    for other in (many, none):
        moved = other.paths.logit_belief - plain.paths.logit_belief
        assert (moved[..., :AT] == 0).all() and (moved[..., AT] != 0).any()
    acted = plain.paths.events["strikes"][:, 1, AT] > 0
    quiet = none.paths.logit_belief[..., AT] == plain.paths.logit_belief[..., AT]
    assert acted.any() and quiet[~acted].all()  # nothing is what it counts where nobody acts
    # On Tehran's own scorecard, whose weights are positive; what is drawn of acts stays.
    assert (many.paths.logit_belief[:, 1, AT] > none.paths.logit_belief[:, 1, AT]).all()
    for name, values in plain.paths.events.items():
        np.testing.assert_array_equal(many.paths.events[name][..., AT], values[..., AT])


@pytest.mark.parametrize("kind", ["hotline", "zone", "concession", "mediator_leaves"])
def test_nothing_changes_before_its_date_and_something_after_it(managed, kind):
    other = bent(managed, kind)
    for name, values in managed.paths.events.items():
        np.testing.assert_array_equal(
            other.paths.events[name][..., :AT], values[..., :AT], err_msg=name
        )
    for name in ("logit_belief", "talks"):
        one, two = (getattr(f.paths, name)[..., :AT] for f in (other, managed))
        np.testing.assert_array_equal(one, two)
    changed = [
        name
        for name, values in managed.paths.events.items()
        if not np.array_equal(other.paths.events[name], values)
    ]
    assert changed or not np.array_equal(other.paths.talks, managed.paths.talks)


def test_an_act_at_a_red_line_happens_in_every_future(managed):
    other = bent(managed, "crossing")
    assert other.paths.events["crossing"][:, 1, AT].all()
    one, two = (f.paths.events["strikes"][:, :, AT] for f in (other, managed))
    assert (one[:, 1] == two[:, 1] + 1).all() and (one[:, 0] == two[:, 0]).all()


@pytest.mark.parametrize(("mutual", "code"), [(True, 3), (False, 2)])
def test_a_window_that_stands_is_extended_on_the_day_and_keeps_its_new_deadline(
    managed, mutual, code
):
    other = bent(managed, "extension", mutual=mutual)
    ended = managed.paths.events["ended"]
    stood = (ended[:, : AT + 1] == 0).all(axis=1)
    assert (other.paths.events["ended"][stood, AT] == code).all() and stood.sum() > 100
    lapsed = np.argwhere(other.paths.events["ended"][stood] == 1)[:, 1]
    assert (lapsed > 9).all()  # not at the old deadline any more
    assert (np.argwhere(ended[stood] == 1)[:, 1] == 9).any()


def test_a_hotline_lowers_or_raises_collapse_by_its_parameter(managed):
    effect = managed.conduct.posterior["hotline_effect"]
    one, two = (
        (f.paths.events["ended"] == 5).any(axis=1).astype(float)
        for f in (bent(managed, "hotline", at=0), managed)
    )
    assert np.cov(one - two, effect)[0, 1] > 0.0
    assert not np.array_equal(one, two)


def test_a_quick_attribution_closes_what_an_attack_opened(managed):
    day = dt.date.fromisoformat(str(managed.dates[AT]))

    def ask(*more):
        return forecast(
            managed.posterior, len(managed.dates), seed=managed.seed, actions=managed.conduct,
            interventions=(Intervention("spoiler", day, **dict(more)),), allow_failed=True,
        )  # fmt: skip

    short, long = ask(("hours", 1.0)), ask(("hours", 480.0))
    gap = managed.conduct.posterior["attribution_gap"]
    more = [(f.paths.events["ended"] == 5).any(axis=1).astype(float) for f in (long, short)]
    assert np.cov(more[0] - more[1], gap)[0, 1] > 0.0


def test_differences_are_told_of_conduct_too(managed):
    rows = differences(bent(managed, "crossing"), managed)
    assert {"signed", "war", "breach", "no_crossing"} <= {r["target"] for r in rows}
    crossed = [r for r in rows if r["target"] == "no_crossing"]
    assert all(r["p"] == 0.0 and r["difference"] <= 0.0 for r in crossed)


def test_a_theory_that_holds_a_mechanism_neutral_says_so_and_changes_nothing(told):
    plain = told("mutual_optimism")
    other = bent(plain, "hotline")
    for name, values in plain.paths.events.items():
        np.testing.assert_array_equal(other.paths.events[name], values, err_msg=name)
    theory, structure = plain.posterior.theory, plain.posterior.structure
    said = without_effect(theory, structure, other.interventions)
    assert len(said) == 1 and "hotline_effect neutral" in said[0]
    free = load_theory("managed_deescalation")
    assert without_effect(free, structure, other.interventions) == []
    alone = without_effect(free, structure, other.interventions, actions=False)
    assert "not simulated" in alone[0]


def test_there_is_an_example_of_every_kind_and_each_can_be_used():
    study, kinds = load_study("us-iran-2026"), set()
    for file in FILES:
        items = load_interventions(file)
        check_plan(study, 90, items)
        kinds |= {item.kind for item in items}
        assert [parse("here", as_table(item)) for item in items] == list(items)
    assert kinds == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        ("zone", {"zone": "moon"}, "unknown zone"),
        ("crossing", {"side": "us", "line": "moon"}, "unknown red line"),
        ("crossing", {"side": "them", "line": "hormuz"}, "unknown side"),
        ("concession", {"id": "moon"}, "unknown concession"),
        ("hotline", {"date": dt.date(2030, 1, 1)}, "outside the forecast"),
    ],
)
def test_names_and_dates_are_checked_before_anything_is_sampled(kind, more, named):
    item = Intervention(kind, **({"date": dt.date(2026, 7, 10)} | more))
    with pytest.raises(StudyError, match=named):
        check_plan(load_study("us-iran-2026"), 30, (item,))
