"""Scores of resolved forecasts, beside those of the base rates registered with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from beliefs.evaluation.scores.proper import brier, log_score
from beliefs.forecasting.targets import LATENT
from beliefs.records.ledger.lines import Forecast, Ledger, Resolution, Target

__all__ = ["TIMINGS", "brier", "log_score", "score", "timing"]

TIMINGS = {
    "ahead": "registered in advance",
    "during": "registered while its window ran",
    "late": "registered after its last day: hindcast",
}
"""When a probability was registered, best first."""

PROMPT = 1  # days from the origin to registration: tomorrow morning is still in advance


@dataclass(frozen=True)
class _Item:
    forecast: Forecast
    target: Target
    found: Resolution | None

    @property
    def days(self) -> int:
        return (self.target.by - self.forecast.origin).days


def timing(forecast: Forecast, target: Target) -> str:
    """Return when a probability was registered: a key of `TIMINGS`.

    It goes by dates alone and never by the outcome: were forecasts taken out whose talks had begun
    before they were registered, only failures would stay. The window begins after the origin,
    which may lie before the as-of date: with weeks it is the end of the last whole one.
    """
    if target.late:
        return "late"
    return "ahead" if (forecast.at.date() - forecast.origin).days <= PROMPT else "during"


def score(ledger: Ledger, *, today: dt.date) -> dict[str, Any]:
    """Return scores by class of target, with counts.

    Parameters
    ----------
    ledger
        As from `beliefs.records.ledger.lines.read_ledger`.
    today
        Splits what is unresolved into what is not over, and what could be looked up.

    Returns
    -------
    dict
        ``forecasts``, ``probabilities``, ``resolved``, ``unresolved`` (``latent``, ``not_over``,
        ``over``), ``corrected``, and ``classes``: one row for each time of registration, theory,
        target and days ahead, and one for all days ahead together (``days`` None). In a row,
        ``n`` are resolved probabilities and ``events`` those that happened; ``windows`` counts
        different ones (study, origin and last day), since forecasts of one window share its
        outcome. ``base`` has the same scores of the registered base rates, over the
        ``n`` that have one, and ``skill``, 1 - Brier / Brier of the base rate, over the same.
        ``by_rule`` has the scores had a label rule been asked that was not the forecast's own.
    """
    items = [
        _Item(
            forecast,
            target,
            ledger.resolutions.get((n, target.target, target.rule, target.by), (0, None))[1],
        )
        if target.target not in LATENT and target.given is None
        else _Item(forecast, target, None)
        for n, forecast in ledger.forecasts.items()
        for target in forecast.targets
    ]
    unresolved = [item for item in items if item.found is None]
    latent = sum(item.target.target in LATENT for item in unresolved)
    over = sum(item.target.target not in LATENT and item.target.by < today for item in unresolved)
    groups: dict[tuple[Any, ...], list[_Item]] = {}
    for item in items:
        if item.target.target in LATENT:
            continue
        when = [*TIMINGS].index(timing(item.forecast, item.target))
        named = (item.forecast.theory, item.forecast.theory_sha256, item.target.name)
        for days in (None, item.days):
            groups.setdefault((when, *named, -1 if days is None else days), []).append(item)
    return {
        "forecasts": len(ledger.forecasts),
        "probabilities": len(items),
        "resolved": len(items) - len(unresolved),
        "unresolved": {
            "all": len(unresolved),
            "latent": latent,
            "not_over": len(unresolved) - latent - over,
            "over": over,
        },
        "corrected": ledger.corrected,
        "classes": [_row(key, groups[key]) for key in sorted(groups)],
    }


def _row(key: tuple[Any, ...], items: list[_Item]) -> dict[str, Any]:
    when, theory, theory_sha256, target, days = key
    known = [item for item in items if item.found is not None]
    based = [item for item in known if item.target.base_rate is not None]
    ours, base = _scores(based, _ours), _scores(based, _base)
    return {
        "registered": [*TIMINGS][when],
        "theory": theory,
        "theory_sha256": theory_sha256,
        "target": target,
        "days": None if days < 0 else days,
        "unresolved": len(items) - len(known),
        **_scores(known, _ours),
        "mean_p": _mean(item.target.p for item in known),
        "windows": len({(i.forecast.study, i.forecast.origin, i.target.by) for i in known}),
        "base": base,
        "skill": 1.0 - ours["brier"] / base["brier"] if base["brier"] else None,
        "by_rule": {
            rule: _scores([i for i in known if rule in _others(i)], _ours, rule)
            for rule in sorted({rule for i in known for rule in _others(i)})
        },
    }


def _ours(target: Target) -> tuple[float, float]:
    return target.p, target.mcse


def _base(target: Target) -> tuple[float, float]:
    assert target.base_rate is not None
    return target.base_rate, target.mcse


def _outcomes(item: _Item) -> dict[str, bool]:
    assert item.found is not None
    return item.found.outcomes or {item.forecast.label_rule: item.found.outcome}


def _others(item: _Item) -> set[str]:
    return set(_outcomes(item)) - {item.forecast.label_rule}


def _scores(
    items: list[_Item], of: Callable[[Target], tuple[float, float]], rule: str | None = None
) -> dict[str, Any]:
    """Return counts and mean scores; None where there is nothing to score."""
    happened = [_outcomes(i)[i.forecast.label_rule if rule is None else rule] for i in items]
    p, error = zip(*(of(i.target) for i in items), strict=True) if items else ((), ())
    certain = sum(value in (0.0, 1.0) for value in p)
    return {
        "n": len(items),
        "events": sum(happened),
        "certain": certain,
        "brier": _mean(brier(p, happened)) if items else None,
        "log_score": _mean(log_score(p, happened, error)) if items else None,
    }


def _mean(values: Iterable[float]) -> float | None:
    kept = [float(value) for value in values]
    return float(np.mean(kept)) if kept else None
