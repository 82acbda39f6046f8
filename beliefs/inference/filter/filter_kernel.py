"""The marginal filter, compiled: both beliefs of a particle as one Gaussian.

Given the parameters, belief is Gaussian but for three things: misreading makes its move nonlinear,
readings have fat tails and a nonlinear public bias (`filter_reading`), and talks follow both
beliefs through the surplus. Each is assimilated by moment matching with Gauss-Hermite nodes around
belief as predicted. The equations are those of `beliefs.model.mechanisms`, compiled as they stand.

The innermost loop of everything runs over the `BATCH` particles of a batch, so that the machine
evaluates many at once; which share a batch changes no bit. All numbers of a batch lie in one array
(`filter_rows`), because a compiler cannot tell that several do not overlap.
"""

from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable

from beliefs.inference.filter import filter_rows as row
from beliefs.inference.filter import quick
from beliefs.inference.filter.filter_reading import assimilation, travel
from beliefs.inference.filter.filter_rows import BATCH
from beliefs.model.contract import logistic
from beliefs.model.mechanisms import bargaining, talks
from beliefs.model.numerics import recurrence

for _equation in (bargaining.balance, talks.chance, talks.log_odds, talks.mixed):
    register_jitable(forceinline=True, error_model="numpy")(_equation)
_balance, _chance = bargaining.balance, talks.chance
_log_odds, _mixed = talks.log_odds, talks.mixed
_carry, _step = recurrence.carry, recurrence.step

TINY = talks.TINY


@numba.njit(error_model="numpy", forceinline=True)
def _move(w: Any, side: int, nonlinear: bool, rule: Any) -> None:
    """Move one side's belief a period on; leaves the slope of the move in its row.

    Where misreading makes it nonlinear, that is the slope of statistical linearisation.
    """
    at = side * BATCH
    mean, var, noise, kept = row.MEAN0 + at, row.VAR0 + 2 * at, row.NOISE0 + at, row.KEPT0 + at
    drift, misread, slope = row.DRIFT0 + at, row.MISREAD0 + at, row.SLOPE0 + at
    if not nonlinear:
        for i in range(BATCH):
            a = w[kept + i]
            w[mean + i] = _carry(a, w[drift + i], w[mean + i])
            w[var + i] = a * a * w[var + i] + w[noise + i]
            w[slope + i] = a
        return
    for i in range(BATCH):
        w[row.ROOT + i] = np.sqrt(w[var + i])
        w[row.SUM0 + i] = w[row.SUM1 + i] = w[row.SUM2 + i] = 0.0
    for k in range(rule.shape[1]):
        x, weight = rule[0, k], rule[1, k]
        for i in range(BATCH):
            moved = _step(
                quick, w[kept + i], w[drift + i], w[misread + i], w[mean + i] + w[row.ROOT + i] * x
            )
            w[row.SUM0 + i] += weight * moved
            w[row.SUM1 + i] += weight * moved * moved
            w[row.SUM2 + i] += weight * moved * x
    for i in range(BATCH):
        a, straight = w[kept + i], w[misread + i] == 0.0
        first, root = w[row.SUM0 + i], w[row.ROOT + i]
        spread = max(w[row.SUM1 + i] - first * first, 0.0)
        slope_fit = w[row.SUM2 + i] / root if root > 0.0 else a
        along = _carry(a, w[drift + i], w[mean + i])
        w[mean + i] = along if straight else first
        w[var + i] = (a * a * w[var + i] if straight else spread) + w[noise + i]
        w[slope + i] = a if straight else slope_fit


@numba.njit(error_model="numpy")
def _predict(w: Any, first_bent: bool, second_bent: bool, rule: Any) -> None:
    pairs = 0
    for i in range(BATCH):
        pairs += w[row.SHARE0 + i] > 0.0 or w[row.SHARE1 + i] > 0.0
        w[row.BEFORE + i], w[row.SPREAD + i] = w[row.VAR0 + i], w[row.VAR1 + i]
    _move(w, 0, first_bent, rule)
    _move(w, 1, second_bent, rule)
    for i in range(BATCH):
        w[row.COV + i] *= w[row.SLOPE0 + i] * w[row.SLOPE1 + i]
    if pairs > 0:
        for i in range(BATCH):
            if w[row.SHARE0 + i] > 0.0:
                a = w[row.SLOPE0 + i]
                travel(w, row.SHARE0 + i, a * a * w[row.BEFORE + i] / w[row.VAR0 + i])
            if w[row.SHARE1 + i] > 0.0:
                a = w[row.SLOPE1 + i]
                travel(w, row.SHARE1 + i, a * a * w[row.SPREAD + i] / w[row.VAR1 + i])


