"""The table of skill pairs forecasts by origin, counts events once, and names winners sparingly."""

import numpy as np
import pandas as pd
import pytest

from beliefs.evaluation.scores.proper import brier, log_score
from beliefs.evaluation.scores.skilltable import (
    pit_table,
    reliability_table,
    skill_table,
    standings,
)

N = 40
DAYS = pd.date_range("2026-01-04", periods=N, freq="7D")


class Plain:
    """What the table asks of a frame."""

    theories = ("M0", "M1")
    origins = DAYS.to_numpy("datetime64[D]")


def rows(forecaster, p, came, spell=None, target="talks", horizon=7):
    """Rows of scores, one an origin."""
    p, came = np.broadcast_to(p, N).astype(float), np.asarray(came, float)
    return pd.DataFrame(
        {
            "origin": DAYS, "horizon": horizon, "periods": horizon, "target": target,
            "kind": "event", "forecaster": forecaster, "p": p, "came": came, "first": np.nan,
            "spell": np.zeros(N, int) if spell is None else spell,
            "log": log_score(p, came, 1e-6), "brier": brier(p, came), "crps": np.nan,
            "twcrps": np.nan, "threshold": np.nan, "pit": np.nan,
        }
    )  # fmt: skip


def made(came, spell):
    """M1 knows what will come, M0 and climatology do not."""
    know = np.where(np.asarray(came) > 0, 0.9, 0.1)
    return pd.concat(
        [rows("M0", 0.5, came, spell), rows("M1", know, came, spell),
         rows("climatology", 0.5, came, spell)], ignore_index=True,
    )  # fmt: skip


CAME = np.zeros(N)
CAME[[3, 4, 10, 20, 30]] = 1
SPELL = np.zeros(N, int)
SPELL[[3, 4, 10, 20, 30]] = [1, 1, 2, 3, 4]


def find(table, name, against, score="log"):
    mine = (table["forecaster"] == name) & (table["against"] == against)
    (row,) = table[mine & (table["score"] == score)].to_dict("records")
    return row


def test_differences_are_means_over_the_same_origins():
    scores = made(CAME, SPELL)
    gone = (scores["forecaster"] == "climatology") & (scores["origin"] < DAYS[5])
    table = skill_table(scores[~gone], Plain, 7, seed=1)
    row = find(table, "M1", "climatology")
    assert row["n"] == N - 5
    assert row["difference"] == pytest.approx(np.log(0.9) - np.log(0.5), abs=1e-12)
    assert (row["came"], row["events"]) == (3.0, 3.0)  # two came before there was a climatology
    assert find(table, "M1", "M0")["n"] == N
    assert find(table, "M0", "climatology")["difference"] == 0.0


def test_windows_that_share_an_event_count_it_once():
    row = find(skill_table(made(CAME, SPELL), Plain, 7, seed=1), "M1", "M0")
    assert (row["came"], row["events"], row["windows"]) == (5.0, 4.0, float(N))


def test_where_the_target_is_that_nothing_happens_all_columns_count_that():
    # Crossings in five windows, four separate ones: it held in 35 windows, five separate times.
    row = find(skill_table(made(1.0 - CAME, SPELL), Plain, 7, seed=1), "M1", "M0")
    assert (row["came"], row["events"], row["misses"]) == (35.0, 5.0, 4.0)
    mirror = find(skill_table(made(CAME, SPELL), Plain, 7, seed=1), "M1", "M0")
    assert (mirror["came"], mirror["events"], mirror["misses"]) == (5.0, 4.0, 5.0)


def counted(values, forecasters=("M1", "climatology"), ours=0.5):
    """Rows of a count; M1 is nearer to it."""
    parts = []
    for name in forecasters:
        part = rows(name, 0.5, CAME, SPELL, target="strikes").assign(kind="count", came=values)
        parts.append(part.assign(crps=ours if name == "M1" else 1.0, twcrps=0.0))
    return pd.concat(parts, ignore_index=True)


def test_a_count_comes_where_it_is_above_its_median_and_must_go_both_ways():
    values = np.ones(N)
    values[[3, 4, 10, 20, 30]] = 9.0
    table = skill_table(counted(values), Plain, 7, seed=1)
    row = find(table, "M1", "climatology", "crps")
    assert (row["came"], row["events"], row["misses"]) == (5.0, 4.0, 5.0)
    assert standings(table)[0].theories == ("M1",)
    values = np.ones(N)
    values[: N // 2] = 9.0  # a war and a peace: one change, whatever the number of windows
    (one,) = standings(skill_table(counted(values), Plain, 7, seed=1))
    assert (one.theories, one.doubt) == ((), "it was high once")
    (one,) = standings(skill_table(counted(np.full(N, 9.0)), Plain, 7, seed=1))
    assert (one.theories, one.doubt) == ((), "it never varied")


def test_whoever_knows_more_wins_and_whoever_knows_as_much_does_not():
    (one,) = standings(skill_table(made(CAME, SPELL), Plain, 7, seed=1))
    assert one.theories == ("M1",) and one.doubt is None


def where(*windows):
    """Flags of some windows, and an event of its own for each."""
    hits, spell = np.zeros(N), np.zeros(N, int)
    hits[list(windows)], spell[list(windows)] = 1, range(1, len(windows) + 1)
    return hits, spell


@pytest.mark.parametrize(
    ("came", "doubt"),
    [
        ([], "it never came"), ([3], "it came once"), ([3, 9], "it came 2 separate times"),
        (range(N), "it always came"), (range(N - 1), "it stayed away once"),
        ({*range(N)} - {3, 4, 9}, "it stayed away 2 separate times"),
    ],
)  # fmt: skip
def test_nobody_wins_on_what_hardly_ever_changed(came, doubt):
    (one,) = standings(skill_table(made(*where(*sorted(came))), Plain, 7, seed=1))
    assert one.theories == () and one.doubt == doubt


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


def test_nobody_wins_on_a_few_long_windows():
    scores = made(CAME, SPELL).assign(horizon=90)
    (one,) = standings(skill_table(scores, Plain, 7, seed=1))
    assert one.doubt == "too few windows" and one.theories == ()


def calibrated(rng, horizon):
    p = rng.uniform(0.05, 0.95, N)
    return rows("M1", p, rng.random(N) < p, horizon=horizon)


def test_calibrated_forecasts_lie_within_their_bands_as_often_as_they_say():
    inside, bins = 0, 0
    for k in range(60):
        table = reliability_table(calibrated(np.random.default_rng(k), 7), 7, seed=k)
        inside += ((table["low"] <= table["came"]) & (table["came"] <= table["high"])).sum()
        bins += len(table)
    assert 0.86 < inside / bins < 0.98  # few forecasts in a bin: bands are steps


def test_a_transform_that_is_not_uniform_leaves_its_bands():
    scores = rows("M1", 0.5, CAME)
    flat = pit_table(scores.assign(pit=(np.arange(N) + 0.5) / N), 7, seed=1)
    assert ((flat["low"] <= flat["share"]) & (flat["share"] <= flat["high"])).all()
    high = pit_table(scores.assign(pit=0.95), 7, seed=1)
    assert high["share"].iloc[-1] == 1.0 > high["high"].iloc[-1]
