"""Two runs set side by side: what moved between them, and whether one can be had again.

Equal hashes mean equal bits. Where a run made again differs, the two posteriors are held against
their Monte-Carlo errors, and what else differs (versions, platform) is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from beliefs.errors import StudyError
from beliefs.evaluation.attribution import causes
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import moved, summarise
from beliefs.inference.posterior import Posterior
from beliefs.inference.sampled import sampled
from beliefs.inference.smc.track import Track, advance, from_posterior
from beliefs.inference.smc.track import track as track_all
from beliefs.model.contract import logistic
from beliefs.records.files import SEED, content_hash, environment, read_json, read_manifest
from beliefs.records.run import TRACK, load_run, load_track, planned, read_parts
from beliefs.shown import to_log
from beliefs.study.load import Study, load_study

FAMILY_ERROR = 0.001  # chance that two honest runs are called different, over all quantities
TABLES = ("indicators", "events", "talks", "coverage", "agreements")
EXAMPLES = 10  # rows of each table printed in full


def diff_runs(one: str | Path, two: str | Path) -> dict[str, Any]:
    """Return what differs between two runs of one study, the earlier origin first.

    ``rows`` by table (added, removed, examples of each); ``beliefs`` by side with the parts of the
    change; ``targets``, see `beliefs.forecasting.summary.moved`, of forecasts made anew from both
    posteriors without interventions; ``no_targets``, why there are none, or None.
    """
    first, second = load_run(one), load_run(two)
    both = ((one, first), (two, second))
    begun = [(p.study.spec.name, p.structure.sides, str(p.inputs.dates[0])) for _, p in both]
    if begun[0] != begun[1] or first.inputs.step_days != second.inputs.step_days:
        raise StudyError(
            "the two runs are of different confrontations", where=f"{one}, {two}",
            found=" and ".join(f"{n} of {', '.join(s)} from {day}" for n, s, day in begun),
            expected="two runs of one study", fix="choose another pair",
        )  # fmt: skip
    if second.origin < first.origin:
        raise StudyError(
            "the second run ends before the first", where=f"{one}, {two}",
            found=f"origins {first.origin} and {second.origin}", expected="the earlier run first",
            fix=f"beliefs diff {two} {one}",
        )  # fmt: skip
    targets: list[dict[str, Any]] = []
    failed = [(path, p.report.failures) for path, p in both if not p.report.passed]
    if failed:
        missing = f"{failed[0][0]} failed its convergence check: {'; '.join(failed[0][1])}"
    else:
        targets = moved(*(forecast(p, seed=SEED, baselines=False) for _, p in both))
        missing = f"no day forecast by {one} was still to come"
    return {
        "runs": [
            {
                "run": str(path), "as_of": str(p.study.as_of), "origin": str(p.origin),
                "theory": p.theory.name, "theory_sha256": p.theory.sha256,
            }
            for path, p in both
        ],
        "rows": {table: _moved_rows(first.study, second.study, table) for table in TABLES},
        "beliefs": moved_beliefs(first, second),
        "targets": targets,
        "no_targets": None if targets else missing,
    }  # fmt: skip


def _moved_rows(one: Study, two: Study, table: str) -> dict[str, Any]:
    """Return the rows that only one study holds; a revision adds one, what it revises stays."""
    one_rows, two_rows = (
        Counter(getattr(study, table).astype(str).fillna("").itertuples(index=False, name=None))
        for study in (one, two)
    )
    moved = {"added": two_rows - one_rows, "removed": one_rows - two_rows}
    examples = {f"{k}_examples": [list(r) for r in list(v)[:EXAMPLES]] for k, v in moved.items()}
    return {k: rows.total() for k, rows in moved.items()} | examples


def moved_beliefs(first: Posterior, second: Posterior) -> list[dict[str, Any]]:
    """Return how each side's belief at the origin changed, with its 90 % interval, and by what.

    ``parts`` sum to the ``change`` of the mean log-odds: what the second run makes of the first
    one's last day (``reread``: parameters learnt, late rows, hindsight), and every cause of the
    periods since (`beliefs.evaluation.attribution`), as the second run sees them.
    """
    if not (first.theory.beliefs and second.theory.beliefs):
        return []
    paths = [np.asarray(p.kept["posterior"]["logit_belief"].values) for p in (first, second)]
    old, new = (path.reshape(-1, *path.shape[2:]).astype(float) for path in paths)
    n, out, every = int(first.inputs.active.sum()), [], list(causes(second))
    for i, side in enumerate(first.structure.sides):
        before, after = old[:, i, -1], new[:, i, -1]
        reread = float(new[:, i, n - 1].mean() - before.mean())
        parts = [dict[str, Any](kind="reread", name="the past, seen anew", mean=reread)]
        for cause in every:
            push = np.broadcast_to(cause.push, (len(new), new.shape[-1]))[:, n:]
            if cause.side == i and (size := float(push.sum(axis=-1).mean())):
                parts.append({"kind": cause.kind, "name": cause.name, "mean": size})
        parts.sort(key=lambda part: -abs(part["mean"]))
        then, now = _interval(before), _interval(after)
        change = float(after.mean() - before.mean())
        out.append({"side": side, "then": then, "now": now, "change": change, "parts": parts})
    return out


def _interval(logit: np.ndarray[Any, Any]) -> dict[str, float]:
    p = logistic(np, logit)
    low, high = np.quantile(p, [0.05, 0.95])
    return {"mean": float(p.mean()), "lower": float(low), "upper": float(high)}


@dataclass(frozen=True)
class Reproduction:
    """What recomputing a run gave."""

    verdict: str  # bit-identical, within Monte-Carlo error or different
    posterior_identical: bool
    forecast_identical: bool | None  # None for a run without a forecast
    distance: float  # of means, see `monte_carlo_distance`; 0 where the bits agree
    limit: float
    worst: str
    environment: tuple[str, ...]  # what differs between then and now

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {**vars(self), "environment": list(self.environment)}


def reproduce(path: str | Path, *, progress: Callable[[str], None] | None = None) -> Reproduction:
    """Recompute a run, which is only read, with its own study, theory, seeds and settings."""
    folder, say = Path(path), progress or to_log
    say("read")
    manifest = read_manifest(folder)
    if (folder / TRACK).is_file():
        track, anew = load_track(folder), _tracked(folder, manifest, say)
        tree = anew.to_tree()
        # As many draws as the weights are worth, so that their errors are those of the particles.
        size = int(min(track.report().ess, anew.report().ess))
        kept, again = (t.at(t.ends[-1], draws=size) for t in (track, anew))
    else:
        kept = load_run(folder)
        settings, fit_seed = manifest["settings"], manifest["seed"]["fit"]
        again = sampled(kept.study, kept.theory, settings, seed=fit_seed, say=say)
        tree = again.kept
    same = content_hash(tree) == manifest["posterior_content_sha256"]
    result: bool | None = None
    if manifest["horizon"] is not None:
        say("forecast")
        ahead = forecast(
            again, manifest["horizon"], seed=manifest["seed"]["forecast"],
            interventions=planned(folder, manifest), allow_failed=True,
            actions="actions_content_sha256" in manifest,
        )  # fmt: skip
        result = summarise(ahead) == read_json(folder / "forecast.json")
    distance, limit, worst = (0.0, 0.0, "") if same else monte_carlo_distance(kept.kept, again.kept)
    if same and result is not False:
        verdict = "bit-identical"
    else:
        verdict = "within Monte-Carlo error" if distance <= limit else "different"
    now = environment()
    changed = tuple(
        f"{kind} {name}: {then} then, {now[kind].get(name, 'none')} now"
        for kind in ("versions", "platform")
        for name, then in manifest[kind].items()
        if now[kind].get(name) != then
    )
    return Reproduction(verdict, same, result, distance, limit, worst, changed)


def _tracked(folder: Path, manifest: Any, say: Callable[[str], None]) -> Track:
    """Return the track of a folder, made in one go, however many updates it took."""
    say("track")
    study, theory = read_parts(folder, manifest)
    seed, particles = manifest["seed"]["fit"], manifest["settings"]["particles"]
    start = manifest.get("start")
    if start is None:
        return track_all(study, theory, particles=particles, seed=seed, progress=say)
    early = load_study(folder / "study", as_of=start["as_of"])
    posterior = sampled(early, theory, start["settings"], seed=start["seed"]["fit"], say=say)
    return advance(from_posterior(posterior, particles, seed), study, progress=say)


def monte_carlo_distance(one: Any, two: Any) -> tuple[float, float, str]:
    """Return the largest ``|mean - mean| / sqrt(mcse^2 + mcse^2)`` of two DataTrees, and of what.

    Second is what it stays below with probability 0.999 when both estimate the same (Bonferroni
    over all quantities).
    """
    import arviz as az  # seconds to load, and runs that agree to the bit need none

    a, b = one["posterior"].to_dataset(), two["posterior"].to_dataset()
    if set(a.data_vars) != set(b.data_vars):  # xarray leaves out what only one has
        raise ValueError("the two posteriors hold other variables")
    draws = ("chain", "draw")
    error = np.sqrt(az.mcse(a, method="mean") ** 2 + az.mcse(b, method="mean") ** 2)
    worst, where, count = 0.0, "", 0
    for name, gap in abs(a.mean(draws) - b.mean(draws)).data_vars.items():
        ratio = np.where(gap > 0, np.inf, 0.0)  # what never varies has no error: it must be equal
        np.divide(gap.values, error[name].values, out=ratio, where=error[name].values > 0)
        count += ratio.size
        if ratio.size and ratio.max() > worst:
            worst, where = float(ratio.max()), str(name)
    return worst, -float(ndtri(FAMILY_ERROR / (2 * max(count, 1)))), where
