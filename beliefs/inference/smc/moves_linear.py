"""Coordinates for moves: what enters belief linearly, given what does not.

With a small volatility the readings pin down sums of weights, jumps and levels; with a large one
they leave them free. Jointly these parameters are a funnel that no single Gaussian fits, given
volatility, memory and reading spreads they are nearly Gaussian. The augmented filter of de Jong
(1991) gives that Gaussian: it carries along how predicted belief answers to each linear parameter,
and so gathers the information matrix of all of them in one pass. Linear parameters then move as its
mode plus the transposed inverse root of that matrix times z, nearly standard normal whatever the
others are. Tails, talks and nonlinear biases are left out: the map is a bijection and its
determinant is known, so they cost acceptance and not exactness. Its filter runs in single
precision: any bijection is right to propose in. It is a pass by itself: backwards, as in
`nuts.recentre`, each period would cost what a reading does here.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from beliefs.inference.filter.filter import Model
from beliefs.inference.filter.smooth import drawn_by
from beliefs.inference.smc.particles import Floats, Ints, mapped
from beliefs.model import system
from beliefs.model.mechanisms import belief, readings
from beliefs.model.numerics.recurrence import gate
from beliefs.model.structure import until

LINEAR = (
    "belief_mean", "initial", "weight_own", "weight_other", "stalemate", "endurance",
    "rival_persistence", "misread", "shock_jump", "private_bias", "projection_level", "projection",
    "tactical_reset",
)  # fmt: skip
STEP = 0.5  # normal scores over which a response is measured
BLUNT, FURTHER, ROUGH = 3.0, 2.0, 0.014
"""What the frame takes reading variances and volatility times, and adds to volatility squared (per
week). Fat tails and nonlinear weights leave the posterior wider than the linear Gaussian one, most
where volatility is small; of the settings tried, proposals were accepted oftenest with these."""


class _Side(NamedTuple):
    """How one side's belief and readings answer to its k linear parameters."""

    linear: Ints  # places of the parameters among the scores
    reading: Ints  # places of the side's readings
    # What `information` reads: period of each reading, its value less the bias at the reference,
    # taken to belief 0, and how it answers to belief; the answers of each period's move
    # (n_time, k), of belief before the first period (k,) and of each reading's bias (readings, k);
    # the place of ``belief_mean`` in `linear`, -1 when it is not free, and how it answers to its
    # score; the scores of the reference.
    answers: tuple[Any, ...]


class Frame(NamedTuple):
    """How belief and readings answer to the linear parameters near a reference point."""

    model: Model
    n_time: int  # periods looked at
    at: dict[str, Floats]  # linear parameters of the reference point, (1, *shape) each
    gated: Floats  # misreading's gate along the reference path, (2, n_time)
    away: Floats  # of every reading: value less bias and belief at the reference
    sides: list[_Side]


def _moves(model: Model, params: Any, n: int, n_time: int, gated: Floats) -> tuple[Floats, Floats]:
    """Return retention and drift with the reference's misreading, each (N, 2, n_time)."""
    columns = until(model.columns, n_time)
    kept, push, misread = system.movements(np, params, columns, model.structure)
    drift = belief.drift(params, kept, push) + misread * gated
    shape = (n, 2, n_time)
    return np.broadcast_to(kept, shape), np.broadcast_to(drift, shape)


