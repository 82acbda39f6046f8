"""What claims are judged on besides draws: parts switched off, forecasts, shocks before cracks.

Parts of actions are tracked again without them, in seconds; parts of the belief block are judged by
their density at the null value before and after each period, unless that lies on a bound or a claim
asks for a track. Forecasts from origins of a study are held against the base rate of that day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.frames import futures_from
from beliefs.evaluation.backtest.questions import questions
from beliefs.evaluation.claims.claim import Claim, Forecasted, draws_of, roles_of
from beliefs.evaluation.scores.proper import smoothed
from beliefs.evaluation.scores.skill import TAIL, block_sums, enough_blocks
from beliefs.features.steps import Floats
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import happened_by
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.blocks import blocks as layout_of
from beliefs.inference.smc.density_path import density_path, log_density_at
from beliefs.inference.smc.track import OBSERVABLES, Track, posterior_at
from beliefs.model.structure import AFTERMATH_DAYS, Structure, columns, structure_of, until
from beliefs.model.system import action_log_likelihoods, factors_of
from beliefs.model.theory import Theory, declared, free_parameters, null_values

Row = tuple[str, bool, float, float]

JUMP_SHARE = "jump_share"
DRAWS = 1000
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
    known = declared(structure, None)
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
    of_actions = {p.name for p in free_parameters(blocks.theory, structure, "actions")}
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
    left = {p.name for p in free_parameters(theory, structure, "actions")}
    known = {f.name: f for f in factors_of("actions")}
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
        one = {k: v[None] for k, v in null_values(theory, structure, "actions").items()}
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
    params = (mine.coordinates.params(mine.particles(g)) for g in range(len(mine.generations)))
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


def forecast_scores(
    claims: Sequence[Claim], blocks: Blocks, base: Blocks, *, seed: int
) -> dict[str, Score]:
    """Score what claims under the theory of `blocks` forecast, against blocks of the base rate."""
    wanted = {c.id: c.forecasts for c in claims if c.forecasts is not None}
    inputs, spec = blocks.inputs, blocks.study.spec
    if not wanted or spec.forecast is None:
        return {}
    step, last = inputs.step_days, int(inputs.active.sum())
    ends = inputs.dates.astype("datetime64[D]") + np.timedelta64(step - 1, "D")
    found = questions(blocks.study, inputs, dict.fromkeys(f.target for f in wanted.values()))
    by_target = {question.target: question for question in reversed(found)}  # by its first rule
    ahead: dict[int, dict[str, tuple[int, bool]]] = {}  # by origin and claim: periods, outcome
    for day in spec.forecast.origins:
        n = int((ends <= np.datetime64(day, "D")).sum())
        for name, f in wanted.items():
            question, periods = by_target.get(f.target), -(-f.horizon_days // step)
            if question is None or not 0 < n <= last - periods or not question.at_risk[n]:
                continue
            if (when := question.first(n, periods)) is not None:
                ahead.setdefault(n, {})[name] = periods, (when <= periods) != question.negated
    longest = max((periods for mine in ahead.values() for periods, _ in mine.values()), default=0)
    both = (futures_from(b, ahead, longest, draws=DRAWS, seed=seed) for b in (blocks, base))
    rows: dict[str, list[Row]] = {name: [] for name in wanted}
    for n, ours, theirs in zip(ahead, *both, strict=True):
        for name, (periods, observed) in ahead[n].items():
            p, q = (_chance(wanted[name].target, result, periods) for result in (ours, theirs))
            if p is not None and q is not None:
                rows[name].append((str(ends[n - 1]), observed, p, q))
    rng = np.random.default_rng([seed, STREAM])
    return {name: score_of(wanted[name], tuple(found), rng) for name, found in rows.items()}


def _chance(target: str, result: Forecast, periods: int) -> float | None:
    """Return the share of futures in which a target holds; None under a theory silent on it."""
    try:
        return float(happened_by(result, target, periods).mean())
    except StudyError:
        return None


def score_of(f: Forecasted, rows: tuple[Row, ...], rng: np.random.Generator) -> Score:
    """Return the score of forecasts, each the log of the probability given to what happened."""
    if not rows:
        return Score(f.target, f.horizon_days, (), 0.0, np.nan, np.nan)
    observed = np.asarray([row[1] for row in rows])
    p, q = (smoothed([row[k] for row in rows], DRAWS) for k in (2, 3))
    gap = np.log(np.where(observed, p, 1.0 - p)) - np.log(np.where(observed, q, 1.0 - q))
    low = high = np.nan
    if enough_blocks(len(gap), 1):
        low, high = np.quantile(block_sums(gap, 1, rng) / len(gap), [TAIL, 1.0 - TAIL])
    return Score(f.target, f.horizon_days, rows, float(gap.mean()), float(low), float(high))


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
