"""Twenty duels with parameters drawn from the prior: do 90 % intervals cover nine in ten?

Parameters of one duel depend on each other, and so do its days; duels do not. So the tests look at
one number per duel, the share of what it covers, and ask whether their mean may be 0.9.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from duel import draw_design
from scipy import stats

from beliefs.features.inputs import build_inputs
from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.model import compile_count
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.structure import structure_of
from beliefs.model.theory import load_theory
from beliefs.simulation.studies import prior_params, simulate_belief_block
from beliefs.study.bundled import data_folder

pytestmark = pytest.mark.statistical

DUELS, LEVEL, RISK = 20, 0.9, 0.01
SAMPLING = Sampling(draws=400, tune=500, chains=2, cores=2, attempts=1)


@dataclass(frozen=True)
class Recovered:
    """Of one duel: what was covered and where the truth ranks among the draws, by parameter."""

    covered: dict[str, np.ndarray]
    rank: dict[str, np.ndarray]
    belief: np.ndarray
    belief_rank: np.ndarray
    surplus: np.ndarray
    divergent: float
    compiled: int


def ranks(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of draws below the truth, from 0 to 1; draws lead with chain and draw."""
    return (draws.reshape(-1, *draws.shape[2:]) < truth).mean(axis=0)


def inside(rank: np.ndarray) -> np.ndarray:
    return np.abs(rank - 0.5) <= LEVEL / 2


def recover(number: int, scratch: Path) -> Recovered:
    theory = load_theory("mutual_optimism")
    study = draw_design(data_folder() / "synthetic-duel", scratch, seed=1000 + number)
    design = build_inputs(study)
    rngs = [np.random.default_rng([1000 + number, part]) for part in (1, 2)]
    params = prior_params(theory, structure_of(design), rngs[0])
    inputs, truth = simulate_belief_block(design, theory, params, rngs[1])
    found = fit(study, theory, seed=number, sampling=SAMPLING, inputs=inputs)
    posterior = found.tree["posterior"]
    rank = {
        name: ranks(posterior[name].values, value)
        for name, value in truth.params.items()
        if name != "innovation"
    }
    belief = ranks(posterior["logit_belief"].values, truth.logit_belief)
    surplus = ranks(posterior["surplus"].values, truth.surplus)
    return Recovered(
        covered={name: inside(r) for name, r in rank.items()},
        rank=rank,
        belief=inside(belief),
        belief_rank=belief,
        surplus=inside(surplus),
        divergent=found.report.divergent_share,
        compiled=compile_count(),
    )


@pytest.fixture(scope="module")
def duels(tmp_path_factory: pytest.TempPathFactory) -> list[Recovered]:
    scratch = tmp_path_factory.mktemp("duels")
    return [recover(number, scratch / str(number)) for number in range(DUELS)]


def check_mean(shares: list[float], wanted: float) -> None:
    """The mean of independent duels is `wanted` within a t interval of content 1 - RISK."""
    half = stats.t.ppf(1 - RISK / 2, len(shares) - 1) * stats.sem(shares)
    assert abs(np.mean(shares) - wanted) <= half, f"{np.mean(shares):.3f} +- {half:.3f}"
    # An interval so wide that it accepts anything would prove nothing.
    assert half < 0.15


def test_intervals_cover_nine_in_ten_true_parameters(duels: list[Recovered]) -> None:
    check_mean(
        [np.concatenate([c.ravel() for c in d.covered.values()]).mean() for d in duels], LEVEL
    )


def test_intervals_cover_true_beliefs_on_nine_days_in_ten(duels: list[Recovered]) -> None:
    check_mean([d.belief.mean() for d in duels], LEVEL)


def test_intervals_cover_the_true_surplus_on_nine_days_in_ten(duels: list[Recovered]) -> None:
    check_mean([d.surplus.mean() for d in duels], LEVEL)


def test_no_parameter_is_missed_more_often_than_chance_allows(duels: list[Recovered]) -> None:
    names = [(n, k) for n, c in duels[0].covered.items() for k in range(c.size)]
    hits = {f"{n}[{k}]": sum(bool(d.covered[n].ravel()[k]) for d in duels) for n, k in names}
    least = stats.binom.ppf(RISK / len(names), DUELS, LEVEL)
    assert {name: h for name, h in hits.items() if h < least} == {}


def test_truth_ranks_evenly_among_the_draws_of_each_parameter(duels: list[Recovered]) -> None:
    names = [(n, k) for n, c in duels[0].rank.items() for k in range(c.size)]
    p = {
        f"{n}[{k}]": stats.kstest([d.rank[n].ravel()[k] for d in duels], "uniform").pvalue
        for n, k in names
    }
    assert {name: v for name, v in p.items() if v < RISK / len(names)} == {}


def test_hardly_any_transition_diverges(duels: list[Recovered]) -> None:
    assert np.mean([d.divergent for d in duels]) < 0.005
