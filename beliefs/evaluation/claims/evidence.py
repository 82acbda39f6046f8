"""What claims are judged on besides draws: parts switched off, forecasts, shocks before cracks.

Parts of actions are tracked again without them, in seconds; parts of the belief block are judged by
their density at the null value before and after each period, unless that lies on a bound or a claim
asks for a track. Forecasts from origins of a study are held against the base rate of that day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.backtest.frames import futures_from
from beliefs.evaluation.claims.claim import Claim, Forecasted, draws_of, roles_of
from beliefs.evaluation.scores.proper import smoothed
from beliefs.evaluation.scores.skill import TAIL, block_sums, enough_blocks
from beliefs.features.observed import Observed
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.blocks import blocks as layout_of
from beliefs.inference.smc.density_path import density_path, log_density_at
from beliefs.inference.smc.track import OBSERVABLES, Track, posterior_at
from beliefs.model.structure import AFTERMATH_DAYS, Structure, columns, structure_of, until
from beliefs.model.system import action_factors, action_log_likelihoods
from beliefs.model.theory import (
    Theory,
    action_nulls,
    action_parameters,
    all_declared,
    free_parameters,
)
from beliefs.simulation.actions import MUTUAL, UNILATERAL
from beliefs.study.tables.codebook import CONFLICT_PHASES

Floats = NDArray[np.float64]
Events = Mapping[str, NDArray[Any]]
Row = tuple[str, bool, float, float]

JUMP_SHARE = "jump_share"
DRAWS = 1000
WAR = CONFLICT_PHASES.index("open_war")
STREAM = 15485863  # keeps what is drawn here apart from other uses of the seed


@dataclass(frozen=True, eq=False)
class Ablation:
    """Log score with a part less that without, (T,), 0 where nothing was `seen`; by `method`."""

    gain: Floats
    seen: NDArray[np.bool_]
    method: str  # ``rerun`` (tracked again without it) or ``density`` (Savage and Dickey)


@dataclass(frozen=True)
class Part:
    """A part that is switched off: whole parameters held at null values, or given other priors."""

    null: tuple[str, ...]
    fixed: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()

    @property
    def names(self) -> set[str]:
        """Parameters that it touches."""
        return {*self.null, *(name for name, _ in self.fixed)}

    def without(self, theory: Theory) -> Theory:
        """Return the theory without the part."""
        priors = {**theory.priors, **{name: dict(prior) for name, prior in self.fixed}}
        if theory.free is not None:
            kept = tuple(name for name in theory.free if name not in self.null)
            return replace(theory, free=kept, priors=priors)
        # A prior that stays behind for a parameter at its null value is not read.
        held = tuple(dict.fromkeys((*theory.null, *self.null)))
        return replace(theory, null=held, priors=priors)


def labels_of(claim: Claim, structure: Structure) -> tuple[str, ...]:
    """Return the elements that a claim holds at their null values; empty where there are none."""
    known = all_declared(structure)
    out: list[str] = []
    for name in claim.null:
        dims = known[name][1].dims
        if not claim.role:
            out += [name] if 0 not in structure.size(dims) else []
            continue
        side = roles_of(structure).get(claim.role)
        labels = structure.coords[dims[0]]
        out += [f"{name}{[k]}" for k, label in enumerate(labels) if label.startswith(f"{side}:")]
    return tuple(out)


def _part_of(claim: Claim) -> Part:
    fixed = tuple((name, tuple(sorted(prior.items()))) for name, prior in claim.fixed.items())
    return Part(claim.null, fixed)


def belief_reruns(claims: Sequence[Claim], theory: Theory, structure: Structure) -> list[Part]:
    """Return the parts for which the belief block has to be tracked again."""
    free = {p.name for p in free_parameters(theory, structure)}
    wanted = [_part_of(claim) for claim in claims if claim.rerun or claim.fixed]
    return list(dict.fromkeys(part for part in wanted if free & part.names))


def ablations(
    claims: Sequence[Claim], blocks: Blocks, reruns: Mapping[Part, Track], *, particles: int
) -> dict[str, Ablation]:
    """Return what each claim's part adds, by id, where study and theory have such a part."""
    structure, belief = structure_of(blocks.inputs), blocks.belief
    of_belief = {p.name for p in free_parameters(blocks.theory, structure)}
    of_actions = {p.name for p in action_parameters(blocks.theory, structure)}
    base = blocks.predictive(readings=True)
    out: dict[str, Ablation] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        part = _part_of(claim)
        if claim.contrast:
            out |= _contrast(claim, blocks, structure)
        elif part in reruns:
            mine = replace(blocks, belief=reruns[part]).predictive(readings=True)
            out[claim.id] = _against(base, mine, claim.score, blocks.n_time)
        elif part.names & of_actions and not part.names & of_belief:
            mine = _retracked(part, blocks, structure, claim.score, particles)
            out[claim.id] = _against(base, mine, claim.score, blocks.n_time)
        elif part.names & of_belief and (labels := labels_of(claim, structure)):
            groups[claim.id] = labels
    if groups and belief is not None:
        path = density_path(belief, groups)
        scores = {claim.id: claim.score for claim in claims}
        for name, difference in zip(groups, path, strict=True):
            which = [k for k, seen in enumerate(OBSERVABLES) if seen in scores[name]]
            rows = [base[OBSERVABLES[k]] for k in which if OBSERVABLES[k] in base]
            if rows:
                seen = ~np.isnan(np.stack(rows)).all(axis=0)
                out[name] = Ablation(difference[:, which].sum(axis=1), seen, "density")
    return out


