"""What is observed: study folders, as-of tables, surprises, labels, bundled studies.

Names are imported on first use, so that listing the studies needs no pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beliefs.study.bundled import data_folder, list_studies
    from beliefs.study.calendar import Grid, period_grid
    from beliefs.study.inputs import CostTerm, Inputs, Shock, Term, build_inputs
    from beliefs.study.load import Study, load_study
    from beliefs.study.spec import StudySpec
    from beliefs.study.template import new_study

_HOMES = {
    "CostTerm": "inputs",
    "Grid": "calendar",
    "Inputs": "inputs",
    "Shock": "inputs",
    "Study": "load",
    "StudySpec": "spec",
    "Term": "inputs",
    "build_inputs": "inputs",
    "data_folder": "bundled",
    "list_studies": "bundled",
    "load_study": "load",
    "new_study": "template",
    "period_grid": "calendar",
}

__all__ = [
    "CostTerm",
    "Grid",
    "Inputs",
    "Shock",
    "Study",
    "StudySpec",
    "Term",
    "build_inputs",
    "data_folder",
    "list_studies",
    "load_study",
    "new_study",
    "period_grid",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
