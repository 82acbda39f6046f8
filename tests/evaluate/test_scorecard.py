"""Baselines know what came by the origin alone; events count once, winners are named sparingly."""

import numpy as np
import pandas as pd
import pytest
from backtests import DAYS, Frame, N, rows
from lifelines import AalenJohansenFitter, KaplanMeierFitter

from beliefs.evaluation.backtest.questions import Question, spells
from beliefs.evaluation.scores.scorecard import climatology, kaplan_meier, persistence, waits
from beliefs.evaluation.scores.skilltable import reliability_table, skill_table, standings
from beliefs.forecasting.targets import CAUSES, cumulative_incidence
from beliefs.simulation.paths import Paths

LONG = 120


def question(hits=(), unseen=(), at_risk=slice(None)):
    hit, seen, may = np.zeros(LONG, bool), np.ones(LONG, bool), np.zeros(LONG, bool)
    hit[list(hits)], seen[list(unseen)], may[at_risk] = True, False, True
    return Question("talks", None, hit, seen, may)


def test_waits_end_with_what_came_and_are_censored_by_what_is_not_known():
    origin, observed, time = waits(question(hits=[3], unseen=[6]), 9)
    assert origin.tolist() == [0, 1, 2, 3, 4, 5, 7, 8]  # from period 6 on nothing is known of it
    assert observed.tolist() == [True] * 4 + [False] * 4
    assert time.tolist() == [4, 3, 2, 1, 2, 1, 2, 1]


def test_climatology_is_the_share_of_windows_by_which_it_came():
    found = climatology(question(hits=[]), 100, 10)
    # Ten windows in which nothing came, and half a window of either outcome before them.
    assert found[-1] == pytest.approx(0.5 / 11.0)
    assert found[0] == 0.0 and (np.diff(found) >= 0.0).all()
    always = climatology(question(hits=range(LONG)), 100, 10)
    assert always[-1] == pytest.approx(10.5 / 11.0)
    assert always[1] > 0.9


@pytest.mark.parametrize("rule", [climatology, persistence])
@pytest.mark.parametrize("n", [20, 57, 100])
def test_nothing_after_the_origin_is_read(rule, n):
    rng = np.random.default_rng(n)
    one, two = (question(np.flatnonzero(rng.random(LONG) < 0.1)) for _ in range(2))
    for name in ("hit", "seen", "at_risk"):
        getattr(two, name)[:n] = getattr(one, name)[:n]
    np.testing.assert_array_equal(rule(one, n, 10), rule(two, n, 10))


def test_persistence_tells_a_busy_time_from_a_quiet_one():
    # Busy for forty periods, quiet for forty, busy again.
    made = question([*range(0, 40, 2), *range(80, 120, 2)])
    assert persistence(made, 110, 7)[-1] > climatology(made, 110, 7)[-1]
    assert persistence(made, 78, 7)[-1] < climatology(made, 78, 7)[-1]


