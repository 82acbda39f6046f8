"""Forty duels with parameters drawn from the prior: do 90 % intervals cover nine in ten?

Parameters of one duel depend on each other, and so do its days; duels do not. So the tests look at
one number per duel: the share of its parameters that are covered, or the rank of one day.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from duel import draw_design
from scipy import stats

from beliefs import Sampling, build_inputs, fit, load_theory
from beliefs.inference.posterior import draw_prior
from beliefs.model.structure import structure_of
from beliefs.simulation.studies import simulate_belief_block
from beliefs.study.bundled import data_folder

pytestmark = pytest.mark.statistical

DUELS, LEVEL, RISK = 80, 0.9, 0.001
SAMPLING = Sampling(draws=400, tune=500, chains=2, cores=2, attempts=1)


@dataclass(frozen=True)
class Recovered:
    """Of one duel: where the truth ranks among the draws, by element of a parameter and by day."""

    parameters: dict[str, float]
    belief: np.ndarray
    surplus: np.ndarray
    divergent: float


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
    params = draw_prior(theory, structure_of(design), rngs[0], ())
    inputs, truth = simulate_belief_block(design, theory, params, rngs[1])
    found = fit(study, theory, seed=number, sampling=SAMPLING, inputs=inputs)
    posterior = found.tree["posterior"]
    parameters = {
        f"{name}[{k}]": float(rank)
        for name, value in truth.params.items()
        if name != "innovation"
        for k, rank in enumerate(np.ravel(ranks(posterior[name].values, value)))
    }
    belief = ranks(posterior["logit_belief"].values, truth.logit_belief)
    surplus = ranks(posterior["surplus"].values, truth.surplus)
    return Recovered(parameters, belief, surplus, found.report.divergent_share)


@pytest.fixture(scope="module")
def duels(tmp_path_factory: pytest.TempPathFactory) -> list[Recovered]:
    scratch = tmp_path_factory.mktemp("duels")
    return [recover(number, scratch / str(number)) for number in range(DUELS)]


def test_intervals_cover_nine_in_ten_parameters(duels: list[Recovered]) -> None:
    """The mean share of independent duels is LEVEL within a t interval of content 1 - RISK."""
    shares = [inside(np.array([*d.parameters.values()])).mean() for d in duels]
    half = stats.t.ppf(1 - RISK / 2, len(shares) - 1) * stats.sem(shares)
    assert abs(np.mean(shares) - LEVEL) <= half, f"{np.mean(shares):.3f} +- {half:.3f}"
    # An interval so wide that it accepts anything would prove nothing.
    assert half < 0.15


@pytest.mark.parametrize("of", ["belief", "surplus"])
def test_truth_ranks_evenly_among_the_draws_of_a_day(duels: list[Recovered], of: str) -> None:
    rng = np.random.default_rng(5)  # one day of each duel, since its days depend on each other
    ranks = np.array([rng.choice(np.ravel(getattr(d, of))) for d in duels])
    assert stats.kstest(ranks, "uniform").pvalue > RISK
    assert stats.binomtest(int(inside(ranks).sum()), DUELS, LEVEL).pvalue > RISK


def test_truth_ranks_evenly_among_the_draws_of_each_parameter(duels: list[Recovered]) -> None:
    ranks = {name: np.array([d.parameters[name] for d in duels]) for name in duels[0].parameters}
    hits = {name: int(inside(values).sum()) for name, values in ranks.items()}
    least = stats.binom.ppf(RISK / len(ranks), DUELS, LEVEL)
    assert {name: h for name, h in hits.items() if h < least} == {}
    p = {name: stats.kstest(values, "uniform").pvalue for name, values in ranks.items()}
    assert {name: v for name, v in p.items() if v < RISK / len(ranks)} == {}


def test_hardly_any_transition_diverges(duels: list[Recovered]) -> None:
    assert np.mean([d.divergent for d in duels]) < 0.005
