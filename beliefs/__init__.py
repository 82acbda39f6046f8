"""Bayesian belief dynamics of two-sided confrontations.

Two sides each hold a private belief that they are winning, scored by different scorecards. The
package infers those beliefs from indicators and events, and forecasts when a belief cracks, when
talks become rational and when talks are held, each beside its base rate.

Names load on first use, so that ``import beliefs`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from beliefs.errors import BeliefsError, ConflictError, GateError, StudyError

__version__ = "0.1.0"

_WHERE = {
    "Backtest": "beliefs.evaluate.backtest",
    "Forecast": "beliefs.forecast.forecast",
    "Intervention": "beliefs.forecast.interventions",
    "Posterior": "beliefs.infer.posterior",
    "Probability": "beliefs.forecast.probability",
    "Sampling": "beliefs.infer.sampling",
    "Study": "beliefs.study.load",
    "Theory": "beliefs.theory.theory",
    "Track": "beliefs.infer.track_result",
    "advance": "beliefs.infer.track",
    "backtest": "beliefs.evaluate.backtest",
    "calibrate": "beliefs.record.calibration",
    "compare": "beliefs.evaluate.compare",
    "build_inputs": "beliefs.study.inputs",
    "diagnose": "beliefs.infer.diagnose",
    "fit": "beliefs.infer.fit",
    "list_studies": "beliefs.study.bundled",
    "load_interventions": "beliefs.forecast.interventions",
    "load_run": "beliefs.record.run",
    "load_study": "beliefs.study.load",
    "load_theory": "beliefs.theory.theory",
    "load_track": "beliefs.record.tracks",
    "new_study": "beliefs.study.template",
    "probability": "beliefs.forecast.probability",
    "save_run": "beliefs.record.run",
    "save_track": "beliefs.record.tracks",
    "sensitivity": "beliefs.evaluate.sensitivity",
    "summarise": "beliefs.forecast.summary",
    "track": "beliefs.infer.track",
    "update_run": "beliefs.record.update",
    "verdicts": "beliefs.evaluate.verdicts",
    "write_report": "beliefs.view.report",
}

__all__ = [
    "BeliefsError",
    "ConflictError",
    "GateError",
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
