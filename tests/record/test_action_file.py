"""Draws of actions in a run folder: kept to the bit, and guarded against change."""

import h5py
import numpy as np
import pytest
from posteriors import FAILED, small_posterior

from beliefs.errors import StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.inference.action_draws import action_draws
from beliefs.records.run import ACTIONS, load_run, save_run


def test_draws_that_were_changed_after_the_run_are_refused(rich_folder, tmp_path):
    few = small_posterior(rich_folder, "base_rate", size=(2, 50), report=FAILED)
    run = tmp_path / "run"
    learnt = action_draws(few, "posterior", particles=100)
    save_run(run, few, forecast=forecast(few, 7, seed=5, allow_failed=True))
    kept = load_run(run).actions.posterior
    np.testing.assert_array_equal(kept["deal_base"], learnt["deal_base"])
    with h5py.File(run / ACTIONS, "r+") as root:
        root["posterior"]["deal_base"][0] += 1.0
    with pytest.raises(StudyError, match="actions in the run folder was changed"):
        load_run(run)
    (run / ACTIONS).write_bytes(b"nothing")
    with pytest.raises(StudyError, match=ACTIONS):
        load_run(run)
