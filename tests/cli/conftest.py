import pytest

from beliefs.cli.app import main


@pytest.fixture
def call(capsys):
    """Run the command line; return exit code, output and error output."""

    def run(*arguments):
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run
