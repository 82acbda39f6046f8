"""`track`: the posterior of the belief block after every period, by sequential Monte Carlo.

Particles of the parameters carry the (moment-matched) filter of both beliefs; the driver is
`beliefs.inference.smc.sequential`. A track goes into a file as a DataTree and back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError, StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.diagnose import Report, particle_report
from beliefs.inference.filter.filter import Belief, Model
from beliefs.inference.filter.smooth import draw_paths, innovations_along
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.posterior import Posterior, draws_tree, nothing_free, origin_of
from beliefs.inference.smc import sequential
from beliefs.inference.smc.moves import Transform, transform_of
from beliefs.inference.smc.moves_linear import frame_of
from beliefs.inference.smc.particles import Floats, effective_size, normalised, resample, rounded
from beliefs.inference.smc.sequential import BlockTrack, Problem, Rejuvenation, Say, follow
from beliefs.inference.smc.unconstrained import Coordinates, Part
from beliefs.model.contract import logistic
from beliefs.model.priors import no_fastmath
from beliefs.model.structure import Structure, structure_of, until
from beliefs.model.system import factors_of
from beliefs.model.theory import Theory, free_parameters, not_finite, theory_of
from beliefs.shown import Shown, to_log
from beliefs.study.dates import day_of, later
from beliefs.study.load import Study, load_study

OBSERVABLES = tuple(factor.name for factor in factors_of("belief"))
_KNOWN = (22, 0, 1, *range(9, 22))
"""Columns of a kept path: what goes on, in the order of `Problem.periods`."""
_REJUVENATION = tuple(field.name for field in fields(Rejuvenation))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Track(Shown, BlockTrack):
    """The posterior of the belief block after every period, N weighted particles each.

    A track starts before the first period, or from a posterior that somebody else computed: then
    its rows (R of them) begin with the last period of that, and it cannot go back before it. What
    it knows of every period is listed under `BlockTrack`.

    Attributes
    ----------
    study, inputs, theory
        What it was computed from.
    """

    study: Study
    inputs: Inputs
    theory: Theory

    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.study.name, "theory": self.theory.name, "as of": self.study.as_of,
            "periods": self.n_time, "particles": len(self.generations[0]),
        }  # fmt: skip

    @property
    def mean(self) -> Floats:
        """Filtered beliefs, log-odds, (R, N, 2)."""
        return self.state[..., :2]

    @property
    def cov(self) -> Floats:
        """Their covariance, (R, N, 3): first side, both, second side."""
        return self.state[..., 2:]

    @property
    def filtered(self) -> Floats:
        """Mean probability of winning as known after each period, (R, 2)."""
        nodes, share = np.polynomial.hermite_e.hermegauss(9)
        at = self.mean[..., None] + np.sqrt(self.cov[..., ::2, None]) * nodes
        weights = np.stack([normalised(row) for row in self.log_weights])
        mean: Floats = np.einsum("tn,tnsk,k->ts", weights, logistic(np, at), share / share.sum())
        return mean

    @property
    def structure(self) -> Structure:
        """Structure of the study."""
        return structure_of(self.inputs)

    @property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of the period of every row, (R,)."""
        return self.inputs.ends[self.first : self.n_time]

    @cached_property
    def _model(self) -> Model:
        return Model.of(self.inputs, self.theory, self.coordinates)

    def model(self, inputs: Inputs | None = None) -> Model:
        """Return the model on these inputs, the track's own when None."""
        if inputs is None or inputs is self.inputs:
            return self._model
        return Model.of(inputs, self.theory, self.coordinates)

    def row(self, period: int) -> int:
        """Return the row of a period, which may count from the end; a `StudyError` without one."""
        row = super().row(period)
        if row < 0:
            raise self._outside(str(self.inputs.dates[row + self.first]))
        return row

    def until(self, n_time: int) -> Self:
        """Return the first `n_time` periods; a `ConflictError` if it was taken over later."""
        if n_time < min(self.taken, self.n_time):
            raise ConflictError(
                "the track cannot go back behind the posterior that it took over",
                where=str(self.inputs.dates[n_time]),
                found="other inputs in this period than the posterior was given",
                expected=f"changes after {self.ends[0]} alone, the last day of that posterior",
                fix="track the study anew (beliefs track), or fit it again",
            )
        return super().until(n_time)

    def period_of(self, date: str | dt.date | np.datetime64) -> int:
        """Return the last period that had ended on a date, a `StudyError` outside the track."""
        day = day_of(date, "date")
        after = later(self.ends[-1] + np.timedelta64(1, "D"), 1, self.inputs.step_days)
        if not self.ends[0] <= day < after - np.timedelta64(1, "D"):
            raise self._outside(str(day))
        return self.first + int((self.ends <= day).sum()) - 1

    def _outside(self, day: str) -> StudyError:
        return StudyError(
            "the date lies outside the track", where="date", found=day,
            expected=f"a date from {self.ends[0]} to {self.ends[-1]}",
            fix="choose a date in between, or advance the track",
        )  # fmt: skip

    def report(self, period: int = -1) -> Report:
        """Return the convergence check of the posterior after a period."""
        place = range(self.n_time)[period]
        capped = sum(r.capped for r in self.rejuvenations if r.period <= place)
        return particle_report(self.log_weights[self.row(period)], self.scores(period), capped)

    def at(self, date: str | dt.date | np.datetime64, *, draws: int | None = None) -> Posterior:
        """Return the posterior as it was after a date (`posterior_at`)."""
        return posterior_at(self, self.period_of(date), draws)

    def to_tree(self) -> Any:
        """Return everything but the study and the theory as a DataTree.

        Groups: ``particles`` (scores by generation), ``coordinates`` (how scores are parameters),
        ``periods`` (weights, filtered beliefs, predictive densities and what follows of them), and
        ``rejuvenations`` if there were any.
        """
        import xarray as xr  # slow to load, and a command that only updates starts without

        parts = self.coordinates.parts
        dates = self.inputs.dates[self.first : self.n_time].astype("datetime64[s]")
        groups: dict[str, dict[str, tuple[tuple[str, ...], Any]]] = {
            "particles": {
                "score": (("draw_generation", "particle", "parameter"), np.stack(self.generations)),
                "parameter": (("parameter",), _text(self.coordinates.labels)),
            },
            "coordinates": {
                "name": (("part",), _text(p.name for p in parts)),
                "shape": (("part",), _text(",".join(map(str, p.shape)) for p in parts)),
                "low": (("part",), np.asarray([p.low for p in parts])),
                "high": (("part",), np.asarray([p.high for p in parts])),
                "cubic": (("part", "cell", "power"), np.stack([p.cubic for p in parts])),
            },
            "periods": {
                "generation": (("time",), self.generation),
                "log_weight": (("time", "particle"), self.log_weights),
                "belief_mean": (("time", "particle", "side"), np.ascontiguousarray(self.mean)),
                "belief_cov": (("time", "particle", "pair"), np.ascontiguousarray(self.cov)),
                "predictive": (("time", "observable"), self.predictive),
                "time": (("time",), dates),
                "side": (("side",), _text(self.structure.sides)),
                "pair": (("pair",), _text(("first", "both", "second"))),
                "observable": (("observable",), _text(self.observables)),
                **{k: (("time",), getattr(self, k)) for k in ("evidence", "ess", "distinct")},
            },
        }
        dims, done = ("rejuvenation", "kernel"), self.rejuvenations
        if done:
            moved = {name: np.asarray([getattr(r, name) for r in done]) for name in _REJUVENATION}
            groups["rejuvenations"] = {k: (dims[: v.ndim], v) for k, v in moved.items()}
        about = {**origin_of(self.study, self.theory), "seed": self.seed, "taken": self.taken}
        trees = {f"/{name}": xr.Dataset(variables) for name, variables in groups.items()}
        return xr.DataTree.from_dict({"/": xr.Dataset(attrs=about), **trees})


