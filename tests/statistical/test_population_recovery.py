"""Panels drawn from the prior: the truth of a population is one more draw of its posterior."""

import numpy as np
import pytest

from beliefs import Sampling, build_inputs, load_panel
from beliefs.evaluation.calibration import p_value
from beliefs.features.steps import NEVER, TalksPast
from beliefs.inference.panel import SPREAD, Panelled
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.theory import free_parameters, theory_of
from beliefs.study.load import read_study

pytestmark = [pytest.mark.statistical, pytest.mark.slow]
CONFLICTS, PANELS, RANKS = 96, 24, 39


def drawn_panel(compiled, rng):
    """Return the truth of a population by name, and the columns of talks that it draws."""
    structure = compiled.batches[0].structure
    truth = {
        p.name: float(p.prior.rvs(1, random_state=rng)[0])
        for p in free_parameters(compiled.theory, structure)
    }
    spread = {name: SPREAD * abs(rng.normal()) for name in ("onset_base", "continuation_base")}
    columns = {}
    for number, batch in enumerate(compiled.batches):
        size = len(batch.places)
        params = {name: np.full(size, value) for name, value in truth.items()}
        for name, sd in spread.items():
            params[name] = params[name] + sd * rng.normal(size=size)
        params = stacked_params(compiled.theory, batch.structure, params)
        run = system.evaluate(np, params, batch.columns, batch.structure)
        uniform = rng.random((size, batch.structure.n_time))
        past = TalksPast(NEVER, 1.0, 0.0)
        held, made, _ = system.simulate_talks(
            uniform, params, batch.columns, batch.structure, run, past
        )
        made = made | {"talks": held.astype(float)}
        columns |= {f"{name}_{number}": values for name, values in made.items()}
    return truth | {f"{name}_spread": sd for name, sd in spread.items()}, columns


def test_population_means_and_spreads_are_recovered():
    names = list(load_panel("crises").conflicts)[:: 278 // CONFLICTS][:CONFLICTS]
    sources = [read_study(f"crises/{name}") for name in names]
    inputs = [build_inputs(one.known(one.spec.period.end)) for one in sources]
    compiled = Panelled(theory_of("M0"), names, inputs)
    rng, ranks, inside, truths, means = np.random.default_rng(8), [], [], [], []
    for k in range(PANELS):
        truth, columns = drawn_panel(compiled, rng)
        found = compiled.fit(seed=k, sampling=Sampling(250, 400), drawn=columns)
        draws = dict(found.shared) | {f"{n}_spread": v for n, v in found.spread.items()}
        thin = {name: draws[name][:: len(draws[name]) // RANKS][:RANKS] for name in truth}
        ranks.append([int((thin[name] < truth[name]).sum()) for name in truth])
        low, high = (np.array([np.quantile(draws[n], q) for n in truth]) for q in (0.05, 0.95))
        at = np.array(list(truth.values()))
        inside.append((low <= at) & (at <= high))
        truths.append(at)
        means.append([draws[name].mean() for name in truth])
    # Parameters of one panel are not independent: the bound is a loose one.
    assert p_value(np.ravel(ranks), RANKS) > 0.001
    assert 0.82 <= np.mean(inside) <= 0.97
    both = zip(np.transpose(truths), np.transpose(means), strict=True)
    known = dict(zip(truth, (np.corrcoef(*pair)[0, 1] for pair in both), strict=True))
    assert min(known[name] for name in ("onset_base", "ageing", "onset_base_spread")) > 0.6, known
