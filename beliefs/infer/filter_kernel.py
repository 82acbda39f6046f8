"""The marginal filter of one particle, compiled: both beliefs as one Gaussian.

Given the parameters, belief is Gaussian but for three things: misreading bends its move, readings
have fat tails and a bent public bias, and talks follow both beliefs through the surplus. Each is
assimilated by moment matching with Gauss-Hermite nodes. The equations are those of
`beliefs.mechanism`, compiled as they stand. Nodes fill an array first and are summed after, in
order, so that the machine can evaluate many at once and still round in one way only.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable

import beliefs.mechanism.compiled  # noqa: F401  (registers logistic, gate, carry, step)
from beliefs.infer import quick
from beliefs.infer.filter_reading import MOST, assimilation, heed_student, student
from beliefs.mechanism import bargaining, recurrence, talks
from beliefs.mechanism.contract import logistic

__all__ = ["filter_student", "particle_filter", "predict", "weigh_talks"]

for _equation in (
    bargaining.balance,
    talks.chance,
    talks.hazard,
):
    # A call inside a loop over nodes would keep the machine from running several at once.
    register_jitable(forceinline=True, error_model="numpy")(_equation)
_balance, _hazard, _chance = bargaining.balance, talks.hazard, talks.chance
_carry, _step = recurrence.carry, recurrence.step

TINY = talks.TINY


@numba.njit(error_model="numpy")
def _moved(
    mean: float,
    var: float,
    kept: float,
    drift: float,
    misread: float,
    noise: float,
    nodes: Any,
    weights: Any,
    work: Any,
) -> tuple[float, float, float]:
    """Return mean and variance of one side's belief a period on, and the slope of the move."""
    if misread == 0.0:
        return _carry(kept, drift, mean), kept * kept * var + noise, kept
    root = np.sqrt(var)
    first = second = cross = 0.0
    for k in range(nodes.size):
        work[k] = _step(quick, kept, drift, misread, mean + root * nodes[k])
    for k in range(nodes.size):
        moved = work[k]
        first += weights[k] * moved
        second += weights[k] * moved * moved
        cross += weights[k] * moved * nodes[k]
    slope = cross / root if root > 0.0 else kept
    return first, max(second - first * first, 0.0) + noise, slope


@numba.njit(error_model="numpy")
def predict(
    mean: Any,
    cov: Any,
    kept: Any,
    drift: Any,
    misread: Any,
    noise: Any,
    k: int,
    nodes: Any,
    weights: Any,
    work: Any,
) -> tuple[float, float]:
    """Move mean (2,) and covariance (3,: AA, AB, BB) into period k, in place.

    Returns the slope of each side's move in its belief (statistical linearisation where misreading
    bends it), which the backward pass needs.
    """
    mean[0], cov[0], first = _moved(
        mean[0], cov[0], kept[0, k], drift[0, k], misread[0, k], noise[0], nodes, weights, work
    )
    mean[1], cov[2], second = _moved(
        mean[1], cov[2], kept[1, k], drift[1, k], misread[1, k], noise[1], nodes, weights, work
    )
    cov[1] *= first * second
    return first, second


