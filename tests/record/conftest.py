import pytest

from beliefs import load_study, load_theory, save_run, track


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger.jsonl"


@pytest.fixture(scope="session")
def tracked():
    """Track a study to a day, by default without beliefs, which takes a moment."""

    def made(
        folder, day, theory="base_rate", particles=900
    ):  # the convergence check asks for 400 effective
        study = load_study(folder, as_of=day)
        return track(study, load_theory(theory), particles=particles, seed=4)

    return made


@pytest.fixture(scope="session")
def run(rich_folder, tracked, tmp_path_factory):
    """The run folder of a track to the middle of the study."""
    return save_run(tmp_path_factory.mktemp("tracks") / "run", tracked(rich_folder, "2026-02-13"))


@pytest.fixture(scope="session")
def state():
    """Give the content of all files of a folder."""
    return lambda folder: {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
