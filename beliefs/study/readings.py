"""Readings of belief: what each side's acts and words, or a market, say about its confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.study.arrivals import Arrivals
from beliefs.study.load import Study
from beliefs.study.surprises import logit_share

__all__ = ["readings"]


def readings(
    study: Study, arrivals: Sequence[Arrivals], active: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Collect the readings of both sides.

    Parameters
    ----------
    study
        The study, already cut at its as-of date.
    arrivals
        Arrivals of each indicator, in the order of the study file.
    active
        Periods that had ended, shape (T,).

    Returns
    -------
    ndarray of float, shape (2, C, T)
        Events: mean belief signal (-2 to 2) of the side's own actors published in the period.
        Series: log-odds of the share. NaN where there is none: silence is not a signal of 0.
    """
    spec, grid = study.spec, study.grid
    number = {indicator.id: place for place, indicator in enumerate(spec.indicators)}
    out = np.full((2, len(spec.channels), grid.n), np.nan)
    for c, channel in enumerate(spec.channels):
        for series in channel.series:
            found = arrivals[number[series.indicator]]
            inside = found.period >= 0
            value = logit_share(found.value[inside], series.scale, series.invert)
            out[spec.side_ids.index(series.side), c, found.period[inside]] = value
        if channel.source == "events":
            for side, actors in enumerate(s.actors for s in spec.sides):
                out[side, c] = _spoken(study, channel.id, actors)
    out[:, :, ~active] = np.nan
    return out


def _spoken(study: Study, channel: str, actors: tuple[str, ...]) -> NDArray[np.float64]:
    events, n = study.tables.events, study.grid.n
    rows = events.take(
        events.among("channel", (channel,))
        & events.among("initiator", actors)
        & ~np.isnan(events["belief_signal"])
    )
    period = study.grid.index(rows["published_at"])
    inside = (period >= 0) & (period < n)
    period, signal = period[inside], rows["belief_signal"][inside]
    count = np.bincount(period, minlength=n)
    total = np.bincount(period, weights=signal, minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