@numba.njit(error_model="numpy")
def _weigh_talks(w: Any, talks: float, rule: Any) -> None:
    """Take in whether talks were held, at the n x n places of a rule (2, n) of nodes and weights.

    Leaves the log predictive probability in row LOG_TALKS.
    """
    n = rule.shape[1]
    for i in range(BATCH):
        root = np.sqrt(w[row.VAR0 + i])
        across = w[row.COV + i] / root if root > 0.0 else 0.0
        w[row.ROOT + i] = root
        w[row.ACROSS + i] = across
        w[row.REST + i] = np.sqrt(max(w[row.VAR1 + i] - across * across, 0.0))
        w[row.SUM + i] = w[row.SUM0 + i] = w[row.SUM1 + i] = 0.0
        w[row.SUM00 + i] = w[row.SUM01 + i] = w[row.SUM11 + i] = 0.0
    for j in range(n):
        x, x_weight = rule[0, j], rule[1, j]
        for i in range(BATCH):
            w[row.P + i] = logistic(quick, w[row.MEAN0 + i] + w[row.ROOT + i] * x)
            w[row.CENTRE + i] = w[row.MEAN1 + i] + w[row.ACROSS + i] * x
            w[row.MASS0 + i] = w[row.MASS1 + i] = w[row.MASS2 + i] = 0.0
        for k in range(n):
            y, weight = rule[0, k], rule[1, k]
            for i in range(BATCH):
                q = logistic(quick, w[row.CENTRE + i] + w[row.REST + i] * y)
                surplus = _balance(w[row.PULL + i], w[row.DRAG + i], w[row.P + i], q)
                lower = min(w[row.P + i], q)
                odds = _log_odds(
                    w[row.LOGIT + i], w[row.EFFECT + i], surplus, w[row.CRACK + i], lower
                )
                sincere = logistic(quick, odds)
                p = _mixed(w[row.PROCESS + i], w[row.IDLE + i], sincere)
                mass = weight * _chance(min(max(p, TINY), 1.0 - TINY), talks)
                w[row.MASS0 + i] += mass
                w[row.MASS1 + i] += mass * y
                w[row.MASS2 + i] += mass * (y * y)
        for i in range(BATCH):
            s, sy = x_weight * w[row.MASS0 + i], x_weight * w[row.MASS1 + i]
            w[row.SUM + i] += s
            w[row.SUM0 + i] += s * x
            w[row.SUM1 + i] += sy
            w[row.SUM00 + i] += s * (x * x)
            w[row.SUM01 + i] += sy * x
            w[row.SUM11 + i] += x_weight * w[row.MASS2 + i]
    for i in range(BATCH):
        total, root = w[row.SUM + i], w[row.ROOT + i]
        across, rest = w[row.ACROSS + i], w[row.REST + i]
        e0, e1 = w[row.SUM0 + i] / total, w[row.SUM1 + i] / total
        c00 = w[row.SUM00 + i] / total - e0 * e0
        c01 = w[row.SUM01 + i] / total - e0 * e1
        c11 = w[row.SUM11 + i] / total - e1 * e1
        w[row.MEAN0 + i] += root * e0
        w[row.MEAN1 + i] += across * e0 + rest * e1
        w[row.VAR0 + i] = root * root * c00
        w[row.COV + i] = root * (across * c00 + rest * c01)
        w[row.VAR1 + i] = across * across * c00 + 2.0 * across * rest * c01 + rest * rest * c11
        w[row.LOG_TALKS + i] = quick.log(total)


@numba.njit(error_model="numpy")
def _load_state(w: Any, low: int, size: int, mean: Any, cov: Any, pair: Any, static: Any) -> None:
    """Fill the rows that a batch keeps; places without a particle repeat the last one."""
    for i in range(BATCH):
        n = low + min(i, size - 1)
        w[row.MEAN0 + i], w[row.MEAN1 + i] = mean[n, 0], mean[n, 1]
        w[row.VAR0 + i], w[row.COV + i], w[row.VAR1 + i] = cov[n, 0], cov[n, 1], cov[n, 2]
        w[row.NOISE0 + i], w[row.NOISE1 + i] = static.noise[n, 0], static.noise[n, 1]
        w[row.PROCESS + i], w[row.CRACK + i] = static.process[n], static.crack[n]
        for k in range(6):
            w[row.SHARE0 + k * BATCH + i] = pair[n, k]


