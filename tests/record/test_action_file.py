"""Draws of actions in a run folder: kept to the bit, and guarded against change."""

import json
import shutil

import h5py
import pytest

from beliefs.cli.app import main
from beliefs.errors import StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.action_draws import actions_of
from beliefs.records.run import ACTIONS, actions_in, save_run


@pytest.fixture(scope="module")
def acting(unsampled):
    """Two weeks ahead of `unsampled`, actions learnt by few particles."""
    action_draws = actions_of(unsampled, seed=4, particles=100)
    return forecast(unsampled, 14, seed=5, actions=action_draws)


@pytest.fixture(scope="module")
def run(acting, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "acting"
    return save_run(out, acting.posterior, forecast=acting, summary=summarise(acting), settings={})


def test_a_run_is_forecast_again_from_them(run, capsys):
    asked = ["forecast", str(run), "--horizon", "14", "--seed", "5", "--json"]
    assert main(asked) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((run / "forecast.json").read_text())


def test_draws_that_were_changed_after_the_run_are_refused(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    with h5py.File(copy / ACTIONS, "r+") as root:
        root["posterior"]["deal_base"][0] += 1.0
    with pytest.raises(StudyError, match="actions in the run folder was changed"):
        actions_in(copy)
    (copy / ACTIONS).write_bytes(b"nothing")
    with pytest.raises(StudyError, match=ACTIONS):
        actions_in(copy)
