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
    z: np.ndarray
    xi: np.ndarray

    def guided(self, xp, params, z, xi):
        """Parameters with level and innovations by the sampler's coordinates, and these."""
        from beliefs.inference.nuts.recentre import innovations

        prior = self.declared["belief_mean"].prior
        found = innovations(xp, params, self.columns, self.structure, z, xi, prior)
        names = ("belief_mean", "innovation", "path", "log_change")
        given = dict(zip(names, found, strict=True))
        return params | {name: given[name] for name in names[:2]}, given

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
    z, xi = rng.normal(size=(20, 2)), rng.normal(size=(20, 2, structure.n_time))
    cols = columns(inputs)
    # Parts of actions that a small study lacks and beliefs or talks answer to.
    for name in ("hinge", "mediator_old", "spell_age", "power_shift", "proxy_attack", "heavy",
                 "talks_memory"):  # fmt: skip
        cols[name] = rng.uniform(0.0, 1.0, cols[name].shape)
    return Case(structure, cols, known, draws, z, xi)


@pytest.fixture(scope="session")
def symbolic(case):
    """Call the PyTensor graph: params, z and xi -> (outputs by name, gradients by name)."""
    import pytensor.tensor as pt
    from action_design import computed, graph

    symbols = {
        name: pt.tensor(name, dtype="float64", shape=case.structure.size(p.dims))
        for name, p in case.declared.items()
        if name not in ("belief_mean", "innovation")
    }
    noise = {"z": pt.dvector("z"), "xi": pt.dmatrix("xi")}
    params, given = case.guided(pt, symbols, **noise)
    found = given | computed(pt, params, case.columns, case.structure)
    total = found["log_talks"].sum() + found["log_reading"].sum() + found["log_change"]
    call = graph(symbols | noise, found, total, "fast_compile")
    return lambda params, z, xi: call(params | {"z": z, "xi": xi})
