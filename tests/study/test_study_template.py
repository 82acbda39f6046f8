import pytest

from beliefs.errors import ConflictError, StudyError
from beliefs.features.inputs import build_inputs
from beliefs.study.load import load_study
from beliefs.study.template import new_study


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
    assert seen.truce_seen.any() and seen.window_kind.max() == 3 and seen.deal.sum() == 1
    assert seen.concession.sum() == 1


def test_the_study_is_named_after_its_folder(tmp_path):
    assert load_study(new_study(tmp_path / "My Study_1")).name == "my-study-1"
    assert load_study(new_study(tmp_path / "日本")).name == "my-study"


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path):
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"keep\.txt"):
        new_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]


def test_an_empty_folder_is_filled(tmp_path):
    assert (new_study(tmp_path) / "study.toml").is_file()


def test_a_file_in_the_way_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot be made"):
        new_study(tmp_path / "file")


def test_a_table_with_a_header_alone_is_remarked_on(tmp_path):
    folder = new_study(tmp_path / "mine")
    assert load_study(folder).remarks == ()
    for name in ("indicators", "talks"):
        file = folder / f"{name}.csv"
        file.write_text(file.read_text().splitlines()[0] + "\n")
        assert f"{name}.csv has no rows" in load_study(folder).remarks