def _text(words: Any) -> NDArray[Any]:
    return np.asarray(list(words), dtype=np.str_)


def track_from(tree: Any, study: Study, theory: Theory, inputs: Inputs | None = None) -> Track:
    """Return the track that a DataTree holds, from `Track.to_tree` or read back from NetCDF."""
    for name, found, wanted in (
        ("study", study.sha256, tree.attrs["study_sha256"]),
        ("theory", theory.sha256, tree.attrs["theory_sha256"]),
    ):
        if found != wanted:
            raise ConflictError(
                f"the {name} is not the one that was tracked", where=name, found=found,
                expected=str(wanted), fix=f"load the {name} of the track",
            )  # fmt: skip

    def array(group: str, name: str) -> Any:
        if name not in tree[group].variables:
            raise ConflictError(
                "the track was written by another version of beliefs", where=f"{group}/{name}",
                found="no such array", expected="all that a track keeps",
                fix="track the study anew, or use the version that the manifest names",
            )  # fmt: skip
        return np.ascontiguousarray(tree[group][name].values)

    moved: tuple[Rejuvenation, ...] = ()
    if "rejuvenations" in tree.children:
        columns = (array("rejuvenations", name).tolist() for name in _REJUVENATION)
        rows = (dict(zip(_REJUVENATION, row, strict=True)) for row in zip(*columns, strict=True))
        moved = tuple(Rejuvenation(**row | {"quality": tuple(row["quality"])}) for row in rows)
    known = (array("coordinates", name).tolist() for name in ("name", "shape", "low", "high"))
    parts = tuple(
        Part(name, tuple(int(n) for n in shape.split(",") if n), low, high, cubic)
        for name, shape, low, high, cubic in zip(*known, array("coordinates", "cubic"), strict=True)
    )
    beliefs = [array("periods", name) for name in ("belief_mean", "belief_cov")]
    return Track(
        study=study, inputs=build_inputs(study) if inputs is None else inputs, theory=theory,
        observables=OBSERVABLES, coordinates=Coordinates(parts), seed=int(tree.attrs["seed"]),
        generations=tuple(array("particles", "score").astype(np.float32, copy=False)),
        generation=array("periods", "generation"), log_weights=array("periods", "log_weight"),
        state=np.concatenate(beliefs, axis=-1), predictive=array("periods", "predictive"),
        rejuvenations=moved, taken=int(tree.attrs["taken"]),
    )  # fmt: skip


