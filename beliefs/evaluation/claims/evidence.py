"""What claims are, and what they are judged on.

A claim is a function of labelled draws, and says what it may read: ``data/claims.csv`` states it in
its text's own terms, `beliefs.evaluation.claims.texts` holds the function. Beside draws there are
parts switched off, forecasts, and shocks before cracks. Parts of actions are tracked again without
them, in seconds; parts of the belief block are judged by their density at the null value before and
after each period, unless that lies on a bound or a claim asks for a track. Forecasts from origins
of a study are held against the base rate of that day.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import reduce
from operator import mul
from typing import Any

import numpy as np
import xarray as xr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.frames import futures_from
from beliefs.evaluation.backtest.questions import questions
from beliefs.evaluation.scores.proper import smoothed
from beliefs.evaluation.scores.skill import block_sums, enough_blocks, interval
from beliefs.features.inputs import SHAPES
from beliefs.features.steps import Floats
from beliefs.forecasting.targets import happened_by
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.blocks import blocks as layout_of
from beliefs.inference.smc.density_path import density_path, log_density_at
from beliefs.inference.smc.track import OBSERVABLES, Track, posterior_at, track
from beliefs.model.structure import AFTERMATH_DAYS, Columns, Structure, columns, structure_of, until
from beliefs.model.system import action_log_likelihoods, factors_of
from beliefs.model.theory import Theory, declared, free_parameters, null_values

Logs = dict[str, Floats]  # of observables
Row = tuple[str, bool, float, float]  # day, whether it happened, probability, base rate

JUMP_SHARE = "jump_share"
DRAWS = 1000
STREAM = 15485863  # keeps what is drawn here apart from other uses of the seed
ROLES = ("coercer", "endurer")

# Leading axes of columns that are read by label and not among the observables of actions.
_AXES = {"aftermath": ("shock_kind",), "evidence": ("term",)}


class Absent(Exception):
    """A claim reads what this study or theory does not have: a side, a term, a parameter."""


def roles_of(structure: Structure) -> dict[str, str]:
    """Return the sides by role: who endures, and who coerces. A role nobody has is left out."""
    out: dict[str, str] = {}
    for side, endures in zip(structure.sides, structure.endurance, strict=True):
        out.setdefault("endurer" if endures else "coercer", side)
    return out


class Labelled:
    """Arrays by name as DataArrays; ``x["endurance", "red:*"]`` picks by label or role."""

    def __init__(self, arrays: Mapping[str, Any], structure: Structure) -> None:
        self.arrays, self.structure = arrays, structure

    def _array(self, name: str) -> xr.DataArray:
        raise NotImplementedError

    def __getitem__(self, key: str | tuple[str, str]) -> xr.DataArray:
        name, label = (key, None) if isinstance(key, str) else key
        if name not in self.arrays:
            raise Absent(name)
        array = self._array(name)
        if label is None:
            return array
        role, *rest = label.split(":")
        if role in ROLES:
            sides = roles_of(self.structure)
            if role not in sides:
                raise Absent(f"a side as {role}")
            label = ":".join([sides[role], *rest])
        dim = str(array.dims[1])
        known = [str(v) for v in array[dim].values]
        hits = [k for k, text in enumerate(known) if text == label or fnmatchcase(text, label)]
        if not hits:
            raise Absent(f"{name}[{label}]")
        return array.isel({dim: hits[0] if label in known else hits})


class Seen(Labelled):
    """Columns of a study: periods, or readings, first."""

    def _array(self, name: str) -> xr.DataArray:
        array = np.moveaxis(np.asarray(self.arrays[name], dtype=float), -1, 0)
        dims = SHAPES.get(name, _AXES.get(name, ()))
        if len(dims) != array.ndim - 1:
            dims = tuple(f"{name}_{k}" for k in range(array.ndim - 1))
        labels = self.structure.coords | {"term": [term.name for term in self.structure.terms]}
        coords = {d: labels[d] for d in dims if d in labels}
        return xr.DataArray(array, coords, ("cell" if name[:5] == "cell_" else "time", *dims))


class Draws(Labelled):
    """Draws (N, *shape) of parameters, the first of them free, and null values of all others."""

    def __init__(
        self, arrays: Mapping[str, Floats], theory: Theory, structure: Structure, columns: Columns
    ) -> None:
        n, null = len(next(iter(arrays.values()))), null_values(theory, structure, None)
        full = {k: np.broadcast_to(v, (n, *v.shape)) for k, v in null.items() if k != "innovation"}
        super().__init__({**full, **arrays}, structure)
        self.columns = columns  # which equations may read

    def _array(self, name: str) -> xr.DataArray:
        known = declared(self.structure, None)
        dims = known[name][1].dims if name in known else ()
        coords = {d: list(self.structure.coords[d]) for d in dims}
        return xr.DataArray(self.arrays[name], coords, ("draw", *dims), name)


class Finding:
    """What a claim says of some draws, from DataArrays with draws first."""

    def __init__(self, held: Any = None, *of: Any, **shown: Any) -> None:
        # Whether what is claimed holds; None for forecasts alone
        self.held: NDArray[np.bool_] | None = None if held is None else np.asarray(held, dtype=bool)
        # What must have been learnt, and what parameters that is arithmetic of, as far as named
        self.of: list[Floats] = [np.asarray(v, dtype=float).reshape(len(v), -1) for v in of]
        self.reads = {str(v.name) for v in of if v.name}
        # By the sentence: mean as NAME, 90 % interval as NAME_low, NAME_high
        self.shown: dict[str, Floats] = {k: np.asarray(v, dtype=float) for k, v in shown.items()}


Count = Callable[[Seen], Any]


@dataclass(frozen=True, eq=False)
class Claim:
    """A row of ``data/claims.csv`` (`text`) and its test, under judging priors of a theory."""

    id: str
    theory: str
    test: Callable[[Draws], Finding]
    kind: tuple[str, ...]  # sign, region, ablation (must predict better too), forecast, scenario
    needs: Mapping[str, Count]  # words, and columns that must not be zero everywhere
    count: tuple[str, Count] | None = None  # what the verdict rests on
    null: tuple[str, ...] = ()  # its part: held at null values to see what that adds to the score
    role: str = ""  # of the side whose elements alone are held
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # priors instead of null
    score: tuple[str, ...] = ()  # observables whose log score is compared
    rerun: bool = False  # beliefs are tracked again without the part, not by Savage and Dickey
    paths: bool = False  # whole paths of belief are read
    contrast: bool = False  # the part is absent where the first of `Finding.of` is 0
    modes: bool = False  # the sentence says when that has two modes
    limits: tuple[float, float] | None = None  # own: possible from, and not possible up to
    forecasts: tuple[str, int] | None = None  # target (of its rules the first), within days
    text: Mapping[str, str] = field(default_factory=dict)


def on(*names: str | tuple[str, str]) -> Count:
    """Return the product of columns of a study."""
    return lambda seen: reduce(mul, (seen[name] for name in names))


def either(*names: str) -> Count:
    """Return the sum of columns of a study."""
    return lambda seen: sum(seen[name] for name in names)


def periods(count: Count, seen: Seen) -> int:
    """Return in how many periods, or readings, something was seen."""
    try:
        array = np.asarray(count(seen))
    except Absent:
        return 0
    return int((array.reshape(len(array), -1) != 0.0).any(axis=1).sum()) if array.size else 0


@dataclass(frozen=True, eq=False)
class Ablation:
    """Log score with a part less that without, (T,), 0 where nothing was `seen`; by `method`."""

    gain: Floats
    seen: NDArray[np.bool_]
    method: str  # ``rerun`` (tracked again without it) or ``density`` (Savage and Dickey)


def without(theory: Theory, claim: Claim) -> Theory:
    """Return the theory without a claim's part, held at null values or given other priors."""
    priors = {**theory.priors, **claim.fixed}
    if theory.free is not None:
        kept = tuple(name for name in theory.free if name not in claim.null)
        return replace(theory, free=kept, priors=priors)
    # A prior that stays behind for a parameter at its null value is not read.
    return replace(theory, null=tuple(dict.fromkeys((*theory.null, *claim.null))), priors=priors)


