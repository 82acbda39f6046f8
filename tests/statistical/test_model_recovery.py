"""A study drawn from a theory is foretold by it as well as by its rivals, on the whole."""

import pytest

from beliefs.evaluate.recovery import recover, winner
from beliefs.infer.blocks import track_blocks
from beliefs.study.load import load_study
from beliefs.theory.theory import load_theory

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

IDS = ("M0", "M2", "M4")  # nothing scored of these depends on beliefs, so that they are quick
STUDIES = 3
PARTICLES = 200
SLACK = 4.0  # what three studies and two hundred particles leave to chance, in log score


@pytest.mark.parametrize("truth", IDS)
def test_the_theory_that_drew_a_study_is_not_beaten_on_the_whole(truth):
    study = load_study("us-iran-2026")
    theories = [load_theory(name) for name in IDS]
    mine = load_theory(truth)
    only = None if not mine.beliefs else ("strikes_A", "breach", "collapse", "resolve", "deal")
    source = track_blocks(study, mine, particles=PARTICLES, seed=1, only=only)
    lead = dict.fromkeys(IDS, 0.0)
    for seed in range(STUDIES):
        found = recover(study, mine, theories, source, seed=seed, particles=PARTICLES)
        assert winner(found) in IDS
        score = {row.id: row.elpd for row in found.table}
        for other in IDS:
            lead[other] += score[truth] - score[other]
    assert min(lead.values()) > -SLACK, lead
