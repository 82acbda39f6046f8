"""The structure of a small study that has everything."""

import pytest

from beliefs.features.inputs import build_inputs
from beliefs.model.structure import structure_of
from beliefs.study.load import load_study


@pytest.fixture(scope="session")
def structure(rich_folder):
    return structure_of(build_inputs(load_study(rich_folder)))
