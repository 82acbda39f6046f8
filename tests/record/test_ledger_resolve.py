"""Outcomes are looked up by the rule that was registered, where somebody looked, and scored."""

import datetime as dt
import math
from pathlib import Path

import pytest
from ledgers import a_forecast, a_target, on, sealed
from make_actions import write_actions
from make_study import TOML, talk, talk_rows, write_study

from beliefs.records.ledger import resolve as ledger_resolve
from beliefs.records.ledger.chain import check
from beliefs.records.ledger.register import (
    ACTION_RULES,
    Resolution,
    ledger_of,
    read_ledger,
    register,
    verify,
)
from beliefs.records.ledger.resolve import resolve, score, timing
from beliefs.study.load import load_study

LATER = on("2026-03-05")
# T3 is held on 7 February, an indirect back channel, and is made public on the 11th.


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "study")


def registered(ledger, study, bys, *, as_of="2026-01-31", number=0, **more):
    """Register a forecast of talks by some days, made as of a day."""
    then = load_study(study, as_of=as_of)
    rules = then.spec.talks_rule
    said = {
        "study_sha256": then.sha256, "as_of": as_of, "origin": as_of, "label_rule": rules.headline,
        "label_rules": [rule.model_dump(mode="json") for rule in rules.rules],
        "targets": [a_target(by=by) for by in bys], **more,
    }  # fmt: skip
    return register(ledger, a_forecast(number, **said), now=on(as_of, 20))


def outcomes(done):
    """Outcome by last day."""
    return {str(r.by): r.outcome for r in done.added.values()}


def why(done):
    """Reason by last day."""
    return {str(target.by): reason for _, target, reason in done.unresolved}


def test_talks_are_looked_up_in_the_window_by_every_rule(ledger, study):
    line = registered(ledger, study, ["2026-02-06", "2026-02-10", "2026-02-12"])
    done = resolve(ledger, studies=(study,), now=LATER)
    # T3 was held on 7 February and came out on the 11th: its own day counts, as for the model.
    assert outcomes(done) == {"2026-02-06": False, "2026-02-10": True, "2026-02-12": True}
    last = done.added[4]
    assert last.outcomes == {"any": True, "direct": False}
    assert last.first == dt.date(2026, 2, 7) and last.rows == ("T3",)
    assert last.forecast == 1 and last.forecast_line_sha256 == line.head
    assert last.same_past and last.as_of == dt.date(2026, 3, 1)
    assert last.study_sha256 == load_study(study).sha256
    assert done.added[2].first is None and done.added[2].rows == ()
    assert verify(ledger, head=done.head).since == 0


def test_secret_talks_change_the_outcome_of_their_own_days_once_they_come_out(ledger, study):
    registered(ledger, study, ["2026-02-08"])  # T3 was held on the 7th and came out on the 11th
    done = resolve(ledger, studies=(study,), as_of="2026-02-10", now=LATER)
    assert outcomes(done) == {"2026-02-08": False}
    done = resolve(ledger, studies=(study,), as_of="2026-02-11", now=LATER)
    ((outcome, line),) = done.differing
    assert line == 2 and outcome.outcome and outcome.rows == ("T3",) and done.added == {}


def test_talks_at_the_origin_count_only_if_they_go_on_after_it(ledger, study):
    registered(ledger, study, ["2026-01-27"], as_of="2026-01-25")  # T2 lasts 25 to 27 January
    registered(ledger, study, ["2026-01-28"], as_of="2026-01-27", number=1)
    done = resolve(ledger, studies=(study,), now=LATER)
    assert outcomes(done) == {"2026-01-27": True, "2026-01-28": False}
    assert done.added[3].first == dt.date(2026, 1, 26) and done.added[3].rows == ("T2",)


@pytest.mark.parametrize(
    ("as_of", "now", "resolved"),
    [
        (None, "2026-02-06", False),
        (None, "2026-02-07", False),  # the day is not over
        (None, "2026-02-08", True),
        ("2026-02-06", "2026-03-05", False),  # the label table was kept up to the day before
        ("2026-02-07", "2026-03-05", True),
    ],
)
def test_a_day_that_is_not_over_is_not_resolved(ledger, study, as_of, now, resolved):
    registered(ledger, study, ["2026-02-07"])
    done = resolve(ledger, studies=(study,), as_of=as_of, now=on(now))
    assert len(done.added) == resolved
    assert why(done) == ({} if resolved else {"2026-02-07": "not over"})