def _against(
    base: Mapping[str, Floats], mine: Mapping[str, Floats], names: Sequence[str], n_time: int
) -> Ablation:
    gain, seen = np.zeros(n_time), np.zeros(n_time, dtype=bool)
    for name in names:
        if name in base and name in mine:
            gain = gain + np.nan_to_num(base[name] - mine[name], nan=0.0)
            seen |= ~np.isnan(base[name])
    return Ablation(gain, seen, "rerun")


def _retracked(
    part: Part, blocks: Blocks, structure: Structure, names: Sequence[str], particles: int
) -> dict[str, Floats]:
    """Return log scores of observables of actions without a part."""
    theory = part.without(blocks.theory)
    left = {p.name for p in action_parameters(theory, structure)}
    known = {f.name: f for f in action_factors()}
    gone = [n for n in names if n in known and not left.intersection(known[n].base)]
    kept = [n for n in names if n not in gone]
    out: dict[str, Floats] = {}
    if kept:
        mine = [b for b in layout_of(theory, structure) if set(kept).intersection(b.observables)]
        # Where beliefs do not enter there is no need to know them.
        belief = blocks.belief if any(b.couples for b in mine) else None
        out |= track_blocks(
            blocks.study, theory, particles=particles, seed=blocks.seed, only=kept,
            inputs=blocks.inputs, belief=belief,
        ).predictive()  # fmt: skip
    if gone:  # nothing free is left: the null values are the prediction
        n = blocks.n_time
        one = {k: v[None] for k, v in action_nulls(theory, structure).items()}
        logs = action_log_likelihoods(np, one, until(blocks.columns, n), structure, gone)
        base = blocks.predictive()
        for name in gone:
            row = np.broadcast_to(logs[name], (1, n))[0]
            out[name] = np.where(np.isnan(base[name]), np.nan, row) if name in base else row
    return {name: out[name] for name in names if name in out}


def _contrast(claim: Claim, blocks: Blocks, structure: Structure) -> dict[str, Ablation]:
    """Return what it adds that a contrast may differ from 0, by Savage and Dickey."""
    tracks = blocks.tracks.values()
    mine = next((t for t in tracks if set(claim.score).intersection(t.observables)), None)
    if mine is None:
        return {}
    params = (mine.coordinates.params(scores) for scores in mine.generations)
    draws = (draws_of(p, blocks.theory, structure, {}, {}) for p in params)
    values = [claim.test(d).of[0] for d in draws]
    zero = np.zeros(1)
    logs = [log_density_at(values[0], np.zeros(len(values[0])), zero)]
    for generation, weights in zip(mine.generation, mine.log_weights, strict=True):
        logs.append(log_density_at(values[generation], weights, zero))
    which = [k for k, name in enumerate(mine.observables) if name in claim.score]
    seen = ~np.isnan(mine.predictive[:, which]).all(axis=1)
    return {claim.id: Ablation(-np.diff(logs), seen, "density")}


@dataclass(frozen=True)
class Event:
    """Something that comes or not within some periods."""

    at_risk: Callable[[Observed, int], bool]  # observables, first period ahead: it makes sense
    observed: Callable[[Observed, slice, int], bool]  # observables, periods ahead, size
    comes: Callable[[Events, int], NDArray[np.bool_]]  # futures (sample, ..., horizon), size


