"""The forecast as one JSON document, a contract with scripts (schema beside this file)."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import counted
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.incidence import CAUSES, cumulative_incidence
from beliefs.forecasting.probability import (
    Probability,
    probability,
    settlement_base_rate,
)
from beliefs.forecasting.targets import RULES, asked_of
from beliefs.inference.sensitivity import reversed_weights
from beliefs.model.contract import logistic
from beliefs.simulation.bend_conduct import held_neutral
from beliefs.simulation.state import window_at

__all__ = ["FORMAT", "HORIZONS", "INTERVAL", "SCHEMA", "horizon_days", "summarise"]

FORMAT = 2
"""Of the document. In the first, targets of conduct stood apart, under ``settlement``."""
HORIZONS = (7, 30, 90)  # days after the as-of date, where the forecast reaches that far
INTERVAL = 0.9
SCHEMA = Path(__file__).with_name("forecast.schema.json")


def horizon_days(forecast: Forecast) -> list[dt.date]:
    """Return the last day of each headline window, the last one that of the whole forecast.

    A window of so many days ends with the last period that is over so many days after the as-of
    date. Where that lies in an unfinished period, windows end fewer whole periods away.
    """
    step = forecast.posterior.inputs.step_days
    ends = [d + np.timedelta64(step - 1, "D") for d in forecast.dates]
    gap = 0 if forecast.left_out is None else forecast.left_out.days
    picks = {(days + gap) // step for days in HORIZONS} & set(range(1, len(ends)))
    return [dt.date.fromisoformat(str(ends[k - 1])) for k in sorted({*picks, len(ends)})]


def _round(value: float | None, digits: int = 6) -> float | None:
    return None if value is None else round(float(value), digits)


def _target(item: Probability) -> dict[str, Any]:
    out: dict[str, Any] = {
        "target": item.target,
        "side": item.side,
        "by": item.by.isoformat(),
        "p": _round(item.p),
        "mcse": _round(item.mcse),
        "base_rate": _round(item.base_rate),
        "base_rate_source": item.base_rate_source,
        "prior_dominated": item.prior_dominated,
        "prior_data_conflict": item.prior_data_conflict,
        "at_origin": _round(item.at_origin),
        "threshold": item.threshold,
        "periods": item.periods,
    }
    if item.given is not None:
        out["given"] = item.given
    if item.rule is not None:
        out["rule"] = item.rule
    return out


def _beliefs(forecast: Forecast) -> list[dict[str, Any]]:
    paths = forecast.paths
    if paths.history_belief is None:
        return []
    tail = (1.0 - INTERVAL) / 2.0
    rows = []
    for i, side in enumerate(forecast.posterior.structure.sides):
        p = logistic(np, paths.history_belief[:, i, -1])
        low, high = np.quantile(p, [tail, 1.0 - tail])
        rows.append(
            {"side": side, "mean": _round(p.mean()), "lower": _round(low), "upper": _round(high)}
        )
    return rows


def _conduct(forecast: Forecast, windows: list[dt.date]) -> list[Probability]:
    """Return what is forecast of conduct, where it was simulated."""
    return [
        probability(forecast, name, by=by, rule=rule)
        for by in windows
        for name in asked_of(forecast)
        for rule in (RULES if name == "extension" else RULES[:1])
    ]


def _endings(forecast: Forecast, windows: list[dt.date]) -> dict[str, Any]:
    """Return how the truce in force first ends, where there is one and conduct was simulated."""
    posterior = forecast.posterior
    if "collapse" not in asked_of(forecast) or not window_at(posterior.study, posterior.inputs).on:
        return {}
    steps = [forecast.step_of(by) - 1 for by in windows]
    both = [(forecast.paths, "p"), (forecast.base_paths, "base_rate")]
    shares = {
        key: cumulative_incidence(paths)[:, steps]
        for paths, key in both
        if paths is not None and paths.events is not None
    }
    rows = [
        {
            "cause": cause,
            "by": by.isoformat(),
            **{key: _round(found[c, k]) for key, found in shares.items()},
        }
        for k, by in enumerate(windows)
        for c, cause in enumerate(CAUSES)
    ]
    return {"endings": rows}


def _notes(forecast: Forecast) -> dict[str, Any]:
    """Return which interventions change nothing, where there are any."""
    posterior = forecast.posterior
    notes = held_neutral(
        posterior.theory,
        posterior.structure,
        forecast.interventions,
        conduct=forecast.conduct is not None,
    )
    return {"notes": notes} if notes else {}


def _reversed(forecast: Forecast) -> dict[str, Any]:
    """Return which weights have the other sign than the study declares, where there are any."""
    rows = [
        {"term": term, "mean": _round(mean), "p_other_sign": _round(share)}
        for term, mean, share in reversed_weights(forecast.posterior)
    ]
    return {"reversed_weights": rows} if rows else {}


def crisis_age(forecast: Forecast) -> int:
    """Return days from the start of the first war or truce regime in force to the origin."""
    inputs = forecast.posterior.inputs
    live = inputs.active
    kinds = np.asarray(inputs.regime_kinds)[inputs.regime[live]]
    calm = ~np.isin(kinds, ("war", "truce"))
    begun = int(np.flatnonzero(calm)[-1]) + 1 if calm.any() else 0
    if begun >= live.sum():
        return 0
    first = inputs.dates[begun].astype("datetime64[D]")
    return int((forecast.posterior.origin - first).astype(int))


def summarise(forecast: Forecast) -> dict[str, Any]:
    """Return the forecast as plain data that fits ``forecast.schema.json``.

    Every probability stands beside its Monte-Carlo error and base rate. Where conduct was
    simulated, its targets stand among the others, and ``endings`` says how the truce in force
    first ends.
    Timings and versions are left to the manifest, so that the same seed gives the same document.

    Examples
    --------
    >>> beliefs.summarise(ahead)["theory"]
    'base_rate'
    """
    posterior = forecast.posterior
    spec, theory = posterior.study.spec, posterior.theory
    windows = horizon_days(forecast)
    targets: list[Probability] = []
    grid: list[Probability] = []
    for by in windows:
        if theory.beliefs:
            targets += [probability(forecast, "crack", side=s, by=by) for s in _sides(forecast)]
            targets += [
                probability(forecast, "crack_first", side=s, by=by) for s in _sides(forecast)
            ]
            targets.append(probability(forecast, "talks_rational", by=by))
        targets.append(probability(forecast, "talks", by=by))
    targets += _conduct(forecast, windows)
    if theory.beliefs:
        grid = [
            probability(forecast, "crack", side=s, by=windows[-1], threshold=p, periods=d)
            for s in _sides(forecast)
            for p in spec.crack.grid_thresholds
            for d in spec.crack.grid_periods
        ]
    age = crisis_age(forecast)
    settlement = []
    for by in windows:
        days = int((np.datetime64(by) - posterior.origin).astype(int))
        rate, source = settlement_base_rate(age, days)
        settlement.append(
            {
                "target": "settlement",
                "by": by.isoformat(),
                "base_rate": _round(rate),
                "base_rate_source": f"{source}; crisis {counted(age, 'day')} old at the origin",
            }
        )
    document = {
        "format": FORMAT,
        "study": spec.name,
        "as_of": str(posterior.study.as_of),
        "origin": str(posterior.origin),
        **({} if forecast.left_out is None else {"left_out": forecast.left_out.as_dict()}),
        "study_sha256": posterior.study.sha256,
        "theory": theory.name,
        "theory_sha256": theory.sha256,
        "hindcast": bool(spec.hindcast),
        "seed": {"fit": posterior.seed, "forecast": forecast.seed},
        "gate": posterior.report.as_dict(),
        "allowed_failed": forecast.allowed_failed,
        "interventions": [item.label for item in forecast.interventions],
        "interval": INTERVAL,
        "belief": _beliefs(forecast),
        "targets": [_target(item) for item in targets],
        "crack_grid": [_target(item) for item in grid],
        "reference": settlement,
        **_endings(forecast, windows),
        **_notes(forecast),
        **_reversed(forecast),
    }
    return json.loads(json.dumps(document, allow_nan=False))


def _sides(forecast: Forecast) -> tuple[str, str]:
    return forecast.posterior.structure.sides
