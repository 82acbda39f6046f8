"""From futures to the forecast document: every number of a forecast, computed once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from beliefs.errors import counted
from beliefs.forecasting.document import (
    FORMAT,
    Document,
    Ending,
    Gate,
    LeftOutDays,
    Probability,
    Reference,
    ReversedWeight,
    Seeds,
    SideBelief,
)
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.probability import probability, settlement_base_rate
from beliefs.forecasting.targets import (
    CAUSES,
    TARGETS,
    asked_of,
    cumulative_incidence,
    headline,
)
from beliefs.inference.sensitivity import reversed_weights
from beliefs.model.contract import logistic
from beliefs.simulation.effects import without_effect
from beliefs.simulation.state import window_at

__all__ = ["FORMAT", "HORIZONS", "INTERVAL", "document", "horizon_days", "summarise"]

HORIZONS = (7, 30, 90)  # days after the as-of date, where the forecast reaches that far
INTERVAL = 0.9


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


def _beliefs(forecast: Forecast) -> tuple[SideBelief, ...]:
    history = forecast.paths.history_belief
    if history is None:
        return ()
    tail, rows = (1.0 - INTERVAL) / 2.0, []
    for i, side in enumerate(forecast.posterior.structure.sides):
        p = logistic(np, history[:, i, -1])
        low, high = np.quantile(p, [tail, 1.0 - tail]).tolist()
        rows.append(SideBelief(side=side, mean=float(p.mean()), lower=low, upper=high))
    return tuple(rows)


def _targets(forecast: Forecast, windows: list[dt.date]) -> tuple[Probability, ...]:
    """Return beliefs and talks by every window, then actions by every window."""
    asked = [
        (name, side, rule) for name, side in headline(forecast) for rule in TARGETS[name].rules
    ]
    return tuple(
        probability(forecast, name, side=side, by=by, rule=rule)
        for actions in (False, True)
        for by in windows
        for name, side, rule in asked
        if (TARGETS[name].kind == "actions") == actions
    )


def _crack_grid(forecast: Forecast, by: dt.date) -> tuple[Probability, ...]:
    if not forecast.posterior.theory.beliefs:
        return ()
    crack = forecast.posterior.study.spec.crack
    return tuple(
        probability(forecast, "crack", side=side, by=by, threshold=p, periods=d)
        for side in forecast.posterior.structure.sides
        for p in crack.grid_thresholds
        for d in crack.grid_periods
    )


def _endings(forecast: Forecast, windows: list[dt.date]) -> tuple[Ending, ...]:
    """Return how the truce in force first ends, where there is one and actions were simulated."""
    posterior, base = forecast.posterior, forecast.base_paths
    if "collapse" not in asked_of(forecast) or not window_at(posterior.study, posterior.inputs).on:
        return ()
    assert base is not None
    steps = [forecast.step_of(by) - 1 for by in windows]
    mine, theirs = (cumulative_incidence(p)[:, steps].tolist() for p in (forecast.paths, base))
    return tuple(
        Ending(cause=cause, by=by, p=mine[c][k], base_rate=theirs[c][k])
        for k, by in enumerate(windows)
        for c, cause in enumerate(CAUSES)
    )


def _settlement(forecast: Forecast, windows: list[dt.date]) -> tuple[Reference, ...]:
    """Return the base rate of a settlement, which is not modelled, by every window."""
    age, rows = crisis_age(forecast), []
    for by in windows:
        days = int((np.datetime64(by) - forecast.posterior.origin).astype(int))
        rate, source = settlement_base_rate(age, days)
        source = f"{source}; crisis {counted(age, 'day')} old at the origin"
        rows.append(
            Reference(target="settlement", by=by, base_rate=float(rate), base_rate_source=source)
        )
    return tuple(rows)


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


def document(forecast: Forecast) -> Document:
    """Return the forecast document.

    Every probability stands beside its Monte-Carlo error and base rate. Where actions were
    simulated, their targets stand among the others, and ``endings`` says how the truce in force
    first ends.
    """
    posterior = forecast.posterior
    theory, windows = posterior.theory, horizon_days(forecast)
    gate: dict[str, Any] = posterior.report.as_dict()
    notes = without_effect(
        theory, posterior.structure, forecast.interventions, actions=forecast.conduct is not None
    )
    left = forecast.left_out
    days = None if left is None else LeftOutDays(
        first=left.first, last=left.last, rows=left.rows, talks=left.talks
    )  # fmt: skip
    weights = tuple(
        ReversedWeight(term=term, mean=float(mean), p_other_sign=float(share))
        for term, mean, share in reversed_weights(posterior)
    )
    some = {
        "left_out": days, "endings": _endings(forecast, windows), "notes": tuple(notes),
        "reversed_weights": weights,
    }  # fmt: skip
    return Document(
        format=FORMAT,
        study=posterior.study.spec.name,
        as_of=posterior.study.as_of.astype(object),
        origin=posterior.origin.astype("datetime64[D]").astype(object),
        study_sha256=posterior.study.sha256,
        theory=theory.name,
        theory_sha256=theory.sha256,
        hindcast=bool(posterior.study.spec.hindcast),
        seed=Seeds(fit=int(posterior.seed), forecast=forecast.seed),
        gate=Gate(**gate | {"failures": tuple(gate["failures"])}),
        allowed_failed=forecast.allowed_failed,
        interventions=tuple(item.label for item in forecast.interventions),
        interval=INTERVAL,
        belief=_beliefs(forecast),
        targets=_targets(forecast, windows),
        crack_grid=_crack_grid(forecast, windows[-1]),
        reference=_settlement(forecast, windows),
        **{name: part for name, part in some.items() if part},  # type: ignore[arg-type]
    )


def summarise(forecast: Forecast) -> dict[str, Any]:
    """Return the forecast document as plain data, as in ``forecast.json``.

    Parameters
    ----------
    forecast
        From `beliefs.forecast`.

    Examples
    --------
    >>> beliefs.summarise(ahead)["theory"]
    'base_rate'
    """
    return document(forecast).as_dict()