def test_hits_without_a_quiet_week_between_them_are_one_event():
    flags = np.zeros(40, bool)
    flags[[0, 1, 8, 16, 39]] = True  # six, seven and 22 quiet days between runs
    assert spells(flags, 1)[flags].tolist() == [1, 1, 1, 2, 3]
    assert not spells(flags, 1)[~flags].any()
    assert spells(np.array([0, 1, 1, 0, 1], bool), 7).tolist() == [0, 1, 1, 0, 2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kaplan_meier_is_that_of_lifelines(seed):
    rng = np.random.default_rng(seed)
    time, happened = rng.integers(1, 40, size=150), rng.random(150) < 0.6
    ours = kaplan_meier(time, happened, 50)
    fitted = KaplanMeierFitter().fit(time, happened)
    theirs = fitted.survival_function_at_times(np.arange(51)).to_numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_cumulative_incidence_of_futures_is_that_of_lifelines():
    # One end in a period, so that lifelines need not break ties at random.
    rng = np.random.default_rng(4)
    samples, horizon = 60, 80
    ended = np.zeros((samples, horizon), dtype=np.int8)
    time = rng.permutation(horizon)[:samples]
    how = np.where(rng.random(samples) < 0.25, 0, rng.integers(1, 6, size=samples))
    ended[np.arange(samples), time] = how
    paths = Paths(None, None, np.zeros((samples, horizon), bool), None, None, {"ended": ended})
    waited = np.where(how == 0, horizon, time + 1)
    for row, code in zip(cumulative_incidence(paths), CAUSES.values(), strict=True):
        fitter = AalenJohansenFitter(calculate_variance=False)
        table = fitter.fit(waited, how, event_of_interest=code).cumulative_density_
        theirs = [float(table.loc[:t].iloc[-1, 0]) for t in range(1, horizon + 1)]
        np.testing.assert_allclose(row, theirs, atol=1e-10)


def table_of(scores):
    return skill_table(scores, Frame, 7, seed=1)


def made(observed, spell):
    """M1 knows what will come, M0 and climatology do not."""
    know = np.where(np.asarray(observed) > 0, 0.9, 0.1)
    return pd.concat(
        [rows("M0", 0.5, observed, spell), rows("M1", know, observed, spell),
         rows("climatology", 0.5, observed, spell)], ignore_index=True,
    )  # fmt: skip


OBSERVED = np.zeros(N)
OBSERVED[[3, 4, 10, 20, 30]] = 1
SPELL = np.zeros(N, int)
SPELL[[3, 4, 10, 20, 30]] = [1, 1, 2, 3, 4]


def find(table, name, against, score="log"):
    mine = (table["forecaster"] == name) & (table["against"] == against)
    (row,) = table[mine & (table["score"] == score)].to_dict("records")
    return row


def test_differences_are_means_over_the_same_origins():
    scores = made(OBSERVED, SPELL)
    gone = (scores["forecaster"] == "climatology") & (scores["origin"] < DAYS[5])
    table = table_of(scores[~gone])
    row = find(table, "M1", "climatology")
    assert row["n"] == N - 5
    assert row["difference"] == pytest.approx(np.log(0.9) - np.log(0.5), abs=1e-12)
    assert (row["observed"], row["events"]) == (3.0, 3.0)  # two came before there was a climatology
    assert find(table, "M1", "M0")["n"] == N
    assert find(table, "M0", "climatology")["difference"] == 0.0


def test_windows_that_share_an_event_count_it_once():
    columns = ["observed", "events", "misses", "windows"]
    row = find(table_of(made(OBSERVED, SPELL)), "M1", "M0")
    assert [row[k] for k in columns] == [5.0, 4.0, 5.0, N]
    # Where the target is that nothing happens it held in 35 windows, five separate times.
    row = find(table_of(made(1.0 - OBSERVED, SPELL)), "M1", "M0")
    assert [row[k] for k in columns] == [35.0, 5.0, 4.0, N]


def counted(values):
    """Rows of a count; M1 is nearer to it."""
    parts = []
    for name, crps in (("M1", 0.5), ("climatology", 1.0)):
        part = rows(name, 0.5, OBSERVED, SPELL, target="strikes").assign(
            kind="count", observed=values
        )
        parts.append(part.assign(crps=crps, twcrps=0.0))
    return pd.concat(parts, ignore_index=True)


def test_a_count_comes_where_it_is_above_its_median_and_must_go_both_ways():
    values = np.ones(N)
    values[[3, 4, 10, 20, 30]] = 9.0
    table = table_of(counted(values))
    row = find(table, "M1", "climatology", "crps")
    assert (row["observed"], row["events"], row["misses"]) == (5.0, 4.0, 5.0)
    assert standings(table)[0].theories == ("M1",)
    values = np.ones(N)
    values[: N // 2] = 9.0  # a war and a peace: one change, whatever the number of windows
    (one,) = standings(table_of(counted(values)))
    assert (one.theories, one.doubt) == ((), "it was high once")
    (one,) = standings(table_of(counted(np.full(N, 9.0))))
    assert (one.theories, one.doubt) == ((), "it never varied")


def where(*windows):
    """Flags of some windows, and an event of its own for each."""
    hits, spell = np.zeros(N), np.zeros(N, int)
    hits[list(windows)], spell[list(windows)] = 1, range(1, len(windows) + 1)
    return hits, spell


@pytest.mark.parametrize(
    ("observed", "doubt"),
    [
        ([], "it never happened"), ([3], "it happened once"),
        ([3, 9], "it happened 2 separate times"),
        (range(N), "it always happened"), (range(N - 1), "it did not happen once"),
        ({*range(N)} - {3, 4, 9}, "it did not happen 2 separate times"),
    ],
)  # fmt: skip
def test_nobody_wins_on_what_hardly_ever_changed(observed, doubt):
    (one,) = standings(table_of(made(*where(*sorted(observed)))))
    assert one.theories == () and one.doubt == doubt


@pytest.mark.slow
def test_theories_that_know_nothing_rarely_win_anywhere():
    # p values of no skill are uniform; unadjusted, one of eight wins in 1 - 0.95^8 = 0.34 of cases.
    head = {
        "horizon": 7, "kind": "event", "forecaster": "M1", "against": "climatology",
        "score": "log", "events": 5.0, "misses": 5.0,
    }  # fmt: skip
    rng, trials, named = np.random.default_rng(8), 400, 0
    for _ in range(trials):
        table = pd.DataFrame([head | {"target": f"t{k}", "p": rng.random()} for k in range(8)])
        named += any(s.theories for s in standings(table))
    assert 0.0 < named / trials < 0.083  # 0.05 and three standard errors


def test_calibrated_forecasts_lie_within_their_bands_as_often_as_they_say():
    inside, bins = 0, 0
    for k in range(60):
        rng = np.random.default_rng(k)
        p = rng.uniform(0.05, 0.95, N)
        table = reliability_table(rows("M1", p, rng.random(N) < p), 7, seed=k)
        inside += ((table["low"] <= table["observed"]) & (table["observed"] <= table["high"])).sum()
        bins += len(table)
    assert 0.86 < inside / bins < 0.98  # few forecasts in a bin: bands are steps
