import pytest

from beliefs.errors import ConflictError, StudyError
from beliefs.features.inputs import build_inputs
from beliefs.study.bundled import data_folder, find_study, list_studies, new_study
from beliefs.study.load import load_study


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
    assert "us-iran-2026" in caught.value.fix


def test_the_template_loads_and_every_part_of_it_reaches_the_inputs(tmp_path):
    inputs = build_inputs(load_study(new_study(tmp_path / "mine")))
    assert inputs.sides == ("north", "south")
    assert inputs.seen.any(axis=1).all()
    assert set(inputs.regime) == {0, 2, 3}
    assert inputs.talks.sum() == 3
    assert inputs.shock_on.sum() == 1
    assert inputs.mediator.max() == 1
    assert inputs.quiet_seen.any() and not inputs.quiet_seen.all()
    seen = inputs.observed
    assert seen.strikes_seen.sum() == 22 and seen.strike_count.sum() == 2
    assert seen.truce_seen.any() and seen.end_kind.max() == 3 and seen.deal.sum() == 1
    assert seen.concession.sum() == 1


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path):
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"keep\.txt"):
        new_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
