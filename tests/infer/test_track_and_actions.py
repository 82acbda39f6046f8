"""Actions costs a track nothing, and changes nothing in it, where beliefs do not weigh it."""

from dataclasses import replace

from beliefs.features.inputs import build_inputs
from beliefs.inference.filter.filter import Model
from beliefs.inference.smc.track import first_change
from beliefs.model.theory import load_theory


def more_actions(inputs):
    """The same inputs after a heavy blow in period 5."""
    seen = inputs.observed
    heavy = seen.heavy.copy()
    heavy[:, 5:] += 1.0
    return inputs.having(replace(seen, heavy=heavy))


def test_it_sends_no_track_back(acting):
    theory, inputs = load_theory("mutual_optimism"), build_inputs(acting)
    old, new = (Model.of(i, theory) for i in (inputs, more_actions(inputs)))
    assert first_change(old, new, 40) == 40


def test_actions_that_beliefs_weigh_sends_a_track_back_to_it(acting):
    freed = replace(load_theory("mutual_optimism"), null=())
    inputs = build_inputs(acting)
    heavy = replace(inputs.observed, heavy=more_actions(inputs).observed.heavy)
    old, new = (Model.of(i, freed) for i in (inputs, inputs.having(heavy)))
    assert old.columns["heavy"].any()
    assert first_change(old, new, 40) == 5