def frame_of(model: Model, reference: Floats, n_time: int) -> Frame:
    """Measure the frame of the first `n_time` periods about normal scores (d,)."""
    measurements = model.measurements
    _, static, path = model.replay(reference[None], n_time, keep=True)
    noise = np.zeros((1, 2, n_time))
    smoothed, _ = drawn_by(path, noise, noise + 0.5)
    before = np.concatenate([static.start[:, :, None], smoothed], axis=2)
    gated = gate(np, before[0, :, :-1])
    names = [label.split("[")[0] for label in model.coordinates.labels]
    places = np.asarray([j for j, name in enumerate(names) if name in LINEAR], dtype=np.int64)
    moved = np.repeat(reference[None], 2 * len(places), axis=0)
    moved[np.arange(len(places)), places] -= STEP
    moved[len(places) + np.arange(len(places)), places] += STEP

    def answer(values: Any) -> Floats:
        low, high = np.split(np.asarray(values), 2)
        return (high - low) / (2.0 * STEP)

    params = model.params(moved)
    n_read = int(measurements.starts[n_time])
    side, channel = measurements.sides[:n_read], measurements.channels[:n_read]
    when = np.repeat(np.arange(n_time), np.diff(measurements.starts[: n_time + 1]))
    private, public = ((measurements.kinds[:n_read] == kind).astype(float) for kind in (1, 2))
    cells = {
        "cell_side": side, "cell_channel": channel, "cell_private": private, "cell_public": public,
    }  # fmt: skip
    at = before[0][side, when + 1]
    here = model.params(reference[None])

    def bias(given: Any, logit: Floats) -> Floats:
        rows = max(len(moved), 1)  # a theory may hold all of the linear parameters at null
        return np.broadcast_to(readings.bias(np, given, cells, logit), (rows, n_read))

    slope = 1.0 + (bias(here, at + 0.25)[0] - bias(here, at - 0.25)[0]) / 0.5
    away = measurements.values[:n_read] - at - bias(here, at)[0]
    by_move = answer(_moves(model, params, len(moved), n_time, gated)[1])
    by_start = answer(model.static(params, len(moved)).start)
    by_bias = answer(bias(params, at)[: len(moved)])
    sides, missed = [], away + slope * at
    for i in (0, 1):
        mine = np.flatnonzero(side == i)
        answers = np.abs(by_move[:, i]).sum(1) + np.abs(by_start[:, i])
        answers = answers + np.abs(by_bias[:, mine]).sum(1)
        chosen = np.flatnonzero(answers > 0)
        linear = places[chosen]
        arrays = [by_move[chosen, i].T, by_start[chosen, i], by_bias[chosen][:, mine].T]
        level = [k for k, j in enumerate(linear) if names[j] == "belief_mean"]
        known = (level[0], by_start[chosen[level[0]], i]) if level else (-1, 0.0)
        arrays = [np.ascontiguousarray(v, dtype=np.float32) for v in arrays]
        rest = (*arrays, *known, reference[linear])
        sides.append(_Side(linear, mine, (when[mine], missed[mine], slope[mine], *rest)))
    held = {k: v for k, v in here.items() if k in LINEAR and k not in model.null}
    return Frame(model, n_time, held, gated, away, sides)


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def information(
    kept: Any, drift: Any, begin: Any, noise: Any, variance: Any, when: Any, missed: Any,
    slope: Any, move: Any, start: Any, precision: Any, level: Any, gain: Any, prior: Any,
) -> Any:  # fmt: skip
    """Return the centre (N, k) and the root of the precision (N, k, k) of one side's parameters.

    The centre is the mode less the reference, times the transposed root.
    """
    n, n_time = kept.shape
    k, n_read = move.shape[1], when.size
    centres, roots = np.empty((n, k)), np.zeros((n, k, k), dtype=np.float32)
    answer, seen = np.empty(k, dtype=np.float32), np.empty((k, n_read), dtype=np.float32)
    for p in range(n):
        root, pull = roots[p], centres[p]
        mean, var = begin[p], 0.0
        for j in range(k):
            answer[j], pull[j] = start[j], -prior[j]
        r = 0
        for t in range(n_time):
            a = kept[p, t]
            mean, var = a * mean + drift[p, t], a * a * var + noise[p]
            top = a * answer[level] + (1.0 - a) * gain
            small = np.float32(a)
            for j in range(k):
                answer[j] = small * answer[j] + move[t, j]
            if level >= 0:
                answer[level] = top
            while r < n_read and when[r] == t:
                h = slope[r]
                f = h * h * var + variance[p, r]
                miss, lost = missed[r] - h * mean, -h * var / f
                mean, var = mean - lost * miss, var + lost * h * var
                small, fall, unit = np.float32(h), np.float32(lost), np.float32(1.0 / np.sqrt(f))
                for j in range(k):
                    x = small * answer[j] + precision[r, j]
                    answer[j] += fall * x
                    pull[j] += x * (miss / f)
                    seen[j, r] = unit * x
                r += 1
        for j in range(k):
            for i in range(j + 1):
                total = np.float32(1.0 if i == j else 0.0)
                for q in range(n_read):
                    total += seen[j, q] * seen[i, q]
                root[j, i] = total
        for j in range(k):  # Cholesky
            for i in range(j + 1):
                total = np.float32(0.0)
                for q in range(i):
                    total += root[j, q] * root[i, q]
                x = root[j, i] - total
                root[j, i] = np.sqrt(max(x, np.float32(1.0))) if i == j else x / root[i, i]
        for j in range(k):
            for i in range(j):
                pull[j] -= root[j, i] * pull[i]
            pull[j] /= root[j, j]
    return centres, roots


