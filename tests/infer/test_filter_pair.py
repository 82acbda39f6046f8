"""Two Gaussians for a belief that a sharp reading leaves with two explanations."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from weighted_paths import weighted_paths

from beliefs.features.inputs import build_inputs
from beliefs.inference.filter.filter import Model, part_columns, terms_of
from beliefs.inference.smc.track import track
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study


@pytest.fixture(scope="module")
def model():
    """Weekly market prices alone, without talks, so that each side is a problem of its own."""
    study, theory = load_study("us-civil-war"), load_theory("mutual_optimism")
    model = Model.of(build_inputs(study), theory)
    measurements = model.measurements
    first = np.flatnonzero(measurements.channels == 0)
    when = np.searchsorted(measurements.starts, first, side="right") - 1
    starts = np.searchsorted(when, np.arange(len(measurements.starts)))
    measurements = measurements._replace(
        seen=np.zeros_like(measurements.seen),
        starts=starts,
        **{
            name: getattr(measurements, name)[first]
            for name in ("sides", "channels", "kinds", "values")
        },
    )
    kept = model.columns["cell_channel"] == 0
    columns = {k: v[kept] if k.startswith("cell_") else v for k, v in model.columns.items()}
    columns["talks_seen"] = np.zeros_like(columns["talks_seen"])
    return replace(model, measurements=measurements, columns=columns)


@pytest.fixture(scope="module")
def draws(model):
    """Particles of the first year's posterior, without misreading, which a grid would not know."""
    study = load_study("us-civil-war", as_of="1862-12-31")
    found = track(study, load_theory("mutual_optimism"), particles=200, seed=1)
    few = found.scores()[:40].copy()
    few[:, [label.startswith("misread") for label in model.coordinates.labels]] = -8.0
    return few, found.n_time


@numba.njit(cache=True)
def _filtered(kept, drift, start, sd, scale, measurements, side, one):
    """Log density of one side's readings by a grid that reaches wherever belief may be."""
    step, total, low = 0.2 * min(sd, scale), 0.0, 0
    mass = np.ones(1)
    for t in range(len(kept)):
        seen = np.flatnonzero(mass > 1e-14 * mass.max())
        first, last = seen[0], seen[-1]
        at = (low + np.arange(first, last + 1)) * step if t > 0 else np.full(1, start)
        centre = kept[t] * at + drift[t]
        mass = mass[first : last + 1]
        low = int(np.floor((centre.min() - 8.0 * sd) / step))
        x = (low + np.arange(int((centre.max() + 8.0 * sd) / step) - low + 2)) * step
        new = np.zeros(len(x))
        for j in range(len(at)):
            new += mass[j] * np.exp(-0.5 * ((x - centre[j]) / sd) ** 2)
        mass = new / new.sum()
        for r in range(measurements.starts[t], measurements.starts[t + 1]):
            if measurements.sides[r] == side:
                z = (measurements.values[r] - x) / scale
                mass = mass * 0.375 / scale * (1.0 + z * z / 4.0) ** -2.5
                total += np.log(mass.sum())
                mass /= mass.sum()
                if one:
                    mean = (mass * x).sum()
                    var = (mass * (x - mean) ** 2).sum()
                    mass = np.exp(-0.5 * (x - mean) ** 2 / var)
                    mass /= mass.sum()
    return total


def on_a_grid(model, scores, n_time, *, one):
    """Log density of all readings by a grid of beliefs; as `one` Gaussian after each, if asked."""
    n = len(scores)
    params, nobody = model.params(scores), np.zeros((len(scores), 2))
    static = model.static(params, n)
    columns = part_columns(model.columns, 0, n_time)
    terms = terms_of(params, columns, model.structure, n, nobody)
    kept, drift = terms.kept, terms.drift
    out = np.zeros(n)
    for p in range(n):
        for side in (0, 1):
            out[p] += _filtered(
                kept[p, side], drift[p, side], static.start[p, side],
                np.sqrt(static.noise[p, side]),
                static.scale[p, 0], model.measurements, side, one,
            )  # fmt: skip
    return out


@pytest.mark.parametrize("away", [30.0, 1e3, 1e6, 1e9])
def test_a_reading_far_away_says_what_its_tail_says(model, away):
    few, n_time = np.random.default_rng(3).standard_normal((20, model.coordinates.size)), 16
    few[:, [label.startswith("misread") for label in model.coordinates.labels]] = -8.0
    far = model.measurements._replace(values=model.measurements.values + away)
    model = replace(model, measurements=far)
    state = model.replay(few, n_time)[0]
    ours = state.total[:, 0] + state.newest.sum(axis=1)
    np.testing.assert_allclose(ours, on_a_grid(model, few, n_time, one=False), 0.0, 1e-3)
    assert (state.cov[:, [0, 2]] > 0.0).all()


@pytest.mark.slow
def test_two_gaussians_come_closer_than_one(model, draws):
    few, n_time = draws
    truth = on_a_grid(model, few, n_time, one=False)
    state, _, path = model.replay(few, n_time, keep=True)
    assert (path[..., [14, 17]] > 0.0).any()
    ours = state.total[:, 0] + state.newest.sum(axis=1) - truth
    single = on_a_grid(model, few, n_time, one=True) - truth
    assert np.sqrt(np.mean(ours**2)) < 0.5 * np.sqrt(np.mean(single**2))


@pytest.mark.slow
def test_paths_drawn_from_two_gaussians_have_the_density_they_are_given(model, draws):
    # Weighted, they give the density of all readings that a grid gives.
    few, n_time, size = draws[0][:1], draws[1], 8_000
    truth = on_a_grid(model, few, n_time, one=False)
    state, _, path = model.replay(few, n_time, keep=True)
    assert (path[..., [14, 17]] > 0.0).any()
    _, _, log = weighted_paths(
        model, load_theory("mutual_optimism"), np.repeat(few, size, axis=0), n_time,
        np.random.default_rng(2),
    )  # fmt: skip
    weights = np.exp(log)
    error = weights.std() / weights.mean() / np.sqrt(size)
    found = state.total[0, 0] + state.newest[0].sum() + np.log(weights.mean())
    assert error < 0.05
    assert abs(found - truth[0]) < 4 * error
