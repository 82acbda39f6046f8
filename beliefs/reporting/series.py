"""What the figures show, as numbers: figures draw these and compute nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.attribution import Cause, causes
from beliefs.features.inputs import Inputs
from beliefs.features.steps import Floats
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import TARGETS, event_steps
from beliefs.inference.posterior import Posterior
from beliefs.model.contract import logistic
from beliefs.reporting.style import REGIME_WORDS, clean
from beliefs.study.dates import later
from beliefs.study.load import Study

MAX_POINTS = 1500  # of a line: more than any screen shows, few enough for a small report
WIDE = 400  # columns of a picture of a study
LEVELS = (0.05, 0.25, 0.75, 0.95)  # the 90 % and the 50 % interval
TOP = 8  # moves listed per side
WEEK = 7
ARROWS = {1: "up", 0: "mixed", -1: "down"}

Dates = NDArray[np.datetime64]
Source = Posterior | Forecast


@dataclass(frozen=True)
class Band:
    """Belief of the side `name` by the last day of each period, (time,), with its uncertainty."""

    name: str
    dates: Dates
    mean: Floats
    low90: Floats
    low50: Floats
    high50: Floats
    high90: Floats


@dataclass(frozen=True)
class Curve:
    """P(it has happened by each date), (step,), the origin first; its baseline on fewer dates."""

    dates: Dates
    p: Floats
    mcse: Floats
    reference_dates: Dates
    reference: Floats


@dataclass(frozen=True)
class Weight:
    """One scorecard weight, posterior beside prior, in log-odds per sd of news per √week.

    `regime` is empty where the weight holds in all of them; `own`: the indicator is on the side's
    own scorecard; `contraction` is 1 - sd(posterior) / sd(prior).
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
class Span:
    """A regime from its first to its last known day."""

    kind: str
    label: str
    start: np.datetime64
    end: np.datetime64


@dataclass(frozen=True)
class Mark:
    """A numbered shock on the day it was published; `level` staggers neighbours."""

    number: int
    label: str
    date: np.datetime64
    level: int


@dataclass(frozen=True)
class Move:
    """One cause's push on one belief in the week from `start` on, in log-odds."""

    side: int
    label: str
    start: np.datetime64
    mean: float
    low90: float
    high90: float


def posterior_of(source: Source) -> Posterior:
    """Return the posterior that a forecast starts from, or the posterior itself."""
    return source.posterior if isinstance(source, Forecast) else source


def side_names(source: Source) -> tuple[str, str]:
    """Return the names of the two sides in words."""
    first, second = posterior_of(source).study.spec.sides
    return clean(first.name), clean(second.name)


