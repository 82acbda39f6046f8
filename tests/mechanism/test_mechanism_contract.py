"""What every mechanism promises (contract C3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from action_design import agree, computed, graph, outputs, prior_draws
from scipy.special import logit

from beliefs import build_inputs, load_study
from beliefs.inference.nuts.recentre import innovations
from beliefs.model.mechanisms import evidence, shocks
from beliefs.model.mechanisms.bargaining import cost
from beliefs.model.mechanisms.domestic import projection
from beliefs.model.mechanisms.evidence import weights
from beliefs.model.mechanisms.readings import spread
from beliefs.model.mechanisms.talks import log_odds
from beliefs.model.structure import columns, structure_of
from beliefs.model.system import Start
from beliefs.model.theory import declared, mechanisms


@dataclass(frozen=True)
class Case:
    """A study as the equations see it, and draws of every parameter from its prior."""

    structure: Any
    columns: dict[str, np.ndarray]
    declared: dict[str, Any]
    draws: dict[str, np.ndarray]
    z: np.ndarray
    xi: np.ndarray

    def guided(self, xp, params, z, xi):
        """Parameters with level and innovations by the sampler's coordinates, and these."""
        prior = self.declared["belief_mean"].prior
        found = innovations(xp, params, self.columns, self.structure, z, xi, prior)
        names = ("belief_mean", "innovation", "path", "log_change")
        given = dict(zip(names, found, strict=True))
        return params | {name: given[name] for name in names[:2]}, given

    def params(self, number):
        """One draw of every parameter."""
        return {name: values[number] for name, values in self.draws.items()}


@pytest.fixture(scope="module")
def case(rich_folder):
    inputs = build_inputs(load_study(rich_folder))
    structure = structure_of(inputs)
    rng = np.random.default_rng(20)
    known = {name: parameter for name, (_, parameter) in declared(structure).items()}
    draws = prior_draws(known.values(), structure, 20, rng)
    z, xi = rng.normal(size=(20, 2)), rng.normal(size=(20, 2, structure.n_time))
    cols = columns(inputs)
    # Parts of actions that a small study lacks and beliefs or talks answer to.
    for name in ("hinge", "mediator_old", "spell_age", "power_shift", "proxy_attack", "heavy",
                 "talks_before"):  # fmt: skip
        cols[name] = rng.uniform(0.0, 1.0, cols[name].shape)
    return Case(structure, cols, known, draws, z, xi)


# Parameter -> (what acts only through it, the outputs it acts on, what must be null as well).
# What acts may be a column, or another parameter.
ACTS_THROUGH = {
    "weight_own": ("evidence own", "logit_belief", ("shared",)),
    "weight_other": ("evidence other", "logit_belief", ("shared",)),
    "stalemate": ("quiet", "logit_belief", ("tactical_reset",)),
    "endurance": ("pressure", "logit_belief", ()), "misread": ("rival_resolve", "logit_belief", ()),
    "rival_persistence": ("rival_persists", "logit_belief", ()),
    "log_volatility": ("innovation", "logit_belief", ()),
    "innovation": ("log_volatility", "logit_belief", ()),
    "shock_jump": ("shock", "logit_belief", ()), "turnover_reset": ("turnover", "logit_belief", ()),
    "shock_hazard": ("aftermath", "onset", ("escalation_cost",)),
    "private_bias": ("cell_private", "log_reading", ()),
    "audience_memory": ("hardline", "audience", ()), "heat_loss": ("truce", "audience", ()),
    "audience_effect": ("hardline", "surplus", ()), "log_cost": ("cost", "surplus", ()),
    "cost_slope": ("cost", "surplus", ()), "sequencing_gap": ("waiver", "surplus", ()),
    "waiver_cut": ("waiver", "surplus", ()), "surplus_effect": ("cost", "onset", ()),
    "mediator_effect": ("mediator", "onset", ()), "announced_effect": ("announced", "onset", ()),
    "projection_level": ("cell_public", "log_reading", ("projection",)),
    "tactical_reset": ("truce", "logit_belief", ()),
    "escalation_cost": ("aftermath", "surplus", ()), "economic_hinge": ("hinge", "onset", ()),
    "convex_cost": ("heavy", "surplus", ()), "mediator_late": ("mediator_old", "onset", ()),
    "deadlock_shape": ("spell_age", "onset", ()), "shift_talks": ("power_shift", "onset", ()),
    "proxy_credibility": ("proxy_attack", "onset", ()),
    "history": ("talks_before", "onset", ()),
    "ageing": ("conflict_age", "onset", ("first_week",)),
    "first_week": ("conflict_age", "onset", ("ageing",)),
}  # fmt: skip
# These have no column of their own; tests below prove what their null value does.
PROVED_BELOW = {
    "belief_mean", "initial", "retention", "log_discount", "projection", "talk_payoff",
    "process_share", "onset_base", "continuation_base", "log_reading_step", "shared", "crack_rule",
    "base_surplus", "kept_base",
}  # fmt: skip


def null(case, params, *names):
    """The draws with some parameters at their null values."""
    return params | {n: np.full_like(params[n], case.declared[n].null) for n in names}