def test_a_window_that_nobody_watched_is_resolved_neither_way(ledger, tmp_path):
    # Nobody looked from 29 to 31 January. Talks on the 30th are known all the same; yet were they
    # taken, silence would have to be taken as well.
    study = write_study(tmp_path / "study", talks=[*talk_rows(), talk("T9", 25)])
    registered(ledger, study, ["2026-01-28", "2026-01-29", "2026-02-02"], as_of="2026-01-26")
    done = resolve(ledger, studies=(study,), now=LATER)
    assert outcomes(done) == {"2026-01-28": True}
    assert why(done) == {"2026-01-29": "not covered", "2026-02-02": "not covered"}
    words = TOML.replace("[talks_rule]", '[talks_rule]\ncoverage = ["dense", "none"]')
    study = write_study(tmp_path / "all", toml=words, talks=[*talk_rows(), talk("T9", 25)])
    registered(ledger, study, ["2026-01-29", "2026-02-02"], as_of="2026-01-27", number=1)
    done = resolve(ledger, studies=(study,), now=LATER)
    assert outcomes(done) == {"2026-01-29": False, "2026-02-02": True}


def test_the_rule_is_the_registered_one_whatever_the_study_says_by_now(ledger, study, tmp_path):
    registered(ledger, study, ["2026-02-12"])
    toml = TOML.replace('headline = "any"', 'headline = "direct"')
    toml = toml.replace('labels = ["talks", "back_channel"]', 'labels = ["deal"]')
    other = write_study(tmp_path / "other", toml=toml)
    done = resolve(ledger, studies=(other,), now=LATER)
    assert done.added[2].outcomes == {"any": True, "direct": False} and done.added[2].outcome
    assert not done.added[2].same_past


def test_a_table_that_says_otherwise_later_is_a_conflict_until_corrected(ledger, study, tmp_path):
    registered(ledger, study, ["2026-02-12"])
    resolve(ledger, studies=(study,), now=LATER)
    gone = write_study(tmp_path / "gone", talks=[r for r in talk_rows() if r[0] != "T3"])
    before = ledger.read_bytes()
    done = resolve(ledger, studies=(gone,), now=LATER)
    ((outcome, line),) = done.differing
    assert line == 2 and outcome.outcome is False and done.added == {}
    assert ledger.read_bytes() == before
    done = resolve(ledger, studies=(gone,), now=LATER, correct=True)
    assert done.added[3].corrects == 2 and done.differing == ()
    read = read_ledger(ledger)
    assert read.corrected == 1
    assert read.resolutions[1, "talks", None, dt.date(2026, 2, 12)][1].outcome is False
    assert ledger.read_bytes().startswith(before)
    assert resolve(ledger, studies=(gone,), now=LATER).already == 1


def test_whoever_resolves_second_adds_no_line_twice(ledger, study, monkeypatch):
    registered(ledger, study, ["2026-02-07", "2026-02-12"])
    look_up = ledger_resolve._look_up

    def slower(*arguments):
        monkeypatch.undo()
        resolve(ledger, studies=(study,), now=LATER)  # another process, just before the lock
        return look_up(*arguments)

    monkeypatch.setattr(ledger_resolve, "_look_up", slower)

    done = resolve(ledger, studies=(study,), now=LATER)
    assert done.added == {} and done.already == 2
    assert verify(ledger).lines == 3


def test_what_finds_nothing_new_takes_no_lock_and_studies_are_read_before_it(
    ledger, study, monkeypatch
):
    registered(ledger, study, ["2026-02-07"])
    seen = []
    for name in ("writing", "read_study"):
        kept = getattr(ledger_resolve, name)
        monkeypatch.setattr(
            ledger_resolve, name, lambda *a, name=name, kept=kept: (seen.append(name), kept(*a))[1]
        )
    early = resolve(ledger, studies=(study,), now=on("2026-02-05"))
    assert early.added == {} and early.head == verify(ledger).head and "writing" not in seen
    assert len(resolve(ledger, studies=(study,), now=LATER).added) == 1
    assert seen.count("writing") == 1 and seen[-1] == "writing"


@pytest.fixture
def acting_study(tmp_path):
    return write_actions(tmp_path / "study")


