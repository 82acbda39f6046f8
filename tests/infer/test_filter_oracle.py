"""The marginal filter against an exact Kalman filter, a large particle filter and quadrature."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from beliefs import build_inputs, load_study, load_theory, track
from beliefs.inference.filter import filter as marginal
from beliefs.inference.filter.filter_kernel import batch_filter
from beliefs.inference.filter.smooth import draw_paths, drawn_by, innovations_along
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.mechanisms import bargaining, talks
from beliefs.model.mechanisms import belief as belief_equations
from beliefs.model.mechanisms import readings as reading_equations
from beliefs.model.numerics.recurrence import step
from beliefs.model.structure import until


@numba.njit
def normal_shape(z):
    return -0.5 * z**2 - 0.5 * np.log(2.0 * np.pi)


@numba.njit
def normal_precision(miss, scale):
    return 1.0 / scale**2


_filter_normal = batch_filter(normal_shape, normal_precision)


def cached(salt):
    """The filter behind a function that numba finds in its cache again, as `filter` has its own."""

    @numba.njit(cache=True)
    def gaussian_filter(*args):
        _filter_normal(*args)
        return salt

    return gaussian_filter


# Mutual optimism with a loss of heat in truces; what is left out of it, and the columns of that.
MORE = (
    "shared", "tactical_reset", "escalation_cost", "economic_hinge", "convex_cost", "mediator_late",
    "crack_rule", "shift_talks", "proxy_credibility", "announced_effect",
)  # fmt: skip
MORE_COLUMNS = ("hinge", "mediator_old", "power_shift", "proxy_attack", "heavy", "announced")
M1 = load_theory("mutual_optimism")
THEORY = replace(M1, null=(*(n for n in M1.null if n not in {*MORE, "heat_loss"}), *MORE))


@pytest.fixture(scope="module")
def model(rich_folder):
    return marginal.Model.of(build_inputs(load_study(rich_folder)), THEORY)


def shaken(model, seed=6):
    """The model with random numbers in the columns that only the additions read."""
    rng = np.random.default_rng(seed)
    more = {k: rng.uniform(0.0, 1.0, model.columns[k].shape) for k in MORE_COLUMNS}
    return replace(model, columns={**model.columns, **more})


@pytest.fixture(scope="module")
def wider(rich_folder):
    """Mutual optimism with everything that rival theories add to belief and talks."""
    free = tuple(name for name in THEORY.null if name not in MORE)
    inputs = build_inputs(load_study(rich_folder))
    return shaken(marginal.Model.of(inputs, replace(THEORY, null=free)))


def scores(model, n, seed=3):
    return np.random.default_rng(seed).standard_normal((n, model.coordinates.size))


def filtered(model, params, n, n_time, *, keep=True, **how):
    """Belief state and path of particles given by their parameters."""
    static = model.static(params, n)
    state, paths = marginal.initial_state(static), []
    for low in range(0, n_time, marginal.WIDTH):
        last = min(n_time, low + marginal.WIDTH)
        columns = marginal.part_columns(model.columns, low, last)
        terms = marginal.terms_of(params, columns, model.structure, n, state.audience)
        part = terms, model.measurements, low, last
        state, path = marginal.run(state, static, *part, keep=keep, **how)
        paths.append(path)
    return state, static, np.concatenate(paths, axis=1)


def linear(model, params, n):
    """Parameters without misreading and projection, so that belief and readings are linear."""
    out = dict(params)
    out["misread"] = np.zeros((n, 2))
    out["projection"] = np.zeros((n, 2))
    out["projection_level"] = np.full((n, 2), 3.0)  # far above the rounded corner
    return out


def exact_smoother(model, params, n):
    """Joint Gaussian of all beliefs given readings so far, by brute force, one particle each."""
    cols, structure = model.columns, model.structure
    kept, push, _ = system.movements(np, params, cols, structure)
    drift = belief_equations.drift(params, kept, push)
    spread = belief_equations.volatility(np, params, structure)
    start = belief_equations.start_of(params)
    measurements, static = model.measurements, model.static(params, n)
    n_time = kept.shape[-1]
    every = np.arange(len(measurements.values))
    when = np.searchsorted(measurements.starts, every, side="right") - 1
    bias = np.where(measurements.kinds == 1, static.private[:, measurements.sides], 0.0)
    bias = np.where(measurements.kinds == 2, static.level[:, measurements.sides], bias)
    value = measurements.values - bias
    variance = static.scale[:, measurements.channels] ** 2
    log, smooth_mean, smooth_var = np.zeros(n), np.zeros((n, n_time, 2)), np.zeros((n, n_time, 2))
    for p in range(n):
        for i in (0, 1):
            steps = np.eye(n_time) - np.diag(kept[p, i, 1:], -1)
            known = drift[p, i].copy()
            known[0] += kept[p, i, 0] * start[p, i]
            prior_mean = np.linalg.solve(steps, known)
            root = np.linalg.inv(steps) * spread[p, i]
            prior_cov = root @ root.T
            mine = np.flatnonzero(measurements.sides == i)
            h = np.zeros((len(mine), n_time))
            h[np.arange(len(mine)), when[mine]] = 1.0
            total = h @ prior_cov @ h.T + np.diag(variance[p, mine])
            miss = value[p, mine] - h @ prior_mean
            gain = prior_cov @ h.T @ np.linalg.inv(total)
            smooth_mean[p, :, i] = prior_mean + gain @ miss
            smooth_var[p, :, i] = np.diag(prior_cov - gain @ h @ prior_cov)
            log[p] += -0.5 * (
                miss @ np.linalg.solve(total, miss)
                + np.linalg.slogdet(total)[1]
                + len(mine) * np.log(2 * np.pi)
            )
    return log, smooth_mean, smooth_var


def smoothed(path):
    """Mean and variance (N, T, 2) of drawn paths, which are linear in noise for one Gaussian."""
    n, n_time, _ = path.shape
    unit = np.concatenate([np.zeros((1, 2 * n_time)), np.eye(2 * n_time)]).reshape(-1, 2, n_time)
    drawn, _ = drawn_by(
        np.repeat(path, len(unit), axis=0),
        np.tile(unit, (n, 1, 1)),
        np.full_like(unit, 0.5).repeat(n, axis=0),
    )
    drawn = drawn.reshape(n, len(unit), 2, n_time).swapaxes(2, 3)
    return drawn[:, 0], np.square(drawn[:, 1:] - drawn[:, :1]).sum(axis=1)


def test_with_gaussian_readings_it_is_the_exact_kalman_filter_and_smoother(model):
    n = 4
    measurements = model.measurements
    chosen = replace(
        model, measurements=measurements._replace(seen=np.zeros_like(measurements.seen))
    )  # without talks
    params = linear(chosen, chosen.params(scores(chosen, n)), n)
    n_time = chosen.structure.n_time
    state, _, path = filtered(chosen, params, n, n_time, compiled=cached(marginal.SALT))
    log, mean, variance = exact_smoother(chosen, params, n)
    np.testing.assert_allclose(
        state.total[:, 0] + state.newest.sum(axis=1), log, rtol=1e-8, atol=1e-8
    )
    np.testing.assert_allclose(state.mean, mean[:, -1], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(state.cov[:, [0, 2]], variance[:, -1], rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(state.cov[:, 1], 0.0)
    found, spread = smoothed(path)
    np.testing.assert_allclose(found, mean, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(spread, variance, rtol=1e-7, atol=1e-8)


def particle_filter(model, params, size, rng):
    """Bootstrap filter of one particle of parameters: log likelihood, belief at the end."""
    cols, structure = model.columns, model.structure
    n_time = structure.n_time
    kept, push, misread = system.movements(np, params, cols, structure)
    drift = belief_equations.drift(params, kept, push)
    spread = belief_equations.volatility(np, params, structure)
    b = np.broadcast_to(belief_equations.start_of(params), (size, 2))
    log = 0.0
    everything = stacked_params(THEORY, structure, params)
    audience = system.evaluate(
        np, {**everything, "innovation": np.zeros((1, 2, n_time))}, cols, structure
    ).audience
    shift = system.shift(np, params, cols, structure)
    for t in range(n_time):
        noise = rng.standard_normal((size, 2))
        b = step(np, kept[0, :, t], drift[0, :, t], misread[0, :, t], b) + spread[0] * noise
        now = {k: v if k.startswith("cell_") else v[..., t : t + 1] for k, v in cols.items()}
        here = np.flatnonzero(cols["cell_time"] == t)
        for k, v in cols.items():
            if k.startswith("cell_"):
                now[k] = v[here]
        now["cell_time"] = np.zeros(len(here), dtype=int)
        weight = np.zeros(size)
        if len(here):
            weight = reading_equations.log_likelihood(np, params, now, b[..., None], structure).sum(
                axis=-1
            )
        z = bargaining.surplus(np, params, now, b[..., None], audience[..., t : t + 1], structure)
        lower = bargaining.lower(np, b[..., None])
        onset, going = talks.hazards(np, params, now, z, shift[..., t : t + 1], lower)
        weight = weight + talks.log_likelihood(np, now, onset, going)[..., 0]
        top = weight.max()
        mass = np.exp(weight - top)
        log += top + np.log(mass.mean())
        edges = np.cumsum(mass)
        b = b[np.searchsorted(edges, (np.arange(size) + rng.random()) / size * edges[-1])]
    return log, b


def weighted_paths(model, theory, scores, n_time, rng):
    r"""Draw a path of beliefs, in log-odds, for each particle of a theory with beliefs.

    The filter takes belief for Gaussian after every reading. A path drawn from its smoother comes
    with density q, and

    .. math:: \log p(y \mid \theta) = \log E_q \bigl[ p(y, b \mid \theta) / q(b \mid \theta) \bigr]

    holds exactly (Durbin and Koopman 1997; Richard and Zhang 2007). So the weights say how far the
    filter's own log density is off. The densities are those of the mechanisms, as in `fit`.

    Returns paths and the moves of chance along them, in standard deviations, both (N, 2, n_time),
    and log weights (N,): of exact over approximate, p(y, path) / (q(path) times the filter's p(y)).
    Their mean exponential estimates by what the filter's density has to be multiplied.
    """
    state, _, kept_path = model.replay(scores, n_time, keep=True)
    paths, log_drawn = draw_paths(kept_path, rng)
    structure, cols = model.structure, until(model.columns, n_time)
    here = np.asarray(cols["cell_time"]) < n_time
    cols = {k: v[here] if k.startswith("cell_") else v for k, v in cols.items()}
    params = model.params(scores)
    innovations, spread = innovations_along(paths, params, cols, structure)
    log = -0.5 * np.square(innovations).sum(axis=(1, 2)) - n_time * np.log(2.0 * np.pi)
    log -= n_time * np.log(spread).sum(axis=1)
    found = system.evaluate(np, params, cols, structure, logit_belief=paths)
    logs = system.log_likelihoods(np, params, cols, structure, found)
    log += logs["talks"].sum(axis=-1)
    if "readings" in theory.mechanisms:
        log += logs["reading"].sum(axis=-1)
    filtered = state.total[:, 0] + state.newest.sum(axis=1)
    return paths, innovations, log - log_drawn - filtered


def plausible(model, n, seed=3):
    """The `n` of 400 prior draws under which the study is likeliest."""
    drawn = scores(model, 400, seed)
    state, _, _ = model.replay(drawn, model.structure.n_time)
    return drawn[np.argsort(-(state.total[:, 0] + state.newest.sum(axis=1)))[:n]]


CASES = [
    ("model", 5, 20_000),  # particles of the large filter
    *(pytest.param((which, rank, 100_000), marks=pytest.mark.slow)
      for which, rank in [("model", 5), ("model", 0), ("wider", 0)]),
]  # fmt: skip
N_RUN = 8  # the spread of four is too rough an estimate of their error


@pytest.fixture(scope="module")
def reference(request):
    """The filter at a plausible draw, and large particle filters of it: log, mean, spread."""
    known = {}

    def of(which, rank, size, runs=N_RUN):
        case = which, rank, size
        if case not in known:
            model = request.getfixturevalue(which)
            drawn = plausible(model, 6)[rank : rank + 1]
            params = model.params(drawn)
            state, _, _ = filtered(model, params, 1, model.structure.n_time)
            rngs = [np.random.default_rng([rank, k]) for k in range(runs)]
            found = [particle_filter(model, params, size, rng) for rng in rngs]
            known[case] = (
                model, drawn, state,
                np.asarray([r[0] for r in found]),
                np.stack([r[1].mean(axis=0) for r in found]),
                np.stack([r[1].std(axis=0) for r in found]),
            )  # fmt: skip
        return known[case]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("which", ["model", "wider"])
def test_moment_matching_alone_comes_close_to_a_large_particle_filter(reference, which):
    # Over draws: what errs by 0.1 nats at one and by 0 at the next is no property of the filter.
    nats, away = [], []
    for rank in range(6):
        _, _, state, logs, means, spreads = reference(which, rank, 30_000, runs=4)
        nats.append(state.total[0, 0] + state.newest[0].sum() - logs.mean())
        away.append((state.mean[0] - means.mean(axis=0)) / spreads.mean())
    for errors in (nats, away):
        assert np.sqrt(np.mean(np.square(errors))) < 0.1, errors
    assert np.abs(away).max() < 0.25, away


@pytest.mark.parametrize("case", CASES)
def test_with_its_paths_weighted_it_agrees_with_a_large_particle_filter(reference, case):
    model, drawn, state, logs, means, spreads = reference(*case)
    log, size = state.total[0, 0] + state.newest[0].sum(), 20_000
    paths, _, log_weights = weighted_paths(
        model, THEORY, np.repeat(drawn, size, axis=0),
        model.structure.n_time, np.random.default_rng([case[1], 9]),
    )  # fmt: skip
    weights = np.exp(log_weights)
    own = weights.std() / weights.mean() / np.sqrt(size)
    error = np.hypot(logs.std(ddof=1) / np.sqrt(N_RUN), own)
    assert abs(log + np.log(weights.mean()) - logs.mean()) < 4 * error
    ends, share = paths[..., -1], (weights / weights.sum())[:, None]
    mean = (share * ends).sum(axis=0)
    theirs = means.std(axis=0, ddof=1) / np.sqrt(N_RUN)
    error = np.sqrt((share**2 * (ends - mean) ** 2).sum(axis=0)) + theirs
    assert (np.abs(mean - means.mean(axis=0)) < 4 * error).all()
    spread = np.sqrt((share * (ends - mean) ** 2).sum(axis=0))
    np.testing.assert_allclose(spread, spreads.mean(axis=0), rtol=0.03)


def test_what_a_theory_holds_at_null_changes_no_bit(model):
    assert not set(MORE) & {part.name for part in model.coordinates.parts}
    drawn, n_time = scores(model, 40), model.structure.n_time
    plain, _, path = model.replay(drawn, n_time, keep=True)
    other, _, shaken_path = shaken(model).replay(drawn, n_time, keep=True)
    np.testing.assert_array_equal(path, shaken_path)
    for name in ("mean", "cov", "total", "newest", "audience"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))


def test_more_nodes_change_nothing_that_matters(model):
    n = 40
    params = model.params(plausible(model, n))
    few, _, _ = filtered(model, params, n, model.structure.n_time)
    many, _, _ = filtered(model, params, n, model.structure.n_time, nodes=(31, 61, 21, 301))
    miss = (few.total[:, 0] + few.newest.sum(1)) - (many.total[:, 0] + many.newest.sum(1))
    assert np.abs(miss).max() < 0.02
    assert np.abs(few.mean - many.mean).max() < 0.005


def test_who_shares_a_batch_changes_no_bit(model):
    drawn = scores(model, 71)
    whole, _, _ = model.replay(drawn, model.structure.n_time)
    for part in (slice(0, 1), slice(5, 38), slice(40, 71)):
        alone, _, _ = model.replay(drawn[part], model.structure.n_time)
        for name in ("mean", "cov", "total", "newest"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(whole, name)[part])


def test_paths_drawn_backwards_have_the_smoothed_moments(model):
    params = model.params(np.repeat(scores(model, 1), 4000, axis=0))
    _, _, path = filtered(model, params, 4000, model.structure.n_time)
    mean, variance = smoothed(path[:1])
    drawn, _ = draw_paths(path, np.random.default_rng(0))
    spread = np.sqrt(variance[0]).T
    assert np.abs((drawn.mean(axis=0) - mean[0].T) / spread).max() < 5 / np.sqrt(4000)
    assert np.abs(drawn.std(axis=0) / spread - 1).max() < 0.06


def test_without_beliefs_talks_alone_are_predicted_exactly(rich_folder):
    inputs = build_inputs(load_study(rich_folder))
    model = marginal.Model.of(inputs, load_theory("base_rate"))
    state, _, _ = model.replay(scores(model, 5), model.structure.n_time)
    params = model.params(scores(model, 5))
    cols = until(model.columns, model.structure.n_time)
    paths = system.evaluate(np, params, cols, model.structure)
    logs = system.log_likelihoods(np, params, cols, model.structure, paths)["talks"].sum(axis=-1)
    np.testing.assert_allclose(state.total[:, 0] + state.newest.sum(axis=1), logs, rtol=1e-12)


@pytest.fixture(scope="module")
def prices():
    """Weekly market prices alone, without talks, so that each side is a problem of its own."""
    study, theory = load_study("us-civil-war"), load_theory("mutual_optimism")
    prices = marginal.Model.of(build_inputs(study), theory)
    measurements = prices.measurements
    first = np.flatnonzero(measurements.channels == 0)
    when = np.searchsorted(measurements.starts, first, side="right") - 1
    starts = np.searchsorted(when, np.arange(len(measurements.starts)))
    names = "sides", "channels", "kinds", "values"
    measurements = measurements._replace(
        seen=np.zeros_like(measurements.seen), starts=starts,
        **{name: getattr(measurements, name)[first] for name in names},
    )  # fmt: skip
    kept = prices.columns["cell_channel"] == 0
    columns = {k: v[kept] if k.startswith("cell_") else v for k, v in prices.columns.items()}
    columns["talks_seen"] = np.zeros_like(columns["talks_seen"])
    return replace(prices, measurements=measurements, columns=columns)


@pytest.fixture(scope="module")
def draws(prices):
    """Particles of the first year's posterior, without misreading, which a grid would not know."""
    study, theory = load_study("us-civil-war", as_of="1862-12-31"), load_theory("mutual_optimism")
    found = [track(study, theory, particles=200, seed=seed) for seed in (1, 2, 3)]
    few = np.concatenate([one.scores()[:40] for one in found])
    few[:, [label.startswith("misread") for label in prices.coordinates.labels]] = -8.0
    return few, found[0].n_time


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


def on_a_grid(prices, scores, n_time, *, one):
    """Log density of all readings by a grid of beliefs; as `one` Gaussian after each, if asked."""
    n = len(scores)
    params, nobody = prices.params(scores), np.zeros((len(scores), 2))
    static = prices.static(params, n)
    columns = marginal.part_columns(prices.columns, 0, n_time)
    terms = marginal.terms_of(params, columns, prices.structure, n, nobody)
    kept, drift = terms.kept, terms.drift
    out = np.zeros(n)
    for p in range(n):
        for side in (0, 1):
            out[p] += _filtered(
                kept[p, side], drift[p, side], static.start[p, side],
                np.sqrt(static.noise[p, side]),
                static.scale[p, 0], prices.measurements, side, one,
            )  # fmt: skip
    return out


@pytest.mark.parametrize("away", [30.0, 1e3, 1e6, 1e9])
def test_a_reading_far_away_says_what_its_tail_says(prices, away):
    few, n_time = np.random.default_rng(3).standard_normal((20, prices.coordinates.size)), 16
    few[:, [label.startswith("misread") for label in prices.coordinates.labels]] = -8.0
    far = prices.measurements._replace(values=prices.measurements.values + away)
    prices = replace(prices, measurements=far)
    state = prices.replay(few, n_time)[0]
    ours = state.total[:, 0] + state.newest.sum(axis=1)
    np.testing.assert_allclose(ours, on_a_grid(prices, few, n_time, one=False), 0.0, 1e-3)
    assert (state.cov[:, [0, 2]] > 0.0).all()


@pytest.mark.slow
def test_two_gaussians_come_closer_than_one(prices, draws):
    few, n_time = draws
    truth = on_a_grid(prices, few, n_time, one=False)
    state, _, path = prices.replay(few, n_time, keep=True)
    assert (path[..., [14, 17]] > 0.0).any()
    ours = state.total[:, 0] + state.newest.sum(axis=1) - truth
    single = on_a_grid(prices, few, n_time, one=True) - truth
    # 0.40 to 0.58 in all 200 particles of the three tracks.
    assert np.sqrt(np.mean(ours**2)) < 2 / 3 * np.sqrt(np.mean(single**2))


@pytest.mark.slow
def test_paths_drawn_from_two_gaussians_have_the_density_they_are_given(prices, draws):
    # Weighted, they give the density of all readings that a grid gives.
    few, n_time, size = draws[0][:1], draws[1], 8_000
    truth = on_a_grid(prices, few, n_time, one=False)
    state, _, path = prices.replay(few, n_time, keep=True)
    assert (path[..., [14, 17]] > 0.0).any()
    _, _, log = weighted_paths(
        prices, load_theory("mutual_optimism"), np.repeat(few, size, axis=0), n_time,
        np.random.default_rng(2),
    )  # fmt: skip
    weights = np.exp(log)
    error = weights.std() / weights.mean() / np.sqrt(size)
    found = state.total[0, 0] + state.newest[0].sum() + np.log(weights.mean())
    assert error < 0.05
    assert abs(found - truth[0]) < 4 * error
