"""What `fit` returns: one tree that ArviZ takes, a convergence check, and no second compilation."""

import pickle
from dataclasses import replace

import arviz as az
import matplotlib
import numpy as np
import pytest

from beliefs import Sampling, build_inputs, fit, forecast, load_study, track
from beliefs.inference.nuts import model
from beliefs.records.files import content_hash

matplotlib.use("Agg")

GROUPS = {
    "posterior", "prior", "posterior_predictive", "prior_predictive", "log_likelihood",
    "log_prior", "observed_data", "constant_data", "sample_stats",
}  # fmt: skip
NAMES = ["rival_persistence", "onset_base"]


@pytest.fixture(scope="module")
def refit(rich_folder, toy):
    """Fit a theory of few mechanisms, which compiles soonest."""

    def ask(seed=11, as_of=None, cores=2, inputs=None):
        settings = Sampling(draws=50, tune=100, chains=2, cores=cores, attempts=1)
        study = load_study(rich_folder, as_of=as_of)
        return fit(study, toy, seed=seed, sampling=settings, inputs=inputs)

    return ask


@pytest.fixture(scope="module")
def fitted(refit):
    return refit()


def test_the_tree_has_every_group_with_named_dimensions_and_dates(fitted):
    assert set(fitted.tree.children) == GROUPS
    posterior = fitted.tree["posterior"].to_dataset()
    assert posterior["logit_belief"].dims == ("chain", "draw", "side", "time")
    assert posterior["side"].values.tolist() == ["north", "south"]
    assert posterior["time"].values[0] == np.datetime64("2026-01-05")
    assert posterior["surplus"].dims == ("chain", "draw", "time")
    assert "innovation" not in posterior and "xi" not in posterior
    for group in GROUPS - {"observed_data", "constant_data", "sample_stats"}:
        for name, values in fitted.tree[group].data_vars.items():
            assert np.isfinite(np.asarray(values.values, dtype=float)).all(), (group, name)


def test_another_as_of_date_and_another_seed_need_no_second_compilation(fitted, refit):
    before = len(model._compiled)
    assert before >= 1
    early = refit(seed=2, as_of="2026-02-04")
    assert len(model._compiled) == before
    assert early.tree["posterior"].sizes["time"] == 31
    assert early.origin == np.datetime64("2026-02-04")


def test_a_study_may_have_no_reading_yet(refit, rich_folder):
    inputs = build_inputs(load_study(rich_folder))
    silent = replace(inputs, reading=np.full_like(inputs.reading, np.nan))
    assert "reading" not in refit(inputs=silent).tree["posterior_predictive"]


def test_one_seed_gives_one_posterior(fitted, refit):
    assert content_hash(refit(cores=1).tree) == content_hash(fitted.tree)


@pytest.mark.parametrize(
    "name",
    ["summary", "ess", "rhat", "psense", "psense_summary", "plot_trace_dist", "plot_forest",
     "plot_rank", *(pytest.param(f"plot_psense_{what}", marks=pytest.mark.slow)
                    for what in ("dist", "quantities"))],
)  # fmt: skip
def test_arviz_takes_the_tree(unsampled, name):
    assert getattr(az, name)(unsampled.tree, var_names=NAMES) is not None


def test_arviz_takes_what_was_predicted(unsampled):
    assert np.isfinite(az.loo(unsampled.tree, var_name="talks").elpd)
    assert az.plot_ppc_dist(unsampled.tree) is not None


def test_a_posterior_and_a_track_come_back_from_another_process(unsampled):
    again = pickle.loads(pickle.dumps(unsampled))
    assert again.tree.identical(unsampled.tree)
    how = {"seed": 1, "actions": False, "baselines": False}
    one, two = (forecast(p, 7, **how).paths for p in (unsampled, again))
    np.testing.assert_array_equal(one.talks, two.talks)
    np.testing.assert_array_equal(one.logit_belief, two.logit_belief)
    found = track(unsampled.study, unsampled.theory, particles=100, seed=1)
    back = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(back.mean, found.mean)
    assert back.at(back.ends[-1], draws=50).tree.identical(found.at(found.ends[-1], draws=50).tree)
