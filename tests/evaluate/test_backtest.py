"""Forecasts from rolling origins know what was known by then; their scores are paired and plain."""

import numpy as np
import pandas as pd
import pytest
from later_rows import with_later_rows_permuted, without_later_rows
from make_actions import acts, write_actions
from make_study import day, event, talk, talk_rows

from beliefs import StudyError, build_inputs, load_study, load_theory
from beliefs.evaluation.backtest.backtest import backtest, scored
from beliefs.evaluation.backtest.questions import quantities, questions
from beliefs.evaluation.scores.scorecard import climatology
from beliefs.reporting.tables import backtest_text
from beliefs.study.tables.cells import Records

SMALL = {"particles": 100, "draws": 50, "seed": 1}
THEORIES = [load_theory(name) for name in ("M0", "M1")]
CUT = "2001-03-31"
OFTEN = SMALL | {"every": 14, "horizons": (7, 30)}


@pytest.fixture(scope="module")
def duel():
    return load_study("synthetic-duel")


@pytest.fixture(scope="module")
def found(duel):
    return backtest(duel, THEORIES, **OFTEN)


def up_to(scores, day):
    """Scores of windows that were over by a day."""
    step = 7 if (scores["periods"] < scores["horizon"]).any() else 1
    ends = scores["origin"] + pd.to_timedelta(scores["periods"] * step, unit="D")
    return scores[ends <= np.datetime64(day)].reset_index(drop=True)


def test_scores_up_to_a_day_are_those_of_the_study_as_of_that_day(found, duel):
    early = backtest(load_study("synthetic-duel", as_of=CUT), THEORIES, **OFTEN)
    now = up_to(found.scores, CUT)
    assert len(now) > 40
    pd.testing.assert_frame_equal(now, up_to(early.scores, CUT), check_exact=True)


@pytest.mark.slow
def test_any_number_of_processes_gives_the_same_forecasts(found, duel):
    other = backtest(duel, THEORIES, **OFTEN, workers=2)
    assert other.to_dataset().identical(found.to_dataset())


@pytest.mark.slow
@pytest.mark.parametrize("change", [without_later_rows, with_later_rows_permuted])
@pytest.mark.parametrize(
    ("name", "day", "every"),
    [("us-iran-2026", "2026-03-31", 14), ("us-iran-2012", "2018-01-14", 364),
     ("us-civil-war", "1863-12-27", 84), ("synthetic-duel", CUT, 7)],
)  # fmt: skip
def test_later_rows_change_no_score_up_to_the_day(name, day, every, change, tmp_path):
    copy, count = change(name, day, tmp_path / "copy")
    assert count > 30
    theories = [load_theory(n) for n in ("M0", "M1", "M3")]
    settings = {"every": every, "horizons": (7, 30, 90), **SMALL}
    found, other = (
        backtest(study, theories, **settings).scores
        for study in (load_study(name), load_study(copy))
    )
    one, two = up_to(found, day), up_to(other, day)
    assert len(one) > 50 and not found["p"].equals(other["p"])  # it changed something, later on
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_labels_are_those_of_the_study(found, duel):
    inputs = build_inputs(duel)
    mine = found.scores[(found.scores["forecaster"] == "M0") & (found.scores["target"] == "talks")]
    for row in mine.to_dict("records"):
        n = int((inputs.dates <= row["origin"]).sum())
        assert row["observed"] == inputs.talks[n : n + row["periods"]].any()


def test_where_too_little_came_nobody_is_said_to_win(found):
    assert repr(found).startswith("<Backtest: ") and "\n" not in repr(found)
    talks = [s for s in found.standings if s.target == "talks"]
    assert talks and all(s.doubt == "it happened once" and not s.theories for s in talks)
    assert "No theory beats climatology on any target of this study." in backtest_text(found)
    assert found.converged == (0, 0)  # a hundred particles are never worth four hundred


def odds_of(target, p=0.25):
    """Odds of one day on the next thirty days."""
    day = np.array([np.datetime64("2001-02-25")])
    return Records({"date": day, "by": day + np.timedelta64(30, "D"), "target": [target], "p": [p]})


