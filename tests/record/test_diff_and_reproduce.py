"""What moved between two runs sums up, and a run says whether it can be had again."""

import datetime as dt
import json

import numpy as np
import pytest
import xarray as xr
from posteriors import FAILED, small_posterior

from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.theory import load_theory
from beliefs.records.compare_runs import diff_runs, monte_carlo_distance, reproduce
from beliefs.records.run import save_run
from beliefs.study.load import load_study


def test_rows_published_between_two_origins_are_counted(rich_folder, tmp_path):
    late = small_posterior(rich_folder, "base_rate", size=(2, 50), report=FAILED)
    before = str(late.study.as_of - dt.timedelta(days=9))
    early = small_posterior(rich_folder, "base_rate", size=(2, 50), as_of=before, report=FAILED)
    found = diff_runs(save_run(tmp_path / "early", early), save_run(tmp_path / "late", late))
    for table in ("indicators", "events"):
        gained = len(getattr(late.study, table)) - len(getattr(early.study, table))
        assert gained > 0
        assert found["rows"][table]["added"] - found["rows"][table]["removed"] == gained
    json.dumps(found, allow_nan=False)


def test_two_samples_of_one_distribution_are_near_and_a_shifted_one_is_far():
    rng = np.random.default_rng(1)

    def tree(shift):
        values = rng.normal(size=(4, 500, 30)) + shift
        return xr.DataTree.from_dict(
            {"posterior": xr.Dataset({"x": (("chain", "draw", "k"), values)})}
        )

    plain = tree(0.0)
    distance, limit, worst = monte_carlo_distance(plain, tree(0.0))
    assert 0 < distance < limit and worst == "x"
    assert monte_carlo_distance(plain, tree(0.3))[0] > limit
    assert monte_carlo_distance(plain, plain)[0] == 0


@pytest.mark.slow
def test_a_fit_made_again_has_the_same_bits(rich_folder, tmp_path):
    settings = {"draws": 60, "tune": 150, "chains": 2, "cores": 2, "attempts": 1}
    posterior = fit(
        load_study(rich_folder),
        load_theory("mutual_optimism"),
        seed=3,
        sampling=Sampling(**settings),
    )
    result = forecast(posterior, 20, seed=4, allow_failed=True)
    out = save_run(
        tmp_path / "run", posterior, forecast=result, summary=summarise(result), settings=settings
    )
    found = reproduce(out)
    assert found.verdict == "bit-identical"
    assert found.posterior_identical and found.forecast_identical
