"""The command line answers at once: heavy libraries load when they are needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BELIEFS = Path(sys.executable).with_name("beliefs")
LIMIT = 0.5


def spent(command):
    """Processor seconds of a run: wall time would measure the other tests too."""
    before = sum(os.times()[2:4])
    subprocess.run(command, check=True, capture_output=True)
    return sum(os.times()[2:4]) - before


@pytest.mark.parametrize(
    "command", [[str(BELIEFS), "--help"], [sys.executable, "-c", "import beliefs"]]
)
def test_it_starts_in_half_a_second(command):
    assert any(spent(command) < LIMIT for _ in range(5))
