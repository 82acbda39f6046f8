"""A study drawn from a theory is forecast by it as well as by its rivals, on the whole."""

import numpy as np
import pytest
from model_recovery import recover

from beliefs import build_inputs, load_study
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import structure_of
from beliefs.model.theory import free_parameters, load_theory

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

IDS = ("M0", "M2", "M4")  # nothing scored of these depends on beliefs, so that they are quick
STUDIES = 3
# Where parameters come from the prior, a rival's density of a study is at most 1 / a times that of
# the theory that drew it with a chance of 1 - a (Markov): a theory that is right never trails far.
FALSE_ALARM = 0.002
NOISE = 1.0  # of log evidence from a few hundred particles


def test_the_theory_that_drew_a_study_is_not_beaten_and_tells_itself_from_a_rival():
    study = load_study("us-iran-2026")
    structure = structure_of(build_inputs(study))
    theories = [load_theory(name) for name in IDS]
    for number, truth in enumerate(theories):
        free = [p for p in free_parameters(truth, structure) if p.name != "innovation"]
        known = coordinates_of([*free, *free_parameters(truth, structure, "actions")], structure)
        lead = dict.fromkeys(IDS, 0.0)  # of the truth over each theory, in log score, in sum
        for seed in range(STUDIES):
            rng = np.random.default_rng([number, seed])
            # Within one and a half standard deviations: acts do not feed on themselves without end.
            scores = np.clip(rng.standard_normal((1, known.size)), -1.5, 1.5)
            params = {k: v[0] for k, v in known.params(scores).items()}
            found = recover(study, truth, theories, params, seed=seed, particles=300)
            score = {row.id: row.elpd for row in found.table}
            for other in IDS:
                lead[other] += score[truth.id] - score[other]
        assert min(lead.values()) > np.log(FALSE_ALARM) - NOISE, (truth.id, lead)
        # Some rival of every theory falls behind by more than chance explains.
        assert max(lead.values()) > -np.log(0.05), (truth.id, lead)
