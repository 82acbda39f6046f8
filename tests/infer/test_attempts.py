"""A posterior that is only too short is sampled anew, twice as long, while attempts last."""

import pytest

from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

pytestmark = pytest.mark.xdist_group("fit")


@pytest.mark.parametrize(("attempts", "draws"), [(1, 60), (2, 120)])
def test_too_few_draws_are_doubled_once_for_each_further_attempt(rich_folder, attempts, draws):
    said = []
    sampling = Sampling(draws=60, tune=150, chains=2, cores=2, attempts=attempts)
    posterior = fit(
        load_study(rich_folder),
        load_theory("mutual_optimism"),
        seed=11,
        sampling=sampling,
        progress=said.append,
    )
    assert not posterior.report.passed  # the premise: 120 draws are too few as well
    assert posterior.tree["posterior"].sizes["draw"] == draws
    assert len([stage for stage in said if stage.startswith("sample")]) == attempts