def registered_actions(ledger, study, origin, *targets):
    """Register a forecast of targets (name, last day, rule)."""
    spec = load_study(study).spec
    rules = {name: getattr(spec, name).model_dump(mode="json") for name in ACTION_RULES}
    made = [a_target(name, by, rule=rule) for name, by, rule in targets]
    return registered(ledger, study, (), as_of=origin, action_rules=rules, targets=made)


def result(done):
    """Outcome and first day by target and rule."""
    return {(r.target, r.rule): (r.outcome, str(r.first)) for r in done.added.values()}


def test_actions_are_looked_up_in_their_window(ledger, acting_study):
    # The truce is breached on 10 February, prolonged by one side on the 13th, broken on the 24th.
    registered_actions(
        ledger, acting_study, "2026-02-09", ("breach", "2026-02-12", None),
        ("collapse", "2026-02-20", None), ("extension", "2026-02-14", "any"),
        ("extension", "2026-02-14", "mutual"), ("war", "2026-02-12", None),
        ("no_crossing", "2026-02-14", None), ("talks", "2026-02-12", None),
    )  # fmt: skip
    done = resolve(ledger, studies=(acting_study,), now=LATER)
    assert result(done) == {
        ("breach", None): (True, "2026-02-10"),
        ("collapse", None): (False, "None"),
        ("extension", "any"): (True, "2026-02-13"),
        ("extension", "mutual"): (False, "None"),
        ("war", None): (False, "None"),
        ("no_crossing", None): (True, "None"),
        ("talks", None): (False, "None"),  # T3 was held two days before
    }
    assert not done.unresolved
    again = resolve(ledger, studies=(acting_study,), now=LATER)
    assert (again.added, again.already) == ({}, 7)


def test_a_line_that_is_crossed_is_an_outcome_of_no(ledger, acting_study):
    registered_actions(ledger, acting_study, "2026-01-15", ("no_crossing", "2026-01-21", None))
    found = result(resolve(ledger, studies=(acting_study,), now=LATER))
    assert found == {("no_crossing", None): (False, "2026-01-19")}


def test_in_advance_goes_by_the_origin_where_the_window_begins():
    # Told on Friday with a week that ended on Sunday: five days of the window are over.
    result = a_forecast(origin="2026-02-01", as_of="2026-02-06", at="2026-02-06T08:00:00Z")
    assert timing(result, result.targets[0]) == "during"
    result = a_forecast(origin="2026-02-01", as_of="2026-02-01", at="2026-02-02T08:00:00Z")
    assert timing(result, result.targets[0]) == "ahead"


def test_a_folder_that_nobody_kept_is_no_silence(ledger, study):
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
    targets = [a_target(by=str(day)) for day in (kept, after)]
    register(ledger, a_forecast(targets=targets), now=on("2026-01-31", 20))
    done = resolve(ledger, studies=(study,), now=LATER)
    assert [r.by for r in done.added.values()] == [kept]
    assert [(t.by, why) for _, t, why in done.unresolved] == [(after, "not over")]
    # Whoever kept it longer says so.
    done = resolve(ledger, studies=(study,), as_of="2026-03-01", now=LATER)
    assert [r.by for r in done.added.values()] == [after]


TODAY = dt.date(2026, 3, 5)
EXACT = {"rel": 0, "abs": 1e-10}


def resolution(forecast, by, outcome, direct=False):
    return Resolution(
        at=on("2026-03-05"), forecast=forecast, forecast_line_sha256="3" * 64, target="talks",
        by=dt.date.fromisoformat(by), outcome=outcome, outcomes={"any": outcome, "direct": direct},
        first=None, rows=(), as_of=dt.date(2026, 3, 1), study_sha256="4" * 64, same_past=True,
        beliefs_version="0.1.0",
    )  # fmt: skip


def ledger_with(*lines):
    """A ledger of these records."""
    data = sealed(*(said.model_dump(mode="json") for said in lines))
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
    lines = [resolution(k + 1, "2026-02-07", k > 0) for k in range(3)]
    found = score(ledger_with(*forecasts, *lines), today=TODAY)
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
    row = row_of(score(ledger_with(one, *lines), today=TODAY))
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
        found = score(ledger_with(one, resolution(1, "2026-02-07", outcome)), today=TODAY)
        assert {r["registered"] for r in found["classes"]} == {when}
        assert row_of(found, registered=when)["n"] == 1
