"""Bayesian belief dynamics of two-sided confrontations.

Two sides each hold a private belief that they are winning, scored by different scorecards. The
package infers those beliefs from indicators and events, and forecasts when a belief cracks, when
talks become rational and when talks are held, each beside its base rate. Names load on first use.
"""

from importlib import import_module
from typing import Any

import beliefs.errors  # noqa: F401  names of errors stand in `except`, before anything is used

__version__ = "0.1.0"

_NAMES = {
    "cli.options": ("progress_bar",),
    "errors": ("BeliefsError", "ConflictError", "ConvergenceError", "StudyError"),
    "evaluation.backtest.backtest": ("Backtest", "backtest"),
    "evaluation.claims.verdicts": ("verdicts",),
    "evaluation.compare": ("compare",),
    "evaluation.sensitivity": ("sensitivity",),
    "features.inputs": ("build_inputs",),
    "forecasting.forecast": ("Forecast", "forecast"),
    "forecasting.probability": ("Probability", "probability"),
    "forecasting.summary": ("summarise",),
    "inference.nuts.fit": ("fit",),
    "inference.nuts.sampling": ("Sampling",),
    "inference.posterior": ("Posterior", "prior"),
    "inference.smc.track": ("Track", "advance", "track"),
    "model.theory": ("Theory", "informed", "load_theory"),
    "records.evaluations": ("calibrate",),
    "records.run": ("load_run", "load_track", "save_run", "update"),
    "reporting.report": ("write_report",),
    "simulation.interventions": ("Intervention", "load_interventions"),
    "study.bundled": ("new_study",),
    "study.load": ("Study", "load_study"),
    "study.panels": ("Panel", "load_panel"),
}
_WHERE = {name: f"beliefs.{module}" for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'beliefs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
