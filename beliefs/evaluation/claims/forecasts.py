"""What claims forecast, scored from the origins of a study against the base rate.

From each origin the whole system is simulated under the claim's theory and under the base rate,
both as they stood on that day, and what then happened is looked up in the study. A score is the log
of the probability that was given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.backtest.origins import futures_from
from beliefs.evaluation.claims.claim import Claim, Forecasted
from beliefs.evaluation.scores.proper import smoothed
from beliefs.evaluation.scores.skill import TAIL, block_sums, enough_blocks
from beliefs.features.observed import Observed
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.smc.blocks import Blocks
from beliefs.simulation.actions import MUTUAL, UNILATERAL
from beliefs.study.tables.codebook import RUNGS

__all__ = ["EVENTS", "Event", "Score", "forecast_scores"]

Events = Mapping[str, NDArray[Any]]

DRAWS = 1000
WAR = RUNGS.index("open_war")
STREAM = 15485863  # keeps what is drawn here apart from other uses of the seed


@dataclass(frozen=True)
class Event:
    """Something that does or does not come within some periods.

    Attributes
    ----------
    asked
        From observables and the first period ahead: whether the question makes sense there.
    came
        From observables, the periods ahead and a size: whether it came.
    comes
        From futures, (sample, ..., horizon) each, and a size: in which it comes, (sample,).
    """

    asked: Callable[[Observed, int], bool]
    came: Callable[[Observed, slice, int], bool]
    comes: Callable[[Events, int], NDArray[np.bool_]]


@dataclass(frozen=True)
class Score:
    """Log scores of forecasts against those of the base rate.

    Attributes
    ----------
    event, horizon_days
        What was forecast.
    rows
        One for each origin that can be checked: origin, whether it came, probability under the
        theory, and under the base rate.
    mean, low, high
        Mean difference of log scores, and its 90 % interval by resampling origins; above 0 the
        theory forecast better. The interval is NaN where origins are too few.
    """

    event: str
    horizon_days: int
    rows: tuple[tuple[str, bool, float, float], ...]
    mean: float
    low: float
    high: float

    @property
    def n(self) -> int:
        """Number of forecasts that can be checked."""
        return len(self.rows)

    @property
    def came(self) -> float:
        """Share of them in which what was forecast came."""
        return float(np.mean([row[1] for row in self.rows])) if self.rows else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it for a script."""
        names = ("origin", "came", "p", "p_base_rate")
        return {
            "event": self.event,
            "horizon_days": self.horizon_days,
            "n": self.n,
            "difference": round(self.mean, 4),
            **{
                k: None if np.isnan(v) else round(v, 4)
                for k, v in (("low", self.low), ("high", self.high))
            },
            "origins": [
                dict(zip(names, (o, c, round(p, 4), round(b, 4)), strict=True))
                for o, c, p, b in self.rows
            ],
        }


def _first(ended: NDArray[Any]) -> NDArray[Any]:
    """Return the first entry along the last axis that is not zero, 0 without any."""
    place = (ended != 0).argmax(axis=-1)
    return np.take_along_axis(ended, place[..., None], axis=-1)[..., 0]


def _in_truce(seen: Observed, n: int) -> bool:
    return bool(seen.truce_seen[n - 1])


def _window_ended(seen: Observed, ahead: slice) -> NDArray[Any]:
    return np.where(seen.truce_end[ahead] == 1, -1, seen.window_kind[ahead])


