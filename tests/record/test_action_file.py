"""Draws of actions in a run folder: kept to the bit, and guarded against change."""

import json
import shutil
from dataclasses import replace

import h5py
import pytest

from beliefs.cli.app import main
from beliefs.errors import StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.action_draws import action_draws
from beliefs.inference.posterior import ActionDraws
from beliefs.records.run import ACTIONS, load_run, save_run


@pytest.fixture(scope="module")
def acting(unsampled):
    """Two weeks ahead of `unsampled`, actions learnt by few particles."""
    posterior = replace(unsampled, actions=ActionDraws())
    action_draws(posterior, "posterior", particles=100)
    return forecast(posterior, 14, seed=5)


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
        load_run(copy)
    (copy / ACTIONS).write_bytes(b"nothing")
    with pytest.raises(StudyError, match=ACTIONS):
        load_run(copy)
