"""The command answers at once, and copes with streams that are closed, unread, or without room."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import begun, command, ended

BELIEFS = Path(sys.executable).with_name("beliefs")
LONG = ("theories", "--show", "M1")


def shell(script, *arguments):
    """Run a script in which $0 is the command; return exit code and error output."""
    done = subprocess.run(
        ["bash", "-c", script, str(BELIEFS), *arguments], capture_output=True, text=True
    )
    return done.returncode, done.stderr


def unread(*arguments):
    """Run a command whose reader has gone away."""
    reader, writer = os.pipe()
    os.close(reader)
    for number in (1, 2):
        os.dup2(writer, number)
    command(*arguments)


def full(number, *arguments):
    """Run a command one of whose outputs finds no room."""
    os.dup2(os.open("/dev/full", os.O_WRONLY), number)
    command(*arguments)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--version", 0),
        pytest.param("check no-such-study", 2, marks=pytest.mark.slow),
        pytest.param("theories --show M1", 0, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(arguments, code, closed):
    got, err = shell(f'"$0" {arguments} {closed}')
    assert got == code and "Traceback" not in err


def test_what_is_written_into_files_does_not_get_the_messages(call, tmp_path):
    # The first file that is opened would get the number of a stream that was left closed.
    assert shell('"$0" new-study "$1" >&- 2>&-', str(tmp_path / "mine"))[0] == 0
    assert call("check", tmp_path / "mine")[0] == 0


def test_a_reader_who_has_seen_enough_changes_no_exit_code():
    assert ended(*begun(unread, *LONG))[0] == 0
    assert ended(*begun(unread, "check", "no-such-study"))[0] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_output_that_finds_no_room_is_said():
    for arguments in (("studies",), LONG):
        code, err = ended(*begun(full, 1, *arguments))
        assert code == 2 and err.count("error:") == 1 and "standard output" in err
    assert ended(*begun(full, 2, "check", "no-such-study"))[0] == 2


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