def shaken(case, params, what):
    """Columns and parameters with one of them changed everywhere."""
    rng = np.random.default_rng(8)
    columns = dict(case.columns)
    if what in params:
        return columns, params | {what: params[what] + rng.uniform(0.1, 0.9, params[what].shape)}
    name, _, terms = what.partition(" ")
    rows = getattr(case.structure, terms) if terms else slice(None)
    changed = columns[name].astype(float).copy()
    changed[rows] += rng.uniform(0.1, 0.9, changed[rows].shape)
    return columns | {name: changed}, params


def test_every_parameter_has_a_test_of_its_null_value(case):
    assert set(case.declared) == set(ACTS_THROUGH) | PROVED_BELOW


@pytest.mark.parametrize("name", sorted(ACTS_THROUGH))
def test_at_its_null_value_a_parameter_lets_nothing_through(case, name):
    what, output, also = ACTS_THROUGH[name]
    params = case.params(0)
    live = outputs(case, params)[output]
    columns, others = shaken(case, params, what)
    assert not np.array_equal(outputs(case, others, columns)[output], live)  # it does act

    off = outputs(case, null(case, params, name, *also))[output]
    silent = outputs(case, null(case, others, name, *also), columns)[output]
    np.testing.assert_array_equal(silent, off)


def test_a_null_retention_forgets_nothing(case):
    start = Start(np.array([0.3, -0.2]), np.zeros(2))
    params = null(case, case.params(0), "retention", "turnover_reset")
    other = params | {"belief_mean": params["belief_mean"] + 1.0}
    paths = [outputs(case, p, start=start)["logit_belief"] for p in (params, other)]
    np.testing.assert_array_equal(*paths)
    forgetful = {"retention": np.array([0.9, 0.9])}
    paths = [outputs(case, p | forgetful, start=start)["logit_belief"] for p in (params, other)]
    assert not np.array_equal(*paths)


def test_a_null_discount_reads_bad_news_like_good(case):
    params = null(case, case.params(0), "log_discount", "rival_persistence")
    news = evidence.news(np, params, case.columns, case.structure)
    assert (news < 0).any() and (news > 0).any()
    np.testing.assert_array_equal(evidence.push(np, params, case.columns, case.structure), news)


def test_a_null_projection_adds_the_same_at_every_belief(case):
    params, side = case.params(0), np.zeros(3, dtype=int)
    low, high = np.full(3, -2.0), np.full(3, 2.0)
    off = null(case, params, "projection")
    np.testing.assert_array_equal(projection(np, off, low, side), projection(np, off, high, side))
    assert (projection(np, params, low, side) > projection(np, params, high, side)).all()


def test_a_null_payoff_leaves_costs_and_optimism_alone(case):
    switches = "talk_payoff", "audience_effect", "sequencing_gap"
    params = null(case, case.params(0), *switches)
    found = outputs(case, params)
    p = 0.5 * (1.0 + np.tanh(0.5 * found["logit_belief"]))
    costs = cost(np, params, case.columns, case.structure)
    np.testing.assert_array_equal(found["surplus"], costs[0] + costs[1] - (p[0] + p[1] - 1.0))
    paid = outputs(case, params | {"talk_payoff": np.array(0.125)})["surplus"]
    np.testing.assert_allclose(paid - found["surplus"], 0.125, rtol=1e-12)


def test_a_null_process_share_leaves_the_sincere_hazard(case):
    later = (
        "mediator_late", "announced_effect", "deadlock_shape", "crack_rule", "shift_talks",
        "proxy_credibility", "history", "ageing", "first_week", "base_surplus",
    )  # fmt: skip
    params = null(case, case.params(0), "process_share", *later)
    found = outputs(case, params)
    logit = (
        params["onset_base"]
        + params["mediator_effect"][0] * case.columns["mediator"]
        + shocks.shift(np, params, case.columns, case.structure)
        + params["surplus_effect"][0] * (10.0 * found["surplus"])
    )
    np.testing.assert_array_equal(found["onset"], 0.5 * (1.0 + np.tanh(0.5 * logit)))
    mixed = outputs(case, params | {"process_share": np.array(0.5)})["onset"]
    assert not np.array_equal(mixed, found["onset"])


def test_a_set_date_takes_the_place_of_the_chance_that_talks_start_or_go_on(case):
    params, columns = (
        case.params(0),
        case.columns | {"scheduled": np.ones_like(case.columns["talks"])},
    )
    off = case.columns | {"scheduled": np.zeros_like(case.columns["talks"])}
    given = [
        params | {"kept_base": np.asarray(x), "process_share": np.array(0.0)} for x in (1.0, 1.5)
    ]
    one, other = (logit(outputs(case, p, columns)["onset"]) for p in given)
    np.testing.assert_allclose(other - one, 0.5)
    free = logit(outputs(case, given[0], off)["onset"])
    np.testing.assert_allclose(one - free, 1.0 - params["onset_base"])


