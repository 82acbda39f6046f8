"""Readings of belief: what each side's acts and words, or a market, say about its confidence.

A document says what was believed when it was written. A reading therefore belongs to the date of
its row, and is known from its publication on; evidence counts when it is published.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beliefs.features.surprises import logit_share
from beliefs.study.load import Study
from beliefs.study.settings.spec import Indicator
from beliefs.study.tables.records import Records

__all__ = ["readings"]


def readings(study: Study, active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Collect the readings of both sides.

    Returns
    -------
    ndarray of float, shape (2, C, T)
        Events: mean belief signal (-2 to 2) of the side's own actors dated in the period.
        Series: log-odds of the share dated in the period, of several versions the one published
        last. NaN where there is none: silence is not a signal of 0.
    """
    spec, grid = study.spec, study.grid
    indicators = {indicator.id: indicator for indicator in spec.indicators}
    out = np.full((2, len(spec.channels), grid.n), np.nan)
    for c, channel in enumerate(spec.channels):
        for series in channel.series:
            value = _dated(study, indicators[series.indicator])
            share = logit_share(value, series.scale, series.invert)
            out[spec.side_ids.index(series.side), c] = share
        if channel.source == "events":
            for side, actors in enumerate(s.actors for s in spec.sides):
                out[side, c] = _spoken(study, channel.id, actors)
    out[:, :, ~active] = np.nan
    return out


def _dated(study: Study, indicator: Indicator) -> NDArray[np.float64]:
    """Return the value of a series in each period by its dates, (T,), NaN where there is none."""
    series, n = study.tables.indicators, study.grid.n
    rows = series.take(series.among("indicator", (indicator.id,))).ordered("date", "published_at")
    newest = np.append(rows["date"][1:] != rows["date"][:-1], True)[: len(rows)]
    rows = rows.take(newest)
    period, value = _inside(study, rows, "value")
    out = np.full(n, np.nan)
    out[period] = value  # in the order of time: the last one stays
    if indicator.aggregate == "last":
        return out
    total = np.bincount(period, weights=value, minlength=n)
    count = np.bincount(period, minlength=n) if indicator.aggregate == "mean" else np.ones(n)
    return np.where(np.isnan(out), np.nan, total / np.maximum(count, 1))


def _spoken(study: Study, channel: str, actors: tuple[str, ...]) -> NDArray[np.float64]:
    events, n = study.tables.events, study.grid.n
    rows = events.take(
        events.among("channel", (channel,))
        & events.among("initiator", actors)
        & ~np.isnan(events["belief_signal"])
    )
    period, signal = _inside(study, rows, "belief_signal")
    count = np.bincount(period, minlength=n)
    total = np.bincount(period, weights=signal, minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _inside(
    study: Study, rows: Records, name: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the periods by date, and the values, of the rows dated in the study's period."""
    period = study.grid.index(rows["date"])
    inside = (period >= 0) & (period < study.grid.n)
    return period[inside], rows[name][inside]
