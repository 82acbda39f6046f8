"""Errors advise options on the command line, and arguments in Python."""

import pytest

from beliefs.errors import GateError
from beliefs.forecasting.forecast import forecast


def test_from_python_a_failed_gate_advises_arguments_and_names_track(rich_folder):
    from posteriors import small_posterior

    with pytest.raises(GateError) as caught:
        forecast(small_posterior(rich_folder, size=(2, 50)), 7, seed=1)
    said, shown = str(caught.value), caught.value.render()
    assert "--" not in said and "allow_failed" in said and "beliefs.track" in said
    assert "--allow-failed" in shown and "`beliefs track`" in shown


def test_commands_and_what_was_found_stay_as_they_are():
    error = GateError("no", found="--x-y", mend="write it with `beliefs verdicts --json`, or --x-y")
    assert str(error).endswith("write it with `beliefs verdicts --json`, or x_y")
    assert "found:    --x-y" in str(error) and error.render().endswith("or --x-y")
