import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# For posteriors, make_study, action_design and others that tests import.
sys.path[:0] = [str(HERE), str(HERE / "study"), str(HERE / "mechanism")]

# The one sampled posterior of the fast tests.
SAMPLER = {"draws": 60, "tune": 150, "chains": 2, "cores": 2, "attempts": 1}


@pytest.fixture(scope="session")
def rich_folder(tmp_path_factory):
    """A study with a part of every kind."""
    from posteriors import rich_study

    return rich_study(tmp_path_factory.mktemp("rich") / "small")


@pytest.fixture(scope="session")
def fitted(rich_folder):
    """A really sampled posterior with too few draws for its convergence check."""
    from beliefs.inference.nuts.fit import fit
    from beliefs.inference.nuts.sampling import Sampling
    from beliefs.model.theory import load_theory
    from beliefs.study.load import load_study

    theory = load_theory("mutual_optimism")
    return fit(load_study(rich_folder), theory, seed=11, sampling=Sampling(**SAMPLER))


@pytest.fixture(scope="session")
def unsampled(rich_folder):
    """A posterior of prior draws that passes its convergence check."""
    from posteriors import small_posterior

    return small_posterior(rich_folder)


@pytest.fixture(scope="session")
def futures(unsampled):
    """Five weeks ahead of `unsampled`, beliefs and talks alone."""
    from beliefs.forecasting.forecast import forecast

    return forecast(unsampled, 35, seed=5, actions=False)


@pytest.fixture(scope="session")
def run_folder(unsampled, futures, tmp_path_factory):
    """A run folder as `beliefs run` leaves it, without its report."""
    from beliefs.forecasting.summary import summarise
    from beliefs.records.run import save_run

    out = tmp_path_factory.mktemp("runs") / "one"
    return save_run(out, unsampled, forecast=futures, summary=summarise(futures), settings={})
