"""The studies that notebooks make of panels are those that are bundled."""

from pathlib import Path

import pytest

import beliefs

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.mark.parametrize("name", ["08_first_world_war", "09_falklands"])
def test_a_bundled_study_is_what_its_notebook_makes_of_the_panel(name: str) -> None:
    code = (NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8").split("# %%\n")[1]
    found: dict[str, beliefs.Study] = {}
    exec(code.partition("tracked =")[0], found)
    study = found["study"]
    assert study.sha256 == beliefs.load_study(study.name).sha256
