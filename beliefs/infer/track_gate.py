"""The gate of a track: enough different particles must carry the posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from beliefs.infer.diagnose import Report
from beliefs.infer.particles import effective_size
from beliefs.mechanism.contract import logistic

if TYPE_CHECKING:
    from beliefs.infer.track_result import Track

__all__ = ["TrackLimits", "belief_now", "track_report"]


@dataclass(frozen=True)
class TrackLimits:
    """Limits of the gate (MODEL section 6).

    Attributes
    ----------
    ess
        Effective particles by weight.
    distinct
        Different particles.
    """

    ess: float = 400.0
    distinct: int = 400


def track_report(track: Track, period: int = -1, limits: TrackLimits | None = None) -> Report:
    """Return the gate of the posterior after a period.

    Parameters
    ----------
    track
        From `beliefs.infer.track.track`.
    period
        Number of the period.
    limits
        The limits; the package's own when None.
    """
    limits = limits or TrackLimits()
    place = range(track.n_time)[period]
    ess = effective_size(track.log_weights[place])
    count = int(track.distinct[place])
    failures = []
    if not ess >= limits.ess:
        failures.append(
            f"{ess:.0f} effective particles, limit {limits.ess:.0f}: track with more (--particles)"
        )
    if not count >= limits.distinct:
        failures.append(
            f"{count} different particles, limit {limits.distinct}: track with more (--particles)"
        )
    capped = sum(r.capped for r in track.rejuvenations if r.period <= place)
    return Report(
        passed=not failures,
        r_hat=1.0,
        ess=min(ess, float(count)),
        worst="particles",
        divergent_share=0.0,
        e_bfmi=1.0,
        failures=tuple(failures),
        too_short=bool(failures),
        table=({"name": "particles", "ess": ess, "distinct": count, "capped_moves": capped},),
    )


def belief_now(track: Track) -> list[tuple[str, float, float, float]]:
    """Return side, mean and central 90 % of each belief after the last period, as probabilities.

    Quantiles of the mixture of the particles' Gaussians, by 41 nodes each; empty for a theory
    without beliefs.
    """
    if not track.theory.beliefs:
        return []
    nodes = norm.ppf((np.arange(41) + 0.5) / 41)
    weights = np.repeat(track.weights(track.n_time - 1), len(nodes)) / len(nodes)
    out = []
    for i, side in enumerate(track.structure.sides):
        sd = np.sqrt(track.cov[-1][:, 2 * i])
        p = logistic(np, track.mean[-1][:, i, None] + sd[:, None] * nodes).ravel()
        order = np.argsort(p)
        share = np.cumsum(weights[order])
        low, high = (float(p[order][np.searchsorted(share, q)]) for q in (0.05, 0.95))
        out.append((side, float(weights @ p), low, high))
    return out
