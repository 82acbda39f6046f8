"""What a part adds to the log score: by a track without it, or by its density at absence."""

import numpy as np
import pytest

from beliefs.evaluation.claims.ablation import Part, ablations, labels_of
from beliefs.evaluation.claims.claims import load_claims
from beliefs.evaluation.claims.expressions import Absent, parse
from beliefs.evaluation.claims.functionals import setting_of
from beliefs.evaluation.claims.judge import roles_of
from beliefs.features.inputs import build_inputs
from beliefs.inference.smc.blocks import track_blocks
from beliefs.model.structure import columns, structure_of
from beliefs.model.theory import conduct_neutral, conduct_parameters, load_theory
from beliefs.model.variants import judged
from beliefs.study.load import load_study

CLAIMS = {claim.id: claim for claim in load_claims()}
NAMES = ("strikes_A", "strikes_B", "crossing", "severity")


@pytest.fixture(scope="module")
def tracked():
    """Strikes, severities and crossings of the theory of the status quo, and how to ask of them."""
    study = load_study("us-iran-2026", as_of="2026-05-31")
    inputs = build_inputs(study)
    found = track_blocks(
        study, judged("status_quo"), particles=400, seed=1, only=NAMES, inputs=inputs
    )
    structure = structure_of(inputs)
    setting = setting_of(structure, columns(inputs), found.columns, found.n_time)
    return found, setting, roles_of(structure)


def added(tracked, **changes):
    """The ablation of the first claim that scores on what is asked, with its test changed."""
    from dataclasses import replace

    blocks, setting, roles = tracked
    claim = replace(next(iter(CLAIMS.values())), **changes)
    return ablations([claim], blocks, {}, setting, roles, particles=400)[claim.id]


def test_a_part_that_is_a_whole_observable_leaves_its_neutral_prediction(tracked):
    found = added(tracked, neutral=(parse("crossing"),), score=("crossing",))
    blocks, _, _ = tracked
    cols, n = blocks.columns, blocks.n_time
    touched = (cols["line_touch"] * cols["strikes_seen"])[:, :n].sum()
    with_part = np.nansum(blocks.predictive()["crossing"])
    from scipy.special import gammaln

    t, c = (cols[k][:, :n] * cols["strikes_seen"][:n] for k in ("line_touch", "line_cross"))
    ways = (gammaln(t + 1) - gammaln(c + 1) - gammaln(t - c + 1)).sum()
    coin = ways - touched * np.log(2.0)  # neutral: an act crosses a line or not, like a coin
    assert found.method == "rerun"
    assert found.gain.sum() == pytest.approx(with_part - coin)


def test_density_at_absence_agrees_with_a_track_without_the_part(tracked):
    names = ("strikes_A", "strikes_B")
    for text in ("talk_strike_tempo", "valve"):
        rerun = added(tracked, neutral=(parse(text),), score=names)
        density = added(tracked, neutral=(), null=parse(text), score=names)
        assert density.method == "density"
        assert density.gain.sum() == pytest.approx(rerun.gain.sum(), abs=0.6)
        np.testing.assert_array_equal(density.seen, rerun.seen)


def test_a_part_that_no_observable_reads_adds_nothing(tracked):
    found = added(tracked, neutral=(parse("proportionality"),), score=("crossing",))
    assert np.abs(found.gain.sum()) < 1e-9


def test_labels_are_those_of_the_elements_picked():
    structure = structure_of(build_inputs(load_study("us-iran-2026")))
    roles = roles_of(structure)
    assert roles == {"coercer": "us", "endurer": "iran"}
    assert labels_of(parse("stalemate"), structure, roles) == ("stalemate",)
    assert labels_of(parse("stalemate[{endurer}]"), structure, roles) == ("stalemate[1]",)
    picked = labels_of(parse("weight_own[{coercer}:*]"), structure, roles)
    own = structure.coords["own_term"]
    assert picked == tuple(
        f"weight_own[{k}]" for k, name in enumerate(own) if name.startswith("us:")
    )
    with pytest.raises(Absent):
        labels_of(parse("stalemate[{mediator}]"), structure, roles)


def test_a_theory_without_a_part_holds_it_neutral():
    structure = structure_of(build_inputs(load_study("us-iran-2026")))
    theory = load_theory("M3")
    without = Part(("truce_gain",)).without(theory)
    assert "truce_gain" in {p.name for p in conduct_parameters(theory, structure)}
    assert conduct_neutral(without, structure)["truce_gain"] == 0.0
    less = Part(("shift_deal",)).without(load_theory("M4"))  # which names what is free
    assert "shift_deal" not in {p.name for p in conduct_parameters(less, structure)}