def thin(n: int) -> NDArray[np.int64]:
    """Return at most `MAX_POINTS` indices into `n` points, the last among them."""
    step = -(-n // MAX_POINTS)
    return np.arange(n)[::-1][::step][::-1]


def last_days(posterior: Posterior, first_days: Dates) -> Dates:
    """Return the last day of each period, when its belief is what the model says it is."""
    after: Dates = later(first_days, 1, posterior.inputs.step_days)
    return after - np.timedelta64(1, "D")


def _bands(source: Source, belief: NDArray[Any], dates: Dates) -> tuple[Band, Band]:
    """Summarise beliefs in log-odds, (sample, side, time)."""
    keep = thin(len(dates))
    p = logistic(np, belief[..., keep])
    summaries = (p.mean(axis=0), *np.quantile(p, LEVELS, axis=0))
    first, second = (
        Band(name, dates[keep], *(each[i] for each in summaries))
        for i, name in enumerate(side_names(source))
    )
    return first, second


def belief_bands(source: Source, last: int = 0) -> tuple[Band, Band]:
    """Return the belief of each side up to the origin, in the `last` periods or in all."""
    posterior = posterior_of(source)
    belief = np.asarray(posterior.kept["posterior"]["logit_belief"].values)
    belief = belief.reshape(-1, *belief.shape[2:])
    dates = last_days(posterior, posterior.inputs.dates[: belief.shape[-1]])
    return _bands(posterior, belief[..., -last:], dates[-last:])


def filtered(source: Source) -> tuple[Dates, Floats]:
    """Return days and what was believed as known on them, (side, day); none but of a track."""
    track = posterior_of(source).track
    if track is None or not track.theory.beliefs:
        return np.empty(0, dtype="datetime64[D]"), np.empty((2, 0))
    keep = thin(len(track.ends))
    return track.ends[keep], track.filtered[keep].T


def fan_bands(forecast: Forecast) -> tuple[Band, Band]:
    """Return the belief of each side beyond the origin, starting at the last period seen."""
    paths = forecast.paths
    assert paths.logit_belief is not None and paths.history_belief is not None
    belief = np.concatenate([paths.history_belief[..., -1:], paths.logit_belief], axis=-1)
    return _bands(forecast, belief, _ends(forecast))


def _ends(forecast: Forecast) -> Dates:
    """Return the origin and the last day of each future period."""
    ends = last_days(forecast.posterior, forecast.dates)
    return np.concatenate([np.asarray([forecast.posterior.origin]), ends])


def event_curve(forecast: Forecast, target: str, side: str | None = None) -> Curve:
    """Return P(target has happened by each day) beside the prior alone or the base rate."""
    import arviz as az  # slow to load, and figures of evaluations need none

    ends, horizon = _ends(forecast), len(forecast.dates)
    keep = thin(horizon + 1)
    happened = event_steps(forecast, target, side)[:, None] <= keep
    values = happened.astype(float).reshape(forecast.chains, -1, len(keep))
    error = np.asarray(az.mcse(values, method="mean", chain_axis=0, draw_axis=1))
    mcse = np.where(np.isfinite(error), error, 1.0 / len(happened))
    dates, p = ends[keep], happened.mean(axis=0)
    if TARGETS[target].kind == "beliefs":
        prior = event_steps(forecast, target, side, prior=True)[:, None] <= keep
        return Curve(dates, p, mcse, dates, prior.mean(axis=0))
    # A dozen dates draw the smooth base rate; each is the number that the headline would show.
    steps = np.unique([0, *np.linspace(1, horizon, min(12, horizon)).round().astype(int)])
    base = event_steps(forecast, target, side, base=True)[:, None] <= steps
    return Curve(dates, p, mcse, ends[steps], base.mean(axis=0))


def regime_spans(source: Source) -> list[Span]:
    """Return the spells of talks, truce and war known at the origin, cut to the period."""
    posterior = posterior_of(source)
    return spells(posterior.study, posterior.inputs.dates[0], posterior.origin)


def spells(study: Study, first: np.datetime64, last: np.datetime64) -> list[Span]:
    """Return the spells of talks, truce and war between two days, both included."""
    first, last = first.astype("datetime64[D]"), last.astype("datetime64[D]")
    spans = []
    for regime in study.spec.regimes:
        start = max(np.datetime64(regime.start, "D"), first)
        end = last if regime.end is None else min(np.datetime64(regime.end, "D"), last)
        if start <= end and regime.kind != "none":
            spans.append(Span(regime.kind, clean(regime.label), start, end))
    return spans


def shock_marks(source: Source) -> list[Mark]:
    """Return the shocks known at the origin, numbered in order of publication."""
    posterior = posterior_of(source)
    first, last = posterior.inputs.dates[0].astype("datetime64[D]"), posterior.origin
    near = max(float((last - first).astype(int)) / 16, 1.0)  # days; closer, two numbers overlap
    marks: list[Mark] = []
    for date, label in sorted(
        (np.datetime64(s.published_at, "D"), clean(s.label)) for s in posterior.study.spec.shocks
    ):
        if first <= date <= last:
            taken = {m.level for m in marks if (date - m.date).astype(int) < near}
            level = min(set(range(len(taken) + 1)) - taken)
            marks.append(Mark(len(marks) + 1, label, date, level))
    return marks


def talk_dates(source: Source) -> Dates:
    """Return the last day of each period in which talks were held under the headline rule."""
    posterior, inputs = posterior_of(source), posterior_of(source).inputs
    return last_days(posterior, inputs.dates[(inputs.talks > 0) & inputs.active])


def seen(inputs: Inputs) -> tuple[list[str], Dates, Floats]:
    """Return what each side sees and shows: names of rows, first days, values (row, time).

    News on its own scorecard counts above 0 where it is good for the side; readings are log-odds;
    NaN is nothing. Of many periods, neighbours are put together as their mean.
    """
    rows: dict[str, Floats] = {}
    for i, side in enumerate(inputs.sides):
        for term in (term for term in inputs.terms if term.side == i and term.own):
            k = term.indicator
            news = np.where(inputs.seen[k], term.direction * inputs.surprise[k], np.nan)
            rows[f"{side}: {inputs.indicators[k]}"] = news
        pairs = zip(inputs.channels, inputs.reading[i], strict=True)
        rows |= {f"{side}: {channel}": said for channel, said in pairs}
    n = int(inputs.active.sum())
    parts = np.array_split(np.ma.masked_invalid([*rows.values()])[:, :n], min(n, WIDE), axis=1)
    begins = np.cumsum([0, *(part.shape[1] for part in parts[:-1])])
    means = np.ma.stack([part.mean(axis=1) for part in parts], axis=1)
    return [*rows], inputs.dates[begins], means.filled(np.nan)


def _regime(posterior: Posterior, term: Any) -> str:
    """Return the regime in which an evidence term holds; empty where it holds in all."""
    kinds = posterior.inputs.regime_kinds
    return kinds[term.regimes[0]] if len(term.regimes) < len(kinds) else ""


def _label(posterior: Posterior, term: Any) -> str:
    label = clean(posterior.study.spec.indicators[term.indicator].label)
    regime = _regime(posterior, term)
    return f"{label} ({REGIME_WORDS[regime]})" if regime else label


def scorecard_weights(source: Source) -> list[Weight]:
    """Return every free scorecard weight with its prior, by indicator and regime."""
    posterior = posterior_of(source)
    groups = [posterior.group(name) for name in ("posterior", "prior")]
    out = []
    for term in posterior.inputs.terms:
        name, dim = ("weight_own", "own_term") if term.own else ("weight_other", "other_term")
        if any(name not in group for group in groups):
            continue  # the theory holds these weights at their null value
        after, before = (np.asarray(g[name].sel({dim: term.name}).values).ravel() for g in groups)
        prior = np.quantile(before, (LEVELS[0], LEVELS[-1]))
        numbers = [after.mean(), *np.quantile(after, LEVELS), *prior]
        about = (term.side, term.indicator, _regime(posterior, term), _label(posterior, term))
        narrower = 1.0 - after.std() / before.std()
        out.append(Weight(*about, term.own, *map(float, (*numbers, narrower))))
    return sorted(out, key=lambda w: (w.indicator, w.regime))


def top_moves(source: Source) -> list[Move]:
    """Return the `TOP` largest moves of each side, side 0's first, largest first."""
    moves = sorted(all_moves(source), key=lambda m: (-abs(m.mean), m.start, m.label))
    return [m for i in (0, 1) for m in [m for m in moves if m.side == i and m.mean != 0.0][:TOP]]


def all_moves(source: Source) -> list[Move]:
    """Return the moves of both sides, by cause (`beliefs.evaluation.attribution`) and week.

    Pushes of a week are added up draw by draw, so that each move has an interval. The drift back to
    a side's usual level is not a move.
    """
    posterior = posterior_of(source)
    inputs = posterior.inputs
    n = int(inputs.active.sum())
    starts = np.flatnonzero(np.diff(np.arange(n) * inputs.step_days // WEEK, prepend=-1))
    first = inputs.dates[starts].astype("datetime64[D]")
    out = []
    for cause in causes(posterior):
        if cause.kind == "forgetting":
            continue
        label = _cause(posterior, cause)
        weekly = np.add.reduceat(cause.push, starts, axis=-1)
        sizes = np.array([weekly.mean(axis=0), *np.quantile(weekly, [0.05, 0.95], axis=0)])
        words = [label] * len(starts)
        if cause.sign is not None:
            directions = np.sign(np.add.reduceat(cause.sign, starts))
            words = [f"{label}: {ARROWS[int(direction)]}" for direction in directions]
        for each in zip(words, first, *sizes.tolist(), strict=True):
            out.append(Move(cause.side, *each))
    return out


def _cause(posterior: Posterior, cause: Cause) -> str:
    rival = clean(posterior.study.spec.sides[1 - cause.side].name)
    if cause.term is not None:
        return _label(posterior, posterior.inputs.terms[cause.term])
    if cause.kind == "shock":
        known = {s.id: clean(s.label) for s in posterior.study.shock_slots}
        return f"Shock: {known.get(cause.name, clean(cause.name))}"
    return {
        "quiet": "Quiet days",
        "endurance": "Holding out under pressure",
        "persistence": f"{rival} persists",
        "misreading": f"{rival}'s resolve read as desperation",
        "unexplained": "No listed news (readings of confidence)",
    }[cause.kind]
