import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for make_study and prefix


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small valid study."""
    from make_study import write_study

    return write_study(tmp_path / "small")
