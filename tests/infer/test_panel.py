"""Learning from many conflicts: what is sampled is what the equations say of each."""

import numpy as np
import pymc as pm
import pytensor
import pytest

from beliefs import build_inputs
from beliefs.inference import panel
from beliefs.model import system
from beliefs.model.mechanisms import talks
from beliefs.model.structure import columns, structure_of
from beliefs.model.theory import free_parameters, null_values, theory_of
from beliefs.study.load import known_at_end

CONFLICTS = "crises/6", "crises/10", "crises/2"


def density_alone(theory, inputs, params):
    """Log density of the talks of one conflict, its news counted a week later."""
    cols, structure = panel.known_before(columns(inputs)), structure_of(inputs)
    run = system.evaluate(np, null_values(theory, structure) | params, cols, structure)
    return talks.log_likelihood(np, cols, run.onset, run.continuation).sum()


@pytest.mark.parametrize("name", ["M0", "M1"])
@pytest.mark.parametrize("conflicts", [CONFLICTS[:1], CONFLICTS], ids=["one", "three"])
def test_a_panel_has_the_density_of_its_conflicts_one_by_one(name, conflicts):
    theory, every = panel.of_panel(theory_of(name)), [*map(known_at_end, conflicts)]
    inputs = [build_inputs(study) for study in every]
    model = panel.population_model(theory, panel.batches(inputs))
    rng = np.random.default_rng(3)
    at = {
        rv.name: rng.normal(-1.5, 0.3)
        if rv.name.endswith("_here")
        else pm.draw(rv, random_seed=rng, mode="FAST_COMPILE")
        for rv in model.free_RVs
    }
    densities = [p for p in model.potentials if p.name.startswith("log_talks")]
    outputs = [sum(densities), *model.deterministics]
    found = pytensor.function(
        model.free_RVs, outputs, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    total, *bases = found(*at.values())
    common = at | {v.name: b for v, b in zip(model.deterministics, bases, strict=True)}
    alone = 0.0
    for place, one in enumerate(inputs):
        structure, own = structure_of(one), {}
        for p in free_parameters(theory, structure):
            own[p.name] = panel.of_both(np, common[p.name], p, structure)
            if f"{p.name}_of" in at:
                own[p.name] = own[p.name] + at[f"{p.name}_spread"] * at[f"{p.name}_of"][place]
        alone += density_alone(theory, one, own)
    assert len({len(one.dates) for one in inputs}) == len(inputs)
    assert total == pytest.approx(alone, rel=1e-9)
