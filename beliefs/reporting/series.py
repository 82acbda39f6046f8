"""What the figures show, as numbers: both kinds of figure draw these and compute nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.probability import probability
from beliefs.forecasting.summary import horizon_days
from beliefs.forecasting.targets import event_steps
from beliefs.inference.posterior import Posterior
from beliefs.model.contract import logistic
from beliefs.reporting.style import REGIME_WORDS, clean

__all__ = [
    "MAX_POINTS",
    "Band",
    "Curve",
    "Grid",
    "Weight",
    "belief_bands",
    "crack_grid",
    "event_curve",
    "fan_bands",
    "grid_cells",
    "last_days",
    "posterior_of",
    "recent",
    "scorecard_rows",
    "scorecard_weights",
    "side_names",
    "thin",
]

MAX_POINTS = 1500  # of a line: more than any screen shows, few enough for a small report
LEVELS = (0.05, 0.25, 0.75, 0.95)  # the 90 % and the 50 % interval

Dates = NDArray[np.datetime64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """A probability over time with its uncertainty.

    Attributes
    ----------
    name
        Of the side.
    dates
        Last day of each period, (time,).
    mean
        (time,).
    low90, low50, high50, high90
        Ends of the 90 % and of the 50 % interval, (time,).
    """

    name: str
    dates: Dates
    mean: Floats
    low90: Floats
    low50: Floats
    high50: Floats
    high90: Floats


@dataclass(frozen=True)
class Curve:
    """A cumulative probability over the horizon, beside its yardstick.

    Attributes
    ----------
    name
        What the curve is of.
    dates
        The origin, then the last day of each future period, (step,).
    p, mcse
        Probability that it has happened by then, and Monte-Carlo error, (step,).
    reference_dates, reference
        Yardstick, possibly on fewer dates.
    reference_label
        Where the yardstick comes from.
    """

    name: str
    dates: Dates
    p: Floats
    mcse: Floats
    reference_dates: Dates
    reference: Floats
    reference_label: str


@dataclass(frozen=True)
class Weight:
    """One scorecard weight, posterior beside prior.

    Attributes
    ----------
    side, indicator, regime, label
        Whose (0 or 1), of what; regime is empty where the weight holds in all of them.
    own
        Whether the indicator is on the side's own scorecard.
    mean, low90, low50, high50, high90
        Posterior, in log-odds per sd of news per square-root week.
    prior_low, prior_high
        90 % interval of the prior.
    contraction
        1 - sd(posterior) / sd(prior): share of the prior's width that the data took away.
    """

    side: int
    indicator: int
    regime: str
    label: str
    own: bool
    mean: float
    low90: float
    low50: float
    high50: float
    high90: float
    prior_low: float
    prior_high: float
    contraction: float


@dataclass(frozen=True)
class Grid:
    """P(crack) over definitions of a crack, (side, periods, threshold), by one date."""

    by: dt.date
    thresholds: tuple[float, ...]
    periods: tuple[int, ...]
    p: Floats


def posterior_of(source: Posterior | Forecast) -> Posterior:
    """Return the posterior that a forecast starts from, or the posterior itself."""
    return source.posterior if isinstance(source, Forecast) else source


def side_names(source: Posterior | Forecast) -> tuple[str, str]:
    """Return the names of the two sides in words."""
    first, second = posterior_of(source).study.spec.sides
    return clean(first.name), clean(second.name)


def thin(n: int) -> NDArray[np.int64]:
    """Return at most `MAX_POINTS` indices into `n` points, the last among them."""
    step = -(-n // MAX_POINTS)
    return np.arange(n)[::-1][::step][::-1]


def last_days(posterior: Posterior, first_days: Dates) -> Dates:
    """Return the last day of each period, when its belief is what the model says it is."""
    last: Dates = np.asarray(first_days, dtype="datetime64[D]")
    return last + np.timedelta64(posterior.inputs.step_days - 1, "D")


def _band(name: str, dates: Dates, belief: NDArray[Any]) -> Band:
    """Summarise beliefs in log-odds, (sample, time)."""
    keep = thin(len(dates))
    p = logistic(np, belief[:, keep])
    low90, low50, high50, high90 = np.quantile(p, LEVELS, axis=0)
    return Band(name, dates[keep], p.mean(axis=0), low90, low50, high50, high90)


def belief_bands(source: Posterior | Forecast) -> tuple[Band, Band]:
    """Return the belief of each side up to the origin."""
    posterior = posterior_of(source)
    belief = np.asarray(posterior.tree["posterior"]["logit_belief"].values)
    belief = belief.reshape(-1, *belief.shape[2:])
    dates = last_days(posterior, posterior.inputs.dates[: belief.shape[-1]])
    first, second = (
        _band(name, dates, belief[:, i]) for i, name in enumerate(side_names(posterior))
    )
    return first, second


def fan_bands(forecast: Forecast) -> tuple[Band, Band]:
    """Return the belief of each side beyond the origin, starting at the last period seen."""
    paths = forecast.paths
    assert paths.logit_belief is not None and paths.history_belief is not None
    belief = np.concatenate([paths.history_belief[..., -1:], paths.logit_belief], axis=-1)
    first, second = (
        _band(name, _ends(forecast), belief[:, i]) for i, name in enumerate(side_names(forecast))
    )
    return first, second


def recent(band: Band, periods: int) -> Band:
    """Return the last periods of a band."""
    cut = {k: v[-periods:] for k, v in vars(band).items() if k != "name"}
    return Band(band.name, **cut)


def _ends(forecast: Forecast) -> Dates:
    """Return the origin and the last day of each future period."""
    ends = last_days(forecast.posterior, forecast.dates)
    return np.concatenate([np.asarray([forecast.posterior.origin]), ends])


def _by_step(when: NDArray[Any], steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether the event has happened by each step, (sample, step)."""
    return when[:, None] <= steps


