"""Targets of actions are registered with their rule and looked up as backtests look them up."""

import datetime as dt

import pytest
from ledgers import a_forecast, a_target, on
from make_actions import write_actions
from make_study import write_study

from beliefs.records.ledger.register import ACTION_RULES, register
from beliefs.records.ledger.resolve import resolve, timing
from beliefs.study.load import load_study

LATER = on("2026-03-05")


@pytest.fixture
def study(tmp_path):
    return write_actions(tmp_path / "study")


def registered(ledger, study, origin, *targets, number=0):
    """Register a forecast of targets (name, last day, rule)."""
    spec = load_study(study).spec
    rules = {name: getattr(spec, name).model_dump(mode="json") for name in ACTION_RULES}
    made = [a_target(name, by, rule=rule) for name, by, rule in targets]
    said = {"as_of": origin, "origin": origin, "action_rules": rules, "targets": made}
    return register(ledger, a_forecast(number, **said), now=on(origin, 20))


def result(done):
    """Outcome and first day by target and rule."""
    return {(r.target, r.rule): (r.outcome, str(r.first)) for r in done.added.values()}


def test_actions_is_looked_up_in_its_window(ledger, study):
    # The truce is breached on 10 February, prolonged by one side on the 13th, broken on the 24th.
    registered(
        ledger, study, "2026-02-09", ("breach", "2026-02-12", None),
        ("collapse", "2026-02-20", None), ("extension", "2026-02-14", "any"),
        ("extension", "2026-02-14", "mutual"), ("war", "2026-02-12", None),
        ("no_crossing", "2026-02-14", None), ("talks", "2026-02-12", None),
    )  # fmt: skip
    done = resolve(ledger, studies=(study,), now=LATER)
    assert result(done) == {
        ("breach", None): (True, "2026-02-10"),
        ("collapse", None): (False, "None"),
        ("extension", "any"): (True, "2026-02-13"),
        ("extension", "mutual"): (False, "None"),
        ("war", None): (False, "None"),
        ("no_crossing", None): (True, "None"),
        ("talks", None): (False, "None"),  # T3 is a back channel, which this rule leaves out
    }
    assert not done.unresolved
    again = resolve(ledger, studies=(study,), now=LATER)
    assert (again.added, again.already) == ({}, 7)


def test_a_line_that_is_crossed_is_an_outcome_of_no(ledger, study):
    registered(ledger, study, "2026-01-15", ("no_crossing", "2026-01-21", None))
    found = result(resolve(ledger, studies=(study,), now=LATER))
    assert found == {("no_crossing", None): (False, "2026-01-19")}


def test_in_advance_goes_by_the_origin_where_the_window_begins():
    # Told on Friday with a week that ended on Sunday: five days of the window are over.
    result = a_forecast(origin="2026-02-01", as_of="2026-02-06", at="2026-02-06T08:00:00Z")
    assert timing(result, result.targets[0]) == "during"
    result = a_forecast(origin="2026-02-01", as_of="2026-02-01", at="2026-02-02T08:00:00Z")
    assert timing(result, result.targets[0]) == "ahead"


def test_a_folder_that_nobody_kept_is_no_silence(ledger, tmp_path):
    study = write_study(tmp_path / "study")
    (study / "coverage.csv").unlink()
    for name in ("indicators.csv", "events.csv", "talks.csv"):
        head, *rows = (study / name).read_text().splitlines(keepends=True)
        date, place = (head.strip().split(",").index(c) for c in ("date", "published_at"))
        cells = [row.strip().split(",") for row in rows]
        kept = [r for r, c in zip(rows, cells, strict=True) if (c[place] or c[date]) < "2026-02-21"]
        (study / name).write_text("".join([head, *kept]))
    whole = load_study(study).tables
    last = max(t["published_at"].max() for t in (whole.indicators, whole.events, whole.talks))
    kept = last.astype(object)
    assert kept < dt.date(2026, 3, 1)
    after = kept + dt.timedelta(days=1)
    registered_talks = [a_target(by=str(kept)), a_target(by=str(after))]
    register(ledger, a_forecast(targets=registered_talks), now=on("2026-01-31", 20))
    done = resolve(ledger, studies=(study,), now=LATER)
    assert [r.by for r in done.added.values()] == [kept]
    assert [(t.by, why) for _, t, why in done.unresolved] == [(after, "not over")]
    # Whoever kept it longer says so.
    done = resolve(ledger, studies=(study,), as_of="2026-03-01", now=LATER)
    assert [r.by for r in done.added.values()] == [after]
