"""One reading taken into the Gaussians of a batch of particles, compiled; see `filter_kernel`.

A reading sharper than the belief that misses it by far says either that belief has jumped or that
the reading is an outlier, and only the next ones tell which. One Gaussian of the same mean and
variance is neither. Student's t is therefore split exactly into a core and a tail by the precision
of the normal that it mixes (MODEL section 4.1), and each leaves belief nearly Gaussian. The pieces
of both Gaussians are merged again, the pair whose merger loses least first (Runnalls 2007), until
two are left. Of each side the second is kept: its share, and its mean and variance in standard
units of the whole. What moves the whole as a Gaussian (talks, the other side) carries both along.
"""

from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable

from beliefs.inference.filter import filter_rows as row
from beliefs.inference.filter import quick
from beliefs.inference.filter.filter_rows import BATCH, MOST
from beliefs.model.mechanisms import domestic, readings

for _equation in (domestic.projected, readings.pull, readings.log_shape):
    register_jitable(forceinline=True, error_model="numpy")(_equation)
_projected, _pull, _log_shape = domestic.projected, readings.pull, readings.log_shape

ANCHOR, PRIVATE, PUBLIC = 0, 1, 2
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
SHARP = 2.0  # precision of a reading, at best, against that of belief from which tails matter
WIDER = 0.6  # share of a reading's precision with which nodes are placed: t tails are fat
SMOOTH = 24  # places of the trapezoidal rule where the belief is the sharper of the two
FINE = 0.7  # spacing of the trapezoidal rule's places in standard deviations of belief
LEAST = 5e-3  # share of belief below which a second Gaussian is not worth carrying
CUT = 0.25  # precision, against the reading's own, of an outlier: 9 % of readings
ONE = 1e-3  # loss (Kullback-Leibler, in nats) below which two Gaussians become one
NOTHING = 20.0  # nats by which a reading's peak must lie below its tail where belief is
REACH = 4.5  # standard deviations of belief that the trapezoidal rule spans on either side


@numba.njit(error_model="numpy", forceinline=True)
def core(z: float) -> float:
    """Return the probability that a reading that misses by z scales is none of the outliers.

    lambda given z is Gamma(5/2, (4 + z^2) / 2); of its distribution function the error function is
    taken from Abramowitz and Stegun (1964, 7.1.26), to 1e-7. Whatever the split, its parts add up.
    """
    q = 0.5 * CUT * (4.0 + z * z)
    r = np.sqrt(q)
    t = 1.0 / (1.0 + 0.3275911 * r)
    p = 1.061405429
    p = p * t - 1.453152027
    p = p * t + 1.421413741
    p = p * t - 0.284496736
    p = p * t + 0.254829592
    return quick.exp(-q) * (p * t + r * 1.1283791670955126 * (1.0 + 2.0 / 3.0 * q))


@numba.njit(error_model="numpy")
def _merged(parts: Any, i: int, j: int) -> tuple[float, float, float]:
    a, b = parts[i, 0], parts[j, 0]
    both, gap = a + b, parts[i, 1] - parts[j, 1]
    var = (a * parts[i, 2] + b * parts[j, 2] + a * b / both * gap * gap) / both
    return both, (a * parts[i, 1] + b * parts[j, 1]) / both, var


@numba.njit(error_model="numpy")
def paired(parts: Any, n: int, w: Any, at: int) -> tuple[float, float]:
    """Merge n Gaussians, rows of share, mean, variance, to two; returns the moments of all.

    The loss is an upper bound (Runnalls 2007). The second is left at place `at` of three rows.
    """
    while n > 2:
        best, first, second = np.inf, 0, 1
        for i in range(n):
            for j in range(i + 1, n):
                both, _, var = _merged(parts, i, j)
                a, b = parts[i, 0] * np.log(parts[i, 2]), parts[j, 0] * np.log(parts[j, 2])
                loss = 0.5 * (both * np.log(var) - a - b)
                if loss < best:
                    best, first, second = loss, i, j
        parts[first, 0], parts[first, 1], parts[first, 2] = _merged(parts, first, second)
        n -= 1
        for k in range(3):
            parts[second, k] = parts[n, k]
    if n == 1:
        w[at] = 0.0
        return parts[0, 1], parts[0, 2]
    lesser = 0 if parts[0, 0] < parts[1, 0] else 1
    share, gap = parts[lesser, 0], parts[lesser, 1] - parts[1 - lesser, 1]
    rest = 1.0 - share
    mean = rest * parts[1 - lesser, 1] + share * parts[lesser, 1]
    var = rest * parts[1 - lesser, 2] + share * parts[lesser, 2] + share * rest * gap * gap
    w[at] = share
    w[at + BATCH] = rest * gap / np.sqrt(var)
    w[at + 2 * BATCH] = parts[lesser, 2] / var
    return mean, var