def _problem(model: Model, theory: Theory, dates: NDArray[np.datetime64]) -> Problem:
    """Return the belief block: readings and talks, both beliefs integrated out by the filter."""
    if not model.coordinates.size:
        raise nothing_free(theory)

    def periods(scores: Floats, low: int, high: int, start: Floats | None) -> Floats:
        state = None
        if start is not None:
            columns = np.split(start, [1, 3, 5, 8, 14], axis=1)
            total, newest, mean, cov, pair, audience = (np.ascontiguousarray(c) for c in columns)
            state = Belief(mean, cov, total, newest, audience, pair)
        path = model.replay(scores, high, keep=True, since=low, start=state)[2]
        return np.ascontiguousarray(path[..., _KNOWN].transpose(1, 0, 2))

    def transform(scores: Floats, log_weights: Floats, t: int) -> Transform:
        frame = frame_of(model, normalised(log_weights) @ scores, t + 1)
        return transform_of(scores, log_weights, model.coordinates.labels, frame)

    return Problem(
        OBSERVABLES, model.coordinates, 0.5, 5, periods, transform,
        error=lambda name, t: not_finite(theory, model.structure, f"{name} of {dates[t]}"),
        named=lambda t: str(dates[t]),
    )  # fmt: skip


def track(
    study: Study,
    theory: Theory | str | Path,
    *,
    particles: int = 2000,
    seed: int,
    progress: Say = None,
    inputs: Inputs | None = None,
) -> Track:
    """Follow the posterior of a theory through every period of a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    theory
        From `beliefs.load_theory`, or what that takes: a name, an id or a file.
    particles
        Number of particles, at least 100. 2000 end where the sampler does on the bundled studies.
    seed
        Seed of everything random here.
    progress
        Called with a few words as periods are taken in.
    inputs
        What replaces `build_inputs(study)`.

    Returns
    -------
    Track
        Posterior, predictive densities and evidence after every period.

    Raises
    ------
    StudyError
        Too few particles, or the theory frees nothing on this study.

    Examples
    --------
    >>> beliefs.track(study, "base_rate", particles=200, seed=1).n_time
    26
    """
    theory = theory_of(theory)
    inputs = build_inputs(study) if inputs is None else inputs
    problem = _problem(Model.of(inputs, theory), theory, inputs.dates)
    seed = checked_seed(seed)
    scores = sequential.drawn_scores(problem, particles, seed)
    empty = Track.empty(problem, scores, seed, study=study, inputs=inputs, theory=theory)
    return follow(problem, empty, int(inputs.active.sum()), progress)


