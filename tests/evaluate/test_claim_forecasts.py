"""What claims forecast is looked up in the study, counted in futures, and scored."""

from dataclasses import replace

import numpy as np
import pytest

from beliefs.evaluation.claims.claim import Forecasted
from beliefs.evaluation.claims.evidence import DRAWS, EVENTS, score_of
from beliefs.evaluation.claims.verdicts import load_claims
from beliefs.features.observed import blank
from beliefs.study.tables.codebook import RUNGS

N, AHEAD = 20, slice(10, 15)
WAR, TRUCE = RUNGS.index("open_war"), RUNGS.index("truce")


def observed(**changes):
    """Twenty periods of truce in which everything was watched and nothing happened."""
    quiet = blank(N)
    seen = dict.fromkeys(("strikes_seen", "truce_seen", "deal_seen", "rung_seen"), True)
    base = {name: np.full(N, value) for name, value in seen.items()}
    base["rung"] = np.full(N, TRUCE)
    for name, (place, value) in changes.items():
        array = np.array(base.get(name, getattr(quiet, name)))
        array[..., place] = value
        base[name] = array
    return replace(quiet, **base)


@pytest.mark.parametrize(
    ("event", "changes", "came"),
    [
        ("deal", {}, False),
        ("deal", {"deal": (12, 1.0)}, True),
        ("deal", {"deal": (15, 1.0)}, False),  # a period too late
        ("neither", {}, True),
        ("neither", {"deal_signed": (10, 1.0)}, False),
        ("neither", {"deal_unsigned": (10, 1.0)}, True),
        ("neither", {"rung": (14, WAR)}, False),
        ("no_crossing", {}, True),
        ("no_crossing", {"line_cross": (11, 1.0)}, False),
        ("no_collapse", {}, True),
        ("no_collapse", {"truce_end": (13, 1)}, False),
        ("no_collapse", {"truce_end": (13, 2)}, True),
        ("extension", {}, False),
        ("extension", {"window_kind": (12, 2)}, True),
        ("extension", {"window_kind": (12, 3)}, True),
        ("extension", {"window_kind": (12, 4)}, False),
        ("extension", {"window_kind": (12, 2), "truce_end": (11, 1)}, False),  # collapsed before
    ],
)
def test_what_came_is_looked_up(event, changes, came):
    assert EVENTS[event].came(observed(**changes), AHEAD, 1) is came


def test_a_cluster_is_of_one_period():
    seen = observed(strike_count=(11, 2.0))  # by either side
    assert EVENTS["cluster"].came(seen, AHEAD, 4)
    assert not EVENTS["cluster"].came(seen, AHEAD, 5)


def test_questions_are_asked_where_they_make_sense():
    assert EVENTS["no_collapse"].asked(observed(), 10)
    assert not EVENTS["no_collapse"].asked(observed(truce_seen=(9, False)), 10)
    assert not EVENTS["neither"].asked(observed(rung=(9, WAR)), 10)
    assert not EVENTS["extension"].asked(observed(), 10)  # no deadline
    assert EVENTS["extension"].asked(observed(has_deadline=(9, 1.0)), 10)


def test_futures_are_counted():
    ended = np.array([[0, 2, 5], [0, 5, 2], [0, 0, 0], [4, 3, 0]])
    assert EVENTS["extension"].comes({"ended": ended}, 1).tolist() == [True, False, False, False]
    assert EVENTS["no_collapse"].comes({"ended": ended}, 1).tolist() == [False, False, True, True]
    strikes = np.array([[[2, 0, 1], [2, 3, 0]], [[0, 1, 0], [1, 1, 1]]])
    assert EVENTS["cluster"].comes({"strikes": strikes}, 4).tolist() == [True, False]
    rung = np.array([[TRUCE, WAR], [TRUCE, TRUCE]])
    signed = np.array([[0, 0], [0, 1]])
    assert EVENTS["neither"].comes({"rung": rung, "signed": signed}, 1).tolist() == [False, False]
    assert EVENTS["neither"].comes({"rung": rung[1:], "signed": signed[:1]}, 1).tolist() == [True]


def test_every_event_that_a_claim_forecasts_is_known():
    for claim in load_claims():
        assert claim.forecasts is None or claim.forecasts.event in EVENTS, claim.id


def test_scores_are_differences_of_logs_of_what_came():
    rows = (("2026-01-01", True, 0.8, 0.4), ("2026-02-01", False, 0.8, 0.6))
    asked = Forecasted("deal", 30)
    found = score_of(asked, rows * 5, np.random.default_rng(1))
    assert found.mean == pytest.approx((np.log(2.0) + np.log(0.5)) / 2.0, abs=2e-3)
    assert found.low < found.mean < found.high
    assert found.n == 10 and found.came == 0.5
    few = score_of(asked, rows * 4, np.random.default_rng(1))
    assert few.mean == pytest.approx(found.mean)
    assert few.as_dict()["low"] is None and few.as_dict()["high"] is None


def test_a_sure_forecast_that_fails_costs_what_its_draws_can_tell():
    rows = (("2026-01-01", True, 0.0, 0.5),)
    found = score_of(Forecasted("deal", 30), rows, np.random.default_rng(1))
    assert found.mean == pytest.approx(np.log(0.5 / (DRAWS + 1)) - np.log(0.5))