@dataclass(frozen=True)
class Score:
    """Log scores of forecasts less those of the base rate, above 0 where the theory is better."""

    event: str
    horizon_days: int
    rows: tuple[
        Row, ...
    ]  # day of the origin, whether it happened, probability, that of the base rate
    mean: float
    low: float  # 90 % interval of the mean by resampling origins, NaN for few
    high: float

    @property
    def n(self) -> int:
        """Number of forecasts that can be checked."""
        return len(self.rows)

    @property
    def observed(self) -> float:
        """Share of them in which what was forecast happened."""
        return float(np.mean([row[1] for row in self.rows])) if self.rows else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it for a script."""
        return {
            "event": self.event,
            "horizon_days": self.horizon_days,
            "n": self.n,
            "difference": round(self.mean, 4),
            "low": None if np.isnan(self.low) else round(self.low, 4),
            "high": None if np.isnan(self.high) else round(self.high, 4),
            "origins": [
                {
                    "origin": day,
                    "observed": observed,
                    "p": round(p, 4),
                    "p_base_rate": round(base, 4),
                }
                for day, observed, p, base in self.rows
            ],
        }


def _first(ended: NDArray[Any]) -> NDArray[Any]:
    """Return the first entry along the last axis that is not zero, 0 without any."""
    place = (ended != 0).argmax(axis=-1)
    return np.take_along_axis(ended, place[..., None], axis=-1)[..., 0]


EVENTS: dict[str, Event] = {
    "deal": Event(
        lambda seen, n: bool(seen.deal_seen[n - 1]),
        lambda seen, ahead, _: bool(seen.deal[ahead].any()),
        lambda events, _: events["deal"].any(axis=-1),
    ),
    "neither": Event(
        lambda seen, n: bool(seen.conflict_phase_seen[n - 1] and seen.conflict_phase[n - 1] != WAR),
        lambda seen, ahead, _: (
            not seen.deal_signed[ahead].any()
            and WAR not in seen.conflict_phase[ahead][seen.conflict_phase_seen[ahead]]
        ),
        lambda events, _: (
            ~(events["signed"].any(axis=-1) | (events["conflict_phase"] == WAR).any(axis=-1))
        ),
    ),
    "no_crossing": Event(
        lambda seen, n: bool(seen.strikes_seen[n - 1]),
        lambda seen, ahead, _: not seen.line_cross[:, ahead].any(),
        lambda events, _: ~events["crossing"].any(axis=(-2, -1)),
    ),
    "no_collapse": Event(
        lambda seen, n: bool(seen.truce_seen[n - 1]),
        lambda seen, ahead, _: not (seen.truce_end[ahead] == 1).any(),
        lambda events, _: ~(events["ended"] == 5).any(axis=-1),
    ),
    "cluster": Event(
        lambda seen, n: bool(seen.strikes_seen[n - 1]),
        lambda seen, ahead, size: bool((seen.strike_count[:, ahead].sum(axis=0) >= size).any()),
        lambda events, size: (events["strikes"].sum(axis=-2) >= size).any(axis=-1),
    ),
    "extension": Event(
        lambda seen, n: bool(seen.truce_seen[n - 1] and seen.has_deadline[n - 1]),
        lambda seen, ahead, _: bool(
            _first(np.where(seen.truce_end[ahead] == 1, -1, seen.end_kind[ahead]))
            in (UNILATERAL, MUTUAL)
        ),
        lambda events, _: np.isin(_first(events["ended"]), (UNILATERAL, MUTUAL)),
    ),
}


def forecast_scores(
    claims: Sequence[Claim], blocks: Blocks, base: Blocks, *, seed: int
) -> dict[str, Score]:
    """Score what claims under the theory of `blocks` forecast, against blocks of the base rate."""
    wanted = {c.id: c.forecasts for c in claims if c.forecasts is not None}
    inputs, spec = blocks.inputs, blocks.study.spec
    if not wanted or spec.forecast is None:
        return {}
    seen, step, last = inputs.observed, inputs.step_days, int(inputs.active.sum())
    ends = inputs.dates.astype("datetime64[D]") + np.timedelta64(step - 1, "D")
    ahead: dict[int, dict[str, slice]] = {}
    for day in spec.forecast.origins:
        n = int((ends <= np.datetime64(day, "D")).sum())
        windows = {name: slice(n, n - -f.horizon_days // step) for name, f in wanted.items()}
        ahead[n] = {
            name: part for name, part in windows.items()
            if 0 < n and part.stop <= last and EVENTS[wanted[name].event].at_risk(seen, n)
        }  # fmt: skip
    ahead = {n: parts for n, parts in ahead.items() if parts}
    longest = max((p.stop - n for n, parts in ahead.items() for p in parts.values()), default=0)
    both = (futures_from(b, ahead, longest, draws=DRAWS, seed=seed) for b in (blocks, base))
    rows: dict[str, list[Row]] = {name: [] for name in wanted}
    for n, ours, theirs in zip(ahead, *both, strict=True):
        for name, part in ahead[n].items():
            f, periods = wanted[name], part.stop - n
            p, q = (_chance(f, result, periods) for result in (ours, theirs))
            if p is not None and q is not None:
                observed = EVENTS[f.event].observed(seen, part, f.at_least)
                rows[name].append((str(ends[n - 1]), observed, p, q))
    rng = np.random.default_rng([seed, STREAM])
    return {name: score_of(wanted[name], tuple(found), rng) for name, found in rows.items()}


def _chance(f: Forecasted, result: Forecast, horizon: int) -> float | None:
    """Return the share of futures in which it comes; None under a theory silent on it."""
    try:
        events = {k: v[..., :horizon] for k, v in (result.paths.events or {}).items()}
        return float(EVENTS[f.event].comes(events, f.at_least).mean())
    except KeyError:
        return None


def score_of(f: Forecasted, rows: tuple[Row, ...], rng: np.random.Generator) -> Score:
    """Return the score of forecasts, each the log of the probability given to what happened."""
    if not rows:
        return Score(f.event, f.horizon_days, (), 0.0, np.nan, np.nan)
    observed = np.asarray([row[1] for row in rows])
    p, q = (smoothed([row[k] for row in rows], DRAWS) for k in (2, 3))
    gap = np.log(np.where(observed, p, 1.0 - p)) - np.log(np.where(observed, q, 1.0 - q))
    low = high = np.nan
    if enough_blocks(len(gap), 1):
        low, high = np.quantile(block_sums(gap, 1, rng) / len(gap), [TAIL, 1.0 - TAIL])
    return Score(f.event, f.horizon_days, rows, float(gap.mean()), float(low), float(high))


def crack_share(path: Floats, jump: Floats, floor: float, run: int, window: int) -> Floats:
    """Return the share of jumps in the falls of all cracks, (draw,); NaN without a crack.

    `path` and `jump` are beliefs and what shocks moved them by, log-odds (draw, side, time). A side
    cracks below `floor` for `run` periods in a row; its fall runs from its highest belief of the
    `window` before to the first period below.
    """
    below = path < floor
    n = path.shape[-1]
    lasting = np.ones((*path.shape[:2], max(n - run + 1, 0)), dtype=bool)
    for k in range(run):
        lasting &= below[..., k : k + lasting.shape[-1]]
    moved = np.cumsum(jump, axis=-1)
    fallen, shocked = np.zeros(len(path)), np.zeros(len(path))
    for t in range(1, lasting.shape[-1]):
        begins = lasting[..., t] & ~below[..., t - 1]
        if not begins.any():
            continue
        since = max(t - window, 0)
        top = path[..., since:t].argmax(axis=-1)[..., None] + since
        peak, by_then = (np.take_along_axis(v, top, axis=-1)[..., 0] for v in (path, moved))
        fall = np.where(begins, peak - path[..., t], 0.0)
        part = np.clip(by_then - moved[..., t], 0.0, fall)
        fallen += fall.sum(axis=-1)
        shocked += np.where(begins, part, 0.0).sum(axis=-1)
    return np.divide(shocked, fallen, out=np.full(len(path), np.nan), where=fallen > 0.0)


def crack_shares(track: Track) -> tuple[Floats, Floats]:
    """Return the share of shocks in cracks after and before the data, of draws with a crack."""
    posterior = posterior_at(track, track.n_time - 1, DRAWS)
    spec, on = track.study.spec.crack, columns(track.inputs)["shock"][:, : track.n_time]
    floor = float(np.log(spec.threshold) - np.log1p(-spec.threshold))
    window = max(2, round(AFTERMATH_DAYS / track.inputs.step_days))
    out = []
    for group in ("posterior", "prior"):
        data: Any = posterior.tree[group].to_dataset()
        path, weight = (np.asarray(data[k].values)[0] for k in ("logit_belief", "shock_jump"))
        share = crack_share(path.astype(float), weight @ on, floor, spec.periods, window)
        out.append(share[~np.isnan(share)])
    return out[0], out[1]
