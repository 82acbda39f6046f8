"""What claims foretell, scored from the origins of a study against the base rate.

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

from beliefs.evaluation.claims.claims import Claim, Foretold
from beliefs.evaluation.scores.skill import TAIL, enough_blocks
from beliefs.features.observed import Observed
from beliefs.forecasting.forecast import forecast
from beliefs.inference.conduct import Conduct
from beliefs.inference.smc.blocks import Blocks, blocks_known
from beliefs.simulation.course import MUTUAL, UNILATERAL
from beliefs.study.tables.codebook import RUNGS

__all__ = ["EVENTS", "Event", "Score", "foretold"]

Floats = NDArray[np.float64]
Events = Mapping[str, NDArray[Any]]

DRAWS = 1000
RESAMPLES = 2000
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
        What was foretold.
    rows
        One for each origin that can be checked: origin, whether it came, probability under the
        theory, and under the base rate.
    mean, low, high
        Mean difference of log scores, and its 90 % interval by resampling origins; above 0 the
        theory foretold better. The interval is NaN where origins are too few.
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
        """Share of them in which what was foretold came."""
        return float(np.mean([row[1] for row in self.rows])) if self.rows else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it for a script."""
        names = ("origin", "came", "p", "p_base_rate")
        return {
            "event": self.event,
            "horizon_days": self.horizon_days,
            "n": self.n,
            "difference": round(self.mean, 4),
            "low": None if np.isnan(self.low) else round(self.low, 4),
            "high": None if np.isnan(self.high) else round(self.high, 4),
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


def foretold(
    claims: Sequence[Claim], blocks: Blocks, base: Blocks, *, seed: int
) -> dict[str, Score]:
    """Score what claims foretell.

    Parameters
    ----------
    claims
        Claims under the theory of `blocks`; those that foretell nothing are left out.
    blocks, base
        All blocks of that theory and of the base rate on the whole study.
    seed
        Seed of the futures.

    Returns
    -------
    dict
        By id of the claim. A theory without the observable of an event has no score.
    """
    asked = {c.id: c.forecast for c in claims if c.forecast is not None}
    inputs, spec = blocks.inputs, blocks.study.spec
    if not asked or spec.forecast is None or blocks.belief is None:
        return {}
    step, last = inputs.step_days, int(inputs.active.sum())
    then, ground = blocks, base
    rows: dict[str, list[tuple[str, bool, float, float]]] = {name: [] for name in asked}
    for day in spec.forecast.origins:
        ends = inputs.dates.astype("datetime64[D]") + np.timedelta64(step - 1, "D")
        n = int((ends <= np.datetime64(day, "D")).sum())
        ahead = {
            name: _ahead(f, n, step)
            for name, f in asked.items()
            if 0 < n
            and _ahead(f, n, step).stop <= last
            and EVENTS[f.event].asked(inputs.observed, n)
        }
        if not ahead:
            continue
        horizon = max(part.stop - part.start for part in ahead.values())
        then, ground = blocks_known(blocks, n, then), blocks_known(base, n, ground)
        told = _futures(then, ground, n, horizon, seed)
        if told is None:
            continue
        for name, part in ahead.items():
            f = asked[name]
            event = EVENTS[f.event]
            try:
                chances = [
                    float(
                        event.comes(
                            {k: v[..., : part.stop - n] for k, v in events.items()}, f.at_least
                        ).mean()
                    )
                    for events in told
                ]
            except KeyError:  # the theory does not explain what the event is about
                continue
            came = event.came(inputs.observed, part, f.at_least)
            rows[name].append((str(ends[n - 1]), came, *chances))  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, STREAM])
    return {name: _score(asked[name], tuple(found), rng) for name, found in rows.items()}


def _ahead(f: Foretold, n: int, step: int) -> slice:
    return slice(n, n + -(-f.horizon_days // step))


def _futures(
    blocks: Blocks, base: Blocks, n: int, horizon: int, seed: int
) -> tuple[Events, Events] | None:
    """Return futures under the theory and under the base rate, as both stood after n periods."""
    from beliefs.inference.smc.track_posterior import posterior_at

    assert blocks.belief is not None  # foretold asked for it
    posterior = posterior_at(blocks.belief, n - 1, DRAWS)
    rng = np.random.default_rng([seed, STREAM, n])
    zero = np.zeros(DRAWS)
    conduct = Conduct(
        theory=blocks.theory.name,
        seed=seed,
        posterior=blocks.params(DRAWS, rng, period=n - 1, beliefs=False),
        prior=blocks.prior(DRAWS, rng, beliefs=False),
        base=base.params(DRAWS, rng, period=n - 1),
        log_prior=zero,
        log_likelihood=zero,
    )
    told = forecast(posterior, horizon, seed=seed, allow_failed=True, actions=conduct)
    if told.paths.events is None or told.base_paths is None or told.base_paths.events is None:
        return None
    return told.paths.events, told.base_paths.events


def _score(
    f: Foretold, rows: tuple[tuple[str, bool, float, float], ...], rng: np.random.Generator
) -> Score:
    none = float("nan")
    if not rows:
        return Score(f.event, f.horizon_days, (), 0.0, none, none)
    edge = 0.5 / DRAWS
    came = np.asarray([row[1] for row in rows])
    p, q = (np.clip([row[k] for row in rows], edge, 1.0 - edge) for k in (2, 3))
    gap = np.log(np.where(came, p, 1.0 - p)) - np.log(np.where(came, q, 1.0 - q))
    if not enough_blocks(len(gap), 1):
        return Score(f.event, f.horizon_days, rows, float(gap.mean()), none, none)
    means = gap[rng.integers(0, len(gap), size=(RESAMPLES, len(gap)))].mean(axis=1)
    low, high = np.quantile(means, [TAIL, 1.0 - TAIL])
    return Score(f.event, f.horizon_days, rows, float(gap.mean()), float(low), float(high))
