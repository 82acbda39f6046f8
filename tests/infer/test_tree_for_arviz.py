"""A posterior's tree is one that ArviZ takes."""

import arviz as az
import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
NAMES = ["rival_persistence", "onset_base"]


@pytest.mark.parametrize(
    "name",
    ["summary", "ess", "rhat", "psense", "psense_summary", "plot_trace_dist", "plot_forest",
     "plot_rank", "plot_psense_dist", "plot_psense_quantities"],
)  # fmt: skip
def test_arviz_takes_the_tree(unsampled, name):
    assert getattr(az, name)(unsampled.tree, var_names=NAMES) is not None


def test_arviz_takes_what_was_predicted(unsampled):
    assert np.isfinite(az.loo(unsampled.tree, var_name="talks").elpd)
    assert az.plot_ppc_dist(unsampled.tree) is not None
