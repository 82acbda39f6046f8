"""Scores against sums done by hand; what is late, and what is open, is counted apart."""

import datetime as dt
import math
from pathlib import Path

import pytest
from ledgers import a_forecast, a_target, on

from beliefs.records.ledger.chain import check, seal
from beliefs.records.ledger.register import Resolution, ledger_of
from beliefs.records.ledger.resolve import score, timing

TODAY = dt.date(2026, 3, 5)
EXACT = {"rel": 0, "abs": 1e-10}


def resolution(forecast, by, outcome, direct=False):
    return Resolution(
        at=on("2026-03-05"), forecast=forecast, forecast_line_sha256="3" * 64, target="talks",
        by=dt.date.fromisoformat(by), outcome=outcome, outcomes={"any": outcome, "direct": direct},
        first=None, rows=(), as_of=dt.date(2026, 3, 1), study_sha256="4" * 64, same_past=True,
        beliefs_version="0.1.0",
    )  # fmt: skip


def ledger(*lines):
    """A ledger of these records."""
    data, head = b"", "0" * 64
    for n, said in enumerate(lines, 1):
        data += seal(n, head, said.model_dump(mode="json"))
        head = check(data).head
    return ledger_of(Path("ledger"), check(data))


def forecast_of(number, targets, at="2026-02-01", **more):
    """A forecast registered on a day, as `register` marks it."""
    made = a_forecast(number, targets=targets, **more)
    late = [t.model_copy(update={"late": on(at).date() > t.by}) for t in made.targets]
    return made.model_copy(update={"at": on(at), "targets": tuple(late)})


def row_of(found, days=None, registered="ahead"):
    (row,) = [r for r in found["classes"] if (r["days"], r["registered"]) == (days, registered)]
    return row


def test_scores_are_those_computed_by_hand():
    # Three forecasts of talks within a week: 0.2, 0.7 and 0.9, base rates 0.1, 0.1 and 0.4; talks
    # were held after the second and the third.
    forecasts = [
        forecast_of(k, [a_target(by="2026-02-07", p=p, base_rate=base)], theory_sha256="5" * 64)
        for k, (p, base) in enumerate([(0.2, 0.1), (0.7, 0.1), (0.9, 0.4)])
    ]
    found = score(
        ledger(*forecasts, *(resolution(k + 1, "2026-02-07", k > 0) for k in range(3))), today=TODAY
    )
    row = row_of(found)
    assert (row["n"], row["events"], row["windows"], row["unresolved"]) == (3, 2, 1, 0)
    # (0.04 + 0.09 + 0.01) / 3 and (0.01 + 0.81 + 0.36) / 3
    assert row["brier"] == pytest.approx(0.14 / 3, **EXACT)
    assert row["base"]["brier"] == pytest.approx(1.18 / 3, **EXACT)
    assert row["skill"] == pytest.approx(1 - 0.14 / 1.18, **EXACT)
    assert row["log_score"] == pytest.approx(-math.log(0.8 * 0.7 * 0.9) / 3, **EXACT)
    assert row["base"]["log_score"] == pytest.approx(-math.log(0.9 * 0.1 * 0.4) / 3, **EXACT)
    assert row["mean_p"] == pytest.approx(0.6, **EXACT)
    # By the other rule no talks were held: (0.04 + 0.49 + 0.81) / 3
    assert row["by_rule"] == {
        "direct": {
            "n": 3, "events": 0, "certain": 0,
            "brier": pytest.approx(1.34 / 3, **EXACT),
            "log_score": pytest.approx(-math.log(0.8 * 0.3 * 0.1) / 3, **EXACT),
        }
    }  # fmt: skip
    assert row_of(found, days=7) == {**row, "days": 7}


def test_a_base_rate_that_is_missing_is_left_out_of_the_comparison_on_both_sides():
    one = forecast_of(1, [a_target(p=0.5), a_target(by="2026-02-08", p=0.9, base_rate=None)])
    lines = (resolution(1, "2026-02-07", False), resolution(1, "2026-02-08", True))
    row = row_of(score(ledger(one, *lines), today=TODAY))
    assert (row["n"], row["base"]["n"]) == (2, 1)
    assert row["brier"] == pytest.approx((0.25 + 0.01) / 2, **EXACT)
    assert row["skill"] == pytest.approx(1 - 0.25 / 0.01, **EXACT)


@pytest.mark.parametrize(
    ("at", "when"),
    [
        ("2026-01-31", "ahead"),
        ("2026-02-01", "ahead"),
        ("2026-02-02", "during"),
        ("2026-02-07", "during"),
        ("2026-02-08", "late"),
    ],
)
def test_what_is_registered_late_is_scored_apart_whatever_the_outcome(at, when):
    one = forecast_of(1, [a_target(by="2026-02-07")], at=at)
    assert timing(one, one.targets[0]) == when
    for outcome in (True, False):
        found = score(ledger(one, resolution(1, "2026-02-07", outcome)), today=TODAY)
        assert {r["registered"] for r in found["classes"]} == {when}
        assert row_of(found, registered=when)["n"] == 1
