"""Other filters for the linear-Gaussian case: exact ones, and one of particles.

Each function takes a `Case` and returns what gives the log likelihoods of its particles, (N,).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from kit.linear import CHUNK, Case, Floats

Filter = Callable[[], Floats]
LOG_2PI = float(np.log(2.0 * np.pi))


def by_hand(case: Case) -> Filter:
    """Exact Kalman filter written out for this case in numba: two scalars, nothing general."""
    return lambda: _kalman(*_arrays(case))


def of_particles(case: Case, size: int, seed: int) -> Filter:
    """Bootstrap filter in numba with `size` particles of belief for each of the parameters."""
    arrays = _arrays(case)
    n = case.shape[0]
    chunks = [slice(k, min(n, k + CHUNK)) for k in range(0, n, CHUNK)]
    by_particle = (True, True, True, True, False, False, False, True, True)

    def work(chunk: slice) -> Floats:
        rng = np.random.default_rng([seed, chunk.start])
        mine = [v[chunk] if own else v for v, own in zip(arrays, by_particle, strict=True)]
        return _bootstrap(*mine, size, rng)

    def task() -> Floats:
        with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
            return np.concatenate(list(pool.map(work, chunks)))

    return task


def of_cuthbert(case: Case, *, scan_elements: bool) -> Filter:
    """Square-root Kalman filter of cuthbert, `vmap` over particles, sequential in time.

    `scan_elements`: through `cuthbert.filter`, whose steps would also do for a parallel scan;
    else through the predict and update of cuthbertlib in a scan, which do less work.
    """
    import cuthbert
    import jax
    import jax.numpy as jnp
    from cuthbert.gaussian import kalman
    from cuthbertlib.kalman import filter_update, predict

    jax.config.update("jax_enable_x64", True)
    h, y, matrices = _observed(case)

    def one(kept, drift, noise, start, bias, spread):  # type: ignore[no-untyped-def]
        f = jax.vmap(jnp.diag)(kept)
        root = jnp.diag(jnp.sqrt(noise))
        r = jax.vmap(jnp.diag)(spread)
        # Belief before the first period is known. An element of a scan takes no covariance of 0, so
        # that belief goes into the first drift, and nothing before it is kept.
        drift = drift.at[0].add(kept[0] * start)
        f, known = f.at[0].set(0.0), jnp.eye(2)
        if scan_elements:
            built = kalman.build_filter(
                jnp.zeros(2),
                known,
                lambda x: (x[0], x[1], root),
                lambda x: (x[2], x[3], x[4], x[5]),
            )
            states = cuthbert.filter(built, (f, drift, h, bias, r, y), built.init_prepare())
            return states.log_normalizing_constant[-1]

        def step(state, x):  # type: ignore[no-untyped-def]
            mean, chol, log = state
            mean, chol = predict(mean, chol, x[0], x[1], root)
            (mean, chol), log = filter_update(mean, chol, x[2], x[3], x[4], x[5], log)
            return (mean, chol, log), None

        first = (jnp.zeros(2), known, jnp.zeros(()))
        return jax.lax.scan(step, first, (f, drift, h, bias, r, y))[0][2]

    batch = jax.jit(jax.vmap(one))
    given = [jnp.asarray(v) for v in matrices]
    empty = _empty_slots(case)
    return lambda: np.asarray(batch(*given)) + empty


def of_dynamax(case: Case) -> Filter:
    """Kalman filter of dynamax, `vmap` over particles."""
    import jax
    import jax.numpy as jnp
    from dynamax.linear_gaussian_ssm import inference as lgssm

    jax.config.update("jax_enable_x64", True)
    h, y, matrices = _observed(case)
    n_time = len(y)

    def one(kept, drift, noise, start, bias, spread):  # type: ignore[no-untyped-def]
        q = jnp.diag(noise)
        # It begins with the first period as predicted.
        params = lgssm.ParamsLGSSM(
            lgssm.ParamsLGSSMInitial(mean=kept[0] * start + drift[0], cov=q),
            lgssm.ParamsLGSSMDynamics(
                weights=jax.vmap(jnp.diag)(kept),
                bias=drift,
                input_weights=jnp.zeros((2, 0)),
                cov=q,
            ),
            lgssm.ParamsLGSSMEmissions(
                weights=h,
                bias=bias,
                input_weights=jnp.zeros((n_time, h.shape[1], 0)),
                cov=jax.vmap(jnp.diag)(spread**2),
            ),
        )
        return lgssm.lgssm_filter(params, y).marginal_loglik

    batch = jax.jit(jax.vmap(one))
    given = [jnp.asarray(v) for v in matrices]
    empty = _empty_slots(case)
    return lambda: np.asarray(batch(*given)) + empty


def _observed(case: Case):  # type: ignore[no-untyped-def]
    """Observation matrix (T, m, 2), readings (T, m), and what differs between particles.

    An empty slot observes nothing (a row of zeros) with noise of 1, and saw 0.
    """
    import jax.numpy as jnp

    h = (case.side[..., None] == np.arange(2)) * case.seen[..., None]
    matrices = (case.kept, case.drift, case.noise, case.start, case.bias, case.spread)
    return jnp.asarray(h, dtype=float), jnp.asarray(case.value), matrices


def _empty_slots(case: Case) -> float:
    """What to add for the empty slots, each of which counts as a standard normal at 0."""
    return float((~case.seen).sum()) * 0.5 * LOG_2PI


def _arrays(case: Case) -> tuple[np.ndarray, ...]:
    return (
        case.kept, case.drift, case.noise, case.start, case.seen, case.side, case.value,
        case.bias, case.spread,
    )  # fmt: skip


@numba.njit(parallel=True)
def _kalman(kept, drift, noise, start, seen, side, value, bias, spread):  # type: ignore[no-untyped-def]
    n, n_time, _ = kept.shape
    out = np.zeros(n)
    for p in numba.prange(n):
        mean, var, log = start[p].copy(), np.zeros(2), 0.0
        for t in range(n_time):
            for i in range(2):
                mean[i] = kept[p, t, i] * mean[i] + drift[p, t, i]
                var[i] = kept[p, t, i] ** 2 * var[i] + noise[p, i]
            for r in range(seen.shape[1]):
                if seen[t, r]:
                    i = side[t, r]
                    total = var[i] + spread[p, t, r] ** 2
                    miss = value[t, r] - bias[p, t, r] - mean[i]
                    mean[i] += var[i] / total * miss
                    var[i] -= var[i] ** 2 / total
                    log -= 0.5 * (miss**2 / total + np.log(total) + LOG_2PI)
        out[p] = log
    return out


@numba.njit(nogil=True)
def _bootstrap(kept, drift, noise, start, seen, side, value, bias, spread, size, rng):  # type: ignore[no-untyped-def]
    n, n_time, _ = kept.shape
    out = np.zeros(n)
    b, drawn = np.empty((size, 2)), np.empty((size, 2))
    weight = np.empty(size)
    for p in range(n):
        for k in range(size):
            b[k] = start[p]
        root = np.sqrt(noise[p])
        for t in range(n_time):
            for k in range(size):
                weight[k] = 0.0
                for i in range(2):
                    b[k, i] = kept[p, t, i] * b[k, i] + drift[p, t, i] + root[i] * rng.normal()
            observed = False
            for r in range(seen.shape[1]):
                if seen[t, r]:
                    observed = True
                    scale = spread[p, t, r]
                    target = value[t, r] - bias[p, t, r]
                    for k in range(size):
                        weight[k] -= 0.5 * ((target - b[k, side[t, r]]) / scale) ** 2
                    out[p] -= np.log(scale) + 0.5 * LOG_2PI
            if not observed:
                continue
            top, mass = weight.max(), 0.0
            for k in range(size):
                weight[k] = np.exp(weight[k] - top)
                mass += weight[k]
            out[p] += top + np.log(mass / size)
            place, edge, shift = 0, weight[0], rng.random()
            for k in range(size):  # systematic resampling (Kitagawa 1996)
                at = (k + shift) / size * mass
                while edge < at and place < size - 1:
                    place += 1
                    edge += weight[place]
                drawn[k] = b[place]
            b, drawn = drawn, b
    return out
