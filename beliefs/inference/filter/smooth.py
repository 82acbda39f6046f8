"""From filtered to smoothed beliefs: paths drawn backwards (Carter and Kohn 1994).

The slope of a move is that of statistical linearisation where misreading makes it nonlinear. The
mean of paths is the backward pass of Rauch, Tung and Striebel (1965), from what the filter keeps.
"""

from typing import Any

import numba
import numpy as np

from beliefs.inference.filter.filter_reading import other
from beliefs.inference.smc.particles import Floats
from beliefs.model import system
from beliefs.model.mechanisms import belief
from beliefs.model.numerics.recurrence import step
from beliefs.model.structure import Structure

_LOG_2PI = float(np.log(2.0 * np.pi))


@numba.njit(cache=True, error_model="numpy")
def _piece(now: Any, side: int, second: int) -> tuple[float, float, float]:
    """Return share, mean and variance of one Gaussian of a side's filtered belief."""
    w, m, v = now[14 + 3 * side], now[15 + 3 * side], now[16 + 3 * side]
    mean, var = now[9 + side], now[11 + 2 * side]
    root = np.sqrt(var)
    if second == 1:
        return w, mean + root * m, var * v
    m1, v1 = other(w, m, v)
    return 1.0 - w, mean + root * m1, var * v1


@numba.njit(cache=True, error_model="numpy")
def _second_share(now: Any, then: Any, side: int, after: float, last: bool) -> float:
    """Return the probability of a side's second Gaussian, given its belief a period later."""
    if now[14 + 3 * side] == 0.0 or last:
        return float(now[14 + 3 * side])
    logs = np.empty(2)
    for second in (0, 1):
        w, m, v = _piece(now, side, second)
        m = then[4 + side] + then[2 + side] * (m - now[9 + side])
        v = then[6 + 2 * side] + then[2 + side] ** 2 * (v - now[11 + 2 * side])
        logs[second] = np.log(w) - 0.5 * np.log(v) - 0.5 * (after - m) ** 2 / v
    return float(1.0 / (1.0 + np.exp(logs[0] - logs[1])))


@numba.njit(cache=True, error_model="numpy")
def _conditioned(now: Any, then: Any, after: Any, last: bool, one: int, two: int, out: Any) -> None:
    """Fill mean (2) and root (3) of beliefs given those a period later, of one Gaussian each."""
    for side, which in ((0, one), (1, two)):
        _, out[side], out[2 + 2 * side] = _piece(now, side, which)
    out[3] = now[12]
    if now[14] > 0.0 or now[17] > 0.0:
        out[3] *= np.sqrt(out[2] / now[11] * out[4] / now[13])
    for side in (0, 1):  # chance moves the sides apart, so that one is taken in after the other
        own, beside, a = 2 + 2 * side, 4 - 2 * side, then[2 + side]
        noise = then[6 + 2 * side] - a * a * now[11 + 2 * side]
        ahead = a * a * out[own] + noise
        if last or ahead <= 0.0:
            continue
        pull = a * (after[side] - then[4 + side] - a * (out[side] - now[9 + side])) / ahead
        out[side] += out[own] * pull
        out[1 - side] += out[3] * pull
        out[beside] -= a * a * out[3] * out[3] / ahead
        out[3] *= noise / ahead
        out[own] *= noise / ahead
    out[2] = np.sqrt(max(out[2], 0.0))
    out[3] = out[3] / out[2] if out[2] > 0.0 else 0.0
    out[4] = np.sqrt(max(out[4] - out[3] * out[3], 0.0))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def drawn_by(path: Floats, noise: Floats, choice: Floats) -> tuple[Floats, Floats]:
    """Return the paths (N, 2, T) that normal and uniform numbers pick; see `draw_paths`.

    Noise of 0 gives the smoothed means where belief is one Gaussian.
    """
    n, n_time, _ = path.shape
    out, log = np.empty((n, 2, n_time)), np.zeros(n)
    of, after = np.empty(5), np.empty(2)
    for i in range(n):
        for t in range(n_time - 1, -1, -1):
            last = t == n_time - 1
            now, then = path[i, t], path[i, t if last else t + 1]
            if not last:
                after[0], after[1] = out[i, 0, t + 1], out[i, 1, t + 1]
            p = _second_share(now, then, 0, after[0], last)
            q = _second_share(now, then, 1, after[1], last)
            a, b = int(choice[i, 0, t] < p), int(choice[i, 1, t] < q)
            _conditioned(now, then, after, last, a, b, of)
            out[i, 0, t] = of[0] + of[2] * noise[i, 0, t]
            out[i, 1, t] = of[1] + of[3] * noise[i, 0, t] + of[4] * noise[i, 1, t]
            near = -0.5 * (noise[i, 0, t] ** 2 + noise[i, 1, t] ** 2) - np.log(of[2] * of[4])
            if p > 0.0 or q > 0.0:
                density = 0.0
                for one in (0, 1):
                    for two in (0, 1):
                        share = (p if one == 1 else 1.0 - p) * (q if two == 1 else 1.0 - q)
                        if share > 0.0:
                            _conditioned(now, then, after, last, one, two, of)
                            z = (out[i, 0, t] - of[0]) / of[2]
                            w = (out[i, 1, t] - of[1] - of[3] * z) / of[4]
                            density += share * np.exp(-0.5 * (z * z + w * w)) / (of[2] * of[4])
                near = np.log(density)
            log[i] += near - _LOG_2PI
    return out, log


def draw_paths(path: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw one path of both beliefs for each particle from a kept path (N, T, PATH).

    Returns the paths (N, 2, T) and the log density with which each was drawn, (N,).
    """
    shape = (len(path), 2, path.shape[1])
    noise, choice = rng.standard_normal(shape), rng.random(shape)
    return drawn_by(np.ascontiguousarray(path), noise, choice)


def innovations_along(
    paths: Floats, params: Any, columns: Any, structure: Structure
) -> tuple[Floats, Floats]:
    """Return the moves of chance along paths (N, 2, T), in the standard deviations (N, 2)."""
    kept, push, misread = system.movements(np, params, columns, structure)
    start = np.broadcast_to(belief.start_of(params), paths.shape[:2])[..., None]
    before = np.concatenate([start, paths[..., :-1]], axis=-1)
    moved = paths - step(np, kept, belief.drift(params, kept, push), misread, before)
    spread = np.broadcast_to(belief.volatility(np, params, structure), paths.shape[:2])
    return moved / spread[..., None], spread
