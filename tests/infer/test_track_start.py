"""A posterior that was sampled goes on as a track."""

from dataclasses import replace

import numpy as np
import pytest
from toy import TOY

from beliefs import ConflictError, build_inputs, load_study
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.track import advance, first_change, from_posterior, track, track_from
from beliefs.inference.smc.unconstrained import FURTHEST
from beliefs.model.theory import free_parameters, load_theory

DAY, END = "2026-02-13", "2026-03-01"


@pytest.fixture(scope="module")
def taken(rich_folder, theory):
    """Draws of the filter's own posterior, as a sampler would hand them over, taken over."""
    early = track(load_study(rich_folder, as_of=DAY), theory, particles=200, seed=4)
    return from_posterior(early.at(DAY, draws=300), 200, seed=9)


def test_scores_of_parameters_give_these_parameters_again(rich_folder, theory):
    model = Model.of(build_inputs(load_study(rich_folder)), theory)
    scores = 2.5 * np.random.default_rng(1).normal(size=(300, model.coordinates.size))
    assert np.abs(scores).max() > 8.0  # past the table of quantiles too
    priors = {p.name: p.prior for p in free_parameters(theory, model.structure)}
    back = model.coordinates.scores(model.coordinates.params(scores), priors)
    # Eight spreads out, a share may be 1 to the last bit: it then lies on its bound.
    on_bound = (np.abs(back) == FURTHEST) & (np.abs(scores) > 8.0) & (back * scores > 0.0)
    assert on_bound.mean() < 0.001
    near = np.abs(scores) < 6.5  # further out a share near 1 has few bits left
    np.testing.assert_allclose(back[near], scores[near], atol=1e-5)
    np.testing.assert_allclose(back[~on_bound & ~near], scores[~on_bound & ~near], atol=1e-2)


def test_gone_on_with_it_agrees_with_the_filter_that_was_there_from_the_start(rich_folder, toy):
    # Few free parameters: with many, two filters of a test's size differ by chance alone.
    early, late = (load_study(rich_folder, as_of=day) for day in (DAY, END))
    begun = track(early, toy, particles=2000, seed=4)
    whole = advance(begun, late)
    found = advance(from_posterior(begun.at(DAY, draws=3000), 2000, seed=9), late)
    assert found.n_time == whole.n_time == 56 and len(found.generation) == 17
    for side in (0, 1):
        means, sds = [], []
        for t in (found, whole):
            weights, mean, var = t.weights(-1), t.mean[-1][:, side], t.cov[-1][:, 2 * side]
            means.append(weights @ mean)
            sds.append(np.sqrt(weights @ (mean**2 + var) - means[-1] ** 2))
        assert abs(means[0] - means[1]) < 0.06 * sds[1]
        assert abs(sds[0] / sds[1] - 1) < 0.06
    for of in (0, 1, 2, 3):  # scores, whose prior has standard deviation 1
        means = [t.weights(-1) @ t.scores()[:, of] for t in (found, whole)]
        assert abs(means[0] - means[1]) < 0.1
    assert abs(found.log_evidence[-1] - whole.evidence[40:].sum()) < 0.1


def test_day_by_day_or_at_once_it_gives_the_same_bits(taken, rich_folder):
    at_once = advance(taken, load_study(rich_folder, as_of=END))
    found = taken
    for day in ("2026-02-14", "2026-02-20", END):
        found = advance(found, load_study(rich_folder, as_of=day))
        found = track_from(found.to_tree(), found.study, found.theory)
    for name in ("log_weights", "mean", "cov", "evidence", "predictive"):
        np.testing.assert_array_equal(getattr(found, name), getattr(at_once, name), err_msg=name)
    back = track_from(found.to_tree(), found.study, found.theory)
    assert back.taken == 40
    np.testing.assert_array_equal(back.mean, found.mean)


def test_it_goes_back_to_a_change_after_the_posterior_and_no_further(taken, rich_folder):
    study = load_study(rich_folder, as_of=END)
    inputs = build_inputs(study)
    found = advance(taken, study)

    def revised(period):
        talks = inputs.talks.copy()
        talks[period] = 1 - talks[period]
        return replace(inputs, talks=talks)

    again = advance(found, study, inputs=revised(45))
    np.testing.assert_array_equal(again.mean[:6], found.mean[:6])
    assert again.evidence[6] != found.evidence[6]
    for period in (39, 20, 0):
        with pytest.raises(ConflictError, match="cannot go back") as caught:
            advance(found, study, inputs=revised(period))
        assert str(inputs.dates[period]) in caught.value.where and caught.value.fix


def test_the_first_change_is_found_wherever_it_is(rich_folder, theory):
    inputs = build_inputs(load_study(rich_folder))
    old = Model.of(inputs, theory)
    n = len(inputs.dates)
    assert first_change(old, old, n) == n
    last = np.argwhere(~np.isnan(inputs.reading))[-1]
    for value in (9.0, np.nan):
        reading = inputs.reading.copy()
        reading[tuple(last)] = value
        new = Model.of(replace(inputs, reading=reading), theory)
        assert first_change(old, new, n) == first_change(new, old, n) == last[2]
    for name in ("surprise", "quiet", "persist", "mediator", "talks", "hardline"):
        values = getattr(inputs, name).copy()
        values[..., 31] += 1
        new = Model.of(replace(inputs, **{name: values}), theory)
        assert first_change(old, new, n) == 31, name


@pytest.mark.parametrize("weighed", [False, True])
def test_a_track_goes_back_to_actions_that_beliefs_weigh_and_to_no_others(acting, weighed):
    theory, inputs = load_theory("mutual_optimism"), build_inputs(acting)
    heavy = inputs.observed.heavy.copy()
    heavy[:, 5:] += 1.0  # a heavy blow in period 5
    more = inputs.having(replace(inputs.observed, heavy=heavy))
    theory = replace(theory, null=()) if weighed else theory
    old, new = (Model.of(i, theory) for i in (inputs, more))
    assert inputs.observed.heavy.any()
    assert first_change(old, new, 40) == (5 if weighed else 40)


@pytest.mark.slow
def test_a_fit_gone_on_with_agrees_with_a_fit_of_all_rows(rich_folder, tmp_path):
    from beliefs import Sampling, fit

    # Few free parameters: with many, no sampler settles on so small a study.
    file = tmp_path / "toy.toml"
    file.write_text(TOY.replace('"initial", ', ""), encoding="utf-8")
    toy, how = load_theory(file), Sampling(draws=1000, tune=500, chains=4, cores=2, attempts=1)
    early, late = (
        fit(load_study(rich_folder, as_of=day), toy, seed=3, sampling=how) for day in (DAY, END)
    )
    assert early.report.passed and late.report.passed
    found = advance(from_posterior(early, 2000, seed=3), load_study(rich_folder, as_of=END))
    mine, theirs = (p.tree["posterior"] for p in (found.at(END), late))
    for name in ("belief_mean", "log_volatility", "logit_belief"):
        one, other = (np.asarray(t[name].values, dtype=float) for t in (mine, theirs))
        if name == "logit_belief":
            one, other = one[..., -1], other[..., -1]
        sd = other.std(axis=(0, 1))
        assert (np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))) < 0.15 * sd).all(), name
        assert (np.abs(one.std(axis=(0, 1)) / sd - 1.0) < 0.15).all(), name
