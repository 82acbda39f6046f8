import pytest
from make_study import write_study


@pytest.fixture
def folder(tmp_path):
    """A small valid study."""
    return write_study(tmp_path / "small")