def _mcse(happened: NDArray[np.bool_], chains: int) -> Floats:
    """Return the Monte-Carlo error of each column's mean."""
    import arviz as az
    import xarray as xr

    values = happened.astype(float).reshape(chains, -1, happened.shape[1])
    data = xr.Dataset({"x": (("chain", "draw", "step"), values)})
    error = np.asarray(az.mcse(data, method="mean")["x"].values, dtype=float)
    return np.where(np.isfinite(error), error, 1.0 / len(happened))


def event_curve(forecast: Forecast, target: str, side: str | None = None) -> Curve:
    """Return P(target has happened by each day) beside the prior alone or the base rate.

    Parameters
    ----------
    forecast
        From `beliefs.forecast`.
    target, side
        As in `beliefs.forecasting.probability.event_steps`.
    """
    ends, horizon = _ends(forecast), len(forecast.dates)
    keep = thin(horizon + 1)
    happened = _by_step(event_steps(forecast, target, side), keep)
    p, mcse = happened.mean(axis=0), _mcse(happened, forecast.chains)
    name = target if side is None else side
    if target != "talks":
        prior = _by_step(event_steps(forecast, target, side, prior=True), keep)
        return Curve(name, ends[keep], p, mcse, ends[keep], prior.mean(axis=0), "prior alone")
    # A dozen dates draw the smooth base rate; each is the number that the headline would show.
    steps = np.unique(np.linspace(1, horizon, min(12, horizon)).round().astype(int))
    rates = [probability(forecast, target, by=str(ends[k])) for k in steps]
    known = forecast.left_out is not None and bool(forecast.left_out.talks)
    base = np.asarray(
        [float(known)] + [np.nan if r.base_rate is None else r.base_rate for r in rates]
    )
    return Curve(
        name, ends[keep], p, mcse, ends[np.concatenate([[0], steps])], base,
        "base rate: " + clean(rates[0].base_rate_source),
    )  # fmt: skip


def crack_grid(forecast: Forecast) -> Grid:
    """Return P(crack by the last headline date) for every definition in the study's grid."""
    rule = forecast.posterior.study.spec.crack
    by = horizon_days(forecast)[-1]
    steps = forecast.step_of(by)
    sides = forecast.posterior.structure.sides
    p = np.empty((2, len(rule.grid_periods), len(rule.grid_thresholds)))
    for i, d, t in np.ndindex(p.shape):
        when = event_steps(
            forecast, "crack", sides[i],
            threshold=rule.grid_thresholds[t], periods=rule.grid_periods[d],
        )  # fmt: skip
        p[i, d, t] = (when <= steps).mean()
    return Grid(by, rule.grid_thresholds, rule.grid_periods, p)


def scorecard_weights(source: Posterior | Forecast) -> list[Weight]:
    """Return every free scorecard weight with its prior, in the order of the study's terms."""
    posterior = posterior_of(source)
    spec, inputs = posterior.study.spec, posterior.inputs
    groups = [posterior.tree[name].to_dataset() for name in ("posterior", "prior")]
    out = []
    for term in inputs.terms:
        name, dim = ("weight_own", "own_term") if term.own else ("weight_other", "other_term")
        if any(name not in group for group in groups):
            continue  # the theory holds these weights at their neutral value
        after, before = (np.asarray(g[name].sel({dim: term.name}).values).ravel() for g in groups)
        low90, low50, high50, high90 = np.quantile(after, LEVELS)
        all_regimes = len(term.regimes) == len(inputs.regime_kinds)
        out.append(
            Weight(
                side=term.side,
                indicator=term.indicator,
                regime="" if all_regimes else inputs.regime_kinds[term.regimes[0]],
                label=clean(spec.indicators[term.indicator].label),
                own=term.own,
                mean=float(after.mean()),
                low90=float(low90),
                low50=float(low50),
                high50=float(high50),
                high90=float(high90),
                prior_low=float(np.quantile(before, LEVELS[0])),
                prior_high=float(np.quantile(before, LEVELS[-1])),
                contraction=float(1.0 - after.std() / before.std()),
            )
        )
    return out


def scorecard_rows(weights: list[Weight]) -> dict[tuple[int, str], str]:
    """Return indicator and regime -> label of each row, in the order of the study."""
    keys = sorted({(w.indicator, w.regime) for w in weights})
    labels = {w.indicator: w.label for w in weights}
    return {(k, r): labels[k] + (f" ({REGIME_WORDS[r]})" if r else "") for k, r in keys}


def grid_cells(grid: Grid) -> np.ndarray[Any, Any]:
    """Return the grid of both sides with an empty column between, (periods, 2 thresholds + 1)."""
    gap = np.full((len(grid.periods), 1), np.nan)
    return np.hstack([grid.p[0], gap, grid.p[1]])
