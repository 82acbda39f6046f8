"""One study, its columns, prior draws, and the whole system as one symbolic function."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for action_design


@dataclass(frozen=True)
class Case:
    """A study as the equations see it, and draws of every parameter from its prior."""

    structure: Any
    columns: dict[str, np.ndarray]
    declared: dict[str, Any]
    draws: dict[str, np.ndarray]
    xi: np.ndarray

    def params(self, number):
        """One draw of every parameter."""
        return {name: values[number] for name, values in self.draws.items()}


@pytest.fixture(scope="session")
def case(rich_folder):
    from beliefs.features.inputs import build_inputs
    from beliefs.model.structure import columns, structure_of
    from beliefs.model.theory import declared
    from beliefs.study.load import load_study

    inputs = build_inputs(load_study(rich_folder))
    structure = structure_of(inputs)
    rng = np.random.default_rng(20)
    known = {name: parameter for name, (_, parameter) in declared(structure).items()}
    draws = {
        name: np.asarray(p.prior.rvs(size=(20, *structure.size(p.dims)), random_state=rng))
        for name, p in known.items()
    }
    xi = rng.normal(size=(20, 2, structure.n_time))
    cols = columns(inputs)
    # Parts of actions that a small study lacks and beliefs or talks answer to.
    for name in ("hinge", "mediator_old", "spell_age", "power_shift", "proxy_attack", "heavy"):
        cols[name] = rng.uniform(0.0, 1.0, cols[name].shape)
    return Case(structure, cols, known, draws, xi)


@pytest.fixture(scope="session")
def symbolic(case):
    """Call the PyTensor graph: params and xi -> (outputs by name, gradients by name)."""
    import pytensor.tensor as pt
    from action_design import computed, graph

    from beliefs.inference.nuts.recentre import innovations

    symbols = {
        name: pt.tensor(name, dtype="float64", shape=case.structure.size(p.dims))
        for name, p in case.declared.items()
        if name != "innovation"
    }
    xi = pt.dmatrix("xi")
    path, innovation, change = innovations(pt, symbols, case.columns, case.structure, xi)
    found = {
        "path": path,
        "innovation": innovation,
        "log_change": change,
        **computed(pt, symbols | {"innovation": innovation}, case.columns, case.structure),
    }
    total = found["log_talks"].sum() + found["log_reading"].sum() + change
    call = graph(symbols | {"xi": xi}, found, total, "fast_compile")
    return lambda params, value: call(params | {"xi": value})
