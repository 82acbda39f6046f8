"""The gate of a track: enough different particles must carry the posterior."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from beliefs.errors import counted
from beliefs.inference.diagnose import Report
from beliefs.inference.pareto import RELIABLE, pareto_k
from beliefs.inference.smc.particles import distinct, effective_size
from beliefs.model.contract import logistic

if TYPE_CHECKING:
    from beliefs.inference.smc.track_result import Track

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
    pareto_k
        Shape of the tail of the weights since the last resampling.
    """

    ess: float = 400.0
    distinct: int = 400
    pareto_k: float = RELIABLE


def track_report(track: Track, period: int = -1, limits: TrackLimits | None = None) -> Report:
    """Return the gate of the posterior after a period.

    Parameters
    ----------
    track
        From `beliefs.inference.smc.track.track`.
    period
        Number of the period.
    limits
        The limits; the package's own when None.
    """
    limits = limits or TrackLimits()
    place, row = range(track.n_time)[period], track.rows[track.row(period)]
    ess, tail = effective_size(row.log_weights), pareto_k(row.log_weights)
    count = distinct(track.epochs[row.epoch])
    failures = []
    if not ess >= limits.ess:
        failures.append(f"{ess:.0f} effective particles, limit {limits.ess:.0f}")
    if not count >= limits.distinct:
        failures.append(f"{counted(count, 'different particle')}, limit {limits.distinct}")
    if not tail <= limits.pareto_k:
        failures.append(
            f"Pareto k of the weights is {tail:.2f}, limit {limits.pareto_k}: few particles carry "
            "the posterior"
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
        table=(
            {
                "name": "particles",
                "ess_bulk": ess,  # the names under which a report shows what it judges
                "ess_tail": float(count),
                "r_hat": 1.0,
                "ess": ess,
                "distinct": count,
                "pareto_k": tail,
                "capped_moves": capped,
            },
        ),
        kind="particles",
        pareto_k=tail,
    )


def belief_now(track: Track) -> list[tuple[str, float, float, float]]:
    """Return side, mean and central 90 % of each belief after the last period, as probabilities.

    Quantiles of the mixture of the particles' Gaussians, by 41 nodes each; empty for a theory
    without beliefs.
    """
    if not track.theory.beliefs:
        return []
    nodes = np.asarray([NormalDist().inv_cdf((i + 0.5) / 41) for i in range(41)])
    weights = np.repeat(track.weights(track.n_time - 1), len(nodes)) / len(nodes)
    out = []
    for i, side in enumerate(track.structure.sides):
        sd = np.sqrt(track.rows[-1].cov[:, 2 * i])
        p = logistic(np, track.rows[-1].mean[:, i, None] + sd[:, None] * nodes).ravel()
        order = np.argsort(p)
        share = np.cumsum(weights[order])
        low, high = (float(p[order][np.searchsorted(share, q)]) for q in (0.05, 0.95))
        out.append((side, float(weights @ p), low, high))
    return out
