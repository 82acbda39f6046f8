"""Targets of conduct: competing ends, conditions, yardsticks, and what cannot be asked."""

from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from beliefs.errors import ConflictError
from beliefs.evaluation.backtest.questions import questions
from beliefs.forecasting.document import Document
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.probability import probability
from beliefs.forecasting.summary import summarise
from beliefs.forecasting.targets import (
    ACTION_TARGETS,
    CAUSES,
    TARGETS,
    Target,
    cumulative_incidence,
    event_steps,
    first_passage,
)
from beliefs.reporting.tables import plain


@pytest.fixture(scope="module")
def managed(told):
    return told("managed_deescalation")


def last_day(futures, steps):
    return futures.dates[steps - 1].astype(object)


def test_the_first_end_of_a_truce_is_counted_once_and_by_its_cause(managed):
    ended = np.zeros((4, 5), dtype=np.int8)
    ended[0, 1], ended[0, 3] = CAUSES["unilateral"], CAUSES["collapse"]
    ended[1, 2] = CAUSES["collapse"]
    ended[2, 4] = CAUSES["lapse"]
    paths = replace(managed.paths, events={"ended": ended})
    found = dict(zip(CAUSES, cumulative_incidence(paths), strict=True))
    np.testing.assert_array_equal(found["unilateral"], [0, 0.25, 0.25, 0.25, 0.25])
    np.testing.assert_array_equal(found["collapse"], [0, 0, 0.25, 0.25, 0.25])
    np.testing.assert_array_equal(found["lapse"], [0, 0, 0, 0, 0.25])
    assert sum(found.values())[-1] == 0.75


def test_competing_ends_add_up_to_the_truces_that_ended(managed):
    ended = managed.paths.events["ended"]
    found = cumulative_incidence(managed.paths)
    np.testing.assert_allclose(found.sum(axis=0), (np.cumsum(ended > 0, axis=1) > 0).mean(axis=0))
    assert (np.diff(found, axis=1) >= 0).all() and found[:, -1].sum() > 0.3


@pytest.mark.parametrize("target", ACTION_TARGETS)
def test_a_target_has_the_share_of_futures_in_which_it_happened(managed, target):
    steps, events = 14, managed.paths.events
    happened = {
        "signed": events["signed"], "deal": events["deal"], "war": events["rung"] == 0,
        "breach": events["breach"], "collapse": events["ended"] == CAUSES["collapse"],
        "extension": np.isin(events["ended"], (CAUSES["unilateral"], CAUSES["mutual"])),
        "lapse": events["ended"] == CAUSES["lapse"], "terminated": events["terminated"],
        "no_crossing": events["crossing"].any(axis=1),
    }[target][:, :steps].any(axis=1)  # fmt: skip
    found = probability(managed, target, by=last_day(managed, steps))
    wanted = 1.0 - happened.mean() if target == "no_crossing" else happened.mean()
    assert found.p == pytest.approx(wanted) and 0.0 < found.mcse < 0.1
    assert found.base_rate is not None and "M0" in found.base_rate_source


def test_a_quiet_beginning_is_a_condition_on_the_same_futures(managed):
    day = last_day(managed, 14)
    found = probability(managed, "collapse", by=day, given_history=("quiet", 96))
    assert found.given == "96 hours without a breach"
    for paths, share in ((managed.paths, found.p), (managed.base_paths, found.base_rate)):
        quiet = ~paths.events["breach"][:, :4].any(axis=1)
        collapsed = (paths.events["ended"][:, :14] == CAUSES["collapse"]).any(axis=1)
        assert share == pytest.approx(collapsed[quiet].mean())


def test_beliefs_and_actions_condition_each_other(managed):
    day, given = last_day(managed, 20), {"given": ("breach", None, True)}
    found = probability(managed, "talks", by=day, **given)
    both = ((managed.paths, False, found.p), (managed.base_paths, True, found.base_rate))
    for paths, base, share in both:
        broken = event_steps(managed, "breach", base=base) <= 20
        assert share == pytest.approx(paths.talks[:, :20].any(axis=1)[broken].mean())
    breached = event_steps(managed, "breach") <= 20
    talked, dealt = managed.paths.talks[:, :20].any(axis=1), event_steps(managed, "deal") <= 20
    on = probability(managed, "breach", by=day, given=("talks", None, True))
    assert on.p == pytest.approx(breached[talked].mean())
    assert on.base_rate is None and "condition" in on.base_rate_source  # M0 knows no such
    off = probability(managed, "breach", by=day, given=("deal", None, False))
    assert off.p == pytest.approx(breached[~dealt].mean()) and off.base_rate is not None


def test_draws_of_another_posterior_are_refused(told, managed):
    other = told("mutual_optimism").conduct
    with pytest.raises(ConflictError, match="another posterior"):
        forecast(managed.posterior, 7, seed=1, actions=other, allow_failed=True)


def test_a_red_line_of_one_side_is_crossed_less_often_than_one_of_any(managed):
    day = last_day(managed, 3)
    mine, any_ = (probability(managed, "no_crossing", by=day, side=s).p for s in ("us", None))
    assert mine > any_


def test_the_document_holds_conduct_beside_its_base_rates_and_fits_its_schema(managed):
    document = summarise(managed)
    jsonschema.validate(document, Document.json_schema())
    asked = {(t["target"], t.get("rule")) for t in document["targets"]}
    conduct = [t for t in document["targets"] if t["target"] in ACTION_TARGETS]
    assert asked - {("talks", None)} > {(t, None) for t in ACTION_TARGETS if t != "extension"}
    assert asked > {("talks", None), ("extension", "any"), ("extension", "mutual")}
    assert "settlement" not in document
    assert all(t["base_rate"] is not None for t in conduct)
    by = document["endings"][0]["by"]
    assert sum(e["p"] for e in document["endings"] if e["by"] == by) <= 1.0
    text = plain(document)
    for words in ("An agreement is signed", "the truce first ends by", "No red line is crossed"):
        assert words in text
    assert "base-rate theory M0" in text and "Not modelled" not in text


def test_a_new_target_is_one_entry_of_the_registry(managed, monkeypatch):
    exchange = Target(
        "exchange", "Both sides strike on one day", "actions",
        lambda ask: first_passage((ask.paths.events["strikes"] > 0).all(axis=1), 1),
        lambda p, _: (
            (p.observed.strike_count > 0).all(axis=0),
            p.observed.strikes_seen,
            p.observed.strikes_seen,
        ),
        "strikes", "strikes_seen",
    )  # fmt: skip
    monkeypatch.setitem(TARGETS, "exchange", exchange)
    document = summarise(managed)
    (row, *_) = [t for t in document["targets"] if t["target"] == "exchange"]
    both = (managed.paths.events["strikes"] > 0).all(axis=1)
    wanted = both[:, : managed.step_of(row["by"])].any(axis=1).mean()
    assert row["p"] == pytest.approx(wanted, abs=1e-6) and row["base_rate"] is not None
    assert "Both sides strike on one day" in plain(document)
    posterior = managed.posterior
    labels = {q.name: q for q in questions(posterior.study, posterior.inputs)}
    n = int(posterior.inputs.active.sum())
    hits = (posterior.inputs.observed.strike_count[:, :n] > 0).all(axis=0)
    np.testing.assert_array_equal(labels["exchange"].hit, hits)
