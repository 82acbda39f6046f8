import subprocess
import sys

import pytest

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.study.bundled import data_folder, find_study, list_studies
from beliefs.study.load import load_study


def test_the_bundled_studies_are_listed_by_name():
    assert list_studies() == ["synthetic-duel", "us-civil-war", "us-iran-2012", "us-iran-2026"]


@pytest.mark.parametrize("name", list_studies())
def test_a_bundled_study_loads_by_its_name_and_is_called_by_it(name):
    study = load_study(name)
    assert study.name == name
    inputs = build_inputs(study)
    assert inputs.active.all()
    assert inputs.seen[sorted({term.indicator for term in inputs.terms})].any(axis=1).all()
    assert 0 < inputs.talks.sum() < len(inputs.dates)


def test_a_bundled_name_wins_over_a_folder_and_dot_slash_names_the_folder(tmp_path, monkeypatch):
    name = list_studies()[0]
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_study(name) == data_folder() / name
    assert find_study(f"./{name}") == tmp_path / name


@pytest.mark.parametrize("name", ["no-such-study", "", "a" * 5000, "a\0b", "../../nowhere"])
def test_what_is_neither_a_name_nor_a_folder_is_refused_with_the_list_of_names(name):
    with pytest.raises(StudyError) as caught:
        load_study(name)
    assert "us-iran-2026" in caught.value.mend


def test_listing_the_studies_needs_neither_pandas_nor_pydantic():
    code = (
        "import sys; from beliefs.study.bundled import list_studies; list_studies(); "
        "print(sorted({'pandas', 'pydantic', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=data_folder().parent,
    )
    assert done.stdout.strip() == "[]"