@numba.njit(error_model="numpy")
def weigh_talks(
    mean: Any,
    cov: Any,
    held: float,
    floor: float,
    effect: float,
    mediation: float,
    shift: float,
    process: float,
    pull: float,
    drag: float,
    grid: Any,
    work: Any,
    at: Any,
) -> float:
    """Take in whether talks were held, in place; returns the log predictive probability.

    `grid` (3, n * n) holds a rule for the mean under two independent standard normals: both places
    and the weight; the first place changes every n nodes.
    """
    l00 = np.sqrt(cov[0])
    l10 = cov[1] / l00 if l00 > 0.0 else 0.0
    l11 = np.sqrt(max(cov[2] - l10 * l10, 0.0))
    m0, m1 = mean[0], mean[1]  # read once: `work` might be the same memory, for all LLVM knows
    first, second, weights = grid[0], grid[1], grid[2]
    n = int(np.sqrt(first.size))
    for i in range(n):
        p = logistic(quick, m0 + l00 * first[i * n])
        for k in range(i * n, (i + 1) * n):
            at[k] = p
    for k in range(first.size):
        q = logistic(quick, m1 + l10 * first[k] + l11 * second[k])
        surplus = _balance(pull, drag, at[k], q)
        chance = _hazard(quick, floor, effect, mediation, shift, process, surplus)
        work[k] = weights[k] * _chance(min(max(chance, TINY), 1.0 - TINY), held)
    total = s0 = s1 = s00 = s01 = s11 = 0.0
    for k in range(first.size):
        z, w, mass = first[k], second[k], work[k]
        total += mass
        s0 += mass * z
        s1 += mass * w
        s00 += mass * z * z
        s01 += mass * z * w
        s11 += mass * w * w
    e0, e1 = s0 / total, s1 / total
    c00, c01, c11 = s00 / total - e0 * e0, s01 / total - e0 * e1, s11 / total - e1 * e1
    mean[0] += l00 * e0
    mean[1] += l10 * e0 + l11 * e1
    cov[0] = l00 * l00 * c00
    cov[1] = l00 * (l10 * c00 + l11 * c01)
    cov[2] = l10 * l10 * c00 + 2.0 * l10 * l11 * c01 + l11 * l11 * c11
    return np.log(total)


def particle_filter(density: Any, heed: Any) -> Any:
    """Return the compiled filter of one particle for readings of a given density."""
    assimilate = assimilation(density, heed)

    @numba.njit(error_model="numpy")
    def filter_one(
        first: int,
        last: int,
        offset: int,
        mean: Any,
        cov: Any,
        noise: Any,
        kept: Any,
        drift: Any,
        misread: Any,
        scale: Any,
        private: Any,
        level: Any,
        slope: Any,
        pull: Any,
        drag: Any,
        mediation: Any,
        shift: Any,
        floor: Any,
        effect: Any,
        process: float,
        held: Any,
        before: Any,
        seen: Any,
        starts: Any,
        sides: Any,
        channels: Any,
        kinds: Any,
        values: Any,
        gate_rule: Any,
        read_rule: Any,
        places: int,
        talk_rule: Any,
        total: Any,
        newest: Any,
        path: Any,
    ) -> None:
        """Filter periods `first` to `last` (exclusive) of one particle, in place.

        `kept`, `drift`, `misread` (2, width), `pull`, `drag`, `shift` (width,) begin at period
        `offset`; `held`, `before`, `seen`, `starts` at period 0. `newest` (2,) holds the log
        predictive densities of readings and talks in the last period, `total` (1,) their sum over
        all earlier ones. `path`, (last - first, 14) or empty, receives for each period both
        densities, the slopes of the move, then mean and covariance as predicted and as filtered.
        """
        most = max(gate_rule.shape[1], read_rule.shape[1], MOST, talk_rule.shape[1])
        work, at = np.empty(most), np.empty(most)
        for t in range(first, last):
            k = t - offset
            a, b = predict(
                mean, cov, kept, drift, misread, noise, k, gate_rule[0], gate_rule[1], work
            )
            if path.shape[0] > 0:
                row = path[t - first]
                row[4], row[5] = mean[0], mean[1]
                row[6], row[7], row[8] = cov[0], cov[1], cov[2]
            heard = 0.0
            for r in range(starts[t], starts[t + 1]):
                i = sides[r]
                heard += assimilate(
                    mean, cov, i, kinds[r], values[r], scale[channels[r]], private[i], level[i],
                    slope[i], read_rule[0], read_rule[1], places, work, at,
                )  # fmt: skip
            said = 0.0
            if seen[t] > 0.0:
                x = int(before[t])
                said = weigh_talks(
                    mean, cov, held[t], floor[x], effect[x], mediation[x, k], shift[k], process,
                    pull[k], drag[k], talk_rule, work, at,
                )  # fmt: skip
            total[0] += newest[0] + newest[1]
            newest[0] = heard
            newest[1] = said
            if path.shape[0] > 0:
                row = path[t - first]
                row[0], row[1] = heard, said
                row[2], row[3] = a, b
                row[9], row[10] = mean[0], mean[1]
                row[11], row[12], row[13] = cov[0], cov[1], cov[2]

    return filter_one


filter_student = particle_filter(student, heed_student)