@numba.njit(nogil=True, cache=True, error_model="numpy")
def unwhitened(roots: Any, z: Any) -> Any:
    """Return the solution of root' x = z by particle."""
    n, k = z.shape
    out = z.copy()
    for p in range(n):
        for j in range(k - 1, -1, -1):
            for i in range(j + 1, k):
                out[p, j] -= roots[p, i, j] * out[p, i]
            out[p, j] /= roots[p, j, j]
    return out


def _given(frame: Frame, scores: Floats) -> tuple[list[Any], Floats]:
    """Return centre and root by side given the other parameters, and log|du/dz|, (N,)."""
    model, n = frame.model, len(scores)
    # One value for all particles where it is linear.
    params = {**model.null, **model.coordinates.params(scores, frame.at), **frame.at}
    kept, drift = _moves(model, params, n, frame.n_time, frame.gated)
    static = model.static(params, n)
    channels = model.measurements.channels[: len(frame.away)]
    noise = FURTHER * static.noise + ROUGH * model.structure.step_weeks
    variance = BLUNT / readings.pull(frame.away, static.scale[:, channels])
    out, change = [], np.zeros(n)
    for i, mine in enumerate(frame.sides):
        own = [v[:, i] for v in (kept, drift, static.start, noise)] + [variance[:, mine.reading]]
        centre, root = information(*(np.ascontiguousarray(v) for v in own), *mine.answers)
        out.append((centre, root))
        change -= np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    return out, change


def to_frame(frame: Frame, scores: Floats) -> tuple[Floats, Floats]:
    """Return coordinates (N, d) for moves of normal scores, and log|d scores / d coordinates|."""

    def work(chunk: slice) -> tuple[Floats, Floats]:
        roots, change = _given(frame, scores[chunk])
        given, out = scores[chunk], scores[chunk].copy()
        for side, (centre, root) in zip(frame.sides, roots, strict=True):
            here = given[:, side.linear] - side.answers[-1]
            out[:, side.linear] = np.einsum("nij,ni->nj", root, here) - centre
        return out, change

    found, change = zip(*mapped(work, len(scores)), strict=True)
    return np.concatenate(found), np.concatenate(change)


def from_frame(frame: Frame, coordinates: Floats) -> tuple[Floats, Floats]:
    """Return normal scores (N, d) at coordinates, and log|d scores / d coordinates|."""
    roots, change = _given(frame, coordinates)
    out = coordinates.copy()
    for side, (centre, root) in zip(frame.sides, roots, strict=True):
        here = coordinates[:, side.linear] + centre
        out[:, side.linear] = side.answers[-1] + unwhitened(root, np.ascontiguousarray(here))
    return out, change
