"""Outcomes are looked up by the rule that was registered, and only where somebody looked."""

import datetime as dt

import pytest
from ledgers import a_forecast, a_target, on
from make_study import TOML, talk, talk_rows, write_study

from beliefs.records.ledger import resolve as ledger_resolve
from beliefs.records.ledger.register import read_ledger, register, verify
from beliefs.records.ledger.resolve import resolve
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
    done = resolve(ledger, studies=(study,), as_of="2026-02-11", now=LATER, correct=True)
    assert done.added[3].corrects == 2 and done.added[3].first == dt.date(2026, 2, 7)


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
    assert (
        read.resolutions[1, "talks", None, dt.date(2026, 2, 12)][1].outcome is False
        and read.corrected == 1
    )
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
