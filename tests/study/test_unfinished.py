"""Days after the last whole week: left out and said, and talks held on them are known."""

import datetime as dt
import json

import jsonschema
import pytest
from make_study import TOML, talk_rows, write_study
from posteriors import FAILED, small_posterior

from beliefs import build_inputs, forecast, load_study, probability
from beliefs.features.talks import left_out
from beliefs.forecasting.summary import Document, horizon_days, summarise

WEDNESDAY = "2026-02-18"  # the week before it ends on Sunday the 15th


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A weekly study without and with talks on Tuesday of the unfinished week."""
    root, weekly = tmp_path_factory.mktemp("weekly"), TOML.replace('step = "day"', 'step = "week"')
    row = ("T9", "2026-02-17", "", "2026-02-17", "direct", "talks", 1, "Harbour", "high", "")
    rows = [r for r in talk_rows() if dt.date.fromisoformat(str(r[3])) < dt.date(2026, 2, 9)]
    quiet = write_study(root / "quiet", toml=weekly, talks=rows)
    return quiet, write_study(root / "talking", toml=weekly, talks=[*rows, row])


@pytest.fixture(scope="module")
def futures(folders):
    posteriors = [
        small_posterior(folder, size=(4, 100), as_of=WEDNESDAY, report=FAILED) for folder in folders
    ]
    return [forecast(posterior, 5, seed=1, allow_failed=True) for posterior in posteriors]


def test_what_no_whole_week_holds_is_counted(folders):
    assert left_out(load_study(folders[1], as_of="2026-02-15")) is None
    found = left_out(load_study(folders[1], as_of=WEDNESDAY))
    assert (found.first, found.last) == (dt.date(2026, 2, 16), dt.date(2026, 2, 18))
    assert found.days == 3 and found.rows["talks"] == 1
    assert found.talks == (dt.date(2026, 2, 17),)
    assert left_out(load_study(folders[0], as_of=WEDNESDAY)).talks == ()


def test_talks_that_are_known_have_happened_and_so_for_the_base_rate(futures):
    quiet, talking = futures
    by = horizon_days(quiet)[0]
    unknown, known = (probability(f, "talks", by=by) for f in (quiet, talking))
    assert 0 < unknown.p < 1 and unknown.at_origin == 0
    assert (known.p, known.at_origin, known.base_rate) == (1, 1, 1)
    assert "2026-02-17" in known.base_rate_source and not known.prior_dominated
    crack = [probability(f, "crack", side="north", by=by) for f in (quiet, talking)]
    assert crack[0].p == crack[1].p


def test_talks_of_an_earlier_week_that_come_out_now_are_not_held_now(folders, tmp_path):
    secret = ("T8", "2026-02-03", "", "2026-02-17", "direct", "talks", 1, "Harbour", "high", "")
    weekly = TOML.replace('step = "day"', 'step = "week"')
    study = load_study(write_study(tmp_path, toml=weekly, talks=[secret]), as_of=WEDNESDAY)
    assert build_inputs(study).talks.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]
    found = left_out(study)
    assert found.talks == () and "talks" not in found.rows


def test_windows_are_counted_from_the_day_that_was_asked_on(futures):
    found = [(day - dt.date.fromisoformat(WEDNESDAY)).days for day in horizon_days(futures[0])]
    assert found == [4, 25, 32]  # whole weeks that are over within 7 and 30 days, and the horizon


@pytest.mark.parametrize("talks", [0, 1])
def test_the_document_and_check_say_so(folders, futures, talks, call):
    document = summarise(futures[talks])
    jsonschema.Draft202012Validator(Document.model_json_schema()).validate(document)
    days = document["left_out"]
    assert (days["from"], days["to"]) == ("2026-02-16", WEDNESDAY)
    assert days["talks"] == ["2026-02-17"] * talks
    code, said, _ = call("check", folders[talks], "--as-of", WEDNESDAY, "--json")
    assert code == 0 and json.loads(said)["left_out"] == days
    said = call("check", folders[talks], "--as-of", WEDNESDAY)[1]
    assert "16 February 2026" in said and ("17 February 2026" in said) == bool(talks)