EVENTS: dict[str, Event] = {
    "deal": Event(
        lambda seen, n: bool(seen.deal_seen[n - 1]),
        lambda seen, ahead, _: bool(seen.deal[ahead].any()),
        lambda events, _: events["deal"].any(axis=-1),
    ),
    "neither": Event(
        lambda seen, n: bool(seen.rung_seen[n - 1] and seen.rung[n - 1] != WAR),
        lambda seen, ahead, _: (
            not (
                seen.deal_signed[ahead].any()
                or (seen.rung_seen[ahead] & (seen.rung[ahead] == WAR)).any()
            )
        ),
        lambda events, _: ~(events["signed"].any(axis=-1) | (events["rung"] == WAR).any(axis=-1)),
    ),
    "no_crossing": Event(
        lambda seen, n: bool(seen.strikes_seen[n - 1]),
        lambda seen, ahead, _: not seen.line_cross[:, ahead].any(),
        lambda events, _: ~events["crossing"].any(axis=(-2, -1)),
    ),
    "no_collapse": Event(
        _in_truce,
        lambda seen, ahead, _: not (seen.truce_end[ahead] == 1).any(),
        lambda events, _: ~(events["ended"] == 5).any(axis=-1),
    ),
    "cluster": Event(
        lambda seen, n: bool(seen.strikes_seen[n - 1]),
        lambda seen, ahead, size: bool((seen.strike_count[:, ahead].sum(axis=0) >= size).any()),
        lambda events, size: (events["strikes"].sum(axis=-2) >= size).any(axis=-1),
    ),
    "extension": Event(
        lambda seen, n: _in_truce(seen, n) and bool(seen.has_deadline[n - 1]),
        lambda seen, ahead, _: bool(_first(_window_ended(seen, ahead)) in (UNILATERAL, MUTUAL)),
        lambda events, _: np.isin(_first(events["ended"]), (UNILATERAL, MUTUAL)),
    ),
}


def forecast_scores(
    claims: Sequence[Claim], blocks: Blocks, base: Blocks, *, seed: int
) -> dict[str, Score]:
    """Score what claims forecast.

    Parameters
    ----------
    claims
        Claims under the theory of `blocks`; those that forecast nothing are left out.
    blocks, base
        All blocks of that theory and of the base rate on the whole study.
    seed
        Seed of the futures.

    Returns
    -------
    dict
        By id of the claim. A theory without the observable of an event has no score.
    """
    asked = {c.id: c.forecasts for c in claims if c.forecasts is not None}
    inputs, spec = blocks.inputs, blocks.study.spec
    if not asked or spec.forecast is None:
        return {}
    seen, step, last = inputs.observed, inputs.step_days, int(inputs.active.sum())
    ends = inputs.dates.astype("datetime64[D]") + np.timedelta64(step - 1, "D")
    ahead: dict[int, dict[str, slice]] = {}
    for day in spec.forecast.origins:
        n = int((ends <= np.datetime64(day, "D")).sum())
        windows = {name: slice(n, n - -f.horizon_days // step) for name, f in asked.items()}
        ahead[n] = {
            name: part for name, part in windows.items()
            if 0 < n and part.stop <= last and EVENTS[asked[name].event].asked(seen, n)
        }  # fmt: skip
    ahead = {n: parts for n, parts in ahead.items() if parts}
    rows: dict[str, list[tuple[str, bool, float, float]]] = {name: [] for name in asked}
    if ahead:
        longest = max(part.stop - n for n, parts in ahead.items() for part in parts.values())
        origins = np.asarray(list(ahead), dtype=np.int64)
        both = (futures_from(b, origins, longest, draws=DRAWS, seed=seed) for b in (blocks, base))
        for n, *told in zip(ahead, *both, strict=True):
            for name, part in ahead[n].items():
                chances = [_chance(asked[name], f, part.stop - n) for f in told]
                if None not in chances:
                    event, size = EVENTS[asked[name].event], asked[name].at_least
                    row = str(ends[n - 1]), event.came(seen, part, size), *chances
                    rows[name].append(row)  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, STREAM])
    return {name: _score(asked[name], tuple(found), rng) for name, found in rows.items()}


def _chance(f: Forecasted, told: Forecast, horizon: int) -> float | None:
    """Return the share of futures in which it comes; None under a theory silent on it."""
    try:
        events = {k: v[..., :horizon] for k, v in (told.paths.events or {}).items()}
        return float(EVENTS[f.event].comes(events, f.at_least).mean())
    except KeyError:
        return None


def _score(
    f: Forecasted, rows: tuple[tuple[str, bool, float, float], ...], rng: np.random.Generator
) -> Score:
    if not rows:
        return Score(f.event, f.horizon_days, (), 0.0, np.nan, np.nan)
    came = np.asarray([row[1] for row in rows])
    p, q = (smoothed([row[k] for row in rows], DRAWS) for k in (2, 3))
    gap = np.log(np.where(came, p, 1.0 - p)) - np.log(np.where(came, q, 1.0 - q))
    low = high = np.nan
    if enough_blocks(len(gap), 1):
        low, high = np.quantile(block_sums(gap, 1, rng) / len(gap), [TAIL, 1.0 - TAIL])
    return Score(f.event, f.horizon_days, rows, float(gap.mean()), float(low), float(high))