def labels_of(claim: Claim, structure: Structure) -> tuple[str, ...]:
    """Return the elements that a claim holds at their null values; empty where there are none."""
    known = declared(structure, None)
    out: list[str] = []
    for name in claim.null:
        dims = known[name][1].dims
        if claim.role:
            mine, labels = f"{roles_of(structure).get(claim.role)}:", structure.coords[dims[0]]
            out += [f"{name}[{k}]" for k, label in enumerate(labels) if label.startswith(mine)]
        elif 0 not in structure.size(dims):
            out.append(name)
    return tuple(out)


def ablations(
    claims: Sequence[Claim], blocks: Blocks, *, particles: int, say: Callable[[str], None]
) -> dict[str, Ablation]:
    """Return what each claim's part adds, by id, where study and theory have such a part."""
    theory, structure = blocks.theory, structure_of(blocks.inputs)
    of_belief = {p.name for p in free_parameters(theory, structure)}
    of_actions = {p.name for p in free_parameters(theory, structure, "actions")}
    base = blocks.predictive(readings=True)
    out: dict[str, Ablation] = {}
    groups: dict[Claim, tuple[str, ...]] = {}
    for claim in claims:
        names = {*claim.null, *claim.fixed}
        if claim.contrast:
            out |= _contrast(claim, blocks, structure)
        elif names & of_belief and (claim.rerun or claim.fixed):
            say(f"{theory.id}: tracking without {', '.join(claim.null) or 'what is freed'}")
            again = track(
                blocks.study, without(theory, claim), particles=particles, seed=blocks.seed,
                inputs=blocks.inputs,
            )  # fmt: skip
            mine = replace(blocks, belief=again).predictive(readings=True)
            out[claim.id] = _rerun(claim, base, mine, blocks.n_time)
        elif names & of_actions and not names & of_belief:
            mine = _retracked(claim, blocks, structure, particles)
            out[claim.id] = _rerun(claim, base, mine, blocks.n_time)
        elif names & of_belief and (labels := labels_of(claim, structure)):
            groups[claim] = labels
    if groups and blocks.belief is not None:
        paths = density_path(blocks.belief, {claim.id: labels for claim, labels in groups.items()})
        for claim, path in zip(groups, paths, strict=True):
            which = [k for k, name in enumerate(OBSERVABLES) if name in claim.score]
            if rows := [base[OBSERVABLES[k]] for k in which if OBSERVABLES[k] in base]:
                seen = ~np.isnan(np.stack(rows)).all(axis=0)
                out[claim.id] = Ablation(path[:, which].sum(axis=1), seen, "density")
    return out