@numba.njit(error_model="numpy", forceinline=True)
def other(share: float, mean: float, var: float) -> tuple[float, float]:
    """Return mean and variance of the first Gaussian, in standard units of the whole as well."""
    m = -share * mean / (1.0 - share)
    return m, (1.0 - share * (var + mean * mean)) / (1.0 - share) - m * m


@numba.njit(error_model="numpy")
def travel(w: Any, at: int, kept: float) -> None:
    """Carry the second Gaussian along as the whole keeps a share of its variance and gains more."""
    share = w[at]
    m = w[at + BATCH] * np.sqrt(kept)
    v = kept * w[at + 2 * BATCH] + (1.0 - kept)
    _, v1 = other(share, m, v)
    # In units of the whole its log variance is 0.
    if -0.5 * ((1.0 - share) * np.log(v1) + share * np.log(v)) < ONE:
        w[at] = 0.0
    else:
        w[at + BATCH], w[at + 2 * BATCH] = m, v


@numba.njit(error_model="numpy", forceinline=True)
def student(z: float) -> float:
    """Return the log density of a reading of scale 1 that misses by `z`."""
    return _log_shape(quick, z)


@numba.njit(error_model="numpy", forceinline=True)
def pull_student(miss: float, scale: float) -> float:
    """Return the precision with which a reading pulls, for placing the nodes."""
    return _pull(miss, scale)


@numba.njit(error_model="numpy")
def _load(w: Any, low: int, size: int, side: int, channel: int, kind: int, static: Any) -> None:
    mean, var = row.MEAN0 + side * BATCH, row.VAR0 + 2 * side * BATCH
    for i in range(BATCH):
        n = low + min(i, size - 1)
        w[row.BEFORE + i], w[row.SPREAD + i] = w[mean + i], w[var + i]
        w[row.SCALE + i] = static.scale[n, channel]
        w[row.BIAS + i] = static.private[n, side] if kind == PRIVATE else 0.0
        w[row.LEVEL + i], w[row.SLOPE + i] = static.level[n, side], static.slope[n, side]
    if kind == PUBLIC:
        for i in range(BATCH):
            w[row.BIAS + i] = _projected(
                quick, w[row.LEVEL + i], w[row.SLOPE + i], w[row.BEFORE + i]
            )


@numba.njit(error_model="numpy")
def _take_in(w: Any, side: int) -> None:
    """Give a side's marginal its new moments; the other follows through the covariance."""
    mean, var = row.MEAN0 + side * BATCH, row.VAR0 + 2 * side * BATCH
    mean_other, var_other = row.MEAN0 + (1 - side) * BATCH, row.VAR0 + 2 * (1 - side) * BATCH
    for i in range(BATCH):
        old, new = w[row.SPREAD + i], w[row.NEW_VAR + i]
        gain = w[row.COV + i] / old if old > 0.0 else 0.0
        w[row.CENTRE + i] = gain * (w[row.NEW_MEAN + i] - w[row.BEFORE + i])
        w[row.WIDTH + i] = gain * gain * (new - old)
        w[row.COV + i] = gain * new
        w[row.LOG_READINGS + i] += w[row.LOG + i]
    for i in range(BATCH):
        w[mean_other + i] += w[row.CENTRE + i]
        w[var_other + i] += w[row.WIDTH + i]
        w[mean + i], w[var + i] = w[row.NEW_MEAN + i], w[row.NEW_VAR + i]


@numba.njit(error_model="numpy")
def _piece(
    parts: Any, n: int, share: float, centre: float, scale: float, s0: float, s1: float, s2: float
) -> None:
    """Write the Gaussian of a piece of belief, given its sums over places, to row n."""
    first = s1 / s0
    parts[n, 0], parts[n, 1] = share, centre + scale * first
    parts[n, 2] = scale * scale * (s2 / s0 - first * first)


