"""Every way of breaking a study that we know of ends in an error that says where, and the fix."""

import pytest
from broken_cases import ACTIONS, FILES, SETTINGS, TABLES
from make_study import write_study

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.study.load import load_study

CASES = [*FILES, *SETTINGS, *TABLES, *ACTIONS]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_study_is_refused_with_place_and_fix(case, tmp_path):
    study = write_study(tmp_path / "small")
    case.mutate(study)
    with pytest.raises(StudyError) as caught:
        build_inputs(load_study(study))
    error = caught.value
    assert error.exit_code == 2
    for part in ("where: ", "found: ", "expected: ", "fix: "):
        assert part in error.render()
    assert error.where == (case.where or str(study))
