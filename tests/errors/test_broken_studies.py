"""Every way of breaking a study that we know of ends in an error that says where, and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken import Case
from broken_cases import ACTIONS, FILES, SETTINGS, TABLES
from make_study import write_study

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.study.load import load_study

KINDS = (FILES, SETTINGS, TABLES, ACTIONS)
CASES = [case for cases in KINDS for case in cases]


def broken_study(case: Case, folder: Path) -> Path:
    """A small valid study with the one thing wrong."""
    study = write_study(folder / "small")
    case.mutate(study)
    return study


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_study_is_refused_with_place_and_fix(case, tmp_path):
    with pytest.raises(StudyError) as caught:
        build_inputs(load_study(broken_study(case, tmp_path)))
    error = caught.value
    assert error.exit_code == 2
    assert all((error.what, error.found, error.expected, error.fix)), str(error)
    assert error.where == (case.where or str(tmp_path / "small"))


@pytest.mark.parametrize("case", [c for cases in KINDS for c in cases[-1:]], ids=lambda c: c.name)
def test_the_command_line_exits_with_2_and_without_a_traceback(case, tmp_path, capsys):
    from beliefs.cli.app import main

    study = broken_study(case, tmp_path)
    try:
        code = main(["check", str(study)])
    except SystemExit as stop:
        code = stop.code
    shown = capsys.readouterr()
    assert code == 2
    assert "Traceback" not in shown.out + shown.err
    for part in ("where:", "found:", "expected:", "fix:"):
        assert part in shown.out + shown.err