def assimilation(shape: Any, pull: Any) -> Any:
    """Return the compiled function that takes in a reading of a given density.

    `shape` and `pull` are compiled and stand in for `student` and `pull_student`.
    """

    @numba.njit(error_model="numpy")
    def by_nodes(w: Any, kind: int, value: float, rule: Any) -> None:
        """Moments of belief given the reading, nodes about where a Gaussian would put belief."""
        n = rule.shape[1]
        for i in range(BATCH):
            w[row.CENTRE + i] = w[row.BEFORE + i]
        for _ in range(3):
            for i in range(BATCH):
                before, var, bias = w[row.BEFORE + i], w[row.SPREAD + i], w[row.BIAS + i]
                precision = pull(value - w[row.CENTRE + i] - bias, w[row.SCALE + i])
                w[row.CENTRE + i] = before + var * precision / (1.0 + var * precision) * (
                    value - bias - before
                )
                w[row.WIDTH + i] = var / (1.0 + WIDER * var * precision)
        for i in range(BATCH):
            w[row.TOP + i] = -np.inf
            w[row.ROOT + i] = np.sqrt(w[row.WIDTH + i])
            w[row.ACROSS + i] = 1.0 / w[row.SCALE + i]
            w[row.REST + i] = 0.5 / w[row.SPREAD + i]
            w[row.SUM + i] = w[row.SUM0 + i] = w[row.SUM1 + i] = 0.0
            w[row.MASS0 + i] = w[row.BIAS + i]
        for k in range(n):
            z = rule[0, k]
            here = row.DENSITY + k * BATCH
            if kind == PUBLIC:
                for i in range(BATCH):
                    x = w[row.CENTRE + i] + w[row.ROOT + i] * z
                    w[row.MASS0 + i] = _projected(quick, w[row.LEVEL + i], w[row.SLOPE + i], x)
            for i in range(BATCH):
                x = w[row.CENTRE + i] + w[row.ROOT + i] * z
                away = x - w[row.BEFORE + i]
                miss = value - x - w[row.MASS0 + i]
                w[row.LOG + i] = shape(miss * w[row.ACROSS + i]) - away * away * w[row.REST + i]
            # Apart, as a place that depends on k keeps the compiler from taking many at once.
            for i in range(BATCH):
                w[here + i] = w[row.LOG + i] + 0.5 * z * z
                w[row.TOP + i] = max(w[row.TOP + i], w[row.LOG + i])
        for k in range(n):
            z, weight = rule[0, k], rule[1, k]
            here = row.DENSITY + k * BATCH
            for i in range(BATCH):
                mass = weight * quick.exp(w[here + i] - w[row.TOP + i])
                w[row.SUM + i] += mass
                w[row.SUM0 + i] += mass * z
                w[row.SUM1 + i] += mass * (z * z)
        for i in range(BATCH):
            total = w[row.SUM + i]
            first = w[row.SUM0 + i] / total
            second = w[row.SUM1 + i] / total - first * first
            w[row.NEW_MEAN + i] = w[row.CENTRE + i] + w[row.ROOT + i] * first
            w[row.NEW_VAR + i] = w[row.WIDTH + i] * second
            # log(total) + log(spread of nodes / spread of belief) / 2 - log(scale), at one go
            ratio = w[row.WIDTH + i] / w[row.SPREAD + i]
            w[row.LOG + i] = w[row.TOP + i] + quick.log(total * np.sqrt(ratio) * w[row.ACROSS + i])

    @numba.njit(error_model="numpy")
    def by_places(
        w: Any, i: int, before: float, var: float, kind: int, value: float, places: int,
        work: Any, parts: Any, n: int,
    ) -> tuple[float, int]:  # fmt: skip
        """Take a reading into one Gaussian of one particle; returns its log density.

        Leaves, from row n of `parts` on, what the reading's core and its tail make of belief, and
        returns the number of rows then. The trapezoidal rule goes around the reading, stretched
        like a hyperbolic sine: fine near the peak, wide in the tails. Where belief is too far away
        to be found so and says nothing of the reading's peak, it goes around belief.
        """
        scale, bias = w[row.SCALE + i], w[row.BIAS + i]
        level, slope = w[row.LEVEL + i], w[row.SLOPE + i]
        inverse, half = 1.0 / scale, 0.5 / var
        at, mass, near = work[0], work[1], work[2]
        centre = value - bias
        if kind == PUBLIC:
            centre = value - _projected(quick, level, slope, before)
            for _ in range(3):
                centre = value - _projected(quick, level, slope, centre)
        root, miss = np.sqrt(var), abs(centre - before)
        ratio = (miss + REACH * root) / scale
        reach = np.log(ratio + np.sqrt(ratio * ratio + 1.0))
        # Places lie far apart where belief was; they must still find it.
        gaps = 2.0 * reach * miss / (FINE * root)
        fewest = places if var * pull(0.0, scale) > SHARP else SMOOTH
        size = int(min(max(fewest, gaps + 2.0), MOST))
        far = gaps > MOST and miss * miss * half > 5.0 * reach + NOTHING
        base = before if far else centre
        if far:
            size, reach = SMOOTH, REACH * root * inverse
        for k in range(size):
            u = reach * (2.0 * k / (size - 1) - 1.0)
            grown = quick.exp(u)
            at[k] = u if far else 0.5 * (grown - 1.0 / grown)
            near[k] = (value - bias - base) * inverse - at[k]
        if kind == PUBLIC:
            for k in range(size):
                x = base + scale * at[k]
                near[k] = (value - x - _projected(quick, level, slope, x)) * inverse
        for k in range(size):
            away = base + scale * at[k] - before
            mass[k] = shape(near[k]) - away * away * half
        top = mass[0]
        for k in range(1, size):
            top = max(top, mass[k])
        for k in range(size):
            stretched = 1.0 if far else np.sqrt(1.0 + at[k] * at[k])
            mass[k] = stretched * quick.exp(mass[k] - top)
            near[k] = core(near[k]) * mass[k]
        s0 = s1 = s2 = c0 = c1 = c2 = 0.0
        for k in range(size):
            s0 += mass[k]
            s1 += mass[k] * at[k]
            s2 += mass[k] * at[k] * at[k]
            c0 += near[k]
            c1 += near[k] * at[k]
            c2 += near[k] * at[k] * at[k]
        step = 2.0 * reach / (size - 1) / _ROOT_2PI  # the mean under a standard normal
        log = np.log(s0 * step / root) + top
        share = c0 / s0
        if min(share, 1.0 - share) < LEAST:
            _piece(parts, n, 1.0, base, scale, s0, s1, s2)
            return log, n + 1
        _piece(parts, n, share, base, scale, c0, c1, c2)
        _piece(parts, n + 1, 1.0 - share, base, scale, s0 - c0, s1 - c1, s2 - c2)
        return log, n + 2

    @numba.njit(error_model="numpy")
    def by_pieces(
        w: Any, i: int, side: int, kind: int, value: float, places: int, work: Any, parts: Any
    ) -> None:
        """Take a reading into the one or two Gaussians of one particle's belief."""
        before, var = w[row.BEFORE + i], w[row.SPREAD + i]
        at = row.SHARE0 + 3 * side * BATCH + i
        share, root = w[at], np.sqrt(var)
        if share > 0.0:
            m2, v2 = w[at + BATCH], w[at + 2 * BATCH]
            m1, v1 = other(share, m2, v2)
            log, first = by_places(
                w, i, before + root * m1, var * v1, kind, value, places, work, parts, 0
            )
            also, n = by_places(
                w, i, before + root * m2, var * v2, kind, value, places, work, parts, first
            )
        else:
            log, first = by_places(w, i, before, var, kind, value, places, work, parts, 0)
            also, n = log, first
        top, total = max(log, also), 0.0
        for k in range(n):
            weight = 1.0 - share if k < first else share
            parts[k, 0] *= weight * np.exp((log if k < first else also) - top)
            total += parts[k, 0]
        for k in range(n):
            parts[k, 0] /= total
        w[row.NEW_MEAN + i], w[row.NEW_VAR + i] = paired(parts, n, w, at)
        w[row.LOG + i] = np.log(total) + top

    @numba.njit(error_model="numpy")
    def assimilate(
        w: Any, low: int, size: int, side: int, channel: int, kind: int, value: float, static: Any,
        rule: Any, places: int, work: Any, parts: Any,
    ) -> None:  # fmt: skip
        """Take in one reading of a side's belief; adds its log density to row LOG_READINGS."""
        _load(w, low, size, side, channel, kind, static)
        by_itself = 0
        for i in range(BATCH):
            var, pair = w[row.SPREAD + i], w[row.SHARE0 + 3 * side * BATCH + i] > 0.0
            apart = pair or var <= 0.0 or var * pull(0.0, w[row.SCALE + i]) > SHARP
            w[row.P + i] = 1.0 if apart else 0.0
            by_itself += apart
        if by_itself < BATCH:
            by_nodes(w, kind, value, rule)
        if by_itself > 0:
            for i in range(BATCH):
                if w[row.P + i] == 0.0:
                    continue
                if w[row.SPREAD + i] > 0.0 and i < size:
                    by_pieces(w, i, side, kind, value, places, work, parts)
                else:  # belief is known, and the reading changes nothing; or there is no particle
                    miss, scale = value - w[row.BEFORE + i] - w[row.BIAS + i], w[row.SCALE + i]
                    w[row.LOG + i] = shape(miss / scale) - np.log(scale)
                    w[row.NEW_MEAN + i], w[row.NEW_VAR + i] = w[row.BEFORE + i], w[row.SPREAD + i]
        _take_in(w, side)

    return assimilate
