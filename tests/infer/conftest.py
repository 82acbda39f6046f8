import pytest
from toy import TOY

from beliefs import load_study, load_theory


@pytest.fixture(scope="module")
def theory():
    return load_theory("mutual_optimism")


@pytest.fixture(scope="module")
def study(rich_folder):
    return load_study(rich_folder)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "toy.toml"
    path.write_text(TOY, encoding="utf-8")
    return load_theory(path)
