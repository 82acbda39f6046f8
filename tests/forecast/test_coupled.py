"""Acts, truces and beliefs simulated together follow the mechanisms that they are made of."""

import numpy as np
import pytest

from beliefs import build_inputs, load_study
from beliefs.inference.posterior import stacked_params
from beliefs.model.structure import columns, structure_of
from beliefs.model.theory import declared, free_parameters, load_theory, null_values
from beliefs.simulation.future import future_columns
from beliefs.simulation.interventions import effects_of
from beliefs.simulation.paths import Draws, future_dates, run_coupled
from beliefs.simulation.state import Streams, spell_at
from beliefs.study.tables.codebook import CONFLICT_PHASES

MANY = 8_000


@pytest.fixture(scope="module")
def truce():
    """The study on the fifth day of the truce of 2026."""
    study = load_study("us-iran-2026", as_of="2026-04-12")
    return study, build_inputs(study)


def one_truth(truce, theory, horizon=1, belief=None, seed=1, **values):
    """Many futures of one set of parameters: null but for `values`."""
    study, inputs = truce
    structure, chosen = structure_of(inputs), load_theory(theory)
    index = np.full((MANY, horizon), int(inputs.active.sum()) - 1)
    past = columns(inputs)
    cols, surprise = future_columns(inputs, structure, past, index, resample_shocks=False)
    params = stacked_params(chosen, structure, {}) | null_values(chosen, structure, "actions")
    for p in free_parameters(chosen, structure):
        params[p.name] = np.full(structure.size(p.dims), p.null)
    for name, (_, p) in declared(structure, "actions").items():
        params.setdefault(name, np.full(structure.size(p.dims), p.null))
    for name, value in values.items():
        params[name] = np.broadcast_to(np.asarray(value, float), params[name].shape)
    cols["innovation"] = np.zeros((1, 2, horizon))
    zero = np.zeros((MANY, 2))
    draws = Draws(chosen, {})
    if chosen.beliefs:
        at = zero if belief is None else belief
        draws = Draws(chosen, {}, at[..., None], zero, np.zeros((MANY, 1)))
    effects = effects_of((), study, inputs, future_dates(inputs, horizon))
    return run_coupled(
        study, inputs, draws, structure, params,
        [(slice(0, horizon), cols, surprise)], horizon, effects, Streams(seed, MANY),
    )  # fmt: skip


def near(found, wanted):
    """Whether a share of many futures is what it should be, within four standard errors."""
    error = np.sqrt(max(wanted * (1.0 - wanted), 1e-6) / MANY)
    return abs(float(np.mean(found)) - wanted) < 4.0 * error


def test_the_first_day_has_the_probabilities_that_the_mechanisms_give_it(truce):
    run = one_truth(
        truce, "base_rate", strike_base=np.log(0.7), breach_base=np.log(0.9),
        collapse_base=np.log(0.5), resolve_base=np.log(0.8), deal_base=np.log(0.6),
        signature_cost=0.4,
    )  # fmt: skip
    day = {k: v[..., 0] for k, v in run.events.items()}

    def hit(weekly):
        return 1.0 - np.exp(-weekly / 7.0)

    assert near(day["breach"], hit(0.9))
    assert near(day["ended"] == 5, hit(0.5))
    assert near(np.isin(day["ended"], (2, 3, 4)), (1.0 - hit(0.5)) * hit(0.8))
    assert near(day["deal"], hit(0.6))  # though windows may end in deals as well
    signed = day["signed"][day["deal"]]
    assert abs(signed.mean() - 1 / (1 + np.exp(0.4))) < 4 * 0.5 / np.sqrt(len(signed))
    # A breach for which no act was drawn adds one.
    drawn = day["strikes"].sum(axis=1) - day["added"]
    assert abs(drawn.mean() - 1.4) < 4 * np.sqrt(1.4 / MANY)
    assert (day["strikes"].sum(axis=1)[day["breach"]] > 0).all()


def test_a_window_that_passes_its_deadline_lapses_on_that_day_and_on_no_other(truce):
    run = one_truth(
        truce, "base_rate", horizon=14, collapse_base=-40.0, resolve_base=-40.0, deal_base=-40.0
    )
    left = int(spell_at(*truce).left)
    assert (run.events["ended"][:, left] == 1).all()
    assert (np.delete(run.events["ended"], left, axis=1) == 0).all()


