import gc
import hashlib
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# For posteriors, make_study, action_design and others that tests import.
sys.path[:0] = [str(HERE), str(HERE / "study"), str(HERE / "mechanism")]

# What is imported stays: to look through it again and again finds no garbage.
gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish():
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def read_once():
    """Read a netCDF file of the same bytes once: each of its many variables takes a while."""
    from beliefs.records import files

    read, known = files.read_tree, {}

    def read_tree(file, expected):
        if not Path(file).is_file():
            return read(file, expected)
        key = hashlib.sha256(Path(file).read_bytes()).digest(), expected
        if key not in known:
            known[key] = read(file, expected)
        while len(known) > 12:
            known.pop(next(iter(known)))
        return known[key].copy(deep=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "read_tree", read_tree)
        yield


@pytest.fixture
def call(capsys):
    """Run the command line; return exit code, output and error output."""
    from beliefs.cli.app import main

    def run(*arguments):
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


@pytest.fixture(scope="session")
def rich_folder(tmp_path_factory):
    """A study with a part of every kind."""
    from posteriors import rich_study

    return rich_study(tmp_path_factory.mktemp("rich") / "small")


@pytest.fixture(scope="session")
def acting(tmp_path_factory):
    """A study with acts, a truce, deals and talks."""
    from make_actions import write_actions

    from beliefs.study.load import load_study

    return load_study(write_actions(tmp_path_factory.mktemp("acting") / "small"))


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
    from beliefs import save_run, summarise

    out = tmp_path_factory.mktemp("runs") / "one"
    return save_run(out, unsampled, forecast=futures, summary=summarise(futures), settings={})
