"""Bayesian belief dynamics of two-sided confrontations.

Two sides each hold a private belief that they are winning, scored by different scorecards. The
package infers those beliefs from indicators and events, and forecasts when a belief cracks, when
talks become rational and when talks are held, each beside its base rate.

Names load on first use, so that ``import beliefs`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from beliefs.errors import BeliefsError, ConflictError, ConvergenceError, StudyError

__version__ = "0.1.0"

_WHERE = {
    "Backtest": "beliefs.evaluation.backtest.backtest",
    "Forecast": "beliefs.forecasting.forecast",
    "Intervention": "beliefs.simulation.interventions",
    "Panel": "beliefs.study.panels",
    "Posterior": "beliefs.inference.posterior",
    "Probability": "beliefs.forecasting.document",
    "Sampling": "beliefs.inference.nuts.sampling",
    "Study": "beliefs.study.load",
    "Theory": "beliefs.model.theory",
    "Track": "beliefs.inference.smc.track",
    "advance": "beliefs.inference.smc.track",
    "backtest": "beliefs.evaluation.backtest.backtest",
    "build_inputs": "beliefs.features.inputs",
    "calibrate": "beliefs.records.evaluations",
    "compare": "beliefs.evaluation.compare",
    "fit": "beliefs.inference.nuts.fit",
    "forecast": "beliefs.forecasting.forecast",
    "load_interventions": "beliefs.simulation.interventions",
    "load_panel": "beliefs.study.panels",
    "load_run": "beliefs.records.run",
    "informed": "beliefs.model.informed",
    "load_study": "beliefs.study.load",
    "load_theory": "beliefs.model.theory",
    "load_track": "beliefs.records.run",
    "new_study": "beliefs.study.bundled",
    "probability": "beliefs.forecasting.probability",
    "save_run": "beliefs.records.run",
    "sensitivity": "beliefs.evaluation.sensitivity",
    "summarise": "beliefs.forecasting.summary",
    "track": "beliefs.inference.smc.track",
    "update": "beliefs.records.update",
    "verdicts": "beliefs.evaluation.claims.verdicts",
    "write_report": "beliefs.reporting.report",
}

__all__ = [
    "BeliefsError",
    "ConflictError",
    "ConvergenceError",
    "StudyError",
    "__version__",
    *sorted(_WHERE),
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'beliefs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
