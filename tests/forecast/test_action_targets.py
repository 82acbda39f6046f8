"""Targets of actions: competing ends, conditions, base rates, and what cannot be asked."""

import jsonschema
import numpy as np
import pytest

from beliefs import ConflictError, forecast, load_theory, probability, summarise, track
from beliefs.forecasting.summary import Document
from beliefs.forecasting.targets import CAUSES, TARGETS, cumulative_incidence, event_steps
from beliefs.inference.action_draws import BASE
from beliefs.inference.smc.blocks import track_blocks
from beliefs.reporting.tables import plain

ACTIONS = [name for name, target in TARGETS.items() if target.kind == "actions"]


@pytest.fixture(scope="module")
def managed(result):
    return result("managed_deescalation")


def last_day(futures, steps):
    return futures.dates[steps - 1].astype(object)


def test_competing_ends_add_up_to_the_truces_that_ended(managed):
    ended = managed.paths.events["ended"]
    found = cumulative_incidence(managed.paths)
    np.testing.assert_allclose(found.sum(axis=0), (np.cumsum(ended > 0, axis=1) > 0).mean(axis=0))
    assert (np.diff(found, axis=1) >= 0).all() and found[:, -1].sum() > 0.3


@pytest.mark.parametrize("target", ACTIONS)
def test_a_target_has_the_share_of_futures_in_which_it_happened(managed, target):
    steps, events = 14, managed.paths.events
    happened = {
        "signed": events["signed"], "deal": events["deal"], "war": events["conflict_phase"] == 0,
        "breach": events["breach"], "collapse": events["ended"] == CAUSES["collapse"],
        "extension": np.isin(events["ended"], (CAUSES["unilateral"], CAUSES["mutual"])),
        "lapse": events["ended"] == CAUSES["lapse"], "terminated": events["terminated"],
        "no_crossing": events["crossing"].any(axis=1),
        "neither": events["signed"] | (events["conflict_phase"] == 0),
        "no_collapse": events["ended"] == CAUSES["collapse"],
        "cluster": events["strikes"].sum(axis=1) >= 5,
    }[target][:, :steps].any(axis=1)  # fmt: skip
    found = probability(managed, target, by=last_day(managed, steps))
    negated = target in ("no_crossing", "neither", "no_collapse")
    wanted = 1.0 - happened.mean() if negated else happened.mean()
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


def test_the_document_holds_actions_beside_its_base_rates_and_fits_its_schema(managed):
    document = summarise(managed)
    jsonschema.validate(document, Document.model_json_schema())
    asked = {(t["target"], t.get("rule")) for t in document["targets"]}
    actions = [t for t in document["targets"] if t["target"] in ACTIONS]
    unasked = {"extension", "neither", "no_collapse", "cluster"}
    assert {t for t, rule in asked if rule is None} >= {*ACTIONS} - unasked
    assert not {t for t, _ in asked} & (unasked - {"extension"})
    assert asked > {("talks", None), ("extension", "any"), ("extension", "mutual")}
    assert "settlement" not in document
    assert all(t["base_rate"] is not None for t in actions)
    by = document["endings"][0]["by"]
    assert sum(e["p"] for e in document["endings"] if e["by"] == by) <= 1.0
    text = plain(document)
    for words in ("An agreement is signed", "the truce first ends by", "No red line is crossed"):
        assert words in text
    assert "base-rate theory M0" in text and "Not modelled" not in text


HORIZON = 14


def rows_of(document):
    rows = document["targets"] + document.get("settlement", [])
    return {(r["target"], r["side"], r["by"], r.get("rule")): r for r in rows}


def test_base_rates_are_what_an_independent_run_of_the_base_rate_theory_says(acting):
    """Other particles, other random numbers: only Monte-Carlo error is between them."""
    theory = load_theory("mutual_optimism")
    believing = track(acting, theory, particles=300, seed=1).at(acting.as_of)
    alone = track(acting, load_theory(BASE), particles=600, seed=77).at(acting.as_of)
    mine, theirs = (
        rows_of(summarise(forecast(p, HORIZON, seed=s, allow_failed=True)))
        for p, s in ((believing, 5), (alone, 6))
    )
    asked = [key for key in mine if mine[key]["base_rate_source"].startswith("base-rate theory")]
    assert {key[0] for key in asked} >= {"talks", "deal", "breach", "war"}
    assert set(asked) <= set(theirs)
    for key in asked:
        base, p, n = mine[key]["base_rate"], theirs[key]["p"], 300
        error = np.hypot(theirs[key]["mcse"], np.sqrt(max(p * (1 - p), 1 / n) / n))
        assert abs(base - p) < 4.0 * error, (key, base, p)


def test_parameters_of_a_block_that_was_not_inferred_are_an_error(acting):
    found = track_blocks(acting, BASE, particles=100, seed=1, only=["strikes_A"])
    with pytest.raises(ConflictError, match="not inferred") as caught:
        found.params(10, np.random.default_rng(1))
    assert "belief" in caught.value.found and "strikes" not in caught.value.found
