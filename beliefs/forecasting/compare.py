"""What an intervention changes, paired; and what a later forecast says of the same dates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.probability import monte_carlo_error
from beliefs.forecasting.summary import horizon_days
from beliefs.forecasting.targets import happened_by, headline

__all__ = ["differences", "moved"]


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
        target, side, by, p, without, difference, mcse. Beside the targets of the forecast: an act
        in each zone that an intervention speaks of.
    """
    if with_it.seed != without.seed or with_it.posterior is not without.posterior:
        raise ValueError("paired differences need one posterior and one seed")
    if with_it.conduct is not without.conduct:
        raise ValueError("paired differences need the same draws of conduct")
    rows, both = [], (with_it, without)
    for by in horizon_days(with_it):
        steps = with_it.step_of(by)
        pairs: list[tuple[str, str | None, tuple[NDArray[np.bool_], ...]]] = [
            (target, side, tuple(happened_by(f, target, steps, side) for f in both))
            for target, side in headline(with_it)
        ]
        pairs += [
            (f"act in {zone}", None, tuple(_act_in(f, zone, steps) for f in both))
            for zone in _zones(with_it)
        ]
        for target, side, found in pairs:
            a, b = (happened.astype(float) for happened in found)
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


def moved(then: Forecast, now: Forecast) -> list[dict[str, Any]]:
    """Return how each headline probability of a forecast moved until a later one was made.

    Parameters
    ----------
    then, now
        Two forecasts of one study under theories with the same targets, the earlier origin first.

    Returns
    -------
    list of dict
        target, side, by, then, now, difference, and mcse, the Monte-Carlo error of the difference.
        Asked of both are the dates of the earlier one that had yet to come at the later origin.
        Each counts what happens after its own origin: what came true in between counts for `then`
        alone.
    """
    rows, later = [], set(headline(now))
    wanted = [item for item in headline(then) if item in later]
    for by in horizon_days(then):
        if np.datetime64(by) <= now.posterior.origin:
            continue
        for target, side in wanted:
            a, b = (happened_by(f, target, f.step_of(by), side).astype(float) for f in (then, now))
            errors = monte_carlo_error(a, then.chains), monte_carlo_error(b, now.chains)
            rows.append(
                {
                    "target": target,
                    "side": side,
                    "by": by.isoformat(),
                    "then": round(float(a.mean()), 6),
                    "now": round(float(b.mean()), 6),
                    "difference": round(float(b.mean() - a.mean()), 6),
                    "mcse": round(float(np.hypot(*errors)), 6),
                }
            )
    return rows


def _zones(forecast: Forecast) -> list[str]:
    """Return the zones that interventions speak of, where acts are drawn by zone."""
    if forecast.paths.events is None or "zones" not in forecast.paths.events:
        return []
    return list(dict.fromkeys(i.zone for i in forecast.interventions if i.zone is not None))


def _act_in(forecast: Forecast, zone: str, steps: int) -> NDArray[np.bool_]:
    """Return in which futures there was an act in a zone within `steps` periods, (sample,)."""
    assert forecast.paths.events is not None
    place = forecast.posterior.structure.zones.index(zone)
    hit: NDArray[np.bool_] = forecast.paths.events["zones"][:, place, :steps].any(axis=-1)
    return hit
