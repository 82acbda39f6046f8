"""What an intervention changes: paired differences against no intervention."""

from __future__ import annotations

from typing import Any

from beliefs.forecast.forecast import Forecast
from beliefs.forecast.probability import monte_carlo_error
from beliefs.forecast.summary import horizon_days
from beliefs.forecast.targets import asked_of, happened_by

__all__ = ["differences"]


def differences(with_it: Forecast, without: Forecast) -> list[dict[str, Any]]:
    """Return how each headline probability moves, with the error of the paired difference.

    Parameters
    ----------
    with_it, without
        Two forecasts from one posterior with one seed, so that future k of one is future k of
        the other but for the intervention.

    Returns
    -------
    list of dict
        target, side, by, p, without, difference, mcse.
    """
    if with_it.seed != without.seed or with_it.posterior is not without.posterior:
        raise ValueError("paired differences need one posterior and one seed")
    if with_it.conduct is not without.conduct:
        raise ValueError("paired differences need the same draws of conduct")
    sides = with_it.posterior.structure.sides
    wanted: list[tuple[str, str | None]] = [("talks", None)]
    if with_it.posterior.theory.beliefs:
        wanted = [("crack", s) for s in sides] + [("talks_rational", None), *wanted]
    wanted += [(name, None) for name in asked_of(with_it)]
    rows = []
    for by in horizon_days(with_it):
        steps = with_it.step_of(by)
        for target, side in wanted:
            a, b = (happened_by(f, target, steps, side).astype(float) for f in (with_it, without))
            rows.append(
                {
                    "target": target,
                    "side": side,
                    "by": by.isoformat(),
                    "p": round(float(a.mean()), 6),
                    "without": round(float(b.mean()), 6),
                    "difference": round(float((a - b).mean()), 6),
                    "mcse": round(monte_carlo_error(a - b, with_it.chains), 6),
                }
            )
    return rows