def test_a_null_common_scorecard_leaves_each_side_its_own(case):
    structure = case.structure
    params = null(case, case.params(0), "shared")
    own = weights(np, params, structure)
    np.testing.assert_array_equal(own[structure.own], params["weight_own"])
    np.testing.assert_array_equal(own[structure.other], params["weight_other"])
    common = weights(np, params | {"shared": np.array(1.0)}, structure)
    entries = [(term.indicator, term.regimes) for term in structure.terms]
    both = [e for e in set(entries) if entries.count(e) == 2]
    assert both
    for entry in both:
        mine = [k for k, e in enumerate(entries) if e == entry]
        assert {structure.terms[k].side for k in mine} == {0, 1}
        np.testing.assert_allclose(common[mine], own[mine].mean(), rtol=1e-14)


def test_a_null_crack_rule_leaves_the_surplus_alone(case):
    params = null(case, case.params(0), "crack_rule", "process_share")
    off, on = (outputs(case, params | {"crack_rule": np.array(v)}) for v in (0.0, 0.75))
    p = 0.5 * (1.0 + np.tanh(0.5 * off["logit_belief"])).min(axis=0)
    for name in ("onset", "continuation"):
        shift = np.log(on[name] / (1 - on[name])) - np.log(off[name] / (1 - off[name]))
        np.testing.assert_allclose(shift, -4 * 0.75 * (p - 0.5), atol=1e-9)
    # Exactly nothing at its null value, whatever the beliefs are.
    idle, effect, surplus, lower = np.random.default_rng(1).normal(size=(4, 50))
    np.testing.assert_array_equal(
        log_odds(idle, effect, surplus, 0.0, lower), idle + effect * (10.0 * surplus)
    )


def test_with_every_belief_parameter_null_talks_see_only_talks_and_their_dates(case):
    rng = np.random.default_rng(3)
    mine = {"onset_base", "continuation_base"}
    params = null(case, case.params(0), *(set(case.declared) - mine))
    found = outputs(case, params)
    columns = {
        name: values
        if name.startswith(("talks", "cell_", "scheduled"))
        else values + rng.uniform(0.1, 0.9, values.shape)
        for name, values in case.columns.items()
    }
    other = outputs(case, params, columns)
    assert (found["logit_belief"] == 0).all() and (found["surplus"] == 0).all()
    for name in ("logit_belief", "surplus", "onset", "continuation", "log_talks"):
        np.testing.assert_array_equal(found[name], other[name], err_msg=name)
    none = null(case, params, *mine)
    coin = outputs(case, none)
    assert (coin["onset"] == 0.5).all() and (coin["continuation"] == 0.5).all()
    assert spread(np, none, case.structure).tolist() == [1.0, 2.0, 3.0]


def test_numpy_and_pytensor_agree_and_gradients_are_finite(case):
    import pytensor.tensor as pt

    symbols = {
        name: pt.tensor(name, dtype="float64", shape=case.structure.size(p.dims))
        for name, p in case.declared.items()
        if name not in ("belief_mean", "innovation")
    }
    noise = {"z": pt.dvector("z"), "xi": pt.dmatrix("xi")}
    params, given = case.guided(pt, symbols, **noise)
    found = given | computed(pt, params, case.columns, case.structure)
    total = found["log_talks"].sum() + found["log_reading"].sum() + found["log_change"]
    symbolic = graph(symbols | noise, found, total, "fast_compile")
    moved = set()
    for number in range(20):
        drawn, noise = case.params(number), {"z": case.z[number], "xi": case.xi[number]}
        params, expected = case.guided(np, drawn, **noise)
        found, slopes = symbolic(drawn | noise)
        moved |= agree(found, expected | outputs(case, params), slopes, number)
    # Every parameter but level and innovation, which z and xi stand for, moves the density; no
    # round is set for a day.
    assert {*case.declared, "z", "xi"} - moved == {"belief_mean", "innovation", "kept_base"}


def test_a_stack_of_draws_gives_what_each_draw_gives(case):
    stacked = {n: v[:6].reshape(3, 2, *v.shape[1:]) for n, v in case.draws.items()}
    together = outputs(case, stacked)
    z, xi = (v[:6].reshape(3, 2, *v.shape[1:]) for v in (case.z, case.xi))
    _, change = case.guided(np, stacked, z, xi)
    for number in range(6):
        place = divmod(number, 2)
        for name, values in outputs(case, case.params(number)).items():
            np.testing.assert_allclose(
                together[name][place], values, rtol=1e-12, atol=1e-12, err_msg=name
            )
        _, alone = case.guided(np, case.params(number), case.z[number], case.xi[number])
        for name, one in alone.items():
            np.testing.assert_allclose(change[name][place], one, rtol=1e-11, atol=1e-11)


def test_parameters_say_what_they_are(case):
    every = mechanisms(None).values()
    known = declared(case.structure, None)
    assert len(known) == sum(len(module.PARAMETERS) for module in every)  # names are unique
    for name, (_, parameter) in known.items():
        words = parameter.unit, parameter.source, parameter.meaning
        assert all(len(word.strip()) >= 3 for word in words), name
        assert np.isfinite(parameter.prior.median()), name
        assert set(parameter.dims) <= {*case.structure.coords, "time"}, name
        assert not np.isnan(parameter.null), name