@numba.njit(error_model="numpy")
def _load_move(w: Any, low: int, size: int, k: int, terms: Any) -> tuple[bool, bool]:
    """Fill the rows of a period's move; returns by side whether misreading makes it nonlinear."""
    first = second = False
    for i in range(BATCH):
        n = low + min(i, size - 1)
        w[row.KEPT0 + i], w[row.KEPT1 + i] = terms.kept[n, 0, k], terms.kept[n, 1, k]
        w[row.DRIFT0 + i], w[row.DRIFT1 + i] = terms.drift[n, 0, k], terms.drift[n, 1, k]
        a, b = terms.misread[n, 0, k], terms.misread[n, 1, k]
        w[row.MISREAD0 + i], w[row.MISREAD1 + i] = a, b
        first |= a != 0.0
        second |= b != 0.0
    return first, second


@numba.njit(error_model="numpy")
def _load_talks(w: Any, low: int, size: int, k: int, x: int, static: Any, terms: Any) -> None:
    """Fill the rows that talks need in a period; x is 1 if they were on the period before."""
    for i in range(BATCH):
        n = low + min(i, size - 1)
        w[row.EFFECT + i] = static.effect[n, x]
        w[row.LOGIT + i] = static.floor[n, x] + terms.mediation[n, x, k] + terms.shift[n, k]
        w[row.PULL + i], w[row.DRAG + i] = terms.pull[n, k], terms.drag[n, k]
        w[row.IDLE + i] = static.floor[n, x]
    for i in range(BATCH):
        w[row.IDLE + i] = logistic(quick, w[row.IDLE + i])


@numba.njit(error_model="numpy")
def _keep(w: Any, low: int, size: int, k: int, place: int, path: Any) -> None:
    """Write mean and covariance of a period to the path, as predicted (4) or as filtered (9)."""
    for i in range(size):
        out = path[low + i, k]
        for j in range(5):  # the first rows
            out[place + j] = w[row.MEAN0 + j * BATCH + i]


def batch_filter(shape: Any, pull: Any) -> Any:
    """Return the compiled filter for readings of a given density; see `assimilation`."""
    assimilate = assimilation(shape, pull)

    @numba.njit(nogil=True, error_model="numpy")
    def filter_all(
        first: int, last: int, mean: Any, cov: Any, pair: Any, total: Any, newest: Any, static: Any,
        terms: Any, measurements: Any, rules: Any, places: int, path: Any,
    ) -> None:  # fmt: skip
        """Filter periods `first` to `last` (exclusive) of all particles in place; see `filter.run`.

        `rules` are for misreading, readings and talks.
        """
        w = np.empty(row.ROWS * BATCH)
        work = np.empty((3, row.MOST))
        parts = np.empty((4, 3))
        for low in range(0, len(mean), BATCH):
            size = min(BATCH, len(mean) - low)
            _load_state(w, low, size, mean, cov, pair, static)
            for t in range(first, last):
                k = t - first
                a, b = _load_move(w, low, size, k, terms)
                _predict(w, a, b, rules[0])
                if path.shape[1] > 0:
                    _keep(w, low, size, k, 4, path)
                for i in range(BATCH):
                    w[row.LOG_READINGS + i] = w[row.LOG_TALKS + i] = 0.0
                for r in range(measurements.starts[t], measurements.starts[t + 1]):
                    assimilate(
                        w, low, size, measurements.sides[r], measurements.channels[r],
                        measurements.kinds[r], measurements.values[r], static, rules[1], places,
                        work, parts,
                    )  # fmt: skip
                if measurements.seen[t] > 0.0:
                    _load_talks(w, low, size, k, int(measurements.before[t]), static, terms)
                    _weigh_talks(w, measurements.talks[t], rules[2])
                for i in range(size):
                    new = newest[low + i]
                    total[low + i, 0] += new[0] + new[1]
                    new[0], new[1] = w[row.LOG_READINGS + i], w[row.LOG_TALKS + i]
                if path.shape[1] > 0:
                    _keep(w, low, size, k, 9, path)
                    for i in range(size):
                        out = path[low + i, k]
                        out[0], out[1] = w[row.LOG_READINGS + i], w[row.LOG_TALKS + i]
                        out[2], out[3] = w[row.SLOPE0 + i], w[row.SLOPE1 + i]
                        for j in range(6):
                            out[14 + j] = w[row.SHARE0 + j * BATCH + i]
                        for j in range(2):
                            out[20 + j] = terms.audience[low + i, j, k]
                        out[22] = total[low + i, 0]
            for i in range(size):
                n = low + i
                mean[n, 0], mean[n, 1] = w[row.MEAN0 + i], w[row.MEAN1 + i]
                for j in range(3):
                    cov[n, j] = w[row.VAR0 + j * BATCH + i]
                for j in range(6):
                    pair[n, j] = w[row.SHARE0 + j * BATCH + i]

    return filter_all