def advance(
    found: Track, study: Study, *, progress: Say = None, inputs: Inputs | None = None
) -> Track:
    """Go on with a track as the study grows or is revised.

    The result is what `track` gives for the new study, within Monte-Carlo error. Periods before the
    first whose inputs changed are kept; a late row or a revision makes the track go back to it.

    Parameters
    ----------
    found
        A track of an earlier state of the study.
    study
        The study now, of the same structure.
    progress
        Called with a few words as periods are taken in; says how far the track goes back.
    inputs
        What replaces `build_inputs(study)`.

    Returns
    -------
    Track
        A new one, of the study as it is now.

    Raises
    ------
    StudyError
        The study has other sides, indicators, channels, shocks or dates than the track.

    Examples
    --------
    >>> later = beliefs.load_study(study.path, as_of="2026-01-28")
    >>> beliefs.advance(tracked, later).n_time
    28
    """
    inputs = build_inputs(study) if inputs is None else inputs
    old, new = found.model(), found.model(inputs)
    if not same_but_longer(old.structure, new.structure):
        raise StudyError(
            "the study has another structure than the track", where=study.spec.name,
            found="other sides, periods, indicators, channels or shocks",
            expected="the study that was tracked, with more or revised rows", fix="track it anew",
        )  # fmt: skip
    n_time = int(inputs.active.sum())
    kept = first_change(old, new, min(found.n_time, n_time))
    if kept < found.n_time:
        (progress or to_log)(f"inputs of {inputs.dates[kept]} changed: back to the period before")
    here = replace(found.until(kept), study=study, inputs=inputs)
    longer = follow(_problem(new, found.theory, inputs.dates), here, n_time, progress)
    vars(longer)["_model"] = new  # with which the next rows are compared
    return longer


def same_but_longer(old: Structure, new: Structure) -> bool:
    """Tell whether a structure is another one, but for periods after its end."""
    return new.n_time >= old.n_time and replace(new, n_time=old.n_time) == old


def first_apart(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]], n_time: int) -> int:
    """Return the number of periods, at most `n_time`, before the first in which arrays differ."""
    for old, new in pairs:
        if new.ndim:
            apart = old[..., :n_time] != new[..., :n_time]
            apart = apart.any(axis=tuple(range(new.ndim - 1)))
            n_time = int(apart.argmax()) if apart.any() else n_time
    return n_time


def first_change(old: Model, new: Model, n_time: int) -> int:
    """Return the number of periods, at most `n_time`, before the first with other inputs."""
    n_time = first_apart(zip(old.by_period(), new.by_period(), strict=True), n_time)
    changed = (t for t in range(n_time) if old.measurements.of(t) != new.measurements.of(t))
    return next(changed, n_time)  # readings are listed one by one


@no_fastmath
def from_posterior(posterior: Posterior, particles: int, seed: int) -> Track:
    """Take over a posterior that was sampled, so that `advance` can go on from it.

    Its draws of the parameters, thinned evenly to `particles`, become particles of equal weight,
    whose beliefs the filter computes anew. The last active period becomes the first row of the
    track, which cannot go back before it.
    """
    study, inputs, theory = posterior.study, posterior.inputs, posterior.theory
    model, group = Model.of(inputs, theory), posterior.kept["posterior"]
    problem = _problem(model, theory, inputs.dates)
    # Draws follow one another chain by chain: even steps take as many of each.
    size = min(particles, posterior.size)
    chosen = (np.arange(size) * posterior.size) // size
    draws = {}
    for part in model.coordinates.parts:
        values = np.asarray(group[part.name].values, dtype=np.float64)
        draws[part.name] = values.reshape(-1, *values.shape[2:])[chosen]
    priors = {p.name: p.prior for p in free_parameters(theory, model.structure)}
    scores = rounded(model.coordinates.scores(draws, priors))
    n_time = int(inputs.active.sum())
    empty = Track.empty(problem, scores, seed, study=study, inputs=inputs, theory=theory)
    return replace(
        empty, generation=np.zeros(1, dtype=np.int64), log_weights=np.zeros((1, size)),
        state=problem.periods(scores, n_time - 1, n_time, None)[..., 3:8],
        predictive=np.full((1, 2), np.nan), taken=n_time,
    )  # fmt: skip