def _rerun(claim: Claim, base: Logs, mine: Logs, n_time: int) -> Ablation:
    gain, seen = np.zeros(n_time), np.zeros(n_time, dtype=bool)
    for name in claim.score:
        if name in base and name in mine:
            gain = gain + np.nan_to_num(base[name] - mine[name], nan=0.0)
            seen |= ~np.isnan(base[name])
    return Ablation(gain, seen, "rerun")


def _retracked(claim: Claim, blocks: Blocks, structure: Structure, particles: int) -> Logs:
    """Return log scores of observables of actions without a claim's part."""
    theory = without(blocks.theory, claim)
    left = {p.name for p in free_parameters(theory, structure, "actions")}
    known = {f.name: f for f in factors_of("actions")}
    gone = [n for n in claim.score if n in known and not left.intersection(known[n].base)]
    kept = [n for n in claim.score if n not in gone]
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
        out |= {name: np.broadcast_to(logs[name], (1, n))[0] for name in gone}
    return out


def _contrast(claim: Claim, blocks: Blocks, structure: Structure) -> dict[str, Ablation]:
    """Return what it adds that a contrast may differ from 0, by Savage and Dickey."""
    tracks = blocks.tracks.values()
    mine = next((t for t in tracks if set(claim.score).intersection(t.observables)), None)
    if mine is None:
        return {}
    params = (mine.coordinates.params(mine.particles(g)) for g in range(len(mine.generations)))
    draws = (Draws(p, blocks.theory, structure, {}) for p in params)
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
    rows: tuple[Row, ...]  # by origin
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
                {"origin": day, "observed": y, "p": round(p, 4), "p_base_rate": round(base, 4)}
                for day, y, p, base in self.rows
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
    found = questions(blocks.study, inputs, dict.fromkeys(target for target, _ in wanted.values()))
    by_target = {question.target: question for question in reversed(found)}  # by its first rule
    ahead: dict[int, dict[str, tuple[int, bool]]] = {}  # by origin and claim: periods, outcome
    for day in spec.forecast.origins:
        n = int((inputs.ends <= np.datetime64(day, "D")).sum())
        for name, (target, days) in wanted.items():
            question, periods = by_target.get(target), int(-(-days // step))
            if question is None or not 0 < n <= last - periods or not question.at_risk[n]:
                continue
            if (when := question.first(n, periods)) is not None:
                ahead.setdefault(n, {})[name] = periods, (when <= periods) != question.negated
    longest = max((periods for mine in ahead.values() for periods, _ in mine.values()), default=0)
    both = (futures_from(b, ahead, longest, draws=DRAWS, seed=seed) for b in (blocks, base))
    rows: dict[str, list[Row]] = {name: [] for name in wanted}
    for n, ours, theirs in zip(ahead, *both, strict=True):
        for name, (periods, observed) in ahead[n].items():
            with suppress(StudyError):  # under a theory that is silent on the target
                p, q = (happened_by(f, wanted[name][0], periods) for f in (ours, theirs))
                shares = float(p.mean()), float(q.mean())
                rows[name].append((str(inputs.ends[n - 1]), observed, *shares))
    rng = np.random.default_rng([seed, STREAM])
    return {name: score_of(*wanted[name], tuple(mine), rng) for name, mine in rows.items()}


def score_of(target: str, horizon_days: int, rows: tuple[Row, ...], rng: Generator) -> Score:
    """Return the score of forecasts, each the log of the probability given to what happened."""
    if not rows:
        return Score(target, horizon_days, (), 0.0, np.nan, np.nan)
    observed = np.asarray([row[1] for row in rows])
    p, q = (smoothed([row[k] for row in rows], DRAWS) for k in (2, 3))
    gap = np.log(np.where(observed, p, 1.0 - p)) - np.log(np.where(observed, q, 1.0 - q))
    ends = {"low": np.nan, "high": np.nan}
    if enough_blocks(len(gap), 1):
        ends = interval(block_sums(gap, 1, rng) / len(gap))
    return Score(target, horizon_days, rows, float(gap.mean()), **ends)


def crack_share(path: Floats, jump: Floats, floor: float, run: int, window: int) -> Floats:
    """Return the share of jumps in the falls of all cracks, (draw,); NaN without a crack.

    `path` and `jump` are beliefs and what shocks moved them by, log-odds (draw, side, time). A side
    cracks below `floor` for `run` periods in a row; its fall runs from its highest belief of the
    `window` before to the first period below.
    """
    below = path < floor
    cut = np.pad(below, [(0, 0), (0, 0), (0, run - 1)])  # a run that is cut off did not last
    lasting = sliding_window_view(cut, run, axis=-1).all(axis=-1)
    moved = np.cumsum(jump, axis=-1)
    fallen, shocked = np.zeros(len(path)), np.zeros(len(path))
    for t in range(1, path.shape[-1]):
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


def crack_shares(tracks: Sequence[Track]) -> tuple[Floats, Floats]:
    """Return the share of shocks in cracks after and before the data, of draws with a crack.

    After, all tracks count alike, which takes a crack in each; before, the first one alone.
    """
    found: dict[str, list[Floats]] = {"posterior": [], "prior": []}
    for belief in tracks:
        posterior = posterior_at(belief, belief.n_time - 1, DRAWS)
        spec, on = belief.study.spec.crack, columns(belief.inputs)["shock"][:, : belief.n_time]
        floor = float(np.log(spec.threshold) - np.log1p(-spec.threshold))
        window = max(2, round(AFTERMATH_DAYS / belief.inputs.step_days))
        for group, shares in found.items():
            data: Any = posterior.group(group)
            path, weight = (np.asarray(data[k].values)[0] for k in ("logit_belief", "shock_jump"))
            share = crack_share(path.astype(float), weight @ on, floor, spec.periods, window)
            shares.append(share[~np.isnan(share)])
    least = min(len(shares) for shares in found["posterior"])
    return np.concatenate([shares[:least] for shares in found["posterior"]]), found["prior"][0]
