"""Panels drawn from the prior: the truth of a population is one more draw of its posterior."""

import numpy as np
import pytest
from scipy.stats import norm

from beliefs import Sampling, build_inputs, load_panel
from beliefs.evaluation.calibration import p_value
from beliefs.features.steps import NEVER, TalksPast
from beliefs.inference.panel import SPREAD, VARYING, Panelled, of_both, one_for_both
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.theory import free_parameters, theory_of
from beliefs.study.load import read_study

pytestmark = [pytest.mark.statistical, pytest.mark.slow]
RANKS = 39


def drawn_panel(compiled, rng):
    """Return the truth of a population by name, and the columns of talks that it draws."""
    theory, structure = compiled.theory, compiled.batches[0].structure
    truth = {}
    for p in free_parameters(theory, structure):
        share = 2 if one_for_both(structure, p.dims) else 1
        shape = tuple(n // share for n in structure.size(p.dims))
        truth[p.name] = np.asarray(p.prior.rvs(shape or 1, random_state=rng)).reshape(shape)
    spread = {name: SPREAD * abs(rng.normal()) for name in VARYING if name in theory.varying}
    columns = {}
    for number, batch in enumerate(compiled.batches):
        size = len(batch.places)
        params = {
            p.name: np.stack([of_both(np, truth[p.name], p, structure)] * size)
            for p in free_parameters(theory, structure)
        }
        for name, sd in spread.items():
            params[name] = params[name] + sd * rng.normal(size=size)
        params = stacked_params(theory, batch.structure, params)
        run = system.evaluate(np, params, batch.columns, batch.structure)
        uniform = rng.random((size, batch.structure.n_time))
        past = TalksPast(NEVER, 1.0, 0.0)
        held, made, _ = system.simulate_talks(
            uniform, params, batch.columns, batch.structure, run, past
        )
        made = made | {"talks": held.astype(float)}
        columns |= {f"{name}_{number}": values for name, values in made.items()}
    return truth | {f"{name}_spread": np.array(sd) for name, sd in spread.items()}, columns


def elements(values):
    """Return the elements of draws by name, (draw, *dims) as (draw, element), named by place."""
    flat = {name: np.reshape(v, (len(v), -1)).T for name, v in values.items()}
    return {f"{name} {k}": one for name, of in flat.items() for k, one in enumerate(of)}


@pytest.mark.parametrize(
    ("theory", "conflicts", "panels", "sampling"),
    [("M0", 96, 24, Sampling(250, 400)), ("M1", 48, 20, Sampling(500, 500))],
)
def test_population_means_and_spreads_are_recovered(theory, conflicts, panels, sampling):
    names = list(load_panel("crises").conflicts)[:: 278 // conflicts][:conflicts]
    sources = [read_study(f"crises/{name}") for name in names]
    inputs = [build_inputs(one.known(one.spec.period.end)) for one in sources]
    compiled = Panelled(theory_of(theory), names, inputs)
    rng, ranks, inside, truths, means, widths = np.random.default_rng(8), [], [], [], [], []
    for k in range(panels):
        truth, columns = drawn_panel(compiled, rng)
        found = compiled.fit(seed=k, sampling=sampling, drawn=columns)
        shared = {n: v[:, : truth[n].size] if truth[n].ndim else v for n, v in found.shared.items()}
        draws = elements(shared | {f"{n}_spread": v for n, v in found.spread.items()})
        at = {name: v[0] for name, v in elements({n: v[None] for n, v in truth.items()}).items()}
        thin = {name: draws[name][:: len(draws[name]) // RANKS][:RANKS] for name in at}
        ranks.append([int((thin[name] < at[name]).sum()) for name in at])
        low, high = (np.array([np.quantile(draws[n], q) for n in at]) for q in (0.05, 0.95))
        where = np.array(list(at.values()))
        inside.append((low <= where) & (where <= high))
        truths.append(where)
        means.append([draws[name].mean() for name in at])
        widths.append([draws[name].var() for name in at])
    # Parameters of one panel are not independent: the bound is a loose one.
    assert p_value(np.ravel(ranks), RANKS) > 0.001
    assert 0.82 <= np.mean(inside) <= 0.97
    # Truth and mean go together as closely as posteriors are narrower than priors: by Fisher's z,
    # which one set of panels in a hundred would exceed by chance.
    free = free_parameters(compiled.theory, compiled.batches[0].structure)
    prior = {p.name: float(np.ravel(p.prior.std())[0]) for p in free}
    prior |= {f"{name}_spread": SPREAD * np.sqrt(1.0 - 2.0 / np.pi) for name in VARYING}
    width = np.mean(widths, axis=0) / np.square([prior[name.split()[0]] for name in at])
    expected = np.sqrt(np.clip(1.0 - width, 0.0, 0.99))
    both = zip(np.transpose(truths), np.transpose(means), strict=True)
    found = [np.corrcoef(*pair)[0, 1] for pair in both]
    z = (np.arctanh(found) - np.arctanh(expected)) * np.sqrt(panels - 3)
    assert np.abs(z).max() < norm.isf(0.005 / len(z)), dict(zip(at, z, strict=True))
    taught = dict(zip(at, expected, strict=True))
    assert min(taught[f"{name} 0"] for name in ("onset_base", "ageing", "onset_base_spread")) > 0.6
