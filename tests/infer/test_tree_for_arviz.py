"""A posterior's tree is one that ArviZ takes, and that comes back from another process."""

import pickle

import arviz as az
import matplotlib
import numpy as np
import pytest

from beliefs.forecasting.forecast import forecast
from beliefs.inference.smc.track import track

matplotlib.use("Agg")
NAMES = ["rival_persistence", "onset_base"]


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