def as_known(study: Study, inputs: Inputs, n: int) -> tuple[Study, Inputs]:
    """Return the study as it was known after its first `n` periods, and its inputs."""
    known = load_study(study.path, as_of=inputs.ends[n - 1])
    return known, build_inputs(known)


def check_folder(study: Study, inputs: Inputs) -> None:
    """Refuse to go back to what a folder says of the past if it says other things by now."""
    again = build_inputs(load_study(study.path, as_of=study.as_of))
    for one, other in ((inputs, again), (inputs.observed, again.observed)):
        for name, values in vars(one).items():
            if isinstance(values, np.ndarray) and not np.array_equal(
                values, getattr(other, name), equal_nan=values.dtype.kind in "fM"
            ):
                raise ConflictError(
                    "the study's folder no longer holds what was tracked", where=str(study.path),
                    found=f"other values of {name}", expected="the rows that the track has seen",
                    fix="advance the track to the study as it is now",
                )  # fmt: skip


def track_known(track: Track, n: int) -> Track:
    """Return a track as it stood after its first `n` periods."""
    if n == track.n_time:
        return track
    study, inputs = as_known(track.study, track.inputs, n)
    if first_change(track.model(), track.model(inputs), n) < n:
        check_folder(track.study, track.inputs)
    return advance(track.until(n), study, inputs=inputs)


@no_fastmath
def posterior_at(track: Track, period: int, draws: int | None = None) -> Posterior:
    """Return equally weighted draws of the posterior after a period, one chain.

    Known is what was published by the end of the period (`track_known`). As many draws as the
    weights are worth when None.
    """
    track, n = track_known(track, period + 1), period + 1
    study, inputs, model = track.study, track.inputs, track.model()
    rng = np.random.default_rng([track.seed, period + 1, 1_000_000])
    log_weights = track.log_weights[track.row(period)]
    draws = draws or max(int(effective_size(log_weights)), 1)
    index = resample(log_weights, rng.random(), draws)
    scores = track.scores(period)[index]
    values = {name: v[None] for name, v in model.coordinates.params(scores).items()}
    if track.theory.beliefs:
        path = draw_paths(model.replay(scores, n, keep=True)[2], rng)[0]
        params, columns = model.params(scores), until(model.columns, n)
        values["innovation"] = innovations_along(path, params, columns, model.structure)[0][None]
    size = (1, len(index))
    stats = {"log_weight": np.zeros(size), "distinct_ancestor": index[None].astype(float)}
    tree = draws_tree(study, inputs, track.theory, values, stats)
    report = track.report(period)
    return Posterior(study, inputs, track.theory, tree, report, track.seed, {}, track=track)


def belief_now(track: Track) -> list[tuple[str, float, float, float]]:
    """Return side, mean and central 90 % of each belief after the last period, as probabilities.

    Quantiles of the mixture of the particles' Gaussians, by 41 nodes each.
    """
    if not track.theory.beliefs:
        return []
    nodes = np.asarray([NormalDist().inv_cdf((i + 0.5) / 41) for i in range(41)])
    weights = np.repeat(track.weights(), len(nodes)) / len(nodes)
    out = []
    for i, side in enumerate(track.structure.sides):
        sd = np.sqrt(track.cov[-1, :, 2 * i])
        p = logistic(np, track.mean[-1, :, i, None] + sd[:, None] * nodes).ravel()
        order = np.argsort(p)
        share = np.cumsum(weights[order])
        low, high = (float(p[order][np.searchsorted(share, q)]) for q in (0.05, 0.95))
        out.append((side, float(weights @ p), low, high))
    return out
