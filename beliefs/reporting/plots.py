"""Figures of a result as its methods: ``posterior.plot.beliefs()``, ``forecast.plot.fan()``.

All are Plotly's: they show themselves in a notebook, and ``to_image`` and ``write_html`` keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from beliefs.evaluation.backtest.backtest import Backtest
from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.track import Track
from beliefs.reporting import figures


def _cracks(posterior: Posterior, horizon: int | None = None, *, seed: int = 1) -> Any:
    """Forecast so many periods and return P(crack by each day) of both sides."""
    return figures.cracks(forecast(posterior, horizon, seed=seed))


FIGURES: Mapping[type, Mapping[str, Callable[..., Any]]] = {
    Posterior: {
        "beliefs": figures.beliefs, "scorecard": figures.scorecards, "moves": figures.moves,
        "cracks": _cracks,
    },
    Forecast: {
        "fan": figures.fan, "cracks": figures.cracks, "talks": figures.talks,
        "talks_rational": figures.talks_rational,
    },
    Backtest: {"reliability": figures.reliability},
}  # fmt: skip
"""What can be drawn of each kind of result; of a track, what can be of the posterior at its end."""


def plots_of(result: Any) -> SimpleNamespace:
    """Return the figures of a result as functions; an AttributeError where there is none."""
    if isinstance(result, Track):
        result = result.at(result.ends[-1])
    if (mine := FIGURES.get(type(result))) is None:
        raise AttributeError(f"a {type(result).__name__} has no figures")
    return SimpleNamespace(**{name: partial(figure, result) for name, figure in mine.items()})
