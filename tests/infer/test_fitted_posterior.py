"""What `fit` returns: one tree that ArviZ takes, a gate, and no second compilation."""

import io

import matplotlib
import numpy as np
import pytest

from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.model import compile_count
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.theory import load_theory
from beliefs.records.files import content_hash
from beliefs.study.load import load_study

pytestmark = pytest.mark.xdist_group("fit")
matplotlib.use("Agg")

GROUPS = {
    "posterior", "prior", "posterior_predictive", "prior_predictive", "log_likelihood",
    "log_prior", "observed_data", "constant_data", "sample_stats",
}  # fmt: skip
QUICK = Sampling(draws=50, tune=100, chains=2, cores=2, attempts=1)


def refit(folder, *, seed=11, as_of=None, cores=2):
    settings = Sampling(draws=50, tune=100, chains=2, cores=cores, attempts=1)
    study = load_study(folder, as_of=as_of)
    return fit(study, load_theory("mutual_optimism"), seed=seed, sampling=settings)


@pytest.fixture(scope="module")
def again(fitted, rich_folder):
    """The model of `fitted`, sampled a second time."""
    return refit(rich_folder)


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


def test_prior_and_posterior_have_the_same_variables_and_are_not_the_same(fitted):
    prior, posterior = (fitted.tree[g].to_dataset() for g in ("prior", "posterior"))
    assert set(prior.data_vars) == set(posterior.data_vars)
    assert prior.sizes["draw"] == posterior.sizes["chain"] * posterior.sizes["draw"]
    scale = "log_reading_step"  # 60 readings say how noisy the first channel is
    assert posterior[scale][..., 0].std() < 0.8 * prior[scale][..., 0].std()


def test_arviz_summarises_compares_and_scales_the_tree(fitted):
    import arviz as az

    table = az.summary(fitted.tree, var_names=["psi", "weight_own"])
    assert len(table) == 2 + 4 and "r_hat" in table
    loo = az.loo(fitted.tree, var_name="talks")
    assert loo.n_data_points == fitted.tree["observed_data"]["talks"].size
    assert loo.elpd < 0
    scaled = az.psense_summary(
        fitted.tree, var_names=["belief_mean"], likelihood_var_names=["talks"]
    )
    assert len(scaled) == 2


@pytest.mark.parametrize("plot", ["plot_trace", "plot_forest"])
def test_arviz_draws_the_tree(fitted, plot):
    import arviz as az
    import matplotlib.pyplot as plt

    getattr(az, plot)(fitted.tree, var_names=["psi"], backend="matplotlib")
    page = io.BytesIO()
    plt.savefig(page, format="png")
    plt.close("all")
    assert page.getbuffer().nbytes > 5000


def test_another_as_of_date_and_another_seed_need_no_second_compilation(fitted, rich_folder):
    before = compile_count()
    assert before >= 1
    early = refit(rich_folder, seed=2, as_of="2026-02-04")
    assert compile_count() == before
    assert early.tree["posterior"].sizes["time"] == 31
    assert early.origin == np.datetime64("2026-02-04")


def test_another_prior_needs_another_compilation(fitted):
    from dataclasses import replace

    from beliefs.inference.nuts.model import _Key  # compares, and compiles nothing
    from beliefs.model.structure import columns

    cols, theory = columns(fitted.inputs), load_theory("mutual_optimism")
    changed = replace(theory, priors={"psi": {"dist": "HalfNormal", "sigma": 0.2}})
    assert _Key(theory, fitted.structure, cols) == _Key(theory, fitted.structure, {})
    assert _Key(theory, fitted.structure, cols) != _Key(changed, fitted.structure, cols)


def test_one_seed_gives_one_posterior(again, rich_folder):
    assert content_hash(refit(rich_folder, cores=1).tree) == content_hash(again.tree)


def test_another_seed_gives_another_posterior(again, rich_folder):
    other = refit(rich_folder, seed=12)
    assert content_hash(other.tree) != content_hash(again.tree)
    assert not np.array_equal(other.tree["posterior"]["psi"], again.tree["posterior"]["psi"])


def test_the_gate_names_what_failed(fitted):
    assert not fitted.report.passed
    assert any("ESS" in sentence for sentence in fitted.report.failures)
    assert fitted.report.ess < 400
    assert {row["name"] for row in fitted.report.table} == set(fitted.tree["posterior"].data_vars)
