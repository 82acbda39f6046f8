"""Every way of breaking a study that we know of ends in a message that helps.

`messages.md` is the golden file of all messages, to be read by people in a review. After a change
that is meant, write it anew with

    .venv/bin/python tests/errors/test_broken_studies.py
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[depth]) for depth in (0, 2)]
    sys.path.insert(0, str(Path(__file__).parents[1] / "study"))

from broken import Case
from broken_cases import ACTIONS, FILES, SETTINGS, TABLES
from make_study import write_study

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.study.load import load_study

KINDS = (FILES, SETTINGS, TABLES, ACTIONS)
CASES = [case for cases in KINDS for case in cases]
GOLDEN = Path(__file__).with_name("messages.md")
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def broken_study(case: Case, folder: Path) -> Path:
    """A small valid study with the one thing wrong."""
    study = write_study(folder / "small")
    case.mutate(study)
    return study


def error_of(case: Case, folder: Path) -> StudyError:
    """The error of loading it."""
    study = broken_study(case, folder)
    with pytest.raises(StudyError) as caught:
        build_inputs(load_study(study))
    return caught.value


def golden_text(messages: dict[str, str]) -> str:
    """The golden file: one section for each case."""
    parts = [
        "# What `beliefs` says about broken studies",
        "One section for each case of `tests/errors`. Written by `python "
        "tests/errors/test_broken_studies.py`; do not edit by hand.",
    ]
    for name, message in messages.items():
        parts += [f"## {name}", f"```text\n{message}\n```"]
    return "\n\n".join(parts) + "\n"


@every_case
def test_a_broken_study_is_refused_as_reviewed(case, tmp_path):
    error = error_of(case, tmp_path)
    assert error.exit_code == 2
    assert all((error.what, error.where, error.found, error.expected, error.fix)), str(error)
    # A file that is there is named with a line in it.
    assert re.match(r"[\w.]+:[1-9]\d*( |$)", error.where) or case in FILES, error.where
    message = str(error).replace(str(tmp_path), "")
    assert f"## {case.name}\n\n```text\n{message}\n```\n" in GOLDEN.read_text(encoding="utf-8")


def test_the_golden_file_holds_these_cases_and_no_others():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    headings = re.findall(r"^## (.*)$", GOLDEN.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == names


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


if __name__ == "__main__":
    found = {}
    for each in CASES:
        with tempfile.TemporaryDirectory() as place:
            found[each.name] = str(error_of(each, Path(place))).replace(place, "")
    GOLDEN.write_text(golden_text(found), encoding="utf-8")
    print(f"{len(found)} messages written to {GOLDEN}")