def test_acts_read_the_beliefs_of_the_day_before_and_only_where_a_theory_says_so(truce):
    for effect in (1.5, 0.0):
        high, low = (
            one_truth(
                truce, "mutual_optimism", belief=np.full((MANY, 2), at), strike_base=0.0,
                breach_base=-40.0, certainty_widening=effect,
            ).events["strikes"][..., 0].sum(axis=1)
            for at in (2.0, -2.0)
        )  # fmt: skip
        spread = np.tanh(1.0)  # logistic(2) - logistic(-2)
        assert high.mean() / low.mean() == pytest.approx(np.exp(effect * spread), rel=0.05)
    np.testing.assert_array_equal(high, low)


def test_acts_are_news_that_moves_beliefs_on_the_same_day(truce):
    """Where nothing else moves beliefs, they move where acts were made, and only there."""
    still = one_truth(truce, "mutual_optimism", strike_base=0.0, retention=1.0)
    moved = one_truth(truce, "mutual_optimism", strike_base=0.0, retention=1.0, weight_own=0.5)
    assert np.ptp(still.logit_belief) == 0.0
    acts = still.events["strikes"][..., 0]
    np.testing.assert_array_equal(acts, moved.events["strikes"][..., 0])
    change = moved.logit_belief[..., 0] - still.logit_belief[..., 0]
    busy = acts.sum(axis=1) >= 3
    assert change[busy].std() > 0.0
    assert np.ptp(change[acts.sum(axis=1) == 0], axis=0).max() < 1e-12


def test_from_a_truce_some_futures_reach_open_war_and_read_their_news_by_its_weights(truce):
    _, inputs = truce
    structure, war = structure_of(inputs), inputs.regime_kinds.index("war")
    terms = [structure.terms[k] for k in structure.own]
    only = np.array([0.5 * (term.regimes == (war,)) for term in terms])
    assert only.any()
    run = one_truth(
        truce, "mutual_optimism", horizon=21, retention=1.0, weight_own=only,
        collapse_base=np.log(0.3), resolve_base=-40.0, deal_base=-40.0, phase_up=-40.0,
    )  # fmt: skip
    at_war = run.events["conflict_phase"] == CONFLICT_PHASES.index("open_war")
    assert 0.3 < at_war[:, -1].mean() < 0.9
    moved = np.diff(run.logit_belief, axis=-1, prepend=0.0)
    assert (moved[~at_war[:, None] & np.ones((1, 2, 1), bool)] == 0.0).all()
    # In war beliefs move by these weights alone: the news of the day that futures repeat.
    news = inputs.surprise[:, inputs.active][:, -1] * inputs.seen[:, inputs.active][:, -1]
    for side in (0, 1):
        mine = [(w, t) for w, t in zip(only, terms, strict=True) if t.side == side]
        pull = sum(w * t.direction * news[t.indicator] for w, t in mine) * structure.step_weeks**0.5
        np.testing.assert_allclose(moved[:, side][at_war], pull, atol=1e-6)


@pytest.mark.parametrize(
    ("day", "age", "own", "left"),
    [
        ("2026-03-15", 0, 0, np.inf), ("2026-04-12", 6, 6, 9), ("2026-04-24", 18, 4, np.inf),
        ("2026-06-30", 85, 14, 46),
    ],
)  # fmt: skip
def test_the_truce_at_the_origin_has_its_age_and_its_deadline(day, age, own, left):
    study = load_study("us-iran-2026", as_of=day)
    found = spell_at(study, build_inputs(study))
    assert (found.on, found.age, found.own_age, found.left) == (age > 0, age, own, left)


@pytest.mark.parametrize(
    "theory", ["base_rate", "status_quo", "managed_deescalation", "commitment"]
)
def test_every_theory_is_simulated_and_its_events_agree_with_one_another(result, theory):
    events = result(theory).paths.events
    assert (events["signed"] <= events["deal"]).all()
    assert (events["deal"] >= (events["ended"] == 4)).all()
    collapsed = events["ended"] == 5
    assert (events["conflict_phase"][collapsed] == 0).all() and collapsed.any()
    acts = events["strikes"].sum(axis=1)
    assert (acts[events["breach"]] > 0).all() and events["breach"].any()
    assert np.isfinite(result(theory).paths.events["strikes"]).all()
