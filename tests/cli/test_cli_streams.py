"""Standard streams that are closed, that nobody reads, or that find no room."""

import subprocess
import sys
from pathlib import Path

import pytest

BELIEFS = Path(sys.executable).with_name("beliefs")


def shell(script, *arguments):
    """Run a script in which $0 is the command; return exit code, output and error output."""
    done = subprocess.run(
        ["bash", "-c", script, str(BELIEFS), *arguments], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("studies", 0),
        pytest.param("check no-such-study", 2, marks=pytest.mark.slow),
        pytest.param("theories --show M1", 0, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(arguments, code, closed):
    got, _, err = shell(f'"$0" {arguments} {closed}')
    assert got == code and "Traceback" not in err


def test_what_is_written_into_files_does_not_get_the_messages(tmp_path):
    # The first file that is opened would get the number of a stream that was left closed.
    assert shell('"$0" new-study "$1" >&- 2>&-', str(tmp_path / "mine"))[0] == 0
    assert shell('"$0" check "$1"', str(tmp_path / "mine"))[0] == 0


def test_a_reader_who_has_seen_enough_changes_no_exit_code():
    # Longer than what a pipe holds back for its reader.
    script = '"$0" theories --show M1 2>&1 | true; exit ${PIPESTATUS[0]}'
    assert shell(script) == (0, "", "")
    assert shell('"$0" check no-such-study 2>&1 | true; exit ${PIPESTATUS[0]}')[0] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_output_that_finds_no_room_is_said():
    for command in ("studies", "theories --show M1"):
        code, _, err = shell(f'"$0" {command} > /dev/full')
        assert code == 2 and err.count("error:") == 1 and "standard output" in err
    assert shell('"$0" check no-such-study 2> /dev/full')[0] == 2
