"""One reading taken into the Gaussian that stands for both beliefs, compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable

from beliefs.infer import quick
from beliefs.mechanism import domestic, readings

__all__ = ["MOST", "PRIVATE", "PUBLIC", "assimilation", "heed_student", "student"]

for _equation in (domestic.projected, readings.heed, readings.log_density):
    # A call inside a loop over nodes would keep the machine from running several at once.
    register_jitable(forceinline=True, error_model="numpy")(_equation)
_projected, _heed, _log_density = domestic.projected, readings.heed, readings.log_density

ANCHOR, PRIVATE, PUBLIC = 0, 1, 2
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
SHARP = 2.0  # precision of a reading, at best, against that of belief from which tails matter
WIDER = 0.6  # share of a reading's precision with which nodes are placed: t tails are fat
FINE, MOST = 0.7, 600  # spacing of its places in those of belief, and how many there may be
REACH = 4.5  # standard deviations of belief that the trapezoidal rule spans on either side


@numba.njit(error_model="numpy", forceinline=True)
def student(miss: float, scale: float) -> float:
    """Return the log density of a reading."""
    return _log_density(quick, miss, scale)


@numba.njit(error_model="numpy")
def heed_student(miss: float, scale: float) -> float:
    """Return the precision with which a reading pulls, for placing the nodes."""
    return _heed(miss, scale)


@numba.njit(error_model="numpy")
def _replace(mean: Any, cov: Any, side: int, new_mean: float, new_var: float) -> None:
    """Give one side's marginal new moments; the other follows through the covariance."""
    other = 1 - side
    var = cov[2 * side]
    if var > 0.0:
        gain = cov[1] / var
        mean[other] += gain * (new_mean - mean[side])
        cov[2 * other] += gain * gain * (new_var - var)
        cov[1] = gain * new_var
    mean[side] = new_mean
    cov[2 * side] = new_var


def assimilation(density: Any, heed: Any) -> Any:
    """Return the compiled function that takes in a reading of a given density.

    Parameters
    ----------
    density
        Compiled log density of (miss, scale).
    heed
        Compiled precision with which a reading pulls, of (miss, scale); it places the nodes.
    """

    @numba.njit(error_model="numpy")
    def assimilate(
        mean: Any,
        cov: Any,
        side: int,
        kind: int,
        value: float,
        scale: float,
        shift: float,
        level: float,
        slope: float,
        nodes: Any,
        weights: Any,
        places: int,
        work: Any,
        at: Any,
    ) -> float:
        """Take in one reading of a side's belief, in place; returns its log predictive density.

        The nodes are placed about where a Gaussian as precise as the reading would put the belief.
        Where the reading may be the sharper of the two, a narrow peak with fat tails or two peaks
        are left; there the trapezoidal rule takes over, around the reading, on a scale that is
        stretched like a hyperbolic sine and so fine near the peak and wide in the tails.
        """
        before, var = mean[side], cov[2 * side]
        bias = shift if kind == PRIVATE else 0.0
        if kind == PUBLIC:
            bias = _projected(quick, level, slope, before)
        if var <= 0.0:
            return density(value - before - bias, scale)
        sharp = var * heed(0.0, scale) > SHARP
        size = nodes.size
        reach, centre, spread = 0.0, before, scale * scale
        if sharp:
            centre = value - bias
            if kind == PUBLIC:
                for _ in range(3):
                    centre = value - _projected(quick, level, slope, centre)
            ratio = (abs(centre - before) + REACH * np.sqrt(var)) / scale
            reach = np.log(ratio + np.sqrt(ratio * ratio + 1.0))
            # Places lie far apart where belief was; they must still find it.
            gaps = 2.0 * reach * abs(centre - before) / (FINE * np.sqrt(var))
            size = min(max(places, int(gaps) + 2), MOST)
            for k in range(size):
                grown = quick.exp(reach * (2.0 * k / (size - 1) - 1.0))
                at[k] = 0.5 * (grown - 1.0 / grown)
        else:
            for _ in range(3):
                precision = heed(value - centre - bias, scale)
                gain = var * precision / (1.0 + var * precision)
                centre = before + gain * (value - bias - before)
            spread = var / (1.0 + WIDER * var * precision)
            for k in range(size):
                at[k] = nodes[k]
        root = np.sqrt(spread)
        inverse = 0.5 / var
        if kind == PUBLIC:
            for k in range(size):
                x = centre + root * at[k]
                miss = value - x - _projected(quick, level, slope, x)
                work[k] = density(miss, scale) - (x - before) * (x - before) * inverse
        else:
            for k in range(size):
                x = centre + root * at[k]
                work[k] = density(value - x - bias, scale) - (x - before) * (x - before) * inverse
        top = work[0]
        for k in range(1, size):
            top = max(top, work[k])
        if sharp:
            for k in range(size):
                work[k] = np.sqrt(1.0 + at[k] * at[k]) * quick.exp(work[k] - top)
        else:
            for k in range(size):
                work[k] = weights[k] * quick.exp(work[k] + 0.5 * nodes[k] * nodes[k] - top)
        total = first = second = 0.0
        for k in range(size):
            total += work[k]
            first += work[k] * at[k]
            second += work[k] * at[k] * at[k]
        first /= total
        second = second / total - first * first
        _replace(mean, cov, side, centre + root * first, spread * second)
        if sharp:  # the mean under a standard normal, as the other rule has it
            total *= 2.0 * reach / (size - 1) / _ROOT_2PI
        return np.log(total) + top + 0.5 * np.log(spread / var)

    return assimilate
