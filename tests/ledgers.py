"""Forecasts as a ledger registers them, made up."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from beliefs.records.ledger.chain import BEGINNING, check, seal
from beliefs.records.ledger.register import Forecast

RULES = [
    {"id": "any", "formats": ["direct", "indirect"], "labels": ["talks"], "min_confidence": "low"},
    {"id": "direct", "formats": ["direct"], "labels": ["talks"], "min_confidence": "medium"},
]
CONVERGENCE = {"passed": True, "r_hat": 1.0, "ess": 900.0, "worst": "", "failures": []}


def a_target(target: str = "talks", by: str = "2026-02-07", p: float = 0.3, **more: Any) -> dict:
    """One probability as in forecast.json."""
    return {
        "target": target, "side": None, "by": by, "p": p, "mcse": 0.01, "base_rate": 0.1,
        "base_rate_source": "made up", "prior_dominated": False, "at_origin": 0.0,
        "threshold": None, "periods": None, **more,
    }  # fmt: skip


def a_forecast(number: int = 0, **more: Any) -> Forecast:
    """A forecast; another number is another forecast."""
    said = {
        "at": "2026-01-31T00:00:00Z", "study": "small", "study_sha256": "0" * 64,
        "hindcast": False, "as_of": "2026-01-31", "origin": "2026-01-31", "theory": "base_rate",
        "theory_sha256": "1" * 64, "posterior_sha256": "2" * 64,
        "forecast_sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "seed": {"fit": 1, "forecast": number}, "horizon": 14, "step_days": 1,
        "convergence": CONVERGENCE,
        "allowed_failed": False, "label_rule": "any", "label_rules": RULES,
        "beliefs_version": "0.1.0", "targets": [a_target()], **more,
    }  # fmt: skip
    return Forecast.model_validate_json(json.dumps(said))


def sealed(*records: dict[str, Any]) -> bytes:
    """The bytes of a ledger of these records."""
    data, head = b"", BEGINNING
    for n, fields in enumerate(records, 1):
        data += seal(n, head, fields)
        head = check(data).head
    return data


def on(day: str, hour: int = 6) -> dt.datetime:
    """A time of that day, UTC."""
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(hour), dt.UTC)
