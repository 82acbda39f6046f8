"""Errors advise options on the command line, and arguments in Python."""

import pytest

from beliefs.errors import ConvergenceError
from beliefs.forecasting.forecast import forecast


def test_from_python_a_failed_convergence_check_advises_arguments_and_names_track(rich_folder):
    from posteriors import small_posterior

    with pytest.raises(ConvergenceError) as caught:
        forecast(small_posterior(rich_folder, size=(2, 50)), 7, seed=1)
    said, shown = str(caught.value), caught.value.render()
    assert "--" not in said and "allow_failed" in said and "beliefs.track" in said
    assert "--allow-failed" in shown and "`beliefs track`" in shown