def test_hand_set_odds_are_a_baseline(duel):
    days = {"horizons": (30,), "first": "2001-02-18", "last": "2001-03-20"}
    with_odds = backtest(duel, THEORIES[:1], odds=odds_of("talks"), **days, **SMALL)
    rows = with_odds.scores[with_odds.scores["forecaster"] == "market"]
    assert len(rows) == 3  # the odds are fresh for two weeks
    assert rows["p"].iloc[0] == 0.25
    assert rows["log"].iloc[0] == pytest.approx(-np.log(0.75), abs=1e-12)
    assert "market" in set(with_odds.skill["against"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"every": 0}, "ends of periods"),
        ({"horizons": (7, 0)}, "horizons"),
        ({"horizons": (365,)}, "too short"),
        ({"first": "2001-05-01"}, "no origin lies"),
        ({"theories": (THEORIES[0], THEORIES[0])}, "told apart"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_anything_runs(duel, settings, words):
    with pytest.raises(StudyError, match=words):
        backtest(duel, **{"theories": THEORIES, **settings}, **SMALL)


def test_origins_may_be_restricted_to_some_days(found, duel):
    days = found.frame.origins
    part = backtest(duel, THEORIES, first=days[2], last=days[4], **OFTEN)
    assert part.frame.origins.tolist() == days[2:5].tolist() and len(days) > 5
    # What is forecast from a day does not hang on the others.
    n = len(part.frame.origins)
    np.testing.assert_array_equal(part.frame.when, found.frame.when[:, 2 : 2 + n])
    again = scored(
        duel, part.theories, part.frame, every=part.every, particles=part.particles, seed=part.seed
    )
    pd.testing.assert_frame_equal(again.scores, part.scores)


@pytest.mark.parametrize(
    ("name", "day"),
    [("us-iran-2026", "2026-02-15"), ("us-iran-2026", "2026-04-30"), ("us-civil-war", "1863-12-27"),
     ("us-iran-2012", "2018-01-14")],
)  # fmt: skip
def test_questions_known_early_stay_as_they_were(name, day):
    early, late = load_study(name, as_of=day), load_study(name)
    one = {q.name: q for q in questions(early, build_inputs(early))}
    two = {q.name: q for q in questions(late, build_inputs(late))}
    assert set(one) <= set(two)
    n = int(build_inputs(early).active.sum())
    for target, q in one.items():
        for part in ("hit", "seen", "at_risk"):
            later = getattr(two[target], part)[:n]
            np.testing.assert_array_equal(getattr(q, part), later, err_msg=f"{target} {part}")


OUT = 45
LATE = SMALL | {"horizons": (7,), "every": 7, "first": day(41)}


def late_rows(signal=-2, kind="direct"):
    """A memorandum and a secret round of the first days, and a round of an origin's window."""
    memo = event("MEMO", 8, initiator="north", kind="doubt_admission", severity="", signal=signal,
                 lag=OUT - 8)  # fmt: skip
    talks = [talk("S1", 10, length=2, lag=OUT - 10, form=kind), talk("S2", 44, lag=1, form=kind)]
    return [memo], talks


def backtested(folder, memo=(), talks=()):
    write_actions(folder, events=[*acts(), *memo], talks=[*talk_rows(), *talks])
    return backtest(load_study(folder), THEORIES, **LATE)


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    return backtested(tmp_path_factory.mktemp("late") / "small", *late_rows())


@pytest.mark.parametrize("how", ["permuted", pytest.param("deleted", marks=pytest.mark.slow)])
def test_origins_before_publication_are_the_same_bit_for_bit(late, how, tmp_path):
    rows = ((), ()) if how == "deleted" else late_rows(signal=2, kind="none")
    other = backtested(tmp_path / "other", *rows)
    early = late.frame.origins < np.datetime64(day(OUT))
    assert 0 < early.sum() < len(early)
    targets = [late.frame.targets.index(t) for t in other.frame.targets]
    for name in ("when", "total"):
        one, two = getattr(late.frame, name), getattr(other.frame, name)
        one = one[:, :, targets] if name == "when" else one
        np.testing.assert_array_equal(one[:, early], two[:, early], err_msg=name)
    assert not np.array_equal(late.frame.when[:, ~early], other.frame.when[:, ~early])
    # Climatology and persistence do not know of them; what came of a window is by dates of talks.
    keys = ["origin", "horizon", "target", "forecaster"]
    scores = [b.scores[b.scores["origin"] < np.datetime64(day(OUT))] for b in (late, other)]
    both = pd.merge(*scores, on=keys, validate="one_to_one")
    assert len(both) == len(scores[0]) > 0
    assert (both["p_x"] == both["p_y"]).all()
    talks = both[(both["target"] == "talks") & (both["origin"] == np.datetime64(day(41)))]
    assert (talks["observed_x"] == 1.0).all() and (talks["observed_y"] == 0.0).all() and len(talks)


def test_climatology_knows_of_secret_talks_once_they_are_out(tmp_path):
    folders = [
        write_actions(tmp_path / name, events=acts(), talks=[*talk_rows(), *more])
        for name, more in (("a", []), ("b", late_rows()[1]))
    ]
    both = [(study, build_inputs(study)) for study in map(load_study, folders)]
    at_risk, counted = [questions(*one)[0] for one in both], [quantities(*one)[0] for one in both]
    for n in (20, OUT):
        np.testing.assert_array_equal(*(q.known(n) for q in at_risk))
        np.testing.assert_array_equal(*(q.known(n) for q in counted))
        np.testing.assert_array_equal(*(climatology(q, n, 7) for q in at_risk))
    one, two = (q.known(OUT + 1) for q in at_risk)
    assert np.flatnonzero(one != two).tolist() == [10, 11, 12, 44]
    assert climatology(at_risk[1], OUT + 1, 7)[-1] > climatology(at_risk[0], OUT + 1, 7)[-1]
